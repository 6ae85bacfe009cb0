// Command machines runs what several machines would run, on one PostgreSQL: a web
// handler that takes forms, and two worker processes that decide who gets them.
// The handler writes into a table of its own and the lead in one transaction, and
// the accounts that leads are matched to are rows of the host's table of customers.
//
//	go run ./examples/machines                            a server of its own, if PostgreSQL is installed
//	go run ./examples/machines -dsn postgres://user@host/db   a database of yours, in the schema leadloop_example
//	go run ./examples/machines -listen localhost:8080     stay, and take forms: POST /leads, GET /leads/{id}
//
// Without -listen it sends itself twenty forms, kills one worker in the middle, and
// says who got which lead.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/leadloop/leadloop/store/postgres"
	"github.com/leadloop/leadloop/store/postgres/postgrestest"
)

// schema is where the tables of the example stand.
const schema = "leadloop_example"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "machines:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	f := flag.NewFlagSet("machines", flag.ContinueOnError)
	dsn := f.String("dsn", "", "connection string of a database; without it a server is started from the binaries on this machine")
	listen := f.String("listen", "", "address to take forms at until interrupted, such as localhost:8080")
	work := f.Bool("worker", false, "be a worker, as the program starts them itself")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *work {
		return worker(ctx, *dsn)
	}
	if *dsn == "" {
		server, err := postgrestest.Start()
		if err != nil {
			return fmt.Errorf("no PostgreSQL: %w\ninstall it, or name a database: -dsn postgres://user:password@host/database", err)
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		*dsn = server.DSN
	}
	pool, err := pgxpool.New(ctx, *dsn)
	if err != nil {
		return fmt.Errorf("-dsn can't be read: expected postgres://user@host/database")
	}
	defer pool.Close()
	st, err := postgres.New(ctx, pool, postgres.Options{Schema: schema})
	if err != nil {
		return err
	}
	site, err := newSite(ctx, pool, st)
	if err != nil {
		return err
	}

	address := "localhost:0"
	if *listen != "" {
		address = *listen
	}
	socket, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: site.handler(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- web.Serve(socket) }()
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, web.Shutdown(late))
		if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
			err = errors.Join(err, stopped)
		}
	}()

	var workers []*exec.Cmd
	for range 2 {
		w, err := hire(ctx, *dsn)
		if err != nil {
			return err
		}
		workers = append(workers, w)
	}
	defer func() {
		for _, w := range workers {
			_ = w.Process.Signal(os.Interrupt)
			_ = w.Wait() // a worker that was killed says so
		}
	}()
	if *listen != "" {
		if _, err := fmt.Fprintf(out, "two workers, and forms at http://%s/leads:\n  curl -d email=ana@acme.example -d last_name=Costa -d company=Acme http://%s/leads\n", socket.Addr(), socket.Addr()); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}
	return demonstrate(ctx, out, "http://"+socket.Addr().String(), workers[0])
}

// hire starts this program once more, as a worker.
func hire(ctx context.Context, dsn string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := exec.CommandContext(context.WithoutCancel(ctx), self, "-worker", "-dsn", dsn)
	w.Stderr = os.Stderr
	return w, w.Start()
}

// demonstrate sends twenty forms, kills a worker after ten, and waits for every
// owner.
func demonstrate(ctx context.Context, out io.Writer, address string, victim *exec.Cmd) error {
	var ids []string
	for i := range 20 {
		if i == 10 {
			if err := victim.Process.Kill(); err != nil {
				return err
			}
		}
		company := fmt.Sprintf("company%02d", i)
		form := url.Values{"email": {"ana@" + company + ".example"}, "last_name": {"Costa"}, "title": {[]string{"VP of Sales", "Analyst"}[i%2]}, "company": {company}}
		var answer struct{ ID string }
		if err := call(ctx, http.MethodPost, address+"/leads", form, &answer); err != nil {
			return err
		}
		ids = append(ids, answer.ID)
	}
	owners := map[string]int{}
	for _, id := range ids {
		var lead status
		for lead.Outcome == "" {
			if err := call(ctx, http.MethodGet, address+"/leads/"+id, nil, &lead); err != nil {
				return err
			}
			if err := pause(ctx, 20*time.Millisecond); err != nil {
				return err
			}
		}
		if lead.Signups != 1 {
			return fmt.Errorf("lead %s has %d signups", id, lead.Signups)
		}
		owners[lead.Outcome+" "+lead.Owner+lead.Queue]++
	}
	_, err := fmt.Fprintf(out, "20 forms, each a signup and a lead in one transaction; a worker killed after 10\n"+
		"all decided: %v\n", owners)
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func call(ctx context.Context, method, address string, form url.Values, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return fmt.Errorf("%s: %s: %s", address, response.Status, text)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

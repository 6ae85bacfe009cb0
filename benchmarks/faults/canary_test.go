package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/faulttest"
	"github.com/leadloop/leadloop/store/postgres"
	"github.com/leadloop/leadloop/store/postgres/postgrestest"
)

// The personal strings of who is erased; a bystander has none of them.
const (
	canary      = "canary5f0c" // the server's own tables speak of canaries
	canaryPhone = "+14157778889"
)

func sings(text string) bool {
	return strings.Contains(strings.ToLower(text), canary) || strings.Contains(text, canaryPhone[2:])
}

func canarySubmission(key, mail string, at time.Time) leadloop.Submission {
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
	return leadloop.Submission{Key: key, Source: "form", ReceivedAt: at, Claims: []leadloop.Claim{
		leadloop.Email.Claim(mail, e), leadloop.FirstName.Claim("Canary5f0c", e), leadloop.LastName.Claim("McCanary5f0c", e),
		leadloop.Phone.Claim(canaryPhone, e), leadloop.Title.Claim("Chief Canary5f0c", e), leadloop.Seniority.Claim("c_level", e),
		leadloop.Domain.Claim("flightcage.com", e), leadloop.Employees.Claim(900, e),
	}, Activities: []leadloop.Activity{{ID: key + ":demo", Type: "demo_request", At: at}}}
}

// quiet is a buffer that several goroutines log to.
type quiet struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (q *quiet) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.b.Write(p)
}

// inFiles are the files below a folder in which a canary sings.
func inFiles(t *testing.T, folder string) (found []string) {
	t.Helper()
	if err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the server removed it meanwhile
		}
		if err == nil && sings(string(data)) {
			found = append(found, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// inTables are the tables in which a canary sings, as a dump would show them.
func inTables(t *testing.T, pool *pgxpool.Pool) (found []string) {
	t.Helper()
	ctx := t.Context()
	rows, err := pool.Query(ctx, `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'leadloop'`)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil || len(tables) < 15 {
		t.Fatal(tables, err)
	}
	for _, name := range tables {
		var n int
		if err := pool.QueryRow(ctx, "SELECT count(*) FROM "+name+" AS r WHERE lower(r::text) LIKE $1 OR r::text LIKE $2", "%"+canary+"%", "%"+canaryPhone[2:]+"%").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			found = append(found, name)
		}
	}
	return found
}

// TestAfterAnErasureNoCanarySingsInPostgreSQL goes through tables, table files,
// the server's log, ours, errors, tasks and exports. The write-ahead log is
// another matter, and the test holds us to saying so.
func TestAfterAnErasureNoCanarySingsInPostgreSQL(t *testing.T) {
	postgrestest.DSN(t) // skips where there is no server
	server, err := postgrestest.Start()
	if err != nil {
		t.Skipf("a server of its own is needed: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	ctx := t.Context()
	st, err := postgres.Open(ctx, server.DSN, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	pool, err := pgxpool.New(ctx, server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)

	tokens, err := privacy.NewTokens("faults", bytes.Repeat([]byte{7}, privacy.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	var crm []privacy.Subject
	outage := true
	eraser, err := privacy.NewEraser(st, tokens, map[string]privacy.System{"crm": privacy.SystemFunc(func(_ context.Context, s privacy.Subject) error {
		if outage {
			outage = false
			return errors.New("the CRM is down")
		}
		crm = append(crm, s)
		return nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	var log quiet
	loop, err := newLoop(ctx, st, playbook.Options{Eraser: eraser, Engine: engine.Options{
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Handlers: map[string]engine.Handler{leadloop.TaskNotify: engine.HandlerFunc(func(context.Context, leadloop.Task) error {
			return errors.New("the messenger is down") // its tasks stay
		})},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}

	// Many at once, so that transactions fail and the server logs why.
	at := time.Now().UTC().Add(-time.Hour)
	var said quiet
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			mail := []string{"canary5f0c.one@flightcage.com", "canary5f0c.two@flightcage.com"}[i%2]
			if _, err := loop.Process(ctx, canarySubmission("form-canary5f0c-"+string(rune('a'+i)), mail, at), at); err != nil {
				_, _ = said.Write([]byte(err.Error()))
			}
		})
	}
	all.Wait()
	bystander := submissionOf("form-1", "bishop", at)
	if _, err := loop.Process(ctx, bystander, at); err != nil {
		t.Fatal(err)
	}
	work := func(now time.Time) {
		t.Helper()
		for {
			n, err := loop.Work(ctx, now, 50)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				return
			}
		}
	}
	work(at.Add(2 * time.Minute))
	people := []privacy.Person{{Email: "canary5f0c.one@flightcage.com"}, {Email: "canary5f0c.two@flightcage.com"}}
	for _, p := range people {
		before, err := privacy.ExportPerson(ctx, st, tokens, p, at)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := json.Marshal(before); err != nil || !sings(string(b)) {
			t.Fatalf("the export before says nothing: %v", err)
		}
	}
	checkpoint := func() {
		t.Helper()
		if _, err := pool.Exec(ctx, "CHECKPOINT"); err != nil {
			t.Fatal(err)
		}
	}
	checkpoint()
	if len(inTables(t, pool)) < 3 || len(inFiles(t, filepath.Join(server.Data(), "base"))) < 3 {
		t.Fatal("hardly a canary before the erasure: the test shows nothing")
	}

	for i, p := range people {
		receipt, err := eraser.Erase(ctx, privacy.Request{ID: []string{"dsr-1", "dsr-2"}[i], Person: p, At: time.Now()})
		if err != nil || receipt.State != privacy.StatePending || sings(receipt.String()) {
			t.Errorf("%v, %v", receipt, err)
		}
	}
	if found := inTables(t, pool); len(found) > 0 {
		t.Errorf("before the CRM has answered a canary sings in %v", found)
	}
	if err := faulttest.Check(ctx, st, faulttest.Rules{Keys: []string{bystander.Key}}); err != nil {
		t.Errorf("before the CRM has answered: %v", err)
	}
	work(time.Now().Add(time.Hour)) // the CRM fails once
	work(time.Now().Add(2 * time.Hour))
	if len(crm) != 2 {
		t.Errorf("the CRM was told of %d people", len(crm))
	}
	// What arrives later is not stored either.
	again := canarySubmission("form-later", "canary5f0c.one@flightcage.com", time.Now().UTC())
	if res, err := loop.Process(ctx, again, again.ReceivedAt); err != nil || res.Outcome.Reason != privacy.ReasonErased {
		t.Errorf("what arrives later: %+v, %v", res.Outcome, err)
	}
	if err := st.Scrub(ctx); err != nil {
		t.Fatal(err)
	}
	checkpoint()
	if found := inTables(t, pool); len(found) > 0 {
		t.Errorf("a canary sings in the tables %v", found)
	}
	if found := inFiles(t, filepath.Join(server.Data(), "base")); len(found) > 0 {
		t.Errorf("a canary sings in the files %v", found)
	}
	for i, p := range people {
		after, err := privacy.ExportPerson(ctx, st, tokens, p, at)
		b, _ := json.Marshal(after)
		if err != nil || sings(strings.ReplaceAll(string(b), p.Email, "")) {
			t.Errorf("export after the erasure: %s, %v", b, err)
		}
		if receipt, err := eraser.Receipt(ctx, []string{"dsr-1", "dsr-2"}[i]); err != nil || receipt.State != privacy.StateDone || sings(receipt.String()) {
			t.Errorf("%v, %v", receipt, err)
		}
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		tasks, err := tx.Tasks().ByLead(ctx, "")
		for _, x := range tasks {
			if b, _ := json.Marshal(x); sings(string(b)) {
				t.Errorf("task %s sings", x.Key)
			}
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if log.b.Len() == 0 || sings(log.b.String()) {
		t.Errorf("our log, of %d bytes, is empty or sings", log.b.Len())
	}
	if sings(said.b.String()) {
		t.Errorf("an error sings: %s", said.b.String())
	}
	if sings(server.Log()) {
		t.Errorf("the server's log sings:\n%s", server.Log())
	}
	if len(inFiles(t, filepath.Join(server.Data(), "pg_wal"))) == 0 {
		t.Error("no canary in the write-ahead log: the documentation says that it keeps them until it is recycled")
	}
}

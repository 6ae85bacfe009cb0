package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres"
)

//go:embed playbook
var files embed.FS

// rules loads the playbook, with the key of the suppression list, which is a
// secret of the host in real life.
func rules() (*playbook.Playbook, *privacy.Tokens, error) {
	folder, err := fs.Sub(files, "playbook")
	if err != nil {
		return nil, nil, err
	}
	pb, problems := playbook.Load(folder)
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	tokens, err := privacy.NewTokens("2026", []byte("an example key of 32 bytes or more"))
	return pb, tokens, err
}

// someCustomers are those that the site has already, each with who looks after them.
const someCustomers = "INSERT INTO " + schema + ".customers VALUES ('C1', 'Company 1', 'company01.example', 'mo') ON CONFLICT DO NOTHING"

// worker decides about what was submitted, until it is interrupted.
func worker(ctx context.Context, dsn string) error {
	st, err := postgres.Open(ctx, dsn, postgres.Options{Schema: schema})
	if err != nil {
		return err
	}
	pb, tokens, err := rules()
	if err != nil {
		return errors.Join(err, st.Close())
	}
	// What a worker holds when it dies is taken up by another after Hold.
	loop, err := pb.Loop(ctx, withCustomers{st}, playbook.Options{Tokens: tokens, Engine: engine.Options{Workers: 2, Hold: 5 * time.Second, Poll: 50 * time.Millisecond}})
	if err != nil {
		return errors.Join(err, st.Close())
	}
	return errors.Join(loop.Run(ctx), st.Close())
}

// site is the host's own program: its table, its forms.
type site struct {
	pool   *pgxpool.Pool
	store  *postgres.Store
	pb     *playbook.Playbook
	tokens *privacy.Tokens
	form   *capture.Capture
}

func newSite(ctx context.Context, pool *pgxpool.Pool, st *postgres.Store) (*site, error) {
	pb, tokens, err := rules()
	if err != nil {
		return nil, err
	}
	form, err := capture.New(pb.Schema(), capture.Source{Name: "signup-form", LeadSource: "website"})
	if err != nil {
		return nil, err
	}
	for _, text := range []string{
		"CREATE TABLE IF NOT EXISTS " + schema + ".signups (lead text PRIMARY KEY, company text NOT NULL, at timestamptz NOT NULL)",
		createCustomers, someCustomers,
	} {
		if _, err := pool.Exec(ctx, text); err != nil {
			return nil, err
		}
	}
	return &site{pool, st, pb, tokens, form}, nil
}

func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /leads", s.submit)
	mux.HandleFunc("GET /leads/{id}", s.status)
	return mux
}

// submit takes a form: the signup and the lead are there both or not at all.
func (s *site) submit(w http.ResponseWriter, r *http.Request) {
	values := map[string]string{
		"lead.email": r.FormValue("email"), "lead.last_name": r.FormValue("last_name"),
		"lead.title": r.FormValue("title"), "company.name": r.FormValue("company"),
	}
	now := time.Now().UTC()
	submission, _, err := s.form.Submission(capture.Payload{Values: values, ReceivedAt: now}, now)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx := r.Context()
	var result engine.Result
	for {
		err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
			// A loop over the host's transaction: it only submits, workers decide.
			loop, err := s.pb.Loop(ctx, withCustomers{s.store.In(tx)}, playbook.Options{Tokens: s.tokens})
			if err != nil {
				return err
			}
			if result, err = loop.Submit(ctx, submission); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, "INSERT INTO "+schema+".signups VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", result.Record, r.FormValue("company"), now)
			return err
		})
		// Two forms at one moment may be in each other's way: once more, from
		// the start, as with any serializable transaction.
		if !postgres.Conflict(err) {
			break
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]any{"ID": result.Record})
}

// status is what the site knows about a lead.
type status struct {
	Outcome, Owner, Queue string
	Signups               int
}

func (s *site) status(w http.ResponseWriter, r *http.Request) {
	var out status
	ctx, id := r.Context(), leadloop.LeadID(r.PathValue("id"))
	err := s.store.View(ctx, func(tx store.Tx) error {
		lead, err := store.Resolve(ctx, tx.Leads(), id)
		if err != nil {
			return err
		}
		out.Outcome, out.Owner, out.Queue = string(lead.State.Disposition), string(lead.State.Owner), lead.State.Queue
		// The host's own table, at the same moment.
		pg, err := postgres.Tx(ctx, tx)
		if err != nil {
			return err
		}
		return pg.QueryRow(ctx, "SELECT count(*) FROM "+schema+".signups WHERE lead = $1", id).Scan(&out.Signups)
	})
	switch {
	case errors.Is(err, leadloop.ErrNotFound):
		http.Error(w, "there is no such lead", http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_ = json.NewEncoder(w).Encode(out)
}

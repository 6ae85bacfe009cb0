package postgres

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres/postgrestest"
)

// plans collects what the server says of the statements it ran.
type plans struct {
	mu   sync.Mutex
	text []string
}

func (p *plans) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.text
	p.text = nil
	return text
}

// TestStatementsReadOnlyWhatTheyAnswerWith runs the calls of a busy loop on
// 20,000 leads and looks at the plans that the server really used.
func TestStatementsReadOnlyWhatTheyAnswerWith(t *testing.T) {
	schema := newSchema(t)
	config, err := pgxpool.ParseConfig(postgrestest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	var seen plans
	config.ConnConfig.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if strings.Contains(n.Message, "plan:") {
			seen.mu.Lock()
			seen.text = append(seen.text, n.Message)
			seen.mu.Unlock()
		}
	}
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, `LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on;
			SET auto_explain.log_timing = off; SET auto_explain.log_nested_statements = on; SET client_min_messages = log`)
		return err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pool.Ping(t.Context()); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("the role may not load auto_explain, which says how statements were run")
	}
	s, err := New(t.Context(), pool, Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	const leads, kinds = 20_000, 5
	for from := 0; from < leads; from += 2_000 {
		if err := s.Update(t.Context(), func(tx store.Tx) error {
			var batch []leadloop.Task
			for i := from; i < from+2_000; i++ {
				id := leadloop.LeadID(fmt.Sprint("L", i))
				l := &leadloop.Lead{ID: id, Identifiers: []leadloop.Identifier{{Kind: "email", Value: fmt.Sprint(i)}}}
				l.State.Owner, l.State.OwnerSince, l.State.Disposition = leadloop.RepID(fmt.Sprint("rep", i%1000)), now, leadloop.OutcomeAssigned
				if _, err := tx.Leads().Put(t.Context(), l); err != nil {
					return err
				}
				if err := tx.Journal().Append(t.Context(), leadloop.Event{Lead: id, At: now}); err != nil {
					return err
				}
				due := now.Add(time.Duration(i%24-12) * time.Hour) // half of them are timers of later
				batch = append(batch, leadloop.Task{Key: fmt.Sprint("T", i), Kind: fmt.Sprint("kind", i%kinds), Lead: id, DueAt: due, Priority: i % 7})
			}
			return tx.Tasks().Add(t.Context(), batch...)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, c := range []struct {
		name string
		do   func(tx store.Tx) error
		rows int // that a step of a plan may read and throw away
	}{
		{"a lead is read", func(tx store.Tx) error { _, err := tx.Leads().Get(ctx, "L77"); return err }, 0},
		{"leads are matched", func(tx store.Tx) error {
			_, err := tx.Leads().Match(ctx, []leadloop.Identifier{{Kind: "email", Value: "77"}, {Kind: "email", Value: "78"}})
			return err
		}, 0},
		{"a lead is put", func(tx store.Tx) error {
			l, err := tx.Leads().Get(ctx, "L77")
			if err == nil {
				_, err = tx.Leads().Put(ctx, l)
			}
			return err
		}, 1},
		{"a workload is counted", func(tx store.Tx) error { _, err := tx.Leads().Workload(ctx, "rep7", now); return err }, 20},
		{"a page of leads is read", func(tx store.Tx) error { _, err := tx.Leads().List(ctx, "L5", 10); return err }, 0},
		{"a lead's journal is read", func(tx store.Tx) error {
			for _, err := range tx.Journal().ByLead(ctx, "L77") {
				if err != nil {
					return err
				}
			}
			return nil
		}, 0},
		{"entries are added", func(tx store.Tx) error {
			return tx.Journal().Append(ctx, leadloop.Event{Lead: "L77", At: now})
		}, 0},
		{"tasks of some kinds are leased", func(tx store.Tx) error {
			_, err := tx.Tasks().Lease(ctx, now, time.Minute, 10, "kind1", "kind3")
			return err
		}, 35},
		{"tasks are leased", func(tx store.Tx) error { _, err := tx.Tasks().Lease(ctx, now, time.Minute, 10); return err }, 35},
		{"the next due task is found", func(tx store.Tx) error { _, _, err := tx.Tasks().NextDue(ctx); return err }, 35},
		{"a task is finished", func(tx store.Tx) error {
			x, err := tx.Tasks().Get(ctx, "T1")
			if err == nil {
				err = tx.Tasks().Finish(ctx, x, leadloop.TaskDone)
			}
			if err != nil && x.Lease == 0 {
				err = nil // it was not among those leased
			}
			return err
		}, 0},
		{"a key is claimed", func(tx store.Tx) error { _, _, err := tx.Keys().Claim(ctx, "new", "L77"); return err }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen.take()
			if err := s.Update(ctx, c.do); err != nil {
				t.Fatal(err)
			}
			all := seen.take()
			if len(all) == 0 {
				t.Fatal("the server showed no plan")
			}
			for _, plan := range all {
				if problem := wasteful(plan, c.rows); problem != "" {
					t.Errorf("%s:\n%s", problem, plan)
				}
			}
		})
	}
}

var (
	scans   = regexp.MustCompile(`Seq Scan on (\w+)`)
	removed = regexp.MustCompile(`Rows Removed by (?:Join )?Filter: (\d+)`)
	read    = regexp.MustCompile(`Scan[^\n]*\(actual rows=(\d+) loops=(\d+)\)`)
)

// wasteful says what a plan does too much of.
func wasteful(plan string, rows int) string {
	if m := scans.FindStringSubmatch(plan); m != nil {
		return "all of " + m[1] + " is read"
	}
	for _, m := range removed.FindAllStringSubmatch(plan, -1) {
		if n, err := strconv.Atoi(m[1]); err != nil || n > rows {
			return m[1] + " rows are read for nothing"
		}
	}
	for _, m := range read.FindAllStringSubmatch(plan, -1) {
		if n, err := strconv.Atoi(m[1]); err != nil || n > 400 {
			return m[1] + " rows are read at once"
		}
	}
	return ""
}

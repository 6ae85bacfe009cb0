package sqlite

import (
	"database/sql/driver"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// plan returns SQLite's plan of a query.
func plan(t *testing.T, c *conn, query string) []string {
	t.Helper()
	var steps []string
	if err := c.once(t.Context(), "EXPLAIN QUERY PLAN "+query, func(r *row) {
		r.next = 3
		steps = append(steps, r.text())
	}, arguments()...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return steps
}

// whole are the statements that read a whole table because that is what they
// are asked for.
var whole = map[string]string{
	"SELECT document FROM opportunities ORDER BY id": "the opportunities of all accounts",
	"SELECT document FROM reps ORDER BY id":          "all reps",
	taskColumns + "ORDER BY due_at, key":             "the tasks of all leads",
}

// TestNoStatementScansATable runs every method, and then looks at the plan of
// every statement that was prepared.
func TestNoStatementScansATable(t *testing.T) {
	s := openAt(t, newPath(t), Options{})
	exercise(t, s)
	for name, p := range map[string]*pool{"writer": &s.writer, "reader": &s.readers} {
		c, err := p.take(t.Context(), s.done)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for query := range c.statements {
			if _, ok := whole[query]; ok || !strings.ContainsAny(query, " ") {
				continue
			}
			if strings.HasPrefix(query, "BEGIN") {
				continue
			}
			seen++
			for _, step := range plan(t, c, query) {
				switch {
				case strings.HasPrefix(step, "SCAN i VIRTUAL TABLE"): // json_each over one document
				case strings.HasPrefix(step, "SCAN tasks USING COVERING INDEX tasks_") && strings.Contains(query, "LIMIT 1"):
					// The first entry of an index.
				case strings.HasPrefix(step, "SCAN"), strings.Contains(step, "TEMP B-TREE"), strings.Contains(step, "AUTOMATIC"):
					t.Errorf("%s: %s\n%s", name, step, query)
				}
			}
		}
		if seen < 10 {
			t.Errorf("%s: only %d statements were prepared", name, seen)
		}
		p.put(t.Context(), c)
	}
}

func TestHotStatementsUseTheirIndex(t *testing.T) {
	s := openAt(t, newPath(t), Options{})
	c, err := s.writer.take(t.Context(), s.done)
	if err != nil {
		t.Fatal(err)
	}
	defer s.writer.put(t.Context(), c)
	for _, q := range []struct{ name, query, want string }{
		{"a lead by id", "SELECT document FROM leads WHERE id = ?1", "INDEX sqlite_autoindex_leads_1 (id=?)"},
		{"leads by identifier", leadIdentifiers.find.sizes[len(leadIdentifiers.find.sizes)-1], "PRIMARY KEY (kind=? AND value=?)"},
		{"what is due", taskColumns + `WHERE state = 'pending' AND kind = ?1 AND priority = ?2 AND due_at <= ?3 AND free_at <= ?3
			ORDER BY due_at, key LIMIT ?4+0`, "INDEX tasks_pending (kind=? AND priority=? AND due_at<?)"},
		{"the next due", "SELECT free_at FROM tasks WHERE state = 'pending' AND kind = ?1 ORDER BY free_at LIMIT 1", "COVERING INDEX tasks_free (kind=?)"},
		{"a lead's events", eventColumns + "WHERE lead = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3+0", "INDEX events_of (lead=? AND seq>?)"},
		{"the latest decision", decisionColumns + "ORDER BY revision DESC LIMIT 1", "INDEX sqlite_autoindex_decisions_1 (lead=?)"},
		{"open leads of a rep", "SELECT count(*) FROM leads WHERE owner = ?1 AND merged_into = '' AND owner <> '' AND disposition = 'assigned'", "INDEX leads_open (owner=?)"},
		{"costs of a provider", "SELECT coalesce(sum(amount), 0) FROM costs WHERE provider = ?1 AND at >= ?2 AND at < ?3", "COVERING INDEX costs_of (provider=? AND at>? AND at<?)"},
	} {
		t.Run(q.name, func(t *testing.T) {
			steps := plan(t, c, q.query)
			if len(steps) != 1 || !strings.Contains(steps[0], q.want) {
				t.Errorf("want one step with %q, got %q", q.want, steps)
			}
		})
	}
}

// TestAStatementLeavesIndexesAloneWhoseEntriesStay: most of what a commit costs is
// the pages that it writes, and most of those are of indexes.
func TestAStatementLeavesIndexesAloneWhoseEntriesStay(t *testing.T) {
	s := openAt(t, newPath(t), Options{})
	c, err := s.writer.take(t.Context(), s.done)
	if err != nil {
		t.Fatal(err)
	}
	defer s.writer.put(t.Context(), c)
	names := map[int64]string{}
	if err := c.once(t.Context(), "SELECT rootpage, name FROM sqlite_schema", func(r *row) { names[r.int()] = r.text() }); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		updateSame: {"leads"}, updateLead: {"leads", "leads_open", "leads_owned"},
		leaseNow: {"tasks"}, leaseTask: {"tasks", "tasks_free"}, endTask: {"tasks", "tasks_ended", "tasks_free", "tasks_pending"},
	} {
		var got []string
		if err := c.once(t.Context(), "EXPLAIN "+query, func(r *row) {
			r.next = 1
			if r.text() != "OpenWrite" {
				return
			}
			r.next = 3
			if name := names[r.int()]; !strings.HasPrefix(name, "sqlite_autoindex_") { // opened, and the key stays
				got = append(got, name)
			}
		}, arguments()...); err != nil {
			t.Fatal(err)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s\nwrites %v, expected %v", query, got, want)
		}
	}
}

// arguments are enough for any statement.
func arguments() (args []driver.NamedValue) {
	for i := range 2 * largest {
		args = append(args, driver.NamedValue{Ordinal: i + 1, Value: "x"})
	}
	return args
}

// exercise calls every method of every role, reads from a View too.
func exercise(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	must := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
	}
	ids := []leadloop.Identifier{{Kind: "k", Value: "v"}}
	reads := func(tx store.Tx) error {
		drop := func(_ any, err error) error { return err }
		must(
			drop(tx.Leads().Get(ctx, "a")), drop(tx.Leads().Match(ctx, ids)), drop(tx.Leads().List(ctx, "", 9)), drop(tx.Leads().Workload(ctx, "r", now)),
			drop(tx.CRM().Account(ctx, "a")), drop(tx.CRM().MatchAccounts(ctx, ids)), drop(tx.CRM().Contact(ctx, "a")), drop(tx.CRM().MatchContacts(ctx, ids)), drop(tx.CRM().OpportunitiesOf(ctx, "a", "b")),
			drop(tx.CRM().Opportunities(ctx, "")), drop(tx.CRM().Opportunities(ctx, "a")), drop(tx.CRM().Reps(ctx)),
			drop(tx.Decisions().Latest(ctx, "a")), drop(tx.Decisions().ByLead(ctx, "a")), drop(tx.Keys().Lookup(ctx, "a")),
			drop(tx.Tasks().Get(ctx, "a")), drop(tx.Tasks().ByLead(ctx, "")), drop(tx.Tasks().ByLead(ctx, "a")),
			drop(tx.Rotations().Get(ctx, "a")), drop(tx.Costs().Total(ctx, "", now, now)), drop(tx.Costs().Total(ctx, "p", now, now)),
			drop(tx.Suppressions().Match(ctx, []string{"a"})), drop(tx.Playbooks().Get(ctx, "a")),
		)
		_, _, err := tx.Tasks().NextDue(ctx)
		must(err)
		_, _, err = tx.Cache().Get(ctx, "a", now)
		must(err)
		for _, err := range tx.Journal().ByLead(ctx, "a") {
			must(err)
		}
		for _, err := range tx.Journal().Since(ctx, 0) {
			must(err)
		}
		for _, err := range tx.Costs().Since(ctx, now) {
			must(err)
		}
		for _, err := range tx.Tasks().ByState(ctx, leadloop.TaskDead) {
			must(err)
		}
		return nil
	}
	must(s.Update(ctx, func(tx store.Tx) error {
		l := &leadloop.Lead{ID: "a", Identifiers: ids, State: leadloop.State{Owner: "r"}}
		_, err := tx.Leads().Put(ctx, l)
		must(err)
		l.Revision, l.Identifiers = 1, []leadloop.Identifier{{Kind: "k", Value: "w"}}
		_, err = tx.Leads().Put(ctx, l)
		must(err)
		_, _, err = tx.Keys().Claim(ctx, "a", "a")
		must(err)
		must(
			tx.CRM().PutAccount(ctx, leadloop.Account{ID: "a", Identifiers: ids}), tx.CRM().PutAccount(ctx, leadloop.Account{ID: "a"}),
			tx.CRM().PutContact(ctx, leadloop.Contact{ID: "a", Identifiers: ids}), tx.CRM().PutContact(ctx, leadloop.Contact{ID: "a"}),
			tx.CRM().PutAccount(ctx, leadloop.Account{ID: "b", Identifiers: ids}), tx.CRM().PutContact(ctx, leadloop.Contact{ID: "b", Identifiers: ids}),
			tx.CRM().PutOpportunity(ctx, leadloop.Opportunity{ID: "a"}), tx.CRM().PutRep(ctx, leadloop.Rep{ID: "a"}),
			tx.Journal().Append(ctx, leadloop.Event{Lead: "a"}), tx.Decisions().Put(ctx, leadloop.Decision{Lead: "a"}),
			tx.Tasks().Add(ctx, leadloop.Task{Key: "a", Kind: "k", Lead: "a"}, leadloop.Task{Key: "b", Kind: "k"}),
			tx.Rotations().Move(ctx, leadloop.LedgerMove{Pool: "a", To: "r"}), tx.Rotations().Move(ctx, leadloop.LedgerMove{Pool: "a", Revision: 1}),
			tx.Cache().Put(ctx, store.CacheEntry{Key: "a"}), tx.Cache().Purge(ctx, "", now), tx.Cache().Purge(ctx, "a", now),
			tx.Costs().Add(ctx, store.Cost{Provider: "p", At: now}), tx.Suppressions().Add(ctx, store.Suppression{Token: "a"}),
			tx.Playbooks().Put(ctx, "a", map[string][]byte{"f": nil}),
		)
		leased, err := tx.Tasks().Lease(ctx, now, time.Minute, 1)
		must(err, tx.Tasks().Finish(ctx, leased[0], leadloop.TaskDone), tx.Tasks().Cancel(ctx, "b"), reads(tx))
		return nil
	}))
	must(s.View(ctx, reads))
	must(s.Update(ctx, func(tx store.Tx) error {
		must(tx.Leads().Delete(ctx, "a"), tx.Decisions().DeleteLead(ctx, "a"), tx.Suppressions().Remove(ctx, "a"))
		return nil
	}))
}

func TestNoStatementIsCompiledAgainForItsLimit(t *testing.T) {
	bare := regexp.MustCompile(`LIMIT \?\d*(\D|$)`)
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			code, _, _ := strings.Cut(line, "//")
			if m := bare.FindString(code); m != "" && !strings.HasSuffix(m, "+") {
				t.Errorf("%s:%d: write LIMIT ?n+0", name, i+1)
			}
		}
	}
}

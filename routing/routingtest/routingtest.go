// Package routingtest holds tests of routing for those who write a playbook or
// a store: leads with where they have to go, and many leads at once.
//
// It guarantees that a chain which passes [Run] gives its cases what they want
// while everybody is there or as the cases say, and that with a store which
// passes [Concurrent] no lead is assigned twice and the ledger is exact. It
// can't prove the absence of races: run it with -race.
//
// Start with [Load] for a playbook's cases/*.yaml, or cases in Go, and [Run].
// The work is done by routing.RunCases, which needs no testing.T.
package routingtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
)

// Options are the optional parts of [Run].
type Options struct {
	// Score scores cases that say no tier: see routing.CaseOptions.
	Score func(ctx context.Context, p *leadloop.Profile, activities []leadloop.Activity, asOf time.Time) (leadloop.Score, error)
	// Unhit are entries that no case has to win by, each with the reason, which
	// the report prints. Nil only reports such entries; with a map, empty or not,
	// any other entry that no case wins by fails, as does one that is named here
	// and is won by, or is none.
	Unhit map[string]string
}

// Load reads files of cases for a router, such as "playbook/cases/*.yaml".
// Patterns are as in [filepath.Glob]; each must match a file. What is wrong with
// any file fails the test at once, with its position.
func Load(t testing.TB, r *routing.Router, patterns ...string) []routing.Case {
	t.Helper()
	var (
		cases    []routing.Case
		problems leadloop.Problems
	)
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err == nil && len(files) == 0 {
			err = errors.New("no such file")
		}
		if err != nil {
			problems.Add(leadloop.Position{File: pattern}, "%v", err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				problems.Join(err)
				continue
			}
			more, err := routing.ParseCases(file, data, r)
			problems.Join(err)
			cases = append(cases, more...)
		}
	}
	if err := problems.Err(); err != nil {
		t.Fatalf("cases:\n%v", err)
	}
	return cases
}

// Run routes every case as a sub-test of its name, and reports in the sub-test
// "coverage" which entries no case won by.
func Run(t *testing.T, r *routing.Router, cases []routing.Case, o Options) {
	t.Helper()
	run(t.Context(), tester{t}, r, cases, o)
}

// reporter is the part of *testing.T that the kit needs; tests of the kit pass
// another one.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	sub(name string, f func(reporter))
}

type tester struct{ *testing.T }

func (t tester) sub(name string, f func(reporter)) {
	t.Run(name, func(t *testing.T) {
		t.Helper()
		f(tester{t})
	})
}

func run(ctx context.Context, t reporter, r *routing.Router, cases []routing.Case, o Options) {
	t.Helper()
	report, err := routing.RunCases(ctx, r, cases, routing.CaseOptions{Score: o.Score})
	if err != nil {
		t.Errorf("cases:\n%v", err)
		return
	}
	for i := range report.Results {
		res := &report.Results[i]
		t.sub(res.Case.Name, func(t reporter) {
			t.Helper()
			if len(res.Misses) > 0 {
				t.Errorf("%s", res)
			}
		})
	}
	t.sub("coverage", func(t reporter) {
		t.Helper()
		coverage(t, &report, o.Unhit)
	})
}

func coverage(t reporter, report *routing.CaseReport, except map[string]string) {
	t.Helper()
	unhit := report.Unhit()
	for _, id := range unhit {
		switch reason, ok := except[id]; {
		case ok && strings.TrimSpace(reason) == "":
			t.Errorf("routingtest: the exception %q gives no reason", id)
		case ok:
			t.Logf("no case wins by %s: %s", id, reason)
		case except == nil:
			t.Logf("no case wins by %s", id)
		default:
			t.Errorf("no case wins by %s", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(except)) {
		if !slices.Contains(unhit, id) {
			t.Errorf("routingtest: the exception %q is not needed: a case wins by it, or there is no such entry", id)
		}
	}
}

// The leads that Concurrent routes: by 32 goroutines, each of them twice.
const (
	workers = 32
	each    = 8
)

const sharedPool = `
teams: [{id: t, members: [ana, ben, cem, dan, eve]}]
reps: [{id: ana}, {id: ben, weight: 37}, {id: cem, weight: 80}, {id: dan, weight: 50}, {id: eve, max_open: 9}]
pools: [{id: p, team: t}]
queues: [{id: q}]
chain: [{id: all, target: {pool: p}}]
final: q
`

// Concurrent routes leads through one pool from many goroutines, two of which
// want each lead, and checks that every lead has one owner, that the ledger
// has moved once for each and sums to nothing, and that nobody is two leads
// away from its share although one member is full before long. The store is
// fresh and has transactions and revisions.
func Concurrent(t *testing.T, st store.Store) {
	t.Helper()
	def, err := routing.Parse("routing.yaml", []byte(sharedPool))
	if err != nil {
		t.Fatal(err)
	}
	schema := leadloop.StandardSchema()
	r, err := routing.New(def, routing.SLADefinition{}, schema, routing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stage, at := routing.NewStage(r, st), time.Date(2026, time.January, 7, 12, 0, 0, 0, time.UTC)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				id := leadloop.LeadID(fmt.Sprintf("%02d-%02d", w/2, i))
				for {
					err := commit(t.Context(), st, stage, leadloop.Subject{
						Lead: &leadloop.Lead{ID: id, ReceivedAt: at}, Profile: schema.NewProfile(), AsOf: at, Trigger: leadloop.TriggerSubmission,
					})
					if err == nil {
						break
					}
					if !errors.Is(err, leadloop.ErrConflict) {
						t.Errorf("lead %s: %v", id, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if err := st.View(t.Context(), func(tx store.Tx) error { return checkShared(t, tx) }); err != nil {
		t.Fatal(err)
	}
}

// commit decides about a new lead and writes what was decided, unless somebody
// else was faster.
func commit(ctx context.Context, st store.Store, stage leadloop.Stage, s leadloop.Subject) error {
	err := st.View(ctx, func(tx store.Tx) error {
		_, err := tx.Leads().Get(ctx, s.Lead.ID)
		return err
	})
	if err == nil || !errors.Is(err, leadloop.ErrNotFound) {
		return err
	}
	_, e, err := stage.Decide(ctx, s)
	if err != nil {
		return err
	}
	return st.Update(ctx, func(tx store.Tx) error {
		lead := s.Lead.Clone()
		lead.State = *e.State
		if _, err := tx.Leads().Put(ctx, lead); err != nil {
			return err
		}
		for _, m := range e.Ledger {
			if err := tx.Rotations().Move(ctx, m); err != nil {
				return err
			}
		}
		return tx.Journal().Append(ctx, e.Events...)
	})
}

func checkShared(t *testing.T, tx store.Tx) error {
	const leads = workers / 2 * each
	assigned, owners := map[leadloop.LeadID]int{}, map[leadloop.RepID]int64{}
	for e, err := range tx.Journal().Since(t.Context(), 0) {
		if err != nil {
			return err
		}
		if e.Kind == leadloop.EventAssigned {
			assigned[e.Lead]++
			owners[leadloop.RepID(e.To)]++
		}
	}
	for id, n := range assigned {
		if n != 1 {
			t.Errorf("lead %s was assigned %d times", id, n)
		}
	}
	r, err := tx.Rotations().Get(t.Context(), "p")
	if err != nil {
		return err
	}
	if len(assigned) != leads || r.Revision != leads {
		t.Errorf("%d leads are assigned and the ledger moved %d times, want %d", len(assigned), r.Revision, leads)
	}
	var total leadloop.Owed
	for _, b := range r.Balances {
		total += b.Owed
		if b.Count != owners[b.Member] {
			t.Errorf("the ledger counts %d leads of %s, the journal %d", b.Count, b.Member, owners[b.Member])
		}
		if b.Owed <= -2*leadloop.OneLead || b.Owed >= 2*leadloop.OneLead {
			t.Errorf("%s is owed %d millionths of a lead", b.Member, b.Owed)
		}
	}
	if total != 0 {
		t.Errorf("the ledger sums to %d", total)
	}
	if owners["eve"] != 9 {
		t.Errorf("eve has %d leads and room for 9", owners["eve"])
	}
	return nil
}

// Package routingtest holds tests of routing for those who write a playbook or
// a store: leads with where they have to go, and many leads at once.
//
// It guarantees that a chain which passes [Run] gives its cases what they want
// while everybody is there or as their reader says, and that with a store
// which passes [Concurrent] no lead is assigned twice and the ledger is exact.
// It can't prove the absence of races: run it with -race.
//
// Start with [Run].
package routingtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
)

// Case is a lead and where it has to go.
type Case struct {
	Name string
	Tier string
	// Fields are golden values as text, by full name. Fields that are not
	// there are absent; those in None are known not to exist.
	Fields map[string]string
	None   []string
	// Account, Contact and Opportunity are what it was matched to.
	Account     *leadloop.Account
	Contact     *leadloop.Contact
	Opportunity *leadloop.Opportunity
	// AsOf is when; zero means 2026-01-07 12:00 UTC, a Wednesday.
	AsOf time.Time
	// Reader has absences, workloads and ledgers; nil means that everybody is
	// there and idle.
	Reader routing.Reader
	// Want is "rep:<id>", "pool:<id>" for any of its members, "queue:<id>",
	// "track:<id>" or "alert:<rep>". Entry, if it is not empty, has to win.
	Want, Entry string
}

// Run routes each case in a test of its own and returns how often each entry
// won, "" being the final queue. The schema is the router's.
func Run(t *testing.T, r *routing.Router, schema *leadloop.Schema, cases ...Case) map[string]int {
	t.Helper()
	hits := map[string]int{}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			a, err := c.route(t.Context(), r, schema)
			if err != nil {
				t.Fatal(err)
			}
			hits[a.Entry]++
			if got := where(a); !slices.Contains(got, c.Want) || c.Entry != "" && c.Entry != a.Entry {
				t.Errorf("it goes to %s by entry %q, want %s by %q:\n%s", got[0], a.Entry, c.Want, c.Entry, r.Explain(a.Trace))
			}
		})
	}
	return hits
}

// Unhit are the entries of the chain that no case won by, in order.
func Unhit(def routing.Definition, hits map[string]int) []string {
	var out []string
	for i := range def.Chain {
		if id := def.Chain[i].ID; hits[id] == 0 {
			out = append(out, id)
		}
	}
	return out
}

func (c *Case) route(ctx context.Context, r *routing.Router, schema *leadloop.Schema) (routing.Assignment, error) {
	p := schema.NewProfile()
	set := func(name string, v func(leadloop.Kind) (leadloop.Value, error)) error {
		def, ok := schema.Lookup(name)
		if !ok {
			return fmt.Errorf("there is no field %s", name)
		}
		value, err := v(def.Kind)
		if err != nil {
			return fmt.Errorf("field %s: %w", name, err)
		}
		return p.SetValue(name, value)
	}
	for name, text := range c.Fields {
		if err := set(name, func(k leadloop.Kind) (leadloop.Value, error) { return leadloop.ParseValue(k, text) }); err != nil {
			return routing.Assignment{}, err
		}
	}
	for _, name := range c.None {
		if err := set(name, func(k leadloop.Kind) (leadloop.Value, error) { return leadloop.NoValue(k), nil }); err != nil {
			return routing.Assignment{}, err
		}
	}
	lead := &leadloop.Lead{ID: "case"}
	if c.Tier != "" {
		lead.State.Score = leadloop.Score{Known: true, Tier: c.Tier, Model: "case"}
	}
	q := routing.Request{Lead: lead, Profile: p, Account: c.Account, Contact: c.Contact, Opportunity: c.Opportunity, AsOf: c.AsOf}
	if q.AsOf.IsZero() {
		q.AsOf = time.Date(2026, time.January, 7, 12, 0, 0, 0, time.UTC)
	}
	rd := c.Reader
	if rd == nil {
		rd = &routing.Snapshot{}
	}
	return r.Route(ctx, rd, q)
}

// where says where a lead goes, in all ways that a case can want it.
func where(a routing.Assignment) []string {
	switch a.Kind {
	case leadloop.OutcomeQueued:
		return []string{"queue:" + a.Queue}
	case leadloop.OutcomeNurture:
		return []string{"track:" + a.Track}
	case leadloop.OutcomeAlerted:
		return []string{"alert:" + string(a.Owner)}
	}
	return []string{"rep:" + string(a.Owner), "pool:" + a.Pool}
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

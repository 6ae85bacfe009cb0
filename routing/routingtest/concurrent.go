package routingtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
)

// The leads that Concurrent routes: by 32 goroutines, each of them twice.
const (
	workers = 32
	each    = 8
	eveHas  = 9 // room for
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
// want each lead, and checks that every lead has one owner and that the ledger
// has moved once for each. In the order of their commits the leads have the
// owners that one goroutine would have given them, so that whatever holds for
// the ledger holds here: nobody is two leads away from its share, although one
// member is full before long. The store is fresh and has transactions and
// revisions.
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
	members := []routing.Entitlement{{Member: "ana", Weight: 100}, {Member: "ben", Weight: 37}, {Member: "cem", Weight: 80}, {Member: "dan", Weight: 50}, {Member: "eve", Weight: 100}}
	balances, got, assigned := map[leadloop.RepID]leadloop.Owed{}, map[leadloop.RepID]int64{}, map[leadloop.LeadID]int{}
	for e, err := range tx.Journal().Since(t.Context(), 0) {
		if err != nil {
			return err
		}
		if e.Kind != leadloop.EventAssigned {
			continue
		}
		assigned[e.Lead]++
		if len(members) == 5 && got["eve"] == eveHas {
			members = members[:4]
		}
		for i := range members {
			members[i].Owed = balances[members[i].Member]
			if got[members[i].Member] > 0 {
				members[i].LastAt = e.At
			}
		}
		pick, _ := routing.Next(members)
		if string(pick.Winner) != e.To {
			t.Errorf("lead number %d went to %s, whose turn it was not: %s's", len(assigned), e.To, pick.Winner)
			return nil
		}
		got[pick.Winner]++
		for i, id := range pick.Members {
			balances[id] += pick.Deltas[i]
			if o := balances[id]; o <= -2*leadloop.OneLead || o >= 2*leadloop.OneLead {
				t.Errorf("after %d leads %s is owed %d millionths of a lead", len(assigned), id, o)
			}
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
	for _, b := range r.Balances {
		if b.Owed != balances[b.Member] || b.Count != got[b.Member] {
			t.Errorf("the ledger says that %s has %d leads and is owed %d, the journal %d and %d", b.Member, b.Count, b.Owed, got[b.Member], balances[b.Member])
		}
	}
	if got["eve"] != eveHas {
		t.Errorf("eve has %d leads and room for %d", got["eve"], eveHas)
	}
	return nil
}

package routing_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store/memstore"
)

const pulled = `
reps:
  - {id: ana}
  - {id: ben, languages: [de]}
pools: [{id: first, members: [ana, ben], strategy: claim, queue: desk}]
queues: [{id: desk}]
chain: [{id: all, target: {pool: first, speaks: true}}]
final: desk
`

// Ana wants a lead that waits for whoever claims it first, and doesn't speak its
// language. Ben does. In a loop it is Loop.Do(ctx, id, routing.NewClaim(…)).
func ExampleNewClaim() {
	ctx, st := context.Background(), memstore.New()
	at := time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)
	profile := leadloop.StandardSchema().NewProfile()
	leadloop.Language.Set(profile, "de")
	r := routerOf(profile.Schema(), pulled)
	lead := &leadloop.Lead{ID: "l1", State: leadloop.State{Disposition: leadloop.OutcomeQueued, Queue: "desk", QueueSince: at, Reason: "claim:first", Entry: "all"}}
	for _, by := range []leadloop.RepID{"ana", "ben"} {
		outcome, effects, err := routing.NewClaim(r, st, by).Decide(ctx, leadloop.Subject{Lead: lead, Profile: profile, AsOf: at.Add(time.Minute), Trigger: leadloop.TriggerActivity})
		if err != nil {
			fmt.Println(err, errors.Is(err, leadloop.ErrInvalid))
			continue
		}
		fmt.Println(outcome.Kind, outcome.Reason, effects.State.Owner)
	}
	// Output:
	// routing: ana: invalid: does not speak the lead's language true
	// assigned claimed ben
}

// A changed file: which leads would go to somebody else?
func ExampleRouter_Moves() {
	profile := leadloop.StandardSchema().NewProfile()
	leadloop.Language.Set(profile, "de")
	changed := routerOf(profile.Schema(), `
reps: [{id: ana}, {id: ben}]
queues: [{id: desk}]
chain:
  - {id: german, language: [de], target: {rep: ben}}
  - {id: all, target: {rep: ana}}
final: desk
`)
	at := time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)
	var leads []routing.Request
	for _, touched := range []time.Time{{}, at.Add(time.Minute)} {
		leads = append(leads, routing.Request{Profile: profile, AsOf: at.Add(time.Hour), Lead: &leadloop.Lead{
			ID: leadloop.LeadID(fmt.Sprintf("l%d", len(leads)+1)), Revision: 1,
			State: leadloop.State{Disposition: leadloop.OutcomeAssigned, Owner: "ana", OwnerSince: at, Entry: "all", FirstTouchAt: touched},
		}})
	}
	for m, err := range changed.Moves(context.Background(), &routing.Snapshot{}, withoutErrors(leads)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %s by %s to %s by %s, worked %t\n", m.Lead, m.From, m.FromEntry, m.To, m.ToEntry, m.Worked)
	}
	// Output:
	// l1: rep:ana by all to rep:ben by german, worked false
	// l2: rep:ana by all to rep:ben by german, worked true
}

// withoutErrors is a list as a source of requests.
func withoutErrors(list []routing.Request) func(func(routing.Request, error) bool) {
	return func(yield func(routing.Request, error) bool) {
		for _, q := range list {
			if !yield(q, nil) {
				return
			}
		}
	}
}

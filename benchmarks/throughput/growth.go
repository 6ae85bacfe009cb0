package main

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
)

// oldest is the number of the first lead of the past; new ones count from 0.
const oldest = 1_000_000_000

// old stores leads of the past, a minute apart, ended long ago: nurtured, with
// their key, their identifiers and three journal entries.
func old(ctx context.Context, tx store.Tx, from, n int) error {
	var leads []*leadloop.Lead
	var keys []string
	var ids []leadloop.LeadID
	var events []leadloop.Event
	for i := range n {
		s := submission(oldest + from + i)
		at := noon.AddDate(-1, 0, 0).Add(-time.Duration(from+i) * time.Second)
		l := &leadloop.Lead{ID: engine.RecordID(s.Key), ReceivedAt: at, Claims: s.Claims, Activities: s.Activities}
		l.State = leadloop.State{Stage: "inquiry", StageSince: at, Disposition: leadloop.OutcomeNurture, Reason: "entry:nurture", DecidedAt: at}
		domain := fmt.Sprintf("company-%d.com", oldest+from+i)
		l.Identifiers = []leadloop.Identifier{
			{Kind: "email", Value: fmt.Sprintf("person.%d@%s", oldest+from+i, domain)}, {Kind: "domain", Value: domain},
			{Kind: "phone", Value: fmt.Sprintf("+1212%07d", (from+i)%10_000_000)},
		}
		leads, keys, ids = append(leads, l), append(keys, s.Key), append(ids, l.ID)
		for _, kind := range []leadloop.EventKind{leadloop.EventCaptured, leadloop.EventScored, leadloop.EventAssigned} {
			events = append(events, leadloop.Event{Kind: kind, Lead: l.ID, At: at, Actor: "stage:score", Attrs: map[string]string{"points": "12.5"}})
		}
	}
	if _, err := store.ClaimAll(ctx, tx.Keys(), keys, ids); err != nil {
		return err
	}
	if err := store.PutNew(ctx, tx.Leads(), leads); err != nil {
		return err
	}
	return tx.Journal().Append(ctx, events...)
}

// growth measures a new lead in stores of ever more leads.
func growth(ctx context.Context, s settings, p place) (figures []figure, err error) {
	name := p.fresh()
	st, err := p.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = st.Close() }()
	loop, err := newLoop(ctx, st, engine.Options{})
	if err != nil {
		return nil, err
	}
	there, next := 0, 0
	var first float64
	for size := min(10_000, s.sizes); size <= s.sizes; size *= 10 {
		filled, err := p.timed(ctx, func() error { return fill(ctx, st, there, size-there) })
		if err != nil {
			return nil, err
		}
		added := size - there
		there = size
		if p.kind == "postgres" {
			if _, err := p.pool.Exec(ctx, "VACUUM ANALYZE"); err != nil {
				return nil, err
			}
		}
		var costs []cost
		each := max(s.leads/s.rounds, 1)
		for range s.rounds {
			c, err := p.timed(ctx, func() error {
				for range each {
					sub := submission(next)
					next++
					if _, err := loop.Process(ctx, sub, sub.ReceivedAt); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
			costs = append(costs, c)
		}
		values := perLead(costs, each)
		if first == 0 {
			first = values["CPU µs/lead"]
		}
		values["CPU, × first"] = values["CPU µs/lead"] / first
		values["filled, leads/s"] = float64(added) / filled.wall.Seconds()
		figures = append(figures, figure{Name: fmt.Sprintf("%d leads", size), Values: values})
	}
	return figures, nil
}

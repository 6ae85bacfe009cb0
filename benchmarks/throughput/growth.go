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

// grown is a store of so many leads, and what new ones cost there.
type grown struct {
	size  int
	loop  *engine.Loop
	fill  cost
	costs []cost
}

// growth measures a new lead in stores of ever more leads, in slices that take
// turns: the stores are filled first, so that all are measured in the same
// minutes.
func growth(ctx context.Context, s settings, p place) (figures []figure, err error) {
	var stores []*grown
	for size := min(10_000, s.sizes); size <= s.sizes; size *= 10 {
		st, err := p.open(ctx, p.fresh())
		if err != nil {
			return nil, err
		}
		defer func() { _ = st.Close() }()
		g := &grown{size: size}
		if g.fill, err = p.timed(ctx, func() error { return fill(ctx, st, 0, size) }); err != nil {
			return nil, err
		}
		if g.loop, err = newLoop(ctx, st, engine.Options{}); err != nil {
			return nil, err
		}
		stores = append(stores, g)
	}
	if p.kind == "postgres" {
		if _, err := p.pool.Exec(ctx, "VACUUM ANALYZE"); err != nil {
			return nil, err
		}
	}
	each := max(s.leads/s.rounds, 1)
	for round := range s.rounds {
		for i := range stores {
			g := stores[(round+i)%len(stores)]
			c, err := p.timed(ctx, func() error {
				for n := range each {
					sub := submission(round*each + n)
					if _, err := g.loop.Process(ctx, sub, sub.ReceivedAt); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
			g.costs = append(g.costs, c)
		}
	}
	for _, g := range stores {
		values := perLead(g.costs, each)
		values["CPU, × first"] = paired(g.costs, stores[0].costs, func(c cost) time.Duration { return c.cpu })
		values["wall, × first"] = paired(g.costs, stores[0].costs, func(c cost) time.Duration { return c.wall })
		values["filled, leads/s"] = float64(g.size) / g.fill.wall.Seconds()
		figures = append(figures, figure{Name: fmt.Sprintf("%d leads", g.size), Values: values})
	}
	return figures, nil
}

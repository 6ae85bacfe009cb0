package main

import (
	"context"
	"slices"
	"time"

	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
)

// single measures one goroutine that submits lead after lead and waits for each
// owner, against the same rows written by hand with as many commits, in slices
// that take turns.
func single(ctx context.Context, s settings, p place) (figures []figure, err error) {
	commits, err := record(ctx, s.leads)
	if err != nil {
		return nil, err
	}
	hands, err := p.hands(ctx)
	if err != nil {
		return nil, err
	}
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
	costs := make([][]cost, len(hands)+1)
	for round := range s.rounds {
		from, to := round*s.leads/s.rounds, (round+1)*s.leads/s.rounds
		for i, h := range hands {
			c, err := p.timed(ctx, func() error { return h.write(ctx, commits[from:to]) })
			if err != nil {
				return nil, err
			}
			costs[i] = append(costs[i], c)
		}
		c, err := p.timed(ctx, func() error {
			for i := from; i < to; i++ {
				sub := submission(i)
				if _, err := loop.Process(ctx, sub, sub.ReceivedAt); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		costs[len(hands)] = append(costs[len(hands)], c)
	}
	for _, h := range hands {
		if err := h.close(); err != nil {
			return nil, err
		}
	}
	each := s.leads / s.rounds
	ours := costs[len(hands)]
	for i, h := range hands {
		figures = append(figures, figure{Name: h.name, Values: perLead(costs[i], each)})
	}
	line := figure{Name: "the loop", Values: perLead(ours, each)}
	for i, h := range hands {
		line.Values["of "+h.name+", %, CPU"] = 100 * paired(costs[i], ours, func(c cost) time.Duration { return c.cpu })
		line.Values["of "+h.name+", %, wall"] = 100 * paired(costs[i], ours, func(c cost) time.Duration { return c.wall })
	}
	return append(figures, line), nil
}

func perLead(costs []cost, leads int) map[string]float64 {
	wall := median(costs, func(c cost) float64 { return c.wall.Seconds() })
	cpu := median(costs, func(c cost) float64 { return c.cpu.Seconds() })
	return map[string]float64{"leads/s": float64(leads) / wall, "CPU µs/lead": 1e6 * cpu / float64(leads)}
}

func median[T any](all []T, of func(T) float64) float64 {
	values := make([]float64, len(all))
	for i, x := range all {
		values[i] = of(x)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// paired is the median over the rounds of one cost divided by another.
func paired(a, b []cost, of func(cost) time.Duration) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = of(a[i]).Seconds() / max(of(b[i]).Seconds(), 1e-9)
	}
	return median(ratios, func(r float64) float64 { return r })
}

// fill stores n leads that were decided about long ago, with what is left of a
// decision: the lead, its key and its journal.
func fill(ctx context.Context, st store.Store, from, n int) error {
	const atATime = 1000
	for ; n > 0; n -= atATime {
		if err := st.Update(ctx, func(tx store.Tx) error { return old(ctx, tx, from, min(n, atATime)) }); err != nil {
			return err
		}
		from += atATime
	}
	return nil
}

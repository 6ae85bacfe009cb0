package routing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
)

// Standing is where a member of a pool stands.
type Standing struct {
	Member leadloop.RepID
	Weight int // at the moment, within a ramp
	// Owed is the balance of the pool's ledger, Count how many leads the member
	// got from it, LastAt when the latest.
	Owed   leadloop.Owed
	Count  int64
	LastAt time.Time
	// Why says why the member gets no lead at the moment; empty if it can.
	Why string
}

// Standings are the members of a pool, in id order. What each was owed at
// every lead is in the traces of the decisions about them. A pool that is not
// defined is leadloop.ErrNotFound.
func (r *Router) Standings(ctx context.Context, rd Reader, pool string, asOf time.Time) ([]Standing, error) {
	p := r.pool(pool)
	if p == nil {
		return nil, fmt.Errorf("routing: pool %s: %w", pool, leadloop.ErrNotFound)
	}
	q := Request{Lead: &leadloop.Lead{}, Profile: r.schema.NewProfile(), AsOf: asOf}
	d, err := r.newDecision(ctx, rd, &q)
	if err != nil {
		return nil, err
	}
	l, err := d.ledger(ctx, p)
	if err != nil {
		return nil, err
	}
	out := make([]Standing, len(p.members))
	for i, at := range p.members {
		x := &r.reps[at]
		w, _ := d.absent(x, d.crmRep(x.ID), p)
		if w.ok() {
			if w, err = d.full(ctx, x); err != nil {
				return nil, err
			}
		}
		out[i] = Standing{Member: x.ID, Weight: x.weightAt(asOf), Why: w.in(x.zone)}
		if j, ok := slices.BinarySearchFunc(l.Balances, x.ID, compareMember); ok {
			b := &l.Balances[j]
			out[i].Owed, out[i].Count, out[i].LastAt = b.Owed, b.Count, b.LastAt
		}
	}
	return out, nil
}

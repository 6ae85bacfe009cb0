package routing

import (
	"context"
	"fmt"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// ledger is a pool's balances as this decision sees them: what the lead being
// routed gives back counts already.
type ledger struct {
	store.Rotation
	returned []leadloop.LedgerDelta
}

func (d *decision) ledger(ctx context.Context, p *pool) (*ledger, error) {
	rotation, err := d.rd.Rotation(ctx, p.ID)
	if err != nil {
		return nil, fmt.Errorf("routing: pool %s: %w", p.ID, err)
	}
	l := &ledger{Rotation: rotation}
	s := &d.q.Lead.State
	if !d.q.Return || s.Pool != p.ID || s.Owner == "" || p.Strategy != StrategyFair {
		return l, nil
	}
	target := d.r.target(s.Entry, p.ID)
	var members []Entitlement
	for _, at := range p.members {
		r := &d.r.reps[at]
		i, booked := slices.BinarySearchFunc(l.Balances, r.ID, compareMember)
		if booked && d.wasCredited(r, p, target) {
			members = append(members, Entitlement{Member: r.ID, Weight: r.weightAt(s.OwnerSince), Owed: l.Balances[i].Owed, LastAt: l.Balances[i].LastAt})
		}
	}
	l.returned = Return(members, s.Owner)
	return l, nil
}

// wasCredited reports whether a member got its share of the lead that its
// owner has. Without a record of it those did who were there and had what the
// entry asks for.
func (d *decision) wasCredited(r *rep, p *pool, g *Target) bool {
	if d.q.Uncredited != nil {
		return !slices.Contains(d.q.Uncredited, r.ID)
	}
	_, gone := away(r, d.crmRep(r.ID), d.q.Lead.State.OwnerSince, p.Buffer)
	return (!gone || p.CatchUp) && d.lacks(r, g).ok()
}

// target is what an entry of the chain asks of a pool's members; nothing if
// there is no such entry any more.
func (r *Router) target(entry, pool string) *Target {
	for i := range r.entries {
		if e := &r.entries[i]; e.ID == entry && e.Target.Pool == pool {
			return &e.Target
		}
	}
	return &Target{}
}

// book moves a pool's ledger for the winner.
func (d *decision) book(l *ledger, winner leadloop.RepID, deltas []leadloop.LedgerDelta) {
	d.moves = append(d.moves, leadloop.LedgerMove{
		Pool: l.Pool, Revision: l.Revision, Lead: d.q.Lead.ID, To: winner, At: d.q.AsOf,
		Deltas: addDeltas(deltas, l.returned),
	})
}

// returnDebit gives the debit back in a pool that the new assignment did not
// move.
func (d *decision) returnDebit(ctx context.Context) error {
	s := &d.q.Lead.State
	if !d.q.Return || s.Pool == "" || slices.ContainsFunc(d.moves, func(m leadloop.LedgerMove) bool { return m.Pool == s.Pool }) {
		return nil
	}
	// Nobody shares in a pool that is no longer defined.
	p := d.r.pool(s.Pool)
	if p == nil {
		return nil
	}
	l, err := d.ledger(ctx, p)
	if err != nil {
		return err
	}
	if len(l.returned) > 0 {
		d.book(l, "", nil)
	}
	return nil
}

// addDeltas adds two lists that are ordered by member, and leaves out zeros.
// It takes a over.
func addDeltas(a, b []leadloop.LedgerDelta) []leadloop.LedgerDelta {
	if len(b) == 0 {
		return slices.DeleteFunc(a, func(d leadloop.LedgerDelta) bool { return d.Owed == 0 })
	}
	out := make([]leadloop.LedgerDelta, 0, len(a)+len(b))
	for len(a)+len(b) > 0 {
		var next leadloop.LedgerDelta
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Member < b[0].Member:
			next, a = a[0], a[1:]
		case len(a) == 0 || b[0].Member < a[0].Member:
			next, b = b[0], b[1:]
		default:
			next = leadloop.LedgerDelta{Member: a[0].Member, Owed: a[0].Owed + b[0].Owed}
			a, b = a[1:], b[1:]
		}
		if next.Owed != 0 {
			out = append(out, next)
		}
	}
	return out
}

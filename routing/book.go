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
	returned changes
}

func (d *decision) ledger(ctx context.Context, p *pool) (*ledger, error) {
	rotation, err := d.rd.Rotation(ctx, p.ID)
	if err != nil {
		return nil, fmt.Errorf("routing: pool %s: %w", p.ID, err)
	}
	l := &d.balances
	*l = ledger{Rotation: rotation}
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
	l.returned = turnOf(members).give(s.Owner).reversed()
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
func (d *decision) book(l *ledger, winner leadloop.RepID, moved changes) {
	moved = moved.and(l.returned)
	d.moves = append(d.moves, leadloop.LedgerMove{
		Pool: l.Pool, Revision: l.Revision, Lead: d.q.Lead.ID, To: winner, At: d.q.AsOf,
		Members: moved.members, Deltas: moved.deltas,
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
	if len(l.returned.members) > 0 {
		d.book(l, "", changes{})
	}
	return nil
}

// changes are what members are owed more or less, by id.
type changes struct {
	members []leadloop.RepID // not to be written to
	deltas  []leadloop.Owed
}

func (c changes) reversed() changes {
	for i := range c.deltas {
		c.deltas[i] = -c.deltas[i]
	}
	return c
}

// and adds the changes of b, and leaves out zeros.
func (c changes) and(b changes) changes {
	if len(b.members) == 0 && !slices.Contains(c.deltas, 0) {
		return c
	}
	out := changes{make([]leadloop.RepID, 0, len(c.members)+len(b.members)), make([]leadloop.Owed, 0, len(c.members)+len(b.members))}
	i, j := 0, 0
	for i < len(c.members) || j < len(b.members) {
		var id leadloop.RepID
		var delta leadloop.Owed
		if i < len(c.members) && (j == len(b.members) || c.members[i] <= b.members[j]) {
			id, delta, i = c.members[i], c.deltas[i], i+1
		}
		if j < len(b.members) && (id == b.members[j] || id == "") {
			id, delta, j = b.members[j], delta+b.deltas[j], j+1
		}
		if delta != 0 {
			out.members, out.deltas = append(out.members, id), append(out.deltas, delta)
		}
	}
	return out
}

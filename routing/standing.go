package routing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
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

// NewCredit is the one-off stage "credit" of a loop: the owner of the lead gets
// the debit back, once, because the lead was worth nothing to it: it bounced,
// was a duplicate, or was rejected with a good reason. The lead stays where it
// is. Leads that come back by recycling, another tier or an owner who left give
// the debit back by themselves.
func NewCredit(r *Router, st store.Store) leadloop.Stage {
	return &stage{router: r, store: st, name: "credit", do: func(ctx context.Context, n *run) error {
		s := &n.state
		n.outcome = leadloop.Outcome{Kind: s.Disposition, Reason: s.Reason}
		if s.Pool == "" || s.Owner == "" {
			n.trace.Note = "no pool was debited for it"
			return nil
		}
		if err := n.returns(ctx); err != nil {
			return err
		}
		d, err := n.r.newDecision(ctx, n.rd, &n.q)
		if err != nil {
			return err
		}
		if err := d.returnDebit(ctx); err != nil {
			return err
		}
		n.effects.Ledger, n.changed = d.moves, true
		n.trace.Note = "the debit in pool " + s.Pool + " goes back to " + string(s.Owner)
		s.Pool = ""
		return nil
	}}
}

// pageSize is how many leads are read at a time.
const pageSize = 500

// DrainStore is [Router.Drain] over all leads of a store: it adds the tasks and
// returns how many there are. It reads every lead, so that a program with very
// many keeps a list of its own of those that wait.
func (r *Router) DrainStore(ctx context.Context, st store.Store, asOf time.Time) (int, error) {
	var waiting []Waiting
	var tasks []leadloop.Task
	err := st.View(ctx, func(tx store.Tx) error {
		waiting = nil
		for after := leadloop.LeadID(""); ; {
			page, err := tx.Leads().List(ctx, after, pageSize)
			if err != nil {
				return err
			}
			for _, l := range page {
				if w, ok := WaitingOf(l); ok {
					waiting = append(waiting, w)
				}
				after = l.ID
			}
			if len(page) < pageSize {
				break
			}
		}
		var err error
		tasks, err = r.Drain(ctx, FromStore(tx), waiting, asOf)
		return err
	})
	if err == nil && len(tasks) > 0 {
		err = st.Update(ctx, func(tx store.Tx) error { return tx.Tasks().Add(ctx, tasks...) })
	}
	if err != nil {
		return 0, fmt.Errorf("routing: drain: %w", err)
	}
	return len(tasks), nil
}

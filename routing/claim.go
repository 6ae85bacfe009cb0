package routing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Claim gives a lead that waits in a queue to the rep who claims it, if the
// rep may have it: a member of the pool that the lead waits for, or of the
// team of its queue, who is not away and below capacity, has what the entry
// asks for, and is not among q.Exclude. The trace says so. A lead that does
// not wait in a queue is leadloop.ErrConflict (somebody was faster), a rep who
// may not have it leadloop.ErrInvalid.
func (r *Router) Claim(ctx context.Context, rd Reader, q Request, by leadloop.RepID) (Assignment, error) {
	d, err := r.newDecision(ctx, rd, &q)
	if err != nil {
		return Assignment{}, err
	}
	defer d.done()
	s := &q.Lead.State
	if s.Disposition != leadloop.OutcomeQueued {
		return Assignment{}, fmt.Errorf("routing: lead %s: %w: it waits in no queue", q.Lead.ID, leadloop.ErrConflict)
	}
	rep := r.rep(by)
	p, target := r.waitsFor(s)
	if rep == nil || !r.mayClaim(rep, p, s.Queue) {
		return Assignment{}, fmt.Errorf("routing: %s: %w: neither of the pool nor of the team of queue %s", by, leadloop.ErrInvalid, s.Queue)
	}
	w, _ := d.absent(rep, d.crmRep(by), nil)
	if w.ok() {
		w = d.lacks(rep, target)
	}
	if w.ok() {
		if w, err = d.full(ctx, rep); err != nil {
			return Assignment{}, err
		}
	}
	if !w.ok() {
		return Assignment{}, fmt.Errorf("routing: %s: %w: %s", by, leadloop.ErrInvalid, w.in(rep.zone))
	}
	t := EntryTrace{Entry: s.Entry, Verdict: VerdictWon, Winner: by, Because: "claimed"}
	a := Assignment{Kind: leadloop.OutcomeAssigned, Reason: "claimed", Entry: s.Entry, Owner: by}
	if at := r.repAt[by]; p != nil {
		if _, member := slices.BinarySearch(p.members, at); member {
			a.Pool, t.Pool = p.ID, p.ID
			l, err := d.ledger(ctx, p)
			if err != nil {
				return Assignment{}, err
			}
			var moved changes
			if p.Strategy == StrategyFair {
				c := choice{p: p, g: target, l: l, t: &EntryTrace{}}
				if err := d.eligible(ctx, &c); err != nil {
					return Assignment{}, err
				}
				moved, d.uncredited = c.give(by), append([]leadloop.RepID(nil), d.without...)
			}
			d.book(l, by, moved)
		}
	}
	d.trace.Entries = append(d.trace.Entries, t)
	return d.finish(ctx, a)
}

// waitsFor returns the pool that a waiting lead waits for, nil if none, and
// what its entry asks of members.
func (r *Router) waitsFor(s *leadloop.State) (*pool, *Target) {
	for _, prefix := range []string{"claim:", reasonWait} {
		if id, ok := strings.CutPrefix(s.Reason, prefix); ok {
			return r.pool(id), r.target(s.Entry, id)
		}
	}
	return nil, &Target{}
}

func (r *Router) mayClaim(by *rep, p *pool, queue string) bool {
	if at := r.repAt[by.ID]; p != nil {
		if _, member := slices.BinarySearch(p.members, at); member {
			return true
		}
	}
	return by.team != "" && slices.ContainsFunc(r.queues, func(q Queue) bool { return q.ID == queue && q.Team == by.team })
}

// NewClaim is the one-off stage "claim" of a loop: the rep takes the lead. See
// [Router.Claim] for its errors.
func NewClaim(r *Router, st store.Store, by leadloop.RepID) leadloop.Stage {
	return &stage{router: r, store: st, name: "claim", do: func(ctx context.Context, n *run) error {
		n.q.Exclude = nil // who said no before may say yes now
		a, err := n.r.Claim(ctx, n.rd, n.q, by)
		if err == nil {
			n.apply(a, nil)
		}
		return err
	}}
}

// NewReroute is the one-off stage "reroute" of a loop, for a lead whose rules
// have changed ([Router.Moves] shows which those are). A lead that is being
// worked stays where it is; any other is routed anew, and keeps its owner if
// the entry that gave it wins again.
func NewReroute(r *Router, st store.Store) leadloop.Stage {
	return &stage{router: r, store: st, name: "reroute", do: func(ctx context.Context, n *run) error {
		s := &n.state
		if s.Worked() || s.Disposition != leadloop.OutcomeAssigned && s.Disposition != leadloop.OutcomeQueued && s.Disposition != leadloop.OutcomeNurture {
			n.outcome = leadloop.Outcome{Kind: s.Disposition, Reason: s.Reason}
			n.trace.Note = "it stays where it is"
			return nil
		}
		n.q.Keep = true
		if err := n.returns(ctx); err != nil {
			return err
		}
		return n.route(ctx)
	}}
}

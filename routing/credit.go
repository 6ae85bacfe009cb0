package routing

import (
	"context"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// EventCredited tells that a member got a debit back, without giving the lead
// to somebody else. To: the member; attrs: pool.
const EventCredited leadloop.EventKind = "credited"

// CreditReasons are the reasons of a disqualification or suppression for which
// [NewSettle] gives the debit back even if the owner worked the lead: that it
// was worth nothing could be seen before, or had nothing to do with the work.
func CreditReasons() []string {
	return []string{"agency", "bounced", "competitor", "duplicate", "invalid_contact", "job_seeker", "not_a_person", "spam", "student", "wrong_number"}
}

// NewCredit is the one-off stage "credit" of a loop: the owner of the lead gets
// the debit back, once, because the lead was worth nothing to it. The lead
// stays where it is. Leads that come back by recycling, another tier or an
// owner who left give the debit back by themselves, and [NewSettle] sees to
// those that are rejected.
func NewCredit(r *Router, st store.Store) leadloop.Stage {
	return &stage{router: r, store: st, name: "credit", do: func(ctx context.Context, n *run) error {
		n.outcome = leadloop.Outcome{Kind: n.state.Disposition, Reason: n.state.Reason}
		return n.credit(ctx)
	}}
}

// NewRelease is the stage "release": the lead is about to become part of
// another one because a person said so, and whoever owns it gets the debit
// back and has room again. It belongs into engine.Options.Leaving.
func NewRelease(r *Router, st store.Store) leadloop.Stage {
	return &stage{router: r, store: st, name: "release", do: func(ctx context.Context, n *run) error {
		if n.state.Disposition == leadloop.OutcomeAssigned && n.state.Owner != "" {
			n.drain()
		}
		return n.credit(ctx)
	}}
}

// NewSettle is the record-keeping stage "settle", which belongs into the
// loop's Records behind the lifecycle. However a run ends,
//
//   - an owner whose lead was disqualified or suppressed gets the debit back,
//     once, if nobody had begun to work it, or the reason is one of
//     [CreditReasons]
//   - a lead that its owner has no more makes room: queues are drained
//   - a response clock that goes on after a pause has its timer set anew, so
//     that a miss is noticed when it happens
func NewSettle(r *Router, st store.Store) leadloop.Stage {
	g := &stage{router: r, store: st, name: "settle"}
	return leadloop.StageFunc(g.name, func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		credit, room, resumed := worthNothing(&s), makesRoom(&s), r.resumed(&s)
		if !credit && !room && !resumed {
			return leadloop.Outcome{}, leadloop.Effects{}, nil
		}
		once := *g
		once.do = func(ctx context.Context, n *run) error {
			if room {
				n.drain()
			}
			if resumed {
				if err := n.resume(ctx); err != nil {
					return err
				}
			}
			if credit {
				return n.credit(ctx)
			}
			return nil
		}
		return once.Decide(ctx, s)
	})
}

// worthNothing reports whether this run found that the lead is nothing for its
// owner.
func worthNothing(s *leadloop.Subject) bool {
	now := &s.Lead.State
	if now.Pool == "" || now.Owner == "" || s.Previous.Disposition == now.Disposition {
		return false
	}
	if now.Disposition != leadloop.OutcomeDisqualified && now.Disposition != leadloop.OutcomeArchived && now.Disposition != leadloop.OutcomeSuppressed {
		return false
	}
	return !now.Worked() || slices.Contains(CreditReasons(), now.Reason)
}

// makesRoom reports whether this run took an open lead from somebody.
func makesRoom(s *leadloop.Subject) bool {
	was, is := &s.Previous, &s.Lead.State
	return was.Disposition == leadloop.OutcomeAssigned && was.Owner != "" && (is.Disposition != leadloop.OutcomeAssigned || is.Owner != was.Owner)
}

// credit gives the debit of the present owner back. Without State.Pool, which
// goes with it, there is none to give back twice.
func (n *run) credit(ctx context.Context) error {
	s := &n.state
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
	n.effects.Events = append(n.effects.Events, leadloop.Event{
		Kind: EventCredited, Lead: n.s.Lead.ID, At: n.s.AsOf, To: string(s.Owner), Reason: s.Reason, Attrs: n.attrs("pool", s.Pool),
	})
	s.Pool = ""
	return nil
}

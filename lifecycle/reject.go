package lifecycle

import (
	"context"
	"fmt"
	"slices"

	"github.com/leadloop/leadloop"
)

// Reject returns a one-off step by which the owner, or who manages the owner,
// says no to a lead that was not accepted yet: see [Acceptance].Reject for the
// reasons and what becomes of the lead. The step fails with a *RefusedError for
// anybody else and another reason, and with leadloop.ErrInvalid for a lead that
// nobody's answer is waited for.
//
// To give the lead to somebody else it needs [Host].Returned. The new owner is
// asked as the first one was; whoever rejected it does not get it again in this
// pass.
func (l *Lifecycle) Reject(actor leadloop.RepID, reason string) leadloop.Stage {
	return leadloop.StageFunc("reject", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		return l.reject(ctx, s, actor, reason)
	})
}

func (l *Lifecycle) reject(ctx context.Context, s leadloop.Subject, actor leadloop.RepID, reason string) (out leadloop.Outcome, e leadloop.Effects, err error) {
	if l.accepted == "" || len(l.acceptance.Reject) == 0 {
		return out, e, fmt.Errorf("%w: the lifecycle has no reasons to reject leads", leadloop.ErrInvalid)
	}
	state := copyState(s.Lead.State)
	state.Stage = l.at(s)
	refused := &RefusedError{Lead: s.Lead.ID, From: state.Stage, To: rejected}
	if actor == "" || actor != state.Owner {
		manages, err := l.manages(ctx, actor, &state)
		if err != nil {
			return out, e, err
		}
		refused.NotOwner = !manages
	}
	if !l.waits(state.Stage) || state.Disposition != leadloop.OutcomeAssigned {
		return out, e, fmt.Errorf("%w: lead %s is %s in stage %s: nobody's answer is waited for", leadloop.ErrInvalid, s.Lead.ID, state.Disposition, state.Stage)
	}
	i := slices.IndexFunc(l.acceptance.Reject, func(r Rejection) bool { return r.Reason == reason })
	if i < 0 {
		refused.Reasons = ids(l.acceptance.Reject, func(r Rejection) string { return r.Reason })
	}
	if refused.NotOwner || refused.Reasons != nil {
		return out, e, refused
	}
	said := leadloop.Event{Kind: leadloop.EventRejected, Lead: s.Lead.ID, At: s.AsOf, From: string(state.Owner), Reason: reason, Actor: string(actor)}
	switch no := l.acceptance.Reject[i]; {
	case no.To != "":
		// The owner's no is the reason; whether the stage's criteria hold is not
		// asked.
		e.State = &state
		e.Events = l.toStage(s, &state, l.stage(no.To), s.Lead.State.Stage, reason, string(actor))
	case no.Recycle:
		e.Tasks = []leadloop.Task{recycleTask(s, "rejected")}
	case l.host.Returned == nil:
		return out, e, fmt.Errorf("%w: there is no router to give the lead to somebody else", leadloop.ErrInvalid)
	default:
		if e, err = l.returned(ctx, s, &state); err != nil {
			return out, leadloop.Effects{}, err
		}
	}
	e.Events = append([]leadloop.Event{said}, e.Events...)
	return out, e, trace(&e, moved{state.Stage, rejected, reason, string(actor)})
}

// rejected stands where a stage would in what a refusal says.
const rejected = "rejected"

// returned asks the host's router for another owner.
func (l *Lifecycle) returned(ctx context.Context, s leadloop.Subject, state *leadloop.State) (leadloop.Effects, error) {
	lead := *s.Lead
	lead.State = *state
	s.Lead = &lead
	_, e, err := l.host.Returned.Decide(ctx, s)
	return e, err
}

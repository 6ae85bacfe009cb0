package lifecycle

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
)

// Reason codes of changes that no person gave a reason for.
const (
	ReasonArrived  = "arrived"      // the first stage
	ReasonCriteria = "criteria_met" // an automatic way
	ReasonRecycled = "recycled"     // a second pass
	ReasonAccepted = "accepted"     // the owner said yes
	ReasonNewOwner = "new_owner"    // a status starts anew
	ReasonActivity = "activity"     // an activity showed the status
	ReasonWon      = "won"          // its opportunity
	ReasonLost     = "lost"         // its opportunity
	// ReasonOpportunity is why a lead followed an opportunity that somebody made
	// in the CRM.
	ReasonOpportunity = "opportunity"
)

// RefusedError says why a lead cannot be moved now. It matches
// leadloop.ErrInvalid; nothing was written.
type RefusedError struct {
	Lead leadloop.LeadID
	// From and To are stages, or statuses if Status is set.
	From, To string
	Status   bool
	// Allowed are where it can go from here, if To is not one of them.
	Allowed []string
	// Reasons are the codes it takes, if the one given is none of them.
	Reasons []string
	// Unmet are the criteria that do not hold, with what they need.
	Unmet []Unmet
	// NotOwner is set if only the owner can do this.
	NotOwner bool
	// By are the roles that may do this, if the actor has none of them.
	By []string
}

// Error lists everything that stands against the move.
func (e *RefusedError) Error() string {
	what := "stage"
	if e.Status {
		what = "status"
	}
	var why []string
	switch {
	case e.NotOwner:
		say := "only its owner can accept it"
		if e.To == rejected {
			say = "only its owner, or who manages the owner, can reject it"
		}
		why = append(why, say)
	case e.Allowed != nil && len(e.Allowed) == 0:
		why = append(why, "there is no way out of "+e.From)
	case e.Allowed != nil:
		why = append(why, "from "+e.From+" it can go to "+join(e.Allowed))
	}
	if len(e.By) > 0 {
		why = append(why, "only "+strings.Join(e.By, " or ")+" may do this")
	}
	if len(e.Reasons) > 0 {
		why = append(why, "the reason must be one of "+join(e.Reasons))
	}
	for _, u := range e.Unmet {
		why = append(why, u.String())
	}
	return fmt.Sprintf("lead %s: %s %s to %s refused: %s", e.Lead, what, e.From, e.To, strings.Join(why, "; "))
}

// Is makes a RefusedError match leadloop.ErrInvalid.
func (e *RefusedError) Is(target error) bool { return target == leadloop.ErrInvalid }

// Unwrap returns what went wrong in criteria that could not be evaluated.
func (e *RefusedError) Unwrap() []error {
	var out []error
	for _, u := range e.Unmet {
		if u.Err != nil {
			out = append(out, u.Err)
		}
	}
	return out
}

// moved is the trace of a command.
type moved struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Reason string `json:"reason"`
	Actor  string `json:"actor"`
}

// Move returns a one-off step that moves a lead to a stage because a person
// said so, for engine.Loop.Do. A lead that is there already stays as it is.
//
// The step fails with a *RefusedError if there is no way, the reason is none of
// the stage's, or criteria do not hold, and with leadloop.ErrInvalid for a
// stage that does not exist, a malformed reason or no actor. Moving a lead into
// a stage that follows a decision of the loop makes that decision: a lead moved
// to "disqualified" has that disposition, with the reason given ([NewHold]
// keeps it so).
func (l *Lifecycle) Move(to, reason, actor string) leadloop.Stage {
	return leadloop.StageFunc("move", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		if err := command("stage", to, l.Stages(), reason, actor); err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, err
		}
		e, err := l.move(ctx, s, to, reason, actor)
		return leadloop.Outcome{}, e, err
	})
}

// Accept returns a one-off step by which the owner accepts a lead: it moves to
// Definition.Accepted with [ReasonAccepted]. The step fails as Move's does, and
// with a *RefusedError for anybody but the owner.
func (l *Lifecycle) Accept(actor leadloop.RepID) leadloop.Stage {
	return leadloop.StageFunc("accept", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		if l.accepted == "" {
			return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("%w: the lifecycle has no stage for accepted leads", leadloop.ErrInvalid)
		}
		if actor == "" || actor != s.Lead.State.Owner {
			return leadloop.Outcome{}, leadloop.Effects{}, &RefusedError{Lead: s.Lead.ID, From: l.at(s), To: l.accepted, NotOwner: true}
		}
		e, err := l.move(ctx, s, l.accepted, ReasonAccepted, string(actor))
		return leadloop.Outcome{}, e, err
	})
}

// SetStatus returns a one-off step that sets what the owner does with a lead.
// It fails as Move's does.
func (l *Lifecycle) SetStatus(status, reason, actor string) leadloop.Stage {
	return leadloop.StageFunc("status", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		if err := command("status", status, l.Statuses(), reason, actor); err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, err
		}
		e, err := l.setStatus(s, status, reason, actor)
		return leadloop.Outcome{}, e, err
	})
}

// command checks what can be checked without the lead. The reason is not
// quoted: it may be prose about a person.
func command(what, to string, known []string, reason, actor string) error {
	switch {
	case !slices.Contains(known, to):
		err := fmt.Errorf("%w: there is no %s %q", leadloop.ErrInvalid, what, to)
		if hint := suggest.DidYouMean(to, known); hint != "" {
			err = fmt.Errorf("%w, %s", err, hint)
		}
		return err
	case !codes.MatchString(reason):
		return fmt.Errorf("%w: a reason is a code of lower-case letters, digits, - and _", leadloop.ErrInvalid)
	case actor == "":
		return fmt.Errorf("%w: a change needs an actor", leadloop.ErrInvalid)
	}
	return nil
}

// at is the stage a lead is in; one that never had any is at the beginning.
func (l *Lifecycle) at(s leadloop.Subject) string {
	if s.Lead.State.Stage == "" {
		return l.initial
	}
	return s.Lead.State.Stage
}

func (l *Lifecycle) move(ctx context.Context, s leadloop.Subject, to, reason, actor string) (leadloop.Effects, error) {
	state := copyState(s.Lead.State)
	state.Stage = l.at(s)
	if state.Stage == to {
		return leadloop.Effects{}, nil
	}
	refused := &RefusedError{Lead: s.Lead.ID, From: state.Stage, To: to}
	target := l.stage(to)
	reasons := target.Reasons
	// A stage that an earlier definition had has no ways, but its leads must
	// not be stuck in it.
	if from := l.stage(state.Stage); from != nil {
		i := slices.IndexFunc(from.ways, func(w way) bool { return w.to == to })
		if i < 0 {
			refused.Allowed = []string{}
			for _, w := range from.ways {
				refused.Allowed = append(refused.Allowed, w.to)
			}
			return leadloop.Effects{}, refused
		}
		w := &from.ways[i]
		if len(w.Reasons) > 0 {
			reasons = w.Reasons
		}
		v, err := l.look(ctx, s, &state)
		if err != nil {
			return leadloop.Effects{}, err
		}
		if refused.Unmet, err = l.unmet(ctx, v, from, w); err != nil {
			return leadloop.Effects{}, err
		}
		if refused.By, err = l.barred(ctx, w, &state, actor); err != nil {
			return leadloop.Effects{}, err
		}
	}
	if len(reasons) > 0 && !slices.Contains(reasons, reason) {
		refused.Reasons = slices.Clone(reasons)
	}
	if len(refused.Reasons)+len(refused.Unmet)+len(refused.By) > 0 {
		return leadloop.Effects{}, refused
	}
	from := s.Lead.State.Stage
	e := leadloop.Effects{State: &state, Events: l.toStage(s, &state, target, from, reason, actor)}
	return e, trace(&e, moved{from, to, reason, actor})
}

// toStage moves a state to a stage, with what follows from it.
func (l *Lifecycle) toStage(s leadloop.Subject, state *leadloop.State, target *stage, from, reason, actor string) []leadloop.Event {
	events := []leadloop.Event{changed(leadloop.EventStageChanged, s, from, target.ID, reason, actor)}
	state.Stage, state.StageSince = target.ID, s.AsOf
	var kind leadloop.EventKind
	switch target.Follows {
	case FollowsDisqualified:
		state.Disposition, kind = leadloop.OutcomeDisqualified, leadloop.EventDisqualified
	case FollowsNurture:
		state.Disposition, kind = leadloop.OutcomeNurture, leadloop.EventNurtured
	case FollowsArchived:
		state.Disposition, kind = leadloop.OutcomeArchived, leadloop.EventArchived
	default:
		return events
	}
	state.Reason, state.Queue, state.QueueSince = reason, "", time.Time{}
	return append(events, leadloop.Event{Kind: kind, Lead: s.Lead.ID, At: s.AsOf, Reason: reason, Actor: actor})
}

// barred returns who may take a way, nil if the actor may.
func (l *Lifecycle) barred(ctx context.Context, w *way, state *leadloop.State, actor string) ([]string, error) {
	if len(w.By) == 0 {
		return nil, nil
	}
	for _, role := range w.By {
		switch role {
		case ByRule:
			if strings.HasPrefix(actor, "rule:") {
				return nil, nil
			}
		case ByOwner:
			if actor == string(state.Owner) && state.Owner != "" {
				return nil, nil
			}
		case ByManager:
			ok, err := l.manages(ctx, leadloop.RepID(actor), state)
			if ok || err != nil {
				return nil, err
			}
		}
	}
	return slices.Clone(w.By), nil
}

// maxLevels is how far up managers of managers are looked for.
const maxLevels = 10

// manages reports whether somebody manages the owner of a lead, at any level.
func (l *Lifecycle) manages(ctx context.Context, who leadloop.RepID, state *leadloop.State) (bool, error) {
	if l.host.Manager == nil || who == "" {
		return false, nil
	}
	owner, queue := state.Owner, state.Queue
	for range maxLevels {
		m, err := l.host.Manager(ctx, owner, queue)
		if err != nil {
			return false, fmt.Errorf("lifecycle: manager of %s: %w", owner, err)
		}
		if m == "" || m == who {
			return m != "", nil
		}
		owner, queue = m, ""
	}
	return false, nil
}

// Way is a way that a lead could take, and what stands against it.
type Way struct {
	To string
	// By are the roles that may take it, if the actor has none of them.
	By []string
	// Reasons are the codes of which one has to be given; none means any.
	Reasons []string
	Unmet   []Unmet
	// Auto tells that the loop takes it as soon as nothing is unmet.
	Auto bool
}

// Open reports whether the actor could take the way now.
func (w Way) Open() bool { return len(w.By)+len(w.Unmet) == 0 }

// Ways returns all ways from the stage of a lead, for a screen that shows what
// can be done with it and what is missing. An actor of "" is anybody.
func (l *Lifecycle) Ways(ctx context.Context, s leadloop.Subject, actor string) ([]Way, error) {
	state := copyState(s.Lead.State)
	state.Stage = l.at(s)
	from := l.stage(state.Stage)
	if from == nil {
		return nil, nil
	}
	v, err := l.look(ctx, s, &state)
	if err != nil {
		return nil, err
	}
	var out []Way
	for i := range from.ways {
		w := &from.ways[i]
		o := Way{To: w.to, Auto: w.auto, Reasons: slices.Clone(l.stage(w.to).Reasons)}
		if len(w.Reasons) > 0 {
			o.Reasons = slices.Clone(w.Reasons)
		}
		if o.Unmet, err = l.unmet(ctx, v, from, w); err != nil {
			return nil, err
		}
		if actor != "" {
			if o.By, err = l.barred(ctx, w, &state, actor); err != nil {
				return nil, err
			}
		}
		out = append(out, o)
	}
	return out, nil
}

func (l *Lifecycle) setStatus(s leadloop.Subject, to, reason, actor string) (leadloop.Effects, error) {
	from := s.Lead.State.Status
	if from == to {
		return leadloop.Effects{}, nil
	}
	refused := &RefusedError{Lead: s.Lead.ID, From: from, To: to, Status: true}
	if target := l.status(to); len(target.Reasons) > 0 && !slices.Contains(target.Reasons, reason) {
		refused.Reasons = slices.Clone(target.Reasons)
	}
	if current := l.status(from); current != nil && !slices.Contains(current.To, to) {
		refused.Allowed = append([]string{}, current.To...)
	}
	if refused.Allowed != nil || refused.Reasons != nil {
		return leadloop.Effects{}, refused
	}
	state := copyState(s.Lead.State)
	state.Status, state.StatusSince = to, s.AsOf
	e := leadloop.Effects{State: &state, Events: []leadloop.Event{changed(leadloop.EventStatusChanged, s, from, to, reason, actor)}}
	return e, trace(&e, moved{from, to, reason, actor})
}

func changed(kind leadloop.EventKind, s leadloop.Subject, from, to, reason, actor string) leadloop.Event {
	return leadloop.Event{Kind: kind, Lead: s.Lead.ID, At: s.AsOf, From: from, To: to, Reason: reason, Actor: actor}
}

func copyState(s leadloop.State) leadloop.State {
	s.Score.Needs = slices.Clone(s.Score.Needs)
	s.Declined = slices.Clone(s.Declined)
	return s
}

func trace(e *leadloop.Effects, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("lifecycle: trace: %w", err)
	}
	e.Trace = b
	return nil
}

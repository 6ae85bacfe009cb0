package lifecycle

import (
	"context"
	"slices"

	"github.com/leadloop/leadloop"
)

// NewStage returns the record-keeping step "lifecycle", which belongs into the
// loop's Records, so that it runs however a run ends.
//
//   - A lead that has no stage begins in the initial one.
//   - A lead that gets an owner, or another one, has the initial status. Then
//     activities since the last change of status show the next ones, in the
//     order in which they happened and as far as the statuses allow.
//   - What a stage follows takes the lead there: a second pass, or a
//     disposition that this run changed to disqualified or nurture, with the
//     decision's reason. Assigned, queued and alerted leads stay where they are.
//   - Automatic ways are taken, the first whose criteria all hold, until none
//     is left. A way that would lead back to a stage of the same chain ends it
//     there, before the circle, so that deciding again moves nothing.
//     Suppressed leads are not moved.
//
// Every change is an event, by "rule:<from>-<to>" where a rule made it. A run
// that changes nothing writes nothing.
func NewStage(l *Lifecycle) leadloop.Stage {
	return leadloop.StageFunc("lifecycle", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		r := record{l: l, s: s, state: copyState(s.Lead.State)}
		if err := r.run(ctx); err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, err
		}
		if len(r.effects.Events) > 0 {
			r.effects.State = &r.state
		}
		if len(r.trace.Moves)+len(r.trace.Failed) > 0 {
			if err := trace(&r.effects, r.trace); err != nil {
				return leadloop.Outcome{}, leadloop.Effects{}, err
			}
		}
		return leadloop.Outcome{}, r.effects, nil
	})
}

// NewHold returns the step "hold", which belongs behind suppression and before
// whatever enriches, scores and routes. A lead that a person disqualified, or
// that was archived, stays so there, whatever timers come due and whatever it
// looks at, until it is recycled or submits again. Without this step the next run would take
// the person's no for one that no longer holds. What the score disqualified is
// left to the score.
func NewHold() leadloop.Stage {
	return leadloop.StageFunc("hold", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		state := &s.Lead.State
		returns := s.Trigger == leadloop.TriggerSubmission || s.Trigger == leadloop.TriggerRecycle
		no := state.Disposition == leadloop.OutcomeDisqualified && state.Score.Disqualified == ""
		if returns || !no && state.Disposition != leadloop.OutcomeArchived {
			return leadloop.Outcome{}, leadloop.Effects{}, nil
		}
		return leadloop.Outcome{Kind: state.Disposition, Reason: state.Reason, Stop: true}, leadloop.Effects{}, nil
	})
}

// record is one run of the step.
type record struct {
	l       *Lifecycle
	s       leadloop.Subject
	state   leadloop.State
	effects leadloop.Effects
	trace   recordTrace
}

// recordTrace explains the step in the decision record.
type recordTrace struct {
	Moves []moved `json:"moves,omitempty"`
	// Failed are criteria that could not be evaluated.
	Failed []string `json:"failed,omitempty"`
}

func (r *record) run(ctx context.Context) error {
	fresh := r.state.Stage == ""
	if fresh {
		r.to(r.l.initial, ReasonArrived, "rule:initial")
	}
	r.statuses()
	if r.s.Trigger == leadloop.TriggerRecycle && !fresh {
		r.follow(FollowsRecycle, ReasonRecycled)
	}
	if fresh || r.state.Disposition != r.s.Previous.Disposition {
		switch r.state.Disposition {
		case leadloop.OutcomeDisqualified:
			r.follow(FollowsDisqualified, r.state.Reason)
		case leadloop.OutcomeNurture:
			r.follow(FollowsNurture, r.state.Reason)
		case leadloop.OutcomeArchived:
			r.follow(FollowsArchived, r.state.Reason)
		}
	}
	if r.state.Disposition == leadloop.OutcomeSuppressed {
		return nil
	}
	return r.automatic(ctx)
}

func (r *record) to(stage, reason, actor string) {
	from := r.state.Stage
	r.effects.Events = append(r.effects.Events, changed(leadloop.EventStageChanged, r.s, from, stage, reason, actor))
	r.trace.Moves = append(r.trace.Moves, moved{from, stage, reason, actor})
	r.state.Stage, r.state.StageSince = stage, r.s.AsOf
}

func (r *record) follow(decision, reason string) {
	if v := r.l.conversion; v != nil && decision == FollowsNurture && (r.state.Stage == v.Stage || r.state.Stage == v.Won) {
		return // there is a deal, and how that goes decides
	}
	i := slices.IndexFunc(r.l.stages, func(s stage) bool { return s.Follows == decision })
	if i >= 0 && r.l.stages[i].ID != r.state.Stage {
		r.to(r.l.stages[i].ID, reason, "rule:"+decision)
	}
}

// automatic follows the automatic ways to where they settle.
func (r *record) automatic(ctx context.Context) error {
	if from := r.l.stage(r.state.Stage); from == nil || !slices.ContainsFunc(from.ways, func(w way) bool { return w.auto }) {
		return nil
	}
	v, err := r.l.look(ctx, r.s, &r.state)
	if err != nil {
		return err
	}
	path := []string{r.state.Stage}
	for {
		next, err := r.next(ctx, v, path[len(path)-1])
		if err != nil {
			return err
		}
		if next == "" {
			break
		}
		if i := slices.Index(path, next); i >= 0 {
			path = path[:i+1]
			break
		}
		path = append(path, next)
	}
	for _, stage := range path[1:] {
		r.to(stage, ReasonCriteria, "rule:"+r.state.Stage+"-"+stage)
	}
	return nil
}

// next returns the stage that the first open automatic way leads to, "" for
// none.
func (r *record) next(ctx context.Context, v *view, stage string) (string, error) {
	from := r.l.stage(stage)
	if from == nil {
		return "", nil // a stage of an earlier definition: a person has to move it
	}
	v = v.at(stage)
	for i := range from.ways {
		w := &from.ways[i]
		if !w.auto {
			continue
		}
		unmet, err := r.l.unmet(ctx, v, from, w)
		if err != nil {
			return "", err
		}
		if len(unmet) == 0 {
			return w.to, nil
		}
		for _, u := range unmet {
			if u.Err != nil {
				r.trace.Failed = append(r.trace.Failed, u.String())
			}
		}
	}
	return "", nil
}

// statuses begins the owner's work and reads its progress from activities.
func (r *record) statuses() {
	if r.state.Owner == "" || r.l.initialStatus == "" {
		return
	}
	set := func(e leadloop.Event) {
		r.effects.Events = append(r.effects.Events, e)
		r.state.Status, r.state.StatusSince = e.To, e.At
	}
	changedHands := r.s.Previous.Owner != r.state.Owner && r.state.Status != r.l.initialStatus
	switch {
	case r.state.Status == "":
		set(changed(leadloop.EventStatusChanged, r.s, "", r.l.initialStatus, ReasonArrived, "rule:initial"))
		return
	case changedHands:
		set(changed(leadloop.EventStatusChanged, r.s, r.state.Status, r.l.initialStatus, ReasonNewOwner, "rule:initial"))
		return
	}
	// What happened while somebody else had the lead, and was written down since,
	// says nothing about what its owner does with it.
	since := r.state.StatusSince
	if r.state.OwnerSince.After(since) {
		since = r.state.OwnerSince
	}
	for _, a := range slices.SortedFunc(slices.Values(r.s.Lead.Activities), leadloop.Activity.Compare) {
		if !a.At.After(since) || a.At.After(r.s.AsOf) {
			continue
		}
		i := slices.IndexFunc(r.l.statuses, func(s Status) bool { return slices.Contains(s.Activities, a.Type) })
		if i < 0 {
			continue
		}
		to, current := r.l.statuses[i].ID, r.l.status(r.state.Status)
		if to == r.state.Status || current != nil && !slices.Contains(current.To, to) {
			continue
		}
		e := changed(leadloop.EventStatusChanged, r.s, r.state.Status, to, ReasonActivity, string(a.Actor))
		e.At, e.Attrs = a.At, map[string]string{"activity": a.Type}
		if a.Actor == "" {
			e.Actor = "rule:" + to
		}
		set(e)
	}
}

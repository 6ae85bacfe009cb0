package tracking

import (
	"context"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
)

// NewStage returns the record-keeping step "track", which belongs into the
// loop's Records, so that it runs however a run ends.
//
// The first touch is the earliest activity of a type in Options.Touches that
// the owner did since it owns the lead; activities dated after the decision
// wait for a later one. It is set on the state and journaled as of when it
// happened, and with it whether the SLA was met: at the touch if that was in
// time, else missed at the moment it was due. An earlier touch that becomes
// known later corrects both. LastTouchAt is the latest such activity of any
// rep. A run that changes nothing writes nothing.
func NewStage(o Options) leadloop.Stage {
	o = o.withDefaults()
	return leadloop.StageFunc("track", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		return leadloop.Outcome{}, track(s, o.Touches), nil
	})
}

func track(s leadloop.Subject, types []string) leadloop.Effects {
	before := &s.Lead.State
	state := *before
	state.Score.Needs = slices.Clone(before.Score.Needs)
	if !state.FirstTouchAt.IsZero() && state.FirstTouchAt.Before(state.OwnerSince) {
		state.FirstTouchAt = time.Time{} // it was a previous owner's
	}
	var first *leadloop.Activity
	for i := range s.Lead.Activities {
		a := &s.Lead.Activities[i]
		if a.Actor == "" || a.At.After(s.AsOf) || !slices.Contains(types, a.Type) {
			continue
		}
		if a.At.After(state.LastTouchAt) {
			state.LastTouchAt = a.At
		}
		if a.Actor == state.Owner && !a.At.Before(state.OwnerSince) && (first == nil || a.Compare(*first) < 0) {
			first = a
		}
	}
	var e leadloop.Effects
	if first != nil && (state.FirstTouchAt.IsZero() || first.At.Before(state.FirstTouchAt)) {
		state.FirstTouchAt = first.At
		e.Events = append(e.Events, leadloop.Event{
			Kind: leadloop.EventFirstTouch, Lead: s.Lead.ID, At: first.At, Actor: string(first.Actor), To: first.Type,
		})
		e.Events = append(e.Events, answer(s.Lead.ID, &state.SLA, first.At)...)
	}
	if !state.FirstTouchAt.Equal(before.FirstTouchAt) || !state.LastTouchAt.Equal(before.LastTouchAt) || state.SLA != before.SLA {
		e.State = &state
	}
	return e
}

// answer stops the clock at the first touch.
func answer(lead leadloop.LeadID, sla *leadloop.SLA, touch time.Time) []leadloop.Event {
	if sla.IsZero() || sla.DueAt.IsZero() || !sla.MetAt.IsZero() {
		return nil
	}
	e := leadloop.Event{Kind: leadloop.EventSLAMet, Lead: lead, At: touch, Attrs: map[string]string{"policy": sla.Policy}}
	if touch.After(sla.DueAt) {
		if !sla.MissedAt.IsZero() {
			return nil // the timer noticed
		}
		e.Kind, e.At = leadloop.EventSLAMissed, sla.DueAt
		sla.MissedAt = sla.DueAt
	} else {
		sla.MetAt = touch
	}
	return []leadloop.Event{e}
}

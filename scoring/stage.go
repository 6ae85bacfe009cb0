package scoring

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
)

// StageName is how traces and errors call the scoring step.
const StageName = "score"

// NewStage returns the step that scores a lead and remembers it.
//
// It sets the state's score, writes events for what changed (scored, tier
// changed, disqualified), asks to be called again when the score stops being
// valid, and explains itself in its trace, which is a [Trace]. A disqualified
// lead ends the run. If nothing changed it writes nothing but the trace. The
// tier of the state before the run is what hysteresis holds on to.
func NewStage(m *Model) leadloop.Stage {
	m.warm()
	only := &Live{}
	only.now.Store(&versions{active: m})
	return NewLiveStage(only)
}

// Trace is what the scoring step writes into a decision record: the
// explanation, and that of the shadow beside it. It reads as an [Explanation]
// too.
type Trace struct {
	Explanation
	Shadow *Explanation `json:"shadow,omitempty"`
	// ShadowError says why there is no shadow although one was set.
	ShadowError string `json:"shadow_error,omitempty"`
}

// NewLiveStage returns the step of [NewStage] by whatever model is active when
// a lead comes. The shadow, if there is one, scores the same input, as if it
// were in force; the trace keeps what it said and nothing else does.
func NewLiveStage(l *Live) leadloop.Stage {
	return leadloop.StageFunc(StageName, func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		v := l.now.Load()
		in := Input{Profile: s.Profile, Activities: s.Lead.Activities, AsOf: s.AsOf, PreviousTier: s.Previous.Score.Tier}
		e, err := v.active.Explain(ctx, in)
		if err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, err
		}
		record := Trace{Explanation: e}
		if v.shadow != nil {
			if shadow, err := v.shadow.Explain(ctx, in); err != nil {
				record.ShadowError = err.Error()
			} else {
				record.Shadow = &shadow
			}
		}
		trace, err := record.encode()
		if err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("scoring: trace: %w", err)
		}
		effects := leadloop.Effects{Trace: trace}
		var outcome leadloop.Outcome
		before, after := s.Lead.State.Score, e.Score()
		state := s.Lead.State
		state.Score = after
		if after.Disqualified != "" {
			outcome = leadloop.Outcome{Kind: leadloop.OutcomeDisqualified, Reason: after.Disqualified, Stop: true}
			state.Disposition, state.Reason = outcome.Kind, outcome.Reason
		}
		if !same(before, after) || state.Disposition != s.Lead.State.Disposition || state.Reason != s.Lead.State.Reason {
			effects.State = &state
		}
		effects.Events = events(s, e, before, after)
		// A task set before for another moment stays: it finds nothing changed.
		// Cancelled, it could not be set again if that moment comes back, because
		// a key is used once.
		if key := rescoreKey(s.Lead.ID, after.ValidUntil); key != "" && !before.ValidUntil.Equal(after.ValidUntil) {
			effects.Tasks = []leadloop.Task{{
				Key: key, Kind: leadloop.TaskRescore, Lead: s.Lead.ID, DueAt: after.ValidUntil, State: leadloop.TaskPending,
			}}
		}
		return outcome, effects, nil
	})
}

func same(a, b leadloop.Score) bool {
	return sameResult(a, b) && slices.Equal(a.Needs, b.Needs) && a.ValidUntil.Equal(b.ValidUntil)
}

// sameResult leaves out what follows from the clock and from what is missing.
func sameResult(a, b leadloop.Score) bool {
	return a.Known == b.Known && a.Points == b.Points && a.Low == b.Low && a.High == b.High &&
		a.Tier == b.Tier && a.Disqualified == b.Disqualified && a.Model == b.Model
}

func events(s leadloop.Subject, e Explanation, before, after leadloop.Score) []leadloop.Event {
	var out []leadloop.Event
	add := func(ev leadloop.Event) {
		ev.Lead, ev.At = s.Lead.ID, e.AsOf
		if ev.Actor == "" {
			ev.Actor = "stage:" + StageName
		}
		out = append(out, ev)
	}
	if !sameResult(before, after) {
		attrs := map[string]string{"model": after.Model, "low": after.Low.String(), "high": after.High.String()}
		if after.Known {
			attrs["points"] = after.Points.String()
		}
		add(leadloop.Event{Kind: leadloop.EventScored, Attrs: attrs})
	}
	if before.Tier != after.Tier {
		add(leadloop.Event{Kind: leadloop.EventTierChanged, From: before.Tier, To: after.Tier})
	}
	if after.Disqualified != "" && after.Disqualified != before.Disqualified {
		add(leadloop.Event{Kind: leadloop.EventDisqualified, Actor: "rule:" + e.DisqualifiedBy, Reason: after.Disqualified})
	}
	return out
}

// rescoreKey is the same for the same lead and instant; empty for never.
func rescoreKey(lead leadloop.LeadID, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	// Seconds and nanoseconds apart, because together they do not reach beyond
	// the year 2262.
	return fmt.Sprintf("%s:%s:%d%09d", leadloop.TaskRescore, lead, at.Unix(), at.Nanosecond())
}

package enrich

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// refreshTries bounds how often a lead that providers failed is enriched again
// by itself; the pause before the first time is refreshPause and doubles from
// there: after 1, 2, 4, 8, 16 and 32 hours.
const (
	refreshTries = 6
	refreshPause = time.Hour
)

// NewStage returns the step "enrich". It acts when a lead arrives, is recycled,
// or has a refresh task due; when an activity makes what was bought stale; and,
// with an [Outlook], whenever the lead is decided about, because what did not
// matter yesterday may today.
//
// Its claims have the origin "provider" and are dated by when the answer was
// given. Per provider that told something new or cost something there is one
// EventEnriched (attrs: provider; fields, comma-separated; cost, in
// millionths), per provider that failed one EventProviderFailed. The lead goes
// on in any case; if a failed provider could still give a missing field, a
// TaskRefresh comes due after an hour, then after two, up to six times.
func NewStage(w *Waterfall) leadloop.Stage {
	return leadloop.StageFunc("enrich", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		if !w.acts(s) {
			return leadloop.Outcome{}, leadloop.Effects{}, nil
		}
		r, err := w.Enrich(ctx, s)
		if err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, err
		}
		return decide(s, r)
	})
}

// acts reports whether a run may have something to buy. What an activity or the
// time brings about can make a field matter that did not, and that only a
// waterfall with an outlook can tell; or it makes what was bought stale.
func (w *Waterfall) acts(s leadloop.Subject) bool {
	switch s.Trigger {
	case leadloop.TriggerSubmission, leadloop.TriggerRecycle:
		return true
	case leadloop.TriggerTask:
		if s.Task != nil && s.Task.Kind == leadloop.TaskRefresh {
			return true
		}
	case leadloop.TriggerActivity:
		if stale := triggersOf(w.o.Refresh, s); len(stale.of) > 0 && len(w.lacking(s, stale)) > len(w.lacking(s, triggers{})) {
			return true
		}
	}
	return w.o.Mode != Off && w.o.Outlook != nil
}

func decide(s leadloop.Subject, r Report) (leadloop.Outcome, leadloop.Effects, error) {
	trace, err := json.Marshal(r)
	if err != nil {
		return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("enrich: trace: %w", err)
	}
	out := leadloop.Outcome{Reason: r.Stopped}
	e := leadloop.Effects{Claims: r.Claims, Trace: trace}
	for _, c := range r.Calls {
		if ev, ok := event(s, r, c); ok {
			e.Events = append(e.Events, ev)
		}
		if c.Outcome == Skipped && strings.HasPrefix(c.Reason, "budget_") && out.Reason == "" {
			out.Reason = c.Reason
		}
	}
	if r.Cost > 0 {
		state := s.Lead.State
		state.Score.Needs = slices.Clone(state.Score.Needs)
		state.Cost += r.Cost
		e.State = &state
	}
	if r.Unfinished() {
		out.Reason = "provider_failed"
		if t, ok := refresh(s, r); ok {
			e.Tasks = append(e.Tasks, t)
		}
	}
	return out, e, nil
}

func event(s leadloop.Subject, r Report, c Call) (leadloop.Event, bool) {
	ev := leadloop.Event{Lead: s.Lead.ID, At: s.AsOf, Actor: "stage:enrich", Attrs: map[string]string{"provider": c.Source}}
	switch c.Outcome {
	case Failed:
		ev.Kind, ev.Reason = leadloop.EventProviderFailed, c.Reason
		return ev, true
	case Matched, NoMatch:
		var fields []string
		for _, cl := range r.Claims {
			if cl.Source == c.Source {
				fields = append(fields, cl.Field)
			}
		}
		ev.Kind, ev.Reason = leadloop.EventEnriched, string(c.Outcome)
		ev.Attrs["fields"], ev.Attrs["cost"] = strings.Join(fields, ","), strconv.FormatInt(int64(c.Cost), 10)
		return ev, len(fields) > 0 || c.Cost > 0
	}
	return leadloop.Event{}, false
}

// refresh is the task that tries again. Its key depends on the moment of the
// decision, so that deciding anew after a conflict adds no second task.
func refresh(s leadloop.Subject, r Report) (leadloop.Task, bool) {
	p := payloadOf(s.Task)
	if p.Enrich >= refreshTries {
		return leadloop.Task{}, false
	}
	pause := refreshPause << p.Enrich
	for _, c := range r.Calls {
		pause = max(pause, c.RetryAfter)
	}
	p.Enrich++
	payload, err := json.Marshal(p)
	if err != nil {
		return leadloop.Task{}, false
	}
	since := s.AsOf.UTC()
	if s.Trigger == leadloop.TriggerActivity || s.Trigger == leadloop.TriggerTask && p.Enrich == 1 && len(p.Fields) == 0 {
		// Of the many things that happen to a lead while a provider is down,
		// those of one hour bring about one more try.
		since = since.Truncate(refreshPause)
	}
	return leadloop.Task{
		Key:  fmt.Sprintf("enrich:refresh:%s:%d", s.Lead.ID, since.UnixNano()),
		Kind: leadloop.TaskRefresh, Lead: s.Lead.ID, DueAt: s.AsOf.Add(pause),
		Payload: payload, State: leadloop.TaskPending,
	}, true
}

package scoring

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

const staged = `model: staged
version: 3
rules:
  - {id: big, when: "company.employees >= 500", points: 50}
  - {id: demo, each: demo, points: 40, decay: {window: 7d}}
  - {id: student, when: 'lead.title == "Student"', disqualify: student}
tiers: {A: 70, B: 40, C: 0, hysteresis: 3}
`

// lead is a stored lead with what its profile says.
type lead struct {
	*leadloop.Lead
	profile *leadloop.Profile
}

// run decides and applies what was decided, as a loop would.
func (l *lead) run(t *testing.T, s leadloop.Stage, asOf time.Time, task *leadloop.Task) (leadloop.Outcome, leadloop.Effects) {
	t.Helper()
	out, effects, err := s.Decide(t.Context(), leadloop.Subject{
		Lead: l.Lead, Profile: l.profile, AsOf: asOf, Previous: l.State, Task: task,
	})
	if err != nil {
		t.Fatal(err)
	}
	if effects.State != nil {
		l.State = *effects.State
	}
	return out, effects
}

func TestTheStageWritesWhatChanged(t *testing.T) {
	m := compile(t, staged)
	s := NewStage(m)
	if s.Name() != "score" {
		t.Errorf("the step is called %q", s.Name())
	}
	l := &lead{&leadloop.Lead{ID: "l1", Activities: []leadloop.Activity{happened("demo", day)}}, profile(t, m, func(p *leadloop.Profile) {
		leadloop.Employees.Set(p, 700)
		leadloop.Title.Set(p, "CTO")
	})}
	scored := func(points, low, high string, at time.Time) leadloop.Event {
		return leadloop.Event{Kind: leadloop.EventScored, Lead: "l1", At: at, Actor: "stage:score", Attrs: map[string]string{
			"points": points, "low": low, "high": high, "model": m.ID(),
		}}
	}
	due := asOf.Add(6 * day)
	key := "rescore:l1:1794128400000000000"
	rescore := leadloop.Task{Key: key, Kind: leadloop.TaskRescore, Lead: "l1", DueAt: due, State: leadloop.TaskPending}
	type written struct {
		Outcome leadloop.Outcome
		Score   *leadloop.Score
		Events  []leadloop.Event
		Tasks   []leadloop.Task
		Cancel  []string
	}
	step := func(name string, at time.Time, task *leadloop.Task, want written) {
		t.Helper()
		out, effects := l.run(t, s, at, task)
		got := written{Outcome: out, Events: effects.Events, Tasks: effects.Tasks, Cancel: effects.CancelTasks}
		if effects.State != nil {
			got.Score = &effects.State.Score
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		var e Explanation
		if err := json.Unmarshal(effects.Trace, &e); err != nil || e.Model != "staged" || !e.AsOf.Equal(at) {
			t.Errorf("%s: trace %s: %v", name, effects.Trace, err)
		}
	}
	result := func(points float64, tier, reason string, until time.Time) *leadloop.Score {
		p, _ := leadloop.PointsOf(points)
		return &leadloop.Score{Known: true, Points: p, Low: p, High: p, Tier: tier, Disqualified: reason, Needs: []string{}, ValidUntil: until, Model: m.ID()}
	}

	step("the first score", asOf, nil, written{
		Score: result(90, "A", "", due),
		Events: []leadloop.Event{
			scored("90", "90", "90", asOf),
			{Kind: leadloop.EventTierChanged, Lead: "l1", At: asOf, Actor: "stage:score", To: "A"},
		},
		Tasks: []leadloop.Task{rescore},
	})
	step("the same again", asOf, nil, written{})
	step("later, with nothing changed", asOf.Add(day), nil, written{})
	l.Activities = append(l.Activities, happened("demo", 0))
	step("another activity", asOf.Add(day), nil, written{
		Score:  result(130, "A", "", due),
		Events: []leadloop.Event{scored("130", "130", "130", asOf.Add(day))},
	})
	next := asOf.Add(7 * day)
	nextKey := "rescore:l1:1794214800000000000"
	step("the task came due", due, &rescore, written{
		Score:  result(90, "A", "", next),
		Events: []leadloop.Event{scored("90", "90", "90", due)},
		Tasks:  []leadloop.Task{{Key: nextKey, Kind: leadloop.TaskRescore, Lead: "l1", DueAt: next, State: leadloop.TaskPending}},
	})
	leadloop.Title.Set(l.profile, "Student")
	l.Activities = nil
	step("disqualified, and nothing left that could change by itself", due, nil, written{
		Outcome: leadloop.Outcome{Kind: leadloop.OutcomeDisqualified, Reason: "student", Stop: true},
		Score:   result(50, "", "student", time.Time{}),
		Events: []leadloop.Event{
			scored("50", "50", "50", due),
			{Kind: leadloop.EventTierChanged, Lead: "l1", At: due, Actor: "stage:score", From: "A"},
			{Kind: leadloop.EventDisqualified, Lead: "l1", At: due, Actor: "rule:student", Reason: "student"},
		},
	})
	if l.State.Disposition != leadloop.OutcomeDisqualified || l.State.Reason != "student" {
		t.Errorf("the state says %q, %q", l.State.Disposition, l.State.Reason)
	}
	step("disqualified again", due, nil, written{Outcome: leadloop.Outcome{Kind: leadloop.OutcomeDisqualified, Reason: "student", Stop: true}})
}

func TestTheStageHoldsTheTierFromBeforeTheRun(t *testing.T) {
	m := compile(t, "model: m\nversion: 1\nrules: [{id: r, points: \"company.hiring_velocity\"}]\ntiers: {A: 70, B: 0, hysteresis: 3}\n")
	p := profile(t, m, func(p *leadloop.Profile) { leadloop.HiringVelocity.Set(p, 68) })
	_, effects, err := NewStage(m).Decide(t.Context(), leadloop.Subject{
		Lead: &leadloop.Lead{ID: "l1", State: leadloop.State{Score: leadloop.Score{Tier: "B"}}}, Profile: p, AsOf: asOf,
		Previous: leadloop.State{Score: leadloop.Score{Tier: "A"}},
	})
	if err != nil || effects.State == nil || effects.State.Score.Tier != "A" {
		t.Errorf("got %+v, %v; want tier A", effects.State, err)
	}
}

func TestTheStageWritesNoScoreAsNoScore(t *testing.T) {
	m := compile(t, staged)
	l := &lead{&leadloop.Lead{ID: "l1"}, profile(t, m, nil)}
	_, effects := l.run(t, NewStage(m), asOf, nil)
	want := []leadloop.Event{{Kind: leadloop.EventScored, Lead: "l1", At: asOf, Actor: "stage:score", Attrs: map[string]string{
		"low": "0", "high": "50", "model": m.ID(),
	}}}
	if diff := cmp.Diff(want, effects.Events); diff != "" || l.State.Score.Known {
		t.Errorf("known %t, events (-want +got):\n%s", l.State.Score.Known, diff)
	}
}

func TestTheStageFailsOnAnotherSchema(t *testing.T) {
	m := compile(t, sound)
	_, _, err := NewStage(m).Decide(t.Context(), leadloop.Subject{Lead: &leadloop.Lead{}, Profile: leadloop.StandardSchema().NewProfile(), AsOf: asOf})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}

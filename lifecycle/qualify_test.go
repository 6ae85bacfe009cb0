package lifecycle_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/lifecycle"
)

// qualified is a lifecycle whose opportunities need a framework.
func qualified(t testing.TB, qualification string) (*lifecycle.Lifecycle, *leadloop.Schema) {
	t.Helper()
	d := parse(t, "initial: sql\nstages:\n  - {id: sql, to: [{stage: opportunity}]}\n  - {id: opportunity, needs: [q], final: true}\nqualification: ["+qualification+"]\n")
	schema := schemaOf(t, d)
	l, err := lifecycle.New(d, schema, lifecycle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return l, schema
}

func unmetOf(t testing.TB, err error) []lifecycle.Unmet {
	t.Helper()
	var refused *lifecycle.RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("not refused: %v", err)
	}
	return refused.Unmet
}

func TestReadyMadeQuestionsAreWhatSalesPeopleAsk(t *testing.T) {
	want := map[string][]string{
		"bant":   {"budget", "authority", "need", "timing"},
		"meddic": {"metrics", "economic_buyer", "decision_criteria", "decision_process", "pain", "champion"},
	}
	for name, f := range map[string]lifecycle.Framework{"bant": lifecycle.BANT(), "meddic": lifecycle.MEDDIC()} {
		var got []string
		for _, q := range f.Questions {
			got = append(got, q.ID)
			if q.Ask == "" {
				t.Errorf("%s.%s asks nothing", name, q.ID)
			}
		}
		if diff := cmp.Diff(want[name], got); diff != "" || f.ID != name {
			t.Error(f.ID, diff)
		}
		l, _ := qualified(t, "{id: q, use: "+name+"}")
		if len(l.Fields()) != len(want[name]) {
			t.Errorf("%s reads %v", name, l.Fields())
		}
	}
}

func TestAMoveThatNeedsAnswersIsRefusedWithTheQuestionsAndTheirFields(t *testing.T) {
	l, schema := qualified(t, "{id: q, use: bant, questions: [{id: budget, ask: How much, kind: double, when: \"lead.q_budget >= 1000.0\"}]}")
	s := subject(leadloop.State{Stage: "sql", Owner: "ana"})
	s.Profile = schema.NewProfile()
	set := func(field string, v leadloop.Value) {
		if err := s.Profile.SetValue(field, v); err != nil {
			t.Fatal(err)
		}
	}
	set("lead.q_authority", leadloop.ValueOf("the CTO"))
	set("lead.q_need", leadloop.NoValue(leadloop.KindString)) // asked, and they would not say
	set("lead.q_budget", leadloop.ValueOf(10.0))
	_, _, err := l.Move("opportunity", "qualified", "ana").Decide(ctx, s)
	want := []lifecycle.Unmet{
		{Of: "enter of opportunity", Criterion: "q.need", Ask: "Which problem do they want to solve?"},
		{Of: "enter of opportunity", Criterion: "q.timing", Ask: "When do they want to have it solved?", Needs: []string{"lead.q_timing"}},
		{Of: "enter of opportunity", Criterion: "q.budget", Ask: "How much"},
	}
	if diff := cmp.Diff(want, unmetOf(t, err)); diff != "" {
		t.Error(diff)
	}
	if text := want[1].String(); text != `criterion "q.timing" (enter of opportunity: When do they want to have it solved?) is undecided, it needs lead.q_timing` {
		t.Error(text)
	}
	set("lead.q_need", leadloop.ValueOf("reports take a week"))
	set("lead.q_timing", leadloop.ValueOf("this quarter"))
	set("lead.q_budget", leadloop.ValueOf(5000.0))
	if e := decide(t, l.Move("opportunity", "qualified", "ana"), s); e.State.Stage != "opportunity" {
		t.Errorf("%+v", e.State)
	}
}

func TestSomeAnswersAreEnoughWhereTheFrameworkSaysSo(t *testing.T) {
	l, schema := qualified(t, "{id: q, use: bant, at_least: 2}")
	s := subject(leadloop.State{Stage: "sql"})
	for i, field := range []string{"lead.q_need", "lead.q_timing"} {
		s.Profile = s.Profile.Clone()
		if i == 0 {
			s.Profile = schema.NewProfile()
		}
		if err := s.Profile.SetValue(field, leadloop.ValueOf("yes")); err != nil {
			t.Fatal(err)
		}
		_, _, err := l.Move("opportunity", "qualified", "ana").Decide(ctx, s)
		if (err == nil) != (i == 1) {
			t.Errorf("%d answers: %v", i+1, err)
		}
	}
}

func TestAnswersAreClaimsOfTheRep(t *testing.T) {
	l, schema := qualified(t, "{id: q, questions: [{id: seats, ask: How many, kind: int}, {id: when, ask: When}]}")
	s := subject(leadloop.State{Stage: "sql"})
	s.Profile = schema.NewProfile()
	e := decide(t, l.Answer("ana", map[string]leadloop.Value{"q.seats": leadloop.ValueOf(int64(40)), "q.when": leadloop.NoValue(leadloop.KindString)}), s)
	said := leadloop.Evidence{Origin: leadloop.OriginRep, Source: "ana", ObservedAt: at, VerifiedAt: at}
	want := []leadloop.Claim{
		{Field: "lead.q_seats", Value: leadloop.ValueOf(int64(40)), Evidence: said},
		{Field: "lead.q_when", Value: leadloop.NoValue(leadloop.KindString), Evidence: said},
	}
	if len(e.Claims) != 2 || e.Claims[0].Compare(want[0]) != 0 || e.Claims[1].Compare(want[1]) != 0 {
		t.Errorf("%+v", e.Claims)
	}
	for name, tc := range map[string]struct {
		by     leadloop.RepID
		answer map[string]leadloop.Value
		want   string
	}{
		"a question that there is not": {"ana", map[string]leadloop.Value{"q.seets": leadloop.ValueOf(int64(1))}, `invalid: there is no question "q.seets", did you mean "q.seats"?`},
		"a value of another kind":      {"ana", map[string]leadloop.Value{"q.seats": leadloop.ValueOf("forty")}, "invalid: the answer to q.seats is of kind int"},
		"nobody":                       {"", map[string]leadloop.Value{"q.seats": leadloop.ValueOf(int64(1))}, "invalid: an answer needs the rep who wrote it down"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := l.Answer(tc.by, tc.answer).Decide(ctx, s)
			if !errors.Is(err, leadloop.ErrInvalid) || err.Error() != tc.want {
				t.Error(err)
			}
		})
	}
	if err := s.Profile.SetValue("lead.q_seats", leadloop.ValueOf(int64(40))); err != nil {
		t.Fatal(err)
	}
	answered, err := l.Qualification(ctx, s)
	if err != nil || len(answered) != 2 || !answered[0].Good || answered[0].Value.Int() != 40 || answered[1].Good || answered[1].Value.Presence() != leadloop.Absent {
		t.Errorf("%+v, %v", answered, err)
	}
}

func TestWhoMayTakeAWayAndForWhichReasons(t *testing.T) {
	d := parse(t, `initial: a
stages:
  - {id: a, to: [{stage: b, by: [owner, manager], reasons: [ready]}, {stage: c, by: [manager]}, {stage: d}]}
  - {id: b, reasons: [other], to: [{stage: c}]}
  - {id: c, final: true}
  - {id: d, final: true}
`)
	managers := map[leadloop.RepID]leadloop.RepID{"ana": "mia", "mia": "boss"}
	l := compile(t, d).With(lifecycle.Host{Manager: func(_ context.Context, owner leadloop.RepID, queue string) (leadloop.RepID, error) {
		if queue == "inbox" {
			return "ida", nil
		}
		return managers[owner], nil
	}})
	owned, queued := leadloop.State{Stage: "a", Owner: "ana"}, leadloop.State{Stage: "a", Queue: "inbox"}
	for name, tc := range map[string]struct {
		state             leadloop.State
		to, reason, actor string
		want              string // of the refusal
	}{
		"the owner":                         {owned, "b", "ready", "ana", ""},
		"the manager":                       {owned, "b", "ready", "mia", ""},
		"the manager's manager":             {owned, "c", "why", "boss", ""},
		"who manages the queue's team":      {queued, "c", "why", "ida", ""},
		"anybody, where nobody is named":    {owned, "d", "why", "ben", ""},
		"a colleague":                       {owned, "b", "ready", "ben", "lead ld_1: stage a to b refused: only owner or manager may do this"},
		"the owner, where managers decide":  {owned, "c", "why", "ana", "lead ld_1: stage a to c refused: only manager may do this"},
		"a reason that is not of this way":  {owned, "b", "other", "ana", "lead ld_1: stage a to b refused: the reason must be one of ready"},
		"nobody is the owner of what waits": {queued, "b", "ready", "ana", "lead ld_1: stage a to b refused: only owner or manager may do this"},
	} {
		t.Run(name, func(t *testing.T) {
			_, e, err := l.Move(tc.to, tc.reason, tc.actor).Decide(ctx, subject(tc.state))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tc.want || err == nil && e.State.Stage != tc.to {
				t.Errorf("%q, %+v", got, e.State)
			}
		})
	}
	ways, err := l.Ways(ctx, subject(owned), "ana")
	want := []lifecycle.Way{{To: "b", Reasons: []string{"ready"}}, {To: "c", By: []string{"manager"}}, {To: "d"}}
	if diff := cmp.Diff(want, ways); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if !ways[0].Open() || ways[1].Open() {
		t.Error("open to ana:", ways)
	}
}

func TestACallOfTheOldOwnerSaysNothingAboutTheNewOnesWork(t *testing.T) {
	g := lifecycle.NewStage(compile(t, lifecycle.Default()))
	handover := at.Add(-1)
	state := leadloop.State{
		Stage: "mql", Owner: "ben", OwnerSince: handover, Status: "new", StatusSince: at.Add(-1000), Disposition: leadloop.OutcomeAssigned, Score: points(60),
	}
	old := leadloop.Activity{ID: "1", Type: "call", Actor: "ana", At: at.Add(-10)}
	if diff := cmp.Diff(leadloop.Effects{}, decide(t, g, subject(state, old))); diff != "" {
		t.Error(diff)
	}
	own := leadloop.Activity{ID: "2", Type: "call", Actor: "ben", At: at}
	if diff := cmp.Diff([]string{"status_changed new>contacted activity by ben"}, history(decide(t, g, subject(state, old, own)))); diff != "" {
		t.Error(diff)
	}
}

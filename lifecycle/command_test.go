package lifecycle_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/lifecycle"
)

func TestARefusedMoveNamesEverythingThatStandsAgainstIt(t *testing.T) {
	l := compile(t, lifecycle.Default())
	owned := func(stage string, p int) leadloop.State {
		return leadloop.State{Stage: stage, Owner: "ana", Status: "contacted", Score: points(p)}
	}
	for name, tc := range map[string]struct {
		state leadloop.State
		set   func(*leadloop.Profile)
		do    leadloop.Stage
		want  *lifecycle.RefusedError
		text  string
	}{
		"a criterion that fails, and one that nobody can answer": {
			state: owned("sal", 55), do: l.Move("sql", "meeting_held", "ana"),
			want: &lifecycle.RefusedError{Lead: "ld_1", From: "sal", To: "sql", Unmet: []lifecycle.Unmet{
				{Of: "enter of sql", Criterion: "score"},
				{Of: "enter of sql", Criterion: "decision-maker", Needs: []string{"lead.seniority"}},
				{Of: "enter of sql", Criterion: "meeting-booked"},
			}},
			text: `lead ld_1: stage sal to sql refused: criterion "score" (enter of sql) is not met; criterion "decision-maker" (enter of sql) is undecided, it needs lead.seniority; criterion "meeting-booked" (enter of sql) is not met`,
		},
		"a field that is known not to exist is a no": {
			state: owned("sal", 70), do: l.Move("sql", "meeting_held", "ana"),
			set: func(p *leadloop.Profile) {
				if err := p.SetValue("lead.seniority", leadloop.NoValue(leadloop.KindString)); err != nil {
					panic(err)
				}
			},
			want: &lifecycle.RefusedError{Lead: "ld_1", From: "sal", To: "sql", Unmet: []lifecycle.Unmet{
				{Of: "enter of sql", Criterion: "decision-maker"}, {Of: "enter of sql", Criterion: "meeting-booked"},
			}},
			text: `lead ld_1: stage sal to sql refused: criterion "decision-maker" (enter of sql) is not met; criterion "meeting-booked" (enter of sql) is not met`,
		},
		"a way that there is not": {
			state: owned("mql", 90), do: l.Move("customer", "won", "ana"),
			want: &lifecycle.RefusedError{Lead: "ld_1", From: "mql", To: "customer", Allowed: []string{"sal", "nurture", "disqualified", "archived"}},
			text: "lead ld_1: stage mql to customer refused: from mql it can go to sal, nurture, disqualified, archived",
		},
		"a stage that leads do not leave": {
			state: owned("customer", 90), do: l.Move("mql", "again", "ana"),
			want: &lifecycle.RefusedError{Lead: "ld_1", From: "customer", To: "mql", Allowed: []string{}},
			text: "lead ld_1: stage customer to mql refused: there is no way out of customer",
		},
		"a reason that is none of the stage's": {
			state: owned("nurture", 90), do: l.Move("disqualified", "dunno", "ana"),
			want: &lifecycle.RefusedError{Lead: "ld_1", From: "nurture", To: "disqualified", Reasons: lifecycle.Default().Stages[7].Reasons},
			text: "lead ld_1: stage nurture to disqualified refused: the reason must be one of not_a_fit, no_authority, student, competitor, agency, job_seeker, invalid_contact, duplicate, spam, lost",
		},
		"an acceptance by somebody else": {
			state: owned("mql", 90), do: l.Accept("ben"),
			want: &lifecycle.RefusedError{Lead: "ld_1", From: "mql", To: "sal", NotOwner: true},
			text: "lead ld_1: stage mql to sal refused: only its owner can accept it",
		},
		"a status that does not follow": {
			state: owned("mql", 90), do: l.SetStatus("new", "again", "ana"),
			want: &lifecycle.RefusedError{Lead: "ld_1", Status: true, From: "contacted", To: "new", Allowed: []string{"working", "meeting_booked", "unresponsive"}},
			text: "lead ld_1: status contacted to new refused: from contacted it can go to working, meeting_booked, unresponsive",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := subject(tc.state)
			if tc.set != nil {
				tc.set(s.Profile)
			}
			_, e, err := tc.do.Decide(ctx, s)
			var refused *lifecycle.RefusedError
			if !errors.As(err, &refused) || !errors.Is(err, leadloop.ErrInvalid) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(tc.want, refused); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.text, err.Error()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(leadloop.Effects{}, e); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestACommandThatMakesNoSenseIsInvalidWithoutQuotingItsReason(t *testing.T) {
	l := compile(t, lifecycle.Default())
	d := lifecycle.Default()
	d.Accepted, d.Acceptance = "", nil
	for name, tc := range map[string]struct {
		do   leadloop.Stage
		want string
	}{
		"a stage that is misspelt":           {l.Move("sqll", "why", "ana"), `there is no stage "sqll", did you mean "sql"?`},
		"a status that is misspelt":          {l.SetStatus("contcted", "why", "ana"), `did you mean "contacted"?`},
		"a reason that is prose":             {l.Move("sal", "Lea Muller asked", "ana"), "a reason is a code"},
		"nobody did it":                      {l.Move("sal", "why", ""), "an actor"},
		"nobody can accept":                  {compile(t, d).Accept("ana"), "no stage for accepted leads"},
		"an acceptance by nobody, ownerless": {l.Accept(""), "only its owner"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := tc.do.Decide(ctx, subject(leadloop.State{Stage: "mql"}))
			if !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "Lea") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAMoveIsOneEventWithReasonAndActor(t *testing.T) {
	l := compile(t, lifecycle.Default())
	state := leadloop.State{Stage: "mql", Owner: "ana", Status: "new", Disposition: leadloop.OutcomeAssigned}
	e := decide(t, l.Accept("ana"), subject(state))
	accepted := state
	accepted.Stage, accepted.StageSince = "sal", at
	want := leadloop.Effects{
		State:  &accepted,
		Events: []leadloop.Event{{Kind: leadloop.EventStageChanged, Lead: "ld_1", At: at, From: "mql", To: "sal", Reason: "accepted", Actor: "ana"}},
		Trace:  []byte(`{"from":"mql","to":"sal","reason":"accepted","actor":"ana"}`),
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(leadloop.Effects{}, decide(t, l.Accept("ana"), subject(accepted))); diff != "" {
		t.Errorf("accepting again: %s", diff)
	}
}

func TestAPersonsHardNoIsTheLoopsToo(t *testing.T) {
	l := compile(t, lifecycle.Default())
	state := leadloop.State{Stage: "sal", Owner: "ana", Status: "new", Disposition: leadloop.OutcomeAssigned, Reason: "entry:west"}
	e := decide(t, l.Move("disqualified", "agency", "ana"), subject(state))
	want := []string{"stage_changed sal>disqualified agency by ana", "disqualified > agency by ana"}
	if diff := cmp.Diff(want, history(e)); diff != "" {
		t.Error(diff)
	}
	if e.State.Disposition != leadloop.OutcomeDisqualified || e.State.Reason != "agency" {
		t.Errorf("%+v", e.State)
	}
	// The record of the same run leaves it there, and so does the next one.
	s := subject(*e.State)
	s.Previous = state
	for range 2 {
		if diff := cmp.Diff(leadloop.Effects{}, decide(t, lifecycle.NewStage(l), s)); diff != "" {
			t.Error(diff)
		}
		s.Previous = s.Lead.State
	}
}

func TestOnlyAPersonsHardNoIsHeld(t *testing.T) {
	no := leadloop.State{Stage: "disqualified", Owner: "ana", Disposition: leadloop.OutcomeDisqualified, Reason: "agency", Score: points(80)}
	scored := no
	scored.Score.Disqualified = "student"
	assigned := no
	assigned.Disposition = leadloop.OutcomeAssigned
	held := leadloop.Outcome{Kind: leadloop.OutcomeDisqualified, Reason: "agency", Stop: true}
	for name, tc := range map[string]struct {
		state leadloop.State
		as    leadloop.Trigger
		want  leadloop.Outcome
	}{
		"against a timer":              {no, leadloop.TriggerTask, held},
		"against a page view":          {no, leadloop.TriggerActivity, held},
		"not against a new submission": {no, leadloop.TriggerSubmission, leadloop.Outcome{}},
		"not against a second pass":    {no, leadloop.TriggerRecycle, leadloop.Outcome{}},
		"not for the score":            {scored, leadloop.TriggerTask, leadloop.Outcome{}},
		"not for an assigned lead":     {assigned, leadloop.TriggerTask, leadloop.Outcome{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := subject(tc.state)
			s.Trigger = tc.as
			got, e, err := lifecycle.NewHold().Decide(ctx, s)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
			if diff := cmp.Diff(leadloop.Effects{}, e); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStatusesAreSetWithAReason(t *testing.T) {
	l := compile(t, lifecycle.Default())
	state := leadloop.State{Stage: "sal", Owner: "ana", Status: "contacted"}
	e := decide(t, l.SetStatus("unresponsive", "no_answer", "ana"), subject(state))
	if diff := cmp.Diff([]string{"status_changed contacted>unresponsive no_answer by ana"}, history(e)); diff != "" {
		t.Error(diff)
	}
	if e.State.Status != "unresponsive" || !e.State.StatusSince.Equal(at) {
		t.Errorf("%+v", e.State)
	}
	if diff := cmp.Diff(leadloop.Effects{}, decide(t, l.SetStatus("unresponsive", "no_answer", "ana"), subject(*e.State))); diff != "" {
		t.Errorf("again: %s", diff)
	}
}

func TestALeadInAStageOfAnEarlierDefinitionCanBeMoved(t *testing.T) {
	l := compile(t, lifecycle.Default())
	e := decide(t, l.Move("mql", "cleanup", "ana"), subject(leadloop.State{Stage: "prospect"}))
	if diff := cmp.Diff([]string{"stage_changed prospect>mql cleanup by ana"}, history(e)); diff != "" {
		t.Error(diff)
	}
}

func TestACriterionThatErrsRefusesAndIsNamed(t *testing.T) {
	l := compile(t, parse(t, `initial: a
stages:
  - {id: a, exit: [{id: bad, when: "1 / (size(owner) - size(owner)) > 0"}], to: [{stage: b, auto: true}]}
  - {id: b, final: true}
`))
	_, _, err := l.Move("b", "why", "ana").Decide(ctx, subject(leadloop.State{Stage: "a"}))
	var refused *lifecycle.RefusedError
	if !errors.As(err, &refused) || len(refused.Unmet) != 1 || refused.Unmet[0].Err == nil || !errors.Is(err, refused.Unmet[0].Err) {
		t.Fatalf("error %v", err)
	}
	e := decide(t, lifecycle.NewStage(l), subject(leadloop.State{Stage: "a"}))
	if e.State != nil || !strings.Contains(string(e.Trace), "could not be evaluated") {
		t.Errorf("%+v, trace %s", e.State, e.Trace)
	}
}

func TestADoneContextEndsTheStepInsteadOfRefusing(t *testing.T) {
	l := compile(t, lifecycle.Default())
	done, cancel := context.WithCancel(ctx)
	cancel()
	for _, g := range []leadloop.Stage{l.Move("sql", "why", "ana"), lifecycle.NewStage(l)} {
		stage := "sal"
		if g.Name() == "lifecycle" {
			stage = "inquiry"
		}
		if _, _, err := g.Decide(done, subject(leadloop.State{Stage: stage, Owner: "ana", Status: "new"})); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", g.Name(), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("initial: a\nstages: [{id: a, final: true}]\n")
	f.Add("initial: a\nstages:\n  - {id: a, to: [{stage: b, auto: true, when: 'score > 1.0'}]}\n  - {id: b, final: true}\n")
	schema := leadloop.StandardSchema()
	f.Fuzz(func(t *testing.T, text string) {
		d, err := lifecycle.Parse("f.yaml", []byte(text))
		if err != nil {
			return
		}
		l, err := lifecycle.New(d, schema, lifecycle.Options{})
		if err != nil {
			if !errors.Is(err, leadloop.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		// Whatever is accepted can run.
		if _, _, err := lifecycle.NewStage(l).Decide(ctx, subject(leadloop.State{})); err != nil {
			t.Fatal(err)
		}
	})
}

package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/lifecycle"
)

var (
	ctx = context.Background()
	at  = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
)

func compile(t testing.TB, d lifecycle.Definition) *lifecycle.Lifecycle {
	t.Helper()
	l, err := lifecycle.New(d, leadloop.StandardSchema(), lifecycle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func parse(t testing.TB, text string) lifecycle.Definition {
	t.Helper()
	d, err := lifecycle.Parse("lifecycle.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func points(p int) leadloop.Score {
	return leadloop.Score{Known: true, Points: leadloop.Points(p) * leadloop.Point, Tier: "B", Model: "m"}
}

// subject is a lead that the loop left in state and now looks at again.
func subject(state leadloop.State, activities ...leadloop.Activity) leadloop.Subject {
	return leadloop.Subject{
		Lead: &leadloop.Lead{ID: "ld_1", State: state, Activities: activities}, Profile: leadloop.StandardSchema().NewProfile(),
		AsOf: at, Trigger: leadloop.TriggerActivity, Previous: state,
	}
}

func decide(t testing.TB, g leadloop.Stage, s leadloop.Subject) leadloop.Effects {
	t.Helper()
	out, e, err := g.Decide(ctx, s)
	if err != nil || out != (leadloop.Outcome{}) {
		t.Fatalf("%+v, %v", out, err)
	}
	return e
}

// history writes events as "from>to reason by actor".
func history(e leadloop.Effects) []string {
	var out []string
	for _, ev := range e.Events {
		out = append(out, strings.TrimSpace(string(ev.Kind)+" "+ev.From+">"+ev.To+" "+ev.Reason+" by "+ev.Actor))
	}
	return out
}

func TestTheDefaultDefinitionIsSound(t *testing.T) {
	l := compile(t, lifecycle.Default())
	stages := []string{"inquiry", "mql", "sal", "sql", "opportunity", "customer", "nurture", "disqualified", "archived", "recycled"}
	if diff := cmp.Diff(stages, l.Stages()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"new", "working", "contacted", "meeting_booked", "unresponsive"}, l.Statuses()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"lead.seniority"}, l.Fields()); diff != "" {
		t.Error(diff)
	}
}

func TestEveryProblemOfADefinitionIsReportedAtOnceWithItsPlace(t *testing.T) {
	_, err := lifecycle.New(parse(t, `initial: inqiry
accepted: sal
stages:
  - id: inquiry
    enter:
      - {id: c, when: "scor > 50.0"}
    exit:
      - {id: c, when: "company.employes > 3"}
    to:
      - {stage: mql, auto: true, when: "tier == 1"}
      - {stage: mql}
      - {stage: mqll}
      - {stage: inquiry}
  - id: mql
    to: [{stage: free, auto: true}]
  - id: free
    reasons: [ok, ok, "Ana said so"]
  - id: end
    final: true
    follows: disqualifed
    to: [{stage: mql}]
  - id: out
    follows: nurture
    final: true
  - {id: out, follows: nurture, final: true}
  - {id: "Bad Id", final: true}
initial_status: nwe
statuses:
  - {id: new, to: [working, new, working], activities: [call]}
  - {id: working, to: [wrking], activities: [call]}
`), leadloop.StandardSchema(), lifecycle.Options{})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Fatal(err)
	}
	lines := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		`lifecycle.yaml:1:1: initial: there is no stage "inqiry" (did you mean "inquiry"?)`,
		`lifecycle.yaml:1:1: accepted: there is no stage "sal"`,
		`lifecycle.yaml:8:9: two criteria are called "c"`,
		`lifecycle.yaml:11:9: stage inquiry: two ways to "mql"`,
		`lifecycle.yaml:12:9: stage inquiry: to: there is no stage "mqll" (did you mean "mql"?)`,
		`lifecycle.yaml:13:9: stage inquiry: a way to itself`,
		`lifecycle.yaml:15:10: stage mql: nothing holds leads back from the automatic way to "free"`,
		`lifecycle.yaml:16:5: stage free: reason "ok" stands here twice`,
		`lifecycle.yaml:16:5: stage free: reason "Ana said so" is not made of`,
		`lifecycle.yaml:16:5: stage free: there is no way out of it`,
		`lifecycle.yaml:18:5: stage end: follows: there is no decision "disqualifed" (did you mean "disqualified"?)`,
		`lifecycle.yaml:18:5: stage end: it is final and yet has a way out`,
		`lifecycle.yaml:25:5: two stages are called "out"`,
		`lifecycle.yaml:25:5: stage out: follows "nurture", as stage "out" does already`,
		`lifecycle.yaml:26:5: stage "Bad Id": an id is made of`,
		`lifecycle.yaml:1:1: initial_status: there is no status "nwe" (did you mean "new"?)`,
		`lifecycle.yaml:29:5: status new: a way to itself`,
		`lifecycle.yaml:29:5: status new: two ways to "working"`,
		`lifecycle.yaml:30:5: status working: to: there is no status "wrking" (did you mean "working"?)`,
		`lifecycle.yaml:30:5: status working: activity "call" shows the status "new" already`,
		`lifecycle.yaml:6:`, `lifecycle.yaml:8:`, `lifecycle.yaml:10:`,
	} {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, want) }) {
			t.Errorf("not reported: %s", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestStagesAndStatusesThatNoLeadReachesAreReported(t *testing.T) {
	_, err := lifecycle.New(parse(t, `initial: a
accepted: b
stages:
  - {id: a, to: [{stage: b}]}
  - {id: b, final: true, reasons: [fine]}
  - {id: lonely, to: [{stage: a}]}
  - {id: lost, follows: disqualified, to: [{stage: after}]}
  - {id: after, final: true}
initial_status: new
statuses:
  - {id: new}
  - {id: never, to: [new]}
`), leadloop.StandardSchema(), lifecycle.Options{})
	want := `lifecycle.yaml:5:5: stage b: leads are accepted into it, so its reasons must have "accepted"
lifecycle.yaml:6:5: stage lonely: no way leads to it from "a"
lifecycle.yaml:12:5: status never: no way leads to it from "new"`
	if err == nil {
		t.Fatal("accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestParseReportsUnknownKeysAndNewNeedsASchema(t *testing.T) {
	_, err := lifecycle.Parse("lifecycle.yaml", []byte("initial: a\nstages: [{id: a, finall: true}]\n"))
	if err == nil || !strings.Contains(err.Error(), `lifecycle.yaml:2:18: stages[0]: unknown key "finall" (did you mean "final"?)`) {
		t.Errorf("error %v", err)
	}
	if _, err := lifecycle.New(lifecycle.Default(), nil, lifecycle.Options{}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("no schema: %v", err)
	}
	if _, err := lifecycle.New(lifecycle.Definition{}, leadloop.StandardSchema(), lifecycle.Options{}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("no stages: %v", err)
	}
}

func TestTheLoopKeepsTheStage(t *testing.T) {
	old := at.Add(-time.Hour)
	assigned := leadloop.State{Disposition: leadloop.OutcomeAssigned, Owner: "ana", Status: "new", StatusSince: old}
	in := func(stage string, change ...func(*leadloop.State)) leadloop.State {
		s := assigned
		s.Stage, s.StageSince = stage, old
		for _, f := range change {
			f(&s)
		}
		return s
	}
	now := func(d leadloop.OutcomeKind, reason string) func(*leadloop.State) {
		return func(s *leadloop.State) { s.Disposition, s.Reason = d, reason }
	}
	scored := func(p int) func(*leadloop.State) { return func(s *leadloop.State) { s.Score = points(p) } }
	for name, tc := range map[string]struct {
		before, state leadloop.State
		as            leadloop.Trigger
		want          []string
		stage         string
	}{
		"a new lead is an inquiry": {
			state: leadloop.State{Disposition: leadloop.OutcomeQueued}, stage: "inquiry",
			want: []string{"stage_changed >inquiry arrived by rule:initial"},
		},
		"a new lead that is good enough is an MQL at once": {
			state: leadloop.State{Disposition: leadloop.OutcomeQueued, Score: points(50)}, stage: "mql",
			want: []string{"stage_changed >inquiry arrived by rule:initial", "stage_changed inquiry>mql criteria_met by rule:inquiry-mql"},
		},
		"a lead that is not good enough stays":   {before: in("inquiry"), state: in("inquiry", scored(49)), stage: "inquiry"},
		"a lead without a score stays":           {before: in("inquiry"), state: in("inquiry"), stage: "inquiry"},
		"an MQL whose score falls stays":         {before: in("mql", scored(70)), state: in("mql", scored(10)), stage: "mql"},
		"an alerted lead stays where it is":      {before: in("inquiry"), state: in("inquiry", now(leadloop.OutcomeAlerted, "open_opportunity")), stage: "inquiry"},
		"a suppressed lead is not moved":         {before: in("inquiry"), state: in("inquiry", scored(90), now(leadloop.OutcomeSuppressed, "opted_out")), stage: "inquiry"},
		"an unknown stage is left to a person":   {before: in("prospect"), state: in("prospect", scored(90)), stage: "prospect"},
		"a disposition that stays moves nothing": {before: in("mql", now(leadloop.OutcomeNurture, "")), state: in("mql", now(leadloop.OutcomeNurture, "")), stage: "mql"},
		"a hard no disqualifies from any stage": {
			before: in("opportunity"), state: in("opportunity", now(leadloop.OutcomeDisqualified, "student")), stage: "disqualified",
			want: []string{"stage_changed opportunity>disqualified student by rule:disqualified"},
		},
		"a track does not nurture what has become a deal": {
			before: in("opportunity"), state: in("opportunity", now(leadloop.OutcomeNurture, "entry:small")), stage: "opportunity",
		},
		"nor a customer": {
			before: in("customer"), state: in("customer", now(leadloop.OutcomeNurture, "entry:small")), stage: "customer",
		},
		"a track nurtures": {
			before: in("inquiry"), state: in("inquiry", now(leadloop.OutcomeNurture, "entry:small")), stage: "nurture",
			want: []string{"stage_changed inquiry>nurture entry:small by rule:nurture"},
		},
		"a nurtured lead that gets an owner is recycled, and an MQL if it is good enough": {
			before: in("nurture", now(leadloop.OutcomeNurture, "")), state: in("nurture", scored(80)), stage: "mql",
			want: []string{"stage_changed nurture>recycled criteria_met by rule:nurture-recycled", "stage_changed recycled>mql criteria_met by rule:recycled-mql"},
		},
		"a second pass starts from recycled": {
			before: in("sal"), state: in("sal", scored(10)), as: leadloop.TriggerRecycle, stage: "recycled",
			want: []string{"stage_changed sal>recycled recycled by rule:recycle"},
		},
		"a second pass that ends in a hard no is disqualified": {
			before: in("sal"), state: in("sal", now(leadloop.OutcomeDisqualified, "student")), as: leadloop.TriggerRecycle, stage: "disqualified",
			want: []string{"stage_changed sal>recycled recycled by rule:recycle", "stage_changed recycled>disqualified student by rule:disqualified"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := lifecycle.NewStage(compile(t, lifecycle.Default()))
			s := subject(tc.state)
			s.Previous = tc.before
			if tc.as != "" {
				s.Trigger = tc.as
			}
			e := decide(t, g, s)
			if diff := cmp.Diff(tc.want, history(e)); diff != "" {
				t.Error(diff)
			}
			after := tc.state
			if e.State != nil {
				after = *e.State
			}
			if after.Stage != tc.stage || len(tc.want) > 0 && !after.StageSince.Equal(at) {
				t.Errorf("stage %q since %v", after.Stage, after.StageSince)
			}
			if diff := cmp.Diff(leadloop.Effects{}, decide(t, g, subject(after))); diff != "" {
				t.Errorf("a second run writes: %s", diff)
			}
		})
	}
}

func TestStatusesFollowWhatTheOwnerDoes(t *testing.T) {
	g := lifecycle.NewStage(compile(t, lifecycle.Default()))
	did := func(id, kind string, minutes int) leadloop.Activity {
		return leadloop.Activity{ID: id, Type: kind, Actor: "ana", At: at.Add(time.Duration(minutes) * time.Minute)}
	}
	state := leadloop.State{Stage: "mql", StageSince: at, Disposition: leadloop.OutcomeAssigned, Owner: "ana"}
	e := decide(t, g, subject(state))
	if diff := cmp.Diff([]string{"status_changed >new arrived by rule:initial"}, history(e)); diff != "" {
		t.Error(diff)
	}
	s := subject(*e.State, did("4", "call", 40), did("1", "call", -1), did("2", "page_view", 1), did("3", "call", 20), did("5", "meeting", 30), did("6", "call", 90))
	s.AsOf = at.Add(time.Hour)
	e = decide(t, g, s)
	want := []string{
		"status_changed new>contacted activity by ana", "status_changed contacted>meeting_booked activity by ana",
		"status_changed meeting_booked>contacted activity by ana",
	}
	if diff := cmp.Diff(want, history(e)); diff != "" {
		t.Error(diff)
	}
	if since := e.State.StatusSince; !since.Equal(at.Add(40 * time.Minute)) {
		t.Errorf("contacted since %v", since)
	}
	s.Lead.State, s.Previous = *e.State, *e.State
	if diff := cmp.Diff(leadloop.Effects{}, decide(t, g, s)); diff != "" {
		t.Errorf("a second run writes: %s", diff)
	}
	s.Lead.State.Owner = "ben"
	if diff := cmp.Diff([]string{"status_changed contacted>new new_owner by rule:initial"}, history(decide(t, g, s))); diff != "" {
		t.Error(diff)
	}
}

func TestAutomaticWaysInACircleSettleInOneRun(t *testing.T) {
	g := lifecycle.NewStage(compile(t, parse(t, `initial: a
stages:
  - {id: a, to: [{stage: b, auto: true, when: "true"}]}
  - {id: b, to: [{stage: c, auto: true, when: "true"}]}
  - {id: c, to: [{stage: b, auto: true, when: "true"}]}
`)))
	e := decide(t, g, subject(leadloop.State{Disposition: leadloop.OutcomeQueued}))
	if e.State == nil || e.State.Stage != "b" {
		t.Fatalf("settles at %+v", e.State)
	}
	for _, stage := range []string{"b", "c"} {
		if diff := cmp.Diff(leadloop.Effects{}, decide(t, g, subject(leadloop.State{Stage: stage}))); diff != "" {
			t.Errorf("a lead in %s moves: %s", stage, diff)
		}
	}
}

func TestARunNeverMovesALeadThatTheRunBeforeSettled(t *testing.T) {
	// Any automatic ways over any stages, circles included.
	rapid.Check(t, func(t *rapid.T) {
		ids := []string{"a", "b", "c", "d", "e"}
		d := lifecycle.Definition{Initial: "a"}
		for i, id := range ids {
			st := lifecycle.Stage{ID: id}
			for _, to := range ids {
				if to == id {
					continue
				}
				// A way to the next one keeps all of them reachable.
				auto := rapid.Bool().Draw(t, "auto")
				if !auto && to != ids[(i+1)%len(ids)] {
					continue
				}
				when := rapid.SampledFrom([]string{"true", `tier == "C"`, `tier == "B"`, `stage != "` + to + `"`}).Draw(t, "when")
				st.To = append(st.To, lifecycle.Transition{Stage: to, Auto: auto, When: leadloop.Expression{Text: when}})
			}
			d.Stages = append(d.Stages, st)
		}
		l, err := lifecycle.New(d, leadloop.StandardSchema(), lifecycle.Options{})
		if err != nil {
			t.Fatal(err)
		}
		g := lifecycle.NewStage(l)
		_, e, err := g.Decide(ctx, subject(leadloop.State{Stage: rapid.SampledFrom(ids).Draw(t, "stage"), Score: points(5)}))
		if err != nil || e.State == nil {
			return
		}
		_, again, err := g.Decide(ctx, subject(*e.State))
		if err != nil || again.State != nil {
			t.Fatalf("settled in %q, then moved: %v, %v", e.State.Stage, history(again), err)
		}
	})
}

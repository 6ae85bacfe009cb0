package enrich_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

func decide(t testing.TB, w *enrich.Waterfall, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects) {
	t.Helper()
	out, eff, err := enrich.NewStage(w).Decide(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return out, eff
}

// commit is what a loop does with the effects.
func commit(s leadloop.Subject, e leadloop.Effects) leadloop.Subject {
	l := s.Lead.Clone()
	l.Claims = leadloop.UniteClaims(l.Claims, e.Claims)
	if e.State != nil {
		l.State = *e.State
	}
	l.State.DecidedAt = s.AsOf
	s.Lead, s.Profile = l, leadloop.Golden(leadloop.StandardSchema(), newest, l.Claims)
	return s
}

func TestStageActsOn(t *testing.T) {
	for _, tc := range []struct {
		name    string
		trigger leadloop.Trigger
		task    *leadloop.Task
		acts    bool
	}{
		{"a submission", leadloop.TriggerSubmission, nil, true},
		{"a recycled lead", leadloop.TriggerRecycle, nil, true},
		{"a refresh task", leadloop.TriggerTask, &leadloop.Task{Kind: leadloop.TaskRefresh}, true},
		{"not a rescore task", leadloop.TriggerTask, &leadloop.Task{Kind: leadloop.TaskRescore}, false},
		{"not an activity", leadloop.TriggerActivity, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := answering(employees(70))
			s := subject()
			s.Trigger, s.Task = tc.trigger, tc.task
			_, eff := decide(t, waterfall(t, newStore(t), demand("company.employees"), source("p", p)), s)
			if (p.calls() == 1) != tc.acts || (len(eff.Claims) == 1) != tc.acts {
				t.Errorf("%d calls, %d claims; acts: %v", p.calls(), len(eff.Claims), tc.acts)
			}
		})
	}
}

func TestStageEffects(t *testing.T) {
	s := subject()
	s.Lead.State = leadloop.State{Stage: "inquiry", Cost: 5}
	down := source("down", failing(&enrich.LookupError{Reason: enrich.ReasonUnauthorized, Detail: "status 401"}))
	w := waterfall(t, newStore(t), demand("company.employees", "company.industry", "company.revenue"),
		down, source("empty", unknowing()), source("good", answering(employees(70), industry("Steel"))))
	out, eff := decide(t, w, s)
	wantEvents := []leadloop.Event{
		{Kind: leadloop.EventProviderFailed, Lead: "lead-1", At: asOf, Actor: "stage:enrich", Reason: "unauthorized", Attrs: map[string]string{"provider": "down"}},
		{Kind: leadloop.EventEnriched, Lead: "lead-1", At: asOf, Actor: "stage:enrich", Reason: "no_match", Attrs: map[string]string{"provider": "empty", "fields": "", "cost": "1000000"}},
		{Kind: leadloop.EventEnriched, Lead: "lead-1", At: asOf, Actor: "stage:enrich", Reason: "matched", Attrs: map[string]string{"provider": "good", "fields": "company.employees,company.industry", "cost": "1000000"}},
	}
	want := leadloop.Effects{
		Claims: []leadloop.Claim{bought(leadloop.Employees, 70, "good"), bought(leadloop.Industry, "Steel", "good")},
		State:  &leadloop.State{Stage: "inquiry", Cost: 2*euro + 5},
		Events: wantEvents,
		Trace: json.RawMessage(`{"calls":[` +
			`{"provider":"down","outcome":"failed","reason":"unauthorized","detail":"status 401","asked":["company.employees","company.industry"]},` +
			`{"provider":"empty","outcome":"no_match","asked":["company.employees","company.industry"],"not_found":["company.employees","company.industry"],"cost":1000000},` +
			`{"provider":"good","outcome":"matched","asked":["company.employees","company.industry"],"got":["company.employees","company.industry"],"cost":1000000}` +
			`],"cost":2000000}`),
	}
	if diff := cmp.Diff(want, eff, compare); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(leadloop.Outcome{}, out); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if s.Lead.State.Cost != 5 {
		t.Error("the stage modified its subject")
	}
}

func TestStageDecidesTheSameAgain(t *testing.T) {
	w := waterfall(t, newStore(t), demand("company.employees", "company.industry"), source("first", answering(employees(70))), source("second", unknowing()))
	s := subject()
	_, first := decide(t, w, s)
	t.Run("after a conflict, when nothing was committed", func(t *testing.T) {
		_, again := decide(t, w, s)
		if diff := cmp.Diff(first, again, compare); diff != "" {
			t.Errorf("effects (-first +again):\n%s", diff)
		}
	})
	t.Run("and adds nothing once it is committed", func(t *testing.T) {
		_, again := decide(t, w, commit(s, first))
		again.Trace = nil
		if diff := cmp.Diff(leadloop.Effects{}, again, compare); diff != "" {
			t.Errorf("effects (-want +got):\n%s", diff)
		}
	})
}

func TestAFieldThatStaysEmptyIsAskedForButSaidOnce(t *testing.T) {
	// The blank answer of a form outranks a vendor here, so the field is still
	// missing after the purchase.
	blank := leadloop.Claim{Field: "company.employees", Value: leadloop.EmptyValue(leadloop.KindInt), Evidence: person()}
	p := answering(employees(70))
	w := waterfall(t, newStore(t), demand("company.employees"), source("p", p))
	s := subject(blank)
	_, first := decide(t, w, s)
	_, again := decide(t, w, commit(s, first))
	if len(first.Claims) != 1 || len(first.Events) != 1 || len(again.Claims) != 0 || len(again.Events) != 0 || p.calls() != 1 {
		t.Errorf("first %+v\nagain %+v\n%d calls", first, again, p.calls())
	}
}

func TestALeadThatProvidersFailedIsEnrichedLater(t *testing.T) {
	w := waterfall(t, newStore(t), demand("company.employees"), source("down", failing(errors.New("down"))))
	s := subject()
	var pauses []time.Duration
	keys := map[string]bool{}
	for range 10 {
		out, eff := decide(t, w, s)
		if out.Reason != "provider_failed" || len(eff.Claims) > 0 {
			t.Fatalf("outcome %+v, claims %+v", out, eff.Claims)
		}
		_, again := decide(t, w, s)
		if diff := cmp.Diff(eff.Tasks, again.Tasks); diff != "" {
			t.Fatalf("deciding again gives another task:\n%s", diff)
		}
		if len(eff.Tasks) == 0 {
			break
		}
		task := eff.Tasks[0]
		if task.Kind != leadloop.TaskRefresh || task.Outside || task.Lead != "lead-1" || keys[task.Key] {
			t.Fatalf("task %+v", task)
		}
		keys[task.Key] = true
		pauses = append(pauses, task.DueAt.Sub(s.AsOf))
		s.AsOf, s.Trigger, s.Task = task.DueAt, leadloop.TriggerTask, &task
	}
	h := time.Hour
	if diff := cmp.Diff([]time.Duration{h, 2 * h, 4 * h, 8 * h, 16 * h, 32 * h}, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
}

func TestARefreshWaitsAsLongAsTheProviderAsks(t *testing.T) {
	busy := &enrich.LookupError{Reason: enrich.ReasonRateLimited, Temporary: true, RetryAfter: 5 * time.Hour}
	_, eff := decide(t, waterfall(t, newStore(t), demand("company.employees"), source("busy", failing(busy))), subject())
	if len(eff.Tasks) != 1 || !eff.Tasks[0].DueAt.Equal(asOf.Add(5*time.Hour)) {
		t.Errorf("tasks %+v", eff.Tasks)
	}
}

func TestStageReasons(t *testing.T) {
	least := leadloop.Point
	gate := demand("company.employees")
	gate.MinFit = &least
	gate.PreScore = func(_ context.Context, _ *leadloop.Profile, _ []leadloop.Activity, _ time.Time) (leadloop.Points, bool) {
		return 0, true
	}
	poor := demand("company.employees")
	poor.Budget.Day = 1
	for _, tc := range []struct {
		name, reason, trace string
		o                   enrich.Options
	}{
		{"below the minimum fit", "below_min_fit", `{"stopped":"below_min_fit","missing":["company.employees"]}`, gate},
		{"over the budget", "budget_day", `{"calls":[{"provider":"p","outcome":"skipped","reason":"budget_day","asked":["company.employees"]}],"missing":["company.employees"]}`, poor},
		{"nothing to ask", "", `{}`, demand()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, eff := decide(t, waterfall(t, newStore(t), tc.o, source("p", answering(employees(1)))), subject())
			want := leadloop.Effects{Trace: json.RawMessage(tc.trace)}
			if diff := cmp.Diff(want, eff, compare); diff != "" || out != (leadloop.Outcome{Reason: tc.reason}) {
				t.Errorf("outcome %+v, effects (-want +got):\n%s", out, diff)
			}
		})
	}
}

// TestWaterfallProperties holds for any providers: the first valid value of a
// field wins, known absent means that all who could know said no, the ledger
// agrees with the reports, and what was answered is never bought again.
func TestWaterfallProperties(t *testing.T) {
	fields := []string{"company.employees", "company.founded", "company.revenue"}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "sources")
		says := make([]map[string]string, n)
		var sources []enrich.Source
		anyFailed := false
		for i := range n {
			says[i] = map[string]string{}
			mode := rapid.SampledFrom([]string{"answers", "answers", "answers", "unknown", "fails"}).Draw(rt, "mode")
			anyFailed = anyFailed || mode == "fails"
			own := rapid.SliceOfNDistinct(rapid.SampledFrom(fields), 1, 3, rapid.ID).Draw(rt, "fields")
			var a enrich.Answer
			for _, f := range own {
				says[i][f] = "none"
				if mode == "answers" {
					a.Matched = true
					switch says[i][f] = rapid.SampledFrom([]string{"value", "none", "silent", "invalid"}).Draw(rt, f); says[i][f] {
					case "value":
						a.Facts = append(a.Facts, enrich.Fact{Field: f, Value: leadloop.ValueOf(int64(1900 + i))})
					case "invalid":
						a.Facts = append(a.Facts, enrich.Fact{Field: f, Value: leadloop.ValueOf(int64(-1))})
					case "none":
						a.NotFound = append(a.NotFound, f)
					}
				} else if mode == "fails" {
					says[i][f] = "failed"
				}
			}
			var err error
			if mode == "fails" {
				err = errors.New("down")
			}
			sources = append(sources, enrich.Source{
				Name: string(rune('a' + i)), Fields: own, Needs: []string{"company.domain"}, Price: euro,
				Charge:   rapid.SampledFrom([]enrich.Charge{enrich.ChargeCall, enrich.ChargeMatch, enrich.ChargeValid}).Draw(rt, "charge"),
				Provider: &provider{answer: func(enrich.Query) (enrich.Answer, error) { return a, err }},
			})
		}
		demanded := rapid.SliceOfNDistinct(rapid.SampledFrom(fields), 1, 3, rapid.ID).Draw(rt, "demanded")
		st := newStore(t)
		w, err := enrich.New(sources, st, leadloop.StandardSchema(), demand(demanded...))
		if err != nil {
			rt.Fatal(err)
		}
		s := subject()
		r, err := w.Enrich(t.Context(), s)
		if err != nil {
			rt.Fatal(err)
		}
		got := map[string]string{}
		for _, c := range r.Claims {
			if got[c.Field] != "" {
				rt.Fatalf("two claims for %s", c.Field)
			}
			got[c.Field] = c.Source + " says " + c.Value.String()
		}
		want := map[string]string{}
		for _, f := range demanded {
			noes, offers, last := 0, 0, ""
			for i := range n {
				switch says[i][f] {
				case "value":
					want[f] = sources[i].Name + " says " + leadloop.ValueOf(int64(1900+i)).String()
				case "none":
					noes, last = noes+1, sources[i].Name
				}
				if says[i][f] != "" {
					offers++
				}
				if want[f] != "" {
					break
				}
			}
			if want[f] == "" && noes > 0 && noes == offers {
				want[f] = last + " says (known absent)"
			}
			if want[f] == "" {
				delete(want, f)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("claims (-want +got):\n%s", diff)
		}
		if got := spent(t, st); got != r.Cost {
			rt.Fatalf("the ledger has %d, the report %d", got, r.Cost)
		}
		again, err := w.Enrich(t.Context(), commit(s, leadloop.Effects{Claims: r.Claims}))
		if err != nil {
			rt.Fatal(err)
		}
		if len(again.Claims) > 0 || again.Cost > 0 || spent(t, st) != r.Cost {
			rt.Fatalf("a second run adds %+v for %d", again.Claims, again.Cost)
		}
		if r.Unfinished() && !anyFailed {
			rt.Fatal("unfinished without a failure")
		}
	})
}

func TestTraceAndEventsHoldNoValues(t *testing.T) {
	s := subjectOf("lead-1", leadloop.Email.Claim("jane.canary@acme.example", person()), leadloop.Domain.Claim("canary.example", person()))
	bad := source("bad", failing(errors.New("no canary here")))
	good := source("good", answering(industry("Canary breeding"), employees(70)))
	_, eff := decide(t, waterfall(t, newStore(t), demand("company.employees", "company.industry"), bad, good), s)
	events, err := json.Marshal(eff.Events)
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := json.Marshal(eff.Tasks)
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.ToLower(string(eff.Trace) + string(events) + string(tasks)); strings.Contains(all, "canary") {
		t.Errorf("a value got out: %s", all)
	}
}

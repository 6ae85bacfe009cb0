package enrich_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

// aWeekAgo is what was bought a week ago and would be fresh for 90 days.
func aWeekAgo(n int64) leadloop.Claim {
	return leadloop.Employees.Claim(n, leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "p", Record: "lead-1", ObservedAt: asOf.AddDate(0, 0, -7)})
}

func happens(s leadloop.Subject, kind string, at time.Time) leadloop.Subject {
	s.Lead.Activities = append(s.Lead.Activities, leadloop.Activity{ID: kind, Type: kind, At: at})
	s.Trigger = leadloop.TriggerActivity
	return s
}

func TestWhatMakesBoughtValuesStale(t *testing.T) {
	rep := leadloop.Evidence{Origin: leadloop.OriginRep, Source: "ana", ObservedAt: asOf.AddDate(0, 0, -30)}
	pinned := rep
	pinned.Pin = leadloop.Pinned
	manual := func(s leadloop.Subject, fields ...string) leadloop.Subject {
		task := enrich.RefreshTask("lead-1", asOf, fields...)
		s.Trigger, s.Task = leadloop.TriggerTask, &task
		return s
	}
	for _, tc := range []struct {
		name string
		s    leadloop.Subject
		want int
	}{
		{"nothing within its time to live", subject(aWeekAgo(70)), 0},
		{"a new job", happens(subject(aWeekAgo(70)), "job_change", asOf.Add(-time.Hour)), 1},
		{"fresh money", happens(subject(aWeekAgo(70)), "funding", asOf.Add(-time.Hour)), 1},
		{"not what happened before it was bought", happens(subject(aWeekAgo(70)), "funding", asOf.AddDate(0, 0, -8)), 0},
		{"not what is yet to come", happens(subject(aWeekAgo(70)), "funding", asOf.Add(time.Hour)), 0},
		{"not any activity", happens(subject(aWeekAgo(70)), "page_view", asOf.Add(-time.Hour)), 0},
		{"not what a rep said", happens(subject(leadloop.Employees.Claim(50, rep)), "funding", asOf.Add(-time.Hour)), 0},
		{"somebody who asks for all of it", manual(subject(aWeekAgo(70))), 1},
		{"somebody who asks for the field", manual(subject(aWeekAgo(70)), "company.employees"), 1},
		{"not somebody who asks for another field", manual(subject(aWeekAgo(70)), "company.industry"), 0},
		{"somebody who asks for what a rep said", manual(subject(leadloop.Employees.Claim(50, rep)), "company.employees"), 1},
		{"not for what is pinned", manual(subject(leadloop.Employees.Claim(50, pinned)), "company.employees"), 0},
		{"nor all of it for what a rep said", manual(subject(leadloop.Employees.Claim(50, rep))), 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := answering(employees(90))
			w := waterfall(t, newStore(t), demand("company.employees"), source("p", p))
			_, eff := decide(t, w, tc.s)
			if p.calls() != tc.want || len(eff.Claims) != tc.want {
				t.Fatalf("%d calls, %d claims", p.calls(), len(eff.Claims))
			}
			_, again := decide(t, w, commit(tc.s, eff))
			if p.calls() != tc.want || len(again.Claims) > 0 {
				t.Errorf("again: %d calls, %d claims", p.calls(), len(again.Claims))
			}
		})
	}
}

func TestARefreshThatDisagreesWithARepIsShown(t *testing.T) {
	rep := leadloop.Evidence{Origin: leadloop.OriginRep, Source: "ana", ObservedAt: asOf.AddDate(0, 0, -30)}
	s := subject(leadloop.Employees.Claim(50, rep))
	task := enrich.RefreshTask("lead-1", asOf, "company.employees")
	s.Trigger, s.Task = leadloop.TriggerTask, &task
	o := demand("company.employees")
	o.Policy = newest
	r := enrichOnce(t, waterfall(t, newStore(t), o, source("p", answering(employees(90)))), s)
	want := []enrich.Disagreement{{Field: "company.employees", Source: "p", Keeps: "rep"}}
	if diff := cmp.Diff(want, r.Disagrees); diff != "" {
		t.Errorf("disagreements (-want +got):\n%s", diff)
	}
	after := leadloop.Golden(leadloop.StandardSchema(), newest, slices.Concat(s.Lead.Claims, r.Claims))
	if n, _ := leadloop.Employees.Get(after); n != 50 || len(r.Claims) != 1 {
		t.Errorf("%d employees, %d claims", n, len(r.Claims))
	}
}

func TestNextQuestions(t *testing.T) {
	o := demand()
	o.Outlook = opens(map[string]float64{"company.industry": 0.9, "lead.title": 0.2}, nil)
	w := waterfall(t, newStore(t), o, source("p", unknowing()))
	s := subject(leadloop.CompanyName.Claim("Acme", person()))
	ask := []string{"lead.phone", "company.name", "lead.title", "company.industry", "lead.phone"}
	for _, tc := range []struct {
		most int
		want []string
	}{{0, []string{}}, {2, []string{"company.industry", "lead.title"}}, {9, []string{"company.industry", "lead.title", "lead.phone"}}} {
		got, err := w.NextQuestions(t.Context(), s, ask, tc.most)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("at most %d (-want +got):\n%s", tc.most, diff)
		}
	}
	if _, err := w.NextQuestions(t.Context(), s, []string{"company.siz"}, 1); err == nil {
		t.Error("a field that does not exist was asked for")
	}
}

func TestAnEstimateAsksNobody(t *testing.T) {
	st := newStore(t)
	first, second := answering(employees(70)), answering(employees(80))
	a, b := source("a", first), source("b", second)
	a.Charge, a.MatchRate = enrich.ChargeMatch, 0.8
	w := waterfall(t, st, demand("company.employees", "company.industry"), a, b)
	of := func(id, domain string) leadloop.Subject {
		return subjectOf(leadloop.LeadID(id), leadloop.Domain.Claim(domain, person()))
	}
	enrichOnce(t, w, of("done", "known.example"))
	leads := []leadloop.Subject{of("1", "one.example"), of("2", "one.example"), of("3", "known.example"), subjectOf("4", leadloop.CompanyName.Claim("Acme", person()))}
	got, err := w.Estimate(t.Context(), func(yield func(leadloop.Subject, error) bool) {
		for _, s := range leads {
			if !yield(s, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	known := 0.8
	want := enrich.Estimate{
		Leads: 4, Asking: 3, Low: 0, Expected: 800_000 + 200_000, High: 2 * euro,
		Providers: []enrich.ProviderEstimate{
			{Provider: "a", Calls: 1, ExpectedCalls: 1, Expected: 800_000}, {Provider: "b", Calls: 1, ExpectedCalls: 1 - known, Expected: 200_000},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("estimate (-want +got):\n%s", diff)
	}
	if first.calls() != 1 || second.calls() != 1 {
		t.Errorf("asked %d and %d times", first.calls(), second.calls())
	}
}

func TestASummaryAddsUpReports(t *testing.T) {
	var s enrich.Summary
	s.Add(enrich.Report{})
	s.Add(enrich.Report{
		Stopped: enrich.StoppedDecided, Cost: 10, Saved: 7, NotNeeded: []string{"company.revenue", "lead.title"}, Missing: []string{"company.revenue", "lead.title"},
		Spared: []enrich.Spared{{Source: "b", Fields: []string{"company.revenue", "lead.title"}, Cost: 7}},
		Calls: []enrich.Call{
			{Source: "b", Outcome: enrich.Matched, Asked: []string{"company.employees", "company.industry", "company.founded"}, Got: []string{"company.employees", "company.industry", "company.founded"}, Cost: 10},
			{Source: "a", Outcome: enrich.NoMatch, Asked: []string{"company.employees"}, Cached: []string{"company.employees"}},
		},
	})
	s.Add(enrich.Report{Calls: []enrich.Call{{Source: "b", Outcome: enrich.Failed, Asked: []string{"company.founded"}}, {Source: "a", Outcome: enrich.Skipped, Asked: []string{"company.founded"}}}})
	want := enrich.Summary{
		Leads: 2, Decided: 1, Cost: 10, Saved: 7,
		Providers: []enrich.ProviderSummary{{Provider: "a", Asked: 1, Cached: 1, Skipped: 1}, {Provider: "b", Asked: 1, Matched: 1, Failed: 1, Cost: 10, Spared: 1, Saved: 7}},
		Fields: []enrich.FieldSummary{
			{Field: "company.employees", Asked: 2, Got: 1, Cost: 4}, {Field: "company.founded", Asked: 2, Got: 1, Cost: 3},
			{Field: "company.industry", Asked: 1, Got: 1, Cost: 3}, {Field: "company.revenue", NotNeeded: 1, Saved: 4}, {Field: "lead.title", NotNeeded: 1, Saved: 3},
		},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

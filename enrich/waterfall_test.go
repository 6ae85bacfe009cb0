package enrich_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/store"
)

var compare = cmp.Options{cmpopts.EquateErrors(), cmpopts.EquateEmpty(), cmp.Comparer(leadloop.Value.Equal)}

func TestFirstValidValueWins(t *testing.T) {
	low := employees(70)
	low.Confidence = 0.4
	sure := employees(80)
	sure.Confidence = 0.9
	wrong := enrich.Fact{Field: "company.employees", Value: leadloop.ValueOf("eighty")}
	for _, tc := range []struct {
		name          string
		first, second *provider
		claims        []leadloop.Claim
		calls         []enrich.Call
		missing       []string
	}{
		{
			name: "the second provider is not asked for what the first has given", first: answering(employees(70)), second: answering(employees(80), industry("Steel")),
			claims: []leadloop.Claim{bought(leadloop.Employees, 70, "first"), bought(leadloop.Industry, "Steel", "second")},
			calls: []enrich.Call{
				{Source: "first", Outcome: enrich.Matched, Asked: []string{"company.employees", "company.industry"}, Got: []string{"company.employees"}, Cost: euro},
				{Source: "second", Outcome: enrich.Matched, Asked: []string{"company.industry"}, Got: []string{"company.industry"}, Cost: euro},
			},
		},
		{
			name: "the second provider is not asked at all when nothing is missing", first: answering(employees(70), industry("Steel")), second: answering(employees(80)),
			claims: []leadloop.Claim{bought(leadloop.Employees, 70, "first"), bought(leadloop.Industry, "Steel", "first")},
			calls: []enrich.Call{
				{Source: "first", Outcome: enrich.Matched, Asked: []string{"company.employees", "company.industry"}, Got: []string{"company.employees", "company.industry"}, Cost: euro},
			},
		},
		{
			name: "no match goes on to the next", first: unknowing(), second: answering(employees(80), industry("Steel")),
			claims: []leadloop.Claim{bought(leadloop.Employees, 80, "second"), bought(leadloop.Industry, "Steel", "second")},
			calls: []enrich.Call{
				{Source: "first", Outcome: enrich.NoMatch, Asked: []string{"company.employees", "company.industry"}, NotFound: []string{"company.employees", "company.industry"}, Cost: euro},
				{Source: "second", Outcome: enrich.Matched, Asked: []string{"company.employees", "company.industry"}, Got: []string{"company.employees", "company.industry"}, Cost: euro},
			},
		},
		{
			name: "an invalid value goes on to the next", first: answering(employees(-3), industry("n/a")), second: answering(employees(80), industry("Steel")),
			claims: []leadloop.Claim{bought(leadloop.Employees, 80, "second"), bought(leadloop.Industry, "Steel", "second")},
			calls: []enrich.Call{
				{
					Source: "first", Outcome: enrich.Matched, Asked: []string{"company.employees", "company.industry"}, Cost: euro,
					Refused: []enrich.Refusal{{"company.employees", "invalid"}, {"company.industry", "placeholder"}},
				},
				{Source: "second", Outcome: enrich.Matched, Asked: []string{"company.employees", "company.industry"}, Got: []string{"company.employees", "company.industry"}, Cost: euro},
			},
		},
		{
			name: "a value of the wrong type goes on to the next", first: answering(wrong, industry("Steel")), second: answering(employees(80)),
			claims: []leadloop.Claim{bought(leadloop.Industry, "Steel", "first"), bought(leadloop.Employees, 80, "second")},
			calls: []enrich.Call{
				{
					Source: "first", Outcome: enrich.Matched, Asked: []string{"company.employees", "company.industry"}, Got: []string{"company.industry"}, Cost: euro,
					Refused: []enrich.Refusal{{"company.employees", "wrong_type"}},
				},
				{Source: "second", Outcome: enrich.Matched, Asked: []string{"company.employees"}, Got: []string{"company.employees"}, Cost: euro},
			},
		},
		{
			name: "a value below the minimum confidence goes on to the next", first: answering(low, industry("Steel")), second: answering(sure),
			claims: []leadloop.Claim{
				bought(leadloop.Industry, "Steel", "first"),
				leadloop.Employees.Claim(80, leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "second", Record: "lead-1", ObservedAt: asOf, Confidence: 0.9}),
			},
			calls: []enrich.Call{
				{
					Source: "first", Outcome: enrich.Matched, Asked: []string{"company.employees", "company.industry"}, Got: []string{"company.industry"}, Cost: euro,
					Refused: []enrich.Refusal{{"company.employees", "low_confidence"}},
				},
				{Source: "second", Outcome: enrich.Matched, Asked: []string{"company.employees"}, Got: []string{"company.employees"}, Cost: euro},
			},
		},
		{
			name: "what no provider says anything about stays missing", first: answering(employees(70)), second: answering(employees(80)),
			claims: []leadloop.Claim{bought(leadloop.Employees, 70, "first")},
			calls: []enrich.Call{
				{Source: "first", Outcome: enrich.Matched, Asked: []string{"company.employees", "company.industry"}, Got: []string{"company.employees"}, Cost: euro},
				{Source: "second", Outcome: enrich.Matched, Asked: []string{"company.industry"}, Cost: euro},
			},
			missing: []string{"company.industry"},
		},
		{
			name: "what every provider looked for in vain is known absent", first: unknowing(), second: unknowing(),
			claims: []leadloop.Claim{
				leadloop.Employees.None(leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "second", Record: "lead-1", ObservedAt: asOf}),
				leadloop.Industry.None(leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "second", Record: "lead-1", ObservedAt: asOf}),
			},
			calls: []enrich.Call{
				{Source: "first", Outcome: enrich.NoMatch, Asked: []string{"company.employees", "company.industry"}, NotFound: []string{"company.employees", "company.industry"}, Cost: euro},
				{Source: "second", Outcome: enrich.NoMatch, Asked: []string{"company.employees", "company.industry"}, NotFound: []string{"company.employees", "company.industry"}, Cost: euro},
			},
		},
		{
			name: "nothing is known absent while a provider that could know it has failed", first: failing(errors.New("broken")), second: unknowing(),
			calls: []enrich.Call{
				{Source: "first", Outcome: enrich.Failed, Reason: enrich.ReasonFailed, Asked: []string{"company.employees", "company.industry"}, Err: cmpopts.AnyError},
				{Source: "second", Outcome: enrich.NoMatch, Asked: []string{"company.employees", "company.industry"}, NotFound: []string{"company.employees", "company.industry"}, Cost: euro},
			},
			missing: []string{"company.employees", "company.industry"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := newStore(t)
			o := demand("company.industry", "company.employees")
			if strings.Contains(tc.name, "confidence") {
				o.Policies = map[string]enrich.FieldPolicy{"company.employees": {MinConfidence: 0.5}}
			}
			s := subject()
			got := enrichOnce(t, waterfall(t, st, o, source("first", tc.first), source("second", tc.second)), s)
			want := enrich.Report{Claims: tc.claims, Calls: tc.calls, Missing: tc.missing}
			for _, c := range tc.calls {
				want.Cost += c.Cost
			}
			if diff := cmp.Diff(want, got, compare); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
			if got := spent(t, st); got != want.Cost {
				t.Errorf("the ledger has %d, the report %d", got, want.Cost)
			}
		})
	}
}

func TestWhatIsAskedFor(t *testing.T) {
	old := leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "first", ObservedAt: asOf.AddDate(0, 0, -91)}
	recent := leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "first", ObservedAt: asOf.AddDate(0, 0, -89)}
	rep := leadloop.Evidence{Origin: leadloop.OriginRep, Source: "ana", ObservedAt: asOf.AddDate(-3, 0, 0)}
	pinned := old
	pinned.Pin = leadloop.Pinned
	for _, tc := range []struct {
		name  string
		claim leadloop.Claim
		asked bool
	}{
		{"an absent field is asked for", leadloop.City.Claim("Oslo", rep), true},
		{"a bought value within its 90 days is not asked for again", leadloop.Employees.Claim(5, recent), false},
		{"a bought value after its 90 days is asked for again", leadloop.Employees.Claim(5, old), true},
		{"a pinned value is never asked for", leadloop.Employees.Claim(5, pinned), false},
		{"what a rep typed three years ago is not asked for", leadloop.Employees.Claim(5, rep), false},
		{"not found 89 days ago is asked for again after 30", leadloop.Employees.None(recent), true},
		{"not found by a rep is not asked for", leadloop.Employees.None(rep), false},
		{"an answer left blank on a form is asked for", leadloop.Claim{Field: "company.employees", Value: leadloop.EmptyValue(leadloop.KindInt), Evidence: person()}, true},
		{"what a rep has cleared is not asked for", leadloop.Claim{Field: "company.employees", Value: leadloop.EmptyValue(leadloop.KindInt), Evidence: rep}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := answering(employees(70), industry("Steel"))
			enrichOnce(t, waterfall(t, newStore(t), demand("company.employees"), source("first", p)), subject(tc.claim))
			var got []enrich.Query
			var want []enrich.Query
			if got = p.queries; tc.asked {
				want = []enrich.Query{{
					Lead: "lead-1", Want: []string{"company.employees"},
					Known: []enrich.Known{{Field: "company.domain", Value: "acme.example"}},
				}}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("queries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARefreshThatFindsNothingLeavesTheOldValue(t *testing.T) {
	old := leadloop.Employees.Claim(5, leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "first", ObservedAt: asOf.AddDate(-1, 0, 0)})
	r := enrichOnce(t, waterfall(t, newStore(t), demand("company.employees"), source("first", unknowing())), subject(old))
	if diff := cmp.Diff(enrich.Report{
		Missing: []string{"company.employees"}, Cost: euro,
		Calls: []enrich.Call{{Source: "first", Outcome: enrich.NoMatch, Asked: []string{"company.employees"}, NotFound: []string{"company.employees"}, Cost: euro}},
	}, r, compare); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestALaterSourceIsAskedByWhatAnEarlierOneFound(t *testing.T) {
	domains := enrich.Source{
		Name: "domains", Needs: []string{"company.name"}, Fields: []string{"company.domain"},
		Provider: answering(enrich.Fact{Field: "company.domain", Value: leadloop.ValueOf("https://www.Acme.example/about")}),
	}
	p := answering(employees(70))
	w := waterfall(t, newStore(t), demand("company.employees", "company.domain"), domains, source("sizes", p))
	enrichOnce(t, w, subjectOf("lead-1", leadloop.CompanyName.Claim("Acme", person())))
	want := []enrich.Query{{Lead: "lead-1", Known: []enrich.Known{{Field: "company.domain", Value: "acme.example"}}, Want: []string{"company.employees"}}}
	if diff := cmp.Diff(want, p.queries); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

func TestSkipped(t *testing.T) {
	eu := func(s enrich.Source) enrich.Source { s.Countries = []string{"de", "FRA", "Austria"}; return s }
	german, american := leadloop.Country.Claim("DE", person()), leadloop.Country.Claim("US", person())
	usCompany := leadloop.CompanyCountry.Claim("US", person())
	for _, tc := range []struct {
		name   string
		s      leadloop.Subject
		source func(enrich.Source) enrich.Source
		o      func(*enrich.Options)
		reason string // "" means asked
	}{
		{"a lead of an allowed country is sent", subject(german), eu, nil, ""},
		{"a lead of another country is not sent", subject(american), eu, nil, "country_not_allowed"},
		{"a lead of unknown country is not sent where only some are allowed", subject(), eu, nil, "country_not_allowed"},
		{"the company's country counts where the lead's is unknown", subject(usCompany), eu, nil, "country_not_allowed"},
		{"the lead's country goes before the company's", subject(german, usCompany), eu, nil, ""},
		{"a lead without what the source asks by is not sent", subjectOf("lead-1", german), nil, nil, "needs_missing"},
		{"a call that the lead's budget has no room for is not made", subject(), nil, func(o *enrich.Options) { o.Budget.Lead = euro - 1 }, "budget_lead"},
		{"a call that just fits the lead's budget is made", subject(), nil, func(o *enrich.Options) { o.Budget.Lead = euro }, ""},
		{"a call that the day's budget has no room for is not made", subject(), nil, func(o *enrich.Options) { o.Budget.Day = euro - 1 }, "budget_day"},
		{"a call that the month's budget has no room for is not made", subject(), nil, func(o *enrich.Options) { o.Budget = enrich.Budget{Day: 10 * euro, Month: euro - 1} }, "budget_month"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := answering(employees(70))
			src, o := source("first", p), demand("company.employees")
			if tc.source != nil {
				src = tc.source(src)
			}
			if tc.o != nil {
				tc.o(&o)
			}
			r := enrichOnce(t, waterfall(t, newStore(t), o, src), tc.s)
			want := []enrich.Call{{Source: "first", Outcome: enrich.Skipped, Reason: tc.reason, Asked: []string{"company.employees"}}}
			calls := 0
			if tc.reason == "" {
				want = []enrich.Call{{Source: "first", Outcome: enrich.Matched, Asked: []string{"company.employees"}, Got: []string{"company.employees"}, Cost: euro}}
				calls = 1
			}
			if diff := cmp.Diff(want, r.Calls, compare); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if p.calls() != calls {
				t.Errorf("the provider was asked %d times, want %d", p.calls(), calls)
			}
		})
	}
}

func TestMinimumFit(t *testing.T) {
	fit := func(p leadloop.Points, known bool) func(*enrich.Options) {
		return func(o *enrich.Options) {
			least := 20 * leadloop.Point
			o.MinFit = &least
			o.PreScore = func(_ context.Context, _ *leadloop.Profile, _ []leadloop.Activity, at time.Time) (leadloop.Points, bool) {
				if !at.Equal(asOf) {
					panic("the pre-score is of the moment of the decision")
				}
				return p, known
			}
		}
	}
	for _, tc := range []struct {
		name    string
		set     func(*enrich.Options)
		stopped string
	}{
		{"a lead below the minimum is not enriched", fit(20*leadloop.Point-1, true), "below_min_fit"},
		{"a lead at the minimum is enriched", fit(20*leadloop.Point, true), ""},
		{"a lead without a pre-score is enriched", fit(0, false), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, o := answering(employees(70)), demand("company.employees")
			tc.set(&o)
			r := enrichOnce(t, waterfall(t, newStore(t), o, source("first", p)), subject())
			if asked := p.calls() > 0; r.Stopped != tc.stopped || asked != (tc.stopped == "") {
				t.Errorf("stopped %q, asked %v; want %q", r.Stopped, asked, tc.stopped)
			}
		})
	}
}

func TestAProviderCannotChangeTheQueryOfTheNextTry(t *testing.T) {
	tries := 0
	p := &provider{}
	p.answer = func(q enrich.Query) (enrich.Answer, error) {
		tries++
		if q.Value("company.domain") != "acme.example" || !q.Wants("company.employees") {
			t.Errorf("try %d sees a query that was written to", tries)
		}
		q.Known[0].Value, q.Want[0] = "evil.example", "lead.email"
		return enrich.Answer{}, leadloop.ErrUnavailable
	}
	src := source("first", p)
	src.Retries = 1
	enrichOnce(t, waterfall(t, newStore(t), demand("company.employees"), src), subject())
	if tries != 2 {
		t.Errorf("%d tries, want 2", tries)
	}
}

func TestWhatACallCosts(t *testing.T) {
	for _, tc := range []struct {
		name   string
		charge enrich.Charge
		p      *provider
		cost   leadloop.Micros
	}{
		{"per call, a no match costs", enrich.ChargeCall, unknowing(), euro},
		{"per match, a no match is free", enrich.ChargeMatch, unknowing(), 0},
		{"per match, a match with an invalid value costs", enrich.ChargeMatch, answering(employees(-1)), euro},
		{"per valid value, an invalid one is free", enrich.ChargeValid, answering(employees(-1)), 0},
		{"per valid value, a valid one costs", enrich.ChargeValid, answering(employees(1)), euro},
		{"a failure is free", enrich.ChargeCall, failing(errors.New("x")), 0},
		{"what the provider says it cost goes before the price", enrich.ChargeCall, costing(7), 7},
		{"a negative cost is not believed", enrich.ChargeCall, costing(-7), euro},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := newStore(t)
			src := source("first", tc.p)
			src.Charge = tc.charge
			r := enrichOnce(t, waterfall(t, st, demand("company.employees"), src), subject())
			if got := spent(t, st); r.Cost != tc.cost || got != tc.cost {
				t.Errorf("the report says %d, the ledger %d, want %d", r.Cost, got, tc.cost)
			}
		})
	}
}

func costing(m leadloop.Micros) *provider {
	return &provider{answer: func(enrich.Query) (enrich.Answer, error) {
		return enrich.Answer{Facts: []enrich.Fact{employees(1)}, Cost: &m}, nil
	}}
}

func TestTheLedgerNamesFieldsAndMatches(t *testing.T) {
	st := newStore(t)
	enrichOnce(t, waterfall(t, st, demand("company.employees", "company.industry"), source("first", unknowing()), source("second", answering(employees(9)))), subject())
	var got []store.Cost
	err := st.View(t.Context(), func(tx store.Tx) error {
		for c, err := range tx.Costs().Since(t.Context(), time.Time{}) {
			if err != nil {
				return err
			}
			got = append(got, c)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Cost{
		{Provider: "first", Lead: "lead-1", At: asOf, Amount: euro},
		{Provider: "second", Lead: "lead-1", At: asOf, Amount: euro, Fields: []string{"company.employees"}, Matched: true},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestNewReportsAllProblemsTogether(t *testing.T) {
	fit := leadloop.Point
	src := source("a", nil)
	src.Fields = append(src.Fields, "company.employes", "company.domain")
	src.Price, src.NoCache, src.Countries, src.Retries = -1, true, []string{"Atlantis"}, 99
	_, err := enrich.New([]enrich.Source{src, {Name: "a", Provider: unknowing()}}, newStore(t), leadloop.StandardSchema(), enrich.Options{
		Fields: []string{"lead.emial"}, MinFit: &fit, Deadline: -1, Budget: enrich.Budget{Day: -1},
		Policies: map[string]enrich.FieldPolicy{"company.revenu": {MinConfidence: 2}},
	})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		`"lead.emial" (did you mean "lead.email"?)`, `"company.revenu" (did you mean "company.revenue"?)`, "minimum confidence", "minimum fit needs", "budget is negative", "deadline is negative",
		`source "a": it has no provider`, `"company.employes" (did you mean "company.employees"?)`, "company.domain can't be both", "price is negative", `"Atlantis" is not a country`, "out of range",
		`source "a" stands in the waterfall twice`, "it has no fields", "by which fields it is asked",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in:\n%v", want, err)
		}
	}
	priced := source("b", unknowing())
	priced.NoCache = true
	if _, err := enrich.New([]enrich.Source{priced}, newStore(t), leadloop.StandardSchema(), enrich.Options{}); err == nil || !strings.Contains(err.Error(), "must be cached") {
		t.Errorf("a priced source without a cache was accepted: %v", err)
	}
	if _, err := enrich.New(nil, nil, nil, enrich.Options{}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("no store and no schema were accepted: %v", err)
	}
}

package enrich_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

// known is a record with true values, at <id>.example.
func known(id string, claims ...leadloop.Claim) enrich.TrialRecord {
	return knownAt(id, id+".example", claims...)
}

func knownAt(id, domain string, claims ...leadloop.Claim) enrich.TrialRecord {
	claims = append([]leadloop.Claim{leadloop.Domain.Claim(domain, person())}, claims...)
	return enrich.TrialRecord{ID: leadloop.LeadID(id), Profile: leadloop.Golden(leadloop.StandardSchema(), newest, claims)}
}

func size(n int64) leadloop.Claim { return leadloop.Employees.Claim(n, person()) }

// directory answers by domain.
func directory(by map[string][]enrich.Fact) *provider {
	return &provider{answer: func(q enrich.Query) (enrich.Answer, error) {
		facts, ok := by[strings.TrimSuffix(q.Value("company.domain"), ".example")]
		return enrich.Answer{Matched: ok, Facts: slices.Clone(facts)}, nil
	}}
}

func fact[T leadloop.FieldType](f leadloop.Field[T], v T) enrich.Fact {
	return enrich.Fact{Field: f.Name(), Value: leadloop.ValueOf(v)}
}

// worked is the sample and the providers that the figures below are worked out
// for by hand:
//
//	            truth            ann, 1 per match    bob, 2 per call
//	r1   100, software           110 (right)         100, Software (right, right)
//	r2    60, retail             600 (wrong)          55 (right: both 51 to 200 or near)
//	r3  1000, -                  no match           1100 (right)
//	r4     -, -                    5                 no match
func worked() ([]enrich.Source, []enrich.TrialRecord) {
	ann := enrich.Source{
		Name: "ann", Needs: []string{"company.domain"}, Fields: []string{"company.employees"}, Price: euro, Charge: enrich.ChargeMatch,
		Provider: directory(map[string][]enrich.Fact{
			"r1": {{Field: "company.employees", Value: leadloop.ValueOf(int64(110)), VerifiedAt: asOf.AddDate(0, 0, -10)}},
			"r2": {{Field: "company.employees", Value: leadloop.ValueOf(int64(600)), VerifiedAt: asOf.AddDate(0, 0, -30)}},
			"r4": {fact(leadloop.Employees, 5)},
		}),
	}
	bob := enrich.Source{
		Name: "bob", Needs: []string{"company.domain"}, Fields: []string{"company.employees", "company.industry"}, Price: 2 * euro,
		Provider: directory(map[string][]enrich.Fact{
			"r1": {fact(leadloop.Employees, 100), fact(leadloop.Industry, "Software")},
			"r2": {fact(leadloop.Employees, 55)},
			"r3": {fact(leadloop.Employees, 1100)},
		}),
	}
	return []enrich.Source{ann, bob}, []enrich.TrialRecord{
		known("r1", size(100), leadloop.Industry.Claim("software", person()), leadloop.CompanyCountry.Claim("US", person())),
		known("r2", size(60), leadloop.Industry.Claim("retail", person()), leadloop.CompanyCountry.Claim("US", person())),
		known("r3", size(1000)),
		known("r4"),
	}
}

func try(t testing.TB, sources []enrich.Source, sample []enrich.TrialRecord, o enrich.TrialOptions) *enrich.Trial {
	t.Helper()
	trial, err := enrich.Try(t.Context(), sources, leadloop.StandardSchema(), sample, asOf, o)
	if err != nil {
		t.Fatal(err)
	}
	return trial
}

func TestEveryFigureOfATrialIsTheOneWorkedOutByHand(t *testing.T) {
	sources, sample := worked()
	got := try(t, sources, sample, enrich.TrialOptions{By: []string{"company.country"}})
	// ann: 3 matches paid; the calls about r1 to r3, whose size is known, cost 2.
	// bob: 4 calls paid; 4 of the 4 values with a known truth are right.
	ann1 := enrich.TrialStep{Provider: "ann", Calls: 4, Found: 3, Right: 1, Wrong: 1, Cost: 3 * euro, PerRight: new(3 * euro)}
	bobAlone := enrich.TrialStep{Provider: "bob", Calls: 4, Found: 4, Right: 4, Cost: 8 * euro, PerRight: new(2 * euro)}
	justBob := enrich.TrialOrder{Steps: []enrich.TrialStep{bobAlone}, Open: 8, Known: 5, Found: 4, Right: 4, Cost: 8 * euro, PerRecord: 2 * euro, PerRight: new(2 * euro)}
	want := &enrich.Trial{
		Records: 4, Cost: 11 * euro,
		Fields: []enrich.TrialField{{Field: "company.employees", Known: 3}, {Field: "company.industry", Known: 2}},
		Providers: []enrich.ProviderTrial{
			{
				Provider: "ann", Match: enrich.RateOf(3, 4), Calls: 4, Cost: 3 * euro, Accuracy: enrich.RateOf(1, 2), PerRight: new(3 * euro),
				Failed: map[string]int{}, NotSent: map[string]int{},
				Fields: []enrich.ProviderFieldTrial{{
					Field: "company.employees", Found: enrich.RateOf(3, 4), Accuracy: enrich.RateOf(1, 2),
					Ages: enrich.Ages{Dated: 2, Median: 10, Oldest10th: 30}, PerRight: new(2 * euro),
				}},
			},
			{
				Provider: "bob", Match: enrich.RateOf(3, 4), Calls: 4, Cost: 8 * euro, Accuracy: enrich.RateOf(4, 4), PerRight: new(2 * euro), Alone: 3,
				Failed: map[string]int{}, NotSent: map[string]int{},
				Fields: []enrich.ProviderFieldTrial{
					{Field: "company.employees", Found: enrich.RateOf(3, 4), Accuracy: enrich.RateOf(3, 3), PerRight: new(2 * euro), Alone: 2},
					{Field: "company.industry", Found: enrich.RateOf(1, 4), Accuracy: enrich.RateOf(1, 1), PerRight: new(4 * euro), Alone: 1},
				},
			},
		},
		Overlaps: []enrich.Overlap{{Field: "company.employees", A: "ann", B: "bob", Both: 2, OnlyA: 1, OnlyB: 1, Agree: enrich.RateOf(1, 2)}},
		Segments: []enrich.TrialSegment{
			{By: "company.country", Value: "", Records: 2, Providers: []enrich.SegmentProvider{
				{Provider: "ann", Match: enrich.RateOf(1, 2), Accuracy: enrich.RateOf(0, 0), Cost: euro},
				{Provider: "bob", Match: enrich.RateOf(1, 2), Accuracy: enrich.RateOf(1, 1), Cost: 4 * euro, PerRight: new(4 * euro)},
			}},
			{By: "company.country", Value: "US", Records: 2, Providers: []enrich.SegmentProvider{
				{Provider: "ann", Match: enrich.RateOf(2, 2), Accuracy: enrich.RateOf(1, 2), Cost: 2 * euro, PerRight: new(2 * euro)},
				{Provider: "bob", Match: enrich.RateOf(2, 2), Accuracy: enrich.RateOf(3, 3), Cost: 4 * euro, PerRight: new(4 * euro / 3)},
			}},
		},
		// After ann, bob is still asked about every industry, and about r3's size.
		Listed: enrich.TrialOrder{
			Steps: []enrich.TrialStep{ann1, {Provider: "bob", Calls: 4, Found: 2, Right: 2, Cost: 8 * euro, PerRight: new(4 * euro)}},
			Open:  8, Known: 5, Found: 5, Right: 3, Wrong: 1, Cost: 11 * euro, PerRecord: 2_750_000, PerRight: new(leadloop.Micros(3_666_667)),
		},
		Best: []enrich.TrialOrder{
			justBob,
			{
				Steps: []enrich.TrialStep{bobAlone, {Provider: "ann", Calls: 1, Found: 1, Cost: euro}},
				Open:  8, Known: 5, Found: 5, Right: 4, Cost: 9 * euro, PerRecord: 2_250_000, PerRight: new(leadloop.Micros(2_250_000)),
			},
		},
		Order: justBob, Exhaustive: true, Bound: 4,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTheBestOrderKeepsToTheBudget(t *testing.T) {
	for name, c := range map[string]struct {
		budget leadloop.Micros
		want   []string
		bound  int
	}{
		// 4 in all. Right values cost at least 1, 1, 2 and 2: three of them fit.
		"one per record leaves the cheaper one": {euro, []string{"ann"}, 3},
		"two per record is exactly bob":         {2 * euro, []string{"bob"}, 4},
		"a cent too little for bob":             {2*euro - 10_000, []string{"ann"}, 4},
		"too little for anybody":                {euro / 4, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			sources, sample := worked()
			got := try(t, sources, sample, enrich.TrialOptions{Budget: c.budget})
			var order []string
			for _, s := range got.Order.Steps {
				order = append(order, s.Provider)
			}
			if diff := cmp.Diff(c.want, order); diff != "" {
				t.Error(diff)
			}
			if got.Bound != c.bound {
				t.Errorf("bound %d, want %d", got.Bound, c.bound)
			}
			if most := c.budget * leadloop.Micros(got.Records); got.Order.Cost > most {
				t.Errorf("it costs %d, more than %d", got.Order.Cost, most)
			}
		})
	}
}

func TestOneCompanyIsAskedAboutOnceHoweverManyKnowIt(t *testing.T) {
	p := answering(employees(100))
	got := try(t, []enrich.Source{source("p", p)}, []enrich.TrialRecord{
		knownAt("a", "acme.example", size(100)), knownAt("b", "acme.example", size(90)), knownAt("c", "other.example", size(5000)),
	}, enrich.TrialOptions{Fields: []string{"company.employees"}})
	type figures struct {
		Calls, Asked int
		Cost         leadloop.Micros
		Match, Right enrich.Rate
		Order        leadloop.Micros
	}
	want := figures{2, 2, 2 * euro, enrich.RateOf(3, 3), enrich.RateOf(2, 3), 2 * euro}
	if diff := cmp.Diff(want, figures{got.Providers[0].Calls, p.calls(), got.Cost, got.Providers[0].Match, got.Providers[0].Accuracy, got.Order.Cost}); diff != "" {
		t.Error(diff)
	}
}

func TestARecordIsSentOnlyWhereTheTermsOfAProviderAllowIt(t *testing.T) {
	us, consents, purpose, all := answering(), answering(), answering(), answering()
	bound := func(name string, p *provider, change func(*enrich.Source)) enrich.Source {
		s := source(name, p)
		change(&s)
		return s
	}
	sources := []enrich.Source{
		bound("us", us, func(s *enrich.Source) { s.Countries = []string{"US"} }),
		bound("consents", consents, func(s *enrich.Source) { s.ConsentIn = []string{"DE"} }),
		bound("purpose", purpose, func(s *enrich.Source) { s.Purposes = []string{"service"} }),
		bound("all", all, func(s *enrich.Source) {}),
	}
	in := func(c string) leadloop.Claim { return leadloop.Country.Claim(c, person()) }
	sample := []enrich.TrialRecord{
		known("a", in("US")), known("b", in("DE")), known("c", in("DE"), leadloop.Consent.Claim(leadloop.ConsentGranted, person())),
		known("d", in("DE"), leadloop.Consent.Claim(leadloop.ConsentDenied, person())), known("e", in("US")),
		{ID: "f", Profile: leadloop.StandardSchema().NewProfile()},
	}
	got := try(t, sources, sample, enrich.TrialOptions{Purpose: "sales", Refuse: func(_ context.Context, s leadloop.Subject) (string, error) {
		if s.Lead.ID == "e" {
			return "suppressed", nil
		}
		return "", nil
	}})
	asked := map[string]int{"us": us.calls(), "consents": consents.calls(), "purpose": purpose.calls(), "all": all.calls()}
	if diff := cmp.Diff(map[string]int{"us": 1, "consents": 2, "purpose": 0, "all": 4}, asked); diff != "" {
		t.Error(diff)
	}
	for _, p := range got.Providers {
		kept := 0
		for _, n := range p.NotSent {
			kept += n
		}
		if p.NotSent["suppressed"] != 1 || p.Match.Of+kept != len(sample) {
			t.Errorf("%s: %d answered, not sent: %v; every record is one or the other", p.Provider, p.Match.Of, p.NotSent)
		}
	}
}

func TestAProviderThatFailsIsAFigureAndNoEnd(t *testing.T) {
	broken := source("broken", failing(&enrich.LookupError{Reason: enrich.ReasonUnauthorized}))
	good := source("good", answering(employees(100)))
	got := try(t, []enrich.Source{broken, good}, []enrich.TrialRecord{known("a", size(100)), known("b", size(100))}, enrich.TrialOptions{})
	if diff := cmp.Diff(map[string]int{"unauthorized": 2}, got.Providers[0].Failed); diff != "" {
		t.Error(diff)
	}
	if got.Providers[0].Cost != 0 || got.Providers[0].Match.Of != 0 || got.Providers[1].Accuracy.Hits != 2 {
		t.Errorf("unexpected figures: %+v", got.Providers)
	}
	if len(got.Order.Steps) != 1 || got.Order.Steps[0].Provider != "good" {
		t.Errorf("the best order is %+v", got.Order.Steps)
	}
}

func TestATrialCostsNoMoreThanItMay(t *testing.T) {
	var sample []enrich.TrialRecord
	for i := range 100 {
		sample = append(sample, known(fmt.Sprintf("r%d", i), size(100)))
	}
	p := answering(employees(100))
	got := try(t, []enrich.Source{source("p", p)}, sample, enrich.TrialOptions{Spend: 10 * euro})
	if got.Records != 10 || got.LeftOut != 90 || got.Cost != 10*euro {
		t.Errorf("%d records tried for %d, %d left out", got.Records, got.Cost, got.LeftOut)
	}
	var asked []string
	for _, q := range p.queries {
		asked = append(asked, string(q.Lead))
	}
	slices.Sort(asked)
	if diff := cmp.Diff([]string{"r0", "r10", "r20", "r30", "r40", "r50", "r60", "r70", "r80", "r90"}, asked); diff != "" {
		t.Error(diff)
	}
	if got := try(t, []enrich.Source{source("p", p)}, sample, enrich.TrialOptions{Spend: euro / 2}); got.Records != 0 || got.Cost != 0 {
		t.Errorf("with less than a price, %d records were tried", got.Records)
	}
}

func TestATrialThatIsInterruptedTellsWhatWasAnswered(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int32
	p := enrich.ProviderFunc(func(ctx context.Context, _ enrich.Query) (enrich.Answer, error) {
		if calls.Add(1) == 3 {
			cancel()
			return enrich.Answer{}, ctx.Err()
		}
		return enrich.Answer{Matched: true, Facts: []enrich.Fact{employees(100)}}, nil
	})
	var sample []enrich.TrialRecord
	for i := range 50 {
		sample = append(sample, known(fmt.Sprintf("r%d", i), size(100)))
	}
	got, err := enrich.Try(ctx, []enrich.Source{source("p", p)}, leadloop.StandardSchema(), sample, asOf, enrich.TrialOptions{Concurrency: 1})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if n := got.Providers[0]; n.Match.Of != 2 || n.NotSent["interrupted"] != 48 || got.Cost != 2*euro {
		t.Errorf("answered %d, interrupted %d, cost %d", n.Match.Of, n.NotSent["interrupted"], got.Cost)
	}
}

func TestWhatIsWrongWithATrialIsSaidAtOnce(t *testing.T) {
	_, err := enrich.Try(t.Context(), nil, leadloop.StandardSchema(), nil, asOf, enrich.TrialOptions{
		Fields: []string{"company.employes"}, By: []string{"lead.email"}, Budget: -1,
	})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Fatalf("error %v", err)
	}
	for _, part := range []string{"no provider", "sample is empty", `did you mean "company.employees"`, "identifies people", "negative"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("nothing about %q in: %v", part, err)
		}
	}
}

func TestTheSameAnswersGiveTheSameTrialInWhateverOrderTheyCome(t *testing.T) {
	var first []byte
	for _, concurrency := range []int{1, 3, 8} {
		sources, sample := worked()
		for i := range 60 {
			sample = append(sample, known(fmt.Sprintf("r%d", i%7), size(int64(i))))
		}
		got, err := json.Marshal(try(t, sources, sample, enrich.TrialOptions{Concurrency: concurrency, By: []string{"company.employees"}}))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		} else if diff := cmp.Diff(string(first), string(got)); diff != "" {
			t.Errorf("with %d at a time:\n%s", concurrency, diff)
		}
	}
}

func TestValuesAreComparedInTheWayThatMattersForTheField(t *testing.T) {
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		field      string
		known, got leadloop.Value
		same       bool
	}{
		{"company.name", leadloop.ValueOf("Acme GmbH"), leadloop.ValueOf("ACME"), true},
		{"company.name", leadloop.ValueOf("Acme GmbH"), leadloop.ValueOf("Acme Labs GmbH"), false},
		{"company.domain", leadloop.ValueOf("shop.acme.com"), leadloop.ValueOf("acme.com"), true},
		{"company.domain", leadloop.ValueOf("acme.com"), leadloop.ValueOf("acme.org"), false},
		{"lead.last_name", leadloop.ValueOf("O'Brien"), leadloop.ValueOf("O’BRIEN"), true},
		{"lead.country", leadloop.ValueOf("DE"), leadloop.ValueOf("Germany"), true},
		{"company.country", leadloop.ValueOf("DE"), leadloop.ValueOf("AT"), false},
		{"lead.title", leadloop.ValueOf("VP Sales"), leadloop.ValueOf("Vice President, Revenue"), true},
		{"lead.title", leadloop.ValueOf("VP Sales"), leadloop.ValueOf("Sales Manager"), false},
		{"lead.email", leadloop.ValueOf("a.b@acme.com"), leadloop.ValueOf("ab@acme.com"), false},
		{"company.employees", leadloop.ValueOf(int64(100)), leadloop.ValueOf(int64(125)), true},  // one class
		{"company.employees", leadloop.ValueOf(int64(190)), leadloop.ValueOf(int64(220)), true},  // near
		{"company.employees", leadloop.ValueOf(int64(150)), leadloop.ValueOf(int64(300)), false}, // neither
		{"company.employees", leadloop.ValueOf(int64(10)), leadloop.ValueOf(int64(11)), true},    // near
		{"company.employees", leadloop.ValueOf(int64(10)), leadloop.ValueOf(int64(50)), false},   // 10 and 50 end their classes
		{"company.revenue", leadloop.ValueOf(int64(2e6)), leadloop.ValueOf(int64(9e6)), true},    // one class
		{"company.revenue", leadloop.ValueOf(int64(2e6)), leadloop.ValueOf(int64(20e6)), false},  // ten times
		{"company.founded", leadloop.ValueOf(int64(1999)), leadloop.ValueOf(int64(2000)), true},  // a year
		{"company.founded", leadloop.ValueOf(int64(1999)), leadloop.ValueOf(int64(2001)), false}, // two
		{"company.hiring_velocity", leadloop.ValueOf(10.0), leadloop.ValueOf(8.0), true},         // 20 % of 10
		{"company.hiring_velocity", leadloop.ValueOf(10.0), leadloop.ValueOf(7.9), false},        // more
		{"company.technologies", leadloop.ValueOf([]string{"Go", "SQL"}), leadloop.ValueOf([]string{"go", "sql", "php"}), true},
		{"company.technologies", leadloop.ValueOf([]string{"Go", "SQL"}), leadloop.ValueOf([]string{"go", "php", "css"}), false},
		{"company.funding_date", leadloop.ValueOf(day), leadloop.ValueOf(day.Add(11 * time.Hour)), true},
		{"company.funding_date", leadloop.ValueOf(day), leadloop.ValueOf(day.Add(12 * time.Hour)), false},
		{"company.industry", leadloop.ValueOf("Software"), leadloop.ValueOf("software"), true},
		{"company.industry", leadloop.ValueOf("software"), leadloop.ValueOf("retail"), false},
		{"company.industry", leadloop.ValueOf("software"), leadloop.ValueOf(int64(1)), false},
		{"company.industry", leadloop.ValueOf("software"), leadloop.NoValue(leadloop.KindString), false},
	} {
		if got := enrich.SameValue(c.field, c.known, c.got); got != c.same {
			t.Errorf("%s: %v and %v: same %v, want %v", c.field, c.known, c.got, got, c.same)
		}
		if got := enrich.SameValue(c.field, c.got, c.known); got != c.same {
			t.Errorf("%s: %v and %v the other way round: same %v", c.field, c.known, c.got, got)
		}
	}
}

func TestIntervalsAreThoseOfTheTables(t *testing.T) {
	// Newcombe, "Two-sided confidence intervals for the single proportion"
	// (1998), table I, method 3.
	for _, c := range []struct {
		hits, of  int
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}, {29, 29, 0.8830, 1}} {
		r := enrich.RateOf(c.hits, c.of)
		if math.Abs(r.Low-c.low) > 6e-5 || math.Abs(r.High-c.high) > 6e-5 || r.TooFew != (c.of < enrich.MinTrial) {
			t.Errorf("%d of %d: %+v, want %.4f to %.4f", c.hits, c.of, r, c.low, c.high)
		}
	}
	if diff := cmp.Diff(enrich.Rate{High: 1, TooFew: true}, enrich.RateOf(0, 0)); diff != "" {
		t.Error(diff)
	}
}

// TestNoOrderBeatsTheBest draws small worlds. What a search by hand over all
// orders finds is what Try finds, nothing is above the bound, and more sources
// than can be tried exhaustively still keep to both.
func TestNoOrderBeatsTheBest(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.SampledFrom([]int{1, 2, 3, 7}).Draw(r, "sources")
		var sources []enrich.Source
		for i := range n {
			by := map[string][]enrich.Fact{}
			for rec := range 4 {
				if v := rapid.IntRange(0, 2).Draw(r, "value"); v > 0 {
					by[fmt.Sprint("r", rec)] = []enrich.Fact{employees(int64(100 * v * v * v))}
				}
			}
			s := source(fmt.Sprint("s", i), directory(by))
			s.Price = leadloop.Micros(rapid.IntRange(0, 3).Draw(r, "price")) * euro
			s.Charge = enrich.Charge(rapid.IntRange(0, 2).Draw(r, "charge"))
			sources = append(sources, s)
		}
		var sample []enrich.TrialRecord
		for rec := range 4 {
			sample = append(sample, known(fmt.Sprint("r", rec), size(100)))
		}
		o := enrich.TrialOptions{Fields: []string{"company.employees"}, Budget: leadloop.Micros(rapid.IntRange(0, 8).Draw(r, "budget")) * euro / 4}
		got := try(t, sources, sample, o)
		if got.Order.Right > got.Bound {
			r.Fatalf("%d right, above the bound %d", got.Order.Right, got.Bound)
		}
		if o.Budget > 0 && got.Order.Cost > 4*o.Budget {
			r.Fatalf("it costs %d, the budget is %d", got.Order.Cost, 4*o.Budget)
		}
		if got.Exhaustive != (n <= 6) {
			r.Fatalf("exhaustive %v for %d sources", got.Exhaustive, n)
		}
		if n > 3 {
			return
		}
		most := 0
		for _, order := range orders(n) {
			var listed []enrich.Source
			for _, i := range order {
				listed = append(listed, sources[i])
			}
			l := try(t, listed, sample, enrich.TrialOptions{Fields: o.Fields}).Listed
			if o.Budget == 0 || l.Cost <= 4*o.Budget {
				most = max(most, l.Right)
			}
		}
		if got.Order.Right != most {
			r.Fatalf("the best order is right %d times, one of all is %d times", got.Order.Right, most)
		}
	})
}

// orders are all orders of all choices of n things, at least one.
func orders(n int) (out [][]int) {
	var grow func(so []int)
	grow = func(so []int) {
		for i := range n {
			if !slices.Contains(so, i) {
				next := append(slices.Clone(so), i)
				out = append(out, next)
				grow(next)
			}
		}
	}
	grow(nil)
	return out
}

func ExampleTry() {
	schema := leadloop.StandardSchema()
	record := func(id leadloop.LeadID, domain string, employees int64) enrich.TrialRecord {
		p := schema.NewProfile()
		leadloop.Domain.Set(p, domain)
		leadloop.Employees.Set(p, employees)
		return enrich.TrialRecord{ID: id, Profile: p}
	}
	sizes := map[string]int64{"acme.example": 480, "globex.example": 90}
	vendor := enrich.Source{
		Name: "vendor", Needs: []string{"company.domain"}, Fields: []string{"company.employees"}, Price: 100_000, Charge: enrich.ChargeMatch,
		Provider: enrich.ProviderFunc(func(_ context.Context, q enrich.Query) (enrich.Answer, error) {
			n, ok := sizes[q.Value("company.domain")]
			if !ok {
				return enrich.Answer{}, nil
			}
			return enrich.Answer{Matched: true, Facts: []enrich.Fact{{Field: "company.employees", Value: leadloop.ValueOf(n)}}}, nil
		}),
	}
	trial, err := enrich.Try(context.Background(), []enrich.Source{vendor}, schema, []enrich.TrialRecord{
		record("1", "acme.example", 500), record("2", "globex.example", 4000), record("3", "initech.example", 20),
	}, time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), enrich.TrialOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	v := trial.Providers[0]
	fmt.Printf("knows %d of %d, is right about %d of %d, one costs %.2f\n", v.Match.Hits, v.Match.Of, v.Accuracy.Hits, v.Accuracy.Of, float64(*v.PerRight)/1e6)
	fmt.Println("too few to say:", v.Accuracy.TooFew)
	// Output:
	// knows 2 of 3, is right about 1 of 2, one costs 0.20
	// too few to say: true
}

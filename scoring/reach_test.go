package scoring

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

// ranged is what an explanation says of the range.
type ranged struct {
	Low, High float64
	Exact     bool
	Tiers     []string
}

func rangeOf(e Explanation) ranged {
	return ranged{e.Low.Float(), e.High.Float(), e.RangeExact, e.PossibleTiers}
}

func limited(t testing.TB, text string, combinations int) *Model {
	t.Helper()
	d, err := Parse("scoring.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := d.Schema()
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(d, schema, Options{Combinations: combinations})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const bands = `model: bands
version: 1
rules:
  - {id: small, when: "company.employees >= 50 && company.employees < 200", points: 5}
  - {id: middle, when: "company.employees >= 200 && company.employees < 500", points: 10}
  - {id: large, when: "company.employees >= 500", points: 20}
  - {id: vp, when: 'lead.seniority == "vp"', points: 15}
  - {id: intern, when: 'lead.seniority == "intern"', points: -15}
tiers: {A: 35, B: 20, C: 5, D: 0}
`

func TestTheRangeIsThatOfPossibleLeads(t *testing.T) {
	for _, tt := range []struct {
		name, model  string
		combinations int
		set          func(p *leadloop.Profile)
		activities   []leadloop.Activity
		want         ranged
	}{
		{name: "bands that exclude each other are not added up", model: bands, want: ranged{-15, 35, true, []string{"A", "B", "C", "D"}}},
		{name: "one field known", model: bands, set: func(p *leadloop.Profile) { leadloop.Employees.Set(p, 300) },
			want: ranged{-5, 25, true, []string{"B", "C", "D"}}},
		{name: "everything known", model: bands, set: func(p *leadloop.Profile) { leadloop.Employees.Set(p, 300); leadloop.Seniority.Set(p, "vp") },
			want: ranged{25, 25, true, []string{"B"}}},
		{name: "nothing is tried", model: bands, combinations: -1, want: ranged{-15, 50, false, []string{"A", "B", "C", "D"}}},
		{name: "sums of fields apart are no combinations", model: bands, combinations: 8, want: ranged{-15, 35, true, []string{"A", "B", "C", "D"}}},
		{name: "fields that meet in a rule are tried together", model: `model: m
version: 1
rules:
  - {id: both, when: 'company.employees >= 500 && lead.seniority == "vp"', points: 30}
  - {id: not, when: 'company.employees >= 500 && lead.seniority != "vp"', points: -10}
  - {id: small, when: "company.employees < 500", points: 5}
tiers: {A: 30, B: 20, C: -20}
`, want: ranged{-10, 30, true, []string{"A", "C"}}},
		{name: "a modifier hangs together with a rule", model: `model: m
version: 1
rules:
  - {id: us, when: 'lead.country == "US"', points: 30}
  - {id: base, when: "!false", points: 10}
modifiers: [{id: abroad, when: 'lead.country != "US"', multiply: 0.5, owner: ana, expires: 2027-01-01}]
tiers: {A: 40, B: 20, C: 0}
`, want: ranged{5, 40, true, []string{"A", "C"}}},
		{name: "weights of a table", model: `model: m
version: 1
rules: [{id: where, points: 'lead.country == "US" ? 20.0 : lead.country == "DE" ? 12.5 : -1.0'}]
`, want: ranged{-1, 20, true, []string{}}},
		{name: "a pattern is an outer bound", model: `model: m
version: 1
rules:
  - {id: sales, when: 'lead.title.matches("(?i)sales")', points: 20}
  - {id: not, when: '!lead.title.matches("(?i)sales")', points: -20}
  - {id: vp, when: 'lead.seniority == "vp"', points: 5}
  - {id: junior, when: 'lead.seniority == "junior"', points: 3}
`, want: ranged{-20, 25, false, []string{}}},
		{name: "a disqualifier that can't be enumerated does not blur the points", model: `model: m
version: 1
rules:
  - {id: student, when: 'lead.title.matches("(?i)student")', disqualify: student}
  - {id: vp, when: 'lead.seniority == "vp"', points: 5}
tiers: {A: 5, B: 0}
`, want: ranged{0, 5, true, []string{"A", "B"}}},
		{name: "the tier of whoever is disqualified is not possible", model: `model: m
version: 1
rules:
  - {id: tiny, when: 'company.employees < 10', disqualify: tiny}
  - {id: few, when: 'company.employees < 10', points: 50}
  - {id: many, when: 'company.employees >= 10', points: 5}
tiers: {A: 50, B: 0}
`, want: ranged{0, 50, true, []string{"B"}}},
		{name: "of too many combinations the few are tried", combinations: 4, model: `model: m
version: 1
rules:
  - {id: vp, when: 'lead.seniority == "vp"', points: 15}
  - {id: chief, when: 'lead.seniority == "c_level"', points: 20}
  - {id: both, when: 'lead.seniority == "vp" && (company.employees > 10 && company.employees < 20 || company.employees > 30)', points: 10}
`, want: ranged{0, 25, false, []string{}}},
		{name: "what holds in any case is counted before it is decided", model: `model: m
version: 1
rules:
  - {id: there, when: "has(lead.country)", points: 20}
  - {id: not, when: "!has(lead.country)", points: 20}
tiers: {A: 20, B: 0}
`, want: ranged{20, 20, true, []string{"A"}}},
		{name: "times move with the moment", model: `model: m
version: 1
rules:
  - {id: fresh, when: "now - company.funding_date < days(30)", points: 20}
  - {id: old, when: "now - company.funding_date >= days(30)", points: 10}
`, want: ranged{0, 20, true, []string{}}},
		{name: "activities that gate nothing stay out", model: `model: m
version: 1
rules:
  - {id: demo, each: demo, when: "company.employees >= 10", points: 20, decay: {window: 7d}}
  - {id: call, each: call, when: "company.employees < 10", points: 10}
`, activities: []leadloop.Activity{happened("demo", day), happened("demo", 2*day)}, want: ranged{0, 40, true, []string{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := limited(t, tt.model, tt.combinations)
			got := score(t, m, Input{Profile: profile(t, m, tt.set), Activities: tt.activities})
			if diff := cmp.Diff(tt.want, rangeOf(got)); diff != "" {
				t.Errorf("range (-want +got):\n%s\n%s", diff, got)
			}
		})
	}
}

// cancelling ends a context when it is asked for the n-th time.
type cancelling struct {
	context.Context
	left *int
}

func (c cancelling) Err() error {
	if *c.left--; *c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestARangeThatIsBrokenOffIsNoScore(t *testing.T) {
	m := compile(t, bands)
	want := score(t, m, Input{Profile: profile(t, m, nil)})
	for n := 0; ; n++ {
		left, m := n, compile(t, bands)
		in := Input{Profile: profile(t, m, nil), AsOf: asOf}
		got, err := m.Explain(cancelling{t.Context(), &left}, in)
		if err == nil {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ended after %d, and yet (-want +got):\n%s", n, diff)
			}
			if n < 10 {
				t.Errorf("the context was asked %d times in dozens of combinations", n)
			}
			return
		}
		if !cmp.Equal(got, Explanation{}) {
			t.Errorf("ended after %d with an explanation", n)
		}
	}
}

// enumerable are conditions and weights that read fields by comparisons alone.
var enumerable = []string{
	"company.employees >= 500", "company.employees < 50", "company.employees >= 50 && company.employees < 500",
	`lead.seniority == "vp"`, `lead.seniority in ["vp", "c_level"]`, `lead.seniority != "junior" || company.employees > 1000`,
	`!(lead.country in ["US", "CA"])`, `lead.country == "US" && lead.seniority == "vp"`, "has(lead.country)", "!has(lead.country)", "!has(company.revenue) && company.employees < 500", `lead.country.startsWith("U")`,
	"company.revenue > 1000000 || company.employees >= 500", "company.revenue > 500 || company.employees >= 500", "company.revenue == 0", `company.revenue > 10 ? lead.country == "US" : lead.seniority == "vp"`,
	`count("visit", "7d") >= 2 && company.employees >= 50`,
}

var enumerableWeights = []string{
	"20", "-10", "7.125", `company.employees > 500 ? 20.0 : -5.0`, `lead.country == "US" ? 3.5 : double(count("visit"))`,
}

var everyValue = map[string][]leadloop.Value{
	"company.employees": {ints(-1), ints(0), ints(49), ints(50), ints(499), ints(500), ints(501), ints(1000), ints(1001), leadloop.NoValue(leadloop.KindInt)},
	"company.revenue":   {ints(-3), ints(0), ints(10), ints(11), ints(500), ints(501), ints(1000000), ints(1000001), leadloop.NoValue(leadloop.KindInt)},
	"lead.seniority":    {leadloop.ValueOf("vp"), leadloop.ValueOf("c_level"), leadloop.ValueOf("junior"), leadloop.ValueOf(""), leadloop.ValueOf("x"), leadloop.NoValue(leadloop.KindString)},
	"lead.country":      {leadloop.ValueOf("US"), leadloop.ValueOf("CA"), leadloop.ValueOf("UK"), leadloop.ValueOf(""), leadloop.ValueOf("FR"), leadloop.NoValue(leadloop.KindString)},
}

func ints(n int64) leadloop.Value { return leadloop.ValueOf(n) }

var enumerableFields = []string{"company.employees", "company.revenue", "lead.country", "lead.seniority"}

func anyEnumerableModel(t *rapid.T) *Model {
	d := Definition{
		Model: "enumerable", Version: 1, Score: expression(rapid.SampledFrom(formulas[:7]).Draw(t, "score")),
		Groups: []Group{{Name: "fit", Max: new(25.0)}, {Name: "intent", Min: new(-5.0)}}, Hysteresis: float64(rapid.IntRange(0, 6).Draw(t, "hysteresis")),
	}
	for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
		r := Rule{
			ID: fmt.Sprintf("r%d", i), Group: rapid.SampledFrom([]string{"fit", "intent"}).Draw(t, "group"),
			When:   expression(rapid.SampledFrom(enumerable).Draw(t, "when")),
			Points: expression(rapid.SampledFrom(enumerableWeights).Draw(t, "points")),
		}
		switch rapid.IntRange(0, 7).Draw(t, "kind") {
		case 0:
			r.Points, r.Group, r.Disqualify = leadloop.Expression{}, "", "no"
		case 1, 2:
			r.Each, r.Decay = rapid.SampledFrom([]string{"visit", "demo"}).Draw(t, "each"), anyKindOfDecay(t)
		}
		d.Rules = append(d.Rules, r)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "modifiers") {
		m := Modifier{ID: fmt.Sprintf("m%d", i), Owner: "ana", Expires: asOf.Add(day), When: expression(rapid.SampledFrom(enumerable).Draw(t, "when"))}
		if rapid.Bool().Draw(t, "adds") {
			m.Add = new(float64(rapid.IntRange(-20, 20).Draw(t, "add")))
		} else {
			m.Multiply = new(float64(rapid.IntRange(0, 12).Draw(t, "multiply")) / 8)
		}
		d.Modifiers = append(d.Modifiers, m)
	}
	if rapid.IntRange(0, 3).Draw(t, "grid") == 0 {
		d.Grid = &Grid{
			Rows: Axis{Group: "fit", From: []float64{20, 10, 0}}, Columns: Axis{Group: "intent", From: []float64{20, 0}},
			Cells: [][]string{{"A", "B"}, {"B", "C"}, {"C", "D"}},
		}
	} else {
		d.Tiers = []Tier{{Name: "A", From: 40}, {Name: "B", From: 20}, {Name: "C", From: 5}, {Name: "D"}}
	}
	m, err := New(d, leadloop.StandardSchema(), Options{})
	if err != nil {
		t.Fatalf("the drawn model is not valid:\n%v", err)
	}
	return m
}

// completions calls f with every way to fill the missing fields.
func completions(t *rapid.T, p *leadloop.Profile, fields []string, f func(p *leadloop.Profile)) {
	if len(fields) == 0 {
		f(p)
		return
	}
	if p.Value(fields[0]).Presence() != leadloop.Absent {
		completions(t, p, fields[1:], f)
		return
	}
	for _, v := range everyValue[fields[0]] {
		q := p.Clone()
		if err := q.SetValue(fields[0], v); err != nil {
			t.Fatal(err)
		}
		completions(t, q, fields[1:], f)
	}
}

func anyPartialInput(t *rapid.T, m *Model, most int) Input {
	p := m.Schema().NewProfile()
	missing := rapid.Permutation(enumerableFields).Draw(t, "order")[:rapid.IntRange(0, most).Draw(t, "missing")]
	for _, name := range enumerableFields {
		if !slices.Contains(missing, name) {
			if err := p.SetValue(name, rapid.SampledFrom(everyValue[name]).Draw(t, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return Input{Profile: p, Activities: anyActivities(t), AsOf: asOf, PreviousTier: rapid.SampledFrom([]string{"", "A", "B", "C"}).Draw(t, "previous")}
}

func TestTheRangeEqualsBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyEnumerableModel(t)
		in := anyPartialInput(t, m, 2)
		before := mustScore(t, m, in)
		if !before.RangeExact {
			t.Fatalf("not exact:\n%s", before)
		}
		got := ranged{before.Low.Float(), before.High.Float(), true, append([]string{}, before.PossibleTiers...)}
		slices.Sort(got.Tiers)
		want := ranged{Exact: true, Tiers: []string{}}
		first := true
		full := in
		completions(t, in.Profile, enumerableFields, func(p *leadloop.Profile) {
			full.Profile = p
			e := mustScore(t, m, full)
			if first {
				want.Low, want.High = e.Points.Float(), e.Points.Float()
			}
			first = false
			want.Low, want.High = min(want.Low, e.Points.Float()), max(want.High, e.Points.Float())
			if e.Disqualified == "" && !slices.Contains(want.Tiers, e.Tier) {
				want.Tiers = append(want.Tiers, e.Tier)
			}
		})
		slices.Sort(want.Tiers)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("range (-brute force +got):\n%s\n%s", diff, before)
		}
		isOneOfThem(t, m, before)
	})
}

// isOneOfThem checks that what the lead has now is among what it could get: it
// is what it gets if nothing that is missing exists.
func isOneOfThem(t *rapid.T, m *Model, e Explanation) {
	if e.Low > e.High {
		t.Fatalf("%s to %s:\n%s", e.Low, e.High, e)
	}
	if !e.Known {
		return
	}
	if e.Points < e.Low || e.Points > e.High {
		t.Fatalf("%s lies outside %s to %s:\n%s", e.Points, e.Low, e.High, e)
	}
	for _, g := range e.Groups {
		if g.Points < g.Low || g.Points > g.High {
			t.Fatalf("group %s: %s lies outside %s to %s:\n%s", g.Group, g.Points, g.Low, g.High, e)
		}
	}
	rejects := slices.ContainsFunc(e.Contributions, func(c Contribution) bool { return c.Disqualifies != "" && c.State != NotMatched })
	if len(m.Tiers()) > 0 && !rejects && !slices.Contains(e.PossibleTiers, e.Tier) {
		t.Fatalf("tier %q is none of %q:\n%s", e.Tier, e.PossibleTiers, e)
	}
}

func TestPointsNeverLieOutsideTheRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		if rapid.Bool().Draw(t, "enumerable") {
			m = anyEnumerableModel(t)
		}
		m.combinations = rapid.SampledFrom([]int{0, 1, 7, DefaultCombinations}).Draw(t, "combinations")
		isOneOfThem(t, m, mustScore(t, m, anyInput(t, m)))
	})
}

func TestTheExactRangeLiesWithinTheOuterOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		in := anyInput(t, m)
		outer := *m
		outer.combinations = 0
		a, b := mustScore(t, &outer, in), mustScore(t, m, in)
		if b.Low < a.Low || b.High > a.High {
			t.Fatalf("%s to %s is wider than %s to %s", b.Low, b.High, a.Low, a.High)
		}
		for _, tier := range b.PossibleTiers {
			if !slices.Contains(a.PossibleTiers, tier) {
				t.Fatalf("tier %q is not one of %q", tier, a.PossibleTiers)
			}
		}
		a.Low, a.High, a.RangeExact, a.PossibleTiers = b.Low, b.High, b.RangeExact, b.PossibleTiers
		for i := range a.Groups {
			a.Groups[i].Low, a.Groups[i].High = b.Groups[i].Low, b.Groups[i].High
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("more than the range differs:\n%s", diff)
		}
	})
}

// A bound that was reached makes the range wider, never wrong.
func TestABoundOnCombinationsIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyEnumerableModel(t)
		in := anyPartialInput(t, m, 3)
		exact := mustScore(t, m, in)
		bounded := *m
		bounded.combinations = rapid.IntRange(1, 30).Draw(t, "combinations")
		bounded.halvings, bounded.work = rapid.IntRange(0, 3).Draw(t, "halvings"), rapid.IntRange(0, 60).Draw(t, "work")
		e := mustScore(t, &bounded, in)
		if e.Low > exact.Low || e.High < exact.High || e.RangeExact && (e.Low != exact.Low || e.High != exact.High) {
			t.Fatalf("%s to %s (exact: %t) within %d combinations, but it is %s to %s:\n%s", e.Low, e.High, e.RangeExact, bounded.combinations, exact.Low, exact.High, e)
		}
		for _, tier := range exact.PossibleTiers {
			if !slices.Contains(e.PossibleTiers, tier) {
				t.Fatalf("tier %q is possible, found %q:\n%s", tier, e.PossibleTiers, e)
			}
		}
	})
}

// Sums that lie too far apart to be kept as a set are branches of their own.
func TestSumsThatLieFarApart(t *testing.T) {
	for _, tt := range []struct {
		name, rules string
		want        ranged
	}{
		{"of one field", `
  - {id: large, when: "company.employees >= 500", points: 900000000.001}
  - {id: small, when: "company.employees < 50", points: -900000000}
`, ranged{-900000000, 900000000.001, true, []string{"A", "B"}}},
		{"of one field that modifiers read", `
  - {id: large, when: "company.employees >= 500", points: 900000000.001}
  - {id: small, when: "company.employees < 50", points: -900000000}
modifiers:
  - {id: half, when: "company.employees >= 500", multiply: 0, owner: ana, expires: 2027-01-01}
`, ranged{-900000000, 0, true, []string{"B"}}},
		{"of two fields", `
  - {id: large, when: "company.employees >= 500", points: 500000000.001}
  - {id: rich, when: "company.revenue > 1", points: -500000000}
`, ranged{-500000000, 500000000.001, true, []string{"A", "B"}}},
		{"of two fields that meet", `
  - {id: large, when: "company.employees >= 500", points: 400000000.001}
  - {id: medium, when: "company.employees >= 50", points: 1}
  - {id: rich, when: "company.revenue > 1", points: -400000000}
  - {id: both, when: "company.revenue > 1 && company.employees >= 500", points: 3}
`, ranged{-400000000, 400000001.001, true, []string{"A", "B"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			head, modifiers, _ := strings.Cut(tt.rules, "modifiers:")
			text := "model: m\nversion: 1\nrules:" + head + "tiers: {A: 10, B: 0}\n"
			if modifiers != "" {
				text += "modifiers:" + modifiers
			}
			m := compile(t, text)
			e := score(t, m, Input{Profile: profile(t, m, nil)})
			if diff := cmp.Diff(tt.want, rangeOf(e)); diff != "" {
				t.Errorf("range (-want +got):\n%s\n%s", diff, e)
			}
		})
	}
}

// A score that rises and falls with a group has its ends anywhere between.
func TestTheRangeOfAScoreThatRisesAndFalls(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: a, group: fit, when: "company.employees >= 50", points: 3}
  - {id: b, group: fit, when: "company.employees >= 500", points: 4}
  - {id: c, group: fit, when: "company.revenue >= 50", points: 3}
  - {id: d, group: fit, when: "company.revenue >= 500", points: 4}
  - {id: e, group: fit, when: 'lead.seniority == "vp"', points: 1}
groups: {fit: {min: 0, max: 20}}
score: "fit * (10.0 - fit)"
tiers: {A: 24, B: 20, C: 9, D: 0}
`)
	e := score(t, m, Input{Profile: profile(t, m, nil)})
	// fit is one of 0, 3, 6, 7, 10, 14 or one more.
	want := ranged{-75, 24, true, []string{"A", "B", "C", "D"}}
	if diff := cmp.Diff(want, rangeOf(e)); diff != "" {
		t.Errorf("range (-want +got):\n%s\n%s", diff, e)
	}
}

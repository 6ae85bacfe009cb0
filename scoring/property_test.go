package scoring

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

// The generators below draw models from parts that cover what rules can do
// with missing inputs, and leads with every kind of presence.

var conditions = []string{
	"company.employees >= 500",
	`company.employees >= 100 && lead.seniority in ["vp", "c_level"]`,
	`lead.seniority == "vp" || company.revenue > 1000000`,
	`!(lead.country in ["US", "CA"])`,
	"isFreeEmail(lead.email)",
	"has(lead.country)", "!has(lead.country)", `!has(company.revenue) && seen("demo", "20d")`,
	"company.employees > company.revenue", "company.employees == 500 || company.revenue == 500",
	"1000 / company.employees > 2",
	`count("visit", "7d") >= 2`,
	`seen("demo", "30d") && company.employees > 10`,
	`since("demo") < days(14)`,
	`lead.country == "" || company.revenue == 0`,
	`company.employees > 100 ? lead.country == "US" : lead.seniority == "vp"`,
}

var weights = []string{
	"20", "15", "-10", "7.125",
	"min(20.0, double(company.employees) / 50.0)",
	`company.employees > 500 ? 20.0 : -5.0`,
	`lead.country == "US" ? 3.5 : double(count("visit"))`,
	`2.0 * double(count("visit", "3d"))`,
	"max(-30.0, 10.0 - double(company.revenue))",
	"100.0 / double(company.employees)",
	"double(company.employees)",
}

var formulas = []string{
	"", "fit + intent", "fit * 0.6 + intent * 0.4", "fit - intent * 0.5", "max(fit, intent)", "min(fit, 50.0) + intent / 3.0",
	"fit > 20.0 ? fit + intent : intent", "-(fit * intent) / 100.0", "fit >= 10.0 && !(intent < 5.0) || fit == intent ? 80.0 : fit",
}

func expression(s string) leadloop.Expression { return leadloop.Expression{Text: s} }

func anyKindOfDecay(t *rapid.T) *Decay {
	days := func(name string) time.Duration { return time.Duration(rapid.IntRange(1, 60).Draw(t, name)) * day }
	switch rapid.IntRange(0, 4).Draw(t, "decay") {
	case 0:
		return &Decay{Window: days("window")}
	case 1:
		return &Decay{HalfLife: days("half-life")}
	case 2:
		return &Decay{Linear: days("linear")}
	case 3:
		first := days("first")
		return &Decay{Steps: []DecayStep{{first, 0.5}, {first + days("second"), 0.125}}}
	}
	return nil
}

func anyModel(t *rapid.T) *Model {
	d := Definition{
		Model: "random", Version: 1, Score: expression(rapid.SampledFrom(formulas).Draw(t, "score")),
		Groups:     []Group{{Name: "fit"}, {Name: "intent"}},
		Hysteresis: float64(rapid.IntRange(0, 6).Draw(t, "hysteresis")),
	}
	for i := range d.Groups {
		if rapid.Bool().Draw(t, "has max") {
			d.Groups[i].Max = new(float64(rapid.IntRange(1, 100).Draw(t, "max")))
		}
		if rapid.Bool().Draw(t, "has min") {
			d.Groups[i].Min = new(float64(rapid.IntRange(-50, 0).Draw(t, "min")))
		}
	}
	if d.Score.Text == "-(fit * intent) / 100.0" {
		d.Groups[0].Max, d.Groups[0].Min = new(100.0), new(-100.0)
		d.Groups[1] = Group{Name: "intent", Max: new(100.0), Min: new(-100.0)}
	}
	for i := range rapid.IntRange(1, 8).Draw(t, "rules") {
		r := Rule{ID: fmt.Sprintf("r%d", i), Group: rapid.SampledFrom([]string{"fit", "intent"}).Draw(t, "group")}
		r.Points = expression(rapid.SampledFrom(weights).Draw(t, "points"))
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		if kind >= 2 {
			r.When = expression(rapid.SampledFrom(conditions).Draw(t, "when"))
		}
		switch {
		case kind == 5:
			r.Points, r.Group, r.Disqualify = leadloop.Expression{}, "", "no"
		case kind%2 == 0:
			r.Each, r.Decay = rapid.SampledFrom([]string{"visit", "demo"}).Draw(t, "each"), anyKindOfDecay(t)
			if rapid.Bool().Draw(t, "limited") {
				r.Max = new(rapid.IntRange(1, 3).Draw(t, "most"))
			}
		}
		d.Rules = append(d.Rules, r)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "modifiers") {
		m := Modifier{ID: fmt.Sprintf("m%d", i), Owner: "ana", Expires: asOf.Add(time.Duration(rapid.IntRange(-10, 90).Draw(t, "expires")) * day)}
		if rapid.Bool().Draw(t, "conditional") {
			m.When = expression(rapid.SampledFrom(conditions).Draw(t, "when"))
		}
		if rapid.Bool().Draw(t, "adds") {
			m.Add = new(float64(rapid.IntRange(-20, 20).Draw(t, "add")))
		} else {
			m.Multiply = new(float64(rapid.IntRange(0, 12).Draw(t, "multiply")) / 8)
		}
		d.Modifiers = append(d.Modifiers, m)
	}
	if rapid.IntRange(0, 3).Draw(t, "grid") == 0 {
		d.Grid = &Grid{
			Rows: Axis{Group: "fit", From: []float64{30, 10, 0}}, Columns: Axis{Group: "intent", From: []float64{20, -5}},
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

var values = map[string][]leadloop.Value{
	"company.employees": {leadloop.ValueOf[int64](0), leadloop.ValueOf[int64](50), leadloop.ValueOf[int64](499), leadloop.ValueOf[int64](500), leadloop.ValueOf[int64](1 << 40), leadloop.NoValue(leadloop.KindInt)},
	"company.revenue":   {leadloop.ValueOf[int64](0), leadloop.ValueOf[int64](7), leadloop.ValueOf[int64](5000000), leadloop.NoValue(leadloop.KindInt)},
	"lead.seniority":    {leadloop.ValueOf("vp"), leadloop.ValueOf("junior"), leadloop.ValueOf(""), leadloop.NoValue(leadloop.KindString)},
	"lead.country":      {leadloop.ValueOf("US"), leadloop.ValueOf("FR"), leadloop.ValueOf(""), leadloop.NoValue(leadloop.KindString)},
	"lead.email":        {leadloop.ValueOf("a@gmail.com"), leadloop.ValueOf("a@example.com"), leadloop.ValueOf(""), leadloop.NoValue(leadloop.KindString)},
}

var valueFields = []string{"company.employees", "company.revenue", "lead.country", "lead.email", "lead.seniority"}

// fill gives some or all of the absent fields a value.
func fill(t *rapid.T, p *leadloop.Profile, all bool) *leadloop.Profile {
	p = p.Clone()
	for _, name := range valueFields {
		if p.Value(name).Presence() == leadloop.Absent && (all || rapid.Bool().Draw(t, "fill "+name)) {
			if err := p.SetValue(name, rapid.SampledFrom(values[name]).Draw(t, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p
}

func anyActivities(t *rapid.T) []leadloop.Activity {
	out := make([]leadloop.Activity, rapid.IntRange(0, 6).Draw(t, "activities"))
	for i := range out {
		out[i] = leadloop.Activity{
			ID: fmt.Sprint(i), Type: rapid.SampledFrom([]string{"visit", "demo", "reply"}).Draw(t, "type"),
			At: asOf.Add(-time.Duration(rapid.Int64Range(-int64(10*day), int64(70*day)).Draw(t, "ago"))),
		}
	}
	return out
}

func anyInput(t *rapid.T, m *Model) Input {
	return Input{
		Profile: fill(t, m.Schema().NewProfile(), false), Activities: anyActivities(t), AsOf: asOf,
		PreviousTier: rapid.SampledFrom([]string{"", "A", "B", "C", "D", "Z"}).Draw(t, "previous"),
	}
}

func mustScore(t *rapid.T, m *Model, in Input) Explanation {
	e, err := m.Explain(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEveryCompletionLiesInTheRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		in := anyInput(t, m)
		before := mustScore(t, m, in)
		for range 5 {
			full := in
			full.Profile = fill(t, in.Profile, true)
			after := mustScore(t, m, full)
			if len(after.Needs) > 0 || !after.Known && len(m.Inputs()) > 0 {
				t.Fatalf("everything is known, yet:\n%s", after)
			}
			if !after.Known {
				continue
			}
			if after.Points < before.Low || after.Points > before.High {
				t.Fatalf("%s lies outside %s to %s:\n%s\nbecame\n%s", after.Points, before.Low, before.High, before, after)
			}
			if after.Disqualified == "" && !slices.Contains(before.PossibleTiers, after.Tier) {
				t.Fatalf("tier %q is none of %q:\n%s\nbecame\n%s", after.Tier, before.PossibleTiers, before, after)
			}
			if before.Disqualified != "" && after.Disqualified == "" {
				t.Fatal("a disqualified lead was let in again by more inputs")
			}
			if after.Low < before.Low || after.High > before.High {
				t.Fatalf("the range grew from %s–%s to %s–%s", before.Low, before.High, after.Low, after.High)
			}
			for i, g := range after.Groups {
				if b := before.Groups[i]; g.Points < b.Low || g.Points > b.High {
					t.Fatalf("group %s: %s lies outside %s to %s", g.Group, g.Points, b.Low, b.High)
				}
			}
			if len(before.Needs) == 0 && before.Disqualified == "" && before.Known && after.Points != before.Points {
				t.Fatalf("nothing was needed, yet %s became %s", before.Points, after.Points)
			}
		}
	})
}

func TestContributionsSumToTheScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		e := mustScore(t, m, anyInput(t, m))
		for i, g := range e.Groups {
			var sum leadloop.Points
			for _, c := range e.Contributions {
				if c.Group == g.Group {
					sum += c.Points
				}
				// What asks for presence counts while it is undecided.
				if c.State != Matched && c.Points != 0 && !(c.State == Undecided && strings.Contains(c.When, "has(")) {
					t.Fatalf("rule %s is %s and gives %s", c.Rule, c.State, c.Points)
				}
				if c.Points < c.Low || c.Points > c.High {
					t.Fatalf("rule %s gives %s outside %s to %s", c.Rule, c.Points, c.Low, c.High)
				}
				var each leadloop.Points
				for _, o := range c.Occurrences {
					if !o.Dropped {
						each += o.Points
					}
				}
				if c.Each != "" && each != c.Points {
					t.Fatalf("rule %s gives %s, its activities %s", c.Rule, c.Points, each)
				}
			}
			if sum != g.Sum || clamp(sum, m.groups[i].limits) != g.Points || (g.Limited != "") != (g.Sum != g.Points) {
				t.Fatalf("group %s: the rules give %s, the group says %s, limited to %s (%s)", g.Group, sum, g.Sum, g.Points, g.Limited)
			}
		}
		score := e.Base
		for _, a := range e.Modifiers {
			if a.Before != score || a.State != Matched && a.After != a.Before && !(a.State == Undecided && strings.Contains(a.When, "has(")) {
				t.Fatalf("modifier %s (%s) makes %s of %s after a score of %s", a.Modifier, a.State, a.After, a.Before, score)
			}
			score = a.After
		}
		if e.Known && score != e.Points {
			t.Fatalf("the last modifier leaves %s, the score is %s", score, e.Points)
		}
	})
}

func TestNothingChangesBeforeValidUntil(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		in := anyInput(t, m)
		first := mustScore(t, m, in)
		end := first.ValidUntil
		if end.IsZero() {
			end = asOf.Add(10 * 365 * day)
		} else if !end.After(asOf) {
			t.Fatalf("valid until %s, scored at %s", end, asOf)
		}
		continuous := slices.ContainsFunc(m.rules, func(r rule) bool { return r.decay.continuous() })
		length := int64(end.Sub(asOf))
		offsets := []int64{length - 1, rapid.Int64Range(0, length-1).Draw(t, "later"), rapid.Int64Range(0, length-1).Draw(t, "later")}
		for _, offset := range offsets {
			in.AsOf, in.PreviousTier = asOf.Add(time.Duration(offset)), first.Tier
			later := mustScore(t, m, in)
			if later.Tier != first.Tier || later.Disqualified != first.Disqualified || later.Known != first.Known {
				t.Fatalf("valid until %s, but at %s:\n%s\nbecame\n%s", end, in.AsOf, first, later)
			}
			if !continuous && (later.Points != first.Points || later.Low != first.Low || later.High != first.High) {
				t.Fatalf("valid until %s, but at %s %s (%s–%s) became %s (%s–%s)", end, in.AsOf,
					first.Points, first.Low, first.High, later.Points, later.Low, later.High)
			}
			if !continuous && !first.ValidUntil.Equal(later.ValidUntil) {
				t.Fatalf("valid until %s, later until %s", first.ValidUntil, later.ValidUntil)
			}
		}
	})
}

func TestTheTierChangesExactlyWhenFadingPointsCrossAnEdge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Definition{
			Model: "fading", Version: 1, Tiers: []Tier{{Name: "A", From: 40}, {Name: "B", From: 20}, {Name: "C"}},
			Hysteresis: float64(rapid.IntRange(0, 3).Draw(t, "hysteresis")),
		}
		rises, falls := false, false
		for i := range rapid.IntRange(1, 4).Draw(t, "rules") {
			length := time.Duration(rapid.IntRange(1, 40).Draw(t, "length")) * day
			decay := &Decay{Linear: length}
			if rapid.Bool().Draw(t, "half-life") {
				decay = &Decay{HalfLife: length}
			}
			points := rapid.IntRange(-60, 80).Draw(t, "points")
			rises, falls = rises || points < 0, falls || points > 0
			d.Rules = append(d.Rules, Rule{
				ID: fmt.Sprintf("r%d", i), Each: rapid.SampledFrom([]string{"visit", "demo"}).Draw(t, "each"), Decay: decay,
				Points: expression(fmt.Sprint(points)),
			})
		}
		m, err := New(d, leadloop.StandardSchema(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		in := anyInput(t, m)
		first := mustScore(t, m, in)
		end := first.ValidUntil
		if !end.IsZero() {
			in.AsOf, in.PreviousTier = end, first.Tier
			// Where some points rise and others fall, the search may give up
			// before the change, never after it.
			if at := mustScore(t, m, in); at.Tier == first.Tier && !(rises && falls) {
				t.Fatalf("valid until %s, and still tier %q:\n%s", end, first.Tier, at)
			}
		} else {
			end = asOf.Add(1000 * day)
		}
		// Points that rise and fall may touch an edge only for a short time. The
		// nanosecond before the end is the tightest.
		for step := range 51 {
			in.AsOf, in.PreviousTier = asOf.Add(end.Sub(asOf)/50*time.Duration(step)), first.Tier
			if step == 50 {
				in.AsOf = end.Add(-1)
			}
			if at := mustScore(t, m, in); at.Tier != first.Tier {
				t.Fatalf("valid until %s, but at %s:\n%s\nbecame\n%s", end, in.AsOf, first, at)
			}
		}
	})
}

func TestScoresDoNotDependOnTheOrderOfActivities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		in := anyInput(t, m)
		want, shuffled := mustScore(t, m, in), in
		shuffled.Activities = rapid.Permutation(in.Activities).Draw(t, "order")
		if diff := cmp.Diff(want, mustScore(t, m, shuffled)); diff != "" {
			t.Fatalf("another order of activities (-want +got):\n%s", diff)
		}
	})
}

func TestHysteresisOnlyHoldsTheStoredTier(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		in := anyInput(t, m)
		in.PreviousTier = ""
		plain := mustScore(t, m, in)
		in.PreviousTier = rapid.SampledFrom(m.Tiers()).Draw(t, "stored")
		held := mustScore(t, m, in)
		switch {
		case held.Held && held.Tier != in.PreviousTier:
			t.Fatalf("held in %q although %q was stored", held.Tier, in.PreviousTier)
		case !held.Held && held.Tier != plain.Tier:
			t.Fatalf("tier %q instead of %q without being held", held.Tier, plain.Tier)
		case held.Held && m.tiers.previous(plain.Tier) >= 0 && m.tiers.previous(plain.Tier) < m.tiers.previous(held.Tier):
			t.Fatalf("held down in %q from %q", held.Tier, plain.Tier)
		}
	})
}

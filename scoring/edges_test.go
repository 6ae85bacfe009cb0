package scoring

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

// timedModel draws a model whose score changes in jumps alone, and the lengths
// of time after an activity at which it can.
func timedModel(t *rapid.T) (*Model, []time.Duration) {
	var lengths []time.Duration
	length := func(name string) time.Duration {
		d := time.Duration(rapid.IntRange(1, 40).Draw(t, name)) * 12 * time.Hour
		lengths = append(lengths, d, d+1)
		return d
	}
	spelled := func(d time.Duration) string { return fmt.Sprintf("%dh", int(d/time.Hour)) }
	d := Definition{Model: "timed", Version: 1, Tiers: []Tier{{Name: "A", From: 30}, {Name: "B", From: 10}, {Name: "C"}}}
	for i := range rapid.IntRange(1, 5).Draw(t, "rules") {
		r := Rule{ID: fmt.Sprintf("r%d", i), Points: expression(fmt.Sprint(rapid.IntRange(-20, 40).Draw(t, "points")))}
		typ := rapid.SampledFrom([]string{"visit", "demo"}).Draw(t, "type")
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			r.Each, r.Decay = typ, &Decay{Window: length("window")}
		case 1:
			first := length("first")
			lengths = append(lengths, first+12*time.Hour)
			r.Each, r.Decay = typ, &Decay{Steps: []DecayStep{{first, 0.5}, {first + 12*time.Hour, 0}}}
		case 2:
			r.When = expression(fmt.Sprintf("count(%q, %q) >= %d", typ, spelled(length("window")), rapid.IntRange(1, 3).Draw(t, "times")))
		case 3:
			r.When = expression(fmt.Sprintf("seen(%q, %q) && company.employees > 10", typ, spelled(length("window"))))
		case 4:
			r.When = expression(fmt.Sprintf("since(%q) %s duration(%q)", typ, rapid.SampledFrom([]string{"<", "<=", ">", ">="}).Draw(t, "op"), spelled(length("since"))))
		case 5:
			r.Points = expression(fmt.Sprintf("2.0 * double(count(%q, %q))", typ, spelled(length("window"))))
		case 6:
			r.When = expression(fmt.Sprintf("seen(%q, %q) || company.employees > 10", typ, spelled(length("window"))))
			r.Each = "reply"
		}
		d.Rules = append(d.Rules, r)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "modifiers") {
		d.Modifiers = append(d.Modifiers, Modifier{
			ID: fmt.Sprintf("m%d", i), Owner: "ana", Multiply: new(0.5), Expires: asOf.Add(time.Duration(rapid.IntRange(-10, 400).Draw(t, "expires")) * time.Hour),
			When: expression(rapid.SampledFrom([]string{"", fmt.Sprintf("seen(%q, %q)", "demo", spelled(length("window")))}).Draw(t, "when")),
		})
	}
	m, err := New(d, leadloop.StandardSchema(), Options{})
	if err != nil {
		t.Fatalf("the drawn model is not valid:\n%v", err)
	}
	return m, lengths
}

// said is all of an explanation that the clock alone does not change.
func said(e Explanation) string {
	var s strings.Builder
	fmt.Fprint(&s, e.Known, e.Points, e.Low, e.High, e.Tier, e.Disqualified, e.PossibleTiers, e.Needs)
	for _, c := range e.Contributions {
		fmt.Fprint(&s, " ", c.State, c.Points, c.Low, c.High)
	}
	for _, a := range e.Modifiers {
		// One that does not apply may expire, which changes nothing.
		fmt.Fprint(&s, " ", a.State == Matched, a.State == Undecided, a.After)
	}
	return s.String()
}

// Windows, steps and expiries change a score at instants that can be written
// down. Valid-until is one of them, to the nanosecond, and nothing changes at
// any that comes before.
func TestValidUntilIsTheFirstEdgeThatCanChangeAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, lengths := timedModel(t)
		in := Input{Profile: m.Schema().NewProfile(), Activities: anyActivities(t), AsOf: asOf}
		if rapid.Bool().Draw(t, "employees known") {
			leadloop.Employees.Set(in.Profile, int64(rapid.IntRange(0, 20).Draw(t, "employees")))
		}
		var edges []time.Time
		for _, a := range in.Activities {
			// After 292 years since() has no duration to say it with, and fails.
			edges = append(edges, a.At, a.At.Add(1), a.At.Add(math.MaxInt64).Add(1))
			for _, d := range lengths {
				edges = append(edges, a.At.Add(d))
			}
		}
		for _, c := range m.changes {
			edges = append(edges, c.expires)
		}
		edges = slices.DeleteFunc(edges, func(at time.Time) bool { return !at.After(asOf) })
		slices.SortFunc(edges, time.Time.Compare)
		first := mustScore(t, m, in)
		until := first.ValidUntil
		if !until.IsZero() && !slices.ContainsFunc(edges, until.Equal) {
			t.Fatalf("valid until %s, when nothing can happen:\n%s", until, first)
		}
		in.PreviousTier = first.Tier
		for _, at := range edges {
			for _, moment := range []time.Time{at.Add(-1), at} {
				if !moment.After(asOf) || !until.IsZero() && !moment.Before(until) {
					continue
				}
				in.AsOf = moment
				if e := mustScore(t, m, in); said(e) != said(first) {
					t.Fatalf("valid until %s, but at %s:\n%s\nbecame\n%s", until, moment, first, e)
				}
			}
		}
		// And at the last of all edges nothing is left to happen.
		if len(edges) > 0 {
			in.AsOf = edges[len(edges)-1].Add(1)
			if e := mustScore(t, m, in); !e.ValidUntil.IsZero() {
				t.Fatalf("valid until %s after the last edge:\n%s", e.ValidUntil, e)
			}
		}
	})
}

package scoring

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// misses compares.
func (w Want) misses(e Explanation) []Miss {
	var out []Miss
	miss := func(what, want, got, because string) {
		if want != got {
			out = append(out, Miss{what, want, got, because})
		}
	}
	if w.Known != nil {
		miss("known", yesNo(*w.Known), yesNo(e.Known), "")
	}
	if w.Tier != "" {
		miss("tier", w.Tier, cmp.Or(e.Tier, NoTier), "")
	}
	if w.Points != nil {
		got := e.Points.String()
		if !e.Known {
			got = "no score"
		}
		miss("points", w.Points.String(), got, "")
	}
	if w.Low != nil {
		miss("low", w.Low.String(), e.Low.String(), "")
	}
	if w.High != nil {
		miss("high", w.High.String(), e.High.String(), "")
	}
	for _, r := range w.Reasons {
		state, points, line := e.about(r.Rule)
		switch {
		case state != Matched:
			miss("reason "+r.Rule, string(Matched), string(state), line)
		case r.Points != nil:
			miss("reason "+r.Rule, counted(*r.Points), counted(points), line)
		}
	}
	for _, id := range w.Without {
		if state, _, line := e.about(id); state == Matched {
			miss("without "+id, "anything but "+string(Matched), string(state), line)
		}
	}
	if w.Disqualified != "" {
		miss("disqualified", w.Disqualified, cmp.Or(e.Disqualified, "no"), "")
	}
	if w.Needs != nil {
		var want []string
		for _, f := range w.Needs {
			want = append(want, fieldName(f))
		}
		slices.Sort(want)
		miss("needs", list(slices.Compact(want)), list(e.Needs), "")
	}
	if w.PossibleTiers != nil {
		got := slices.Clone(e.PossibleTiers)
		if last := len(got) - 1; last >= 0 && got[last] == "" {
			got[last] = NoTier
		}
		slices.Sort(got)
		miss("possible tiers", list(slices.Sorted(slices.Values(w.PossibleTiers))), list(got), "")
	}
	if w.ValidUntil != nil {
		miss("valid until", timeOrNever(*w.ValidUntil), timeOrNever(e.ValidUntil), "")
	}
	return out
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func list(names []string) string { return cmp.Or(strings.Join(names, ", "), "nothing") }

func timeOrNever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// about says what a rule or modifier came to, what it gave, and why.
func (e Explanation) about(id string) (State, leadloop.Points, string) {
	for _, c := range e.Contributions {
		if c.Rule == id {
			return c.State, c.Points, reasonLine(c.name(), c.State, c.Error, c.Needs, used(c.Fields, c.Activities), c.occurred())
		}
	}
	for _, a := range e.Modifiers {
		if a.Modifier == id {
			line := reasonLine(cmp.Or(a.Description, a.When, a.Modifier), a.State, a.Error, a.Needs, used(a.Fields, a.Activities), nil)
			return a.State, a.After - a.Before, line
		}
	}
	return NotMatched, 0, ""
}

func reasonLine(name string, state State, failure string, needs, facts, occurred []string) string {
	s := name + ": " + strings.ReplaceAll(string(state), "_", " ")
	switch {
	case failure != "":
		return s + ": " + failure
	case len(needs) > 0:
		return s + ", needs " + fieldList(needs)
	}
	if state == Matched {
		facts = slices.Concat(occurred, facts)
	}
	if len(facts) > 0 {
		s += ": " + strings.Join(facts, "; ")
	}
	return s
}

package scoring

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Coverage tells which parts of a model the cases of a run reached: for every
// rule and modifier that it applied and that it did not, for decays, limits and
// tiers each of their sides.
type Coverage struct {
	// Edges in the order of the model: rules, groups, modifiers, tiers.
	Edges []Edge
}

// Edge is one thing that can happen to a lead in a model.
type Edge struct {
	// Of is "rule", "group", "modifier" or "tier", ID which one.
	Of, ID string
	// What happened, such as "matched" or "past the window".
	What string
	// Cases is in how many cases it did.
	Cases int
	// Optional marks what is told but not counted in the share: that a rule was
	// undecided.
	Optional bool
}

// Name names the edge without its count, such as "rule demo: past the window".
func (e Edge) Name() string { return e.Of + " " + e.ID + ": " + e.What }

// Share is the share of edges that a case reached, 1 if there are none.
func (c Coverage) Share() float64 {
	reached, all := 0, 0
	for _, e := range c.Edges {
		if e.Optional {
			continue
		}
		all++
		if e.Cases > 0 {
			reached++
		}
	}
	if all == 0 {
		return 1
	}
	return float64(reached) / float64(all)
}

// Missed returns the edges that no case reached, without optional ones.
func (c Coverage) Missed() []Edge {
	var out []Edge
	for _, e := range c.Edges {
		if e.Cases == 0 && !e.Optional {
			out = append(out, e)
		}
	}
	return out
}

// String writes one line for each rule, group, modifier and tier, with the
// number of cases that reached each edge.
func (c Coverage) String() string {
	var b strings.Builder
	all := 0
	for _, e := range c.Edges {
		if !e.Optional {
			all++
		}
	}
	fmt.Fprintf(&b, "Coverage: %d of %d edges (%.1f %%).\n", all-len(c.Missed()), all, 100*c.Share())
	for i, e := range c.Edges {
		if i == 0 || e.Of != c.Edges[i-1].Of || e.ID != c.Edges[i-1].ID {
			if i > 0 {
				b.WriteString("\n")
			}
			fmt.Fprintf(&b, "  %s %s: ", e.Of, e.ID)
		} else {
			b.WriteString(", ")
		}
		if e.Cases == 0 {
			fmt.Fprintf(&b, "%s never", e.What)
		} else {
			fmt.Fprintf(&b, "%s %d×", e.What, e.Cases)
		}
	}
	if len(c.Edges) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// probe is an edge and how to see that a case reached it.
type probe struct {
	edge    Edge
	reached func(in Input, e *Explanation) bool
}

type coverage struct{ probes []probe }

func newCoverage(m *Model) *coverage {
	c := &coverage{}
	for i := range m.rules {
		c.rule(&m.rules[i], i)
	}
	reach := m.reach()
	for i, g := range m.groups {
		limited := func(side string) func(Input, *Explanation) bool {
			return func(_ Input, e *Explanation) bool { return e.Groups[i].Limited == side }
		}
		// A limit that the rules can't come to is no edge.
		if g.max != nil && reach[i].hi > *g.max {
			c.probe("group", g.name, "limited to its max", limited("max"))
		}
		if g.min != nil && reach[i].lo < *g.min {
			c.probe("group", g.name, "limited to its min", limited("min"))
		}
	}
	for i := range m.changes {
		mod := &m.changes[i]
		state := func(want ...State) func(Input, *Explanation) bool {
			return func(_ Input, e *Explanation) bool { return slices.Contains(want, e.Modifiers[i].State) }
		}
		c.probe("modifier", mod.id, "applied", state(Matched))
		if mod.when >= 0 {
			c.probe("modifier", mod.id, "not applied", state(NotMatched, NoValue))
		}
		if len(mod.reads.fields) > 0 {
			c.optional("modifier", mod.id, "undecided", state(Undecided))
		}
	}
	for _, name := range m.tiers.names {
		c.probe("tier", name, "given", func(_ Input, e *Explanation) bool { return e.Tier == name })
		// A grid has no order that every worse cell follows; the last tier of
		// thresholds has nothing below it.
		if m.tiers.hysteresis > 0 && (m.tiers.cells != nil || name != m.tiers.names[len(m.tiers.names)-1]) {
			c.probe("tier", name, "held by the hysteresis", func(_ Input, e *Explanation) bool { return e.Held && e.Tier == name })
		}
	}
	return c
}

func (c *coverage) probe(of, id, what string, reached func(Input, *Explanation) bool) {
	c.probes = append(c.probes, probe{Edge{Of: of, ID: id, What: what}, reached})
}

func (c *coverage) optional(of, id, what string, reached func(Input, *Explanation) bool) {
	c.probes = append(c.probes, probe{Edge{Of: of, ID: id, What: what, Optional: true}, reached})
}

func (c *coverage) rule(r *rule, i int) {
	state := func(want ...State) func(Input, *Explanation) bool {
		return func(_ Input, e *Explanation) bool { return slices.Contains(want, e.Contributions[i].State) }
	}
	c.probe("rule", r.id, "matched", state(Matched))
	if r.when >= 0 || r.each >= 0 {
		c.probe("rule", r.id, "not matched", state(NotMatched, NoValue))
	}
	if len(r.reads.fields) > 0 {
		c.optional("rule", r.id, "undecided", state(Undecided))
	}
	if r.each < 0 {
		return
	}
	counted := func(e *Explanation) int {
		n := 0
		for _, o := range e.Contributions[i].Occurrences {
			if !o.Dropped {
				n++
			}
		}
		return n
	}
	if r.max != 1 {
		c.probe("rule", r.id, "several activities", func(_ Input, e *Explanation) bool { return counted(e) > 1 })
	}
	if r.max > 0 {
		c.probe("rule", r.id, "more than its max", func(_ Input, e *Explanation) bool {
			return len(e.Contributions[i].Occurrences) > counted(e)
		})
	}
	// aged tells whether the rule looked at an activity of an age.
	aged := func(from, before time.Duration) func(Input, *Explanation) bool {
		return func(in Input, e *Explanation) bool {
			if c := e.Contributions[i]; len(c.Occurrences)+c.Faded == 0 {
				return false
			}
			for _, a := range in.Activities {
				if age := ageAt(a.At, e.AsOf); a.Type == r.eachType && age >= from && age < before {
					return true
				}
			}
			return false
		}
	}
	switch d := r.decay; d.kind {
	case window:
		c.probe("rule", r.id, "past the window", aged(d.length, anyAge))
	case halfLife:
		c.probe("rule", r.id, "faded in part", aged(1, anyAge))
	case linear:
		c.probe("rule", r.id, "faded in part", aged(1, d.length))
		c.probe("rule", r.id, "faded to none", aged(d.length, anyAge))
	case steps:
		c.probe("rule", r.id, "before its first step", aged(0, d.steps[0].After))
		for n, s := range d.steps {
			before := anyAge
			if n+1 < len(d.steps) {
				before = d.steps[n+1].After
			}
			c.probe("rule", r.id, fmt.Sprintf("on step %d", n+1), aged(s.After, before))
		}
	}
}

// anyAge is longer than any age.
const anyAge = time.Duration(1<<63 - 1)

func (c *coverage) add(in Input, e Explanation) {
	for i := range c.probes {
		if p := &c.probes[i]; p.reached(in, &e) {
			p.edge.Cases++
		}
	}
}

func (c *coverage) done() Coverage {
	out := Coverage{Edges: make([]Edge, len(c.probes))}
	for i, p := range c.probes {
		out.Edges[i] = p.edge
	}
	return out
}

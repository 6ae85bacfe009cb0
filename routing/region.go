package routing

import (
	"maps"
	"slices"
	"strconv"
)

// exact reports whether the condition is no more than a box: one set of values
// per field, without CEL.
func (c *condition) exact() bool {
	return c.rule < 0 && !slices.ContainsFunc(c.matchers, func(m matcher) bool { return m.kind == matchTerritory || m.kind == matchPostcode })
}

// textSet is some texts: those in, or if that is nil all but not.
type textSet struct{ in, not []string }

// region is a set of leads: for each field the values that it may have.
type region struct {
	r     *Router
	text  map[int]textSet
	num   map[int]interval[int64]
	none  map[int]bool // numbers that are known not to exist
	codes []span       // postcodes, nil for all
}

// meet takes out of the region what a condition does not take, as far as that
// can be said without CEL. It reports whether anything is left.
func (g *region) meet(c *condition) bool {
	for i := range c.matchers {
		m := &c.matchers[i]
		switch m.kind {
		case matchText, matchAccount:
			s := g.text[m.field]
			values := m.values()
			switch {
			case s.in != nil:
				s.in = slices.DeleteFunc(slices.Clone(s.in), func(v string) bool { return !m.takes(v) })
			default:
				s.in = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return contains(s.not, v) })
			}
			if len(s.in) == 0 {
				return false
			}
			g.setText(m.field, textSet{in: s.in})
		case matchNumber:
			if !g.setNum(m.field, m.between.interval(0)) {
				return false
			}
		case matchPostcode:
			if g.codes = m.spans; len(m.spans) == 0 {
				return false
			}
		}
	}
	return true
}

func (g *region) setText(f int, s textSet) {
	g.text = maps.Clone(g.text)
	if g.text == nil {
		g.text = map[int]textSet{}
	}
	g.text[f] = s
}

// setNum narrows a number, and reports whether any is left.
func (g *region) setNum(f int, to interval[int64]) bool {
	if g.none[f] {
		return false
	}
	now, ok := g.num[f]
	if ok {
		to.from = max(to.from, now.from)
		if !now.open && (to.open || now.until < to.until) {
			to.until, to.open = now.until, false
		}
	}
	if !to.open && to.from >= to.until {
		return false
	}
	g.num = maps.Clone(g.num)
	if g.num == nil {
		g.num = map[int]interval[int64]{}
	}
	g.num[f] = to
	return true
}

// values are the texts that a matcher takes, sorted.
func (m *matcher) values() []string {
	if m.kind == matchAccount {
		return m.accounts.domains
	}
	return m.oneOf
}

func (m *matcher) takes(v string) bool {
	if m.kind == matchAccount {
		_, ok := m.accounts.owners[v]
		return ok
	}
	return contains(m.oneOf, v)
}

func contains(sorted []string, s string) bool {
	_, ok := slices.BinarySearch(sorted, s)
	return ok
}

// disjoint reports whether no lead of the region meets the condition.
func (g *region) disjoint(c *condition) bool {
	h := *g
	return !h.meet(c)
}

// searched bounds how many cases a search for a gap goes through.
const searched = 20_000

// uncovered returns a lead of the region that no box takes. It gives up after
// a number of cases: then there may be one that it does not find.
func (r *Router) uncovered(g *region, boxes []*condition) (map[string]string, bool) {
	budget := searched
	found, ok := g.without(boxes, &budget)
	if !ok {
		return nil, false
	}
	return found.example(), true
}

// without returns a part of the region that is outside all boxes.
func (g *region) without(boxes []*condition, budget *int) (*region, bool) {
	for i, c := range boxes {
		if *budget--; *budget < 0 {
			return nil, false
		}
		if g.disjoint(c) {
			continue
		}
		for j := range c.matchers {
			for _, h := range g.minus(&c.matchers[j]) {
				if found, ok := h.without(boxes[i+1:], budget); ok {
					return found, true
				}
			}
		}
		return nil, false
	}
	return g, true
}

// minus returns what is left of the region without the values of a matcher.
func (g *region) minus(m *matcher) []*region {
	switch m.kind {
	case matchText, matchAccount:
		s, h := g.text[m.field], *g
		if s.in != nil {
			in := slices.DeleteFunc(slices.Clone(s.in), m.takes)
			if len(in) == 0 {
				return nil
			}
			h.setText(m.field, textSet{in: in})
		} else {
			not := slices.Concat(s.not, m.values())
			slices.Sort(not)
			h.setText(m.field, textSet{not: slices.Compact(not)})
		}
		return []*region{&h}
	case matchNumber:
		var out []*region
		b := m.between.interval(0)
		if below := *g; b.from > -1<<63 && below.setNum(m.field, interval[int64]{from: -1 << 63, until: b.from}) {
			out = append(out, &below)
		}
		if above := *g; !b.open && above.setNum(m.field, interval[int64]{from: b.until, open: true}) {
			out = append(out, &above)
		}
		if _, narrowed := g.num[m.field]; !narrowed {
			h := *g
			if h.none = maps.Clone(g.none); h.none == nil {
				h.none = map[int]bool{}
			}
			h.none[m.field] = true
			out = append(out, &h)
		}
		return out
	}
	return nil
}

// example is a lead of the region.
func (g *region) example() map[string]string {
	out := map[string]string{}
	name := func(f int) string {
		if f < 0 {
			return "tier"
		}
		return g.r.schema.At(f).Name
	}
	for f, s := range g.text {
		if s.in != nil {
			out[name(f)] = s.in[0]
		}
	}
	for f, n := range g.num {
		v := max(n.from, 0)
		if !n.open && v >= n.until {
			v = n.until - 1
		}
		out[name(f)] = strconv.FormatInt(v, 10)
	}
	if len(g.codes) > 0 {
		out[PostcodeField] = g.codes[0].from
	}
	return out
}

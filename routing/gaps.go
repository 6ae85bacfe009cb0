package routing

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Gap is a kind of lead that nobody is named for.
type Gap struct {
	// What says what is missing, for people.
	What string
	// Example is a lead that falls into the gap: values by field name or
	// "tier". A field that it does not have is known not to exist.
	Example map[string]string
	At      leadloop.Position
}

func (g Gap) String() string {
	s := g.What + ": " + example(g.Example)
	if at := g.At.String(); at != "" {
		return at + ": " + s
	}
	return s
}

func example(values map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, name+" "+strconv.Quote(values[name]))
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing known about it")
}

// Gaps are leads that end in the final queue because no entry is for them, even
// with everybody there and idle, and leads that no territory is for although an
// entry asks for one. Both may be meant. There is an example for each tier and
// for each country that the entries or territories name; what takes CEL to
// find is tried and not searched for.
func (r *Router) Gaps() []Gap {
	var out []Gap
	add := func(g Gap) {
		if !slices.ContainsFunc(out, func(o Gap) bool { return o.What == g.What && maps.Equal(o.Example, g.Example) }) {
			out = append(out, g)
		}
	}
	boxes := make([]*condition, 0, len(r.entries))
	for i := range r.entries {
		// Whether there is an owner is not the lead's to say.
		if e := &r.entries[i]; e.cond.exact() && len(e.owners) == 0 && e.Target.Alert == "" {
			boxes = append(boxes, &e.cond)
		}
	}
	for _, start := range r.starts(boxes, -1, leadloop.Country.Name()) {
		if e, ok := r.uncovered(start, boxes); ok && r.endsInFinal(e) {
			add(Gap{What: "no entry is for this lead: it waits in " + r.final, Example: e})
		}
	}
	for i := range r.entries {
		e := &r.entries[i]
		if !slices.Contains(e.owners, OfTerritory) {
			continue
		}
		boxes := make([]*condition, 0, len(r.territories))
		for j := range r.territories {
			if t := &r.territories[j]; t.places() {
				boxes = append(boxes, &t.cond)
			}
		}
		for _, start := range r.starts(boxes, -2, leadloop.Country.Name()) {
			if !start.meet(&e.cond) {
				continue
			}
			if x, ok := r.uncovered(start, boxes); ok {
				add(Gap{What: "entry " + e.ID + ": no territory is for this lead", Example: x, At: e.At})
			}
		}
		break
	}
	return out
}

// starts are the regions that are searched for a gap: everything, and what has
// each value that conditions name of a field (-1: also of the tier).
func (r *Router) starts(boxes []*condition, tier int, field string) []*region {
	at, _ := r.schema.Index(field)
	out := []*region{{r: r}}
	seen := map[int][]string{}
	for _, c := range boxes {
		for i := range c.matchers {
			if m := &c.matchers[i]; m.kind == matchText && (m.field == at || m.field == tier) {
				seen[m.field] = append(seen[m.field], m.oneOf...)
			}
		}
	}
	for _, f := range slices.Sorted(maps.Keys(seen)) {
		slices.Sort(seen[f])
		for _, v := range slices.Compact(seen[f]) {
			out = append(out, &region{r: r, text: map[int]textSet{f: {in: []string{v}}}})
		}
	}
	return out
}

// endsInFinal tries an example with everybody there.
func (r *Router) endsInFinal(values map[string]string) bool {
	lead, p := &leadloop.Lead{ID: "example"}, r.schema.NewProfile()
	for i := range r.schema.Len() {
		def := r.schema.At(i)
		v := leadloop.NoValue(def.Kind)
		if s, ok := values[def.Name]; ok {
			if parsed, err := leadloop.ParseValue(def.Kind, s); err == nil {
				v = parsed
			}
		}
		if p.SetValue(def.Name, v) != nil {
			return false
		}
	}
	lead.State.Score = leadloop.Score{Known: true, Tier: values["tier"], Model: "example"}
	a, err := r.Route(context.Background(), &Snapshot{}, Request{Lead: lead, Profile: p, AsOf: time.Date(2026, 1, 7, 12, 0, 0, 0, time.UTC)})
	return err == nil && a.Kind == leadloop.OutcomeQueued && a.Entry == ""
}

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
		return slices.Sorted(maps.Keys(m.accounts.owners))
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

// terminal reports whether an entry that matches always has a place for the
// lead.
func (e *entry) terminal() bool { return e.Target.Queue != "" || e.Target.Nurture != "" }

// unreachable reports entries that no lead gets to, because entries before it
// take all of theirs, and those that can't place any, because one before gives
// the same leads to the same people.
func (c *compiler) unreachable() {
	var covers []*condition
	var names []string
	for i := range c.r.entries {
		e := &c.r.entries[i]
		where := "entry " + e.ID
		g := &region{r: c.r}
		switch by, covered := c.covered(g, e, covers, names); {
		case !g.meet(&e.cond):
			// An empty list, or one that a territory contradicts, has been told.
		case covered:
			c.AddHint(e.At, by, "%s can never be reached", where)
		default:
			c.shadowed(i, g)
		}
		if e.terminal() && e.cond.exact() && len(covers) < 500 {
			covers, names = append(covers, &e.cond), append(names, e.ID)
		}
	}
}

// covered reports whether the entries before take every lead of this one, and
// which.
func (c *compiler) covered(g *region, e *entry, covers []*condition, names []string) (string, bool) {
	h := *g
	if !h.meet(&e.cond) || len(covers) == 0 {
		return "", false
	}
	for i, o := range covers {
		budget := searched
		if _, left := h.without([]*condition{o}, &budget); !left {
			if o.always() {
				return "entry " + names[i] + " takes every lead before it; move that one down", true
			}
			return "entry " + names[i] + " takes all of its leads before it; move that one down", true
		}
	}
	budget := searched
	if _, left := h.without(covers, &budget); !left && budget >= 0 {
		return "the entries before it that lead to queues and tracks take all of its leads; move this one up", true
	}
	return "", false
}

// shadowed warns of an entry whose leads an entry before gives to the same
// pool or rep, asking no more of them.
func (c *compiler) shadowed(i int, g *region) {
	e := &c.r.entries[i]
	t := &e.Target
	if t.Pool == "" && t.Rep == "" {
		return
	}
	near, looked := c.r.entryIndex.overlapping(&e.cond), 0
	for j := nextBit(near, 0); j >= 0 && j < i && looked < 500; j = nextBit(near, j+1) {
		looked++
		o := &c.r.entries[j]
		u := &o.Target
		if u.Pool != t.Pool || u.Rep != t.Rep || !o.cond.exact() || !hasAll(t.Skills, u.Skills) || u.Speaks && !t.Speaks || u.Sells && !t.Sells ||
			len(u.Seniority) > 0 && !slices.Equal(u.Seniority, t.Seniority) || u.ZoneWithin > 0 && u.ZoneWithin != t.ZoneWithin {
			continue
		}
		h := *g
		budget := searched
		if !h.meet(&e.cond) {
			return
		}
		if _, left := h.without([]*condition{&o.cond}, &budget); !left && budget >= 0 {
			c.Warn(e.At, "entry %s places no lead: entry %s gives its leads to the same people before", e.ID, o.ID)
			return
		}
	}
}

// maxOverlaps bounds how many overlaps are told one by one.
const maxOverlaps = 20

// overlaps warns of territories that name different people for one lead and
// have the same priority.
func (c *compiler) overlaps() {
	more := 0
	told := 0
	for j := range c.r.territories {
		b := &c.r.territories[j]
		if !b.places() || len(b.cond.matchers) == 0 {
			continue
		}
		left := c.r.territoryIndex.overlapping(&b.cond)
		for i := nextBit(left, 0); i >= 0 && i < j; i = nextBit(left, i+1) {
			a := &c.r.territories[i]
			if !a.places() || a.Priority != b.Priority || sameTarget(a, b) {
				continue
			}
			g := &region{r: c.r}
			if !g.meet(&a.cond) || !g.meet(&b.cond) {
				continue
			}
			if told++; told > maxOverlaps {
				more++
				continue
			}
			p := leadloop.Problem{At: b.At, Warning: true, Hint: "give one of them a higher priority, or a manager decides each"}
			p.Message = fmt.Sprintf("territory %s overlaps territory %s, which names %s and not %s: %s", b.ID, a.ID, a.names(), b.names(), example(g.example()))
			c.Problems = append(c.Problems, p)
		}
	}
	if more > 0 {
		c.Warn(leadloop.Position{}, "%d more pairs of territories overlap", more)
	}
}

// overlapping returns the conditions that some lead meets together with c, as
// bits, unless the postcodes of both are only near each other.
func (x *index) overlapping(c *condition) []uint64 {
	out := ones(x.n)
	for i := range x.dims {
		k := &x.dims[i]
		for j := range c.matchers {
			m := &c.matchers[j]
			if k.loose || m.field != k.field || k.nums != nil != (m.kind == matchNumber) || k.codes != nil != (m.kind == matchPostcode) || m.kind == matchTerritory {
				continue
			}
			any := slices.Clone(k.free)
			switch m.kind {
			case matchNumber:
				b := m.between.interval(0)
				k.nums.between(b.from, b.until, b.open, any)
			case matchPostcode:
				for _, s := range m.spans {
					k.codes.between(s.from, s.until, false, any)
				}
			default:
				for _, v := range m.values() {
					k.text[v].into(any)
				}
			}
			for w := range out {
				out[w] &= any[w]
			}
		}
	}
	return out
}

func (p posting) into(b []uint64) {
	for w := range p.bits {
		b[w] |= p.bits[w]
	}
	for _, id := range p.ids {
		b[id/64] |= 1 << (id % 64)
	}
}

// between adds what takes any value between two.
func (s *segments[T]) between(from, until T, open bool, b []uint64) {
	i, found := slices.BinarySearch(s.starts, from)
	if !found && i > 0 {
		i--
	}
	for ; i < len(s.starts) && (open || s.starts[i] < until); i++ {
		s.in[i].into(b)
	}
}

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
// for each country that the entries or territories name, and for postcodes
// between those of a country's territories; what takes CEL to find is tried and
// not searched for.
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
			add(Gap{What: "no entry is for this lead, which waits in " + r.final, Example: e, At: r.at})
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
				add(Gap{What: "entry " + e.ID + " finds no territory for this lead", Example: x, At: e.At})
			}
		}
		for _, g := range r.postcodeGaps(e) {
			add(g)
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
				c.Warn(b.At, "more territories overlap; these are the first %d", maxOverlaps)
				return
			}
			p := leadloop.Problem{At: b.At, Warning: true, Hint: "give one of them a higher priority, or a manager decides each"}
			p.Message = fmt.Sprintf("territory %s overlaps territory %s, which names %s and not %s: %s", b.ID, a.ID, a.names(), b.names(), example(g.example()))
			c.Problems = append(c.Problems, p)
		}
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

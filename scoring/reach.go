package scoring

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/leadloop/leadloop"
)

// DefaultCombinations is how many combinations of missing values are tried
// unless [Options.Combinations] says otherwise.
const DefaultCombinations = 4096

// What a score can still become is found by trying. The values of a field fall
// into cells within which no condition changes (see rules.Set.Cells), so one
// value of each is enough.
//
//   - A rule is tried only for the values of its own missing fields, and only
//     once for all leads if it reads nothing else (tables.go).
//   - Rules that share no missing field don't influence each other. They fall
//     apart into components, each of which comes to some sums, in a few
//     branches if modifiers or disqualifications depend on it too.
//   - The sums of components add up to a set of sums (sumset.go), and the range
//     and the tiers are found by halving that set where it makes a difference
//     (spread.go).
//
// So bands that exclude each other are never added up.

// branch is something that the missing inputs can make of a lead.
type branch struct {
	sums     []bounds // by group, before its limits
	changes  []State  // by modifier; empty: as it is without them
	rejected certainty
	// more has, by group, what comes on top of sums; nil for nothing.
	more []sumset
}

// certainty is how sure a disqualification is.
type certainty uint8

const (
	never certainty = iota
	maybe
	surely
)

func (m *Model) blank() branch {
	return branch{sums: make([]bounds, len(m.groups)), changes: make([]State, len(m.changes))}
}

// key tells branches apart by all but what comes on top.
func (b *branch) key(to []byte) []byte {
	for _, s := range b.sums {
		to = binary.AppendVarint(to, int64(s.lo))
		to = binary.AppendVarint(to, int64(s.hi))
	}
	for _, s := range b.changes {
		to = append(to, s...)
		to = append(to, 0)
	}
	return append(to, byte(b.rejected))
}

func (b *branch) clone() branch {
	return branch{slices.Clone(b.sums), slices.Clone(b.changes), b.rejected, slices.Clone(b.more)}
}

// add adds what a rule or modifier comes to.
func (b *branch) add(m *Model, it *item, o outcome) {
	if it.change >= 0 {
		b.changes[it.change] = o.state
		return
	}
	r := &m.rules[it.rule]
	switch {
	case r.group >= 0:
		b.sums[r.group] = b.sums[r.group].plus(o.points)
	case o.state == Matched:
		b.rejected = surely
	case o.state == Undecided || o.state == Failed:
		b.rejected = max(b.rejected, maybe)
	}
}

// join adds what components come to that share no missing field; false if the
// sums span too much.
func (b *branch) join(c *branch) bool {
	for i := range b.sums {
		b.sums[i] = b.sums[i].plus(c.sums[i])
	}
	for i, s := range c.changes {
		if s != "" {
			b.changes[i] = s
		}
	}
	b.rejected = max(b.rejected, c.rejected)
	if b.more == nil && c.more != nil {
		b.more = make([]sumset, len(c.more))
	}
	for i := range c.more {
		if c.more[i].lo == 0 && c.more[i].hi == 0 {
			continue
		}
		var ok bool
		if b.more[i], ok = b.more[i].plus(&c.more[i]); !ok {
			return false
		}
	}
	return true
}

// whole is one outer bound of several branches.
func whole(branches []branch) branch {
	out := branches[0].clone()
	for i := range out.sums {
		for n, b := range branches {
			sum := b.sums[i]
			if b.more != nil {
				sum = sum.plus(bounds{b.more[i].lo, b.more[i].hi})
			}
			if n > 0 {
				sum = sum.or(out.sums[i])
			}
			out.sums[i] = sum
		}
	}
	for _, b := range branches {
		for i, state := range b.changes {
			if state != out.changes[i] {
				out.changes[i] = Undecided
			}
		}
		if b.rejected != out.rejected {
			out.rejected = maybe
		}
	}
	out.more = nil
	return out
}

// item is an open rule or modifier with the missing fields that are tried.
type item struct {
	rule, change int // one of them is -1
	fields       []int
	table        *table
}

// component are items that hang together by their fields.
type component struct {
	items  []item
	fields []int // positions in the schema, ascending
}

// reach is room for finding components.
type reach struct {
	items  []item
	fields []int // of items
	of     []int // by field: its component, -1
	unit   []leadloop.Points
	sums   []leadloop.Points
}

// branches finds what the missing inputs can make of the lead; false if
// something could not be tried, and stands as an outer bound.
func (s *run) branches(ctx context.Context) (out []branch, exact bool) {
	m := s.m
	start := m.blank()
	for i, p := range s.fixed {
		start.sums[i] = exactly(p)
	}
	if s.verdict.Disqualified != "" {
		start.rejected = surely
	}
	items, exact := s.items(ctx, &start)
	if len(items) == 0 {
		return []branch{start}, exact
	}
	unit := zeros(s.reach.unit, len(m.groups))
	s.reach.unit = unit
	for i := range items {
		if r := items[i].rule; r >= 0 && m.rules[r].group >= 0 {
			g := m.rules[r].group
			unit[g] = divisor(unit[g], items[i].table.unit)
		}
	}
	out = []branch{start}
	for _, c := range components(items, &s.reach) {
		if group, set, ok := s.tryOne(c); ok {
			if s.common(out, group, &set) {
				continue
			}
		}
		options, all := s.try(c)
		exact = exact && all
		joint := product(out, options, m.combinations)
		if joint == nil {
			exact = false
			if joint = product(out, []branch{whole(options)}, len(out)); joint == nil {
				joint = product([]branch{whole(out)}, []branch{whole(options)}, 1)
			}
		}
		out = joint
	}
	return out, exact
}

// product combines what is independent; nil if that is more than limit.
func product(a, b []branch, limit int) []branch {
	if len(a)*len(b) > limit {
		return nil
	}
	out := make([]branch, 0, len(a)*len(b))
	for i := range a {
		for j := range b {
			joint := a[i].clone()
			if !joint.join(&b[j]) {
				return nil
			}
			out = append(out, joint)
		}
	}
	return out
}

// items are the open rules and modifiers that can be tried. Those that can't
// are added to the branch that all start from.
func (s *run) items(ctx context.Context, start *branch) (items []item, exact bool) {
	m := s.m
	items, exact = s.reach.items[:0], true
	s.reach.fields = s.reach.fields[:0]
	for _, i := range s.open {
		r, g := &m.rules[i], &s.given[i]
		it := item{rule: i, change: -1}
		if s.undecided(r.when) || s.undecided(r.points) {
			// Whether a lead is disqualified makes no difference to its points.
			all := s.tabulate(ctx, &it, r.reads)
			exact = exact && (all || r.group < 0)
		}
		if it.table == nil {
			start.add(m, &it, outcome{g.state, g.points})
			continue
		}
		items = append(items, it)
	}
	for i, state := range s.changes {
		if state != Undecided {
			continue
		}
		it := item{rule: -1, change: i}
		exact = s.tabulate(ctx, &it, m.changes[i].reads) && exact
		if it.table != nil {
			items = append(items, it)
		}
	}
	s.reach.items = items
	return items, exact
}

// components puts items together that share a field.
func components(items []item, room *reach) []component {
	var out []component
	top := 0
	for i := range items {
		for _, f := range items[i].fields {
			top = max(top, f+1)
		}
	}
	for len(room.of) < top {
		room.of = append(room.of, 0)
	}
	for i := range room.of {
		room.of[i] = -1
	}
	for _, it := range items {
		at := -1
		for _, f := range it.fields {
			switch other := room.of[f]; {
			case other >= 0 && at >= 0 && other != at:
				to, from := min(at, other), max(at, other)
				for _, g := range out[from].fields {
					room.of[g] = to
				}
				out[to].items = append(out[to].items, out[from].items...)
				out[to].fields = append(out[to].fields, out[from].fields...)
				out[from] = component{}
				at = to
			case other >= 0:
				at = other
			default:
				if at < 0 {
					at = len(out)
					out = append(out, component{})
				}
				room.of[f] = at
				out[at].fields = append(out[at].fields, f)
			}
		}
		out[at].items = append(out[at].items, it)
	}
	out = slices.DeleteFunc(out, func(c component) bool { return len(c.items) == 0 })
	for i := range out {
		slices.Sort(out[i].fields)
	}
	return out
}

// try finds what a component can come to; false if some of it stands as an
// outer bound, because there are too many combinations.
func (s *run) try(c component) ([]branch, bool) {
	m := s.m
	exact := true
	main := s.mainGroup(c)
	var axes []axisOf
	for {
		axes = axes[:0]
		n, worst := 1, 0
		for _, f := range c.fields {
			axes = append(axes, s.axis(c, f, main))
			last := len(axes) - 1
			if len(axes[last].cells) > len(axes[worst].cells) {
				worst = last
			}
			n *= len(axes[last].cells)
			n = min(n, 1<<30)
		}
		if n <= m.combinations {
			break
		}
		exact = false
		c = s.without(c, c.fields[worst])
	}
	w := weaver{s: s, c: c, axes: axes, main: main, at: make([]int, len(axes)), b: m.blank(), seen: map[string]int{}, ok: true}
	w.weave(0)
	if !w.ok {
		return []branch{whole(w.out)}, false
	}
	return w.out, exact
}

// additive items only add decided points to one group, by one field. They make
// no branches.
func (s *run) additive(it *item, group int) bool {
	return it.rule >= 0 && s.m.rules[it.rule].group == group && len(it.fields) == 1 && it.table.exact
}

// mainGroup is the group that most additive items add to.
func (s *run) mainGroup(c component) int {
	best, most := 0, -1
	for g := range s.m.groups {
		n := 0
		for i := range c.items {
			if s.additive(&c.items[i], g) {
				n++
			}
		}
		if n > most {
			best, most = g, n
		}
	}
	return best
}

// tryOne is a component of one field of which all items add to one group; the
// sums that it comes to.
func (s *run) tryOne(c component) (group int, set sumset, ok bool) {
	m := s.m
	first := &c.items[0]
	if len(c.fields) > 1 || first.rule < 0 || m.rules[first.rule].group < 0 {
		return 0, sumset{}, false
	}
	group = m.rules[first.rule].group
	for i := range c.items {
		if !s.additive(&c.items[i], group) {
			return 0, sumset{}, false
		}
	}
	sums := zeros(s.reach.sums, len(first.table.pick))
	s.reach.sums = sums
	for i := range c.items {
		t := c.items[i].table
		for v, k := range t.pick {
			sums[v] += t.kinds[k].points.lo
		}
	}
	set, ok = sumsOf(sums, s.reach.unit[group])
	return group, set, ok
}

// common adds a set of sums to all branches; false, and nothing is added, if
// some would span too much.
func (s *run) common(branches []branch, group int, set *sumset) bool {
	joint := make([]sumset, 0, 1)
	for i := range branches {
		var had sumset
		if branches[i].more != nil {
			had = branches[i].more[group]
		}
		sum, ok := had.plus(set)
		if !ok {
			return false
		}
		joint = append(joint, sum)
	}
	for i := range branches {
		if branches[i].more == nil {
			branches[i].more = make([]sumset, len(s.m.groups))
		}
		branches[i].more[group] = joint[i]
	}
	return true
}

// axisOf is a field of a component: classes of cells that only additive items
// tell apart.
type axisOf struct {
	field int
	cells []int // one cell of each class
	more  []sumset
}

// axis finds the classes of a field.
func (s *run) axis(c component, field, main int) axisOf {
	n := len(s.cells(field).values)
	out := axisOf{field: field}
	sums := make([]leadloop.Points, n)
	class := make([]int, n)
	seen := map[string]int{}
	var sig []byte
	for v := range n {
		sig = sig[:0]
		for i := range c.items {
			it := &c.items[i]
			at := slices.Index(it.fields, field)
			switch {
			case at < 0:
			case s.additive(it, main):
				sums[v] += it.table.kinds[it.table.pick[v]].points.lo
			default:
				sig = it.table.slice(sig, at, v)
			}
		}
		k, ok := seen[string(sig)]
		if !ok {
			k = len(out.cells)
			seen[string(sig)] = k
			out.cells = append(out.cells, v)
		}
		class[v] = k
	}
	var of []leadloop.Points
	for k := range out.cells {
		of = of[:0]
		for v, p := range sums {
			if class[v] == k {
				of = append(of, p)
			}
		}
		set, ok := sumsOf(of, s.reach.unit[main])
		if !ok {
			// Too far apart for a set: each sum is a class of its own.
			return s.apart(field, sums)
		}
		out.more = append(out.more, set)
	}
	return out
}

// apart makes each cell a class.
func (s *run) apart(field int, sums []leadloop.Points) axisOf {
	out := axisOf{field: field}
	for v, p := range sums {
		out.cells = append(out.cells, v)
		out.more = append(out.more, sumset{lo: p, hi: p})
	}
	return out
}

// without takes a field out of a component: what reads it stands as an outer
// bound of what it could come to.
func (s *run) without(c component, field int) component {
	out := component{fields: slices.DeleteFunc(slices.Clone(c.fields), func(f int) bool { return f == field })}
	for _, it := range c.items {
		if at := slices.Index(it.fields, field); at >= 0 {
			it.table = it.table.hull(at)
			it.fields = slices.Delete(slices.Clone(it.fields), at, at+1)
		}
		out.items = append(out.items, it)
	}
	return out
}

// weaver goes through the classes of a component.
type weaver struct {
	s    *run
	c    component
	axes []axisOf
	main int
	at   []int // class by axis
	cell []int
	b    branch // in the making
	key  []byte
	seen map[string]int
	out  []branch
	ok   bool
}

func (w *weaver) weave(i int) {
	if i < len(w.axes) {
		for k := range w.axes[i].cells {
			w.at[i] = k
			w.weave(i + 1)
		}
		return
	}
	m, s, b := w.s.m, w.s, &w.b
	clear(b.sums)
	clear(b.changes)
	b.rejected = never
	for i := range w.c.items {
		it := &w.c.items[i]
		if s.additive(it, w.main) {
			continue
		}
		w.cell = w.cell[:0]
		for _, f := range it.fields {
			a := slices.Index(w.c.fields, f)
			w.cell = append(w.cell, w.axes[a].cells[w.at[a]])
		}
		b.add(m, it, it.table.of(w.cell))
	}
	more, ok := sumset{unit: s.reach.unit[w.main]}, true
	for i := range w.axes {
		if ok {
			more, ok = more.plus(&w.axes[i].more[w.at[i]])
		}
	}
	if !ok {
		var sum bounds
		for i := range w.axes {
			set := &w.axes[i].more[w.at[i]]
			sum = sum.plus(bounds{set.lo, set.hi})
		}
		b.sums[w.main] = b.sums[w.main].plus(sum)
		w.ok = false
		w.out = append(w.out, b.clone())
		return
	}
	if sum := &b.sums[w.main]; sum.lo == sum.hi {
		more.lo, more.hi = more.lo+sum.lo, more.hi+sum.lo
		*sum = bounds{}
	}
	w.key = b.key(w.key[:0])
	n, known := w.seen[string(w.key)]
	if known {
		if joint, fits := w.out[n].more[w.main].either(&more); fits {
			w.out[n].more[w.main] = joint
			return
		}
	}
	w.seen[string(w.key)] = len(w.out)
	found := b.clone()
	found.more = make([]sumset, len(m.groups))
	found.more[w.main] = more
	w.out = append(w.out, found)
}

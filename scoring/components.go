package scoring

import (
	"slices"

	"github.com/leadloop/leadloop"
)

// try finds what a component can come to; false if some of it stands as an
// outer bound, because there are too many combinations.
func (s *run) try(c component) ([]branch, bool) {
	m := s.m
	main := s.mainGroup(c)
	axes := s.axesOf(c, main)
	large := tooMany(axes, m.combinations)
	for _, f := range large {
		c = s.without(c, f)
	}
	if len(large) > 0 {
		axes = s.axesOf(c, main) // of no more classes than before
	}
	w := weaver{s: s, c: c, axes: axes, main: main, at: make([]int, len(axes)), b: m.blank(), seen: map[string]int{}, ok: true}
	w.weave(0)
	if !w.ok {
		return []branch{whole(w.out)}, false
	}
	return w.out, len(large) == 0
}

func (s *run) axesOf(c component, main int) []axisOf {
	out := make([]axisOf, len(c.fields))
	for i, f := range c.fields {
		out[i] = s.axis(c, f, main)
	}
	return out
}

// tooMany are the fields with the most classes, without which there are no more
// combinations than limit.
func tooMany(axes []axisOf, limit int) []int {
	few := slices.Clone(axes)
	slices.SortStableFunc(few, func(a, b axisOf) int { return len(a.cells) - len(b.cells) })
	var out []int
	n := 1
	for _, a := range few {
		if n*len(a.cells) > limit {
			out = append(out, a.field)
			continue
		}
		n *= len(a.cells)
	}
	return out
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
		sum, ok := had.plus(set, &s.reach.work)
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
			more, ok = more.plus(&w.axes[i].more[w.at[i]], &s.reach.work)
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

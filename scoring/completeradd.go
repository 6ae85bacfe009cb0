package scoring

import (
	"math/bits"
	"slices"

	"github.com/leadloop/leadloop"
)

// Most fields that a lead lacks only add points to one group, each by itself.
// What matters of those is found for all of them together, from the sums that
// the others can come to, without going through combinations.

// maxWidth is how many units the sums of such fields may span.
const maxWidth = 1 << 12

// Additive reports whether all that the field does, whatever other fields are,
// is to add points to the group that most such fields add to.
func (k *Completion) Additive(field int) bool {
	main := k.mainGroup()
	for i := range k.items {
		if slices.Contains(k.items[i].fields, field) && !k.additive(&k.items[i], main) {
			return false
		}
	}
	return true
}

func (k *Completion) additive(it *completing, group int) bool {
	return len(it.fields) == 1 && it.rule >= 0 && k.c.m.rules[it.rule].group == group
}

func (k *Completion) mainGroup() int {
	if k.main >= 0 {
		return k.main
	}
	k.main = 0
	most := -1
	for g := range k.c.m.groups {
		n := 0
		for i := range k.items {
			if k.additive(&k.items[i], g) {
				n++
			}
		}
		if n > most {
			k.main, most = g, n
		}
	}
	return k.main
}

// Classes are values of a field, one for each effect that the field can have on
// the verdict together with all others.
func (k *Completion) Classes(field int) []int {
	var out []int
	n := len(k.c.axes[k.fields[field]].Values)
	for v := range n {
		if !slices.ContainsFunc(out, func(w int) bool { return k.alike(field, v, w) }) {
			out = append(out, v)
		}
	}
	return out
}

func (k *Completion) alike(field, v, w int) bool {
	for i := range k.items {
		it := &k.items[i]
		at := slices.Index(it.fields, field)
		if at >= 0 && !it.same(at, v, w) {
			return false
		}
	}
	return true
}

// same tells whether two cells of a field have the same outcomes.
func (t *table) same(field, v, w int) bool {
	inner := 1
	for _, n := range t.sizes[field+1:] {
		inner *= n
	}
	for from := 0; from < len(t.pick); from += t.sizes[field] * inner {
		if !slices.Equal(t.pick[from+v*inner:from+(v+1)*inner], t.pick[from+w*inner:from+(w+1)*inner]) {
			return false
		}
	}
	return true
}

// Mattering marks, by position, those of the fields that are Free of which two
// values lead to different tiers for some values of the others that are Free.
// All of these must be Additive. It is false, and marks nothing, if their sums
// span too much.
func (k *Completion) Mattering(values []int, mark []bool) bool {
	if k.sure != "" {
		return true
	}
	m, main := k.c.m, k.mainGroup()
	// What the others come to.
	k.exact = append(k.exact[:0], k.sums...)
	free := k.free[:0]
	unit := leadloop.Points(0)
	for f, v := range values {
		if v == Free {
			// Their room is used again.
			free = room(free, len(free)+1)
			s := &free[len(free)-1]
			s.field, s.sums, s.steps = f, s.sums[:0], append(s.steps[:0], 0)
		}
	}
	k.free = free
	for i := range k.items {
		it := &k.items[i]
		if len(it.fields) == 1 && values[it.fields[0]] == Free {
			at := slices.IndexFunc(free, func(s sumsOfField) bool { return s.field == it.fields[0] })
			s := &free[at]
			if len(s.sums) == 0 {
				s.sums = zeros(s.sums, len(it.pick))
			}
			for v, kind := range it.pick {
				s.sums[v] += it.kinds[kind].points.lo
			}
			unit = divisor(unit, it.unit)
			continue
		}
		k.cells = k.cells[:0]
		for _, f := range it.fields {
			k.cells = append(k.cells, values[f])
		}
		o := it.of(k.cells)
		switch {
		case it.change >= 0:
			k.states[it.change] = o.state
		case m.rules[it.rule].group >= 0:
			k.exact[m.rules[it.rule].group] += o.points.lo
		case o.state == Matched:
			return true
		}
	}
	if unit == 0 {
		return true
	}
	width, least := 1, leadloop.Points(0)
	for i := range free {
		s := &free[i]
		if len(s.sums) == 0 {
			continue // nothing asks about it
		}
		slices.Sort(s.sums)
		s.sums = slices.Compact(s.sums)
		lo := s.sums[0]
		least += lo
		s.steps = s.steps[:0]
		for _, p := range s.sums {
			s.steps = append(s.steps, int((p-lo)/unit))
		}
		if width += s.steps[len(s.steps)-1]; width > maxWidth {
			return false
		}
	}
	// The tier of every sum.
	words := (width + 63) / 64
	k.ranksOf = room(k.ranksOf, width)
	all := k.fold(free, -1, words)
	base := k.exact[main] + least
	for i, g := range k.exact {
		k.exact[i] = clamp(g, m.groups[i].limits)
	}
	first, one := int16(-1), true
	eachSum(all, func(x int) {
		k.exact[main] = clamp(base+leadloop.Points(x)*unit, m.groups[main].limits)
		_, rank := k.rank()
		k.ranksOf[x] = int16(rank)
		if first < 0 {
			first = k.ranksOf[x]
		}
		one = one && k.ranksOf[x] == first
	})
	if one {
		return true
	}
	for i := range free {
		s := &free[i]
		if mark[s.field] || len(s.steps) == 1 {
			continue
		}
		eachSum(k.fold(free, i, words), func(x int) {
			for _, d := range s.steps[1:] {
				mark[s.field] = mark[s.field] || k.ranksOf[x+d] != k.ranksOf[x]
			}
		})
	}
	return true
}

// sumsOfField are what a field can add.
type sumsOfField struct {
	field int
	sums  []leadloop.Points
	steps []int // from the least one, in units, ascending
}

// fold returns the sums of all fields but one, as bits.
func (k *Completion) fold(free []sumsOfField, but, words int) []uint64 {
	k.bits, k.more = zeros(k.bits, words), room(k.more, words)
	k.bits[0] = 1
	for i := range free {
		if i == but {
			continue
		}
		clear(k.more)
		for _, d := range free[i].steps {
			shift, by := d/64, d%64
			for w := words - 1; w >= shift; w-- {
				k.more[w] |= k.bits[w-shift] << by
				if by > 0 && w > shift {
					k.more[w] |= k.bits[w-shift-1] >> (64 - by)
				}
			}
		}
		k.bits, k.more = k.more, k.bits
	}
	return k.bits
}

func eachSum(set []uint64, f func(x int)) {
	for w, b := range set {
		for ; b != 0; b &= b - 1 {
			f(w*64 + bits.TrailingZeros64(b))
		}
	}
}

// rank is the score and the tier for groups that are within their limits.
func (k *Completion) rank() (points leadloop.Points, rank int) {
	m := k.c.m
	points = m.baseAt(k.exact)
	for i := range m.changes {
		if k.states[i] == Matched {
			points = m.changes[i].apply(exactly(points)).lo
		}
	}
	if len(m.tiers.names) > 0 {
		rank, _ = m.tiers.rank(points, k.exact, m.tiers.previous(k.s.in.PreviousTier))
	}
	return points, rank
}

package scoring

import (
	"math/bits"
	"slices"

	"github.com/leadloop/leadloop"
)

// sumset is a set of sums of points, one bit for each multiple of a unit. The
// zero sumset has the sum 0 alone.
type sumset struct {
	unit   leadloop.Points
	lo, hi leadloop.Points // the least and the greatest
	bits   []uint64        // bit n stands for lo + n×unit; nil if lo is all
}

// maxSums is how many multiples of its unit a sumset may span, and maxWork how
// much work may go into the sums of one lead, some 10 ms.
const (
	maxSums = 1 << 18
	maxWork = 1 << 24
)

func (a *sumset) single() bool { return a.lo == a.hi }

// has tells whether v, which lies between lo and hi, is in the set.
func (a *sumset) index(v leadloop.Points) int { return int((v - a.lo) / a.unit) }

// above returns the least member that is not less than v; hi at most.
func (a *sumset) above(v leadloop.Points) leadloop.Points {
	i := int((v - a.lo + a.unit - 1) / a.unit)
	w := i / 64
	word := a.bits[w] >> (i % 64) << (i % 64)
	for word == 0 {
		w++
		word = a.bits[w]
	}
	return a.lo + leadloop.Points(w*64+bits.TrailingZeros64(word))*a.unit
}

// below returns the greatest member that is not greater than v; lo at least.
func (a *sumset) below(v leadloop.Points) leadloop.Points {
	i := a.index(v)
	w := i / 64
	word := a.bits[w] << (63 - i%64) >> (63 - i%64)
	for word == 0 {
		w--
		word = a.bits[w]
	}
	return a.lo + leadloop.Points(w*64+63-bits.LeadingZeros64(word))*a.unit
}

// each calls f for every member.
func (a *sumset) each(f func(v leadloop.Points)) {
	if a.single() {
		f(a.lo)
		return
	}
	for w, word := range a.bits {
		for ; word != 0; word &= word - 1 {
			f(a.lo + leadloop.Points(w*64+bits.TrailingZeros64(word))*a.unit)
		}
	}
}

// blank returns an empty set between two numbers; false if that is too wide.
func blankSums(lo, hi, unit leadloop.Points) (sumset, bool) {
	if unit == 0 {
		unit = 1
	}
	if (hi-lo)/unit >= maxSums {
		return sumset{}, false
	}
	return sumset{unit: unit, lo: lo, hi: hi, bits: make([]uint64, (hi-lo)/unit/64+1)}, true
}

// merge adds the members of b, each plus v. They must fit.
func (a *sumset) merge(b *sumset, v leadloop.Points) {
	at := a.index(b.lo + v)
	if b.single() {
		a.bits[at/64] |= 1 << (at % 64)
		return
	}
	w, shift := at/64, at%64
	for i, word := range b.bits {
		a.bits[w+i] |= word << shift
		if over := word >> (64 - shift); shift > 0 && over != 0 {
			a.bits[w+i+1] |= over
		}
	}
}

// members counts them.
func (a *sumset) members() int {
	n := 0
	for _, word := range a.bits {
		n += bits.OnesCount64(word)
	}
	return max(n, 1)
}

// plus returns all sums of a member of a and one of b; false if they span too
// much, or take more than what is left of the work, which it counts in words
// of bits. All have one unit.
func (a *sumset) plus(b *sumset, work *int) (sumset, bool) {
	if b.single() {
		a, b = b, a
	}
	if a.single() {
		out := *b
		out.lo, out.hi = out.lo+a.lo, out.hi+a.lo
		return out, true
	}
	n, m := a.members(), b.members()
	if n > m {
		a, b, n = b, a, m
	}
	if *work -= n * len(b.bits); *work < 0 {
		return sumset{}, false
	}
	out, ok := blankSums(a.lo+b.lo, a.hi+b.hi, a.unit)
	if ok {
		a.each(func(v leadloop.Points) { out.merge(b, v) })
	}
	return out, ok
}

// sumsOf is the set of some points.
func sumsOf(points []leadloop.Points, unit leadloop.Points) (sumset, bool) {
	lo, hi := points[0], points[0]
	for _, p := range points {
		lo, hi = min(lo, p), max(hi, p)
	}
	if lo == hi {
		return sumset{unit: unit, lo: lo, hi: hi}, true
	}
	out, ok := blankSums(lo, hi, unit)
	if ok {
		for _, p := range points {
			at := out.index(p)
			out.bits[at/64] |= 1 << (at % 64)
		}
	}
	return out, ok
}

// either returns the members of a and those of b; false if they span too much.
func (a *sumset) either(b *sumset) (sumset, bool) {
	if a.lo == b.lo && a.hi == b.hi && slices.Equal(a.bits, b.bits) {
		return *a, true
	}
	out, ok := blankSums(min(a.lo, b.lo), max(a.hi, b.hi), a.unit)
	if ok {
		out.merge(a, 0)
		out.merge(b, 0)
	}
	return out, ok
}

// divisor is the greatest common one.
func divisor(a, b leadloop.Points) leadloop.Points {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, -a)
}

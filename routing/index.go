package routing

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/leadloop/leadloop"
)

// An index finds, among many conditions, those that a lead does not rule out,
// without looking at the others: by bit operations over what each value of a
// field leaves. It only ever leaves out what is decided as not met; whoever is
// left is still checked.
type index struct {
	n    int
	dims []dim
}

// dim is one field: who is left for each value of it.
type dim struct {
	field int      // -1 is the tier
	free  []uint64 // the conditions that don't ask for it
	text  map[string]posting
	nums  *segments[int64]
	codes *segments[string] // postcodes
	// loose is what CEL implies: what is known not to exist is left to it.
	loose bool
	all   bool // every condition asks for it
}

// posting is a set of conditions, as a list or, if that is longer, as bits.
type posting struct {
	ids  []int32
	bits []uint64
}

// smallIndex is how many words of bits need no memory of their own.
const smallIndex = 4

// maxPostings bounds what the ranges of a field may take. A field with more
// is not indexed, which costs time and changes no answer.
const maxPostings = 1 << 22

func newIndex(conditions []*condition) *index {
	x := &index{n: len(conditions)}
	type key struct {
		field int
		kind  matchKind
	}
	type part struct {
		asks  []int32
		text  map[string][]int32
		nums  []interval[int64]
		codes []interval[string]
	}
	parts, order := map[key]*part{}, []key{}
	for i, c := range conditions {
		all := slices.Concat(c.matchers, c.implied)
		for j := range all {
			m := &all[j]
			if m.kind == matchTerritory {
				continue
			}
			k := key{m.field, m.kind}
			p := parts[k]
			if p == nil {
				p = &part{text: map[string][]int32{}}
				parts[k], order = p, append(order, k)
			}
			id := int32(i)
			p.asks = append(p.asks, id)
			switch m.kind {
			case matchText, matchImplied:
				for _, s := range m.oneOf {
					p.text[s] = append(p.text[s], id)
				}
			case matchAccount:
				for s := range m.accounts.owners {
					p.text[s] = append(p.text[s], id)
				}
			case matchNumber:
				p.nums = append(p.nums, m.between.interval(id))
			case matchPostcode:
				for _, s := range m.spans {
					p.codes = append(p.codes, interval[string]{s.from, s.until, false, id})
				}
			}
		}
	}
	for _, k := range order {
		p := parts[k]
		d := dim{field: k.field, free: ones(x.n), loose: k.kind == matchImplied}
		for _, id := range p.asks {
			d.free[id/64] &^= 1 << (id % 64)
		}
		d.all = !slices.ContainsFunc(d.free, func(w uint64) bool { return w != 0 })
		ok := true
		switch k.kind {
		case matchNumber:
			d.nums, ok = newSegments(p.nums, x.n)
		case matchPostcode:
			d.codes, ok = newSegments(p.codes, x.n)
		default:
			d.text = make(map[string]posting, len(p.text))
			for s, ids := range p.text {
				d.text[s] = newPosting(ids, x.n)
			}
		}
		if ok {
			x.dims = append(x.dims, d)
		}
	}
	return x
}

func ones(n int) []uint64 { return fill(make([]uint64, (n+63)/64), n) }

// fill sets the first n bits.
func fill(b []uint64, n int) []uint64 {
	for i := range b {
		b[i] = ^uint64(0)
	}
	if n%64 != 0 {
		b[len(b)-1] = 1<<(n%64) - 1
	}
	return b
}

func newPosting(ids []int32, n int) posting {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) <= n/64 {
		return posting{ids: slices.Clip(ids)}
	}
	b := make([]uint64, (n+63)/64)
	for _, id := range ids {
		b[id/64] |= 1 << (id % 64)
	}
	return posting{bits: b}
}

// left returns the conditions that the decision's lead does not rule out, as
// bits; small holds them if they fit.
func (x *index) left(d *decision, small []uint64) []uint64 {
	// asked are the fields that say something, found who takes their values.
	var dims [16]*dim
	var takes [16]posting
	asked, found, shortest := dims[:0], takes[:0], -1
	for i := range x.dims {
		k := &x.dims[i]
		p, says := k.at(d)
		if !says {
			continue
		}
		// If all conditions ask for the field, only those that take the value
		// are left.
		if k.all && p.bits == nil && (shortest < 0 || len(p.ids) < len(found[shortest].ids)) {
			shortest = len(found)
		}
		asked, found = append(asked, k), append(found, p)
	}
	n := (x.n + 63) / 64
	out := small[:min(n, cap(small))]
	if n > cap(small) {
		out = make([]uint64, n)
	} else {
		clear(out)
	}
	if shortest >= 0 {
	next:
		for _, id := range found[shortest].ids {
			for i, k := range asked {
				if i != shortest && k.free[id/64]&(1<<(id%64)) == 0 && !found[i].has(id) {
					continue next
				}
			}
			out[id/64] |= 1 << (id % 64)
		}
		return out
	}
	fill(out, x.n)
	var few [smallIndex]uint64
	scratch := few[:]
	if n > len(few) && slices.ContainsFunc(found, func(p posting) bool { return len(p.ids) > 0 }) {
		scratch = make([]uint64, n)
	}
	for i, k := range asked {
		p := &found[i]
		switch {
		case p.bits != nil:
			for w := range out {
				out[w] &= k.free[w] | p.bits[w]
			}
		case len(p.ids) == 0:
			for w := range out {
				out[w] &= k.free[w]
			}
		default:
			for _, id := range p.ids {
				scratch[id/64] |= 1 << (id % 64)
			}
			for w := range out {
				out[w] &= k.free[w] | scratch[w]
			}
			for _, id := range p.ids {
				scratch[id/64] = 0
			}
		}
	}
	return out
}

// at returns the conditions that take the lead's value of the field, besides
// those that don't ask for it; false if the value says nothing.
func (k *dim) at(d *decision) (posting, bool) {
	v := d.value(k.field)
	switch v.Presence() {
	case leadloop.Absent:
		return posting{}, false
	case leadloop.KnownAbsent:
		return posting{}, !k.loose
	}
	switch {
	case k.nums != nil:
		return k.nums.at(v.Int()), true
	case k.codes != nil:
		return k.codes.at(postcode(v.Text())), true
	}
	return k.text[v.Text()], true
}

func (p *posting) has(id int32) bool {
	if p.bits != nil {
		return p.bits[id/64]&(1<<(id%64)) != 0
	}
	_, ok := slices.BinarySearch(p.ids, id)
	return ok
}

// nextBit returns the first bit that is set at or after i, -1 if none is.
func nextBit(b []uint64, i int) int {
	w := i / 64
	if w >= len(b) {
		return -1
	}
	word := b[w] &^ (1<<(i%64) - 1)
	for word == 0 {
		if w++; w == len(b) {
			return -1
		}
		word = b[w]
	}
	return w*64 + bits.TrailingZeros64(word)
}

// interval is the values from one, inclusive, to another, exclusive unless it
// is open at the end, that a condition takes.
type interval[T cmp.Ordered] struct {
	from, until T
	open        bool
	id          int32
}

// segments are the values of a field between all ends of intervals, and the
// conditions that take each.
type segments[T cmp.Ordered] struct {
	starts []T
	in     []posting
}

func newSegments[T cmp.Ordered](list []interval[T], n int) (*segments[T], bool) {
	s := &segments[T]{}
	for _, i := range list {
		s.starts = append(s.starts, i.from)
		if !i.open {
			s.starts = append(s.starts, i.until)
		}
	}
	slices.Sort(s.starts)
	s.starts = slices.Compact(s.starts)
	ids, total := make([][]int32, len(s.starts)), 0
	for _, i := range list {
		a, _ := slices.BinarySearch(s.starts, i.from)
		b := len(s.starts)
		if !i.open {
			b, _ = slices.BinarySearch(s.starts, i.until)
		}
		if total += b - a; total > maxPostings {
			return nil, false
		}
		for ; a < b; a++ {
			ids[a] = append(ids[a], i.id)
		}
	}
	s.in = make([]posting, len(ids))
	for i := range ids {
		s.in[i] = newPosting(ids[i], n)
	}
	return s, true
}

func (s *segments[T]) at(v T) posting {
	i, found := slices.BinarySearch(s.starts, v)
	if !found {
		i--
	}
	if i < 0 {
		return posting{}
	}
	return s.in[i]
}

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
		if !ok {
			continue
		}
		x.dims = append(x.dims, d)
		for _, c := range conditions {
			for j := range c.matchers {
				if m := &c.matchers[j]; m.field == k.field && m.kind == k.kind {
					m.dim = len(x.dims)
				}
			}
		}
	}
	return x
}

// findings is what an index found out about a lead. Its memory can be used
// again.
type findings struct {
	of            []finding // by dim
	left, scratch []uint64
}

// finding is who takes the lead's value of a field; nothing is known of it
// unless the value says something.
type finding struct {
	says bool
	posting
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
// bits of f.
func (x *index) left(d *decision, f *findings) []uint64 {
	f.of = resize(f.of, len(x.dims))
	shortest := -1
	for i := range x.dims {
		k, found := &x.dims[i], &f.of[i]
		found.posting, found.says = k.at(d)
		// If all conditions ask for the field, only those that take the value
		// are left.
		if found.says && k.all && found.bits == nil && (shortest < 0 || len(found.ids) < len(f.of[shortest].ids)) {
			shortest = i
		}
	}
	n := (x.n + 63) / 64
	f.left = resize(f.left, n)
	out := f.left
	if shortest >= 0 {
		clear(out)
	next:
		for _, id := range f.of[shortest].ids {
			for i := range f.of {
				if found := &f.of[i]; found.says && i != shortest && x.dims[i].free[id/64]&(1<<(id%64)) == 0 && !found.has(id) {
					continue next
				}
			}
			out[id/64] |= 1 << (id % 64)
		}
		return out
	}
	fill(out, x.n)
	for i := range f.of {
		found, free := &f.of[i], x.dims[i].free
		switch {
		case !found.says:
		case found.bits != nil:
			for w := range out {
				out[w] &= free[w] | found.bits[w]
			}
		case len(found.ids) == 0:
			for w := range out {
				out[w] &= free[w]
			}
		default:
			f.scratch = resize(f.scratch, n)
			clear(f.scratch)
			for _, id := range found.ids {
				f.scratch[id/64] |= 1 << (id % 64)
			}
			for w := range out {
				out[w] &= free[w] | f.scratch[w]
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

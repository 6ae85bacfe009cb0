package rules

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
)

// row is the bits of the leaves that are met by a value.
func (c *ColumnSet) row(p *part, met func(*columnLeaf) bool) (row uint64) {
	for _, i := range p.leaves {
		if l := &c.leaves[i]; met(l) {
			row |= 1 << l.bit
		}
	}
	return row
}

// itemRow is the bits that an item of a list changes.
func (c *ColumnSet) itemRow(p *part, s string) uint64 {
	d := datum{text: s}
	return c.row(p, func(l *columnLeaf) bool {
		found := false
		l.cond.walk(func(a *atom) { found = found || a.op == opExists && a.item.of(&d) == isTrue })
		return found
	})
}

// textRow is the row of a text.
func (c *ColumnSet) textRow(p *part, s string) uint64 {
	return c.row(p, func(l *columnLeaf) bool { return l.cond.ofText(s) })
}

// ofText tells whether a condition on one text field is met.
func (c *cond) ofText(s string) bool {
	return c.eval(func(a *atom) truth {
		d := datum{text: s}
		switch a.view {
		case viewLower:
			d.text = asciiMap(s, 'A', 'Z', 'a'-'A')
		case viewUpper:
			d.text = asciiMap(s, 'a', 'z', 'A'-'a')
		}
		return a.of(&d)
	}) == isTrue
}

// prepare makes the rows of a part.
func (c *ColumnSet) prepare(p *part) {
	var atoms []*atom
	for _, i := range p.leaves {
		if k := c.leaves[i].cond; c.leaves[i].near == nil {
			k.walk(func(a *atom) { atoms = append(atoms, a) })
		}
	}
	switch p.origin.kind {
	case ofCount:
		c.windows(p, atoms)
		return
	case ofSince:
		p.cut(c, append(c.agesAgo(atoms), c.nowNS, c.nowNS+1), func(ns int64) datum { return datum{num: c.nowNS - min(ns, c.nowNS)} })
		return
	case ofNewest:
		var bounds []int64
		for _, i := range p.leaves {
			bounds = append(bounds, around(c.ago(c.leaves[i].near.age))...)
		}
		p.cut(c, append(bounds, earliest, c.nowNS, c.nowNS+1), nil)
		return
	}
	p.kind = c.layout.fields[p.at].kind
	switch p.kind {
	case leadloop.KindInt:
		p.cut(c, intBounds(atoms), func(n int64) datum { return datum{num: n} })
	case leadloop.KindBool:
		for n := range int64(2) {
			p.rows = append(p.rows, c.row(p, func(l *columnLeaf) bool { return l.cond.of(&datum{num: n}) == isTrue }))
		}
	case leadloop.KindFloat:
		p.cutFloats(c, atoms)
	case leadloop.KindTime:
		bounds := c.agesAgo(atoms)
		for _, a := range atoms {
			if ns, near := leadloop.NearTime(a.time); a.view == viewSelf && near {
				bounds = append(bounds, ns, ns+1)
			}
		}
		p.cut(c, bounds, nil)
	case leadloop.KindStrings:
		// Without an item, what asks for one is false.
		p.rows = []uint64{c.row(p, func(l *columnLeaf) bool { return l.cond.of(&datum{}) == isTrue })}
	}
}

// windows makes the rows of counts.
func (c *ColumnSet) windows(p *part, atoms []*atom) {
	of := func(n int64) datum { return datum{num: n} }
	var windows []time.Duration
	for _, i := range p.leaves {
		if w := c.leaves[i].window; !slices.Contains(windows, w) {
			windows = append(windows, w)
		}
	}
	if len(windows) == 1 {
		p.window = windows[0]
		p.cut(c, intBounds(atoms), of)
		return
	}
	start := func(w time.Duration) int64 {
		if w == 0 {
			return never
		}
		return c.ago(int64(w))
	}
	slices.SortFunc(windows, func(a, b time.Duration) int { return cmp.Compare(start(a), start(b)) })
	width := len(windows) + 1
	p.rows, p.ranks = []uint64{0}, make([]uint64, (maxRank+2)*width)
	for k, w := range windows {
		p.starts = append(p.starts, start(w))
		in := part{origin: p.origin}
		for _, i := range p.leaves {
			if c.leaves[i].window == w {
				in.leaves = append(in.leaves, i)
			}
		}
		in.cut(c, intBounds(atoms), of)
		row := 0
		for row < len(in.ints) && in.ints[row] <= 0 {
			row++
		}
		p.rows[0] ^= in.rows[row]
		for ; row < len(in.ints); row++ {
			for n := k + 1; n < width; n++ {
				p.ranks[int(in.ints[row])*width+n] ^= in.rows[row] ^ in.rows[row+1]
			}
		}
	}
}

// ago is the instant that is a duration before the moment, at the ends of time
// if it is beyond them.
func (c *ColumnSet) ago(d int64) int64 {
	at, ok := subtractInts(c.nowNS, d)
	switch {
	case ok:
		return at
	case d > 0:
		return math.MinInt64 + 2
	}
	return math.MaxInt64 - 1
}

func around(n int64) []int64 {
	return []int64{max(n, math.MinInt64+1) - 1, n, min(n, math.MaxInt64-1) + 1}
}

// agesAgo are the instants around which conditions on ages change.
func (c *ColumnSet) agesAgo(atoms []*atom) (bounds []int64) {
	for _, a := range atoms {
		if a.dom == inDuration {
			bounds = append(bounds, around(c.ago(a.num))...)
		}
	}
	return bounds
}

func intBounds(atoms []*atom) (bounds []int64) {
	for _, a := range atoms {
		for _, k := range append(slices.Clone(a.nums), a.num) {
			bounds = append(bounds, k)
			if k < math.MaxInt64 {
				bounds = append(bounds, k+1)
			}
		}
	}
	return bounds
}

// cut makes rows of numbers, of which those at the bounds are enough. Without
// a datum they are times in nanoseconds.
func (p *part) cut(c *ColumnSet, bounds []int64, of func(int64) datum) {
	row := func(n int64) uint64 {
		return c.row(p, func(l *columnLeaf) bool { return c.met(l, n, of) })
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	times := of == nil || p.origin.kind == ofSince
	first := int64(math.MinInt64)
	if times {
		first = earliest
	}
	if p.origin.kind == ofNewest {
		first = never
	}
	last := row(first)
	p.rows = []uint64{last}
	for _, k := range bounds {
		if k <= first || times && (k < earliest || k > -earliest) {
			continue
		}
		if next := row(k); next != last {
			p.ints, p.rows, last = append(p.ints, k), append(p.rows, next), next
		}
	}
}

// met tells whether a number meets a leaf.
func (c *ColumnSet) met(l *columnLeaf, n int64, of func(int64) datum) bool {
	switch {
	case l.near != nil:
		t := truthOf(n != never && holds(l.near.op, cmp.Compare(c.nowNS-min(n, c.nowNS), l.near.age)))
		return l.cond.with(t) == isTrue
	case of != nil:
		d := of(n)
		return l.cond.of(&d) == isTrue
	}
	at := instant(n)
	return l.cond.eval(func(a *atom) truth {
		if a.view == viewAge {
			return a.of(&datum{num: c.nowNS - n})
		}
		return a.of(&datum{time: at})
	}) == isTrue
}

// with is the condition, which is code or its negation, if the code says t.
func (c *cond) with(t truth) truth {
	if c.op == condNot {
		return c.kids[0].with(t).not()
	}
	return t
}

func (p *part) cutFloats(c *ColumnSet, atoms []*atom) {
	var bounds []float64
	for _, a := range atoms {
		for _, k := range append(slices.Clone(a.floats), a.float) {
			if k == k {
				bounds = append(bounds, k, math.Nextafter(k, math.Inf(1)))
			}
		}
	}
	slices.Sort(bounds)
	row := func(f float64) uint64 {
		return c.row(p, func(l *columnLeaf) bool { return l.cond.of(&datum{float: f}) == isTrue })
	}
	last := row(math.Inf(-1))
	p.rows = []uint64{last}
	for _, k := range bounds {
		if next := row(k); next != last {
			p.floats, p.rows, last = append(p.floats, k), append(p.rows, next), next
		}
	}
}

func instant(ns int64) time.Time { return time.Unix(0, ns).UTC() }

func floatOf(n int64) float64 { return math.Float64frombits(uint64(n)) }

func bitsOf(f float64) uint64 { return math.Float64bits(f) }

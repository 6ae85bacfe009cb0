package rules

import (
	"math"

	"github.com/leadloop/leadloop"
)

// Instants that fit nanoseconds since 1970 with room for windows; outside of
// them rules are evaluated one by one.
const (
	nearest  = -9_000_000_000
	farthest = 9_000_000_000
)

// state is why a group has or has no value.
type state uint8

const (
	readable state = iota
	absent
	none
	erring
)

// planes are the bits of all rules, and why those that have no answer have none.
type planes struct {
	t, u, e []uint64
	dirty   bool // u or e has a bit
	notes   []note
	states  []state

	starts, counts []int64
	lasts          []int64 // by type; math.MinInt64: never
	far            bool    // some activity is out of range
	folded         []byte
}

func (p *planes) reset(pl *plan) {
	p.t, p.u, p.e = grow(p.t, pl.words), grow(p.u, pl.words), grow(p.e, pl.words)
	copy(p.t, pl.always)
	clear(p.u)
	clear(p.e)
	p.dirty, p.far = false, false
	n := pl.groups + len(pl.tests)
	p.notes, p.states = grow(p.notes, n), grow(p.states, n)
	clear(p.notes)
	clear(p.states)
}

func (p *planes) or(lo int, row []uint64) {
	for k, m := range row {
		p.t[lo+k] |= m
	}
}

func (p *planes) step(g *group, row int) {
	if g.span == 1 {
		p.t[g.lo] |= g.rows[row]
		return
	}
	p.or(g.lo, g.rows[row*g.span:(row+1)*g.span])
}

// without is for a group that has no value to read.
func (p *planes) without(x *exec, g *group, s state) {
	sp := &g.erring
	switch s {
	case absent:
		sp = &g.absent
		p.notes[g.number] = missing(g.slot)
	case none:
		sp = &g.none
		p.notes[g.number] = noteNoValue
	default:
		p.notes[g.number] = x.slot(g.slot).note
	}
	p.states[g.number] = s
	for k := range sp.t {
		p.t[g.lo+k] |= sp.t[k]
		p.u[g.lo+k] |= sp.u[k]
		p.e[g.lo+k] |= sp.e[k]
	}
	p.dirty = true
}

// ready reports whether there is a value of the kind; else it deals with the
// group.
func (p *planes) ready(x *exec, g *group, v *leadloop.Value, kind leadloop.Kind) bool {
	at := v.Presence()
	if at == leadloop.Present && v.Kind() == kind {
		return true
	}
	switch at {
	case leadloop.Absent:
		p.without(x, g, absent)
	case leadloop.KnownAbsent:
		p.without(x, g, none)
	default:
		if at == leadloop.Empty && v.Kind() == kind && (kind == leadloop.KindString || kind == leadloop.KindStrings) {
			return true
		}
		p.without(x, g, erring)
	}
	return false
}

// run sets the bits of all conditions.
func (pl *plan) run(x *exec, p *planes) {
	p.reset(pl)
	pl.count(x, p)
	for i := range pl.counts {
		g := &pl.counts[i]
		p.step(g, above(g.ints, p.counts[pl.counters.at[g.counter]]))
	}
	for i := range pl.sinces {
		pl.since(x, p, &pl.sinces[i])
	}
	profile := x.facts.Profile
	if profile == nil {
		profile = x.set.env.blank
	}
	// A value is copied once, straight from the profile: copies of copies wait
	// for one another.
	for i := range pl.ints {
		g := &pl.ints[i]
		v := profile.At(g.in.at)
		p.int(x, g, &v)
	}
	for i := range pl.floats {
		g := &pl.floats[i]
		v := profile.At(g.in.at)
		p.float(x, g, &v)
	}
	for i := range pl.bools {
		g := &pl.bools[i]
		v := profile.At(g.in.at)
		p.bool(x, g, &v)
	}
	for i := range pl.times {
		g := &pl.times[i]
		v := profile.At(g.in.at)
		p.time(x, g, &v)
	}
	for i := range pl.ages {
		g := &pl.ages[i]
		v := profile.At(g.in.at)
		p.age(x, g, &v)
	}
	for i := range pl.texts {
		g := &pl.texts[i]
		v := profile.At(g.in.at)
		p.text(x, g, &v)
	}
	for i := range pl.lists {
		g := &pl.lists[i]
		v := profile.At(g.in.at)
		p.list(x, g, &v)
	}
	for i := range pl.vars {
		p.variable(x, &pl.vars[i])
	}
	for i := range pl.tests {
		p.test(x, &pl.tests[i])
	}
	for i := range pl.gates {
		p.gate(&pl.gates[i])
	}
	if p.dirty {
		for i, t := range p.t {
			p.u[i] &^= t
			p.e[i] &^= t | p.u[i]
		}
	}
}

// above counts the bounds that v has reached.
func above[T int64 | float64](bounds []T, v T) int {
	if len(bounds) > 16 {
		lo, hi := 0, len(bounds)
		for lo < hi {
			if mid := (lo + hi) / 2; v >= bounds[mid] {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		return lo
	}
	n := 0
	for _, b := range bounds {
		if v >= b {
			n++
		}
	}
	return n
}

// count goes through the activities.
func (pl *plan) count(x *exec, p *planes) {
	c := &pl.counters
	if len(c.types) == 0 {
		return
	}
	now := x.now.Unix()*1e9 + int64(x.now.Nanosecond())
	p.starts, p.counts, p.lasts = grow(p.starts, len(c.windows)), grow(p.counts, len(c.windows)), grow(p.lasts, len(c.types))
	clear(p.counts)
	for i, w := range c.windows {
		p.starts[i] = now - int64(w)
		if w == 0 {
			p.starts[i] = math.MinInt64
		}
	}
	for i := range p.lasts {
		p.lasts[i] = math.MinInt64
	}
	for i := range x.facts.Activities {
		a := &x.facts.Activities[i]
		at := c.table.find(a.Type)
		if at == 0 {
			continue
		}
		t := &c.types[at-1]
		var ns int64
		switch sec := a.At.Unix(); {
		case sec < nearest:
			ns, p.far = math.MinInt64+1, true
		case sec > farthest:
			ns, p.far = math.MaxInt64, true
		default:
			ns = sec*1e9 + int64(a.At.Nanosecond())
		}
		for k := t.from; k < t.to; k++ {
			if ns > p.starts[k] {
				p.counts[k]++
			}
		}
		if ns > p.lasts[at-1] {
			p.lasts[at-1] = ns
		}
	}
}

func (pl *plan) since(x *exec, p *planes, g *group) {
	last := p.lasts[g.counter]
	if last == math.MinInt64 {
		p.without(x, g, none)
		return
	}
	now := x.now.Unix()*1e9 + int64(x.now.Nanosecond())
	if d, ok := subtractInts(now, min(last, now)); ok && !p.far {
		p.step(g, above(g.ints, d))
		return
	}
	c := x.slot(g.slot)
	if c.note != 0 {
		p.without(x, g, erring)
		return
	}
	p.step(g, above(g.ints, c.num))
}

func (p *planes) test(x *exec, t *test) {
	v, n := t.code(x)
	to := p.t
	switch {
	case n == 0 && v == t.negated:
		return
	case n == 0:
	case n.fault():
		to, p.dirty = p.e, true
	default:
		to, p.dirty = p.u, true
	}
	p.notes[t.number] = n
	for _, b := range t.bits {
		to[b/64] |= 1 << (b % 64)
	}
}

func (p *planes) gate(g *gate) {
	var open uint64
	for i := range g.terms {
		t := &g.terms[i]
		open |= t.mask &^ p.t[t.word]
	}
	if open == 0 {
		p.t[g.word] |= g.bit
		return
	}
	if !p.dirty {
		return
	}
	var u uint64
	for i := range g.terms {
		t := &g.terms[i]
		open := t.mask &^ p.t[t.word]
		if open&^(p.u[t.word]|p.e[t.word]) != 0 {
			return // one is false
		}
		u |= open & p.u[t.word]
	}
	if u != 0 {
		p.u[g.word] |= g.bit
	} else {
		p.e[g.word] |= g.bit
	}
}

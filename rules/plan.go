package rules

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// plan answers all conditions of a set together. Each rule has a bit in three
// planes: true, undecided, and erring; none of them is false. Conditions on one
// input become tables that give the bits of all rules at once, so that an input
// is read once however many rules read it. An or writes the bits of its
// operands into one; an and of different inputs is a gate.
type plan struct {
	words  int
	always []uint64 // true whatever the lead

	ints, floats, bools, times, ages, texts, lists, vars, counts, sinces []group
	groups                                                               int

	counters counters
	tests    []test
	gates    []gate

	roots []*node // by rule; nil if it runs by itself
	alone []int   // rules that run by themselves
	cel   bool    // some of them by cel-go
}

// special is what a group comes to if its input can't be read.
type special struct{ t, u, e []uint64 }

// group is all that the rules ask of one source.
type group struct {
	source
	dom      domain
	slot     int
	number   int // of its note
	lo, span int // the words that its bits are in

	absent, none, erring special

	// Row i holds from the i-th bound on; row 0 before the first.
	rows   []uint64
	ints   []int64
	floats []float64
	times  []time.Time
	nan    []uint64 // a row of its own

	table  textTable // row i is for the i-th text, row 0 for others
	checks []textCheck
	items  []itemCheck

	counter int // its number in the counters, or its type's
}

// textCheck is a condition on a text that no table answers.
type textCheck struct {
	atom    *atom
	bytes   []byte // atom.text
	negated bool
	row     []uint64
}

// itemCheck asks whether some item of a list meets a condition.
type itemCheck struct {
	item    *cond
	text    string // the condition is to equal this, if simple
	simple  bool
	negated bool
	row     []uint64
}

// test is a condition that is computed.
type test struct {
	code    code[bool]
	negated bool
	number  int // of its note
	bits    []int
}

// gate sets a bit if all bits of its terms are set.
type gate struct {
	terms []term64
	word  int
	bit   uint64
}

type term64 struct {
	word int
	mask uint64
}

// node is a rule's condition over leaves, to explain what the planes say.
type node struct {
	op   condOp // condAnd, condOr, condAtom for a leaf, condTrue, condFalse
	kids []*node
	leaf *leaf
}

// leaf is one condition on one source, or one test.
type leaf struct {
	cond   *cond
	bits   []int
	own    int // a bit that nothing else writes, or -1
	number int // of the note that says why it has no answer
	test   bool
}

type planner struct {
	set    *Set
	plan   *plan
	leaves []*leaf
	byKey  map[string]*leaf
	bits   int
}

// newPlan plans the compiled rules of a set.
func newPlan(s *Set) *plan {
	p := &plan{roots: make([]*node, len(s.rules))}
	b := planner{set: s, plan: p, byKey: map[string]*leaf{}, bits: len(s.rules)}
	for i := range s.rules {
		if r := &s.rules[i]; r.cond != nil {
			p.roots[i] = b.node(r.cond.simplify(false).gather())
		} else {
			p.alone = append(p.alone, i)
			p.cel = p.cel || r.value == nil
		}
	}
	for i, n := range p.roots {
		if n != nil && n.op == condAtom && n.leaf.own < 0 {
			n.leaf.own = i
		}
	}
	var always []int
	for i, n := range p.roots {
		if n == nil {
			continue
		}
		if n.depth() > 1 {
			n.each(func(l *leaf) { b.own(l) })
		}
		if n.op == condTrue {
			always = append(always, i)
		}
		b.assign(n, i)
	}
	for _, l := range b.leaves {
		if l.own >= len(s.rules) {
			l.bits = append(l.bits, l.own)
		}
	}
	p.words = max(1, (b.bits+63)/64)
	p.always = make([]uint64, p.words)
	setBits(p.always, 0, always)
	b.build()
	return p
}

func (b *planner) node(c *cond) *node {
	if _, ok := c.table(); ok || c.op == condAtom || c.op == condCode || c.op == condNot {
		return &node{op: condAtom, leaf: b.leaf(c)}
	}
	n := &node{op: c.op}
	for _, k := range c.kids {
		n.kids = append(n.kids, b.node(k))
	}
	return n
}

func (b *planner) leaf(c *cond) *leaf {
	var key strings.Builder
	c.key(&key)
	l := b.byKey[key.String()]
	if l == nil {
		l = &leaf{cond: c, own: -1}
		b.byKey[key.String()] = l
		b.leaves = append(b.leaves, l)
	}
	return l
}

func (n *node) depth() int {
	d := 0
	for _, k := range n.kids {
		d = max(d, k.depth()+1)
	}
	return d
}

func (n *node) each(f func(*leaf)) {
	if n.leaf != nil {
		f(n.leaf)
	}
	for _, k := range n.kids {
		k.each(f)
	}
}

func (b *planner) bit() int {
	b.bits++
	return b.bits - 1
}

func (b *planner) own(l *leaf) int {
	if l.own < 0 {
		l.own = b.bit()
	}
	return l.own
}

// assign makes a node write a bit.
func (b *planner) assign(n *node, bit int) {
	switch n.op {
	case condAtom:
		n.leaf.bits = append(n.leaf.bits, bit)
	case condOr:
		for _, k := range n.kids {
			b.assign(k, bit)
		}
	case condAnd:
		g := gate{word: bit / 64, bit: 1 << (bit % 64)}
		for _, k := range n.kids {
			var in int
			if k.op == condAtom {
				in = b.own(k.leaf)
			} else {
				in = b.bit()
				b.assign(k, in)
			}
			i := slices.IndexFunc(g.terms, func(t term64) bool { return t.word == in/64 })
			if i < 0 {
				i = len(g.terms)
				g.terms = append(g.terms, term64{word: in / 64})
			}
			g.terms[i].mask |= 1 << (in % 64)
		}
		b.plan.gates = append(b.plan.gates, g)
	}
}

// setBits sets bits in a row that begins at word lo.
func setBits(row []uint64, lo int, bits []int) {
	for _, b := range bits {
		row[b/64-lo] |= 1 << (b % 64)
	}
}

// build makes the groups and tests of all leaves.
func (b *planner) build() {
	p := b.plan
	bySource := map[source][]*leaf{}
	var order []source
	for _, l := range b.leaves {
		c, negated := l.cond, false
		if c.op == condNot && c.kids[0].op == condCode {
			c, negated = c.kids[0], true
		}
		if c.op == condCode {
			l.test = true
			p.tests = append(p.tests, test{code: c.code, negated: negated, bits: l.bits})
			l.number = len(p.tests) - 1 // among the tests, for now
			continue
		}
		of := c.source()
		if bySource[of] == nil {
			order = append(order, of)
		}
		bySource[of] = append(bySource[of], l)
	}
	p.groups = len(order)
	for i, of := range order {
		for _, l := range bySource[of] {
			l.number = i
		}
		b.group(of, i, bySource[of])
	}
	for _, l := range b.leaves {
		if l.test {
			l.number += p.groups
		}
	}
	for i := range p.tests {
		p.tests[i].number = p.groups + i
	}
	p.counters.index()
	// In the order of memory.
	for _, list := range [][]group{p.ints, p.floats, p.bools, p.times, p.ages, p.texts, p.lists} {
		slices.SortStableFunc(list, func(a, b group) int { return cmp.Compare(a.in.at, b.in.at) })
	}
}

// source is what a leaf reads.
func (c *cond) source() source {
	if c.op == condAtom {
		return c.atom.source()
	}
	return c.kids[0].source()
}

func (b *planner) group(of source, number int, leaves []*leaf) {
	g := group{source: of, number: number, slot: -1, lo: math.MaxInt}
	hi := 0
	var atoms []*atom
	for _, l := range leaves {
		for _, bit := range l.bits {
			g.lo, hi = min(g.lo, bit/64), max(hi, bit/64)
		}
		l.cond.walk(func(a *atom) { atoms = append(atoms, a) })
	}
	g.span = hi - g.lo + 1
	for _, a := range atoms {
		// The slot of has() can't say why a field can't be read.
		if g.slot < 0 || a.op != opHas {
			g.slot = a.slot
		}
	}
	for _, s := range []struct {
		to   *special
		have truth // what has() says
		want truth // what everything else is
	}{{&g.absent, isMissing, isMissing}, {&g.none, isFalse, isError}, {&g.erring, isTrue, isError}} {
		*s.to = special{make([]uint64, g.span), make([]uint64, g.span), make([]uint64, g.span)}
		for _, l := range leaves {
			switch l.cond.eval(without(s.have, s.want)) {
			case isTrue:
				setBits(s.to.t, g.lo, l.bits)
			case isMissing:
				setBits(s.to.u, g.lo, l.bits)
			case isError:
				setBits(s.to.e, g.lo, l.bits)
			}
		}
	}
	var tables []*leaf
	for _, l := range leaves {
		if _, ok := l.cond.table(); ok {
			tables = append(tables, l)
			continue
		}
		a, negated := l.cond.atom, false
		if l.cond.op == condNot {
			a, negated = l.cond.kids[0].atom, true
		}
		row := make([]uint64, g.span)
		setBits(row, g.lo, l.bits)
		if a.op == opExists {
			check := itemCheck{item: a.item, negated: negated, row: row}
			if a.item.op == condAtom && a.item.atom.op == opEqual {
				check.simple, check.text = true, a.item.atom.text
			}
			g.items = append(g.items, check)
		} else {
			g.checks = append(g.checks, textCheck{atom: a, bytes: []byte(a.text), negated: negated, row: row})
		}
	}
	dom := atoms[0].dom
	row := func(d datum) []uint64 {
		out := make([]uint64, g.span)
		for _, l := range tables {
			if l.cond.of(&d) == isTrue {
				setBits(out, g.lo, l.bits)
			}
		}
		return out
	}
	g.dom = dom
	b.plan.add(b.set, g.fill(dom, atoms, row), dom)
}

// without is what atoms say of an input that has no value to read.
func without(have, other truth) func(*atom) truth {
	return func(a *atom) truth {
		if a.op == opHas {
			return have
		}
		return other
	}
}

func (pl *plan) add(s *Set, g group, dom domain) {
	switch {
	case g.in.kind == slotCount || g.in.kind == slotSeen:
		g.counter = pl.counters.window(s.slots[g.in.at].typ, s.slots[g.in.at].window)
		pl.counts = append(pl.counts, g)
	case g.in.kind == slotSince:
		g.counter = pl.counters.last(s.slots[g.in.at].typ)
		pl.sinces = append(pl.sinces, g)
	case g.in.kind == slotVar:
		pl.vars = append(pl.vars, g)
	case g.view == viewAge:
		pl.ages = append(pl.ages, g)
	case dom == inInt:
		pl.ints = append(pl.ints, g)
	case dom == inFloat:
		pl.floats = append(pl.floats, g)
	case dom == inBool:
		pl.bools = append(pl.bools, g)
	case dom == inTime:
		pl.times = append(pl.times, g)
	case dom == inList:
		pl.lists = append(pl.lists, g)
	default:
		pl.texts = append(pl.texts, g)
	}
}

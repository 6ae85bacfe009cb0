package rules

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// source makes a source of the leaves that read it, and questions of them.
func (b *planner) source(of source, leaves []*planLeaf) {
	p := b.plan
	var atoms []*atom
	for _, l := range leaves {
		l.without = [gaps]truth{
			l.cond.eval(without(isMissing, isMissing)), l.cond.eval(without(isFalse, isError)), l.cond.eval(without(isTrue, isError)),
		}
		l.cond.walk(func(a *atom) { atoms = append(atoms, a) })
	}
	at := place{field: int32(of.in.at), slot: -1, question: int32(len(b.tables))}
	for _, a := range atoms {
		// The slot of has() can't say why a field can't be read.
		if at.slot < 0 || a.op != opHas {
			at.slot = int32(a.slot)
		}
	}
	if of.in.kind == slotField {
		word, other := b.set.env.schema.Place(of.in.at)
		at.word, at.other = int32(word), int32(other)
	}
	m := sourceMaker{planner: b, place: at, asked: asked{slot: at.slot}, leaves: leaves, atoms: atoms}
	variable := of.in.kind == slotVar
	if variable {
		m.asked.source, m.asked.at = fromVars, int32(len(p.vars))
	}
	// as says where the source goes, unless it is a variable.
	as := func(k sourceKind, n int) {
		if !variable {
			m.asked.source, m.asked.at = k, int32(n)
		}
	}
	var made any
	switch dom := atoms[0].dom; {
	case of.in.kind == slotCount || of.in.kind == slotSeen:
		as(fromCounts, len(p.counts))
		p.counts = append(p.counts, m.count())
	case of.in.kind == slotSince:
		as(fromSinces, len(p.sinces))
		p.sinces = append(p.sinces, m.count())
	case of.view == viewAge:
		as(fromAges, len(p.ages))
		made = m.age()
	case dom == inInt:
		as(fromInts, len(p.ints))
		made = m.int()
	case dom == inFloat:
		as(fromFloats, len(p.floats))
		made = m.float()
	case dom == inBool:
		as(fromBools, len(p.bools))
		made = m.bool()
	case dom == inTime:
		as(fromTimes, len(p.times))
		made = m.time()
	case dom == inList:
		as(fromLists, len(p.lists))
		made = m.list()
	default:
		as(fromTexts, len(p.texts))
		made = m.text(of.view)
	}
	switch s := made.(type) {
	case nil: // the counters'
	case *intSource, *floatSource, *place, *timeSource, *textSource, *listSource:
		if variable {
			p.vars = append(p.vars, varSource{at: int32(of.in.at), view: of.view, source: s})
			return
		}
		p.add(of.view, s)
	}
}

// code makes a source of the leaves that compare what is computed.
func (b *planner) code(c *computed, leaves []*planLeaf) {
	p := b.plan
	m := sourceMaker{
		planner: b, leaves: leaves, place: place{slot: -1, question: int32(len(b.tables))},
		asked: asked{slot: -1, source: fromCodes, at: int32(len(p.codes))},
	}
	for _, l := range leaves {
		l.without = [gaps]truth{isMissing, isError, isError}
		l.cond.walk(func(a *atom) { m.atoms = append(m.atoms, a) })
	}
	s := codeSource{ints: as[int64](c.code), floats: as[float64](c.code)}
	if s.ints != nil {
		of := m.int()
		s.place, s.bounds = of.place, of.bounds
	} else {
		s.fraction = *m.float()
		s.place = s.fraction.place
	}
	p.codes = append(p.codes, s)
}

func (pl *plan) add(v view, made any) {
	switch s := made.(type) {
	case *intSource:
		pl.ints = append(pl.ints, *s)
	case *floatSource:
		pl.floats = append(pl.floats, *s)
	case *place:
		pl.bools = append(pl.bools, *s)
	case *timeSource:
		if v == viewAge {
			pl.ages = append(pl.ages, *s)
		} else {
			pl.times = append(pl.times, *s)
		}
	case *textSource:
		pl.texts = append(pl.texts, *s)
	case *listSource:
		pl.lists = append(pl.lists, *s)
	}
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

// sourceMaker makes one source.
type sourceMaker struct {
	*planner
	place  place
	asked  asked
	leaves []*planLeaf
	atoms  []*atom
}

// question asks one more of the source.
func (m *sourceMaker) question(leaves []*planLeaf) int32 {
	m.place.questions++
	return m.ask(m.asked, leaves...)
}

// hold says what the leaves are in the next row.
func hold(leaves []*planLeaf, d datum) {
	for _, l := range leaves {
		l.holds = append(l.holds, l.cond.of(&d) == isTrue)
	}
}

func (m *sourceMaker) bool() *place {
	hold(m.leaves, datum{})
	hold(m.leaves, datum{num: 1})
	m.question(m.leaves)
	return &m.place
}

func (m *sourceMaker) wholes() []int64 {
	var bounds []int64
	for _, a := range m.atoms {
		for _, k := range append(slices.Clone(a.nums), a.num) {
			bounds = append(bounds, k)
			if k < math.MaxInt64 {
				bounds = append(bounds, k+1)
			}
		}
	}
	first := slices.Min(bounds)
	if first > math.MinInt64 {
		first--
	}
	return steps(m.leaves, bounds, cmp.Compare, first, func(n int64) datum { return datum{num: n} })
}

func (m *sourceMaker) int() *intSource {
	bounds := m.wholes()
	m.question(m.leaves)
	return &intSource{m.place, bounds}
}

func (m *sourceMaker) age() *timeSource {
	bounds := m.wholes()
	m.question(m.leaves)
	return &timeSource{place: m.place, bounds: bounds}
}

func (m *sourceMaker) count() countSource {
	bounds := m.wholes()
	m.question(m.leaves)
	return countSource{place: m.place, bounds: bounds}
}

func (m *sourceMaker) float() *floatSource {
	var bounds []float64
	for _, a := range m.atoms {
		for _, k := range append(slices.Clone(a.floats), a.float) {
			bounds = append(bounds, k, math.Nextafter(k, math.Inf(1)))
		}
	}
	first := math.Nextafter(slices.Min(bounds), math.Inf(-1))
	bounds = steps(m.leaves, bounds, cmp.Compare, first, func(f float64) datum { return datum{float: f} })
	hold(m.leaves, datum{float: math.NaN()})
	m.question(m.leaves)
	return &floatSource{m.place, bounds}
}

func (m *sourceMaker) time() *timeSource {
	var bounds []time.Time
	for _, a := range m.atoms {
		bounds = append(bounds, a.time, a.time.Add(1))
	}
	first := slices.MinFunc(bounds, time.Time.Compare).Add(-1)
	s := timeSource{exact: steps(m.leaves, bounds, time.Time.Compare, first, func(t time.Time) datum { return datum{time: t} })}
	for _, t := range s.exact {
		ns, near := leadloop.NearTime(t)
		switch {
		case near:
		case t.Unix() < 0:
			ns = math.MinInt64
		default:
			ns = math.MaxInt64
		}
		s.bounds = append(s.bounds, ns)
	}
	m.question(m.leaves)
	s.place = m.place
	return &s
}

// split takes the leaves that a table answers from the others, which it sorts
// by what they check.
func (m *sourceMaker) split() (tabled []*planLeaf, checks [][]*planLeaf) {
	at := map[string]int{}
	for _, l := range m.leaves {
		if _, ok := l.cond.table(); ok {
			tabled = append(tabled, l)
			continue
		}
		c, negated := l.cond.check()
		l.holds = []bool{negated, !negated}
		var key strings.Builder
		c.key(&key)
		i, ok := at[key.String()]
		if !ok {
			i = len(checks)
			at[key.String()], checks = i, append(checks, nil)
		}
		checks[i] = append(checks[i], l)
	}
	return tabled, checks
}

// check is an atom that no table answers, or its negation.
func (c *cond) check() (*cond, bool) {
	if c.op == condNot {
		return c.kids[0], true
	}
	return c, false
}

func (m *sourceMaker) text(v view) *textSource {
	s := textSource{view: v, limit: uint16(min(m.set.env.limits.StringBytes, leadloop.LongText-1))}
	tabled, checks := m.split()
	if s.tabled = len(tabled) > 0; s.tabled {
		var texts []string
		for _, l := range tabled {
			l.cond.walk(func(a *atom) {
				switch a.op {
				case opEqual, opUnequal:
					texts = append(texts, a.text)
				case opIn:
					texts = append(texts, a.texts...)
				}
			})
		}
		slices.Sort(texts)
		texts = exact(slices.Compact(texts))
		s.table = newTextTable(texts)
		hold(tabled, datum{text: "\xff"}) // which is no text that a rule can hold
		for _, t := range texts {
			hold(tabled, datum{text: t})
		}
		m.question(tabled)
	}
	s.slow = v != viewSelf || s.table.bySelf()
	for _, leaves := range checks {
		c, _ := leaves[0].cond.check()
		s.checks = append(s.checks, newTextCheck(c.atom, m.question(leaves)))
	}
	s.checks = exact(s.checks)
	s.place = m.place
	return &s
}

// The key of a text has what it begins and ends with: all of it, or eight bytes.
const (
	opHead atomOp = opExists + 1 + iota
	opTail
)

func newTextCheck(a *atom, question int32) textCheck {
	c := textCheck{question: question, op: a.op, text: a.text, pattern: a.pattern, check: a.check}
	if a.view != viewSelf {
		c.bytes = []byte(a.text)
	}
	switch n := len(a.text); {
	case n == 0 || n > leadloop.LongText:
	case a.op == opPrefix:
		key := leadloop.KeyOf(a.text[:min(n, 8)])
		c.op, c.n, c.shift, c.want = opHead, uint8(n), uint8(64-8*key.Len), key.Hi
	case a.op == opSuffix:
		key := leadloop.KeyOf(a.text[n-min(n, 8):])
		c.op, c.n, c.shift, c.want = opTail, uint8(n), uint8(64-8*key.Len), key.Lo
	}
	return c
}

func (m *sourceMaker) list() *listSource {
	var s listSource
	tabled, checks := m.split()
	s.has = len(tabled) > 0
	if s.has {
		hold(tabled, datum{})
		m.question(tabled)
	}
	var texts []string
	for _, leaves := range checks {
		c, _ := leaves[0].cond.check()
		q := m.question(leaves)
		switch item := c.atom.item; {
		case item.op == condAtom && item.atom.op == opEqual:
			texts, s.found = append(texts, item.atom.text), append(s.found, q)
		case item.op == condAtom && newTextCheck(item.atom, q).op == opHead:
			s.heads = append(s.heads, newTextCheck(item.atom, q))
		default:
			s.items = append(s.items, itemCheck{q, item})
		}
	}
	s.table = newTextTable(texts)
	s.place = m.place
	return &s
}

// steps drops the bounds at which no leaf changes, and says what the leaves are
// before, between and after the others.
func steps[T any](leaves []*planLeaf, bounds []T, compare func(a, b T) int, first T, value func(T) datum) (kept []T) {
	slices.SortFunc(bounds, compare)
	hold(leaves, value(first))
	for _, k := range bounds {
		hold(leaves, value(k))
		n := len(leaves[0].holds)
		if !slices.ContainsFunc(leaves, func(l *planLeaf) bool { return l.holds[n-1] != l.holds[n-2] }) {
			for _, l := range leaves {
				l.holds = l.holds[:n-1]
			}
			continue
		}
		kept = append(kept, k)
	}
	return exact(kept)
}

// counters go through the activities once for all windows of all rules.
type counters struct {
	table   textTable       // of types
	types   []counted       // by position in the table plus one; the first is every other type
	windows []time.Duration // grouped by type; 0 is no window
}

// counted is where the windows of a type are.
type counted struct{ from, to int32 }

// count lays out what sources ask for.
func (pl *plan) count(slots []slot) {
	c := &pl.counters
	var names []string
	typ := func(name string) int32 {
		i := slices.Index(names, name)
		if i < 0 {
			i, names = len(names), append(names, name)
		}
		return int32(i + 1)
	}
	for i := range pl.counts {
		typ(slots[pl.counts[i].slot].typ)
	}
	for i := range pl.sinces {
		pl.sinces[i].counter = typ(slots[pl.sinces[i].slot].typ)
	}
	c.types = make([]counted, len(names)+1)
	for i, name := range names {
		c.types[i+1].from = int32(len(c.windows))
		for k := range pl.counts {
			if s := &slots[pl.counts[k].slot]; s.typ == name {
				at := slices.Index(c.windows[c.types[i+1].from:], s.window)
				if at < 0 {
					at = len(c.windows) - int(c.types[i+1].from)
					c.windows = append(c.windows, s.window)
				}
				pl.counts[k].counter = c.types[i+1].from + int32(at)
			}
		}
		c.types[i+1].to = int32(len(c.windows))
	}
	c.windows, c.table = exact(c.windows), newTextTable(exact(names))
}

package rules

import "math"

// planes are the bits of all rules.
type planes struct {
	t, u, e []uint64
	holes   bool // u or e has a bit
}

func (p *planes) resize(pl *plan) {
	p.t, p.u, p.e = grow(p.t, pl.words), grow(p.u, pl.words), grow(p.e, pl.words)
}

// pick answers all questions.
func (pl *plan) pick(x *exec) {
	if pl.counting {
		x.count()
	}
	x.pickInts(pl.ints)
	x.pickFloats(pl.floats)
	x.pickBools(pl.bools)
	x.pickTimes(pl.times)
	x.pickAges(pl.ages)
	x.pickTexts(pl.texts)
	x.pickLists(pl.lists)
	x.pickVars(pl.vars)
	x.pickCounts(pl.counts)
	x.pickSinces(pl.sinces)
	x.pickCodes(pl.codes)
	x.pickTests(pl.tests)
}

// pickOne answers one question, and others about the same input.
func (pl *plan) pickOne(x *exec, question int32) {
	a := &pl.asked[question]
	switch i, j := a.at, a.at+1; a.source {
	case fromInts:
		x.pickInts(pl.ints[i:j])
	case fromFloats:
		x.pickFloats(pl.floats[i:j])
	case fromBools:
		x.pickBools(pl.bools[i:j])
	case fromTimes:
		x.pickTimes(pl.times[i:j])
	case fromAges:
		x.pickAges(pl.ages[i:j])
	case fromTexts:
		x.pickTexts(pl.texts[i:j])
	case fromLists:
		x.pickLists(pl.lists[i:j])
	case fromVars:
		x.pickVars(pl.vars[i:j])
	case fromCounts:
		x.pickCounts(pl.counts[i:j])
	case fromSinces:
		x.pickSinces(pl.sinces[i:j])
	case fromCodes:
		x.pickCodes(pl.codes[i:j])
	case fromTest:
		x.pickTests(pl.tests[i:j])
	}
}

// join sets the bits of all conditions from the rows that were picked.
func (pl *plan) join(x *exec, p *planes) {
	picks, rows := x.picks, pl.rows
	for w := range p.t {
		t := pl.always[w]
		entries := pl.entries[pl.byWord[w]:pl.byWord[w+1]]
		if len(entries) == len(picks) { // all of them, in their order
			for q, row := range picks {
				t |= rows[entries[q].base+row]
			}
		} else {
			for _, e := range entries {
				t |= rows[e.base+picks[e.question]]
			}
		}
		p.t[w] = t
	}
	if p.holes = len(x.holes) > 0; p.holes {
		pl.joinHoles(x, p)
	}
	for i := range pl.gates {
		g := &pl.gates[i]
		open := g.mask &^ p.t[g.in]
		for _, m := range g.more {
			open |= m.mask &^ p.t[m.in]
		}
		if open == 0 {
			p.t[g.word] |= g.bit
		} else if p.holes {
			g.open(p)
		}
	}
	if p.holes {
		for i, t := range p.t {
			p.u[i] &^= t
			p.e[i] &^= t | p.u[i]
		}
	}
}

// joinHoles is for the planes besides that of what is true.
func (pl *plan) joinHoles(x *exec, p *planes) {
	clear(p.u)
	clear(p.e)
	for _, q := range x.holes {
		a := &pl.asked[q]
		words, holes := pl.holeWords[a.from:a.to], pl.holes[a.holes:]
		if a.varying {
			holes = holes[int(x.gaps[q])*2*len(words):]
			for i, w := range words {
				p.t[w] |= holes[len(words)+i]
			}
		}
		to := p.e
		if x.gaps[q] == gapAbsent {
			to = p.u
		}
		for i, w := range words {
			to[w] |= holes[i]
		}
	}
}

// open is for a gate some of whose terms are not true.
func (g *gate) open(p *planes) {
	missing, ok := g.bits64.open(p)
	for i := range g.more {
		m, also := g.more[i].open(p)
		missing, ok = missing || m, ok && also
	}
	switch {
	case !ok: // one is false
	case missing:
		p.u[g.word] |= g.bit
	default:
		p.e[g.word] |= g.bit
	}
}

// open reports whether a term is missing, and whether none is false.
func (m *bits64) open(p *planes) (missing, ok bool) {
	open := m.mask &^ p.t[m.in]
	return open&p.u[m.in] != 0, open&^(p.u[m.in]|p.e[m.in]) == 0
}

// judge says what the condition at a node comes to, and why it has no answer.
func (pl *plan) judge(x *exec, at int32) (bool, note) {
	n := &pl.nodes[at]
	switch n.op {
	case condTrue, condFalse:
		return n.op == condTrue, 0
	case condAtom:
		return pl.judgeLeaf(x, &pl.leaves[n.n])
	}
	settles := n.op == condOr
	var why note
	for k := at + 1; k < n.n; k = pl.end(k) {
		t, m := pl.judge(x, k)
		if m == 0 && t == settles {
			return t, 0
		}
		why = x.either(why, m)
	}
	return !settles, why
}

// end is where the node after the one at k is.
func (pl *plan) end(k int32) int32 {
	if n := &pl.nodes[k]; n.op == condAnd || n.op == condOr {
		return n.n
	}
	return k + 1
}

func (pl *plan) judgeLeaf(x *exec, l *leaf) (bool, note) {
	row := x.picks[l.question]
	if row >= firstRow {
		return pl.rows[l.base+row]>>l.bit&1 != 0, 0
	}
	if t := l.without[x.gaps[l.question]]; t == isTrue || t == isFalse {
		return t == isTrue, 0
	}
	return false, x.notes[l.question]
}

// evalOne is what one rule comes to, without the others.
func (pl *plan) evalOne(x *exec, rule int) (bool, note) {
	from := pl.roots[rule]
	for _, n := range pl.nodes[from:pl.end(from)] {
		if n.op != condAtom {
			continue
		}
		q := pl.leaves[n.n].question
		if pl.counting && !x.counted && pl.asked[q].source >= fromCounts {
			x.count()
		}
		pl.pickOne(x, q)
	}
	return pl.judge(x, from)
}

// without is for a source that has no value to read.
func (x *exec) without(p *place, g gap) {
	why := noteNoValue
	switch g {
	case gapAbsent:
		why = missing(int(p.slot))
	case gapErring:
		why = x.slot(int(p.slot)).note
	}
	for q := p.question; q < p.question+p.questions; q++ {
		x.hole(q, g, why)
	}
}

// hole is for a question that has no answer.
func (x *exec) hole(question int32, g gap, why note) {
	x.picks[question], x.gaps[question], x.notes[question] = 0, g, why
	x.holes = append(x.holes, question)
}

// count goes through the activities, unless they are in order already.
func (x *exec) count() {
	x.counted = true
	if x.past == nil {
		x.own.Fill(x.facts.Activities)
		x.past = &x.own
	}
	past, c := x.past, &x.set.plan.counters
	x.latest = past.Latest
	clear(x.counts)
	for i := range x.lasts {
		x.lasts[i] = math.MinInt64
	}
	if x.far = x.far || past.Far; x.far {
		return // each source counts for itself
	}
	for i := range past.Types {
		t := &past.Types[i]
		var at uint32
		if t.Key.Len > whole || c.table.bySelf() {
			at = c.table.find(t.Key, past.Activities[t.First].Type)
		} else if e := c.table.slot(t.Key.Lo, t.Key.Hi, uint64(t.Key.Len)); e.differs(t.Key.Lo, t.Key.Hi, uint64(t.Key.Len)) == 0 {
			at = e.at
		}
		times, windows := past.Times[t.From:t.To], c.types[at]
		if len(x.lasts) > 0 {
			x.lasts[at] = times[len(times)-1]
		}
		for k := windows.from; k < windows.to; k++ {
			start := x.nano - int64(c.windows[k])
			if c.windows[k] == 0 || start > x.nano {
				start = math.MinInt64
			}
			n := int64(0)
			for _, at := range times {
				if at > start {
					n++
				}
			}
			x.counts[k] = n
		}
	}
}

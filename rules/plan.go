package rules

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// plan answers all conditions of a set together, in two steps. What the rules
// ask of one input is a question, however many rules ask it, and an evaluation
// picks one row for each question: that of its answer, or the first, in which
// nothing is true, if the input can't be read. Then the rows that were picked
// are joined, word by word. Each rule has a bit in three planes: true, undecided,
// and erring; none of them is false. An or writes the bits of its operands into
// one; an and of different inputs is a gate.
type plan struct {
	words  int
	always []uint64 // true whatever the lead

	ints   []intSource
	floats []floatSource
	bools  []place
	times  []timeSource
	ages   []timeSource
	texts  []textSource
	lists  []listSource
	vars   []varSource
	counts []countSource
	sinces []countSource
	codes  []codeSource
	tests  []test

	counters counters
	counting bool // some source or test needs the counters

	// The entries of word w are entries[byWord[w]:byWord[w+1]].
	byWord  []int32
	entries []entry
	rows    []uint64
	gates   []gate

	asked []asked // by question
	// holes are the bits that have no answer because a question has none, and
	// holeWords the words they are in.
	holes     []uint64
	holeWords []int32

	roots  []int32 // by rule: its node; -1 if it runs by itself
	nodes  []node
	leaves []leaf
	alone  []int32 // rules that run by themselves
	cel    bool    // some of them by cel-go
}

// gap is why an input can't be read: for a field its presence.
type gap uint8

const (
	gapAbsent gap = iota
	gapNone
	gapErring
	gaps
)

// The rows of answers begin with the second.
const firstRow = 1

// entry is the table of a question for one word: row i is at base+i.
type entry struct{ question, base uint32 }

// asked says where a question comes from.
type asked struct {
	slot   int32 // that says why it has no answer
	at     int32 // among the sources of that kind
	source sourceKind

	// Its holes are holes[holes:], for words of holeWords[from:to]. They are the
	// same for each gap, unless they vary: then those of the i-th are the i-th of
	// three times as many, each followed by what is true nevertheless.
	varying  bool
	from, to int32
	holes    int32
}

type sourceKind uint8

const (
	fromInts sourceKind = iota
	fromFloats
	fromBools
	fromTimes
	fromAges
	fromTexts
	fromLists
	fromVars
	fromCounts
	fromSinces
	fromCodes
	fromTest
)

// place is where an evaluation reads an input, and the questions about it.
type place struct {
	field, word, other  int32 // of a row of the profile
	slot                int32 // that says why it can't be read
	question, questions int32
}

// intSource is an int. Row i is from the i-th bound on.
type intSource struct {
	place
	bounds []int64
}

type floatSource struct {
	place
	bounds []float64 // the row after theirs is for what is not a number
}

// timeSource is a time or, in ages, how long ago it is.
type timeSource struct {
	place
	bounds []int64     // in nanoseconds
	exact  []time.Time // the same bounds of times
}

// countSource is what the counters came to.
type countSource struct {
	place
	bounds  []int64
	counter int32 // a window's or a type's
}

// codeSource is a number that is computed.
type codeSource struct {
	place
	ints     code[int64] // or
	floats   code[float64]
	bounds   []int64
	fraction floatSource
}

// textSource is a text. Its first question is which of the texts in the table
// it is, if any are asked for; the others are the checks.
type textSource struct {
	place
	view   view
	slow   bool   // the table does not go by keys, or the case is changed
	limit  uint16 // what is longer is looked at more closely
	tabled bool
	table  textTable
	checks []textCheck
}

// textCheck is a question about a text that no table answers.
type textCheck struct {
	question int32
	op       atomOp
	n, shift uint8  // of a beginning or end
	want     uint64 // what the key has of it
	text     string
	bytes    []byte // the same, if the case is changed
	pattern  *regexp.Regexp
	check    func(string) bool
}

// listSource is a list. Its first question is whether it is there, if any rule
// asks, the others what items it has.
type listSource struct {
	place
	has   bool
	table textTable
	found []int32 // the questions of the texts in the table
	heads []textCheck
	items []itemCheck
}

type itemCheck struct {
	question int32
	item     *cond
}

// varSource is a variable: one of the sources above, read from a Value.
type varSource struct {
	at     int32
	view   view
	source any
}

// test is a condition that is computed.
type test struct {
	code     code[bool]
	question int32
	near     *recency // what the code comes to, unless an activity is far
}

// gate sets a bit if all bits of its terms are set.
type gate struct {
	bits64
	word int32
	bit  uint64
	more []bits64
}

type bits64 struct {
	in   int32
	mask uint64
}

// node is a part of a rule's condition, to say more than the planes do: one
// leaf, or an operation on the nodes that follow.
type node struct {
	op condOp
	n  int32 // a leaf's number, or where the operands end
}

// leaf is a condition that one question answers.
type leaf struct {
	question int32
	base     uint32 // of the question's rows that have its bit
	bit      uint8
	without  [gaps]truth
}

// planner makes a plan.
type planner struct {
	set    *Set
	plan   *plan
	leaves []*planLeaf
	byKey  map[string]*planLeaf
	bits   int
	tables []planTable // by question
}

// planNode is a node while planning.
type planNode struct {
	op   condOp // condAnd, condOr, condAtom for a leaf, condTrue, condFalse
	kids []*planNode
	leaf *planLeaf
}

type planLeaf struct {
	cond   *cond
	number int
	bits   []int
	own    int // a bit that nothing else writes, or -1

	question int
	without  [gaps]truth
	holds    []bool // by row of a value
}

// planTable is a question and the leaves that it answers.
type planTable struct {
	asked
	leaves []*planLeaf
}

// newPlan plans the compiled rules of a set, given their conditions.
func newPlan(s *Set, conds []*cond) *plan {
	p := &plan{roots: make([]int32, len(s.rules))}
	b := planner{set: s, plan: p, byKey: map[string]*planLeaf{}, bits: len(s.rules)}
	roots := make([]*planNode, len(s.rules))
	for i := range s.rules {
		if c := conds[i]; c != nil {
			roots[i] = b.node(c.simplify(false).gather())
			continue
		}
		p.alone = append(p.alone, int32(i))
		p.cel = p.cel || s.rules[i].alone.value == nil
	}
	for i, n := range roots {
		if n != nil && n.op == condAtom && n.leaf.own < 0 {
			n.leaf.own = i
		}
	}
	var always []int
	for i, n := range roots {
		if n == nil {
			p.roots[i] = -1
			continue
		}
		if n.op == condTrue {
			always = append(always, i)
		}
		b.assign(n, i)
		p.roots[i] = int32(len(p.nodes))
		b.write(n)
	}
	for _, l := range b.leaves {
		if l.own >= len(s.rules) {
			l.bits = append(l.bits, l.own)
		}
	}
	p.words = max(1, (b.bits+63)/64)
	p.always = make([]uint64, p.words)
	for _, bit := range always {
		p.always[bit/64] |= 1 << (bit % 64)
	}
	b.sources()
	b.layOut()
	return p
}

func (b *planner) node(c *cond) *planNode {
	if _, ok := c.table(); ok || c.op == condAtom || c.op == condCode || c.op == condNot {
		return &planNode{op: condAtom, leaf: b.leaf(c)}
	}
	n := &planNode{op: c.op}
	for _, k := range c.kids {
		n.kids = append(n.kids, b.node(k))
	}
	return n
}

func (b *planner) leaf(c *cond) *planLeaf {
	var key strings.Builder
	c.key(&key)
	l := b.byKey[key.String()]
	if l == nil {
		l = &planLeaf{cond: c, own: -1, number: len(b.leaves)}
		b.byKey[key.String()] = l
		b.leaves = append(b.leaves, l)
	}
	return l
}

// write adds a node to the plan, its operands behind it.
func (b *planner) write(n *planNode) {
	at := len(b.plan.nodes)
	b.plan.nodes = append(b.plan.nodes, node{op: n.op})
	if n.leaf != nil {
		b.plan.nodes[at].n = int32(n.leaf.number)
		return
	}
	for _, k := range n.kids {
		b.write(k)
	}
	b.plan.nodes[at].n = int32(len(b.plan.nodes))
}

func (b *planner) bit() int {
	b.bits++
	return b.bits - 1
}

func (b *planner) own(l *planLeaf) int {
	if l.own < 0 {
		l.own = b.bit()
	}
	return l.own
}

// assign makes a node write a bit.
func (b *planner) assign(n *planNode, bit int) {
	switch n.op {
	case condAtom:
		n.leaf.bits = append(n.leaf.bits, bit)
	case condOr:
		for _, k := range n.kids {
			b.assign(k, bit)
		}
	case condAnd:
		var terms []bits64
		for _, k := range n.kids {
			var in int
			if k.op == condAtom {
				in = b.own(k.leaf)
			} else {
				in = b.bit()
				b.assign(k, in)
			}
			i := slices.IndexFunc(terms, func(t bits64) bool { return int(t.in) == in/64 })
			if i < 0 {
				i = len(terms)
				terms = append(terms, bits64{in: int32(in / 64)})
			}
			terms[i].mask |= 1 << (in % 64)
		}
		g := gate{bits64: terms[0], word: int32(bit / 64), bit: 1 << (bit % 64)}
		if len(terms) > 1 {
			g.more = exact(terms[1:])
		}
		b.plan.gates = append(b.plan.gates, g)
	}
}

// sources sorts the leaves by what they read and makes questions of them.
func (b *planner) sources() {
	bySource := map[source][]*planLeaf{}
	var order []source
	var tests []*planLeaf
	byCode := map[string][]*planLeaf{}
	var codes []*computed
	for _, l := range b.leaves {
		if l.cond.op == condCode || l.cond.op == condNot && l.cond.kids[0].op == condCode {
			c, negated := l.cond.check()
			if c.computed == nil {
				tests = append(tests, l)
				continue
			}
			if byCode[c.computed.key] == nil {
				codes = append(codes, c.computed)
			}
			byCode[c.computed.key] = append(byCode[c.computed.key], l)
			if l.cond = (&cond{atom: c.computed.atom}); negated {
				l.cond = &cond{op: condNot, kids: []*cond{l.cond}}
			}
			continue
		}
		of := l.cond.source()
		if bySource[of] == nil {
			order = append(order, of)
		}
		bySource[of] = append(bySource[of], l)
	}
	// In the order of memory.
	slices.SortStableFunc(order, func(a, c source) int { return cmp.Compare(a.in.at, c.in.at) })
	for _, of := range order {
		b.source(of, bySource[of])
	}
	for _, c := range codes {
		b.code(c, byCode[c.key])
	}
	for _, l := range tests {
		c, negated := l.cond.check()
		l.without, l.holds = [gaps]truth{isMissing, isError, isError}, []bool{negated, !negated}
		at := b.ask(asked{source: fromTest, slot: -1, at: int32(len(b.plan.tests))}, l)
		b.plan.tests = append(b.plan.tests, test{code: c.code, near: c.near, question: at})
		b.plan.counting = b.plan.counting || c.near != nil
	}
	b.plan.count(b.set.slots)
	b.plan.counting = b.plan.counting || len(b.plan.counts)+len(b.plan.sinces) > 0
}

// ask makes a question that answers leaves.
func (b *planner) ask(a asked, leaves ...*planLeaf) int32 {
	for _, l := range leaves {
		l.question = len(b.tables)
	}
	b.tables = append(b.tables, planTable{a, leaves})
	return int32(len(b.tables) - 1)
}

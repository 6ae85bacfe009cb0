package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/leadloop/leadloop"
)

// ColumnSet is some rules of a set made ready to be evaluated over the columns
// of a layout at one moment. It is immutable and safe for concurrent use.
//
// Conditions on one input are leaves. All leaves on a field are answered by one
// pass over its column, which looks a row of bits up for each lead: one bit for
// each leaf. Sixty-four leads at a time, rows become columns of bits, one for
// each leaf, on which the logic of the rules is done for 64 leads at once. A
// lead without a value needs no rows: its field says which leaves are undecided.
// What is no such condition is evaluated lead by lead, once for each combination
// of inputs that was not seen lately.
type ColumnSet struct {
	set      *Set
	layout   *Layout
	now      time.Time
	nowNS    int64
	rules    []columnRule
	leaves   []columnLeaf
	words    [][]part // parts of a word share its bits
	families []family
}

// columnRule is one of the rules.
type columnRule struct {
	rule int         // in the set
	root *columnNode // nil: it is in a family
}

type columnNode struct {
	op   condOp // condAnd, condOr, condAtom for a leaf, condTrue, condFalse
	kids []*columnNode
	leaf int
}

// originKind is what a leaf reads.
type originKind uint8

const (
	ofField originKind = iota
	ofCount
	ofSince
	ofNewest
)

// origin is the source of a part: a field, or activities of a type.
type origin struct {
	kind   originKind
	at     int           // column or type
	window time.Duration // anyWindow: each leaf has its own
}

const anyWindow time.Duration = -1

// maxRank is up to which number rules on several windows of one type are
// answered together.
const maxRank = 32

// columnLeaf is a condition on one origin.
type columnLeaf struct {
	from   origin
	cond   *cond
	near   *recency // instead of cond
	window time.Duration
	word   int
	bit    uint
	// what the leaf is for a lead without a value
	absent, none, blank truth
}

// part is up to 64 leaves on one origin.
type part struct {
	origin
	number int // among all parts
	kind   leadloop.Kind
	leaves []int
	// Rows hold a word of bits: row 0 before the first bound, row i from the
	// i-th bound on. Of a bool: false, true.
	rows   []uint64
	ints   []int64
	floats []float64
	// Of counts in several windows: where those begin, ascending, and by rank and
	// the number of windows that an activity is in, the bits that it changes.
	starts []int64
	ranks  []uint64
	// For a list without items there is one row. An item changes bits of it.
}

// recency asks whether the latest activity of all is no older than a duration.
type recency struct {
	op  atomOp
	age int64
}

// recency recognises activities.exists(a, now - a.at < duration).
func (c *compiler) recency(e ast.Expr) *recency {
	if e.Kind() != ast.ComprehensionKind {
		return nil
	}
	m := macroOf(e.AsComprehension())
	if _, s := c.slotOf(m.over); m.kind != macroExists || s == nil || s.kind != slotActivities ||
		!isOperator(m.body, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals) {
		return nil
	}
	fn, left, right := m.body.AsCall().FunctionName(), m.body.AsCall().Args()[0], m.body.AsCall().Args()[1]
	if left.Kind() == ast.LiteralKind {
		fn, left, right = flipped(fn, true), right, left
	}
	if (fn != operators.Less && fn != operators.LessEquals) || right.Kind() != ast.LiteralKind || !isOperator(left, operators.Subtract) {
		return nil
	}
	age, ok := right.AsLiteral().(types.Duration)
	_, now := c.slotOf(left.AsCall().Args()[0])
	at := left.AsCall().Args()[1]
	if !ok || now == nil || now.kind != slotNow || at.Kind() != ast.SelectKind || at.AsSelect().IsTestOnly() || at.AsSelect().FieldName() != "at" {
		return nil
	}
	if of := at.AsSelect().Operand(); of.Kind() != ast.IdentKind || of.AsIdent() != m.loop {
		return nil
	}
	return &recency{atomOps[fn], int64(age.Duration)}
}

// columnCond is the condition of a rule if columns can answer all of it.
func (s *Set) columnCond(i int) *cond {
	c := s.detail().conds[i]
	if c == nil {
		return nil
	}
	c = c.simplify(false).gather()
	if !c.columnar() {
		return nil
	}
	return c
}

func (c *cond) columnar() bool {
	switch c.op {
	case condAtom:
		return c.atom.in.kind != slotVar
	case condCode:
		return c.near != nil
	}
	for _, k := range c.kids {
		if !k.columnar() {
			return false
		}
	}
	return true
}

// Columnar reports whether columns answer the i-th rule. The others are
// evaluated lead by lead, with the same results.
func (s *Set) Columnar(i int) bool { return s.columnCond(i) != nil }

// Columns prepares rules of the set, given by their positions, for the columns
// of a layout. Rules are conditions or give a double. It fails if the layout lacks
// an input of theirs, and for a moment more than 146 years from 1970.
func (s *Set) Columns(l *Layout, now time.Time, which []int) (*ColumnSet, error) {
	if !sameSchema(l.schema, s.env.schema) {
		return nil, fmt.Errorf("rules: columns: %w: the layout has another schema", leadloop.ErrInvalid)
	}
	if l.limits != s.env.limits {
		return nil, fmt.Errorf("rules: columns: %w: the layout has other limits", leadloop.ErrInvalid)
	}
	c := &ColumnSet{set: s, layout: l, now: now.Round(0).UTC()}
	var near bool
	if c.nowNS, near = leadloop.NearTime(c.now); !near {
		return nil, fmt.Errorf("rules: columns: %w: the moment is more than 146 years from 1970", leadloop.ErrInvalid)
	}
	known := map[string]int{}
	for _, i := range which {
		in := s.Inputs(i)
		if k := s.rules[i].kind; k != leadloop.KindBool && k != leadloop.KindFloat {
			return nil, fmt.Errorf("rules: columns: %w: rule %q gives a %s, not a condition or a number", leadloop.ErrInvalid, s.rules[i].id, k)
		}
		cond := s.columnCond(i)
		if missing, ok := l.Covers(in); !ok || cond == nil && in.AllActivities && !l.whole {
			if ok {
				missing = "the list of activities"
			}
			return nil, fmt.Errorf("rules: columns: %w: rule %q reads %s, which was not loaded", leadloop.ErrInvalid, s.rules[i].id, missing)
		}
		r := columnRule{rule: i}
		if cond != nil {
			r.root = c.node(cond, known)
		} else {
			c.adopt(i, len(c.rules))
		}
		c.rules = append(c.rules, r)
	}
	c.arrange()
	return c, nil
}

func sameSchema(a, b *leadloop.Schema) bool {
	if a == b {
		return true
	}
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if a.At(i) != b.At(i) {
			return false
		}
	}
	return true
}

// node takes a condition apart into leaves, each distinct one once.
func (c *ColumnSet) node(k *cond, known map[string]int) *columnNode {
	leaf := k.op == condAtom || k.op == condCode || k.op == condNot
	if _, ok := k.table(); ok {
		leaf = true
	}
	if !leaf {
		n := &columnNode{op: k.op}
		for _, kid := range k.kids {
			n.kids = append(n.kids, c.node(kid, known))
		}
		return n
	}
	var key strings.Builder
	k.key(&key)
	at, ok := known[key.String()]
	if !ok {
		at = len(c.leaves)
		known[key.String()] = at
		c.leaves = append(c.leaves, c.leaf(k))
	}
	return &columnNode{op: condAtom, leaf: at}
}

func (c *ColumnSet) leaf(k *cond) columnLeaf {
	l := columnLeaf{cond: k}
	inner := k
	for inner.op != condAtom && inner.op != condCode {
		inner = inner.kids[0]
	}
	if inner.op == condCode {
		l.near, l.from.kind = inner.near, ofNewest
		return l
	}
	a := inner.atom
	switch a.in.kind {
	case slotCount, slotSeen:
		s := &c.set.slots[a.in.at]
		l.from, l.window = origin{ofCount, c.layout.typeAt[s.typ], anyWindow}, s.window
		k.walk(func(a *atom) {
			if max(a.num, slices.Max(append([]int64{0}, a.nums...))) >= maxRank {
				l.from.window = l.window
			}
		})
	case slotSince:
		l.from = origin{kind: ofSince, at: c.layout.typeAt[c.set.slots[a.in.at].typ]}
		l.none = k.eval(without(isError, isError))
	default:
		l.from = origin{kind: ofField, at: c.layout.at[a.in.at]}
		l.absent = k.eval(without(isMissing, isMissing))
		l.none = k.eval(without(isFalse, isError))
		l.blank = k.eval(without(isTrue, isError))
	}
	return l
}

// arrange puts leaves on one origin together, and these parts into words.
func (c *ColumnSet) arrange() {
	order := make([]int, len(c.leaves))
	for i := range order {
		order[i] = i
	}
	compare := func(a, b origin) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.at, b.at), cmp.Compare(a.window, b.window))
	}
	slices.SortStableFunc(order, func(a, b int) int { return compare(c.leaves[a].from, c.leaves[b].from) })
	var parts []part
	for _, i := range order {
		from := c.leaves[i].from
		if n := len(parts); n == 0 || parts[n-1].origin != from || len(parts[n-1].leaves) == 64 {
			parts = append(parts, part{origin: from})
		}
		p := &parts[len(parts)-1]
		p.leaves = append(p.leaves, i)
	}
	// The largest first, each into the first word that has room.
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(len(b.leaves), len(a.leaves)) })
	var used []int
	for n := range parts {
		p := &parts[n]
		p.number = n
		w := slices.IndexFunc(used, func(bits int) bool { return bits+len(p.leaves) <= 64 })
		if w < 0 {
			w = len(used)
			used, c.words = append(used, 0), append(c.words, nil)
		}
		for _, i := range p.leaves {
			c.leaves[i].word, c.leaves[i].bit = w, uint(used[w])
			used[w]++
		}
		c.prepare(p)
		c.words[w] = append(c.words[w], *p)
	}
	// In the order of memory.
	for _, list := range c.words {
		slices.SortFunc(list, func(a, b part) int { return compare(a.origin, b.origin) })
	}
}

package rules

import (
	"cmp"
	"fmt"
	"math"
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

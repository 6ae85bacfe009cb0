package rules

import (
	"math"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/leadloop/leadloop"
)

// fieldUse is how the rules of a set look at one field.
type fieldUse struct {
	atoms  []*atom
	opaque bool // some rule looks at it in a way that is no atom
	index  cellIndex
}

// Limits of Cells: more texts to combine, more cells, or more lists to look
// for them, are not enumerated.
const (
	maxPieces = 10
	maxCells  = 4096
	maxTries  = 1 << 17
)

// Cells returns representative values of a field or variable for the rules of the set: the
// values that the field can take fall into cells within which every condition
// on the field keeps its answer, and there is one value for each cell. So what
// the rules can come to if the field is missing is what they come to for these
// values, with the other inputs as they are. The moment is needed for
// conditions such as now - company.funding_date < days(30), whose bounds move
// with it.
//
// For numbers and times there is a value for each constant that the field is
// compared with, between two of them, below, and above; for strings each
// constant and one that is none of them, and what contains, startsWith and
// endsWith tell apart, in all combinations; for lists all combinations of
// items that rules look for; for bools both. Known absent is always the first,
// and an empty value follows if has() tells it from known absent. The others
// are in ascending order.
//
// It is exact if that is all: false if some rule reads the field in another
// way (arithmetic, a comparison with another field, a pattern, isFreeEmail), or
// if there are too many combinations. Then there may be answers that none of
// the values gives. Values that no rule can read (too long, not valid UTF-8,
// not a finite number) are left out.
//
// The name is that of a field of the schema or of a variable of the
// environment. What is neither has no cells, and that is not exact.
func (s *Set) Cells(name string, now time.Time) (values []leadloop.Value, exact bool) {
	at, kind, ok := s.lookup(name)
	if !ok {
		return nil, false
	}
	use := s.detail().uses[at]
	if use == nil {
		use = &fieldUse{}
	}
	values = []leadloop.Value{leadloop.NoValue(kind)}
	if kind != leadloop.KindString && kind != leadloop.KindStrings &&
		slices.ContainsFunc(use.atoms, func(a *atom) bool { return a.op == opHas }) {
		values = append(values, leadloop.EmptyValue(kind))
	}
	b := s.cellsOf(use, now)
	switch kind {
	case leadloop.KindString:
		b.texts()
	case leadloop.KindInt:
		b.ints()
	case leadloop.KindFloat:
		b.floats()
	case leadloop.KindBool:
		b.out, b.exact = []leadloop.Value{leadloop.ValueOf(false), leadloop.ValueOf(true)}, true
	case leadloop.KindTime:
		b.times()
	case leadloop.KindStrings:
		b.lists()
	}
	slices.SortFunc(b.out, leadloop.Value.Compare)
	return append(values, b.out...), b.exact
}

// lookup finds a field or variable: where its uses are kept, and its kind.
func (s *Set) lookup(name string) (at int, kind leadloop.Kind, ok bool) {
	if at, ok = s.env.schema.Index(name); ok {
		return at, s.env.schema.At(at).Kind, true
	}
	i := slices.IndexFunc(s.env.vars, func(v Var) bool { return v.Name == name })
	if i < 0 {
		return 0, leadloop.KindInvalid, false
	}
	return variable(i), s.env.vars[i].Kind, true
}

func (s *Set) cellsOf(use *fieldUse, now time.Time) cells {
	return cells{atoms: slices.DeleteFunc(slices.Clone(use.atoms), func(a *atom) bool { return a.op == opHas }),
		limits: s.env.limits, now: now.Round(0).UTC(), exact: !use.opaque, seen: map[string]bool{}}
}

// cells collects one value per cell.
type cells struct {
	atoms  []*atom
	limits Limits
	now    time.Time
	exact  bool
	seen   map[string]bool
	out    []leadloop.Value
}

// add keeps v unless there is a value for its cell.
func (b *cells) add(d datum, v leadloop.Value) {
	if sig := b.signature(b.atoms, d); !b.seen[sig] {
		b.seen[sig] = true
		b.out = append(b.out, v)
	}
}

func (b *cells) signature(atoms []*atom, d datum) string {
	sig := make([]byte, len(atoms))
	for i, a := range atoms {
		sig[i] = '0' + byte(b.answer(a, d))
	}
	return string(sig)
}

// answer is what the atom says of a value of the field, seen its way.
func (b *cells) answer(a *atom, d datum) truth {
	switch a.view {
	case viewLower:
		d.text = asciiMap(d.text, 'A', 'Z', 'a'-'A')
	case viewUpper:
		d.text = asciiMap(d.text, 'a', 'z', 'A'-'a')
	case viewAge:
		age, ok := subtractTimes(b.now, d.time)
		if !ok {
			return isError
		}
		d.num = int64(age)
	}
	return a.of(&d)
}

func (b *cells) ints() {
	var bounds []int64
	for _, a := range b.atoms {
		bounds = append(append(bounds, a.nums...), a.num)
	}
	b.addInt(0)
	for _, k := range bounds {
		b.addInt(k) // rather than a neighbour that answers the same
	}
	for _, k := range bounds {
		if k > math.MinInt64 {
			b.addInt(k - 1)
		}
		if k < math.MaxInt64 {
			b.addInt(k + 1)
		}
	}
}

func (b *cells) addInt(n int64) { b.add(datum{num: n}, leadloop.ValueOf(n)) }

func (b *cells) floats() {
	var bounds []float64
	for _, a := range b.atoms {
		bounds = append(append(bounds, a.floats...), a.float)
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	try := []float64{0}
	for i, k := range bounds {
		try = append(try, k)
		if i > 0 {
			try = append(try, bounds[i-1]/2+k/2, math.Nextafter(bounds[i-1], k))
		} else {
			try = append(try, k-1, math.Nextafter(k, math.Inf(-1)))
		}
		if i == len(bounds)-1 {
			try = append(try, k+1, math.Nextafter(k, math.Inf(1)))
		}
	}
	for _, f := range try {
		if !math.IsInf(f, 0) && !math.IsNaN(f) {
			b.add(datum{float: f}, leadloop.ValueOf(f))
		}
	}
}

func (b *cells) times() {
	try := []time.Time{b.now}
	for _, a := range b.atoms {
		at := a.time
		if a.view == viewAge {
			at = b.now.Add(-time.Duration(a.num))
			try = append(try, firstTime, lastTime)
		}
		try = append(try, at.Add(-1), at, at.Add(1))
	}
	for _, t := range try {
		if !t.Before(firstTime) && !t.After(lastTime) {
			b.add(datum{time: t}, leadloop.ValueOf(t))
		}
	}
}

func (b *cells) texts() {
	for _, s := range b.candidates(b.atoms) {
		b.add(datum{text: s}, leadloop.ValueOf(s))
	}
}

// candidates are texts of every cell that the atoms make.
func (b *cells) candidates(atoms []*atom) []string {
	var literals []string
	var pieces []*atom
	views := map[view]bool{}
	for _, a := range atoms {
		views[a.view] = true
		switch a.op {
		case opContains, opPrefix, opSuffix:
			if !slices.ContainsFunc(pieces, func(p *atom) bool { return p.op == a.op && p.text == a.text }) {
				pieces = append(pieces, a)
			}
		case opEqual, opUnequal:
			literals = append(literals, a.text)
		case opIn:
			literals = append(literals, a.texts...)
		default: // an order, a pattern, a predicate
			literals = append(literals, a.text)
			b.exact = false
		}
	}
	if len(views) > 1 {
		b.exact = false
	}
	if len(pieces) > maxPieces {
		b.exact = false
		pieces = pieces[:maxPieces]
	}
	out := append([]string{"other", ""}, literals...)
	mark := separator(literals, pieces)
	if mark == "" {
		b.exact = false
		return out
	}
	// Every answer that the pieces can give is given by the chosen ones set
	// apart by a mark that is in none of them: it holds no others but those
	// that are part of a chosen one, which every text with the chosen ones
	// holds. And it is no literal.
	for chosen := range 1 << len(pieces) {
		var prefix, suffix string
		var inside []string
		for i, p := range pieces {
			switch {
			case chosen>>i&1 == 0:
			case p.op == opPrefix && len(p.text) > len(prefix):
				prefix = p.text
			case p.op == opSuffix && len(p.text) > len(suffix):
				suffix = p.text
			case p.op == opContains:
				inside = append(inside, p.text)
			}
		}
		s := prefix + mark + strings.Join(append(inside, ""), mark) + suffix
		if len(s) > b.limits.StringBytes {
			b.exact = false
			continue
		}
		out = append(out, s)
	}
	return out
}

// separator is a character that no text holds, or "".
func separator(literals []string, pieces []*atom) string {
	for _, r := range "~|^¦•§¶†‡※⁂" {
		s := string(r)
		if !slices.ContainsFunc(literals, func(l string) bool { return strings.Contains(l, s) }) &&
			!slices.ContainsFunc(pieces, func(p *atom) bool { return strings.Contains(p.text, s) }) {
			return s
		}
	}
	return ""
}

func (b *cells) lists() {
	var items []*atom
	for _, a := range b.atoms {
		a.item.walk(func(x *atom) { items = append(items, x) })
	}
	// One item for each combination of answers that an item can give.
	var kinds []string
	var answers []answerSet
	known := map[string]bool{}
	for _, s := range b.candidates(items) {
		d := datum{list: []string{s}}
		if sig := b.signature(b.atoms, d); !known[sig] && len(s) <= b.limits.ItemBytes {
			known[sig] = true
			kinds, answers = append(kinds, s), append(answers, answersOf(sig))
		}
	}
	// And one list for each combination that lists of them can give. All atoms
	// ask whether some item is such, so that one more item adds its answers; and
	// an item that adds no more than several others together is not needed.
	type made struct {
		list   []string
		answer answerSet
	}
	todo := []made{{answer: answersOf(b.signature(b.atoms, datum{}))}}
	b.add(datum{}, leadloop.EmptyValue(leadloop.KindStrings))
	b.seen[todo[0].answer.key()] = true
	more := irreducible(answers)
	for tries := 0; len(todo) > 0; todo = todo[1:] {
		for i, k := range kinds {
			if len(todo[0].list) > 0 && !more[i] {
				continue
			}
			if tries++; tries > maxTries || len(b.out) >= maxCells || len(todo[0].list) == b.limits.ListItems {
				b.exact = false
				return
			}
			sum := todo[0].answer.or(answers[i])
			if key := sum.key(); !b.seen[key] {
				b.seen[key] = true
				longer := append(slices.Clip(todo[0].list), k)
				b.out = append(b.out, leadloop.ValueOf(longer))
				todo = append(todo, made{longer, sum})
			}
		}
	}
}

// answerSet is a signature of yes and no.
type answerSet []uint64

func answersOf(signature string) answerSet {
	b := make(answerSet, (len(signature)+63)/64)
	for i, c := range []byte(signature) {
		if c != '0' {
			b[i/64] |= 1 << (i % 64)
		}
	}
	return b
}

func (b answerSet) or(c answerSet) answerSet {
	out := make(answerSet, len(b))
	for i := range b {
		out[i] = b[i] | c[i]
	}
	return out
}

// in reports whether all of b is in c.
func (b answerSet) in(c answerSet) bool {
	for i := range b {
		if b[i]&^c[i] != 0 {
			return false
		}
	}
	return true
}

func (b answerSet) key() string {
	key := make([]byte, 0, 8*len(b))
	for _, w := range b {
		for s := 0; s < 64; s += 8 {
			key = append(key, byte(w>>s))
		}
	}
	return string(key)
}

// irreducible tells which of a number of different signatures are not those of
// others together.
func irreducible(all []answerSet) []bool {
	out := make([]bool, len(all))
	for i, b := range all {
		others := make(answerSet, len(b))
		for j, c := range all {
			if j != i && c.in(b) {
				for k := range others {
					others[k] |= c[k]
				}
			}
		}
		out[i] = !b.in(others)
	}
	return out
}

func (c *cond) walk(f func(*atom)) {
	if c.op == condAtom {
		f(c.atom)
	}
	for _, k := range c.kids {
		k.walk(f)
	}
}

// observe records how an expression looks at fields.
func (c *compiler) observe(e ast.Expr) {
	if a := c.anyAtom(e); a != nil {
		switch a.in.kind {
		case slotField:
			u := c.details.use(a.in.at)
			u.atoms = append(u.atoms, a)
		case slotVar:
			u := c.details.use(variable(a.in.at))
			u.atoms = append(u.atoms, a)
		}
		return
	}
	if _, s := c.slotOf(e); s != nil {
		switch s.kind {
		case slotField:
			c.details.use(int(s.at)).opaque = true
		case slotVar:
			c.details.use(variable(int(s.at))).opaque = true
		}
		return
	}
	if isOperator(e, operators.Index) && c.observeTable(e) {
		return
	}
	for _, x := range children(e) {
		c.observe(x)
	}
}

// anyAtom is atom for all expressions of type bool, all() included.
func (c *compiler) anyAtom(e ast.Expr) *atom {
	if !c.ast.GetType(e.ID()).IsExactType(types.BoolType) {
		return nil
	}
	if a := c.atom(e, ""); a != nil {
		return a
	}
	return c.allAtom(e)
}

// allAtom recognises list.all(x, …) and returns what it is the opposite of.
func (c *compiler) allAtom(e ast.Expr) *atom {
	if e.Kind() != ast.ComprehensionKind {
		return nil
	}
	m := macroOf(e.AsComprehension())
	if m.kind != macroAll {
		return nil
	}
	a := c.operand(m.over, "")
	if a == nil || a.dom != inList {
		return nil
	}
	item := c.itemCond(m.body, m.loop)
	if item == nil {
		return nil
	}
	return exists(a, &cond{op: condNot, kids: []*cond{item}})
}

// observeTable understands {"a": 1, "b": 2}[field].
func (c *compiler) observeTable(e ast.Expr) bool {
	args := e.AsCall().Args()
	a := c.operand(args[1], "")
	if args[0].Kind() != ast.MapKind || a == nil || a.in.kind != slotField || a.dom != inText && a.dom != inInt {
		return false
	}
	var each []*atom
	for _, x := range args[0].AsMap().Entries() {
		k := *a
		k.op = opEqual
		if x.AsMapEntry().Key().Kind() != ast.LiteralKind || !k.constant(x.AsMapEntry().Key().AsLiteral()) {
			return false
		}
		c.observe(x.AsMapEntry().Value())
		each = append(each, &k)
	}
	u := c.details.use(a.in.at)
	u.atoms = append(u.atoms, each...)
	return true
}

// variable is where the uses of the i-th variable are kept, apart from fields.
func variable(i int) int { return -1 - i }

func (d *details) use(field int) *fieldUse {
	u := d.uses[field]
	if u == nil {
		u = &fieldUse{}
		d.uses[field] = u
	}
	return u
}

func children(e ast.Expr) (out []ast.Expr) {
	switch e.Kind() {
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.CallKind:
		if e.AsCall().IsMemberFunction() {
			out = append(out, e.AsCall().Target())
		}
		return append(out, e.AsCall().Args()...)
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.MapKind:
		for _, x := range e.AsMap().Entries() {
			out = append(out, x.AsMapEntry().Key(), x.AsMapEntry().Value())
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		return []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()}
	}
	return out
}

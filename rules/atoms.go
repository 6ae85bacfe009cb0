package rules

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// input is what an atom reads: a field or variable by position, or a slot.
// A field and has() of it are one input.
type input struct {
	kind slotKind
	at   int
}

// slotItem is an item of a list, inside a condition on all items.
const slotItem slotKind = 255

// view is how an atom looks at its input.
type view uint8

const (
	viewSelf  view = iota
	viewLower      // text.lowerAscii()
	viewUpper      // text.upperAscii()
	viewAge        // now - time
	viewItems      // the items of a list
)

// domain is the type that an atom compares.
type domain uint8

const (
	inText domain = iota
	inInt
	inFloat
	inBool
	inTime
	inDuration
	inList
)

type atomOp uint8

const (
	opHas atomOp = iota
	opTrue
	opEqual
	opUnequal
	opLess
	opAtMost
	opMore
	opAtLeast
	opIn
	opContains
	opPrefix
	opSuffix
	opMatches
	opCheck  // a predicate of the library
	opExists // of a list: some item meets the condition
)

// atom is a condition on one input and constants alone.
type atom struct {
	in   input
	slot int // that says why the input can't be read
	view view
	dom  domain
	op   atomOp

	num   int64 // also nanoseconds of a duration
	float float64
	text  string
	time  time.Time

	nums   []int64
	floats []float64
	texts  []string

	pattern *regexp.Regexp
	check   func(string) bool
	name    string // of check
	item    *cond
}

// datum is a value of some domain.
type datum struct {
	num   int64
	float float64
	text  string
	time  time.Time
	list  []string
}

// truth is what a condition can be.
type truth uint8

const (
	isFalse truth = iota
	isTrue
	isMissing
	isError
)

// of tells whether the atom is met by a value that is there.
func (a *atom) of(d *datum) truth {
	switch a.op {
	case opHas:
		return isTrue
	case opTrue:
		return truthOf(d.num != 0)
	case opExists:
		return truthOf(slices.ContainsFunc(d.list, func(s string) bool { return a.item.of(&datum{text: s}) == isTrue }))
	case opContains:
		return truthOf(strings.Contains(d.text, a.text))
	case opPrefix:
		return truthOf(strings.HasPrefix(d.text, a.text))
	case opSuffix:
		return truthOf(strings.HasSuffix(d.text, a.text))
	case opMatches:
		return truthOf(a.pattern.MatchString(d.text))
	case opCheck:
		return truthOf(a.check(d.text))
	case opIn:
		switch a.dom {
		case inText:
			return truthOf(slices.Contains(a.texts, d.text))
		case inFloat:
			return truthOf(slices.Contains(a.floats, d.float))
		}
		return truthOf(slices.Contains(a.nums, d.num))
	}
	var c int
	switch a.dom {
	case inText:
		c = strings.Compare(d.text, a.text)
	case inFloat:
		if math.IsNaN(d.float) || math.IsNaN(a.float) {
			return truthOf(a.op == opUnequal)
		}
		c = cmp.Compare(d.float, a.float)
	case inTime:
		c = d.time.Compare(a.time)
	default:
		c = cmp.Compare(d.num, a.num)
	}
	return truthOf(holds(a.op, c))
}

func truthOf(b bool) truth {
	if b {
		return isTrue
	}
	return isFalse
}

// holds applies a comparison to the sign of left minus right.
func holds(op atomOp, c int) bool {
	switch op {
	case opEqual:
		return c == 0
	case opUnequal:
		return c != 0
	case opLess:
		return c < 0
	case opAtMost:
		return c <= 0
	case opMore:
		return c > 0
	}
	return c >= 0
}

// stepwise reports whether the atom can only change at constants that are
// known, so that a table answers it.
func (a *atom) stepwise() bool {
	switch a.op {
	case opContains, opPrefix, opSuffix, opMatches, opCheck, opExists:
		return false
	case opLess, opAtMost, opMore, opAtLeast:
		return a.dom != inText
	}
	return true
}

var atomOps = map[string]atomOp{
	operators.Equals: opEqual, operators.NotEquals: opUnequal,
	operators.Less: opLess, operators.LessEquals: opAtMost,
	operators.Greater: opMore, operators.GreaterEquals: opAtLeast,
	overloads.Contains: opContains, overloads.StartsWith: opPrefix, overloads.EndsWith: opSuffix,
}

// atom recognises a lowered expression of type bool that is an atom, or
// returns nil. With a loop variable it is about that, and about nothing else.
func (c *compiler) atom(e ast.Expr, loop string) *atom {
	switch e.Kind() {
	case ast.IdentKind:
		return c.identAtom(e, loop)
	case ast.ComprehensionKind:
		if loop == "" {
			return c.existsAtom(e)
		}
	case ast.CallKind:
		call := e.AsCall()
		fn := call.FunctionName()
		switch {
		case slices.Contains(comparisons, fn):
			return c.comparisonAtom(call, loop)
		case fn == operators.In:
			return c.inAtom(call, loop)
		case checks[fn] != nil:
			a := c.operand(call.Args()[0], loop)
			if a == nil || a.dom != inText || a.view != viewSelf {
				return nil
			}
			a.op, a.check, a.name = opCheck, checks[fn], fn
			return a
		case fn == overloads.Contains || fn == overloads.StartsWith || fn == overloads.EndsWith || fn == overloads.Matches:
			return c.textAtom(call, loop)
		}
	}
	return nil
}

func (c *compiler) identAtom(e ast.Expr, loop string) *atom {
	i, s := c.slotOf(e)
	if s == nil || loop != "" {
		return nil
	}
	switch s.kind {
	case slotHas:
		a := &atom{in: input{slotField, int(s.at)}, slot: i, op: opHas, dom: domainOf(celType(c.set.env.schema.At(int(s.at)).Kind))}
		if a.dom == inList {
			a.view = viewItems
		}
		return a
	case slotSeen:
		return &atom{in: input{slotSeen, i}, slot: i, op: opAtLeast, dom: inInt, num: 1}
	case slotField, slotVar:
		if a := c.operand(e, ""); a != nil && a.dom == inBool {
			a.op = opTrue
			return a
		}
	}
	return nil
}

func domainOf(t *types.Type) domain {
	switch {
	case t.IsExactType(types.IntType):
		return inInt
	case t.IsExactType(types.DoubleType):
		return inFloat
	case t.IsExactType(types.BoolType):
		return inBool
	case t.IsExactType(types.TimestampType):
		return inTime
	case t.IsExactType(types.DurationType):
		return inDuration
	case t.IsExactType(stringList):
		return inList
	}
	return inText
}

// operand recognises what an atom can be about, or returns nil.
func (c *compiler) operand(e ast.Expr, loop string) *atom {
	if loop != "" {
		if e.Kind() == ast.IdentKind && e.AsIdent() == loop {
			return &atom{in: input{kind: slotItem}}
		}
		return nil
	}
	if i, s := c.slotOf(e); s != nil {
		switch s.kind {
		case slotField:
			return &atom{in: input{slotField, int(s.at)}, slot: i, dom: domainOf(celType(c.set.env.schema.At(int(s.at)).Kind))}
		case slotVar:
			return &atom{in: input{slotVar, int(s.at)}, slot: i, dom: domainOf(celType(c.set.env.vars[s.at].Kind))}
		case slotCount:
			return &atom{in: input{slotCount, i}, slot: i, dom: inInt}
		case slotSince:
			return &atom{in: input{slotSince, i}, slot: i, dom: inDuration}
		}
		return nil
	}
	if e.Kind() != ast.CallKind {
		return nil
	}
	call := e.AsCall()
	switch fn := call.FunctionName(); {
	case (fn == "lowerAscii" || fn == "upperAscii") && call.IsMemberFunction():
		a := c.operand(call.Target(), "")
		if a == nil || a.view != viewSelf {
			return nil
		}
		a.view = viewLower
		if fn == "upperAscii" {
			a.view = viewUpper
		}
		return a
	case fn == operators.Subtract:
		_, now := c.slotOf(call.Args()[0])
		if now == nil || now.kind != slotNow {
			return nil
		}
		a := c.operand(call.Args()[1], "")
		if a == nil || a.dom != inTime || a.view != viewSelf {
			return nil
		}
		a.view, a.dom = viewAge, inDuration
		return a
	}
	return nil
}

func (c *compiler) comparisonAtom(call ast.CallExpr, loop string) *atom {
	op := atomOps[call.FunctionName()]
	left, right := call.Args()[0], call.Args()[1]
	if left.Kind() == ast.LiteralKind {
		op, left, right = atomOps[flipped(call.FunctionName(), true)], right, left
	}
	if right.Kind() != ast.LiteralKind {
		return nil
	}
	a := c.operand(left, loop)
	if a == nil {
		return nil
	}
	a.op = op
	if !a.constant(right.AsLiteral()) {
		return nil
	}
	return a
}

// constant makes v what the atom compares with.
func (a *atom) constant(v ref.Val) bool {
	switch v := v.(type) {
	case types.String:
		a.text = string(v)
		return a.dom == inText
	case types.Int:
		a.num = int64(v)
		return a.dom == inInt
	case types.Double:
		a.float = float64(v)
		return a.dom == inFloat
	case types.Timestamp:
		a.time = v.UTC()
		return a.dom == inTime
	case types.Duration:
		a.num = int64(v.Duration)
		return a.dom == inDuration
	case types.Bool:
		if v {
			a.num = 1
		}
		return a.dom == inBool
	}
	return false
}

func (c *compiler) inAtom(call ast.CallExpr, loop string) *atom {
	left, right := call.Args()[0], call.Args()[1]
	if left.Kind() == ast.LiteralKind {
		a := c.operand(right, loop)
		text, ok := stringLiteral(left)
		if a == nil || a.dom != inList || !ok {
			return nil
		}
		return exists(a, &cond{atom: &atom{in: input{kind: slotItem}, op: opEqual, text: text}})
	}
	if right.Kind() != ast.ListKind || len(right.AsList().Elements()) == 0 {
		return nil
	}
	a := c.operand(left, loop)
	if a == nil {
		return nil
	}
	for _, x := range right.AsList().Elements() {
		if x.Kind() != ast.LiteralKind || !a.constant(x.AsLiteral()) {
			return nil
		}
		switch a.dom {
		case inText:
			a.texts = append(a.texts, a.text)
		case inFloat:
			a.floats = append(a.floats, a.float)
		case inInt:
			a.nums = append(a.nums, a.num)
		default:
			return nil
		}
	}
	a.op = opIn
	return a
}

func exists(list *atom, item *cond) *atom {
	list.op, list.view, list.item = opExists, viewItems, item
	return list
}

func (c *compiler) textAtom(call ast.CallExpr, loop string) *atom {
	target, arg := call.Target(), call.Args()[len(call.Args())-1]
	if !call.IsMemberFunction() {
		target = call.Args()[0]
	}
	text, ok := stringLiteral(arg)
	if !ok {
		return nil
	}
	a := c.operand(target, loop)
	if a == nil || a.dom != inText {
		return nil
	}
	a.text = text
	if call.FunctionName() == overloads.Matches {
		a.op, a.pattern = opMatches, regexp.MustCompile(text) // checked when lowered
		return a
	}
	a.op = atomOps[call.FunctionName()]
	return a
}

// existsAtom recognises list.exists(x, …) and, through its negation, nothing
// else: all() is handled where negations are.
func (c *compiler) existsAtom(e ast.Expr) *atom {
	m := macroOf(e.AsComprehension())
	if m.kind != macroExists {
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
	return exists(a, item)
}

// itemCond recognises a condition on a loop variable alone.
func (c *compiler) itemCond(e ast.Expr, loop string) *cond {
	if v, ok := boolLiteral(e); ok {
		return constantCond(v)
	}
	if isOperator(e, operators.LogicalNot, operators.LogicalAnd, operators.LogicalOr) {
		out := &cond{op: condOps[e.AsCall().FunctionName()]}
		for _, x := range e.AsCall().Args() {
			k := c.itemCond(x, loop)
			if k == nil {
				return nil
			}
			out.kids = append(out.kids, k)
		}
		return out
	}
	if a := c.atom(e, loop); a != nil {
		return &cond{atom: a}
	}
	return nil
}

var condOps = map[string]condOp{
	operators.LogicalNot: condNot, operators.LogicalAnd: condAnd, operators.LogicalOr: condOr,
}

func boolLiteral(e ast.Expr) (v, ok bool) {
	if e.Kind() != ast.LiteralKind {
		return false, false
	}
	b, ok := e.AsLiteral().(types.Bool)
	return bool(b), ok
}

func constantCond(v bool) *cond {
	if v {
		return &cond{op: condTrue}
	}
	return &cond{op: condFalse}
}

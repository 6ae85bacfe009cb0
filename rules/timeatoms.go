package rules

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// timeAtoms collects the parts of a lowered expression that time can change.
func (c *compiler) timeAtoms(e ast.Expr) {
	if !c.timed(e) {
		return
	}
	switch e.Kind() {
	case ast.IdentKind:
		c.timeIdent(e.AsIdent())
	case ast.SelectKind:
		if c.activityTime(e) {
			c.addTime(timeAtom{kind: timeAnyFuture})
			return
		}
		c.timeAtoms(e.AsSelect().Operand())
	case ast.CallKind:
		c.timeCall(e)
	default:
		for _, x := range children(e) {
			c.timeAtoms(x)
		}
	}
}

func (c *compiler) slotOf(e ast.Expr) (int, *slot) {
	if e.Kind() == ast.IdentKind {
		if i, ok := c.set.slotAt[e.AsIdent()]; ok {
			return i, &c.set.slots[i]
		}
	}
	return -1, nil
}

// timed reports whether e holds an input that depends on the moment.
func (c *compiler) timed(e ast.Expr) bool {
	return c.any(e, func(x ast.Expr) bool {
		_, s := c.slotOf(x)
		return s != nil && s.timed() || c.activityTime(x)
	})
}

// moves reports whether e holds the moment itself, or something that moves
// with it. What windows count does not: it jumps.
func (c *compiler) moves(e ast.Expr) bool {
	return c.any(e, func(x ast.Expr) bool {
		_, s := c.slotOf(x)
		return s != nil && s.timed() && s.window == 0 || c.activityTime(x)
	})
}

func (s *slot) timed() bool {
	switch s.kind {
	case slotNow, slotLast, slotSince:
		return true
	case slotCount, slotSeen:
		return s.window > 0
	}
	return false
}

// activityTime reports whether e is the time of an activity of the raw list.
func (c *compiler) activityTime(e ast.Expr) bool {
	if e.Kind() != ast.SelectKind || e.AsSelect().FieldName() != "at" || e.AsSelect().IsTestOnly() {
		return false
	}
	t := c.ast.GetType(e.AsSelect().Operand().ID())
	return t.Kind() == types.StructKind && t.TypeName() == activityType.TypeName()
}

func (c *compiler) any(e ast.Expr, f func(ast.Expr) bool) bool {
	found := false
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(x ast.Expr) { found = found || f(x) }))
	return found
}

func (c *compiler) timeIdent(name string) {
	i, ok := c.set.slotAt[name]
	if !ok {
		return
	}
	switch s := &c.set.slots[i]; s.kind {
	case slotNow, slotSince:
		c.addTime(timeAtom{kind: timeOther})
	case slotLast:
		c.addTime(timeAtom{kind: timeFuture, slot: i})
	case slotCount, slotSeen:
		if s.window > 0 {
			c.addTime(timeAtom{kind: timeWindow, slot: i})
		}
	}
}

// addTime adds an atom that is no sum once.
func (c *compiler) addTime(a timeAtom) {
	if !slices.ContainsFunc(c.times, func(b timeAtom) bool { return a.kind == b.kind && a.slot == b.slot }) {
		c.times = append(c.times, a)
	}
}

func (c *compiler) timeCall(e ast.Expr) {
	if isOperator(e, comparisons...) && c.timeComparison(e.AsCall()) || c.timeAccessor(e.AsCall()) {
		return
	}
	for _, x := range children(e) {
		c.timeAtoms(x)
	}
}

// addSum adds an atom about a sum, and what else can change its terms.
func (c *compiler) addSum(a timeAtom, terms []ast.Expr) {
	c.times = append(c.times, a)
	for _, x := range terms {
		c.timeAtoms(x)
	}
}

// timeComparison understands comparisons of sums of timestamps and durations,
// and reports whether it did.
func (c *compiler) timeComparison(call ast.CallExpr) bool {
	var l linear
	if !c.linear(call.Args()[0], false, &l) || !c.linear(call.Args()[1], true, &l) {
		return false
	}
	c.addSum(timeAtom{kind: timeCompare, fn: call.FunctionName(), sum: new(l.sum)}, l.timed)
	return true
}

// timeAccessor understands the accessors of such sums, as in
// since("reply").getHours() and now.getDayOfWeek("Europe/Berlin").
func (c *compiler) timeAccessor(call ast.CallExpr) bool {
	fn, operands := call.FunctionName(), call.Args()
	if call.IsMemberFunction() {
		operands = append([]ast.Expr{call.Target()}, operands...)
	}
	var l linear
	if spans[fn] == nil && clocks[fn] == nil && fn != overloads.TypeConvertInt ||
		len(operands) > 2 || !c.linear(operands[0], false, &l) {
		return false
	}
	a := timeAtom{fn: fn, sum: new(l.sum)}
	switch span := c.ast.GetType(operands[0].ID()).IsExactType(types.DurationType); {
	case span && spans[fn] != nil && len(operands) == 1:
		a.kind = timeSpan
	case !span && fn == overloads.TypeConvertInt && len(operands) == 1, !span && clocks[fn] != nil:
		a.kind = timeClock
	default:
		return false
	}
	if len(operands) == 2 {
		zone := operands[1]
		at, ok := c.term(zone)
		if !ok {
			return false
		}
		a.zone = &at
		l.timed = append(l.timed, zone)
	}
	c.addSum(a, l.timed)
	return true
}

// linear collects a sum.
type linear struct {
	sum
	timed []ast.Expr // terms that depend on the moment in their own way
}

// linear adds e, or its negative, to l. It fails on anything that is not a sum
// of timestamps and durations.
func (c *compiler) linear(e ast.Expr, negative bool, l *linear) bool {
	t := c.ast.GetType(e.ID())
	if !t.IsExactType(types.TimestampType) && !t.IsExactType(types.DurationType) {
		return false
	}
	i, s := c.slotOf(e)
	switch {
	case s != nil && s.kind == slotNow:
		l.now += sign(negative)
		return true
	case c.activityTime(e):
		// Of two activities, each would have to be paired with each.
		if l.each {
			return false
		}
		l.each = true
		l.terms = append(l.terms, term{kind: termEach, negative: negative})
		return true
	case s != nil && s.kind == slotSince:
		l.terms = append(l.terms, term{kind: termSince, negative: negative, slot: i})
		return true
	case s != nil && s.kind == slotLast:
		l.terms = append(l.terms, term{kind: termLast, negative: negative, slot: i})
		return true
	case isOperator(e, operators.Add, operators.Subtract) && c.timed(e):
		args := e.AsCall().Args()
		minus := e.AsCall().FunctionName() == operators.Subtract
		terms, now := len(l.terms), l.now
		if !c.linear(args[0], negative, l) || !c.linear(args[1], negative != minus, l) {
			return false
		}
		// Inside a side that is subtracted, everything is negated twice.
		own := slices.Clone(l.terms[terms:])
		for k := range own {
			own[k].negative = own[k].negative != negative
		}
		l.edges = append(l.edges, edge{
			timestamp: t.IsExactType(types.TimestampType), now: (l.now - now) * sign(negative), terms: own,
		})
		return true
	}
	at, ok := c.term(e)
	if !ok {
		return false
	}
	at.negative = negative
	l.terms = append(l.terms, at)
	l.timed = append(l.timed, e)
	return true
}

func sign(negative bool) int {
	if negative {
		return -1
	}
	return 1
}

// term is a value that does not move with the moment.
func (c *compiler) term(e ast.Expr) (term, bool) {
	if e.Kind() == ast.LiteralKind {
		return term{kind: termValue, value: e.AsLiteral()}, true
	}
	if !c.closed(e) || c.moves(e) {
		return term{}, false
	}
	if i, s := c.slotOf(e); s != nil {
		return term{kind: termSlot, slot: i}, true
	}
	program, err := c.program(ast.NewCheckedAST(ast.NewAST(e, c.ast.SourceInfo()), c.ast.TypeMap(), c.ast.ReferenceMap()))
	return term{kind: termProgram, program: program}, err == nil
}

// closed reports whether e uses no loop variable from outside of it.
func (c *compiler) closed(e ast.Expr) bool {
	return !c.any(e, func(x ast.Expr) bool {
		_, s := c.slotOf(x)
		return x.Kind() == ast.ComprehensionKind || x.Kind() == ast.IdentKind && s == nil
	})
}

package rules

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
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
		c.timeAtoms(e.AsSelect().Operand())
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			c.timeAtoms(x)
		}
	case ast.MapKind:
		for _, x := range e.AsMap().Entries() {
			c.timeAtoms(x.AsMapEntry().Key())
			c.timeAtoms(x.AsMapEntry().Value())
		}
	case ast.ComprehensionKind:
		comp := e.AsComprehension()
		for _, x := range []ast.Expr{comp.IterRange(), comp.AccuInit(), comp.LoopCondition(), comp.LoopStep(), comp.Result()} {
			c.timeAtoms(x)
		}
	case ast.CallKind:
		c.timeCall(e)
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
func (c *compiler) timed(e ast.Expr) bool { return c.any(e, func(s *slot) bool { return s.timed() }) }

func (s *slot) timed() bool {
	switch s.kind {
	case slotNow, slotActivities, slotLast, slotSince:
		return true
	case slotCount, slotSeen:
		return s.window > 0
	}
	return false
}

func (c *compiler) any(e ast.Expr, f func(*slot) bool) bool {
	found := false
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(x ast.Expr) {
		if _, s := c.slotOf(x); s != nil && f(s) {
			found = true
		}
	}))
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
	case slotActivities:
		c.addTime(timeAtom{kind: timeAnyFuture})
	case slotLast:
		c.addTime(timeAtom{kind: timeFuture, slot: i})
	case slotCount, slotSeen:
		if s.window > 0 {
			c.addTime(timeAtom{kind: timeWindow, slot: i})
		}
	}
}

// addTime adds an atom that has no terms once.
func (c *compiler) addTime(a timeAtom) {
	if !slices.ContainsFunc(c.times, func(b timeAtom) bool {
		return len(b.terms) == 0 && a.kind == b.kind && a.slot == b.slot && a.step == b.step
	}) {
		c.times = append(c.times, a)
	}
}

func (c *compiler) timeCall(e ast.Expr) {
	call := e.AsCall()
	if step := calendar[call.FunctionName()]; step > 0 && call.IsMemberFunction() {
		if _, s := c.slotOf(call.Target()); s != nil && s.kind == slotNow {
			c.addTime(timeAtom{kind: timeCalendar, step: step})
			for _, x := range call.Args() {
				c.timeAtoms(x)
			}
			return
		}
	}
	if isOperator(e, comparisons...) && c.timeComparison(call) {
		return
	}
	if call.IsMemberFunction() {
		c.timeAtoms(call.Target())
	}
	for _, x := range call.Args() {
		c.timeAtoms(x)
	}
}

// linear is n times now plus a sum of terms.
type linear struct {
	now   int
	terms []term
	since []int      // slots of since among them
	timed []ast.Expr // terms that depend on the moment in their own way
	edges []edge
}

// timeComparison understands comparisons that are linear in the moment, and
// reports whether it did.
func (c *compiler) timeComparison(call ast.CallExpr) bool {
	var l linear
	if !c.linear(call.Args()[0], false, &l) || !c.linear(call.Args()[1], true, &l) ||
		l.now != 1 && l.now != -1 || len(l.since) > 1 {
		return false
	}
	c.times = append(c.times, timeAtom{
		kind: timeCompare, op: flipped(call.FunctionName(), l.now < 0), terms: flip(l.terms, l.now > 0), edges: l.edges,
	})
	for _, i := range l.since {
		c.addTime(timeAtom{kind: timeHeld, slot: i})
	}
	for _, x := range l.timed {
		c.timeAtoms(x)
	}
	return true
}

func flip(terms []term, negate bool) []term {
	if negate {
		for i := range terms {
			terms[i].negative = !terms[i].negative
		}
	}
	return terms
}

// flipped is the operator with its sides exchanged.
func flipped(op string, exchange bool) string {
	if !exchange {
		return op
	}
	switch op {
	case operators.Less:
		return operators.Greater
	case operators.LessEquals:
		return operators.GreaterEquals
	case operators.Greater:
		return operators.Less
	case operators.GreaterEquals:
		return operators.LessEquals
	}
	return op
}

// linear adds e, or its negative, to l. It fails on anything that is not a sum
// of timestamps and durations.
func (c *compiler) linear(e ast.Expr, negative bool, l *linear) bool {
	t := c.ast.GetType(e.ID())
	if !t.IsExactType(types.TimestampType) && !t.IsExactType(types.DurationType) {
		return false
	}
	sign := 1
	if negative {
		sign = -1
	}
	i, s := c.slotOf(e)
	switch {
	case s != nil && s.kind == slotNow:
		l.now += sign
		return true
	case s != nil && s.kind == slotSince:
		l.now += sign
		l.since = append(l.since, i)
		l.terms = append(l.terms, term{negative: !negative, slot: i})
		return true
	case isOperator(e, operators.Add, operators.Subtract) && c.timed(e):
		args := e.AsCall().Args()
		minus := e.AsCall().FunctionName() == operators.Subtract
		terms, now := len(l.terms), l.now
		if !c.linear(args[0], negative, l) || !c.linear(args[1], negative != minus, l) {
			return false
		}
		// Inside a side that is subtracted, everything is negated twice.
		if n := (l.now - now) * sign; n == 1 || n == -1 {
			own := flip(slices.Clone(l.terms[terms:]), negative)
			l.edges = append(l.edges, edge{negative: n < 0, timestamp: t.IsExactType(types.TimestampType), terms: own})
		}
		return true
	case e.Kind() == ast.LiteralKind:
		l.terms = append(l.terms, term{negative: negative, value: e.AsLiteral(), slot: -1})
		return true
	case s != nil:
		l.terms = append(l.terms, term{negative: negative, slot: i})
		l.timed = append(l.timed, e)
		return true
	}
	if !c.closed(e) || c.any(e, func(s *slot) bool { return s.timed() && s.window == 0 }) {
		return false
	}
	program, err := c.set.env.plan(ast.NewCheckedAST(ast.NewAST(e, c.ast.SourceInfo()), c.ast.TypeMap(), c.ast.ReferenceMap()))
	if err != nil {
		return false
	}
	l.terms = append(l.terms, term{negative: negative, slot: -1, program: program})
	l.timed = append(l.timed, e)
	return true
}

// closed reports whether e uses no loop variable from outside of it.
func (c *compiler) closed(e ast.Expr) bool {
	ok := true
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(x ast.Expr) {
		switch x.Kind() {
		case ast.ComprehensionKind:
			ok = false
		case ast.IdentKind:
			if _, s := c.slotOf(x); s == nil {
				ok = false
			}
		}
	}))
	return ok
}

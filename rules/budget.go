package rules

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// A unit of cost takes what is compiled well under a tenth of a microsecond
// and, where it makes anything, ten bytes; cel-go takes several times that.
const guardedShare = 5

// maxMerges is how often cel-go may combine what is missing in one
// evaluation, times the inputs there are to combine: each takes it a kilobyte.
const maxMerges = 12_000

// guardedCost is what a rule that is left to cel-go may cost.
func (l Limits) guardedCost() uint64 { return l.Cost / guardedShare }

// merges is how much of what is missing cel-go may have to combine.
func (c *compiler) merges(root ast.Expr) int {
	inputs := map[int]bool{}
	reads := 0
	var walk func(e ast.Expr, times int)
	walk = func(e ast.Expr, times int) {
		if i, s := c.slotOf(e); s != nil && (s.kind == slotField || s.kind == slotHas || s.kind == slotVar) {
			inputs[i] = true
			reads = min(reads+times, 1<<30)
		}
		if e.Kind() != ast.ComprehensionKind {
			for _, x := range children(e) {
				walk(x, times)
			}
			return
		}
		comp := e.AsComprehension()
		each := min(times*c.longest(comp.IterRange()), 1<<30)
		walk(comp.IterRange(), times)
		walk(comp.AccuInit(), times)
		walk(comp.LoopCondition(), each)
		walk(comp.LoopStep(), each)
		walk(comp.Result(), times)
	}
	walk(root, 1)
	return reads * max(len(inputs), 1)
}

// longest is how many items a list can have.
func (c *compiler) longest(e ast.Expr) int {
	limits := c.set.env.limits
	if _, s := c.slotOf(e); s != nil && s.kind == slotActivities {
		return limits.Activities
	}
	switch {
	case e.Kind() == ast.ListKind:
		return len(e.AsList().Elements())
	case e.Kind() == ast.MapKind:
		return len(e.AsMap().Entries())
	case e.Kind() == ast.ComprehensionKind:
		return c.longest(e.AsComprehension().IterRange())
	case isOperator(e, operators.Add):
		return c.longest(e.AsCall().Args()[0]) + c.longest(e.AsCall().Args()[1])
	case isOperator(e, operators.Conditional):
		return max(c.longest(e.AsCall().Args()[1]), c.longest(e.AsCall().Args()[2]))
	}
	return max(limits.ListItems, 1)
}

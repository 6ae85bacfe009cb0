package rules

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// macro is a comprehension as it was written.
type macro struct {
	kind macroKind
	over ast.Expr
	loop string
	body ast.Expr // the condition; nil for map without one
	make ast.Expr // map: what each item becomes
}

type macroKind uint8

const (
	macroOther macroKind = iota
	macroAll
	macroExists
	macroExistsOne
	macroFilter
	macroMap
)

// macroOf undoes the expansion of the parser.
func macroOf(c ast.ComprehensionExpr) macro {
	m := macro{over: c.IterRange(), loop: c.IterVar()}
	if c.HasIterVar2() {
		return m
	}
	init, step := c.AccuInit(), c.LoopStep()
	accu := func(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == c.AccuVar() }
	if v, ok := boolLiteral(init); ok {
		op, kind := operators.LogicalOr, macroExists
		if v {
			op, kind = operators.LogicalAnd, macroAll
		}
		if isOperator(step, op) && accu(step.AsCall().Args()[0]) && accu(c.Result()) {
			m.kind, m.body = kind, step.AsCall().Args()[1]
		}
		return m
	}
	if init.Kind() == ast.LiteralKind && init.AsLiteral() == types.Int(0) {
		if isOperator(step, operators.Conditional) && isOperator(c.Result(), operators.Equals) {
			m.kind, m.body = macroExistsOne, step.AsCall().Args()[0]
		}
		return m
	}
	if init.Kind() != ast.ListKind || len(init.AsList().Elements()) > 0 || !accu(c.Result()) {
		return m
	}
	add := step
	if isOperator(step, operators.Conditional) {
		m.body, add = step.AsCall().Args()[0], step.AsCall().Args()[1]
	}
	if !isOperator(add, operators.Add) || !accu(add.AsCall().Args()[0]) {
		return m
	}
	list := add.AsCall().Args()[1]
	if list.Kind() != ast.ListKind || len(list.AsList().Elements()) != 1 {
		return m
	}
	m.make = list.AsList().Elements()[0]
	m.kind = macroMap
	if m.body != nil && m.make.Kind() == ast.IdentKind && m.make.AsIdent() == m.loop {
		m.kind = macroFilter
	}
	return m
}

package scoring

import (
	"math"

	"github.com/leadloop/leadloop"
)

// formula is the score expression for groups that are known: the same numbers
// as its bounds give at a point, without looking for names.
type formula struct {
	op    formulaOp
	value float64
	group int
	args  [3]*formula
}

type formulaOp uint8

const (
	opNumber formulaOp = iota
	opGroup
	opNegative
	opPlus
	opMinus
	opTimes
	opOver
	opMin
	opMax
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opEqual
	opNotEqual
	opAnd
	opOr
	opNot
	opChoice
	opSame
)

var formulaOps = map[string]formulaOp{
	"number": opNumber, "variable": opGroup, "neg": opNegative, "+": opPlus, "-": opMinus, "*": opTimes, "/": opOver,
	"min": opMin, "max": opMax, "<": opLess, "<=": opLessEqual, ">": opGreater, ">=": opGreaterEqual, "==": opEqual, "!=": opNotEqual,
	"&&": opAnd, "||": opOr, "!": opNot, "?:": opChoice, "double": opSame,
}

// compile takes a term of a checked score expression.
func (t *term) compile(m *Model) *formula {
	f := &formula{op: formulaOps[t.op], value: t.val}
	for i, g := range m.groups {
		if t.op == "variable" && g.name == t.name {
			f.group = i
		}
	}
	for i, a := range t.args {
		f.args[i] = a.compile(m)
	}
	return f
}

// at computes. Conversions keep a compiler from fusing two operations into one,
// which would round once where CEL rounds twice.
func (f *formula) at(groups []leadloop.Points) float64 {
	switch f.op {
	case opNumber:
		return f.value
	case opGroup:
		return groups[f.group].Float()
	case opChoice:
		if f.args[0].at(groups) != 0 {
			return f.args[1].at(groups)
		}
		return f.args[2].at(groups)
	}
	a := f.args[0].at(groups)
	switch f.op {
	case opNegative:
		return -a
	case opNot:
		return 1 - a
	case opSame:
		return a
	}
	b := f.args[1].at(groups)
	switch f.op {
	case opPlus:
		return float64(a + b)
	case opMinus:
		return float64(a - b)
	case opTimes:
		return float64(a * b)
	case opOver:
		return float64(a / b)
	case opMin:
		return min(a, b)
	case opMax:
		return max(a, b)
	case opLess:
		return oneIf(a < b)
	case opLessEqual:
		return oneIf(a <= b)
	case opGreater:
		return oneIf(a > b)
	case opGreaterEqual:
		return oneIf(a >= b)
	case opEqual:
		return oneIf(a == b)
	case opNotEqual:
		return oneIf(a != b)
	case opAnd:
		return min(a, b)
	case opOr:
		return max(a, b)
	}
	return math.NaN()
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

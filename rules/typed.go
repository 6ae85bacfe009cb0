package rules

import (
	"fmt"
	"math"
	"slices"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/leadloop/leadloop"
)

// code is a compiled expression of a Go type: bool, int64, float64, string,
// time.Time, time.Duration, list (of strings), []int64, []float64 or attrs.
// If the note is not 0 there is no value.
type code[T any] func(x *exec) (T, note)

// constant is an expression whose value is known.
type constant[T any] struct{ value T }

func (constant[T]) constant() {}

// list is a list of strings: of a field, or made by an expression.
type list struct {
	field *leadloop.Value
	own   []string
}

func (l list) len() int {
	if l.field != nil {
		return l.field.Len()
	}
	return len(l.own)
}

func (l list) at(i int) string {
	if l.field != nil {
		return l.field.At(i)
	}
	return l.own[i]
}

// attrs are the attributes of an activity.
type attrs map[string]string

// coder compiles a checked and lowered expression into typed closures. What it
// does not know how to compile it leaves to cel-go, and says why.
type coder struct {
	c      *compiler
	loops  []loop
	places int // lists that the rule makes
	depth  int // deepest nesting of loops
	why    string
}

type loop struct {
	name string
	kind loopKind
}

type loopKind uint8

const (
	overTexts loopKind = iota
	overInts
	overFloats
	overActivities
)

// no says what can't be compiled; the first reason is kept.
func (k *coder) no(format string, args ...any) any {
	if k.why == "" {
		k.why = fmt.Sprintf(format, args...)
	}
	return nil
}

// as makes an expression of a known type callable.
func as[T any](e any) code[T] {
	switch e := e.(type) {
	case code[T]:
		return e
	case constant[T]:
		v := e.value
		return func(*exec) (T, note) { return v, 0 }
	}
	return nil
}

// is reports whether e is of type T.
func is[T any](e any) bool {
	switch e.(type) {
	case code[T], constant[T]:
		return true
	}
	return false
}

func (k *coder) typeOf(e ast.Expr) *types.Type { return k.c.ast.GetType(e.ID()) }

// code compiles e. It returns a code or constant, or nil if it can't.
func (k *coder) code(e ast.Expr) any {
	switch e.Kind() {
	case ast.LiteralKind:
		return k.literal(e.AsLiteral())
	case ast.IdentKind:
		return k.ident(e)
	case ast.SelectKind:
		return k.selection(e.AsSelect())
	case ast.CallKind:
		return k.call(e)
	case ast.ListKind:
		return k.list(e)
	case ast.ComprehensionKind:
		return k.macro(e)
	case ast.MapKind:
		return k.no("a map that is not a table of constants")
	}
	return k.no("an expression of another kind")
}

// codes compiles several expressions; nil if any can't be.
func (k *coder) codes(list ...ast.Expr) []any {
	out := make([]any, len(list))
	for i, e := range list {
		if out[i] = k.code(e); out[i] == nil {
			return nil
		}
	}
	return out
}

func (k *coder) literal(v ref.Val) any {
	switch v := v.(type) {
	case types.Bool:
		return constant[bool]{bool(v)}
	case types.Int:
		return constant[int64]{int64(v)}
	case types.Double:
		return constant[float64]{float64(v)}
	case types.String:
		return constant[string]{string(v)}
	case types.Timestamp:
		return constant[time.Time]{v.Time}
	case types.Duration:
		return constant[time.Duration]{v.Duration}
	}
	return k.no("a constant of another type")
}

func (k *coder) ident(e ast.Expr) any {
	name := e.AsIdent()
	for i := len(k.loops) - 1; i >= 0; i-- {
		if k.loops[i].name != name {
			continue
		}
		switch k.loops[i].kind {
		case overTexts:
			return code[string](func(x *exec) (string, note) { return x.locals[i].text, 0 })
		case overInts:
			return code[int64](func(x *exec) (int64, note) { return x.locals[i].num, 0 })
		case overFloats:
			return code[float64](func(x *exec) (float64, note) { return x.locals[i].float, 0 })
		}
		return k.no("an activity as a value")
	}
	i, s := k.c.slotOf(e)
	if s == nil {
		return k.no("the name %s", name)
	}
	kind := leadloop.KindInt
	switch s.kind {
	case slotField:
		kind = k.c.set.env.schema.At(int(s.at)).Kind
		if e := k.field(i, int(s.at), kind); e != nil {
			return e
		}
	case slotVar:
		kind = k.c.set.env.vars[s.at].Kind
	case slotHas, slotSeen:
		kind = leadloop.KindBool
	case slotNow, slotLast:
		kind = leadloop.KindTime
	case slotSince:
		return code[time.Duration](func(x *exec) (time.Duration, note) { c := x.slot(i); return time.Duration(c.num), c.note })
	case slotActivities:
		return k.no("the activities as a value")
	}
	switch kind {
	case leadloop.KindString:
		return code[string](func(x *exec) (string, note) { c := x.slot(i); return c.text, c.note })
	case leadloop.KindInt:
		return code[int64](func(x *exec) (int64, note) { c := x.slot(i); return c.num, c.note })
	case leadloop.KindFloat:
		return code[float64](func(x *exec) (float64, note) { c := x.slot(i); return c.float, c.note })
	case leadloop.KindBool:
		return code[bool](func(x *exec) (bool, note) { c := x.slot(i); return c.num != 0, c.note })
	case leadloop.KindTime:
		return code[time.Time](func(x *exec) (time.Time, note) { c := x.slot(i); return c.time, c.note })
	case leadloop.KindStrings:
		return code[list](func(x *exec) (list, note) { c := x.slot(i); return list{field: &c.list}, c.note })
	}
	return k.no("an input of another type")
}

// field reads a number or bool straight from the profile, if it is there.
func (k *coder) field(slot, at int, kind leadloop.Kind) any {
	word, _ := k.c.set.env.schema.Place(at)
	switch kind {
	case leadloop.KindInt:
		return code[int64](func(x *exec) (int64, note) {
			if x.row.Marks[at].Presence() == leadloop.Present {
				return int64(x.row.Words[word]), 0
			}
			return 0, x.slot(slot).note
		})
	case leadloop.KindFloat:
		return code[float64](func(x *exec) (float64, note) {
			if x.row.Marks[at].Presence() == leadloop.Present {
				return math.Float64frombits(x.row.Words[word]), 0
			}
			return 0, x.slot(slot).note
		})
	case leadloop.KindBool:
		return code[bool](func(x *exec) (bool, note) {
			if x.row.Marks[at].Presence() == leadloop.Present {
				return x.row.Words[word] != 0, 0
			}
			return false, x.slot(slot).note
		})
	}
	return nil
}

// resultCode makes an expression the result of a rule.
func resultCode(want leadloop.Kind, e any) code[leadloop.Value] {
	switch {
	case is[bool](e):
		return valueCode(as[bool](e))
	case is[int64](e) && want == leadloop.KindFloat:
		f := as[int64](e)
		return valueCode(code[float64](func(x *exec) (float64, note) { v, n := f(x); return float64(v), n }))
	case is[int64](e):
		return valueCode(as[int64](e))
	case is[float64](e):
		f := as[float64](e)
		return valueCode(code[float64](func(x *exec) (float64, note) {
			v, n := f(x)
			if n == 0 && (math.IsNaN(v) || math.IsInf(v, 0)) {
				n = noteNotFinite
			}
			return v, n
		}))
	case is[string](e):
		return valueCode(as[string](e))
	case is[time.Time](e):
		return valueCode(as[time.Time](e))
	case is[list](e):
		f := as[list](e)
		return func(x *exec) (leadloop.Value, note) {
			l, n := f(x)
			if n != 0 {
				return leadloop.Value{}, n
			}
			if l.field != nil {
				return *l.field, 0
			}
			return leadloop.ValueOf(l.own), 0
		}
	}
	return nil
}

func valueCode[T leadloop.FieldType](f code[T]) code[leadloop.Value] {
	return func(x *exec) (leadloop.Value, note) {
		v, n := f(x)
		if n != 0 {
			return leadloop.Value{}, n
		}
		return leadloop.ValueOf(v), 0
	}
}

func (k *coder) call(e ast.Expr) any {
	call := e.AsCall()
	args := call.Args()
	switch fn := call.FunctionName(); fn {
	case operators.LogicalAnd, operators.LogicalOr:
		return k.logic(fn == operators.LogicalOr, args[0], args[1])
	case operators.LogicalNot:
		a := as[bool](k.code(args[0]))
		if a == nil {
			return nil
		}
		return code[bool](func(x *exec) (bool, note) { v, n := a(x); return !v, n })
	case operators.Conditional:
		return k.conditional(args)
	case operators.In:
		return k.in(args[0], args[1])
	case operators.Index:
		return k.index(args[0], args[1])
	}
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	if call.FunctionName() == "size" && k.isActivities(args[0]) {
		i, _ := k.c.slotOf(args[0])
		return code[int64](func(x *exec) (int64, note) { return int64(len(x.facts.Activities)), x.slot(i).note })
	}
	operands := k.codes(args...)
	if operands == nil {
		return nil
	}
	var out any
	switch len(operands) {
	case 1:
		out = k.unary(call.FunctionName(), operands[0], k.typeOf(e))
	case 2:
		out = k.binary(call.FunctionName(), operands[0], operands[1])
	}
	if out == nil {
		return k.no("%s here", displayName(call.FunctionName()))
	}
	return out
}

func (k *coder) isActivities(e ast.Expr) bool {
	_, s := k.c.slotOf(e)
	return s != nil && s.kind == slotActivities
}

func (k *coder) logic(or bool, left, right ast.Expr) any {
	a, b := as[bool](k.code(left)), as[bool](k.code(right))
	if a == nil || b == nil {
		return nil
	}
	return code[bool](func(x *exec) (bool, note) {
		v, n := a(x)
		if n == 0 && v == or {
			return or, 0
		}
		w, m := b(x)
		if m == 0 && w == or {
			return or, 0
		}
		return !or, x.either(n, m)
	})
}

func (k *coder) conditional(args []ast.Expr) any {
	out := k.codes(args...)
	if out == nil {
		return nil
	}
	c, a, b := as[bool](out[0]), out[1], out[2]
	switch {
	case is[bool](a) && is[bool](b):
		return choose(c, as[bool](a), as[bool](b))
	case is[int64](a) && is[int64](b):
		return choose(c, as[int64](a), as[int64](b))
	case is[float64](a) && is[float64](b):
		return choose(c, as[float64](a), as[float64](b))
	case is[string](a) && is[string](b):
		return choose(c, as[string](a), as[string](b))
	case is[time.Time](a) && is[time.Time](b):
		return choose(c, as[time.Time](a), as[time.Time](b))
	case is[time.Duration](a) && is[time.Duration](b):
		return choose(c, as[time.Duration](a), as[time.Duration](b))
	case is[list](a) && is[list](b):
		return choose(c, as[list](a), as[list](b))
	}
	return k.no("? : of another type")
}

func choose[T any](c code[bool], a, b code[T]) code[T] {
	return func(x *exec) (T, note) {
		v, n := c(x)
		if n != 0 {
			var zero T
			return zero, n
		}
		if v {
			return a(x)
		}
		return b(x)
	}
}

// lift makes a function of values one of expressions.
func lift[A, R any](a code[A], f func(A) R) code[R] {
	return func(x *exec) (out R, n note) {
		v, n := a(x)
		if n != 0 {
			return out, n
		}
		return f(v), 0
	}
}

// lift2 is lift for two operands; f may err.
func lift2[A, B, R any](a code[A], b code[B], f func(A, B) (R, note)) code[R] {
	return func(x *exec) (out R, n note) {
		v, n := a(x)
		w, m := b(x)
		if n|m != 0 {
			return out, x.both(n, m)
		}
		return f(v, w)
	}
}

// found tells whether a value is one of a number of constants.
func found[T comparable](values []T) func(T) bool {
	if len(values) > 8 {
		set := map[T]bool{}
		for _, v := range values {
			set[v] = true
		}
		return func(v T) bool { return set[v] }
	}
	return func(v T) bool { return slices.Contains(values, v) }
}

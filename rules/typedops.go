package rules

import (
	"cmp"
	"context"
	"math"
	"strings"
	"time"

	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

func (k *coder) binary(fn string, a, b any) any {
	switch fn {
	case operators.Equals:
		return equality(a, b, false)
	case operators.NotEquals:
		return equality(a, b, true)
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return order(atomOps[fn], a, b)
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo, "min", "max":
		return k.arithmetic(fn, a, b)
	case overloads.Contains:
		return texts2(a, b, strings.Contains)
	case overloads.StartsWith:
		return texts2(a, b, strings.HasPrefix)
	case overloads.EndsWith:
		return texts2(a, b, strings.HasSuffix)
	case overloads.Matches:
		return k.matches(a, b)
	}
	if clocks[fn] != nil && is[time.Time](a) {
		return k.zoned(fn, as[time.Time](a), b)
	}
	return nil
}

func texts2(a, b any, f func(string, string) bool) any {
	s, t := as[string](a), as[string](b)
	if s == nil || t == nil {
		return nil
	}
	if c, ok := b.(constant[string]); ok {
		v := c.value
		return lift(s, func(s string) bool { return f(s, v) })
	}
	return lift2(s, t, func(s, t string) (bool, note) { return f(s, t), 0 })
}

func equality(a, b any, not bool) any {
	switch {
	case is[bool](a) && is[bool](b):
		return equal(as[bool](a), as[bool](b), not)
	case is[int64](a) && is[int64](b):
		return equal(as[int64](a), as[int64](b), not)
	case is[float64](a) && is[float64](b):
		return equal(as[float64](a), as[float64](b), not)
	case is[string](a) && is[string](b):
		return equal(as[string](a), as[string](b), not)
	case is[time.Duration](a) && is[time.Duration](b):
		return equal(as[time.Duration](a), as[time.Duration](b), not)
	case is[time.Time](a) && is[time.Time](b):
		return lift2(as[time.Time](a), as[time.Time](b), func(s, t time.Time) (bool, note) { return s.Equal(t) != not, 0 })
	case is[list](a) && is[list](b):
		return lift2(as[list](a), as[list](b), func(s, t list) (bool, note) {
			if s.len() != t.len() {
				return not, 0
			}
			for i := range s.len() {
				if s.at(i) != t.at(i) {
					return not, 0
				}
			}
			return !not, 0
		})
	}
	return nil
}

func equal[T comparable](a, b code[T], not bool) any {
	return lift2(a, b, func(v, w T) (bool, note) { return (v == w) != not, 0 })
}

func order(op atomOp, a, b any) any {
	switch {
	case is[int64](a) && is[int64](b):
		return compare(op, as[int64](a), as[int64](b))
	case is[string](a) && is[string](b):
		return compare(op, as[string](a), as[string](b))
	case is[time.Duration](a) && is[time.Duration](b):
		return compare(op, as[time.Duration](a), as[time.Duration](b))
	case is[time.Time](a) && is[time.Time](b):
		return lift2(as[time.Time](a), as[time.Time](b), func(s, t time.Time) (bool, note) { return holds(op, s.Compare(t)), 0 })
	case is[float64](a) && is[float64](b):
		return compare(op, as[float64](a), as[float64](b))
	case is[bool](a) && is[bool](b):
		number := func(b bool) int64 {
			if b {
				return 1
			}
			return 0
		}
		return compare(op, lift(as[bool](a), number), lift(as[bool](b), number))
	}
	return nil
}

// compare is false whatever the order for what is not a number, as in Go.
func compare[T cmp.Ordered](op atomOp, a, b code[T]) any {
	switch op {
	case opLess:
		return lift2(a, b, func(v, w T) (bool, note) { return v < w, 0 })
	case opAtMost:
		return lift2(a, b, func(v, w T) (bool, note) { return v <= w, 0 })
	case opMore:
		return lift2(a, b, func(v, w T) (bool, note) { return v > w, 0 })
	}
	return lift2(a, b, func(v, w T) (bool, note) { return v >= w, 0 })
}

func (k *coder) arithmetic(fn string, a, b any) any {
	switch {
	case is[int64](a) && is[int64](b):
		f := intOps[fn]
		return lift2(as[int64](a), as[int64](b), f)
	case is[float64](a) && is[float64](b):
		if f := floatOps[fn]; f != nil {
			return lift2(as[float64](a), as[float64](b), func(v, w float64) (float64, note) { return f(v, w), 0 })
		}
		return nil
	}
	switch fn {
	case operators.Add:
		return k.sum(a, b)
	case operators.Subtract:
		switch {
		case is[time.Time](a) && is[time.Time](b):
			return lift2(as[time.Time](a), as[time.Time](b), func(t, u time.Time) (time.Duration, note) {
				d, ok := subtractTimes(t, u)
				return d, unless(ok, noteRange)
			})
		case is[time.Time](a) && is[time.Duration](b):
			return lift2(as[time.Time](a), as[time.Duration](b), func(t time.Time, d time.Duration) (time.Time, note) {
				if d == math.MinInt64 {
					return t, noteRange
				}
				t, ok := addTime(t, -d)
				return t, unless(ok, noteTime)
			})
		case is[time.Duration](a) && is[time.Duration](b):
			return lift2(as[time.Duration](a), as[time.Duration](b), func(c, d time.Duration) (time.Duration, note) {
				v, ok := subtractInts(int64(c), int64(d))
				return time.Duration(v), unless(ok, noteRange)
			})
		}
	}
	return nil
}

func (k *coder) sum(a, b any) any {
	later := func(t time.Time, d time.Duration) (time.Time, note) {
		t, ok := addTime(t, d)
		return t, unless(ok, noteTime)
	}
	switch {
	case is[string](a) && is[string](b):
		return lift2(as[string](a), as[string](b), func(s, t string) (string, note) { return s + t, 0 })
	case is[time.Time](a) && is[time.Duration](b):
		return lift2(as[time.Time](a), as[time.Duration](b), later)
	case is[time.Duration](a) && is[time.Time](b):
		return lift2(as[time.Duration](a), as[time.Time](b), func(d time.Duration, t time.Time) (time.Time, note) { return later(t, d) })
	case is[time.Duration](a) && is[time.Duration](b):
		return lift2(as[time.Duration](a), as[time.Duration](b), func(c, d time.Duration) (time.Duration, note) {
			v, ok := addInts(int64(c), int64(d))
			return time.Duration(v), unless(ok, noteRange)
		})
	case is[list](a) && is[list](b):
		return k.concat(as[list](a), as[list](b))
	}
	return nil
}

func unless(ok bool, n note) note {
	if ok {
		return 0
	}
	return n
}

var intOps = map[string]func(v, w int64) (int64, note){
	operators.Add:      func(v, w int64) (int64, note) { r, ok := addInts(v, w); return r, unless(ok, noteRange) },
	operators.Subtract: func(v, w int64) (int64, note) { r, ok := subtractInts(v, w); return r, unless(ok, noteRange) },
	operators.Multiply: func(v, w int64) (int64, note) { r, ok := multiplyInts(v, w); return r, unless(ok, noteRange) },
	operators.Divide: func(v, w int64) (int64, note) {
		switch {
		case w == 0:
			return 0, noteDivision
		case v == math.MinInt64 && w == -1:
			return 0, noteRange
		}
		return v / w, 0
	},
	operators.Modulo: func(v, w int64) (int64, note) {
		switch {
		case w == 0:
			return 0, noteModulus
		case v == math.MinInt64 && w == -1:
			return 0, noteRange
		}
		return v % w, 0
	},
	"min": func(v, w int64) (int64, note) { return min(v, w), 0 },
	"max": func(v, w int64) (int64, note) { return max(v, w), 0 },
}

var floatOps = map[string]func(v, w float64) float64{
	operators.Add:      func(v, w float64) float64 { return v + w },
	operators.Subtract: func(v, w float64) float64 { return v - w },
	operators.Multiply: func(v, w float64) float64 { return v * w },
	operators.Divide:   func(v, w float64) float64 { return v / w },
	"min":              func(v, w float64) float64 { return min(v, w) },
	"max":              func(v, w float64) float64 { return max(v, w) },
}

// boxed is any value as cel-go has it.
func boxed(e any) code[ref.Val] {
	switch {
	case is[bool](e):
		return lift(as[bool](e), func(v bool) ref.Val { return types.Bool(v) })
	case is[int64](e):
		return lift(as[int64](e), func(v int64) ref.Val { return types.Int(v) })
	case is[float64](e):
		return lift(as[float64](e), func(v float64) ref.Val { return types.Double(v) })
	case is[string](e):
		return lift(as[string](e), func(v string) ref.Val { return types.String(v) })
	case is[time.Time](e):
		return lift(as[time.Time](e), func(v time.Time) ref.Val { return types.Timestamp{Time: v} })
	case is[time.Duration](e):
		return lift(as[time.Duration](e), func(v time.Duration) ref.Val { return types.Duration{Duration: v} })
	}
	return nil
}

// unboxed is what cel-go makes of a value, as a value of type T.
func unboxed[T any](a code[ref.Val], f func(ref.Val) ref.Val, out func(ref.Val) (T, bool)) any {
	return code[T](func(x *exec) (T, note) {
		var zero T
		v, n := a(x)
		if n != 0 {
			return zero, n
		}
		r := f(v)
		if err, bad := r.(*types.Err); bad {
			return zero, x.fail(describe(x.ctx, err))
		}
		if v, ok := out(r); ok {
			return v, 0
		}
		return zero, noteErred
	})
}

func asInt(v ref.Val) (int64, bool) { n, ok := v.(types.Int); return int64(n), ok }

// convert is a conversion function of CEL, done by cel-go itself unless it is
// one between numbers.
func (k *coder) convert(a any, to *types.Type) any {
	switch {
	case to.IsExactType(types.IntType) && is[int64](a), to.IsExactType(types.DoubleType) && is[float64](a),
		to.IsExactType(types.StringType) && is[string](a), to.IsExactType(types.BoolType) && is[bool](a),
		to.IsExactType(types.TimestampType) && is[time.Time](a), to.IsExactType(types.DurationType) && is[time.Duration](a):
		return a
	case to.IsExactType(types.DoubleType) && is[int64](a):
		return lift(as[int64](a), func(v int64) float64 { return float64(v) })
	}
	v := boxed(a)
	if v == nil {
		return nil
	}
	switch {
	case to.IsExactType(types.IntType):
		return fold[int64](k, a, unboxed(v, func(v ref.Val) ref.Val { return v.ConvertToType(types.IntType) }, asInt))
	case to.IsExactType(types.DoubleType):
		return fold[float64](k, a, unboxed(v, func(v ref.Val) ref.Val { return v.ConvertToType(types.DoubleType) },
			func(v ref.Val) (float64, bool) { f, ok := v.(types.Double); return float64(f), ok }))
	case to.IsExactType(types.StringType):
		return fold[string](k, a, unboxed(v, func(v ref.Val) ref.Val { return v.ConvertToType(types.StringType) },
			func(v ref.Val) (string, bool) { s, ok := v.(types.String); return string(s), ok }))
	case to.IsExactType(types.BoolType):
		return fold[bool](k, a, unboxed(v, func(v ref.Val) ref.Val { return v.ConvertToType(types.BoolType) },
			func(v ref.Val) (bool, bool) { b, ok := v.(types.Bool); return bool(b), ok }))
	case to.IsExactType(types.TimestampType):
		return fold[time.Time](k, a, unboxed(v, func(v ref.Val) ref.Val { return v.ConvertToType(types.TimestampType) },
			func(v ref.Val) (time.Time, bool) { t, ok := v.(types.Timestamp); return t.Time, ok }))
	}
	return nil
}

// fold computes the conversion of a constant now. If it errs cel-go gets the
// rule, which refuses it.
func fold[T any](k *coder, arg, e any) any {
	if _, ok := arg.(interface{ constant() }); !ok {
		return e
	}
	v, n := as[T](e)(&exec{ctx: context.Background()})
	if n != 0 {
		return k.no("a constant that can't be converted")
	}
	return constant[T]{v}
}

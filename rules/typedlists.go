package rules

import (
	"slices"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/leadloop/leadloop"
)

// place reserves room for a list that the rule makes.
func (k *coder) place() int {
	k.places++
	return k.places - 1
}

// list compiles a list that is written out.
func (k *coder) list(e ast.Expr) any {
	elements := k.codes(e.AsList().Elements()...)
	if elements == nil {
		return nil
	}
	switch {
	case len(elements) == 0:
		if k.typeOf(e).IsExactType(stringList) {
			return constant[list]{}
		}
	case is[string](elements[0]):
		at := k.place()
		room := func(x *exec) *[]string { return &x.texts[at] }
		if l := elementwise(elements, room, func(s []string) list { return list{own: s} }); l != nil {
			return l
		}
	case is[int64](elements[0]):
		at := k.place()
		room := func(x *exec) *[]int64 { return &x.ints[at] }
		if l := elementwise(elements, room, func(s []int64) []int64 { return s }); l != nil {
			return l
		}
	case is[float64](elements[0]):
		at := k.place()
		room := func(x *exec) *[]float64 { return &x.floats[at] }
		if l := elementwise(elements, room, func(s []float64) []float64 { return s }); l != nil {
			return l
		}
	}
	return k.no("a list of another type")
}

func elementwise[T, L any](elements []any, room func(*exec) *[]T, out func([]T) L) any {
	fs := make([]code[T], len(elements))
	fixed := make([]T, 0, len(elements))
	for i, e := range elements {
		if fs[i] = as[T](e); fs[i] == nil {
			return nil
		}
		if c, ok := e.(constant[T]); ok {
			fixed = append(fixed, c.value)
		}
	}
	if len(fixed) == len(elements) {
		return constant[L]{out(fixed)}
	}
	return code[L](func(x *exec) (l L, n note) {
		// Elements can hold this very list no deeper, so the room is free.
		s := (*room(x))[:0]
		for _, f := range fs {
			v, m := f(x)
			if m.fault() {
				return l, m
			}
			n = x.both(n, m)
			s = append(s, v)
		}
		*room(x) = s
		if n != 0 {
			return l, n
		}
		return out(s), 0
	})
}

func (k *coder) concat(a, b code[list]) any {
	at := k.place()
	return code[list](func(x *exec) (list, note) {
		l, n := a(x)
		m, o := b(x)
		if n|o != 0 {
			return list{}, x.both(n, o)
		}
		s := x.texts[at][:0]
		for _, part := range []list{l, m} {
			for i := range part.len() {
				s = append(s, part.at(i))
			}
		}
		x.texts[at] = s
		return list{own: s}, 0
	})
}

func (k *coder) in(left, right ast.Expr) any {
	a := k.code(left)
	if a == nil {
		return nil
	}
	if right.Kind() == ast.ListKind && len(right.AsList().Elements()) == 0 {
		return constant[bool]{false} // whatever is on the left
	}
	if right.Kind() == ast.MapKind {
		return k.inTable(a, right)
	}
	b := k.code(right)
	if b == nil {
		return nil
	}
	switch {
	case is[string](a) && is[list](b):
		if c, ok := b.(constant[list]); ok {
			return lift(as[string](a), found(c.value.own))
		}
		return lift2(as[string](a), as[list](b), func(s string, l list) (bool, note) {
			for i := range l.len() {
				if l.at(i) == s {
					return true, 0
				}
			}
			return false, 0
		})
	case is[int64](a) && is[[]int64](b):
		return member(as[int64](a), b)
	case is[float64](a) && is[[]float64](b):
		return member(as[float64](a), b)
	case is[string](a) && is[attrs](b):
		return lift2(as[string](a), as[attrs](b), func(s string, m attrs) (bool, note) { _, ok := m[s]; return ok, 0 })
	}
	return k.no("in, of another type")
}

func member[T comparable](a code[T], b any) any {
	if c, ok := b.(constant[[]T]); ok {
		return lift(a, found(c.value))
	}
	return lift2(a, as[[]T](b), func(v T, l []T) (bool, note) { return slices.Contains(l, v), 0 })
}

func (k *coder) index(left, right ast.Expr) any {
	b := k.code(right)
	if b == nil {
		return nil
	}
	if left.Kind() == ast.MapKind {
		return k.table(left, b)
	}
	a := k.code(left)
	if a == nil {
		return nil
	}
	switch {
	case is[list](a) && is[int64](b):
		return at(as[list](a), as[int64](b), func(l list, i int64) (string, note) {
			if i < 0 || i >= int64(l.len()) {
				return "", noteIndex
			}
			return l.at(int(i)), 0
		})
	case is[[]int64](a) && is[int64](b):
		return at(as[[]int64](a), as[int64](b), elementAt[int64])
	case is[[]float64](a) && is[int64](b):
		return at(as[[]float64](a), as[int64](b), elementAt[float64])
	case is[attrs](a) && is[string](b):
		return at(as[attrs](a), as[string](b), func(m attrs, key string) (string, note) {
			v, ok := m[key]
			return v, unless(ok, noteNoValue)
		})
	}
	return k.no("[ ] on another type")
}

func elementAt[T any](l []T, i int64) (v T, n note) {
	if i < 0 || i >= int64(len(l)) {
		return v, noteIndex
	}
	return l[i], 0
}

// at is an index, which is not looked at if there is nothing to look into.
func at[A, B, R any](a code[A], b code[B], f func(A, B) (R, note)) code[R] {
	return func(x *exec) (out R, n note) {
		v, n := a(x)
		if n != 0 {
			return out, n
		}
		w, n := b(x)
		if n != 0 {
			return out, n
		}
		return f(v, w)
	}
}

// table compiles {"a": 1.0, …}[key] of constants.
func (k *coder) table(e ast.Expr, key any) any {
	keys, values := k.entries(e)
	if keys == nil {
		return nil
	}
	switch {
	case is[string](key):
		return tableOf[string](k, keys, values, key)
	case is[int64](key):
		return tableOf[int64](k, keys, values, key)
	}
	return k.no("a map with keys of another type")
}

func tableOf[K comparable](k *coder, keys, values []any, key any) any {
	switch {
	case is[string](values[0]):
		return lookup[K, string](k, keys, values, as[K](key))
	case is[int64](values[0]):
		return lookup[K, int64](k, keys, values, as[K](key))
	case is[float64](values[0]):
		return lookup[K, float64](k, keys, values, as[K](key))
	case is[bool](values[0]):
		return lookup[K, bool](k, keys, values, as[K](key))
	case is[time.Duration](values[0]):
		return lookup[K, time.Duration](k, keys, values, as[K](key))
	}
	return k.no("a map with values of another type")
}

func lookup[K comparable, V any](k *coder, keys, values []any, key code[K]) any {
	m := make(map[K]V, len(keys))
	for i := range keys {
		c, ok := keys[i].(constant[K])
		v, also := values[i].(constant[V])
		if _, twice := m[c.value]; !ok || !also || twice {
			return k.no("a map that is not a table of constants")
		}
		m[c.value] = v.value
	}
	return code[V](func(x *exec) (V, note) {
		key, n := key(x)
		if n != 0 {
			var zero V
			return zero, n
		}
		v, ok := m[key]
		return v, unless(ok, noteNoValue)
	})
}

// entries are the constants of a map that is written out and not empty.
func (k *coder) entries(e ast.Expr) (keys, values []any) {
	for _, x := range e.AsMap().Entries() {
		key, value := k.code(x.AsMapEntry().Key()), k.code(x.AsMapEntry().Value())
		if key == nil || value == nil {
			return nil, nil
		}
		keys, values = append(keys, key), append(values, value)
	}
	if keys == nil {
		k.no("an empty map")
	}
	return keys, values
}

// inTable compiles key in {"a": …} of constants.
func (k *coder) inTable(key any, e ast.Expr) any {
	keys, values := k.entries(e)
	if keys == nil || !is[string](key) {
		return k.no("in, of a map with keys of another type")
	}
	table := tableOf[string](k, keys, values, key)
	if table == nil {
		return nil
	}
	var texts []string
	for _, x := range keys {
		c, ok := x.(constant[string])
		if !ok {
			return k.no("a map that is not a table of constants")
		}
		texts = append(texts, c.value)
	}
	return lift(as[string](key), found(texts))
}

// selection compiles the fields of activities.
func (k *coder) selection(s ast.SelectExpr) any {
	op := s.Operand()
	if op.Kind() == ast.IdentKind {
		for i := len(k.loops) - 1; i >= 0; i-- {
			if k.loops[i].name == op.AsIdent() {
				if k.loops[i].kind == overActivities && !s.IsTestOnly() {
					return k.activityField(i, s.FieldName())
				}
				break
			}
		}
	}
	if k.typeOf(op).IsExactType(types.NewMapType(types.StringType, types.StringType)) {
		m := as[attrs](k.code(op))
		if m == nil {
			return nil
		}
		name := s.FieldName()
		if s.IsTestOnly() {
			return lift(m, func(m attrs) bool { _, ok := m[name]; return ok })
		}
		return code[string](func(x *exec) (string, note) {
			m, n := m(x)
			if n != 0 {
				return "", n
			}
			v, ok := m[name]
			return v, unless(ok, noteNoValue)
		})
	}
	return k.no("the field %s of an expression", s.FieldName())
}

func (k *coder) activityField(i int, name string) any {
	switch name {
	case "type":
		return code[string](func(x *exec) (string, note) {
			s := x.locals[i].act.Type
			return s, x.checkText("activity type", s, x.set.env.limits.ItemBytes)
		})
	case "actor":
		return code[string](func(x *exec) (string, note) {
			s := string(x.locals[i].act.Actor)
			return s, x.checkText("activity actor", s, x.set.env.limits.ItemBytes)
		})
	case "at":
		return code[time.Time](func(x *exec) (time.Time, note) {
			t := x.locals[i].act.At
			if t.After(x.now) {
				t = x.now
			}
			return t.Round(0).UTC(), x.checkTime("activity time", t)
		})
	case "attributes":
		return code[attrs](func(x *exec) (attrs, note) {
			m := x.locals[i].act.Attributes
			if err := checkAttributes(m, &x.set.env.limits); err != nil {
				return nil, x.fail(err)
			}
			return m, 0
		})
	}
	return k.no("the field %s of an activity", name)
}

// checkAttributes says what keeps attributes from being read, the same
// whatever the order of the map.
func checkAttributes(m map[string]string, limits *Limits) error {
	if len(m) > limits.ListItems {
		return failure("activity attributes: more than %d", limits.ListItems)
	}
	valid := true
	for k, v := range m {
		if len(k) > limits.ItemBytes || len(v) > limits.ItemBytes {
			return failure("activity attributes: is longer than %d bytes", limits.ItemBytes)
		}
		valid = valid && utf8.ValidString(k) && utf8.ValidString(v)
	}
	if !valid {
		return failure("activity attributes: is not valid UTF-8")
	}
	return nil
}

// iterator goes through a list.
type iterator struct {
	texts  list
	ints   []int64
	floats []float64
	acts   []leadloop.Activity
	n      int
}

func (it *iterator) set(l *local, kind loopKind, i int) {
	switch kind {
	case overTexts:
		l.text = it.texts.at(i)
	case overInts:
		l.num = it.ints[i]
	case overFloats:
		l.float = it.floats[i]
	case overActivities:
		l.act = &it.acts[i]
	}
}

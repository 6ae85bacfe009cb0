package rules

import (
	"cel.dev/cel-go/common/ast"
)

// macro compiles all, exists, exists_one, filter and map.
func (k *coder) macro(e ast.Expr) any {
	m := macroOf(e.AsComprehension())
	if m.kind == macroOther {
		return k.no("a comprehension of another form")
	}
	over, kind := k.over(m.over)
	if over == nil {
		return k.no("a loop over a list of another type")
	}
	// The list is evaluated outside of the loop, but the loop variable's place
	// is taken while its body is.
	at := len(k.loops)
	k.loops = append(k.loops, loop{m.loop, kind})
	k.depth = max(k.depth, len(k.loops))
	defer func() { k.loops = k.loops[:at] }()
	each := looper{over: over, kind: kind, at: at}
	var body code[bool]
	if m.body != nil {
		if body = as[bool](k.code(m.body)); body == nil {
			return k.no("a condition in a loop")
		}
	}
	switch m.kind {
	case macroAll:
		return each.quantifier(body, false)
	case macroExists:
		return each.quantifier(body, true)
	case macroExistsOne:
		return each.existsOne(body)
	}
	if body == nil {
		body = func(*exec) (bool, note) { return true, 0 }
	}
	out := k.code(m.make)
	if out == nil {
		return nil
	}
	place := k.place()
	switch {
	case is[string](out):
		return collect(each, body, as[string](out), func(x *exec) *[]string { return &x.texts[place] }, func(s []string) list { return list{own: s} })
	case is[int64](out):
		return collect(each, body, as[int64](out), func(x *exec) *[]int64 { return &x.ints[place] }, func(s []int64) []int64 { return s })
	case is[float64](out):
		return collect(each, body, as[float64](out), func(x *exec) *[]float64 { return &x.floats[place] }, func(s []float64) []float64 { return s })
	}
	return k.no("a list of another type")
}

// over compiles what a loop goes through.
func (k *coder) over(e ast.Expr) (code[iterator], loopKind) {
	if k.isActivities(e) {
		i, _ := k.c.slotOf(e)
		return func(x *exec) (iterator, note) {
			return iterator{acts: x.facts.Activities, n: len(x.facts.Activities)}, x.slot(i).note
		}, overActivities
	}
	switch l := k.code(e); {
	case is[list](l):
		return lift(as[list](l), func(l list) iterator { return iterator{texts: l, n: l.len()} }), overTexts
	case is[[]int64](l):
		return lift(as[[]int64](l), func(l []int64) iterator { return iterator{ints: l, n: len(l)} }), overInts
	case is[[]float64](l):
		return lift(as[[]float64](l), func(l []float64) iterator { return iterator{floats: l, n: len(l)} }), overFloats
	}
	return nil, 0
}

// looper is the head of a loop.
type looper struct {
	over code[iterator]
	kind loopKind
	at   int // of its variable
}

// quantifier is exists, or else all: logic over the items, settled by the
// first that settles it.
func (l looper) quantifier(body code[bool], exists bool) code[bool] {
	return func(x *exec) (bool, note) {
		it, n := l.over(x)
		if n != 0 {
			return false, n
		}
		for i := range it.n {
			if n := x.tick(); n != 0 {
				return false, n
			}
			it.set(&x.locals[l.at], l.kind, i)
			switch v, m := body(x); {
			case m != 0:
				n = x.either(n, m)
			case v == exists:
				return exists, 0
			}
		}
		return !exists, n
	}
}

// existsOne counts; what the last item without an answer lacks is what the
// count lacks.
func (l looper) existsOne(body code[bool]) code[bool] {
	return func(x *exec) (bool, note) {
		it, n := l.over(x)
		if n != 0 {
			return false, n
		}
		count := 0
		for i := range it.n {
			if n := x.tick(); n != 0 {
				return false, n
			}
			it.set(&x.locals[l.at], l.kind, i)
			switch v, m := body(x); {
			case m != 0:
				n = m
			case v:
				count++
			}
		}
		return count == 1, n
	}
}

// collect is filter and map: a ternary for each item, which adds to the list.
func collect[T, L any](l looper, body code[bool], out code[T], room func(*exec) *[]T, done func([]T) L) code[L] {
	return func(x *exec) (made L, n note) {
		it, n := l.over(x)
		if n != 0 {
			return made, n
		}
		s := (*room(x))[:0]
		for i := range it.n {
			if n := x.tick(); n != 0 {
				return made, n
			}
			it.set(&x.locals[l.at], l.kind, i)
			keep, m := body(x)
			switch {
			case m != 0:
				n = m
				continue
			case !keep:
				continue
			}
			v, m := out(x)
			if n|m != 0 {
				n = x.both(n, m)
				continue
			}
			s = append(s, v)
		}
		*room(x) = s
		if n != 0 {
			return made, n
		}
		return done(s), 0
	}
}

package rules

import (
	"context"
	"fmt"
	"sync"

	"github.com/leadloop/leadloop"
)

// Results are the results of one evaluation of a set. The zero value is
// ready; reusing it spares allocations. It belongs to one goroutine, and its
// results are valid until the next evaluation into it.
type Results struct {
	set *Set
	err error // why nothing was evaluated

	exec   exec
	planes planes
	reader reader
	needs  []string
	// own are the results of rules that run by themselves, and of others once
	// somebody asked; filled tells by the number of the evaluation.
	own    []Result
	filled []uint64
	number uint64
	mask   []uint64
}

// Len returns the number of results, one per rule of the set evaluated last.
func (r *Results) Len() int {
	if r.set == nil {
		return 0
	}
	return len(r.set.rules)
}

var yes, no = leadloop.ValueOf(true), leadloop.ValueOf(false)

// At returns the result of the i-th rule.
func (r *Results) At(i int) Result {
	switch {
	case r.err != nil:
		return Result{State: Failed, Err: r.err}
	case r.filled[i] == r.number:
		return r.own[i]
	case r.True(i):
		return Result{State: Decided, Value: yes}
	case !bit(r.planes.u, i) && !bit(r.planes.e, i):
		return Result{State: Decided, Value: no}
	}
	_, n := r.explain(r.set.plan.roots[i])
	r.own[i], r.filled[i] = r.exec.result(n, &r.needs), r.number
	return r.own[i]
}

// True reports whether the i-th result is decided and true, as cheaply as can
// be. It is false for every rule that is not a condition.
func (r *Results) True(i int) bool { return r.err == nil && bit(r.planes.t, i) }

// State returns the state of the i-th result without the rest of it.
func (r *Results) State(i int) State {
	switch {
	case r.err != nil:
		return Failed
	case r.filled[i] == r.number:
		return r.own[i].State
	case bit(r.planes.u, i):
		return Undecided
	case !bit(r.planes.e, i):
		return Decided
	}
	return r.At(i).State
}

// TrueMask returns the rules that are decided and true: bit i%64 of word i/64
// is the i-th. Bits past the last rule are 0. The slice belongs to r.
func (r *Results) TrueMask() []uint64 { return r.mask }

func bit(plane []uint64, i int) bool { return plane[i/64]>>(i%64)&1 != 0 }

// explain says why a condition that has no answer has none.
func (r *Results) explain(n *node) (truth, note) {
	switch n.op {
	case condTrue:
		return isTrue, 0
	case condFalse:
		return isFalse, 0
	case condAtom:
		return r.explainLeaf(n.leaf)
	}
	settles := truthOf(n.op == condOr)
	var why note
	for _, k := range n.kids {
		t, m := r.explain(k)
		if m == 0 && t == settles {
			return t, 0
		}
		why = r.exec.either(why, m)
	}
	return settles.not(), why
}

func (r *Results) explainLeaf(l *leaf) (truth, note) {
	n := r.planes.notes[l.number]
	if n != 0 && l.test {
		return isFalse, n
	}
	if n != 0 {
		t := isFalse
		switch r.planes.states[l.number] {
		case absent:
			t = l.cond.eval(without(isMissing, isMissing))
		case none:
			t = l.cond.eval(without(isFalse, isError))
		case erring:
			t = l.cond.eval(without(isTrue, isError))
		}
		if t == isMissing || t == isError {
			return isFalse, n
		}
		return t, 0
	}
	// Without a bit of its own it is an operand of a rule's one operation, and
	// did not settle that.
	return truthOf(l.own >= 0 && bit(r.planes.t, l.own)), 0
}

// Eval evaluates all rules over one lead into r. A rule that errs is Failed
// and the others stand. Once ctx is done the remaining rules are Failed with
// its cause. The facts are only read.
func (s *Set) Eval(ctx context.Context, f Facts, r *Results) {
	r.set, r.err = s, s.env.matches(&f)
	if r.err == nil && ctx.Err() != nil {
		r.err = fmt.Errorf("not evaluated: %w", context.Cause(ctx))
	}
	r.mask = grow(r.mask, (len(s.rules)+63)/64)
	if r.err != nil {
		clear(r.mask)
		return
	}
	r.number++
	r.own, r.filled, r.needs = grow(r.own, len(s.rules)), grow(r.filled, len(s.rules)), r.needs[:0]
	r.exec.reset(ctx, s, f)
	if s.plan.cel {
		r.reader.reset(s, f)
	}
	if sec := r.exec.now.Unix(); sec < nearest || sec > farthest {
		r.planes.reset(s.plan)
		for i := range s.rules {
			r.alone(ctx, i)
		}
	} else {
		s.plan.run(&r.exec, &r.planes)
		for _, i := range s.plan.alone {
			r.alone(ctx, i)
		}
	}
	copy(r.mask, r.planes.t)
	if k := len(s.rules) % 64; k > 0 {
		r.mask[len(r.mask)-1] &= 1<<k - 1
	}
	if s.plan.cel {
		r.reader.release()
	}
	r.exec.release()
}

// alone evaluates a rule by itself and sets its bits.
func (r *Results) alone(ctx context.Context, i int) {
	out := r.set.one(ctx, i, &r.exec, &r.reader, &r.needs)
	r.own[i], r.filled[i] = out, r.number
	word, mask := i/64, uint64(1)<<(i%64)
	r.planes.t[word] &^= mask
	switch {
	case out.State == Undecided:
		r.planes.u[word] |= mask
	case out.State != Decided:
		r.planes.e[word] |= mask
	case out.True():
		r.planes.t[word] |= mask
	}
}

// single is what evaluating one rule needs.
type single struct {
	exec   exec
	reader reader
}

var singles = sync.Pool{New: func() any { return new(single) }}

// EvalOne evaluates the i-th rule alone; what it returns is the caller's.
func (s *Set) EvalOne(ctx context.Context, f Facts, i int) Result {
	if err := s.env.matches(&f); err != nil {
		return Result{State: Failed, Err: err}
	}
	var needs []string
	one := singles.Get().(*single)
	one.exec.reset(ctx, s, f)
	if s.rules[i].value == nil {
		one.reader.reset(s, f)
	}
	out := s.one(ctx, i, &one.exec, &one.reader, &needs)
	if s.rules[i].value == nil {
		one.reader.release()
	}
	one.exec.release()
	singles.Put(one)
	return out
}

func (s *Set) one(ctx context.Context, i int, x *exec, rd *reader, needs *[]string) Result {
	if ctx.Err() != nil {
		return Result{State: Failed, Err: fmt.Errorf("not evaluated: %w", context.Cause(ctx))}
	}
	r := &s.rules[i]
	if r.value == nil {
		return s.interpret(ctx, i, rd, needs)
	}
	v, n := r.value(x)
	if n != 0 {
		return x.result(n, needs)
	}
	return Result{State: Decided, Value: v}
}

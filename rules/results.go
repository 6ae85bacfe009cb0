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
	set    *Set
	schema *leadloop.Schema // of a profile that the set could be evaluated over
	err    error            // why nothing was evaluated

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
	case bit(r.planes.t, i):
		return Result{State: Decided, Value: yes}
	case !r.planes.holes || !bit(r.planes.u, i) && !bit(r.planes.e, i):
		return Result{State: Decided, Value: no}
	}
	_, n := r.set.plan.judge(&r.exec, r.set.plan.roots[i])
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
	case !r.planes.holes:
		return Decided
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

// Eval evaluates all rules over one lead into r. A rule that errs is Failed
// and the others stand. Once ctx is done the remaining rules are Failed with
// its cause. The facts are only read.
func (s *Set) Eval(ctx context.Context, f Facts, r *Results) {
	if r.set != s || f.Profile == nil || f.Profile.Schema() != r.schema || len(f.Vars) > len(s.env.vars) {
		r.set, r.schema, r.err = s, nil, s.env.matches(&f)
		if r.err == nil && f.Profile != nil {
			r.schema = f.Profile.Schema()
		}
	} else {
		r.err = nil
	}
	if r.err == nil && ctx.Err() != nil {
		r.err = fmt.Errorf("not evaluated: %w", context.Cause(ctx))
	}
	if r.err != nil {
		r.mask = grow(r.mask, (len(s.rules)+63)/64)
		clear(r.mask)
		return
	}
	if r.exec.set != s {
		r.planes.resize(s.plan)
		r.own, r.filled = grow(r.own, len(s.rules)), grow(r.filled, len(s.rules))
	}
	r.number++
	r.needs = r.needs[:0]
	r.exec.reset(ctx, s, &f)
	if s.plan.cel {
		r.reader.reset(s, f)
	}
	s.plan.pick(&r.exec)
	s.plan.join(&r.exec, &r.planes)
	for _, i := range s.plan.alone {
		r.alone(ctx, int(i))
	}
	r.mask = append(r.mask[:0], r.planes.t[:(len(s.rules)+63)/64]...)
	if k := len(s.rules) % 64; k > 0 {
		r.mask[len(r.mask)-1] &= 1<<k - 1
	}
	if s.plan.cel {
		r.reader.release()
	}
	r.exec.release()
}

// alone evaluates a rule by itself. Its bits are only for what is true: the
// rest of its result is its own.
func (r *Results) alone(ctx context.Context, i int) {
	out := r.set.one(ctx, i, &r.exec, &r.reader, &r.needs)
	r.own[i], r.filled[i] = out, r.number
	if out.True() {
		r.planes.t[i/64] |= 1 << (i % 64)
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
	one.exec.reset(ctx, s, &f)
	interpreted := s.rules[i].alone != nil && s.rules[i].alone.value == nil
	if interpreted {
		one.reader.reset(s, f)
	}
	out := s.one(ctx, i, &one.exec, &one.reader, &needs)
	if interpreted {
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
	r := s.rules[i].alone
	switch {
	case r == nil:
		v, n := s.plan.evalOne(x, i)
		if n != 0 {
			return x.result(n, needs)
		}
		if v {
			return Result{State: Decided, Value: yes}
		}
		return Result{State: Decided, Value: no}
	case r.value == nil:
		return s.interpret(ctx, r.program, s.rules[i].kind, rd, needs)
	}
	v, n := r.value(x)
	if n != 0 {
		return x.result(n, needs)
	}
	return Result{State: Decided, Value: v}
}

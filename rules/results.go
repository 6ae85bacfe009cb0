package rules

import (
	"context"
	"fmt"
	"sync"
)

// Results are the results of one evaluation of a set. The zero value is
// ready; reusing it spares allocations. It belongs to one goroutine, and its
// results are valid until the next evaluation into it.
type Results struct {
	results []Result
	needs   []string
	exec    exec
	reader  reader
}

// Len returns the number of results, one per rule of the set evaluated last.
func (r *Results) Len() int { return len(r.results) }

// At returns the result of the i-th rule.
func (r *Results) At(i int) Result { return r.results[i] }

// Eval evaluates all rules over one lead into r. A rule that errs is Failed
// and the others stand. Once ctx is done the remaining rules are Failed with
// its cause. The facts are only read.
func (s *Set) Eval(ctx context.Context, f Facts, r *Results) {
	r.exec.reset(ctx, s, f)
	r.reader.reset(s, f)
	r.needs = r.needs[:0]
	r.results = r.results[:0]
	for i := range s.rules {
		r.results = append(r.results, s.one(ctx, i, &r.exec, &r.reader, &r.needs))
	}
	r.reader.release()
	r.exec.release()
}

var execs = sync.Pool{New: func() any { return new(exec) }}

// EvalOne evaluates the i-th rule alone; what it returns is the caller's.
func (s *Set) EvalOne(ctx context.Context, f Facts, i int) Result {
	var needs []string
	var rd reader
	if s.rules[i].value == nil {
		rd.reset(s, f)
	} else {
		rd.err = s.env.matches(f)
	}
	x := execs.Get().(*exec)
	x.reset(ctx, s, f)
	out := s.one(ctx, i, x, &rd, &needs)
	x.release()
	execs.Put(x)
	return out
}

func (s *Set) one(ctx context.Context, i int, x *exec, rd *reader, needs *[]string) Result {
	if rd.err != nil {
		return Result{State: Failed, Err: rd.err}
	}
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

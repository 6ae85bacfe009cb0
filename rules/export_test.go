package rules

import "context"

// KeepOracle makes sets that are compiled from now on keep cel-go's program of
// every rule.
func (e *Env) KeepOracle() { e.oracle = true }

// Oracle evaluates the i-th rule by cel-go, whatever tier it is on.
func (s *Set) Oracle(ctx context.Context, f Facts, i int) Result {
	var rd reader
	var needs []string
	rd.reset(s, f)
	if rd.err != nil {
		return Result{State: Failed, Err: rd.err}
	}
	return s.interpret(ctx, s.oracle[i], s.rules[i].kind, &rd, &needs)
}

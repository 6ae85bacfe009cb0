package rules

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
)

// unchecked plans a rule past the limits at compile time, which leave nothing
// for the limits at run time to do.
func unchecked(t *testing.T, text string, cost uint64) *Set {
	t.Helper()
	e, err := NewEnv(leadloop.StandardSchema(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	checked, issues := e.cel.Compile(text)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	e.limits.Cost = cost
	program, err := e.plan(checked.NativeRep())
	if err != nil {
		t.Fatal(err)
	}
	return &Set{env: e, rules: []compiled{{kind: leadloop.KindBool, alone: &alone{program: program}}}}
}

func loops(depth int) string {
	return strings.Repeat("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].all(x, ", depth) + "true" + strings.Repeat(")", depth)
}

func TestTheBudgetStopsEvaluation(t *testing.T) {
	got := unchecked(t, loops(8), 10_000).EvalOne(context.Background(), Facts{}, 0)
	if got.State != Failed || !errors.Is(got.Err, ErrBudget) {
		t.Errorf("got %+v, want Failed with ErrBudget", got)
	}
}

func TestADeadlineStopsEvaluation(t *testing.T) {
	set := unchecked(t, loops(9), 1<<60)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	start := time.Now()
	got := set.EvalOne(ctx, Facts{}, 0)
	if got.State != Failed || !errors.Is(got.Err, context.DeadlineExceeded) {
		t.Errorf("got %+v, want Failed with DeadlineExceeded", got)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

package rules

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/leadloop/leadloop"
)

// interpret evaluates a rule by cel-go, under its guards.
func (s *Set) interpret(ctx context.Context, program cel.Program, kind leadloop.Kind, rd *reader, needs *[]string) Result {
	out, _, err := program.ContextEval(ctx, rd)
	if err != nil {
		if errors.Is(err, errNoValue) || isNoSuchKey(err) {
			return Result{State: NoValue}
		}
		return Result{State: Failed, Err: describe(ctx, err)}
	}
	if unknown, ok := out.(*types.Unknown); ok {
		return Result{State: Undecided, Needs: appendNeeds(needs, unknown)}
	}
	v, err := valueOf(kind, out)
	if err != nil {
		return Result{State: Failed, Err: err}
	}
	return Result{State: Decided, Value: v}
}

// appendNeeds appends the names behind an unknown to the arena and returns
// them, sorted.
func appendNeeds(arena *[]string, u *types.Unknown) []string {
	start := len(*arena)
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, t := range trails {
			*arena = append(*arena, t.Variable())
		}
	}
	return sortNames(arena, start)
}

func valueOf(k leadloop.Kind, out ref.Val) (leadloop.Value, error) {
	switch v := out.(type) {
	case types.Bool:
		if k == leadloop.KindBool {
			return leadloop.ValueOf(bool(v)), nil
		}
	case types.Int:
		switch k {
		case leadloop.KindInt:
			return leadloop.ValueOf(int64(v)), nil
		case leadloop.KindFloat:
			return leadloop.ValueOf(float64(v)), nil
		}
	case types.Double:
		if k == leadloop.KindFloat {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return leadloop.Value{}, errors.New("the result is not a finite number")
			}
			return leadloop.ValueOf(float64(v)), nil
		}
	case types.String:
		if k == leadloop.KindString {
			return leadloop.ValueOf(string(v)), nil
		}
	case types.Timestamp:
		if k == leadloop.KindTime {
			return leadloop.ValueOf(v.Time.UTC()), nil
		}
	case interface {
		ref.Val
		Size() ref.Val
		Get(ref.Val) ref.Val
	}:
		if k == leadloop.KindStrings {
			return stringsOf(v)
		}
	}
	return leadloop.Value{}, fmt.Errorf("the result is not a %s", k)
}

func stringsOf(list interface {
	Size() ref.Val
	Get(ref.Val) ref.Val
}) (leadloop.Value, error) {
	n, ok := list.Size().(types.Int)
	if !ok {
		return leadloop.Value{}, errors.New("the result is not a list(string)")
	}
	out := make([]string, n)
	for i := range out {
		s, ok := list.Get(types.Int(i)).(types.String)
		if !ok {
			return leadloop.Value{}, errors.New("the result is not a list(string)")
		}
		out[i] = string(s)
	}
	return leadloop.ValueOf(out), nil
}

var (
	// errNoValue is what reading something known not to exist comes to. It
	// behaves like any CEL error: && and || absorb it.
	errNoValue = errors.New("no value")
	// ErrBudget reports that a rule that is left to cel-go was stopped because
	// it used up its budget.
	ErrBudget = errors.New("stopped: the rule used up its budget")
)

// inputError is a reason to fail that is ours, and so free of personal data.
type inputError struct{ text string }

func (e *inputError) Error() string        { return e.text }
func (e *inputError) Is(target error) bool { return target == leadloop.ErrInvalid }

func failure(format string, args ...any) error { return &inputError{fmt.Sprintf(format, args...)} }

func fail(format string, args ...any) ref.Val {
	return types.NewErrWithNodeID(1, "%w", failure(format, args...))
}

func isNoSuchKey(err error) bool {
	return strings.HasPrefix(err.Error(), "no such key")
}

// reasons are the errors of cel-go that rules can meet, in words of ours: its
// own texts may quote values.
var reasons = []struct{ has, say string }{
	{"division by zero", "division by zero"},
	{"divide by zero", "division by zero"},
	{"modulus by zero", "modulus by zero"},
	{"integer overflow", "a number or duration is too large"},
	{"duration overflow", "a number or duration is too large"},
	{"timestamp overflow", "a time is outside the years 1 to 9999"},
	{"range error", "a number does not fit an int"},
	{"index", "a list index is out of bounds"},
	{"no such overload", "a value has the wrong type"},
	{"repeated key", "a map has a key twice"},
	{"time zone", "unknown time zone"},
	{"timezone", "unknown time zone"},
	{"conversion", "a text can't be converted"},
	{"strconv", "a text can't be converted"},
	{"parsing", "a text can't be converted"},
}

// describe turns an evaluation error into one without personal data.
func describe(ctx context.Context, err error) error {
	var in *inputError
	var cancelled interpreter.EvalCancelledError
	switch {
	case errors.As(err, &in):
		return in
	case errors.Is(err, interpreter.InterruptError{}) && ctx.Err() != nil:
		return fmt.Errorf("stopped: %w", context.Cause(ctx))
	case errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded:
		return ErrBudget
	}
	text := err.Error()
	for _, r := range reasons {
		if strings.Contains(text, r.has) {
			return errors.New(r.say)
		}
	}
	return errors.New("the expression erred")
}

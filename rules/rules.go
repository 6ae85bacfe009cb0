// Package rules compiles and evaluates CEL expressions over leads, with three
// values: true, false, and undecided because an input is missing.
//
// Every expression is type-checked against a schema and limited in size, depth
// and cost before it is accepted; evaluation is bounded and never reads a
// clock. A rule over a half-empty lead is undecided only if the missing fields
// could change its answer as far as the formula shows ([Undecided] says how far
// that is). Rules run as compiled code, all conditions of a set together;
// [Set.Plan] names those that cel-go has to evaluate. What rules do not
// promise: that one evaluation is cheap without a Results that is reused.
//
// Start with [NewEnv], then [Env.Compile]. No CEL type appears in this API.
package rules

import (
	"time"

	"github.com/leadloop/leadloop"
)

// Var is a variable that an environment has besides the schema's fields,
// "activities" and "now", such as "tier" or "score".
type Var struct {
	Name string
	Kind leadloop.Kind
}

// Rule is one expression to compile.
type Rule struct {
	// ID names the rule in errors and results.
	ID string
	// Expression is the text and where it stands.
	Expression leadloop.Expression
	// Type is the kind the result must have. KindFloat accepts int results
	// and converts them.
	Type leadloop.Kind
}

// Facts are what a set of rules is evaluated over.
type Facts struct {
	// Profile must have the schema of the environment.
	Profile *leadloop.Profile
	// Activities in any order; those after Now count as happening at Now. Nil
	// means those of the profile ([leadloop.Profile.SetActivities]). They are
	// faster, also if they are given here: they are sorted already.
	Activities []leadloop.Activity
	// Vars are the values of the environment's variables, by position; an
	// absent Value makes rules that need it undecided.
	Vars []leadloop.Value
	// Now is the moment of the evaluation.
	Now time.Time
}

// State says what an evaluation came to.
type State uint8

const (
	// Decided: there is a value.
	Decided State = iota
	// Undecided: the answer depends on missing inputs; see Result.Needs. That is
	// told from the formula alone, by three-valued logic. What is not undecided
	// stays what it is whatever values the missing inputs have (of two errors it
	// may be the other one). What is undecided can come out in more than one way
	// if every missing input is read once, every condition on it can be met and
	// not met, branches of ? : differ, and nothing beside it errs. Otherwise it
	// may be undecided for nothing: each reading is taken for itself, so that
	// x > 5 || x <= 5 is undecided without x.
	Undecided
	// NoValue: the answer depends on something that is known not to exist (a
	// field that is known absent, the last activity of a type that never
	// happened). No lookup will change that; as a condition it counts as not
	// met.
	NoValue
	// Failed: the expression erred on this lead, or hit its budget. It is
	// never a silent false or zero.
	Failed
)

// Result is what one rule came to.
type Result struct {
	State State
	// Value is the value if the state is Decided.
	Value leadloop.Value
	// Needs are the missing fields and variables that the answer depends on,
	// sorted, if the state is Undecided. The slice belongs to the Results.
	Needs []string
	// Err says what went wrong if the state is Failed, without personal data.
	Err error
}

// True reports whether the result is decided and true.
func (r Result) True() bool { return r.State == Decided && r.Value.Bool() }

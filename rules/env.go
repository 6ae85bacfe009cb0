package rules

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/leadloop/leadloop"
)

// version numbers the function library. A library that answers any accepted
// expression differently is a new number; old numbers stay.
const version = 1

// Options are the optional parts of an [Env].
type Options struct {
	// Vars are further variables, such as "tier" or "score". Facts carry their
	// values in this order.
	Vars []Var
	// Limits bound expressions and their evaluation; zero means
	// [DefaultLimits].
	Limits Limits
}

// Env is what expressions are compiled against: a schema, variables, a
// numbered function library and limits. It is immutable and safe for
// concurrent use; making one is costly, so make one per schema and keep it.
//
// Expressions are CEL with static types only: string, int, double, bool,
// timestamp, duration, lists and maps of these. Besides the standard
// operators, methods and macros there are
//
//	count("type"), count("type", "7d")  how many activities, in all or in (now-7d, now]
//	seen("type"), seen("type", "7d")    whether there are any
//	last("type")                        when the latest happened
//	since("type")                       how long ago that is, never negative
//	days(n), duration("7d")             durations; text forms as in leadloop.ParseDuration
//	timestamp("2026-11-02")             text forms as in leadloop.ParseTime
//	min(a, b), max(a, b)                of two ints or two doubles
//	isFreeEmail(s), isDisposableEmail(s), isRoleEmail(s)
//	s.lowerAscii(), s.upperAscii(), s.trim()
//
// A time zone is a name such as "Europe/Berlin", by the rules of the system's
// zone data or else of those built in, or an offset such as "+01:00"; the
// machine's own ("Local") is none.
//
// Activity types, windows, durations and the patterns of matches() must be
// constants, and so must the zone in a loop over activities. An activity after
// now counts as happening now, also in the list "activities", whose elements
// have type, at, actor and attributes.
//
// Presence. An absent field or variable makes undecided what depends on it. A
// known absent one has no value, which is an error to CEL: && and || absorb it
// if the other side settles the answer, every other operation passes it on.
// The same holds for last and since of what never happened, for an attribute
// that an activity does not have, and for any missing key of a map. An empty
// string or list is an ordinary value; any other kind that is empty has no
// value. has(lead.x) is true for present and empty, false for known absent,
// undecided for absent. In && and || a missing operand outweighs an error; in
// other operations an error outweighs a missing operand, whatever the order,
// except that an index into what is missing is undecided. Of two errors the
// leftmost counts.
type Env struct {
	schema *leadloop.Schema
	vars   []Var
	varAt  map[string]int
	limits Limits
	cel    *cel.Env
	names  names
	blank  *leadloop.Profile // for facts without one
	// oracle keeps cel-go's program of every rule, for tests to compare with.
	oracle bool
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// NewEnv returns an environment in which rules read the schema's fields as
// lead.<name> and company.<name>, the list "activities", the timestamp "now"
// and o.Vars. All that is wrong with the options is returned together.
func NewEnv(schema *leadloop.Schema, o Options) (*Env, error) {
	if schema == nil {
		return nil, fmt.Errorf("rules: %w: no schema", leadloop.ErrInvalid)
	}
	limits, err := o.Limits.withDefaults()
	errs := []error{err}
	e := &Env{schema: schema, vars: slices.Clone(o.Vars), varAt: map[string]int{}, limits: limits}
	reserved := reservedNames()
	for i, v := range e.vars {
		switch _, twice := e.varAt[v.Name]; {
		case !identifier.MatchString(v.Name):
			errs = append(errs, fmt.Errorf("variable %q: %w: a name is a letter or underscore, then letters, digits and underscores", v.Name, leadloop.ErrInvalid))
		case reserved[v.Name]:
			errs = append(errs, fmt.Errorf("variable %q: %w: the name is taken by the language", v.Name, leadloop.ErrInvalid))
		case twice:
			errs = append(errs, fmt.Errorf("variable %q: %w: is declared twice", v.Name, leadloop.ErrInvalid))
		}
		if celType(v.Kind) == nil {
			errs = append(errs, fmt.Errorf("variable %q: %w: it has no kind", v.Name, leadloop.ErrInvalid))
		}
		e.varAt[v.Name] = i
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if e.cel, err = newCELEnv(e); err != nil {
		return nil, fmt.Errorf("rules: environment: %w", err)
	}
	e.names, e.blank = namesOf(e), schema.NewProfile()
	shareErrors()
	return e, nil
}

// Schema returns the schema that profiles must have.
func (e *Env) Schema() *leadloop.Schema { return e.schema }

// Vars returns the variables besides fields, "activities" and "now", in the
// order in which Facts carry their values.
func (e *Env) Vars() []Var { return slices.Clone(e.vars) }

// Version returns the number of the function library, 1 for "env/1". A stored
// set of rules must be replayed with the number it was written against.
func (e *Env) Version() int { return version }

// Limits returns the limits in force, defaults filled in.
func (e *Env) Limits() Limits { return e.limits }

func celType(k leadloop.Kind) *types.Type {
	switch k {
	case leadloop.KindString:
		return cel.StringType
	case leadloop.KindInt:
		return cel.IntType
	case leadloop.KindFloat:
		return cel.DoubleType
	case leadloop.KindBool:
		return cel.BoolType
	case leadloop.KindTime:
		return cel.TimestampType
	case leadloop.KindStrings:
		return stringList
	}
	return nil
}

var stringList = types.NewListType(types.StringType)

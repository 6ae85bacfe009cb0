package rules

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // named zones, where the system has none

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/leadloop/leadloop/normalize"
)

// The functions that the checker knows but that never run: they are replaced
// before planning by values computed from the activities.
const (
	fnCount = "count"
	fnLast  = "last"
	fnSince = "since"
	fnSeen  = "seen"
	fnDays  = "days"
)

const (
	identActivities = "activities"
	identNow        = "now"
	identLead       = "lead"
	identCompany    = "company"
)

// Functions of CEL that are left out: each is a way around static types, or
// belongs to a type that leads do not have.
var leftOut = []string{"dyn", "type", "bytes", "uint"}

func newCELEnv(e *Env) (*cel.Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	exclude := make([]*env.Function, len(leftOut))
	for i, name := range leftOut {
		exclude[i] = env.NewFunction(name)
	}
	opts := []cel.EnvOption{
		cel.CustomTypeProvider(&provider{Registry: registry, env: e}),
		cel.CustomTypeAdapter(registry),
		cel.StdLib(cel.StdLibSubset(&env.LibrarySubset{ExcludeFunctions: exclude})),
		cel.ParserExpressionSizeLimit(e.limits.SourceBytes),
		cel.ParserErrorRecoveryLimit(4),
		cel.HomogeneousAggregateLiterals(),
		cel.Variable(identLead, leadType),
		cel.Variable(identCompany, companyType),
		cel.Variable(identActivities, types.NewListType(activityType)),
		cel.Variable(identNow, cel.TimestampType),
	}
	for _, v := range e.vars {
		opts = append(opts, cel.Variable(v.Name, celType(v.Kind)))
	}
	return cel.NewCustomEnv(append(opts, functions()...)...)
}

func functions() []cel.EnvOption {
	s, i, d, b := cel.StringType, cel.IntType, cel.DoubleType, cel.BoolType
	opts := []cel.EnvOption{
		cel.Function(fnCount,
			cel.Overload("count_type", []*cel.Type{s}, i),
			cel.Overload("count_type_window", []*cel.Type{s, s}, i)),
		cel.Function(fnSeen,
			cel.Overload("seen_type", []*cel.Type{s}, b),
			cel.Overload("seen_type_window", []*cel.Type{s, s}, b)),
		cel.Function(fnLast, cel.Overload("last_type", []*cel.Type{s}, cel.TimestampType)),
		cel.Function(fnSince, cel.Overload("since_type", []*cel.Type{s}, cel.DurationType)),
		cel.Function(fnDays, cel.Overload("days_int", []*cel.Type{i}, cel.DurationType, cel.UnaryBinding(days))),
		cel.Function("min",
			cel.Overload("min_int", []*cel.Type{i, i}, i, cel.BinaryBinding(pick(func(a, b types.Int) types.Int { return min(a, b) }))),
			cel.Overload("min_double", []*cel.Type{d, d}, d, cel.BinaryBinding(pick(func(a, b types.Double) types.Double { return min(a, b) })))),
		cel.Function("max",
			cel.Overload("max_int", []*cel.Type{i, i}, i, cel.BinaryBinding(pick(func(a, b types.Int) types.Int { return max(a, b) }))),
			cel.Overload("max_double", []*cel.Type{d, d}, d, cel.BinaryBinding(pick(func(a, b types.Double) types.Double { return max(a, b) })))),
	}
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		opts = append(opts, predicate(name, checks[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(edits)) {
		opts = append(opts, text(name, edits[name]))
	}
	return opts
}

// checks are the functions that tell something about a text.
var checks = map[string]func(string) bool{
	"isFreeEmail": normalize.IsFreeEmail, "isDisposableEmail": normalize.IsDisposableEmail, "isRoleEmail": normalize.IsRoleEmail,
}

// edits are the methods that make another text.
var edits = map[string]func(string) string{
	"lowerAscii": func(s string) string { return asciiMap(s, 'A', 'Z', 'a'-'A') },
	"upperAscii": func(s string) string { return asciiMap(s, 'a', 'z', 'A'-'a') },
	"trim":       strings.TrimSpace,
}

func predicate(name string, f func(string) bool) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_string", []*cel.Type{cel.StringType}, cel.BoolType,
		cel.UnaryBinding(func(v ref.Val) ref.Val {
			s, ok := v.(types.String)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			return types.Bool(f(string(s)))
		})))
}

func text(name string, f func(string) string) cel.EnvOption {
	return cel.Function(name, cel.MemberOverload("string_"+name, []*cel.Type{cel.StringType}, cel.StringType,
		cel.UnaryBinding(func(v ref.Val) ref.Val {
			s, ok := v.(types.String)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			return types.String(f(string(s)))
		})))
}

func pick[T ref.Val](f func(a, b T) T) func(a, b ref.Val) ref.Val {
	return func(a, b ref.Val) ref.Val {
		x, ok := a.(T)
		if !ok {
			return types.MaybeNoSuchOverloadErr(a)
		}
		y, ok := b.(T)
		if !ok {
			return types.MaybeNoSuchOverloadErr(b)
		}
		return f(x, y)
	}
}

func asciiMap(s string, from, to byte, shift int) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= rune(from) && r <= rune(to) }) {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if c >= from && c <= to {
			b[i] = byte(int(c) + shift)
		}
	}
	return string(b)
}

const day = 24 * time.Hour

func days(v ref.Val) ref.Val {
	n, ok := v.(types.Int)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	if n > math.MaxInt64/types.Int(day) || n < math.MinInt64/types.Int(day) {
		return types.NewErr("duration overflow")
	}
	return types.Duration{Duration: time.Duration(n) * day}
}

func reservedNames() map[string]bool {
	r := map[string]bool{
		identLead: true, identCompany: true, identActivities: true, identNow: true,
		fnCount: true, fnLast: true, fnSince: true, fnSeen: true, fnDays: true,
	}
	// Words of the grammar, reserved words of the CEL specification, and the
	// names of types.
	for w := range strings.FieldsSeq(`true false null in as break const continue else for function if import let loop
		package namespace return var void while int uint double bool string bytes list map type null_type dyn duration timestamp google`) {
		r[w] = true
	}
	for _, m := range cel.StandardMacros {
		r[m.Function()] = true
	}
	return r
}

// names are what "did you mean" chooses from.
type names struct {
	fields    []string // full names
	idents    []string // variables, now, activities
	functions []string // without operators
}

func namesOf(e *Env) names {
	n := names{idents: []string{identNow, identActivities}}
	for _, d := range e.schema.Fields() {
		n.fields = append(n.fields, d.Name)
	}
	for _, v := range e.vars {
		n.idents = append(n.idents, v.Name)
	}
	for name := range e.cel.Functions() {
		if identifier.MatchString(name) {
			n.functions = append(n.functions, name)
		}
	}
	for _, m := range cel.StandardMacros {
		n.functions = append(n.functions, m.Function())
	}
	slices.Sort(n.fields)
	slices.Sort(n.idents)
	slices.Sort(n.functions)
	n.functions = slices.Compact(n.functions)
	return n
}

package rules_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// The conformance tests of the CEL specification, as far as they can be
// written down without protocol buffers; testdata/celspec/convert.go makes the
// file and says where they are from.

type specRow struct {
	Name  string
	Expr  string
	Vars  map[string]specValue
	Want  *specValue
	Error bool
}

type specValue struct {
	Kind, Text string
	List       []specValue
}

func specRows(t *testing.T) (leftOut map[string]int, rows []specRow) {
	t.Helper()
	f, err := os.Open("testdata/celspec/conformance.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	var header struct {
		LeftOut map[string]int `json:"left_out"`
	}
	for first := true; lines.Scan(); first = false {
		if first {
			err = json.Unmarshal(lines.Bytes(), &header)
		} else {
			var r specRow
			err = json.Unmarshal(lines.Bytes(), &r)
			rows = append(rows, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return header.LeftOut, rows
}

var specKinds = map[string]leadloop.Kind{"bool": boolean, "int": integer, "double": double, "string": str, "timestamp": moment}

// value is the value as a lead would have it, if it can.
func (v specValue) value(t *testing.T) (leadloop.Value, bool) {
	t.Helper()
	var err error
	var out leadloop.Value
	switch v.Kind {
	case "bool":
		out = leadloop.ValueOf(v.Text == "true")
	case "int":
		var n int64
		n, err = strconv.ParseInt(v.Text, 10, 64)
		out = leadloop.ValueOf(n)
	case "double":
		var f float64
		f, err = strconv.ParseFloat(v.Text, 64)
		out = leadloop.ValueOf(f)
	case "string":
		out = leadloop.ValueOf(v.Text)
	case "timestamp":
		var at time.Time
		at, err = time.Parse(time.RFC3339Nano, v.Text)
		out = leadloop.ValueOf(at)
	case "list":
		var items []string
		for _, x := range v.List {
			if x.Kind != "string" {
				return out, false
			}
			items = append(items, x.Text)
		}
		if len(items) == 0 {
			return out, false // of what, nobody knows
		}
		out = leadloop.ValueOf(items)
	default:
		return out, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return out, true
}

// literal is the value in CEL, if rules can say it.
func (v specValue) literal() (string, bool) {
	var parts []string
	for _, x := range v.List {
		p, ok := x.literal()
		if !ok {
			return "", false
		}
		parts = append(parts, p)
	}
	switch v.Kind {
	case "bool", "int":
		return v.Text, true
	case "double":
		return fmt.Sprintf("double(%q)", v.Text), true
	case "string":
		return strconv.Quote(v.Text), true
	case "timestamp":
		return fmt.Sprintf("timestamp(%q)", v.Text), true
	case "duration":
		return fmt.Sprintf("duration(%q)", v.Text), true
	case "list":
		return "[" + strings.Join(parts, ", ") + "]", true
	case "map":
		for i := 0; i < len(parts); i += 2 {
			parts[i/2] = parts[i] + ": " + parts[i+1]
		}
		return "{" + strings.Join(parts[:len(parts)/2], ", ") + "}", true
	}
	return "", false
}

// refusals are why rules refuse what the specification has.
var refusals = []struct {
	has    string
	reason string
}{
	{"bytes are not a type", "bytes"}, {"bytes()", "bytes"},
	{"unsigned integers", "uint"}, {"uint()", "uint"},
	{"there is no null", "null"}, {"null", "null"},
	{"type()", "types as values"}, {"is not a value", "types as values"},
	{"dyn()", "dyn"}, {"dyn", "dyn"},
	{"google.protobuf", "protocol buffers"}, {"cel.expr.conformance", "protocol buffers"},
	{"unknown name", "names that are not declared"},
	{"duration() takes a constant", "duration() of what is no constant"},
	{"is not a duration", "durations in another notation"},
	{"pattern of matches() must be", "patterns that are no constant"},
	{"comprehensions are nested", "loops nested deeper than two"},
	{"nested deeper than", "too deep"},
	{"longer than", "too long"},
	{"can't mix int and double", "types are mixed"},
	{"expected", "types are mixed"}, {"both answers need one type", "types are mixed"}, {"can't be applied to", "types are mixed"},
	{"unknown function", "functions of an extension"},
	{"has no fields", "types are mixed"}, {"the table has the key", "a constant errs"},
	{"a constant in it can't be computed", "a constant errs"},
	{"is not a time zone", "a constant errs"}, {"is not a time such as", "a constant errs"}, {"not a valid pattern", "a constant errs"},
}

// spec is one run of all rows.
type spec struct {
	t      *testing.T
	schema *leadloop.Schema
	envs   map[string]*rules.Env
	counts map[string]int
	plain  *cel.Env
}

func (s *spec) reason(name, text string, err error) string {
	for _, r := range refusals {
		if strings.Contains(err.Error(), r.has) {
			return r.reason
		}
	}
	s.t.Errorf("%s: %s: refused: %v", name, text, err)
	return "?"
}

func (s *spec) env(vars []rules.Var) (*rules.Env, error) {
	key := fmt.Sprint(vars)
	if s.envs[key] == nil {
		e, err := rules.NewEnv(s.schema, rules.Options{Vars: vars})
		if err != nil {
			return nil, err
		}
		e.KeepOracle()
		s.envs[key] = e
	}
	return s.envs[key], nil
}

// compile makes a rule of the expression; if its type is none that a rule can
// have, of what it is compared with.
func (s *spec) compile(e *rules.Env, text string, want *specValue) (*rules.Set, error) {
	if want == nil {
		for _, kind := range []leadloop.Kind{boolean, integer, double, str, moment, list} {
			if set, err := e.Compile(rule(kind, text)); err == nil {
				return set, nil
			}
		}
		return e.Compile(rule(boolean, "["+text+"].size() > 0"))
	}
	if _, ok := want.value(s.t); ok {
		kind := list
		if want.Kind != "list" {
			kind = specKinds[want.Kind]
		}
		return e.Compile(rule(kind, text))
	}
	l, ok := want.literal()
	if !ok {
		return e.Compile(rule(boolean, text))
	}
	return e.Compile(rule(boolean, "("+text+") == "+l))
}

// check evaluates every way there is and compares with what is wanted.
func (s *spec) check(name, text string, set *rules.Set, f rules.Facts, want *specValue) {
	var together rules.Results
	set.Eval(context.Background(), f, &together)
	for way, got := range map[string]rules.Result{
		"together": together.At(0), "alone": set.EvalOne(context.Background(), f, 0), "by cel-go": set.Oracle(context.Background(), f, 0),
	} {
		switch expected, direct := wanted(s.t, want); {
		case want == nil:
			if got.State != rules.Failed && got.State != rules.NoValue {
				s.t.Errorf("%s, %s: %s: got %+v, want an error", name, way, text, got)
			}
		case want.Kind == "double" && direct && !finite(expected.Float()):
			if got.State != rules.Failed || got.Err.Error() != "the result is not a finite number" {
				s.t.Errorf("%s, %s: %s: got %+v, want a refusal of %s", name, way, text, got, want.Text)
			}
		case got.State != rules.Decided || !got.Value.Equal(expected):
			s.t.Errorf("%s, %s: %s: got %+v, want %v", name, way, text, got, expected)
		}
	}
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// wanted is what the rule that compile makes must answer.
func wanted(t *testing.T, want *specValue) (v leadloop.Value, direct bool) {
	if want == nil {
		return v, false
	}
	if v, ok := want.value(t); ok {
		return v, true
	}
	return leadloop.ValueOf(true), false
}

func TestConformanceWithTheSpecification(t *testing.T) {
	leftOut, rows := specRows(t)
	plain, err := cel.NewEnv(ext.Strings(ext.StringsVersion(0)))
	if err != nil {
		t.Fatal(err)
	}
	s := &spec{t: t, schema: newSchema(t), envs: map[string]*rules.Env{}, counts: map[string]int{}, plain: plain}
	for _, r := range rows {
		s.row(r)
	}
	for reason, n := range leftOut {
		s.counts["left out: "+reason] = n
	}
	for _, k := range slices.Sorted(maps.Keys(s.counts)) {
		t.Logf("%4d %s", s.counts[k], k)
	}
	if diff := cmp.Diff(specCounts, s.counts); diff != "" {
		t.Errorf("what ran and what did not (-want +got):\n%s", diff)
	}
}

func (s *spec) row(r specRow) {
	var vars []rules.Var
	var f rules.Facts
	f.Now = noon
	activation := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(r.Vars)) {
		v, ok := r.Vars[name].value(s.t)
		if !ok {
			s.counts["not run: a variable of a type that leads do not have"]++
			return
		}
		vars = append(vars, rules.Var{Name: name, Kind: v.Kind()})
		f.Vars = append(f.Vars, v)
		activation[name] = celValue(v)
	}
	e, err := s.env(vars)
	if err != nil {
		s.counts["not run: a variable with a name of several parts, or one that is taken"]++
		return
	}
	set, err := s.compile(e, r.Expr, r.Want)
	switch {
	case err != nil && r.Want == nil:
		s.counts["an error as expected, refused: "+s.reason(r.Name, r.Expr, err)]++
		return
	case err != nil:
		s.counts["refused: "+s.reason(r.Name, r.Expr, err)]++
		return
	}
	s.counts["as expected"]++
	s.check(r.Name, r.Expr, set, f, r.Want)
	s.plainly(r, vars, activation)
	s.lifted(r, vars, f)
}

func celValue(v leadloop.Value) any {
	switch v.Kind() {
	case boolean:
		return v.Bool()
	case integer:
		return v.Int()
	case double:
		return v.Float()
	case moment:
		return v.Time()
	case list:
		return v.Strings()
	}
	return v.Text()
}

// plainly evaluates by cel-go as anybody would use it.
func (s *spec) plainly(r specRow, vars []rules.Var, activation map[string]any) {
	opts := make([]cel.EnvOption, len(vars))
	for i, v := range vars {
		opts[i] = cel.Variable(v.Name, map[leadloop.Kind]*cel.Type{boolean: cel.BoolType, integer: cel.IntType, double: cel.DoubleType,
			str: cel.StringType, moment: cel.TimestampType, list: cel.ListType(cel.StringType)}[v.Kind])
	}
	e, err := s.plain.Extend(opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	checked, issues := e.Compile(r.Expr)
	if issues.Err() != nil {
		s.counts["plain cel-go: has no such function"]++
		return
	}
	program, err := e.Program(checked)
	if err != nil {
		s.t.Fatalf("%s: %v", r.Name, err)
	}
	got, _, err := program.Eval(activation)
	if r.Want == nil {
		if err == nil {
			s.t.Errorf("%s: %s: cel-go says %v, want an error", r.Name, r.Expr, got)
		}
		return
	}
	if err != nil {
		s.t.Errorf("%s: %s: cel-go says %v", r.Name, r.Expr, err)
		return
	}
	var want ref.Val
	if l, ok := r.Want.literal(); ok {
		checked, issues := e.Compile(l)
		if issues.Err() != nil {
			s.t.Fatal(issues.Err())
		}
		if program, err = e.Program(checked); err != nil {
			s.t.Fatal(err)
		}
		if want, _, err = program.Eval(activation); err != nil {
			s.t.Fatal(err)
		}
	}
	nan := r.Want.Kind == "double" && r.Want.Text == "NaN" && got.Equal(got) == types.False
	if want == nil || !nan && got.Equal(want) != types.True {
		s.t.Errorf("%s: %s: cel-go says %v, want %v", r.Name, r.Expr, got, want)
	}
}

// constants are functions that need their text written out.
var constants = regexp.MustCompile(`^(matches|duration)$`)

// lifted evaluates the expression with variables in place of its constants, so
// that the answer is computed and not folded.
func (s *spec) lifted(r specRow, vars []rules.Var, f rules.Facts) {
	if strings.Contains(r.Expr, "`") {
		s.counts["with variables for constants, not run: cel-go can't write out quoted names"]++
		return
	}
	e, err := cel.NewCustomEnv(cel.ClearMacros())
	if err != nil {
		s.t.Fatal(err)
	}
	parsed, issues := e.Parse(r.Expr)
	if issues.Err() != nil {
		s.t.Fatal(issues.Err())
	}
	vars, f.Vars = slices.Clone(vars), slices.Clone(f.Vars)
	factory := ast.NewExprFactory()
	var lift func(ast.Expr)
	lift = func(x ast.Expr) {
		switch x.Kind() {
		case ast.LiteralKind:
			var v leadloop.Value
			switch l := x.AsLiteral().(type) {
			case types.Bool:
				v = leadloop.ValueOf(bool(l))
			case types.Int:
				v = leadloop.ValueOf(int64(l))
			case types.Double:
				v = leadloop.ValueOf(float64(l))
			case types.String:
				v = leadloop.ValueOf(string(l))
			default:
				return
			}
			name := fmt.Sprintf("constant%d", len(vars))
			vars, f.Vars = append(vars, rules.Var{Name: name, Kind: v.Kind()}), append(f.Vars, v)
			x.SetKindCase(factory.NewIdent(x.ID(), name))
		case ast.SelectKind:
			lift(x.AsSelect().Operand())
		case ast.CallKind:
			call := x.AsCall()
			if call.IsMemberFunction() {
				lift(call.Target())
			}
			if !constants.MatchString(call.FunctionName()) {
				for _, a := range call.Args() {
					lift(a)
				}
			}
		case ast.ListKind:
			for _, a := range x.AsList().Elements() {
				lift(a)
			}
		case ast.MapKind:
			for _, a := range x.AsMap().Entries() {
				lift(a.AsMapEntry().Key())
				lift(a.AsMapEntry().Value())
			}
		}
	}
	before := len(vars)
	lift(parsed.NativeRep().Expr())
	if len(vars) == before {
		s.counts["with variables for constants: there are none"]++
		return
	}
	text, err := cel.AstToString(parsed)
	if err != nil {
		s.t.Fatalf("%s: %v", r.Name, err)
	}
	env, err := s.env(vars)
	if err != nil {
		s.t.Fatal(err)
	}
	set, err := s.compile(env, text, r.Want)
	if err != nil {
		s.t.Errorf("%s: %s: refused: %v", r.Name, text, err)
		return
	}
	s.counts["with variables for constants: as expected"]++
	if set.Plan()[0].Tier == rules.TierCEL {
		s.counts["with variables for constants: left to cel-go"]++
	}
	s.check(r.Name, text, set, f, r.Want)
}

// specCounts keeps coverage from getting lost unnoticed.
var specCounts = map[string]int{
	"an error as expected, refused: a constant errs":                         9,
	"an error as expected, refused: bytes":                                   1,
	"an error as expected, refused: durations in another notation":           6,
	"an error as expected, refused: dyn":                                     12,
	"an error as expected, refused: functions of an extension":               51,
	"an error as expected, refused: names that are not declared":             1,
	"an error as expected, refused: null":                                    5,
	"an error as expected, refused: protocol buffers":                        21,
	"an error as expected, refused: types are mixed":                         23,
	"an error as expected, refused: uint":                                    10,
	"as expected":                                                            595,
	"left out: a container of names, mostly of protocol buffers":             503,
	"left out: a library of extensions":                                      379,
	"left out: only the type is tested":                                      25,
	"left out: protocol buffers as values":                                   49,
	"not run: a variable of a type that leads do not have":                   17,
	"not run: a variable with a name of several parts, or one that is taken": 6,
	"refused: bytes":                       97,
	"refused: dyn":                         174,
	"refused: functions of an extension":   107,
	"refused: names that are not declared": 39,
	"refused: null":                        12,
	"refused: protocol buffers":            69,
	"refused: types are mixed":             35,
	"refused: types as values":             33,
	"refused: uint":                        65,
	"with variables for constants, not run: cel-go can't write out quoted names": 18,
	"with variables for constants: as expected":                                  549,
	"with variables for constants: left to cel-go":                               86,
	"with variables for constants: there are none":                               28,
}

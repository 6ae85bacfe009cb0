package rules_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// oracle is cel-go by itself: leads are maps, functions are functions.
func oracle(t testing.TB, f rules.Facts) (*cel.Env, map[string]any) {
	t.Helper()
	vars := map[string]any{"tier": "A", "score": 7.5, "now": f.Now}
	scopes := map[string]map[string]any{"lead": {}, "company": {}}
	for i, d := range f.Profile.Schema().Fields() {
		v := f.Profile.At(i)
		if v.Presence() != leadloop.Present && v.Presence() != leadloop.Empty {
			continue
		}
		scope, name, _ := strings.Cut(d.Name, ".")
		switch d.Kind {
		case str:
			scopes[scope][name] = v.Text()
		case integer:
			scopes[scope][name] = v.Int()
		case double:
			scopes[scope][name] = v.Float()
		case boolean:
			scopes[scope][name] = v.Bool()
		case moment:
			scopes[scope][name] = v.Time()
		case list:
			scopes[scope][name] = v.Strings()
		}
	}
	vars["lead"], vars["company"] = scopes["lead"], scopes["company"]
	var activities []map[string]any
	for _, a := range f.Activities {
		activities = append(activities, map[string]any{"type": a.Type, "at": a.At, "actor": string(a.Actor), "attributes": a.Attributes})
	}
	vars["activities"] = activities
	count := func(args ...ref.Val) ref.Val {
		n := 0
		for _, a := range f.Activities {
			window := time.Duration(1<<63 - 1)
			if len(args) == 2 {
				var err error
				if window, err = leadloop.ParseDuration(string(args[1].(types.String))); err != nil {
					return types.WrapErr(err)
				}
			}
			if a.Type == string(args[0].(types.String)) && f.Now.Sub(a.At) < window {
				n++
			}
		}
		return types.Int(n)
	}
	days := func(v ref.Val) ref.Val {
		d := time.Duration(v.(types.Int)) * 24 * time.Hour
		if d/(24*time.Hour) != time.Duration(v.(types.Int)) {
			return types.NewErr("overflow")
		}
		return types.Duration{Duration: d}
	}
	object := cel.MapType(cel.StringType, cel.DynType)
	e, err := cel.NewEnv(
		cel.Variable("tier", cel.StringType), cel.Variable("score", cel.DoubleType), cel.Variable("now", cel.TimestampType),
		cel.Variable("lead", object), cel.Variable("company", object), cel.Variable("activities", cel.ListType(object)),
		cel.Function("count",
			cel.Overload("c1", []*cel.Type{cel.StringType}, cel.IntType, cel.UnaryBinding(func(v ref.Val) ref.Val { return count(v) })),
			cel.Overload("c2", []*cel.Type{cel.StringType, cel.StringType}, cel.IntType, cel.BinaryBinding(func(a, b ref.Val) ref.Val { return count(a, b) }))),
		cel.Function("days", cel.Overload("d", []*cel.Type{cel.IntType}, cel.DurationType, cel.UnaryBinding(days))),
	)
	if err != nil {
		t.Fatal(err)
	}
	return e, vars
}

// generator draws well-typed expressions from bytes.
type generator struct {
	data []byte
	vars []string // loop variables of type string
}

func (g *generator) pick(n int) int {
	if len(g.data) == 0 {
		return 0
	}
	b := g.data[0]
	g.data = g.data[1:]
	return int(b) % n
}

func (g *generator) bool(depth int) string {
	if depth == 0 {
		return []string{`true`, `false`, `lead.opted_in`, `has(lead.email)`, `has(company.revenue)`, `count("a") > 1`}[g.pick(6)]
	}
	op := []string{"==", "!=", "<", "<=", ">", ">="}[g.pick(6)]
	switch g.pick(14) {
	case 0:
		return fmt.Sprintf("(%s && %s)", g.bool(depth-1), g.bool(depth-1))
	case 1:
		return fmt.Sprintf("(%s || %s)", g.bool(depth-1), g.bool(depth-1))
	case 2:
		return fmt.Sprintf("!(%s)", g.bool(depth-1))
	case 3:
		return fmt.Sprintf("(%s ? %s : %s)", g.bool(depth-1), g.bool(depth-1), g.bool(depth-1))
	case 4, 5:
		return fmt.Sprintf("(%s %s %s)", g.int(depth-1), op, g.int(depth-1))
	case 6:
		return fmt.Sprintf("(%s %s %s)", g.double(depth-1), op, g.double(depth-1))
	case 7:
		return fmt.Sprintf("(%s %s %s)", g.string(depth-1), op, g.string(depth-1))
	case 8:
		return fmt.Sprintf("%s.%s(%s)", g.string(depth-1), []string{"contains", "startsWith", "endsWith"}[g.pick(3)], g.string(depth-1))
	case 9:
		return fmt.Sprintf("(%s in %s)", g.string(depth-1), g.list(depth-1))
	case 10, 11:
		macro := []string{"exists", "all", "exists_one"}[g.pick(3)]
		v := fmt.Sprintf("x%d", len(g.vars))
		over := g.list(depth - 1)
		g.vars = append(g.vars, v)
		body := g.bool(depth - 1)
		g.vars = g.vars[:len(g.vars)-1]
		return fmt.Sprintf("%s.%s(%s, %s)", over, macro, v, body)
	case 12:
		return fmt.Sprintf("(%s - company.funding_date %s days(%d))", []string{"now", `timestamp("2026-12-01T00:00:00Z")`}[g.pick(2)], op, g.pick(100))
	}
	return fmt.Sprintf("%s.matches(%q)", g.string(depth-1), []string{"^a", "(?i)vp|head", "[0-9]+$"}[g.pick(3)])
}

func (g *generator) int(depth int) string {
	if depth == 0 {
		return []string{"0", "1", "-1", "9223372036854775807", "company.employees", "company.founded", `count("a")`, `count("b", "48h")`}[g.pick(8)]
	}
	switch g.pick(5) {
	case 0, 1:
		return fmt.Sprintf("(%s %s %s)", g.int(depth-1), []string{"+", "-", "*", "/", "%"}[g.pick(5)], g.int(depth-1))
	case 2:
		return fmt.Sprintf("size(%s)", g.string(depth-1))
	case 3:
		return fmt.Sprintf("(%s ? %s : %s)", g.bool(depth-1), g.int(depth-1), g.int(depth-1))
	}
	return fmt.Sprintf("int(%s)", g.double(depth-1))
}

func (g *generator) double(depth int) string {
	if depth == 0 {
		return []string{"0.0", "1.5", "company.hiring_velocity", "company.ratio", "score"}[g.pick(5)]
	}
	if g.pick(3) == 0 {
		return fmt.Sprintf("double(%s)", g.int(depth-1))
	}
	return fmt.Sprintf("(%s %s %s)", g.double(depth-1), []string{"+", "-", "*", "/"}[g.pick(4)], g.double(depth-1))
}

func (g *generator) string(depth int) string {
	leaves := append([]string{`""`, `"a"`, `"VP"`, "lead.email", "lead.title", "lead.city", "tier"}, g.vars...)
	if depth == 0 {
		return leaves[g.pick(len(leaves))]
	}
	switch g.pick(5) {
	case 0:
		return fmt.Sprintf("(%s + %s)", g.string(depth-1), g.string(depth-1))
	case 1:
		return fmt.Sprintf("(%s ? %s : %s)", g.bool(depth-1), g.string(depth-1), g.string(depth-1))
	case 2:
		return fmt.Sprintf("%s[%s]", g.list(depth-1), g.int(depth-1))
	case 3:
		return fmt.Sprintf("string(%s)", g.int(depth-1))
	}
	return leaves[g.pick(len(leaves))]
}

func (g *generator) list(depth int) string {
	if depth == 0 || g.pick(2) == 0 {
		return []string{`["a", "b"]`, "company.technologies", `["VP"]`}[g.pick(3)]
	}
	switch g.pick(3) {
	case 0:
		return fmt.Sprintf("[%s, %s]", g.string(depth-1), g.string(depth-1))
	case 1:
		return fmt.Sprintf("(%s + %s)", g.list(depth-1), g.list(depth-1))
	}
	v := fmt.Sprintf("x%d", len(g.vars))
	over := g.list(depth - 1)
	g.vars = append(g.vars, v)
	body := g.bool(depth - 1)
	g.vars = g.vars[:len(g.vars)-1]
	return fmt.Sprintf("%s.filter(%s, %s)", over, v, body)
}

func everything(t testing.TB, e *rules.Env) rules.Facts {
	t.Helper()
	f := facts(t, e)
	leadloop.City.Set(f.Profile, "a9")
	leadloop.Revenue.Set(f.Profile, 1_000_000)
	leadloop.Founded.Set(f.Profile, 1999)
	ratio.Set(f.Profile, -0.5)
	f.Vars = []leadloop.Value{leadloop.ValueOf("A"), leadloop.ValueOf(7.5)}
	f.Activities = []leadloop.Activity{{Type: "a", At: noon.Add(-time.Hour)}, {Type: "a", At: noon}, {Type: "b", At: noon.Add(-48 * time.Hour)}}
	return f
}

// FuzzAgainstCEL: with everything known, a rule answers what cel-go by itself
// answers. With some fields missing, what is not undecided is the same answer,
// and what is undecided needs missing fields only.
func FuzzAgainstCEL(f *testing.F) {
	for i := range 300 {
		seed := make([]byte, 48)
		x := uint32(i)*2654435761 + 1
		for k := range seed {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			seed[k] = byte(x >> 8)
		}
		f.Add(seed, uint16(x))
	}
	e := newEnv(f, rules.Options{})
	full := everything(f, e)
	plain, vars := oracle(f, full)
	fields := []string{"lead.email", "lead.title", "lead.city", "lead.opted_in", "company.employees", "company.founded",
		"company.hiring_velocity", "company.ratio", "company.technologies", "company.funding_date", "company.revenue"}
	f.Fuzz(func(t *testing.T, data []byte, mask uint16) {
		g := generator{data: data}
		text := g.bool(4)
		set, err := e.Compile(rule(boolean, text))
		if err != nil {
			// Constants that err, too long, too deep, too dear: refused.
			return
		}
		parsed, issues := plain.Compile(text)
		if issues.Err() != nil {
			t.Fatalf("%s: cel-go: %v", text, issues.Err())
		}
		program, err := plain.Program(parsed)
		if err != nil {
			t.Fatal(err)
		}
		want, _, wantErr := program.Eval(vars)
		got := set.EvalOne(context.Background(), full, 0)
		switch {
		case got.State == rules.Undecided:
			t.Fatalf("%s: undecided with everything known: %v", text, got.Needs)
		case (got.State == rules.Decided) != (wantErr == nil):
			t.Fatalf("%s: got %+v, cel-go says %v, %v", text, got, want, wantErr)
		case wantErr == nil && got.Value.Bool() != bool(want.(types.Bool)):
			t.Fatalf("%s: got %v, cel-go says %v", text, got.Value, want)
		}

		partial := full
		partial.Profile = full.Profile.Clone()
		missing := map[string]bool{}
		for i, name := range fields {
			if mask&(1<<i) != 0 {
				setValue(t, partial.Profile, name, leadloop.Value{})
				missing[name] = true
			}
		}
		part := set.EvalOne(context.Background(), partial, 0)
		if part.State == rules.Undecided {
			if len(part.Needs) == 0 || !slices.IsSorted(part.Needs) {
				t.Fatalf("%s: needs %v", text, part.Needs)
			}
			for _, n := range part.Needs {
				if !missing[n] {
					t.Fatalf("%s: needs %s, which is known; missing are %v", text, n, slices.Sorted(maps.Keys(missing)))
				}
			}
			return
		}
		if part.State != got.State || !part.Value.Equal(got.Value) {
			t.Fatalf("%s: %+v without %v, but %+v with everything known", text, part, slices.Sorted(maps.Keys(missing)), got)
		}
	})
}

// FuzzCompile: no text makes Compile or Eval panic, run long, or point outside
// of the text.
func FuzzCompile(f *testing.F) {
	for _, h := range hostile {
		if len(h.text) < 4096 {
			f.Add(h.text)
		}
	}
	for _, s := range []string{`company.employes > 5 && isFreeMail(lead.email)`, `lead.email = "x"`, "true &&\n lead.emial == ''", `since("a") < days(7)`,
		`activities.exists(a, a.attributes["x"] == "y")`, `{"a": 1.0}[tier] > 0.5`, "a\u2028b", `company.technologies.all(.!0,A)`, `now.getHours("Europe/Berlin") > 8`} {
		f.Add(s)
	}
	e := newEnv(f, rules.Options{})
	known, unknown := everything(f, e), rules.Facts{Now: noon}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []leadloop.Kind{boolean, double, str, list, moment, integer} {
			start := time.Now()
			set, err := e.Compile(rule(kind, text))
			if err != nil {
				lines := strings.Count(text, "\n") + strings.Count(text, "\r") + 1
				var problems leadloop.Problems
				if !errors.As(err, &problems) {
					t.Fatalf("%.80q: %T is not Problems", text, err)
				}
				for _, p := range problems {
					if p.At.Line < 1 || p.At.Line > lines || p.At.Column < 1 || p.At.Column > len(text)+1 {
						t.Errorf("%.80q: %v is outside of the text", text, p)
					}
				}
				continue
			}
			for _, facts := range []rules.Facts{known, unknown} {
				set.EvalOne(context.Background(), facts, 0)
				set.NextChange(facts)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("%.80q: took %v", text, took)
			}
		}
	})
}

package rules_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
	"github.com/leadloop/leadloop/rules"
)

// plainEnv is cel-go with the functions of rules, written once more. It shares
// nothing with package rules, unlike the oracle, which reads inputs as rules
// do.
func plainEnv(t testing.TB, now *rules.Facts) *cel.Env {
	t.Helper()
	s, i, d, b := cel.StringType, cel.IntType, cel.DoubleType, cel.BoolType
	text := func(v ref.Val) string { s, _ := v.(types.String); return string(s) }
	count := func(args ...ref.Val) (n int) {
		for _, a := range now.Activities {
			if a.Type != text(args[0]) {
				continue
			}
			if len(args) == 2 {
				window, err := leadloop.ParseDuration(text(args[1]))
				if err != nil {
					t.Fatal(err)
				}
				if !a.At.After(now.Now.Add(-window)) {
					continue
				}
			}
			n++
		}
		return n
	}
	last := func(v ref.Val) (at time.Time, ok bool) {
		for _, a := range now.Activities {
			if a.Type == text(v) && (!ok || a.At.After(at)) {
				at, ok = a.At, true
			}
		}
		if at.After(now.Now) {
			at = now.Now
		}
		return at, ok
	}
	never := types.NewErr("never happened")
	predicate := func(name string, f func(string) bool) cel.EnvOption {
		return cel.Function(name, cel.Overload(name, []*cel.Type{s}, b, cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Bool(f(text(v))) })))
	}
	edit := func(name string, f func(string) string) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload(name, []*cel.Type{s}, s, cel.UnaryBinding(func(v ref.Val) ref.Val { return types.String(f(text(v))) })))
	}
	ascii := func(from, to rune, shift rune) func(string) string {
		return func(s string) string {
			return strings.Map(func(r rune) rune {
				if r >= from && r <= to {
					return r + shift
				}
				return r
			}, s)
		}
	}
	pick := func(name string, less bool) cel.EnvOption {
		ints := func(a, b ref.Val) ref.Val {
			if x, y := a.(types.Int), b.(types.Int); (x < y) == less {
				return x
			}
			return b
		}
		doubles := func(a, b ref.Val) ref.Val {
			x, y := float64(a.(types.Double)), float64(b.(types.Double))
			if less {
				return types.Double(min(x, y))
			}
			return types.Double(max(x, y))
		}
		return cel.Function(name, cel.Overload(name+"_int", []*cel.Type{i, i}, i, cel.BinaryBinding(ints)),
			cel.Overload(name+"_double", []*cel.Type{d, d}, d, cel.BinaryBinding(doubles)))
	}
	object := cel.MapType(s, cel.DynType)
	e, err := cel.NewEnv(
		cel.Variable("tier", s), cel.Variable("score", d), cel.Variable("now", cel.TimestampType),
		cel.Variable("lead", object), cel.Variable("company", object), cel.Variable("activities", cel.ListType(object)),
		cel.Function("count",
			cel.Overload("count1", []*cel.Type{s}, i, cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Int(count(v)) })),
			cel.Overload("count2", []*cel.Type{s, s}, i, cel.BinaryBinding(func(v, w ref.Val) ref.Val { return types.Int(count(v, w)) }))),
		cel.Function("seen",
			cel.Overload("seen1", []*cel.Type{s}, b, cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Bool(count(v) > 0) })),
			cel.Overload("seen2", []*cel.Type{s, s}, b, cel.BinaryBinding(func(v, w ref.Val) ref.Val { return types.Bool(count(v, w) > 0) }))),
		cel.Function("last", cel.Overload("last", []*cel.Type{s}, cel.TimestampType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			at, ok := last(v)
			if !ok {
				return never
			}
			return types.Timestamp{Time: at}
		}))),
		cel.Function("since", cel.Overload("since", []*cel.Type{s}, cel.DurationType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			at, ok := last(v)
			if !ok {
				return never
			}
			span := now.Now.Sub(at)
			if !at.Add(span).Equal(now.Now) {
				return types.NewErr("too long")
			}
			return types.Duration{Duration: span}
		}))),
		cel.Function("days", cel.Overload("days", []*cel.Type{i}, cel.DurationType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			n := time.Duration(v.(types.Int))
			if span := n * 24 * time.Hour; span/(24*time.Hour) == n {
				return types.Duration{Duration: span}
			}
			return types.NewErr("overflow")
		}))),
		predicate("isFreeEmail", normalize.IsFreeEmail), predicate("isDisposableEmail", normalize.IsDisposableEmail), predicate("isRoleEmail", normalize.IsRoleEmail),
		edit("lowerAscii", ascii('A', 'Z', 'a'-'A')), edit("upperAscii", ascii('a', 'z', 'A'-'a')), edit("trim", strings.TrimSpace),
		pick("min", true), pick("max", false),
	)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// known makes the facts such that cel-go has words for all of them: nothing
// absent, nothing that can't be read.
func known(t testing.TB, f *rules.Facts, e *rules.Env) {
	t.Helper()
	readable := func(s string) string {
		if s == "Local" || !utf8.ValidString(s) || len(s) > 1024 {
			return "a"
		}
		return s
	}
	when := func(at time.Time) time.Time {
		if at.UTC().Year() < 1 || at.UTC().Year() > 9999 {
			return noon
		}
		return at
	}
	if f.Profile == nil {
		f.Profile = e.Schema().NewProfile()
	}
	for i, d := range e.Schema().Fields() {
		v := f.Profile.At(i)
		switch {
		case v.Presence() == leadloop.Absent, v.Presence() == leadloop.Empty && d.Kind != str && d.Kind != list:
			v = leadloop.NoValue(d.Kind)
		case v.Presence() != leadloop.Present:
		case d.Kind == str:
			v = leadloop.ValueOf(readable(v.Text()))
		case d.Kind == moment:
			v = leadloop.ValueOf(when(v.Time()))
		case d.Kind == list:
			items := v.Strings()
			for k := range items {
				items[k] = readable(items[k])
			}
			v = leadloop.ValueOf(items)
		}
		setValue(t, f.Profile, d.Name, v)
	}
	f.Now = when(f.Now)
	for i := range f.Activities {
		a := &f.Activities[i]
		a.Type, a.At = readable(a.Type), when(a.At)
		for k, v := range a.Attributes {
			a.Attributes[k] = readable(v)
		}
	}
	f.Vars = []leadloop.Value{leadloop.ValueOf("VP"), leadloop.ValueOf(7.5)}
}

// asMaps are the facts as cel-go takes them.
func asMaps(f rules.Facts) map[string]any {
	scopes := map[string]map[string]any{"lead": {}, "company": {}}
	for i, d := range f.Profile.Schema().Fields() {
		if v := f.Profile.At(i); v.Presence() != leadloop.KnownAbsent {
			scope, name, _ := strings.Cut(d.Name, ".")
			scopes[scope][name] = celValue(v)
		}
	}
	activities := []map[string]any{}
	for _, a := range f.Activities {
		at := a.At
		if at.After(f.Now) {
			at = f.Now
		}
		activities = append(activities, map[string]any{"type": a.Type, "at": at, "actor": string(a.Actor), "attributes": a.Attributes})
	}
	return map[string]any{"tier": f.Vars[0].Text(), "score": f.Vars[1].Float(), "now": f.Now,
		"lead": scopes["lead"], "company": scopes["company"], "activities": activities}
}

// plainResult is what cel-go answers, as a value of a kind; ok is false if it
// errs, or is no finite number.
func plainResult(t *testing.T, kind leadloop.Kind, v ref.Val, err error) (out leadloop.Value, ok bool) {
	t.Helper()
	if err != nil {
		return out, false
	}
	switch v := v.(type) {
	case types.Bool:
		return leadloop.ValueOf(bool(v)), true
	case types.Int:
		if kind == double {
			return leadloop.ValueOf(float64(v)), true
		}
		return leadloop.ValueOf(int64(v)), true
	case types.Double:
		return leadloop.ValueOf(float64(v)), finite(float64(v))
	case types.String:
		return leadloop.ValueOf(string(v)), true
	case types.Timestamp:
		return leadloop.ValueOf(v.UTC()), true
	case traits.Lister:
		items := []string{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			items = append(items, string(it.Next().(types.String)))
		}
		return leadloop.ValueOf(items), true
	}
	t.Fatalf("cel-go answers a %s", v.Type().TypeName())
	return out, false
}

// plainWords are expressions as cel-go wants them: whole timestamps, and no
// index into a value of any type, of which its checker then expects bytes.
var plainWords = strings.NewReplacer(`timestamp("0001-01-01")`, `timestamp("0001-01-01T00:00:00Z")`, `timestamp("9999-12-31")`, `timestamp("9999-12-31T00:00:00Z")`,
	`.attributes["page"]`, `.attributes.page`)

// FuzzAgainstPlainCEL: with nothing absent, rules of all that the language has
// answer what cel-go by itself answers over maps.
func FuzzAgainstPlainCEL(f *testing.F) {
	seeds(f, 300/raceFactor, 1200)
	e := newEnv(f, rules.Options{})
	f.Fuzz(func(t *testing.T, data []byte) { comparePlainly(t, e, data) })
}

// TestPlainCELAnswersMostRules keeps that comparison from being one of nothing.
func TestPlainCELAnswersMostRules(t *testing.T) {
	e := newEnv(t, rules.Options{})
	compared, decided := 0, 0
	for i := range 60 {
		n, m := comparePlainly(t, e, seed(200_000+i, 1200))
		compared, decided = compared+n, decided+m
	}
	if compared < 400 || decided*4 < compared {
		t.Errorf("%d answers compared, %d of them no errors", compared, decided)
	}
}

// comparePlainly returns how many answers it compared, and how many of them
// are no errors.
func comparePlainly(t *testing.T, e *rules.Env, data []byte) (compared, decided int) {
	t.Helper()
	g := wide{generator: generator{data: data}}
	var facts rules.Facts
	plain := plainEnv(t, &facts)
	for range 4 {
		one := g.anyRule("r")
		set, err := e.Compile(one)
		if err != nil {
			continue
		}
		checked, issues := plain.Compile(plainWords.Replace(one.Expression.Text))
		if issues.Err() != nil {
			// Maps have values of any type, of which the checker sometimes
			// thinks otherwise.
			continue
		}
		program, err := plain.Program(checked)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			facts = g.anyFacts(t, e)
			known(t, &facts, e)
			answer, _, err := program.Eval(asMaps(facts))
			want, ok := plainResult(t, one.Type, answer, err)
			compared++
			if ok {
				decided++
			}
			var r rules.Results
			set.Eval(context.Background(), facts, &r)
			for how, got := range map[string]rules.Result{"together": r.At(0), "alone": set.EvalOne(context.Background(), facts, 0)} {
				switch {
				case got.State == rules.Undecided:
					t.Fatalf("%s, %s: undecided with everything known: %v", one.Expression.Text, how, got.Needs)
				case ok != (got.State == rules.Decided), ok && !want.Equal(got.Value):
					t.Fatalf("%s, %s: got %+v, cel-go says %v, %v", one.Expression.Text, how, got, answer, err)
				case got.State == rules.Failed && errors.Is(got.Err, rules.ErrBudget):
					t.Fatalf("%s, %s: over the budget", one.Expression.Text, how)
				}
			}
		}
	}
	return compared, decided
}

package rules_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// ruleSet compiles conditions and, after a "#", expressions of type double.
func ruleSet(t testing.TB, e *rules.Env, texts ...string) *rules.Set {
	t.Helper()
	var all []rules.Rule
	for i, text := range texts {
		kind := boolean
		if points, ok := strings.CutPrefix(text, "#"); ok {
			kind, text = double, points
		}
		all = append(all, rules.Rule{ID: fmt.Sprint(i), Type: kind, Expression: leadloop.Expression{Text: text}})
	}
	s, err := e.Compile(all...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCells(t *testing.T) {
	e := newEnv(t, rules.Options{})
	for _, tt := range []struct {
		name, field string
		rules       []string
		want        string
		exact       bool
	}{
		{"a field that nobody reads", "lead.city", []string{`true`}, "(known absent); other", true},
		{"breakpoints, between, below and above", "company.employees",
			[]string{`company.employees >= 50 && company.employees < 500`, `500 < company.employees`},
			"(known absent); 0; 50; 500; 501", true},
		{"bounds at the ends of the range", "company.employees", []string{`company.employees >= -9223372036854775807`},
			"(known absent); -9223372036854775808; 0", true},
		{"has tells empty from known absent", "company.employees", []string{`has(company.employees)`, `company.employees == 7`},
			"(known absent); (empty); 0; 7", true},
		{"doubles", "company.hiring_velocity", []string{`company.hiring_velocity > 1.5`}, "(known absent); 0; 2.5", true},
		{"conditions inside points", "lead.country", []string{`#lead.country == "US" ? 2.0 : 1.0`}, "(known absent); US; other", true},
		{"a table of points", "lead.country", []string{`#{"US": 2.0, "DE": 1.0}[lead.country]`}, "(known absent); DE; US; other", true},
		{"values that no rule tells apart are one cell", "lead.country", []string{`lead.country in ["US", "CA"]`}, "(known absent); US; other", true},
		{"prefixes and parts", "lead.title", []string{`lead.title.startsWith("VP")`, `lead.title.contains("ales")`},
			"(known absent); VP~; VP~ales~; other; ~ales~", true},
		{"a part of a part", "lead.title", []string{`lead.title.contains("VP")`, `lead.title.contains("V")`},
			"(known absent); other; ~VP~; ~V~", true},
		{"folded case", "lead.title", []string{`lead.title.lowerAscii().contains("vp")`, `lead.title.lowerAscii() == "CEO"`},
			"(known absent); other; ~vp~", true},
		{"both cases", "lead.title", []string{`lead.title.lowerAscii() == "vp"`, `lead.title == "VP"`},
			"(known absent); VP; other; vp", false},
		{"a pattern", "lead.title", []string{`lead.title.matches("^vp")`}, "(known absent); other", false},
		{"a predicate of the library", "lead.email", []string{`isFreeEmail(lead.email)`}, "(known absent); other", false},
		{"items of a list", "company.technologies", []string{`"go" in company.technologies`, `company.technologies.exists(t, t.startsWith("post"))`},
			"(known absent); (empty); go; go, post~; post~", true},
		{"items that must all", "company.technologies", []string{`company.technologies.all(t, t in ["go", "c"])`},
			"(known absent); (empty); other", true},
		{"bools", "lead.opted_in", []string{`lead.opted_in`}, "(known absent); false; true", true},
		{"times move with the moment", "company.funding_date", []string{`now - company.funding_date < days(30)`},
			"(known absent); 0001-01-01T00:00:00Z; 2026-10-03T11:59:59.999999999Z; 2026-11-02T12:00:00Z", true},
		{"arithmetic", "company.employees", []string{`company.employees / 2 > 5`}, "(known absent); 0", false},
		{"another field", "lead.city", []string{`lead.city == lead.region`}, "(known absent); other", false},
		{"a variable", "score", []string{`score >= 50.0`, `tier == "A"`}, "(known absent); 0; 50", true},
		{"a variable that is text", "tier", []string{`tier in ["A", "B"] || score > 1.0`}, "(known absent); A; other", true},
		{"arithmetic on a variable", "score", []string{`score * 2.0 > 5.0`}, "(known absent); 0", false},
		{"no such field", "lead.nope", []string{`true`}, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			values, exact := ruleSet(t, e, tt.rules...).Cells(tt.field, noon)
			var got []string
			for _, v := range values {
				got = append(got, v.String())
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "; ")); diff != "" || exact != tt.exact {
				t.Errorf("exact %v (-want +got):\n%s", exact, diff)
			}
		})
	}
}

// TestEveryValueHasACell: whatever a field is, some cell has the same answers.
func TestEveryValueHasACell(t *testing.T) {
	e := newEnv(t, rules.Options{})
	pick := func(t *rapid.T, label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	op := func(t *rapid.T) string { return pick(t, "op", "==", "!=", "<", "<=", ">", ">=") }
	fields := []struct {
		name  string
		rule  func(*rapid.T) string
		value func(*rapid.T) leadloop.Value
	}{
		{"company.employees",
			func(t *rapid.T) string {
				return fmt.Sprintf("company.employees %s %d", op(t), rapid.SampledFrom([]int64{math.MinInt64, -1, 0, 5, 6, 8, math.MaxInt64}).Draw(t, "k"))
			},
			func(t *rapid.T) leadloop.Value {
				return leadloop.ValueOf(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 12)).Draw(t, "v"))
			}},
		{"company.hiring_velocity",
			func(t *rapid.T) string {
				return fmt.Sprintf("company.hiring_velocity %s %s", op(t), pick(t, "k", "0.0", "-0.5", "1.5", "1e300"))
			},
			func(t *rapid.T) leadloop.Value {
				return leadloop.ValueOf(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, -0.5, 1.5, 1e300})).Draw(t, "v"))
			}},
		{"lead.title",
			func(t *rapid.T) string {
				return fmt.Sprintf(pick(t, "form", `lead.title == %q`, `lead.title != %q`, `lead.title.contains(%q)`, `lead.title.startsWith(%q)`, `lead.title.endsWith(%q)`),
					pick(t, "k", "", "a", "ab", "ba", "aba", "~"))
			},
			func(t *rapid.T) leadloop.Value {
				return leadloop.ValueOf(rapid.StringOfN(rapid.SampledFrom([]rune("ab~x")), 0, 5, -1).Draw(t, "v"))
			}},
		{"company.technologies",
			func(t *rapid.T) string {
				return fmt.Sprintf(pick(t, "form", `%q in company.technologies`, `company.technologies.exists(t, t.contains(%q))`,
					`company.technologies.all(t, t.startsWith(%q))`, `company.technologies.exists(t, t == "b" || !(t == %q))`), pick(t, "k", "a", "ab", "b"))
			},
			func(t *rapid.T) leadloop.Value {
				return leadloop.ValueOf(rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "ab", "abc", "b", "cab"}), 0, 4).Draw(t, "v"))
			}},
		{"company.funding_date",
			func(t *rapid.T) string {
				return fmt.Sprintf(pick(t, "form", `now - company.funding_date %s days(%d)`, `company.funding_date %s timestamp("2026-11-0%d")`),
					op(t), rapid.IntRange(1, 4).Draw(t, "k"))
			},
			func(t *rapid.T) leadloop.Value {
				d := time.Duration(rapid.IntRange(-10, 10).Draw(t, "half days"))*12*time.Hour + time.Duration(rapid.IntRange(-1, 1).Draw(t, "nudge"))
				return leadloop.ValueOf(rapid.SampledFrom([]time.Time{noon.Add(d), noon.AddDate(-2020, 0, 0), noon.AddDate(5000, 0, 0)}).Draw(t, "v"))
			}},
	}
	rapid.Check(t, func(rt *rapid.T) {
		f := rapid.SampledFrom(fields).Draw(rt, "field")
		texts := rapid.SliceOfN(rapid.Custom(f.rule), 1, 5).Draw(rt, "rules")
		if rapid.Bool().Draw(rt, "has") {
			texts = append(texts, "has("+f.name+")")
		}
		set := ruleSet(t, e, texts...)
		values, exact := set.Cells(f.name, noon)
		if !exact {
			rt.Fatalf("%v: not exact", texts)
		}
		answers := func(v leadloop.Value) (out []rules.Result) {
			p := e.Schema().NewProfile()
			if err := p.SetValue(f.name, v); err != nil {
				rt.Fatal(err)
			}
			for i := range set.Len() {
				r := set.EvalOne(context.Background(), rules.Facts{Profile: p, Now: noon}, i)
				out = append(out, r)
			}
			return out
		}
		found := map[string]bool{}
		for _, v := range values {
			found[fmt.Sprint(answers(v))] = true
		}
		v := f.value(rt)
		if !found[fmt.Sprint(answers(v))] {
			rt.Fatalf("%v: no cell answers as %v does; cells %v", texts, v, values)
		}
		position, ok := set.Cell(f.name, v)
		if moves := v.Kind() == leadloop.KindTime; ok == moves {
			rt.Fatalf("%v: the cell of %v: %v", texts, v, ok)
		} else if ok && fmt.Sprint(answers(values[position])) != fmt.Sprint(answers(v)) {
			rt.Fatalf("%v: %v stands for %v and answers otherwise", texts, values[position], v)
		}
	})
}

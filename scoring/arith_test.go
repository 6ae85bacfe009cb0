package scoring

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

func TestBoundsOfWeights(t *testing.T) {
	for _, tt := range []struct {
		text   string
		lo, hi float64
	}{
		{"min(20.0, double(company.employees) / 50.0)", 0, 20},
		{"min(20.0, double(company.founded) / 50.0 - 5.0)", -5, 20},
		{"max(-3.0, min(4.0, lead.hype))", -3, 4},
		{`lead.country == "US" ? 10.0 : 2.5`, 2.5, 10},
		{`lead.title.matches("a ? b : (") ? 10.0 : -2.5`, -2.5, 10},
		{`company.technologies.exists(t, t in ["x, y", 'z']) ? 1.0 : 0.0 // as a rule`, 0, 1},
		{`"go" in company.technologies && !(company.employees > 3) || true ? 1.0 : 2.0`, 1, 1},
		{`(1.5 + 2.0) * -2.0`, -7, -7},
		{`7 / 2 * 10`, 30, 40},
		{`r'\' == "" ? 1.0 : 3.0`, 1, 3},
		{`"""a"b""" == "" ? 1.0 : 3.0`, 1, 3},
		{`2.0 > 1.0 ? 5.0 : double(company.employees)`, 5, 5},
		{`min(2.0, double(size(lead.title)))`, 0, 2},
		{`-min(2.0, double(count("visit", "7d")))`, -2, 0},
		{`double(company.employees) - double(company.revenue)`, -1e9, 1e9},
		{`1.0 / double(company.employees)`, -1e9, 1e9},
		{`{"a": 5.0}["a"]`, -1e9, 1e9},
		{`0x10 > 3 ? 1.0 : 2.0`, 1, 2},
		{`.5e1`, 5, 5},
	} {
		t.Run(tt.text, func(t *testing.T) {
			if got := weightOf(tt.text); got != (bounds{points(tt.lo), points(tt.hi)}) {
				t.Errorf("got %s to %s, want %v to %v", got.lo, got.hi, tt.lo, tt.hi)
			}
		})
	}
}

func TestBoundsOfComparisonsThatTouch(t *testing.T) {
	a, b := span{0, 5}, span{5, 9}
	for text, want := range map[string]span{
		"a < b": either, "a <= b": yes, "a > b": no, "a >= b": either, "a == b": either, "a != b": either,
		"b < a": no, "b <= a": either, "b > a": either, "b >= a": yes,
		"a < 5.0": either, "a <= 5.0": yes, "a > 5.0": no, "a >= 5.0": either,
		"a < 0.0": no, "a <= 0.0": either, "a > 0.0": either, "a >= 0.0": yes,
		"a < 6.0": yes, "a == 6.0": no, "a != 6.0": yes, "a - a == 0.0": either, "a == 5.0 && b == 9.0": either,
		"a < 6.0 || b == 6.0": yes, "a > 6.0 && b == 6.0": no, "!(a < 6.0)": no, "!(a < 5.0)": either,
	} {
		term, ok := parseTerm(text, func(string) bool { return true })
		if !ok {
			t.Fatalf("%s: not understood", text)
		}
		got := term.bounds(func(name string) span {
			if name == "a" {
				return a
			}
			return b
		})
		if got != want {
			t.Errorf("%s with a in %v and b in %v: got %v, want %v", text, a, b, got, want)
		}
	}
}

// drawArithmetic draws a score expression over the variables a and b.
func drawArithmetic(t *rapid.T, depth int) string {
	if depth == 0 || rapid.IntRange(0, 4).Draw(t, "leaf") == 0 {
		return rapid.SampledFrom([]string{"a", "b", "0.6", "2.0", "-3.25", "1e2", ".5"}).Draw(t, "atom")
	}
	sub := func() string { return drawArithmetic(t, depth-1) }
	switch rapid.IntRange(0, 7).Draw(t, "operator") {
	case 0:
		return fmt.Sprintf("min(%s, %s)", sub(), sub())
	case 1:
		return fmt.Sprintf("max(%s, %s)", sub(), sub())
	case 2:
		return fmt.Sprintf("(%s %s %s ? %s : %s)", sub(), rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "compare"), sub(), sub(), sub())
	case 3:
		return fmt.Sprintf("-(%s)", sub())
	case 4:
		return fmt.Sprintf("(%s) / %s", sub(), rapid.SampledFrom([]string{"3.0", "-0.7"}).Draw(t, "divisor"))
	case 5:
		return fmt.Sprintf("(%s < %s && !(%s > %s) || %s == %s ? %s : %s)", sub(), sub(), sub(), sub(), sub(), sub(), sub(), sub())
	}
	return fmt.Sprintf("(%s) %s (%s)", sub(), rapid.SampledFrom([]string{"+", "-", "*"}).Draw(t, "sign"), sub())
}

func TestScoreExpressionsComeToWhatRulesSay(t *testing.T) {
	env, err := rules.NewEnv(leadloop.StandardSchema(), rules.Options{
		Vars:   []rules.Var{{Name: "a", Kind: leadloop.KindFloat}, {Name: "b", Kind: leadloop.KindFloat}},
		Limits: rules.Limits{SourceBytes: 1 << 16, Depth: 200},
	})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := drawArithmetic(t, 3)
		set, err := env.Compile(rules.Rule{ID: "score", Expression: leadloop.Expression{Text: text}, Type: leadloop.KindFloat})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		term, ok := parseTerm(text, func(string) bool { return true })
		if !ok {
			t.Fatalf("%s: not understood", text)
		}
		number := rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-200_000, 200_000).Draw(t, "n")) / 1000 })
		at := map[string]float64{"a": number.Draw(t, "a"), "b": number.Draw(t, "b")}
		r := set.EvalOne(t.Context(), rules.Facts{
			Now: time.Unix(0, 0), Vars: []leadloop.Value{leadloop.ValueOf(at["a"]), leadloop.ValueOf(at["b"])},
		}, 0)
		if r.State != rules.Decided {
			return // not a finite number
		}
		want := r.Value.Float()
		if got := term.bounds(func(name string) span { return span{at[name], at[name]} }); got != (span{want, want}) {
			t.Fatalf("%s at %v is %v, computed %v", text, at, want, got)
		}
		around := map[string]span{}
		for _, name := range []string{"a", "b"} {
			around[name] = hull(span{at[name], at[name]}, span{number.Draw(t, "lo"), number.Draw(t, "hi")}.ordered())
		}
		got := term.bounds(func(name string) span { return around[name] })
		if want < got.lo || want > got.hi || math.IsNaN(got.lo) || math.IsNaN(got.hi) {
			t.Fatalf("%s at %v is %v, outside its bounds %v over %v", text, at, want, got, around)
		}
	})
}

func (s span) ordered() span { return span{min(s.lo, s.hi), max(s.lo, s.hi)} }

func FuzzParseTerm(f *testing.F) {
	for _, text := range append(append([]string{}, weights...), formulas...) {
		f.Add(text)
	}
	f.Add(`r"\" + '''x''' ? [1, 2][0] : -(((1`)
	f.Fuzz(func(t *testing.T, text string) {
		term, ok := parseTerm(text, func(string) bool { return false })
		if !ok {
			return
		}
		if s := term.bounds(func(string) span { return anything }); math.IsNaN(s.lo) || math.IsNaN(s.hi) || s.lo > s.hi {
			t.Fatalf("%q has bounds %v", text, s)
		}
	})
}

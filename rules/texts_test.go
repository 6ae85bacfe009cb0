package rules_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// Texts are told apart by their ends, which the longer ones of a small alphabet
// share.
func TestTextsAreToldApartWhateverTheirLength(t *testing.T) {
	e := newEnv(t, rules.Options{})
	draw := func(t *rapid.T, label string) string {
		n := rapid.SampledFrom([]int{0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 254, 255, 256, 300}).Draw(t, label+" length")
		return strings.Repeat("a", n/3) + rapid.StringOfN(rapid.RuneFrom([]rune("ab")), n-n/3*2, n-n/3*2, -1).Draw(t, label) + strings.Repeat("a", n/3)
	}
	rapid.Check(t, func(t *rapid.T) {
		var all []rules.Rule
		var want []func(string, []string) bool
		add := func(expression string, holds func(string, []string) bool) {
			all = append(all, rules.Rule{ID: fmt.Sprint(len(all)), Type: boolean, Expression: leadloop.Expression{Text: expression}})
			want = append(want, holds)
		}
		var needles []string
		for range rapid.IntRange(1, 8).Draw(t, "needles") {
			s := draw(t, "needle")
			needles = append(needles, s)
			add(fmt.Sprintf("lead.title == %q", s), func(title string, _ []string) bool { return title == s })
			add(fmt.Sprintf("lead.title.startsWith(%q)", s), func(title string, _ []string) bool { return strings.HasPrefix(title, s) })
			add(fmt.Sprintf("!lead.title.endsWith(%q)", s), func(title string, _ []string) bool { return !strings.HasSuffix(title, s) })
			add(fmt.Sprintf("lead.title.upperAscii().endsWith(%q)", strings.ToUpper(s)), func(title string, _ []string) bool {
				return strings.HasSuffix(strings.ToUpper(title), strings.ToUpper(s))
			})
			add(fmt.Sprintf("%q in company.technologies", s), func(_ string, list []string) bool {
				return slices.Contains(list, s)
			})
			add(fmt.Sprintf("!company.technologies.exists(x, x.startsWith(%q))", s), func(_ string, list []string) bool {
				for _, x := range list {
					if strings.HasPrefix(x, s) {
						return false
					}
				}
				return true
			})
			add(fmt.Sprintf("count(%q) > 0", "t"+s), func(_ string, list []string) bool {
				return slices.Contains(list, s)
			})
		}
		set, err := e.Compile(all...)
		if err != nil {
			t.Fatal(err)
		}
		var r rules.Results
		for range 4 {
			some := func(label string) string {
				if rapid.Bool().Draw(t, "a needle") {
					return rapid.SampledFrom(needles).Draw(t, label)
				}
				return draw(t, label)
			}
			title := some("title")
			var list []string
			var done []leadloop.Activity
			for range rapid.IntRange(0, 3).Draw(t, "items") {
				list = append(list, some("item"))
				done = append(done, leadloop.Activity{Type: "t" + list[len(list)-1], At: noon})
			}
			p := e.Schema().NewProfile()
			leadloop.Title.Set(p, title)
			leadloop.Technologies.Set(p, list)
			p.SetActivities(done)
			f := rules.Facts{Profile: p, Now: noon}
			set.Eval(context.Background(), f, &r)
			for i, holds := range want {
				expected := holds(title, list)
				if got := r.At(i); got.State != rules.Decided || got.Value.Bool() != expected {
					t.Fatalf("%s over %q, %q: got %+v, want %t", all[i].Expression.Text, title, list, got, expected)
				}
				if got := set.EvalOne(context.Background(), f, i); got.State != rules.Decided || got.Value.Bool() != expected {
					t.Fatalf("alone, %s over %q, %q: got %+v, want %t", all[i].Expression.Text, title, list, got, expected)
				}
			}
		}
	})
}

func TestActivitiesAreThoseOfTheProfileUnlessOthersAreGiven(t *testing.T) {
	e := newEnv(t, rules.Options{})
	var all []rules.Rule
	for i, text := range []string{`count("reply") == 1`, `since("reply") < days(2)`, `activities.size() == 1`, `activities.exists(a, now - a.at < days(2))`} {
		all = append(all, rules.Rule{ID: fmt.Sprint(i), Type: boolean, Expression: leadloop.Expression{Text: text}})
	}
	set, err := e.Compile(all...)
	if err != nil {
		t.Fatal(err)
	}
	p := e.Schema().NewProfile()
	p.SetActivities([]leadloop.Activity{{Type: "reply", At: noon.AddDate(0, 0, -1)}})
	var r rules.Results
	for _, c := range []struct {
		name  string
		given []leadloop.Activity
		want  uint64
	}{
		{"nothing given", nil, 0b1111},
		{"an empty list given", []leadloop.Activity{}, 0},
		{"another list given", []leadloop.Activity{{Type: "reply", At: noon.AddDate(0, 0, -3)}}, 0b0101},
	} {
		f := rules.Facts{Profile: p, Activities: c.given, Now: noon}
		if set.Eval(context.Background(), f, &r); r.TrueMask()[0] != c.want {
			t.Errorf("%s: true are %04b, want %04b", c.name, r.TrueMask()[0], c.want)
		}
		next, _ := set.NextChange(f)
		want, _ := set.NextChange(rules.Facts{Activities: append([]leadloop.Activity{}, p.History().Activities...), Now: noon})
		if c.given == nil && !next.Equal(want) {
			t.Errorf("%s: the next change is %v, want %v", c.name, next, want)
		}
	}
}

func TestAVariableOfAnotherKindFailsWhateverIsAskedOfIt(t *testing.T) {
	e := newEnv(t, rules.Options{Vars: []rules.Var{{Name: "since_when", Kind: leadloop.KindTime}}})
	for _, text := range []string{`now - since_when > days(1)`, `since_when < timestamp("2026-01-01")`, `string(since_when) != ""`} {
		set := compile(t, e, boolean, text)
		f := rules.Facts{Now: noon, Vars: []leadloop.Value{leadloop.ValueOf("yesterday")}}
		var r rules.Results
		set.Eval(context.Background(), f, &r)
		for _, got := range []rules.Result{r.At(0), set.EvalOne(context.Background(), f, 0)} {
			if got.State != rules.Failed || got.Err.Error() != "since_when: is a string, not a timestamp" {
				t.Errorf("%s: got %+v", text, got)
			}
		}
	}
}

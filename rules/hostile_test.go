package rules_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

func nestedAll(depth int) string {
	e := "x0 >= 0"
	for i := range depth {
		e = fmt.Sprintf("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].all(x%d, %s)", depth-1-i, e)
	}
	return e
}

// biggest is a lead at every cap.
func biggest(t testing.TB, e *rules.Env) rules.Facts {
	t.Helper()
	l := e.Limits()
	f := facts(t, e)
	leadloop.Title.Set(f.Profile, strings.Repeat("a", l.StringBytes))
	leadloop.City.Set(f.Profile, strings.Repeat("a", l.StringBytes))
	items := make([]string, l.ListItems)
	for i := range items {
		items[i] = strings.Repeat("a", l.ItemBytes)
	}
	leadloop.Technologies.Set(f.Profile, items)
	f.Activities = make([]leadloop.Activity, l.Activities)
	for i := range f.Activities {
		f.Activities[i] = leadloop.Activity{Type: "a", At: noon, Attributes: map[string]string{"page": items[0]}}
	}
	return f
}

var hostile = []struct {
	name, text string
}{
	{"a nest of loops over literals", nestedAll(6)},
	{"a nest of three", nestedAll(3)},
	{"a loop inside a loop over a field", `company.technologies.all(a, company.technologies.all(b, a == b))`},
	{"a loop inside a loop over activities", `activities.all(a, activities.all(b, a.at == b.at))`},
	{"a list of lists of lists", `company.technologies.map(a, company.technologies.map(b, company.technologies)).size() > 0`},
	{"text built in a loop", `company.technologies.map(a, lead.title + lead.title + lead.title + lead.title).size() > 0`},
	{"text doubled by hand", strings.Repeat("lead.title + ", 35) + `lead.title == ""`},
	{"text doubled in parentheses", `(` + strings.Repeat(`lead.title + lead.title + `, 17) + `"").contains(lead.city + "b")`},
	{"contains over a loop", `company.technologies.all(a, company.technologies.all(b, !a.contains(b)))`},
	{"contains of long in long", `(lead.title + lead.title).contains(lead.city + "b")`},
	{"bindings that double", `cel.bind(a, "xxxxxxxxxx", cel.bind(b, a + a, b.size() > 0))`},
	{"replace", `lead.title.replace("a", lead.title).size() > 0`},
	{"split and join", `lead.title.split("").join(lead.title).size() > 0`},
	{"a regex with a star under a star", `lead.title.matches("(a*)*b")`},
	{"a regex with repeats", `lead.title.matches("(a{1,100}){1,9}b")`},
	{"a regex with nested repeats", `lead.title.matches("((a{1,100}){1,100}){1,100}b")`},
	{"a regex bomb in two kilobytes", `lead.title.matches("` + strings.Repeat("a{1000}", 280) + `")`},
	{"a large regex in a loop", `company.technologies.all(a, a.matches("(a{1,40}){1,10}b"))`},
	{"regexes in a row", strings.Repeat(`lead.title.matches("(a{1,40}){1,5}b") || `, 40) + "false"},
	{"many parentheses", strings.Repeat("(", 1000) + "true" + strings.Repeat(")", 1000)},
	{"many negations", strings.Repeat("!", 2000) + "true"},
	{"many minus signs", strings.Repeat("-", 2000) + "1 > 0"},
	{"many brackets", strings.Repeat("[", 900) + strings.Repeat("]", 900) + " == []"},
	{"many ternaries", strings.Repeat("true ? true : ", 140) + "true"},
	{"many additions", strings.Repeat("1 + ", 500) + "1 > 0"},
	{"a long expression", strings.Repeat("true || ", 10000) + "true"},
	{"a huge literal", `"` + strings.Repeat("a", 1<<20) + `" == ""`},
	{"a huge list", "[" + strings.Repeat("1,", 1<<19) + "1].size() > 0"},
	{"a nest of maps", strings.Repeat(`{"a": `, 200) + "1" + strings.Repeat("}", 200) + ` == {}`},
	{"many errors", strings.Repeat("@ ", 900)},
	{"a NUL", "tier == \"\x00\" && \x00"},
}

// best runs f up to five times, since others use the machine as well, and
// returns the shortest time and its allocations in megabytes.
func best(f func()) (took time.Duration, mb float64) {
	for i := range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		f()
		d := time.Since(start)
		runtime.ReadMemStats(&after)
		if i == 0 || d < took {
			took, mb = d, float64(after.TotalAlloc-before.TotalAlloc)/1e6
		}
		if took < 20*time.Millisecond {
			break
		}
	}
	return took, mb
}

// TestHostileExpressions: refused when compiled, or done well under a second
// and in little memory over the largest lead that the caps let through.
func TestHostileExpressions(t *testing.T) {
	e := newEnv(t, rules.Options{})
	f := biggest(t, e)
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			outcome := "refused"
			took, mb := best(func() {
				var set *rules.Set
				if set, err = e.Compile(rule(boolean, tt.text)); err == nil {
					r := set.EvalOne(context.Background(), f, 0)
					outcome = fmt.Sprintf("state %d, %v", r.State, r.Err)
				}
			})
			t.Logf("%s in %v, %.1f MB", outcome, took.Round(10*time.Microsecond), mb)
			if took > 200*time.Millisecond*raceFactor || mb > 50 {
				t.Errorf("took %v and %.1f MB", took, mb)
			}
			if err != nil && len(err.Error()) > 8192 {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
		})
	}
}

// TestTheWorstAcceptedExpressionsAreBounded: what just fits the budget at
// compile time must be cheap in fact.
func TestTheWorstAcceptedExpressionsAreBounded(t *testing.T) {
	e := newEnv(t, rules.Options{})
	f := biggest(t, e)
	for _, text := range []string{
		`company.technologies.all(a, !a.contains("b"))`,
		`company.technologies.all(a, !a.matches("(?i)kubernetes"))`,
		`company.technologies.all(a, !a.matches("(a|aa)+b"))`,
		`activities.all(a, !a.attributes["page"].contains("pricing"))`,
		`activities.all(a, a.attributes["page"].lowerAscii() != "pricing")`,
		`activities.filter(a, a.type == "a").size() >= 0`,
		`lead.title.matches("^(a{1,20}){1,10}b")`,
		`!lead.title.contains(lead.city + "b")`,
	} {
		set := compile(t, e, boolean, text)
		var r rules.Result
		took, _ := best(func() { r = set.EvalOne(context.Background(), f, 0) })
		t.Logf("%v: state %d %v: %s", took.Round(10*time.Microsecond), r.State, r.Err, text)
		if r.State != rules.Decided || took > 100*time.Millisecond*raceFactor {
			t.Errorf("%s: state %d (%v) in %v", text, r.State, r.Err, took)
		}
	}
}

func TestLimitsAreEnforced(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits rules.Limits
		text   string
		want   string
	}{
		{"source", rules.Limits{SourceBytes: 10}, `tier == "AAAA"`, "the expression is longer than 10 bytes"},
		{"depth", rules.Limits{Depth: 3}, `1 + 1 + 1 + 1 > 0`, "the expression is nested deeper than 3 levels (split it into several rules)"},
		{"nesting", rules.Limits{Nesting: 1}, `[1].all(a, [1].all(b, a == b))`, "comprehensions are nested deeper than 1"},
		{"regex", rules.Limits{RegexProgram: 5}, `tier.matches("abcdefg")`, "the pattern is too large: 9 steps, at most 5 (use fewer or smaller {n,m} repeats)"},
		{"cost", rules.Limits{Cost: 50}, `company.technologies.exists(t, t == "a")`, "the expression can cost more than the budget of 50 on a large lead (shorten the lists it goes through, or nest fewer loops)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newEnv(t, rules.Options{Limits: tt.limits}).Compile(rule(boolean, tt.text))
			if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	e := newEnv(t, rules.Options{Limits: rules.Limits{Rules: 1}})
	if _, err := e.Compile(rule(boolean, "true"), rule(boolean, "true")); err == nil || err.Error() != "2 rules, at most 1 are allowed" {
		t.Errorf("rules: got %v", err)
	}
}

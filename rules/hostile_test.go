package rules_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
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
	{"a nest of calls", strings.Repeat("string(", 300) + `"a"` + strings.Repeat(")", 300) + ` == ""`},
	{"a chain of fields", "lead" + strings.Repeat(".email", 330) + ` == ""`},
	{"a chain of indexes", "company.technologies" + strings.Repeat("[0]", 600) + ` == ""`},
	{"a megabyte of parentheses", strings.Repeat("(", 1<<20)},
	{"a megabyte of quotes", strings.Repeat(`"`, 1<<20)},
	{"many strings in a list", `tier in [` + strings.Repeat(`"a", `, 390) + `"b"]`},
	{"a megabyte of strings in a list", `tier in [` + strings.Repeat(`"a", `, 200_000) + `"b"]`},
	{"many texts in a list", `tier in [` + strings.Repeat(`lead.title, `, 160) + `"b"]`},
	{"bindings that double, twenty-two deep", nestedBinds(22)},
	{"replacing what was replaced", strings.Repeat(`lead.title.replace("a", `, 20) + `"aa"` + strings.Repeat(")", 20) + ` == ""`},
	{"a loop over activities in a loop over a list", `activities.exists(a, company.technologies.exists(t, a.type == t + "x"))`},
	{"a loop over a list in a loop over activities", `company.technologies.all(t, activities.all(a, a.attributes["page"] != t))`},
	{"loops over activities as deep as can be", `activities.all(a, activities.exists(b, activities.all(c, true)))`},
	{"lists inside a loop over activities", `activities.map(a, [` + strings.Repeat("a.type, ", 240) + `a.type]).size() > 0`},
	{"what is missing inside a loop over activities", `activities.map(a, [` + strings.Repeat("score, ", 240) + `score]).size() > 0`},
	{"what is missing inside a loop over a list", `company.technologies.map(a, company.technologies.map(b, [score])).size() > 0`},
	{"many missing fields inside a loop", `activities.filter(a, lead.phone + lead.mobile + lead.region + lead.industry + lead.source + lead.medium + lead.campaign + lead.partner == a.type).size() > 0`},
	{"lists inside two loops", `company.technologies.map(a, company.technologies.map(b, b.size())).size() > 0`},
	{"a filter inside a loop", `company.technologies.map(a, company.technologies.filter(b, b != "")).size() > 0`},
	{"lists joined inside two loops", `company.technologies.map(a, company.technologies.map(b, company.technologies + company.technologies)).size() > 0`},
	{"maps inside a loop", `activities.map(a, {"a": a.at, "b": a.at, "c": a.at, "d": a.at}).size() > 0`},
	{"a time zone for each activity", `activities.all(a, now.getHours(a.attributes["page"]) > 0 || true)`},
	{"a time zone of the lead for each activity", `activities.all(a, a.at.getHours(lead.title) > 0 || true)`},
	{"a regex of large classes", `lead.title.matches("` + strings.Repeat(`\\pL`, 300) + `")`},
	{"a regex of large classes, repeated", `lead.title.matches("(\\pL\\PL){100}")`},
	{"a regex of any character, repeated", `lead.title.matches("[\\x{0}-\\x{10FFFF}]{400}")`},
	{"a regex nested deep", `lead.title.matches("` + strings.Repeat("(a|", 300) + strings.Repeat(")", 300) + `")`},
	{"a regex that may be empty anywhere", `lead.title.matches("` + strings.Repeat("(?:a?){20}", 20) + `")`},
	{"a regex from a field", `lead.title.matches(lead.city)`},
	{"a regex built from constants", `lead.title.matches("(a{1,100}" + "){1,9}b")`},
	{"conversions in a loop", `company.technologies.all(t, timestamp(t) > now || double(t) > 0.0 || true)`},
	{"many errors", strings.Repeat("@ ", 900)},
	{"a NUL", "tier == \"\x00\" && \x00"},
}

// nestedBinds doubles a text so many times.
func nestedBinds(n int) string {
	e := fmt.Sprintf("a%d.size() > 0", n)
	for i := n; i > 0; i-- {
		e = fmt.Sprintf("cel.bind(a%d, a%d + a%d, %s)", i, i-1, i-1, e)
	}
	return fmt.Sprintf("cel.bind(a0, 'xxxxxxxxxx', %s)", e)
}

// What an expression may take, in a test that others share the machine with.
const (
	mostTime = 50 * time.Millisecond * raceFactor
	mostMB   = 10.0
)

// best runs f until a run stays below both bounds, at most thirty times, and
// returns the shortest time and the smallest allocation in megabytes. What
// takes too much takes it every time; what others do to the machine, its
// caches and its clock passes. The collector rests while f runs, since what it
// does is for the garbage of the tests before, and drops pooled memory, which
// is then allocated again.
func best(f func()) (took time.Duration, mb float64) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for i := range 30 {
		if i > 0 {
			runtime.GC()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := spent()
		f()
		d := spent() - start
		runtime.ReadMemStats(&after)
		m := float64(after.TotalAlloc-before.TotalAlloc) / 1e6
		if i == 0 {
			took, mb = d, m
		}
		took, mb = min(took, d), min(mb, m)
		if took < mostTime && mb < mostMB {
			break
		}
	}
	return took, mb
}

// A bound that nothing exceeds says nothing.
func TestTheBoundsOfHostileExpressionsAreExceeded(t *testing.T) {
	var sink []byte
	if _, mb := best(func() { sink = make([]byte, 11e6) }); mb < mostMB {
		t.Errorf("%d bytes were counted as %.1f MB", len(sink), mb)
	}
	if raceFactor > 1 {
		return // that would be thirty runs of ten times as long
	}
	took, _ := best(func() {
		for start := spent(); spent()-start < mostTime+mostTime/10; {
			runtime.Gosched()
		}
	})
	if took < mostTime {
		t.Errorf("more than %v of work was counted as %v", mostTime, took)
	}
}

// bounded reports what f takes, if that is too much.
func bounded(t *testing.T, what string, f func()) {
	t.Helper()
	took, mb := best(f)
	t.Logf("%v, %.1f MB: %.80s", took.Round(10*time.Microsecond), mb, what)
	if took >= mostTime || mb >= mostMB {
		t.Errorf("%.200s: took %v and %.1f MB", what, took, mb)
	}
}

// TestHostileExpressions: refused when compiled, or done in little time and
// memory over the largest lead that the caps let through, over one of which
// nothing is known, and over one that exceeds every cap.
func TestHostileExpressions(t *testing.T) {
	e := newEnv(t, rules.Options{})
	leads := []rules.Facts{biggest(t, e), {Now: noon}, excessive(t, e)}
	// Activities are kept where nothing else is known.
	leads[1].Activities = leads[0].Activities
	half := biggest(t, e)
	setValue(t, half.Profile, "lead.title", leadloop.Value{})
	leads = append(leads, half)
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			var set *rules.Set
			var err error
			bounded(t, "compile", func() { set, err = e.Compile(rule(boolean, tt.text)) })
			if err != nil {
				if len(err.Error()) > 8192 {
					t.Errorf("the error is %d bytes long", len(err.Error()))
				}
				return
			}
			for _, f := range leads {
				var r rules.Results
				bounded(t, "alone", func() { set.EvalOne(context.Background(), f, 0) })
				bounded(t, "together", func() { set.Eval(context.Background(), f, &r) })
				bounded(t, "next change", func() { set.NextChange(f) })
			}
		})
	}
}

// excessive is a lead beyond every cap.
func excessive(t testing.TB, e *rules.Env) rules.Facts {
	t.Helper()
	f := facts(t, e)
	megabyte := strings.Repeat("a", 1<<20)
	leadloop.Title.Set(f.Profile, megabyte)
	leadloop.City.Set(f.Profile, megabyte)
	items := make([]string, 100_000)
	for i := range items {
		items[i] = megabyte
	}
	leadloop.Technologies.Set(f.Profile, items)
	attributes := map[string]string{"page": megabyte}
	for i := range 10_000 {
		attributes[fmt.Sprint(i)] = "x"
	}
	f.Activities = make([]leadloop.Activity, 10_000)
	for i := range f.Activities {
		f.Activities[i] = leadloop.Activity{Type: "a", At: noon.Add(-time.Duration(i)), Attributes: attributes}
	}
	f.Vars = []leadloop.Value{leadloop.ValueOf(megabyte)}
	return f
}

// TestExcessiveLeadsAreBounded: what reads more than it may fails, and what
// reads of ten thousand activities is done with them in one pass.
func TestExcessiveLeadsAreBounded(t *testing.T) {
	e := newEnv(t, rules.Options{})
	f := excessive(t, e)
	for _, tt := range []struct {
		text  string
		state rules.State
	}{
		{`lead.title == "VP"`, rules.Failed},
		{`lead.title.contains("b") && lead.title.lowerAscii() == "x"`, rules.Failed},
		{`lead.title.matches("(a{1,20}){1,10}b")`, rules.Failed},
		{`tier in ["A", "B"]`, rules.Failed},
		{`isFreeEmail(lead.title)`, rules.Failed},
		{`"go" in company.technologies`, rules.Failed},
		{`company.technologies.size() > 5`, rules.Failed},
		{`activities.exists(a, a.type == "b")`, rules.Failed},
		{`activities.size() > 5`, rules.Failed},
		{`count("a") > 9999 && count("a", "7d") > 9999 && seen("a", "1h") && !seen("b")`, rules.Decided},
		{`since("a") < days(1) && last("a") <= now`, rules.Decided},
		{strings.Repeat(`count("a", "7d") > 1 && `, 70) + "true", rules.Decided},
	} {
		set := compile(t, e, boolean, tt.text)
		var r rules.Results
		bounded(t, tt.text, func() { set.Eval(context.Background(), f, &r) })
		if got := r.State(0); got != tt.state {
			t.Errorf("%.80s: state %d (%v), want %d", tt.text, got, r.At(0).Err, tt.state)
		}
	}
}

// TestCellsAreBounded: cells multiply, and are given up beyond a number.
func TestCellsAreBounded(t *testing.T) {
	e := newEnv(t, rules.Options{})
	for _, form := range []string{
		`company.technologies.exists(t, t.contains("%c"))`, `lead.title.contains("%c")`, `lead.title.startsWith("%c")`, `"%c" in company.technologies`,
	} {
		var texts []string
		for i := range 20 {
			texts = append(texts, fmt.Sprintf(form, 'a'+i))
		}
		set := ruleSet(t, e, texts...)
		for _, field := range []string{"company.technologies", "lead.title"} {
			bounded(t, form+" and "+field, func() { set.Cells(field, noon) })
		}
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
		bounded(t, text, func() { r = set.EvalOne(context.Background(), f, 0) })
		if r.State != rules.Decided {
			t.Errorf("%s: state %d (%v)", text, r.State, r.Err)
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

package rules_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// at is where the expressions of these tests stand.
var at = leadloop.Position{File: "scoring.yaml", Line: 12, Column: 40}

func problemsOf(t *testing.T, e *rules.Env, kind leadloop.Kind, text string) leadloop.Problems {
	t.Helper()
	_, err := e.Compile(rules.Rule{ID: "r", Expression: leadloop.Expression{Text: text, At: at}, Type: kind})
	if err == nil {
		t.Fatalf("%s: compiles", text)
	}
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("%s: does not match ErrInvalid", text)
	}
	var p leadloop.Problems
	if !errors.As(err, &p) {
		t.Fatalf("%s: %T is not Problems", text, err)
	}
	return p
}

func TestCompileErrors(t *testing.T) {
	e := newEnv(t, rules.Options{})
	for _, tt := range []struct {
		name string
		kind leadloop.Kind
		text string
		want string // without "scoring.yaml:" and `rule "r": `
	}{
		{"a misspelt company field", boolean, `company.employes > 500`, `12:40: unknown field company.employes (did you mean "company.employees"?)`},
		{"a misspelt own field", boolean, `lead.plan_intrest == "x"`, `12:40: unknown field lead.plan_intrest (did you mean "lead.plan_interest"?)`},
		{"a field of the other scope", boolean, `tier == "A" && lead.employees > 500`, `12:55: unknown field lead.employees (did you mean "company.employees"?)`},
		{"a misspelt field in has", boolean, `has(lead.emial)`, `12:44: unknown field lead.emial (did you mean "lead.email"?)`},
		{"a misspelt scope", boolean, `leed.email == ""`, `12:40: unknown name leed.email (did you mean "lead.email"?)`},
		{"a field without its scope", boolean, `employees > 500`, `12:40: unknown name employees (did you mean "company.employees"?)`},
		{"a misspelt variable", boolean, `teir == "A"`, `12:40: unknown name teir (did you mean "tier"?)`},
		{"a name like nothing", boolean, `zzzzzzzzzzzz == "A"`, `12:40: unknown name zzzzzzzzzzzz (fields are lead.x and company.x; text stands in quotes, as in "zzzzzzzzzzzz")`},
		{"a misspelt function", boolean, `isFreeMail(lead.email)`, `12:40: unknown function isFreeMail() (did you mean "isFreeEmail"?)`},
		{"a misspelt method", boolean, `lead.email.startWith("a")`, `12:51: unknown function startWith() (did you mean "startsWith"?)`},
		{"a function without parentheses", boolean, `count > 1`, `12:40: count is a function (write count(...))`},
		{"a misspelt activity field", boolean, `activities.exists(a, a.typ == "x")`, `12:61: unknown field typ of an activity (did you mean "type"?)`},
		{"an activity field like nothing", boolean, `activities.exists(a, a.zzzzzzz == "x")`, `12:61: unknown field zzzzzzz of an activity (an activity has actor, at, attributes, type)`},
		{"a field of a string", boolean, `lead.email.domain == "x"`, `12:40: a string has no fields (a text has methods such as text.size() and text.contains("a"))`},
		{"everything at once", boolean, `company.employes > 5 && isFreeMail(lead.email)`,
			`12:40: unknown field company.employes (did you mean "company.employees"?)
12:64: unknown function isFreeMail() (did you mean "isFreeEmail"?)`},

		{"an int compared with text", boolean, `company.employees > "500"`, `12:58: >: expected int, found string (leave out the quotes)`},
		{"an int compared with a double", boolean, `company.employees > 500.0`, `12:58: > can't mix int and double (write the int as double(...), or a constant as 50.0)`},
		{"an int divided by a double", double, `company.employees / 50.0`, `12:58: / can't mix int and double (write the int as double(...), or a constant as 50.0)`},
		{"text equals a number", boolean, `lead.title == 5`, `12:51: ==: expected string, found int (put text in quotes, or write string(...))`},
		{"an argument of the wrong type", boolean, `isFreeEmail(company.employees)`, `12:40: isFreeEmail(): expected string, found int (put text in quotes, or write string(...))`},
		{"a duration compared with a number", boolean, `since("reply") < 7`, `12:55: <: expected duration, found int (write days(7) or duration("48h"))`},
		{"a time compared with text", boolean, `company.funding_date > "2026-01-01"`, `12:61: >: expected timestamp, found string (write timestamp("2026-11-02"))`},
		{"a condition that is text", boolean, `lead.title && true`, `12:40: expected bool, found string (write true or false without quotes, or compare the text with something)`},
		{"in without a list", boolean, `lead.country in "US"`, `12:53: in: expected a list on the right, found string (write x in ["a", "b"], or text.contains("a"))`},
		{"a list of mixed types", boolean, `lead.country in ["US", 1]`, `12:63: expected string, found int (put text in quotes, or write string(...))`},
		{"two answers of different types", integer, `tier == "A" ? 1 : "b"`, `12:52: ? : both answers need one type, found int and string`},
		{"null", boolean, `lead.email == null`, `12:51: there is no null (has(lead.x) tells whether there is a value)`},
		{"null on its own", boolean, `[null] == [null]`, "12:41: there is no null (has(lead.x) tells whether there is a value)\n12:51: there is no null (has(lead.x) tells whether there is a value)"},
		{"a whole lead", boolean, `lead == company`, `12:45: a lead or company is not a value by itself (name a field, such as lead.email)`},
		{"a whole lead in a list", boolean, `[lead].size() > 0`, `12:41: lead is not a value by itself (name a field, such as lead.email)`},
		{"a type as a value", boolean, `int == string`, "12:40: int is not a value\n12:47: string is not a value"},
		{"dyn", boolean, `dyn(1) == 1`, `12:40: there is no dyn() here (values have one type each)`},
		{"unsigned integers", boolean, `5u > 3u`, "12:40: unsigned integers are not a type of a lead (leave out the u)\n12:45: unsigned integers are not a type of a lead (leave out the u)"},
		{"bytes", boolean, `b"a" == b"a"`, "12:40: bytes are not a type of a lead\n12:48: bytes are not a type of a lead"},

		{"a result of the wrong type", boolean, `company.employees`, `12:40: expected bool, found int (a condition compares something, as in x > 1)`},
		{"a double where an int is due", integer, `company.hiring_velocity`, `12:40: expected int, found double (write int(...))`},
		{"a duration as a result", double, `since("reply")`, `12:40: expected double, found duration`},

		{"a single equals sign", boolean, `lead.email = "x"`, `12:51: syntax error: unexpected "=" (use == to compare)`},
		{"and", boolean, `true and true`, `12:45: syntax error: unexpected "and" (use && for and)`},
		{"or", boolean, `true or true`, `12:45: syntax error: unexpected "or" (use || for or)`},
		{"an expression that stops", boolean, `lead.email ==`, `12:53: syntax error: unexpected end of expression`},
		{"an open parenthesis", boolean, `(true`, `12:45: syntax error: missing ")" before end of expression`},
		{"an open quote", boolean, `lead.email == "x`, `12:54: syntax error: unexpected "\"x" (the text has no end quote)`},
		{"nothing", boolean, ` `, `12:40: the expression is empty`},
		{"invalid UTF-8", boolean, "\"\xff\" == tier", `12:40: the expression is not valid UTF-8`},
		{"the second line", boolean, "tier == \"A\" &&\n  lead.emial == \"\"", `13:3: unknown field lead.emial (did you mean "lead.email"?)`},
		{"after a letter of two bytes", boolean, `"ä" == lead.emial`, `12:47: unknown field lead.emial (did you mean "lead.email"?)`},

		{"an activity type that is not constant", boolean, `count(tier) > 1`, `12:46: the activity type of count() must be a constant (write it out, as in count("pricing_view"))`},
		{"an empty activity type", boolean, `seen("")`, `12:45: the activity type of seen() is empty`},
		{"a window that is not constant", boolean, `seen("x", tier)`, `12:50: the window of seen() must be a constant (write it out, as in "7d")`},
		{"a window that is no duration", boolean, `count("x", "7y") > 1`, `12:51: "7y" is not a window such as 15m, 48h, 7d or 2w`},
		{"a window of nothing", boolean, `seen("x", "0s")`, `12:50: "0s" is not a window such as 15m, 48h, 7d or 2w`},
		{"a negative window", boolean, `seen("x", "-7d")`, `12:50: "-7d" is not a window such as 15m, 48h, 7d or 2w`},
		{"a duration that is none", boolean, `since("x") < duration("seven")`, `12:62: "seven" is not a duration such as 15m, 48h, 7d or 2w`},
		{"a duration from a field", boolean, `since("x") < duration(tier)`, `12:62: duration() takes a constant (write it out, as in duration("48h"), or use days(n))`},
		{"too many days", boolean, `since("x") < days(999999999)`, `12:58: 999999999 days are too long for a duration`},
		{"a time that is none", boolean, `now > timestamp("tomorrow")`, `12:56: "tomorrow" is not a time such as 2026-11-02T09:30:00Z or 2026-11-02`},
		{"a zone that is none", boolean, `now.getHours("Europe/Belin") > 8`, `12:53: "Europe/Belin" is not a time zone such as Europe/Berlin or +01:00`},
		{"a pattern that is not constant", boolean, `lead.title.matches(tier)`, `12:59: the pattern of matches() must be a constant`},
		{"a pattern that is none", boolean, `lead.title.matches("(")`, `12:59: not a valid pattern: missing closing ) (patterns are RE2: no look-around, no back-references)`},
		{"a loop variable that hides an input", boolean, `[1].all(tier, tier > 0)`, `12:47: the loop variable "tier" hides an input (use another name, such as x)`},
		{"a key that is in a table twice", double, `{"US": 1.0, "DE": 2.0, "US": 3.0}[lead.country]`, `12:63: the table has the key "US" twice`},
		{"a constant that overflows", integer, `int(1e19)`, `12:40: a constant in it can't be computed: integer overflow`},
		{"no result type", leadloop.KindInvalid, `true`, `12:40: the rule has no result type`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := problemsOf(t, e, tt.kind, tt.text).Error()
			got = strings.NewReplacer("scoring.yaml:", "", `rule "r": `, "").Replace(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestAllRulesAreReportedAtOnce(t *testing.T) {
	e := newEnv(t, rules.Options{})
	expr := func(line int, text string) leadloop.Expression {
		return leadloop.Expression{Text: text, At: leadloop.Position{File: "f.yaml", Line: line, Column: 5}}
	}
	_, err := e.Compile(
		rules.Rule{ID: "a", Type: boolean, Expression: expr(1, `lead.emial == ""`)},
		rules.Rule{ID: "b", Type: boolean, Expression: expr(2, `true`)},
		rules.Rule{ID: "a", Type: boolean, Expression: expr(3, `true`)},
		rules.Rule{Type: boolean, Expression: expr(4, `true`)},
		rules.Rule{ID: "c", Type: boolean, Expression: expr(5, `teir == ""`)},
	)
	const want = `f.yaml:1:5: rule "a": unknown field lead.emial (did you mean "lead.email"?)
f.yaml:3:5: rule "a": the id is used twice, first at f.yaml:1:5
f.yaml:4:5: rule without an id
f.yaml:5:5: rule "c": unknown name teir (did you mean "tier"?)`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestExpressionsMadeInGoCountTheirOwnLines(t *testing.T) {
	e := newEnv(t, rules.Options{})
	_, err := e.Compile(rule(boolean, "true &&\n lead.emial == ''"))
	const want = `2:2: rule "r": unknown field lead.emial (did you mean "lead.email"?)`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNewEnvReportsEverythingAtOnce(t *testing.T) {
	_, err := rules.NewEnv(leadloop.StandardSchema(), rules.Options{
		Vars: []rules.Var{
			{Name: "now", Kind: str}, {Name: "a b", Kind: str}, {Name: "x", Kind: str}, {Name: "x", Kind: str},
			{Name: "y"}, {Name: "all", Kind: str}, {Name: "in", Kind: str},
		},
		Limits: rules.Limits{Depth: -1},
	})
	const want = `limit Depth: invalid: is negative
variable "now": invalid: the name is taken by the language
variable "a b": invalid: a name is a letter or underscore, then letters, digits and underscores
variable "x": invalid: is declared twice
variable "y": invalid: it has no kind
variable "all": invalid: the name is taken by the language
variable "in": invalid: the name is taken by the language`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Error("does not match ErrInvalid")
	}
	if _, err := rules.NewEnv(nil, rules.Options{}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("no schema: got %v", err)
	}
}

func TestProblemsOfOneExpressionAreNotTooMany(t *testing.T) {
	e := newEnv(t, rules.Options{})
	got := problemsOf(t, e, boolean, strings.Repeat("lead.nope || ", 100)+"true")
	if len(got) != 21 || got[20].Message != `rule "r": 80 more problems in the expression` {
		t.Errorf("got %d, the last is %v", len(got), got[len(got)-1])
	}
}

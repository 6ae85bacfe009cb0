package rules_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

func failed(text string) rules.Result {
	return rules.Result{State: rules.Failed, Err: errors.New(text)}
}

var sameResult = cmp.Options{
	cmp.Comparer(func(a, b error) bool { return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error()) }),
	cmp.Comparer(func(a, b leadloop.Value) bool { return a.Equal(b) }),
}

type semantic struct {
	name string
	kind leadloop.Kind
	text string
	want rules.Result
}

func run(t *testing.T, tests []semantic) {
	t.Helper()
	e := newEnv(t, rules.Options{})
	f := facts(t, e)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, eval(t, e, tt.kind, tt.text, f), sameResult); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestPresence(t *testing.T) {
	run(t, []semantic{
		{"a present field reads", integer, `company.employees`, decided(int64(600))},
		{"an absent field is undecided", str, `lead.city`, needs("lead.city")},
		{"a known absent field has no value", str, `lead.country`, none},
		{"an empty string is the empty string", boolean, `lead.region == ""`, decided(true)},
		{"an empty number has no value", integer, `company.founded`, none},
		{"an absent list is undecided", boolean, `"go" in company.technologies && lead.consent in ["granted"]`, needs("lead.consent")},

		{"has is true for a present field", boolean, `has(lead.email)`, decided(true)},
		{"has is true for an empty string", boolean, `has(lead.region)`, decided(true)},
		{"has is true for an empty number", boolean, `has(company.founded)`, decided(true)},
		{"has is false for a known absent field", boolean, `has(lead.country)`, decided(false)},
		{"has is undecided for an absent field", boolean, `has(lead.city)`, needs("lead.city")},
		{"has guards a known absent field", boolean, `has(lead.country) && lead.country == "US"`, decided(false)},
		{"has guards in a ternary", str, `has(lead.country) ? lead.country : "unknown"`, decided("unknown")},

		{"needs are all missing inputs, sorted", boolean, `lead.city + lead.campaign == tier + string(score)`, needs("lead.campaign", "lead.city", "score")},
		{"needs name a field once", boolean, `lead.city == "a" || lead.city == "b"`, needs("lead.city")},
		{"a missing variable is named", boolean, `score > 5.0`, needs("score")},
		{"a variable reads", boolean, `tier == "A"`, decided(true)},
		{"absent does not matter if the answer is settled on the left", boolean, `company.employees > 5 || lead.city == "x"`, decided(true)},
		{"absent does not matter if the answer is settled on the right", boolean, `lead.city == "x" || true`, decided(true)},
		{"known absent does not matter if the answer is settled", boolean, `lead.country == "x" || true`, decided(true)},
		{"an error in one operand settles an operation, left missing", boolean, `lead.city + lead.country == "x"`, none},
		{"an error in one operand settles an operation, right missing", boolean, `lead.country + lead.city == "x"`, none},
		{"missing beats known absent in logic, either order", boolean, `lead.country == "x" || lead.city == "x"`, needs("lead.city")},
		{"of two errors the leftmost counts, no value first", boolean, `lead.country == "x" && 1 / 0 > 0`, none},
		{"of two errors the leftmost counts, failure first", boolean, `1 / 0 > 0 && lead.country == "x"`, failed("division by zero")},
		{"an error outweighs what is missing in a list", boolean, `tier in [lead.city, lead.country]`, none},
		{"an error outweighs what is missing deep down", boolean, `lead.consent.size() > {"a": 1}[lead.city] + company.revenue`, none},
		{"a key that is missing is undecided", integer, `{"a": 1}[lead.city]`, needs("lead.city")},
		{"a missing list in a loop is undecided", boolean, `[lead.city].exists(x, x == "a")`, needs("lead.city")},
		{"a loop is settled by what is known", boolean, `["a", "b"].exists(x, x == "b" || x == lead.city)`, decided(true)},
		{"an undecided condition is undecided", str, `lead.city == "x" ? "a" : "b"`, needs("lead.city")},
		{"the branch not taken is not needed", str, `company.employees > 5 ? "a" : lead.city`, decided("a")},
		{"a known absent condition has no value", str, `lead.country == "x" ? "a" : "b"`, none},
		{"negation keeps undecided", boolean, `!(lead.city == "x")`, needs("lead.city")},
		{"negation keeps no value", boolean, `!(lead.country in ["US", "CA"])`, none},
	})
}

func TestActivityFunctions(t *testing.T) {
	run(t, []semantic{
		{"count counts all of a type", integer, `count("pricing_view")`, decided(int64(2))},
		{"a window leaves out its far end", integer, `count("pricing_view", "7d")`, decided(int64(1))},
		{"a window holds what is a nanosecond inside", integer, `count("pricing_view", "168h0m0.000000001s")`, decided(int64(2))},
		{"the future counts as now", integer, `count("reply", "1ns")`, decided(int64(1))},
		{"what never happened counts zero", integer, `count("demo")`, decided(int64(0))},
		{"last is the latest", moment, `last("pricing_view")`, decided(noon.Add(-time.Hour))},
		{"last of the future is now", moment, `last("reply")`, decided(noon)},
		{"last of what never happened has no value", moment, `last("demo")`, none},
		{"since measures to now", boolean, `since("pricing_view") == duration("1h")`, decided(true)},
		{"since the future is zero", boolean, `since("reply") == duration("0s")`, decided(true)},
		{"since what never happened has no value", boolean, `since("demo") > days(7)`, none},
		{"logic absorbs what never happened", boolean, `since("demo") > days(7) || true`, decided(true)},
		{"seen is decided", boolean, `seen("reply")`, decided(true)},
		{"not seen is decided", boolean, `seen("demo")`, decided(false)},
		{"seen has a window", boolean, `seen("pricing_view", "30m")`, decided(false)},
		{"the raw list reads type, time, actor and attributes", boolean,
			`activities.exists(a, a.type == "pricing_view" && a.attributes["page"] == "/pricing" && now - a.at < days(1) && a.actor == "")`, decided(true)},
		{"the raw list clamps the future", boolean, `activities.all(a, a.at <= now)`, decided(true)},
		{"the raw list has a size", integer, `activities.size()`, decided(int64(3))},
		{"a missing attribute has no value", boolean, `activities.exists(a, a.attributes["utm"] == "x")`, none},
		{"has tells whether an attribute is there", boolean, `activities.exists(a, has(a.attributes.utm))`, decided(false)},
		{"an activity equals itself alone", boolean, `activities[0] == activities[0] && activities[0] != activities[1]`, decided(true)},
	})
}

func TestFunctions(t *testing.T) {
	run(t, []semantic{
		{"days is a duration", boolean, `days(7) == duration("168h")`, decided(true)},
		{"durations know days and weeks", boolean, `duration("1w1d") == days(8)`, decided(true)},
		{"days takes a field", boolean, `days(company.employees) == duration("14400h")`, decided(true)},
		{"days overflow", boolean, `days(company.employees * 1000) > days(1)`, failed("a number or duration is too large")},
		{"timestamps know dates", boolean, `timestamp("2026-11-02") < now`, decided(true)},
		{"min of doubles", double, `min(20.0, double(company.employees) / 50.0)`, decided(12.0)},
		{"max of ints", integer, `max(company.employees, 1000)`, decided(int64(1000))},
		{"lowerAscii folds", str, `lead.title.lowerAscii()`, decided("vp sales")},
		{"upperAscii leaves other letters", str, `"äb".upperAscii()`, decided("äB")},
		{"trim cuts white space", str, `"  a ".trim()`, decided("a")},
		{"isFreeEmail", boolean, `isFreeEmail("x@gmail.com") && !isFreeEmail(lead.email)`, decided(true)},
		{"isDisposableEmail", boolean, `isDisposableEmail("x@mailinator.com")`, decided(true)},
		{"isRoleEmail", boolean, `isRoleEmail("info@example.com")`, decided(true)},
		{"functions keep undecided", boolean, `isFreeEmail(lead.phone)`, needs("lead.phone")},
		{"functions keep no value", boolean, `isFreeEmail(lead.country)`, none},
		{"matches is unanchored", boolean, `lead.title.matches("Sal")`, decided(true)},
		{"contains the empty string", boolean, `lead.title.contains("")`, decided(true)},
		{"size counts code points", integer, `"äö".size()`, decided(int64(2))},
		{"strings order by code point", boolean, `"z" < "ä" && "Z" < "a"`, decided(true)},
		{"an index out of range fails", str, `company.technologies[2]`, failed("a list index is out of bounds")},
		{"a negative index fails", str, `company.technologies[-1]`, failed("a list index is out of bounds")},
		{"a lookup table without the key has no value", double, `{"US": 10.0}[lead.title]`, none},
		{"a lookup table with the key", double, `{"A": 10.0, "B": 5.0}[tier]`, decided(10.0)},
		{"filter makes a list", list, `company.technologies.filter(x, x != "go")`, decided([]string{"postgres"})},
		{"map makes a list", list, `company.technologies.map(x, x + "!")`, decided([]string{"go!", "postgres!"})},
		{"exists_one", boolean, `company.technologies.exists_one(x, x.startsWith("g"))`, decided(true)},
	})
}

// TestCELSemantics holds what performance studies found to be easily lost by
// another evaluator.
func TestCELSemantics(t *testing.T) {
	run(t, []semantic{
		{"exists absorbs errors", boolean, `[1, 0, 5].exists(v, 10 / v > 1)`, decided(true)},
		{"exists without a witness keeps the error", boolean, `[1, 0, 5].exists(v, 10 / v > 100)`, failed("division by zero")},
		{"all absorbs errors", boolean, `[1, 0, 5].all(v, 10 / v > 100)`, decided(false)},
		{"exists_one does not absorb", boolean, `[1, 0, 5].exists_one(v, 10 / v > 5)`, failed("division by zero")},
		{"filter does not absorb", boolean, `[1, 0, 5].filter(v, 10 / v > 5).size() > 0`, failed("division by zero")},
		{"map does not absorb", boolean, `[1, 0].map(v, 10 / v).size() > 0`, failed("division by zero")},
		{"an erring condition errs, whatever the branches", boolean, `(1 / 0 > 0) ? true : true`, failed("division by zero")},
		{"no excluded middle", boolean, `1 / 0 > 0 || !(1 / 0 > 0)`, failed("division by zero")},
		{"int overflow", integer, `9223372036854775807 + company.employees`, failed("a number or duration is too large")},
		{"int underflow", integer, `-9223372036854775808 - company.employees`, failed("a number or duration is too large")},
		{"negating the least int", integer, `-(-9223372036854775808)`, failed("a number or duration is too large")},
		{"the least int by minus one", integer, `-9223372036854775808 / -1`, failed("a number or duration is too large")},
		{"modulus by zero", integer, `company.employees % 0`, failed("modulus by zero")},
		{"int cuts towards zero", integer, `int(3.9) + int(-3.9)`, decided(int64(0))},
		{"int of a huge double", integer, `int(company.hiring_velocity * 1e19)`, failed("a number or duration is too large")},
		{"int of nothing like a number", integer, `int(lead.title)`, failed("a text can't be converted")},
		{"an infinite result fails", double, `company.hiring_velocity / 0.0`, failed("the result is not a finite number")},
		{"infinities compare inside", boolean, `company.hiring_velocity / 0.0 > 1e300`, decided(true)},
		{"NaN is not itself", boolean, `0.0 / (company.hiring_velocity - 2.5) == 0.0 / (company.hiring_velocity - 2.5)`, decided(false)},
		{"NaN as a result fails", double, `0.0 / (company.hiring_velocity - 2.5)`, failed("the result is not a finite number")},
		{"minus zero equals zero", boolean, `-0.0 == 0.0`, decided(true)},
		{"int fits a double result", double, `company.employees`, decided(600.0)},
		{"a difference of times beyond 292 years", boolean, `now - timestamp("0001-01-01") > days(1)`, failed("a number or duration is too large")},
		{"a time beyond the year 9999", boolean, `timestamp("9999-12-31") + days(2) > now`, failed("a time is outside the years 1 to 9999")},
		{"months count from zero", integer, `now.getMonth()`, decided(int64(10))},
		{"Sunday is zero", integer, `now.getDayOfWeek()`, decided(int64(1))},
		{"hours are UTC", integer, `now.getHours()`, decided(int64(12))},
		{"hours in a zone", integer, `now.getHours("Europe/Berlin")`, decided(int64(13))},
		{"hours at an offset", integer, `now.getHours("+05:30")`, decided(int64(17))},
		{"milliseconds of a duration are the total", integer, `duration("1500ms").getMilliseconds()`, decided(int64(1500))},
		{"an unknown zone fails without its name", integer, `now.getHours(lead.title)`, failed("unknown time zone")},
		{"big ints compare exactly", boolean, `9007199254740993 == 9007199254740992`, decided(false)},
	})
}

func TestInputsThatCanNotBeRead(t *testing.T) {
	e := newEnv(t, rules.Options{})
	other, err := rules.NewEnv(leadloop.StandardSchema(), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	year10000 := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		text string
		edit func(*rules.Facts)
		want string
	}{
		{"a string above the cap", `lead.title == ""`, func(f *rules.Facts) {
			leadloop.Title.Set(f.Profile, strings.Repeat("x", 4097))
		}, "lead.title: is longer than 4096 bytes"},
		{"a list above the cap", `company.technologies == []`, func(f *rules.Facts) {
			leadloop.Technologies.Set(f.Profile, make([]string, 257))
		}, "company.technologies: has more than 256 items"},
		{"a list item above the cap", `"x" in company.technologies`, func(f *rules.Facts) {
			leadloop.Technologies.Set(f.Profile, []string{strings.Repeat("x", 1025)})
		}, "company.technologies: is longer than 1024 bytes"},
		{"invalid UTF-8", `lead.title == ""`, func(f *rules.Facts) { leadloop.Title.Set(f.Profile, "a\xff") }, "lead.title: is not valid UTF-8"},
		{"invalid UTF-8 in a list", `"x" in company.technologies`, func(f *rules.Facts) {
			leadloop.Technologies.Set(f.Profile, []string{"a\xff"})
		}, "company.technologies: is not valid UTF-8"},
		{"a time out of range", `company.funding_date < now`, func(f *rules.Facts) {
			leadloop.FundingDate.Set(f.Profile, year10000)
		}, "company.funding_date: is outside the years 1 to 9999"},
		{"now out of range", `company.funding_date < now`, func(f *rules.Facts) { f.Now = year10000 }, "now: is outside the years 1 to 9999"},
		{"too many activities for the raw list", `activities.size() > 0`, func(f *rules.Facts) {
			f.Activities = make([]leadloop.Activity, 1001)
		}, "activities: more than 1000"},
		{"invalid UTF-8 in an activity", `activities.exists(a, a.type == "x")`, func(f *rules.Facts) {
			f.Activities[0].Type = "\xff"
		}, "activity type: is not valid UTF-8"},
		{"invalid UTF-8 in an attribute", `activities.exists(a, a.attributes["page"] == "x")`, func(f *rules.Facts) {
			f.Activities[0].Attributes = map[string]string{"page": "\xff"}
		}, "activity attributes: is not valid UTF-8"},
		{"a variable of another kind", `tier == "A"`, func(f *rules.Facts) {
			f.Vars[0] = leadloop.ValueOf(int64(1))
		}, "tier: is a int, not a string"},
		{"too many variables", `tier == "A"`, func(f *rules.Facts) {
			f.Vars = make([]leadloop.Value, 3)
		}, "facts: 3 variables given, the environment has 2"},
		{"a profile of another schema", `tier == "A"`, func(f *rules.Facts) {
			f.Profile = other.Schema().NewProfile()
		}, "facts: the profile has another schema than the environment"},
		{"an activity older than a duration", `since("reply") > days(1)`, func(f *rules.Facts) {
			f.Activities[2].At = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
		}, "since(reply): longer than 292 years"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := facts(t, e)
			tt.edit(&f)
			got := eval(t, e, boolean, tt.text, f)
			if diff := cmp.Diff(failed(tt.want), got, sameResult); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if !errors.Is(got.Err, leadloop.ErrInvalid) {
				t.Errorf("%v does not match ErrInvalid", got.Err)
			}
		})
	}
}

func TestAnEqualSchemaIsAccepted(t *testing.T) {
	e := newEnv(t, rules.Options{})
	p := newSchema(t).NewProfile()
	leadloop.Employees.Set(p, 7)
	got := eval(t, e, boolean, `company.employees == 7`, rules.Facts{Profile: p, Now: noon})
	if diff := cmp.Diff(decided(true), got, sameResult); diff != "" {
		t.Error(diff)
	}
}

func TestNoProfileMeansNothingIsKnown(t *testing.T) {
	e := newEnv(t, rules.Options{})
	got := eval(t, e, boolean, `company.employees == 7 || has(lead.email)`, rules.Facts{Now: noon})
	if diff := cmp.Diff(needs("company.employees", "lead.email"), got, sameResult); diff != "" {
		t.Error(diff)
	}
}

func TestErrorsHoldNoPersonalData(t *testing.T) {
	e := newEnv(t, rules.Options{})
	f := facts(t, e)
	const canary = "canary-7b1"
	leadloop.Title.Set(f.Profile, canary)
	for _, text := range []string{
		`int(lead.title) > 0`, `double(lead.title) > 0.0`, `bool(lead.title)`, `timestamp(lead.title) > now`,
		`now.getHours(lead.title) > 0`, `{"x": 1}[lead.title] > 0`, `{lead.title: 1, lead.title: 2}["x"] > 1`,
		`company.technologies[int(lead.title)] == "x"`,
	} {
		r := eval(t, e, boolean, text, f)
		if r.State == rules.Decided || r.State == rules.Undecided {
			t.Errorf("%s: state %d, want an error", text, r.State)
		}
		if r.Err != nil && strings.Contains(r.Err.Error(), canary) {
			t.Errorf("%s: the error quotes a value: %v", text, r.Err)
		}
	}
}

func TestEvalReturnsAllAndReusesResults(t *testing.T) {
	e := newEnv(t, rules.Options{})
	set, err := e.Compile(
		rules.Rule{ID: "a", Type: boolean, Expression: leadloop.Expression{Text: `company.employees > 500`}},
		rules.Rule{ID: "b", Type: boolean, Expression: leadloop.Expression{Text: `lead.city == "x" && lead.campaign == "y"`}},
		rules.Rule{ID: "c", Type: integer, Expression: leadloop.Expression{Text: `1 / 0`}},
		rules.Rule{ID: "d", Type: boolean, Expression: leadloop.Expression{Text: `lead.phone == "x"`}},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := []rules.Result{decided(true), needs("lead.campaign", "lead.city"), failed("division by zero"), needs("lead.phone")}
	var r rules.Results
	for range 3 {
		set.Eval(context.Background(), facts(t, e), &r)
		var got []rules.Result
		for i := range r.Len() {
			got = append(got, r.At(i))
		}
		if diff := cmp.Diff(want, got, sameResult); diff != "" {
			t.Fatal(diff)
		}
	}
	if !r.At(0).True() || r.At(1).True() || r.At(2).True() {
		t.Error("True is decided and true, nothing else")
	}
	small := compile(t, e, boolean, `tier == "A"`)
	small.Eval(context.Background(), facts(t, e), &r)
	if r.Len() != 1 || !r.At(0).True() {
		t.Errorf("a smaller set after a larger one: %d results", r.Len())
	}
}

func TestACancelledContextFailsTheRest(t *testing.T) {
	e := newEnv(t, rules.Options{})
	set := compile(t, e, boolean, `tier == "A"`)
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	cancel(why)
	var r rules.Results
	set.Eval(ctx, facts(t, e), &r)
	if got := r.At(0); got.State != rules.Failed || !errors.Is(got.Err, why) {
		t.Errorf("got %+v, want Failed with the cause", got)
	}
}

func TestNaNFieldsReadAsNaN(t *testing.T) {
	e := newEnv(t, rules.Options{})
	f := facts(t, e)
	ratio.Set(f.Profile, math.NaN())
	if got := eval(t, e, boolean, `company.ratio == company.ratio`, f); got.State != rules.Decided || got.True() {
		t.Errorf("NaN == NaN is %+v", got)
	}
	if got := eval(t, e, boolean, `company.ratio != company.ratio`, f); !got.True() {
		t.Errorf("NaN != NaN is %+v", got)
	}
}

func TestTheZoneOfTheMachineIsNone(t *testing.T) {
	e := newEnv(t, rules.Options{})
	e.KeepOracle()
	f := facts(t, e)
	leadloop.Title.Set(f.Profile, "Local")
	set := compile(t, e, integer, `now.getHours(lead.title)`)
	want := failed("unknown time zone")
	for how, got := range map[string]rules.Result{"compiled": set.EvalOne(context.Background(), f, 0), "by cel-go": set.Oracle(context.Background(), f, 0)} {
		if diff := cmp.Diff(want, got, sameResult); diff != "" {
			t.Errorf("%s (-want +got):\n%s", how, diff)
		}
	}
}

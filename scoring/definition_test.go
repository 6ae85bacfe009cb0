package scoring

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// sound is a small file that is right; tests replace one line of it.
const sound = `model: m
version: 1
fields: {plan: string}
rules:
  - {id: big, group: fit, when: "company.employees >= 500", points: 20}
  - {id: demo, group: intent, each: demo_request, points: 40, decay: {half_life: 14d}, max: 2}
  - {id: student, when: 'lead.title == "student"', disqualify: student}
groups: {fit: {max: 100}, intent: {max: 100}}
modifiers:
  - {id: partner, when: 'lead.source == "partner"', add: 10, owner: ana, expires: 2027-01-01}
score: "fit * 0.6 + intent * 0.4"
tiers: {A: 45, B: 30, C: 0, hysteresis: 3}
`

func TestTheSoundFileHasNoProblems(t *testing.T) {
	if w := compile(t, sound).Warnings(); len(w) > 0 {
		t.Errorf("warnings:\n%v", w)
	}
}

// check parses, and compiles if it could parse, and returns all problems.
func checkFile(text string) leadloop.Problems {
	var problems leadloop.Problems
	d, err := Parse("scoring.yaml", []byte(text))
	if err != nil {
		problems.Join(err)
		return problems
	}
	schema, err := d.Schema()
	if err != nil {
		problems.Join(err)
		return problems
	}
	m, err := New(d, schema, Options{})
	if err != nil {
		problems.Join(err)
		return problems
	}
	return m.Warnings()
}

// A definition is checked to the end, whatever Parse said of it before.
func TestProblemsOfADefinitionThatIsWrongInManyWays(t *testing.T) {
	d, _ := Parse("scoring.yaml", []byte(`model: m
version: 0
rules:
  - {id: big, group: fit, when: "company.employees > 1", points: 1}
  - {id: big, group: fit, when: "company.employes > 1", points: 1e12}
groups: {fit: {max: 1}}
score: fitt
tiers: {A: 1, B: 2}
`))
	_, err := New(d, leadloop.StandardSchema(), Options{})
	want := []string{
		`scoring.yaml:1:1: version: expected a whole number from 1, found 0`,
		`scoring.yaml:5:5: rule big: the id is taken by an earlier rule`,
		`scoring.yaml:5:34: rule "big": unknown field company.employes (did you mean "company.employees"?)`,
		`scoring.yaml:5:65: rule big: points: out of range; at most a billion`,
		`scoring.yaml:7:8: score: unknown name fitt (did you mean "fit"?)`,
		`scoring.yaml:8:18: tiers.B: begins at 2, above A at 1; write tiers from the highest to the lowest`,
	}
	if diff := cmp.Diff(want, strings.Split(fmt.Sprint(err), "\n")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestProblemsOfAFile(t *testing.T) {
	for _, tt := range []struct {
		name, old, new string
		want           []string
	}{
		{
			"an unknown key", "points: 20}", "point: 20}",
			[]string{
				`scoring.yaml:5:5: rule big: gives neither points nor disqualifies`,
				`scoring.yaml:5:61: rules[0]: unknown key "point" (did you mean "points"?)`,
			},
		},
		{
			"an unknown group", "group: fit,", "group: fitt,",
			[]string{`scoring.yaml:5:5: rule big: unknown group "fitt" (did you mean "fit"?)`},
		},
		{"no group", "id: big, group: fit,", "id: big,", []string{`scoring.yaml:5:5: rule big: missing key "group"`}},
		{"an id used twice", "id: demo,", "id: big,", []string{`scoring.yaml:6:5: rule big: the id is taken by an earlier rule`}},
		{"a modifier with the id of a rule", "id: partner,", "id: big,", []string{`scoring.yaml:10:5: modifier big: the id is taken by an earlier rule`}},
		{"a rule without id", "id: big, ", "", []string{`scoring.yaml:5:5: rule: missing key "id"`}},
		{"an id that is no id", "id: big,", "id: big one,", []string{`scoring.yaml:5:5: rule: id "big one": expected letters, digits, '-', '_' and '.'`}},
		{"points that are not a number", "points: 20", "points: .nan", []string{`scoring.yaml:5:69: rule big: points: expected a finite number, found .nan`}},
		{"infinite points", "points: 20", "points: -.inf", []string{`scoring.yaml:5:69: rule big: points: expected a finite number, found -.inf`}},
		{"points beyond a billion", "points: 20", "points: 1000000001", []string{`scoring.yaml:5:69: rule big: points: out of range; at most a billion`}},
		{"points beyond any number", "points: 20", "points: 1e999", []string{`scoring.yaml:5:69: rule big: points: out of range; at most a billion`}},
		{"points too fine", "points: 20", "points: 0.0001", []string{`scoring.yaml:5:69: rule big: points: finer than a thousandth of a point`}},
		{"zero points", "points: 20", "points: 0", []string{
			"scoring.yaml:5:69: warning: rule big: 0 points never change a score",
			"scoring.yaml:12:12: warning: tiers.A: no lead can reach it: scores lie between 0 and 42",
		}},
		{
			"neither points nor disqualify", ", points: 20", "",
			[]string{`scoring.yaml:5:5: rule big: gives neither points nor disqualifies`},
		},
		{
			"points and disqualify", "disqualify: student", "points: 5, disqualify: student",
			[]string{`scoring.yaml:7:5: rule student: disqualify and points exclude each other`},
		},
		{
			"disqualify without when", `when: 'lead.title == "student"', `, "",
			[]string{`scoring.yaml:7:5: rule student: disqualify needs when`},
		},
		{
			"a rule that always gives points", `when: "company.employees >= 500", `, "",
			[]string{`scoring.yaml:5:5: warning: rule big: gives its points to every lead; was when or each forgotten?`},
		},
		{"a negative half-life", "half_life: 14d", "half_life: -14d", []string{`scoring.yaml:6:70: rule demo: decay.half_life: expected a duration above 0 and up to 50 years`}},
		{"a window of nothing", "half_life: 14d", "window: 0d", []string{`scoring.yaml:6:70: rule demo: decay: expected exactly one of window, half_life, linear and steps, longer than 0`}},
		{"two kinds of decay", "half_life: 14d", "half_life: 14d, window: 30d", []string{`scoring.yaml:6:70: rule demo: decay: expected exactly one of window, half_life, linear and steps, longer than 0`}},
		{"steps that go back in time", "half_life: 14d", "steps: [{after: 7d, factor: 0.5}, {after: 7d, factor: 0.2}]", []string{`scoring.yaml:6:70: rule demo: decay.steps: each step must come after the one before, and after 0`}},
		{"steps that rise", "half_life: 14d", "steps: [{after: 7d, factor: 0.5}, {after: 8d, factor: 0.6}]", []string{`scoring.yaml:6:70: rule demo: decay.steps: factors go down from 1 to 0, found 0.6 after 0.5`}},
		{"a step above one", "half_life: 14d", "steps: [{after: 7d, factor: 1.5}]", []string{`scoring.yaml:6:70: rule demo: decay.steps: factors go down from 1 to 0, found 1.5 after 1`}},
		{"max below one", "max: 2}", "max: 0}", []string{`scoring.yaml:6:5: rule demo: max: expected at least 1, found 0`}},
		{
			"decay and max without each", "each: demo_request, ", "",
			[]string{
				`scoring.yaml:6:5: rule demo: decay needs each: only activities have an age`,
				`scoring.yaml:6:5: rule demo: max needs each: it is how many activities count`,
			},
		},
		{"a group without room", "fit: {max: 100}", "fit: {max: 0}", []string{`scoring.yaml:8:15: groups.fit: max: expected more than 0, found 0`}},
		{"a group upside down", "fit: {max: 100}", "fit: {max: 100, min: 200}", []string{`scoring.yaml:8:15: groups.fit: min 200 is above max 100`}},
		{"a group with a name that is taken", "intent: {max: 100}}", "intent: {max: 100}, now: {max: 1}}", []string{`scoring.yaml:8:52: groups: "now" means something else in expressions; choose another name`}},
		{
			"a modifier that does both", "add: 10", "add: 10, multiply: 2",
			[]string{`scoring.yaml:10:5: modifier partner: add and multiply exclude each other`},
		},
		{"a modifier that does nothing", "add: 10, ", "", []string{`scoring.yaml:10:5: modifier partner: does neither add nor multiply`}},
		{"a modifier that turns scores around", "add: 10", "multiply: -1", []string{`scoring.yaml:10:5: modifier partner: multiply: expected a factor from 0 to a million, found -1`}},
		{"a modifier times nothing that is a number", "add: 10", "multiply: .nan", []string{
			`scoring.yaml:10:63: modifiers[0].multiply: expected a finite number`,
		}},
		{
			"a modifier nobody answers for", ", owner: ana, expires: 2027-01-01", "",
			[]string{
				`scoring.yaml:10:5: modifier partner: missing key "owner": who answers for it`,
				`scoring.yaml:10:5: modifier partner: missing key "expires": the day it must be looked at again`,
			},
		},
		{"an unknown field in a condition", "company.employees >=", "company.employes >=", []string{`scoring.yaml:5:34: rule "big": unknown field company.employes (did you mean "company.employees"?)`}},
		{
			"a condition that is no condition", `"company.employees >= 500"`, `"company.employees"`,
			[]string{`scoring.yaml:5:34: rule "big": expected bool, found int (a condition compares something, as in x > 1)`},
		},
		{
			"several expressions at once", "points: 20}", `points: "company.revenu * 2"}`,
			[]string{`scoring.yaml:5:70: rule "big.points": unknown field company.revenu (did you mean "company.revenue"?)`},
		},
		{"a field of an unknown kind", "plan: string", "plan: txt", []string{`scoring.yaml:3:16: fields.plan: unknown kind "txt" (kinds: string, int, double, bool, timestamp, list(string))`}},
		{"a field with a bad name", "plan: string", "Plan: string", []string{`scoring.yaml:3:16: fields.Plan: field "lead.Plan": invalid: after the dot comes a lower-case identifier`}},
		{"a standard field of another kind", "plan: string", "email: int", []string{`scoring.yaml:3:17: fields.email: field lead.email: invalid: is a string, can't be redefined as int`}},
		{"a score of an unknown group", "fit * 0.6", "fitt * 0.6", []string{`scoring.yaml:11:9: score: unknown name fitt (did you mean "fit"?)`}},
		{"a score that mixes numbers", "fit * 0.6", "fit * 2", []string{`scoring.yaml:11:13: score: * can't mix int and double (write the int as double(...), or a constant as 50.0)`}},
		{"a score that reads the lead", `"fit * 0.6 + intent * 0.4"`, `"fit + intent + double(company.employees)"`, []string{`scoring.yaml:11:9: score: reads groups only; what depends on the lead belongs into rules and modifiers`}},
		{
			"a score that can divide by zero", "fit * 0.6 + intent * 0.4", "fit / intent",
			[]string{`scoring.yaml:11:9: score: can divide by zero or grow beyond bounds`},
		},
		{
			"a score beyond arithmetic", "fit * 0.6 + intent * 0.4", "[fit, intent][0]",
			[]string{`scoring.yaml:11:9: score: expected an expression of groups, numbers such as 0.6, + - * /, comparisons, && || !, ?:, min() and max()`},
		},
		{"a score that leaves out a group", "fit * 0.6 + intent * 0.4", "intent", []string{`scoring.yaml:11:9: warning: score: leaves out group fit, so its rules change nothing`}},
		{"a tier that is no number", "A: 45", "A: high", []string{`scoring.yaml:12:12: tiers.A: expected a number of points`}},
		{
			"tiers from the lowest", "{A: 45, B: 30, C: 0, hysteresis: 3}", "{C: 0, B: 30}",
			[]string{
				`scoring.yaml:12:18: tiers.B: begins at 30, above C at 0; write tiers from the highest to the lowest`,
			},
		},
		{"tiers that overlap", "B: 30", "B: 45", []string{`scoring.yaml:12:19: tiers.B: overlaps with A: both begin at 45`}},
		{"tiers with a gap", ", C: 0", "", []string{`scoring.yaml:12:19: tiers.B: scores below 30 would have no tier; a last tier from 0 takes them`}},
		{"a tier out of reach", "A: 45", "A: 70", []string{`scoring.yaml:12:12: warning: tiers.A: no lead can reach it: scores lie between 0 and 54`}},
		{"a tier with a bad name", "A: 45", "1st: 45", []string{`scoring.yaml:12:14: tiers: name "1st": expected letters, digits, '-', '_' and '+', starting with a letter`}},
		{"a negative hysteresis", "hysteresis: 3", "hysteresis: -3", []string{`scoring.yaml:12:12: tiers: hysteresis: expected a number of points from 0, found -3`}},
		{"a hysteresis as wide as a tier", "hysteresis: 3", "hysteresis: 15", []string{`scoring.yaml:12:19: warning: tiers.B: the hysteresis of 15 is as wide as B`}},
		{"more points than a group takes", "max: 2}", "max: 3}", []string{`scoring.yaml:8:35: warning: groups.intent: its rules can give 120 points, so what is above its max of 100 makes no difference`}},
		{
			"no model and no version", "model: m\nversion: 1\n", "",
			[]string{
				`scoring.yaml:1:1: model: expected a name of letters, digits, '-', '_' and '.', found ""`,
				`scoring.yaml:1:1: version: expected a whole number from 1, found 0`,
			},
		},
		{"a rule environment from the future", "version: 1", "version: 1\nenvironment: 9", []string{`scoring.yaml:1:1: environment: 9 is not known here; the newest is 1`}},
		{"both tiers and a grid", "score:", "grid: {rows: {group: fit, from: [0]}, columns: {group: intent, from: [0]}, cells: [[A]]}\nscore:", []string{`scoring.yaml:11:7: grid: tiers by threshold and a grid exclude each other`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(sound, tt.old, tt.new, 1)
			if text == sound {
				t.Fatalf("%q is not in the file", tt.old)
			}
			if diff := cmp.Diff(tt.want, strings.Split(checkFile(text).Error(), "\n")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProblemsOfAGrid(t *testing.T) {
	head, _, _ := strings.Cut(sound, "modifiers:")
	for _, tt := range []struct {
		name, grid string
		want       []string
	}{
		{"a sound grid", `{rows: {group: fit, from: [15, 0]}, columns: {group: intent, from: [40, 0]}, cells: [[A, B], [B, C]], hysteresis: 2}`, []string{""}},
		{
			"unknown groups, missing edges and cells", `{rows: {group: fitt, from: [15, 0]}, columns: {group: intent}, cells: [[A, B]]}`,
			[]string{
				`scoring.yaml:9:7: grid.cells: expected 2 rows, one for each edge of rows.from, found 1`,
				`scoring.yaml:9:7: grid.cells[0]: expected 0 tiers, one for each edge of columns.from, found 2`,
				`scoring.yaml:9:14: grid.rows: unknown group "fitt" (did you mean "fit"?)`,
				`scoring.yaml:9:53: grid.columns: missing key "from": the lower edges of the bands`,
			},
		},
		{
			"edges that rise and one group twice", `{rows: {group: fit, from: [0, 15]}, columns: {group: fit, from: [0]}, cells: [[A], [B]]}`,
			[]string{
				`scoring.yaml:9:7: grid: rows and columns both read "fit"`,
				`scoring.yaml:9:14: grid.rows: from: 15 does not go down from 0`,
			},
		},
		{
			"bands with a gap", `{rows: {group: fit, from: [15, 5]}, columns: {group: intent, from: [0]}, cells: [[A], [B]]}`,
			[]string{`scoring.yaml:9:14: grid.rows: fit below 5 would have no tier; a last edge of 0 takes it`},
		},
		{
			"bands out of reach", `{rows: {group: fit, from: [50, 0]}, columns: {group: intent, from: [0]}, cells: [[A], [B]]}`,
			[]string{`scoring.yaml:9:7: warning: tiers.A: no lead can reach it: scores lie between 0 and 100`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, strings.Split(checkFile(head+"grid: "+tt.grid+"\n").Error(), "\n")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProblemsOfADefinitionMadeInGo(t *testing.T) {
	nan, none := math.NaN(), 0
	d := Definition{
		Model: "m", Version: 1,
		Rules: []Rule{
			{ID: "a", Group: "g", Each: "x", Points: leadloop.Expression{Text: "NaN"}, Max: &none},
			{ID: "b", Group: "g", Each: "x", Points: leadloop.Expression{Text: "1"}, Decay: &Decay{Steps: []DecayStep{{day, nan}}}},
		},
		Groups:    []Group{{Name: "g", Max: &nan}, {Name: "g"}},
		Modifiers: []Modifier{{ID: "m", Multiply: &nan, Owner: "ana", Expires: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}},
		Tiers:     []Tier{{Name: "A", From: nan}},
	}
	_, err := New(d, leadloop.StandardSchema(), Options{})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Fatalf("got %v, want an error that is ErrInvalid", err)
	}
	want := []string{
		`groups.g: max: expected a number of points up to a billion`,
		`groups: g is declared twice`,
		`rule a: points: expected a finite number, found NaN`,
		`rule a: max: expected at least 1, found 0`,
		`rule b: decay.steps: factors go down from 1 to 0, found NaN after 1`,
		`modifier m: multiply: expected a factor from 0 to a million, found NaN`,
		`modifier m: expires: expected a year from 1 to 9999`,
		`tiers.A: expected a number of points up to a billion`,
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestAModelNeedsItsFieldsInTheSchema(t *testing.T) {
	d, err := Parse("scoring.yaml", []byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(d, leadloop.StandardSchema(), Options{})
	if want := "scoring.yaml:1:1: fields: the schema has no lead.plan of kind string"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := New(d, nil, Options{}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("without a schema: got %v, want ErrInvalid", err)
	}
}

func TestTheDigestIsOfTheMeaning(t *testing.T) {
	want := compile(t, sound).Digest()
	for _, tt := range []struct {
		name, old, new string
		same           bool
	}{
		{"a comment", "rules:", "# why\nrules: # these", true},
		{"block style", "{max: 100}, intent: {max: 100}}", "{\n  max: 100},\n  intent: {max: 1e2}}", true},
		{"the spelling of numbers", "points: 20", "points: +20.0", true},
		{"the spelling of durations", "14d", "2w", true},
		{"the order of keys", "add: 10, owner: ana", "owner: ana, add: 10.0", true},
		{"the scope of a field that is left out", "plan: string", "lead.plan: string", true},
		{"the environment that is left out", "version: 1", "version: 1\nenvironment: 1", true},
		{"a blank around an expression", `"fit * 0.6 + intent * 0.4"`, "|\n  fit * 0.6 + intent * 0.4\n", true},
		{"points", "points: 20", "points: 21", false},
		{"a condition", ">= 500", "> 500", false},
		{"a group", "fit: {max: 100}", "fit: {max: 99}", false},
		{"a lower limit", "fit: {max: 100}", "fit: {max: 100, min: 0}", false},
		{"decay", "14d", "15d", false},
		{"a maximum", "max: 2}", "max: 1}", false},
		{"a reason", "disqualify: student", "disqualify: pupil", false},
		{"an expiry", "2027-01-01", "2027-01-02", false},
		{"an owner", "owner: ana", "owner: ben", false},
		{"a tier", "A: 45", "A: 46", false},
		{"hysteresis", "hysteresis: 3", "hysteresis: 2", false},
		{"a version", "version: 1", "version: 2", false},
		{"a description", "points: 20", "points: 20, description: big", false},
		{"a score", "intent * 0.4", "intent * 0.3", false},
		{"a field", "plan: string", "plan: int", false},
		{"the change log", "version: 1", "version: 1\nchanged: {by: ana, at: 2026-11-02, why: x}", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(sound, tt.old, tt.new, 1)
			if text == sound {
				t.Fatalf("%q is not in the file", tt.old)
			}
			if got := compile(t, text).Digest(); (got == want) != tt.same {
				t.Errorf("same digest: got %t, want %t", got == want, tt.same)
			}
		})
	}
}

func TestInputsAreWhatRulesAndModifiersRead(t *testing.T) {
	m := compile(t, testdata(t, "inbound.yaml"))
	if diff := cmp.Diff([]string{"company.employees", "lead.country", "lead.email", "lead.seniority", "lead.source", "lead.title"}, m.Inputs()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"demo_request", "pricing_view", "webinar_signup"}, m.Activities()); diff != "" {
		t.Errorf("activities (-want +got):\n%s", diff)
	}
	for id, want := range map[string][]string{"company-size": {"company.employees"}, "partner": {"lead.source"}, "demo": nil} {
		if got, ok := m.RuleInputs(id); !ok || !cmp.Equal(want, got) {
			t.Errorf("%s: got %v, %t; want %v", id, got, ok, want)
		}
	}
	if _, ok := m.RuleInputs("nobody"); ok {
		t.Error("an unknown rule has inputs")
	}
	if diff := cmp.Diff([]string{"A", "B", "C"}, m.Tiers()); diff != "" {
		t.Errorf("tiers (-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	f.Add([]byte("model: m\nversion: 1\nrules: [{id: a, points: \"min(1.0, {}[0])\"}]\ngrid: {cells: [[A]]}\n"))
	f.Add([]byte("rules: [{each: x, decay: {steps: [{after: 1d, factor: .inf}]}, max: -1}]\ntiers: {A: -1e300}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse("f", data)
		if err != nil && !errors.Is(err, leadloop.ErrInvalid) {
			t.Fatalf("%v is not ErrInvalid", err)
		}
		schema, schemaErr := d.Schema()
		if schemaErr != nil {
			return
		}
		m, newErr := New(d, schema, Options{})
		if (err == nil) && (newErr == nil) && m.Digest() == "" {
			t.Fatal("a model without a digest")
		}
		if err != nil && newErr == nil && len(data) == 0 {
			t.Fatal("an empty file made a model")
		}
	})
}

func TestWhateverCannotWorkIsRefusedAtOnce(t *testing.T) {
	d, _ := Parse("scoring.yaml", []byte(`model: bad
version: 1
rules:
  - {id: big, when: "company.employees >= 500", points: 1e12}
  - {id: nan, when: "company.employees >= 500", points: .nan}
  - {id: inf, when: "company.employees >= 500", points: -.inf}
  - {id: fine, when: "company.employees >= 500", points: 0.0001}
  - {id: weight, points: "100.0 / double(0 * 2)"}
  - {id: rest, when: "company.employees % 0 == 1", points: 5}
  - {id: half, each: demo, points: 5, decay: {half_life: -3d}}
  - {id: none, each: demo, points: 5, decay: {window: 0s}}
  - {id: two, each: demo, points: 5, decay: {window: 3d, linear: 4d}}
  - {id: steps, each: demo, points: 5, decay: {steps: [{after: 30d, factor: 0.5}, {after: 10d, factor: 0.2}]}}
  - {id: rising, each: demo, points: 5, decay: {steps: [{after: 30d, factor: 0.5}, {after: 40d, factor: 0.9}]}}
  - {id: big, when: "company.employees >= 5", points: 1}
  - {id: typo, when: "company.employes >= 5", points: 1}
  - {id: text, when: 'company.employees >= "5"', points: 1}
  - {id: both, when: "true", points: 5, disqualify: spam}
  - {id: nothing, when: "company.employees >= 7"}
  - {id: most, each: demo, points: 5, max: 0}
modifiers:
  - {id: inf, when: 'lead.source == "partner"', add: 3, owner: ana, expires: 2027-01-01}
  - {id: divide, when: "1 / 0 == 2", multiply: 0.5, owner: ana, expires: 2027-01-01}
  - {id: negative, multiply: -1, owner: ana, expires: 2027-01-01}
  - {id: lots, add: 1e300, owner: ana, expires: 2027-01-01}
  - {id: nobody, add: 5}
  - {id: twofold, add: 5, multiply: 2, owner: ana, expires: 2027-01-01}
score: "base / 0.0"
tiers: {A: 70, B: 70, C: 5, hysteresis: -3}
`))
	_, err := New(d, leadloop.StandardSchema(), Options{})
	golden(t, "refused.txt", err.Error()+"\n")

	d, err = Parse("scoring.yaml", []byte(`model: large
version: 1
rules:
  - {id: a, when: "company.employees > 1", points: 1}
  - {id: b, when: "company.employes > 2", points: 1}
  - {id: c, points: "double(company.employees)"}
tiers: {A: 0}
`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(d, leadloop.StandardSchema(), Options{Limits: rules.Limits{Rules: 2}})
	golden(t, "toolarge.txt", err.Error()+"\n")
}

func TestARuleThatFailsIsNamedAndTheOthersStand(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: big, when: "company.employees >= 500", points: 10}
  - {id: ratio, when: "1000 / company.revenue > 2", points: 20}
  - {id: weight, points: "1000.0 / double(company.revenue)"}
  - {id: too-many, points: "double(company.employees) * 1e300"}
modifiers:
  - {id: share, when: "100 / company.revenue > 1", add: 5, owner: ana, expires: 2027-01-01}
tiers: {A: 10, B: 0}
`)
	e := score(t, m, Input{Profile: profile(t, m, func(p *leadloop.Profile) { leadloop.Employees.Set(p, 700); leadloop.Revenue.Set(p, 0) })})
	golden(t, "failed.txt", e.String())
}

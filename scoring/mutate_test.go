package scoring

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

// everything has each part that coverage and mutation know of.
const everything = `model: everything
version: 1
rules:
  - {id: big, group: fit, when: "company.employees >= 500", points: 20}
  - {id: size, group: fit, points: "min(20.0, double(company.employees) / 50.0)"}
  - {id: cheap, group: fit, when: "company.hiring_velocity > 0.5", points: -0.004}
  - {id: pricing, group: intent, when: 'count("pricing_view", "7d") >= 2 && lead.city != "1h30m"', points: 15}
  - {id: half, group: intent, each: demo, points: 40, decay: {half_life: 10d}, max: 2}
  - {id: line, group: intent, each: call, points: 10, decay: {linear: 10d}}
  - {id: hard, group: intent, each: visit, points: 1, decay: {window: 10d}, max: 1}
  - {id: staged, group: intent, each: mail, points: 8, decay: {steps: [{after: 10d, factor: 0.5}, {after: 20d, factor: 0}]}}
  - {id: student, when: 'lead.title == "Student"', disqualify: student}
groups: {fit: {max: 35, min: 0}, intent: {max: 90}}
score: "fit * 0.6 + intent * 0.4"
modifiers:
  - {id: partner, when: 'lead.source == "partner"', add: 10, owner: ana, expires: 2027-01-01}
  - {id: slow, multiply: 0.5, owner: ana, expires: 2027-01-01}
tiers: {A: 40, B: 0, C: -10, hysteresis: 3}
`

func TestEveryPartOfAModelIsChanged(t *testing.T) {
	var b strings.Builder
	for _, m := range mutants(compile(t, everything)) {
		b.WriteString(m.Name() + "\n")
	}
	b.WriteString("\nOf a grid:\n")
	for _, m := range mutants(compile(t, `model: grid
version: 1
rules:
  - {id: a, group: fit, when: "company.employees > 1", points: 1}
  - {id: b, group: intent, each: x, points: 1}
groups: {fit: {}, intent: {}}
grid:
  rows: {group: fit, from: [30, 0]}
  columns: {group: intent, from: [20, 0]}
  cells: [[A, B], [B, C]]
`)) {
		if m.Of == "tier" {
			b.WriteString(m.Name() + "\n")
		}
	}
	golden(t, "mutations.txt", b.String())
}

func TestAMutantChangesNothingElse(t *testing.T) {
	m := compile(t, everything)
	p := profile(t, m, func(p *leadloop.Profile) { leadloop.Employees.Set(p, 700) })
	in := Input{Profile: p, Activities: []leadloop.Activity{happened("demo", day), happened("mail", 12*day)}}
	before := score(t, m, in)
	for _, mutant := range mutants(m) {
		score(t, mutant.model, in)
	}
	if diff := cmp.Diff(before, score(t, m, in)); diff != "" {
		t.Errorf("the model was modified (-before +after):\n%s", diff)
	}
}

func TestMutationsThatNoCaseNoticesSurvive(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: big, when: "company.employees >= 500", points: 20}
tiers: {A: 20, B: 0}
`)
	at := func(name string, employees int, w Want) Case {
		return Case{Name: name, AsOf: asOf, Lead: map[string]any{"company.employees": employees}, Want: w}
	}
	const negated, up, down = "rule big: condition negated", "rule big: 500 → 501 in company.employees >= 500", "rule big: 500 → 499 in company.employees >= 500"
	const plus10, plus20 = "rule big: points 20 → 22", "rule big: points 20 → 24"
	const lower = "tier A: from 20 → 18"
	for _, tt := range []struct {
		name  string
		cases []Case
		want  []string
	}{
		{"only the tier of a large company", []Case{at("large", 9000, Want{Tier: "A"})}, []string{plus10, plus20, up, down, lower}},
		{"its points as well", []Case{at("large", 9000, Want{Tier: "A", Points: new(points(20))})}, []string{up, down, lower}},
		{"both sides of the threshold", []Case{
			at("large", 500, Want{Points: new(points(20)), Tier: "A"}), at("small", 499, Want{Points: new(points(0))}),
		}, []string{lower}},
		{"a case that does not hold notices nothing", []Case{
			at("large", 9000, Want{Tier: "A"}), at("wrong", 499, Want{Points: new(points(20))}),
		}, []string{plus10, plus20, up, down, lower}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Mutate(t.Context(), m, tt.cases)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range r.Survivors() {
				got = append(got, s.Name())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("survivors (-want +got):\n%s", diff)
			}
			for _, mutation := range r.Mutations {
				if mutation.Name() == negated && mutation.NoticedBy != "large" {
					t.Errorf("%s was noticed by %q", negated, mutation.NoticedBy)
				}
			}
		})
	}
}

func TestLiteralsOfAnExpression(t *testing.T) {
	for text, want := range map[string][]string{
		`company.employees >= 500`:                {"500: 501 499"},
		`x > 0.5 && x < 2.0 || x == 0`:            {"0.5: 0.6 0.4", "2.0: 2.1 1.9", "0: 1 (-1)"},
		`x > 0.05 && y > 10 // not 7`:             {"0.05: 0.06 0.04", "10: 11 9"},
		`count("a1", "7d") > 1`:                   {`"7d": "8d" "6d"`, "1: 2 0"},
		`since('a') < duration("1h30m")`:          {`"1h30m":`},
		`lead.title == "7" || x > duration('1d')`: {`'1d': '2d'`},
		`x > 1e3 || y > 0x10 || z > 3u || a.b2`:   nil,
		`lead.title.matches(r"^\d{3}$")`:          nil,
	} {
		var got []string
		for _, l := range literals(text) {
			var line strings.Builder
			line.WriteString(text[l.start:l.end] + ":")
			for _, s := range l.steps() {
				line.WriteString(" " + s)
			}
			got = append(got, line.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestCoverageCountsEveryEdge(t *testing.T) {
	m := compile(t, everything)
	c := func(name string, lead map[string]any, previous string, activities ...leadloop.Activity) Case {
		return Case{Name: name, AsOf: asOf, Lead: lead, PreviousTier: previous, Activities: activities, Want: Want{Known: new(true)}}
	}
	r, err := RunCases(t.Context(), m, []Case{
		c("much", map[string]any{"company.employees": 2000, "lead.source": "partner", "lead.title": "CEO"}, "",
			happened("demo", 0), happened("demo", day), happened("demo", 2*day), happened("visit", time.Hour), happened("visit", 2*time.Hour),
			happened("call", 3*day), happened("mail", 9*day), happened("mail", 10*day), happened("mail", 30*day)),
		c("little", map[string]any{"company.hiring_velocity": 1.0, "company.employees": 3, "lead.source": "web"}, "A", happened("visit", 10*day)),
		c("unknown", map[string]any{"title": "Student"}, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "coverage.txt", r.Coverage.String())
	if got := len(r.Coverage.Missed()); got == 0 || r.Coverage.Share() <= 0.5 || r.Coverage.Share() >= 1 {
		t.Errorf("%d missed, share %v", got, r.Coverage.Share())
	}
	if got := (Coverage{}).Share(); got != 1 {
		t.Errorf("the share of nothing is %v", got)
	}
}

// What the rule could give at all is part of the change: a case that only looks
// at the range notices it.
func TestANumberInAWeightIsNoticedByTheRange(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: size, points: "min(20.0, double(company.employees) / 50.0)"}
tiers: {A: 20, B: 0}
`)
	cases := []Case{{
		Name: "an unknown company could give up to twenty", AsOf: asOf, Lead: map[string]any{"lead.title": "CEO"},
		Want: Want{Low: new(points(0)), High: new(points(20))},
	}}
	report, err := Mutate(t.Context(), m, cases)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, mutation := range report.Mutations {
		if strings.HasPrefix(mutation.Name(), "rule size: ") {
			got[mutation.Change] = mutation.NoticedBy
		}
	}
	const noticed, text = "an unknown company could give up to twenty", "min(20.0, double(company.employees) / 50.0)"
	want := map[string]string{
		"points × 1.1": noticed, "points × 0.9": noticed, "points × 1.2": noticed, "points × 0.8": noticed, "points × -1.0": noticed,
		"20.0 → 20.1 in " + text: noticed, "20.0 → 19.9 in " + text: noticed,
		// However fast the points rise, they end at twenty.
		"50.0 → 50.1 in " + text: "", "50.0 → 49.9 in " + text: "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("noticed by (-want +got):\n%s", diff)
	}
}

func TestMutantsOfAnyModelCanBeScored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		in := anyInput(t, m)
		seen := map[string]bool{}
		for _, mutant := range mutants(m) {
			if seen[mutant.Name()] {
				t.Fatalf("%s is tried twice", mutant.Name())
			}
			seen[mutant.Name()] = true
			e := mustScore(t, mutant.model, in)
			isOneOfThem(t, mutant.model, e)
		}
	})
}

func TestLimitsThatTheRulesDoNotComeToAreNoGap(t *testing.T) {
	const rules = `model: limits
version: 1
rules:
  - {id: big, group: fit, when: "company.employees >= 500", points: 60}
  - {id: vp, group: fit, when: 'lead.seniority == "vp"', points: 40}
  - {id: free, group: fit, when: 'isFreeEmail(lead.email)', points: -10}
`
	for name, tc := range map[string]struct {
		groups string
		want   []string // edges of the group, then changes of its limits
	}{
		"exactly what all rules give": {"{max: 100, min: -10}", []string{"max 100 → 90", "min -10 → -9"}},
		"less than they can give": {"{max: 80, min: 0}", []string{
			"limited to its max", "limited to its min", "max 80 → 88", "max 80 → 72", "min 0 → 1", "min 0 → -1",
		}},
		"out of reach": {"{max: 200, min: -100}", nil},
	} {
		m := compile(t, rules+"groups: {fit: "+tc.groups+"}\n")
		var got []string
		for _, p := range newCoverage(m).probes {
			if p.edge.Of == "group" {
				got = append(got, p.edge.What)
			}
		}
		for _, x := range mutants(m) {
			if x.Of == "group" {
				got = append(got, x.Change)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

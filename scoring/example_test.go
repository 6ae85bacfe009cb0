package scoring_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

const model = `
model: inbound
version: 1
rules:
  - {id: employees-500, group: fit, when: "company.employees >= 500", points: 20, description: company has at least 500 employees}
  - {id: vp, group: fit, when: 'lead.seniority in ["vp", "c_level"]', points: 15, description: a decision maker}
  - {id: pricing-repeat, group: intent, when: 'count("pricing_view", "7d") >= 2', points: 15, description: came back to the prices}
  - {id: demo, group: intent, each: demo_request, points: 40, decay: {half_life: 14d}, max: 2, description: asked for a demo}
  - {id: student, when: 'lead.title.matches("(?i)student|intern")', disqualify: student}
groups: {fit: {max: 100}, intent: {max: 100}}
tiers: {A: 70, B: 40, C: 0, hysteresis: 3}
`

// open compiles the model above.
func open() *scoring.Model {
	d, err := scoring.Parse("scoring.yaml", []byte(model))
	if err != nil {
		panic(err)
	}
	schema, err := d.Schema()
	if err != nil {
		panic(err)
	}
	m, err := scoring.New(d, schema, scoring.Options{})
	if err != nil {
		panic(err)
	}
	return m
}

var now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func Example() {
	m := open()
	p := m.Schema().NewProfile()
	leadloop.Employees.Set(p, 1200)
	leadloop.Seniority.Set(p, "vp")
	leadloop.Title.Set(p, "VP Sales")
	e, err := m.Explain(context.Background(), scoring.Input{
		Profile:    p,
		Activities: []leadloop.Activity{{ID: "a1", Type: "demo_request", At: now}},
		AsOf:       now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Tier, e.Points)
	for _, c := range e.Contributions {
		if c.State == scoring.Matched {
			fmt.Println(c.Points, c.Rule)
		}
	}
	// Output:
	// A 75
	// 20 employees-500
	// 15 vp
	// 40 demo
}

func ExampleExplanation_Text() {
	m := open()
	claims := []leadloop.Claim{
		leadloop.Employees.Claim(1200, leadloop.Evidence{
			Origin: leadloop.OriginProvider, Source: "clearbit", ObservedAt: now.AddDate(0, 0, -12),
		}),
		leadloop.Title.Claim("Head of Sales", leadloop.Evidence{
			Origin: leadloop.OriginPerson, Source: "demo-form", ObservedAt: now.Add(-time.Hour),
		}),
	}
	first := leadloop.SurvivorshipFunc(func(c leadloop.Contest) (int, leadloop.Value) {
		return int(c.Candidates[0]), c.Claims[c.Candidates[0]].Value
	})
	e, err := m.Explain(context.Background(), scoring.Input{
		Profile: leadloop.Golden(m.Schema(), first, claims),
		Activities: []leadloop.Activity{
			{ID: "a1", Type: "demo_request", At: now.AddDate(0, 0, -14)},
			{ID: "a2", Type: "demo_request", At: now.Add(-time.Hour)},
		},
		AsOf: now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := e.Text(os.Stdout); err != nil {
		fmt.Println(err)
		return
	}
	// Output:
	// Tier A, 79.918 points (could be 79.918 to 94.918 once seniority is known).
	// Model inbound version 1, as of 2 November 2026 09:00 UTC, valid until 7 November 2026 06:42 UTC.
	//
	// Fit: 20 points
	//        +20  company has at least 500 employees (rule employees-500): company employees = 1200, from clearbit 12 days ago
	//          ?  a decision maker (rule vp): could give 0 to 15, needs seniority
	//
	// Intent: 59.918 points
	//    +59.918  asked for a demo (rule demo): demo_request 1 hour ago (+39.918), 14 days ago (+20)
	//
	// Base score: fit + intent = 79.918
	//
	// Did not apply: pricing-repeat, student.
}

// A rule whose inputs are missing widens the range instead of counting as zero.
func ExampleModel_Explain_undecided() {
	m := open()
	e, err := m.Explain(context.Background(), scoring.Input{
		Profile:    m.Schema().NewProfile(),
		Activities: []leadloop.Activity{{ID: "a1", Type: "demo_request", At: now}},
		AsOf:       now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s points, %s to %s, tiers %v\n", e.Points, e.Low, e.High, e.PossibleTiers)
	fmt.Println("needs", e.Needs)
	// Output:
	// 40 points, 40 to 75, tiers [A B]
	// needs [company.employees lead.seniority lead.title]
}

// Three questions, each at its price: where the lead stands, what could still
// become of it, and why.
func ExampleModel_Verdict() {
	ctx, m := context.Background(), open()
	in := scoring.Input{
		Profile:    m.Schema().NewProfile(),
		Activities: []leadloop.Activity{{ID: "a1", Type: "demo_request", At: now}},
		AsOf:       now,
	}
	leadloop.Employees.Set(in.Profile, 1200)
	verdict, err := m.Verdict(ctx, in)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("tier", verdict.Tier, "with", verdict.Points, "points")
	score, err := m.Score(ctx, in)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(score.Low, "to", score.High, "by", score.Needs, "until", score.ValidUntil.Format(time.DateOnly))
	why, err := m.Explain(ctx, in)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(why.Contributions), "rules, the first one", why.Contributions[0].State)
	// Output:
	// tier B with 60 points
	// 60 to 75 by [lead.seniority lead.title] until 2026-11-19
	// 5 rules, the first one matched
}

func ExampleNew() {
	d, err := scoring.Parse("scoring.yaml", []byte(`
model: m
version: 1
rules:
  - {id: big, when: "company.employes >= 500", points: 20}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = scoring.New(d, leadloop.StandardSchema(), scoring.Options{})
	fmt.Println(err)
	// Output:
	// scoring.yaml:5:22: rule "big": unknown field company.employes (did you mean "company.employees"?)
}

// A challenger is scored beside the champion before it comes into force.
func ExampleLive() {
	live, err := scoring.NewLive(open(), scoring.LiveOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := scoring.Parse("scoring.yaml", []byte(strings.Replace(model, "version: 1", "version: 2", 1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	next, err := scoring.New(d, live.Active().Schema(), scoring.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// NewLiveStage(live) records from now on what the shadow would have said.
	if err := live.SetShadow(next); err != nil {
		fmt.Println(err)
		return
	}
	if err := live.Activate(live.Shadow()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("in force: version", live.Active().Version())
	if _, err := live.Rollback(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("in force: version", live.Active().Version())
	// Output:
	// in force: version 2
	// in force: version 1
}

// Cases are unit tests of a model. In Go tests, package scoringtest runs them.
func ExampleRunCases() {
	m := open()
	cases, err := scoring.ParseCases("cases/inbound.yaml", []byte(`
as_of: 2026-11-02T09:00:00Z
cases:
  - name: a decision maker of a large company who asked for a demo is an A
    lead: {company.employees: 1200, lead.seniority: vp}
    activities: [{type: demo_request, ago: 14d}]
    want: {tier: A, reasons: [employees-500, demo: 40]}
`), m)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := scoring.RunCases(context.Background(), m, cases)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range report.Results {
		for _, miss := range r.Misses {
			fmt.Printf("%s: want %s, got %s\n", miss.What, miss.Want, miss.Got)
		}
	}
	fmt.Printf("%.0f %% of the edges\n", 100*report.Coverage.Share())
	// Output:
	// tier: want A, got B
	// reason demo: want 40 points, got 20 points
	// 33 % of the edges
}

// Mutate tells which mistakes the cases would not catch.
func ExampleMutate() {
	d, err := scoring.Parse("scoring.yaml", []byte(`
model: m
version: 1
rules:
  - {id: big, when: "company.employees >= 500", points: 20}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := scoring.New(d, leadloop.StandardSchema(), scoring.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	points := 20 * leadloop.Point
	report, err := scoring.Mutate(context.Background(), m, []scoring.Case{{
		Name: "a large company", AsOf: now, Lead: map[string]any{"company.employees": 9000}, Want: scoring.Want{Points: &points},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(report)
	// Output:
	// Mutation: 6 of 8 changes noticed.
	//   no case noticed: rule big: 500 → 501 in company.employees >= 500
	//   no case noticed: rule big: 500 → 499 in company.employees >= 500
}

// What would make this lead an A, and which look-up is worth its price?
func ExampleModel_Paths() {
	m := open()
	p := m.Schema().NewProfile()
	leadloop.Seniority.Set(p, "vp")
	leadloop.Title.Set(p, "VP Sales")
	in := scoring.Input{Profile: p, Activities: []leadloop.Activity{{ID: "a1", Type: "demo_request", At: now}}, AsOf: now}
	paths, err := m.Paths(context.Background(), in, "A", scoring.PathOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, set := range paths.Sets {
		for _, c := range set {
			fmt.Println(c)
		}
	}
	deciding, err := m.Deciding(context.Background(), in)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("worth looking up:", deciding)
	// Output:
	// company.employees: (absent) → 500
	// worth looking up: [company.employees]
}

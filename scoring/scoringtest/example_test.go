package scoringtest_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/scoring/scoringtest"
)

// A test of a team's own model: its cases hold, reach every edge, and notice
// every change of a number. What cannot be reached or noticed is excepted, with
// the reason.
func Example() {
	test := func(t *testing.T) { // func TestScoring(t *testing.T) {
		d, err := scoring.Parse("scoring.yaml", []byte(`
model: small
version: 1
rules:
  - {id: big, when: "company.employees >= 500", points: 20}
  - {id: demo, each: demo_request, points: 30, decay: {window: 7d}, max: 1}
tiers: {A: 50, B: 0}
`))
		if err != nil {
			t.Fatal(err)
		}
		schema, err := d.Schema()
		if err != nil {
			t.Fatal(err)
		}
		model, err := scoring.New(d, schema, scoring.Options{})
		if err != nil {
			t.Fatal(err)
		}
		// Files are read by scoringtest.Load(t, model, "playbook/cases/*.yaml").
		cases, err := scoring.ParseCases("cases/small.yaml", []byte(`
as_of: 2026-11-02T09:00:00Z
cases:
  - name: a large company that asks for a demo is an A
    lead: {company.employees: 500}
    activities: [{type: demo_request, ago: 1h, times: 2}]
    want: {tier: A, points: 50, reasons: [big: 20, demo: 30]}
  - name: a company that is a little smaller is not
    lead: {company.employees: 499}
    activities: [{type: demo_request, ago: 6d23h}]
    want: {tier: B, points: 30, without: [big]}
  - name: a demo a week ago counts no more
    lead: {company.employees: 500}
    activities: [{type: demo_request, ago: 7d}]
    want: {tier: B, points: 20, without: [demo]}
`), model)
		if err != nil {
			t.Fatal(err)
		}
		scoringtest.Run(t, model, cases, scoringtest.Options{
			MinCoverage:  1,
			MaxSurvivors: new(0),
			Except: map[string]string{
				"tier A: from 50 → 45": "no lead can have between 30 and 50 points",
			},
		})
	}
	goTest(test)
	// Output:
	// PASS
}

// goTest runs a test and says what go test would.
func goTest(test func(t *testing.T)) {
	verbose := flag.Lookup("test.v")
	before := verbose.Value.String()
	if err := verbose.Value.Set("false"); err != nil {
		panic(err)
	}
	ok := testing.RunTests(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "TestScoring", F: test}})
	if err := verbose.Value.Set(before); err != nil {
		panic(err)
	}
	if ok {
		fmt.Println("PASS")
	} else {
		fmt.Println("FAIL")
	}
}

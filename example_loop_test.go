package leadloop_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
)

const scoringYAML = `
model: hello
version: 1
changed: {by: revops, at: 2026-11-02, why: "the first one"}
rules:
  - {id: big, when: "company.employees >= 500", points: 40, description: company has at least 500 employees}
  - {id: vp, when: 'lead.seniority in ["vp", "c_level"]', points: 35, description: decides over a budget}
  - {id: tech, when: '"kubernetes" in company.technologies', points: 10, description: runs Kubernetes}
tiers: {A: 70, B: 30, C: 0}
`

const routingYAML = `
teams: [{id: sales, members: [ana, ben]}]
reps: [{id: ana, name: Ana}, {id: ben, name: Ben, weight: 50}]
pools: [{id: sales, team: sales}]
queues: [{id: triage}]
chain: [{id: hot, tier: [A, B], target: {pool: sales}}]
final: triage
`

func Example_scoreAndRoute() {
	ctx, now := context.Background(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	schema := leadloop.StandardSchema()
	def, err := scoring.Parse("scoring.yaml", []byte(scoringYAML))
	check(err)
	model, err := scoring.New(def, schema, scoring.Options{})
	check(err)
	chain, err := routing.Parse("routing.yaml", []byte(routingYAML))
	check(err)
	router, err := routing.New(chain, routing.SLADefinition{}, schema, routing.Options{Tiers: model.Tiers()})
	check(err)

	profile := schema.NewProfile()
	leadloop.Employees.Set(profile, 1200)
	leadloop.Seniority.Set(profile, "vp")
	why, err := model.Explain(ctx, scoring.Input{Profile: profile, AsOf: now})
	check(err)
	lead := &leadloop.Lead{ID: "ld_1", State: leadloop.State{Score: why.Score()}}
	to, err := router.Route(ctx, &routing.Snapshot{}, routing.Request{Lead: lead, Profile: profile, AsOf: now})
	check(err)
	fmt.Print(why)
	fmt.Println(router.Explain(to.Trace))
	// Output:
	// Tier A, 75 points (could be 75 to 85 once company technologies is known).
	// Model hello version 1, as of 2 November 2026 09:00 UTC.
	//
	// Base: 75 points
	//        +40  company has at least 500 employees (rule big): company employees = 1200
	//        +35  decides over a budget (rule vp): seniority = vp
	//          ?  runs Kubernetes (rule tech): could give 0 to 10, needs company technologies
	//
	// Base score: base = 75
	// hot: Ana was owed 0.67 leads, Ben 0.33
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

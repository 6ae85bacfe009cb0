package routing_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
)

// Two reps share the leads of a pool; the ledger is kept in memory.
func Example() {
	def, err := routing.Parse("routing.yaml", []byte(`
teams: [{id: sales, members: [ana, ben]}]
reps: [{id: ana, name: Ana}, {id: ben, name: Ben, weight: 50}]
pools: [{id: inbound, team: sales}]
queues: [{id: inbox}]
chain:
  - {id: us, country: [US], target: {pool: inbound}}
final: inbox
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	sla, err := routing.ParseSLA("sla.yaml", []byte(`
policies:
  - {id: hot, tier: A, target: 15m, escalate: [{notify: "queue:inbox"}]}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	schema := leadloop.StandardSchema()
	router, err := routing.New(def, sla, schema, routing.Options{Tiers: []string{"A", "B", "C"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	profile := schema.NewProfile()
	leadloop.Country.Set(profile, "US")
	lead := &leadloop.Lead{ID: "lead-1"}
	lead.State.Score = leadloop.Score{Known: true, Points: 80 * leadloop.Point, Tier: "A"}

	var memory routing.Snapshot
	for range 3 {
		a, err := router.Route(context.Background(), &memory, routing.Request{
			Lead: lead, Profile: profile, AsOf: time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		memory.Apply(a.Ledger...)
		fmt.Print(a.Owner, " until ", a.SLA.DueAt.Format("15:04"), ", ", router.Explain(a.Trace))
	}
	// Output:
	// ana until 09:15, us: Ana was owed 0.67 leads, Ben 0.33
	// ben until 09:15, us: Ben was owed 0.67 leads, Ana 0.33
	// ana until 09:15, us: Ana was owed 1.00 leads, Ben 0.00
}

// Of weights 100, 100 and 50, having received 4, 3 and 1 leads, the third is
// entitled to the next one.
func ExampleNext() {
	received := func(share, got leadloop.Owed) leadloop.Owed { return 8*share - got*leadloop.OneLead }
	pick, ok := routing.Next([]routing.Entitlement{
		{Member: "ana", Weight: 100, Owed: received(400_000, 4)},
		{Member: "ben", Weight: 100, Owed: received(400_000, 3)},
		{Member: "cem", Weight: 50, Owed: received(200_000, 1)},
	})
	fmt.Println(pick.Winner, ok)
	for i, d := range pick.Deltas {
		fmt.Printf("%s was owed %.2f leads, moves by %+d millionths\n", d.Member, float64(pick.Owed[i])/float64(leadloop.OneLead), d.Owed)
	}
	// Output:
	// cem true
	// ana was owed -0.40 leads, moves by +400000 millionths
	// ben was owed 0.60 leads, moves by +400000 millionths
	// cem was owed 0.80 leads, moves by -800000 millionths
}

package routing_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
)

// Six leads, one every ten minutes, and an owner who answers within 20 minutes
// of working time: what two files would have made of them.
func ExampleRouter_Simulate() {
	schema := leadloop.StandardSchema()
	file := func(weight int) *routing.Router {
		def, err := routing.Parse("routing.yaml", fmt.Appendf(nil, `
reps: [{id: ana}, {id: ben, weight: %d}]
pools: [{id: team, members: [ana, ben]}]
queues: [{id: desk}]
chain: [{id: all, target: {pool: team}}]
final: desk
`, weight))
		if err != nil {
			panic(err)
		}
		r, err := routing.New(def, routing.SLADefinition{}, schema, routing.Options{})
		if err != nil {
			panic(err)
		}
		return r
	}
	history := func(yield func(routing.Moment, error) bool) {
		for i := range 6 {
			m := routing.Moment{
				At: time.Date(2026, 11, 2, 9, 10*i, 0, 0, time.UTC), Lead: leadloop.LeadID(fmt.Sprint("l", i)), Profile: schema.NewProfile(),
			}
			if !yield(m, nil) {
				return
			}
		}
	}
	o := routing.SimulateOptions{Response: 20 * time.Minute}
	now, err := file(100).Simulate(context.Background(), history, o)
	if err != nil {
		panic(err)
	}
	changed, err := file(50).Simulate(context.Background(), history, o)
	if err != nil {
		panic(err)
	}
	for _, r := range now.Reps {
		fmt.Println(r.Rep, "has", r.Leads)
	}
	d := routing.CompareSimulations(now, changed)
	for _, p := range d.Places {
		fmt.Println(p.Place, p.Before, "→", p.After)
	}
	// Output:
	// ana has 3
	// ben has 3
	// rep:ana 3 → 4
	// rep:ben 3 → 2
}

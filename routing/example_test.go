package routing_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
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
	for i, id := range pick.Members {
		fmt.Printf("%s was owed %.2f leads, moves by %+d millionths\n", id, float64(pick.Owed[i])/float64(leadloop.OneLead), pick.Deltas[i])
	}
	// Output:
	// cem true
	// ana was owed -0.40 leads, moves by +400000 millionths
	// ben was owed 0.60 leads, moves by +400000 millionths
	// cem was owed 0.80 leads, moves by -800000 millionths
}

// territories are two regions and a hole between them.
const territories = `
teams: [{id: field, manager: vera, members: [ana, ben]}]
reps: [{id: vera}, {id: ana, name: Ana}, {id: ben, name: Ben, max_open: 40}]
pools: [{id: field, team: field}]
queues: [{id: inbox}]
territories:
  - {id: west, country: [US], region: [CA, OR, WA], rep: ana}
  - {id: north, country: [CA], rep: ben}
chain:
  - {id: territory, target: {owner_of: territory}}
  - {id: large, employees: {min: 1000}, target: {pool: field}}
final: inbox
`

// Which lead is nobody's?
func ExampleRouter_Gaps() {
	for _, gap := range routerOf(leadloop.StandardSchema(), territories).Gaps() {
		fmt.Println(gap)
	}
	// Output:
	// routing.yaml:2:1: no entry is for this lead, which waits in inbox: company.employees "0"
	// routing.yaml:10:5: entry territory finds no territory for this lead: nothing known about it
	// routing.yaml:10:5: entry territory finds no territory for this lead: lead.country "US"
}

// What has to be known before the owner is certain?
func ExampleRouter_Undecided() {
	profile := leadloop.StandardSchema().NewProfile()
	r := routerOf(profile.Schema(), territories)
	leadloop.Country.Set(profile, "US")
	trace, err := r.Undecided(context.Background(), routing.Request{Lead: &leadloop.Lead{ID: "l1"}, Profile: profile})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range trace.Entries {
		fmt.Println(e.Entry, "needs", e.Needs)
	}
	// Output:
	// territory needs [lead.region]
	// large needs [company.employees]
}

func routerOf(schema *leadloop.Schema, text string) *routing.Router {
	def, err := routing.Parse("routing.yaml", []byte(text))
	if err != nil {
		panic(err)
	}
	r, err := routing.New(def, routing.SLADefinition{}, schema, routing.Options{})
	if err != nil {
		panic(err)
	}
	return r
}

// Where does everybody in a pool stand?
func ExampleRouter_Standings() {
	memory := routing.Snapshot{
		CRM: []leadloop.Rep{{ID: "ana", Inactive: true}},
		Rotations: map[string]store.Rotation{"field": {Pool: "field", Balances: []store.Balance{
			{Member: "ana", Owed: -400_000, Count: 3}, {Member: "ben", Owed: 400_000, Count: 2},
		}}},
	}
	standings, err := routerOf(leadloop.StandardSchema(), territories).Standings(context.Background(), &memory, "field", time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range standings {
		fmt.Println(s.Member, s.Count, s.Owed, s.Why)
	}
	// Output:
	// ana 3 -400000 is inactive
	// ben 2 400000
}

// Why is Ana owed what she is?
func ExampleHistory() {
	ctx, st := context.Background(), memstore.New()
	at := time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)
	err := st.Update(ctx, func(tx store.Tx) error {
		// The loop writes these when it decides.
		err := tx.Journal().Append(ctx,
			leadloop.Event{Kind: leadloop.EventAssigned, Lead: "l1", At: at, To: "ana", Reason: "entry:large", Attrs: map[string]string{"pool": "field"}},
			leadloop.Event{Kind: routing.EventCredited, Lead: "l1", At: at.Add(time.Hour), To: "ana", Reason: "spam", Attrs: map[string]string{"pool": "field"}},
			leadloop.Event{Kind: leadloop.EventAssigned, Lead: "l2", At: at.Add(2 * time.Hour), To: "ana", Reason: "entry:large", Attrs: map[string]string{"pool": "field"}},
			leadloop.Event{Kind: leadloop.EventAssigned, Lead: "l2", At: at.Add(26 * time.Hour), From: "ana", To: "ben", Reason: "entry:large", Attrs: map[string]string{"pool": "field", "returned": "field"}},
		)
		if err != nil {
			return err
		}
		trace := `{"entries":[{"entry":"large","verdict":"won","pool":"field","winner":"ana","members":[{"member":"ana","owed":500000},{"member":"ben","owed":500000}]}]}`
		return tx.Decisions().Put(ctx, leadloop.Decision{Lead: "l1", Revision: 1, AsOf: at, Steps: []leadloop.Step{{Stage: "route", Trace: []byte(trace)}}})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = st.View(ctx, func(tx store.Tx) error {
		list, _, err := routing.History(ctx, tx, "field", "ana", 0, 100)
		for _, b := range list {
			fmt.Println(b.At.Format("02 15:04"), b.Kind, b.Lead, b.Reason, b.Owed, b.Known)
		}
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// 02 09:00 got l1 entry:large 500000 true
	// 02 10:00 credited l1 spam 0 false
	// 02 11:00 got l2 entry:large 0 false
	// 03 11:00 returned l2 entry:large 0 false
}

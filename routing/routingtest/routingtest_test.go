package routingtest_test

import (
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/routing/routingtest"
	"github.com/leadloop/leadloop/store/memstore"
)

func TestConcurrent(t *testing.T) { routingtest.Concurrent(t, memstore.New()) }

func TestDrains(t *testing.T) { routingtest.Drains(t, memstore.New()) }

const chain = `
teams: [{id: t, members: [ana, ben]}]
reps: [{id: ana, skills: [german]}, {id: ben}]
pools: [{id: p, team: t}]
queues: [{id: q}]
chain:
  - {id: owner, when: has_account, target: {owner_of: account}}
  - {id: customer, when: customer, target: {alert: account}}
  - {id: low, tier: [D], target: {nurture: news}}
  - {id: german, country: [DE], target: {pool: p, skills: [german]}}
  - {id: us, country: [US], target: {pool: p}}
  - {id: fr, country: [FR], target: {queue: q}}
final: q
`

func router(t testing.TB) *routing.Router {
	t.Helper()
	def, err := routing.Parse("routing.yaml", []byte(chain))
	if err != nil {
		t.Fatal(err)
	}
	r, err := routing.New(def, routing.SLADefinition{}, leadloop.StandardSchema(), routing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCasesOfAChain(t *testing.T) {
	at := time.Date(2026, time.January, 7, 12, 0, 0, 0, time.UTC)
	away := &routing.Snapshot{CRM: []leadloop.Rep{{ID: "ana", Away: []leadloop.Absence{{From: at, Until: at.Add(time.Hour)}}}}}
	germany := map[string]any{"country": "DE"}
	routingtest.Run(t, router(t), []routing.Case{
		{Name: "an account's owner", AsOf: at, Tier: "A", Account: &leadloop.Account{Owner: "ben"}, Want: routing.Want{Owner: "ben", Entry: "owner"}},
		{Name: "a customer whose owner is away", AsOf: at, Account: &leadloop.Account{Owner: "ana", Customer: true}, Reader: away, Want: routing.Want{Alert: "ana"}},
		{Name: "the lowest tier", AsOf: at, Tier: "D", Lead: map[string]any{"country": "US"}, Want: routing.Want{Track: "news"}},
		{Name: "the one who can", AsOf: at, Tier: "A", Lead: germany, Want: routing.Want{Owner: "ana", Entry: "german"}},
		{Name: "anybody of the pool", AsOf: at, Tier: "A", Lead: map[string]any{"country": "US"}, Want: routing.Want{Pool: "p"}},
		{Name: "nobody's country", AsOf: at, Tier: "A", None: []string{"country"}, Want: routing.Want{Queue: "q"}},
	}, routingtest.Options{Unhit: map[string]string{"fr": "nobody asks from there yet"}})
}

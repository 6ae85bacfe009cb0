package routingtest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/routing/routingtest"
	"github.com/leadloop/leadloop/store/memstore"
)

func TestConcurrent(t *testing.T) { routingtest.Concurrent(t, memstore.New()) }

func TestCasesOfAChain(t *testing.T) {
	def, err := routing.Parse("routing.yaml", []byte(`
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
`))
	if err != nil {
		t.Fatal(err)
	}
	schema := leadloop.StandardSchema()
	r, err := routing.New(def, routing.SLADefinition{}, schema, routing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	away := []leadloop.Rep{{ID: "ana", Away: []leadloop.Absence{{From: time.Time{}.AddDate(1, 0, 0), Until: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}}}}
	hits := routingtest.Run(t, r, schema,
		routingtest.Case{Name: "an account's owner", Tier: "A", Account: &leadloop.Account{Owner: "ben"}, Want: "rep:ben", Entry: "owner"},
		routingtest.Case{Name: "a customer whose owner is away", Account: &leadloop.Account{Owner: "ana", Customer: true}, Reader: &routing.Snapshot{CRM: away}, Want: "alert:ana"},
		routingtest.Case{Name: "the lowest tier", Tier: "D", Fields: map[string]string{"lead.country": "US"}, Want: "track:news"},
		routingtest.Case{Name: "the one who can", Tier: "A", Fields: map[string]string{"lead.country": "DE"}, Want: "rep:ana", Entry: "german"},
		routingtest.Case{Name: "anybody of the pool", Tier: "A", Fields: map[string]string{"lead.country": "US"}, Want: "pool:p"},
		routingtest.Case{Name: "nobody's country", Tier: "A", None: []string{"lead.country"}, Want: "queue:q"},
	)
	if diff := cmp.Diff([]string{"fr"}, routingtest.Unhit(def, hits)); diff != "" {
		t.Errorf("entries without a case (-want +got):\n%s", diff)
	}
}

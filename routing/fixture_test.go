package routing

import (
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
)

// monday is a Monday at 10:00 in UTC, and 05:00 in New York.
var monday = time.Date(2026, time.November, 2, 10, 0, 0, 0, time.UTC)

const routingFile = `
teams:
  - {id: west, name: West, manager: vera, members: [ana, ben, cem]}
  - {id: partners, manager: vera, members: [pia]}
reps:
  - {id: vera, name: Vera}
  - {id: ana, name: Ana, weight: 100, languages: [en, de], skills: [enterprise]}
  - {id: ben, name: Ben, max_open: 2}
  - {id: cem, name: Cem, weight: 50, away: [{from: 2026-12-21, until: 2027-01-04}]}
  - {id: pia, name: Pia, timezone: America/New_York}
pools:
  - {id: west, team: west, count_ownership: true}
  - {id: partners, members: [pia]}
queues:
  - {id: inbox, name: Inbox, team: west}
  - {id: overflow}
chain:
  - {id: partner, source: [partner], target: {pool: partners}}
  - {id: owner, when: has_account, target: {owner_of: account}}
  - {id: low, tier: [D], target: {nurture: newsletter}}
  - {id: big, country: [US], employees: {min: 500}, target: {pool: west, skills: [enterprise]}}
  - {id: us, when: 'lead.country == "US"', target: {pool: west}}
  - {id: german, language: [de], target: {pool: west, speaks: true}}
final: inbox
`

const slaFile = `
zone: UTC
calendars:
  office: {zone: owner, hours: {mon-fri: ["09:00-17:00"]}, holidays: [2026-12-25]}
policies:
  - id: hot
    tier: A
    target: 15m
    calendar: office
    escalate:
      - {notify: owner}
      - {after: 15m, notify: manager}
      - {after: 60m, from: start, reassign: true}
      - {after: 30m, notify: "queue:inbox"}
  - {id: rest, target: 8h, calendar: office, escalate: [{notify: "rep:vera"}]}
`

func mustRouter(t testing.TB, routing, sla string) *Router {
	t.Helper()
	def, err := Parse("routing.yaml", []byte(routing))
	if err != nil {
		t.Fatal(err)
	}
	var clocks SLADefinition
	if sla != "" {
		if clocks, err = ParseSLA("sla.yaml", []byte(sla)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := New(def, clocks, leadloop.StandardSchema(), Options{Tiers: []string{"A", "B", "C", "D"}})
	if err != nil {
		if strings.Contains(err.Error(), "there is no time zone") {
			t.Skipf("no zone database here: %v", err)
		}
		t.Fatal(err)
	}
	return r
}

// A profile of a schema, with text values by field name.
func profileOf(t testing.TB, r *Router, values map[string]string) *leadloop.Profile {
	t.Helper()
	p := r.schema.NewProfile()
	for name, s := range values {
		def, _ := r.schema.Lookup(name)
		v := leadloop.NoValue(def.Kind)
		if s != "none" {
			var err error
			if v, err = leadloop.ParseValue(def.Kind, s); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.SetValue(name, v); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func leadOfTier(id leadloop.LeadID, tier string) *leadloop.Lead {
	l := &leadloop.Lead{ID: id, ReceivedAt: monday}
	if tier != "" {
		l.State.Score = leadloop.Score{Known: true, Points: 70 * leadloop.Point, Tier: tier, Model: "m@1"}
	}
	return l
}

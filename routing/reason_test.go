package routing

import (
	"context"
	"testing"

	"github.com/leadloop/leadloop"
)

// A manager whose people are all busy does something else than one whose chain
// has a hole.
func TestTheReasonTellsPeopleWhoCannotFromNobodyNamed(t *testing.T) {
	r := mustRouter(t, `
reps: [{id: ana}, {id: ben}]
queues: [{id: main}]
territories: [{id: west, country: [US], region: [CA], rep: ana}]
chain:
  - {id: opportunity, target: {alert: opportunity}}
  - {id: owner, target: {owner_of: account}}
  - {id: west, country: [US], target: {owner_of: territory}}
  - {id: web, source: [web], target: {rep: ben}}
final: main
`, "")
	left := Snapshot{CRM: []leadloop.Rep{{ID: "ben", Inactive: true}}}
	for _, c := range []struct {
		name string
		rd   Snapshot
		is   map[string]string
		acc  *leadloop.Account
		opp  *leadloop.Opportunity
		want string
	}{
		{name: "nobody owns anything of it and no entry is for it", is: map[string]string{"lead.country": "FR", "lead.source": "fair"}, want: "no_entry"},
		{name: "its account has no owner", is: map[string]string{"lead.country": "FR", "lead.source": "fair"}, acc: &leadloop.Account{}, want: "no_entry"},
		{name: "the owner of its account has left", is: map[string]string{"lead.country": "FR", "lead.source": "fair"}, rd: left, acc: &leadloop.Account{Owner: "ben"}, want: "nobody_eligible"},
		{name: "the owner of its opportunity has left", is: map[string]string{"lead.country": "FR", "lead.source": "fair"}, rd: left, opp: &leadloop.Opportunity{Owner: "ben"}, want: "nobody_eligible"},
		{name: "whom an entry names has left", is: map[string]string{"lead.country": "FR", "lead.source": "web"}, rd: left, want: "nobody_eligible"},
		{name: "its country could be one of an entry", is: map[string]string{"lead.source": "fair"}, want: "undecided"},
		{name: "its region could be one of a territory", is: map[string]string{"lead.country": "US", "lead.source": "fair"}, want: "undecided"},
		{name: "it is in no territory", is: map[string]string{"lead.country": "US", "lead.region": "NY", "lead.source": "fair"}, want: "no_entry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := r.Route(context.Background(), &c.rd, Request{
				Lead: leadOfTier("l", ""), Profile: profileOf(t, r, c.is), Account: c.acc, Opportunity: c.opp, AsOf: monday,
			})
			if err != nil || a.Queue != "main" || a.Reason != c.want {
				t.Errorf("%s %s, want %s; %v", a.Queue, a.Reason, c.want, err)
			}
		})
	}
}

package routing

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

func TestALeadLooksForAnOwnerOnceItsOpportunityIsClosed(t *testing.T) {
	r := mustRouter(t, smallRouting, smallSLA)
	open, closed := arrives(r, monday, "l1", "A"), arrives(r, monday.Add(time.Hour), "l1", "A")
	open.Opportunity = &leadloop.Opportunity{ID: "o1", Owner: "ana"}
	closed.Trigger = leadloop.TriggerTask
	for _, released := range []bool{false, true} {
		closed.Released = released
		got := simulated(t, r, SimulateOptions{Stays: true}, open, closed)
		want := Placement{Lead: "l1", Tier: "A", Kind: leadloop.OutcomeAlerted}
		stays := map[leadloop.LeadID][]Stay{}
		if released {
			want = Placement{Lead: "l1", Tier: "A", Kind: leadloop.OutcomeAssigned, Entry: "all", Owner: "ana", Pool: "team", Policy: "hot", DueAt: closed.At.Add(time.Hour)}
			stays["l1"] = []Stay{{Owner: "ana", From: closed.At}}
		}
		if diff := cmp.Diff(want, got.Placements[0]); diff != "" {
			t.Errorf("released %v (-want +got):\n%s", released, diff)
		}
		if diff := cmp.Diff(stays, got.Stays); diff != "" {
			t.Errorf("stays, released %v (-want +got):\n%s", released, diff)
		}
	}
}

func TestStaysAreWhoHadALeadWhen(t *testing.T) {
	r := mustRouter(t, smallRouting, `
calendars: {office: {zone: owner, hours: {mon-fri: ["09:00-17:00"]}}}
policies: [{id: hot, tier: A, target: 1h, calendar: office, escalate: [{reassign: true, notify: "queue:desk"}, {after: 1h, notify: "queue:desk"}]}]
`)
	o := SimulateOptions{Until: monday.Add(6 * time.Hour), Stays: true}
	missed := monday.Add(time.Hour)
	want := map[leadloop.LeadID][]Stay{"l1": {{Owner: "ana", From: monday, Until: missed}, {Owner: "ben", From: missed}}}
	if diff := cmp.Diff(want, simulated(t, r, o, arrives(r, monday, "l1", "A")).Stays); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o.Stays = false; simulated(t, r, o, arrives(r, monday, "l1", "A")).Stays != nil {
		t.Error("nobody asked for them")
	}
}

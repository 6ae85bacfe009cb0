package routing

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func TestAnArrivingLeadGetsAnOwnerAClockAndTasks(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	got := b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	want(t, "arrival", got,
		"assigned entry:us",
		"event assigned >ana [entry:us owed:0.40 points:70 pool:west source:web tier:A]",
		"event sla_started > [policy:hot target:15m0s tier:A]",
		"task notify:assigned:l1:ana:20261102T100000Z at 02 10:00 to rep:ana",
		"task crm_task:assigned:l1:ana:20261102T100000Z at 02 10:00 to rep:ana",
		"task escalate:sla:l1:ana:20261102T100000Z:due at 02 10:15",
		"task escalate:unworked:l1:ana:20261102T100000Z:0 at 05 10:00",
	)
	wantState := leadloop.State{
		Disposition: leadloop.OutcomeAssigned, Reason: "entry:us", Owner: "ana", OwnerSince: monday, Pool: "west", Entry: "us", Score: lead.State.Score,
		SLA: leadloop.SLA{Policy: "hot", Target: 15 * time.Minute, StartedAt: monday, DueAt: monday.Add(15 * time.Minute)},
	}
	if diff := cmp.Diff(wantState, lead.State); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	var notice Notice
	if err := json.Unmarshal(b.due("notify:assigned:l1:ana:20261102T100000Z").Payload, &notice); err != nil {
		t.Fatal(err)
	}
	wantNotice := Notice{About: AboutAssigned, Lead: "l1", To: "rep:ana", Owner: "ana", Entry: "us", Tier: "A", Policy: "hot", DueAt: monday.Add(15 * time.Minute)}
	if diff := cmp.Diff(wantNotice, notice); diff != "" {
		t.Errorf("notice (-want +got):\n%s", diff)
	}
	for _, trigger := range []leadloop.Trigger{leadloop.TriggerSubmission, leadloop.TriggerActivity} {
		again := b.run(lead, monday.Add(time.Minute), trigger, nil, lead.State, american)
		want(t, "with an owner, "+string(trigger), again, "assigned entry:us")
	}
}

func TestAnotherTierRoutesAnewOnlyWhileNobodyWorksTheLead(t *testing.T) {
	for _, c := range []struct {
		name         string
		worked       bool
		tier         string
		employees    string
		want         []string
		owed         leadloop.Owed // Ben's, after one lead to Ana
		wantOwner    leadloop.RepID
		wantPolicy   string
		wantDebitsTo int
	}{
		{
			name: "the same entry keeps the owner and sets the other clock", tier: "A", employees: "10",
			want: []string{
				"assigned entry:us", "event sla_started > [policy:hot target:15m0s tier:A]",
				"task escalate:sla:l1:ana:20261102T103000Z:due at 02 10:45",
			},
			owed: 400_000, wantOwner: "ana", wantPolicy: "hot",
		},
		{
			name: "the lowest tier goes to nurture and the debit goes back", tier: "D", employees: "10",
			want: []string{"nurture entry:low", "event nurtured ana>newsletter [entry:low returned:west tier:D]"},
			owed: 0,
		},
		{
			name: "a lead that is being worked stays", worked: true, tier: "D", employees: "10",
			want: []string{"assigned entry:us"}, owed: 400_000, wantOwner: "ana", wantPolicy: "rest",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, routingFile, slaFile)
			lead := leadOfTier("l1", "B")
			b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
			previous := lead.State
			lead.State.Score.Tier = c.tier
			if c.worked {
				lead.State.FirstTouchAt = monday.Add(time.Minute)
			}
			want(t, "tier "+c.tier, b.run(lead, monday.Add(30*time.Minute), leadloop.TriggerActivity, nil, previous, american), c.want...)
			if lead.State.Owner != c.wantOwner || lead.State.SLA.Policy != c.wantPolicy {
				t.Errorf("owner %q, policy %q", lead.State.Owner, lead.State.SLA.Policy)
			}
			if owed := b.owed("west")["ben"]; owed != c.owed {
				t.Errorf("Ben is owed %d, want %d", owed, c.owed)
			}
		})
	}
}

func TestRecycleIsAFullSecondPass(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	lead.State.FirstTouchAt, lead.State.LastTouchAt = monday.Add(time.Minute), monday.Add(time.Minute)
	later := monday.AddDate(0, 0, 21)
	got := b.run(lead, later, leadloop.TriggerRecycle, nil, lead.State, american)
	// Nobody owes anything after the return, and Ana was assigned last.
	want(t, "recycle", got[:3], "assigned entry:us", "event assigned ana>ben [entry:us owed:0.40 points:70 pool:west returned:west source:web tier:A]", "event sla_started > [policy:hot target:15m0s tier:A]")
	if s := lead.State; !s.FirstTouchAt.IsZero() || s.LastTouchAt.IsZero() || s.Owner != "ben" {
		t.Errorf("state %+v", s)
	}
	wantOwed := map[leadloop.RepID]leadloop.Owed{"ana": 400_000, "ben": -600_000, "cem": 200_000}
	if diff := cmp.Diff(wantOwed, b.owed("west")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestALeadWhoseOwnerLeftIsRoutedAnew(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	lead.State.FirstTouchAt = monday.Add(time.Minute)
	b.update(func(tx store.Tx) error {
		return tx.CRM().PutRep(context.Background(), leadloop.Rep{ID: "ana", Inactive: true})
	})
	got := b.run(lead, monday.Add(time.Hour), leadloop.TriggerActivity, nil, lead.State, american)
	want(t, "left", got[1:2], "event assigned ana>ben [entry:us owed:0.67 points:70 pool:west returned:west source:web tier:A uncredited:ana]")
}

func TestALeadThatIsNotHeldBackAnyMoreFindsItsPlaceAgain(t *testing.T) {
	for _, c := range []struct {
		name   string
		worked bool
		want   []string
	}{
		{"its owner keeps it", false, []string{"assigned entry:us", "event assigned ana>ana [entry:us pool:west tier:A]"}},
		{"whoever is working it keeps it", true, []string{"assigned worked", "event assigned ana>ana [entry:us pool:west tier:A]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, routingFile, slaFile)
			lead := leadOfTier("l1", "A")
			b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
			lead.State.Disposition, lead.State.Reason = leadloop.OutcomeSuppressed, "opted_out"
			if c.worked {
				lead.State.FirstTouchAt = monday.Add(time.Minute)
			}
			want(t, "held before", b.run(lead, monday.Add(time.Hour), leadloop.TriggerSubmission, nil, lead.State, american), c.want...)
			if lead.State.Disposition != leadloop.OutcomeAssigned || lead.State.Owner != "ana" {
				t.Errorf("disposition %s, owner %s", lead.State.Disposition, lead.State.Owner)
			}
		})
	}
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	lead.State.Disposition = leadloop.OutcomeDisqualified
	want(t, "without an owner", b.run(lead, monday, leadloop.TriggerActivity, nil, lead.State, american)[:1], "assigned entry:us")
}

func TestAnOpenOpportunityIsItsOwnersAndNobodysNewLead(t *testing.T) {
	for _, c := range []struct {
		name   string
		opp    leadloop.Opportunity
		owner  leadloop.RepID
		gone   leadloop.RepID
		want   []string
		wantIs leadloop.OutcomeKind
	}{
		{
			"its owner is told", leadloop.Opportunity{Owner: "cem", Status: leadloop.OpportunityOpen}, "", "",
			[]string{
				"alerted open_opportunity", "event alerted >cem [opportunity:o1]",
				"task notify:alerted:l1:rep:cem:20261102T100000Z at 02 10:00 to rep:cem",
			}, leadloop.OutcomeAlerted,
		},
		{
			"if its owner left, the account's is told", leadloop.Opportunity{Owner: "cem", Status: leadloop.OpportunityOpen}, "", "cem",
			[]string{
				"alerted open_opportunity", "event alerted >ben [opportunity:o1]",
				"task notify:alerted:l1:rep:ben:20261102T100000Z at 02 10:00 to rep:ben",
			}, leadloop.OutcomeAlerted,
		},
		{
			"whoever has the lead keeps it", leadloop.Opportunity{Owner: "cem", Status: leadloop.OpportunityOpen}, "ana", "",
			[]string{
				"alerted open_opportunity", "event alerted >cem [opportunity:o1 owner:ana]",
				"task notify:alerted:l1:rep:cem:20261102T100000Z at 02 10:00 to rep:cem",
			}, leadloop.OutcomeAssigned,
		},
		{
			"one that came from this very lead does not count", leadloop.Opportunity{Owner: "cem", Status: leadloop.OpportunityOpen, Lead: "l1"}, "ana", "",
			[]string{"assigned"}, leadloop.OutcomeAssigned,
		},
		{
			"one that is lost does not count", leadloop.Opportunity{Owner: "cem", Status: leadloop.OpportunityLost}, "ana", "",
			[]string{"assigned"}, leadloop.OutcomeAssigned,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, routingFile, slaFile)
			ctx := context.Background()
			b.update(func(tx store.Tx) error {
				c.opp.ID, c.opp.Account = "o1", "acme"
				err := errors.Join(tx.CRM().PutOpportunity(ctx, c.opp), tx.CRM().PutAccount(ctx, leadloop.Account{ID: "acme", Owner: "ben"}))
				if c.gone != "" {
					err = errors.Join(err, tx.CRM().PutRep(ctx, leadloop.Rep{ID: c.gone, Inactive: true}))
				}
				return err
			})
			lead := leadOfTier("l1", "A")
			lead.State.Account, lead.State.Opportunity, lead.State.Contact = "acme", "o1", "not there"
			if c.owner != "" {
				lead.State.Owner, lead.State.Disposition = c.owner, leadloop.OutcomeAssigned
			}
			want(t, "arrival", b.run(lead, monday, leadloop.TriggerSubmission, nil, lead.State, american), c.want...)
			if lead.State.Owner != c.owner || lead.State.Disposition != c.wantIs {
				t.Errorf("owner %q, disposition %q", lead.State.Owner, lead.State.Disposition)
			}
			if more := b.run(lead, monday.Add(time.Minute), leadloop.TriggerActivity, nil, lead.State, american)[1:]; len(more) > 0 {
				t.Errorf("a page view: %v", more)
			}
		})
	}
}

func TestALeadThatOnlySomeCouldGetIsReturnedAmongThemAlone(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	b.run(leadOfTier("l0", "A"), monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	before := b.owed("west")
	big := map[string]string{"lead.source": "web", "lead.country": "US", "company.employees": "900"}
	lead := leadOfTier("l1", "A")
	got := b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, big)
	if lead.State.Entry != "big" || lead.State.Owner != "ana" {
		t.Fatalf("%v", got)
	}
	lead.State.Score.Tier = "D"
	b.run(lead, monday.AddDate(0, 1, 0), leadloop.TriggerRecycle, nil, lead.State, big)
	if diff := cmp.Diff(before, b.owed("west")); diff != "" {
		t.Errorf("who could not get the lead gave for its return (-want +got):\n%s", diff)
	}
}

func TestAnOpenOpportunityOfAnotherAccountCounts(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	b.update(func(tx store.Tx) error {
		err := tx.CRM().PutAccount(context.Background(), leadloop.Account{ID: "acme", Owner: "ben"})
		return errors.Join(err, tx.CRM().PutOpportunity(context.Background(), leadloop.Opportunity{ID: "o1", Account: "parent", Owner: "cem", Status: leadloop.OpportunityOpen, CreatedAt: monday}))
	})
	lead := leadOfTier("l1", "A")
	lead.State.Account, lead.State.Opportunity = "acme", "o1"
	got := b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	want(t, "arrival", got, "alerted open_opportunity", "event alerted >cem [opportunity:o1]",
		"task notify:alerted:l1:rep:cem:20261102T100000Z at 02 10:00 to rep:cem")
}

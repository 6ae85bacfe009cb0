package playbook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// deal puts an opportunity into the CRM, as somebody does there.
func (f *office) deal(o leadloop.Opportunity) {
	f.t.Helper()
	if err := f.st.Update(ctx, func(tx store.Tx) error { return tx.CRM().PutOpportunity(ctx, o) }); err != nil {
		f.t.Fatal(err)
	}
}

var dealKinds = []leadloop.EventKind{leadloop.EventConverted, leadloop.EventWon, leadloop.EventLost, leadloop.EventStageChanged}

func TestALeadFollowsTheDealThatSomebodyMadeInTheCRM(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, visitor("k1", "webinar", "spring", at)).ID
	owner := f.lead(id).State.Owner
	f.do(id, at.Add(time.Minute), f.desk.Accept(owner))
	o := leadloop.Opportunity{ID: "O1", Account: "A1", Lead: id, Owner: "ben", Status: leadloop.OpportunityOpen, Amount: 9_000_000, CreatedAt: signed.Add(-time.Hour)}
	f.deal(o)
	if err := f.st.Update(ctx, func(tx store.Tx) error { return tx.CRM().PutAccount(ctx, leadloop.Account{ID: "A1", Name: "Acme"}) }); err != nil {
		t.Fatal(err)
	}
	// No criterion is asked: nobody has asked about a budget.
	for i := range 2 {
		f.do(id, signed.Add(time.Duration(i)*time.Hour), f.desk.Follow("rule:crm"))
	}
	s := f.lead(id).State
	if s.Stage != "deal" || s.Opportunity != "O1" || s.Account != "A1" || s.Owner != owner {
		t.Errorf("%+v", s)
	}
	converted := []string{"11-04 14:00 converted >O1 by rule:crm", "11-04 15:00 stage_changed sal>deal opportunity by rule:crm"}
	f.want("the journal", converted, tail(f.journal(id, dealKinds...), 2))

	o.Status, o.ClosedAt = leadloop.OpportunityWon, signed.AddDate(0, 0, 20)
	f.deal(o)
	for i := range 2 {
		f.do(id, o.ClosedAt.Add(time.Duration(i)*time.Hour), f.desk.Follow("rule:crm"))
	}
	f.want("the journal", []string{"11-24 15:00 won >O1 by rule:crm", "11-24 15:00 stage_changed deal>won won by rule:crm"}, tail(f.journal(id, dealKinds...), 2))
	got := f.crm(id)
	if diff := cmp.Diff([]leadloop.Opportunity{o}, got.Opportunities); diff != "" || !got.Account.Customer || f.lead(id).State.Stage != "won" {
		t.Error("the CRM's word stays as it is:", diff, got.Account, f.lead(id).State.Stage)
	}
}

func TestALeadFollowsTheNextDealAfterALostOne(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, visitor("k1", "webinar", "spring", at)).ID
	first := leadloop.Opportunity{ID: "O1", Lead: id, Status: leadloop.OpportunityLost, Reason: "price", CreatedAt: signed, ClosedAt: signed.Add(time.Hour)}
	f.deal(first)
	f.do(id, signed.Add(2*time.Hour), f.desk.Follow("rule:crm"))
	if s := f.lead(id).State; s.Stage != "nurture" {
		t.Errorf("%+v", s)
	}
	f.deal(leadloop.Opportunity{ID: "O2", Lead: id, Status: leadloop.OpportunityOpen, CreatedAt: signed.AddDate(0, 1, 0)})
	f.do(id, signed.Add(3*time.Hour), f.desk.Follow("rule:crm")) // not made yet
	f.do(id, signed.AddDate(0, 1, 1), f.desk.Follow("rule:crm"))
	f.want("the journal", []string{
		"11-04 15:00 converted >O1 by rule:crm", "11-04 17:00 stage_changed mql>deal opportunity by rule:crm",
		"11-04 16:00 lost >O1 price by rule:crm", "11-04 17:00 stage_changed deal>nurture lost by rule:crm",
		"12-04 15:00 converted >O2 by rule:crm", "12-05 15:00 stage_changed nurture>deal opportunity by rule:crm",
	}, tail(f.journal(id, dealKinds...), 6))
}

func TestALeadThatNobodyHasBecomesThatOfTheDealsOwner(t *testing.T) {
	f := newOffice(t, map[string]string{"routing.yaml": `reps: [{id: ana}, {id: ben}]
queues: [{id: triage}]
chain: [{id: all, target: {queue: triage}}]
final: triage
`})
	id := process(t, f.loop, visitor("k1", "webinar", "spring", at)).ID
	f.deal(leadloop.Opportunity{ID: "O1", Lead: id, Owner: "ben", Status: leadloop.OpportunityOpen, CreatedAt: signed})
	f.do(id, signed, f.desk.Follow("rule:crm"))
	want := leadloop.State{Owner: "ben", OwnerSince: signed, Disposition: leadloop.OutcomeAssigned, Reason: "opportunity", Stage: "deal", StageSince: signed, Opportunity: "O1"}
	check := func() {
		t.Helper()
		s := f.lead(id).State
		got := leadloop.State{Owner: s.Owner, OwnerSince: s.OwnerSince, Disposition: s.Disposition, Reason: s.Reason, Queue: s.Queue, Stage: s.Stage, StageSince: s.StageSince, Opportunity: s.Opportunity}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	check()
	// It is not routed anew while the deal is open, and rebuilt from its journal.
	process(t, f.loop, visitor("k2", "google", "brand", signed.Add(24*time.Hour)))
	check()
}

func TestFollowingNothingIsRefused(t *testing.T) {
	f := newOffice(t, nil)
	id := f.ready()
	f.deal(leadloop.Opportunity{ID: "O1", Lead: "ld_other", Status: leadloop.OpportunityOpen, CreatedAt: at})
	if got := f.refused(id, signed, f.desk.Follow("rule:crm")); !strings.Contains(got, "no opportunity came from lead") {
		t.Error(got)
	}
	if got := f.refused(id, signed, f.desk.Follow("")); !strings.Contains(got, "needs an actor") {
		t.Error(got)
	}
	if got := f.refused(id, signed, f.pb.Lifecycle().Follow("rule:crm")); !strings.Contains(got, "no store with opportunities") {
		t.Error(got)
	}
}

func TestWhatIsAMeaningfulTouchIsThePlaybooksToSay(t *testing.T) {
	for signals, want := range map[string][]string{
		"": {"11-02 15:05 first_touch >call by %s"},
		"signals: {touches: [demo_held], answers: [reply]}\n": {"11-02 15:09 first_touch >demo_held by %s"},
	} {
		f := newOffice(t, map[string]string{"lifecycle.yaml": signals + lifecycleYAML})
		id := process(t, f.loop, visitor("k1", "webinar", "spring", at)).ID
		owner := string(f.lead(id).State.Owner)
		f.saw(id, "page_view", "", at.Add(time.Minute))
		f.saw(id, "call", leadloop.RepID(owner), at.Add(5*time.Minute))
		f.saw(id, "demo_held", leadloop.RepID(owner), at.Add(9*time.Minute))
		for i := range want {
			want[i] = strings.ReplaceAll(want[i], "%s", owner)
		}
		f.want("first touch", want, f.journal(id, leadloop.EventFirstTouch))
	}
}

func tail(list []string, n int) []string { return list[max(0, len(list)-n):] }

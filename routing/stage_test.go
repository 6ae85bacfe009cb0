package routing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// A bench is a router with a store, and commits what the stage wants.
type bench struct {
	t     testing.TB
	r     *Router
	st    store.Store
	stage leadloop.Stage
}

func newBench(t testing.TB, routing, sla string) *bench {
	t.Helper()
	b := &bench{t: t, r: mustRouter(t, routing, sla), st: memstore.New()}
	b.stage = NewStage(b.r, b.st)
	return b
}

func (b *bench) update(f func(tx store.Tx) error) {
	b.t.Helper()
	if err := b.st.Update(context.Background(), f); err != nil {
		b.t.Fatal(err)
	}
}

// try decides about a lead once and commits the effects.
func (b *bench) try(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
	o, e, err := b.stage.Decide(ctx, s)
	if err != nil {
		return o, e, err
	}
	return o, e, b.st.Update(ctx, func(tx store.Tx) error {
		lead := s.Lead.Clone()
		if e.State != nil {
			lead.State = *e.State
		}
		var err error
		if lead.Revision, err = tx.Leads().Put(ctx, lead); err != nil {
			return err
		}
		for _, m := range e.Ledger {
			if err := tx.Rotations().Move(ctx, m); err != nil {
				return err
			}
		}
		if err := tx.Tasks().Add(ctx, e.Tasks...); err != nil {
			return err
		}
		if err := tx.Journal().Append(ctx, e.Events...); err != nil {
			return err
		}
		*s.Lead = *lead
		return nil
	})
}

// run decides about the lead and returns what happened, one line per event and
// task.
func (b *bench) run(lead *leadloop.Lead, at time.Time, trigger leadloop.Trigger, task *leadloop.Task, previous leadloop.State, is map[string]string) []string {
	b.t.Helper()
	before := lead.Clone()
	o, e, err := b.try(context.Background(), leadloop.Subject{Lead: lead, Profile: profileOf(b.t, b.r, is), AsOf: at, Trigger: trigger, Task: task, Previous: previous})
	if err != nil {
		b.t.Fatal(err)
	}
	again, same, err := b.stage.Decide(context.Background(), leadloop.Subject{Lead: before, Profile: profileOf(b.t, b.r, is), AsOf: at, Trigger: trigger, Task: task, Previous: previous})
	if err != nil || o != again || len(e.Ledger) == 0 && cmp.Diff(e, same) != "" {
		b.t.Errorf("deciding again gives another answer: %v %v", err, cmp.Diff(e, same))
	}
	out := []string{strings.TrimSpace(fmt.Sprintf("%s %s", o.Kind, o.Reason))}
	for _, ev := range e.Events {
		out = append(out, strings.Join(strings.Fields(fmt.Sprintf("event %s %s>%s %v", ev.Kind, ev.From, ev.To, strings.TrimPrefix(fmt.Sprint(ev.Attrs), "map"))), " "))
	}
	for _, task := range e.Tasks {
		out = append(out, "task "+task.Key+" at "+task.DueAt.Format("02 15:04")+" "+whomOf(task))
	}
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

func whomOf(t leadloop.Task) string {
	var n Notice
	if json.Unmarshal(t.Payload, &n) == nil && n.To != "" {
		return "to " + n.To
	}
	return ""
}

// due returns the timer with this key.
func (b *bench) due(key string) *leadloop.Task {
	b.t.Helper()
	var task leadloop.Task
	err := b.st.View(context.Background(), func(tx store.Tx) (err error) {
		task, err = tx.Tasks().Get(context.Background(), key)
		return err
	})
	if err != nil {
		b.t.Fatalf("task %s: %v", key, err)
	}
	return &task
}

func want(t testing.TB, what string, got []string, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

var american = map[string]string{"lead.source": "web", "lead.country": "US", "company.employees": "10"}

func TestAnArrivingLeadGetsAnOwnerAClockAndTasks(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	got := b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	want(t, "arrival", got,
		"assigned entry:us",
		"event assigned >ana [entry:us pool:west source:web tier:A]",
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

func TestTheLadderIsClimbedUntilSomebodyWorksTheLead(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	climb := func(key string, lead *leadloop.Lead) []string {
		t.Helper()
		task := b.due(key)
		return b.run(lead, task.DueAt, leadloop.TriggerTask, task, lead.State, american)
	}
	const key = "escalate:sla:l1:ana:20261102T100000Z:"
	worked := lead.Clone()
	worked.State.FirstTouchAt = monday.Add(5 * time.Minute)
	want(t, "a lead that was worked", climb(key+"due", worked), "assigned entry:us")
	lead.Revision = worked.Revision

	want(t, "the target is missed", climb(key+"due", lead),
		"assigned entry:us",
		"event sla_missed > [owner:ana policy:hot tier:A]",
		"event escalated ana>ana [ladder:sla policy:hot step:1 to:rep:ana]",
		"task notify:escalated:l1:sla:ana:20261102T100000Z:0 at 02 10:15 to rep:ana",
		"task escalate:sla:l1:ana:20261102T100000Z:1 at 02 10:30",
	)
	if c := lead.State.SLA; !c.MissedAt.Equal(c.DueAt) || c.Step != 1 {
		t.Errorf("the clock after the miss: %+v", c)
	}
	want(t, "the manager hears, and 60 minutes count from the start", climb(key+"1", lead),
		"assigned entry:us",
		"event escalated ana>vera [ladder:sla policy:hot step:2 to:rep:vera]",
		"task notify:escalated:l1:sla:ana:20261102T100000Z:1 at 02 10:30 to rep:vera",
		"task escalate:sla:l1:ana:20261102T100000Z:2 at 02 11:00",
	)
	old := b.due(key + "2")
	want(t, "somebody else gets it", climb(key+"2", lead),
		"assigned entry:us",
		"event assigned ana>ben [entry:us pool:west source:web tier:A uncredited:ana]",
		"event sla_started > [policy:hot target:15m0s tier:A]",
		"task notify:assigned:l1:ben:20261102T110000Z at 02 11:00 to rep:ben",
		"task crm_task:assigned:l1:ben:20261102T110000Z at 02 11:00 to rep:ben",
		"task escalate:sla:l1:ben:20261102T110000Z:due at 02 11:15",
		"task escalate:unworked:l1:ben:20261102T110000Z:0 at 05 11:00",
	)
	want(t, "the old timer is late", b.run(lead, old.DueAt.Add(time.Second), leadloop.TriggerTask, old, lead.State, american), "assigned entry:us")

	for _, k := range []string{"due", "1"} {
		climb("escalate:sla:l1:ben:20261102T110000Z:"+k, lead)
	}
	want(t, "whoever missed it before is not asked again", climb("escalate:sla:l1:ben:20261102T110000Z:2", lead)[1:2],
		"event assigned ben>cem [entry:us pool:west source:web tier:A uncredited:ana,ben]")
	for _, k := range []string{"due", "1"} {
		climb("escalate:sla:l1:cem:20261102T120000Z:"+k, lead)
	}
	want(t, "twice is enough: the last rung hears", climb("escalate:sla:l1:cem:20261102T120000Z:2", lead),
		"assigned entry:us",
		"event escalated cem>inbox [ladder:sla policy:hot step:4 to:queue:inbox]",
		"task notify:escalated:l1:sla:cem:20261102T120000Z:3 at 02 13:00 to queue:inbox",
	)
	if lead.State.Owner != "cem" {
		t.Errorf("owner %s", lead.State.Owner)
	}
}

func TestALeadThatNobodyElseCanTakeStays(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	is := map[string]string{"lead.source": "partner"}
	start := time.Date(2026, 11, 2, 15, 0, 0, 0, time.UTC)
	b.run(lead, start, leadloop.TriggerSubmission, nil, leadloop.State{}, is)
	task := &leadloop.Task{Kind: leadloop.TaskEscalate, DueAt: start.Add(time.Hour), Payload: mustJSON(timer{Ladder: ladderSLA, Owner: "pia", Since: start, Step: 2})}
	want(t, "reassign", b.run(lead, task.DueAt, leadloop.TriggerTask, task, lead.State, is),
		"assigned entry:partner",
		"event sla_missed > [owner:pia policy:hot tier:A]",
		"task escalate:sla:l1:pia:20261102T150000Z:3 at 02 16:30",
	)
}

func TestAQueuedLeadIsEscalatedAndTriedAgain(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	vacation := []leadloop.Absence{{From: monday, Until: monday.Add(45 * time.Minute)}}
	b.update(func(tx store.Tx) error {
		for _, id := range []leadloop.RepID{"ana", "ben", "cem"} {
			if err := tx.CRM().PutRep(context.Background(), leadloop.Rep{ID: id, Away: vacation}); err != nil {
				return err
			}
		}
		return nil
	})
	lead := leadOfTier("l1", "B")
	want(t, "everybody is away", b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american),
		"queued nobody_eligible",
		"event queued >inbox [tier:B]",
		"task notify:queued:l1:inbox:20261102T100000Z at 02 10:00 to queue:inbox",
		"task escalate:queue:l1:inbox:20261102T100000Z:0 at 02 10:30",
		"task waiting:l1:inbox:20261102T100000Z:B at 02 10:00",
		"task drain:20261102T100010Z at 02 10:00",
	)
	want(t, "it arrives again", b.run(lead, monday.Add(time.Minute), leadloop.TriggerSubmission, nil, lead.State, american), "queued nobody_eligible")
	timer := b.due("escalate:queue:l1:inbox:20261102T100000Z:0")
	waiting := lead.Clone()
	want(t, "still away", b.run(waiting, timer.DueAt, leadloop.TriggerTask, timer, waiting.State, american),
		"queued nobody_eligible",
		"event escalated inbox>inbox [ladder:queue step:1 to:queue:inbox]",
		"task notify:escalated:l1:queue:inbox:20261102T100000Z:0 at 02 10:30 to queue:inbox",
	)
	got := b.run(waiting, monday.Add(time.Hour), leadloop.TriggerTask, timer, waiting.State, american)
	want(t, "back again", got[:3], "assigned entry:us", "event escalated inbox>inbox [ladder:queue step:1 to:queue:inbox]", "event assigned >ana [entry:us pool:west source:web tier:B]")
}

func TestAnUnworkedLeadIsTold(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	timer := b.due("escalate:unworked:l1:ana:20261102T100000Z:0")
	want(t, "72 hours", b.run(lead, timer.DueAt, leadloop.TriggerTask, timer, lead.State, american),
		"assigned entry:us",
		"event escalated ana>vera [ladder:unworked policy:hot step:1 to:rep:vera]",
		"task notify:escalated:l1:unworked:ana:20261102T100000Z:0 at 05 10:00 to rep:vera",
		"task escalate:unworked:l1:ana:20261102T100000Z:1 at 06 10:00",
	)
}

func TestATimerOfAnotherKindChangesNothing(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	dispute := &leadloop.Task{Key: "x", Kind: leadloop.TaskEscalate, Payload: []byte(`{"ladder":"dispute","since":"2026-11-02T10:00:00Z"}`)}
	want(t, "dispute", b.run(lead, monday, leadloop.TriggerTask, dispute, lead.State, american), "assigned entry:us")
	dispute.Payload = []byte("x")
	_, _, err := b.stage.Decide(context.Background(), leadloop.Subject{Lead: lead, Profile: profileOf(t, b.r, american), AsOf: monday, Trigger: leadloop.TriggerTask, Task: dispute, Previous: lead.State})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("a payload that is no timer: %v", err)
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

func (b *bench) owed(pool string) map[leadloop.RepID]leadloop.Owed {
	out := map[leadloop.RepID]leadloop.Owed{}
	b.update(func(tx store.Tx) error {
		r, err := tx.Rotations().Get(context.Background(), pool)
		for _, m := range r.Balances {
			out[m.Member] = m.Owed
		}
		return err
	})
	return out
}

func TestRecycleIsAFullSecondPass(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	lead.State.FirstTouchAt, lead.State.LastTouchAt = monday.Add(time.Minute), monday.Add(time.Minute)
	later := monday.AddDate(0, 0, 21)
	got := b.run(lead, later, leadloop.TriggerRecycle, nil, lead.State, american)
	// Nobody owes anything after the return, and Ana was assigned last.
	want(t, "recycle", got[:3], "assigned entry:us", "event assigned ana>ben [entry:us pool:west returned:west source:web tier:A]", "event sla_started > [policy:hot target:15m0s tier:A]")
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
	want(t, "left", got[1:2], "event assigned ana>ben [entry:us pool:west returned:west source:web tier:A uncredited:ana]")
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

func TestManyAtOnceKeepTheLedgerExactAndNoLeadTwice(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	ctx := context.Background()
	profile := profileOf(t, b.r, american)
	const workers, each = 32, 10
	var wg sync.WaitGroup
	errs := make(chan error, workers*each)
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				lead := leadOfTier(leadloop.LeadID(fmt.Sprintf("l%02d-%02d", w, i)), "A")
				s := leadloop.Subject{Lead: lead, Profile: profile, AsOf: monday, Trigger: leadloop.TriggerSubmission}
				for {
					_, _, err := b.try(ctx, s)
					if errors.Is(err, leadloop.ErrConflict) {
						continue
					}
					if err != nil {
						errs <- err
					}
					break
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
	got := map[leadloop.RepID]int64{}
	owners := map[leadloop.RepID]int64{}
	b.update(func(tx store.Tx) error {
		r, err := tx.Rotations().Get(ctx, "west")
		if err != nil {
			return err
		}
		if r.Revision != workers*each {
			t.Errorf("the ledger moved %d times for %d leads", r.Revision, workers*each)
		}
		var total leadloop.Owed
		for _, m := range r.Balances {
			total += m.Owed
			got[m.Member] = m.Count
			if m.Owed >= leadloop.OneLead || m.Owed <= -leadloop.OneLead {
				t.Errorf("%s is owed %d", m.Member, m.Owed)
			}
		}
		if total != 0 {
			t.Errorf("the ledger sums to %d", total)
		}
		list, err := tx.Leads().List(ctx, "", workers*each+1)
		for _, l := range list {
			owners[l.State.Owner]++
		}
		if len(list) != workers*each {
			t.Errorf("%d leads", len(list))
		}
		return err
	})
	// Ben has room for two; from then on the others share 100 to 50.
	if got["ben"] != 2 || got["ana"]+got["cem"] != workers*each-2 || got["ana"] < 2*got["cem"]-2 || got["ana"] > 2*got["cem"]+2 {
		t.Errorf("the ledger counts %v", got)
	}
	if diff := cmp.Diff(got, owners); diff != "" {
		t.Errorf("counts against owners (-ledger +leads):\n%s", diff)
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

func TestAQueueTimerLeavesAloneWhatWasMovedOutOfTheQueue(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "B")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, map[string]string{"lead.source": "web", "lead.country": "FR"})
	if lead.State.Queue != "inbox" {
		t.Fatalf("not queued: %+v", lead.State)
	}
	timer := b.due("escalate:queue:l1:inbox:20261102T100000Z:0")
	lead.State.Disposition, lead.State.Reason = leadloop.OutcomeNurture, "not_now"
	got := b.run(lead, timer.DueAt, leadloop.TriggerTask, timer, lead.State, american)
	want(t, "timer", got, "nurture not_now")
}

func TestALeadThatIsQueuedAgainClimbsOneLadder(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	french := map[string]string{"lead.source": "web", "lead.country": "FR"}
	lead := leadOfTier("l1", "B")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, french)
	first := b.due("escalate:queue:l1:inbox:20261102T100000Z:0")
	// It is held back, and comes back into the same queue before the timer.
	lead.State.Disposition, lead.State.Queue, lead.State.Reason = leadloop.OutcomeSuppressed, "", "opted_out"
	b.run(lead, monday.Add(10*time.Minute), leadloop.TriggerActivity, nil, lead.State, french)
	if lead.State.Queue != "inbox" || !lead.State.QueueSince.Equal(monday.Add(10*time.Minute)) {
		t.Fatalf("%+v", lead.State)
	}
	want(t, "the timer of the first stay", b.run(lead, first.DueAt, leadloop.TriggerTask, first, lead.State, french), "queued undecided")
	second := b.due("escalate:queue:l1:inbox:20261102T101000Z:0")
	if got := b.run(lead, second.DueAt, leadloop.TriggerTask, second, lead.State, french); len(got) < 2 {
		t.Errorf("the timer of the second stay: %v", got)
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

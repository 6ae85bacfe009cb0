package routing

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func strategyBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, r: strategyRouter(t, Options{}), st: memstore.New()}
	b.stage = NewStage(b.r, b.st)
	return b
}

// fire runs a timer of the lead when it is due, and returns what happened.
func (b *bench) fire(lead *leadloop.Lead, ladder string, is map[string]string) []string {
	b.t.Helper()
	var task *leadloop.Task
	err := b.st.View(context.Background(), func(tx store.Tx) error {
		tasks, err := tx.Tasks().ByLead(context.Background(), lead.ID)
		for i := range tasks {
			if strings.HasPrefix(tasks[i].Key, "escalate:"+ladder+":") && tasks[i].State == leadloop.TaskPending {
				task = &tasks[i]
				break
			}
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if task == nil {
		b.t.Fatalf("no timer of %s", ladder)
	}
	out := b.run(lead, task.DueAt, leadloop.TriggerTask, task, lead.State, is)
	b.update(func(tx store.Tx) error { return tx.Tasks().Cancel(context.Background(), task.Key) })
	return out
}

func of(source string) map[string]string { return map[string]string{"lead.source": source} }

func TestALeadWaitsForTheFirstWhoWillBeThere(t *testing.T) {
	b := strategyBench(t)
	evening := time.Date(2026, 11, 3, 23, 0, 0, 0, time.UTC)
	lead := leadOfTier("l1", "C")
	want(t, "in the evening", b.run(lead, evening, leadloop.TriggerSubmission, nil, leadloop.State{}, of("here")),
		"queued wait:here", "event queued >desk [entry:here tier:C]",
		"task escalate:wait:l1:desk:20261103T230000Z:0@20261104T080000Z at 04 08:00",
		"task waiting:l1:desk:20261103T230000Z:C at 02 10:00", "task drain:20261103T230010Z at 03 23:00")
	want(t, "more about it at night", b.run(lead, evening.Add(time.Hour), leadloop.TriggerSubmission, nil, lead.State, of("here")),
		"queued wait:here", "task escalate:wait:l1:desk:20261103T230000Z:0@20261104T080000Z at 04 08:00")
	got := b.fire(lead, "wait", of("here"))
	if lead.State.Owner != "b" || got[0] != "assigned entry:here" {
		t.Errorf("in the morning: %v", got)
	}
}

func TestADisputeIsForTheManagerWithinADay(t *testing.T) {
	b := strategyBench(t)
	b.update(func(tx store.Tx) error {
		return errors.Join(tx.CRM().PutAccount(context.Background(), leadloop.Account{ID: "acme", Owner: "a"}),
			tx.CRM().PutContact(context.Background(), leadloop.Contact{ID: "kim", Account: "acme", Owner: "b"}))
	})
	lead := leadOfTier("l1", "C")
	lead.State.Account, lead.State.Contact = "acme", "kim"
	want(t, "arrival", b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, of("agree")),
		"queued dispute:agree", "event queued >disputes [entry:agree tier:C]",
		"task review:dispute:l1:agree:20261102T100000Z at 02 10:00 to rep:boss",
		"task escalate:dispute:l1:disputes:20261102T100000Z:0 at 03 10:00")
	task := b.due("review:dispute:l1:agree:20261102T100000Z")
	var n Notice
	if err := json.Unmarshal(task.Payload, &n); err != nil || cmp.Diff([]string{"rep:b", "rep:a"}, n.Disputed) != "" || !n.DueAt.Equal(monday.Add(24*time.Hour)) {
		t.Errorf("%+v, %v", n, err)
	}
	got := b.fire(lead, "dispute", of("agree"))
	want(t, "a day later", got, "queued dispute:agree", "event escalated disputes>disputes [ladder:dispute step:1 to:queue:disputes]",
		"task notify:escalated:l1:dispute:disputes:20261102T100000Z:0 at 03 10:00 to queue:disputes")
}

func TestTheOwnerIsWarnedBeforeTheResponseIsDue(t *testing.T) {
	b := strategyBench(t)
	lead := leadOfTier("l1", "B")
	at := time.Date(2026, 11, 3, 8, 30, 0, 0, time.UTC) // 09:30 in Berlin
	b.run(lead, at, leadloop.TriggerSubmission, nil, leadloop.State{}, of("here"))
	if lead.State.Owner != "b" {
		t.Fatalf("%+v", lead.State)
	}
	want(t, "a quarter of an hour before", b.fire(lead, "warn", of("here")),
		"assigned entry:here", "task notify:due_soon:l1:b:20261103T083000Z at 03 09:15 to rep:b")
	lead.State.FirstTouchAt = at.Add(time.Minute)
	again := b.due("escalate:warn:l1:b:20261103T083000Z:0")
	want(t, "who answered is not warned", b.run(lead, again.DueAt, leadloop.TriggerTask, again, lead.State, of("here")), "assigned entry:here")
}

func TestTheNextTouchHasAClockToo(t *testing.T) {
	b := strategyBench(t)
	lead := leadOfTier("l1", "B")
	at := time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC) // 09:00 in Berlin
	b.run(lead, at, leadloop.TriggerSubmission, nil, leadloop.State{}, of("here"))
	lead.State.FirstTouchAt = at.Add(time.Hour) // 10:00
	lead.State.LastTouchAt = lead.State.FirstTouchAt
	want(t, "two hours after the assignment the touch is one hour old", b.fire(lead, "follow_up", of("here")),
		"assigned entry:here", "task escalate:follow_up:l1:b:20261103T080000Z:0@20261103T110000Z at 03 11:00")
	want(t, "two hours after the touch", b.fire(lead, "follow_up", of("here")),
		"assigned entry:here", "task notify:follow_up:l1:rep:b:20261103T090000Z at 03 11:00 to rep:b",
		// From 12:00, over lunch, to 15:00.
		"task escalate:follow_up:l1:b:20261103T080000Z:1@20261103T140000Z at 03 14:00")
	lead.State.LastTouchAt = at.Add(5 * time.Hour) // 14:00
	want(t, "a touch begins it anew", b.fire(lead, "follow_up", of("here")),
		"assigned entry:here", "task escalate:follow_up:l1:b:20261103T080000Z:0@20261103T150000Z at 03 15:00")
	b.fire(lead, "follow_up", of("here"))
	got := b.fire(lead, "follow_up", of("here"))
	if !slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, "to rep:boss") }) {
		t.Errorf("the manager: %v", got)
	}
	lead.State.OwnerSince = lead.State.OwnerSince.Add(time.Minute) // it was taken and given back
	if got := b.fire(lead, "follow_up", of("here")); len(got) > 1 {
		t.Errorf("it goes on: %v", got)
	}
}

func TestAClockStandsStillWhileTheCustomerIsWaitedFor(t *testing.T) {
	b := strategyBench(t)
	lead := leadOfTier("l1", "B")
	at := time.Date(2026, 11, 3, 8, 30, 0, 0, time.UTC) // 09:30 in Berlin, due 10:30
	b.run(lead, at, leadloop.TriggerSubmission, nil, leadloop.State{}, of("here"))
	status := func(to string, at time.Time) {
		b.update(func(tx store.Tx) error {
			return tx.Journal().Append(context.Background(), leadloop.Event{Kind: leadloop.EventStatusChanged, Lead: "l1", At: at, To: to})
		})
	}
	status("waiting", at.Add(10*time.Minute))
	status("working", at.Add(40*time.Minute))
	want(t, "when it was due", b.fire(lead, "sla", of("here")),
		"assigned entry:here", "task escalate:sla:l1:b:20261103T083000Z:due@20261103T100000Z at 03 10:00")
	if !lead.State.SLA.MissedAt.IsZero() || !lead.State.SLA.DueAt.Equal(at.Add(90*time.Minute)) {
		t.Errorf("%+v", lead.State.SLA)
	}
	got := b.fire(lead, "sla", of("here"))
	if lead.State.SLA.MissedAt.IsZero() {
		t.Errorf("half an hour later: %v", got)
	}
}

func TestWhoMovesTheStageHasAnswered(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	lead.State.StageSince = monday.Add(time.Minute)
	b.update(func(tx store.Tx) error {
		return tx.Journal().Append(context.Background(), leadloop.Event{Kind: leadloop.EventStageChanged, Lead: "l1", At: monday.Add(time.Minute), Actor: "ana", To: "sal"})
	})
	want(t, "the timer", b.fire(lead, "sla", american), "assigned entry:us")
}

func TestARuleThatMovesTheStageIsNoAnswer(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	lead.State.StageSince = monday.Add(time.Minute)
	b.update(func(tx store.Tx) error {
		return tx.Journal().Append(context.Background(), leadloop.Event{Kind: leadloop.EventStageChanged, Lead: "l1", At: monday.Add(time.Minute), Actor: "rule:mql", To: "mql"})
	})
	if got := b.fire(lead, "sla", american); len(got) < 2 {
		t.Errorf("the timer: %v", got)
	}
}

func TestAReturnIsAmongThoseWhoHadRoomThen(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	ben := func(id leadloop.LeadID) {
		b.update(func(tx store.Tx) error {
			l := leadOfTier(id, "A")
			l.State.Disposition, l.State.Owner, l.State.OwnerSince = leadloop.OutcomeAssigned, "ben", monday.AddDate(-1, 0, 0)
			_, err := tx.Leads().Put(context.Background(), l)
			return err
		})
	}
	b.run(leadOfTier("l0", "A"), monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	before := b.owed("west")
	ben("x1")
	ben("x2") // ben is full
	lead := leadOfTier("l1", "A")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	b.update(func(tx store.Tx) error { return tx.Leads().Delete(context.Background(), "x1") })
	lead.State.Score.Tier = "D"
	b.run(lead, monday.AddDate(0, 1, 0), leadloop.TriggerRecycle, nil, lead.State, american)
	if diff := cmp.Diff(before, b.owed("west")); diff != "" {
		t.Errorf("who was full then gave for its return (-want +got):\n%s", diff)
	}
}

func TestTheOwnerOfTheDomainIsFoundInTheStore(t *testing.T) {
	b := strategyBench(t)
	domain := []leadloop.Identifier{{Kind: "domain", Value: "acme.com"}}
	b.update(func(tx store.Tx) error {
		for id, l := range map[leadloop.LeadID]struct {
			owner leadloop.RepID
			at    time.Time
		}{"x1": {"a", monday.AddDate(0, 0, -20)}, "x2": {"b", monday.AddDate(0, 0, -10)}, "x3": {"", time.Time{}}} {
			lead := leadOfTier(id, "A")
			lead.Identifiers, lead.State.Owner, lead.State.OwnerSince = domain, l.owner, l.at
			if _, err := tx.Leads().Put(context.Background(), lead); err != nil {
				return err
			}
		}
		return nil
	})
	lead := leadOfTier("l1", "C")
	lead.Identifiers = domain
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, of("sticky"))
	if lead.State.Owner != "b" {
		t.Errorf("owner %q, want who had the domain last", lead.State.Owner)
	}
}

// do commits a one-off stage.
func (b *bench) do(stage leadloop.Stage, lead *leadloop.Lead, at time.Time, is map[string]string) (leadloop.Outcome, error) {
	route := b.stage
	defer func() { b.stage = route }()
	b.stage = stage
	o, _, err := b.try(context.Background(), leadloop.Subject{Lead: lead, Profile: profileOf(b.t, b.r, is), AsOf: at, Trigger: leadloop.TriggerActivity, Previous: lead.State})
	return o, err
}

func TestTheFirstToClaimHasTheLead(t *testing.T) {
	b := strategyBench(t)
	lead := leadOfTier("l1", "C")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, of("first"))
	if o, err := b.do(NewClaim(b.r, b.st, "b"), lead, monday.Add(time.Minute), of("first")); err != nil || o.Kind != leadloop.OutcomeAssigned || lead.State.Owner != "b" {
		t.Fatalf("%+v %v %+v", o, err, lead.State)
	}
	if _, err := b.do(NewClaim(b.r, b.st, "a"), lead, monday.Add(2*time.Minute), of("first")); !errors.Is(err, leadloop.ErrConflict) {
		t.Errorf("the second: %v", err)
	}
}

func TestARerouteTakesNoLeadThatIsWorked(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	changed := mustRouter(t, strings.Replace(routingFile, `when: 'lead.country == "US"', target: {pool: west}`, `when: 'lead.country == "US"', target: {rep: pia}`, 1), slaFile)
	b.r = changed
	worked := lead.Clone()
	worked.State.FirstTouchAt = monday.Add(time.Minute)
	if _, err := b.do(NewReroute(changed, b.st), worked, monday.Add(time.Hour), american); err != nil || worked.State.Owner != "ana" {
		t.Errorf("worked: owner %s, %v", worked.State.Owner, err)
	}
	lead.Revision = worked.Revision
	if _, err := b.do(NewReroute(changed, b.st), lead, monday.Add(time.Hour), american); err != nil || lead.State.Owner != "pia" {
		t.Errorf("not worked: owner %s, %v", lead.State.Owner, err)
	}
	for id, owed := range b.owed("west") {
		if owed != 0 {
			t.Errorf("%s is owed %d after the only lead left the pool", id, owed)
		}
	}
}

func TestADrainPlacesWhatWaits(t *testing.T) {
	b := newBench(t, strings.Replace(routingFile, "weight: 100, languages", "max_open: 1, languages", 1), slaFile)
	german := map[string]string{"lead.source": "web", "lead.country": "CH", "lead.language": "de", "company.employees": "5"}
	first, second := leadOfTier("l1", "A"), leadOfTier("l2", "B")
	// Deciding again would find another load: this is not b.run.
	decide := func(lead *leadloop.Lead, at time.Time, trigger leadloop.Trigger, task *leadloop.Task) {
		t.Helper()
		if _, _, err := b.try(context.Background(), leadloop.Subject{Lead: lead, Profile: profileOf(t, b.r, german), AsOf: at, Trigger: trigger, Task: task, Previous: lead.State}); err != nil {
			t.Fatal(err)
		}
	}
	decide(first, monday, leadloop.TriggerSubmission, nil)
	decide(second, monday, leadloop.TriggerSubmission, nil)
	if first.State.Owner != "ana" || second.State.Queue != "inbox" {
		t.Fatalf("%+v %+v", first.State, second.State)
	}
	drain := func(at time.Time) {
		t.Helper()
		task := drainTimer(second.ID, second.State.Queue, second.State.QueueSince, at, 0)
		decide(second, at, leadloop.TriggerTask, &task)
	}
	drain(monday.Add(time.Minute))
	if second.State.Queue != "inbox" || !second.State.QueueSince.Equal(monday) {
		t.Errorf("while nobody has room: %+v", second.State)
	}
	first.State.Disposition = leadloop.OutcomeDisqualified
	b.update(func(tx store.Tx) (err error) {
		first.Revision, err = tx.Leads().Put(context.Background(), first)
		return err
	})
	drain(monday.Add(2 * time.Minute))
	if second.State.Owner != "ana" {
		t.Errorf("%+v", second.State)
	}
}

func TestALeadThatWasWorthNothingIsCreditedOnce(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	lead.State.Disposition, lead.State.Reason = leadloop.OutcomeDisqualified, "bounced"
	for range 2 {
		if _, err := b.do(NewCredit(b.r, b.st), lead, monday.Add(time.Hour), american); err != nil {
			t.Fatal(err)
		}
	}
	for id, owed := range b.owed("west") {
		if owed != 0 {
			t.Errorf("%s is owed %d", id, owed)
		}
	}
	if lead.State.Owner != "ana" || lead.State.Pool != "" || lead.State.Disposition != leadloop.OutcomeDisqualified {
		t.Errorf("%+v", lead.State)
	}
}

func TestStandingsSayWhatEachIsOwedAndWhoGetsNothingNow(t *testing.T) {
	r := mustRouter(t, routingFile, slaFile)
	rd := Snapshot{
		Rotations: map[string]store.Rotation{"west": {Pool: "west", Balances: []store.Balance{{Member: "ana", Owed: -600_000, Count: 1, LastAt: monday}, {Member: "ben", Owed: 400_000}, {Member: "cem", Owed: 200_000}}}},
		Workloads: map[leadloop.RepID]store.Workload{"ben": {Open: 2}},
	}
	got, err := r.Standings(context.Background(), &rd, "west", time.Date(2026, 12, 22, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	want := []Standing{
		{Member: "ana", Weight: 100, Owed: -600_000, Count: 1, LastAt: monday},
		{Member: "ben", Weight: 100, Owed: 400_000, Why: "is at capacity: 2/2 open"},
		{Member: "cem", Weight: 50, Owed: 200_000, Why: "is away until 2027-01-04 00:00"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := r.Standings(context.Background(), &rd, "east", monday); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("no such pool: %v", err)
	}
}

func TestOfManyWhoClaimALeadOneGetsIt(t *testing.T) {
	b := strategyBench(t)
	lead := leadOfTier("l1", "C")
	b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, of("first"))
	var won atomic.Int32
	var wg sync.WaitGroup
	profile := profileOf(t, b.r, of("first"))
	for i := range 32 {
		by := []leadloop.RepID{"a", "b"}[i%2]
		wg.Go(func() {
			mine := &bench{t: t, r: b.r, st: b.st, stage: NewClaim(b.r, b.st, by)}
			_, _, err := mine.try(context.Background(), leadloop.Subject{Lead: lead.Clone(), Profile: profile, AsOf: monday.Add(time.Minute), Trigger: leadloop.TriggerActivity})
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, leadloop.ErrConflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := won.Load(); n != 1 {
		t.Errorf("%d got it", n)
	}
}

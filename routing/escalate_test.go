package routing

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

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
		"event assigned ana>ben [entry:us owed:1.07 points:70 pool:west source:web tier:A uncredited:ana]",
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
		"event assigned ben>cem [entry:us owed:1.53 points:70 pool:west source:web tier:A uncredited:ana,ben]")
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
	want(t, "back again", got[:3], "assigned entry:us", "event escalated inbox>inbox [ladder:queue step:1 to:queue:inbox]", "event assigned >ana [entry:us owed:0.40 points:70 pool:west source:web tier:B]")
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

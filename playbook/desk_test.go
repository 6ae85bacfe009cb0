package playbook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

const lifecycleYAML = `initial: inquiry
accepted: sal
stages:
  - {id: inquiry, to: [{stage: mql, auto: true}, {stage: nurture}]}
  - {id: mql, enter: [{id: tier, when: 'tier in ["A", "B"]'}], to: [{stage: sal}, {stage: nurture}, {stage: disqualified}]}
  - {id: sal, enter: [{id: owner, when: 'owner != ""'}], to: [{stage: deal, by: [owner]}, {stage: nurture}]}
  - {id: deal, needs: [bant], to: [{stage: won}, {stage: nurture}]}
  - {id: won, final: true}
  - {id: nurture, follows: nurture, reasons: [not_ready, lost], to: [{stage: mql}]}
  - {id: disqualified, follows: disqualified, to: [{stage: mql}]}
  - {id: archived, follows: archived, to: [{stage: mql}]}
  - {id: recycled, follows: recycle, to: [{stage: mql, auto: true}]}
initial_status: new
statuses:
  - {id: new, to: [contacted]}
  - {id: contacted, activities: [call, email_sent], to: [new]}
qualification: [{use: bant, at_least: 1}]
acceptance:
  reject: [{reason: not_mine}, {reason: not_ready, to: nurture}, {reason: wrong_data, recycle: true}]
  no_answer: [{after: 4h, notify: owner}, {after: 8h, notify: manager}, {after: 24h, reroute: true}]
conversion: {stage: deal, won: won, lost: nurture}
clocks:
  - {id: stuck, since: status, statuses: [contacted], after: 14d, do: {reengage: win-back}}
  - {id: unmoved, since: moved, after: 30d, do: {flag: true, notify: manager}}
  - {id: unworked, since: owner, after: 72h, do: {flag: true}}
  - {id: no-answer, since: touch, after: 3d, when: "unanswered >= 6", do: {archive: no_answer}}
  - {id: bounced, since: activity, activities: [email_bounced], do: {archive: bounced}}
  - {id: rested, since: stage, stages: [nurture], after: 90d, when: 'tier == "A"', do: {recycle: true}}
`

const cadencesYAML = `quiet: {daily: ["20:00-08:00"]}
cadences:
  - {id: win-back, while: 'status == "contacted"', steps: [{id: mail, channel: email, after: 1h, content: mail/win-back}], wait: 7d, then: {flag: true}}
  - id: newsletter
    purpose: marketing
    while: 'disposition == "nurture"'
    steps:
      - {id: hello, channel: email, content: mail/hello}
      - {id: story, channel: email, after: 2d, split: [{id: a, content: mail/a}, {id: b, content: mail/b, weight: 3}]}
      - {id: talk, channel: call, after: 2d, content: script/talk, when: has(lead.phone)}
      - {id: last, channel: email, after: 2d, content: mail/last}
`

// office is a team with a desk: the playbook of the tests with people's own
// rules about the life of a lead.
type office struct {
	t    *testing.T
	pb   *playbook.Playbook
	loop *engine.Loop
	desk *lifecycle.Lifecycle
	st   store.Store
	// told and done are the notices and the steps that were delivered.
	told []lifecycle.Notice
	done []lifecycle.Delivery
}

func newOffice(t *testing.T, change map[string]string) *office {
	t.Helper()
	all := map[string]string{"enrich.yaml": "", "sla.yaml": "", "lifecycle.yaml": lifecycleYAML, "cadences.yaml": cadencesYAML}
	maps.Copy(all, change)
	pb, problems := playbook.Load(files(all))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	f := &office{t: t, pb: pb, st: memstore.New()}
	o := playbook.Options{Tokens: tokens(t)}
	o.Engine.Handlers = map[string]engine.Handler{
		leadloop.TaskNotify: engine.HandlerFunc(func(_ context.Context, task leadloop.Task) error {
			var n lifecycle.Notice
			if err := json.Unmarshal(task.Payload, &n); err != nil {
				return err
			}
			if n.Clock != "" {
				f.told = append(f.told, n)
			}
			return nil
		}),
		leadloop.TaskStep: engine.HandlerFunc(func(_ context.Context, task leadloop.Task) error {
			d, err := lifecycle.ReadDelivery(task)
			f.done = append(f.done, d)
			return err
		}),
	}
	var err error
	if f.loop, err = pb.Loop(ctx, f.st, o); err != nil {
		t.Fatal(err)
	}
	if f.desk, err = pb.Desk(f.st, o); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *office) do(id leadloop.LeadID, when time.Time, stages ...leadloop.Stage) *leadloop.Lead {
	f.t.Helper()
	f.pass(when)
	res, err := f.loop.Do(ctx, id, when, stages...)
	if err != nil {
		f.t.Fatal(err)
	}
	return res.Lead
}

func (f *office) refused(id leadloop.LeadID, when time.Time, stage leadloop.Stage) string {
	f.t.Helper()
	_, err := f.loop.Do(ctx, id, when, stage)
	if !errors.Is(err, leadloop.ErrInvalid) {
		f.t.Fatalf("not refused: %v", err)
	}
	return err.Error()
}

func (f *office) saw(id leadloop.LeadID, kind string, by leadloop.RepID, when time.Time) *leadloop.Lead {
	f.t.Helper()
	f.pass(when)
	res, err := f.loop.Observe(ctx, id, when, leadloop.Activity{ID: fmt.Sprint(kind, by, when.UnixNano()), Type: kind, Actor: by, At: when})
	if err != nil {
		f.t.Fatal(err)
	}
	return res.Lead
}

// pass lets time pass.
func (f *office) pass(until time.Time) {
	f.t.Helper()
	if _, err := f.loop.Advance(ctx, until); err != nil {
		f.t.Fatal(err)
	}
}

func (f *office) lead(id leadloop.LeadID) *leadloop.Lead { f.t.Helper(); return lead(f.t, f.st, id) }

// journal is the lead's events of some kinds, in words.
func (f *office) journal(id leadloop.LeadID, kinds ...leadloop.EventKind) []string {
	f.t.Helper()
	var out []string
	err := f.st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().ByLead(ctx, id) {
			if err != nil {
				return err
			}
			if slices.Contains(kinds, e.Kind) {
				s := strings.TrimSpace(fmt.Sprintf("%s %s %s>%s %s", e.At.Format("01-02 15:04"), e.Kind, e.From, e.To, e.Reason))
				out = append(out, s+" by "+e.Actor)
			}
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

func (f *office) tasks(id leadloop.LeadID, kind string) (out []leadloop.Task) {
	f.t.Helper()
	err := f.st.View(ctx, func(tx store.Tx) error {
		all, err := tx.Tasks().ByLead(ctx, id)
		for _, t := range all {
			if t.Kind == kind && t.State == leadloop.TaskPending {
				out = append(out, t)
			}
		}
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

func (f *office) want(what string, want, got []string) {
	f.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestALeadThatItsOwnerRejectsGoesToSomebodyElseAndTheDebitComesBack(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, person("one", 600, at)).ID
	if got := f.lead(id).State; got.Owner != "ana" || got.Stage != "mql" {
		t.Fatalf("%+v", got)
	}
	if got := f.refused(id, at.Add(time.Minute), f.desk.Reject("ben", "not_mine")); !strings.Contains(got, "only its owner, or who manages the owner, can reject it") {
		t.Error(got)
	}
	if got := f.refused(id, at.Add(time.Minute), f.desk.Reject("ana", "dont_like")); !strings.Contains(got, "the reason must be one of not_mine, not_ready, wrong_data") {
		t.Error(got)
	}
	got := f.do(id, at.Add(time.Hour), f.desk.Reject("ana", "not_mine")).State
	if got.Owner != "ben" || got.Status != "new" || got.Stage != "mql" || !got.OwnerSince.Equal(at.Add(time.Hour)) {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(map[leadloop.RepID]leadloop.Owed{"ana": 0, "ben": 0}, owed(t, f.st)); diff != "" {
		t.Error("ana got the debit back, and ben was the only one left:", diff)
	}
	// The manager says no for ben; now nobody is left who did not.
	got = f.do(id, at.Add(2*time.Hour), f.desk.Reject("mia", "not_mine")).State
	if got.Disposition != leadloop.OutcomeQueued || got.Queue != "triage" || got.Owner != "" {
		t.Errorf("%+v", got)
	}
	f.want("the journal", []string{
		"11-02 15:00 assigned >ana entry:all by stage:route",
		"11-02 16:00 rejected ana> not_mine by ana",
		"11-02 16:00 assigned ana>ben entry:all by stage:route",
		"11-02 17:00 rejected ben> not_mine by mia",
	}, f.journal(id, leadloop.EventRejected, leadloop.EventAssigned))
	owed(t, f.st) // sums to 0
	if got := f.refused(id, at.Add(3*time.Hour), f.desk.Reject("mia", "not_mine")); !strings.Contains(got, "is queued in stage mql: nobody's answer is waited for") {
		t.Error(got)
	}
}

func TestARejectedLeadCanGoToATrackOrOnASecondPass(t *testing.T) {
	f := newOffice(t, nil)
	a, b := process(t, f.loop, person("one", 600, at)), process(t, f.loop, person("two", 600, at))
	got := f.do(a.ID, at.Add(time.Hour), f.desk.Reject(a.State.Owner, "not_ready")).State
	if got.Stage != "nurture" || got.Disposition != leadloop.OutcomeNurture || got.Reason != "not_ready" {
		t.Errorf("%+v", got)
	}
	f.do(b.ID, at.Add(time.Hour), f.desk.Reject(b.State.Owner, "wrong_data"))
	f.pass(at.Add(time.Hour))
	f.want("the second pass", []string{
		"11-02 15:00 stage_changed >inquiry arrived by rule:initial",
		"11-02 15:00 stage_changed inquiry>mql criteria_met by rule:inquiry-mql",
		"11-02 16:00 stage_changed mql>recycled recycled by rule:recycle",
		"11-02 16:00 stage_changed recycled>mql criteria_met by rule:recycled-mql",
	}, f.journal(b.ID, leadloop.EventStageChanged))
	f.do(a.ID, at.Add(2*time.Hour)) // a command of nobody changes nothing
	accepted := process(t, f.loop, person("three", 600, at.Add(3*time.Hour)))
	f.do(accepted.ID, at.Add(4*time.Hour), f.desk.Accept(accepted.State.Owner))
	if got := f.refused(accepted.ID, at.Add(5*time.Hour), f.desk.Reject(accepted.State.Owner, "not_mine")); !strings.Contains(got, "is assigned in stage sal: nobody's answer is waited for") {
		t.Error(got)
	}
}

func TestAnOwnerWhoDoesNotAnswerIsRemindedThenTheManagerHearsThenSomebodyElseGetsIt(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, person("one", 600, at)).ID
	quick := process(t, f.loop, person("two", 600, at))
	f.do(quick.ID, at.Add(time.Hour), f.desk.Accept(quick.State.Owner))
	f.pass(at.Add(25 * time.Hour))
	if got := f.lead(id).State; got.Owner != "ben" || got.Stage != "mql" {
		t.Errorf("%+v", got)
	}
	if got := f.lead(quick.ID).State; got.Owner != quick.State.Owner || got.Stage != "sal" {
		t.Errorf("who answered: %+v", got)
	}
	var told []string
	for _, n := range f.told {
		told = append(told, fmt.Sprintf("%s %s %s", n.About, n.Clock, n.To))
	}
	f.want("who heard", []string{"unanswered acceptance:1 rep:ana", "unanswered acceptance:2 rep:mia"}, told)
	// The new owner is asked anew.
	f.told = nil
	f.pass(at.Add(29 * time.Hour))
	if len(f.told) != 1 || f.told[0].To != "rep:ben" {
		t.Errorf("%+v", f.told)
	}
	// Nobody is left: it waits, and goes to neither of them again.
	f.pass(at.AddDate(0, 0, 10))
	got := f.lead(id).State
	if got.Disposition != leadloop.OutcomeQueued || len(f.journal(id, leadloop.EventAssigned)) != 2 {
		t.Errorf("%+v %v", got, f.journal(id, leadloop.EventAssigned))
	}
	if diff := cmp.Diff([]leadloop.RepID{"ana", "ben"}, got.Declined); diff != "" {
		t.Error(diff)
	}
	if _, err := f.loop.Recycle(ctx, id, at.AddDate(0, 0, 11)); err != nil {
		t.Fatal(err)
	}
	if got := f.lead(id).State; got.Owner == "" || got.Declined != nil {
		t.Errorf("a second pass asks all of them: %+v", got)
	}
	f.want("escalations", []string{"11-02 19:00 escalated ana>ana by rule:acceptance:1", "11-02 23:00 escalated ana>mia by rule:acceptance:2", "11-03 19:00 escalated ben>ben by rule:acceptance:1", "11-03 23:00 escalated ben>mia by rule:acceptance:2", "11-04 15:30 escalated triage>triage by stage:route"},
		f.journal(id, leadloop.EventEscalated))
}

func TestClocksRunOutInVirtualTimeAndDoWhatTheySay(t *testing.T) {
	days := func(n int) time.Time { return at.AddDate(0, 0, n) }
	quiet := strings.NewReplacer("  no_answer: [{after: 4h, notify: owner}, {after: 8h, notify: manager}, {after: 24h, reroute: true}]\n", "").Replace(lifecycleYAML)
	start := func(t *testing.T) (*office, leadloop.LeadID) {
		f := newOffice(t, map[string]string{"lifecycle.yaml": quiet})
		return f, process(t, f.loop, person("one", 600, at)).ID
	}
	t.Run("72 hours unworked", func(t *testing.T) {
		f, id := start(t)
		f.pass(at.Add(72*time.Hour - 1))
		if got := f.lead(id).State.Flag; got != "" {
			t.Error("too early:", got)
		}
		f.pass(at.Add(72 * time.Hour))
		if got := f.lead(id).State.Flag; got != "unworked" {
			t.Error("flag", got)
		}
		f.saw(id, "call", "ana", days(4))
		if got := f.lead(id).State; got.Flag != "" || got.Status != "contacted" {
			t.Errorf("a call takes the flag off: %+v", got)
		}
		f.want("the journal", []string{"11-05 15:00 flagged >unworked stale by rule:unworked", "11-06 15:00 unflagged unworked> by stage:clocks"},
			f.journal(id, leadloop.EventFlagged, leadloop.EventUnflagged))
	})
	t.Run("who was worked in time is not flagged", func(t *testing.T) {
		f, id := start(t)
		f.saw(id, "call", "ana", days(1))
		f.pass(days(10))
		if got := f.lead(id).State.Flag; got != "" {
			t.Error("flag", got)
		}
	})
	t.Run("14 days in a status, then 30 without a move", func(t *testing.T) {
		f, id := start(t)
		f.saw(id, "call", "ana", days(1))
		f.pass(days(15).Add(-1))
		if got := f.lead(id).State.Cadence; !got.IsZero() {
			t.Errorf("too early: %+v", got)
		}
		f.pass(days(15))
		if got := f.lead(id).State.Cadence; got.Cadence != "win-back" || !got.Since.Equal(days(15)) {
			t.Errorf("%+v", got)
		}
		f.pass(days(31))
		// The cadence ended by itself meanwhile, with a flag, which the next clock takes over.
		if got := f.lead(id).State; got.Flag != "unmoved" || !got.Cadence.IsZero() {
			t.Errorf("%+v", got)
		}
		if len(f.told) != 1 || f.told[0].To != "rep:mia" || f.told[0].Clock != "unmoved" {
			t.Errorf("%+v", f.told)
		}
	})
	t.Run("six touches without an answer", func(t *testing.T) {
		f, id := start(t)
		for n := range 6 {
			f.saw(id, "email_sent", "ana", days(n+1))
		}
		f.pass(days(9).Add(-1))
		if got := f.lead(id).State; got.Stage == "archived" {
			t.Error("too early")
		}
		f.pass(days(9))
		if got := f.lead(id).State; got.Stage != "archived" || got.Disposition != leadloop.OutcomeArchived || got.Reason != "no_answer" {
			t.Errorf("%+v", got)
		}
		f.saw(id, "pricing_view", "", days(10))
		if got := f.lead(id).State; got.Disposition != leadloop.OutcomeArchived {
			t.Errorf("a look at the prices does not bring it back: %+v", got)
		}
		if n := f.tasks(id, leadloop.TaskClock); len(n) != 0 {
			t.Errorf("clocks run on: %+v", n)
		}
		again := person("one", 600, days(12))
		again.Key = "one-again"
		if got := process(t, f.loop, again).State; got.Disposition != leadloop.OutcomeAssigned {
			t.Errorf("a new submission does: %+v", got)
		}
	})
	t.Run("an answer ends the count", func(t *testing.T) {
		f, id := start(t)
		for n := range 6 {
			f.saw(id, "email_sent", "ana", days(n+1))
		}
		f.saw(id, "reply", "", days(7))
		f.pass(days(12))
		if got := f.lead(id).State; got.Stage != "mql" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a bounce", func(t *testing.T) {
		f, id := start(t)
		f.saw(id, "email_bounced", "", days(1))
		f.pass(days(1))
		f.want("the journal", []string{"11-03 15:00 stage_changed mql>archived bounced by rule:bounced", "11-03 15:00 archived > bounced by rule:bounced"},
			f.journal(id, leadloop.EventStageChanged, leadloop.EventArchived)[2:])
	})
	t.Run("90 days in nurture, and a second pass with everything", func(t *testing.T) {
		f, id := start(t)
		f.do(id, days(1), f.desk.Move("nurture", "not_ready", "ana"))
		f.pass(days(91).Add(-1))
		if got := f.lead(id).State; got.Stage != "nurture" {
			t.Errorf("too early: %+v", got)
		}
		f.pass(days(91))
		got := f.lead(id).State
		if got.Stage != "mql" || got.Disposition != leadloop.OutcomeAssigned || !got.OwnerSince.Equal(days(91)) {
			t.Errorf("%+v", got)
		}
		var last leadloop.Decision
		err := f.st.View(ctx, func(tx store.Tx) (err error) {
			last, err = tx.Decisions().Latest(ctx, id)
			return err
		})
		if err != nil || last.Trigger != leadloop.TriggerRecycle {
			t.Fatal(last.Trigger, err)
		}
		var steps []string
		for _, s := range last.Steps {
			steps = append(steps, s.Stage)
		}
		for _, step := range []string{"dedupe", "suppress", "score", "route", "lifecycle"} {
			if !slices.Contains(steps, step) {
				t.Errorf("the second pass left out %s: %v", step, steps)
			}
		}
	})
	t.Run("a condition that does not hold as the clock runs out", func(t *testing.T) {
		f := newOffice(t, map[string]string{"lifecycle.yaml": strings.Replace(quiet, `when: 'tier == "A"', do: {recycle`, `when: 'tier == "C"', do: {recycle`, 1)})
		id := process(t, f.loop, person("one", 600, at)).ID
		f.do(id, days(1), f.desk.Move("nurture", "not_ready", "ana"))
		f.pass(days(200))
		if got := f.lead(id).State; got.Stage != "nurture" {
			t.Errorf("%+v", got)
		}
	})
}

func TestClocksLeaveOneTaskPerRunningClockAndNothingToSweep(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, person("one", 600, at)).ID
	keys := func() (out []string) {
		for _, task := range f.tasks(id, leadloop.TaskClock) {
			out = append(out, strings.Split(task.Key, ":"+string(id))[0]+" "+task.DueAt.Format("01-02 15:04"))
		}
		slices.Sort(out)
		return out
	}
	f.want("at first", []string{
		"clock:acceptance:1 11-02 19:00", "clock:acceptance:2 11-02 23:00", "clock:acceptance:3 11-03 15:00", "clock:unmoved 12-02 15:00", "clock:unworked 11-05 15:00",
	}, keys())
	f.saw(id, "call", "ana", at.Add(time.Hour))
	f.want("after a call, which is an answer too", []string{"clock:no-answer 11-05 16:00", "clock:stuck 11-16 16:00", "clock:unmoved 12-02 16:00"}, keys())
	f.do(id, at.Add(2*time.Hour), f.desk.Accept("ana"))
	f.want("after the yes", []string{"clock:no-answer 11-05 16:00", "clock:stuck 11-16 16:00", "clock:unmoved 12-02 17:00"}, keys())
	before := f.lead(id).Revision
	f.saw(id, "pricing_view", "", at.Add(3*time.Hour))
	if n := f.lead(id).Revision - before; n != 1 {
		t.Errorf("%d commits for a page view", n)
	}
	f.want("a page view", []string{"clock:no-answer 11-05 16:00", "clock:stuck 11-16 16:00", "clock:unmoved 12-02 17:00"}, keys())
}

func TestAClockSinceAnActivityRunsOutOnceAndIsNotSetForAnOldOne(t *testing.T) {
	often := strings.Replace(lifecycleYAML, "do: {archive: bounced}", "do: {notify: owner}", 1)
	f := newOffice(t, map[string]string{"lifecycle.yaml": often})
	id := process(t, f.loop, person("one", 600, at)).ID
	f.do(id, at.Add(time.Minute), f.desk.Accept("ana"))
	f.saw(id, "email_bounced", "", at.Add(time.Hour))
	for day := 1; day < 40; day++ {
		f.saw(id, "pricing_view", "", at.AddDate(0, 0, day))
	}
	heard := 0
	for _, n := range f.told {
		if n.Clock == "bounced" {
			heard++
		}
	}
	set := func(id leadloop.LeadID) (n int) {
		err := f.st.View(ctx, func(tx store.Tx) error {
			tasks, err := tx.Tasks().ByLead(ctx, id)
			for _, task := range tasks {
				if strings.HasPrefix(task.Key, "clock:bounced:") {
					n++
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if heard != 1 || set(id) != 1 {
		t.Errorf("heard %d times, %d tasks", heard, set(id))
	}
	other := process(t, f.loop, person("two", 600, at.AddDate(0, 0, 40))).ID
	f.do(other, at.AddDate(0, 0, 40), f.desk.Accept(f.lead(other).State.Owner))
	f.pass(at.AddDate(0, 0, 60))
	if _, err := f.loop.Observe(ctx, other, at.AddDate(0, 0, 60), leadloop.Activity{ID: "late", Type: "email_bounced", At: at.AddDate(0, 0, 41)}); err != nil {
		t.Fatal(err)
	}
	if n := set(other); n != 0 {
		t.Errorf("%d tasks for a bounce of weeks ago", n)
	}
}

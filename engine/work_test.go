package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func TestASubmittedLeadIsDurableFirstAndDecidedLater(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{})
	res, err := l.Submit(ctx, submission("k1", "ana@acme.com"))
	if err != nil || res.Lead.Revision != 1 || res.Lead.State.Owner != "" {
		t.Fatalf("%v %+v", err, res.Lead)
	}
	if diff := cmp.Diff([]string{"captured"}, history(t, st)); diff != "" {
		t.Error("stored without a journal entry:", diff)
	}
	if again, err := l.Submit(ctx, submission("k1", "ana@acme.com")); err != nil || !again.Known {
		t.Errorf("submitted twice: %v %+v", err, again)
	}
	if n, err := l.Advance(ctx, at); err != nil || n != 1 {
		t.Fatalf("%d tasks, %v", n, err)
	}
	known, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
	if err != nil || !known.Known || known.Lead.State.Owner != "ana" {
		t.Errorf("%v %+v", err, known)
	}
	if diff := cmp.Diff([]string{"captured", "assigned ana"}, history(t, st)); diff != "" {
		t.Error(diff)
	}
}

func TestASubmittedLeadThatTurnsOutToBeKnownIsMergedWhenItIsDecided(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{})
	for _, key := range []string{"k1", "k2"} {
		if _, err := l.Submit(ctx, submission(key, "ana@acme.com")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Advance(ctx, at); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, line := range history(t, st) {
		counts[line]++
	}
	if diff := cmp.Diff(map[string]int{"captured": 2, "assigned ana": 1, "submission": 1}, counts); diff != "" {
		t.Error(diff)
	}
}

func TestATimerOfALeadThatIsGoneIsCancelled(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{})
	res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Update(ctx, func(tx store.Tx) error { return tx.Leads().Delete(ctx, res.Lead.ID) }); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Advance(ctx, at.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		task, err := tx.Tasks().Get(ctx, "escalate:"+string(res.Lead.ID))
		if task.State != leadloop.TaskCancelled {
			t.Errorf("the timer is %s", task.State)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAdvanceRunsTimersAsOfTheMomentTheyAreDue(t *testing.T) {
	st := memstore.New()
	var seen []string
	clock := leadloop.StageFunc("clock", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		o := leadloop.Outcome{Kind: leadloop.OutcomeQueued, Reason: "waits"}
		if s.Trigger != leadloop.TriggerTask {
			return o, leadloop.Effects{Tasks: []leadloop.Task{{Key: "1", Kind: leadloop.TaskEscalate, DueAt: at.Add(time.Hour)}}}, nil
		}
		seen = append(seen, fmt.Sprint(s.Task.Key, " at ", s.AsOf.Sub(at)))
		if s.Task.Key == "1" {
			return o, leadloop.Effects{Tasks: []leadloop.Task{{Key: "2", Kind: leadloop.TaskEscalate, DueAt: s.AsOf.Add(time.Hour)}, {Key: "3", Kind: leadloop.TaskEscalate, DueAt: s.AsOf.Add(48 * time.Hour)}}}, nil
		}
		return o, leadloop.Effects{}, nil
	})
	l := newLoop(t, st, engine.Options{}, clock)
	if _, err := l.Process(ctx, submission("k1", "ana@acme.com"), at); err != nil {
		t.Fatal(err)
	}
	n, err := l.Advance(ctx, at.Add(24*time.Hour))
	if err != nil || n != 2 {
		t.Errorf("%d tasks, %v", n, err)
	}
	if diff := cmp.Diff([]string{"1 at 1h0m0s", "2 at 2h0m0s"}, seen); diff != "" {
		t.Error(diff)
	}
}

// A replay that dies between the lease and the commit of a timer must go on as
// if it had not: same moments, same order.
func TestAReplayBrokenOffInATimerDecidesLaterWhatItWouldHaveDecided(t *testing.T) {
	replay := func(dieAt int) (seen []string) {
		st := memstore.New()
		decisions := 0
		var die context.CancelFunc
		clock := leadloop.StageFunc("clock", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
			o := leadloop.Outcome{Kind: leadloop.OutcomeQueued, Reason: "waits"}
			if s.Trigger != leadloop.TriggerTask {
				var tasks []leadloop.Task
				for i, after := range []time.Duration{time.Hour, time.Hour, time.Hour, time.Hour + time.Minute} {
					tasks = append(tasks, leadloop.Task{Key: fmt.Sprint(i), Kind: leadloop.TaskEscalate, DueAt: at.Add(after)})
				}
				return o, leadloop.Effects{Tasks: tasks}, nil
			}
			if decisions++; decisions == dieAt {
				die()
				return o, leadloop.Effects{}, context.Canceled
			}
			seen = append(seen, fmt.Sprint(s.Task.Key, " at ", s.AsOf.Sub(at)))
			e := leadloop.Effects{}
			if s.Task.Key == "0" {
				e.CancelTasks = []string{"2"}
			}
			return o, e, nil
		})
		l := newLoop(t, st, engine.Options{}, clock)
		if _, err := l.Process(ctx, submission("k1", "ana@acme.com"), at); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var life context.Context
			life, die = context.WithCancel(ctx)
			if _, err := l.Advance(life, at.Add(24*time.Hour)); err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			die()
		}
		return seen
	}
	want := []string{"0 at 1h0m0s", "1 at 1h0m0s", "3 at 1h1m0s"}
	for dieAt := range 5 {
		if diff := cmp.Diff(want, replay(dieAt)); diff != "" {
			t.Errorf("broken off in decision %d: %s", dieAt, diff)
		}
	}
}

func TestATimerThatFindsNothingToDoLeavesTheLeadAlone(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{})
	res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := l.Advance(ctx, at.Add(2*time.Hour)); err != nil || n != 1 {
		t.Fatalf("%d tasks, %v", n, err)
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		lead, err := tx.Leads().Get(ctx, res.Lead.ID)
		if err != nil {
			return err
		}
		task, err := tx.Tasks().Get(ctx, "escalate:"+string(lead.ID))
		if lead.Revision != res.Lead.Revision || task.State != leadloop.TaskDone {
			t.Errorf("revision %d, was %d; the task is %s", lead.Revision, res.Lead.Revision, task.State)
		}
		all, derr := tx.Decisions().ByLead(ctx, lead.ID)
		if len(all) != 1 {
			t.Errorf("%d decision records, want the one that decided something", len(all))
		}
		return errors.Join(err, derr)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestOutsideTasksAreDeliveredRetriedAndDroppedWhenSuppressed(t *testing.T) {
	for name, tc := range map[string]struct {
		suppress bool
		handler  func(attempt int) error
		tries    int
		want     leadloop.TaskState
		reason   string
	}{
		"a delivery that works is done":           {false, func(int) error { return nil }, 1, leadloop.TaskDone, ""},
		"one that fails first is tried again":     {false, func(n int) error { return failUntil(n, 3) }, 3, leadloop.TaskDone, "slack is down"},
		"one that always fails is dead":           {false, func(int) error { return failUntil(0, 1) }, 4, leadloop.TaskDead, "slack is down"},
		"a panic counts as a failure":             {false, func(int) error { panic("x") }, 4, leadloop.TaskDead, "panic of type string"},
		"nobody suppressed meanwhile is notified": {true, func(int) error { return nil }, 0, leadloop.TaskCancelled, "suppressed: opted_out"},
	} {
		t.Run(name, func(t *testing.T) {
			st := memstore.New()
			calls := 0
			l := newLoop(t, st, engine.Options{MaxAttempts: 4, BackOff: time.Minute, Handlers: map[string]engine.Handler{
				leadloop.TaskNotify: engine.HandlerFunc(func(context.Context, leadloop.Task) error { calls++; return tc.handler(calls) }),
			}})
			res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
			if err != nil {
				t.Fatal(err)
			}
			if tc.suppress {
				if err := st.Update(ctx, func(tx store.Tx) error {
					return tx.Suppressions().Add(ctx, store.Suppression{Token: "token:" + string(res.Lead.ID), Reason: "opted_out", At: at})
				}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := l.Advance(ctx, at.Add(30*time.Minute)); err != nil {
				t.Fatal(err)
			}
			var task leadloop.Task
			if err := st.View(ctx, func(tx store.Tx) (err error) {
				task, err = tx.Tasks().Get(ctx, "notify:"+string(res.Lead.ID))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if calls != tc.tries || task.State != tc.want || task.LastError != tc.reason {
				t.Errorf("%d calls, %s %q; want %d, %s %q", calls, task.State, task.LastError, tc.tries, tc.want, tc.reason)
			}
		})
	}
}

func TestTheWaitAfterAFailureDoublesUpToADay(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{MaxAttempts: 8, BackOff: time.Hour, Handlers: map[string]engine.Handler{
		leadloop.TaskNotify: engine.HandlerFunc(func(context.Context, leadloop.Task) error { return errors.New("down") }),
	}})
	res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
	if err != nil {
		t.Fatal(err)
	}
	var waits []time.Duration
	due := at
	for range 7 {
		if _, err := l.Work(ctx, due, 64); err != nil {
			t.Fatal(err)
		}
		if err := st.View(ctx, func(tx store.Tx) error {
			task, err := tx.Tasks().Get(ctx, "notify:"+string(res.Lead.ID))
			waits, due = append(waits, task.DueAt.Sub(due)), task.DueAt
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	want := []time.Duration{time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 16 * time.Hour, 24 * time.Hour, 24 * time.Hour}
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Error(diff)
	}
}

func failUntil(n, ok int) error {
	if n < ok {
		return errors.New("slack is down")
	}
	return nil
}

func TestRunWorksTasksAsTheyComeDueAndLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		start := time.Now()
		var delivered []time.Duration
		l := newLoop(t, st, engine.Options{Handlers: map[string]engine.Handler{
			leadloop.TaskNotify: engine.HandlerFunc(func(context.Context, leadloop.Task) error {
				delivered = append(delivered, time.Since(start))
				return nil
			}),
		}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		s := submission("k1", "ana@acme.com")
		s.ReceivedAt = start.Add(90 * time.Second)
		if _, err := l.Submit(ctx, s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]time.Duration{90 * time.Second}, delivered); diff != "" {
			t.Error(diff)
		}
	})
}

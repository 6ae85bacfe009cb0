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

// notices adds n outside tasks that are due now.
func notices(t *testing.T, st store.Store, n int) {
	t.Helper()
	if err := st.Update(t.Context(), func(tx store.Tx) error {
		for i := range n {
			if err := tx.Tasks().Add(t.Context(), leadloop.Task{Key: fmt.Sprintf("notice-%02d", i), Kind: leadloop.TaskNotify, DueAt: time.Now(), Outside: true}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func states(t *testing.T, st store.Store) map[leadloop.TaskState]int {
	t.Helper()
	count := map[leadloop.TaskState]int{}
	if err := st.View(t.Context(), func(tx store.Tx) error {
		all, err := tx.Tasks().ByLead(t.Context(), "")
		for _, x := range all {
			count[x.State]++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return count
}

func stored(t *testing.T, st store.Store, id leadloop.LeadID) (lead *leadloop.Lead) {
	t.Helper()
	if err := st.View(t.Context(), func(tx store.Tx) (err error) {
		lead, err = store.Resolve(t.Context(), tx.Leads(), id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return lead
}

func TestRunWorksAsManyTasksAtOnceAsItHasWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		notices(t, st, 10)
		running, most := make(chan struct{}, 100), 0
		l := newLoop(t, st, engine.Options{Workers: 4, Handlers: map[string]engine.Handler{
			leadloop.TaskNotify: engine.HandlerFunc(func(context.Context, leadloop.Task) error {
				running <- struct{}{}
				time.Sleep(time.Minute)
				<-running
				return nil
			}),
		}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		for range 3 {
			time.Sleep(30 * time.Second)
			synctest.Wait()
			most = max(most, len(running))
			time.Sleep(30 * time.Second)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if most != 4 {
			t.Errorf("%d tasks ran at once", most)
		}
		// Ten tasks of a minute with four workers take three minutes.
		if diff := cmp.Diff(map[leadloop.TaskState]int{leadloop.TaskDone: 10}, states(t, st)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRunThatIsToldToEndFinishesWhatIsUnderWayWithinItsGrace(t *testing.T) {
	for name, tc := range map[string]struct {
		takes time.Duration
		want  map[leadloop.TaskState]int
		ends  time.Duration // after it was told
	}{
		"a task that is soon done is done":     {5 * time.Second, map[leadloop.TaskState]int{leadloop.TaskDone: 1, leadloop.TaskPending: 2}, 4 * time.Second},
		"one that takes too long is abandoned": {time.Hour, map[leadloop.TaskState]int{leadloop.TaskPending: 3}, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := memstore.New()
				notices(t, st, 3)
				l := newLoop(t, st, engine.Options{Grace: 10 * time.Second, Handlers: map[string]engine.Handler{
					leadloop.TaskNotify: engine.HandlerFunc(func(ctx context.Context, _ leadloop.Task) error {
						select {
						case <-time.After(tc.takes):
							return nil
						case <-ctx.Done():
							return ctx.Err()
						}
					}),
				}})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- l.Run(ctx) }()
				time.Sleep(time.Second)
				cancel()
				told := time.Now()
				if err := <-done; err != nil {
					t.Error(err)
				}
				if took := time.Since(told); took != tc.ends {
					t.Errorf("Run ended after %v, want %v", took, tc.ends)
				}
				if diff := cmp.Diff(tc.want, states(t, st)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestAHotLeadOvertakesABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		l := newLoop(t, st, engine.Options{Urgency: func(lead *leadloop.Lead, p *leadloop.Profile, _ time.Time) int {
			title, _ := leadloop.Title.Get(p)
			return len(title)
		}})
		for i := range 40 {
			if _, err := l.Submit(t.Context(), submission(fmt.Sprint("cold", i), fmt.Sprintf("cold%d@acme.com", i))); err != nil {
				t.Fatal(err)
			}
		}
		hot := submission("hot", "hot@acme.com")
		hot.ReceivedAt = hot.ReceivedAt.Add(time.Hour)
		hot.Claims = append(hot.Claims, leadloop.Title.Claim("VP", leadloop.Evidence{Source: "form"}))
		res, err := l.Submit(t.Context(), hot)
		if err != nil {
			t.Fatal(err)
		}
		if !res.Pending || res.Lead.State.Disposition != "" {
			t.Errorf("a submitted lead is not pending: %+v", res)
		}
		if n, err := l.Work(t.Context(), hot.ReceivedAt, 1); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if got := stored(t, st, res.Record); got.State.Disposition == "" {
			t.Error("the hot lead is not the first to be decided")
		}
	})
}

// slow decides after a while.
type slow struct {
	leadloop.Stage
	takes time.Duration
}

func (s slow) Decide(ctx context.Context, sub leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
	select {
	case <-time.After(s.takes):
		return s.Stage.Decide(ctx, sub)
	case <-ctx.Done():
		return leadloop.Outcome{}, leadloop.Effects{}, ctx.Err()
	}
}

func TestALeadWhoseDeadlinePassesIsStoredAndDecidedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		l := newLoop(t, st, engine.Options{}, slow{assign("ana"), time.Second})
		s := submission("k1", "ana@acme.com")
		s.ReceivedAt = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		res, err := l.Process(ctx, s, s.ReceivedAt)
		if err != nil || !res.Pending {
			t.Fatalf("want the submission stored and pending, got %+v, %v", res, err)
		}
		if took := time.Since(s.ReceivedAt); took != 300*time.Millisecond {
			t.Errorf("Process took %v", took)
		}
		running, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(running) }()
		time.Sleep(2 * time.Second)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := stored(t, st, res.Record); got.State.Owner == "" {
			t.Error("the lead got no owner later")
		}

		// A caller who went away is told so, and may come again.
		gone, leave := context.WithCancel(t.Context())
		leave()
		s.Key = "k2"
		if _, err := l.Process(gone, s, s.ReceivedAt); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// jostled is a store in which other transactions get in the way of every
// second Update, as a serializable database reports it.
type jostled struct {
	store.Store
	updates int
}

func (s *jostled) Update(ctx context.Context, f func(tx store.Tx) error) error {
	s.updates++
	if s.updates%2 == 1 {
		return fmt.Errorf("serialization failure: %w", leadloop.ErrConflict)
	}
	return s.Store.Update(ctx, f)
}

func TestATaskIsDoneOnceAlsoWhenOtherTransactionsGetInTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		notices(t, st, 1)
		delivered := 0
		l := newLoop(t, &jostled{Store: st}, engine.Options{Handlers: map[string]engine.Handler{
			leadloop.TaskNotify: engine.HandlerFunc(func(context.Context, leadloop.Task) error { delivered++; return nil }),
		}})
		if n, err := l.Work(t.Context(), time.Now(), 10); n != 1 || err != nil {
			t.Errorf("worked %d, %v", n, err)
		}
		if diff := cmp.Diff(map[leadloop.TaskState]int{leadloop.TaskDone: 1}, states(t, st)); diff != "" || delivered != 1 {
			t.Errorf("delivered %d times: %s", delivered, diff)
		}
	})
}

func TestRunEndsWithAnErrorWhenItsStoreIsClosedAndLeavesNoGoroutine(t *testing.T) {
	// A bubble does not end while a goroutine of it is left.
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		notices(t, st, 10)
		l := newLoop(t, st, engine.Options{Workers: 4, Handlers: map[string]engine.Handler{
			leadloop.TaskNotify: engine.HandlerFunc(func(context.Context, leadloop.Task) error {
				time.Sleep(time.Minute)
				return nil
			}),
		}})
		done := make(chan error)
		go func() { done <- l.Run(t.Context()) }()
		time.Sleep(90 * time.Second) // four are done, four are under way
		closed := time.Now()
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		err := <-done
		if !errors.Is(err, store.ErrClosed) || !errors.Is(err, leadloop.ErrUnavailable) {
			t.Errorf("Run ended with %v", err)
		}
		if took := time.Since(closed); took > time.Minute {
			t.Errorf("Run ended %v later", took)
		}
	})
}

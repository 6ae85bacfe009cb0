package engine_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// clocked is a store with a clock of its own, the true one.
type clocked struct{ store.Store }

func (clocked) Now(context.Context) (time.Time, error) { return time.Now(), nil }

func TestMachinesWhoseClocksAreAnHourOffAgreeOnLeasesByTheStoresClock(t *testing.T) {
	for name, tc := range map[string]struct {
		store func(store.Store) store.Store
		twice bool
	}{
		"a store with a clock":    {func(s store.Store) store.Store { return clocked{s} }, false},
		"a store without a clock": {func(s store.Store) store.Store { return s }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := tc.store(memstore.New())
				var delivered atomic.Int64
				var done [3]chan error
				ctx, stop := context.WithCancel(t.Context())
				notices(t, st, 1)
				for i, off := range []time.Duration{0, time.Hour, -time.Hour} {
					loop := newLoop(t, st, engine.Options{
						Now: func() time.Time { return time.Now().Add(off) }, Hold: 5 * time.Minute,
						Handlers: map[string]engine.Handler{leadloop.TaskNotify: engine.HandlerFunc(func(context.Context, leadloop.Task) error {
							delivered.Add(1)
							time.Sleep(time.Minute) // well within its lease
							return nil
						})},
					})
					done[i] = make(chan error, 1)
					go func() { done[i] <- loop.Run(ctx) }()
					time.Sleep(time.Second) // the first has the task
				}
				time.Sleep(10 * time.Minute)
				stop()
				for _, d := range done {
					if err := <-d; err != nil {
						t.Error(err)
					}
				}
				if n := delivered.Load(); (n > 1) != tc.twice || n == 0 {
					t.Errorf("delivered %d times", n)
				}
				if s := states(t, st); s[leadloop.TaskDone] != 1 {
					t.Errorf("tasks: %v", s)
				}
			})
		})
	}
}

func TestALeadOfAMachineWhoseClockIsAheadDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := clocked{memstore.New()}
		loop := newLoop(t, st, engine.Options{Now: func() time.Time { return time.Now().Add(time.Hour) }})
		s := submission("1", "a@example.com")
		s.ReceivedAt = time.Now().Add(time.Hour) // as its own clock says
		res, err := loop.Submit(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- loop.Run(ctx) }()
		time.Sleep(time.Second)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if l := stored(t, st, res.Record); l.State.Owner != "ana" {
			t.Errorf("after a second its owner is %q", l.State.Owner)
		}
	})
}

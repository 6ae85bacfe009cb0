package engine_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// TestAnEngineThatWasTooSlowCannotEndTheTaskOfTheOneThatTookOver: two engines
// come to hold one task, because the first sleeps longer than its lease.
func TestAnEngineThatWasTooSlowCannotEndTheTaskOfTheOneThatTookOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		var mu sync.Mutex
		var said []string
		worker := func(name string, takes time.Duration) *engine.Loop {
			return newLoop(t, st, engine.Options{Hold: time.Minute, Handlers: map[string]engine.Handler{
				leadloop.TaskNotify: engine.HandlerFunc(func(_ context.Context, x leadloop.Task) error {
					time.Sleep(takes)
					mu.Lock()
					defer mu.Unlock()
					said = append(said, name+" delivered under the same key "+x.Key)
					return nil
				}),
			}})
		}
		notices(t, st, 1)
		slow, quick := worker("slow", 3*time.Minute), worker("quick", 30*time.Second)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 2)
		go func() { done <- slow.Run(ctx) }()
		synctest.Wait()
		go func() { done <- quick.Run(ctx) }()
		state := func() (x leadloop.Task) {
			t.Helper()
			if err := st.View(t.Context(), func(tx store.Tx) (err error) {
				x, err = tx.Tasks().Get(t.Context(), "notice-00")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return x
		}
		time.Sleep(2 * time.Minute)
		ended := state()
		if ended.Lease != 2 || ended.State != leadloop.TaskDone {
			t.Errorf("after two minutes: lease %d, %s", ended.Lease, ended.State)
		}
		time.Sleep(10 * time.Minute)
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff(ended, state()); diff != "" {
			t.Errorf("the late one changed the task (-before +after):\n%s", diff)
		}
		want := []string{"quick delivered under the same key notice-00", "slow delivered under the same key notice-00"}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Error(diff)
		}
	})
}

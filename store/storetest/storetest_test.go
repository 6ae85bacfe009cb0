package storetest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/store/storetest"
)

// faultVariable makes the test binary run the kit on a faulty store instead of
// its own tests, because a sub-test that fails can't be taken back.
const faultVariable = "STORETEST_FAULT"

// fault is a way to be wrong and the sub-test that must notice.
type fault struct {
	name   string
	caught string
	store  func() store.Store
}

var faults = []fault{
	{"loses rollbacks", "Update_returns_the_error_of_f_and_leaves_nothing_written_in_any_role", func() store.Store {
		return &faulty{Store: memstore.New(), update: func(s store.Store, ctx context.Context, f func(store.Tx) error) error {
			var failed error
			if err := s.Update(ctx, func(tx store.Tx) error { failed = f(tx); return nil }); err != nil {
				return err
			}
			return failed
		}}
	}},
	{"commits when ctx is done", "a_ctx_that_is_cancelled_during_f_leaves_nothing_written", func() store.Store {
		return &faulty{Store: memstore.New(), update: func(s store.Store, ctx context.Context, f func(store.Tx) error) error {
			if err := s.Update(context.WithoutCancel(ctx), f); err != nil {
				return err
			}
			return ctx.Err()
		}}
	}},
	{"writes inside View", "writes_inside_View_fail", func() store.Store {
		return &faulty{Store: memstore.New(), view: store.Store.Update}
	}},
	{"ignores revisions", "Put_with_a_stale_or_a_future_revision_is_ErrConflict_and_changes_nothing", func() store.Store {
		return &faulty{Store: memstore.New(), leads: func(l store.Leads) store.Leads { return carelessLeads{l} }}
	}},
	{"calls a commit a failure", "Update_commits_what_f_wrote_in_every_role", func() store.Store {
		return &faulty{Store: memstore.New(), update: func(s store.Store, ctx context.Context, f func(store.Tx) error) error {
			if err := s.Update(ctx, f); err != nil {
				return err
			}
			return leadloop.ErrUnavailable
		}}
	}},
	{"hands out held tasks", "a_task_handed_out_has_its_lease_and_attempts_counted_and_is_held", func() store.Store {
		return &faulty{Store: memstore.New(), tasks: func(t store.Tasks) store.Tasks { return holdless{t} }}
	}},
	{"truncates times to microseconds", "times_come_back_as_the_same_instant_in_UTC,_to_the_nanosecond", func() store.Store {
		return &faulty{Store: memstore.New(), tasks: func(t store.Tasks) store.Tasks { return micro{t} }}
	}},
	{"forgets that it is closed", "calls_after_Close_return_ErrClosed", func() store.Store {
		return &faulty{Store: memstore.New(), close: func() error { return nil }}
	}},
	{"lies about its capabilities", "capabilities", func() store.Store {
		return &faulty{Store: memstore.New(), capabilities: &store.Capabilities{Transactions: true}}
	}},
}

// TestFaultyStore is what the test below runs in a process of its own.
func TestFaultyStore(t *testing.T) {
	name := os.Getenv(faultVariable)
	if name == "" {
		t.Skip("run by TestTheKitNoticesFaultyStores")
	}
	for _, f := range faults {
		if f.name == name {
			storetest.Run(t, storetest.Config{New: func(testing.TB) store.Store { return f.store() }})
			return
		}
	}
	t.Fatalf("no fault is called %q", name)
}

func TestTheKitNoticesFaultyStores(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			run := "^TestFaultyStore$/.*/^" + quote(f.caught) + "$"
			if f.caught == "capabilities" {
				run = "^TestFaultyStore$/^capabilities$"
			}
			cmd := exec.Command(os.Args[0], "-test.run", run, "-test.v")
			cmd.Env = append(cmd.Environ(), faultVariable+"="+f.name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL") || !strings.Contains(string(out), f.caught) {
				t.Errorf("the kit passed a store that %s (%v):\n%s", f.name, err, out)
			}
		})
	}
}

func quote(s string) string { return strings.ReplaceAll(s, ".", `\.`) }

func TestAnExceptionIsSkippedWithItsReason(t *testing.T) {
	storetest.Run(t, storetest.Config{
		New: func(testing.TB) store.Store {
			return &faulty{Store: memstore.New(), capabilities: &store.Capabilities{Transactions: true}, leads: func(l store.Leads) store.Leads { return carelessLeads{l} }}
		},
		Except: map[storetest.Capability]string{
			storetest.Revisions:         "the test's store overwrites whatever is there",
			storetest.ConcurrentWriters: "it therefore loses concurrent writes",
		},
	})
}

// faulty is a store with one thing changed.
type faulty struct {
	store.Store
	view, update func(s store.Store, ctx context.Context, f func(store.Tx) error) error
	leads        func(store.Leads) store.Leads
	tasks        func(store.Tasks) store.Tasks
	capabilities *store.Capabilities
	close        func() error
}

func (s *faulty) View(ctx context.Context, f func(store.Tx) error) error {
	return s.call(s.view, store.Store.View, ctx, f)
}

func (s *faulty) Update(ctx context.Context, f func(store.Tx) error) error {
	return s.call(s.update, store.Store.Update, ctx, f)
}

func (s *faulty) call(changed, usual func(store.Store, context.Context, func(store.Tx) error) error, ctx context.Context, f func(store.Tx) error) error {
	if changed == nil {
		changed = usual
	}
	return changed(s.Store, ctx, func(tx store.Tx) error { return f(faultyTx{tx, s}) })
}

func (s *faulty) Capabilities() store.Capabilities {
	if s.capabilities != nil {
		return *s.capabilities
	}
	return s.Store.Capabilities()
}

func (s *faulty) Close() error {
	if s.close != nil {
		return s.close()
	}
	return s.Store.Close()
}

type faultyTx struct {
	store.Tx
	s *faulty
}

func (t faultyTx) Leads() store.Leads {
	if t.s.leads != nil {
		return t.s.leads(t.Tx.Leads())
	}
	return t.Tx.Leads()
}

func (t faultyTx) Tasks() store.Tasks {
	if t.s.tasks != nil {
		return t.s.tasks(t.Tx.Tasks())
	}
	return t.Tx.Tasks()
}

// carelessLeads puts over whatever revision is there.
type carelessLeads struct{ store.Leads }

func (r carelessLeads) Put(ctx context.Context, l *leadloop.Lead) (int64, error) {
	c := l.Clone()
	if old, err := r.Get(ctx, l.ID); err == nil {
		c.Revision = old.Revision
	} else {
		c.Revision = 0
	}
	return r.Leads.Put(ctx, c)
}

// holdless hands tasks out without holding them.
type holdless struct{ store.Tasks }

func (r holdless) Lease(ctx context.Context, now time.Time, _ time.Duration, limit int, kinds ...string) ([]leadloop.Task, error) {
	return r.Tasks.Lease(ctx, now, 0, limit, kinds...)
}

// micro keeps microseconds only.
type micro struct{ store.Tasks }

func (r micro) Add(ctx context.Context, tasks ...leadloop.Task) error {
	for i := range tasks {
		tasks[i].DueAt = tasks[i].DueAt.Truncate(time.Microsecond)
	}
	return r.Tasks.Add(ctx, tasks...)
}

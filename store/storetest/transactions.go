package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// overlap is how long a test waits for a concurrent call that a store may
// either run at once or hold back until the transaction before it ends.
const overlap = 100 * time.Millisecond

var errHost = errors.New("the host's own error")

var transactionSentences = []sentence{
	{"a new store is empty", "", func(k *kit) {
		same(k, "contents", nothing(), read(k, dump))
	}},
	{"Update commits what f wrote in every role", "", func(k *kit) {
		k.update(writeAll)
		same(k, "contents", written(), read(k, dump))
	}},
	{"what f wrote is visible to its own later reads in every role", "", func(k *kit) {
		var got contents
		k.update(func(ctx context.Context, tx store.Tx) (err error) {
			if err := writeAll(ctx, tx); err != nil {
				return err
			}
			got, err = dump(ctx, tx)
			return err
		})
		same(k, "contents seen inside", written(), got)
	}},
	{"Update returns the error of f and leaves nothing written in any role", Transactions, func(k *kit) {
		k.refused(errHost, func(ctx context.Context, tx store.Tx) error {
			return errors.Join(writeAll(ctx, tx), errHost)
		})
		same(k, "contents", nothing(), read(k, dump))
		k.update(writeAll)
		same(k, "contents after trying again", written(), read(k, dump))
	}},
	{"View returns the error of f", "", func(k *kit) {
		err := k.s.View(k.ctx, func(store.Tx) error { return errHost })
		if !errors.Is(err, errHost) {
			k.Fatalf("want the host's error, got %v", err)
		}
	}},
	{"a panic in f goes on, leaves nothing written and holds nothing up", Transactions, func(k *kit) {
		func() {
			defer func() {
				if p := recover(); p != "host bug" {
					k.Errorf("want the host's panic, got %v", p)
				}
			}()
			k.update(func(ctx context.Context, tx store.Tx) error {
				if err := writeAll(ctx, tx); err != nil {
					k.Errorf("before the panic: %v", err)
				}
				panic("host bug")
			})
		}()
		same(k, "contents", nothing(), read(k, dump))
		k.update(writeAll)
	}},
	{"a panic in View goes on and holds nothing up", "", func(k *kit) {
		func() {
			defer func() {
				if p := recover(); p != "host bug" {
					k.Errorf("want the host's panic, got %v", p)
				}
			}()
			_ = k.s.View(k.ctx, func(store.Tx) error { panic("host bug") })
		}()
		k.update(writeAll)
	}},
	{"what is not committed is not visible to others", Isolation, func(k *kit) {
		view := make(chan contents, 1)
		k.update(func(ctx context.Context, tx store.Tx) error {
			if err := writeAll(ctx, tx); err != nil {
				return err
			}
			go func() {
				var c contents
				if err := k.s.View(ctx, func(tx store.Tx) (err error) {
					c, err = dump(ctx, tx)
					return err
				}); err != nil {
					k.Errorf("View: %v", err)
				}
				view <- c
			}()
			select {
			case c := <-view:
				same(k, "contents seen before the commit", nothing(), c)
				close(view)
			case <-time.After(overlap):
				// The store holds the View back until the commit, or is slow.
			}
			return nil
		})
		if c, ok := <-view; ok && !cmp.Equal(nothing(), c, cmpopts.EquateEmpty()) {
			same(k, "contents seen during the commit, if any", written(), c)
		}
		same(k, "contents seen after the commit", written(), read(k, dump))
	}},
	{"all reads of a View see one moment", Isolation, func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error { return putLeads(ctx, tx, "a", "b") })
		updated := make(chan error, 1)
		err := k.s.View(k.ctx, func(tx store.Tx) error {
			if _, err := tx.Leads().Get(k.ctx, "a"); err != nil {
				return err
			}
			go func() {
				updated <- k.s.Update(k.ctx, func(tx store.Tx) error {
					for _, id := range []leadloop.LeadID{"a", "b"} {
						l := plainLead(id)
						l.Revision = 1
						if _, err := tx.Leads().Put(k.ctx, l); err != nil {
							return err
						}
					}
					return tx.Journal().Append(k.ctx, fullEvent("a"))
				})
			}()
			select {
			case err := <-updated:
				updated <- err
			case <-time.After(overlap):
				// The store holds the Update back until the View ends.
			}
			b, err := tx.Leads().Get(k.ctx, "b")
			if err != nil {
				return err
			}
			events, err := collect(tx.Journal().Since(k.ctx, 0))
			if err != nil {
				return err
			}
			if b.Revision != 1 || len(events) != 0 {
				k.Errorf("a View that had read revision 1 of one lead saw revision %d of the other and %d events", b.Revision, len(events))
			}
			return nil
		})
		if err := errors.Join(err, <-updated); err != nil {
			k.Fatal(err)
		}
	}},
	{"writes inside View fail", ReadOnlyViews, func(k *kit) {
		for _, w := range append(writes, struct {
			name string
			do   func(context.Context, store.Tx) error
		}{"Tasks.Lease", func(ctx context.Context, tx store.Tx) error {
			_, err := tx.Tasks().Lease(ctx, noon, time.Minute, 1)
			return err
		}}) {
			err := k.s.View(k.ctx, func(tx store.Tx) error { return w.do(k.ctx, tx) })
			if err == nil {
				k.Errorf("%s inside View succeeded", w.name)
			}
		}
		same(k, "contents", nothing(), read(k, dump))
	}},
	{"a transaction fails after f returned", "", func(k *kit) {
		var kept []store.Tx
		k.update(func(ctx context.Context, tx store.Tx) error { kept = append(kept, tx); return putLeads(ctx, tx, "a") })
		if err := k.s.View(k.ctx, func(tx store.Tx) error { kept = append(kept, tx); return nil }); err != nil {
			k.Fatal(err)
		}
		k.refused(errHost, func(_ context.Context, tx store.Tx) error { kept = append(kept, tx); return errHost })
		for i, tx := range kept {
			if _, err := tx.Leads().Get(k.ctx, "a"); err == nil {
				k.Errorf("transaction %d: Get succeeded after f returned", i)
			}
			if err := tx.Tasks().Add(k.ctx, fullTask("late")); err == nil {
				k.Errorf("transaction %d: Add succeeded after f returned", i)
			}
			if _, err := collect(tx.Journal().Since(k.ctx, 0)); err == nil {
				k.Errorf("transaction %d: Since yielded no error after f returned", i)
			}
		}
		missing(k, "the late task", func(ctx context.Context, tx store.Tx) (leadloop.Task, error) { return tx.Tasks().Get(ctx, "late") })
	}},
	{"calls after Close return ErrClosed", "", func(k *kit) {
		k.update(writeAll)
		if err := k.s.Close(); err != nil {
			k.Fatalf("Close: %v", err)
		}
		for name, call := range map[string]func(context.Context, func(store.Tx) error) error{"View": k.s.View, "Update": k.s.Update} {
			err := call(k.ctx, func(tx store.Tx) error {
				k.Errorf("%s called f after Close", name)
				return nil
			})
			if !errors.Is(err, store.ErrClosed) {
				k.Errorf("%s after Close: want ErrClosed, got %v", name, err)
			}
		}
	}},
	{"a ctx that is done before the call ends it with its error", "", func(k *kit) {
		ctx, cancel := context.WithCancel(k.ctx)
		cancel()
		wantDone(k, context.Canceled, ctx)
		ctx, cancel = context.WithDeadline(k.ctx, time.Unix(0, 0))
		defer cancel()
		wantDone(k, context.DeadlineExceeded, ctx)
	}},
	{"a ctx that is cancelled during f leaves nothing written", Transactions, func(k *kit) {
		ctx, cancel := context.WithCancel(k.ctx)
		defer cancel()
		err := k.s.Update(ctx, func(tx store.Tx) error {
			if err := writeAll(ctx, tx); err != nil {
				return err
			}
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			k.Errorf("want context.Canceled, got %v", err)
		}
		same(k, "contents", nothing(), read(k, dump))
		k.update(writeAll)
	}},
	{"a role call with a done ctx fails with its error", "", func(k *kit) {
		done, cancel := context.WithCancel(k.ctx)
		cancel()
		k.refused(errHost, func(_ context.Context, tx store.Tx) error {
			if _, err := tx.Leads().Get(done, "a"); !errors.Is(err, context.Canceled) {
				k.Errorf("Get: want context.Canceled, got %v", err)
			}
			if _, err := tx.Leads().Put(done, plainLead("a")); !errors.Is(err, context.Canceled) {
				k.Errorf("Put: want context.Canceled, got %v", err)
			}
			if _, err := collect(tx.Journal().Since(done, 0)); !errors.Is(err, context.Canceled) {
				k.Errorf("Since: want context.Canceled, got %v", err)
			}
			return errHost
		})
	}},
	{"a refused write leaves the transaction usable", "", func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error {
			if err := tx.Leads().Delete(ctx, "nobody"); !errors.Is(err, leadloop.ErrNotFound) {
				k.Errorf("Delete: want ErrNotFound, got %v", err)
			}
			if err := tx.Rotations().Move(ctx, move("pool-1", 0, "rep-1", noon, owed("rep-1", 1))); !errors.Is(err, leadloop.ErrInvalid) {
				k.Errorf("Move: want ErrInvalid, got %v", err)
			}
			return writeAll(ctx, tx)
		})
		same(k, "contents", written(), read(k, dump))
	}},
}

func wantDone(k *kit, want error, ctx context.Context) {
	k.Helper()
	for name, call := range map[string]func(context.Context, func(store.Tx) error) error{"View": k.s.View, "Update": k.s.Update} {
		err := call(ctx, func(tx store.Tx) error {
			if name == "View" {
				return nil
			}
			return putLeads(k.ctx, tx, "a")
		})
		if !errors.Is(err, want) {
			k.Errorf("%s: want %v, got %v", name, want, err)
		}
	}
	if _, excepted := k.cfg.Except[Transactions]; !excepted {
		same(k, "contents", nothing(), read(k, dump))
	}
}

// putLeads puts new leads.
func putLeads(ctx context.Context, tx store.Tx, ids ...leadloop.LeadID) error {
	for _, id := range ids {
		if _, err := tx.Leads().Put(ctx, plainLead(id)); err != nil {
			return err
		}
	}
	return nil
}

var durabilitySentences = []sentence{
	{"what Update committed in every role survives reopening", Durable, func(k *kit) {
		k.update(writeAll)
		k.reopen()
		same(k, "contents", written(), read(k, dump))
	}},
	{"what was rolled back does not come back", Durable, func(k *kit) {
		k.refused(errHost, func(ctx context.Context, tx store.Tx) error { return errors.Join(writeAll(ctx, tx), errHost) })
		k.reopen()
		same(k, "contents", nothing(), read(k, dump))
	}},
	{"keys, revisions, leases and the journal go on where they were", Durable, func(k *kit) {
		k.update(writeAll)
		last := read(k, lastSeq)
		k.reopen()
		k.refused(leadloop.ErrConflict, func(ctx context.Context, tx store.Tx) error { return putLeads(ctx, tx, "lead-1") })
		k.update(func(ctx context.Context, tx store.Tx) error {
			bound, claimed, err := tx.Keys().Claim(ctx, "key-1", "lead-2")
			if claimed || bound != "lead-1" {
				k.Errorf("a key that was claimed before: bound to %q, claimed %v", bound, claimed)
			}
			return errors.Join(err, tx.Journal().Append(ctx, fullEvent("lead-3")), tx.Tasks().Add(ctx, fullTask("task-1")))
		})
		if next := read(k, lastSeq); next <= last {
			k.Errorf("Seq %d after reopening follows %d", next, last)
		}
		task := read(k, func(ctx context.Context, tx store.Tx) (leadloop.Task, error) { return tx.Tasks().Get(ctx, "task-1") })
		if task.State != leadloop.TaskDone {
			k.Errorf("a task done before is %s after adding it again", task.State)
		}
	}},
}

func (k *kit) reopen() {
	k.Helper()
	k.s = k.cfg.Reopen(k.T, k.s)
}

func lastSeq(ctx context.Context, tx store.Tx) (int64, error) {
	events, err := collect(tx.Journal().Since(ctx, 0))
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return events[len(events)-1].Seq, nil
}

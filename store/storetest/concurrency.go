package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// crowd is how many goroutines a flood has.
const crowd = 32

// flood calls f from a crowd of goroutines that start together, waits for all
// and returns their errors.
func flood(f func(i int) error) error {
	start := make(chan struct{})
	errs := make([]error, crowd)
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errors.Join(errs...)
}

func (k *kit) flood(f func(i int) error) {
	k.Helper()
	if err := flood(f); err != nil {
		k.Fatal(err)
	}
}

var concurrencySentences = []sentence{
	{"of 32 transactions that claim one key exactly one commits with true", ConcurrentWriters, func(k *kit) {
		var won atomic.Int64
		var winner atomic.Value
		k.flood(func(i int) error {
			id := leadloop.LeadID(fmt.Sprintf("lead-%d", i))
			var bound leadloop.LeadID
			var claimed bool
			err := k.retry(func(ctx context.Context, tx store.Tx) (err error) {
				bound, claimed, err = tx.Keys().Claim(ctx, "key", id)
				return err
			})
			if err == nil && claimed {
				won.Add(1)
				winner.Store(bound)
			}
			return err
		})
		if n := won.Load(); n != 1 {
			k.Fatalf("%d transactions committed with true", n)
		}
		bound := read(k, func(ctx context.Context, tx store.Tx) (leadloop.LeadID, error) { return tx.Keys().Lookup(ctx, "key") })
		same(k, "the lead bound", winner.Load().(leadloop.LeadID), bound)
	}},
	{"of 32 transactions that put one revision exactly one commits", Revisions, func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error { return putLeads(ctx, tx, "a") })
		var won atomic.Int64
		k.flood(func(i int) error {
			l := plainLead("a", email(fmt.Sprintf("%d@example.com", i)))
			l.Revision = 1
			err := k.tryUpdate(func(ctx context.Context, tx store.Tx) error {
				_, err := tx.Leads().Put(ctx, l)
				return err
			})
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, leadloop.ErrConflict):
				return nil
			}
			return err
		})
		l := read(k, getLead("a"))
		if n := won.Load(); n != 1 || l.Revision != 2 {
			k.Fatalf("%d transactions committed, the revision is %d", n, l.Revision)
		}
	}},
	{"of 32 transactions that put one new lead exactly one commits", Revisions, func(k *kit) {
		var won atomic.Int64
		k.flood(func(int) error {
			err := k.tryUpdate(func(ctx context.Context, tx store.Tx) error { return putLeads(ctx, tx, "a") })
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, leadloop.ErrConflict):
				return nil
			}
			return err
		})
		if n := won.Load(); n != 1 {
			k.Fatalf("%d transactions committed", n)
		}
	}},
	{"of two interlocked transactions that change what both read one is refused", Revisions, func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error { return putLeads(ctx, tx, "a") })
		bump := func(ctx context.Context, tx store.Tx, between func()) error {
			l, err := tx.Leads().Get(ctx, "a")
			if err != nil {
				return err
			}
			between()
			_, err = tx.Leads().Put(ctx, l)
			return err
		}
		second := make(chan error, 1)
		tries := 0
		first := k.tryUpdate(func(ctx context.Context, tx store.Tx) error {
			tries++
			return bump(ctx, tx, func() {
				go func() {
					second <- k.tryUpdate(func(ctx context.Context, tx store.Tx) error { return bump(ctx, tx, func() {}) })
				}()
				select {
				case err := <-second:
					second <- err
				case <-time.After(overlap):
					// The store holds the second back until the first ends.
				}
			})
		})
		var other error
		select {
		case other = <-second:
		case <-k.ctx.Done():
			k.Fatal("the second transaction hangs")
		}
		if tries != 1 {
			k.Errorf("Update called f %d times", tries)
		}
		for _, err := range []error{first, other} {
			if err != nil && !errors.Is(err, leadloop.ErrConflict) {
				k.Fatalf("want ErrConflict, got %v", err)
			}
		}
		want := int64(1)
		for _, err := range []error{first, other} {
			if err == nil {
				want++
			}
		}
		// Both commit only if the second began after the first had ended.
		if got := read(k, getLead("a")).Revision; got != want || want == 1 {
			k.Fatalf("the first ended with %v, the second with %v, the revision is %d", first, other, got)
		}
	}},
	{"concurrent updates of one lead lose no write", ConcurrentWriters, func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error { return putLeads(ctx, tx, "a") })
		k.flood(func(i int) error {
			return k.retry(func(ctx context.Context, tx store.Tx) error {
				l, err := tx.Leads().Get(ctx, "a")
				if err != nil {
					return err
				}
				l.Records = append(l.Records, leadloop.LeadID(fmt.Sprint(i)))
				_, err = tx.Leads().Put(ctx, l)
				return err
			})
		})
		l := read(k, getLead("a"))
		seen := map[leadloop.LeadID]bool{}
		for _, r := range l.Records {
			seen[r] = true
		}
		if len(seen) != crowd || l.Revision != crowd+1 {
			k.Fatalf("%d of %d writes are left at revision %d", len(seen), crowd, l.Revision)
		}
	}},
	{"of 32 transactions that look for an identifier and else create a lead one creates it", ConcurrentWriters, func(k *kit) {
		who := email("ana@example.com")
		k.flood(func(i int) error {
			return k.retry(func(ctx context.Context, tx store.Tx) error {
				found, err := tx.Leads().Match(ctx, []leadloop.Identifier{who})
				if err != nil || len(found) > 0 {
					return err
				}
				_, err = tx.Leads().Put(ctx, plainLead(leadloop.LeadID(fmt.Sprintf("lead-%d", i)), who))
				return err
			})
		})
		if found := read(k, match(who)); len(found) != 1 {
			k.Fatalf("%d leads were created: Updates must come out as if they had run one after the other", len(found))
		}
	}},
	{"32 transactions that move one ledger lose no move", ConcurrentWriters, func(k *kit) {
		k.flood(func(i int) error {
			return k.retry(func(ctx context.Context, tx store.Tx) error {
				r, err := tx.Rotations().Get(ctx, "pool")
				if err != nil {
					return err
				}
				return tx.Rotations().Move(ctx, move("pool", r.Revision, "b", at(time.Duration(i)), owed("a", 3), owed("b", -3)))
			})
		})
		same(k, "the ledger", store.Rotation{Pool: "pool", Revision: crowd, Balances: []store.Balance{
			{Member: "a", Owed: 3 * crowd}, {Member: "b", Owed: -3 * crowd, Count: crowd, LastAt: at(crowd - 1)},
		}}, read(k, rotation("pool")))
	}},
	{"of 32 transactions that move one revision of a ledger exactly one commits", Revisions, func(k *kit) {
		var won atomic.Int64
		k.flood(func(int) error {
			err := k.tryUpdate(func(ctx context.Context, tx store.Tx) error {
				return tx.Rotations().Move(ctx, move("pool", 0, "", noon, owed("a", 1), owed("b", -1)))
			})
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, leadloop.ErrConflict):
				return nil
			}
			return err
		})
		if n := won.Load(); n != 1 {
			k.Fatalf("%d transactions committed", n)
		}
	}},
	{"two workers never get the same task", ConcurrentWriters, func(k *kit) {
		const tasks = 100
		k.update(func(ctx context.Context, tx store.Tx) error {
			for i := range tasks {
				if err := tx.Tasks().Add(ctx, plainTask(fmt.Sprintf("task-%03d", i), "k", noon)); err != nil {
					return err
				}
			}
			return nil
		})
		var mu sync.Mutex
		handed := map[string]int{}
		k.flood(func(int) error {
			for {
				var leased []leadloop.Task
				err := k.retry(func(ctx context.Context, tx store.Tx) (err error) {
					leased, err = tx.Tasks().Lease(ctx, noon, time.Hour, 3)
					return err
				})
				if err != nil || len(leased) == 0 {
					return err
				}
				mu.Lock()
				for _, t := range leased {
					handed[t.Key]++
				}
				mu.Unlock()
			}
		})
		for key, n := range handed {
			if n != 1 {
				k.Errorf("%s was handed out %d times", key, n)
			}
		}
		if len(handed) != tasks {
			k.Errorf("%d of %d tasks were handed out", len(handed), tasks)
		}
	}},
	{"a reader that goes on from the last Seq misses no event of concurrent commits", ConcurrentWriters, func(k *kit) {
		const each = 4
		written := make(chan error, 1)
		go func() {
			written <- flood(func(i int) error {
				for range each {
					if err := k.retry(func(ctx context.Context, tx store.Tx) error {
						return tx.Journal().Append(ctx, fullEvent(leadloop.LeadID(fmt.Sprint(i))), fullEvent("b"))
					}); err != nil {
						return err
					}
				}
				return nil
			})
		}()
		var last int64
		seen := 0
		for ended := false; !ended; {
			select {
			case err := <-written:
				if err != nil {
					k.Fatal(err)
				}
				ended = true // and read once more
			default:
			}
			for _, e := range read(k, func(ctx context.Context, tx store.Tx) ([]leadloop.Event, error) {
				return collect(tx.Journal().Since(ctx, last))
			}) {
				if e.Seq <= last {
					k.Fatalf("Seq %d follows %d", e.Seq, last)
				}
				last = e.Seq
				seen++
			}
		}
		if want := crowd * each * 2; seen != want {
			k.Fatalf("saw %d events of %d: a Seq was committed after a higher one had been seen", seen, want)
		}
	}},
	{"Views and Updates run concurrently, and every View sees whole transactions", Isolation, func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error { return putLeads(ctx, tx, "a", "b") })
		k.flood(func(i int) error {
			if i%4 == 0 {
				return k.retry(func(ctx context.Context, tx store.Tx) error {
					for _, id := range []leadloop.LeadID{"a", "b"} {
						l, err := tx.Leads().Get(ctx, id)
						if err != nil {
							return err
						}
						if _, err := tx.Leads().Put(ctx, l); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return k.s.View(k.ctx, func(tx store.Tx) error {
				a, err := tx.Leads().Get(k.ctx, "a")
				if err != nil {
					return err
				}
				b, err := tx.Leads().Get(k.ctx, "b")
				if err == nil && a.Revision != b.Revision {
					return fmt.Errorf("a View saw revision %d of one lead and %d of the other", a.Revision, b.Revision)
				}
				return err
			})
		})
	}},
}

func getLead(id leadloop.LeadID) func(context.Context, store.Tx) (*leadloop.Lead, error) {
	return func(ctx context.Context, tx store.Tx) (*leadloop.Lead, error) { return tx.Leads().Get(ctx, id) }
}

func match(ids ...leadloop.Identifier) func(context.Context, store.Tx) ([]leadloop.LeadID, error) {
	return func(ctx context.Context, tx store.Tx) ([]leadloop.LeadID, error) { return tx.Leads().Match(ctx, ids) }
}

func rotation(pool string) func(context.Context, store.Tx) (store.Rotation, error) {
	return func(ctx context.Context, tx store.Tx) (store.Rotation, error) { return tx.Rotations().Get(ctx, pool) }
}

package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// trimmer skips the test of a store that has no Trimmer.
func (k *kit) trimmer() {
	k.Helper()
	k.update(func(_ context.Context, tx store.Tx) error {
		if _, ok := tx.(store.Trimmer); !ok {
			k.Skip("the store has no Trimmer")
		}
		return nil
	})
}

var trimSentences = []sentence{
	{"Trim removes tasks that ended and were due before, and no others", "", func(k *kit) {
		k.trimmer()
		for i, state := range []leadloop.TaskState{leadloop.TaskDone, leadloop.TaskCancelled, leadloop.TaskDead, leadloop.TaskPending} {
			for _, due := range []time.Duration{-time.Hour, 0} {
				key := fmt.Sprintf("%d %s %s", i, state, due)
				k.add(plainTask(key, "k", at(due)))
				if state != leadloop.TaskPending {
					k.finish(k.leaseOne(noon), state)
				} else {
					k.leaseOne(noon)
				}
			}
		}
		k.update(func(ctx context.Context, tx store.Tx) error {
			done, err := store.Trim(ctx, tx, noon, 10)
			same(k, "removed", 2, done.Tasks)
			return err
		})
		same(k, "left", []string{
			"2 dead -1h0m0s", "3 pending -1h0m0s", "0 done 0s", "1 cancelled 0s", "2 dead 0s", "3 pending 0s",
		}, ids(read(k, tasksOf("")), taskKey))
	}},
	{"Trim removes no more than the limit, the earliest first", "", func(k *kit) {
		k.trimmer()
		for i := range 5 {
			k.add(plainTask(fmt.Sprint(i), "k", at(time.Duration(i)*time.Minute)))
		}
		k.cancel("0", "1", "2", "3", "4")
		for _, want := range []int{2, 2, 1, 0} {
			k.update(func(ctx context.Context, tx store.Tx) error {
				done, err := store.Trim(ctx, tx, at(time.Hour), 2)
				same(k, "removed", want, done.Tasks)
				return err
			})
		}
	}},
	{"decision records come back as they were after Trim", "", func(k *kit) {
		k.trimmer()
		all := []leadloop.Decision{fullDecision("a", 1), fullDecision("a", 2), {Lead: "a", Revision: 3, AsOf: noon}}
		k.decide(all...)
		for range 2 {
			k.update(func(ctx context.Context, tx store.Tx) error {
				_, err := store.Trim(ctx, tx, noon.AddDate(1, 0, 0), 10)
				return err
			})
		}
		same(k, "records", all, read(k, decisionsOf("a")))
		same(k, "the latest", all[2], read(k, latest("a")))
		k.decide(all[0]) // and may be replaced
		same(k, "records", all, read(k, decisionsOf("a")))
	}},
	{"a View can't Trim", ReadOnlyViews, func(k *kit) {
		k.trimmer()
		if err := k.s.View(k.ctx, func(tx store.Tx) error {
			_, err := store.Trim(k.ctx, tx, noon, 10)
			return err
		}); err == nil {
			k.Error("it could")
		}
	}},
}

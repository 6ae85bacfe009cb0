package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// skewSentences are about callers whose clocks disagree, with each other and
// with the store's.
var skewSentences = []sentence{
	{"leases go by the caller's clock, however far it is from the store's", "", func(k *kit) {
		for name, now := range map[string]time.Time{"long ago": at(-50 * 365 * 24 * time.Hour), "far ahead": at(50 * 365 * 24 * time.Hour)} {
			k.add(plainTask(name, "kind", now))
			same(k, name+": tasks handed out a moment before", nil, ids(k.lease(now.Add(-time.Second), 10), taskKey))
			leased := k.leaseOne(now)
			same(k, name+": held until", now.Add(time.Minute), leased.LeasedUntil)
			k.finish(leased, leadloop.TaskDone)
		}
	}},
	{"a caller whose clock is behind does not get what one that is ahead holds", ConcurrentWriters, func(k *kit) {
		k.add(plainTask("t", "kind", noon))
		k.leaseOne(at(time.Hour)) // held until an hour and a minute after noon
		same(k, "tasks handed out at noon", nil, ids(k.lease(noon, 10), taskKey))
		same(k, "tasks handed out an hour later", nil, ids(k.lease(at(time.Hour), 10), taskKey))
		k.wantNextDue([]time.Time{at(time.Hour + time.Minute)})
	}},
	{"a caller whose clock is ahead takes over, and the other's acknowledgement is refused by its number", ConcurrentWriters, func(k *kit) {
		k.add(plainTask("t", "kind", noon))
		late := k.leaseOne(noon)
		second := k.leaseOne(at(time.Hour)) // for whom the first lease ended long ago
		same(k, "the number of the second lease", late.Lease+1, second.Lease)
		k.refuseFinish(leadloop.ErrConflict, late, leadloop.TaskDone)
		k.refuseFinish(leadloop.ErrConflict, late, leadloop.TaskPending)
		k.finish(second, leadloop.TaskDone)
		k.refuseFinish(leadloop.ErrConflict, late, leadloop.TaskDead)
		same(k, "the state", leadloop.TaskDone, read(k, getTask("t")).State)
	}},
	{"a store's own clock does not go back, and answers like every call", "", func(k *kit) {
		c, ok := k.s.(store.Clock)
		if !ok {
			k.Skip("the store has no clock of its own (store.Clock)")
		}
		var last time.Time
		for range 10 {
			now, err := c.Now(k.ctx)
			if err != nil || now.Before(last) {
				k.Fatalf("%v after %v, error %v", now, last, err)
			}
			last = now
		}
		done, cancel := context.WithCancel(k.ctx)
		cancel()
		if _, err := c.Now(done); !errors.Is(err, context.Canceled) {
			k.Errorf("with a ctx that is done: want its error, got %v", err)
		}
		if err := k.s.Close(); err != nil {
			k.Fatal(err)
		}
		if _, err := c.Now(k.ctx); !errors.Is(err, leadloop.ErrUnavailable) {
			k.Errorf("after Close: want ErrUnavailable, got %v", err)
		}
	}},
}

package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func taskKey(t leadloop.Task) string { return t.Key }

func getTask(key string) func(context.Context, store.Tx) (leadloop.Task, error) {
	return func(ctx context.Context, tx store.Tx) (leadloop.Task, error) { return tx.Tasks().Get(ctx, key) }
}

func tasksOf(id leadloop.LeadID) func(context.Context, store.Tx) ([]leadloop.Task, error) {
	return func(ctx context.Context, tx store.Tx) ([]leadloop.Task, error) { return tx.Tasks().ByLead(ctx, id) }
}

func (k *kit) add(tasks ...leadloop.Task) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error { return tx.Tasks().Add(ctx, tasks...) })
}

func (k *kit) cancel(keys ...string) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error { return tx.Tasks().Cancel(ctx, keys...) })
}

func (k *kit) lease(now time.Time, limit int, kinds ...string) (leased []leadloop.Task) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) (err error) {
		leased, err = tx.Tasks().Lease(ctx, now, time.Minute, limit, kinds...)
		return err
	})
	return leased
}

// leaseOne leases the one task that is due.
func (k *kit) leaseOne(now time.Time) leadloop.Task {
	k.Helper()
	leased := k.lease(now, 10)
	if len(leased) != 1 {
		k.Fatalf("%d tasks were handed out, want 1", len(leased))
	}
	return leased[0]
}

func (k *kit) finish(t leadloop.Task, state leadloop.TaskState) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error { return tx.Tasks().Finish(ctx, t, state) })
}

func (k *kit) refuseFinish(want error, t leadloop.Task, state leadloop.TaskState) {
	k.Helper()
	k.refused(want, func(ctx context.Context, tx store.Tx) error { return tx.Tasks().Finish(ctx, t, state) })
}

// wantNextDue checks NextDue; no time means none.
func (k *kit) wantNextDue(want []time.Time, kinds ...string) {
	k.Helper()
	same(k, fmt.Sprintf("NextDue of kinds %q", kinds), want, read(k, func(ctx context.Context, tx store.Tx) ([]time.Time, error) {
		due, ok, err := tx.Tasks().NextDue(ctx, kinds...)
		if !ok {
			return nil, err
		}
		return []time.Time{due}, err
	}))
}

var taskSentences = []sentence{
	{"Get returns a task whole, ErrNotFound if there is none", "", func(k *kit) {
		k.add(fullTask("t"))
		same(k, "the task", fullTask("t"), read(k, getTask("t")))
		missing(k, "Get", getTask("T"))
	}},
	{"DeleteLead removes a lead's tasks in every state, leased or not; removing none is no error", "", func(k *kit) {
		other := plainTask("other", "kind", noon)
		other.Lead = "LEAD-1"
		done, leased, pending, cancelled := fullTask("a"), fullTask("b"), fullTask("c"), fullTask("d")
		pending.DueAt = at(48 * time.Hour)
		k.add(done)
		k.finish(k.leaseOne(at(time.Hour)), leadloop.TaskDone)
		k.add(leased)
		k.lease(at(time.Hour), 1)
		k.add(pending, cancelled, other)
		k.cancel("d")
		for range 2 {
			k.update(func(ctx context.Context, tx store.Tx) error { return tx.Tasks().DeleteLead(ctx, "lead-1") })
		}
		same(k, "tasks", []leadloop.Task{other}, read(k, tasksOf("")))
		same(k, "tasks handed out", []string{"other"}, ids(k.lease(at(96*time.Hour), 10), func(t leadloop.Task) string { return t.Key }))
		k.add(done)
		same(k, "a task of the same key, added anew", done, read(k, getTask("a")))
	}},
	{"Count counts by kind and state, with the earliest due time of each", "", func(k *kit) {
		count := func(ctx context.Context, tx store.Tx) ([]store.TaskCount, error) { return tx.Tasks().Count(ctx) }
		same(k, "counts of none", nil, read(k, count))
		k.add(plainTask("a", "b", at(3)), plainTask("c", "b", at(1)), plainTask("d", "B", at(2)), plainTask("e", "b", at(2)), plainTask("f", "", at(4)))
		k.cancel("c")
		k.lease(at(time.Hour), 1, "B")
		same(k, "counts", []store.TaskCount{
			{Kind: "", State: leadloop.TaskPending, N: 1, Due: at(4)}, {Kind: "B", State: leadloop.TaskPending, N: 1, Due: at(2)},
			{Kind: "b", State: leadloop.TaskCancelled, N: 1, Due: at(1)}, {Kind: "b", State: leadloop.TaskPending, N: 2, Due: at(2)},
		}, read(k, count))
	}},
	{"Add stores tasks as pending and never leased, whatever they say", "", func(k *kit) {
		said := fullTask("t")
		said.State, said.Lease, said.Attempts, said.LeasedUntil, said.LastError = leadloop.TaskDone, 7, 8, at(time.Hour), "x"
		k.add(said)
		same(k, "the task", fullTask("t"), read(k, getTask("t")))
	}},
	{"Add of a key that exists changes nothing, in the same call, transaction or later", "", func(k *kit) {
		other := plainTask("t", "other", at(time.Hour))
		k.update(func(ctx context.Context, tx store.Tx) error {
			if err := tx.Tasks().Add(ctx, fullTask("t"), other); err != nil {
				return err
			}
			return tx.Tasks().Add(ctx, other)
		})
		k.add(other)
		same(k, "tasks", []leadloop.Task{fullTask("t")}, read(k, tasksOf("")))
	}},
	{"Add of a key that exists changes nothing in every state", "", func(k *kit) {
		for _, state := range []leadloop.TaskState{leadloop.TaskDone, leadloop.TaskCancelled, leadloop.TaskDead, leadloop.TaskPending} {
			key := string(state)
			k.add(plainTask(key, key, noon))
			leased := k.lease(noon, 1, key)
			k.add(plainTask(key, key, noon))
			if again := k.lease(noon, 1, key); len(again) != 0 {
				k.Errorf("adding a leased task made it free again")
			}
			k.finish(leased[0], state)
			want := read(k, getTask(key))
			k.add(plainTask(key, "other", at(-time.Hour)))
			same(k, "the task that is "+key, want, read(k, getTask(key)))
		}
	}},
	{"Add of no tasks and Cancel of no keys change nothing", "", func(k *kit) {
		k.add()
		k.cancel()
		same(k, "tasks", nil, read(k, tasksOf("")))
	}},
	{"Cancel cancels the pending tasks among the keys and leaves others alone", "", func(k *kit) {
		for _, key := range []string{"a", "b", "done"} {
			k.add(plainTask(key, key, noon))
		}
		k.finish(k.lease(noon, 1, "done")[0], leadloop.TaskDone)
		k.cancel("a", "done", "nobody", "a")
		states := map[string]leadloop.TaskState{}
		for _, t := range read(k, tasksOf("")) {
			states[t.Key] = t.State
		}
		same(k, "states", map[string]leadloop.TaskState{
			"a": leadloop.TaskCancelled, "b": leadloop.TaskPending, "done": leadloop.TaskDone,
		}, states)
		same(k, "tasks handed out", []string{"b"}, ids(k.lease(noon, 10), taskKey))
	}},
	{"ByLead returns a lead's tasks by due time, then key, in every state; of all leads for none", "", func(k *kit) {
		for _, t := range []leadloop.Task{
			{Key: "e", Lead: "a", DueAt: at(1)}, {Key: "d", Lead: "a", DueAt: at(2)}, {Key: "C", Lead: "a", DueAt: at(2)},
			{Key: "b", Lead: "b", DueAt: at(0)}, {Key: "a", DueAt: at(3), Priority: 9},
		} {
			t.Kind, t.State = "k", leadloop.TaskPending
			k.add(t)
		}
		k.cancel("C")
		same(k, "of a", []string{"e", "C", "d"}, ids(read(k, tasksOf("a")), taskKey))
		same(k, "of all", []string{"b", "e", "C", "d", "a"}, ids(read(k, tasksOf("")), taskKey))
		same(k, "of nobody", nil, read(k, tasksOf("nobody")))
	}},
	{"ByState yields the tasks in a state by key, however many, and may stop early", "", func(k *kit) {
		const n = 600
		var all []leadloop.Task
		var cancel, want []string
		for i := range n {
			t := plainTask(fmt.Sprintf("%03d", i), "k", at(time.Duration(n-i)))
			all = append(all, t)
			if i%3 == 0 {
				cancel = append(cancel, t.Key)
			} else {
				want = append(want, t.Key)
			}
		}
		k.add(all...)
		k.cancel(cancel...)
		k.finish(k.lease(noon.Add(time.Hour), 1)[0], leadloop.TaskDead) // the earliest due
		dead, want := want[len(want)-1:], want[:len(want)-1]
		in := func(state leadloop.TaskState) []string {
			return ids(read(k, func(ctx context.Context, tx store.Tx) ([]leadloop.Task, error) {
				return collect(tx.Tasks().ByState(ctx, state))
			}), taskKey)
		}
		same(k, "pending", want, in(leadloop.TaskPending))
		same(k, "dead", dead, in(leadloop.TaskDead))
		same(k, "done", nil, in(leadloop.TaskDone))
		same(k, "cancelled", n/3, len(in(leadloop.TaskCancelled)))
		k.update(func(ctx context.Context, tx store.Tx) error {
			for t, err := range tx.Tasks().ByState(ctx, leadloop.TaskPending) {
				if err != nil || t.Key != want[0] {
					k.Errorf("the first is %s, error %v", t.Key, err)
				}
				break
			}
			return tx.Tasks().Cancel(ctx, want[0])
		})
		same(k, "pending", want[1:], in(leadloop.TaskPending))
	}},
	{"ByLead orders times in any zone by their instant", "", func(k *kit) {
		east, west := time.FixedZone("east", 14*3600), time.FixedZone("west", -12*3600)
		k.add(plainTask("2", "k", at(2).In(east)), plainTask("1", "k", at(1).In(west)), plainTask("3", "k", at(3).In(west)))
		same(k, "tasks", []string{"1", "2", "3"}, ids(read(k, tasksOf("")), taskKey))
	}},
	{"tasks returned belong to the caller, and Add keeps nothing it is given", "", func(k *kit) {
		given := fullTask("t")
		k.add(given)
		same(k, "the task given", fullTask("t"), given)
		scribble := func(t leadloop.Task) {
			copy(t.Payload, "scribble")
			t.Tokens[0] = "scribble"
		}
		scribble(given)
		got := read(k, getTask("t"))
		same(k, "the task", fullTask("t"), got)
		scribble(got)
		scribble(read(k, tasksOf("lead-1"))[0])
		leased := k.leaseOne(at(time.Hour))
		same(k, "its payload", string(fullTask("t").Payload), string(leased.Payload))
		scribble(leased)
		same(k, "its tokens", fullTask("t").Tokens, read(k, getTask("t")).Tokens)
	}},
	{"NextDue is when Lease would next hand out a task of the kinds", "", func(k *kit) {
		k.wantNextDue(nil)
		k.add(plainTask("a", "x", at(time.Hour)), plainTask("b", "y", at(2*time.Hour)), plainTask("c", "z", at(3*time.Hour)))
		k.wantNextDue([]time.Time{at(time.Hour)})
		k.wantNextDue([]time.Time{at(2 * time.Hour)}, "z", "y")
		k.wantNextDue(nil, "X")
		leased := k.leaseOne(at(time.Hour))
		k.wantNextDue([]time.Time{at(time.Hour + time.Minute)}) // when the lease ends
		k.wantNextDue([]time.Time{at(time.Hour + time.Minute)}, "x")
		k.finish(leased, leadloop.TaskDone)
		k.wantNextDue([]time.Time{at(2 * time.Hour)})
		k.cancel("b")
		k.wantNextDue([]time.Time{at(3 * time.Hour)})
	}},
	{"NextDue may lie in the past", "", func(k *kit) {
		k.add(plainTask("a", "x", at(-time.Hour)))
		k.wantNextDue([]time.Time{at(-time.Hour)})
	}},
	{"a retried task is due when the retry says, not when its lease would have ended", "", func(k *kit) {
		k.add(plainTask("a", "x", noon))
		leased := k.leaseOne(noon)
		leased.DueAt = at(time.Second)
		k.finish(leased, leadloop.TaskPending)
		k.wantNextDue([]time.Time{at(time.Second)})
	}},
}

var leaseSentences = []sentence{
	{"Lease hands out what is due, highest priority first, then earliest due, then by key", "", func(k *kit) {
		for i, t := range []leadloop.Task{
			{Key: "late", DueAt: at(1)}, {Key: "future", DueAt: at(3), Priority: 99}, {Key: "b", DueAt: at(0)}, {Key: "a", DueAt: at(0)},
			{Key: "C", DueAt: at(0)}, {Key: "urgent", DueAt: at(2), Priority: 10}, {Key: "more urgent", DueAt: at(2), Priority: 11},
			{Key: "low", DueAt: at(-5), Priority: -1},
		} {
			t.Kind = []string{"x", "y"}[i%2]
			k.add(t)
		}
		same(k, "tasks", []string{"more urgent", "urgent", "C", "a", "b", "late", "low"}, ids(k.lease(at(2), 100), taskKey))
		same(k, "tasks a moment later", []string{"future"}, ids(k.lease(at(3), 100), taskKey))
	}},
	{"Lease hands out no more than the limit and goes on where it stopped", "", func(k *kit) {
		for i := range 5 {
			k.add(plainTask(fmt.Sprint(i), []string{"x", "y"}[i%2], at(time.Duration(i))))
		}
		for _, want := range [][]string{{"0", "1"}, {"2", "3"}, {"4"}, nil} {
			same(k, "tasks", want, ids(k.lease(at(9), 2), taskKey))
		}
		same(k, "a limit of 0", nil, k.lease(at(time.Hour), 0))
	}},
	{"Lease hands out the kinds given only, all if none is given", "", func(k *kit) {
		k.add(plainTask("a", "x", noon), plainTask("b", "y", noon), plainTask("c", "z", noon), plainTask("d", "", noon))
		same(k, "of an unknown kind", nil, k.lease(noon, 9, "X"))
		same(k, "of two kinds", []string{"a", "c"}, ids(k.lease(noon, 9, "z", "x", "z"), taskKey))
		same(k, "of all", []string{"b", "d"}, ids(k.lease(noon, 9), taskKey))
	}},
	{"a task handed out has its lease and attempts counted and is held", "", func(k *kit) {
		k.add(fullTask("t"))
		want := fullTask("t")
		for i := range 3 {
			now := at(time.Duration(i+1) * time.Minute)
			want.Lease, want.Attempts, want.LeasedUntil = int64(i+1), i+1, now.Add(time.Minute)
			same(k, "the task handed out", []leadloop.Task{want}, k.lease(now, 9))
			same(k, "the task stored", want, read(k, getTask("t")))
			same(k, "tasks before the lease ends", nil, k.lease(now.Add(time.Minute-1), 9))
		}
	}},
	{"a lease whose end has come is free again", "", func(k *kit) {
		k.add(plainTask("t", "k", noon))
		k.leaseOne(noon)
		same(k, "tasks a nanosecond before", nil, k.lease(at(time.Minute-1), 9))
		same(k, "tasks at the end", []string{"t"}, ids(k.lease(at(time.Minute), 9), taskKey))
	}},
	{"a task leased in a transaction that was rolled back is free", Transactions, func(k *kit) {
		k.add(plainTask("t", "k", noon))
		k.refused(errHost, func(ctx context.Context, tx store.Tx) error {
			if _, err := tx.Tasks().Lease(ctx, noon, time.Hour, 9); err != nil {
				return err
			}
			return errHost
		})
		if got := k.leaseOne(noon); got.Lease != 1 || got.Attempts != 1 {
			k.Errorf("lease %d, attempt %d", got.Lease, got.Attempts)
		}
	}},
	{"Finish ends a task as done, cancelled or dead with its last error", "", func(k *kit) {
		for _, state := range []leadloop.TaskState{leadloop.TaskDone, leadloop.TaskCancelled, leadloop.TaskDead} {
			key := string(state)
			k.add(plainTask(key, "k", noon))
			leased := k.leaseOne(noon)
			leased.LastError, leased.DueAt, leased.Kind = "why", at(time.Hour), "scribble"
			k.finish(leased, state)
			want := plainTask(key, "k", noon)
			want.State, want.Lease, want.Attempts, want.LastError = state, 1, 1, "why"
			same(k, "the task", want, read(k, getTask(key)))
			same(k, "tasks handed out later", nil, k.lease(at(1000*time.Hour), 9))
		}
	}},
	{"Finish makes a task pending again at a new due time, with its attempts", "", func(k *kit) {
		k.add(fullTask("t"))
		leased := k.leaseOne(at(1))
		leased.DueAt, leased.LastError = at(time.Second), "try again"
		k.finish(leased, leadloop.TaskPending)
		want := fullTask("t")
		want.DueAt, want.LastError, want.Lease, want.Attempts = at(time.Second), "try again", 1, 1
		same(k, "the task", want, read(k, getTask("t")))
		same(k, "tasks before it is due", nil, k.lease(at(time.Second-1), 9))
		want.Lease, want.Attempts, want.LeasedUntil = 2, 2, at(time.Second+time.Minute)
		same(k, "the task handed out again", want, k.leaseOne(at(time.Second)))
	}},
	{"Finish with the latest lease is accepted after its end while nobody else got the task", "", func(k *kit) {
		k.add(plainTask("t", "k", noon))
		leased := k.leaseOne(noon)
		same(k, "tasks of another kind", nil, k.lease(at(time.Hour), 9, "other"))
		k.finish(leased, leadloop.TaskDone)
		same(k, "the state", leadloop.TaskDone, read(k, getTask("t")).State)
	}},
	{"a late Finish is refused once another worker got the task", "", func(k *kit) {
		k.add(plainTask("t", "k", noon))
		late := k.leaseOne(noon)
		current := k.leaseOne(at(time.Minute))
		for _, state := range []leadloop.TaskState{leadloop.TaskDone, leadloop.TaskPending} {
			k.refuseFinish(leadloop.ErrConflict, late, state)
		}
		same(k, "the task", current, read(k, getTask("t")))
		k.finish(current, leadloop.TaskDone)
		k.refuseFinish(leadloop.ErrConflict, late, leadloop.TaskDead)
	}},
	{"Finish of a task that was never leased is ErrConflict, of none ErrNotFound", "", func(k *kit) {
		k.add(plainTask("t", "k", noon))
		k.refuseFinish(leadloop.ErrConflict, plainTask("t", "k", noon), leadloop.TaskDone)
		guess := plainTask("t", "k", noon)
		guess.Lease = 1
		k.refuseFinish(leadloop.ErrConflict, guess, leadloop.TaskDone)
		k.refuseFinish(leadloop.ErrNotFound, plainTask("nobody", "k", noon), leadloop.TaskDone)
		same(k, "the task", plainTask("t", "k", noon), read(k, getTask("t")))
	}},
	{"Finish with a state that doesn't exist is ErrInvalid", "", func(k *kit) {
		k.add(plainTask("t", "k", noon))
		leased := k.leaseOne(noon)
		k.refuseFinish(leadloop.ErrInvalid, leased, "")
		k.refuseFinish(leadloop.ErrInvalid, leased, "finished")
		same(k, "the task", leased, read(k, getTask("t")))
	}},
	{"Finish of a task that was cancelled meanwhile leaves it cancelled", "", func(k *kit) {
		for _, state := range []leadloop.TaskState{leadloop.TaskDone, leadloop.TaskPending, leadloop.TaskDead} {
			key := string(state)
			k.add(plainTask(key, "k", noon))
			leased := k.leaseOne(noon)
			k.cancel(key)
			k.finish(leased, state)
			got := read(k, getTask(key))
			if got.State != leadloop.TaskCancelled || !got.LeasedUntil.IsZero() {
				k.Errorf("the task is %s, leased until %v", got.State, got.LeasedUntil)
			}
			same(k, "tasks handed out later", nil, k.lease(at(time.Hour), 9))
		}
	}},
	{"Finish may be repeated, as after a lost answer", "", func(k *kit) {
		k.add(plainTask("t", "k", noon))
		leased := k.leaseOne(noon)
		k.finish(leased, leadloop.TaskDone)
		want := read(k, getTask("t"))
		k.finish(leased, leadloop.TaskDone)
		k.finish(leased, leadloop.TaskPending)
		same(k, "the task", want, read(k, getTask("t")))
	}},
	{"Add, Lease and Finish work in one transaction", "", func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error {
			if err := tx.Tasks().Add(ctx, plainTask("t", "k", noon)); err != nil {
				return err
			}
			leased, err := tx.Tasks().Lease(ctx, noon, time.Minute, 9)
			if err != nil || len(leased) != 1 {
				return fmt.Errorf("%d tasks: %w", len(leased), err)
			}
			again, err := tx.Tasks().Lease(ctx, noon, time.Minute, 9)
			if err != nil || len(again) != 0 {
				return fmt.Errorf("%d tasks again: %w", len(again), err)
			}
			return tx.Tasks().Finish(ctx, leased[0], leadloop.TaskDone)
		})
		same(k, "the state", leadloop.TaskDone, read(k, getTask("t")).State)
	}},
}

package faulttest

import (
	"context"
	"testing"

	"github.com/leadloop/leadloop/store"
)

// Sweep proves that a pipeline loses nothing and does nothing twice, whichever
// call of its store fails.
//
// For every call number in turn, until a run needs fewer calls than that, and
// for each kind of fault (transient, persistent, answer of a commit lost), it
// runs run on a fresh store with the fault, heals the store, runs run again on
// the same store, as whoever got the error does, and then compares the whole
// store with that of a run without faults: leads, journal, tasks, decisions and
// the ledgers of the pools that leads name. run must be repeatable: the same
// submissions under the same keys as of the same times.
//
// It returns how many runs with a fault there were.
func Sweep(t testing.TB, fresh func(t testing.TB) store.Store, run func(ctx context.Context, s store.Store) error) int {
	t.Helper()
	ctx := t.Context()
	whole := fresh(t)
	if err := run(ctx, whole); err != nil {
		t.Fatalf("without faults: %v", err)
	}
	want, err := snapshot(ctx, whole)
	if err != nil {
		t.Fatal(err)
	}
	kinds := []struct {
		name  string
		fault Fault
	}{
		{"transient", Fault{}},
		{"persistent", Fault{Persistent: true}},
		{"answer of the commit lost", Fault{AnswerLost: true}},
	}
	runs := 0
	for _, kind := range kinds {
		for n := 0; ; n++ {
			kind.fault.Call = n
			inner := fresh(t)
			faulty := NewFaulty(inner, kind.fault)
			err := run(ctx, faulty)
			calls, fired := faulty.Calls()
			if !fired {
				if err != nil {
					t.Errorf("%s, %d calls, none of them failed: %v", kind.name, calls, err)
				}
				break
			}
			runs++
			faulty.Heal()
			// A run may have taken the fault in its stride; again changes nothing then.
			if err := run(ctx, faulty); err != nil {
				t.Errorf("%s fault in call %d: the second run fails: %v", kind.name, n, err)
			}
			got, err := snapshot(ctx, inner)
			if err != nil {
				t.Fatal(err)
			}
			if diff := diffSnapshots(want, got); diff != "" {
				t.Errorf("%s fault in call %d: the store is not that of a run without faults (-without +with):\n%s", kind.name, n, diff)
			}
			if err := inner.Close(); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				return runs
			}
		}
	}
	return runs
}

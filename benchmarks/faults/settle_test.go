package faults

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/faulttest"
)

// settle works everything that is left, checks the whole store, and counts.
func settle(t *testing.T, st store.Store, keys []string, l line) {
	t.Helper()
	loop, err := newLoop(t.Context(), st, playbook.Options{Engine: engine.Options{Handlers: map[string]engine.Handler{
		leadloop.TaskNotify: engine.HandlerFunc(func(context.Context, leadloop.Task) error { return nil }),
	}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Beyond all leases of those who died.
	now := time.Now().Add(10 * time.Second)
	for {
		n, err := loop.Work(t.Context(), now, 200)
		if err != nil && !errors.Is(err, leadloop.ErrConflict) {
			t.Fatal(err)
		}
		if err == nil && n == 0 {
			break
		}
	}
	keys = sorted(keys)
	checked(t, st, faulttest.Rules{Keys: keys, Unique: []string{"email"}, Pools: []string{"sales"}, Settled: true}, l)
}

// checked checks a store and counts what is broken as lost.
func checked(t *testing.T, st store.Store, r faulttest.Rules, l line) {
	t.Helper()
	err := faulttest.Check(t.Context(), st, r)
	l.checks += len(r.Keys)
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		l.lost += len(several.Unwrap())
	} else if err != nil {
		l.lost++
	}
	tally.add(l)
	if err != nil {
		t.Fatalf("at the end: %v", err)
	}
}

// Package storetest holds every sentence of package store as a named test, for
// whoever writes a store.
//
// It guarantees that a store which passes without exceptions carries a loop:
// isolation, conflicts, orders, leases and round trips. It does not measure
// speed (see [Bench]) and can't prove the absence of races: run it with -race.
// It knows no store by name and skips nothing silently.
//
// Start with [Run].
package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Config says which store to test.
type Config struct {
	// New returns a fresh, empty store. It may register a Cleanup; the kit
	// closes the store before that runs.
	New func(t testing.TB) store.Store
	// Reopen closes s if it isn't closed yet and opens the same data again. It
	// is required of a store whose Capabilities say Durable, and not called for
	// others.
	Reopen func(t testing.TB, s store.Store) store.Store
	// Except names what the store can't promise, each with the reason, which
	// the report prints. The tests of these promises are skipped.
	Except map[Capability]string
}

// Capability names a promise that a store may be excepted from.
type Capability string

// The promises that can be excepted. What a loop loses without each is said in
// the guide for authors of stores.
const (
	// Transactions: Update is all or nothing.
	Transactions Capability = "transactions"
	// Isolation: others never see what is not committed, and a View sees one
	// moment.
	Isolation Capability = "isolation"
	// Revisions: Leads.Put and Rotations.Move refuse stale revisions.
	Revisions Capability = "revisions"
	// ConcurrentWriters: concurrent Updates come out as if they had run one
	// after the other.
	ConcurrentWriters Capability = "concurrent writers"
	// ReadOnlyViews: writes inside View fail.
	ReadOnlyViews Capability = "read-only views"
	// Nanoseconds: times keep their nanoseconds.
	Nanoseconds Capability = "nanoseconds"
	// Durable: what was committed survives reopening.
	Durable Capability = "durable"
)

var capabilities = []Capability{Transactions, Isolation, Revisions, ConcurrentWriters, ReadOnlyViews, Nanoseconds, Durable}

// sentence is one promise and its test.
type sentence struct {
	name  string
	needs Capability // "" can't be excepted
	test  func(k *kit)
}

// Run tests every promise of the interfaces of package store, each in a
// sub-test of its own with a fresh store.
func Run(t *testing.T, cfg Config) {
	t.Helper()
	if err := cfg.check(); err != nil {
		t.Fatal(err)
	}
	s := cfg.New(t)
	has := s.Capabilities()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	t.Run("capabilities", func(t *testing.T) { cfg.checkCapabilities(t, has) })
	for _, group := range []struct {
		name      string
		sentences []sentence
	}{
		{"transactions", transactionSentences},
		{"concurrency", concurrencySentences},
		{"merges", mergeSentences},
		{"leads", leadSentences},
		{"crm", crmSentences},
		{"journal", journalSentences},
		{"decisions", decisionSentences},
		{"keys", keySentences},
		{"tasks", taskSentences},
		{"leases", leaseSentences},
		{"time skew", skewSentences},
		{"rotations", rotationSentences},
		{"cache", cacheSentences},
		{"costs", costSentences},
		{"suppressions", suppressionSentences},
		{"consents", consentSentences},
		{"playbooks", playbookSentences},
		{"round trips", roundTripSentences},
		{"bulk", bulkSentences},
		{"trim", trimSentences},
		{"durability", durabilitySentences},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, s := range group.sentences {
				t.Run(s.name, func(t *testing.T) {
					if why, ok := cfg.Except[s.needs]; ok {
						t.Skipf("exception %q: %s", s.needs, why)
					}
					if s.needs == Durable && !has.Durable {
						t.Skip("the store's Capabilities don't say Durable")
					}
					s.test(newKit(t, cfg))
				})
			}
		})
	}
	for _, c := range slices.Sorted(maps.Keys(cfg.Except)) {
		t.Logf("excepted from %q: %s", c, cfg.Except[c])
	}
}

func (cfg Config) check() error {
	var problems []error
	if cfg.New == nil {
		problems = append(problems, errors.New("storetest: Config.New is required"))
	}
	for _, c := range slices.Sorted(maps.Keys(cfg.Except)) {
		if !slices.Contains(capabilities, c) {
			problems = append(problems, fmt.Errorf("storetest: no capability is called %q; there are %q", c, capabilities))
		}
		if cfg.Except[c] == "" {
			problems = append(problems, fmt.Errorf("storetest: the exception from %q needs a reason", c))
		}
	}
	return errors.Join(problems...)
}

// checkCapabilities holds what the store says of itself against the
// exceptions: a loop believes the store, so they must agree.
func (cfg Config) checkCapabilities(t *testing.T, has store.Capabilities) {
	for _, c := range []struct {
		name Capability
		has  bool
	}{{Transactions, has.Transactions}, {Revisions, has.Revisions}} {
		_, excepted := cfg.Except[c.name]
		switch {
		case c.has && excepted:
			t.Errorf("Capabilities promise %q, which is excepted: %s", c.name, cfg.Except[c.name])
		case !c.has && !excepted:
			t.Errorf("Capabilities don't promise %q; if that is so, name the exception and its reason", c.name)
		}
	}
	if _, excepted := cfg.Except[Durable]; has.Durable && !excepted && cfg.Reopen == nil {
		t.Error("Capabilities say Durable: Config.Reopen is required to prove it")
	}
}

// patience bounds everything a test waits for.
const patience = 60 * time.Second

// kit is one test's store and what the tests need to talk about it.
type kit struct {
	*testing.T
	cfg Config
	ctx context.Context
	s   store.Store
}

func newKit(t *testing.T, cfg Config) *kit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	k := &kit{T: t, cfg: cfg, ctx: ctx, s: cfg.New(t)}
	t.Cleanup(func() {
		cancel()
		// Tests of Close close it themselves; a second Close promises nothing.
		_ = k.s.Close()
	})
	return k
}

// update runs f in an Update that must commit.
func (k *kit) update(f func(ctx context.Context, tx store.Tx) error) {
	k.Helper()
	if err := k.tryUpdate(f); err != nil {
		k.Fatalf("Update: %v", err)
	}
}

func (k *kit) tryUpdate(f func(ctx context.Context, tx store.Tx) error) error {
	return k.s.Update(k.ctx, func(tx store.Tx) error { return f(k.ctx, tx) })
}

// refused runs f in an Update that must fail with want.
func (k *kit) refused(want error, f func(ctx context.Context, tx store.Tx) error) {
	k.Helper()
	if err := k.tryUpdate(f); !errors.Is(err, want) {
		k.Fatalf("Update: want an error that is %q, got %v", want, err)
	}
}

// retry runs f in Updates until one commits, as a caller does that decides
// anew after a conflict.
func (k *kit) retry(f func(ctx context.Context, tx store.Tx) error) error {
	for {
		err := k.tryUpdate(f)
		if !errors.Is(err, leadloop.ErrConflict) || k.ctx.Err() != nil {
			return err
		}
	}
}

// read returns what f reads in a View of its own.
func read[T any](k *kit, f func(ctx context.Context, tx store.Tx) (T, error)) T {
	k.Helper()
	var got T
	err := k.s.View(k.ctx, func(tx store.Tx) (err error) {
		got, err = f(k.ctx, tx)
		return err
	})
	if err != nil {
		k.Fatalf("View: %v", err)
	}
	return got
}

// missing checks that f reports ErrNotFound.
func missing[T any](k *kit, what string, f func(ctx context.Context, tx store.Tx) (T, error)) {
	k.Helper()
	err := k.s.View(k.ctx, func(tx store.Tx) error {
		_, err := f(k.ctx, tx)
		return err
	})
	if !errors.Is(err, leadloop.ErrNotFound) {
		k.Fatalf("%s: want ErrNotFound, got %v", what, err)
	}
}

// same compares whole values.
func same[T any](k *kit, what string, want, got T) {
	k.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		// Not Fatalf: it is called inside transactions too.
		k.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// ids returns the ids that id gives for all.
func ids[T any, ID ~string](all []T, id func(T) ID) []ID {
	var out []ID
	for _, x := range all {
		out = append(out, id(x))
	}
	return out
}

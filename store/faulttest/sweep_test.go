package faulttest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/faulttest"
	"github.com/leadloop/leadloop/store/memstore"
)

// pipelines are ways to store a submission, and what a sweep must say of them.
var pipelines = []struct {
	name string
	says string // "" if nothing
	run  func(ctx context.Context, s store.Store) error
}{
	{"one transaction by a key", "", func(ctx context.Context, s store.Store) error {
		return s.Update(ctx, func(tx store.Tx) error {
			if _, claimed, err := tx.Keys().Claim(ctx, "form-1", "lead-1"); err != nil || !claimed {
				return err
			}
			return putAndJournal(ctx, tx)
		})
	}},
	{"a key in a transaction of its own", "the store is not that of a run without faults", func(ctx context.Context, s store.Store) error {
		claimed := false
		if err := s.Update(ctx, func(tx store.Tx) (err error) {
			_, claimed, err = tx.Keys().Claim(ctx, "form-1", "lead-1")
			return err
		}); err != nil || !claimed {
			return err
		}
		return s.Update(ctx, func(tx store.Tx) error { return putAndJournal(ctx, tx) })
	}},
	{"no key", "the second run fails", func(ctx context.Context, s store.Store) error {
		return s.Update(ctx, func(tx store.Tx) error { return putAndJournal(ctx, tx) })
	}},
	{"an error that is swallowed", "the store is not that of a run without faults", func(ctx context.Context, s store.Store) error {
		return s.Update(ctx, func(tx store.Tx) error {
			if _, claimed, err := tx.Keys().Claim(ctx, "form-1", "lead-1"); err != nil || !claimed {
				return err
			}
			_, err := tx.Leads().Put(ctx, &leadloop.Lead{ID: "lead-1"})
			_ = tx.Journal().Append(ctx, leadloop.Event{Kind: leadloop.EventCaptured, Lead: "lead-1", At: time.Unix(0, 0)})
			return err
		})
	}},
}

func putAndJournal(ctx context.Context, tx store.Tx) error {
	if _, err := tx.Leads().Put(ctx, &leadloop.Lead{ID: "lead-1"}); err != nil {
		return err
	}
	return tx.Journal().Append(ctx, leadloop.Event{Kind: leadloop.EventCaptured, Lead: "lead-1", At: time.Unix(0, 0)})
}

// sweepVariable makes the test binary sweep the pipeline it names, because a
// test that fails can't be taken back.
const sweepVariable = "FAULTTEST_SWEEP"

func TestSweepOne(t *testing.T) {
	for _, p := range pipelines {
		if p.name == os.Getenv(sweepVariable) {
			runs := faulttest.Sweep(t, func(testing.TB) store.Store { return memstore.New() }, p.run)
			t.Logf("%d runs with a fault", runs)
			return
		}
	}
	t.Skip("run by TestASweepNoticesWhatAPipelineLosesOrDoesTwice")
}

func TestASweepNoticesWhatAPipelineLosesOrDoesTwice(t *testing.T) {
	for _, p := range pipelines {
		t.Run(p.name, func(t *testing.T) {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestSweepOne$", "-test.v")
			child.Env = append(child.Environ(), sweepVariable+"="+p.name)
			out, err := child.CombinedOutput()
			if p.says == "" {
				// Begin, claim, put, append and commit, in three ways each.
				if err != nil || !strings.Contains(string(out), "15 runs with a fault") {
					t.Errorf("%v:\n%s", err, out)
				}
				return
			}
			if err == nil || !strings.Contains(string(out), p.says) {
				t.Errorf("want it to say %q, got %v:\n%s", p.says, err, out)
			}
		})
	}
}

func TestAFaultEndsWhenItIsHealed(t *testing.T) {
	s := faulttest.NewFaulty(memstore.New(), faulttest.Fault{Call: 1, Persistent: true})
	view := func() error { return s.View(t.Context(), func(store.Tx) error { return nil }) }
	if err := view(); err != nil {
		t.Errorf("before the fault: %v", err)
	}
	for range 2 {
		if err := view(); !errors.Is(err, faulttest.ErrInjected) || !errors.Is(err, leadloop.ErrUnavailable) {
			t.Errorf("a persistent fault: %v", err)
		}
	}
	s.Heal()
	if err := view(); err != nil {
		t.Errorf("healed: %v", err)
	}
	if n, fired := s.Calls(); n != 4 || !fired {
		t.Errorf("%d calls, fired %v", n, fired)
	}
}

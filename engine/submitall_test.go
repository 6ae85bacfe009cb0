package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func TestManySubmittedAtOnceEndAsThoseSubmittedOneByOne(t *testing.T) {
	all := []leadloop.Submission{submission("1", "a@example.com"), submission("2", "b@example.com"), submission("1", "a@example.com"), submission("3", "a@example.com")}
	for i := range 200 { // enough to be prepared on several processors
		all = append(all, submission(fmt.Sprint("more ", i), fmt.Sprintf("more%d@example.com", i)))
	}
	singly, together := memstore.New(), memstore.New()
	one, many := newLoop(t, singly, engine.Options{}), newLoop(t, together, engine.Options{})
	var want []engine.Result
	for _, s := range all {
		r, err := one.Submit(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, r)
	}
	got, err := many.SubmitAll(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	want[2].Lead = nil // what is known holds no lead
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("results (-one by one +at once):\n%s", diff)
	}
	again, err := many.SubmitAll(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range again {
		if !r.Known || r.Record != got[i].Record {
			t.Errorf("a second time: %+v", r)
		}
	}
	for _, st := range []store.Store{singly, together} {
		if _, err := newLoop(t, st, engine.Options{}).Advance(ctx, at); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(history(t, singly), history(t, together)); diff != "" {
		t.Errorf("journals (-one by one +at once):\n%s", diff)
	}
}

func TestOneSubmissionWithoutAKeyKeepsAllOfThemOut(t *testing.T) {
	st := memstore.New()
	loop := newLoop(t, st, engine.Options{})
	_, err := loop.SubmitAll(ctx, []leadloop.Submission{submission("1", "a@example.com"), submission("", "b@example.com")})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("want ErrInvalid, got %v", err)
	}
	if got := history(t, st); len(got) > 0 {
		t.Errorf("the journal has %q", got)
	}
}

func TestOfSomebodyForgottenNothingIsStoredAlsoAmongMany(t *testing.T) {
	st := memstore.New()
	forget(t, st)
	loop := newLoop(t, st, engine.Options{Forgotten: gone{}})
	got, err := loop.SubmitAll(ctx, []leadloop.Submission{submission("1", "ana@acme.com"), submission("2", "ben@acme.com")})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Lead.Revision != 0 || got[0].Outcome.Reason != "erased" || got[0].Record != engine.RecordID("1") || !got[1].Pending {
		t.Errorf("results: %+v", got)
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		if _, err := tx.Keys().Lookup(ctx, "1"); !errors.Is(err, leadloop.ErrNotFound) {
			t.Errorf("the key: %v", err)
		}
		_, err := tx.Keys().Lookup(ctx, "2")
		return err
	}); err != nil {
		t.Error(err)
	}
}

func TestAPanicWhileManyArePreparedIsTheCallers(t *testing.T) {
	loop := newLoop(t, memstore.New(), engine.Options{Urgency: func(*leadloop.Lead, *leadloop.Profile, time.Time) int { panic("no") }})
	var all []leadloop.Submission
	for i := range 200 {
		all = append(all, submission(fmt.Sprint(i), fmt.Sprintf("%d@example.com", i)))
	}
	defer func() {
		if p := recover(); p != "no" {
			t.Errorf("recovered %v", p)
		}
	}()
	_, err := loop.SubmitAll(ctx, all)
	t.Errorf("returned %v", err)
}

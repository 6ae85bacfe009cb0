package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// gone forgets ana while the token "gone" is on the list.
type gone struct{}

func (gone) Listed(l *leadloop.Lead) []string {
	if !slices.ContainsFunc(l.Claims, func(c leadloop.Claim) bool { return c.Value.Text() == "ana@acme.com" }) {
		return nil
	}
	return []string{"gone"}
}

func (gone) Forget(_ context.Context, _ store.Tx, _ *leadloop.Lead, hits []store.Suppression, _ time.Time) (string, error) {
	return hits[0].Reason, nil
}

func forget(t testing.TB, st store.Store) {
	t.Helper()
	if err := st.Update(ctx, func(tx store.Tx) error {
		return tx.Suppressions().Add(ctx, store.Suppression{Token: "gone", Reason: "erased", At: at})
	}); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsStoredOfSomebodyForgottenHoweverTheyArrive(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{Forgotten: gone{}})
	forget(t, st)
	out := leadloop.Outcome{Kind: leadloop.OutcomeSuppressed, Reason: "erased", Stop: true}
	id := engine.RecordID("k1")
	want := engine.Result{
		Record: id, Outcome: out,
		Lead: &leadloop.Lead{ID: id, ReceivedAt: at, State: leadloop.State{Disposition: out.Kind, Reason: "erased"}},
	}
	for range 2 { // delivered again
		got, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("Process: %v\n%s", err, diff)
		}
		got, err = l.Submit(ctx, submission("k1", "ana@acme.com"))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("Submit: %v\n%s", err, diff)
		}
	}
	if diff := cmp.Diff([]string{"dropped"}, history(t, st)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		leads, err := tx.Leads().List(ctx, "", 10)
		tasks, err2 := tx.Tasks().ByLead(ctx, "")
		_, err3 := tx.Keys().Lookup(ctx, "k1")
		if len(leads)+len(tasks) > 0 || !errors.Is(err3, leadloop.ErrNotFound) {
			t.Errorf("stored: %d leads, %d tasks, key %v", len(leads), len(tasks), err3)
		}
		return errors.Join(err, err2)
	}); err != nil {
		t.Fatal(err)
	}
	if res, err := l.Process(ctx, submission("k2", "ben@acme.com"), at); err != nil || res.Lead.Revision == 0 {
		t.Errorf("somebody else: %+v, %v", res, err)
	}
}

func TestWhoIsForgottenBetweenDecisionAndCommitIsNotStored(t *testing.T) {
	st := memstore.New()
	late := leadloop.StageFunc("late", func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		forget(t, st)
		return leadloop.Outcome{}, leadloop.Effects{}, nil
	})
	l := newLoop(t, st, engine.Options{Forgotten: gone{}}, assign("ana"), late)
	res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
	if err != nil || res.Lead.Revision != 0 || res.Outcome.Reason != "erased" {
		t.Errorf("%+v, %v", res, err)
	}
	if diff := cmp.Diff([]string{"dropped"}, history(t, st)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestALeadErasedWhileItsTimerIsDecidedStaysErased(t *testing.T) {
	st := memstore.New()
	erase := false
	late := leadloop.StageFunc("late", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		if erase {
			erase = false
			if err := st.Update(ctx, func(tx store.Tx) error {
				return errors.Join(tx.Leads().Delete(ctx, s.Lead.ID), tx.Tasks().DeleteLead(ctx, s.Lead.ID), tx.Decisions().DeleteLead(ctx, s.Lead.ID))
			}); err != nil {
				t.Fatal(err)
			}
		}
		state := s.Lead.State
		state.Status = s.AsOf.String()
		return leadloop.Outcome{}, leadloop.Effects{State: &state}, nil
	})
	l := newLoop(t, st, engine.Options{Forgotten: gone{}}, assign("ana"), late)
	res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
	if err != nil {
		t.Fatal(err)
	}
	erase = true
	if _, err := l.Work(ctx, at.Add(2*time.Hour), 10); err != nil {
		t.Fatal(err)
	}
	erase = true
	if _, err := l.Observe(ctx, res.Lead.ID, at, leadloop.Activity{ID: "a", Type: "visit", At: at}); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("an activity of somebody erased: %v", err)
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		leads, err := tx.Leads().List(ctx, "", 10)
		tasks, err2 := tx.Tasks().ByLead(ctx, "")
		decisions, err3 := tx.Decisions().ByLead(ctx, res.Lead.ID)
		if len(leads)+len(tasks)+len(decisions) > 0 {
			t.Errorf("left: %d leads, %d tasks, %d decisions", len(leads), len(tasks), len(decisions))
		}
		return errors.Join(err, err2, err3)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAnAddressInALinkThatALeadCameByIsNotJournaled(t *testing.T) {
	st := memstore.New()
	loop := newLoop(t, st, engine.Options{})
	s := submission("1", "a@example.com")
	for f, v := range map[leadloop.Field[string]]string{leadloop.Source: "newsletter", leadloop.Medium: "to%40a.example.com", leadloop.Campaign: "spring-a@example.com"} {
		s.Claims = append(s.Claims, f.Claim(v, leadloop.Evidence{Source: "form", ObservedAt: s.ReceivedAt}))
	}
	res, err := loop.Process(t.Context(), s, s.ReceivedAt)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.View(t.Context(), func(tx store.Tx) error {
		for e, err := range tx.Journal().ByLead(t.Context(), res.Record) {
			if err != nil {
				return err
			}
			if a := e.Attrs; e.Kind == leadloop.EventCaptured && (a["source"] != "newsletter" || a["medium"] != "withheld" || a["campaign"] != "withheld") {
				t.Errorf("the journal says %v", a)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

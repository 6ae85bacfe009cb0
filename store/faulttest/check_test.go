package faulttest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/faulttest"
	"github.com/leadloop/leadloop/store/memstore"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// sound is a store in order: a lead with its owner, one that waits, one that
// became part of the first.
func sound(ctx context.Context, tx store.Tx) error {
	owned := &leadloop.Lead{ID: "a", Identifiers: []leadloop.Identifier{{Kind: "email", Value: "a@example.com"}}}
	owned.State = leadloop.State{Disposition: leadloop.OutcomeAssigned, Reason: "entry:all", Owner: "ana", Pool: "all"}
	for _, l := range []*leadloop.Lead{owned, {ID: "b"}, {ID: "c", MergedInto: "a"}} {
		if _, err := tx.Leads().Put(ctx, l); err != nil {
			return err
		}
	}
	if _, _, err := tx.Keys().Claim(ctx, "form-a", "a"); err != nil {
		return err
	}
	if err := tx.Tasks().Add(ctx, leadloop.Task{Key: "process:b", Kind: leadloop.TaskProcess, Lead: "b", DueAt: noon}); err != nil {
		return err
	}
	if err := tx.Rotations().Move(ctx, leadloop.LedgerMove{Pool: "all", To: "ana", At: noon}); err != nil {
		return err
	}
	return tx.Journal().Append(ctx,
		leadloop.Event{Kind: leadloop.EventCaptured, Lead: "a", At: noon}, leadloop.Event{Kind: leadloop.EventCaptured, Lead: "b", At: noon},
		leadloop.Event{Kind: leadloop.EventAssigned, Lead: "a", To: "ana", At: noon})
}

func TestCheckFindsWhatIsBroken(t *testing.T) {
	put := func(id leadloop.LeadID, change func(l *leadloop.Lead)) func(context.Context, store.Tx) error {
		return func(ctx context.Context, tx store.Tx) error {
			l, err := tx.Leads().Get(ctx, id)
			if err != nil {
				l = &leadloop.Lead{ID: id, MergedInto: "a"}
			}
			change(l)
			_, err = tx.Leads().Put(ctx, l)
			return err
		}
	}
	for name, tc := range map[string]struct {
		rules faulttest.Rules
		spoil func(ctx context.Context, tx store.Tx) error
		says  string // "" if nothing
	}{
		"nothing is broken":                    {},
		"a key without a lead":                 {rules: faulttest.Rules{Keys: []string{"form-a", "form-b"}}, says: "acknowledged key 2 of 2 has no lead"},
		"two leads of one person":              {rules: faulttest.Rules{Unique: []string{"email"}}, spoil: put("b", func(l *leadloop.Lead) { l.Identifiers = []leadloop.Identifier{{Kind: "email", Value: "a@example.com"}} }), says: "leads a and b share a email"},
		"a lead that is assigned to nobody":    {spoil: put("a", func(l *leadloop.Lead) { l.State.Owner = "" }), says: "lead a is assigned to nobody"},
		"an owner that the journal knows not":  {spoil: put("a", func(l *leadloop.Lead) { l.State.Owner = "ben" }), says: `lead a belongs to "ben", the journal gave it to "ana"`},
		"a lead without a reason":              {spoil: put("b", func(l *leadloop.Lead) { l.State.Disposition = leadloop.OutcomeNurture }), says: `lead b is "nurture" without a queue or a reason`},
		"a lead merged into nothing":           {spoil: put("c", func(l *leadloop.Lead) { l.MergedInto = "x" }), says: "lead c is merged into x, which is not there"},
		"a lead that nobody will decide about": {spoil: func(ctx context.Context, tx store.Tx) error { return tx.Tasks().Cancel(ctx, "process:b") }, says: "lead b is not decided about, and no task will"},
		"a lead that waits when all is done":   {rules: faulttest.Rules{Settled: true}, says: "lead b is not decided about"},
		"an arrival that is there twice": {spoil: func(ctx context.Context, tx store.Tx) error {
			return tx.Journal().Append(ctx, leadloop.Event{Kind: leadloop.EventCaptured, Lead: "a", At: noon})
		}, says: "lead a arrived 2 times"},
		"a decision of a revision to come": {spoil: func(ctx context.Context, tx store.Tx) error {
			return tx.Decisions().Put(ctx, leadloop.Decision{Lead: "a", Revision: 7, AsOf: noon})
		}, says: "lead a has revision 1 and a decision about revision 7"},
		"a pool that counts a lead nobody got": {rules: faulttest.Rules{Pools: []string{"other"}}, spoil: func(ctx context.Context, tx store.Tx) error {
			return tx.Rotations().Move(ctx, leadloop.LedgerMove{Pool: "other", To: "ana", At: noon})
		}, says: "the pools counted 2 leads, the journal has 1 assignments"},
		"a task of a lead that is not there": {spoil: func(ctx context.Context, tx store.Tx) error {
			return tx.Tasks().Add(ctx, leadloop.Task{Key: "x", Kind: leadloop.TaskNotify, Lead: "gone", DueAt: noon})
		}, says: "task x is of lead gone, which is not there"},
		"a task by which a system is told of an erasure": {spoil: func(ctx context.Context, tx store.Tx) error {
			return errors.Join(tx.Journal().Append(ctx, leadloop.Event{Kind: leadloop.EventErased, Lead: "er_1", From: "crm", To: "pending", At: noon}),
				tx.Tasks().Add(ctx, leadloop.Task{Key: "erase:er_1:crm", Kind: "erase", Lead: "er_1:crm", DueAt: noon}))
		}},
		"a task that an erasure left behind": {spoil: func(ctx context.Context, tx store.Tx) error {
			return errors.Join(tx.Journal().Append(ctx, leadloop.Event{Kind: leadloop.EventErased, Lead: "gone", To: "er_1", At: noon}),
				tx.Tasks().Add(ctx, leadloop.Task{Key: "x", Kind: leadloop.TaskNotify, Lead: "gone", DueAt: noon}))
		}, says: "task x is of lead gone, which is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			s := memstore.New()
			if err := s.Update(t.Context(), func(tx store.Tx) error {
				if err := sound(t.Context(), tx); err != nil || tc.spoil == nil {
					return err
				}
				return tc.spoil(t.Context(), tx)
			}); err != nil {
				t.Fatal(err)
			}
			err := faulttest.Check(t.Context(), s, tc.rules)
			if tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("want it to say %q, got %v", tc.says, err)
			}
		})
	}
}

func ExampleWatch() {
	s := faulttest.Watch(memstore.New(), func(point string) error {
		fmt.Println(point)
		return nil
	})
	ctx := context.Background()
	err := s.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Leads().Put(ctx, &leadloop.Lead{ID: "a"})
		return err
	})
	fmt.Println(err)
	// Output:
	// Update
	// Leads.Put
	// commit
	// committed
	// <nil>
}

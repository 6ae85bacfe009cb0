package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func TestWhatALeadBecameIsStoredInTheSameCommitOrNotAtAll(t *testing.T) {
	var crm leadloop.Effects
	crm.Accounts = []leadloop.Account{{ID: "ac_1", Name: "Acme"}}
	crm.Contacts = []leadloop.Contact{{ID: "ct_1", Account: "ac_1"}}
	crm.Opportunities = []leadloop.Opportunity{{ID: "op_1", Account: "ac_1", Status: leadloop.OpportunityOpen, CreatedAt: at}}
	convert := leadloop.StageFunc("convert", func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		return leadloop.Outcome{}, crm, nil
	})
	broken := errors.New("no")
	for name, after := range map[string]error{"stored": nil, "a later step fails": broken} {
		t.Run(name, func(t *testing.T) {
			st := memstore.New()
			loop, err := engine.New(st, leadloop.StandardSchema(), policy, []leadloop.Stage{assign("ana")}, engine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			res, err := loop.Process(ctx, leadloop.Submission{Key: "k", ReceivedAt: at}, at)
			if err != nil {
				t.Fatal(err)
			}
			last := leadloop.StageFunc("last", func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
				return leadloop.Outcome{}, leadloop.Effects{}, after
			})
			if _, err := loop.Do(ctx, res.Lead.ID, at, convert, last); !errors.Is(err, after) {
				t.Fatal(err)
			}
			var got []leadloop.Opportunity
			var contact, account error
			err = st.View(ctx, func(tx store.Tx) (err error) {
				_, account = tx.CRM().Account(ctx, "ac_1")
				_, contact = tx.CRM().Contact(ctx, "ct_1")
				got, err = tx.CRM().Opportunities(ctx, "")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			want := crm.Opportunities
			if after != nil {
				want = nil
			}
			if diff := cmp.Diff(want, got); diff != "" || (account == nil) != (after == nil) || (contact == nil) != (after == nil) {
				t.Error(diff, account, contact)
			}
		})
	}
}

func TestATimerCanSendALeadOnItsSecondPass(t *testing.T) {
	var triggers []leadloop.Trigger
	st := memstore.New()
	watch := leadloop.StageFunc("watch", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		triggers = append(triggers, s.Trigger)
		return leadloop.Outcome{}, leadloop.Effects{}, nil
	})
	again := leadloop.StageFunc("again", func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		return leadloop.Outcome{}, leadloop.Effects{Tasks: []leadloop.Task{{Key: "recycle:1", Kind: leadloop.TaskRecycle, DueAt: at.Add(40 * time.Minute)}}}, nil
	})
	loop, err := engine.New(st, leadloop.StandardSchema(), policy, []leadloop.Stage{watch, assign("ana"), again}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loop.Process(ctx, leadloop.Submission{Key: "k", ReceivedAt: at}, at); err != nil {
		t.Fatal(err)
	}
	if _, err := loop.Advance(ctx, at.Add(30*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := loop.Advance(ctx, at.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]leadloop.Trigger{leadloop.TriggerSubmission, leadloop.TriggerRecycle, leadloop.TriggerTask}, triggers); diff != "" {
		t.Error(diff)
	}
}

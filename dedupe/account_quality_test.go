package dedupe_test

import (
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match/matchtest"
	"github.com/leadloop/leadloop/dedupe/match/measure"
	"github.com/leadloop/leadloop/store"
)

// TestLeadToAccountOnGeneratedLeads holds the account of the best answer to 98 % right, over leads of known and unknown companies, and wrong
// answers to 1 %.
func TestLeadToAccountOnGeneratedLeads(t *testing.T) {
	for _, seed := range []uint64{1, 2} {
		w := matchtest.New(3000, seed)
		st := open(t)
		write(t, st, func(tx store.Tx) error {
			for a := range w.Accounts() {
				a.Identifiers = dedupe.AccountIdentifiers(a)
				if err := tx.CRM().PutAccount(t.Context(), a); err != nil {
					return err
				}
			}
			return nil
		})
		stage := dedupe.NewStage(st, dedupe.Options{})
		var truth, got []leadloop.AccountID
		for _, r := range w.Records() {
			l := r.Lead()
			_, effects, err := stage.Decide(t.Context(), subject(l, leadloop.TriggerSubmission))
			if err != nil {
				t.Fatal(err)
			}
			var account leadloop.AccountID
			if effects.State != nil {
				account = effects.State.Account
			}
			truth, got = append(truth, r.Account), append(got, account)
		}
		top := measure.TopOne(truth, got)
		t.Logf("seed %d: %+v, accuracy %.4f", seed, top, top.Accuracy())
		if wrong := float64(top.Wrong+top.Invented) / float64(w.Len()); top.Accuracy() < .98 || wrong > .01 {
			t.Errorf("seed %d: %+v, accuracy %.4f, want .98; wrong %.4f", seed, top, top.Accuracy(), wrong)
		}
	}
}

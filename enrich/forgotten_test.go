package enrich_test

import (
	"context"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/store"
)

func TestAnAnswerThatArrivesAfterTheErasureIsPaidForAndNotKept(t *testing.T) {
	var entries []store.CacheEntry
	st := spy{Store: newStore(t), entries: &entries}
	erased := leadloop.LeadID("")
	p := &provider{answer: func(enrich.Query) (enrich.Answer, error) {
		erased = "lead-1" // while the vendor looks it up
		return enrich.Answer{Matched: true, Facts: []enrich.Fact{employees(70)}}, nil
	}}
	o := demand("company.employees")
	o.Forgotten = func(_ context.Context, _ store.Tx, id leadloop.LeadID) (bool, error) { return id == erased, nil }
	enrichOnce(t, waterfall(t, st, o, source("p", p)), subject())
	if len(entries) > 0 {
		t.Errorf("kept: %+v", entries)
	}
	if err := st.View(t.Context(), func(tx store.Tx) error {
		total, err := tx.Costs().Total(t.Context(), "p", time.Time{}, asOf.Add(time.Hour))
		if total != euro {
			t.Errorf("the ledger says %d, want %d", total, euro)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

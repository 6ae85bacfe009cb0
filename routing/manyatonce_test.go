package routing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func TestManyAtOnceKeepTheLedgerExactAndNoLeadTwice(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	ctx := context.Background()
	profile := profileOf(t, b.r, american)
	const workers, each = 32, 10
	var wg sync.WaitGroup
	errs := make(chan error, workers*each)
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				lead := leadOfTier(leadloop.LeadID(fmt.Sprintf("l%02d-%02d", w, i)), "A")
				s := leadloop.Subject{Lead: lead, Profile: profile, AsOf: monday, Trigger: leadloop.TriggerSubmission}
				for {
					_, _, err := b.try(ctx, s)
					if errors.Is(err, leadloop.ErrConflict) {
						continue
					}
					if err != nil {
						errs <- err
					}
					break
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
	got := map[leadloop.RepID]int64{}
	owners := map[leadloop.RepID]int64{}
	b.update(func(tx store.Tx) error {
		r, err := tx.Rotations().Get(ctx, "west")
		if err != nil {
			return err
		}
		if r.Revision != workers*each {
			t.Errorf("the ledger moved %d times for %d leads", r.Revision, workers*each)
		}
		var total leadloop.Owed
		for _, m := range r.Balances {
			total += m.Owed
			got[m.Member] = m.Count
			if m.Owed >= leadloop.OneLead || m.Owed <= -leadloop.OneLead {
				t.Errorf("%s is owed %d", m.Member, m.Owed)
			}
		}
		if total != 0 {
			t.Errorf("the ledger sums to %d", total)
		}
		list, err := tx.Leads().List(ctx, "", workers*each+1)
		for _, l := range list {
			owners[l.State.Owner]++
		}
		if len(list) != workers*each {
			t.Errorf("%d leads", len(list))
		}
		return err
	})
	// Ben has room for two; from then on the others share 100 to 50.
	if got["ben"] != 2 || got["ana"]+got["cem"] != workers*each-2 || got["ana"] < 2*got["cem"]-2 || got["ana"] > 2*got["cem"]+2 {
		t.Errorf("the ledger counts %v", got)
	}
	if diff := cmp.Diff(got, owners); diff != "" {
		t.Errorf("counts against owners (-ledger +leads):\n%s", diff)
	}
}

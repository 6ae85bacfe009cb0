package routing

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func TestTheHistoryIsReadInParts(t *testing.T) {
	b := newBench(t, routingFile, slaFile)
	for _, id := range []leadloop.LeadID{"l1", "l2", "l3"} {
		b.run(leadOfTier(id, "A"), monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
	}
	var got [][2]string
	after, limit := int64(0), 1
	err := b.st.View(context.Background(), func(tx store.Tx) error {
		for {
			list, next, err := History(context.Background(), tx, "west", "", after, limit)
			if err != nil || len(list) == 0 && next == after {
				return err
			}
			if len(list) > limit {
				t.Errorf("%d bookings", len(list))
			}
			for _, x := range list {
				got = append(got, [2]string{string(x.Lead), string(x.Member)})
			}
			after = next
		}
	})
	if diff := cmp.Diff([][2]string{{"l1", "ana"}, {"l2", "ben"}, {"l3", "cem"}}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

package backfill

import (
	"context"
	"fmt"

	"github.com/leadloop/leadloop/store"
)

// Write stores the events of entries in one transaction and returns how many
// were new: an entry whose key was taken before, by an earlier import or by
// another row with the same words, changes nothing. On an error, which is the
// store's, nothing was written.
func Write(ctx context.Context, st store.Store, entries []Entry) (added int, err error) {
	err = st.Update(ctx, func(tx store.Tx) error {
		added = 0
		for _, e := range entries {
			_, claimed, err := tx.Keys().Claim(ctx, e.Key, e.Lead)
			if err != nil {
				return err
			}
			if !claimed {
				continue
			}
			added++
			if err := tx.Journal().Append(ctx, e.Events...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("backfill: %w", err)
	}
	return added, nil
}

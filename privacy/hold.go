package privacy

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// ReasonLegalHold marks a lead that must not be deleted.
const ReasonLegalHold = "legal_hold"

// Hold keeps a lead, and those merged with it now or later, from erasure and
// retention until [Release]: a court or an auditor may need it. It changes
// nothing else. ErrNotFound if there is no such lead.
func Hold(ctx context.Context, st store.Store, t *Tokens, id leadloop.LeadID, at time.Time) error {
	if at.IsZero() {
		return fmt.Errorf("privacy: hold lead %s: %w: it needs a time", id, leadloop.ErrInvalid)
	}
	err := retry(ctx, func() error {
		return st.Update(ctx, func(tx store.Tx) error {
			if _, err := tx.Leads().Get(ctx, id); err != nil {
				return err
			}
			return tx.Suppressions().Add(ctx, store.Suppression{Token: t.token(kindHold, string(id)), Reason: ReasonLegalHold, At: at.UTC()})
		})
	})
	if err != nil {
		return fmt.Errorf("privacy: hold lead %s: %w", id, err)
	}
	return nil
}

// Release ends the hold of a lead; one that has none is no error.
func Release(ctx context.Context, st store.Store, t *Tokens, id leadloop.LeadID) error {
	err := retry(ctx, func() error {
		return st.Update(ctx, func(tx store.Tx) error {
			for _, token := range t.lookup(nil, kindHold, string(id)) {
				if err := tx.Suppressions().Remove(ctx, token); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("privacy: release lead %s: %w", id, err)
	}
	return nil
}

func (t *Tokens) anyHeld(ctx context.Context, tx store.Tx, ids []leadloop.LeadID) (bool, error) {
	var tokens []string
	for _, id := range ids {
		tokens = t.lookup(tokens, kindHold, string(id))
	}
	hits, err := tx.Suppressions().Match(ctx, tokens)
	return len(hits) > 0, err
}

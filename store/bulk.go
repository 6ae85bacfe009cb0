package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadloop/leadloop"
)

// LeadsBulk is an optional role: a [Leads] that also has it stores many new
// leads with a few statements. Ask for it through [PutNew].
type LeadsBulk interface {
	// PutNew stores leads whose Revision is 0 under revision 1. ErrConflict if
	// one of them exists or comes twice; none is stored then.
	PutNew(ctx context.Context, leads []*leadloop.Lead) error
}

// KeysBulk is an optional role: a [Keys] that also has it claims many keys with
// a few statements. Ask for it through [ClaimAll].
type KeysBulk interface {
	// ClaimAll binds each key to the id at its place and returns, at the same
	// places, the lead that the key was bound to before, "" where it was
	// claimed now. Of a key that comes twice the first binds.
	ClaimAll(ctx context.Context, keys []string, ids []leadloop.LeadID) (before []leadloop.LeadID, err error)
}

// PutNew stores new leads, all at once if the role is a [LeadsBulk], otherwise
// one after the other.
func PutNew(ctx context.Context, r Leads, leads []*leadloop.Lead) error {
	for _, l := range leads {
		if l.Revision != 0 {
			return fmt.Errorf("lead %s: %w: it is not new", l.ID, leadloop.ErrInvalid)
		}
	}
	if bulk, ok := r.(LeadsBulk); ok {
		return bulk.PutNew(ctx, leads)
	}
	for i, l := range leads {
		if _, err := r.Put(ctx, l); err != nil {
			if !errors.Is(err, leadloop.ErrConflict) {
				return err
			}
			for _, done := range leads[:i] {
				if undo := r.Delete(ctx, done.ID); undo != nil {
					return undo
				}
			}
			return err
		}
	}
	return nil
}

// ClaimAll claims keys, all at once if the role is a [KeysBulk], otherwise one
// after the other. ErrInvalid if there are not as many ids.
func ClaimAll(ctx context.Context, r Keys, keys []string, ids []leadloop.LeadID) ([]leadloop.LeadID, error) {
	if len(keys) != len(ids) {
		return nil, fmt.Errorf("%w: %d keys and %d leads", leadloop.ErrInvalid, len(keys), len(ids))
	}
	if bulk, ok := r.(KeysBulk); ok {
		return bulk.ClaimAll(ctx, keys, ids)
	}
	before := make([]leadloop.LeadID, len(keys))
	for i, key := range keys {
		bound, claimed, err := r.Claim(ctx, key, ids[i])
		if err != nil {
			return nil, err
		}
		if !claimed {
			before[i] = bound
		}
	}
	return before, nil
}

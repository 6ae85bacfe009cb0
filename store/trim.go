package store

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
)

// Trimmer is an optional role: a [Tx] that also has it gives room back.
type Trimmer interface {
	// Trim removes up to limit tasks that are done or cancelled and were due
	// before that moment, and may store up to limit decision records as old in
	// less room, from which they come back as they were. Dead tasks stay: a
	// person has to look at them. Once a task is gone, one with its key can be
	// added again.
	Trim(ctx context.Context, before time.Time, limit int) (Trimmed, error)
}

// Trimmed is what [Trimmer.Trim] did.
type Trimmed struct {
	Tasks     int // removed
	Decisions int // stored in less room
}

// Trim asks tx to give room back. ErrInvalid if it has no [Trimmer].
func Trim(ctx context.Context, tx Tx, before time.Time, limit int) (Trimmed, error) {
	t, ok := tx.(Trimmer)
	if !ok {
		return Trimmed{}, fmt.Errorf("%w: the store has no way to trim", leadloop.ErrInvalid)
	}
	return t.Trim(ctx, before, limit)
}

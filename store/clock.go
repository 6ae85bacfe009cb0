package store

import (
	"context"
	"time"
)

// Clock is an optional role of a [Store]: the one clock that everybody who uses
// it agrees on, whatever their own says. A loop that runs on several machines
// leases tasks by it.
type Clock interface {
	// Now returns the store's time.
	Now(ctx context.Context) (time.Time, error)
}

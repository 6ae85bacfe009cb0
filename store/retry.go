package store

import (
	"context"
	"errors"
	"time"

	"github.com/leadloop/leadloop"
)

// Retry calls f, which runs a transaction and decides in it, until it returns
// something else than leadloop.ErrConflict, up to so many times in all. It waits
// between the calls, 2 ms at first and 50 at most: whoever was in the way is done
// by then. A done ctx ends the wait with ctx's error.
func Retry(ctx context.Context, tries int, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		if !errors.Is(err, leadloop.ErrConflict) || n >= tries {
			return err
		}
		wait := time.NewTimer(min(time.Millisecond<<n, 50*time.Millisecond))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		}
	}
}

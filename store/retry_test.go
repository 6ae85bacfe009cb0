package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func TestAConflictIsTriedAgainALittleLaterEachTime(t *testing.T) {
	broken, conflict := errors.New("broken"), fmt.Errorf("lead x: %w", leadloop.ErrConflict)
	for name, tc := range map[string]struct {
		errs  []error // of the calls; the last one stays
		tries int
		want  error
		calls int
		took  time.Duration
	}{
		"no conflict":           {[]error{nil}, 20, nil, 1, 0},
		"another error":         {[]error{broken}, 20, broken, 1, 0},
		"two conflicts":         {[]error{conflict, conflict, nil}, 20, nil, 3, 6 * time.Millisecond},
		"then another error":    {[]error{conflict, broken}, 20, broken, 2, 2 * time.Millisecond},
		"conflicts without end": {[]error{conflict}, 8, leadloop.ErrConflict, 8, (2 + 4 + 8 + 16 + 32 + 50 + 50) * time.Millisecond},
		"one try":               {[]error{conflict}, 1, leadloop.ErrConflict, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, calls := time.Now(), 0
				err := store.Retry(t.Context(), tc.tries, func() error {
					calls++
					return tc.errs[min(calls, len(tc.errs))-1]
				})
				if !errors.Is(err, tc.want) || calls != tc.calls || time.Since(began) != tc.took {
					t.Errorf("%v after %d calls and %s; want %v, %d, %s", err, calls, time.Since(began), tc.want, tc.calls, tc.took)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := store.Retry(ctx, 20, func() error { return conflict }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a context that ends: %v", err)
		}
	})
}

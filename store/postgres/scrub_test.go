package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// TestAScrubWaitsForTransactionsThatSeeWhatWasDeleted: what it takes out of the
// files is in module benchmarks/faults, with a whole loop.
func TestAScrubWaitsForTransactionsThatSeeWhatWasDeleted(t *testing.T) {
	s := openAt(t, newSchema(t))
	if err := put(t, s, "a"); err != nil {
		t.Fatal(err)
	}
	read, seen := make(chan struct{}), make(chan struct{})
	viewed := make(chan error, 1)
	go func() {
		viewed <- s.View(context.WithoutCancel(t.Context()), func(tx store.Tx) error {
			_, err := tx.Leads().Get(t.Context(), "a")
			close(read)
			<-seen
			return err
		})
	}()
	<-read
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Leads().Delete(t.Context(), "a") }); err != nil {
		t.Fatal(err)
	}
	if err := s.Scrub(t.Context()); !errors.Is(err, leadloop.ErrUnavailable) || !strings.Contains(err.Error(), "still sees what was deleted") {
		t.Errorf("want ErrUnavailable and who is in the way, got %v", err)
	}
	close(seen)
	if err := <-viewed; err != nil {
		t.Error(err)
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
	if err := put(t, s, "b"); err != nil {
		t.Errorf("after a scrub: %v", err)
	}
}

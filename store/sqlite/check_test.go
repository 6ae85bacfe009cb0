package sqlite

import (
	"errors"
	"os"
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func TestCheckTellsAWholeFileFromADamagedOne(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path, Options{})
	for range 3 {
		if err := s.Update(t.Context(), func(tx store.Tx) error {
			for range 300 {
				if err := tx.Journal().Append(t.Context(), leadloop.Event{Kind: leadloop.EventCaptured, Lead: "a"}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); !errors.Is(err, leadloop.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The pages of the journal, behind the first ones that opening reads.
	for i := len(data) * 3 / 4; i < len(data); i++ {
		data[i] ^= 0x5a
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	damaged := openAt(t, path, Options{})
	if err := damaged.Check(t.Context()); !errors.Is(err, leadloop.ErrUnavailable) {
		t.Errorf("of a damaged file: %v", err)
	}
}

package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/leadloop/leadloop/store"
)

func nothing(store.Tx) error { return nil }

// cacheSize is what a connection may remember, in KiB.
func cacheSize(t *testing.T, c *conn) (kib int64) {
	t.Helper()
	if err := c.once(t.Context(), "PRAGMA cache_size", func(r *row) { kib = -r.int() }); err != nil {
		t.Fatal(err)
	}
	return kib
}

func TestWhoReadsAfterWritingReadsOnTheSameConnection(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for range 3 {
		if err := s.Update(t.Context(), nothing); err != nil {
			t.Fatal(err)
		}
		if err := s.View(t.Context(), nothing); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.stock.idle); n != 1 {
		t.Errorf("%d connections were opened for transactions that followed each other", n)
	}
}

func TestAnUpdateDoesNotWaitForAViewAndFewConnectionsRememberMuch(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	first := s.stock.last
	if err := s.View(t.Context(), func(store.Tx) error { return s.Update(t.Context(), nothing) }); err != nil {
		t.Fatal(err)
	}
	second := s.stock.last
	if first == second {
		t.Fatal("a View and an Update had one connection at the same time")
	}
	if a, b := cacheSize(t, first), cacheSize(t, second); a != 2000 || b != 64000 {
		t.Errorf("the one that writes no more remembers %d KiB, the one that does %d", a, b)
	}
	// From now on Views keep away from the one that writes.
	if err := s.View(t.Context(), func(store.Tx) error { return s.Update(t.Context(), nothing) }); err != nil {
		t.Fatal(err)
	}
	if s.stock.last != second || len(s.stock.idle) != 2 {
		t.Errorf("the Update went elsewhere though a View could have, and there are %d connections", len(s.stock.idle))
	}
}

package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/storetest"
)

// openAt opens the store of a test.
func openAt(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "leads.db") }

func config(o Options) storetest.Config {
	return storetest.Config{
		New: func(t testing.TB) store.Store { return openAt(t, newPath(t), o) },
		Reopen: func(t testing.TB, s store.Store) store.Store {
			if err := s.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			return openAt(t, s.(*Store).path, o)
		},
	}
}

func TestConformance(t *testing.T) { storetest.Run(t, config(Options{})) }

func TestConformanceWithFullSyncAndOneReader(t *testing.T) {
	storetest.Run(t, config(Options{FullSync: true, Readers: 1}))
}

func BenchmarkStore(b *testing.B) { storetest.Bench(b, config(Options{})) }

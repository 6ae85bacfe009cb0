package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// canary is a text that stands in the file only while a lead has it.
const canary = "canary-5f0c1d"

func putCanary(t *testing.T, s *Store) {
	t.Helper()
	err := s.Update(t.Context(), func(tx store.Tx) error {
		for _, id := range []leadloop.LeadID{"a", "b"} {
			l := &leadloop.Lead{ID: id, Identifiers: []leadloop.Identifier{{Kind: "email", Value: canary + string(id)}}}
			for range 200 { // over several pages
				l.Claims = append(l.Claims, leadloop.Claim{Field: "email", Value: leadloop.ValueOf(strings.Repeat(canary, 5))})
			}
			if _, err := tx.Leads().Put(t.Context(), l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func forget(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		return errors.Join(tx.Leads().Delete(t.Context(), "a"), tx.Leads().Delete(t.Context(), "b"))
	}); err != nil {
		t.Fatal(err)
	}
}

// onDisk reports whether the canary stands in the file or beside it.
func onDisk(t *testing.T, path string) bool {
	t.Helper()
	names, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(canary)) {
			return true
		}
	}
	return false
}

func TestAfterAScrubNothingDeletedStandsInTheFileOrItsLog(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path, Options{})
	putCanary(t, s)
	forget(t, s)
	if !onDisk(t, path) {
		t.Fatal("the canary was gone before the scrub: the test shows nothing")
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if onDisk(t, path) {
		t.Error("the canary stands on the disk after the scrub")
	}
	if err := putNew(t.Context(), s, "c", 16); err != nil {
		t.Error(err)
	}
	if got := leadsIn(t, s); len(got) != 1 || got[0] != "c" {
		t.Errorf("leads after the scrub: %v", got)
	}
}

func TestAScrubWaitsForViewsOfAnOlderState(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path, Options{BusyTimeout: 50 * time.Millisecond})
	putCanary(t, s)
	err := s.View(t.Context(), func(tx store.Tx) error {
		if _, err := tx.Leads().Get(t.Context(), "a"); err != nil {
			return err
		}
		forget(t, s)
		if err := s.Scrub(t.Context()); !errors.Is(err, leadloop.ErrUnavailable) || !strings.Contains(err.Error(), "a View still reads") {
			t.Errorf("want ErrUnavailable and who is in the way, got %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if onDisk(t, path) {
		t.Error("the canary stands on the disk after the scrub")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Scrub(t.Context()); !errors.Is(err, leadloop.ErrUnavailable) {
		t.Errorf("after Close: want ErrUnavailable, got %v", err)
	}
}

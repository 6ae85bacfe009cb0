package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func TestABackupIsTheLatestCommitAndOpens(t *testing.T) {
	s, path := openAt(t, newPath(t), Options{}), newPath(t)
	if err := putNew(t.Context(), s, "a", 16); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		if _, err := tx.Leads().Put(t.Context(), &leadloop.Lead{ID: "b"}); err != nil {
			return err
		}
		return s.Backup(t.Context(), path) // while an Update runs
	}); err != nil {
		t.Fatal(err)
	}
	restored := openAt(t, path, Options{})
	if got := leadsIn(t, restored); len(got) != 1 || got[0] != "a" {
		t.Errorf("leads in the backup: %v", got)
	}
	if err := putNew(t.Context(), restored, "c", 16); err != nil {
		t.Error(err)
	}
	if got := leadsIn(t, s); len(got) != 2 {
		t.Errorf("leads in the original: %v", got)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.partial"))
	if err != nil || len(files) > 0 {
		t.Errorf("left over: %v %v", files, err)
	}
}

func TestABackupReplacesNothing(t *testing.T) {
	s, path := openAt(t, newPath(t), Options{}), newPath(t)
	write(t, path, []byte("mine"))
	if err := s.Backup(t.Context(), path); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("want ErrInvalid, got %v", err)
	}
	if data, err := os.ReadFile(path); string(data) != "mine" {
		t.Errorf("the file holds %q now, %v", data, err)
	}
}

func TestABackupThatFailsLeavesNoFile(t *testing.T) {
	s, path := openAt(t, newPath(t), Options{}), newPath(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("want context.Canceled, got %v", err)
	}
	if err := s.Backup(t.Context(), filepath.Join(path, "none", "b.db")); !errors.Is(err, leadloop.ErrUnavailable) {
		t.Errorf("want ErrUnavailable, got %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a file: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), path); !errors.Is(err, leadloop.ErrUnavailable) {
		t.Errorf("after Close: want ErrUnavailable, got %v", err)
	}
}

func TestOthersCanReadNeitherTheFileNorItsLogNorABackup(t *testing.T) {
	path, backup := newPath(t), newPath(t)
	s := openAt(t, path, Options{})
	if err := putNew(t.Context(), s, "a", 16); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm", backup} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", filepath.Base(name), info, err)
		}
	}
	// Whoever shares a file says so themselves.
	if err := errors.Join(s.Close(), os.Chmod(path, 0o640)); err != nil {
		t.Fatal(err)
	}
	openAt(t, path, Options{})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode that its owner gave it: %v %v", info, err)
	}
}

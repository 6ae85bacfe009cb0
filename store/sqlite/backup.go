package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/leadloop/leadloop"
)

// Backup writes a whole, compact copy of the latest commit to a new file at
// path, which [Open] opens. Views and Updates go on meanwhile. The file appears
// when it is complete and on the disk; an existing one is never touched
// (ErrInvalid). A done ctx ends the copy with ctx's error.
func (s *Store) Backup(ctx context.Context, path string) error {
	if err := s.backup(ctx, path); err != nil {
		return fmt.Errorf("sqlite: backup to %s: %w", path, err)
	}
	return nil
}

func (s *Store) backup(ctx context.Context, path string) (err error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: there is something already", leadloop.ErrInvalid)
	}
	// A reader's turn: the copy reads one moment like any View, on a connection of
	// its own, whose memory it fills.
	turn, err := s.readers.take(ctx, s.done)
	if err != nil {
		return err
	}
	defer s.readers.put(ctx, turn)
	c, err := openConn(ctx, s.path, s.o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	partial := path + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", leadloop.ErrUnavailable, err)
	}
	defer func() {
		if err != nil {
			// Nobody takes it for a backup, and the next one replaces it.
			_ = os.Remove(partial)
		}
	}()
	if err := createPrivate(partial); err != nil {
		return err
	}
	if err := s.patiently(ctx, func() error {
		return c.once(ctx, "VACUUM INTO ?", nil, driver.NamedValue{Ordinal: 1, Value: partial})
	}); err != nil {
		return err
	}
	if err := syncFile(partial); err != nil {
		return fmt.Errorf("%w: %w", leadloop.ErrUnavailable, err)
	}
	// Link, unlike rename, refuses to replace what came into being meanwhile.
	if err := os.Link(partial, path); err != nil {
		return fmt.Errorf("%w: %w", leadloop.ErrUnavailable, err)
	}
	return os.Remove(partial)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

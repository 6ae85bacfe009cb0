package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadloop/leadloop"
)

// Scrub takes what was deleted out of the file and its log: SQLite only marks
// the space as free. It rewrites the whole file, which takes about as long as
// copying it and as much room again; Updates wait meanwhile, Views go on. An
// error that wraps leadloop.ErrUnavailable tells of a View that still reads an
// older state, or of a full disk: try again. Copies made before, such as
// backups, are the host's to deal with.
func (s *Store) Scrub(ctx context.Context) error {
	if err := s.scrub(ctx); err != nil {
		return fmt.Errorf("sqlite: scrub %s: %w", s.path, err)
	}
	return nil
}

// errRead says that the log can't be emptied yet.
var errRead = fmt.Errorf("%w: a View still reads what was deleted", leadloop.ErrUnavailable)

func (s *Store) scrub(ctx context.Context) error {
	c, err := s.writer.take(ctx, s.done)
	if err != nil {
		return err
	}
	defer func() { s.writer.put(ctx, c) }()
	if err := s.patiently(ctx, func() error { return c.once(ctx, "VACUUM", nil) }); err != nil {
		return err
	}
	// Until the log is copied back and emptied, both still have the old pages.
	waited := false
	err = s.patiently(ctx, func() error {
		busy := int64(1)
		if err := c.once(ctx, "PRAGMA wal_checkpoint(TRUNCATE)", func(r *row) { busy = r.int() }); err != nil {
			return err
		}
		if busy != 0 {
			waited = true
			return errRead
		}
		return nil
	})
	if waited && errors.Is(err, leadloop.ErrUnavailable) {
		return errRead
	}
	return err
}

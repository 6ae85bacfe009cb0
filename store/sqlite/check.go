package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/leadloop/leadloop"
)

// Check has SQLite verify the whole file: its pages, its indexes, its
// constraints. The error names what is damaged and wraps leadloop.ErrUnavailable.
// It reads everything once; Views and Updates go on.
func (s *Store) Check(ctx context.Context) error {
	c, err := s.readers.take(ctx, s.done)
	if err != nil {
		return err
	}
	defer s.readers.put(ctx, c)
	var damage []string
	if err := c.once(ctx, "PRAGMA integrity_check(10)", func(r *row) {
		if text := r.text(); text != "ok" {
			damage = append(damage, text)
		}
	}); err != nil {
		return fmt.Errorf("sqlite: check %s: %w", s.path, err)
	}
	if len(damage) > 0 {
		return fmt.Errorf("sqlite: check %s: %w: %s", s.path, leadloop.ErrUnavailable, strings.Join(damage, "; "))
	}
	return nil
}

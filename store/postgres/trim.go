package postgres

import (
	"context"
	"time"

	"github.com/leadloop/leadloop/store"
)

var _ store.Trimmer = (*tx)(nil)

// Trim removes old tasks; decision records are compressed by the server.
func (t *tx) Trim(ctx context.Context, before time.Time, limit int) (done store.Trimmed, err error) {
	if err := t.writing(ctx); err != nil || limit <= 0 {
		return done, err
	}
	n, err := t.exec(ctx, `DELETE FROM {tasks} WHERE key = ANY (ARRAY(
		SELECT key FROM {tasks} WHERE state IN ('done', 'cancelled') AND due_at < $1 ORDER BY due_at LIMIT $2))`, store.FormatBound(before), int64(limit))
	return store.Trimmed{Tasks: int(n)}, err
}

package sqlite

import (
	"context"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

var _ store.Trimmer = (*tx)(nil)

// Trim removes old tasks and compresses old decision records.
func (t *tx) Trim(ctx context.Context, before time.Time, limit int) (done store.Trimmed, err error) {
	if err := t.writing(ctx); err != nil || limit <= 0 {
		return done, err
	}
	bound := store.FormatBound(before)
	n, err := t.changed(ctx, `DELETE FROM tasks WHERE key IN (
		SELECT key FROM tasks WHERE state IN ('done', 'cancelled') AND due_at < ?1 ORDER BY due_at LIMIT ?2+0)`, bound, limit)
	if err != nil {
		return done, err
	}
	done.Tasks = int(n)
	type loose struct {
		lead     string
		revision int64
		steps    []leadloop.Step
	}
	var all []loose
	if err := t.query(ctx, `SELECT lead, revision, steps, packed FROM decisions WHERE packed IS NULL AND as_of < ?1 ORDER BY as_of LIMIT ?2+0`,
		func(r *row) { all = append(all, loose{r.text(), r.int(), decodeSteps(r, "a decision")}) }, bound, limit); err != nil {
		return done, err
	}
	for _, d := range all {
		small, err := store.PackSteps(d.steps)
		if err != nil {
			return done, invalid("decision about lead", d.lead, err)
		}
		if small == nil {
			small = []byte{}
		}
		if err := t.exec(ctx, "UPDATE decisions SET packed = ?3, steps = '' WHERE lead = ?1 AND revision = ?2", d.lead, d.revision, small); err != nil {
			return done, err
		}
		done.Decisions++
	}
	return done, nil
}

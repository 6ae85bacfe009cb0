package memstore

import (
	"context"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

var _ store.Trimmer = (*tx)(nil)

// Trim removes old tasks.
func (t *tx) Trim(ctx context.Context, before time.Time, limit int) (done store.Trimmed, err error) {
	if err := t.writing(ctx); err != nil {
		return done, err
	}
	var ended []*leadloop.Task
	for k, x := range t.state.tasksByDue.all() {
		if !k.t.Before(before) || len(ended) >= limit {
			break
		}
		if x.State == leadloop.TaskDone || x.State == leadloop.TaskCancelled {
			ended = append(ended, x)
		}
	}
	for _, x := range ended {
		t.state.tasks.drop(x.Key)
		t.state.tasksByLead.drop(key{a: string(x.Lead), t: x.DueAt, b: x.Key})
		t.state.tasksByDue.drop(key{t: x.DueAt, b: x.Key})
	}
	return store.Trimmed{Tasks: len(ended)}, nil
}

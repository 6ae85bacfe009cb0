package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop/store"
)

// trimmedAtOnce bounds a transaction of Trim, so that others don't wait long.
const trimmedAtOnce = 500

// Trim gives room back: tasks that ended and were due before that moment go,
// and a store may keep older decision records in less room. Leads, keys and the
// journal stay. It goes in small transactions and may be broken off. ErrInvalid
// if the store has no [store.Trimmer].
//
// A task's key is what keeps an effect from being stored twice, so before lies
// further back than anything is repeated: a month is plenty for a playbook.
func (l *Loop) Trim(ctx context.Context, before time.Time) (total store.Trimmed, err error) {
	for {
		var step store.Trimmed
		err := l.persist(ctx, func() error {
			return l.store.Update(ctx, func(tx store.Tx) (err error) {
				step, err = store.Trim(ctx, tx, before, trimmedAtOnce)
				return err
			})
		})
		if err != nil {
			return total, fmt.Errorf("trim: %w", err)
		}
		total.Tasks += step.Tasks
		total.Decisions += step.Decisions
		if step.Tasks < trimmedAtOnce && step.Decisions < trimmedAtOnce {
			return total, nil
		}
	}
}

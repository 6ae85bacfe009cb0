package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

type tasks struct{ *tx }

// never is the zero time as it is kept.
const never = "0001-01-01T00:00:00.000000000Z"

func (t tasks) Add(ctx context.Context, tasks ...leadloop.Task) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	for _, x := range tasks {
		due, err := store.FormatTime(x.DueAt)
		if err != nil {
			return invalid("task", x.Key, err)
		}
		tokens, err := list(x.Tokens)
		if err != nil {
			return invalid("task", x.Key, err)
		}
		outside := 0
		if x.Outside {
			outside = 1
		}
		if err := t.exec(ctx, `INSERT INTO tasks (key, kind, lead, due_at, outside, priority, payload, tokens,
				state, attempts, lease, leased_until, free_at, last_error)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'pending', 0, 0, '`+never+`', ?4, '') ON CONFLICT DO NOTHING`,
			x.Key, x.Kind, string(x.Lead), due, outside, x.Priority, string(x.Payload), tokens); err != nil {
			return err
		}
	}
	return nil
}

const taskColumns = `SELECT key, kind, lead, due_at, outside, priority, payload, tokens,
	state, attempts, lease, leased_until, last_error FROM tasks `

func (t tasks) read(ctx context.Context, query string, args ...any) (all []leadloop.Task, err error) {
	err = t.query(ctx, taskColumns+query, func(r *row) {
		x := leadloop.Task{
			Key: r.text(), Kind: r.text(), Lead: leadloop.LeadID(r.text()), DueAt: r.time(), Outside: r.bool(), Priority: int(r.int()),
		}
		if payload := r.text(); payload != "" {
			x.Payload = json.RawMessage(payload)
		}
		x.Tokens = decode[[]string](r, "a task")
		x.State, x.Attempts, x.Lease, x.LeasedUntil, x.LastError = leadloop.TaskState(r.text()), int(r.int()), r.int(), r.time(), r.text()
		all = append(all, x)
	}, args...)
	return all, err
}

// Statements that change a task, each without the columns that stay as they are:
// SQLite would write their entries in indexes all the same.
const (
	leaseTask = `UPDATE tasks SET lease = lease + 1, attempts = attempts + 1, leased_until = ?2, free_at = max(due_at, ?2) WHERE key = ?1`
	leaseNow  = `UPDATE tasks SET lease = lease + 1, attempts = attempts + 1, leased_until = ?2 WHERE key = ?1`
	endTask   = `UPDATE tasks SET state = ?2, free_at = due_at, leased_until = '` + never + `', last_error = ?3 WHERE key = ?1`
	retryTask = `UPDATE tasks SET due_at = ?2, free_at = ?2, leased_until = '` + never + `', last_error = ?3 WHERE key = ?1`
)

func (t tasks) Lease(ctx context.Context, now time.Time, hold time.Duration, limit int, kinds ...string) ([]leadloop.Task, error) {
	if err := t.writing(ctx); err != nil {
		return nil, err
	}
	if limit <= 0 {
		return nil, nil
	}
	until := now.Add(hold).UTC()
	held, err := store.FormatTime(until)
	if err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	kinds, err = t.kinds(ctx, kinds)
	if err != nil {
		return nil, err
	}
	var due []leadloop.Task
	for _, kind := range kinds {
		// Most kinds have nothing to hand out, and to find that out priority by
		// priority takes a look for each.
		some := false
		if err := t.query(ctx, "SELECT 1 FROM tasks WHERE state = 'pending' AND kind = ?1 AND free_at <= ?2 LIMIT 1",
			func(*row) { some = true }, kind, store.FormatBound(now)); err != nil {
			return nil, err
		}
		if !some {
			continue
		}
		of, err := t.due(ctx, kind, store.FormatBound(now), limit)
		if err != nil {
			return nil, err
		}
		due = append(due, of...)
	}
	slices.SortFunc(due, func(a, b leadloop.Task) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.DueAt.Compare(b.DueAt), strings.Compare(a.Key, b.Key))
	})
	due = due[:min(limit, len(due))]
	for i := range due {
		x := &due[i]
		query := leaseTask
		if !until.After(x.DueAt) && !x.LeasedUntil.After(x.DueAt) {
			query = leaseNow // free_at was when it is due, and stays so
		}
		if err := t.exec(ctx, query, x.Key, held); err != nil {
			return nil, err
		}
		x.Lease++
		x.Attempts++
		x.LeasedUntil = until.Round(0)
	}
	return due, nil
}

// kinds returns the kinds asked for, each once, or all that have a pending
// task.
func (t tasks) kinds(ctx context.Context, asked []string) ([]string, error) {
	if len(asked) > 0 {
		asked = slices.Clone(asked)
		slices.Sort(asked)
		return slices.Compact(asked), nil
	}
	var all []string
	query, args := "SELECT kind FROM tasks WHERE state = 'pending' ORDER BY kind LIMIT 1", []any(nil)
	for {
		n := len(all)
		if err := t.query(ctx, query, func(r *row) { all = append(all, r.text()) }, args...); err != nil || len(all) == n {
			return all, err
		}
		query, args = "SELECT kind FROM tasks WHERE state = 'pending' AND kind > ?1 ORDER BY kind LIMIT 1", []any{all[n]}
	}
}

// due returns up to limit tasks of a kind that can be leased at now, in the
// order in which they are handed out. It goes from priority to priority, so
// that timers that are not due yet are never looked at.
func (t tasks) due(ctx context.Context, kind, now string, limit int) (due []leadloop.Task, err error) {
	query, args := `SELECT priority FROM tasks WHERE state = 'pending' AND kind = ?1 ORDER BY priority DESC LIMIT 1`, []any{kind}
	for len(due) < limit {
		priority, found := int64(0), false
		if err := t.query(ctx, query, func(r *row) { priority, found = r.int(), true }, args...); err != nil || !found {
			return due, err
		}
		of, err := t.read(ctx, `WHERE state = 'pending' AND kind = ?1 AND priority = ?2 AND due_at <= ?3 AND free_at <= ?3
			ORDER BY due_at, key LIMIT ?4+0`, kind, priority, now, limit-len(due))
		if err != nil {
			return nil, err
		}
		due = append(due, of...)
		if priority == math.MinInt64 {
			return due, nil
		}
		query, args = `SELECT priority FROM tasks WHERE state = 'pending' AND kind = ?1 AND priority < ?2 ORDER BY priority DESC LIMIT 1`, []any{kind, priority}
	}
	return due, nil
}

func (t tasks) Finish(ctx context.Context, x leadloop.Task, state leadloop.TaskState) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	switch state {
	case leadloop.TaskPending, leadloop.TaskDone, leadloop.TaskCancelled, leadloop.TaskDead:
	default:
		return fmt.Errorf("task %s: %w: no such state", x.Key, leadloop.ErrInvalid)
	}
	now, err := t.Get(ctx, x.Key)
	if err != nil {
		return err
	}
	if now.Lease != x.Lease || now.Lease == 0 {
		return fmt.Errorf("task %s: %w: lease %d is not the current one", x.Key, leadloop.ErrConflict, x.Lease)
	}
	if now.State != leadloop.TaskPending {
		return nil
	}
	if state != leadloop.TaskPending {
		return t.exec(ctx, endTask, x.Key, string(state), x.LastError)
	}
	due, err := store.FormatTime(x.DueAt)
	if err != nil {
		return invalid("task", x.Key, err)
	}
	return t.exec(ctx, retryTask, x.Key, due, x.LastError)
}

func (t tasks) Cancel(ctx context.Context, keys ...string) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	for _, k := range keys {
		if err := t.exec(ctx, `UPDATE tasks SET state = 'cancelled', free_at = due_at, leased_until = '`+never+`'
			WHERE key = ?1 AND state = 'pending'`, k); err != nil {
			return err
		}
	}
	return nil
}

func (t tasks) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	return t.exec(ctx, "DELETE FROM tasks WHERE lead = ?1", string(id))
}

func (t tasks) Get(ctx context.Context, key string) (leadloop.Task, error) {
	if err := t.reading(ctx); err != nil {
		return leadloop.Task{}, err
	}
	all, err := t.read(ctx, "WHERE key = ?1", key)
	if err == nil && len(all) == 0 {
		err = notFound("task", key)
	}
	if err != nil {
		return leadloop.Task{}, err
	}
	return all[0], nil
}

func (t tasks) ByLead(ctx context.Context, id leadloop.LeadID) ([]leadloop.Task, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	if id == "" {
		return t.read(ctx, "ORDER BY due_at, key")
	}
	return t.read(ctx, "WHERE lead = ?1 ORDER BY due_at, key", string(id))
}

func (t tasks) ByState(ctx context.Context, state leadloop.TaskState) iter.Seq2[leadloop.Task, error] {
	return pages(ctx, t.tx, "", func(after string) ([]leadloop.Task, error) {
		return t.read(ctx, "WHERE state = ?1 AND key > ?2 ORDER BY key LIMIT ?3+0", string(state), after, pageSize)
	}, func(x leadloop.Task) string { return x.Key })
}

func (t tasks) Count(ctx context.Context) (all []store.TaskCount, err error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	err = t.query(ctx, "SELECT kind, state, count(*), min(due_at) FROM tasks GROUP BY kind, state ORDER BY kind, state", func(r *row) {
		all = append(all, store.TaskCount{Kind: r.text(), State: leadloop.TaskState(r.text()), N: int(r.int()), Due: r.time()})
	})
	return all, err
}

func (t tasks) NextDue(ctx context.Context, kinds ...string) (time.Time, bool, error) {
	if err := t.reading(ctx); err != nil {
		return time.Time{}, false, err
	}
	kinds, err := t.kinds(ctx, kinds)
	if err != nil {
		return time.Time{}, false, err
	}
	var at time.Time
	found := false
	for _, kind := range kinds {
		if err := t.query(ctx, "SELECT free_at FROM tasks WHERE state = 'pending' AND kind = ?1 ORDER BY free_at LIMIT 1", func(r *row) {
			if free := r.time(); !found || free.Before(at) {
				at, found = free, true
			}
		}, kind); err != nil {
			return time.Time{}, false, err
		}
	}
	return at, found, nil
}

package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

type tasks struct{ *tx }

func (t tasks) Add(ctx context.Context, tasks ...leadloop.Task) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	if len(tasks) == 0 {
		return nil
	}
	var keys, kinds, leads, dues, payloads, tokens []string
	var outside []bool
	var priorities []int64
	for _, x := range tasks {
		due, err := store.FormatTime(x.DueAt)
		if err != nil {
			return invalid("task", x.Key, err)
		}
		held, err := list(x.Tokens)
		if err != nil {
			return invalid("task", x.Key, err)
		}
		keys, kinds, leads, dues = append(keys, x.Key), append(kinds, x.Kind), append(leads, string(x.Lead)), append(dues, due)
		outside, priorities = append(outside, x.Outside), append(priorities, int64(x.Priority))
		payloads, tokens = append(payloads, string(x.Payload)), append(tokens, held)
	}
	if len(tasks) >= worthCopying {
		rows := make([][]any, len(tasks))
		for i := range rows {
			rows[i] = []any{keys[i], kinds[i], leads[i], dues[i], outside[i], priorities[i], payloads[i], tokens[i],
				string(leadloop.TaskPending), int64(0), int64(0), never, dues[i], ""}
		}
		if ok, err := t.copyNew(ctx, "tasks", taskFields, rows); ok || err != nil {
			return err
		}
	}
	return t.later(ctx, `INSERT INTO {tasks} (key, kind, lead, due_at, outside, priority, payload, tokens,
			state, attempts, lease, leased_until, free_at, last_error)
		SELECT key, kind, lead, due_at, outside, priority, payload, tokens, 'pending', 0, 0, '`+never+`', due_at, ''
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::bigint[], $7::text[], $8::text[])
			AS n (key, kind, lead, due_at, outside, priority, payload, tokens)
		ON CONFLICT DO NOTHING`, keys, kinds, leads, dues, outside, priorities, payloads, tokens)
}

// taskFields are the columns of a task.
var taskFields = []string{"key", "kind", "lead", "due_at", "outside", "priority", "payload", "tokens",
	"state", "attempts", "lease", "leased_until", "free_at", "last_error"}

const taskColumns = "key, kind, lead, due_at, outside, priority, payload, tokens, state, attempts, lease, leased_until, last_error"

func (t tasks) read(ctx context.Context, query string, args ...any) (all []leadloop.Task, err error) {
	err = t.rows(ctx, query, func(rows pgx.Rows) error {
		var x leadloop.Task
		var payload string
		err := rows.Scan(&x.Key, &x.Kind, (*string)(&x.Lead), moment{&x.DueAt}, &x.Outside, &x.Priority, &payload, document{&x.Tokens},
			(*string)(&x.State), &x.Attempts, &x.Lease, moment{&x.LeasedUntil}, &x.LastError)
		if payload != "" {
			x.Payload = json.RawMessage(payload)
		}
		all = append(all, x)
		return err
	}, args...)
	return all, err
}

// lanes lists the kinds and priorities that have pending tasks, by one look
// into the index for each, so that finished tasks and timers that are not due
// are never read.
const lanes = `WITH RECURSIVE lanes AS (
		(SELECT kind, priority FROM {tasks} WHERE state = 'pending' ORDER BY kind, priority LIMIT 1)
		UNION ALL
		SELECT n.kind, n.priority FROM lanes AS l CROSS JOIN LATERAL (
			SELECT kind, priority FROM {tasks} WHERE state = 'pending' AND (kind, priority) > (l.kind, l.priority) ORDER BY kind, priority LIMIT 1) AS n
	)`

// Lease takes from each lane what could be handed out, so that workers who come
// at the same moment find tasks that are not locked.
func (t tasks) Lease(ctx context.Context, now time.Time, hold time.Duration, limit int, kinds ...string) ([]leadloop.Task, error) {
	if err := t.writing(ctx); err != nil || limit <= 0 {
		return nil, err
	}
	held, err := store.FormatTime(now.Add(hold))
	if err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	return t.read(ctx, lanes+`, due AS (
			SELECT c.key FROM lanes AS l CROSS JOIN LATERAL (
				SELECT key, priority, due_at FROM {tasks}
				WHERE state = 'pending' AND kind = l.kind AND priority = l.priority AND due_at <= $1 AND free_at <= $1
				ORDER BY due_at, key LIMIT $3 * 8) AS c
			WHERE coalesce(cardinality($4::text[]), 0) = 0 OR l.kind = ANY ($4::text[])
			ORDER BY c.priority DESC, c.due_at, c.key LIMIT $3 * 8
		), mine AS (
			SELECT t.key FROM {tasks} AS t JOIN due USING (key) WHERE t.state = 'pending' AND t.free_at <= $1
			ORDER BY t.priority DESC, t.due_at, t.key LIMIT $3 FOR UPDATE OF t SKIP LOCKED
		), leased AS (
			UPDATE {tasks} AS t SET lease = lease + 1, attempts = attempts + 1, leased_until = $2, free_at = greatest(due_at, $2)
			FROM mine WHERE t.key = mine.key RETURNING t.*
		)
		SELECT `+taskColumns+` FROM leased ORDER BY priority DESC, due_at, key`,
		store.FormatBound(now), held, int64(limit), kinds)
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
	if state == leadloop.TaskPending {
		now.DueAt = x.DueAt
	}
	due, err := store.FormatTime(now.DueAt)
	if err != nil {
		return invalid("task", x.Key, err)
	}
	return t.later(ctx, `UPDATE {tasks} SET state = $2, due_at = $3, free_at = $3, leased_until = '`+never+`', last_error = $4 WHERE key = $1`,
		x.Key, string(state), due, x.LastError)
}

func (t tasks) Cancel(ctx context.Context, keys ...string) error {
	if err := t.writing(ctx); err != nil || len(keys) == 0 {
		return err
	}
	return t.later(ctx, `UPDATE {tasks} SET state = 'cancelled', free_at = due_at, leased_until = '`+never+`'
		WHERE key = ANY ($1) AND state = 'pending'`, slices.Clone(keys))
}

func (t tasks) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	_, err := t.exec(ctx, "DELETE FROM {tasks} WHERE lead = $1", string(id))
	return err
}

func (t tasks) Get(ctx context.Context, key string) (leadloop.Task, error) {
	if err := t.reading(ctx); err != nil {
		return leadloop.Task{}, err
	}
	all, err := t.read(ctx, "SELECT "+taskColumns+" FROM {tasks} WHERE key = $1", key)
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
		return t.read(ctx, "SELECT "+taskColumns+" FROM {tasks} ORDER BY due_at, key")
	}
	return t.read(ctx, "SELECT "+taskColumns+" FROM {tasks} WHERE lead = $1 ORDER BY due_at, key", string(id))
}

func (t tasks) ByState(ctx context.Context, state leadloop.TaskState) iter.Seq2[leadloop.Task, error] {
	return pages(ctx, t.tx, "", func(after string) ([]leadloop.Task, error) {
		return t.read(ctx, "SELECT "+taskColumns+" FROM {tasks} WHERE state = $1 AND key > $2 ORDER BY key LIMIT $3", string(state), after, pageSize)
	}, func(x leadloop.Task) string { return x.Key })
}

func (t tasks) Count(ctx context.Context) (all []store.TaskCount, err error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	err = t.rows(ctx, "SELECT kind, state, count(*), min(due_at) FROM {tasks} GROUP BY kind, state ORDER BY kind, state", func(rows pgx.Rows) error {
		var c store.TaskCount
		err := rows.Scan(&c.Kind, (*string)(&c.State), &c.N, moment{&c.Due})
		all = append(all, c)
		return err
	})
	return all, err
}

func (t tasks) NextDue(ctx context.Context, kinds ...string) (at time.Time, found bool, err error) {
	if err := t.reading(ctx); err != nil {
		return at, false, err
	}
	err = t.rows(ctx, lanes+`, kinds AS (SELECT DISTINCT kind FROM lanes WHERE coalesce(cardinality($1::text[]), 0) = 0 OR kind = ANY ($1::text[]))
		SELECT f.free_at FROM kinds AS k CROSS JOIN LATERAL (
			SELECT free_at FROM {tasks} WHERE state = 'pending' AND kind = k.kind ORDER BY free_at LIMIT 1) AS f
		ORDER BY f.free_at LIMIT 1`, func(rows pgx.Rows) error {
		found = true
		return rows.Scan(moment{&at})
	}, kinds)
	return at, found, err
}

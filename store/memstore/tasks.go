package memstore

import (
	"cmp"
	"context"
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

func (r tasks) Add(ctx context.Context, tasks ...leadloop.Task) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	for _, t := range tasks {
		if _, ok := r.state.tasks.get(t.Key); ok {
			continue
		}
		t.State, t.Attempts, t.Lease, t.LeasedUntil, t.LastError = leadloop.TaskPending, 0, 0, time.Time{}, ""
		r.put(copyTask(t))
	}
	return nil
}

// put replaces what is kept of t and its places in the indexes.
func (r tasks) put(t leadloop.Task) {
	if old, ok := r.state.tasks.get(t.Key); ok {
		r.unindex(old)
	}
	r.state.tasks.put(t.Key, &t)
	r.state.tasksByLead.put(key{a: string(t.Lead), t: t.DueAt, b: t.Key}, &t)
	r.state.tasksByDue.put(key{t: t.DueAt, b: t.Key}, &t)
	if t.State == leadloop.TaskPending {
		r.state.pending.put(pendingKey(&t), &t)
		r.state.available.put(availableKey(&t), struct{}{})
	}
}

func (r tasks) unindex(t *leadloop.Task) {
	r.state.tasksByLead.drop(key{a: string(t.Lead), t: t.DueAt, b: t.Key})
	r.state.tasksByDue.drop(key{t: t.DueAt, b: t.Key})
	if t.State == leadloop.TaskPending {
		r.state.pending.drop(pendingKey(t))
		r.state.available.drop(availableKey(t))
	}
}

func pendingKey(t *leadloop.Task) key {
	return key{a: t.Kind, n: ^int64(t.Priority), t: t.DueAt, b: t.Key}
}

func availableKey(t *leadloop.Task) key {
	at := t.DueAt
	if t.LeasedUntil.After(at) {
		at = t.LeasedUntil
	}
	return key{a: t.Kind, t: at, b: t.Key}
}

func (r tasks) Lease(ctx context.Context, now time.Time, hold time.Duration, limit int, kinds ...string) ([]leadloop.Task, error) {
	if err := r.writing(ctx); err != nil {
		return nil, err
	}
	if limit <= 0 {
		return nil, nil
	}
	var due []*leadloop.Task
	for _, kind := range r.kinds(kinds) {
		due = append(due, r.due(kind, now, limit)...)
	}
	slices.SortFunc(due, func(a, b *leadloop.Task) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.DueAt.Compare(b.DueAt), strings.Compare(a.Key, b.Key))
	})
	due = due[:min(limit, len(due))]
	leased := make([]leadloop.Task, len(due))
	for i, t := range due {
		next := copyTask(*t)
		next.Lease++
		next.Attempts++
		next.LeasedUntil = utc(now.Add(hold))
		r.put(next)
		leased[i] = copyTask(next)
	}
	return leased, nil
}

// kinds returns the kinds asked for, each once, or all that have a pending
// task.
func (r tasks) kinds(asked []string) []string {
	if len(asked) > 0 {
		asked = slices.Clone(asked)
		slices.Sort(asked)
		return slices.Compact(asked)
	}
	var all []string
	next := key{n: math.MinInt64}
	for {
		found := false
		for k := range r.state.pending.from(next) {
			all, found = append(all, k.a), true
			next = key{a: k.a + "\x00", n: math.MinInt64}
			break
		}
		if !found {
			return all
		}
	}
}

// due returns up to limit tasks of a kind that can be leased at now, in the
// order in which they are handed out. It jumps over the tasks of each priority
// that are not due yet.
func (r tasks) due(kind string, now time.Time, limit int) []*leadloop.Task {
	var due []*leadloop.Task
	next := key{a: kind, n: math.MinInt64}
	for {
		jumped := false
		for k, t := range r.state.pending.from(next) {
			if k.a != kind || len(due) == limit {
				break
			}
			if k.t.After(now) {
				if k.n < math.MaxInt64 {
					next, jumped = key{a: kind, n: k.n + 1}, true
				}
				break
			}
			if !t.LeasedUntil.After(now) {
				due = append(due, t)
			}
		}
		if !jumped {
			return due
		}
	}
}

func (r tasks) Finish(ctx context.Context, t leadloop.Task, state leadloop.TaskState) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	switch state {
	case leadloop.TaskPending, leadloop.TaskDone, leadloop.TaskCancelled, leadloop.TaskDead:
	default:
		return fmt.Errorf("task %s: %w: no such state", t.Key, leadloop.ErrInvalid)
	}
	old, ok := r.state.tasks.get(t.Key)
	if !ok {
		return notFound("task", t.Key)
	}
	if old.Lease != t.Lease || old.Lease == 0 {
		return fmt.Errorf("task %s: %w: lease %d is not the current one", t.Key, leadloop.ErrConflict, t.Lease)
	}
	if old.State != leadloop.TaskPending {
		return nil
	}
	next := copyTask(*old)
	next.State, next.LeasedUntil, next.LastError = state, time.Time{}, t.LastError
	if state == leadloop.TaskPending {
		next.DueAt = utc(t.DueAt)
	}
	r.put(next)
	return nil
}

func (r tasks) Cancel(ctx context.Context, keys ...string) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	for _, k := range keys {
		old, ok := r.state.tasks.get(k)
		if !ok || old.State != leadloop.TaskPending {
			continue
		}
		next := copyTask(*old)
		next.State, next.LeasedUntil = leadloop.TaskCancelled, time.Time{}
		r.put(next)
	}
	return nil
}

func (r tasks) Get(ctx context.Context, key string) (leadloop.Task, error) {
	if err := r.reading(ctx); err != nil {
		return leadloop.Task{}, err
	}
	t, ok := r.state.tasks.get(key)
	if !ok {
		return leadloop.Task{}, notFound("task", key)
	}
	return copyTask(*t), nil
}

func (r tasks) ByLead(ctx context.Context, id leadloop.LeadID) ([]leadloop.Task, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	var found []leadloop.Task
	if id == "" {
		for _, t := range r.state.tasksByDue.all() {
			found = append(found, copyTask(*t))
		}
		return found, nil
	}
	for k, t := range r.state.tasksByLead.from(key{a: string(id)}) {
		if k.a != string(id) {
			break
		}
		found = append(found, copyTask(*t))
	}
	return found, nil
}

func (r tasks) ByState(ctx context.Context, state leadloop.TaskState) iter.Seq2[leadloop.Task, error] {
	return func(yield func(leadloop.Task, error) bool) {
		if err := r.reading(ctx); err != nil {
			yield(leadloop.Task{}, err)
			return
		}
		for _, t := range r.state.tasks.all() {
			if t.State != state {
				continue
			}
			if err := r.reading(ctx); err != nil {
				yield(leadloop.Task{}, err)
				return
			}
			if !yield(copyTask(*t), nil) {
				return
			}
		}
	}
}

func (r tasks) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	for k, t := range r.state.tasksByLead.from(key{a: string(id)}) {
		if k.a != string(id) {
			break
		}
		r.unindex(t)
		r.state.tasks.drop(t.Key)
	}
	return nil
}

func (r tasks) Count(ctx context.Context) ([]store.TaskCount, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	var all []store.TaskCount
	for _, t := range r.state.tasksByDue.all() { // the earliest comes first
		i := slices.IndexFunc(all, func(c store.TaskCount) bool { return c.Kind == t.Kind && c.State == t.State })
		if i < 0 {
			i, all = len(all), append(all, store.TaskCount{Kind: t.Kind, State: t.State, Due: t.DueAt})
		}
		all[i].N++
	}
	slices.SortFunc(all, func(a, b store.TaskCount) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(string(a.State), string(b.State)))
	})
	return all, nil
}

func (r tasks) NextDue(ctx context.Context, kinds ...string) (time.Time, bool, error) {
	if err := r.reading(ctx); err != nil {
		return time.Time{}, false, err
	}
	var at time.Time
	found := false
	for _, kind := range r.kinds(kinds) {
		for k := range r.state.available.from(key{a: kind}) {
			if k.a == kind && (!found || k.t.Before(at)) {
				at, found = k.t, true
			}
			break
		}
	}
	return at, found, nil
}

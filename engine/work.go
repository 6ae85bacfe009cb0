package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// deciding are the task kinds that make the loop decide anew.
var deciding = []string{leadloop.TaskProcess, leadloop.TaskRescore, leadloop.TaskRefresh, leadloop.TaskEscalate, leadloop.TaskClock, leadloop.TaskCadence, leadloop.TaskRecycle}

func (l *Loop) kinds() []string {
	kinds := slices.Clone(deciding)
	return slices.AppendSeq(kinds, maps.Keys(l.o.Handlers))
}

// Work runs up to limit tasks that are due at asOf and returns how many it
// took. A task that fails is tried again later and is dead after
// Options.MaxAttempts; the error is about the store, not about a task.
func (l *Loop) Work(ctx context.Context, asOf time.Time, limit int) (int, error) {
	tasks, err := l.lease(ctx, asOf, l.o.Hold, limit, l.kinds()...)
	for i, t := range tasks {
		if err := l.one(ctx, t, asOf); err != nil && !errors.Is(err, errLost) {
			return i, err
		}
	}
	return len(tasks), err
}

func (l *Loop) lease(ctx context.Context, asOf time.Time, hold time.Duration, limit int, kinds ...string) (tasks []leadloop.Task, err error) {
	// Another worker may lease at the same moment.
	err = l.persist(ctx, func() error {
		return l.store.Update(ctx, func(tx store.Tx) (err error) {
			tasks, err = tx.Tasks().Lease(ctx, asOf, hold, limit, kinds...)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("lease tasks: %w", err)
	}
	return tasks, nil
}

// one runs a task and settles what becomes of it if it fails.
func (l *Loop) one(ctx context.Context, t leadloop.Task, asOf time.Time) error {
	ctx, end := l.observe(ctx, Span{SpanTask, t.Kind, t.Lead})
	failed := l.attempt(ctx, t, asOf)
	err := l.settle(ctx, t, asOf, failed)
	dead := failed != nil && err == nil && t.Attempts >= l.o.MaxAttempts
	end(End{Err: failed, Dead: dead})
	return err
}

func (l *Loop) attempt(ctx context.Context, t leadloop.Task, asOf time.Time) error {
	if t.Outside {
		return l.deliver(ctx, t)
	}
	_, err := l.retry(ctx, func() (Result, error) { return l.decideTask(ctx, t, asOf) })
	return err
}

func (l *Loop) settle(ctx context.Context, t leadloop.Task, asOf time.Time, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errLost) {
		l.o.Logger.InfoContext(ctx, "somebody else took or ended the task", "task", t.Key, "lease", t.Lease)
		return errLost
	}
	return l.failed(ctx, t, asOf, err)
}

func (l *Loop) decideTask(ctx context.Context, t leadloop.Task, asOf time.Time) (Result, error) {
	var lead *leadloop.Lead
	err := l.store.View(ctx, func(tx store.Tx) (err error) {
		if err := stillOurs(ctx, tx, t); err != nil {
			return err
		}
		lead, err = store.Resolve(ctx, tx.Leads(), t.Lead)
		return err
	})
	if errors.Is(err, leadloop.ErrNotFound) {
		// The lead was erased after the timer was set.
		return Result{}, l.finish(ctx, t, leadloop.TaskCancelled)
	}
	if err != nil {
		return Result{}, fmt.Errorf("lead %s: %w", t.Lead, err)
	}
	run := &run{loop: l, lead: lead, asOf: asOf, trigger: leadloop.TriggerTask, task: &t}
	switch t.Kind {
	case leadloop.TaskProcess:
		run.trigger = leadloop.TriggerSubmission
	case leadloop.TaskRecycle:
		run.trigger = leadloop.TriggerRecycle
	}
	return l.decideAndCommit(ctx, run)
}

// errLost says that a leased task is not ours any more.
var errLost = errors.New("the task was leased again, ended or cancelled")

// stillOurs is errLost unless the task is pending under our lease: one that an
// earlier task of the batch cancelled must not be run, as it would not be
// after a crash in between.
func stillOurs(ctx context.Context, tx store.Tx, t leadloop.Task) error {
	now, err := tx.Tasks().Get(ctx, t.Key)
	if errors.Is(err, leadloop.ErrNotFound) || err == nil && (now.State != leadloop.TaskPending || now.Lease != t.Lease) {
		return errLost
	}
	return err
}

func (l *Loop) deliver(ctx context.Context, t leadloop.Task) (err error) {
	var hit []store.Suppression
	err = l.store.View(ctx, func(tx store.Tx) (err error) {
		hit, err = tx.Suppressions().Match(ctx, t.Tokens)
		return err
	})
	if err != nil {
		return err
	}
	if len(hit) > 0 {
		t.LastError = "suppressed: " + hit[0].Reason
		return l.finish(ctx, t, leadloop.TaskCancelled)
	}
	if err := call(ctx, l.o.Handlers[t.Kind], t); err != nil {
		return err
	}
	return l.finish(ctx, t, leadloop.TaskDone)
}

func call(ctx context.Context, h Handler, t leadloop.Task) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic of type %T", p)
		}
	}()
	return h.Deliver(ctx, t)
}

func (l *Loop) finish(ctx context.Context, t leadloop.Task, state leadloop.TaskState) error {
	err := l.persist(ctx, func() error {
		err := l.store.Update(ctx, func(tx store.Tx) error { return tx.Tasks().Finish(ctx, t, state) })
		if !errors.Is(err, leadloop.ErrConflict) && !errors.Is(err, leadloop.ErrNotFound) {
			return err
		}
		// Either another transaction got in the way of this one, or somebody
		// else holds the lease by now, or the task went with an erased lead:
		// then the outcome is theirs to record.
		if ours := l.store.View(ctx, func(tx store.Tx) error { return stillOurs(ctx, tx, t) }); ours != nil {
			return ours
		}
		return err
	})
	if errors.Is(err, errLost) {
		l.o.Logger.InfoContext(ctx, "late acknowledgement refused", "task", t.Key, "lease", t.Lease)
		return nil
	}
	return err
}

func (l *Loop) failed(ctx context.Context, t leadloop.Task, asOf time.Time, cause error) error {
	t.LastError = cause.Error()
	state := leadloop.TaskPending
	if t.Attempts >= l.o.MaxAttempts {
		state = leadloop.TaskDead
		l.o.Logger.ErrorContext(ctx, "task is dead", "task", t.Key, "kind", t.Kind, "lead", t.Lead, "attempts", t.Attempts, "error", cause)
	} else {
		wait := l.o.BackOff
		for range t.Attempts - 1 {
			if wait *= 2; wait > 24*time.Hour {
				wait = 24 * time.Hour
				break
			}
		}
		t.DueAt = asOf.Add(wait)
		l.o.Logger.WarnContext(ctx, "task failed", "task", t.Key, "kind", t.Kind, "lead", t.Lead, "attempt", t.Attempts, "retry_at", t.DueAt, "error", cause)
	}
	return l.finish(ctx, t, state)
}

// Advance works, in order of their due times, all tasks that are due up to and
// including until, each as of the moment it was due. It is how history is
// replayed: time passes only here, so that a replay that was broken off and
// begun again decides as one in a single go. For the same reason it ends with
// the error, instead of trying later, when a decision fails because the store
// can't be reached. It returns the number of tasks run.
func (l *Loop) Advance(ctx context.Context, until time.Time) (int, error) {
	total, hold := 0, time.Duration(0)
	for {
		due, ok, err := l.nextDue(ctx)
		if err != nil || !ok || due.After(until) {
			return total, err
		}
		// A decision is committed with the end of its task, so its lease need
		// not outlast this instant. One held longer would, after a crash, be
		// decided that much later than it was due, in the time of the replay.
		tasks, err := l.lease(ctx, due, hold, 64, deciding...)
		if err == nil && len(tasks) == 0 {
			tasks, err = l.lease(ctx, due, l.o.Hold, 64, l.kinds()...)
		}
		if err != nil {
			return total, err
		}
		for _, t := range tasks {
			asOf := due
			if !t.Outside {
				asOf = t.DueAt
			}
			err := l.attempt(ctx, t, asOf)
			if t.Outside || !errors.Is(err, leadloop.ErrUnavailable) {
				err = l.settle(ctx, t, asOf, err)
			}
			switch {
			case errors.Is(err, errLost):
				hold = l.o.Hold // another replay is at it: don't take turns for ever
			case err != nil:
				return total, err
			default:
				total++
			}
		}
	}
}

func (l *Loop) nextDue(ctx context.Context) (due time.Time, ok bool, err error) {
	err = l.store.View(ctx, func(tx store.Tx) (err error) {
		due, ok, err = tx.Tasks().NextDue(ctx, l.kinds()...)
		return err
	})
	return due, ok, err
}

// Run works tasks as they come due, up to Options.Workers at a time, until ctx
// ends, and then returns nil. Tasks that run at that moment are given
// Options.Grace to finish; Run returns when none is left. A store that can't be
// reached is tried again after Options.Poll; after one that was closed Run ends
// with an error that wraps store.ErrClosed, and what was under way is begun again
// by whoever opens it, after Options.Hold.
func (l *Loop) Run(ctx context.Context) error {
	// What is under way when ctx ends is finished, not begun again later.
	working, abandon := context.WithCancel(context.WithoutCancel(ctx))
	var tasks sync.WaitGroup
	defer func() {
		grace := time.AfterFunc(l.o.Grace, abandon)
		tasks.Wait()
		grace.Stop()
		abandon()
	}()
	slots := make(chan struct{}, l.o.Workers)
	kinds := l.kinds()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		free := l.o.Workers - len(slots) + 1
		now := l.clock.now(ctx)
		due, err := l.lease(ctx, now, l.o.Hold, free, kinds...)
		for i, t := range due {
			if i > 0 {
				slots <- struct{}{} // only Run takes slots, so there is one
			}
			tasks.Go(func() {
				defer l.poke()
				defer func() { <-slots }()
				if err := l.one(working, t, now); err != nil && !errors.Is(err, errLost) && working.Err() == nil {
					l.o.Logger.ErrorContext(ctx, "work", "task", t.Key, "error", err)
				}
			})
		}
		if len(due) > 0 {
			continue
		}
		<-slots
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, store.ErrClosed) {
			return fmt.Errorf("engine: run: %w", err)
		}
		if err != nil {
			l.o.Logger.ErrorContext(ctx, "work", "error", err)
		}
		timer := time.NewTimer(l.o.Poll)
		select {
		case <-l.poked:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// poke makes Run look for tasks now: this process added some, or ended one.
func (l *Loop) poke() {
	select {
	case l.poked <- struct{}{}:
	default:
	}
}

// Package river works a loop's tasks by River, the job engine in PostgreSQL:
// many machines, one database, jobs inserted in the transaction that adds the
// task.
//
// A job holds no work of its own: it says that a task is due, and whoever gets
// it works the most urgent one there is. So leases, retries, dead letters and
// cancellation stay those of the loop, and the guarantee is the loop's: stored
// effects once, outside effects at least once. What is due when it is added is
// worked at once; for what is due later River looks every 5 s: a timer that must
// be more exact than that wants engine.Loop.Run, which may run beside it. River brings back the job of a worker that was killed
// after its Config.RescueStuckJobsAfter, an hour by default: set it to little
// more than engine.Options.Hold.
//
// Start with [NewStore], give it to the loop, and [NewWorker] to River.
package river

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres"
)

// Queue is the queue of jobs unless Options name another.
const Queue = "leadloop"

// Due is the job: a task becomes due. The same task at the same time is one
// job, however often it is added.
type Due struct {
	Task string    `json:"task" river:"unique"`
	At   time.Time `json:"at"   river:"unique"`
}

// Kind names the job to River.
func (Due) Kind() string { return "leadloop_due" }

// Options are the optional settings of a store. The zero value is the default.
type Options struct {
	// Schema is where River's own tables stand; "" means the search path.
	Schema string
	// Queue is the queue of the jobs; "" means [Queue].
	Queue string
	// QueueOf chooses a queue by task, such as one for the tier that
	// Task.Priority tells (a playbook gives the lowest tier 0, the next one 1 and
	// so on); "" means Queue. nil puts all jobs into one queue. Whoever works a
	// job takes the most urgent task there is, so a queue of its own keeps
	// workers free for a tier, and none is needed for order.
	QueueOf func(task leadloop.Task) string
	// Now is the host's clock, by which a task is due already when it is added; nil
	// means time.Now. One that is off makes such a task wait for River's 5 s, and
	// none come too early: the worker goes by the database's.
	Now func() time.Time
}

// WorkerOptions are the optional settings of a worker. The zero value is the
// default.
type WorkerOptions struct {
	// Timeout is how long a task may take, whatever River's JobTimeout says; 0
	// means 5 min, as engine.Options.Hold does: a task that takes longer than
	// that is handed out again.
	Timeout time.Duration
	// Now is the clock of River's client, by which it tries a job again; nil
	// means time.Now. Tasks go by the database's.
	Now func() time.Time
}

// NewStore returns s with a River job for every task that is added, or put off,
// in the same transaction. s is a *postgres.Store, or what its In returns: an
// Update that adds tasks in another store fails with leadloop.ErrInvalid.
// Everything else is as in s.
func NewStore(s store.Store, o Options) (store.Store, error) {
	if s == nil {
		return nil, fmt.Errorf("river: %w: a store is required", leadloop.ErrInvalid)
	}
	// It only inserts: the host's own client works the jobs.
	client, err := river.NewClient(riverpgxv5.New(nil), &river.Config{Schema: o.Schema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("river: %w: %w", leadloop.ErrInvalid, err)
	}
	if o.Queue == "" {
		o.Queue = Queue
	}
	if o.QueueOf == nil {
		o.QueueOf = func(leadloop.Task) string { return "" }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &jobStore{Store: s, client: client, o: o}, nil
}

type jobStore struct {
	store.Store
	client *river.Client[pgx.Tx]
	o      Options
}

func (s *jobStore) Update(ctx context.Context, f func(tx store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return f(jobTx{tx, s}) })
}

// Now is the time of the store inside.
func (s *jobStore) Now(ctx context.Context) (time.Time, error) { return now(ctx, s.Store) }

func now(ctx context.Context, s store.Store) (time.Time, error) {
	c, ok := s.(store.Clock)
	if !ok {
		return time.Time{}, fmt.Errorf("river: %w: the store has no clock", leadloop.ErrInvalid)
	}
	return c.Now(ctx)
}

type jobTx struct {
	store.Tx
	s *jobStore
}

func (t jobTx) Tasks() store.Tasks { return jobTasks{t.Tx.Tasks(), t} }

// Trim is that of the store inside.
func (t jobTx) Trim(ctx context.Context, before time.Time, limit int) (store.Trimmed, error) {
	return store.Trim(ctx, t.Tx, before, limit)
}

type jobTasks struct {
	store.Tasks
	tx jobTx
}

func (t jobTasks) Add(ctx context.Context, tasks ...leadloop.Task) error {
	if err := t.Tasks.Add(ctx, tasks...); err != nil {
		return err
	}
	return t.tx.insert(ctx, tasks...)
}

// Finish of a task that is tried again later needs a job for then.
func (t jobTasks) Finish(ctx context.Context, x leadloop.Task, state leadloop.TaskState) error {
	if err := t.Tasks.Finish(ctx, x, state); err != nil || state != leadloop.TaskPending {
		return err
	}
	return t.tx.insert(ctx, x)
}

func (t jobTx) insert(ctx context.Context, tasks ...leadloop.Task) error {
	if len(tasks) == 0 {
		return nil
	}
	pg, err := postgres.Tx(ctx, t.Tx)
	if err != nil {
		return fmt.Errorf("river: jobs need a store of package postgres: %w", err)
	}
	jobs, now := make([]river.InsertManyParams, len(tasks)), t.s.o.Now()
	for i, x := range tasks {
		at := x.DueAt.UTC()
		jobs[i] = river.InsertManyParams{
			Args: Due{Task: x.Key, At: at},
			InsertOpts: &river.InsertOpts{
				Queue: cmp.Or(t.s.o.QueueOf(x), t.s.o.Queue), UniqueOpts: river.UniqueOpts{ByArgs: true},
				// What fails is the store: giving up would forget the task.
				MaxAttempts: math.MaxInt16,
			},
		}
		if at.After(now) {
			jobs[i].InsertOpts.ScheduledAt = at // whatever has a time waits for the scheduler, also if it has come
		}
	}
	if _, err := t.s.client.InsertManyTx(ctx, pg, jobs); err != nil {
		// River's text may quote arguments, which are keys of tasks.
		return fmt.Errorf("river: %w: the jobs can't be inserted: are River's tables there (see Migrate)?", leadloop.ErrUnavailable)
	}
	return nil
}

// Worker works due tasks of a loop for River.
type Worker struct {
	river.WorkerDefaults[Due]
	loop    *engine.Loop
	store   store.Store
	timeout time.Duration
	now     func() time.Time
}

// NewWorker returns the worker to add to the host's river.Workers. The loop
// uses the store, which was made by [NewStore].
func NewWorker(loop *engine.Loop, s store.Store, o WorkerOptions) *Worker {
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Worker{loop: loop, store: s, timeout: o.Timeout, now: o.Now}
}

// Timeout is that of the options.
func (w *Worker) Timeout(*river.Job[Due]) time.Duration { return w.timeout }

// Work works one due task, the most urgent there is. The job ends when its own
// task has ended, or has a job for later: until then River brings it again, so
// that the task of a worker that died is not forgotten. It goes by the
// database's clock. An error is about the store, and River tries again.
func (w *Worker) Work(ctx context.Context, job *river.Job[Due]) error {
	asOf, err := now(ctx, w.store)
	if err != nil {
		return err
	}
	if early := job.Args.At.Sub(asOf); early > time.Second {
		return river.JobSnooze(early) // somebody told River to run it now
	} else if early > 0 {
		asOf = job.Args.At // River keeps microseconds
	}
	if _, err := w.loop.Work(ctx, asOf, 1); err != nil {
		return err
	}
	var own leadloop.Task
	err = w.store.View(ctx, func(tx store.Tx) (err error) {
		own, err = tx.Tasks().Get(ctx, job.Args.Task)
		return err
	})
	switch {
	case errors.Is(err, leadloop.ErrNotFound):
		return nil // it went with an erased lead
	case err != nil:
		return err
	case own.State != leadloop.TaskPending, own.DueAt.After(asOf):
		return nil
	}
	// Somebody works it, or everybody was busy with more urgent ones.
	return river.JobSnooze(max(own.LeasedUntil.Sub(asOf), time.Second))
}

// NextRetry tries soon again, and at least every minute: what fails is the
// store, and the task waits.
func (w *Worker) NextRetry(job *river.Job[Due]) time.Time {
	wait := time.Second << min(job.Attempt, 6)
	return w.now().Add(min(wait, time.Minute))
}

// Migrate brings River's own tables up to date; schema "" is the search path.
// The role must be allowed to create tables.
func Migrate(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: schema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("river: %w: %w", leadloop.ErrInvalid, err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("river: %w: the tables can't be made: %w", leadloop.ErrUnavailable, err)
	}
	return nil
}

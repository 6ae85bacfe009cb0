package river_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	jobs "github.com/leadloop/leadloop/engine/river"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/store/postgres"
	"github.com/leadloop/leadloop/store/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

var (
	schemas atomic.Int64
	policy  = leadloop.SurvivorshipFunc(func(c leadloop.Contest) (int, leadloop.Value) {
		return int(c.Candidates[0]), c.Claims[c.Candidates[0]].Value
	})
	assign = leadloop.StageFunc("route", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		state := s.Lead.State
		state.Owner, state.OwnerSince, state.Disposition = "ana", s.AsOf, leadloop.OutcomeAssigned
		return leadloop.Outcome{Kind: leadloop.OutcomeAssigned}, leadloop.Effects{State: &state, Tasks: []leadloop.Task{
			{Key: "notify:" + string(s.Lead.ID), Kind: leadloop.TaskNotify, Outside: true},
		}}, nil
	})
)

// machine is one process of many: a loop and a River client that works for it.
type machine struct {
	loop   *engine.Loop
	store  store.Store
	client *river.Client[pgx.Tx]
}

func newMachine(t *testing.T, pool *pgxpool.Pool, schema string, notify engine.HandlerFunc) machine {
	t.Helper()
	s := newStore(t, pool, schema)
	loop, err := engine.New(s, leadloop.StandardSchema(), policy, []leadloop.Stage{assign}, engine.Options{
		BackOff: time.Second, Hold: 5 * time.Second, Handlers: map[string]engine.Handler{leadloop.TaskNotify: notify},
	})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, pool, schema, s, loop)
}

func newStore(t *testing.T, pool *pgxpool.Pool, schema string) store.Store {
	t.Helper()
	inner, err := postgres.New(t.Context(), pool, postgres.Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	s, err := jobs.NewStore(inner, jobs.Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start has a River client work for the loop until the test ends.
func start(t *testing.T, pool *pgxpool.Pool, schema string, s store.Store, loop *engine.Loop) machine {
	t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, jobs.NewWorker(loop, s, jobs.WorkerOptions{}))
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: schema, Workers: workers, Queues: map[string]river.QueueConfig{jobs.Queue: {MaxWorkers: 4}},
		FetchPollInterval: 100 * time.Millisecond, FetchCooldown: 50 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := client.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return machine{loop: loop, store: s, client: client}
}

func newPool(t *testing.T) (*pgxpool.Pool, string) {
	t.Helper()
	config, err := pgxpool.ParseConfig(postgrestest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 40
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("river_%d_%d", os.Getpid(), schemas.Add(1))
	t.Cleanup(func() {
		if _, err := pool.Exec(context.Background(), "DROP SCHEMA IF EXISTS "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
		pool.Close()
	})
	if _, err := pool.Exec(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	if err := jobs.Migrate(t.Context(), pool, schema); err != nil {
		t.Fatal(err)
	}
	return pool, schema
}

func submission(i int) leadloop.Submission {
	at := time.Now()
	return leadloop.Submission{Key: fmt.Sprint("k", i), Source: "form", ReceivedAt: at, Claims: []leadloop.Claim{
		leadloop.Email.Claim(fmt.Sprintf("l%d@acme.com", i), leadloop.Evidence{Source: "form", ObservedAt: at}),
	}}
}

// undone counts the tasks that are not done.
func undone(t *testing.T, s store.Store) (n int) {
	t.Helper()
	if err := s.View(t.Context(), func(tx store.Tx) error {
		all, err := tx.Tasks().ByLead(t.Context(), "")
		for _, x := range all {
			if x.State != leadloop.TaskDone {
				n++
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestManyMachinesDecideAboutEveryLeadAndNotifyOnceAlsoAfterFailures(t *testing.T) {
	pool, schema := newPool(t)
	var mu sync.Mutex
	delivered := map[string]int{}
	settled := make(chan struct{}, 1000)
	notify := engine.HandlerFunc(func(_ context.Context, task leadloop.Task) error {
		mu.Lock()
		defer mu.Unlock()
		delivered[task.Key]++
		if delivered[task.Key] == 1 && len(delivered)%10 == 0 {
			return errors.New("slack is down") // the loop puts it off, with a new job
		}
		settled <- struct{}{}
		return nil
	})
	a := newMachine(t, pool, schema, notify)
	b := newMachine(t, pool, schema, notify)
	const leads = 30
	for i := range leads {
		m := a
		if i%2 == 1 {
			m = b
		}
		if _, err := m.loop.Submit(t.Context(), submission(i)); err != nil {
			t.Fatal(err)
		}
	}
	patience := time.After(90 * time.Second)
	for range leads {
		select {
		case <-settled:
		case <-patience:
			t.Fatalf("%d tasks are not done", undone(t, a.store))
		}
	}
	// The last acknowledgements are under way.
	for undone(t, a.store) > 0 {
		select {
		case <-patience:
			t.Fatalf("%d tasks are not done", undone(t, a.store))
		case <-time.After(20 * time.Millisecond):
		}
	}
	mu.Lock()
	defer mu.Unlock()
	twice := 0
	for _, n := range delivered {
		if n > 1 {
			twice++
		}
	}
	if len(delivered) != leads || twice != leads/10 {
		t.Errorf("%d leads were notified about, %d of them twice; 3 failed the first time", len(delivered), twice)
	}
}

func TestATaskHasOneJobAndNoneIfItsTransactionRollsBack(t *testing.T) {
	pool, schema := newPool(t)
	s := newStore(t, pool, schema)
	due := time.Now().Add(time.Hour)
	add := func(key string, end error) error {
		return s.Update(t.Context(), func(tx store.Tx) error {
			if err := tx.Tasks().Add(t.Context(), leadloop.Task{Key: key, Kind: "x", DueAt: due}); err != nil {
				return err
			}
			return end
		})
	}
	stop := errors.New("stop")
	if err := add("dropped", stop); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	for range 2 {
		if err := add("kept", nil); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"scheduled kept"}, jobsIn(t, pool, schema)); diff != "" {
		t.Errorf("jobs of a task that was added twice, and of one that was rolled back (-want +got):\n%s", diff)
	}
}

// jobsIn are River's jobs, each with its state, by task.
func jobsIn(t *testing.T, pool *pgxpool.Pool, schema string) (all []string) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT array_agg(state::text || ' ' || (args->>'task') ORDER BY args->>'task', state) FROM "+schema+".river_job").Scan(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestATaskThatIsDueIsWorkedAtOnceAndDoesNotWaitForRiversScheduler(t *testing.T) {
	pool, schema := newPool(t)
	s := newStore(t, pool, schema)
	now := time.Now()
	task := func(key string, due time.Time) leadloop.Task { return leadloop.Task{Key: key, Kind: "x", DueAt: due} }
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		if err := tx.Tasks().Add(t.Context(), task("later", now.Add(time.Hour)), task("now", now), task("put off", now), task("long ago", now.AddDate(-1, 0, 0))); err != nil {
			return err
		}
		leased, err := tx.Tasks().Lease(t.Context(), now, time.Minute, 3)
		for _, x := range leased {
			if x.Key == "put off" {
				x.DueAt = now.Add(time.Hour)
				err = errors.Join(err, tx.Tasks().Finish(t.Context(), x, leadloop.TaskPending))
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"scheduled later", "available long ago", "available now", "available put off", "scheduled put off"}, jobsIn(t, pool, schema)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAStoreThatIsNotPostgresIsRefusedWhenItAddsATask(t *testing.T) {
	s, err := jobs.NewStore(memstore.New(), jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(tx store.Tx) error {
		return tx.Tasks().Add(t.Context(), leadloop.Task{Key: "a", Kind: "x", DueAt: time.Now()})
	})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("%v", err)
	}
	if _, err := jobs.NewStore(nil, jobs.Options{}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("no store: %v", err)
	}
}

package river_test

import (
	"context"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres"
)

func TestALeadSubmittedInTheHostsTransactionByAMachineThatIsAheadDoesNotWait(t *testing.T) {
	pool, schema := newPool(t)
	s, err := postgres.New(t.Context(), pool, postgres.Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	loop, err := engine.New(s.In(hosts), leadloop.StandardSchema(), policy, []leadloop.Stage{assign}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ahead := time.Now().Add(time.Hour)
	result, err := loop.Submit(t.Context(), leadloop.Submission{Key: "k", ReceivedAt: ahead})
	if err != nil {
		t.Fatal(err)
	}
	if err := hosts.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.View(t.Context(), func(tx store.Tx) error {
		task, err := tx.Tasks().Get(t.Context(), "process:"+string(result.Record))
		if err == nil && task.DueAt.After(ahead.Add(-30*time.Minute)) {
			t.Errorf("the decision is due at %s, by the clock of the machine", task.DueAt)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAJobThatRiverBringsTooEarlyWaitsForItsTime(t *testing.T) {
	pool, schema := newPool(t)
	done := make(chan string, 10)
	m := newMachine(t, pool, schema, func(_ context.Context, task leadloop.Task) error {
		done <- task.Key
		return nil
	})
	at := time.Now()
	if err := m.store.Update(t.Context(), func(tx store.Tx) error {
		return tx.Tasks().Add(t.Context(), leadloop.Task{Key: "later", Kind: leadloop.TaskNotify, Outside: true, DueAt: at.Add(time.Hour)})
	}); err != nil {
		t.Fatal(err)
	}
	// As somebody does who presses a button.
	if _, err := pool.Exec(t.Context(), "UPDATE "+schema+".river_job SET state = 'available', scheduled_at = now()"); err != nil {
		t.Fatal(err)
	}
	for waited := false; !waited; {
		var attempts int
		if err := pool.QueryRow(t.Context(), "SELECT state = 'scheduled' AND metadata ? 'snoozes', max_attempts FROM "+schema+".river_job").Scan(&waited, &attempts); err != nil {
			t.Fatal(err)
		}
		if attempts < 30_000 {
			t.Fatalf("River gives up after %d attempts, and the task is forgotten", attempts)
		}
	}
	if err := m.store.Update(t.Context(), func(tx store.Tx) error {
		return tx.Tasks().Add(t.Context(), leadloop.Task{Key: "now", Kind: leadloop.TaskNotify, Outside: true, DueAt: at})
	}); err != nil {
		t.Fatal(err)
	}
	if key := <-done; key != "now" {
		t.Errorf("the task %s was worked", key)
	}
}

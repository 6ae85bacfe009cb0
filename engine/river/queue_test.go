package river_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	jobs "github.com/leadloop/leadloop/engine/river"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres"
)

func TestEachTierHasTheQueueThatTheHostChooses(t *testing.T) {
	pool, schema := newPool(t)
	inner, err := postgres.New(t.Context(), pool, postgres.Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	s, err := jobs.NewStore(inner, jobs.Options{Schema: schema, QueueOf: func(task leadloop.Task) string {
		if task.Priority >= 2 {
			return "hot"
		}
		return ""
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		for priority := range 4 {
			x := leadloop.Task{Key: fmt.Sprint(priority), Kind: "x", DueAt: time.Now().Add(time.Hour), Priority: priority}
			if err := tx.Tasks().Add(t.Context(), x); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := pool.QueryRow(t.Context(), "SELECT array_agg((args->>'task') || ' ' || queue ORDER BY args->>'task') FROM "+schema+".river_job").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"0 leadloop", "1 leadloop", "2 hot", "3 hot"}, got); diff != "" {
		t.Error(diff)
	}
}

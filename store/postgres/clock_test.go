package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
)

func TestALeadSubmittedInTheHostsTransactionByAMachineThatIsAheadDoesNotWait(t *testing.T) {
	s := openAt(t, newSchema(t))
	hosts, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	policy := leadloop.SurvivorshipFunc(func(c leadloop.Contest) (int, leadloop.Value) {
		return int(c.Candidates[0]), c.Claims[c.Candidates[0]].Value
	})
	unasked := leadloop.StageFunc("route", func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		return leadloop.Outcome{}, leadloop.Effects{}, nil
	})
	loop, err := engine.New(s.In(hosts), leadloop.StandardSchema(), policy, []leadloop.Stage{unasked}, engine.Options{})
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

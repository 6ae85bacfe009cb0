package river_test

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
)

var ladder = fstest.MapFS{
	"scoring.yaml": {Data: []byte(`model: ladder
version: 1
rules: [{id: vp, group: fit, when: 'lead.seniority == "vp"', points: 80}]
groups: {fit: {max: 100}}
tiers: {A: 70, C: 0}
`)},
	"routing.yaml": {Data: []byte(`teams: [{id: sales, manager: mia, members: [ana]}]
reps: [{id: ana, name: Ana}, {id: mia, name: Mia}]
pools: [{id: sales, team: sales}]
queues: [{id: triage, team: sales}]
chain: [{id: all, target: {pool: sales}}]
final: triage
`)},
	"sla.yaml": {Data: []byte(`policies:
  - {id: a, tier: A, target: 15m, escalate: [{notify: owner}, {after: 20m, from: start, notify: manager}, {after: 30m, from: start, notify: "queue:triage"}]}
`)},
}

// The rungs are a chain: the job of each is inserted by the decision about the
// one before, on whichever machine that was.
func TestALeadThatNobodyAnswersClimbsTheLadderOnceThroughRiverAndOneThatIsAnsweredDoesNot(t *testing.T) {
	pool, schema := newPool(t)
	tokens, err := privacy.NewTokens("test", bytes.Repeat([]byte{7}, privacy.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	type said struct {
		Lead      leadloop.LeadID
		About, To string
		Step      int
	}
	var mu sync.Mutex
	got := map[said]int{}
	notify := engine.HandlerFunc(func(_ context.Context, task leadloop.Task) error {
		var s said
		if err := json.Unmarshal(task.Payload, &s); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		got[s]++
		return nil
	})
	newLoop := func() (store.Store, *engine.Loop) {
		t.Helper()
		s := newStore(t, pool, schema)
		loop, err := playbook.Open(t.Context(), ladder, s, playbook.Options{
			Tokens: tokens, Engine: engine.Options{BackOff: time.Second, Handlers: map[string]engine.Handler{leadloop.TaskNotify: notify}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return s, loop
	}
	s, loop := newLoop()
	// An hour ago, when no machine ran.
	arrived := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
	lead := func(who string) leadloop.LeadID {
		t.Helper()
		e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: arrived}
		res, err := loop.Process(t.Context(), leadloop.Submission{Key: who, Source: "form", ReceivedAt: arrived, Claims: []leadloop.Claim{
			leadloop.Email.Claim(who+"@"+who+".com", e), leadloop.Seniority.Claim("vp", e),
		}}, arrived)
		if err != nil || res.Lead.State.Owner != "ana" || !res.Lead.State.SLA.DueAt.Equal(arrived.Add(15*time.Minute)) {
			t.Fatalf("%+v, %v", res.Lead, err)
		}
		return res.Lead.ID
	}
	silent, answered := lead("silent"), lead("answered")
	called := leadloop.Activity{ID: "a1", Type: "call", At: arrived.Add(5 * time.Minute), Actor: "ana"}
	if _, err := loop.Observe(t.Context(), answered, called.At, called); err != nil {
		t.Fatal(err)
	}

	other, otherLoop := newLoop()
	start(t, pool, schema, s, loop)
	start(t, pool, schema, other, otherLoop)
	// Due and not done, of those that this loop works: nobody writes to a CRM here.
	due := func() (n int) {
		t.Helper()
		if err := s.View(t.Context(), func(tx store.Tx) error {
			for x, err := range tx.Tasks().ByState(t.Context(), leadloop.TaskPending) {
				if err != nil {
					return err
				}
				if x.DueAt.Before(time.Now()) && (!x.Outside || x.Kind == leadloop.TaskNotify) {
					n++
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for patience := time.After(90 * time.Second); due() > 0; {
		select {
		case <-patience:
			t.Fatalf("%d tasks that are due are not done", due())
		case <-time.After(50 * time.Millisecond):
		}
	}
	mu.Lock()
	defer mu.Unlock()
	want := map[said]int{
		{silent, "assigned", "rep:ana", 0}: 1, {answered, "assigned", "rep:ana", 0}: 1,
		{silent, "escalated", "rep:ana", 1}: 1, {silent, "escalated", "rep:mia", 2}: 1, {silent, "escalated", "queue:triage", 3}: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("who was told (-want +got):\n%s", diff)
	}
	rungs := map[leadloop.LeadID][]string{}
	if err := s.View(t.Context(), func(tx store.Tx) error {
		for _, id := range []leadloop.LeadID{silent, answered} {
			for e, err := range tx.Journal().ByLead(t.Context(), id) {
				if err != nil {
					return err
				}
				if e.Kind == leadloop.EventEscalated {
					rungs[id] = append(rungs[id], e.To)
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[leadloop.LeadID][]string{silent: {"ana", "mia", "triage"}}, rungs); diff != "" {
		t.Errorf("what the journal says (-want +got):\n%s", diff)
	}
}

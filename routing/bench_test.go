package routing

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// A bench is a router with a store, and commits what the stage wants.
type bench struct {
	t     testing.TB
	r     *Router
	st    store.Store
	stage leadloop.Stage
}

func newBench(t testing.TB, routing, sla string) *bench {
	t.Helper()
	b := &bench{t: t, r: mustRouter(t, routing, sla), st: memstore.New()}
	b.stage = NewStage(b.r, b.st)
	return b
}

func (b *bench) update(f func(tx store.Tx) error) {
	b.t.Helper()
	if err := b.st.Update(context.Background(), f); err != nil {
		b.t.Fatal(err)
	}
}

// try decides about a lead once and commits the effects.
func (b *bench) try(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
	o, e, err := b.stage.Decide(ctx, s)
	if err != nil {
		return o, e, err
	}
	return o, e, b.st.Update(ctx, func(tx store.Tx) error {
		lead := s.Lead.Clone()
		if e.State != nil {
			lead.State = *e.State
		}
		var err error
		if lead.Revision, err = tx.Leads().Put(ctx, lead); err != nil {
			return err
		}
		for _, m := range e.Ledger {
			if err := tx.Rotations().Move(ctx, m); err != nil {
				return err
			}
		}
		if err := tx.Tasks().Add(ctx, e.Tasks...); err != nil {
			return err
		}
		if err := tx.Journal().Append(ctx, e.Events...); err != nil {
			return err
		}
		*s.Lead = *lead
		return nil
	})
}

// run decides about the lead and returns what happened, one line per event and
// task.
func (b *bench) run(lead *leadloop.Lead, at time.Time, trigger leadloop.Trigger, task *leadloop.Task, previous leadloop.State, is map[string]string) []string {
	b.t.Helper()
	before := lead.Clone()
	o, e, err := b.try(context.Background(), leadloop.Subject{Lead: lead, Profile: profileOf(b.t, b.r, is), AsOf: at, Trigger: trigger, Task: task, Previous: previous})
	if err != nil {
		b.t.Fatal(err)
	}
	again, same, err := b.stage.Decide(context.Background(), leadloop.Subject{Lead: before, Profile: profileOf(b.t, b.r, is), AsOf: at, Trigger: trigger, Task: task, Previous: previous})
	if err != nil || o != again || len(e.Ledger) == 0 && cmp.Diff(e, same) != "" {
		b.t.Errorf("deciding again gives another answer: %v %v", err, cmp.Diff(e, same))
	}
	out := []string{strings.TrimSpace(fmt.Sprintf("%s %s", o.Kind, o.Reason))}
	for _, ev := range e.Events {
		out = append(out, strings.Join(strings.Fields(fmt.Sprintf("event %s %s>%s %v", ev.Kind, ev.From, ev.To, strings.TrimPrefix(fmt.Sprint(ev.Attrs), "map"))), " "))
	}
	for _, task := range e.Tasks {
		out = append(out, "task "+task.Key+" at "+task.DueAt.Format("02 15:04")+" "+whomOf(task))
	}
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

func whomOf(t leadloop.Task) string {
	var n Notice
	if json.Unmarshal(t.Payload, &n) == nil && n.To != "" {
		return "to " + n.To
	}
	return ""
}

// due returns the timer with this key.
func (b *bench) due(key string) *leadloop.Task {
	b.t.Helper()
	var task leadloop.Task
	err := b.st.View(context.Background(), func(tx store.Tx) (err error) {
		task, err = tx.Tasks().Get(context.Background(), key)
		return err
	})
	if err != nil {
		b.t.Fatalf("task %s: %v", key, err)
	}
	return &task
}

func want(t testing.TB, what string, got []string, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

var american = map[string]string{"lead.source": "web", "lead.country": "US", "company.employees": "10"}

func (b *bench) owed(pool string) map[leadloop.RepID]leadloop.Owed {
	out := map[leadloop.RepID]leadloop.Owed{}
	b.update(func(tx store.Tx) error {
		r, err := tx.Rotations().Get(context.Background(), pool)
		for _, m := range r.Balances {
			out[m.Member] = m.Owed
		}
		return err
	})
	return out
}

package routing

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Waiting is a lead that waits in a queue.
type Waiting struct {
	Lead  leadloop.LeadID
	Tier  string
	Queue string
	Since time.Time
	// Entry put it there; Received is when the lead arrived.
	Entry    string
	Received time.Time
}

// WaitingOf returns where a lead waits, false if it does not wait for
// somebody: a dispute waits for a manager.
func WaitingOf(l *leadloop.Lead) (Waiting, bool) {
	s := &l.State
	if s.Disposition != leadloop.OutcomeQueued || l.MergedInto != "" || strings.HasPrefix(s.Reason, reasonDispute) || strings.HasPrefix(s.Reason, "claim:") {
		return Waiting{}, false
	}
	return Waiting{Lead: l.ID, Tier: s.Score.Tier, Queue: s.Queue, Since: s.QueueSince, Entry: s.Entry, Received: l.ReceivedAt}, true
}

// Drain returns the tasks that try to place leads that wait, to be added to
// the store: when capacity frees up or somebody comes back. The leads that go
// first are those of the best tier ([Options.Tiers], best first), then the
// oldest. There are as many tasks as reps have room now, so that not
// everything that waits is decided about for one free place; they are ordered
// by their priority. The key has the moment to the minute: draining twice
// within one makes no more work.
func (r *Router) Drain(ctx context.Context, rd Reader, waiting []Waiting, asOf time.Time) ([]leadloop.Task, error) {
	room, err := r.room(ctx, rd, asOf)
	if err != nil || room == 0 {
		return nil, err
	}
	rank := func(tier string) int {
		if i := slices.Index(r.tiers, tier); i >= 0 {
			return i
		}
		return len(r.tiers)
	}
	order := slices.Clone(waiting)
	slices.SortFunc(order, func(a, b Waiting) int {
		return cmp.Or(cmp.Compare(rank(a.Tier), rank(b.Tier)), a.Received.Compare(b.Received), a.Since.Compare(b.Since), strings.Compare(string(a.Lead), string(b.Lead)))
	})
	order = order[:min(len(order), room)]
	tasks := make([]leadloop.Task, len(order))
	for i, w := range order {
		tasks[i] = drainTimer(w, asOf, asOf.Truncate(time.Minute), len(order)-i)
	}
	return tasks, nil
}

// drainTimer is the task that tries to place a lead that waits; moment is part
// of its key.
func drainTimer(w Waiting, asOf, moment time.Time, priority int) leadloop.Task {
	t := timer{Ladder: ladderDrain, Queue: w.Queue, Since: w.Since}
	return leadloop.Task{
		Key:  strings.Join([]string{leadloop.TaskEscalate, t.Ladder, string(w.Lead), w.Queue, stamp(moment)}, ":"),
		Kind: leadloop.TaskEscalate, Lead: w.Lead, DueAt: asOf, Priority: priority, Payload: mustJSON(t), State: leadloop.TaskPending,
	}
}

// unlimited is the room of a rep without caps, for one drain.
const unlimited = 100

// room counts the leads that those who are there could still get.
func (r *Router) room(ctx context.Context, rd Reader, asOf time.Time) (int, error) {
	q := Request{Lead: &leadloop.Lead{}, Profile: r.schema.NewProfile(), AsOf: asOf}
	d, err := r.newDecision(ctx, rd, &q)
	if err != nil {
		return 0, err
	}
	pooled := make([]bool, len(r.reps))
	for i := range r.pools {
		for _, at := range r.pools[i].members {
			pooled[at] = true
		}
	}
	total := 0
	for i := range r.reps {
		x := &r.reps[i]
		if !pooled[i] {
			continue
		}
		w, _ := d.absent(x, d.crmRep(x.ID), &pool{Pool: Pool{Present: true}})
		if w.ok() {
			if w, err = d.full(ctx, x); err != nil {
				return 0, err
			}
		}
		if !w.ok() {
			continue
		}
		n := unlimited
		if x.MaxOpen|x.MaxDay|x.MaxWeek != 0 {
			var load store.Workload
			if load, err = d.workload(ctx, x.ID); err != nil {
				return 0, err
			}
			for _, c := range []struct{ limit, n int }{{x.MaxOpen, load.Open}, {x.MaxDay, load.Day}, {x.MaxWeek, load.Week}} {
				if c.limit > 0 {
					n = min(n, c.limit-c.n)
				}
			}
		}
		total += n
	}
	return total, nil
}

// drained routes a lead that waits, without telling anybody if it waits on.
func (n *run) drained(ctx context.Context, t *timer) error {
	s := &n.state
	if s.Disposition != leadloop.OutcomeQueued || s.Queue != t.Queue || !s.QueueSince.Equal(t.Since) {
		n.trace.Note = "it waits there no more"
		return nil
	}
	a, err := n.r.Route(ctx, n.rd, n.q)
	if err != nil {
		return err
	}
	if a.Kind != leadloop.OutcomeAssigned {
		n.trace = a.Trace
		n.trace.Note = "nobody can take it yet"
		return nil
	}
	n.apply(a, nil)
	return nil
}

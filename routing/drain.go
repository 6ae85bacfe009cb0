package routing

import (
	"context"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// drainTimer is the task that tries to place a lead that waits in a queue since
// then.
func drainTimer(lead leadloop.LeadID, queue string, since, asOf time.Time, priority int) leadloop.Task {
	t := timer{Ladder: ladderDrain, Queue: queue, Since: since}
	return leadloop.Task{
		Key:  strings.Join([]string{leadloop.TaskEscalate, t.Ladder, string(lead), queue, stamp(asOf)}, ":"),
		Kind: leadloop.TaskEscalate, Lead: lead, DueAt: asOf, Priority: priority, Payload: mustJSON(t), State: leadloop.TaskPending,
	}
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

package routing

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing/calendar"
)

const (
	reasonWait    = "wait:"
	reasonDispute = "dispute:"
)

// lookAgain is how soon a clock that stands still is looked at again, where no
// [NewSettle] tells when it goes on.
const lookAgain = 5 * time.Minute

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (r *Router) policyOf(id string) *policy {
	if i := slices.IndexFunc(r.policies, func(p policy) bool { return p.ID == id }); i >= 0 {
		return &r.policies[i]
	}
	return nil
}

// queued tells who has to know of a lead that waits, and sets its timer.
func (n *run) queued(a Assignment) {
	switch {
	case !a.WakeAt.IsZero():
		n.wake(a)
		return
	case len(a.Disputed) > 0:
		n.dispute(a)
		return
	}
	n.tell(leadloop.TaskNotify, Notice{About: AboutQueued, To: "queue:" + a.Queue, Entry: a.Entry}, a.Queue, stamp(n.s.AsOf))
	n.timer(timer{Ladder: ladderQueue, Queue: a.Queue, Since: n.s.AsOf}, n.r.waiting.due(0, n.s.AsOf, n.s.AsOf, n.r.zone))
}

// wake sets the timer of a lead that waits for somebody to be there.
func (n *run) wake(a Assignment) {
	if !a.WakeAt.IsZero() {
		n.timer(timer{Ladder: ladderWait, Queue: a.Queue, Since: n.state.QueueSince, Again: true}, a.WakeAt)
	}
}

// woken routes a lead that waited for somebody to be there.
func (n *run) woken(ctx context.Context, t *timer) error {
	s := &n.state
	if s.Disposition != leadloop.OutcomeQueued || s.Queue != t.Queue || !s.QueueSince.Equal(t.Since) || !strings.HasPrefix(s.Reason, reasonWait) {
		n.trace.Note = "the timer has nothing to wait for any more"
		return nil
	}
	return n.route(ctx)
}

// dispute asks a manager who the lead belongs to: that of the first of those
// who are named, or of the team of the queue it waits in, or else the queue.
func (n *run) dispute(a Assignment) {
	to := "queue:" + a.Queue
	for _, name := range a.Disputed {
		id, ok := strings.CutPrefix(name, "rep:")
		if !ok {
			continue
		}
		if r := n.r.rep(leadloop.RepID(id)); r != nil && r.manager != "" {
			to = "rep:" + string(r.manager)
			break
		}
	}
	if i := slices.IndexFunc(n.r.queues, func(q Queue) bool { return q.ID == a.Queue }); i >= 0 && strings.HasPrefix(to, "queue:") {
		if j := slices.IndexFunc(n.r.teams, func(t Team) bool { return t.ID == n.r.queues[i].Team }); j >= 0 && n.r.teams[j].Manager != "" {
			to = "rep:" + string(n.r.teams[j].Manager)
		}
	}
	due := n.r.disputed.due(0, n.s.AsOf, n.s.AsOf, n.r.zone)
	n.tell(leadloop.TaskReview, Notice{About: AboutDispute, To: to, Entry: a.Entry, Disputed: a.Disputed, DueAt: due}, a.Entry, stamp(n.s.AsOf))
	n.timer(timer{Ladder: ladderDispute, Queue: a.Queue, Since: n.s.AsOf}, due)
}

// warn tells the owner that the response is due soon.
func (n *run) warn(t *timer) {
	s := &n.state
	if s.Disposition != leadloop.OutcomeAssigned || s.Owner != t.Owner || s.Worked() || !s.SLA.StartedAt.Equal(t.Since) || !s.SLA.MetAt.IsZero() || !s.SLA.DueAt.After(n.s.AsOf) {
		n.trace.Note = "the timer has nothing to wait for any more"
		return
	}
	n.tell(leadloop.TaskNotify, Notice{About: AboutDueSoon, To: "rep:" + string(s.Owner), Entry: s.Entry, Policy: s.SLA.Policy, DueAt: s.SLA.DueAt}, string(s.Owner), stamp(t.Since))
}

// startFollowUp sets the timer that looks for the next touch, over and over
// while the lead is the owner's.
func (n *run) startFollowUp() {
	s := &n.state
	p := n.r.policyOf(s.SLA.Policy)
	if p == nil || p.FollowUp == 0 {
		return
	}
	n.timer(timer{Ladder: ladderFollowUp, Owner: s.Owner, Since: s.OwnerSince, Again: true}, p.ladder.clock.at(n.zone(s.Owner)).Add(n.s.AsOf, p.FollowUp))
}

// followUp tells the owner, then the manager, that the next touch is overdue.
func (n *run) followUp(d *decision, t timer) {
	s := &n.state
	p := n.r.policyOf(s.SLA.Policy)
	if p == nil || p.FollowUp == 0 || s.Disposition != leadloop.OutcomeAssigned || s.Owner != t.Owner || !s.OwnerSince.Equal(t.Since) {
		n.trace.Note = "the timer has nothing to wait for any more"
		return
	}
	clock := p.ladder.clock.at(n.zone(s.Owner))
	// Until the first touch the response clock is the one that counts.
	if s.Worked() {
		if s.LastTouchAt.After(t.Touch) {
			t.Touch, t.Step = s.LastTouchAt, 0
		}
		if due := clock.Add(t.Touch, p.FollowUp); t.Step == 0 && due.After(n.s.AsOf) {
			n.timer(t, due)
			return
		}
		to := ""
		switch t.Step {
		case 0:
			to = "rep:" + string(s.Owner)
		case 1:
			to = n.whom(d, &t, "manager")
		}
		if to != "" {
			n.tell(leadloop.TaskNotify, Notice{About: AboutFollowUp, To: to, Entry: s.Entry, Policy: p.ID, Step: t.Step + 1}, to, stamp(t.Touch))
		}
		t.Step++
	}
	n.timer(t, clock.Add(n.s.AsOf, p.FollowUp))
}

// paused moves the moment at which the response is due by how long the lead
// was in a status in which the clock stands still.
func (n *run) paused(ctx context.Context) error {
	s := &n.state
	p := n.r.policyOf(s.SLA.Policy)
	if p == nil || len(p.Pause) == 0 || s.Disposition != leadloop.OutcomeAssigned || s.Worked() || !s.SLA.MetAt.IsZero() || !s.SLA.MissedAt.IsZero() {
		return nil
	}
	var periods []calendar.Period
	var since time.Time // of the pause that runs
	for e, err := range n.tx.Journal().ByLead(ctx, n.s.Lead.ID) {
		if err != nil {
			return err
		}
		if e.Kind != leadloop.EventStatusChanged || e.At.After(n.s.AsOf) {
			continue
		}
		switch pause := slices.Contains(p.Pause, e.To); {
		case pause && since.IsZero():
			since = e.At
		case !pause && !since.IsZero():
			periods, since = append(periods, calendar.Period{From: since, Until: e.At}), time.Time{}
		}
	}
	if !since.IsZero() {
		until := n.s.AsOf
		// A pause that this very run ended is not in the journal yet.
		if !slices.Contains(p.Pause, s.Status) && s.StatusSince.After(since) && s.StatusSince.Before(until) {
			until = s.StatusSince
		}
		periods = append(periods, calendar.Period{From: since, Until: until})
	}
	due := p.ladder.clock.at(n.zone(s.Owner)).Without(periods...).Add(s.SLA.StartedAt, p.Target)
	if !due.Equal(s.SLA.DueAt) {
		n.changed, s.SLA.DueAt = true, due
	}
	return nil
}

// resumed reports whether a response clock goes on that stood still before
// this run.
func (r *Router) resumed(s *leadloop.Subject) bool {
	if s.Previous.Status == s.Lead.State.Status || s.Lead.State.SLA.IsZero() {
		return false
	}
	p := r.policyOf(s.Lead.State.SLA.Policy)
	return p != nil && slices.Contains(p.Pause, s.Previous.Status) && !slices.Contains(p.Pause, s.Lead.State.Status)
}

// resume sets the timer of a clock that goes on to when the response is due
// now. The one that was set before says who missed the lead.
func (n *run) resume(ctx context.Context) error {
	s := &n.state
	if err := n.paused(ctx); err != nil {
		return err
	}
	if s.Disposition != leadloop.OutcomeAssigned || s.Worked() || !s.SLA.MetAt.IsZero() || !s.SLA.MissedAt.IsZero() {
		return nil
	}
	tasks, err := n.tx.Tasks().ByLead(ctx, n.s.Lead.ID)
	if err != nil {
		return err
	}
	t := timer{Ladder: ladderSLA, Owner: s.Owner, Since: s.SLA.StartedAt, Due: true, Again: true}
	for i := range tasks {
		var before timer
		if tasks[i].Kind != leadloop.TaskEscalate || json.Unmarshal(tasks[i].Payload, &before) != nil {
			continue
		}
		if before.Ladder == ladderSLA && before.Owner == t.Owner && before.Since.Equal(t.Since) {
			t.Missed = before.Missed
		}
	}
	n.timer(t, s.SLA.DueAt)
	return nil
}

// movedByPerson reports whether a person moved the lead to another stage since
// its owner has it: that is an answer, as the first touch is.
func (n *run) movedByPerson(ctx context.Context) (bool, error) {
	if !n.state.StageSince.After(n.state.OwnerSince) {
		return false, nil
	}
	moved := false
	for e, err := range n.tx.Journal().ByLead(ctx, n.s.Lead.ID) {
		if err != nil {
			return false, err
		}
		if e.Kind == leadloop.EventStageChanged && e.At.After(n.state.OwnerSince) && n.r.rep(leadloop.RepID(strings.TrimPrefix(e.Actor, "rep:"))) != nil {
			moved = true
		}
	}
	return moved, nil
}

func join(ids []leadloop.RepID) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(id))
	}
	return b.String()
}

package routing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// maxReassigned is how often escalation takes a lead from somebody.
const maxReassigned = 2

// timer is the payload of an escalation task. It says which wait it belongs
// to, so that a timer of an earlier wait finds out that it is late.
type timer struct {
	Ladder string         `json:"ladder"`
	Owner  leadloop.RepID `json:"owner,omitempty"`
	Queue  string         `json:"queue,omitempty"`
	Since  time.Time      `json:"since"`
	Step   int            `json:"step"`
	// Due marks the timer of the SLA itself, before any step.
	Due bool `json:"due,omitempty"`
	// Missed are the reps the lead was taken from.
	Missed []leadloop.RepID `json:"missed,omitempty"`
	// Touch is the touch that a follow-up is counted from.
	Touch time.Time `json:"touch,omitzero"`
	// Again marks a timer that was set before and came too early: its key
	// has the moment.
	Again bool `json:"again,omitempty"`
}

// timer adds the task that wakes the loop up at due.
func (n *run) timer(t timer, due time.Time) {
	step := itoa(t.Step)
	if t.Due {
		step = "due"
	}
	if t.Again {
		step += "@" + stamp(due)
	}
	n.effects.Tasks = append(n.effects.Tasks, leadloop.Task{
		Key:  strings.Join([]string{leadloop.TaskEscalate, t.Ladder, string(n.s.Lead.ID), string(t.Owner) + t.Queue, stamp(t.Since), step}, ":"),
		Kind: leadloop.TaskEscalate, Lead: n.s.Lead.ID, DueAt: due, Payload: mustJSON(t), State: leadloop.TaskPending,
	})
}

// due returns when a step comes, if the one before came at last.
func (l *ladder) due(step int, start, last time.Time, zone *time.Location) time.Time {
	g := &l.rungs[step]
	if g.From == FromStart {
		last = start
	}
	return l.clock.at(zone).Add(last, g.After)
}

// ladder returns the ladder a timer climbs, nil if what it waited for has come
// or the wait is another one by now.
func (n *run) ladder(t *timer) *ladder {
	s := &n.state
	if t.Ladder == ladderQueue || t.Ladder == ladderDispute {
		// A lead that was queued before stays were told apart has no QueueSince.
		if s.Disposition != leadloop.OutcomeQueued || s.Queue != t.Queue || !s.QueueSince.IsZero() && !s.QueueSince.Equal(t.Since) {
			return nil
		}
		if disputed := strings.HasPrefix(s.Reason, reasonDispute); disputed != (t.Ladder == ladderDispute) {
			return nil
		}
		if t.Ladder == ladderDispute {
			return &n.r.disputed
		}
		return &n.r.waiting
	}
	if s.Disposition != leadloop.OutcomeAssigned || s.Owner != t.Owner || s.Worked() {
		return nil
	}
	switch t.Ladder {
	case ladderUnworked:
		if s.OwnerSince.Equal(t.Since) {
			return &n.r.unworked
		}
	case ladderSLA:
		i := slices.IndexFunc(n.r.policies, func(p policy) bool { return p.ID == s.SLA.Policy })
		if i >= 0 && s.SLA.StartedAt.Equal(t.Since) && s.SLA.MetAt.IsZero() {
			return &n.r.policies[i].ladder
		}
	}
	return nil
}

// escalate takes the step whose timer came due.
func (n *run) escalate(ctx context.Context, d *decision) error {
	var t timer
	if err := json.Unmarshal(n.s.Task.Payload, &t); err != nil {
		return fmt.Errorf("task %s: %w: its payload is not a timer", n.s.Task.Key, leadloop.ErrInvalid)
	}
	switch t.Ladder {
	case ladderWait:
		return n.woken(ctx, &t)
	case ladderDrain:
		return n.drained(ctx, &t)
	case ladderWarn:
		n.warn(&t)
		return nil
	case ladderFollowUp:
		n.followUp(d, t)
		return nil
	}
	l := n.ladder(&t)
	if l != nil && t.Owner != "" {
		moved, err := n.movedByPerson(ctx)
		if err != nil {
			return err
		}
		if moved {
			l = nil
		}
	}
	if l == nil {
		n.trace.Note = "the timer has nothing to wait for any more"
		return nil
	}
	zone := n.r.zone
	if r, ok := d.rep(t.Owner); ok {
		zone = r.zone
	}
	if t.Ladder == ladderSLA && n.state.SLA.DueAt.After(n.s.AsOf) {
		// The clock stood still meanwhile.
		t.Again = true
		n.timer(t, later(n.state.SLA.DueAt, n.s.AsOf.Add(lookAgain)))
		n.trace.Note = "the clock stood still: it is not due yet"
		return nil
	}
	if t.Due && t.Ladder == ladderSLA && !n.state.SLA.MissedAt.IsZero() {
		n.trace.Note = "that it was missed is known"
		return nil
	}
	if t.Ladder == ladderSLA && n.state.SLA.MissedAt.IsZero() {
		n.changed = true
		n.state.SLA.MissedAt = n.state.SLA.DueAt
		n.event(leadloop.EventSLAMissed, "", "", n.attrs("policy", n.state.SLA.Policy, "owner", string(t.Owner), "tier", n.state.Score.Tier))
		n.effects.Events[len(n.effects.Events)-1].At = n.state.SLA.DueAt
	}
	t.Again = false
	if t.Due {
		t.Due = false
		if first := l.due(0, t.Since, n.state.SLA.DueAt, zone); first.After(n.s.AsOf) {
			n.timer(t, first)
			return nil
		}
	}
	return n.step(ctx, d, l, t, zone)
}

func (n *run) step(ctx context.Context, d *decision, l *ladder, t timer, zone *time.Location) error {
	// The playbook may have a shorter ladder than when the timer was set.
	t.Step = min(t.Step, len(l.rungs)-1)
	// Whoever is not there is not told; the last step is always somebody.
	for t.Step < len(l.rungs)-1 && !l.rungs[t.Step].Reassign && n.whom(d, &t, l.rungs[t.Step].Notify) == "" {
		t.Step++
	}
	if l.rungs[t.Step].Reassign {
		if t.Owner != "" && len(t.Missed) >= maxReassigned {
			n.trace.Note = "it was reassigned often enough"
			t.Step = len(l.rungs) - 1
		} else if done, err := n.reassign(ctx, d, &l.rungs[t.Step], &t); done || err != nil {
			return err
		}
	}
	n.escalated(d, &l.rungs[t.Step], &t)
	if t.Ladder == ladderSLA {
		n.changed = true
		n.state.SLA.Step = t.Step + 1
	}
	if start := t.Since; t.Step+1 < len(l.rungs) {
		t.Step++
		n.timer(t, l.due(t.Step, start, n.s.AsOf, zone))
	}
	return nil
}

// escalated tells whom the rung names.
func (n *run) escalated(d *decision, g *Rung, t *timer) {
	to := n.whom(d, t, g.Notify)
	if to == "" {
		return
	}
	_, id, _ := strings.Cut(to, ":")
	n.event(leadloop.EventEscalated, string(t.Owner)+t.Queue, id, n.attrs("ladder", t.Ladder, "step", itoa(t.Step+1), "to", to, "policy", n.state.SLA.Policy))
	n.tell(leadloop.TaskNotify, Notice{
		About: AboutEscalated, To: to, Entry: n.state.Entry, Policy: n.state.SLA.Policy, DueAt: n.state.SLA.DueAt, Ladder: t.Ladder, Step: t.Step + 1,
	}, t.Ladder, string(t.Owner)+t.Queue, stamp(t.Since), itoa(t.Step))
}

// reassign routes the lead anew and reports whether somebody else has it now.
// The debit of whoever missed it is not given back: missing a lead is no way
// to the next one. A lead that nobody else can take stays where it is.
func (n *run) reassign(ctx context.Context, d *decision, g *Rung, t *timer) (bool, error) {
	q := n.q
	missed := slices.Clone(t.Missed)
	if t.Owner != "" {
		missed = append(missed, t.Owner)
	}
	q.Exclude = append(slices.Clone(q.Exclude), missed...)
	a, err := n.r.Route(ctx, n.rd, q)
	if err != nil {
		return false, err
	}
	if a.Kind != leadloop.OutcomeAssigned {
		n.trace = a.Trace
		n.trace.Note = "nobody else can take it"
		return false, nil
	}
	n.escalated(d, g, t)
	n.apply(a, missed)
	return true, nil
}

// whom resolves a rung's words to "rep:<id>", "team:<id>" or "queue:<id>";
// empty if there is nobody of that kind.
func (n *run) whom(d *decision, t *timer, notify string) string {
	var team leadloop.TeamID
	var manager leadloop.RepID
	if t.Queue != "" {
		if i := slices.IndexFunc(n.r.queues, func(q Queue) bool { return q.ID == t.Queue }); i >= 0 {
			team = n.r.queues[i].Team
		}
	} else if r, ok := d.rep(t.Owner); ok {
		team, manager = r.team, r.manager
	}
	if i := slices.IndexFunc(n.r.teams, func(x Team) bool { return x.ID == team }); i >= 0 && manager == "" && n.r.teams[i].Manager != t.Owner {
		manager = n.r.teams[i].Manager
	}
	switch {
	case notify == "owner" && t.Owner != "":
		return "rep:" + string(t.Owner)
	case notify == "manager" && manager != "" && d.active(manager):
		return "rep:" + string(manager)
	case notify == "team" && team != "":
		return "team:" + string(team)
	case notify == "queue":
		return "queue:" + t.Queue
	case strings.Contains(notify, ":"):
		return notify
	}
	return ""
}

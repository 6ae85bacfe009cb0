package lifecycle

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

var sinces = []string{SinceStage, SinceStatus, SinceMoved, SinceOwner, SinceTouch, SinceActivity}

// clock is a compiled clock, or a step of the acceptance, which is one too.
type clock struct {
	Clock
	rule int // -1 for none
	// accept makes it run only while the owner's answer is waited for.
	accept bool
}

// acceptanceClock is the id of the i-th step towards an answer.
func acceptanceClock(i int) string { return fmt.Sprintf("acceptance:%d", i+1) }

// clocks checks and compiles the clocks.
func (c *checker) clocks() []clock {
	names(c, "clock", c.def.Clocks, func(k Clock) (string, leadloop.Position) { return k.ID, k.At })
	stages, statuses := ids(c.def.Stages, func(s Stage) string { return s.ID }), ids(c.def.Statuses, func(s Status) string { return s.ID })
	var out []clock
	for _, k := range c.def.Clocks {
		where := "clock " + k.ID
		c.known(k.At, where+": since", "start", k.Since, sinces)
		c.calendar(k.At, where, k.Calendar)
		for _, s := range k.Stages {
			c.known(k.At, where+": stages", "stage", s, stages)
		}
		for _, s := range k.Statuses {
			c.known(k.At, where+": statuses", "status", s, statuses)
		}
		switch activity := k.Since == SinceActivity; {
		case k.After < 0:
			c.Add(k.At, "%s: after is negative", where)
		case activity && len(k.Activities) == 0:
			c.Add(k.At, "%s: since activity, of which activities there are none", where)
		case !activity && len(k.Activities) > 0:
			c.Add(k.At, "%s: activities are for clocks since activity", where)
		case !activity && k.After == 0 && k.When.IsZero():
			c.AddHint(k.At, "give it an after", "%s: it runs out as soon as it starts", where)
		}
		c.action(where, k)
		x := clock{Clock: k, rule: -1}
		x.Stages, x.Statuses, x.Activities = slices.Clone(k.Stages), slices.Clone(k.Statuses), slices.Clone(k.Activities)
		if !k.When.IsZero() {
			x.rule = c.rule(where+": when", k.When)
		}
		out = append(out, x)
	}
	if c.o.Cadences != nil {
		for i := range c.o.Cadences.list {
			if x := &c.o.Cadences.list[i]; x.Then != nil {
				c.action("cadence "+x.ID+": then", Clock{Do: *x.Then})
			}
		}
	}
	if a := c.def.Acceptance; a != nil {
		for i, u := range a.NoAnswer {
			out = append(out, clock{accept: true, rule: -1, Clock: Clock{
				ID: acceptanceClock(i), Since: SinceOwner, After: u.After, Calendar: a.Calendar, At: u.At, Do: Action{Notify: u.Notify, Reroute: u.Reroute, At: u.At},
			}})
		}
	}
	return out
}

func ids[T any](list []T, id func(T) string) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = id(x)
	}
	return out
}

func (c *checker) calendar(at leadloop.Position, where, name string) {
	if name != "" && c.o.Calendars != nil {
		c.known(at, where, "calendar", name, c.o.Calendars)
	}
}

// action checks what a clock does.
func (c *checker) action(where string, k Clock) {
	a := k.Do
	var main []string
	for _, m := range []struct {
		name string
		set  bool
	}{
		{"reengage", a.Reengage != ""}, {"disqualify", a.Disqualify != ""}, {"archive", a.Archive != ""}, {"recycle", a.Recycle}, {"reroute", a.Reroute},
	} {
		if m.set {
			main = append(main, m.name)
		}
	}
	switch {
	case len(main) > 1:
		c.Add(a.At, "%s: it does one of %s, not all", where, join(main))
	case len(main) == 0 && !a.Flag && a.Notify == "":
		c.AddHint(a.At, "reengage, disqualify, archive, recycle, reroute, flag, notify", "%s: it does nothing", where)
	}
	if a.Reengage != "" {
		c.known(a.At, where+": reengage", "cadence", a.Reengage, c.o.Cadences.IDs())
	}
	c.ends(a.At, where, "disqualify", a.Disqualify, FollowsDisqualified)
	c.ends(a.At, where, "archive", a.Archive, FollowsArchived)
	if a.Notify != "" {
		c.whom(a.At, where, a.Notify)
	}
}

// ends checks that there is a stage for what a clock decides.
func (c *checker) ends(at leadloop.Position, where, what, reason, follows string) {
	if reason == "" {
		return
	}
	c.unique(at, where, []string{reason})
	i := slices.IndexFunc(c.def.Stages, func(s Stage) bool { return s.Follows == follows })
	if i < 0 {
		c.AddHint(at, "add a stage that follows "+follows, "%s: %s: there is no stage for it", where, what)
		return
	}
	if s := c.def.Stages[i]; len(s.Reasons) > 0 {
		c.known(at, where+": "+what, "reason of stage "+s.ID, reason, s.Reasons)
	}
}

func (c *checker) whom(at leadloop.Position, where, to string) {
	kind, id, named := strings.Cut(to, ":")
	if named && id != "" && (kind == "rep" || kind == "queue") {
		return
	}
	c.known(at, where+": notify", "addressee", to, []string{"owner", "manager", "rep:<id>", "queue:<id>"})
}

func (c *checker) acceptance() {
	a := c.def.Acceptance
	if c.def.Accepted == "" {
		c.Add(a.At, "acceptance: leads are accepted into no stage: accepted is missing")
	}
	c.calendar(a.At, "acceptance", a.Calendar)
	stages := ids(c.def.Stages, func(s Stage) string { return s.ID })
	for i, r := range a.Reject {
		where := "acceptance: reject " + r.Reason
		c.unique(r.At, "acceptance: reject", []string{r.Reason})
		if slices.ContainsFunc(a.Reject[:i], func(o Rejection) bool { return o.Reason == r.Reason }) {
			c.Add(r.At, "%s: the reason stands here twice", where)
		}
		if r.To == "" {
			continue
		}
		if r.Recycle {
			c.Add(r.At, "%s: it goes to a stage or is recycled, not both", where)
		}
		c.known(r.At, where+": to", "stage", r.To, stages)
		if k := slices.Index(stages, r.To); k >= 0 && len(c.def.Stages[k].Reasons) > 0 {
			c.known(r.At, where, "reason of stage "+r.To, r.Reason, c.def.Stages[k].Reasons)
		}
	}
	var before time.Duration
	for _, u := range a.NoAnswer {
		where := "acceptance: no_answer"
		switch {
		case u.After <= 0:
			c.Add(u.At, "%s: after: expected a time", where)
		case u.After <= before:
			c.Add(u.At, "%s: after: it comes no later than the step before", where)
		}
		before = u.After
		if u.Notify == "" && !u.Reroute {
			c.AddHint(u.At, "notify, reroute", "%s: it does nothing", where)
		}
		if u.Notify != "" {
			c.whom(u.At, where, u.Notify)
		}
	}
}

// waits reports whether the owner's answer is waited for in a stage.
func (l *Lifecycle) waits(stage string) bool {
	s := l.stage(stage)
	return l.accepted != "" && s != nil && slices.ContainsFunc(s.ways, func(w way) bool { return w.to == l.accepted })
}

// runs reports whether a clock runs for a lead in a state.
func (l *Lifecycle) runs(k *clock, s *leadloop.State) bool {
	if k.accept {
		return s.Disposition == leadloop.OutcomeAssigned && l.waits(s.Stage)
	}
	if s.Disposition == leadloop.OutcomeSuppressed {
		return false
	}
	if len(k.Stages) == 0 {
		if at := l.stage(s.Stage); at == nil || at.Final || at.Follows != "" && at.Follows != FollowsRecycle {
			return false
		}
	} else if !slices.Contains(k.Stages, s.Stage) {
		return false
	}
	return len(k.Statuses) == 0 || slices.Contains(k.Statuses, s.Status)
}

// start is when a clock began to run, zero if it does not. Clocks since an
// activity start with an activity, which names them as well.
func (l *Lifecycle) start(k *clock, s leadloop.Subject, state *leadloop.State) (at time.Time, of string) {
	if !l.runs(k, state) {
		return time.Time{}, ""
	}
	switch k.Since {
	case SinceStage:
		return state.StageSince, ""
	case SinceStatus:
		if state.Status == "" {
			return time.Time{}, ""
		}
		return state.StatusSince, ""
	case SinceMoved:
		if state.StatusSince.After(state.StageSince) {
			return state.StatusSince, ""
		}
		return state.StageSince, ""
	case SinceOwner:
		if state.Owner == "" || state.Worked() {
			return time.Time{}, ""
		}
		return state.OwnerSince, string(state.Owner)
	case SinceTouch:
		return state.LastTouchAt, ""
	}
	var last leadloop.Activity
	for _, a := range s.Lead.Activities {
		if slices.Contains(k.Activities, a.Type) && !a.At.After(s.AsOf) && a.At.After(state.StageSince) && (last.Type == "" || a.Compare(last) > 0) {
			last = a
		}
	}
	return last.At, cmp.Or(last.ID, last.Type)
}

// forgotten is how long after it ran out a clock since an activity can still be
// set. That it was set before is known by its task, which a store does not keep
// for ever.
const forgotten = 14 * 24 * time.Hour

// timer is the payload of a clock's task.
type timer struct {
	Clock string    `json:"clock"`
	Since time.Time `json:"since"`
	Of    string    `json:"of,omitempty"`
}

func (k *clock) key(lead leadloop.LeadID, since time.Time, of string) string {
	// What an activity is called may be anything: the time tells it apart as well.
	if k.Since == SinceActivity {
		of = ""
	}
	return strings.Join([]string{leadloop.TaskClock, k.ID, string(lead), of, stamp(since)}, ":")
}

// Notice is the payload of a [leadloop.TaskNotify] that a clock sends: ids and
// codes, no personal data. Its keys are those of other notices, so that one
// handler can read them all.
type Notice struct {
	About string          `json:"about"` // "stale", "unanswered" (nobody accepted or rejected it)
	Lead  leadloop.LeadID `json:"lead"`
	To    string          `json:"to"` // "rep:<id>" or "queue:<id>"
	// Clock is the clock that ran out, Reason what it did.
	Clock  string `json:"clock"`
	Reason string `json:"reason,omitempty"`
}

// NewClocks returns the record-keeping step "clocks", which belongs into the
// loop's Records behind the lifecycle and whatever notes touches.
//
// It keeps one task for each clock that runs for a lead, due when the clock
// runs out, and none for those that do not. When a task comes due and its when
// holds, it does what the clock says: as "rule:<clock>", with an event for each
// change. A second pass is a task of its own. A run that changes nothing
// writes nothing.
func NewClocks(l *Lifecycle) leadloop.Stage {
	return leadloop.StageFunc("clocks", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		r := clockRun{record: record{l: l, s: s, state: copyState(s.Lead.State)}}
		if err := r.run(ctx); err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, err
		}
		if r.changed {
			r.effects.State = &r.state
		}
		return leadloop.Outcome{}, r.effects, nil
	})
}

type clockRun struct {
	record
	changed bool
}

func (r *clockRun) run(ctx context.Context) error {
	if r.s.Task != nil && r.s.Task.Kind == leadloop.TaskClock {
		if err := r.ranOut(ctx); err != nil {
			return err
		}
	}
	r.unflag()
	before := r.s
	for i := range r.l.clocks {
		k := &r.l.clocks[i]
		now, of := r.l.start(k, r.s, &r.state)
		if k.Since == SinceActivity {
			// Which activities are new is not known here; they come with a run
			// that writes something anyway.
			late := r.s.AsOf.Sub(r.l.host.Hours.Add(k.Calendar, r.state.Owner, now, k.After)) > forgotten
			if !now.IsZero() && r.s.Trigger != leadloop.TriggerTask && !late {
				r.set(k, now, of)
			}
			continue
		}
		was, wasOf := r.l.start(k, before, &before.Previous)
		if now.Equal(was) && of == wasOf {
			continue
		}
		if !was.IsZero() {
			r.effects.CancelTasks = append(r.effects.CancelTasks, k.key(r.s.Lead.ID, was, wasOf))
		}
		if !now.IsZero() {
			r.set(k, now, of)
		}
	}
	return nil
}

// set adds the task of a clock that began to run.
func (r *clockRun) set(k *clock, since time.Time, of string) {
	due := r.l.host.Hours.Add(k.Calendar, r.state.Owner, since, k.After)
	if due.Before(r.s.AsOf) {
		due = r.s.AsOf
	}
	payload, err := json.Marshal(timer{k.ID, since.UTC(), of})
	if err != nil {
		panic(err) // times of the years that a store keeps
	}
	r.effects.Tasks = append(r.effects.Tasks, leadloop.Task{
		Key: k.key(r.s.Lead.ID, since, of), Kind: leadloop.TaskClock, Lead: r.s.Lead.ID, DueAt: due, Payload: payload, State: leadloop.TaskPending,
	})
}

// unflag takes the mark off a lead that moved since.
func (r *clockRun) unflag() {
	s, was := &r.state, &r.s.Previous
	if s.Flag == "" || was.Flag == "" || s.Stage == was.Stage && s.Status == was.Status && s.Owner == was.Owner && s.Disposition == was.Disposition {
		return
	}
	r.effects.Events = append(r.effects.Events, leadloop.Event{Kind: leadloop.EventUnflagged, Lead: r.s.Lead.ID, At: r.s.AsOf, From: s.Flag, Actor: "stage:clocks"})
	s.Flag, r.changed = "", true
}

// ranOut does what a clock says whose task came due, if it is still that clock.
func (r *clockRun) ranOut(ctx context.Context) error {
	var t timer
	if err := json.Unmarshal(r.s.Task.Payload, &t); err != nil {
		return fmt.Errorf("task %s: %w: its payload is not a clock", r.s.Task.Key, leadloop.ErrInvalid)
	}
	i := slices.IndexFunc(r.l.clocks, func(k clock) bool { return k.ID == t.Clock })
	if i < 0 {
		return nil // an earlier definition had it
	}
	k := &r.l.clocks[i]
	since, of := r.l.start(k, r.s, &r.state)
	if !since.Equal(t.Since) || of != t.Of {
		return nil
	}
	if k.rule >= 0 {
		v, err := r.l.look(ctx, r.s, &r.state)
		if err != nil {
			return err
		}
		u, ok := r.l.ask(ctx, v, "clock "+k.ID, "when", k.rule)
		if err := ctx.Err(); err != nil {
			return err
		}
		if !ok {
			return trace(&r.effects, clockTrace{Clock: k.ID, Unmet: u.String()})
		}
	}
	if err := trace(&r.effects, clockTrace{Clock: k.ID}); err != nil {
		return err
	}
	return r.act(ctx, k)
}

// clockTrace explains in the decision record what a clock came to.
type clockTrace struct {
	Clock string `json:"clock"`
	Unmet string `json:"unmet,omitempty"`
}

func (r *clockRun) act(ctx context.Context, k *clock) error {
	a, actor := &k.Do, "rule:"+k.ID
	done, reason := "", "stale"
	if k.accept {
		reason = "unanswered"
	}
	switch {
	case a.Disqualify != "":
		done = "disqualify"
		r.end(FollowsDisqualified, a.Disqualify, actor)
	case a.Archive != "":
		done = "archive"
		r.end(FollowsArchived, a.Archive, actor)
	case a.Recycle:
		done = "recycle"
		r.recycle(k.ID)
	case a.Reroute:
		done = "reroute"
		if err := r.reroute(ctx); err != nil {
			return err
		}
	case a.Reengage != "":
		done = "reengage"
		r.changed = r.l.enrol(r.s, &r.state, &r.effects, a.Reengage, actor) || r.changed
	}
	if a.Flag && r.state.Flag != k.ID {
		r.state.Flag, r.changed = k.ID, true
		r.effects.Events = append(r.effects.Events, leadloop.Event{Kind: leadloop.EventFlagged, Lead: r.s.Lead.ID, At: r.s.AsOf, To: k.ID, Reason: reason, Actor: actor})
	}
	return r.notify(ctx, k, reason, done)
}

// end moves the lead to the stage of a decision, without asking criteria.
func (r *clockRun) end(follows, reason, actor string) {
	to := r.l.follower(follows)
	r.effects.Events = append(r.effects.Events, r.l.toStage(r.s, &r.state, to, r.state.Stage, reason, actor)...)
	r.changed = true
}

// recycle sends the lead on a second pass, as a decision of its own.
func (r *clockRun) recycle(clock string) {
	r.effects.Tasks = append(r.effects.Tasks, recycleTask(r.s, clock))
}

func recycleTask(s leadloop.Subject, why string) leadloop.Task {
	return leadloop.Task{
		Key:  strings.Join([]string{leadloop.TaskRecycle, why, string(s.Lead.ID), stamp(s.AsOf)}, ":"),
		Kind: leadloop.TaskRecycle, Lead: s.Lead.ID, DueAt: s.AsOf, State: leadloop.TaskPending,
	}
}

func (r *clockRun) reroute(ctx context.Context) error {
	if r.l.host.Returned == nil {
		return nil
	}
	e, err := r.l.returned(ctx, r.s, &r.state)
	if err != nil {
		return err
	}
	if e.State != nil {
		r.state, r.changed = *e.State, true
		r.effects.Events = append(r.effects.Events, e.Events...)
		e.Events = nil
		r.statuses() // the new owner begins anew
	}
	r.effects.Events = append(r.effects.Events, e.Events...)
	r.effects.Tasks = append(r.effects.Tasks, e.Tasks...)
	r.effects.CancelTasks = append(r.effects.CancelTasks, e.CancelTasks...)
	r.effects.Ledger = append(r.effects.Ledger, e.Ledger...)
	return nil
}

func (r *clockRun) notify(ctx context.Context, k *clock, about, done string) error {
	to := k.Do.Notify
	// Whoever had the lead hears that it went.
	owner := r.s.Lead.State.Owner
	switch to {
	case "":
		return nil
	case "owner":
		to = "rep:" + string(owner)
		if owner == "" {
			return nil
		}
	case "manager":
		if r.l.host.Manager == nil {
			return nil
		}
		m, err := r.l.host.Manager(ctx, owner, r.s.Lead.State.Queue)
		if err != nil {
			return fmt.Errorf("lifecycle: manager of %s: %w", owner, err)
		}
		if m == "" {
			return nil
		}
		to = "rep:" + string(m)
	}
	payload, err := json.Marshal(Notice{About: about, Lead: r.s.Lead.ID, To: to, Clock: k.ID, Reason: done})
	if err != nil {
		return fmt.Errorf("lifecycle: notice: %w", err)
	}
	_, id, _ := strings.Cut(to, ":")
	r.effects.Events = append(r.effects.Events, leadloop.Event{
		Kind: leadloop.EventEscalated, Lead: r.s.Lead.ID, At: r.s.AsOf, From: string(owner), To: id, Actor: "rule:" + k.ID,
		Attrs: map[string]string{"ladder": about, "clock": k.ID, "to": to},
	})
	r.effects.Tasks = append(r.effects.Tasks, leadloop.Task{
		Key: leadloop.TaskNotify + ":" + r.s.Task.Key, Kind: leadloop.TaskNotify, Lead: r.s.Lead.ID, DueAt: r.s.AsOf, Outside: true,
		Payload: payload, State: leadloop.TaskPending,
	})
	return nil
}

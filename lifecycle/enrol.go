package lifecycle

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Permission decides whether somebody may be reached.
type Permission interface {
	// MayContact returns "" if the lead may be reached now through a channel for
	// a purpose, and else the reason code why not. An error means that nobody
	// can say: the step is tried again later. It is called concurrently, and
	// again for a step that was decided and not committed.
	MayContact(ctx context.Context, s leadloop.Subject, channel, purpose string) (reason string, err error)
}

// PermissionFunc makes a function a Permission.
type PermissionFunc func(ctx context.Context, s leadloop.Subject, channel, purpose string) (string, error)

// MayContact calls f.
func (f PermissionFunc) MayContact(ctx context.Context, s leadloop.Subject, channel, purpose string) (string, error) {
	return f(ctx, s, channel, purpose)
}

// Delivery is the payload of a [leadloop.TaskStep]: what a host has to send, or
// to have done. It holds ids and codes, no personal data.
type Delivery struct {
	Lead    leadloop.LeadID `json:"lead"`
	Cadence string          `json:"cadence"`
	Since   time.Time       `json:"since"`
	Step    string          `json:"step"`
	Number  int             `json:"number"` // from 1
	Channel string          `json:"channel"`
	Purpose string          `json:"purpose,omitempty"`
	Content string          `json:"content"`
	Variant string          `json:"variant,omitempty"`
	// Owner is the rep whom it is done in the name of, "" for nobody.
	Owner leadloop.RepID `json:"owner,omitempty"`
}

// ReadDelivery reads the payload of a step's task. ErrInvalid if it is none.
func ReadDelivery(t leadloop.Task) (Delivery, error) {
	var d Delivery
	if err := json.Unmarshal(t.Payload, &d); err != nil || t.Kind != leadloop.TaskStep {
		return Delivery{}, fmt.Errorf("task %s: %w: it is no step of a cadence", t.Key, leadloop.ErrInvalid)
	}
	return d, nil
}

// Outcome is what came of a step, as an activity for engine.Loop.Observe: of
// any type that rules read, such as email_sent, email_opened or call_connected.
// It arrives once however often it is reported. By says who did it: the rep, or
// "" for what the lead did. What a machine sent is by "cadence:<id>", so that
// nobody takes it for a rep's work: use [Delivery.Sent].
func (d Delivery) Outcome(kind string, by leadloop.RepID, at time.Time) leadloop.Activity {
	a := leadloop.Activity{
		ID:   strings.Join([]string{"step", string(d.Lead), d.Cadence, stamp(d.Since), d.Step, kind}, ":"),
		Type: kind, At: at, Actor: by,
		Attributes: map[string]string{"cadence": d.Cadence, "step": d.Step, "channel": d.Channel, "content": d.Content},
	}
	if d.Variant != "" {
		a.Attributes["variant"] = d.Variant
	}
	return a
}

// Sent is the activity of a step that was done: email_sent, call,
// social_message, video_sent or task_done, by the cadence.
func (d Delivery) Sent(at time.Time) leadloop.Activity {
	kind := map[string]string{
		ChannelEmail: "email_sent", ChannelCall: "call", ChannelSocial: "social_message", ChannelVideo: "video_sent", ChannelTask: "task_done",
	}[d.Channel]
	return d.Outcome(kind, leadloop.RepID("cadence:"+d.Cadence), at)
}

// Enrol returns a one-off step that takes a lead into a cadence, out of another
// one if it is in one. A lead that is in the cadence already stays where it is.
// ErrInvalid for a cadence that there is not.
func (l *Lifecycle) Enrol(cadence, actor string) leadloop.Stage {
	return l.onCadence("enrol", actor, "", func(r *enrolment) error {
		x := r.l.cadences.get(cadence)
		if x == nil {
			return fmt.Errorf("%w: there is no cadence %q; there are: %s", leadloop.ErrInvalid, cadence, join(l.cadences.IDs()))
		}
		r.changed = r.l.enrol(r.s, &r.state, &r.effects, cadence, actor)
		return nil
	})
}

// Pause returns a one-off step that stops the clock of a lead's cadence, with a
// reason code. Pausing again changes nothing. ErrInvalid if the lead is in none.
func (l *Lifecycle) Pause(actor, reason string) leadloop.Stage {
	return l.onCadence("pause", actor, reason, func(r *enrolment) error {
		n := &r.state.Cadence
		x, err := r.current()
		if err != nil || n.Paused() {
			return err
		}
		r.cancel(n)
		n.Left = r.l.host.Hours.Between(x.Calendar, r.state.Owner, r.s.AsOf, n.DueAt)
		n.PausedAt, n.DueAt = r.s.AsOf, time.Time{}
		r.event(leadloop.EventCadencePaused, reason, actor, map[string]string{"left": n.Left.String()})
		return nil
	})
}

// Resume returns a one-off step that lets a paused cadence go on: the next step
// comes when what was left of the wait has passed.
func (l *Lifecycle) Resume(actor, reason string) leadloop.Stage {
	return l.onCadence("resume", actor, reason, func(r *enrolment) error {
		n := &r.state.Cadence
		x, err := r.current()
		if err != nil || !n.Paused() {
			return err
		}
		due := r.l.host.Hours.Add(x.Calendar, r.state.Owner, r.s.AsOf, n.Left)
		n.PausedAt, n.Left = time.Time{}, 0
		r.await(x, due)
		r.event(leadloop.EventCadenceResumed, reason, actor, map[string]string{"due": n.DueAt.Format(time.RFC3339Nano)})
		return nil
	})
}

// Stop returns a one-off step that ends a lead's cadence, with a reason code. A
// lead that is in none stays as it is.
func (l *Lifecycle) Stop(actor, reason string) leadloop.Stage {
	return l.onCadence("stop", actor, reason, func(r *enrolment) error {
		if !r.state.Cadence.IsZero() {
			r.end(reason, actor)
		}
		return nil
	})
}

// onCadence is a command about the cadence of a lead.
func (l *Lifecycle) onCadence(name, actor, reason string, do func(r *enrolment) error) leadloop.Stage {
	return leadloop.StageFunc(name, func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		switch {
		case actor == "":
			return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("%w: a change needs an actor", leadloop.ErrInvalid)
		case name != "enrol" && !codes.MatchString(reason):
			return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("%w: a reason is a code of lower-case letters, digits, - and _", leadloop.ErrInvalid)
		}
		r := enrolment{l: l, s: s, state: copyState(s.Lead.State)}
		if err := do(&r); err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, err
		}
		if r.changed {
			r.effects.State = &r.state
		}
		return leadloop.Outcome{}, r.effects, nil
	})
}

// enrolment is one decision about the cadence of a lead.
type enrolment struct {
	l       *Lifecycle
	s       leadloop.Subject
	state   leadloop.State
	effects leadloop.Effects
	changed bool
}

// current is the cadence that the lead is in.
func (r *enrolment) current() (*cadence, error) {
	if r.state.Cadence.IsZero() {
		return nil, fmt.Errorf("%w: lead %s is in no cadence", leadloop.ErrInvalid, r.s.Lead.ID)
	}
	x := r.l.cadences.get(r.state.Cadence.Cadence)
	if x == nil {
		return nil, fmt.Errorf("%w: the playbook has no cadence %q any more", leadloop.ErrInvalid, r.state.Cadence.Cadence)
	}
	return x, nil
}

// enrol takes the lead into a cadence and reports whether that is news.
func (l *Lifecycle) enrol(s leadloop.Subject, state *leadloop.State, e *leadloop.Effects, id, actor string) bool {
	x := l.cadences.get(id)
	if x == nil || state.Cadence.Cadence == id {
		return false
	}
	r := enrolment{l: l, s: s, state: *state}
	if !r.state.Cadence.IsZero() {
		r.end(ReasonReplaced, actor)
	}
	r.state.Cadence = leadloop.Enrolment{Cadence: id, Since: s.AsOf.UTC()}
	r.await(x, l.host.Hours.Add(x.Calendar, r.state.Owner, s.AsOf, x.Steps[0].After))
	r.event(leadloop.EventEnrolled, "", actor, map[string]string{"due": r.state.Cadence.DueAt.Format(time.RFC3339Nano)})
	*state = r.state
	e.Events = append(e.Events, r.effects.Events...)
	e.Tasks = append(e.Tasks, r.effects.Tasks...)
	e.CancelTasks = append(e.CancelTasks, r.effects.CancelTasks...)
	return true
}

func (r *enrolment) event(kind leadloop.EventKind, reason, actor string, attrs map[string]string) {
	if attrs == nil {
		attrs = map[string]string{}
	}
	attrs["since"] = r.state.Cadence.Since.Format(time.RFC3339Nano)
	r.effects.Events = append(r.effects.Events, leadloop.Event{
		Kind: kind, Lead: r.s.Lead.ID, At: r.s.AsOf, To: r.state.Cadence.Cadence, Reason: reason, Actor: actor, Attrs: attrs,
	})
	r.changed = true
}

func (r *enrolment) end(reason, actor string) {
	if !r.state.Cadence.Paused() {
		r.cancel(&r.state.Cadence)
	}
	r.event(leadloop.EventCadenceEnded, reason, actor, nil)
	r.state.Cadence = leadloop.Enrolment{}
}

func stamp(t time.Time) string { return t.UTC().Format("20060102T150405.000000000") }

func (r *enrolment) key(n *leadloop.Enrolment) string {
	return strings.Join([]string{leadloop.TaskCadence, string(r.s.Lead.ID), n.Cadence, stamp(n.Since), strconv.Itoa(n.Step), stamp(n.DueAt)}, ":")
}

func (r *enrolment) cancel(n *leadloop.Enrolment) {
	r.effects.CancelTasks = append(r.effects.CancelTasks, r.key(n))
}

// await sets the task of the next step: not before due, in business hours, and
// when the person is not asleep.
func (r *enrolment) await(x *cadence, due time.Time) {
	n := &r.state.Cadence
	n.DueAt = r.slot(x, n.Step, due).UTC()
	r.effects.Tasks = append(r.effects.Tasks, leadloop.Task{
		Key: r.key(n), Kind: leadloop.TaskCadence, Lead: r.s.Lead.ID, DueAt: n.DueAt, State: leadloop.TaskPending,
	})
}

// slot is the first moment at or after t at which a step may be done.
func (r *enrolment) slot(x *cadence, step int, t time.Time) time.Time {
	if step >= len(x.Steps) {
		return t // it only waits for an answer
	}
	zone := r.l.cadences.zoneOf(r.s.Profile)
	for range 32 {
		open := r.l.host.Hours.Open(x.Calendar, r.state.Owner, t)
		if x.Steps[step].Channel != ChannelTask {
			open = r.l.cadences.quiet.after(open, zone)
		}
		if open.Equal(t) {
			break
		}
		t = open
	}
	return t
}

// NewCadence returns the record-keeping step "cadence", which belongs into the
// loop's Records as the last of the lifecycle's.
//
// A lead whose nurture track is the id of a cadence, or for which a cadence's
// enrol holds, is taken in. At each run a cadence ends that a signal, a
// suppression, a hard no, a second pass or its while stops. When the task of a
// step comes due and [Host].Permission has nothing against it, the step becomes
// a [leadloop.TaskStep] for the host, and the next one is waited for. Every
// change is an event. A step that reaches a person whose consent has to be
// confirmed waits, for 30 days at most: see [NewOptIn].
func NewCadence(l *Lifecycle) leadloop.Stage {
	return leadloop.StageFunc("cadence", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		if l.cadences == nil && s.Lead.State.Cadence.IsZero() {
			return leadloop.Outcome{}, leadloop.Effects{}, nil
		}
		r := enrolment{l: l, s: s, state: copyState(s.Lead.State)}
		if err := r.confirmation(); err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, err
		}
		if err := r.run(ctx); err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, err
		}
		if r.changed {
			r.effects.State = &r.state
		}
		return leadloop.Outcome{}, r.effects, nil
	})
}

func (r *enrolment) run(ctx context.Context) error {
	n := &r.state.Cadence
	if n.IsZero() {
		return r.takeIn(ctx)
	}
	x := r.l.cadences.get(n.Cadence)
	if x == nil {
		r.end(ReasonRemoved, "stage:cadence")
		return nil
	}
	reason, err := r.stopped(ctx, x)
	if err != nil {
		return err
	}
	if reason != "" {
		r.end(reason, "stage:cadence")
		return r.takeIn(ctx)
	}
	if r.s.Task == nil || r.s.Task.Kind != leadloop.TaskCadence || n.Paused() || r.s.Task.Key != r.key(n) {
		return nil
	}
	return r.step(ctx, x)
}

// stopped is why a cadence ends now, "" if it does not.
func (r *enrolment) stopped(ctx context.Context, x *cadence) (string, error) {
	n := &r.state.Cadence
	var first leadloop.Activity
	for _, a := range r.s.Lead.Activities {
		if a.At.After(n.Since) && !a.At.After(r.s.AsOf) && x.signal(a.Type) != "" && (first.Type == "" || a.Compare(first) < 0) {
			first = a
		}
	}
	switch {
	case first.Type != "":
		return x.signal(first.Type), nil
	case r.state.Disposition == leadloop.OutcomeSuppressed, r.state.Disposition == leadloop.OutcomeDisqualified, r.state.Disposition == leadloop.OutcomeArchived:
		return cmp.Or(r.state.Reason, string(r.state.Disposition)), nil
	case r.s.Trigger == leadloop.TriggerRecycle && r.s.Previous.Cadence == *n:
		return ReasonRecycled, nil
	case x.while < 0:
		return "", nil
	}
	v, err := r.l.look(ctx, r.s, &r.state)
	if err != nil {
		return "", err
	}
	// What is not known yet is no reason to stop.
	if res := r.l.cadences.rules.EvalOne(ctx, v.facts, x.while); !res.True() && len(res.Needs) == 0 {
		return ReasonLeft, ctx.Err()
	}
	return "", ctx.Err()
}

// signal is what an activity type means to a cadence, "" for nothing.
func (x *cadence) signal(kind string) string {
	for _, s := range slices.Sorted(maps.Keys(x.stops)) {
		if slices.Contains(x.stops[s], kind) {
			return s
		}
	}
	return ""
}

// takeIn looks for a cadence for a lead that is in none.
func (r *enrolment) takeIn(ctx context.Context) error {
	s, was := &r.state, &r.s.Previous
	moved := s.Stage != was.Stage || s.Status != was.Status || s.Disposition != was.Disposition || s.Entry != was.Entry || s.Owner != was.Owner || s.Score.Tier != was.Score.Tier
	if r.l.cadences == nil || !moved || s.Disposition == leadloop.OutcomeSuppressed {
		return nil
	}
	if s.Disposition == leadloop.OutcomeNurture && (was.Disposition != s.Disposition || was.Entry != s.Entry) && r.l.host.Track != nil {
		if track := r.l.host.Track(s); r.l.cadences.get(track) != nil {
			r.changed = r.l.enrol(r.s, s, &r.effects, track, "rule:track") || r.changed
			return nil
		}
	}
	var v *view
	for i := range r.l.cadences.list {
		x := &r.l.cadences.list[i]
		// A cadence that has just ended is not begun again in the same moment.
		if x.enrol < 0 || was.Cadence.Cadence == x.ID {
			continue
		}
		if v == nil {
			var err error
			if v, err = r.l.look(ctx, r.s, s); err != nil {
				return err
			}
		}
		if r.l.cadences.rules.EvalOne(ctx, v.facts, x.enrol).True() {
			r.changed = r.l.enrol(r.s, s, &r.effects, x.ID, "rule:enrol") || r.changed
			break
		}
	}
	return ctx.Err()
}

// step does the step that is due.
func (r *enrolment) step(ctx context.Context, x *cadence) error {
	n := &r.state.Cadence
	if n.Step >= len(x.Steps) {
		return r.finish(ctx, x)
	}
	step := &x.Steps[n.Step]
	// It may have been worked late.
	if slot := r.slot(x, n.Step, r.s.AsOf); slot.After(r.s.AsOf) {
		r.await(x, slot)
		r.changed = true
		return nil
	}
	if r.unconfirmed(x, step) {
		return nil
	}
	skipped := false
	if rule := x.steps[n.Step]; rule >= 0 {
		v, err := r.l.look(ctx, r.s, &r.state)
		if err != nil {
			return err
		}
		skipped = !r.l.cadences.rules.EvalOne(ctx, v.facts, rule).True()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if !skipped {
		reason := "no_permission"
		if p := r.l.host.Permission; p != nil {
			var err error
			if reason, err = p.MayContact(ctx, r.s, step.Channel, x.Purpose); err != nil {
				return fmt.Errorf("lifecycle: may lead %s be contacted: %w", r.s.Lead.ID, err)
			}
		}
		if reason != "" {
			r.end(reason, "stage:cadence")
			return nil
		}
		if err := r.deliver(x, step); err != nil {
			return err
		}
	}
	reason := ""
	if skipped {
		reason = "skipped"
	}
	v := step.variant(r.s.Lead.ID, x.ID)
	attrs := map[string]string{"step": step.ID, "number": strconv.Itoa(n.Step + 1), "channel": step.Channel, "content": v.Content}
	if v.ID != "" {
		attrs["variant"] = v.ID
	}
	n.Step++
	wait := x.Wait
	if n.Step < len(x.Steps) {
		wait = x.Steps[n.Step].After
	}
	last := n.Step == len(x.Steps) && wait == 0
	if last {
		n.DueAt = time.Time{}
	} else {
		r.await(x, r.l.host.Hours.Add(x.Calendar, r.state.Owner, r.s.AsOf, wait))
		attrs["due"] = n.DueAt.Format(time.RFC3339Nano)
	}
	r.event(leadloop.EventCadenceStep, reason, "rule:cadence", attrs)
	if last {
		return r.finish(ctx, x)
	}
	return nil
}

// deliver makes a step the host's.
func (r *enrolment) deliver(x *cadence, step *Step) error {
	n := &r.state.Cadence
	v := step.variant(r.s.Lead.ID, x.ID)
	payload, err := json.Marshal(Delivery{
		Lead: r.s.Lead.ID, Cadence: x.ID, Since: n.Since, Step: step.ID, Number: n.Step + 1, Channel: step.Channel, Purpose: x.Purpose,
		Content: v.Content, Variant: v.ID, Owner: r.state.Owner,
	})
	if err != nil {
		return fmt.Errorf("lifecycle: delivery: %w", err)
	}
	r.effects.Tasks = append(r.effects.Tasks, leadloop.Task{
		Key:  strings.Join([]string{leadloop.TaskStep, string(r.s.Lead.ID), x.ID, stamp(n.Since), step.ID}, ":"),
		Kind: leadloop.TaskStep, Lead: r.s.Lead.ID, DueAt: r.s.AsOf, Outside: true, Payload: payload, State: leadloop.TaskPending,
	})
	return nil
}

// finish ends a cadence that the lead went through, and does what comes then.
func (r *enrolment) finish(ctx context.Context, x *cadence) error {
	r.end(ReasonFinished, "rule:cadence")
	if x.Then == nil {
		return nil
	}
	k := clock{Clock: Clock{ID: "cadence-" + x.ID, Do: *x.Then}, rule: -1}
	c := clockRun{record: record{l: r.l, s: r.s, state: r.state, effects: r.effects}}
	if err := c.act(ctx, &k); err != nil {
		return err
	}
	r.state, r.effects = c.state, c.effects
	return nil
}

package engine

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// run is one decision about one lead: what the stages want, before and while
// it is committed.
type run struct {
	loop    *Loop
	key     string // idempotency key of a new submission
	lead    *leadloop.Lead
	asOf    time.Time
	trigger leadloop.Trigger
	task    *leadloop.Task
	// arrives asks for the journal entry of an arrival through via.
	arrives bool
	via     string
	added   []leadloop.Activity

	before     leadloop.State
	journaled  map[leadloop.LeadID]leadloop.State // what the store had, of each lead that is written
	outcome    leadloop.Outcome
	steps      []leadloop.Step
	tombstones []*leadloop.Lead
	events     []leadloop.Event
	tasks      []leadloop.Task
	cancel     []string
	ledger     []leadloop.LedgerMove
	guards     []leadloop.Guard
	own        []string           // tokens of the lead, see identify
	crm        []leadloop.Effects // those with records for the CRM
	consents   []leadloop.ConsentEntry
	record     leadloop.LeadID
	changed    bool
}

func (r *run) decide(ctx context.Context, stages []leadloop.Stage) error {
	r.before, r.record = r.lead.State, r.lead.ID
	r.had(r.lead)
	profile := r.loop.golden(r.lead)
	r.arrival(profile)
	r.happened(r.added)
	stopped := false
	for i, stage := range slices.Concat(stages, r.loop.o.Records) {
		if stopped && i < len(stages) {
			continue
		}
		s := leadloop.Subject{Lead: r.lead, Profile: profile, AsOf: r.asOf, Trigger: r.trigger, Task: r.task, Previous: r.before}
		outcome, effects, err := r.loop.ask(ctx, stage, s)
		if err != nil {
			return fmt.Errorf("stage %s: lead %s: %w", stage.Name(), r.lead.ID, err)
		}
		fresh, err := r.apply(ctx, stage, outcome, effects)
		if err != nil {
			return fmt.Errorf("stage %s: lead %s: %w", stage.Name(), r.lead.ID, err)
		}
		if fresh {
			profile = r.loop.golden(r.lead)
		}
		stopped = stopped || outcome.Stop
	}
	r.prioritise(profile)
	if r.outcome.Kind == "" {
		r.outcome = leadloop.Outcome{Kind: r.lead.State.Disposition, Reason: r.lead.State.Reason}
	}
	if r.outcome.Kind == "" {
		return fmt.Errorf("lead %s: %w: no stage gave it an owner, a queue, a track or a reason", r.lead.ID, leadloop.ErrInvalid)
	}
	return nil
}

// golden is what a lead looks like, with what it did, so that rules which
// count activities find them sorted.
func (l *Loop) golden(lead *leadloop.Lead) *leadloop.Profile {
	p := leadloop.Golden(l.schema, l.policy, lead.Claims)
	p.SetActivities(lead.Activities)
	return p
}

// prioritise gives the tasks of a lead the lead's urgency, so that behind a
// backlog those of hot leads come first.
func (r *run) prioritise(profile *leadloop.Profile) {
	if r.loop.o.Urgency == nil || len(r.tasks) == 0 {
		return
	}
	urgency := r.loop.o.Urgency(r.lead, profile, r.asOf)
	for i := range r.tasks {
		if r.tasks[i].Priority == 0 {
			r.tasks[i].Priority = urgency
		}
	}
}

// ask calls the stage and turns a panic into an error that names it. The
// panic's text is left out: it may hold personal data.
func (l *Loop) ask(ctx context.Context, stage leadloop.Stage, s leadloop.Subject) (o leadloop.Outcome, e leadloop.Effects, err error) {
	ctx, end := l.observe(ctx, Span{SpanStage, stage.Name(), s.Lead.ID})
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic of type %T", p)
		}
		end(End{Err: err, Outcome: o})
	}()
	if err := ctx.Err(); err != nil {
		return o, e, err
	}
	return stage.Decide(ctx, s)
}

// had keeps what the store has of a lead, and the journal says, before the run.
func (r *run) had(lead *leadloop.Lead) {
	if r.journaled == nil {
		r.journaled = map[leadloop.LeadID]leadloop.State{}
	}
	if !r.arrives || lead.ID != r.record {
		r.journaled[lead.ID] = lead.State
	}
}

// origin is where a submission came from: its touch, of which each is kept.
func origin(via string, profile *leadloop.Profile) map[string]string {
	attrs := map[string]string{}
	if via != "" {
		attrs["via"] = via
	}
	for name, f := range map[string]leadloop.Field[string]{"source": leadloop.Source, "medium": leadloop.Medium, "campaign": leadloop.Campaign} {
		if v, p := f.Get(profile); p == leadloop.Present {
			if strings.Contains(v, "@") || strings.Contains(v, "%40") {
				v = withheld
			}
			attrs[name] = v
		}
	}
	return attrs
}

// withheld stands in the journal for where a lead came from if that holds an
// address, as links in mailings do that name whom they were sent to: the journal
// outlives an erasure.
const withheld = "withheld"

func (r *run) arrival(profile *leadloop.Profile) {
	if !r.arrives {
		return
	}
	attrs := origin(r.via, profile)
	r.events = append(r.events, leadloop.Event{Kind: leadloop.EventCaptured, Lead: r.lead.ID, At: r.lead.ReceivedAt, Attrs: attrs})
	r.happened(r.lead.Activities)
}

func (r *run) happened(activities []leadloop.Activity) {
	for _, a := range activities {
		r.events = append(r.events, leadloop.Event{Kind: leadloop.EventActivity, Lead: r.lead.ID, At: a.At, Actor: string(a.Actor), To: a.Type})
	}
}

// apply adds one stage's effects to the run and to the working lead, and
// reports whether the lead's claims changed.
func (r *run) apply(ctx context.Context, stage leadloop.Stage, o leadloop.Outcome, e leadloop.Effects) (fresh bool, err error) {
	before := r.lead.State
	if e.State != nil {
		r.lead.State = *e.State
	}
	if e.Identifiers != nil && !slices.Equal(r.lead.Identifiers, e.Identifiers) {
		r.lead.Identifiers, r.changed = e.Identifiers, true
	}
	if len(e.Claims) > 0 {
		own := slices.Clone(e.Claims)
		for i := range own {
			if own[i].Record == "" {
				own[i].Record = r.lead.ID
			}
		}
		united := leadloop.UniteClaims(r.lead.Claims, own)
		fresh = len(united) != len(r.lead.Claims)
		r.lead.Claims, r.changed = united, r.changed || fresh
	}
	if e.MergeInto != "" {
		if err := r.merge(ctx, e.MergeInto); err != nil {
			return false, err
		}
		fresh = true
	}
	for _, id := range e.PossibleDuplicates {
		if id != r.lead.ID && !slices.Contains(r.lead.PossibleDuplicates, id) {
			r.lead.PossibleDuplicates, r.changed = append(r.lead.PossibleDuplicates, id), true
		}
	}
	for _, ev := range e.Events {
		if ev.Lead == "" {
			ev.Lead = r.lead.ID
		}
		if ev.At.IsZero() {
			ev.At = r.asOf
		}
		if ev.Actor == "" {
			ev.Actor = "stage:" + stage.Name()
		}
		r.events = append(r.events, ev)
	}
	for _, t := range e.Tasks {
		if t.Lead == "" {
			t.Lead = r.lead.ID
		}
		if t.DueAt.IsZero() {
			t.DueAt = r.asOf
		}
		t.State = leadloop.TaskPending
		r.tasks = append(r.tasks, t)
	}
	r.cancel = append(r.cancel, e.CancelTasks...)
	for _, m := range e.Ledger {
		if m.Lead == "" {
			m.Lead = r.lead.ID
		}
		r.ledger = append(r.ledger, m)
	}
	if len(e.Accounts)+len(e.Contacts)+len(e.Opportunities) > 0 {
		r.crm, r.changed = append(r.crm, e), true
	}
	if len(e.Consents) > 0 {
		r.consents, r.changed = append(r.consents, e.Consents...), true
	}
	if len(e.Guard.Identifiers)+len(e.Guard.Tokens) > 0 {
		r.guards = append(r.guards, e.Guard)
	}
	if o.Kind != "" {
		r.outcome = o
	}
	if r.worthKeeping(before, o, e) {
		r.steps = append(r.steps, leadloop.Step{Stage: stage.Name(), Outcome: o.Kind, Reason: o.Reason, Trace: e.Trace})
	}
	return fresh, nil
}

// worthKeeping reports whether a stage's part belongs in the decision record:
// all of a full pass, and of what activities and timers bring about only what
// decided something. A score that fades within its tier is in the journal and
// in the state; its reasons are those of the record before.
func (r *run) worthKeeping(before leadloop.State, o leadloop.Outcome, e leadloop.Effects) bool {
	if r.trigger == leadloop.TriggerSubmission || r.trigger == leadloop.TriggerRecycle {
		return o.Kind != "" || e.Trace != nil
	}
	if e.State != nil {
		after := *e.State
		for _, s := range []*leadloop.Score{&before.Score, &after.Score} {
			s.Points, s.Low, s.High, s.ValidUntil = 0, 0, 0, time.Time{}
		}
		if !reflect.DeepEqual(before, after) {
			return true
		}
	}
	return len(e.Claims)+len(e.Ledger)+len(e.PossibleDuplicates) > 0 || e.MergeInto != "" || o.Kind != "" && o.Kind != r.before.Disposition ||
		slices.ContainsFunc(e.Events, func(ev leadloop.Event) bool { return ev.Kind != leadloop.EventScored }) ||
		slices.ContainsFunc(e.Tasks, func(t leadloop.Task) bool { return t.Kind != leadloop.TaskRescore })
}

// merge makes the existing lead the subject of the rest of the run.
func (r *run) merge(ctx context.Context, into leadloop.LeadID) error {
	if r.loop.o.Merger == nil {
		return fmt.Errorf("%w: a stage merges leads but the loop has no Merger", leadloop.ErrInvalid)
	}
	existing, err := r.loop.load(ctx, into)
	if err != nil {
		return err
	}
	if existing.ID == r.lead.ID {
		return fmt.Errorf("%w: can't merge lead %s into itself", leadloop.ErrInvalid, r.lead.ID)
	}
	r.had(existing)
	merged, tombstone, err := r.loop.o.Merger.Merge(existing, r.lead)
	if err != nil {
		return err
	}
	// What arrived belongs to the history of the lead that it became part of;
	// if it was submitted before, its own arrival is journaled already.
	if r.trigger == leadloop.TriggerSubmission && !r.arrives {
		r.events = append(r.events, leadloop.Event{Kind: leadloop.EventSubmission, Lead: merged.ID, At: r.lead.ReceivedAt, Attrs: origin("", r.loop.golden(r.lead))})
	}
	for i := range r.events {
		switch e := &r.events[i]; e.Kind {
		case leadloop.EventCaptured:
			e.Kind, e.Lead = leadloop.EventSubmission, merged.ID
		case leadloop.EventActivity:
			e.Lead = merged.ID
		}
	}
	merged.Different = slices.DeleteFunc(merged.Different, func(id leadloop.LeadID) bool { return id == tombstone.ID })
	r.tombstones = append(r.tombstones, tombstone)
	r.lead, r.before, r.changed = merged, merged.State, true
	return nil
}

// idle reports whether the run has nothing to write, but for the end of its
// task: most timers find that what they were set for did not happen.
func (r *run) idle() bool {
	state := r.lead.State
	state.DecidedAt, state.Playbook = r.before.DecidedAt, r.before.Playbook
	return r.key == "" && !r.changed && len(r.added)+len(r.events)+len(r.tasks)+len(r.cancel)+len(r.ledger)+len(r.tombstones) == 0 &&
		reflect.DeepEqual(state, r.before)
}

func (r *run) commit(ctx context.Context) (res Result, err error) {
	ctx, end := r.loop.observe(ctx, Span{Kind: SpanCommit, Lead: r.lead.ID})
	// What a commit that failed, or found the key taken, meant to write is not in
	// the journal.
	written := []leadloop.Event(nil)
	defer func() { end(End{Err: err, Outcome: res.Outcome, Events: written}) }()
	if r.record == "" {
		r.record = r.lead.ID
	}
	if r.idle() {
		res := Result{Lead: r.lead, Record: r.record, Outcome: r.outcome}
		if r.task == nil {
			return res, nil
		}
		return res, r.loop.finish(ctx, *r.task, leadloop.TaskDone)
	}
	if len(r.steps) > 0 || r.outcome.Kind != "" {
		r.lead.State.DecidedAt, r.lead.State.Playbook = r.asOf, r.loop.o.Playbook
	}
	r.stampTokens()
	r.identify()
	var known leadloop.LeadID
	var revision int64
	var forgotten string
	err = r.loop.store.Update(ctx, func(tx store.Tx) (err error) {
		reasons, listed, err := listedAmong(ctx, tx, []*run{r})
		if forgotten = ""; err != nil {
			return err
		}
		if forgotten = reasons[0]; forgotten != "" {
			return nil
		}
		if r.key != "" {
			bound, claimed, err := tx.Keys().Claim(ctx, r.key, r.record)
			if err != nil {
				return err
			}
			if !claimed {
				known = bound
				return errKnown
			}
		}
		if err := r.checkGuards(ctx, tx, listed); err != nil {
			return err
		}
		revision, err = r.write(ctx, tx)
		return err
	})
	if known != "" {
		res, _, err := r.loop.known(ctx, r.key)
		return res, err
	}
	if err != nil {
		return Result{}, fmt.Errorf("commit lead %s: %w", r.lead.ID, err)
	}
	if forgotten != "" {
		return r.nothing(forgotten), nil
	}
	r.lead.Revision, written = revision, r.events
	r.loop.o.Logger.DebugContext(ctx, "committed", "lead", r.lead.ID, "revision", revision, "outcome", r.outcome.Kind, "reason", r.outcome.Reason)
	return Result{Lead: r.lead, Record: r.record, Outcome: r.outcome}, nil
}

// nothing is the result of a run about somebody who is not to be stored.
func (r *run) nothing(reason string) Result {
	out := leadloop.Outcome{Kind: leadloop.OutcomeSuppressed, Reason: reason, Stop: true}
	lead := &leadloop.Lead{ID: r.lead.ID, ReceivedAt: r.lead.ReceivedAt, State: leadloop.State{Disposition: out.Kind, Reason: reason}}
	return Result{Lead: lead, Record: r.record, Outcome: out}
}

var errKnown = fmt.Errorf("key is taken: %w", leadloop.ErrConflict)

func (r *run) stampTokens() {
	var tokens []string
	for _, g := range r.guards {
		tokens = append(tokens, g.Tokens...)
	}
	slices.Sort(tokens)
	tokens = slices.Compact(tokens)
	for i := range r.tasks {
		if r.tasks[i].Outside && r.tasks[i].Tokens == nil {
			r.tasks[i].Tokens = tokens
		}
	}
}

// checkGuards refuses what a decision can't rely on any more; listed are the
// tokens that are suppressed now.
func (r *run) checkGuards(ctx context.Context, tx store.Tx, listed map[string]bool) error {
	for _, g := range r.guards {
		if len(g.Identifiers) > 0 {
			now, err := tx.Leads().Match(ctx, g.Identifiers)
			if err != nil {
				return err
			}
			want := slices.Sorted(slices.Values(g.Leads))
			if !slices.Equal(now, want) {
				return fmt.Errorf("%w: other leads match now", leadloop.ErrConflict)
			}
		}
		if slices.ContainsFunc(g.Tokens, func(token string) bool { return listed[token] }) {
			return fmt.Errorf("%w: suppressed meanwhile", leadloop.ErrConflict)
		}
	}
	return nil
}

func (r *run) writeCRM(ctx context.Context, crm store.CRM) error {
	for i := range r.crm {
		e := &r.crm[i]
		for _, a := range e.Accounts {
			if err := crm.PutAccount(ctx, a); err != nil {
				return err
			}
		}
		for _, c := range e.Contacts {
			if err := crm.PutContact(ctx, c); err != nil {
				return err
			}
		}
		for _, o := range e.Opportunities {
			if err := crm.PutOpportunity(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) write(ctx context.Context, tx store.Tx) (revision int64, err error) {
	for _, t := range r.tombstones {
		if _, err := tx.Leads().Put(ctx, t); err != nil {
			return 0, err
		}
	}
	if revision, err = tx.Leads().Put(ctx, r.lead); err != nil {
		return 0, err
	}
	moved := map[string]int64{}
	for _, m := range r.ledger {
		// A run that gives a lead back and takes one from the same pool read
		// the pool once; its own first move is no conflict for the second.
		m.Revision += moved[m.Pool]
		moved[m.Pool]++
		if err := tx.Rotations().Move(ctx, m); err != nil {
			return 0, err
		}
	}
	for _, c := range r.consents {
		if err := tx.Consents().Add(ctx, c); err != nil {
			return 0, err
		}
	}
	if err := r.writeCRM(ctx, tx.CRM()); err != nil {
		return 0, err
	}
	if err := tx.Tasks().Cancel(ctx, r.cancel...); err != nil {
		return 0, err
	}
	if err := tx.Tasks().Add(ctx, r.tasks...); err != nil {
		return 0, err
	}
	if r.task != nil {
		if err := tx.Tasks().Finish(ctx, *r.task, leadloop.TaskDone); err != nil {
			return 0, err
		}
	}
	events := r.events
	for _, lead := range append(slices.Clone(r.tombstones), r.lead) {
		e, changed, err := leadloop.StateEvent(lead.ID, r.asOf, r.journaled[lead.ID], lead.State)
		if err != nil {
			return 0, err
		}
		if changed {
			events = append(slices.Clip(events), e)
		}
	}
	if err := tx.Journal().Append(ctx, events...); err != nil {
		return 0, err
	}
	if len(r.steps) == 0 {
		return revision, nil
	}
	return revision, tx.Decisions().Put(ctx, leadloop.Decision{
		Lead: r.lead.ID, Revision: revision, AsOf: r.asOf, Trigger: r.trigger, Playbook: r.loop.o.Playbook,
		Outcome: r.outcome.Kind, Reason: r.outcome.Reason, Steps: r.steps,
	})
}

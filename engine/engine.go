// Package engine runs stages over leads and commits what they decide, once.
//
// A [Loop] decides without side effects and applies the effects of all stages
// of a run in one store transaction: the lead's new revision, journal entries,
// decision record, ledger moves, tasks and the idempotency key stand or fall
// together. If something the decision relied on changed meanwhile, it decides
// anew: decisions about one lead come one after the other, on however many
// machines. Outside effects are tasks, run at least once with a constant key.
//
// The engine knows stages only, no verb. It does not promise order between
// different leads or outside tasks, nor that a stage is asked only once. Start
// with [New].
package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Merger unites leads and takes them apart again; package dedupe has one.
type Merger interface {
	// Merge makes from a part of into: merged keeps into's id; tombstone is from
	// with MergedInto set. Neither argument is modified.
	Merge(into, from *leadloop.Lead) (merged, tombstone *leadloop.Lead, err error)
	// Unmerge undoes Merge, with what was claimed since.
	Unmerge(merged, tombstone *leadloop.Lead) (into, from *leadloop.Lead, err error)
}

// Follower is a [Merger] that knows who a record is of. Follows reports whether a
// record that became part of a lead goes along with restored, which is taken out
// of it, rather than stay with into. It modifies nothing.
type Follower interface {
	Follows(record, restored, into *leadloop.Lead) bool
}

// Handler delivers one outside task. It may be called again with the same
// task.Key after a crash or an error, and concurrently for different tasks. Its
// error is logged and kept with the task: it must hold no personal data.
type Handler interface {
	Deliver(ctx context.Context, task leadloop.Task) error
}

// Forgetter says who is not to be stored.
type Forgetter interface {
	// Listed returns the tokens under which a lead's person may stand on the
	// suppression list. It is called once for each commit of a new lead, and must
	// be fast.
	Listed(lead *leadloop.Lead) []string
	// Forget is called in the transaction that would store a new lead, if any of
	// its tokens is on the list; hits are the entries of this and perhaps of other
	// leads. A reason drops the lead; what was kept for it elsewhere in the store
	// may be deleted with it.
	Forget(ctx context.Context, tx store.Tx, lead *leadloop.Lead, hits []store.Suppression, asOf time.Time) (reason string, err error)
}

// HandlerFunc makes a function a Handler.
type HandlerFunc func(ctx context.Context, task leadloop.Task) error

// Deliver calls f.
func (f HandlerFunc) Deliver(ctx context.Context, task leadloop.Task) error { return f(ctx, task) }

// Options are a loop's settings; the zero value of each has a meaning.
type Options struct {
	// Records are stages that run after all others on every run, even when an
	// earlier stage stopped it: they keep records (lifecycle, tracking).
	Records []leadloop.Stage
	// Leaving are stages that run over a lead before [Loop.Merge] makes it part
	// of another one: what its owner held goes back.
	Leaving []leadloop.Stage
	// Merger is needed by stages that merge; nil makes such an effect an error.
	Merger Merger
	// Handlers deliver outside tasks by kind. Tasks of other kinds stay
	// pending.
	Handlers map[string]Handler
	// Playbook is the digest that decisions are stamped with.
	Playbook string
	// AllowLossy accepts a store without transactions or revisions; what is
	// then lost is listed in docs/GUARANTEES.md.
	AllowLossy bool
	// MaxConflicts is how often a decision is made anew before the call gives
	// up with ErrConflict; 0 means 20.
	MaxConflicts int
	// MaxAttempts is how often a failing task is tried before it is dead; 0
	// means 8. BackOff is the wait after the first failure, doubled after each
	// further one up to a day; 0 means 30 s.
	MaxAttempts int
	BackOff     time.Duration
	// Hold is how long a task is leased; 0 means 5 min. A handler or stage
	// that takes longer may see its task handed out again.
	Hold time.Duration
	// Poll is how often Run looks for tasks that other processes added; 0 means
	// 1 s. Tasks of this process are seen at once.
	Poll time.Duration
	// Workers is how many tasks Run works at a time; 0 means 1.
	Workers int
	// Grace is how long Run waits for the tasks under way when it is told to
	// end; 0 means 30 s. What is not done then is taken up again after Hold.
	Grace time.Duration
	// Urgency orders the tasks that are due, those of the leads with the highest
	// first: a submission's when it is stored, with what is known then, and
	// others' when they are decided, unless the stage gave them a priority. nil
	// treats all leads alike. It must be fast, and is called concurrently.
	Urgency func(lead *leadloop.Lead, profile *leadloop.Profile, asOf time.Time) int
	// Forgotten keeps people out of the store who must not be stored any more.
	// The result of such a lead has an id, revision 0, and the outcome suppressed
	// with the reason. privacy.Tokens is one; nil stores everybody.
	Forgotten Forgetter
	// Now is the host's clock, which Run goes by; nil means time.Now. Where the
	// store has a clock of its own (store.Clock), Run goes by that one: then
	// machines whose clocks differ still agree on leases.
	Now func() time.Time
	// Observer hears what the loop does, for traces and metrics; nil is deaf.
	Observer Observer
	// Logger receives ids, counts and reasons, never personal data; nil is
	// silent.
	Logger *slog.Logger
}

// Loop runs stages over leads. It is safe for concurrent use.
type Loop struct {
	store  store.Store
	schema *leadloop.Schema
	policy leadloop.SurvivorshipPolicy
	stages []leadloop.Stage
	o      Options
	poked  chan struct{}
	clock  *clock
}

// New builds a loop. The stages run in the order given. All problems are
// returned together.
func New(st store.Store, schema *leadloop.Schema, policy leadloop.SurvivorshipPolicy, stages []leadloop.Stage, o Options) (*Loop, error) {
	var problems []error
	if st == nil || schema == nil || policy == nil {
		problems = append(problems, fmt.Errorf("%w: store, schema and policy are required", leadloop.ErrInvalid))
	}
	if len(stages) == 0 {
		problems = append(problems, fmt.Errorf("%w: a loop without stages decides nothing", leadloop.ErrInvalid))
	}
	names := map[string]bool{}
	for i, s := range append(append([]leadloop.Stage(nil), stages...), o.Records...) {
		switch {
		case s == nil:
			problems = append(problems, fmt.Errorf("%w: stage %d is nil", leadloop.ErrInvalid, i))
		case names[s.Name()]:
			problems = append(problems, fmt.Errorf("%w: two stages are called %q", leadloop.ErrInvalid, s.Name()))
		default:
			names[s.Name()] = true
		}
	}
	for i, s := range o.Leaving {
		if s == nil {
			problems = append(problems, fmt.Errorf("%w: stage %d of those for leaving leads is nil", leadloop.ErrInvalid, i))
		}
	}
	if st != nil && !o.AllowLossy {
		if c := st.Capabilities(); !c.Transactions || !c.Revisions {
			problems = append(problems, fmt.Errorf("%w: the store lacks transactions or revisions, so concurrent runs could lose writes (Options.AllowLossy accepts that)", leadloop.ErrInvalid))
		}
	}
	if o.MaxConflicts < 0 || o.MaxAttempts < 0 || o.BackOff < 0 || o.Hold < 0 || o.Poll < 0 || o.Workers < 0 || o.Grace < 0 {
		problems = append(problems, fmt.Errorf("%w: no number and no duration in the options can be negative", leadloop.ErrInvalid))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	if o.MaxConflicts == 0 {
		o.MaxConflicts = 20
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 8
	}
	if o.BackOff == 0 {
		o.BackOff = 30 * time.Second
	}
	if o.Hold == 0 {
		o.Hold = 5 * time.Minute
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Workers == 0 {
		o.Workers = 1
	}
	if o.Grace == 0 {
		o.Grace = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	shared, _ := st.(store.Clock)
	return &Loop{
		store: st, schema: schema, policy: policy, stages: stages, o: o,
		poked: make(chan struct{}, 1), clock: &clock{host: o.Now, store: shared},
	}, nil
}

// Result is what a call came to.
type Result struct {
	// Lead is the lead as committed, after merges.
	Lead *leadloop.Lead
	// Record is the id that the submission itself got; it differs from
	// Lead.ID when the submission was merged into an existing lead.
	Record leadloop.LeadID
	// Outcome is where the run left the lead.
	Outcome leadloop.Outcome
	// Known is true when the input had been taken before; nothing was decided
	// or written then.
	Known bool
	// Pending is true when the submission is stored and not decided about yet:
	// that is a task, worked by Run or Advance.
	Pending bool
}

// RecordID is the id that a submission with this idempotency key gets: the
// same key is the same id on every machine.
func RecordID(key string) leadloop.LeadID {
	sum := sha256.Sum256([]byte("leadloop/record/1\x00" + key))
	return leadloop.LeadID("ld_" + hex.EncodeToString(sum[:10]))
}

// Process decides about a submission now, as of asOf, and commits it once. The
// same key again, even concurrently, gives Known and changes nothing. If the
// deadline of ctx passes first, the submission is stored as [Loop.Submit] does
// it, and the result is Pending. An error means that nothing was written, or
// that the store's answer was lost: retry with the same key.
func (l *Loop) Process(ctx context.Context, s leadloop.Submission, asOf time.Time) (Result, error) {
	res, err := l.process(ctx, s, asOf)
	if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return res, err
	}
	// The caller has no time left, but a lead must not be lost for that.
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), storing)
	defer cancel()
	if stored, failed := l.Submit(late, s); failed == nil {
		return stored, nil
	}
	return res, err
}

// storing is how long Process takes at most to store a submission that it had
// no time to decide about.
const storing = 5 * time.Second

func (l *Loop) process(ctx context.Context, s leadloop.Submission, asOf time.Time) (Result, error) {
	lead, err := newLead(s)
	if err != nil {
		return Result{}, err
	}
	return l.retry(ctx, func() (Result, error) {
		if res, ok, err := l.known(ctx, s.Key); ok || err != nil {
			return res, err
		}
		run := &run{loop: l, key: s.Key, lead: lead.Clone(), asOf: asOf, trigger: leadloop.TriggerSubmission, arrives: true, via: s.Source}
		res, err := l.decideAndCommit(ctx, run)
		if err != nil && ctx.Err() == nil {
			// Somebody may have taken the same submission while we decided: a
			// lead can't be merged into the one that it is part of already.
			if res, ok, err := l.known(ctx, s.Key); ok && err == nil {
				return res, nil
			}
		}
		return res, err
	})
}

// Submit stores a submission durably, journals its arrival and returns with
// Pending; the decision is a task that Run or Advance works, those of the
// highest Options.Urgency first. The same key again gives Known.
func (l *Loop) Submit(ctx context.Context, s leadloop.Submission) (Result, error) {
	lead, err := newLead(s)
	if err != nil {
		return Result{}, err
	}
	return l.retry(ctx, func() (Result, error) {
		if res, ok, err := l.known(ctx, s.Key); ok || err != nil {
			return res, err
		}
		run := l.submission(ctx, s, lead.Clone())
		res, err := run.commit(ctx)
		if err == nil && !res.Known && res.Lead.Revision > 0 {
			res.Pending = true
			l.poke()
		}
		return res, err
	})
}

// submission is the run that stores a submission and leaves the decision to a
// task.
func (l *Loop) submission(ctx context.Context, s leadloop.Submission, lead *leadloop.Lead) *run {
	due := s.ReceivedAt
	if l.clock.store != nil {
		// A host whose clock is ahead must not make its leads wait.
		if now := l.clock.now(ctx); due.After(now) {
			due = now
		}
	}

	r := &run{loop: l, key: s.Key, lead: lead, asOf: s.ReceivedAt, trigger: leadloop.TriggerSubmission, arrives: true, via: s.Source}
	profile := l.golden(lead)
	r.arrival(profile)
	r.tasks = []leadloop.Task{{
		Key: "process:" + string(lead.ID), Kind: leadloop.TaskProcess, Lead: lead.ID,
		DueAt: due, State: leadloop.TaskPending,
	}}
	r.prioritise(profile)
	return r
}

// Observe adds activities to the lead that id became part of and decides anew.
// Activities whose id the lead already has are left out; if none is new the
// result is Known.
func (l *Loop) Observe(ctx context.Context, id leadloop.LeadID, asOf time.Time, activities ...leadloop.Activity) (Result, error) {
	for _, a := range activities {
		if a.ID == "" || a.Type == "" || a.At.IsZero() {
			return Result{}, fmt.Errorf("observe: %w: an activity needs an id, a type and a time", leadloop.ErrInvalid)
		}
	}
	return l.retry(ctx, func() (Result, error) {
		lead, err := l.load(ctx, id)
		if err != nil {
			return Result{}, err
		}
		have := make(map[string]bool, len(lead.Activities))
		for _, a := range lead.Activities {
			have[a.ID] = true
		}
		run := &run{loop: l, lead: lead, asOf: asOf, trigger: leadloop.TriggerActivity}
		for _, a := range activities {
			if have[a.ID] {
				continue
			}
			have[a.ID] = true
			if a.Record == "" {
				a.Record = id
			}
			a.At = a.At.UTC()
			run.added = append(run.added, a)
		}
		if len(run.added) == 0 {
			return Result{Lead: lead, Record: id, Known: true, Outcome: leadloop.Outcome{Kind: lead.State.Disposition, Reason: lead.State.Reason}}, nil
		}
		lead.Activities = leadloop.UniteActivities(lead.Activities, run.added)
		return l.decideAndCommit(ctx, run)
	})
}

// Recycle gives a lead a full second pass: every stage decides anew.
func (l *Loop) Recycle(ctx context.Context, id leadloop.LeadID, asOf time.Time) (Result, error) {
	return l.again(ctx, id, asOf, leadloop.TriggerRecycle, l.stages)
}

// Do runs the given stages, then the loop's Records, over a stored lead. It is
// how a person's command (accept, reject, change of status) becomes part of
// the history: as a stage.
func (l *Loop) Do(ctx context.Context, id leadloop.LeadID, asOf time.Time, stages ...leadloop.Stage) (Result, error) {
	return l.again(ctx, id, asOf, leadloop.TriggerActivity, stages)
}

func (l *Loop) again(ctx context.Context, id leadloop.LeadID, asOf time.Time, trigger leadloop.Trigger, stages []leadloop.Stage) (Result, error) {
	return l.retry(ctx, func() (Result, error) {
		lead, err := l.load(ctx, id)
		if err != nil {
			return Result{}, err
		}
		run := &run{loop: l, lead: lead, asOf: asOf, trigger: trigger}
		return l.decideBy(ctx, run, stages)
	})
}

func (l *Loop) decideAndCommit(ctx context.Context, run *run) (Result, error) {
	return l.decideBy(ctx, run, l.stages)
}

func (l *Loop) decideBy(ctx context.Context, run *run, stages []leadloop.Stage) (res Result, err error) {
	ctx, end := l.observe(ctx, Span{SpanDecision, string(run.trigger), run.lead.ID})
	defer func() { end(End{Err: err, Outcome: res.Outcome}) }()
	if err := run.decide(ctx, stages); err != nil {
		return Result{}, err
	}
	return run.commit(ctx)
}

// retry decides anew while commits conflict.
func (l *Loop) retry(ctx context.Context, f func() (Result, error)) (res Result, err error) {
	err = l.persist(ctx, func() error {
		res, err = f()
		return err
	})
	return res, err
}

// persist calls f again while it conflicts.
func (l *Loop) persist(ctx context.Context, f func() error) error {
	attempt := 0
	return store.Retry(ctx, l.o.MaxConflicts+1, func() error {
		if attempt++; attempt > 1 {
			l.o.Logger.DebugContext(ctx, "again after a conflict", "attempt", attempt)
		}
		return f()
	})
}

func (l *Loop) known(ctx context.Context, key string) (res Result, ok bool, err error) {
	err = l.store.View(ctx, func(tx store.Tx) error {
		id, err := tx.Keys().Lookup(ctx, key)
		if err != nil {
			return err
		}
		lead, err := store.Resolve(ctx, tx.Leads(), id)
		if err != nil {
			return err
		}
		res = Result{Lead: lead, Record: id, Known: true, Outcome: leadloop.Outcome{Kind: lead.State.Disposition, Reason: lead.State.Reason}}
		return nil
	})
	if errors.Is(err, leadloop.ErrNotFound) {
		return Result{}, false, nil
	}
	return res, err == nil, err
}

func (l *Loop) load(ctx context.Context, id leadloop.LeadID) (lead *leadloop.Lead, err error) {
	err = l.store.View(ctx, func(tx store.Tx) error {
		lead, err = store.Resolve(ctx, tx.Leads(), id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lead %s: %w", id, err)
	}
	return lead, nil
}

func newLead(s leadloop.Submission) (*leadloop.Lead, error) {
	if s.Key == "" || s.ReceivedAt.IsZero() {
		return nil, fmt.Errorf("submission: %w: it needs a key and the time it was received", leadloop.ErrInvalid)
	}
	lead := &leadloop.Lead{ID: RecordID(s.Key), ReceivedAt: s.ReceivedAt.UTC()}
	claims := make([]leadloop.Claim, len(s.Claims))
	for i, c := range s.Claims {
		c.Record = lead.ID
		claims[i] = c
	}
	lead.Claims = leadloop.UniteClaims(nil, claims)
	activities := make([]leadloop.Activity, len(s.Activities))
	for i, a := range s.Activities {
		a.Record = lead.ID
		a.At = a.At.UTC()
		activities[i] = a
	}
	lead.Activities = leadloop.UniteActivities(nil, activities)
	return lead, nil
}

package privacy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// TaskErase is the kind of the outside tasks that make a [System] forget
// somebody: give [Eraser.Deliver] to the loop as their handler.
const TaskErase = "erase"

// System is something beside the store that holds personal data: a CRM, a
// vendor, a search index, a warehouse.
type System interface {
	// Forget removes what the system holds about the person; somebody it does
	// not know is no error, and neither is a second call. An error that wraps
	// errors.ErrUnsupported says that the system can't, and is not tried again;
	// any other is tried later. It must hold no personal data. Forget may be
	// called concurrently for different people.
	Forget(ctx context.Context, s Subject) error
}

// SystemFunc makes a function a System.
type SystemFunc func(ctx context.Context, s Subject) error

// Forget calls f.
func (f SystemFunc) Forget(ctx context.Context, s Subject) error { return f(ctx, s) }

// Request is one demand to be forgotten.
type Request struct {
	// ID is the host's own, such as a ticket's number, and holds no personal
	// data: the same id is the same erasure, however often it is asked for.
	ID string
	Person
	At time.Time
	// Actor is who carries it out, a rep id or "rule:<id>"; it may be empty.
	Actor string
}

// Eraser erases people: everything that the store holds about them in one
// transaction, everything elsewhere by tasks. It is safe for concurrent use.
type Eraser struct {
	st      store.Store
	tokens  *Tokens
	systems map[string]System
}

// NewEraser returns an eraser that also makes the systems forget, by name
// (lower-case letters, digits, "-" and "_"). The names must stay the same, as
// tasks and receipts use them.
func NewEraser(st store.Store, t *Tokens, systems map[string]System) (*Eraser, error) {
	var problems []error
	if st == nil || t == nil {
		problems = append(problems, fmt.Errorf("%w: store and tokens are required", leadloop.ErrInvalid))
	}
	for _, name := range slices.Sorted(maps.Keys(systems)) {
		if !codes.MatchString(name) || slices.Contains(targets, name) {
			problems = append(problems, fmt.Errorf("%w: %q can't be a system's name: lower-case letters, digits, - and _, and none of %s", leadloop.ErrInvalid, name, strings.Join(targets, ", ")))
		}
		if systems[name] == nil {
			problems = append(problems, fmt.Errorf("%w: system %s is nil", leadloop.ErrInvalid, name))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("privacy: eraser: %w", err)
	}
	return &Eraser{st: st, tokens: t, systems: maps.Clone(systems)}, nil
}

// targets are the store's roles that hold something about a person.
var targets = []string{"leads", "decisions", "tasks", "keys", "cache", "consents", "contacts"}

// Erase forgets a person.
//
// One transaction deletes the leads of the person and all records merged into
// them, their decision records, tasks, idempotency keys, cached answers and
// consents, empties their contacts but for the id, the account and the
// opt-out, and puts tokens of their mailboxes, their numbers and the leads' ids
// on the suppression list with [ReasonErased]: nothing that arrives about them
// later is stored (see [Tokens.Forget]). Numbers that somebody else's lead
// has stay off the list. The journal keeps its shape, for it holds no personal
// values, and gets an entry for each lead.
//
// Each system is told by a task of kind [TaskErase], whose payload is sealed
// with the tokens' secret and deleted when the system has answered. The receipt
// says how far each is; [Eraser.Receipt] asks again. A system that gave up is
// told once more when Erase is called with the same request.
//
// A lead under [Hold] is not erased: the receipt's state is [StateHeld], the
// person is suppressed with [ReasonOptedOut], and the same request succeeds
// once the hold is released. ErrNotFound if Person.Lead is not there, and
// ErrInvalid for a request without id, time or person, and for one that could
// mean several people. Somebody of whom nothing is stored is put on the list
// all the same.
func (e *Eraser) Erase(ctx context.Context, r Request) (Receipt, error) {
	switch {
	case r.ID == "" || r.At.IsZero():
		return Receipt{}, fmt.Errorf("privacy: erase: %w: a request needs an id and a time", leadloop.ErrInvalid)
	}
	err := retry(ctx, func() error {
		return e.st.Update(ctx, func(tx store.Tx) error { return e.erase(ctx, tx, r) })
	})
	if err != nil {
		return Receipt{}, fmt.Errorf("privacy: erase: %w", err)
	}
	return e.Receipt(ctx, r.ID)
}

// retry calls f again while transactions get in each other's way.
func retry(ctx context.Context, f func() error) error { return store.Retry(ctx, 20, f) }

// planOf is under which id an erasure stands in the journal.
func planOf(request string) leadloop.LeadID {
	sum := sha256.Sum256([]byte("leadloop/erasure/1\x00" + request))
	return leadloop.LeadID("er_" + hex.EncodeToString(sum[:10]))
}

// taskOf is under which id the task for one system stands: it is deleted alone.
func taskOf(plan leadloop.LeadID, system string) leadloop.LeadID {
	return leadloop.LeadID(string(plan) + ":" + system)
}

func (e *Eraser) erase(ctx context.Context, tx store.Tx, r Request) error {
	plan := planOf(r.ID)
	held := false
	for ev, err := range tx.Journal().ByLead(ctx, plan) {
		if err != nil {
			return err
		}
		if ev.To != string(StateHeld) {
			return e.again(ctx, tx, plan, r.At)
		}
		held = true
	}
	d, err := find(ctx, tx, r.Person)
	if err != nil {
		return err
	}
	if on, err := e.tokens.anyHeld(ctx, tx, d.ids()); err != nil || on {
		if err != nil {
			return err
		}
		return e.hold(ctx, tx, plan, d, r, held)
	}
	own, err := ownNumbers(ctx, tx, d)
	if err != nil {
		return err
	}
	if err := e.suppress(ctx, tx, d, own, ReasonErased, r.At); err != nil {
		return err
	}
	return e.forget(ctx, tx, plan, d, r)
}

// forget deletes all that d has from the store, has the systems told, and
// writes the plan.
func (e *Eraser) forget(ctx context.Context, tx store.Tx, plan leadloop.LeadID, d *dossier, r Request) error {
	own, err := ownNumbers(ctx, tx, d)
	if err != nil {
		return err
	}
	events, err := e.deleteAll(ctx, tx, plan, d, own, r)
	if err != nil {
		return err
	}
	subject := Subject{Leads: d.ids(), Emails: d.emails, Phones: d.phones}
	for _, c := range d.contacts {
		subject.Contacts = append(subject.Contacts, c.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(e.systems)) {
		sealed, err := e.tokens.seal(plan, name, subject)
		if err != nil {
			return err
		}
		if err := e.tell(ctx, tx, plan, name, sealed, r.At); err != nil {
			return err
		}
		events = append(events, event(plan, r, name, StatePending))
	}
	return tx.Journal().Append(ctx, events...)
}

// event is one line of the plan: what became of a target.
func event(plan leadloop.LeadID, r Request, target string, s State) leadloop.Event {
	return leadloop.Event{Kind: leadloop.EventErased, Lead: plan, At: r.At, Actor: r.Actor, From: target, To: string(s)}
}

// hold says that a lead can't be erased now, and keeps the person in peace.
func (e *Eraser) hold(ctx context.Context, tx store.Tx, plan leadloop.LeadID, d *dossier, r Request, known bool) error {
	own, err := ownNumbers(ctx, tx, d)
	if err != nil {
		return err
	}
	if _, err := putEach(ctx, tx, suppressions(e.tokens.of(d.emails, own), ReasonOptedOut, r.At)); err != nil {
		return err
	}
	if known {
		return nil
	}
	return tx.Journal().Append(ctx, event(plan, r, "leads", StateHeld))
}

// ownNumbers are the numbers that nobody else's lead has: an office's must not
// be kept from everybody in it.
func ownNumbers(ctx context.Context, tx store.Tx, d *dossier) ([]string, error) {
	var own []string
	for _, n := range d.phones {
		found, err := tx.Leads().Match(ctx, []leadloop.Identifier{{Kind: identifierPhone, Value: n}})
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(found, func(id leadloop.LeadID) bool { return !slices.Contains(d.ids(), id) }) {
			own = append(own, n)
		}
	}
	return own, nil
}

func (e *Eraser) suppress(ctx context.Context, tx store.Tx, d *dossier, phones []string, reason string, at time.Time) error {
	tokens := e.tokens.of(d.emails, phones)
	for _, id := range d.ids() {
		tokens = e.tokens.lookup(tokens, kindLead, string(id))
	}
	_, err := putEach(ctx, tx, suppressions(tokens, reason, at))
	return err
}

// deleteAll empties the store's roles and returns what to journal.
func (e *Eraser) deleteAll(ctx context.Context, tx store.Tx, plan leadloop.LeadID, d *dossier, own []string, r Request) ([]leadloop.Event, error) {
	counts := map[string]int{}
	var events []leadloop.Event
	for _, l := range d.leads {
		if err := deleteLead(ctx, tx, l.ID, r.At, counts); err != nil {
			return nil, err
		}
		events = append(events, leadloop.Event{Kind: leadloop.EventErased, Lead: l.ID, At: r.At, Actor: r.Actor, To: string(plan)})
	}
	tokens := e.tokens.of(d.emails, own)
	entries, err := tx.Consents().Of(ctx, tokens)
	if err != nil {
		return nil, err
	}
	counts["consents"] = len(entries)
	for _, t := range tokens {
		if err := tx.Consents().Delete(ctx, t); err != nil {
			return nil, err
		}
	}
	for _, c := range d.contacts {
		if err := tx.CRM().PutContact(ctx, leadloop.Contact{ID: c.ID, Account: c.Account, Owner: c.Owner, OptedOut: true}); err != nil {
			return nil, err
		}
	}
	counts["contacts"] = len(d.contacts)
	for _, t := range targets {
		ev := event(plan, r, t, StateDone)
		if n := counts[t]; n > 0 {
			ev.Attrs = map[string]string{"count": strconv.Itoa(n)}
		}
		events = append(events, ev)
	}
	return events, nil
}

// deleteLead removes what the store's roles hold under a lead's id.
func deleteLead(ctx context.Context, tx store.Tx, id leadloop.LeadID, at time.Time, counts map[string]int) error {
	decisions, err := tx.Decisions().ByLead(ctx, id)
	if err != nil {
		return err
	}
	tasks, err := tx.Tasks().ByLead(ctx, id)
	if err != nil {
		return err
	}
	counts["leads"]++
	counts["decisions"] += len(decisions)
	counts["tasks"] += len(tasks)
	return errors.Join(
		tx.Decisions().DeleteLead(ctx, id), tx.Tasks().DeleteLead(ctx, id), tx.Keys().DeleteLead(ctx, id),
		tx.Cache().Purge(ctx, id, at), tx.Leads().Delete(ctx, id))
}

// sealedTask is the payload of a task of kind TaskErase.
type sealedTask struct {
	Plan   leadloop.LeadID `json:"plan"`
	System string          `json:"system"`
	Sealed []byte          `json:"sealed"`
}

func (e *Eraser) tell(ctx context.Context, tx store.Tx, plan leadloop.LeadID, system string, sealed []byte, at time.Time) error {
	payload, err := json.Marshal(sealedTask{plan, system, sealed})
	if err != nil {
		return err
	}
	of := taskOf(plan, system)
	return tx.Tasks().Add(ctx, leadloop.Task{
		Key: "erase:" + string(of), Kind: TaskErase, Lead: of, DueAt: at, Outside: true, Payload: payload, State: leadloop.TaskPending,
	})
}

// again tells the systems that gave up once more.
func (e *Eraser) again(ctx context.Context, tx store.Tx, plan leadloop.LeadID, at time.Time) error {
	for _, name := range slices.Sorted(maps.Keys(e.systems)) {
		tasks, err := tx.Tasks().ByLead(ctx, taskOf(plan, name))
		if err != nil {
			return err
		}
		for _, t := range tasks {
			if t.State != leadloop.TaskDead {
				continue
			}
			var p sealedTask
			if err := json.Unmarshal(t.Payload, &p); err != nil {
				return err
			}
			if err := errors.Join(tx.Tasks().DeleteLead(ctx, t.Lead), e.tell(ctx, tx, plan, name, p.Sealed, at)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Deliver makes one system forget one person and deletes the task with what it
// holds. It is an engine.Handler for [TaskErase].
func (e *Eraser) Deliver(ctx context.Context, t leadloop.Task) error {
	var p sealedTask
	if err := json.Unmarshal(t.Payload, &p); err != nil {
		return fmt.Errorf("privacy: erase: task %s: %w: %w", t.Key, leadloop.ErrInvalid, err)
	}
	system, ok := e.systems[p.System]
	if !ok {
		return fmt.Errorf("privacy: erase: %w: no system is called %s any more", leadloop.ErrInvalid, p.System)
	}
	subject, err := e.tokens.unseal(p.Plan, p.System, p.Sealed)
	if err != nil {
		return fmt.Errorf("privacy: erase: task %s: %w", t.Key, err)
	}
	state := StateDone
	switch err := system.Forget(ctx, subject); {
	case errors.Is(err, errors.ErrUnsupported):
		state = StateUnsupported
	case err != nil:
		return fmt.Errorf("privacy: erase: %s: %w", p.System, err)
	}
	// The engine finds the task gone and has nothing left to acknowledge.
	err = retry(ctx, func() error {
		return e.st.Update(ctx, func(tx store.Tx) error {
			ev := event(p.Plan, Request{At: t.DueAt}, p.System, state)
			ev.Attrs = map[string]string{"attempts": strconv.Itoa(t.Attempts)}
			return errors.Join(tx.Journal().Append(ctx, ev), tx.Tasks().DeleteLead(ctx, t.Lead))
		})
	})
	if err != nil {
		return fmt.Errorf("privacy: erase: %s: %w", p.System, err)
	}
	return nil
}

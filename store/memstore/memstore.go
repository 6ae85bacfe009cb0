// Package memstore keeps a loop's records in memory: the reference of package
// store, for tests, trials and batch runs.
//
// It guarantees every sentence of package store but durability: what it holds
// ends with the process. A View never waits and never blocks anybody; Updates
// run one after the other. Everything is kept in ordered trees that are never
// changed in place, so that a transaction is a snapshot and a rollback costs
// nothing; tens of thousands of leads are fine.
//
// Start with [New].
package memstore

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Store is a store.Store in memory. It is safe for concurrent use. Make one
// with [New].
type Store struct {
	writer    chan struct{} // holds one token: the right to update
	committed atomic.Pointer[state]
	closed    atomic.Bool
}

var _ store.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	s := &Store{writer: make(chan struct{}, 1)}
	s.writer <- struct{}{}
	s.committed.Store(newState())
	return s
}

// Capabilities says that transactions and revisions hold and nothing is
// durable.
func (s *Store) Capabilities() store.Capabilities {
	return store.Capabilities{Transactions: true, Revisions: true}
}

// Close ends the store: later calls, and commits of transactions that still
// run, return an error that wraps store.ErrClosed. Closing again does
// nothing.
func (s *Store) Close() error {
	s.closed.Store(true)
	return nil
}

// View calls f with the state of the latest commit. It never waits.
func (s *Store) View(ctx context.Context, f func(tx store.Tx) error) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	t := &tx{state: s.committed.Load(), readonly: true}
	defer t.over.Store(true)
	if err := f(t); err != nil {
		return err
	}
	return ctx.Err()
}

// Update calls f and commits what it wrote if it returns nil. Updates wait for
// each other, so an Update inside f waits until ctx is done. It never reports
// a conflict by itself.
func (s *Store) Update(ctx context.Context, f func(tx store.Tx) error) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	select {
	case <-s.writer:
		defer func() { s.writer <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	draft := *s.committed.Load()
	t := &tx{state: &draft}
	// A panic or a Goexit in f passes through here with the draft unpublished.
	defer t.over.Store(true)
	if err := f(t); err != nil {
		return err
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	s.committed.Store(&draft)
	return nil
}

func (s *Store) check(ctx context.Context) error {
	if s.closed.Load() {
		return fmt.Errorf("memstore: %w", store.ErrClosed)
	}
	return ctx.Err()
}

// tx is one transaction over a state of its own.
type tx struct {
	state    *state
	readonly bool
	over     atomic.Bool
}

func (t *tx) reading(ctx context.Context) error {
	if t.over.Load() {
		return fmt.Errorf("memstore: %w: the transaction is over", leadloop.ErrInvalid)
	}
	return ctx.Err()
}

func (t *tx) writing(ctx context.Context) error {
	if err := t.reading(ctx); err != nil {
		return err
	}
	if t.readonly {
		return fmt.Errorf("memstore: %w: a View can't write", leadloop.ErrInvalid)
	}
	return nil
}

func (t *tx) Leads() store.Leads               { return leads{t} }
func (t *tx) CRM() store.CRM                   { return crm{t} }
func (t *tx) Journal() store.Journal           { return journal{t} }
func (t *tx) Decisions() store.Decisions       { return decisions{t} }
func (t *tx) Keys() store.Keys                 { return keys{t} }
func (t *tx) Tasks() store.Tasks               { return tasks{t} }
func (t *tx) Rotations() store.Rotations       { return rotations{t} }
func (t *tx) Cache() store.Cache               { return cache{t} }
func (t *tx) Costs() store.Costs               { return costs{t} }
func (t *tx) Suppressions() store.Suppressions { return suppressions{t} }
func (t *tx) Consents() store.Consents         { return consents{t} }
func (t *tx) Playbooks() store.Playbooks       { return playbooks{t} }

// state is everything the store holds. Copying it takes a snapshot. What the
// trees point at is never modified.
type state struct {
	leads         table[leadloop.LeadID, *leadloop.Lead]
	leadsByIdent  index[leadloop.LeadID]     // kind, value, id; not merged away
	leadsByOwner  index[struct{}]            // owner, since, id; not merged away
	openByOwner   table[leadloop.RepID, int] // leads that Workload.Open counts
	accounts      table[leadloop.AccountID, *leadloop.Account]
	accountIdents index[leadloop.AccountID]
	contacts      table[leadloop.ContactID, *leadloop.Contact]
	contactIdents index[leadloop.ContactID]
	opps          table[leadloop.OpportunityID, *leadloop.Opportunity]
	oppsByAccount index[leadloop.OpportunityID] // account, id
	oppsByLead    index[leadloop.OpportunityID] // lead, id
	reps          table[leadloop.RepID, *leadloop.Rep]

	seq          int64
	events       index[*leadloop.Event]    // seq
	eventsByLead index[*leadloop.Event]    // lead, seq
	decisions    index[*leadloop.Decision] // lead, revision
	keys         table[string, leadloop.LeadID]
	keysByLead   index[string] // lead, key

	tasks       table[string, *leadloop.Task]
	tasksByLead index[*leadloop.Task] // lead, due, key
	tasksByDue  index[*leadloop.Task] // due, key
	pending     index[*leadloop.Task] // kind, priority downwards, due, key
	available   index[struct{}]       // kind, when it can be leased, key

	rotations   table[string, *store.Rotation]
	cache       table[string, *store.CacheEntry]
	cacheByLead index[string] // lead, key
	cacheByEnd  index[string] // expiry, key

	costSeq         int64
	costs           index[*store.Cost] // at, insertion
	costsByProvider index[*store.Cost] // provider, at, insertion

	suppressions table[string, store.Suppression]
	consentSeq   int64
	consents     index[store.Consent] // token, at, insertion
	playbooks    table[string, map[string][]byte]
}

func newState() *state {
	return &state{
		leads: newTable[leadloop.LeadID, *leadloop.Lead](), leadsByIdent: newIndex[leadloop.LeadID](),
		leadsByOwner: newIndex[struct{}](), openByOwner: newTable[leadloop.RepID, int](),
		accounts: newTable[leadloop.AccountID, *leadloop.Account](), accountIdents: newIndex[leadloop.AccountID](),
		contacts: newTable[leadloop.ContactID, *leadloop.Contact](), contactIdents: newIndex[leadloop.ContactID](),
		opps: newTable[leadloop.OpportunityID, *leadloop.Opportunity](), oppsByAccount: newIndex[leadloop.OpportunityID](),
		oppsByLead: newIndex[leadloop.OpportunityID](),
		reps:       newTable[leadloop.RepID, *leadloop.Rep](),
		events:     newIndex[*leadloop.Event](), eventsByLead: newIndex[*leadloop.Event](),
		decisions: newIndex[*leadloop.Decision](), keys: newTable[string, leadloop.LeadID](), keysByLead: newIndex[string](),
		tasks: newTable[string, *leadloop.Task](), tasksByLead: newIndex[*leadloop.Task](), tasksByDue: newIndex[*leadloop.Task](),
		pending: newIndex[*leadloop.Task](), available: newIndex[struct{}](),
		rotations: newTable[string, *store.Rotation](),
		cache:     newTable[string, *store.CacheEntry](), cacheByLead: newIndex[string](), cacheByEnd: newIndex[string](),
		costs: newIndex[*store.Cost](), costsByProvider: newIndex[*store.Cost](),
		suppressions: newTable[string, store.Suppression](), consents: newIndex[store.Consent](), playbooks: newTable[string, map[string][]byte](),
	}
}

func notFound(what, id string) error {
	return fmt.Errorf("%s %s: %w", what, id, leadloop.ErrNotFound)
}

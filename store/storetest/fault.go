package storetest

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// ErrInjected is what a call fails with that [Faulty] was told to fail. It
// wraps leadloop.ErrUnavailable, as the failure of a real store does.
var ErrInjected = fmt.Errorf("injected fault: %w", leadloop.ErrUnavailable)

// Fault says which calls of a store fail.
type Fault struct {
	// Call is the number of the call that fails, from 0. Every call of a role
	// counts, and so do the begin of a transaction and its commit.
	Call int
	// Persistent makes all later calls fail too, until [Faulty.Heal].
	Persistent bool
	// AnswerLost lets a commit that fails happen: the caller only isn't told.
	// Other calls fail as they do without it.
	AnswerLost bool
}

// Faulty is a store whose calls fail as a [Fault] says. It is safe for
// concurrent use; calls are numbered in the order in which they come. Make one
// with [NewFaulty].
type Faulty struct {
	inner store.Store
	fault Fault

	mu     sync.Mutex
	calls  int
	fired  bool
	healed bool
}

// NewFaulty wraps s.
func NewFaulty(s store.Store, f Fault) *Faulty { return &Faulty{inner: s, fault: f} }

// Calls returns how many calls came, and whether one of them was failed.
func (s *Faulty) Calls() (n int, fired bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, s.fired
}

// Heal ends the fault.
func (s *Faulty) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.healed = true
}

func (s *Faulty) next() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.calls
	s.calls++
	if s.healed || n != s.fault.Call && (!s.fault.Persistent || n < s.fault.Call) {
		return nil
	}
	s.fired = true
	return ErrInjected
}

// Capabilities are those of the store inside.
func (s *Faulty) Capabilities() store.Capabilities { return s.inner.Capabilities() }

// Close closes the store inside.
func (s *Faulty) Close() error { return s.inner.Close() }

// View is one call, and so is every call of a role in it.
func (s *Faulty) View(ctx context.Context, f func(tx store.Tx) error) error {
	if err := s.next(); err != nil {
		return err
	}
	return s.inner.View(ctx, func(tx store.Tx) error { return f(faultyTx{tx, s}) })
}

// Update is one call to begin and one to commit, and so is every call of a
// role in it.
func (s *Faulty) Update(ctx context.Context, f func(tx store.Tx) error) error {
	if err := s.next(); err != nil {
		return err
	}
	lost := false
	err := s.inner.Update(ctx, func(tx store.Tx) error {
		if err := f(faultyTx{tx, s}); err != nil {
			return err
		}
		err := s.next()
		if err != nil && s.fault.AnswerLost {
			lost = true
			return nil
		}
		return err
	})
	if err == nil && lost {
		return ErrInjected
	}
	return err
}

// faultyTx numbers the calls of every role.
type faultyTx struct {
	store.Tx
	s *Faulty
}

func (t faultyTx) Leads() store.Leads         { return faultyLeads{t.Tx.Leads(), t.s} }
func (t faultyTx) CRM() store.CRM             { return faultyCRM{t.Tx.CRM(), t.s} }
func (t faultyTx) Journal() store.Journal     { return faultyJournal{t.Tx.Journal(), t.s} }
func (t faultyTx) Decisions() store.Decisions { return faultyDecisions{t.Tx.Decisions(), t.s} }
func (t faultyTx) Keys() store.Keys           { return faultyKeys{t.Tx.Keys(), t.s} }
func (t faultyTx) Tasks() store.Tasks         { return faultyTasks{t.Tx.Tasks(), t.s} }
func (t faultyTx) Rotations() store.Rotations { return faultyRotations{t.Tx.Rotations(), t.s} }
func (t faultyTx) Cache() store.Cache         { return faultyCache{t.Tx.Cache(), t.s} }
func (t faultyTx) Costs() store.Costs         { return faultyCosts{t.Tx.Costs(), t.s} }
func (t faultyTx) Suppressions() store.Suppressions {
	return faultySuppressions{t.Tx.Suppressions(), t.s}
}
func (t faultyTx) Consents() store.Consents   { return faultyConsents{t.Tx.Consents(), t.s} }
func (t faultyTx) Playbooks() store.Playbooks { return faultyPlaybooks{t.Tx.Playbooks(), t.s} }

// try makes a call unless it is to fail.
func try(s *Faulty, call func() error) error {
	if err := s.next(); err != nil {
		return err
	}
	return call()
}

func tryFor[T any](s *Faulty, call func() (T, error)) (T, error) {
	if err := s.next(); err != nil {
		var none T
		return none, err
	}
	return call()
}

func trySeq[T any](s *Faulty, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := s.next(); err != nil {
			var none T
			yield(none, err)
			return
		}
		all(yield)
	}
}

type faultyLeads struct {
	r store.Leads
	s *Faulty
}

func (f faultyLeads) Get(ctx context.Context, id leadloop.LeadID) (*leadloop.Lead, error) {
	return tryFor(f.s, func() (*leadloop.Lead, error) { return f.r.Get(ctx, id) })
}

func (f faultyLeads) Put(ctx context.Context, l *leadloop.Lead) (int64, error) {
	return tryFor(f.s, func() (int64, error) { return f.r.Put(ctx, l) })
}

func (f faultyLeads) Match(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.LeadID, error) {
	return tryFor(f.s, func() ([]leadloop.LeadID, error) { return f.r.Match(ctx, ids) })
}

func (f faultyLeads) List(ctx context.Context, after leadloop.LeadID, limit int) ([]*leadloop.Lead, error) {
	return tryFor(f.s, func() ([]*leadloop.Lead, error) { return f.r.List(ctx, after, limit) })
}

func (f faultyLeads) Workload(ctx context.Context, owner leadloop.RepID, asOf time.Time) (store.Workload, error) {
	return tryFor(f.s, func() (store.Workload, error) { return f.r.Workload(ctx, owner, asOf) })
}

func (f faultyLeads) Delete(ctx context.Context, id leadloop.LeadID) error {
	return try(f.s, func() error { return f.r.Delete(ctx, id) })
}

type faultyCRM struct {
	r store.CRM
	s *Faulty
}

func (f faultyCRM) Account(ctx context.Context, id leadloop.AccountID) (leadloop.Account, error) {
	return tryFor(f.s, func() (leadloop.Account, error) { return f.r.Account(ctx, id) })
}

func (f faultyCRM) PutAccount(ctx context.Context, a leadloop.Account) error {
	return try(f.s, func() error { return f.r.PutAccount(ctx, a) })
}

func (f faultyCRM) MatchAccounts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Account, error) {
	return tryFor(f.s, func() ([]leadloop.Account, error) { return f.r.MatchAccounts(ctx, ids) })
}

func (f faultyCRM) Contact(ctx context.Context, id leadloop.ContactID) (leadloop.Contact, error) {
	return tryFor(f.s, func() (leadloop.Contact, error) { return f.r.Contact(ctx, id) })
}

func (f faultyCRM) PutContact(ctx context.Context, c leadloop.Contact) error {
	return try(f.s, func() error { return f.r.PutContact(ctx, c) })
}

func (f faultyCRM) MatchContacts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Contact, error) {
	return tryFor(f.s, func() ([]leadloop.Contact, error) { return f.r.MatchContacts(ctx, ids) })
}

func (f faultyCRM) PutOpportunity(ctx context.Context, o leadloop.Opportunity) error {
	return try(f.s, func() error { return f.r.PutOpportunity(ctx, o) })
}

func (f faultyCRM) Opportunities(ctx context.Context, account leadloop.AccountID) ([]leadloop.Opportunity, error) {
	return tryFor(f.s, func() ([]leadloop.Opportunity, error) { return f.r.Opportunities(ctx, account) })
}

func (f faultyCRM) PutRep(ctx context.Context, r leadloop.Rep) error {
	return try(f.s, func() error { return f.r.PutRep(ctx, r) })
}

func (f faultyCRM) Reps(ctx context.Context) ([]leadloop.Rep, error) {
	return tryFor(f.s, func() ([]leadloop.Rep, error) { return f.r.Reps(ctx) })
}

type faultyJournal struct {
	r store.Journal
	s *Faulty
}

func (f faultyJournal) Append(ctx context.Context, events ...leadloop.Event) error {
	return try(f.s, func() error { return f.r.Append(ctx, events...) })
}

func (f faultyJournal) ByLead(ctx context.Context, id leadloop.LeadID) iter.Seq2[leadloop.Event, error] {
	return trySeq(f.s, f.r.ByLead(ctx, id))
}

func (f faultyJournal) Since(ctx context.Context, seq int64) iter.Seq2[leadloop.Event, error] {
	return trySeq(f.s, f.r.Since(ctx, seq))
}

type faultyDecisions struct {
	r store.Decisions
	s *Faulty
}

func (f faultyDecisions) Put(ctx context.Context, d leadloop.Decision) error {
	return try(f.s, func() error { return f.r.Put(ctx, d) })
}

func (f faultyDecisions) Latest(ctx context.Context, id leadloop.LeadID) (leadloop.Decision, error) {
	return tryFor(f.s, func() (leadloop.Decision, error) { return f.r.Latest(ctx, id) })
}

func (f faultyDecisions) ByLead(ctx context.Context, id leadloop.LeadID) ([]leadloop.Decision, error) {
	return tryFor(f.s, func() ([]leadloop.Decision, error) { return f.r.ByLead(ctx, id) })
}

func (f faultyDecisions) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	return try(f.s, func() error { return f.r.DeleteLead(ctx, id) })
}

type faultyKeys struct {
	r store.Keys
	s *Faulty
}

func (f faultyKeys) Claim(ctx context.Context, key string, id leadloop.LeadID) (bound leadloop.LeadID, claimed bool, err error) {
	err = try(f.s, func() (err error) {
		bound, claimed, err = f.r.Claim(ctx, key, id)
		return err
	})
	return bound, claimed, err
}

func (f faultyKeys) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	return try(f.s, func() error { return f.r.DeleteLead(ctx, id) })
}

func (f faultyKeys) Lookup(ctx context.Context, key string) (leadloop.LeadID, error) {
	return tryFor(f.s, func() (leadloop.LeadID, error) { return f.r.Lookup(ctx, key) })
}

type faultyTasks struct {
	r store.Tasks
	s *Faulty
}

func (f faultyTasks) Add(ctx context.Context, tasks ...leadloop.Task) error {
	return try(f.s, func() error { return f.r.Add(ctx, tasks...) })
}

func (f faultyTasks) Lease(ctx context.Context, now time.Time, hold time.Duration, limit int, kinds ...string) ([]leadloop.Task, error) {
	return tryFor(f.s, func() ([]leadloop.Task, error) { return f.r.Lease(ctx, now, hold, limit, kinds...) })
}

func (f faultyTasks) Finish(ctx context.Context, t leadloop.Task, state leadloop.TaskState) error {
	return try(f.s, func() error { return f.r.Finish(ctx, t, state) })
}

func (f faultyTasks) Cancel(ctx context.Context, keys ...string) error {
	return try(f.s, func() error { return f.r.Cancel(ctx, keys...) })
}

func (f faultyTasks) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	return try(f.s, func() error { return f.r.DeleteLead(ctx, id) })
}

func (f faultyTasks) Count(ctx context.Context) ([]store.TaskCount, error) {
	return tryFor(f.s, func() ([]store.TaskCount, error) { return f.r.Count(ctx) })
}

func (f faultyTasks) Get(ctx context.Context, key string) (leadloop.Task, error) {
	return tryFor(f.s, func() (leadloop.Task, error) { return f.r.Get(ctx, key) })
}

func (f faultyTasks) ByLead(ctx context.Context, id leadloop.LeadID) ([]leadloop.Task, error) {
	return tryFor(f.s, func() ([]leadloop.Task, error) { return f.r.ByLead(ctx, id) })
}

func (f faultyTasks) NextDue(ctx context.Context, kinds ...string) (at time.Time, ok bool, err error) {
	err = try(f.s, func() (err error) {
		at, ok, err = f.r.NextDue(ctx, kinds...)
		return err
	})
	return at, ok, err
}

type faultyRotations struct {
	r store.Rotations
	s *Faulty
}

func (f faultyRotations) Get(ctx context.Context, pool string) (store.Rotation, error) {
	return tryFor(f.s, func() (store.Rotation, error) { return f.r.Get(ctx, pool) })
}

func (f faultyRotations) Move(ctx context.Context, m leadloop.LedgerMove) error {
	return try(f.s, func() error { return f.r.Move(ctx, m) })
}

type faultyCache struct {
	r store.Cache
	s *Faulty
}

func (f faultyCache) Get(ctx context.Context, key string, now time.Time) (e store.CacheEntry, found bool, err error) {
	err = try(f.s, func() (err error) {
		e, found, err = f.r.Get(ctx, key, now)
		return err
	})
	return e, found, err
}

func (f faultyCache) Put(ctx context.Context, e store.CacheEntry) error {
	return try(f.s, func() error { return f.r.Put(ctx, e) })
}

func (f faultyCache) Purge(ctx context.Context, lead leadloop.LeadID, now time.Time) error {
	return try(f.s, func() error { return f.r.Purge(ctx, lead, now) })
}

type faultyCosts struct {
	r store.Costs
	s *Faulty
}

func (f faultyCosts) Add(ctx context.Context, c store.Cost) error {
	return try(f.s, func() error { return f.r.Add(ctx, c) })
}

func (f faultyCosts) Total(ctx context.Context, provider string, from, until time.Time) (leadloop.Micros, error) {
	return tryFor(f.s, func() (leadloop.Micros, error) { return f.r.Total(ctx, provider, from, until) })
}

func (f faultyCosts) Since(ctx context.Context, from time.Time) iter.Seq2[store.Cost, error] {
	return trySeq(f.s, f.r.Since(ctx, from))
}

type faultySuppressions struct {
	r store.Suppressions
	s *Faulty
}

func (f faultySuppressions) Add(ctx context.Context, x store.Suppression) error {
	return try(f.s, func() error { return f.r.Add(ctx, x) })
}

func (f faultySuppressions) Match(ctx context.Context, tokens []string) ([]store.Suppression, error) {
	return tryFor(f.s, func() ([]store.Suppression, error) { return f.r.Match(ctx, tokens) })
}

func (f faultySuppressions) Remove(ctx context.Context, token string) error {
	return try(f.s, func() error { return f.r.Remove(ctx, token) })
}

type faultyConsents struct {
	r store.Consents
	s *Faulty
}

func (f faultyConsents) Add(ctx context.Context, x store.Consent) error {
	return try(f.s, func() error { return f.r.Add(ctx, x) })
}

func (f faultyConsents) Of(ctx context.Context, tokens []string) ([]store.Consent, error) {
	return tryFor(f.s, func() ([]store.Consent, error) { return f.r.Of(ctx, tokens) })
}

func (f faultyConsents) Delete(ctx context.Context, token string) error {
	return try(f.s, func() error { return f.r.Delete(ctx, token) })
}

type faultyPlaybooks struct {
	r store.Playbooks
	s *Faulty
}

func (f faultyPlaybooks) Put(ctx context.Context, digest string, files map[string][]byte) error {
	return try(f.s, func() error { return f.r.Put(ctx, digest, files) })
}

func (f faultyPlaybooks) Get(ctx context.Context, digest string) (map[string][]byte, error) {
	return tryFor(f.s, func() (map[string][]byte, error) { return f.r.Get(ctx, digest) })
}

// Sweep proves that a pipeline loses nothing and does nothing twice, whichever
// call of its store fails.
//
// For every call number in turn, until a run needs fewer calls than that, and
// for each kind of fault (transient, persistent, answer of a commit lost), it
// runs run on a fresh store with the fault, heals the store, runs run again on
// the same store, as whoever got the error does, and then compares the whole
// store with that of a run without faults: leads, journal, tasks, decisions and
// the ledgers of the pools that leads name. run must be repeatable: the same
// submissions under the same keys as of the same times.
//
// It returns how many runs with a fault there were.
func Sweep(t *testing.T, fresh func(t testing.TB) store.Store, run func(ctx context.Context, s store.Store) error) int {
	t.Helper()
	ctx := t.Context()
	whole := fresh(t)
	if err := run(ctx, whole); err != nil {
		t.Fatalf("without faults: %v", err)
	}
	want := snapshot(ctx, t, whole)
	kinds := []struct {
		name  string
		fault Fault
	}{
		{"transient", Fault{}},
		{"persistent", Fault{Persistent: true}},
		{"answer of the commit lost", Fault{AnswerLost: true}},
	}
	runs := 0
	for _, kind := range kinds {
		for n := 0; ; n++ {
			kind.fault.Call = n
			inner := fresh(t)
			faulty := NewFaulty(inner, kind.fault)
			err := run(ctx, faulty)
			calls, fired := faulty.Calls()
			if !fired {
				if err != nil {
					t.Errorf("%s, %d calls, none of them failed: %v", kind.name, calls, err)
				}
				break
			}
			runs++
			faulty.Heal()
			// A run may have taken the fault in its stride; again changes nothing then.
			if err := run(ctx, faulty); err != nil {
				t.Errorf("%s fault in call %d: the second run fails: %v", kind.name, n, err)
			}
			if diff := diffSnapshots(want, snapshot(ctx, t, inner)); diff != "" {
				t.Errorf("%s fault in call %d: the store is not that of a run without faults (-without +with):\n%s", kind.name, n, diff)
			}
			if err := inner.Close(); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				return runs
			}
		}
	}
	return runs
}

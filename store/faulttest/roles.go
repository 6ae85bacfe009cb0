package faulttest

import (
	"context"
	"iter"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// watchedTx announces the calls of every role.
type watchedTx struct {
	store.Tx
	s *Watched
}

func (t watchedTx) Leads() store.Leads         { return watchedLeads{t.Tx.Leads(), t.s} }
func (t watchedTx) CRM() store.CRM             { return watchedCRM{t.Tx.CRM(), t.s} }
func (t watchedTx) Journal() store.Journal     { return watchedJournal{t.Tx.Journal(), t.s} }
func (t watchedTx) Decisions() store.Decisions { return watchedDecisions{t.Tx.Decisions(), t.s} }
func (t watchedTx) Keys() store.Keys           { return watchedKeys{t.Tx.Keys(), t.s} }
func (t watchedTx) Tasks() store.Tasks         { return watchedTasks{t.Tx.Tasks(), t.s} }
func (t watchedTx) Rotations() store.Rotations { return watchedRotations{t.Tx.Rotations(), t.s} }
func (t watchedTx) Cache() store.Cache         { return watchedCache{t.Tx.Cache(), t.s} }
func (t watchedTx) Costs() store.Costs         { return watchedCosts{t.Tx.Costs(), t.s} }
func (t watchedTx) Suppressions() store.Suppressions {
	return watchedSuppressions{t.Tx.Suppressions(), t.s}
}
func (t watchedTx) Consents() store.Consents   { return watchedConsents{t.Tx.Consents(), t.s} }
func (t watchedTx) Playbooks() store.Playbooks { return watchedPlaybooks{t.Tx.Playbooks(), t.s} }

// Trim is a call as any other.
func (t watchedTx) Trim(ctx context.Context, before time.Time, limit int) (store.Trimmed, error) {
	return tryFor(t.s, "Trim", func() (store.Trimmed, error) { return store.Trim(ctx, t.Tx, before, limit) })
}

// try makes a call unless it is to fail.
func try(s *Watched, point string, call func() error) error {
	if err := s.at(point); err != nil {
		return err
	}
	return call()
}

func tryFor[T any](s *Watched, point string, call func() (T, error)) (T, error) {
	if err := s.at(point); err != nil {
		var none T
		return none, err
	}
	return call()
}

func trySeq[T any](s *Watched, point string, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := s.at(point); err != nil {
			var none T
			yield(none, err)
			return
		}
		all(yield)
	}
}

type watchedLeads struct {
	r store.Leads
	s *Watched
}

func (f watchedLeads) Get(ctx context.Context, id leadloop.LeadID) (*leadloop.Lead, error) {
	return tryFor(f.s, "Leads.Get", func() (*leadloop.Lead, error) { return f.r.Get(ctx, id) })
}

func (f watchedLeads) Put(ctx context.Context, l *leadloop.Lead) (int64, error) {
	return tryFor(f.s, "Leads.Put", func() (int64, error) { return f.r.Put(ctx, l) })
}

func (f watchedLeads) Match(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.LeadID, error) {
	return tryFor(f.s, "Leads.Match", func() ([]leadloop.LeadID, error) { return f.r.Match(ctx, ids) })
}

func (f watchedLeads) List(ctx context.Context, after leadloop.LeadID, limit int) ([]*leadloop.Lead, error) {
	return tryFor(f.s, "Leads.List", func() ([]*leadloop.Lead, error) { return f.r.List(ctx, after, limit) })
}

func (f watchedLeads) Workload(ctx context.Context, owner leadloop.RepID, asOf time.Time) (store.Workload, error) {
	return tryFor(f.s, "Leads.Workload", func() (store.Workload, error) { return f.r.Workload(ctx, owner, asOf) })
}

func (f watchedLeads) Delete(ctx context.Context, id leadloop.LeadID) error {
	return try(f.s, "Leads.Delete", func() error { return f.r.Delete(ctx, id) })
}

type watchedCRM struct {
	r store.CRM
	s *Watched
}

func (f watchedCRM) Account(ctx context.Context, id leadloop.AccountID) (leadloop.Account, error) {
	return tryFor(f.s, "CRM.Account", func() (leadloop.Account, error) { return f.r.Account(ctx, id) })
}

func (f watchedCRM) PutAccount(ctx context.Context, a leadloop.Account) error {
	return try(f.s, "CRM.PutAccount", func() error { return f.r.PutAccount(ctx, a) })
}

func (f watchedCRM) MatchAccounts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Account, error) {
	return tryFor(f.s, "CRM.MatchAccounts", func() ([]leadloop.Account, error) { return f.r.MatchAccounts(ctx, ids) })
}

func (f watchedCRM) Contact(ctx context.Context, id leadloop.ContactID) (leadloop.Contact, error) {
	return tryFor(f.s, "CRM.Contact", func() (leadloop.Contact, error) { return f.r.Contact(ctx, id) })
}

func (f watchedCRM) PutContact(ctx context.Context, c leadloop.Contact) error {
	return try(f.s, "CRM.PutContact", func() error { return f.r.PutContact(ctx, c) })
}

func (f watchedCRM) MatchContacts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Contact, error) {
	return tryFor(f.s, "CRM.MatchContacts", func() ([]leadloop.Contact, error) { return f.r.MatchContacts(ctx, ids) })
}

func (f watchedCRM) PutOpportunity(ctx context.Context, o leadloop.Opportunity) error {
	return try(f.s, "CRM.PutOpportunity", func() error { return f.r.PutOpportunity(ctx, o) })
}

func (f watchedCRM) Opportunities(ctx context.Context, account leadloop.AccountID) ([]leadloop.Opportunity, error) {
	return tryFor(f.s, "CRM.Opportunities", func() ([]leadloop.Opportunity, error) { return f.r.Opportunities(ctx, account) })
}

func (f watchedCRM) OpportunitiesOf(ctx context.Context, leads ...leadloop.LeadID) ([]leadloop.Opportunity, error) {
	return tryFor(f.s, "CRM.OpportunitiesOf", func() ([]leadloop.Opportunity, error) { return f.r.OpportunitiesOf(ctx, leads...) })
}

func (f watchedCRM) PutRep(ctx context.Context, r leadloop.Rep) error {
	return try(f.s, "CRM.PutRep", func() error { return f.r.PutRep(ctx, r) })
}

func (f watchedCRM) Reps(ctx context.Context) ([]leadloop.Rep, error) {
	return tryFor(f.s, "CRM.Reps", func() ([]leadloop.Rep, error) { return f.r.Reps(ctx) })
}

type watchedJournal struct {
	r store.Journal
	s *Watched
}

func (f watchedJournal) Append(ctx context.Context, events ...leadloop.Event) error {
	return try(f.s, "Journal.Append", func() error { return f.r.Append(ctx, events...) })
}

func (f watchedJournal) ByLead(ctx context.Context, id leadloop.LeadID) iter.Seq2[leadloop.Event, error] {
	return trySeq(f.s, "Journal.ByLead", f.r.ByLead(ctx, id))
}

func (f watchedJournal) Since(ctx context.Context, seq int64) iter.Seq2[leadloop.Event, error] {
	return trySeq(f.s, "Journal.Since", f.r.Since(ctx, seq))
}

type watchedDecisions struct {
	r store.Decisions
	s *Watched
}

func (f watchedDecisions) Put(ctx context.Context, d leadloop.Decision) error {
	return try(f.s, "Decisions.Put", func() error { return f.r.Put(ctx, d) })
}

func (f watchedDecisions) Latest(ctx context.Context, id leadloop.LeadID) (leadloop.Decision, error) {
	return tryFor(f.s, "Decisions.Latest", func() (leadloop.Decision, error) { return f.r.Latest(ctx, id) })
}

func (f watchedDecisions) ByLead(ctx context.Context, id leadloop.LeadID) ([]leadloop.Decision, error) {
	return tryFor(f.s, "Decisions.ByLead", func() ([]leadloop.Decision, error) { return f.r.ByLead(ctx, id) })
}

func (f watchedDecisions) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	return try(f.s, "Decisions.DeleteLead", func() error { return f.r.DeleteLead(ctx, id) })
}

type watchedKeys struct {
	r store.Keys
	s *Watched
}

func (f watchedKeys) Claim(ctx context.Context, key string, id leadloop.LeadID) (bound leadloop.LeadID, claimed bool, err error) {
	err = try(f.s, "Keys.Claim", func() (err error) {
		bound, claimed, err = f.r.Claim(ctx, key, id)
		return err
	})
	return bound, claimed, err
}

func (f watchedKeys) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	return try(f.s, "Keys.DeleteLead", func() error { return f.r.DeleteLead(ctx, id) })
}

func (f watchedKeys) Lookup(ctx context.Context, key string) (leadloop.LeadID, error) {
	return tryFor(f.s, "Keys.Lookup", func() (leadloop.LeadID, error) { return f.r.Lookup(ctx, key) })
}

type watchedTasks struct {
	r store.Tasks
	s *Watched
}

func (f watchedTasks) Add(ctx context.Context, tasks ...leadloop.Task) error {
	return try(f.s, "Tasks.Add", func() error { return f.r.Add(ctx, tasks...) })
}

func (f watchedTasks) Lease(ctx context.Context, now time.Time, hold time.Duration, limit int, kinds ...string) ([]leadloop.Task, error) {
	return tryFor(f.s, "Tasks.Lease", func() ([]leadloop.Task, error) { return f.r.Lease(ctx, now, hold, limit, kinds...) })
}

func (f watchedTasks) Finish(ctx context.Context, t leadloop.Task, state leadloop.TaskState) error {
	return try(f.s, "Tasks.Finish", func() error { return f.r.Finish(ctx, t, state) })
}

func (f watchedTasks) Cancel(ctx context.Context, keys ...string) error {
	return try(f.s, "Tasks.Cancel", func() error { return f.r.Cancel(ctx, keys...) })
}

func (f watchedTasks) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	return try(f.s, "Tasks.DeleteLead", func() error { return f.r.DeleteLead(ctx, id) })
}

func (f watchedTasks) Count(ctx context.Context) ([]store.TaskCount, error) {
	return tryFor(f.s, "Tasks.Count", func() ([]store.TaskCount, error) { return f.r.Count(ctx) })
}

func (f watchedTasks) Get(ctx context.Context, key string) (leadloop.Task, error) {
	return tryFor(f.s, "Tasks.Get", func() (leadloop.Task, error) { return f.r.Get(ctx, key) })
}

func (f watchedTasks) ByLead(ctx context.Context, id leadloop.LeadID) ([]leadloop.Task, error) {
	return tryFor(f.s, "Tasks.ByLead", func() ([]leadloop.Task, error) { return f.r.ByLead(ctx, id) })
}

func (f watchedTasks) ByState(ctx context.Context, state leadloop.TaskState) iter.Seq2[leadloop.Task, error] {
	return trySeq(f.s, "Tasks.ByState", f.r.ByState(ctx, state))
}

func (f watchedTasks) NextDue(ctx context.Context, kinds ...string) (at time.Time, ok bool, err error) {
	err = try(f.s, "Tasks.NextDue", func() (err error) {
		at, ok, err = f.r.NextDue(ctx, kinds...)
		return err
	})
	return at, ok, err
}

type watchedRotations struct {
	r store.Rotations
	s *Watched
}

func (f watchedRotations) Get(ctx context.Context, pool string) (store.Rotation, error) {
	return tryFor(f.s, "Rotations.Get", func() (store.Rotation, error) { return f.r.Get(ctx, pool) })
}

func (f watchedRotations) Move(ctx context.Context, m leadloop.LedgerMove) error {
	return try(f.s, "Rotations.Move", func() error { return f.r.Move(ctx, m) })
}

type watchedCache struct {
	r store.Cache
	s *Watched
}

func (f watchedCache) Get(ctx context.Context, key string, now time.Time) (e store.CacheEntry, found bool, err error) {
	err = try(f.s, "Cache.Get", func() (err error) {
		e, found, err = f.r.Get(ctx, key, now)
		return err
	})
	return e, found, err
}

func (f watchedCache) Put(ctx context.Context, e store.CacheEntry) error {
	return try(f.s, "Cache.Put", func() error { return f.r.Put(ctx, e) })
}

func (f watchedCache) ByLead(ctx context.Context, lead leadloop.LeadID) ([]store.CacheEntry, error) {
	return tryFor(f.s, "Cache.ByLead", func() ([]store.CacheEntry, error) { return f.r.ByLead(ctx, lead) })
}

func (f watchedCache) Purge(ctx context.Context, lead leadloop.LeadID, now time.Time) error {
	return try(f.s, "Cache.Purge", func() error { return f.r.Purge(ctx, lead, now) })
}

type watchedCosts struct {
	r store.Costs
	s *Watched
}

func (f watchedCosts) Add(ctx context.Context, c store.Cost) error {
	return try(f.s, "Costs.Add", func() error { return f.r.Add(ctx, c) })
}

func (f watchedCosts) Total(ctx context.Context, provider string, from, until time.Time) (leadloop.Micros, error) {
	return tryFor(f.s, "Costs.Total", func() (leadloop.Micros, error) { return f.r.Total(ctx, provider, from, until) })
}

func (f watchedCosts) Since(ctx context.Context, from time.Time) iter.Seq2[store.Cost, error] {
	return trySeq(f.s, "Costs.Since", f.r.Since(ctx, from))
}

type watchedSuppressions struct {
	r store.Suppressions
	s *Watched
}

func (f watchedSuppressions) Add(ctx context.Context, x store.Suppression) error {
	return try(f.s, "Suppressions.Add", func() error { return f.r.Add(ctx, x) })
}

func (f watchedSuppressions) Match(ctx context.Context, tokens []string) ([]store.Suppression, error) {
	return tryFor(f.s, "Suppressions.Match", func() ([]store.Suppression, error) { return f.r.Match(ctx, tokens) })
}

func (f watchedSuppressions) Remove(ctx context.Context, token string) error {
	return try(f.s, "Suppressions.Remove", func() error { return f.r.Remove(ctx, token) })
}

type watchedConsents struct {
	r store.Consents
	s *Watched
}

func (f watchedConsents) Add(ctx context.Context, x store.Consent) error {
	return try(f.s, "Consents.Add", func() error { return f.r.Add(ctx, x) })
}

func (f watchedConsents) Of(ctx context.Context, tokens []string) ([]store.Consent, error) {
	return tryFor(f.s, "Consents.Of", func() ([]store.Consent, error) { return f.r.Of(ctx, tokens) })
}

func (f watchedConsents) Delete(ctx context.Context, token string) error {
	return try(f.s, "Consents.Delete", func() error { return f.r.Delete(ctx, token) })
}

type watchedPlaybooks struct {
	r store.Playbooks
	s *Watched
}

func (f watchedPlaybooks) Put(ctx context.Context, digest string, files map[string][]byte) error {
	return try(f.s, "Playbooks.Put", func() error { return f.r.Put(ctx, digest, files) })
}

func (f watchedPlaybooks) Get(ctx context.Context, digest string) (map[string][]byte, error) {
	return tryFor(f.s, "Playbooks.Get", func() (map[string][]byte, error) { return f.r.Get(ctx, digest) })
}

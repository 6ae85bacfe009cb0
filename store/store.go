// Package store says what a loop needs from storage: small roles joined in one
// transaction.
//
// A host implements the roles that its CRM owns and takes the rest from a
// store of ours, in one transaction. Package storetest holds every sentence of
// these interfaces as a named test; memstore is the reference. A role does not
// validate business rules and never sees a CEL expression.
//
// Start with [Store]; for your own tables, with [Leads] and [CRM].
package store

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/leadloop/leadloop"
)

// Store runs transactions.
//
// View and Update call f once with a transaction and return f's error
// unchanged (wrapped at most). Update commits if f returns nil and otherwise
// leaves nothing written; a panic in f leaves nothing written either and goes
// on. What f wrote is visible to its own later reads, and to others only after
// the commit. All of View's reads see one moment; writes inside View fail. The
// Tx fails after f returned, and must not be used from two goroutines. Updates
// that commit come out as if they had run one after the other; one may return
// an error that wraps leadloop.ErrConflict when concurrent transactions got in
// each other's way: the caller decides anew. Calls after Close return
// an error that wraps [ErrClosed]; a store that can't be reached returns one that
// wraps leadloop.ErrUnavailable. A done ctx ends the call with ctx's error and nothing written.
// A Store is safe for concurrent use.
type Store interface {
	View(ctx context.Context, f func(tx Tx) error) error
	Update(ctx context.Context, f func(tx Tx) error) error
	// Capabilities says what the store can promise; a loop refuses at
	// construction what it can't work with.
	Capabilities() Capabilities
	Close() error
}

// ErrClosed reports that a store was closed; it wraps leadloop.ErrUnavailable. To
// try again helps where a store can't be reached for a while, and not here.
var ErrClosed = fmt.Errorf("%w: the store is closed", leadloop.ErrUnavailable)

// Capabilities are what a store may lack. The zero value promises nothing.
type Capabilities struct {
	// Transactions: Update is all or nothing.
	Transactions bool
	// Revisions: Leads.Put and Rotations.Move refuse stale revisions.
	Revisions bool
	// Durable: what Update committed survives the process.
	Durable bool
}

// Tx joins the roles. Slices and pointers that a role returns belong to the
// caller; those it is given are neither kept nor modified.
//
// What is stored comes back as it was: times as the same instant in UTC, to
// the nanosecond, from the year 1 to 9999, zero times as zero; strings and raw
// JSON byte for byte. Only an empty slice or map may come back as nil. Strings
// are valid UTF-8 without NUL; they are told apart and ordered byte by byte. A
// limit of 0 or less returns nothing. While a caller ranges over an iterator
// it may make other calls; what it writes meanwhile may or may not be yielded.
type Tx interface {
	Leads() Leads
	CRM() CRM
	Journal() Journal
	Decisions() Decisions
	Keys() Keys
	Tasks() Tasks
	Rotations() Rotations
	Cache() Cache
	Costs() Costs
	Suppressions() Suppressions
	Consents() Consents
	Playbooks() Playbooks
}

// Leads keeps leads with their revision.
type Leads interface {
	// Get returns the lead as stored, merged or not; ErrNotFound if there is
	// none.
	Get(ctx context.Context, id leadloop.LeadID) (*leadloop.Lead, error)
	// Put stores l and returns its new revision, l.Revision+1. A lead whose
	// Revision is 0 must be new. ErrConflict if the stored revision differs
	// from l.Revision (or the new id exists).
	Put(ctx context.Context, l *leadloop.Lead) (revision int64, err error)
	// Match returns the ids of the leads that have one of the identifiers and
	// are not merged away, each once, in id order.
	Match(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.LeadID, error)
	// List returns up to limit leads with an id greater than after, in id
	// order, merged ones included. It returns fewer only at the end.
	List(ctx context.Context, after leadloop.LeadID, limit int) ([]*leadloop.Lead, error)
	// Workload returns what an owner has: see [Workload].
	Workload(ctx context.Context, owner leadloop.RepID, asOf time.Time) (Workload, error)
	// Delete removes the lead; ErrNotFound if there is none.
	Delete(ctx context.Context, id leadloop.LeadID) error
}

// Workload is how much a rep has to do.
type Workload struct {
	// Open counts leads owned by the rep whose disposition is assigned and
	// that are not merged away.
	Open int
	// Day and Week count leads owned by the rep that are not merged away,
	// whatever their disposition, with OwnerSince up to and including asOf and
	// less than 24 hours or 7 days before it.
	Day, Week int
}

// CRM is the host's side: accounts, contacts, opportunities, reps. Get methods
// return ErrNotFound. Put methods insert or replace by id.
type CRM interface {
	Account(ctx context.Context, id leadloop.AccountID) (leadloop.Account, error)
	PutAccount(ctx context.Context, a leadloop.Account) error
	// MatchAccounts returns the accounts that have one of the identifiers,
	// each once, in id order. MatchContacts does the same for contacts.
	MatchAccounts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Account, error)

	Contact(ctx context.Context, id leadloop.ContactID) (leadloop.Contact, error)
	PutContact(ctx context.Context, c leadloop.Contact) error
	MatchContacts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Contact, error)

	PutOpportunity(ctx context.Context, o leadloop.Opportunity) error
	// Opportunities returns an account's opportunities in id order; of all
	// accounts if the account is "".
	Opportunities(ctx context.Context, account leadloop.AccountID) ([]leadloop.Opportunity, error)
	// OpportunitiesOf returns those that came from any of the leads, whatever
	// account they are at, each once, in id order. Those that came from no lead
	// are never among them, not even for a lead "".
	OpportunitiesOf(ctx context.Context, leads ...leadloop.LeadID) ([]leadloop.Opportunity, error)

	PutRep(ctx context.Context, r leadloop.Rep) error
	// Reps returns all reps in id order.
	Reps(ctx context.Context) ([]leadloop.Rep, error)
}

// Journal is append-only history.
type Journal interface {
	// Append adds events in the order given; their Seq is ignored and given
	// anew, increasing in commit order, gaps allowed.
	Append(ctx context.Context, events ...leadloop.Event) error
	// ByLead yields a lead's events in Seq order.
	ByLead(ctx context.Context, id leadloop.LeadID) iter.Seq2[leadloop.Event, error]
	// Since yields all events with Seq greater than seq, in Seq order.
	Since(ctx context.Context, seq int64) iter.Seq2[leadloop.Event, error]
}

// Decisions keeps decision records.
type Decisions interface {
	// Put stores d; it replaces a record of the same lead and revision.
	Put(ctx context.Context, d leadloop.Decision) error
	// Latest returns the record with the highest revision; ErrNotFound if
	// there is none.
	Latest(ctx context.Context, id leadloop.LeadID) (leadloop.Decision, error)
	// ByLead returns all records of a lead, oldest revision first.
	ByLead(ctx context.Context, id leadloop.LeadID) ([]leadloop.Decision, error)
	// DeleteLead removes them; removing none is no error.
	DeleteLead(ctx context.Context, id leadloop.LeadID) error
}

// Keys keeps idempotency keys. A key is claimed in the transaction of its
// effect, never before.
type Keys interface {
	// Claim binds key to the lead and reports true, or reports false with the
	// lead that the key was bound to before. Two concurrent transactions that
	// claim one key never both commit with true.
	Claim(ctx context.Context, key string, id leadloop.LeadID) (bound leadloop.LeadID, claimed bool, err error)
	// Lookup returns the lead a key is bound to; ErrNotFound if none.
	Lookup(ctx context.Context, key string) (leadloop.LeadID, error)
	// DeleteLead frees the keys that are bound to a lead, of which a host may
	// have made one from a person; freeing none is no error.
	DeleteLead(ctx context.Context, id leadloop.LeadID) error
}

// Tasks is outbox and timers in one. Times are given by the caller.
type Tasks interface {
	// Add stores new tasks as pending and never leased, whatever they say; one
	// whose key exists changes nothing, whatever state that one is in.
	Add(ctx context.Context, tasks ...leadloop.Task) error
	// Lease hands out up to limit tasks that are pending, due at now and not
	// leased beyond now, highest priority first, then earliest due, then by
	// key. Each comes with Lease and Attempts increased by one and
	// LeasedUntil = now + hold. Only the kinds given; no kinds means all.
	Lease(ctx context.Context, now time.Time, hold time.Duration, limit int, kinds ...string) ([]leadloop.Task, error)
	// Finish ends a leased task as done, cancelled or dead, or makes it
	// pending again at t.DueAt; either way with t.LastError and no longer
	// leased. ErrConflict if t.Lease is not the latest lease, or 0;
	// ErrNotFound if there is no such task; ErrInvalid for another state. A
	// task that was cancelled or finished before stays as it is.
	Finish(ctx context.Context, t leadloop.Task, state leadloop.TaskState) error
	// Cancel cancels the pending tasks among keys, leased or not; others are
	// left alone.
	Cancel(ctx context.Context, keys ...string) error
	// Get returns a task; ErrNotFound if there is none.
	Get(ctx context.Context, key string) (leadloop.Task, error)
	// ByLead returns a lead's tasks by due time, then key; "" means all leads.
	ByLead(ctx context.Context, id leadloop.LeadID) ([]leadloop.Task, error)
	// ByState yields the tasks in a state by key. It looks at all tasks: it is for
	// people.
	ByState(ctx context.Context, state leadloop.TaskState) iter.Seq2[leadloop.Task, error]
	// DeleteLead removes a lead's tasks in every state, leased or not; removing
	// none is no error.
	DeleteLead(ctx context.Context, id leadloop.LeadID) error
	// Count returns how many tasks there are of each kind and state, by kind, then
	// state. It looks at all of them: it is for people and gauges.
	Count(ctx context.Context) ([]TaskCount, error)
	// NextDue returns the earliest time at which Lease would hand out a task
	// of the kinds, and false if there is none.
	NextDue(ctx context.Context, kinds ...string) (time.Time, bool, error)
}

// TaskCount is how many tasks there are of a kind in a state.
type TaskCount struct {
	Kind  string             `json:"kind"`
	State leadloop.TaskState `json:"state"`
	N     int                `json:"n"`
	// Due is the earliest time at which one of them was or is due.
	Due time.Time `json:"due"`
}

// Rotations keeps the entitlement ledger of each pool.
type Rotations interface {
	// Get returns a pool's ledger; of a pool never used, one with Revision 0
	// and no members.
	Get(ctx context.Context, pool string) (Rotation, error)
	// Move applies deltas, increases the revision by one, and stamps the
	// receiver's LastAt and counts it. A member that was not there joins at 0.
	// ErrInvalid if m.Check refuses it; ErrConflict if m.Revision is not the
	// pool's. It keeps nothing of m, and writes nothing to it.
	Move(ctx context.Context, m leadloop.LedgerMove) error
}

// Rotation is the ledger of one pool; its balances sum to 0.
type Rotation struct {
	Pool     string
	Revision int64
	Balances []Balance // ordered by member
}

// Balance is what one member is owed.
type Balance struct {
	Member leadloop.RepID
	Owed   leadloop.Owed
	// Count is how many leads the member got, LastAt when the latest.
	Count  int64
	LastAt time.Time
}

// Cache keeps what was paid for.
type Cache interface {
	// Get returns the entry and true if there is one that expires after now.
	Get(ctx context.Context, key string, now time.Time) (CacheEntry, bool, error)
	// Put stores or replaces an entry.
	Put(ctx context.Context, e CacheEntry) error
	// ByLead returns the entries that were bought for a lead, in key order, also
	// those that have expired and are not purged yet.
	ByLead(ctx context.Context, lead leadloop.LeadID) ([]CacheEntry, error)
	// Purge removes the entries of a lead, or with lead "" those that expired
	// at or before now.
	Purge(ctx context.Context, lead leadloop.LeadID, now time.Time) error
}

// CacheEntry is one provider answer.
type CacheEntry struct {
	// Key must not contain personal data in clear: hash it.
	Key       string
	Lead      leadloop.LeadID // the lead it was bought for
	Data      []byte
	ExpiresAt time.Time
}

// Costs is the ledger of money spent on providers.
type Costs interface {
	Add(ctx context.Context, c Cost) error
	// Total sums the amounts with From <= At < Until, of one provider or of
	// all if provider is "".
	Total(ctx context.Context, provider string, from, until time.Time) (leadloop.Micros, error)
	// Since yields all costs at or after from, by time, then insertion.
	Since(ctx context.Context, from time.Time) iter.Seq2[Cost, error]
}

// Cost is what one provider call cost.
type Cost struct {
	Provider string
	Lead     leadloop.LeadID
	At       time.Time
	Amount   leadloop.Micros
	// Fields are the field names the call answered; Matched whether it did.
	Fields  []string
	Matched bool
}

// Suppressions keeps keyed tokens of people and companies that must not be
// contacted. The raw identifier is never kept.
type Suppressions interface {
	// Add stores or replaces by token.
	Add(ctx context.Context, s Suppression) error
	// Match returns those of the tokens that are suppressed, in token order.
	Match(ctx context.Context, tokens []string) ([]Suppression, error)
	// Remove deletes a token; removing none is no error.
	Remove(ctx context.Context, token string) error
}

// Suppression says why a token must not be contacted.
type Suppression struct {
	Token  string    `json:"token"`  // see privacy.Tokens
	Reason string    `json:"reason"` // a code: opted_out, bounced, competitor, erased, manual
	At     time.Time `json:"at"`
}

// Consents is the ledger of what people allowed and took back, by keyed token
// of the person. It is append-only but for erasure.
type Consents interface {
	// Add appends an entry.
	Add(ctx context.Context, c Consent) error
	// Of returns the entries of any of the tokens, by time, then in the order in
	// which they were added.
	Of(ctx context.Context, tokens []string) ([]Consent, error)
	// Delete removes all entries of a token; removing none is no error.
	Delete(ctx context.Context, token string) error
}

// Consent is one entry of the ledger.
type Consent = leadloop.ConsentEntry

// Playbooks keeps the playbooks that decisions were made by, so that they can
// be replayed.
type Playbooks interface {
	// Put stores files by digest; storing a digest again changes nothing.
	Put(ctx context.Context, digest string, files map[string][]byte) error
	// Get returns the files; ErrNotFound if there are none.
	Get(ctx context.Context, digest string) (map[string][]byte, error)
}

// Resolve returns the lead that id became part of, following merges.
func Resolve(ctx context.Context, leads Leads, id leadloop.LeadID) (*leadloop.Lead, error) {
	for {
		l, err := leads.Get(ctx, id)
		if err != nil || l.MergedInto == "" {
			return l, err
		}
		id = l.MergedInto
	}
}

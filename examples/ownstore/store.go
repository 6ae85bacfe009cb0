package main

import (
	"context"
	"maps"
	"sync"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// Store joins a CRM that the host owns with a store of ours for everything
// else, in one transaction. The host's tables are Go maps here; over a database
// both sides would share its transaction, and most of this file would go away.
type Store struct {
	rest *memstore.Store

	mu  sync.RWMutex // held for writing while both sides commit
	crm *tables      // as of the latest commit; never changed in place
}

// tables is the host's side.
type tables struct {
	accounts      map[leadloop.AccountID]leadloop.Account
	contacts      map[leadloop.ContactID]leadloop.Contact
	opportunities map[leadloop.OpportunityID]leadloop.Opportunity
	reps          map[leadloop.RepID]leadloop.Rep
}

func (t *tables) clone() *tables {
	return &tables{maps.Clone(t.accounts), maps.Clone(t.contacts), maps.Clone(t.opportunities), maps.Clone(t.reps)}
}

var _ store.Store = (*Store)(nil)

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{rest: memstore.New(), crm: &tables{
		accounts:      map[leadloop.AccountID]leadloop.Account{},
		contacts:      map[leadloop.ContactID]leadloop.Contact{},
		opportunities: map[leadloop.OpportunityID]leadloop.Opportunity{},
		reps:          map[leadloop.RepID]leadloop.Rep{},
	}}
}

// tx answers the roles that the host owns and passes the others on.
type tx struct {
	store.Tx
	crm *crm
}

func (t tx) CRM() store.CRM { return t.crm }

// View shows both sides as of one moment: while the read lock is held nobody
// commits, and our store takes its snapshot before it calls f.
func (s *Store) View(ctx context.Context, f func(store.Tx) error) error {
	s.mu.RLock()
	release := sync.OnceFunc(s.mu.RUnlock)
	defer release()
	return s.rest.View(ctx, func(rest store.Tx) error {
		t := tx{rest, &crm{tables: s.crm, readonly: true}}
		release()
		defer t.crm.end()
		return f(t)
	})
}

// Update commits both sides or neither. The lock is taken when f is done and
// given back when our store has committed, so that nobody sees one without the
// other; our store lets one Update in at a time.
func (s *Store) Update(ctx context.Context, f func(store.Tx) error) error {
	var draft *crm
	locked := false
	defer func() {
		if locked {
			s.mu.Unlock()
		}
	}()
	err := s.rest.Update(ctx, func(rest store.Tx) error {
		// Waits until the Update before this one has committed its CRM too.
		s.mu.RLock()
		draft = &crm{tables: s.crm}
		s.mu.RUnlock()
		defer draft.end()
		if err := f(tx{rest, draft}); err != nil {
			return err
		}
		s.mu.Lock()
		locked = true
		return nil
	})
	if err == nil {
		s.crm = draft.tables
	}
	return err
}

// Capabilities are those of our store: the host's side holds the same.
func (s *Store) Capabilities() store.Capabilities { return s.rest.Capabilities() }

// Close ends the store.
func (s *Store) Close() error { return s.rest.Close() }

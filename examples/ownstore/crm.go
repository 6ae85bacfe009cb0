package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// crm is the host's role in one transaction.
type crm struct {
	tables   *tables
	readonly bool
	written  bool // tables is a copy of our own
	over     atomic.Bool
}

var _ store.CRM = (*crm)(nil)

func (c *crm) end() { c.over.Store(true) }

// read gives the tables to read from.
func (c *crm) read(ctx context.Context) (*tables, error) {
	if c.over.Load() {
		return nil, fmt.Errorf("crm: %w: the transaction is over", leadloop.ErrInvalid)
	}
	return c.tables, ctx.Err()
}

// write gives the tables to write to: a copy, made at the first write.
func (c *crm) write(ctx context.Context) (*tables, error) {
	if c.readonly {
		return nil, fmt.Errorf("crm: %w: a View can't write", leadloop.ErrInvalid)
	}
	if _, err := c.read(ctx); err != nil {
		return nil, err
	}
	if !c.written {
		c.tables, c.written = c.tables.clone(), true
	}
	return c.tables, nil
}

func (c *crm) Account(ctx context.Context, id leadloop.AccountID) (leadloop.Account, error) {
	t, err := c.read(ctx)
	if err != nil {
		return leadloop.Account{}, err
	}
	a, ok := t.accounts[id]
	if !ok {
		return leadloop.Account{}, fmt.Errorf("crm: account %s: %w", id, leadloop.ErrNotFound)
	}
	return ownAccount(a), nil
}

func (c *crm) PutAccount(ctx context.Context, a leadloop.Account) error {
	t, err := c.write(ctx)
	if err == nil {
		t.accounts[a.ID] = ownAccount(a)
	}
	return err
}

// MatchAccounts looks at every account; a database has an index for it.
func (c *crm) MatchAccounts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Account, error) {
	t, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	var out []leadloop.Account
	for _, id := range slices.Sorted(maps.Keys(t.accounts)) {
		if a := t.accounts[id]; haveOneOf(a.Identifiers, ids) {
			out = append(out, ownAccount(a))
		}
	}
	return out, nil
}

func haveOneOf(have, ids []leadloop.Identifier) bool {
	return slices.ContainsFunc(have, func(i leadloop.Identifier) bool { return slices.Contains(ids, i) })
}

func (c *crm) Contact(ctx context.Context, id leadloop.ContactID) (leadloop.Contact, error) {
	t, err := c.read(ctx)
	if err != nil {
		return leadloop.Contact{}, err
	}
	k, ok := t.contacts[id]
	if !ok {
		return leadloop.Contact{}, fmt.Errorf("crm: contact %s: %w", id, leadloop.ErrNotFound)
	}
	return ownContact(k), nil
}

func (c *crm) PutContact(ctx context.Context, k leadloop.Contact) error {
	t, err := c.write(ctx)
	if err == nil {
		t.contacts[k.ID] = ownContact(k)
	}
	return err
}

func (c *crm) MatchContacts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Contact, error) {
	t, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	var out []leadloop.Contact
	for _, id := range slices.Sorted(maps.Keys(t.contacts)) {
		if k := t.contacts[id]; haveOneOf(k.Identifiers, ids) {
			out = append(out, ownContact(k))
		}
	}
	return out, nil
}

func (c *crm) PutOpportunity(ctx context.Context, o leadloop.Opportunity) error {
	t, err := c.write(ctx)
	if err == nil {
		o.CreatedAt, o.ClosedAt = instant(o.CreatedAt), instant(o.ClosedAt)
		t.opportunities[o.ID] = o
	}
	return err
}

func (c *crm) Opportunities(ctx context.Context, account leadloop.AccountID) ([]leadloop.Opportunity, error) {
	t, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	var out []leadloop.Opportunity
	for _, id := range slices.Sorted(maps.Keys(t.opportunities)) {
		if o := t.opportunities[id]; account == "" || o.Account == account {
			out = append(out, o)
		}
	}
	return out, nil
}

func (c *crm) OpportunitiesOf(ctx context.Context, leads ...leadloop.LeadID) ([]leadloop.Opportunity, error) {
	all, err := c.Opportunities(ctx, "")
	return slices.DeleteFunc(all, func(o leadloop.Opportunity) bool { return o.Lead == "" || !slices.Contains(leads, o.Lead) }), err
}

func (c *crm) PutRep(ctx context.Context, r leadloop.Rep) error {
	t, err := c.write(ctx)
	if err == nil {
		t.reps[r.ID] = ownRep(r)
	}
	return err
}

func (c *crm) Reps(ctx context.Context) ([]leadloop.Rep, error) {
	t, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	var out []leadloop.Rep
	for _, id := range slices.Sorted(maps.Keys(t.reps)) {
		out = append(out, ownRep(t.reps[id]))
	}
	return out, nil
}

// What goes in and out is a copy of its own, with times in UTC.

func ownAccount(a leadloop.Account) leadloop.Account {
	a.Domains, a.Identifiers = slices.Clone(a.Domains), slices.Clone(a.Identifiers)
	return a
}

func ownContact(k leadloop.Contact) leadloop.Contact {
	k.Identifiers = slices.Clone(k.Identifiers)
	return k
}

func ownRep(r leadloop.Rep) leadloop.Rep {
	r.Languages, r.Skills, r.Away = slices.Clone(r.Languages), slices.Clone(r.Skills), slices.Clone(r.Away)
	for i, a := range r.Away {
		r.Away[i] = leadloop.Absence{From: instant(a.From), Until: instant(a.Until)}
	}
	return r
}

func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Round(0).UTC()
}

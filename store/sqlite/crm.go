package sqlite

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

type crm struct{ *tx }

func (t crm) Account(ctx context.Context, id leadloop.AccountID) (leadloop.Account, error) {
	if err := t.reading(ctx); err != nil {
		return leadloop.Account{}, err
	}
	return one[leadloop.Account](ctx, t.tx, "account", "SELECT document FROM accounts WHERE id = ?1", string(id))
}

func (t crm) PutAccount(ctx context.Context, a leadloop.Account) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	old, err := accountIdentifiers.of(ctx, t.tx, string(a.ID))
	if err != nil {
		return err
	}
	if err := t.put(ctx, "account", string(a.ID), `INSERT INTO accounts (id, document) VALUES (?1, ?2)
		ON CONFLICT DO UPDATE SET document = excluded.document`, a); err != nil {
		return err
	}
	return accountIdentifiers.replace(ctx, t.tx, string(a.ID), old, a.Identifiers)
}

func (t crm) MatchAccounts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Account, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	found, err := accountIdentifiers.match(ctx, t.tx, ids)
	if err != nil {
		return nil, err
	}
	var all []leadloop.Account
	for _, id := range found {
		a, err := t.Account(ctx, leadloop.AccountID(id))
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func (t crm) Contact(ctx context.Context, id leadloop.ContactID) (leadloop.Contact, error) {
	if err := t.reading(ctx); err != nil {
		return leadloop.Contact{}, err
	}
	return one[leadloop.Contact](ctx, t.tx, "contact", "SELECT document FROM contacts WHERE id = ?1", string(id))
}

func (t crm) PutContact(ctx context.Context, c leadloop.Contact) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	old, err := contactIdentifiers.of(ctx, t.tx, string(c.ID))
	if err != nil {
		return err
	}
	if err := t.put(ctx, "contact", string(c.ID), `INSERT INTO contacts (id, document) VALUES (?1, ?2)
		ON CONFLICT DO UPDATE SET document = excluded.document`, c); err != nil {
		return err
	}
	return contactIdentifiers.replace(ctx, t.tx, string(c.ID), old, c.Identifiers)
}

func (t crm) MatchContacts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Contact, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	found, err := contactIdentifiers.match(ctx, t.tx, ids)
	if err != nil {
		return nil, err
	}
	var all []leadloop.Contact
	for _, id := range found {
		c, err := t.Contact(ctx, leadloop.ContactID(id))
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func (t crm) PutOpportunity(ctx context.Context, o leadloop.Opportunity) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	o = store.OpportunityInUTC(o)
	return t.put(ctx, "opportunity", string(o.ID), `INSERT INTO opportunities (id, document, account) VALUES (?1, ?2, ?3)
		ON CONFLICT DO UPDATE SET document = excluded.document, account = excluded.account`, o, string(o.Account))
}

func (t crm) Opportunities(ctx context.Context, account leadloop.AccountID) ([]leadloop.Opportunity, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	if account == "" {
		return many[leadloop.Opportunity](ctx, t.tx, "an opportunity", "SELECT document FROM opportunities ORDER BY id")
	}
	return many[leadloop.Opportunity](ctx, t.tx, "an opportunity", "SELECT document FROM opportunities WHERE account = ?1 ORDER BY id", string(account))
}

func (t crm) OpportunitiesOf(ctx context.Context, leads ...leadloop.LeadID) ([]leadloop.Opportunity, error) {
	if err := t.reading(ctx); err != nil || len(leads) == 0 {
		return nil, err
	}
	ids, err := json.Marshal(leads)
	if err != nil {
		return nil, err
	}
	all, err := many[leadloop.Opportunity](ctx, t.tx, "an opportunity",
		"SELECT document FROM opportunities WHERE document ->> '$.lead' IN (SELECT i.value FROM json_each(?1) AS i)", string(ids))
	slices.SortFunc(all, func(a, b leadloop.Opportunity) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all, err
}

func (t crm) PutRep(ctx context.Context, p leadloop.Rep) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	p.Away = slices.Clone(p.Away)
	for i, a := range p.Away {
		p.Away[i] = leadloop.Absence{From: a.From.UTC(), Until: a.Until.UTC()}
	}
	return t.put(ctx, "rep", string(p.ID), `INSERT INTO reps (id, document) VALUES (?1, ?2)
		ON CONFLICT DO UPDATE SET document = excluded.document`, p)
}

func (t crm) Reps(ctx context.Context) ([]leadloop.Rep, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	var texts []string
	if err := t.query(ctx, "SELECT document FROM reps ORDER BY id", func(r *row) { texts = append(texts, r.text()) }); err != nil {
		return nil, err
	}
	return t.store.reps.read(texts)
}

// readReps are the reps as they were read last. They change rarely, and every
// decision reads all of them.
type readReps struct {
	mu    sync.Mutex
	texts []string
	reps  []leadloop.Rep
}

// read returns the reps of the documents, which belong to the caller.
func (c *readReps) read(texts []string) ([]leadloop.Rep, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(texts, c.texts) {
		reps := make([]leadloop.Rep, len(texts))
		for i, text := range texts {
			if err := json.Unmarshal([]byte(text), &reps[i]); err != nil {
				return nil, damaged("a rep", err)
			}
		}
		c.texts, c.reps = texts, reps
	}
	all := slices.Clone(c.reps)
	for i := range all {
		p := &all[i]
		p.Languages, p.Skills, p.Away = slices.Clone(p.Languages), slices.Clone(p.Skills), slices.Clone(p.Away)
	}
	return all, nil
}

// put runs a query whose first arguments are an id and the document of v.
func (t crm) put(ctx context.Context, what, id, query string, v any, more ...any) error {
	text, err := document(v)
	if err != nil {
		return invalid(what, id, err)
	}
	return t.exec(ctx, query, append([]any{id, text}, more...)...)
}

// one returns the document with an id, ErrNotFound if there is none.
func one[T any](ctx context.Context, t *tx, what, query, id string) (T, error) {
	all, err := many[T](ctx, t, what+" "+id, query, id)
	if err == nil && len(all) == 0 {
		err = notFound(what, id)
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

func many[T any](ctx context.Context, t *tx, what, query string, args ...any) ([]T, error) {
	var all []T
	err := t.query(ctx, query, func(r *row) { all = append(all, decode[T](r, what)) }, args...)
	return all, err
}

package postgres

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

type crm struct{ *tx }

func (t crm) Account(ctx context.Context, id leadloop.AccountID) (leadloop.Account, error) {
	return one[leadloop.Account](ctx, t.tx, "account", "SELECT document::text FROM {accounts} WHERE id = $1", string(id))
}

func (t crm) PutAccount(ctx context.Context, a leadloop.Account) error {
	return t.putIdentified(ctx, "account", `WITH put AS (
			INSERT INTO {accounts} AS r (id, document) VALUES ($1, $2::json) ON CONFLICT (id) DO UPDATE SET document = excluded.document
		), gone AS (
			DELETE FROM {account_identifiers} AS i
			WHERE account = $1 AND NOT EXISTS (SELECT FROM unnest($3::text[], $4::text[]) AS w (kind, value) WHERE w.kind = i.kind AND w.value = i.value)
		)
		INSERT INTO {account_identifiers} (kind, value, account) SELECT kind, value, $1 FROM unnest($3::text[], $4::text[]) AS w (kind, value)
		ON CONFLICT DO NOTHING`, string(a.ID), a, a.Identifiers)
}

func (t crm) MatchAccounts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Account, error) {
	kinds, values := split(ids)
	return many[leadloop.Account](ctx, t.tx, `SELECT document::text FROM {accounts} WHERE id IN (
			SELECT i.account FROM unnest($1::text[], $2::text[]) AS w (kind, value)
			JOIN {account_identifiers} AS i ON i.kind = w.kind AND i.value = w.value)
		ORDER BY id`, kinds, values)
}

func (t crm) Contact(ctx context.Context, id leadloop.ContactID) (leadloop.Contact, error) {
	return one[leadloop.Contact](ctx, t.tx, "contact", "SELECT document::text FROM {contacts} WHERE id = $1", string(id))
}

func (t crm) PutContact(ctx context.Context, c leadloop.Contact) error {
	return t.putIdentified(ctx, "contact", `WITH put AS (
			INSERT INTO {contacts} AS r (id, document) VALUES ($1, $2::json) ON CONFLICT (id) DO UPDATE SET document = excluded.document
		), gone AS (
			DELETE FROM {contact_identifiers} AS i
			WHERE contact = $1 AND NOT EXISTS (SELECT FROM unnest($3::text[], $4::text[]) AS w (kind, value) WHERE w.kind = i.kind AND w.value = i.value)
		)
		INSERT INTO {contact_identifiers} (kind, value, contact) SELECT kind, value, $1 FROM unnest($3::text[], $4::text[]) AS w (kind, value)
		ON CONFLICT DO NOTHING`, string(c.ID), c, c.Identifiers)
}

func (t crm) MatchContacts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Contact, error) {
	kinds, values := split(ids)
	return many[leadloop.Contact](ctx, t.tx, `SELECT document::text FROM {contacts} WHERE id IN (
			SELECT i.contact FROM unnest($1::text[], $2::text[]) AS w (kind, value)
			JOIN {contact_identifiers} AS i ON i.kind = w.kind AND i.value = w.value)
		ORDER BY id`, kinds, values)
}

func (t crm) PutOpportunity(ctx context.Context, o leadloop.Opportunity) error {
	o = store.OpportunityInUTC(o)
	return t.put(ctx, "opportunity", string(o.ID), `INSERT INTO {opportunities} (id, document, account) VALUES ($1, $2::json, $3)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document, account = excluded.account`, o, string(o.Account))
}

func (t crm) Opportunities(ctx context.Context, account leadloop.AccountID) ([]leadloop.Opportunity, error) {
	if account == "" {
		return many[leadloop.Opportunity](ctx, t.tx, "SELECT document::text FROM {opportunities} ORDER BY id")
	}
	return many[leadloop.Opportunity](ctx, t.tx, "SELECT document::text FROM {opportunities} WHERE account = $1 ORDER BY id", string(account))
}

func (t crm) OpportunitiesOf(ctx context.Context, leads ...leadloop.LeadID) ([]leadloop.Opportunity, error) {
	ids := make([]string, len(leads))
	for i, id := range leads {
		ids[i] = string(id)
	}
	return many[leadloop.Opportunity](ctx, t.tx, "SELECT document::text FROM {opportunities} WHERE document ->> 'lead' = ANY($1::text[]) ORDER BY id", ids)
}

func (t crm) PutRep(ctx context.Context, p leadloop.Rep) error {
	p.Away = slices.Clone(p.Away)
	for i, a := range p.Away {
		p.Away[i] = leadloop.Absence{From: a.From.UTC(), Until: a.Until.UTC()}
	}
	return t.put(ctx, "rep", string(p.ID), `INSERT INTO {reps} (id, document) VALUES ($1, $2::json)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document`, p)
}

func (t crm) Reps(ctx context.Context) ([]leadloop.Rep, error) {
	return many[leadloop.Rep](ctx, t.tx, "SELECT document::text FROM {reps} ORDER BY id")
}

// put runs a query whose first arguments are an id and the document of v.
func (t crm) put(ctx context.Context, what, id, query string, v any, more ...any) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return invalid(what, id, err)
	}
	return t.later(ctx, query, append([]any{id, string(text)}, more...)...)
}

// putIdentified is put with identifiers as the third and fourth argument.
func (t crm) putIdentified(ctx context.Context, what, query, id string, v any, ids []leadloop.Identifier) error {
	kinds, values := split(ids)
	return t.put(ctx, what, id, query, v, kinds, values)
}

// one returns the document with an id, ErrNotFound if there is none.
func one[T any](ctx context.Context, t *tx, what, query, id string) (T, error) {
	all, err := many[T](ctx, t, query, id)
	if err == nil && len(all) == 0 {
		err = notFound(what, id)
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

func many[T any](ctx context.Context, t *tx, query string, args ...any) ([]T, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	var all []T
	err := t.rows(ctx, query, func(rows pgx.Rows) error {
		var v T
		err := rows.Scan(document{&v})
		all = append(all, v)
		return err
	}, args...)
	return all, err
}

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres"
)

// withCustomers makes a store whose accounts are the rows of the host's own table
// of customers, read and written in the transaction of everything else.
type withCustomers struct{ store.Store }

func (s withCustomers) View(ctx context.Context, f func(store.Tx) error) error {
	return s.Store.View(ctx, func(tx store.Tx) error { return f(customersTx{tx}) })
}

func (s withCustomers) Update(ctx context.Context, f func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return f(customersTx{tx}) })
}

// Now passes the server's clock on: a wrapper has the optional roles that it says.
func (s withCustomers) Now(ctx context.Context) (time.Time, error) {
	return s.Store.(store.Clock).Now(ctx)
}

type customersTx struct{ store.Tx }

func (t customersTx) CRM() store.CRM { return customers{t.Tx.CRM(), t.Tx} }

// customers answers for accounts, and leaves contacts, opportunities and reps to
// our tables.
type customers struct {
	store.CRM
	tx store.Tx
}

const createCustomers = "CREATE TABLE IF NOT EXISTS " + schema + ".customers (id text PRIMARY KEY, name text NOT NULL, domain text UNIQUE, owner text NOT NULL)"

func (c customers) Account(ctx context.Context, id leadloop.AccountID) (leadloop.Account, error) {
	found, err := c.find(ctx, "id = $1", string(id))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("customer %s: %w", id, leadloop.ErrNotFound)
	}
	if err != nil {
		return leadloop.Account{}, err
	}
	return found[0], nil
}

// MatchAccounts goes by the domain, which the table has an index for.
func (c customers) MatchAccounts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Account, error) {
	var domains []string
	for _, i := range ids {
		if i.Kind == dedupe.IdentifierDomain {
			domains = append(domains, i.Value)
		}
	}
	return c.find(ctx, "domain = ANY ($1)", domains)
}

func (c customers) PutAccount(ctx context.Context, a leadloop.Account) error {
	pg, err := postgres.Tx(ctx, c.tx)
	if err != nil {
		return err
	}
	var domain *string
	if len(a.Domains) > 0 {
		domain = &a.Domains[0]
	}
	_, err = pg.Exec(ctx, `INSERT INTO `+schema+`.customers (id, name, domain, owner) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, domain = excluded.domain, owner = excluded.owner`, a.ID, a.Name, domain, a.Owner)
	return err
}

// find reads customers in the order of their ids, which is that of their bytes.
func (c customers) find(ctx context.Context, where string, arg any) ([]leadloop.Account, error) {
	pg, err := postgres.Tx(ctx, c.tx)
	if err != nil {
		return nil, err
	}
	rows, err := pg.Query(ctx, "SELECT id, name, coalesce(domain, ''), owner FROM "+schema+".customers WHERE "+where+` ORDER BY id COLLATE "C"`, arg)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a leadloop.Account, err error) {
		var domain string
		if err = row.Scan(&a.ID, &a.Name, &domain, &a.Owner); err != nil {
			return a, err
		}
		if domain != "" {
			a.Domains = []string{domain}
		}
		a.Identifiers = dedupe.AccountIdentifiers(a)
		return a, nil
	})
}

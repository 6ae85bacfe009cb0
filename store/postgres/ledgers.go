package postgres

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

type rotations struct{ *tx }

func (t rotations) Get(ctx context.Context, pool string) (store.Rotation, error) {
	if err := t.reading(ctx); err != nil {
		return store.Rotation{}, err
	}
	rotation := store.Rotation{Pool: pool}
	err := t.rows(ctx, "SELECT revision, balances FROM {rotations} WHERE pool = $1", func(rows pgx.Rows) error {
		return rows.Scan(&rotation.Revision, ledger{&rotation.Balances})
	}, pool)
	return rotation, err
}

// ledger scans balances.
type ledger struct{ to *[]store.Balance }

func (l ledger) Scan(src any) (err error) {
	text, ok := src.(string)
	if *l.to, err = store.DecodeBalances(text); err != nil || !ok {
		return damaged("the ledger of a pool", err)
	}
	return nil
}

func (t rotations) Move(ctx context.Context, m leadloop.LedgerMove) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	if err := m.Check(); err != nil {
		return err
	}
	if _, err := store.FormatTime(m.At); err != nil {
		return invalid("pool", m.Pool, err)
	}
	// The first statement keeps others from the pool until the commit.
	query := "UPDATE {rotations} SET revision = $2 + 1 WHERE pool = $1 AND revision = $2 RETURNING balances"
	if m.Revision == 0 {
		query = "INSERT INTO {rotations} (pool, revision, balances) VALUES ($1, $2 + 1, '') ON CONFLICT DO NOTHING RETURNING balances"
	}
	rotation, found := store.Rotation{Revision: m.Revision}, false
	if err := t.rows(ctx, query, func(rows pgx.Rows) error {
		found = true
		return rows.Scan(ledger{&rotation.Balances})
	}, m.Pool, m.Revision); err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("pool %s: %w: revision %d is not the one stored", m.Pool, leadloop.ErrConflict, m.Revision)
	}
	rotation.Apply(m)
	balances, err := store.EncodeBalances(rotation.Balances)
	if err != nil {
		return invalid("pool", m.Pool, err)
	}
	return t.later(ctx, "UPDATE {rotations} SET balances = $2 WHERE pool = $1", m.Pool, string(balances))
}

type cache struct{ *tx }

func (t cache) Get(ctx context.Context, key string, now time.Time) (store.CacheEntry, bool, error) {
	if err := t.reading(ctx); err != nil {
		return store.CacheEntry{}, false, err
	}
	all, err := t.read(ctx, "WHERE key = $1 AND expires_at > $2", key, store.FormatBound(now))
	if err != nil || len(all) == 0 {
		return store.CacheEntry{}, false, err
	}
	return all[0], true, nil
}

func (t cache) ByLead(ctx context.Context, lead leadloop.LeadID) ([]store.CacheEntry, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	return t.read(ctx, "WHERE lead = $1 ORDER BY key", string(lead))
}

func (t cache) read(ctx context.Context, query string, args ...any) (all []store.CacheEntry, err error) {
	err = t.rows(ctx, "SELECT key, lead, data, expires_at FROM {cache} "+query, func(rows pgx.Rows) error {
		var e store.CacheEntry
		err := rows.Scan(&e.Key, (*string)(&e.Lead), &e.Data, moment{&e.ExpiresAt})
		all = append(all, e)
		return err
	}, args...)
	return all, err
}

func (t cache) Put(ctx context.Context, e store.CacheEntry) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	expires, err := store.FormatTime(e.ExpiresAt)
	if err != nil {
		return invalid("cache entry of lead", string(e.Lead), err)
	}
	return t.later(ctx, `INSERT INTO {cache} (key, lead, data, expires_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET lead = excluded.lead, data = excluded.data, expires_at = excluded.expires_at`,
		e.Key, string(e.Lead), append([]byte{}, e.Data...), expires)
}

func (t cache) Purge(ctx context.Context, lead leadloop.LeadID, now time.Time) (err error) {
	if err := t.writing(ctx); err != nil {
		return err
	}
	if lead == "" {
		_, err = t.exec(ctx, "DELETE FROM {cache} WHERE expires_at <= $1", store.FormatBound(now))
	} else {
		_, err = t.exec(ctx, "DELETE FROM {cache} WHERE lead = $1", string(lead))
	}
	return err
}

type costs struct{ *tx }

func (t costs) Add(ctx context.Context, c store.Cost) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	at, err := store.FormatTime(c.At)
	if err != nil {
		return invalid("cost of lead", string(c.Lead), err)
	}
	fields, err := list(c.Fields)
	if err != nil {
		return invalid("cost of lead", string(c.Lead), err)
	}
	return t.later(ctx, "INSERT INTO {costs} (provider, lead, at, amount, fields, matched) VALUES ($1, $2, $3, $4, $5, $6)",
		c.Provider, string(c.Lead), at, int64(c.Amount), fields, c.Matched)
}

func (t costs) Total(ctx context.Context, provider string, from, until time.Time) (sum leadloop.Micros, err error) {
	if err := t.reading(ctx); err != nil {
		return 0, err
	}
	each := func(rows pgx.Rows) error { return rows.Scan((*int64)(&sum)) }
	if provider == "" {
		err = t.rows(ctx, "SELECT coalesce(sum(amount), 0)::bigint FROM {costs} WHERE at >= $1 AND at < $2", each, store.FormatBound(from), store.FormatBound(until))
	} else {
		err = t.rows(ctx, "SELECT coalesce(sum(amount), 0)::bigint FROM {costs} WHERE provider = $1 AND at >= $2 AND at < $3",
			each, provider, store.FormatBound(from), store.FormatBound(until))
	}
	return sum, err
}

// spent is a cost and its place in the order of Since.
type spent struct {
	store.Cost
	id int64
	at string
}

func (t costs) Since(ctx context.Context, from time.Time) iter.Seq2[store.Cost, error] {
	all := pages(ctx, t.tx, spent{at: store.FormatBound(from), id: math.MinInt64}, func(after spent) (page []spent, err error) {
		err = t.rows(ctx, `SELECT id, at, at, provider, lead, amount, fields, matched FROM {costs}
			WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT $3`, func(rows pgx.Rows) error {
			var s spent
			err := rows.Scan(&s.id, &s.at, moment{&s.At}, &s.Provider, (*string)(&s.Lead), (*int64)(&s.Amount), document{&s.Fields}, &s.Matched)
			page = append(page, s)
			return err
		}, after.at, after.id, pageSize)
		return page, err
	}, func(s spent) spent { return s })
	return func(yield func(store.Cost, error) bool) {
		for s, err := range all {
			if !yield(s.Cost, err) {
				return
			}
		}
	}
}

type suppressions struct{ *tx }

func (t suppressions) Add(ctx context.Context, s store.Suppression) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	at, err := store.FormatTime(s.At)
	if err != nil {
		return invalid("suppression for", s.Reason, err)
	}
	return t.later(ctx, `INSERT INTO {suppressions} (token, reason, at) VALUES ($1, $2, $3)
		ON CONFLICT (token) DO UPDATE SET reason = excluded.reason, at = excluded.at`, s.Token, s.Reason, at)
}

func (t suppressions) Match(ctx context.Context, tokens []string) (found []store.Suppression, err error) {
	if err := t.reading(ctx); err != nil || len(tokens) == 0 {
		return nil, err
	}
	tokens = slices.Clone(tokens)
	slices.Sort(tokens)
	err = t.rows(ctx, `SELECT s.token, s.reason, s.at FROM unnest($1::text[]) AS w (token) JOIN {suppressions} AS s ON s.token = w.token ORDER BY s.token`,
		func(rows pgx.Rows) error {
			var s store.Suppression
			err := rows.Scan(&s.Token, &s.Reason, moment{&s.At})
			found = append(found, s)
			return err
		}, slices.Compact(tokens))
	return found, err
}

func (t suppressions) Remove(ctx context.Context, token string) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	_, err := t.exec(ctx, "DELETE FROM {suppressions} WHERE token = $1", token)
	return err
}

type consents struct{ *tx }

func (t consents) Add(ctx context.Context, c store.Consent) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	at, err := store.FormatTime(c.At)
	if err != nil {
		return invalid("consent to", c.Purpose, err)
	}
	_, err = t.exec(ctx, `INSERT INTO {consents} (token, purpose, state, basis, region, wording, proof, source, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, c.Token, c.Purpose, c.State, c.Basis, c.Region, c.Wording, c.Proof, c.Source, at)
	return err
}

func (t consents) Of(ctx context.Context, tokens []string) (found []store.Consent, err error) {
	if err := t.reading(ctx); err != nil || len(tokens) == 0 {
		return nil, err
	}
	err = t.rows(ctx, `SELECT token, purpose, state, basis, region, wording, proof, source, at FROM {consents}
		WHERE token = ANY ($1::text[]) ORDER BY at, id`, func(rows pgx.Rows) error {
		var c store.Consent
		err := rows.Scan(&c.Token, &c.Purpose, &c.State, &c.Basis, &c.Region, &c.Wording, &c.Proof, &c.Source, moment{&c.At})
		found = append(found, c)
		return err
	}, tokens)
	return found, err
}

func (t consents) Delete(ctx context.Context, token string) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	_, err := t.exec(ctx, "DELETE FROM {consents} WHERE token = $1", token)
	return err
}

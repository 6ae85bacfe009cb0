package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

type rotations struct{ *tx }

func (t rotations) Get(ctx context.Context, pool string) (store.Rotation, error) {
	if err := t.reading(ctx); err != nil {
		return store.Rotation{}, err
	}
	rotation := store.Rotation{Pool: pool}
	err := t.query(ctx, "SELECT revision, balances FROM rotations WHERE pool = ?1", func(r *row) {
		rotation.Revision = r.int()
		var err error
		if rotation.Balances, err = store.DecodeBalances(r.text()); err != nil {
			r.check(damaged("the ledger of a pool", err))
		}
	}, pool)
	return rotation, err
}

func (t rotations) Move(ctx context.Context, m leadloop.LedgerMove) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	if err := m.Check(); err != nil {
		return err
	}
	rotation, err := t.Get(ctx, m.Pool)
	if err != nil {
		return err
	}
	if rotation.Revision != m.Revision {
		return fmt.Errorf("pool %s: %w: revision %d is not the one stored", m.Pool, leadloop.ErrConflict, m.Revision)
	}
	rotation.Apply(m)
	balances, err := store.EncodeBalances(rotation.Balances)
	if err != nil {
		return invalid("pool", m.Pool, err)
	}
	return t.exec(ctx, `INSERT INTO rotations (pool, revision, balances) VALUES (?1, ?2, ?3)
		ON CONFLICT DO UPDATE SET revision = excluded.revision, balances = excluded.balances`, m.Pool, rotation.Revision, string(balances))
}

type cache struct{ *tx }

func (t cache) Get(ctx context.Context, key string, now time.Time) (store.CacheEntry, bool, error) {
	if err := t.reading(ctx); err != nil {
		return store.CacheEntry{}, false, err
	}
	all, err := t.read(ctx, "WHERE key = ?1 AND expires_at > ?2", key, store.FormatBound(now))
	if err != nil || len(all) == 0 {
		return store.CacheEntry{}, false, err
	}
	return all[0], true, nil
}

func (t cache) ByLead(ctx context.Context, lead leadloop.LeadID) ([]store.CacheEntry, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	return t.read(ctx, "WHERE lead = ?1 ORDER BY key", string(lead))
}

func (t cache) read(ctx context.Context, query string, args ...any) (all []store.CacheEntry, err error) {
	err = t.query(ctx, "SELECT key, lead, data, expires_at FROM cache "+query, func(r *row) {
		all = append(all, store.CacheEntry{Key: r.text(), Lead: leadloop.LeadID(r.text()), Data: r.blob(), ExpiresAt: r.time()})
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
	data := e.Data
	if data == nil {
		data = []byte{}
	}
	return t.exec(ctx, `INSERT INTO cache (key, lead, data, expires_at) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT DO UPDATE SET lead = excluded.lead, data = excluded.data, expires_at = excluded.expires_at`,
		e.Key, string(e.Lead), data, expires)
}

func (t cache) Purge(ctx context.Context, lead leadloop.LeadID, now time.Time) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	if lead == "" {
		return t.exec(ctx, "DELETE FROM cache WHERE expires_at <= ?1", store.FormatBound(now))
	}
	return t.exec(ctx, "DELETE FROM cache WHERE lead = ?1", string(lead))
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
	matched := 0
	if c.Matched {
		matched = 1
	}
	return t.exec(ctx, "INSERT INTO costs (provider, lead, at, amount, fields, matched) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		c.Provider, string(c.Lead), at, int64(c.Amount), fields, matched)
}

func (t costs) Total(ctx context.Context, provider string, from, until time.Time) (leadloop.Micros, error) {
	if err := t.reading(ctx); err != nil {
		return 0, err
	}
	var sum leadloop.Micros
	each := func(r *row) { sum = leadloop.Micros(r.int()) }
	if provider == "" {
		err := t.query(ctx, "SELECT coalesce(sum(amount), 0) FROM costs WHERE at >= ?1 AND at < ?2", each, store.FormatBound(from), store.FormatBound(until))
		return sum, err
	}
	err := t.query(ctx, "SELECT coalesce(sum(amount), 0) FROM costs WHERE provider = ?1 AND at >= ?2 AND at < ?3",
		each, provider, store.FormatBound(from), store.FormatBound(until))
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
		err = t.query(ctx, `SELECT id, at, provider, lead, amount, fields, matched FROM costs
			WHERE (at, id) > (?1, ?2) ORDER BY at, id LIMIT ?3+0`, func(r *row) {
			s := spent{id: r.int(), at: r.text()}
			s.At = r.parse(s.at)
			s.Provider, s.Lead, s.Amount = r.text(), leadloop.LeadID(r.text()), leadloop.Micros(r.int())
			s.Fields, s.Matched = decode[[]string](r, "a cost"), r.bool()
			page = append(page, s)
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
	return t.exec(ctx, `INSERT INTO suppressions (token, reason, at) VALUES (?1, ?2, ?3)
		ON CONFLICT DO UPDATE SET reason = excluded.reason, at = excluded.at`, s.Token, s.Reason, at)
}

var findSuppressions = manyOf(1, "SELECT token, reason, at FROM suppressions WHERE token IN (", "?", ", ", ") ORDER BY token")

func (t suppressions) Match(ctx context.Context, tokens []string) ([]store.Suppression, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	tokens = slices.Clone(tokens)
	slices.Sort(tokens)
	var keys []any
	for _, token := range slices.Compact(tokens) {
		keys = append(keys, token)
	}
	var found []store.Suppression
	err := t.queryMany(ctx, &findSuppressions, func(r *row) {
		found = append(found, store.Suppression{Token: r.text(), Reason: r.text(), At: r.time()})
	}, keys)
	return found, err
}

func (t suppressions) Remove(ctx context.Context, token string) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	return t.exec(ctx, "DELETE FROM suppressions WHERE token = ?1", token)
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
	return t.exec(ctx, `INSERT INTO consents (token, purpose, state, basis, region, wording, proof, source, at)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`, c.Token, c.Purpose, c.State, c.Basis, c.Region, c.Wording, c.Proof, c.Source, at)
}

func (t consents) Of(ctx context.Context, tokens []string) ([]store.Consent, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	tokens = slices.Clone(tokens)
	slices.Sort(tokens)
	type entry struct {
		id int64
		store.Consent
	}
	var all []entry
	for _, token := range slices.Compact(tokens) {
		if err := t.query(ctx, "SELECT id, token, purpose, state, basis, region, wording, proof, source, at FROM consents WHERE token = ?1", func(r *row) {
			all = append(all, entry{r.int(), store.Consent{
				Token: r.text(), Purpose: r.text(), State: r.text(), Basis: r.text(), Region: r.text(),
				Wording: r.text(), Proof: r.text(), Source: r.text(), At: r.time(),
			}})
		}, token); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.id, b.id)) })
	var found []store.Consent
	for _, e := range all {
		found = append(found, e.Consent)
	}
	return found, nil
}

func (t consents) Delete(ctx context.Context, token string) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	return t.exec(ctx, "DELETE FROM consents WHERE token = ?1", token)
}

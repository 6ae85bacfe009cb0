package memstore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

type rotations struct{ *tx }

func (r rotations) Get(ctx context.Context, pool string) (store.Rotation, error) {
	if err := r.reading(ctx); err != nil {
		return store.Rotation{}, err
	}
	return r.get(pool), nil
}

func (r rotations) get(pool string) store.Rotation {
	kept, ok := r.state.rotations.get(pool)
	if !ok {
		return store.Rotation{Pool: pool}
	}
	c := *kept
	c.Balances = slices.Clone(kept.Balances)
	return c
}

func (r rotations) Move(ctx context.Context, m leadloop.LedgerMove) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	if err := m.Check(); err != nil {
		return err
	}
	next := r.get(m.Pool)
	if next.Revision != m.Revision {
		return fmt.Errorf("pool %s: %w: revision %d is stored, not %d", m.Pool, leadloop.ErrConflict, next.Revision, m.Revision)
	}
	next.Apply(m)
	r.state.rotations.put(m.Pool, &next)
	return nil
}

type cache struct{ *tx }

func (r cache) Get(ctx context.Context, key string, now time.Time) (store.CacheEntry, bool, error) {
	if err := r.reading(ctx); err != nil {
		return store.CacheEntry{}, false, err
	}
	e, ok := r.state.cache.get(key)
	if !ok || !e.ExpiresAt.After(now) {
		return store.CacheEntry{}, false, nil
	}
	return copyCacheEntry(*e), true, nil
}

func (r cache) Put(ctx context.Context, e store.CacheEntry) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	r.drop(e.Key)
	e = copyCacheEntry(e)
	r.state.cache.put(e.Key, &e)
	r.state.cacheByLead.put(key{a: string(e.Lead), b: e.Key}, e.Key)
	r.state.cacheByEnd.put(key{t: e.ExpiresAt, b: e.Key}, e.Key)
	return nil
}

func (r cache) drop(k string) {
	old, ok := r.state.cache.get(k)
	if !ok {
		return
	}
	r.state.cacheByLead.drop(key{a: string(old.Lead), b: k})
	r.state.cacheByEnd.drop(key{t: old.ExpiresAt, b: k})
	r.state.cache.drop(k)
}

func (r cache) ByLead(ctx context.Context, lead leadloop.LeadID) ([]store.CacheEntry, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	var all []store.CacheEntry
	for k, entry := range r.state.cacheByLead.from(key{a: string(lead)}) {
		if k.a != string(lead) {
			break
		}
		e, _ := r.state.cache.get(entry)
		all = append(all, copyCacheEntry(*e))
	}
	return all, nil
}

func (r cache) Purge(ctx context.Context, lead leadloop.LeadID, now time.Time) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	if lead == "" {
		for k, entry := range r.state.cacheByEnd.all() {
			if k.t.After(now) {
				break
			}
			r.drop(entry)
		}
		return nil
	}
	for k, entry := range r.state.cacheByLead.from(key{a: string(lead)}) {
		if k.a != string(lead) {
			break
		}
		r.drop(entry)
	}
	return nil
}

type costs struct{ *tx }

func (r costs) Add(ctx context.Context, c store.Cost) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	c = copyCost(c)
	r.state.costSeq++
	r.state.costs.put(key{t: c.At, m: r.state.costSeq}, &c)
	r.state.costsByProvider.put(key{a: c.Provider, t: c.At, m: r.state.costSeq}, &c)
	return nil
}

func (r costs) Total(ctx context.Context, provider string, from, until time.Time) (leadloop.Micros, error) {
	if err := r.reading(ctx); err != nil {
		return 0, err
	}
	entries := r.state.costsByProvider
	if provider == "" {
		entries = r.state.costs
	}
	var sum leadloop.Micros
	for k, c := range entries.from(key{a: provider, t: from}) {
		if k.a != provider || !k.t.Before(until) {
			break
		}
		sum += c.Amount
	}
	return sum, nil
}

func (r costs) Since(ctx context.Context, from time.Time) iter.Seq2[store.Cost, error] {
	return func(yield func(store.Cost, error) bool) {
		if err := r.reading(ctx); err != nil {
			yield(store.Cost{}, err)
			return
		}
		for _, c := range r.state.costs.from(key{t: from}) {
			if err := r.reading(ctx); err != nil {
				yield(store.Cost{}, err)
				return
			}
			if !yield(copyCost(*c), nil) {
				return
			}
		}
	}
}

type suppressions struct{ *tx }

func (r suppressions) Add(ctx context.Context, s store.Suppression) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	s.At = utc(s.At)
	r.state.suppressions.put(s.Token, s)
	return nil
}

func (r suppressions) Match(ctx context.Context, tokens []string) ([]store.Suppression, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	tokens = slices.Clone(tokens)
	slices.Sort(tokens)
	var found []store.Suppression
	for _, t := range slices.Compact(tokens) {
		if s, ok := r.state.suppressions.get(t); ok {
			found = append(found, s)
		}
	}
	return found, nil
}

func (r suppressions) Remove(ctx context.Context, token string) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	r.state.suppressions.drop(token)
	return nil
}

type consents struct{ *tx }

func (r consents) Add(ctx context.Context, c store.Consent) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	c.At = utc(c.At)
	r.state.consentSeq++
	r.state.consents.put(key{a: c.Token, t: c.At, m: r.state.consentSeq}, c)
	return nil
}

func (r consents) Of(ctx context.Context, tokens []string) ([]store.Consent, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	tokens = slices.Clone(tokens)
	slices.Sort(tokens)
	var keys []key
	var found []store.Consent
	for _, t := range slices.Compact(tokens) {
		for k := range r.state.consents.from(key{a: t}) {
			if k.a != t {
				break
			}
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(a.t.Compare(b.t), cmp.Compare(a.m, b.m)) })
	for _, k := range keys {
		c, _ := r.state.consents.get(k)
		found = append(found, c)
	}
	return found, nil
}

func (r consents) Delete(ctx context.Context, token string) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	for k := range r.state.consents.from(key{a: token}) {
		if k.a != token {
			break
		}
		r.state.consents.drop(k)
	}
	return nil
}

package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func (k *kit) move(m leadloop.LedgerMove) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error { return tx.Rotations().Move(ctx, m) })
}

func (k *kit) refuseMove(want error, m leadloop.LedgerMove) {
	k.Helper()
	k.refused(want, func(ctx context.Context, tx store.Tx) error { return tx.Rotations().Move(ctx, m) })
}

var rotationSentences = []sentence{
	{"the ledger of a pool never used has revision 0 and no members", "", func(k *kit) {
		same(k, "the ledger", store.Rotation{Pool: "p"}, read(k, rotation("p")))
	}},
	{"Move applies deltas, counts the revision and stamps the receiver", "", func(k *kit) {
		k.move(move("p", 0, "b", at(1), owed("c", 300_000), owed("b", -600_000), owed("A", 300_000)))
		k.move(move("p", 1, "c", at(2), owed("b", 500_000), owed("c", -500_000)))
		k.move(move("q", 0, "z", at(3), owed("z", 0)))
		same(k, "the ledger, ordered by member", store.Rotation{Pool: "p", Revision: 2, Balances: []store.Balance{
			{Member: "A", Owed: 300_000},
			{Member: "b", Owed: -100_000, Count: 1, LastAt: at(1)},
			{Member: "c", Owed: -200_000, Count: 1, LastAt: at(2)},
		}}, read(k, rotation("p")))
		same(k, "the other ledger", store.Rotation{Pool: "q", Revision: 1, Balances: []store.Balance{
			{Member: "z", Count: 1, LastAt: at(3)},
		}}, read(k, rotation("q")))
	}},
	{"a receiver without a delta joins at 0, and deltas of one member add up", "", func(k *kit) {
		k.move(move("p", 0, "c", at(1), owed("a", 5), owed("b", -3), owed("b", -2)))
		same(k, "the ledger", store.Rotation{Pool: "p", Revision: 1, Balances: []store.Balance{
			{Member: "a", Owed: 5}, {Member: "b", Owed: -5}, {Member: "c", Count: 1, LastAt: at(1)},
		}}, read(k, rotation("p")))
	}},
	{"a return moves owed leads without counting one", "", func(k *kit) {
		k.move(move("p", 0, "a", at(1), owed("a", -7), owed("b", 7)))
		k.move(move("p", 1, "", at(2), owed("a", 7), owed("b", -7)))
		same(k, "the ledger", store.Rotation{Pool: "p", Revision: 2, Balances: []store.Balance{
			{Member: "a", Count: 1, LastAt: at(1)}, {Member: "b"},
		}}, read(k, rotation("p")))
	}},
	{"LastAt is the latest, whatever the order of the moves", "", func(k *kit) {
		k.move(move("p", 0, "a", at(5)))
		k.move(move("p", 1, "a", at(3)))
		same(k, "the ledger", store.Rotation{Pool: "p", Revision: 2, Balances: []store.Balance{
			{Member: "a", Count: 2, LastAt: at(5)},
		}}, read(k, rotation("p")))
	}},
	{"Move with another revision is ErrConflict and changes nothing", Revisions, func(k *kit) {
		k.refuseMove(leadloop.ErrConflict, move("p", 1, "a", at(1)))
		k.move(move("p", 0, "a", at(1), owed("a", -1), owed("b", 1)))
		k.move(move("p", 1, "a", at(2), owed("a", -1), owed("b", 1)))
		want := read(k, rotation("p"))
		for _, revision := range []int64{-1, 0, 1, 3} {
			k.refuseMove(leadloop.ErrConflict, move("p", revision, "a", at(9), owed("a", -1), owed("b", 1)))
		}
		same(k, "the ledger", want, read(k, rotation("p")))
	}},
	{"Move whose deltas don't sum to 0, or are not one for each member, is ErrInvalid and changes nothing", "", func(k *kit) {
		few := move("p", 0, "a", at(1), owed("a", -1), owed("b", 1))
		few.Members = few.Members[:1]
		for _, m := range []leadloop.LedgerMove{
			few,
			move("p", 0, "a", at(1), owed("a", 1)),
			move("p", 0, "a", at(1), owed("a", -2), owed("b", 1)),
			move("p", 7, "a", at(1), owed("a", -1)), // whatever the revision
		} {
			k.refuseMove(leadloop.ErrInvalid, m)
		}
		same(k, "the ledger", store.Rotation{Pool: "p"}, read(k, rotation("p")))
	}},
	{"the refusal of a move leaves the transaction usable, and several moves fit in one", "", func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error {
			if err := tx.Rotations().Move(ctx, move("p", 5, "a", at(1))); !errors.Is(err, leadloop.ErrConflict) {
				k.Errorf("want ErrConflict, got %v", err)
			}
			for i := range int64(3) {
				if err := tx.Rotations().Move(ctx, move("p", i, "a", at(time.Duration(i)))); err != nil {
					return err
				}
			}
			return nil
		})
		same(k, "the ledger", store.Rotation{Pool: "p", Revision: 3, Balances: []store.Balance{
			{Member: "a", Count: 3, LastAt: at(2)},
		}}, read(k, rotation("p")))
	}},
	{"a ledger returned belongs to the caller, and Move keeps nothing it is given", "", func(k *kit) {
		m := move("p", 0, "a", at(1), owed("a", -1), owed("b", 1))
		k.move(m)
		m.Members[0], m.Deltas[0] = "scribble", 7
		want := store.Rotation{Pool: "p", Revision: 1, Balances: []store.Balance{
			{Member: "a", Owed: -1, Count: 1, LastAt: at(1)}, {Member: "b", Owed: 1},
		}}
		for range 2 {
			got := read(k, rotation("p"))
			same(k, "the ledger", want, got)
			got.Balances[0].Member = "scribble"
		}
	}},
}

// cached returns the entry as a list, empty if there is none.
func cached(key string, now time.Time) func(context.Context, store.Tx) ([]store.CacheEntry, error) {
	return func(ctx context.Context, tx store.Tx) ([]store.CacheEntry, error) {
		e, ok, err := tx.Cache().Get(ctx, key, now)
		if !ok {
			return nil, err
		}
		return []store.CacheEntry{e}, err
	}
}

func (k *kit) cache(entries ...store.CacheEntry) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error {
		for _, e := range entries {
			if err := tx.Cache().Put(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (k *kit) purge(lead leadloop.LeadID, now time.Time) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error { return tx.Cache().Purge(ctx, lead, now) })
}

var cacheSentences = []sentence{
	{"Get returns an entry whole until it expires", "", func(k *kit) {
		e := fullCacheEntry("c")
		k.cache(e)
		same(k, "the entry", []store.CacheEntry{e}, read(k, cached("c", noon)))
		same(k, "the entry just before", []store.CacheEntry{e}, read(k, cached("c", e.ExpiresAt.Add(-1))))
		same(k, "the entry when it expires", nil, read(k, cached("c", e.ExpiresAt)))
		same(k, "another key", nil, read(k, cached("C", noon)))
	}},
	{"Put replaces an entry", "", func(k *kit) {
		other := store.CacheEntry{Key: "c", Lead: "lead-2", Data: []byte("x"), ExpiresAt: at(2 * time.Hour)}
		k.cache(fullCacheEntry("c"), other)
		same(k, "the entry", []store.CacheEntry{other}, read(k, cached("c", noon)))
		k.purge("lead-1", noon)
		same(k, "the entry after purging the lead it was bought for before", []store.CacheEntry{other}, read(k, cached("c", noon)))
	}},
	{"ByLead returns the entries of a lead in key order, expired or not", "", func(k *kit) {
		a, b, upper, other, nobody := fullCacheEntry("a"), fullCacheEntry("b"), fullCacheEntry("B"), fullCacheEntry("other"), fullCacheEntry("nobody")
		a.ExpiresAt, other.Lead, nobody.Lead = at(-1000*time.Hour), "lead-10", ""
		k.cache(nobody, other, b, a, upper)
		of := func(lead leadloop.LeadID) []store.CacheEntry {
			return read(k, func(ctx context.Context, tx store.Tx) ([]store.CacheEntry, error) {
				return tx.Cache().ByLead(ctx, lead)
			})
		}
		for range 2 {
			got := of("lead-1")
			same(k, "the lead's", []store.CacheEntry{upper, a, b}, got)
			copy(got[0].Data, "scribble")
		}
		same(k, "the other lead's", []store.CacheEntry{other}, of("lead-10"))
		same(k, "nobody's", []store.CacheEntry{nobody}, of(""))
		other.Lead = "lead-1"
		k.cache(other)
		same(k, "the other lead's after its entry became that of the first", nil, of("lead-10"))
		k.purge("lead-1", noon)
		same(k, "the lead's after a purge", nil, of("lead-1"))
	}},
	{"Purge of a lead removes its entries, expired or not", "", func(k *kit) {
		other := fullCacheEntry("other")
		other.Lead = "lead-2"
		k.cache(fullCacheEntry("a"), fullCacheEntry("b"), other)
		k.purge("lead-1", at(-time.Hour))
		same(k, "entries of the lead", nil, append(read(k, cached("a", noon)), read(k, cached("b", noon))...))
		same(k, "the entry of another lead", []store.CacheEntry{other}, read(k, cached("other", noon)))
	}},
	{"Purge of no lead removes what expired at or before now", "", func(k *kit) {
		before, now, after := fullCacheEntry("before"), fullCacheEntry("now"), fullCacheEntry("after")
		before.ExpiresAt, now.ExpiresAt, after.ExpiresAt, after.Lead = at(-1), noon, at(1), ""
		k.cache(before, now, after)
		k.purge("", noon)
		long := at(-1000 * time.Hour)
		same(k, "expired entries", nil, append(read(k, cached("before", long)), read(k, cached("now", long))...))
		same(k, "the entry left", []store.CacheEntry{after}, read(k, cached("after", long)))
	}},
	{"an entry returned belongs to the caller, and Put keeps nothing it is given", "", func(k *kit) {
		e := fullCacheEntry("c")
		k.cache(e)
		same(k, "the entry given", fullCacheEntry("c"), e)
		for range 2 {
			copy(e.Data, "scribble")
			got := read(k, cached("c", noon))
			same(k, "the entry", []store.CacheEntry{fullCacheEntry("c")}, got)
			e = got[0]
		}
	}},
}

func (k *kit) spend(costs ...store.Cost) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error {
		for _, c := range costs {
			if err := tx.Costs().Add(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func spent(from time.Time) func(context.Context, store.Tx) ([]store.Cost, error) {
	return func(ctx context.Context, tx store.Tx) ([]store.Cost, error) {
		return collect(tx.Costs().Since(ctx, from))
	}
}

var costSentences = []sentence{
	{"Total sums from From up to but not including Until, of one provider or of all", "", func(k *kit) {
		for i, c := range []store.Cost{
			{Provider: "a", At: at(0), Amount: 1}, {Provider: "a", At: at(1), Amount: 10}, {Provider: "b", At: at(1), Amount: 100},
			{Provider: "b", At: at(2), Amount: 1000}, {Provider: "a", At: at(-1), Amount: 1 << 40}, {Provider: "A", At: at(1), Amount: 5},
		} {
			c.Lead = leadloop.LeadID(fmt.Sprint(i))
			k.spend(c)
		}
		for _, c := range []struct {
			provider    string
			from, until time.Time
			want        leadloop.Micros
		}{
			{"a", at(0), at(2), 11}, {"a", at(0), at(1), 1}, {"a", at(1), at(2), 10}, {"b", at(0), at(3), 1100}, {"b", at(0), at(2), 100},
			{"", at(0), at(3), 1116}, {"a", at(-1), at(0), 1 << 40}, {"c", at(0), at(9), 0}, {"", at(1), at(1), 0}, {"", at(2), at(0), 0},
		} {
			got := read(k, func(ctx context.Context, tx store.Tx) (leadloop.Micros, error) {
				return tx.Costs().Total(ctx, c.provider, c.from, c.until)
			})
			same(k, fmt.Sprintf("total of %q from %d to %d ns", c.provider, c.from.Sub(noon), c.until.Sub(noon)), c.want, got)
		}
	}},
	{"Since yields costs whole, at or after from, by time, then insertion", "", func(k *kit) {
		b1, a, b2, early := fullCost("b", at(1)), fullCost("a", at(1)), fullCost("b", at(1)), fullCost("z", at(0))
		b2.Matched, b2.Fields = false, nil
		k.spend(b1, a)
		k.spend(b2, early)
		same(k, "all", []store.Cost{early, b1, a, b2}, read(k, spent(time.Time{})))
		same(k, "those at or after", []store.Cost{b1, a, b2}, read(k, spent(at(1))))
		same(k, "none", nil, read(k, spent(at(2))))
	}},
	{"equal costs are kept each", "", func(k *kit) {
		k.spend(fullCost("a", at(1)), fullCost("a", at(1)))
		same(k, "all", []store.Cost{fullCost("a", at(1)), fullCost("a", at(1))}, read(k, spent(noon)))
	}},
	{"an iteration over thousands of costs is complete and may stop early", "", func(k *kit) {
		const n = 2500
		k.update(func(ctx context.Context, tx store.Tx) error {
			for i := range n {
				if err := tx.Costs().Add(ctx, store.Cost{Provider: "p", At: at(time.Duration(i % 7)), Amount: leadloop.Micros(i)}); err != nil {
					return err
				}
			}
			for _, err := range tx.Costs().Since(ctx, noon) {
				if err != nil {
					return err
				}
				break
			}
			return nil
		})
		all := read(k, spent(noon))
		for i := 1; i < len(all); i++ {
			if a, b := all[i-1], all[i]; b.At.Before(a.At) || b.At.Equal(a.At) && b.Amount < a.Amount {
				k.Fatalf("cost %d is out of order", i)
			}
		}
		if len(all) != n {
			k.Errorf("%d costs of %d", len(all), n)
		}
	}},
	{"a cost yielded belongs to the caller, and Add keeps nothing it is given", "", func(k *kit) {
		c := fullCost("a", noon)
		k.spend(c)
		for range 2 {
			c.Fields[0] = "scribble"
			got := read(k, spent(noon))
			same(k, "costs", []store.Cost{fullCost("a", noon)}, got)
			c = got[0]
		}
	}},
}

func suppressed(tokens ...string) func(context.Context, store.Tx) ([]store.Suppression, error) {
	return func(ctx context.Context, tx store.Tx) ([]store.Suppression, error) {
		return tx.Suppressions().Match(ctx, tokens)
	}
}

func (k *kit) suppress(all ...store.Suppression) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error {
		for _, s := range all {
			if err := tx.Suppressions().Add(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

var suppressionSentences = []sentence{
	{"Match returns the suppressed tokens among those asked for, each once, in token order", "", func(k *kit) {
		b := store.Suppression{Token: "b", Reason: "erased", At: at(1)}
		c := store.Suppression{Token: "C", Reason: "manual", At: at(2)}
		k.suppress(b, c, store.Suppression{Token: "x", Reason: "bounced", At: noon})
		same(k, "suppressions", []store.Suppression{c, b}, read(k, suppressed("b", "a", "C", "b", "B")))
		same(k, "suppressions of none", nil, read(k, suppressed()))
		same(k, "suppressions of others", nil, read(k, suppressed("a", "X", "")))
	}},
	{"Match takes thousands of tokens", "", func(k *kit) {
		k.suppress(store.Suppression{Token: "t4999", At: noon}, store.Suppression{Token: "t0", At: noon})
		var tokens []string
		for i := range 5000 {
			tokens = append(tokens, fmt.Sprintf("t%d", i))
		}
		same(k, "tokens", []string{"t0", "t4999"}, ids(read(k, suppressed(tokens...)), func(s store.Suppression) string { return s.Token }))
	}},
	{"Match doesn't modify the tokens it is given", "", func(k *kit) {
		tokens := []string{"b", "a", "b"}
		read(k, suppressed(tokens...))
		same(k, "tokens", []string{"b", "a", "b"}, tokens)
	}},
	{"Add replaces by token", "", func(k *kit) {
		again := store.Suppression{Token: "t", Reason: "opted_out", At: at(2)}
		k.suppress(store.Suppression{Token: "t", Reason: "bounced", At: at(1)}, again)
		same(k, "suppressions", []store.Suppression{again}, read(k, suppressed("t")))
	}},
	{"Remove deletes a token; removing none is no error", "", func(k *kit) {
		k.suppress(store.Suppression{Token: "t", At: noon}, store.Suppression{Token: "T", At: noon})
		for range 2 {
			k.update(func(ctx context.Context, tx store.Tx) error { return tx.Suppressions().Remove(ctx, "t") })
		}
		same(k, "suppressions", []store.Suppression{{Token: "T", At: noon}}, read(k, suppressed("t", "T")))
	}},
}

func consents(tokens ...string) func(context.Context, store.Tx) ([]store.Consent, error) {
	return func(ctx context.Context, tx store.Tx) ([]store.Consent, error) { return tx.Consents().Of(ctx, tokens) }
}

func (k *kit) consent(all ...store.Consent) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error {
		for _, c := range all {
			if err := tx.Consents().Add(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

var consentSentences = []sentence{
	{"Of returns the entries of the tokens by time, then in the order in which they were added", "", func(k *kit) {
		late, early, other := fullConsent("b", at(2)), fullConsent("a", at(1)), fullConsent("a", at(2))
		early.State, other.State = leadloop.ConsentDenied, leadloop.ConsentWithdrawn
		k.consent(late, early)
		k.consent(other, fullConsent("x", noon))
		same(k, "entries", []store.Consent{early, late, other}, read(k, consents("b", "a", "b", "A")))
		same(k, "entries of none", nil, read(k, consents()))
	}},
	{"the same entry twice is kept twice: the ledger is what was said, not what holds", "", func(k *kit) {
		c := fullConsent("a", at(1))
		k.consent(c, c)
		same(k, "entries", []store.Consent{c, c}, read(k, consents("a")))
	}},
	{"Of doesn't modify the tokens it is given", "", func(k *kit) {
		tokens := []string{"b", "a", "b"}
		read(k, consents(tokens...))
		same(k, "tokens", []string{"b", "a", "b"}, tokens)
	}},
	{"Delete removes all entries of one token; removing none is no error", "", func(k *kit) {
		k.consent(fullConsent("a", at(1)), fullConsent("a", at(2)), fullConsent("A", at(1)))
		for range 2 {
			k.update(func(ctx context.Context, tx store.Tx) error { return tx.Consents().Delete(ctx, "a") })
		}
		same(k, "entries", []store.Consent{fullConsent("A", at(1))}, read(k, consents("a", "A")))
	}},
}

func files(digest string) func(context.Context, store.Tx) (map[string][]byte, error) {
	return func(ctx context.Context, tx store.Tx) (map[string][]byte, error) {
		return tx.Playbooks().Get(ctx, digest)
	}
}

// playbook puts files by the digest "d".
func (k *kit) playbook(files map[string][]byte) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error { return tx.Playbooks().Put(ctx, "d", files) })
}

var playbookSentences = []sentence{
	{"Get returns the files of a digest, ErrNotFound if there are none", "", func(k *kit) {
		k.playbook(fullFiles)
		same(k, "files", fullFiles, read(k, files("d")))
		missing(k, "Get", files("D"))
	}},
	{"storing a digest again changes nothing", "", func(k *kit) {
		k.playbook(fullFiles)
		k.playbook(map[string][]byte{"other": []byte("x")})
		same(k, "files", fullFiles, read(k, files("d")))
	}},
	{"files returned belong to the caller, and Put keeps nothing it is given", "", func(k *kit) {
		f := map[string][]byte{"a": []byte("abc")}
		k.playbook(f)
		for range 2 {
			copy(f["a"], "xyz")
			f["b"] = nil
			f = read(k, files("d"))
			same(k, "files", map[string][]byte{"a": []byte("abc")}, f)
		}
	}},
}

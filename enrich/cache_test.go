package enrich_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func at(s leadloop.Subject, t time.Time) leadloop.Subject { s.AsOf = t; return s }

func TestWhatWasBoughtIsNotBoughtAgain(t *testing.T) {
	day := 24 * time.Hour
	value, none := answering(employees(70)), unknowing()
	silent := answering(industry("Steel"))
	for _, tc := range []struct {
		name  string
		p     *provider
		later leadloop.Subject
		calls int
	}{
		{"by the same lead, asked again", value, subject(), 1},
		{"by another lead of the same company", value, subjectOf("lead-2", leadloop.Domain.Claim("ACME.example", person())), 1},
		{"while its 90 days last", value, at(subject(), asOf.Add(90*day-1)), 1},
		{"but after 90 days", value, at(subject(), asOf.Add(90*day)), 2},
		{"not even when it was a no, while its 30 days last", none, at(subject(), asOf.Add(30*day-1)), 1},
		{"but a no after 30 days", none, at(subject(), asOf.Add(30*day)), 2},
		{"not even when the provider said nothing about the field", silent, at(subject(), asOf.Add(30*day-1)), 1},
		{"but for another company", value, subjectOf("lead-2", leadloop.Domain.Claim("other.example", person())), 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.p.queries = nil
			st := newStore(t)
			first := enrichOnce(t, waterfall(t, st, demand("company.employees"), source("p", tc.p)), subject())
			// A new waterfall over the same store: what a restart leaves.
			second := enrichOnce(t, waterfall(t, st, demand("company.employees"), source("p", tc.p)), tc.later)
			if tc.p.calls() != tc.calls {
				t.Fatalf("the provider was asked %d times, want %d", tc.p.calls(), tc.calls)
			}
			if got := spent(t, st); got != leadloop.Micros(tc.calls)*euro {
				t.Errorf("spent %d on %d calls", got, tc.calls)
			}
			if tc.calls == 1 {
				if len(first.Claims) != len(second.Claims) {
					t.Errorf("the cached answer gives %d claims, the bought one %d", len(second.Claims), len(first.Claims))
				}
				for i := range second.Claims {
					want := first.Claims[i]
					want.Record = tc.later.Lead.ID
					if second.Claims[i].Compare(want) != 0 {
						t.Errorf("claim %d: got %+v, want %+v", i, second.Claims[i], want)
					}
				}
			}
		})
	}
}

func TestFieldsExpireOneByOne(t *testing.T) {
	p := answering(employees(70), industry("Steel"))
	o := demand("company.employees", "company.industry")
	o.Policies = map[string]enrich.FieldPolicy{"company.employees": {TTL: 24 * time.Hour}}
	w := waterfall(t, newStore(t), o, source("p", p))
	enrichOnce(t, w, subject())
	r := enrichOnce(t, w, at(subject(), asOf.Add(48*time.Hour)))
	want := []enrich.Call{{
		Source: "p", Outcome: enrich.Matched, Asked: []string{"company.employees", "company.industry"},
		Cached: []string{"company.industry"}, Got: []string{"company.employees", "company.industry"}, Cost: euro,
	}}
	// The industry was bought for this very lead. As long as no decision was
	// committed, that counts as bought by this one; afterwards as cached.
	s := at(subject(), asOf.Add(48*time.Hour))
	s.Lead.State.DecidedAt = asOf
	r2 := enrichOnce(t, w, s)
	if got := p.queries[1].Want; len(p.queries) != 2 || len(got) != 1 || got[0] != "company.employees" {
		t.Errorf("asked again for %v, want company.employees once", got)
	}
	want[0].Cached = nil
	if diff := cmp.Diff(want, r.Calls, compare); diff != "" {
		t.Errorf("before a commit (-want +got):\n%s", diff)
	}
	want[0].Cached = []string{"company.industry"}
	if diff := cmp.Diff(want, r2.Calls, compare); diff != "" {
		t.Errorf("after a commit (-want +got):\n%s", diff)
	}
}

func TestAnswersOfAnotherVersionAreNotUsed(t *testing.T) {
	p, st := answering(employees(70)), newStore(t)
	old, changed := source("p", p), source("p", p)
	changed.Version = "2"
	enrichOnce(t, waterfall(t, st, demand("company.employees"), old), subject())
	enrichOnce(t, waterfall(t, st, demand("company.employees"), changed), subject())
	if p.calls() != 2 {
		t.Errorf("%d calls, want 2", p.calls())
	}
}

func TestASourceWithoutCacheLeavesNothingBehind(t *testing.T) {
	st := newStore(t)
	src := source("p", answering(employees(70)))
	src.NoCache, src.Price = true, 0
	w := waterfall(t, st, demand("company.employees"), src)
	if r := enrichOnce(t, w, subject()); len(r.Claims) != 1 {
		t.Fatalf("got %d claims", len(r.Claims))
	}
	err := st.View(t.Context(), func(tx store.Tx) error {
		for c, err := range tx.Costs().Since(t.Context(), time.Time{}) {
			t.Errorf("a free answer is in the cost ledger: %+v, %v", c, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// spy sees what reaches the cache.
type spy struct {
	store.Store
	entries *[]store.CacheEntry
	before  func() error // called before each Update
}

func (s spy) Update(ctx context.Context, f func(store.Tx) error) error {
	if s.before != nil {
		if err := s.before(); err != nil {
			return err
		}
	}
	return s.Store.Update(ctx, func(tx store.Tx) error { return f(spyTx{tx, s}) })
}

type spyTx struct {
	store.Tx
	spy spy
}

func (t spyTx) Cache() store.Cache { return spyCache{t.Tx.Cache(), t.spy} }

type spyCache struct {
	store.Cache
	spy spy
}

func (c spyCache) Put(ctx context.Context, e store.CacheEntry) error {
	*c.spy.entries = append(*c.spy.entries, e)
	return c.Cache.Put(ctx, e)
}

func TestCacheKeysDoNotTellWhoWasAskedAbout(t *testing.T) {
	var entries []store.CacheEntry
	st := spy{Store: newStore(t), entries: &entries}
	src := enrich.Source{Name: "p", Needs: []string{"lead.email"}, Fields: []string{"lead.title"}, Provider: answering(enrich.Fact{Field: "lead.title", Value: leadloop.ValueOf("CTO")})}
	s := subjectOf("lead-1", leadloop.Email.Claim("jane.canary@acme.example", person()))
	enrichOnce(t, waterfall(t, st, demand("lead.title"), src), s)
	if len(entries) != 1 || entries[0].Lead != "lead-1" {
		t.Fatalf("entries: %+v", entries)
	}
	if e := entries[0]; strings.Contains(e.Key+string(e.Data), "canary") || strings.Contains(e.Key, "acme") {
		t.Errorf("the entry names the person: %s %s", e.Key, e.Data)
	}
}

func TestAPaidAnswerIsKept(t *testing.T) {
	t.Run("when the caller gives up as it arrives", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		st := spy{Store: newStore(t), entries: new([]store.CacheEntry), before: func() error { cancel(); return nil }}
		p := answering(employees(70))
		w := waterfall(t, st, demand("company.employees"), source("p", p))
		if _, err := w.Enrich(ctx, subject()); err != nil {
			t.Fatal(err)
		}
		r := enrichOnce(t, w, subject())
		if p.calls() != 1 || len(r.Claims) != 1 || spent(t, st) != euro {
			t.Errorf("calls %d, claims %d, spent %d; want 1, 1, %d", p.calls(), len(r.Claims), spent(t, st), euro)
		}
	})
	t.Run("when other transactions are in the way", func(t *testing.T) {
		tries := 0
		var entries []store.CacheEntry
		st := spy{Store: newStore(t), entries: &entries, before: func() error {
			if tries++; tries < 4 {
				return leadloop.ErrConflict
			}
			return nil
		}}
		if r := enrichOnce(t, waterfall(t, st, demand("company.employees"), source("p", answering(employees(70)))), subject()); len(r.Claims) != 1 || tries != 4 {
			t.Errorf("claims %d after %d tries", len(r.Claims), tries)
		}
	})
	t.Run("or the run fails, for it must not be forgotten silently", func(t *testing.T) {
		broken := errors.New("disk full")
		st := spy{Store: newStore(t), entries: new([]store.CacheEntry), before: func() error { return broken }}
		_, err := waterfall(t, st, demand("company.employees"), source("p", answering(employees(70)))).Enrich(t.Context(), subject())
		if !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("and a store that can't be read buys nothing", func(t *testing.T) {
		st := memstore.New()
		p := answering(employees(70))
		w := waterfall(t, st, demand("company.employees"), source("p", p))
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Enrich(t.Context(), subject()); !errors.Is(err, leadloop.ErrUnavailable) || p.calls() > 0 {
			t.Errorf("got %v after %d calls", err, p.calls())
		}
	})
}

func TestEqualCallsInFlightAreJoined(t *testing.T) {
	for _, tc := range []struct {
		name  string
		err   error
		calls int
	}{
		{"ten leads of one company buy one answer", nil, 1},
		{"ten leads of one company share one failure", errors.New("broken"), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newStore(t)
				p := &provider{answer: func(enrich.Query) (enrich.Answer, error) {
					time.Sleep(time.Second)
					return enrich.Answer{Facts: []enrich.Fact{employees(70)}}, tc.err
				}}
				w := waterfall(t, st, demand("company.employees"), source("p", p))
				start := time.Now()
				var wg sync.WaitGroup
				for i := range 10 {
					wg.Go(func() {
						r, err := w.Enrich(t.Context(), subjectOf(leadloop.LeadID(rune('a'+i)), leadloop.Domain.Claim("acme.example", person())))
						if err != nil || len(r.Claims) == 1 != (tc.err == nil) {
							t.Errorf("claims %d, %v", len(r.Claims), err)
						}
					})
				}
				wg.Wait()
				if p.calls() != tc.calls || time.Since(start) != time.Second {
					t.Errorf("%d calls in %s, want %d in 1s", p.calls(), time.Since(start), tc.calls)
				}
			})
		})
	}
	t.Run("one whose caller gives up leaves the others to try for themselves", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			st := newStore(t)
			p := &provider{answer: func(enrich.Query) (enrich.Answer, error) {
				time.Sleep(time.Second)
				return enrich.Answer{Facts: []enrich.Fact{employees(70)}}, nil
			}}
			w := waterfall(t, st, demand("company.employees"), source("p", p))
			hasty, cancel := context.WithTimeout(t.Context(), time.Second/2)
			defer cancel()
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := w.Enrich(hasty, subject()); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the hasty one: %v", err)
				}
			})
			synctest.Wait()
			wg.Go(func() {
				if r, err := w.Enrich(t.Context(), subject()); err != nil || len(r.Claims) != 1 {
					t.Errorf("the patient one: %d claims, %v", len(r.Claims), err)
				}
			})
			wg.Wait()
		})
	})
}

func TestAJoinedCallThatRunsOutOfTimeIsTriedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		comeBack(t)
		st := newStore(t)
		p := &provider{}
		p.answer = func(enrich.Query) (enrich.Answer, error) {
			if p.calls() == 1 {
				time.Sleep(time.Minute)
			}
			return enrich.Answer{Facts: []enrich.Fact{employees(70)}}, nil
		}
		o := demand("company.employees")
		o.Deadline = 2 * time.Second
		w := waterfall(t, st, o, source("p", p))
		var wg sync.WaitGroup
		wg.Go(func() {
			if r := enrichOnce(t, w, subject()); r.Calls[0].Reason != enrich.ReasonDeadline {
				t.Errorf("the first lead: %+v", r.Calls)
			}
		})
		time.Sleep(time.Second)
		wg.Go(func() {
			if r := enrichOnce(t, w, subjectOf("lead-2", leadloop.Domain.Claim("acme.example", person()))); len(r.Claims) != 1 {
				t.Errorf("the second lead, which has a second left: %+v", r.Calls)
			}
		})
		wg.Wait()
	})
}

func TestTheLeadsBudgetCountsAllItHasCost(t *testing.T) {
	p, q := answering(industry("Steel")), answering(employees(70))
	o := demand("company.employees", "company.industry")
	o.Budget.Lead = 2*euro + euro/2
	w := waterfall(t, newStore(t), o, source("first", p), source("second", q))
	s := subject()
	s.Lead.State.Cost = euro
	r := enrichOnce(t, w, s)
	if r.Cost != euro || q.calls() != 0 || r.Calls[1].Reason != "budget_lead" {
		t.Errorf("spent %d, calls %+v", r.Cost, r.Calls)
	}
}

func TestConcurrentLeadsDoNotOverrunTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(t)
		p := &provider{answer: func(enrich.Query) (enrich.Answer, error) {
			time.Sleep(time.Second)
			return enrich.Answer{Facts: []enrich.Fact{employees(70)}}, nil
		}}
		o := demand("company.employees")
		o.Budget = enrich.Budget{Day: 3 * euro, Month: 100 * euro}
		src := source("p", p)
		src.Concurrency = 20
		w := waterfall(t, st, o, src)
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				name := string(rune('a' + i))
				if _, err := w.Enrich(t.Context(), subjectOf(leadloop.LeadID(name), leadloop.Domain.Claim(name+"-corp.example", person()))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if p.calls() != 3 || spent(t, st) != 3*euro {
			t.Errorf("%d calls for %d, want 3 for %d", p.calls(), spent(t, st), 3*euro)
		}
		next := subjectOf("z", leadloop.Domain.Claim("z-corp.example", person()))
		next.AsOf = asOf.Add(24 * time.Hour)
		if r := enrichOnce(t, w, next); r.Cost != euro {
			t.Errorf("the next day has no fresh budget: %+v", r.Calls)
		}
	})
}

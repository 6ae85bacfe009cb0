package enrich_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/store"
)

// opens is an outlook in which a field matters until one of others is known.
func opens(weights map[string]float64, until map[string]string) enrich.Outlook {
	return enrich.OutlookFunc(func(_ context.Context, s leadloop.Subject, changeable []string) (enrich.Prospect, error) {
		p := enrich.Prospect{Decision: "tier B and owner Ana"}
		for _, f := range changeable {
			other := until[f]
			if weights[f] > 0 && (other == "" || s.Profile.Value(other).Presence() != leadloop.Present) {
				p.Open = append(p.Open, enrich.Influence{Field: f, Weight: weights[f], Changes: "tier"})
			}
		}
		return p, nil
	})
}

func named(field, name string, p enrich.Provider, price leadloop.Micros) enrich.Source {
	return enrich.Source{Name: name, Provider: p, Needs: []string{"company.domain"}, Fields: []string{field}, Price: price}
}

func asked(r enrich.Report) (out []string) {
	for _, c := range r.Calls {
		if c.Outcome != enrich.Skipped {
			out = append(out, c.Source)
		}
	}
	return out
}

func TestTheWaterfallStopsWhenNothingLeftCouldChangeTheDecision(t *testing.T) {
	o := demand("company.employees", "company.industry", "company.revenue")
	o.Outlook = opens(map[string]float64{"company.employees": 1, "company.industry": 0.5, "company.revenue": 0.1}, map[string]string{"company.revenue": "company.industry"})
	revenue := answering(enrich.Fact{Field: "company.revenue", Value: leadloop.ValueOf(int64(5))})
	w := waterfall(t, newStore(t), o,
		named("company.revenue", "r", revenue, euro), named("company.employees", "e", answering(employees(70)), euro), named("company.industry", "i", answering(industry("Steel")), euro))
	r := enrichOnce(t, w, subject())
	want := enrich.Report{
		Stopped: enrich.StoppedDecided, Because: "stopped after 2 of 3 providers: tier B and owner Ana whatever company.revenue is",
		Calls: []enrich.Call{
			{Source: "e", Outcome: enrich.Matched, Because: "company.employees could change tier", Asked: []string{"company.employees"}, Got: []string{"company.employees"}, Cost: euro},
			{Source: "i", Outcome: enrich.Matched, Because: "company.industry could change tier", Asked: []string{"company.industry"}, Got: []string{"company.industry"}, Cost: euro},
		},
		Cost: 2 * euro, Saved: euro, Spared: []enrich.Spared{{Source: "r", Fields: []string{"company.revenue"}, Cost: euro}}, Missing: []string{"company.revenue"}, NotNeeded: []string{"company.revenue"},
		Claims: []leadloop.Claim{bought(leadloop.Employees, 70, "e"), bought(leadloop.Industry, "Steel", "i")},
	}
	if diff := cmp.Diff(want, r, compare); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if revenue.calls() != 0 {
		t.Error("the field that changes nothing was bought")
	}
}

func TestWhoIsAskedFirst(t *testing.T) {
	three := map[string]float64{"company.employees": 0.2, "company.industry": 0.9, "company.revenue": 0.45}
	sources := func() []enrich.Source {
		s := []enrich.Source{
			named("company.employees", "e", unknowing(), euro), named("company.industry", "i", unknowing(), 5*euro), named("company.revenue", "r", unknowing(), euro),
		}
		s[1].MatchRate = 1
		return s
	}
	for _, tc := range []struct {
		name   string
		change func(*enrich.Options, []enrich.Source)
		want   string
	}{
		{"the best expected value for its price", nil, "r i e"},
		{"a free call before all others", func(_ *enrich.Options, s []enrich.Source) { s[0].Price = 0 }, "e r i"},
		{"where only matches are charged a rare match costs little", func(_ *enrich.Options, s []enrich.Source) { s[0].Charge, s[0].MatchRate = enrich.ChargeMatch, 0.1 }, "r e i"},
		{"the order of the list, if that is asked for", func(o *enrich.Options, _ []enrich.Source) { o.Order = enrich.OrderListed }, "e i r"},
		{"the cheapest, ties as listed", func(o *enrich.Options, _ []enrich.Source) { o.Order = enrich.OrderCheapest }, "e r i"},
		{"the order of the list without an outlook", func(o *enrich.Options, _ []enrich.Source) { o.Outlook = nil }, "e i r"},
		{"and everything in everything mode, in that order", func(o *enrich.Options, _ []enrich.Source) { o.Mode = enrich.Everything }, "e i r"},
		{"nobody in off mode", func(o *enrich.Options, _ []enrich.Source) { o.Mode = enrich.Off }, ""},
		{"what is bought in any case counts in full", func(o *enrich.Options, _ []enrich.Source) {
			o.Policies = map[string]enrich.FieldPolicy{"company.employees": {Buy: enrich.BuyAlways}}
		}, "e r i"},
		{"nobody about a field that is never bought", func(o *enrich.Options, _ []enrich.Source) {
			o.Policies = map[string]enrich.FieldPolicy{"company.revenue": {Buy: enrich.BuyNever}}
		}, "i e"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, s := demand("company.employees", "company.industry", "company.revenue"), sources()
			o.Outlook = opens(three, nil)
			if tc.change != nil {
				tc.change(&o, s)
			}
			if got := strings.Join(asked(enrichOnce(t, waterfall(t, newStore(t), o, s...), subject())), " "); got != tc.want {
				t.Errorf("asked %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAFieldIsAskedForInItsOwnOrderWhateverCallComesFirst(t *testing.T) {
	// The vendor is asked first, about the industry; its head count waits for
	// the registry's, which is listed first for it, and is not paid for twice.
	vendor := answering(employees(70), industry("Steel"))
	for _, tc := range []struct {
		name     string
		registry *provider
		want     leadloop.Claim
	}{
		{"the first in the list wins although it was asked later", answering(employees(900)), bought(leadloop.Employees, 900, "registry")},
		{"the second wins if the first knows nothing, for the price of one call", unknowing(), bought(leadloop.Employees, 70, "vendor")},
		{"the second wins if the first says nonsense", answering(employees(-1)), bought(leadloop.Employees, 70, "vendor")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := demand("company.employees", "company.industry")
			o.Outlook = opens(map[string]float64{"company.employees": 0.1, "company.industry": 1}, nil)
			st := newStore(t)
			r := enrichOnce(t, waterfall(t, st, o, named("company.employees", "registry", tc.registry, euro), source("vendor", vendor)), subject())
			if diff := cmp.Diff([]string{"vendor", "registry"}, asked(r)); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]leadloop.Claim{bought(leadloop.Industry, "Steel", "vendor"), tc.want}, r.Claims, compare); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			if got := spent(t, st); got != 2*euro {
				t.Errorf("spent %d", got)
			}
		})
	}
}

func TestABundleAsksForWhatElseIsMissing(t *testing.T) {
	for _, bundle := range []bool{true, false} {
		p := answering(employees(70), industry("Steel"))
		o := demand("company.employees", "company.industry")
		o.Outlook = opens(map[string]float64{"company.employees": 1}, nil)
		src := source("p", p)
		src.Bundle = bundle
		r := enrichOnce(t, waterfall(t, newStore(t), o, src), subject())
		want := []string{"company.employees"}
		if bundle {
			want = append(want, "company.industry")
		}
		if diff := cmp.Diff(want, p.queries[0].Want); diff != "" || len(r.Claims) != len(want) {
			t.Errorf("bundle %v: %d claims, asked for (-want +got):\n%s", bundle, len(r.Claims), diff)
		}
	}
}

func TestAFieldThatASourceIsAskedByIsWorthWhatTheSourceTells(t *testing.T) {
	domains := answering(enrich.Fact{Field: "company.domain", Value: leadloop.ValueOf("acme.example")})
	o := demand("company.employees", "company.domain")
	o.Outlook = opens(map[string]float64{"company.employees": 1}, nil)
	finder := enrich.Source{Name: "finder", Provider: domains, Needs: []string{"company.name"}, Fields: []string{"company.domain"}, Price: euro}
	w := waterfall(t, newStore(t), o, named("company.employees", "e", answering(employees(70)), euro), finder)
	r := enrichOnce(t, w, subjectOf("lead-1", leadloop.CompanyName.Claim("Acme", person())))
	if diff := cmp.Diff([]string{"finder", "e"}, asked(r)); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestGroupsHaveWaterfallsOfTheirOwn(t *testing.T) {
	o := demand("company.employees", "company.industry")
	o.Groups = []enrich.Group{{Fields: []string{"company.employees"}, Sources: []string{"second", "first"}}, {Fields: []string{"company.industry"}, Sources: []string{"first"}}}
	w := waterfall(t, newStore(t), o, source("first", answering(employees(1), industry("Steel"))), source("second", answering(employees(2), industry("Toys"))))
	r := enrichOnce(t, w, subject())
	slices.SortFunc(r.Claims, leadloop.Claim.Compare)
	want := []leadloop.Claim{bought(leadloop.Employees, 2, "second"), bought(leadloop.Industry, "Steel", "first")}
	if diff := cmp.Diff(want, r.Claims, compare); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func takes(d time.Duration, facts ...enrich.Fact) *provider {
	return &provider{answer: func(enrich.Query) (enrich.Answer, error) {
		time.Sleep(d)
		return enrich.Answer{Facts: slices.Clone(facts)}, nil
	}}
}

func TestParallelSourcesAreAskedAtOnceAndAllTheirAnswersAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := demand("company.employees")
		o.Order, o.Deadline = enrich.OrderParallel, 150*time.Millisecond
		w := waterfall(t, newStore(t), o, source("a", takes(100*time.Millisecond, employees(-5))), source("b", takes(100*time.Millisecond, employees(20))),
			source("c", takes(50*time.Millisecond, employees(30))))
		start := time.Now()
		r := enrichOnce(t, w, subject())
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		if diff := cmp.Diff([]leadloop.Claim{bought(leadloop.Employees, 20, "b"), bought(leadloop.Employees, 30, "c")}, r.Claims, compare); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
	})
}

func TestThreeSlowProvidersStayWithinTheDeadline(t *testing.T) {
	for _, order := range []enrich.Order{enrich.OrderListed, enrich.OrderParallel} {
		for _, deadline := range []time.Duration{50 * time.Millisecond, 150 * time.Millisecond, 250 * time.Millisecond, time.Second} {
			t.Run(order.String()+" "+deadline.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					comeBack(t)
					o := demand("company.employees", "company.industry", "company.revenue")
					o.Order, o.Deadline = order, deadline
					var sources []enrich.Source
					for _, f := range o.Fields {
						sources = append(sources, named(f, f, takes(100*time.Millisecond), 0))
					}
					start := time.Now()
					enrichOnce(t, waterfall(t, newStore(t), o, sources...), subject())
					if took := time.Since(start); took > deadline+5*time.Millisecond {
						t.Errorf("it took %s", took)
					}
				})
			})
		}
	}
}

func TestALateAnswerIsKeptForTheNextDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(t)
		p := takes(3*time.Second, employees(70)) // it ignores its context
		src := source("p", p)
		src.Timeout, src.Retries = time.Second, enrich.NoRetries
		o := demand("company.employees")
		o.Budget.Day = euro
		w := waterfall(t, st, o, src)
		start := time.Now()
		r := enrichOnce(t, w, subject())
		if took := time.Since(start); took != time.Second || len(r.Claims) > 0 || !r.Unfinished() {
			t.Fatalf("after %s: %+v", took, r)
		}
		if again := enrichOnce(t, w, subjectOf("other", leadloop.Domain.Claim("other.example", person()))); again.Calls[0].Reason != "budget_day" {
			t.Errorf("while the call may still cost something its money was spent again: %+v", again.Calls)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		r = enrichOnce(t, w, subject())
		if p.calls() != 1 || len(r.Claims) != 1 || spent(t, st) != euro {
			t.Errorf("%d calls, %d claims, %d spent", p.calls(), len(r.Claims), spent(t, st))
		}
	})
}

func TestASecondTryBesideASlowFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		comeBack(t)
		var mu sync.Mutex
		n := 0
		p := enrich.ProviderFunc(func(ctx context.Context, _ enrich.Query) (enrich.Answer, error) {
			mu.Lock()
			n++
			first := n == 1
			mu.Unlock()
			if first {
				<-ctx.Done()
				return enrich.Answer{}, ctx.Err()
			}
			time.Sleep(10 * time.Millisecond)
			return enrich.Answer{Facts: []enrich.Fact{employees(70)}}, nil
		})
		src := source("p", p)
		src.Price, src.HedgeAfter = 0, 100*time.Millisecond
		start := time.Now()
		r := enrichOnce(t, waterfall(t, newStore(t), demand("company.employees"), src), subject())
		if took := time.Since(start); took != 110*time.Millisecond || len(r.Claims) != 1 {
			t.Errorf("%d claims after %s", len(r.Claims), took)
		}
	})
}

func TestWhoMayBeSent(t *testing.T) {
	german, granted, denied := leadloop.Country.Claim("DE", person()), leadloop.Consent.Claim(leadloop.ConsentGranted, person()), leadloop.Consent.Claim(leadloop.ConsentDenied, person())
	american := leadloop.Country.Claim("US", person())
	inGermany := func(s *enrich.Source, _ *enrich.Options) { s.ConsentIn = []string{"Germany"} }
	for _, tc := range []struct {
		name   string
		s      leadloop.Subject
		change func(*enrich.Source, *enrich.Options)
		reason string
	}{
		{"with consent, where it is needed", subject(german, granted), inGermany, ""},
		{"not without, where it is needed", subject(german), inGermany, "consent_missing"},
		{"without, where it is not needed", subject(american), inGermany, ""},
		{"not without, from nobody knows where", subject(), inGermany, "consent_missing"},
		{"nobody who said no, wherever they are", subject(american, denied), inGermany, "consent_refused"},
		{"for a purpose that is allowed", subject(), func(s *enrich.Source, o *enrich.Options) {
			s.Purposes, o.Purpose = []string{"sales", "support"}, "sales"
		}, ""},
		{"not for another purpose", subject(), func(s *enrich.Source, o *enrich.Options) { s.Purposes, o.Purpose = []string{"support"}, "sales" }, "purpose_not_allowed"},
		{"not for a purpose that nobody says", subject(), func(s *enrich.Source, _ *enrich.Options) { s.Purposes = []string{"support"} }, "purpose_not_allowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := answering(employees(70))
			src, o := source("p", p), demand("company.employees")
			tc.change(&src, &o)
			r := enrichOnce(t, waterfall(t, newStore(t), o, src), tc.s)
			if (p.calls() == 1) != (tc.reason == "") || len(r.Calls) != 1 || r.Calls[0].Reason != tc.reason {
				t.Errorf("%d calls, report %+v", p.calls(), r)
			}
		})
	}
	t.Run("nobody whom the program refuses, and nothing is asked of anybody", func(t *testing.T) {
		p, o := answering(employees(70)), demand("company.employees")
		o.Refuse = func(context.Context, leadloop.Subject) (string, error) { return "suppressed", nil }
		r := enrichOnce(t, waterfall(t, newStore(t), o, source("p", p)), subject())
		if diff := cmp.Diff(enrich.Report{Stopped: "suppressed", Missing: []string{"company.employees"}}, r, compare); diff != "" || p.calls() > 0 {
			t.Errorf("%d calls, report (-want +got):\n%s", p.calls(), diff)
		}
	})
	t.Run("nobody if that can't be told", func(t *testing.T) {
		p, o, broken := answering(employees(70)), demand("company.employees"), errors.New("broken")
		o.Refuse = func(context.Context, leadloop.Subject) (string, error) { return "", broken }
		if _, err := waterfall(t, newStore(t), o, source("p", p)).Enrich(t.Context(), subject()); !errors.Is(err, broken) || p.calls() > 0 {
			t.Errorf("%v after %d calls", err, p.calls())
		}
	})
}

// TestBudgetsHoldAcrossProcesses has several waterfalls on one store, as
// several processes have: they share no memory.
func TestBudgetsHoldAcrossProcesses(t *testing.T) {
	for name, budget := range map[string]func(*enrich.Options, *enrich.Source){
		"per day":               func(o *enrich.Options, _ *enrich.Source) { o.Budget.Day = 5 * euro },
		"per month":             func(o *enrich.Options, _ *enrich.Source) { o.Budget.Month = 5 * euro },
		"per provider and day":  func(_ *enrich.Options, s *enrich.Source) { s.Budget.Day = 5 * euro },
		"per provider in month": func(_ *enrich.Options, s *enrich.Source) { s.Budget.Month = 5 * euro },
	} {
		t.Run(name, func(t *testing.T) {
			st := newStore(t)
			gate, started := make(chan struct{}), make(chan struct{}, 20)
			p := &provider{answer: func(enrich.Query) (enrich.Answer, error) {
				started <- struct{}{}
				<-gate
				return enrich.Answer{Facts: []enrich.Fact{employees(70)}}, nil
			}}
			var wait sync.WaitGroup
			for i := range 4 {
				o, src := demand("company.employees"), source("p", p)
				src.Concurrency = 10
				budget(&o, &src)
				w := waterfall(t, st, o, src)
				for j := range 5 {
					wait.Go(func() {
						id := string(rune('a'+i)) + string(rune('a'+j))
						if _, err := w.Enrich(context.Background(), subjectOf(leadloop.LeadID(id), leadloop.Domain.Claim(id+"-corp.example", person()))); err != nil {
							t.Error(err)
						}
					})
				}
			}
			for range 5 {
				<-started
			}
			close(gate)
			wait.Wait()
			if p.calls() != 5 || spent(t, st) != 5*euro {
				t.Errorf("%d calls for %d", p.calls(), spent(t, st))
			}
		})
	}
}

func TestMoneyOfACrashIsReleasedByTime(t *testing.T) {
	st := newStore(t)
	now := asOf
	o := demand("company.employees")
	o.Budget.Day, o.Now = euro, func() time.Time { return now }
	crash := enrich.ProviderFunc(func(ctx context.Context, _ enrich.Query) (enrich.Answer, error) {
		if err := st.View(ctx, func(store.Tx) error { return nil }); err != nil {
			return enrich.Answer{}, err
		}
		panic("the process is gone")
	})
	// A process that dies books nothing and releases nothing.
	dying := spy{Store: st, entries: new([]store.CacheEntry)}
	calls := 0
	dying.before = func() error {
		if calls++; calls > 1 {
			return errors.New("gone")
		}
		return nil
	}
	src := source("p", crash)
	src.Retries = enrich.NoRetries
	enrichOnce(t, waterfall(t, dying, o, src), subject())
	w := waterfall(t, st, o, source("p", answering(employees(70))))
	if r := enrichOnce(t, w, subject()); r.Calls[0].Reason != "budget_day" {
		t.Errorf("the money may still be spent: %+v", r.Calls)
	}
	now = now.Add(2 * time.Hour)
	if r := enrichOnce(t, w, subject()); len(r.Claims) != 1 {
		t.Errorf("the money is released: %+v", r.Calls)
	}
}

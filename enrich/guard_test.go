package enrich_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

// slow answers after d, whether or not anybody waits any more.
func slow(d time.Duration) enrich.Provider {
	return enrich.ProviderFunc(func(context.Context, enrich.Query) (enrich.Answer, error) {
		time.Sleep(d)
		return enrich.Answer{Facts: []enrich.Fact{employees(70)}}, nil
	})
}

// comeBack lets providers that were left behind end before the bubble does.
func comeBack(t *testing.T) { t.Cleanup(func() { time.Sleep(48 * time.Hour) }) }

// polite hangs until it is told to stop.
var polite = enrich.ProviderFunc(func(ctx context.Context, _ enrich.Query) (enrich.Answer, error) {
	<-ctx.Done()
	return enrich.Answer{}, ctx.Err()
})

// timed runs one lead through w in a bubble and returns how long it took.
func timed(t *testing.T, w *enrich.Waterfall) (enrich.Report, time.Duration) {
	t.Helper()
	start := time.Now()
	r := enrichOnce(t, w, subject())
	return r, time.Since(start)
}

func TestAHungProviderCostsExactlyItsTimeout(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    enrich.Provider
	}{
		{"when it heeds its context", polite},
		{"when it ignores its context", slow(time.Hour)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				comeBack(t)
				hung := source("hung", tc.p)
				hung.Timeout = 2 * time.Second
				w := waterfall(t, newStore(t), demand("company.employees"), hung, source("next", slow(100*time.Millisecond)))
				r, took := timed(t, w)
				if took != 2100*time.Millisecond {
					t.Errorf("took %s, want 2.1s: 2s for the hung one, 100ms for the next", took)
				}
				want := []enrich.Call{
					{Source: "hung", Outcome: enrich.Failed, Reason: enrich.ReasonTimeout, Detail: "no answer within 2s", Asked: []string{"company.employees"}, Err: cmpopts.AnyError},
					{Source: "next", Outcome: enrich.Matched, Asked: []string{"company.employees"}, Got: []string{"company.employees"}, Cost: euro},
				}
				if diff := cmp.Diff(want, r.Calls, compare); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTheDeadlineHoldsForAllProvidersTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		comeBack(t)
		o := demand("company.employees")
		o.Deadline = 7 * time.Second
		w := waterfall(t, newStore(t), o, source("a", polite), source("b", slow(time.Hour)), source("c", polite))
		r, took := timed(t, w)
		if took != 7*time.Second {
			t.Errorf("took %s, want 7s", took)
		}
		want := []enrich.Call{
			{Source: "a", Outcome: enrich.Failed, Reason: enrich.ReasonTimeout, Asked: []string{"company.employees"}, Err: cmpopts.AnyError},
			{Source: "b", Outcome: enrich.Failed, Reason: enrich.ReasonDeadline, Asked: []string{"company.employees"}, Err: cmpopts.AnyError},
			{Source: "c", Outcome: enrich.Skipped, Reason: enrich.ReasonDeadline, Asked: []string{"company.employees"}},
		}
		if diff := cmp.Diff(want, r.Calls, compare, cmpopts.IgnoreFields(enrich.Call{}, "Detail")); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if !r.Unfinished() {
			t.Error("a lead that ran out of time is not finished")
		}
	})
}

func TestACallerWhoGoesEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		comeBack(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := waterfall(t, newStore(t), demand("company.employees"), source("a", slow(time.Minute))).Enrich(ctx, subject())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

// flaky fails with each error in turn, then answers.
func flaky(errs ...error) *provider {
	p := &provider{}
	p.answer = func(enrich.Query) (enrich.Answer, error) {
		if n := len(p.queries); n <= len(errs) {
			return enrich.Answer{}, errs[n-1]
		}
		return enrich.Answer{Facts: []enrich.Fact{employees(70)}}, nil
	}
	return p
}

func TestRetries(t *testing.T) {
	busy := func(after time.Duration) error {
		return &enrich.LookupError{Reason: enrich.ReasonRateLimited, Temporary: true, RetryAfter: after}
	}
	for _, tc := range []struct {
		name           string
		p              *provider
		retries        int
		calls          int
		atLeast, below time.Duration
		reason         string // "" means answered
	}{
		{"a temporary failure is tried again after a jittered pause", flaky(leadloop.ErrUnavailable), 0, 2, 150 * time.Millisecond, 251 * time.Millisecond, ""},
		{"a second one after twice the pause", flaky(leadloop.ErrUnavailable, leadloop.ErrUnavailable), 0, 3, 450 * time.Millisecond, 751 * time.Millisecond, ""},
		{"a third one is the end", flaky(leadloop.ErrUnavailable, leadloop.ErrUnavailable, leadloop.ErrUnavailable), 0, 3, 450 * time.Millisecond, 751 * time.Millisecond, enrich.ReasonUnavailable},
		{"without retries the first one is the end", flaky(leadloop.ErrUnavailable), enrich.NoRetries, 1, 0, 1, enrich.ReasonUnavailable},
		{"any other failure is the end", flaky(errors.New("wrong key")), 0, 1, 0, 1, enrich.ReasonFailed},
		{"a provider is not asked earlier than it said", flaky(busy(2 * time.Second)), 0, 2, 2 * time.Second, 4 * time.Second, ""},
		{"nor waited for longer than its timeout", flaky(busy(6 * time.Second)), 0, 1, 0, 1, enrich.ReasonRateLimited},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := source("flaky", tc.p)
				src.Retries = tc.retries
				r, took := timed(t, waterfall(t, newStore(t), demand("company.employees"), src))
				if tc.p.calls() != tc.calls || took < tc.atLeast || took >= tc.below {
					t.Errorf("%d calls in %s, want %d in [%s, %s)", tc.p.calls(), took, tc.calls, tc.atLeast, tc.below)
				}
				if got := r.Calls[0].Reason; got != tc.reason {
					t.Errorf("reason %q, want %q", got, tc.reason)
				}
			})
		})
	}
}

func TestPanicsStayInside(t *testing.T) {
	for _, tc := range []struct {
		name, detail string
		p            enrich.ProviderFunc
	}{
		{
			"a panic becomes a failure that does not repeat its text", "the provider panicked with a string",
			func(context.Context, enrich.Query) (enrich.Answer, error) { panic("jane@acme.example") },
		},
		{
			"ending the goroutine becomes a failure", "the provider ended its goroutine",
			func(context.Context, enrich.Query) (enrich.Answer, error) { runtime.Goexit(); panic("unreachable") },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := enrichOnce(t, waterfall(t, newStore(t), demand("company.employees"), source("bad", tc.p), source("next", answering(employees(70)))), subject())
			want := enrich.Call{Source: "bad", Outcome: enrich.Failed, Reason: enrich.ReasonPanic, Detail: tc.detail, Asked: []string{"company.employees"}, Err: cmpopts.AnyError}
			if diff := cmp.Diff(want, r.Calls[0], compare); diff != "" {
				t.Errorf("call (-want +got):\n%s", diff)
			}
			if strings.Contains(r.Calls[0].Err.Error(), "jane") || len(r.Claims) != 1 {
				t.Errorf("error %v, %d claims", r.Calls[0].Err, len(r.Claims))
			}
		})
	}
}

func TestReasonsOfProvidersAreCodesOnly(t *testing.T) {
	for _, tc := range []struct{ name, given, want string }{
		{"a code is kept", "quota_used_up", "quota_used_up"},
		{"free text is not", "no credit for jane@acme.example", enrich.ReasonFailed},
		{"nothing is not", "", enrich.ReasonFailed},
		{"a code of fifty letters is not", strings.Repeat("abcde", 10), enrich.ReasonFailed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := enrichOnce(t, waterfall(t, newStore(t), demand("company.employees"), source("p", failing(&enrich.LookupError{Reason: tc.given}))), subject())
			if got := r.Calls[0].Reason; got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func lead(i int) leadloop.Subject {
	id := "l" + string(rune('a'+i))
	return subjectOf(leadloop.LeadID(id), leadloop.Domain.Claim(id+".example", person()))
}

func TestAProviderThatKeepsFailingGetsARest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flaky(errors.New("1"), errors.New("2"), errors.New("3"), errors.New("4"), errors.New("5"), errors.New("6"))
		w := waterfall(t, newStore(t), demand("company.employees"), source("p", p))
		var reasons []string
		ask := func(i int) {
			r := enrichOnce(t, w, lead(i))
			reasons = append(reasons, r.Calls[0].Reason)
		}
		for i := range 12 {
			ask(i)
		}
		tried := p.calls()
		if tried < 5 || tried > 10 || reasons[11] != enrich.ReasonCircuitOpen {
			t.Errorf("%d calls, reasons %v", tried, reasons)
		}
		time.Sleep(29 * time.Second)
		if ask(12); p.calls() != tried {
			t.Error("it was asked before its 30 seconds of rest were over")
		}
		time.Sleep(2 * time.Second)
		ask(13)
		if p.calls() != tried+1 {
			t.Errorf("%d calls after the rest, want %d", p.calls(), tried+1)
		}
	})
}

func TestOurOwnLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := source("rated", answering(employees(70)))
		src.RatePerSecond = 10
		w := waterfall(t, newStore(t), demand("company.employees"), src)
		start := time.Now()
		for i := range 11 {
			enrichOnce(t, w, lead(i))
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("11 calls at 10 per second took %s, want 1s", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		src := source("narrow", enrich.ProviderFunc(func(context.Context, enrich.Query) (enrich.Answer, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			return enrich.Answer{Facts: []enrich.Fact{employees(70)}}, nil
		}))
		src.Concurrency = 2
		w := waterfall(t, newStore(t), demand("company.employees"), src)
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() { enrichOnce(t, w, lead(i)) })
		}
		wg.Wait()
		if most != 2 {
			t.Errorf("%d calls at a time, want 2", most)
		}
	})
}

func TestAProviderThatNeverComesBackHoldsOnlyItsSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		comeBack(t)
		src := source("gone", slow(24*time.Hour))
		src.Concurrency, src.Timeout = 2, time.Second
		w := waterfall(t, newStore(t), demand("company.employees"), src)
		before := runtime.NumGoroutine()
		for i := range 4 {
			enrichOnce(t, w, lead(i))
		}
		if left := runtime.NumGoroutine() - before; left > 2 {
			t.Errorf("%d goroutines are left behind, want at most 2", left)
		}
		if r := enrichOnce(t, w, lead(5)); r.Calls[0].Reason != enrich.ReasonBusy {
			t.Errorf("reason %q, want busy", r.Calls[0].Reason)
		}
	})
}

package enrich

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/hedgepolicy"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"

	"github.com/leadloop/leadloop"
)

const (
	retryPause    = 200 * time.Millisecond
	maxRetryPause = 5 * time.Second
	retryJitter   = 0.25

	breakerFailures = 5
	breakerWindow   = 10
	breakerRest     = 30 * time.Second
)

// guard is a source behind its limits. The policies are made once, because
// they remember: a breaker that is new for each lead never opens.
type guard struct {
	Source
	slots    bulkhead.Bulkhead[told]
	rate     ratelimiter.RateLimiter[told] // nil without a limit
	breaker  circuitbreaker.CircuitBreaker[told]
	whole    failsafe.Executor[told]
	attempts failsafe.Executor[told]
}

func newGuard(s Source) *guard {
	g := &guard{Source: s}
	g.slots = bulkhead.NewBuilder[told](uint(max(s.Concurrency, 1))).Build()
	if s.RatePerSecond > 0 {
		g.rate = ratelimiter.NewSmoothBuilder[told](uint(s.RatePerSecond), time.Second).Build()
	}
	g.breaker = circuitbreaker.NewBuilder[told]().
		HandleIf(func(_ told, err error) bool { return err != nil && !errors.Is(err, errGivenUp) }).
		WithFailureThresholdRatio(breakerFailures, breakerWindow).
		WithSuccessThreshold(1).
		WithDelay(breakerRest).
		Build()
	retry := retrypolicy.NewBuilder[told]().
		HandleIf(func(_ told, err error) bool {
			return errors.Is(err, leadloop.ErrUnavailable) && !errors.As(err, new(final))
		}).
		ReturnLastFailure().
		WithMaxRetries(max(s.Retries, 0)).
		WithBackoff(retryPause, maxRetryPause).
		WithJitterFactor(retryJitter).
		WithDelayFunc(func(exec failsafe.ExecutionAttempt[told]) time.Duration {
			var e *LookupError
			if errors.As(exec.LastError(), &e) && e.RetryAfter > 0 {
				// Jitter may take its share off again: the provider is never
				// asked earlier than it said.
				return time.Duration(float64(e.RetryAfter)/(1-retryJitter)) + time.Millisecond
			}
			return -1
		}).
		Build()
	g.whole = failsafe.With[told](timeout.New[told](s.Timeout))
	g.attempts = failsafe.With[told](retry, g.breaker)
	if s.HedgeAfter > 0 {
		hedge := hedgepolicy.NewBuilderWithDelay[told](s.HedgeAfter).
			CancelIf(func(_ told, err error) bool { return err == nil }).
			Build()
		g.attempts = failsafe.With[told](retry, g.breaker, hedge)
	}
	return g
}

// errGivenUp is the end of a call whose caller has gone; the provider is not
// to blame.
var errGivenUp = errors.New("the caller gave up")

// final wraps a temporary error that there is no time left to wait for.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// told is what a provider said in one call: to one query, or to all of a batch.
type told struct {
	answer Answer
	all    []Reply
}

// lookup asks the provider within its limits. The error is the reason for
// people and journals, cause what the provider returned. A try that was left
// behind holds on to the money, and calls late if it gets an answer after all.
func (g *guard) lookup(ctx context.Context, q Query, money *money, late func(Answer)) (a Answer, failure *LookupError, cause error) {
	t, failure, cause := g.ask(ctx, ticket{
		call: func(ctx context.Context) (told, error) {
			a, err := g.Provider.Lookup(ctx, q.clone())
			return told{answer: a}, err
		},
		keep: money.keep, drop: money.drop, late: func(t told) { late(t.answer) },
	})
	return t.answer, failure, cause
}

// ticket is one call to be made. Each try keeps the money and drops it when it
// is over; late takes what came when nobody waited any more.
type ticket struct {
	call       func(ctx context.Context) (told, error)
	keep, drop func()
	late       func(told)
}

func (g *guard) ask(ctx context.Context, call ticket) (t told, failure *LookupError, cause error) {
	if g.breaker.IsOpen() && g.breaker.RemainingDelay() > 0 {
		return told{}, &LookupError{Reason: ReasonCircuitOpen, Detail: "it failed too often lately", Temporary: true}, circuitbreaker.ErrOpen
	}
	if err := g.slots.AcquirePermitWithMaxWait(ctx, g.Timeout); err != nil {
		return told{}, g.explain(ctx, err), err
	}
	slot := &slot{release: g.slots.ReleasePermit}
	slot.hold()
	defer slot.drop()
	if g.rate != nil {
		if err := g.rate.AcquirePermitWithMaxWait(ctx, g.Timeout); err != nil {
			return told{}, g.explain(ctx, err), err
		}
	}
	var got atomic.Pointer[told]
	_, err := g.whole.WithContext(ctx).GetWithExecution(func(whole failsafe.Execution[told]) (told, error) {
		return g.attempts.WithContext(whole.Context()).GetWithExecution(func(exec failsafe.Execution[told]) (told, error) {
			if g.rate != nil && (exec.IsRetry() || exec.IsHedge()) {
				if err := g.rate.AcquirePermit(exec.Context()); err != nil {
					return told{}, errGivenUp
				}
			}
			t, err := g.attempt(ctx, exec.Context(), call, slot)
			var e *LookupError
			if errors.As(err, &e) && e.RetryAfter > 0 && e.RetryAfter >= timeLeft(ctx, whole, g.Timeout) {
				err = final{err}
			}
			if err == nil {
				got.Store(&t)
			}
			return t, err
		})
	})
	// An answer that came is an answer paid for, even if a timer fired in the
	// same instant.
	if t := got.Load(); t != nil {
		return *t, nil, nil
	}
	return told{}, g.explain(ctx, err), err
}

func timeLeft(ctx context.Context, whole failsafe.Execution[told], limit time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, deadline.Sub(whole.StartTime()))
	}
	return limit - whole.ElapsedTime()
}

// attempt runs the provider beside the caller, so that one which ignores its
// context can be left behind. It keeps its slot until it comes back: a
// provider that always hangs holds Concurrency goroutines and no more.
func (g *guard) attempt(caller, ctx context.Context, call ticket, slot *slot) (told, error) {
	type result struct {
		told told
		err  error
	}
	done := make(chan result, 1)
	var over atomic.Bool // whoever comes second finds it true
	slot.hold()
	call.keep()
	go func() {
		defer slot.drop()
		defer call.drop()
		// What is sent if Lookup neither returns nor panics (runtime.Goexit).
		r := result{err: &LookupError{Reason: ReasonPanic, Detail: "the provider ended its goroutine"}}
		defer func() {
			if p := recover(); p != nil {
				// The panic's value may hold anything, so only its type is told.
				r = result{err: &LookupError{Reason: ReasonPanic, Detail: fmt.Sprintf("the provider panicked with a %T", p)}}
			}
			if !over.CompareAndSwap(false, true) && r.err == nil {
				call.late(r.told)
			}
			done <- r
		}()
		t, err := call.call(ctx)
		r = result{t, err}
	}()
	select {
	case r := <-done:
		if r.err == nil || ctx.Err() == nil {
			return r.told, r.err
		}
	case <-ctx.Done():
		if over.CompareAndSwap(false, true) {
			break // left behind
		}
		if r := <-done; r.err == nil {
			return r.told, nil
		}
	}
	if caller.Err() != nil {
		return told{}, errGivenUp
	}
	return told{}, timeout.ErrExceeded
}

func (g *guard) explain(ctx context.Context, err error) *LookupError {
	var e *LookupError
	switch {
	case ctx.Err() != nil:
		return &LookupError{Reason: ReasonDeadline, Detail: "the time for all providers was over", Temporary: true}
	case errors.Is(err, timeout.ErrExceeded), errors.Is(err, errGivenUp):
		return &LookupError{Reason: ReasonTimeout, Detail: fmt.Sprintf("no answer within %s", g.Timeout), Temporary: true}
	case errors.Is(err, circuitbreaker.ErrOpen):
		return &LookupError{Reason: ReasonCircuitOpen, Detail: "it failed too often lately", Temporary: true}
	case errors.Is(err, bulkhead.ErrFull), errors.Is(err, ratelimiter.ErrExceeded):
		return &LookupError{Reason: ReasonBusy, Detail: fmt.Sprintf("no free slot within %s", g.Timeout), Temporary: true}
	case errors.As(err, &e):
		known := *e
		known.Reason = reasonCode(e.Reason)
		return &known
	case errors.Is(err, context.DeadlineExceeded):
		return &LookupError{Reason: ReasonTimeout, Temporary: true}
	case errors.Is(err, leadloop.ErrUnavailable):
		return &LookupError{Reason: ReasonUnavailable, Temporary: true}
	}
	return &LookupError{Reason: ReasonFailed}
}

// slot is a place in the bulkhead that its last holder gives back.
type slot struct {
	holders atomic.Int32
	release func()
}

func (s *slot) hold() { s.holders.Add(1) }

func (s *slot) drop() {
	if s.holders.Add(-1) == 0 {
		s.release()
	}
}

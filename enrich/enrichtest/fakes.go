package enrichtest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

// Knows answers every query with the facts.
func Knows(facts ...enrich.Fact) enrich.Provider {
	facts = slices.Clone(facts)
	return enrich.ProviderFunc(func(context.Context, enrich.Query) (enrich.Answer, error) {
		return enrich.Answer{Matched: true, Facts: slices.Clone(facts)}, nil
	})
}

// Slow answers as p does, after a pause that ends with the context.
func Slow(p enrich.Provider, pause time.Duration) enrich.Provider {
	return enrich.ProviderFunc(func(ctx context.Context, q enrich.Query) (enrich.Answer, error) {
		over := time.NewTimer(pause)
		defer over.Stop()
		select {
		case <-over.C:
			return p.Lookup(ctx, q)
		case <-ctx.Done():
			return enrich.Answer{}, ctx.Err()
		}
	})
}

// Hung never answers and ignores its context; it returns once release is
// closed.
func Hung(release <-chan struct{}) enrich.Provider {
	return enrich.ProviderFunc(func(context.Context, enrich.Query) (enrich.Answer, error) {
		<-release
		return enrich.Answer{}, nil
	})
}

// Flaky is unavailable for the first calls and then answers as p does.
func Flaky(p enrich.Provider, failures int) enrich.Provider {
	return counted(func(n int, ctx context.Context, q enrich.Query) (enrich.Answer, error) {
		if n <= failures {
			return enrich.Answer{}, &enrich.LookupError{Reason: enrich.ReasonUnavailable, Detail: "status 503", Temporary: true}
		}
		return p.Lookup(ctx, q)
	})
}

// RateLimited answers the first calls as p does, and then wants to be left
// alone for retryAfter; 0 does not say for how long.
func RateLimited(p enrich.Provider, calls int, retryAfter time.Duration) enrich.Provider {
	return counted(func(n int, ctx context.Context, q enrich.Query) (enrich.Answer, error) {
		if n > calls {
			return enrich.Answer{}, &enrich.LookupError{Reason: enrich.ReasonRateLimited, Detail: "status 429", Temporary: true, RetryAfter: retryAfter}
		}
		return p.Lookup(ctx, q)
	})
}

func counted(lookup func(n int, ctx context.Context, q enrich.Query) (enrich.Answer, error)) enrich.Provider {
	var mu sync.Mutex
	n := 0
	return enrich.ProviderFunc(func(ctx context.Context, q enrich.Query) (enrich.Answer, error) {
		mu.Lock()
		n++
		now := n
		mu.Unlock()
		return lookup(now, ctx, q)
	})
}

// WrongPerson answers as p does, about somebody else: the field that it was
// asked by has another value.
func WrongPerson(p enrich.Provider, field, value string) enrich.Provider {
	return enrich.ProviderFunc(func(ctx context.Context, q enrich.Query) (enrich.Answer, error) {
		a, err := p.Lookup(ctx, q)
		a.Facts = append(a.Facts, enrich.Fact{Field: field, Value: leadloop.ValueOf(value)})
		return a, err
	})
}

// WrongTypes answers every wanted field with a value of a kind that no field
// of that name has.
func WrongTypes() enrich.Provider {
	return enrich.ProviderFunc(func(_ context.Context, q enrich.Query) (enrich.Answer, error) {
		a := enrich.Answer{Matched: true}
		for _, f := range q.Want {
			v := leadloop.ValueOf(true)
			if def, ok := leadloop.StandardSchema().Lookup(f); ok && def.Kind == leadloop.KindBool {
				v = leadloop.ValueOf("true")
			}
			a.Facts = append(a.Facts, enrich.Fact{Field: f, Value: v})
		}
		return a, nil
	})
}

// Huge answers every wanted field with five megabytes of text, or, where
// another kind is wanted, with five megabytes of a list.
func Huge() enrich.Provider {
	text := strings.Repeat("x", 5<<20)
	return enrich.ProviderFunc(func(_ context.Context, q enrich.Query) (enrich.Answer, error) {
		a := enrich.Answer{Matched: true}
		for _, f := range q.Want {
			v := leadloop.ValueOf(text)
			if def, ok := leadloop.StandardSchema().Lookup(f); ok && def.Kind == leadloop.KindStrings {
				v = leadloop.ValueOf([]string{text})
			}
			a.Facts = append(a.Facts, enrich.Fact{Field: f, Value: v})
		}
		return a, nil
	})
}

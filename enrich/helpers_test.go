package enrich_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

var asOf = time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)

const euro leadloop.Micros = 1_000_000

// newest takes what was said last, a person before a provider.
var newest = leadloop.SurvivorshipFunc(func(c leadloop.Contest) (int, leadloop.Value) {
	best := slices.MaxFunc(c.Candidates, func(i, j int32) int {
		a, b := c.Claims[i], c.Claims[j]
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), a.EffectiveAt().Compare(b.EffectiveAt()), a.Compare(b))
	})
	return int(best), c.Claims[best].Value
})

func person() leadloop.Evidence {
	return leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: asOf.Add(-time.Hour)}
}

// subject is a lead with the claims, at acme.example unless they say else.
func subject(claims ...leadloop.Claim) leadloop.Subject {
	return subjectOf("lead-1", append([]leadloop.Claim{leadloop.Domain.Claim("acme.example", person())}, claims...)...)
}

func subjectOf(id leadloop.LeadID, claims ...leadloop.Claim) leadloop.Subject {
	l := &leadloop.Lead{ID: id, ReceivedAt: asOf, Claims: claims}
	return leadloop.Subject{
		Lead: l, Profile: leadloop.Golden(leadloop.StandardSchema(), newest, claims),
		AsOf: asOf, Trigger: leadloop.TriggerSubmission,
	}
}

// provider answers with facts and counts its calls.
type provider struct {
	mu      sync.Mutex
	queries []enrich.Query
	answer  func(enrich.Query) (enrich.Answer, error)
}

func (p *provider) Lookup(_ context.Context, q enrich.Query) (enrich.Answer, error) {
	p.mu.Lock()
	p.queries = append(p.queries, q)
	p.mu.Unlock()
	return p.answer(q)
}

func (p *provider) calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queries)
}

func answering(facts ...enrich.Fact) *provider {
	return &provider{answer: func(enrich.Query) (enrich.Answer, error) {
		return enrich.Answer{Matched: true, Facts: slices.Clone(facts)}, nil
	}}
}

func failing(err error) *provider {
	return &provider{answer: func(enrich.Query) (enrich.Answer, error) { return enrich.Answer{}, err }}
}

func unknowing() *provider { return failing(nil) }

func employees(n int64) enrich.Fact {
	return enrich.Fact{Field: "company.employees", Value: leadloop.ValueOf(n)}
}

func industry(s string) enrich.Fact {
	return enrich.Fact{Field: "company.industry", Value: leadloop.ValueOf(s)}
}

// source asks p by domain for employees and industry, at one euro a call.
func source(name string, p enrich.Provider) enrich.Source {
	return enrich.Source{
		Name: name, Provider: p, Needs: []string{"company.domain"},
		Fields: []string{"company.employees", "company.industry"}, Price: euro,
	}
}

func demand(fields ...string) enrich.Options { return enrich.Options{Fields: fields} }

func waterfall(t testing.TB, st store.Store, o enrich.Options, sources ...enrich.Source) *enrich.Waterfall {
	t.Helper()
	w, err := enrich.New(sources, st, leadloop.StandardSchema(), o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func enrichOnce(t testing.TB, w *enrich.Waterfall, s leadloop.Subject) enrich.Report {
	t.Helper()
	r, err := w.Enrich(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newStore(t testing.TB) store.Store {
	t.Helper()
	st := memstore.New()
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func spent(t testing.TB, st store.Store) leadloop.Micros {
	t.Helper()
	var sum leadloop.Micros
	err := st.View(t.Context(), func(tx store.Tx) error {
		var err error
		sum, err = tx.Costs().Total(t.Context(), "", asOf.AddDate(-1, 0, 0), asOf.AddDate(1, 0, 0))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// bought is a claim as the waterfall makes it.
func bought[T leadloop.FieldType](f leadloop.Field[T], v T, from string) leadloop.Claim {
	return f.Claim(v, leadloop.Evidence{Origin: leadloop.OriginProvider, Source: from, Record: "lead-1", ObservedAt: asOf})
}

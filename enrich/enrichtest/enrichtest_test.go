package enrichtest_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/enrich/enrichtest"
	"github.com/leadloop/leadloop/store/memstore"
)

var (
	acme    = []enrich.Known{{Field: "company.domain", Value: "acme.example"}}
	nobody  = []enrich.Known{{Field: "company.domain", Value: "nobody.example"}}
	asOf    = time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	staff   = enrich.Fact{Field: "company.employees", Value: leadloop.ValueOf(int64(70))}
	trade   = enrich.Fact{Field: "company.industry", Value: leadloop.ValueOf("Steel")}
	perCall = leadloop.Micros(1_000_000)
)

func honest(_ context.Context, q enrich.Query) (enrich.Answer, error) {
	if q.Value("company.domain") != "acme.example" {
		return enrich.Answer{}, nil
	}
	return enrich.Answer{Matched: true, Facts: []enrich.Fact{staff, trade}, Cost: &perCall}, nil
}

func source(p enrich.Provider) enrich.Source {
	return enrich.Source{Name: "p", Provider: p, Needs: []string{"company.domain"}, Fields: []string{"company.employees", "company.industry"}, Price: perCall}
}

func TestAnHonestProviderPasses(t *testing.T) {
	enrichtest.Run(t, enrichtest.Config{
		New: func(testing.TB) enrich.Source { return source(enrich.ProviderFunc(honest)) }, Known: acme, Unknown: nobody,
		Facts: map[string]leadloop.Value{"company.employees": leadloop.ValueOf(int64(70))},
	})
}

func TestAnHonestProviderOfBatchesPasses(t *testing.T) {
	enrichtest.Run(t, enrichtest.Config{
		New:   func(testing.TB) enrich.Source { return source(enrichtest.Batch(enrich.ProviderFunc(honest), 7)) },
		Known: acme, Unknown: nobody,
	})
}

// reversed replies to the last query first.
type reversed struct{ enrich.BatchProvider }

func (r reversed) LookupAll(ctx context.Context, qs []enrich.Query) ([]enrich.Reply, error) {
	out, err := r.BatchProvider.LookupAll(ctx, qs)
	slices.Reverse(out)
	return out, err
}

func TestOurOwnProvidersPass(t *testing.T) {
	schema := leadloop.StandardSchema()
	t.Run("a file", func(t *testing.T) {
		enrichtest.Run(t, enrichtest.Config{
			New: func(t testing.TB) enrich.Source {
				f, err := enrich.NewFile(schema, "f.csv", strings.NewReader("company.domain,company.employees\nacme.example,70\n"), "company.domain")
				if err != nil {
					t.Fatal(err)
				}
				return f.Source("file")
			},
			Known: acme, Unknown: nobody, Facts: map[string]leadloop.Value{"company.employees": leadloop.ValueOf(int64(70))},
		})
	})
}

func run(t *testing.T, p enrich.Provider, change func(*enrich.Source)) enrich.Report {
	t.Helper()
	src := source(p)
	if change != nil {
		change(&src)
	}
	schema := leadloop.StandardSchema()
	w, err := enrich.New([]enrich.Source{src}, memstore.New(), schema, enrich.Options{Fields: []string{"company.employees"}})
	if err != nil {
		t.Fatal(err)
	}
	profile := schema.NewProfile()
	leadloop.Domain.Set(profile, "acme.example")
	r, err := w.Enrich(t.Context(), leadloop.Subject{Lead: &leadloop.Lead{ID: "l"}, Profile: profile, AsOf: asOf})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWhatFakesDoIsAFactInTheReport and never a failed lead.
func TestWhatFakesDoIsAFactInTheReport(t *testing.T) {
	good := enrichtest.Knows(staff)
	for _, tc := range []struct {
		name    string
		p       func(release <-chan struct{}) enrich.Provider
		reason  string // of the call
		refused string // of the value
		claims  int
		took    time.Duration
	}{
		{"knows", func(<-chan struct{}) enrich.Provider { return good }, "", "", 1, 0},
		{"slow", func(<-chan struct{}) enrich.Provider { return enrichtest.Slow(good, time.Second) }, "", "", 1, time.Second},
		{"too slow", func(<-chan struct{}) enrich.Provider { return enrichtest.Slow(good, time.Minute) }, "timeout", "", 0, 2 * time.Second},
		{"hung", enrichtest.Hung, "timeout", "", 0, 2 * time.Second},
		{"limited at once", func(<-chan struct{}) enrich.Provider { return enrichtest.RateLimited(good, 0, time.Hour) }, "rate_limited", "", 0, 0},
		{"the wrong person", func(<-chan struct{}) enrich.Provider {
			return enrichtest.WrongPerson(good, "company.domain", "other.example")
		}, "bad_answer", "", 0, 0},
		{"wrong types", func(<-chan struct{}) enrich.Provider { return enrichtest.WrongTypes() }, "", "wrong_type", 0, 0},
		{"huge", func(<-chan struct{}) enrich.Provider { return enrichtest.Huge() }, "", "wrong_type", 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer synctest.Wait()
				defer close(release)
				start := time.Now()
				r := run(t, tc.p(release), func(s *enrich.Source) { s.Timeout, s.Retries = 2*time.Second, enrich.NoRetries })
				call := r.Calls[0]
				refused := ""
				if len(call.Refused) > 0 {
					refused = call.Refused[0].Reason
				}
				if call.Reason != tc.reason || refused != tc.refused || len(r.Claims) != tc.claims || time.Since(start) != tc.took {
					t.Errorf("after %s: %d claims, call %+v", time.Since(start), len(r.Claims), call)
				}
			})
		})
	}
	t.Run("flaky is tried again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if r := run(t, enrichtest.Flaky(good, 2), nil); len(r.Claims) != 1 {
				t.Errorf("calls %+v", r.Calls)
			}
		})
	})
	t.Run("huge text is too large", func(t *testing.T) {
		src := source(enrichtest.Huge())
		w, err := enrich.New([]enrich.Source{src}, memstore.New(), leadloop.StandardSchema(), enrich.Options{Fields: []string{"company.industry"}})
		if err != nil {
			t.Fatal(err)
		}
		profile := leadloop.StandardSchema().NewProfile()
		leadloop.Domain.Set(profile, "acme.example")
		r, err := w.Enrich(t.Context(), leadloop.Subject{Lead: &leadloop.Lead{ID: "l"}, Profile: profile, AsOf: asOf})
		if err != nil || len(r.Claims) > 0 || r.Calls[0].Refused[0].Reason != "too_large" {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// faultVariable makes the test binary run the kit on a provider that breaks a
// promise instead of its own tests, because a sub-test that fails can't be taken
// back.
const faultVariable = "ENRICHTEST_FAULT"

func answer(change func(q enrich.Query, a *enrich.Answer)) enrich.ProviderFunc {
	return func(ctx context.Context, q enrich.Query) (enrich.Answer, error) {
		a, err := honest(ctx, q)
		change(q, &a)
		return a, err
	}
}

// broken returns providers that break one promise each.
func broken() map[enrichtest.Promise]enrich.Provider {
	kept, dear := []enrich.Fact{staff, trade}, 2*perCall
	return map[enrichtest.Promise]enrich.Provider{
		enrichtest.Answers: enrich.ProviderFunc(func(context.Context, enrich.Query) (enrich.Answer, error) { return enrich.Answer{}, nil }),
		enrichtest.NoMatch: enrichtest.Knows(staff),
		enrichtest.Fields: answer(func(_ enrich.Query, a *enrich.Answer) {
			a.Facts = append(a.Facts, enrich.Fact{Field: "company.revenue", Value: leadloop.ValueOf(int64(1))})
		}),
		enrichtest.Kinds: enrichtest.WrongTypes(),
		enrichtest.Query: answer(func(q enrich.Query, _ *enrich.Answer) { q.Want[0] = "mine" }),
		enrichtest.Ownership: enrich.ProviderFunc(func(context.Context, enrich.Query) (enrich.Answer, error) {
			return enrich.Answer{Matched: true, Facts: kept}, nil
		}),
		enrichtest.Costs: answer(func(_ enrich.Query, a *enrich.Answer) { a.Cost = &dear }),
		enrichtest.Privacy: enrich.ProviderFunc(func(_ context.Context, q enrich.Query) (enrich.Answer, error) {
			return enrich.Answer{}, &enrich.LookupError{Reason: enrich.ReasonFailed, Detail: "no " + q.Value("company.domain")}
		}),
		enrichtest.Batches: reversed{enrichtest.Batch(enrich.ProviderFunc(honest), 2)},
	}
}

func TestFaulty(t *testing.T) {
	p, ok := broken()[enrichtest.Promise(os.Getenv(faultVariable))]
	if !ok {
		t.Skip("run by TestTheKitFindsWhatIsWrong")
	}
	enrichtest.Run(t, enrichtest.Config{New: func(testing.TB) enrich.Source { return source(p) }, Known: acme, Unknown: nobody})
}

func TestTheKitFindsWhatIsWrong(t *testing.T) {
	if os.Getenv(faultVariable) != "" {
		t.Skip("it runs in the other process")
	}
	for promise := range broken() {
		t.Run(string(promise), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFaulty$")
			cmd.Env = append(os.Environ(), faultVariable+"="+string(promise))
			out, err := cmd.CombinedOutput()
			if want := "--- FAIL: TestFaulty/" + strings.ReplaceAll(string(promise), " ", "_") + " "; err == nil || !strings.Contains(string(out), want) {
				t.Errorf("the kit does not see that %q is broken: %v\n%s", promise, err, out)
			}
		})
	}
}

package enrich_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

// inBatches counts the batches that it gets.
type inBatches struct {
	*provider
	size int
	fail func(qs []enrich.Query) ([]enrich.Reply, error) // nil answers

	mu    sync.Mutex
	sizes []int
}

func (b *inBatches) BatchSize() int { return b.size }

func (b *inBatches) LookupAll(ctx context.Context, qs []enrich.Query) ([]enrich.Reply, error) {
	b.mu.Lock()
	b.sizes = append(b.sizes, len(qs))
	b.mu.Unlock()
	if b.fail != nil {
		return b.fail(qs)
	}
	out := make([]enrich.Reply, len(qs))
	for i, q := range qs {
		out[i].Answer, out[i].Err = b.Lookup(ctx, q)
	}
	return out, nil
}

// backlog is n leads of companies of their own.
func backlog(n int) []leadloop.Subject {
	out := make([]leadloop.Subject, n)
	for i := range out {
		out[i] = subjectOf(leadloop.LeadID(fmt.Sprint("lead-", i)), leadloop.Domain.Claim(fmt.Sprintf("acme%d.example", i), person()))
	}
	return out
}

// sizeByDomain knows every second company, and says something else of each.
func sizeByDomain(q enrich.Query) (enrich.Answer, error) {
	var n int64
	if _, err := fmt.Sscanf(q.Value("company.domain"), "acme%d.example", &n); err != nil || n%2 == 1 {
		return enrich.Answer{}, err
	}
	return enrich.Answer{Matched: true, Facts: []enrich.Fact{employees(n + 100)}}, nil
}

var reports = cmp.Options{cmpopts.IgnoreFields(enrich.Call{}, "Err"), cmp.Comparer(func(a, b leadloop.Value) bool { return a.Equal(b) })}

func enrichAll(t testing.TB, w *enrich.Waterfall, leads []leadloop.Subject) []enrich.Report {
	t.Helper()
	got, err := w.EnrichAll(t.Context(), leads)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestABacklogGoesInBatchesAndComesToTheSame(t *testing.T) {
	for _, order := range []enrich.Order{enrich.OrderListed, enrich.OrderParallel} {
		t.Run(order.String(), func(t *testing.T) {
			o := demand("company.employees", "company.industry")
			o.Order = order
			o.Budget.Lead = 10 * euro
			alone := &provider{answer: sizeByDomain}
			rest := answering(industry("Steel"))
			single := newStore(t)
			w := waterfall(t, single, o, source("sizes", alone), source("trades", rest))
			leads := backlog(10)
			want := make([]enrich.Report, len(leads))
			for i, s := range leads {
				want[i] = enrichOnce(t, w, s)
			}
			together := &inBatches{provider: &provider{answer: sizeByDomain}, size: 4}
			many := newStore(t)
			w = waterfall(t, many, o, source("sizes", together), source("trades", answering(industry("Steel"))))
			if diff := cmp.Diff(want, enrichAll(t, w, leads), reports); diff != "" {
				t.Errorf("the reports (-alone +together):\n%s", diff)
			}
			if a, b := spent(t, single), spent(t, many); a != b || a == 0 {
				t.Errorf("alone it costs %d, together %d", a, b)
			}
			if order == enrich.OrderListed {
				slices.Sort(together.sizes)
				if diff := cmp.Diff([]int{2, 4, 4}, together.sizes); diff != "" {
					t.Errorf("the batches (-want +got):\n%s", diff)
				}
			}
			// What was paid is kept, for each query on its own.
			calls := len(together.sizes)
			enrichAll(t, w, leads)
			enrichOnce(t, w, leads[3])
			if len(together.sizes) != calls || together.calls() != len(leads) {
				t.Errorf("what was bought is bought again: %d calls after %d", len(together.sizes), calls)
			}
		})
	}
}

func TestLeadsOfOneCompanyInABatchPayOnce(t *testing.T) {
	p := &inBatches{provider: answering(employees(7), industry("Steel")), size: 50}
	st := newStore(t)
	w := waterfall(t, st, demand("company.employees", "company.industry"), source("a", p))
	leads := []leadloop.Subject{
		subjectOf("one", leadloop.Domain.Claim("acme.example", person())), subjectOf("two", leadloop.Domain.Claim("acme.example", person())),
		subjectOf("three", leadloop.Domain.Claim("other.example", person())),
	}
	for i, r := range enrichAll(t, w, leads) {
		if len(r.Claims) != 2 {
			t.Errorf("lead %d learns %d fields", i, len(r.Claims))
		}
	}
	if spent(t, st) != 2*euro || p.calls() != 2 {
		t.Errorf("it costs %d for %d queries", spent(t, st), p.calls())
	}
}

func TestABatchNeverOverrunsABudget(t *testing.T) {
	for name, budget := range map[string]func(o *enrich.Options, s *enrich.Source){
		"of the day":         func(o *enrich.Options, _ *enrich.Source) { o.Budget.Day = 3 * euro },
		"of the provider":    func(_ *enrich.Options, s *enrich.Source) { s.Budget.Month = 3 * euro },
		"of several at once": func(o *enrich.Options, s *enrich.Source) { o.Budget.Day, s.Budget.Day = 5*euro, 3*euro },
	} {
		t.Run(name, func(t *testing.T) {
			p := &inBatches{provider: answering(employees(7)), size: 4}
			st, o, s := newStore(t), demand("company.employees"), source("a", p)
			budget(&o, &s)
			got := enrichAll(t, waterfall(t, st, o, s), backlog(40))
			bought := 0
			for _, r := range got {
				if r.Cost > 0 {
					bought++
				} else if len(r.Calls) != 1 || r.Calls[0].Outcome != enrich.Skipped {
					t.Errorf("a lead without a room in the budget: %+v", r)
				}
			}
			if bought != 3 || spent(t, st) != 3*euro || p.calls() != 3 {
				t.Errorf("%d leads, %d queries, %d spent", bought, p.calls(), spent(t, st))
			}
		})
	}
}

func TestWhatFailsInABatchFailsForThoseItIsAbout(t *testing.T) {
	answer := func(qs []enrich.Query) []enrich.Reply {
		out := make([]enrich.Reply, len(qs))
		for i := range out {
			out[i].Answer = enrich.Answer{Matched: true, Facts: []enrich.Fact{employees(7)}}
		}
		return out
	}
	for _, tc := range []struct {
		name   string
		fail   func(qs []enrich.Query) ([]enrich.Reply, error)
		failed int
		reason string
	}{
		{"one query", func(qs []enrich.Query) ([]enrich.Reply, error) {
			out := answer(qs)
			out[1] = enrich.Reply{Err: &enrich.LookupError{Reason: enrich.ReasonRejected}}
			return out, nil
		}, 1, enrich.ReasonRejected},
		{"one answer about somebody else", func(qs []enrich.Query) ([]enrich.Reply, error) {
			out := answer(qs)
			out[2].Answer.Facts = append(out[2].Answer.Facts, enrich.Fact{Field: "company.domain", Value: leadloop.ValueOf("wrong.example")})
			return out, nil
		}, 1, enrich.ReasonBadAnswer},
		{"the call", func([]enrich.Query) ([]enrich.Reply, error) { return nil, errors.New("no") }, 4, enrich.ReasonFailed},
		{"a reply too few", func(qs []enrich.Query) ([]enrich.Reply, error) { return answer(qs)[1:], nil }, 4, enrich.ReasonBadAnswer},
		{"a panic", func([]enrich.Query) ([]enrich.Reply, error) { panic("no") }, 4, enrich.ReasonPanic},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := &inBatches{provider: unknowing(), size: 4, fail: tc.fail}
			st, o := newStore(t), demand("company.employees")
			o.Budget.Day = 4 * euro
			w := waterfall(t, st, o, source("a", p))
			failed := 0
			for _, r := range enrichAll(t, w, backlog(4)) {
				if c := r.Calls[0]; c.Outcome == enrich.Failed {
					if failed++; c.Reason != tc.reason || !r.Unfinished() {
						t.Errorf("%+v", c)
					}
				}
			}
			if want := leadloop.Micros(4-tc.failed) * euro; failed != tc.failed || spent(t, st) != want {
				t.Errorf("%d failed, %d spent, want %d and %d", failed, spent(t, st), tc.failed, want)
			}
			// What was set aside for those that failed is free again.
			p.fail = nil
			p.answer = answering(employees(8)).answer
			for _, r := range enrichAll(t, w, backlog(4)) {
				if r.Calls[0].Outcome != enrich.Matched {
					t.Errorf("the second time: %+v", r.Calls[0])
				}
			}
		})
	}
}

func TestAHungBatchCostsItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		p := &inBatches{provider: unknowing(), size: 100, fail: func([]enrich.Query) ([]enrich.Reply, error) {
			<-hang
			return nil, errors.New("late")
		}}
		s := source("a", p)
		s.Timeout = 3 * time.Second
		w := waterfall(t, newStore(t), demand("company.employees"), s, source("b", answering(employees(7))))
		start := time.Now()
		for _, r := range enrichAll(t, w, backlog(20)) {
			if len(r.Claims) != 1 || r.Calls[0].Reason != enrich.ReasonTimeout {
				t.Errorf("%+v", r)
			}
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("it took %s", took)
		}
		close(hang)
	})
}

func TestABacklogEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := &inBatches{provider: unknowing(), size: 3, fail: func([]enrich.Query) ([]enrich.Reply, error) {
		cancel()
		return nil, ctx.Err()
	}}
	w := waterfall(t, newStore(t), demand("company.employees"), source("a", p))
	if _, err := w.EnrichAll(ctx, backlog(10)); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestABacklogHasALeadOnce(t *testing.T) {
	w := waterfall(t, newStore(t), demand("company.employees"), source("a", unknowing()))
	if _, err := w.EnrichAll(t.Context(), []leadloop.Subject{subject(), subject()}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("the error is %v", err)
	}
}

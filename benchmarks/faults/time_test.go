package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/faulttest"
	"github.com/leadloop/leadloop/store/memstore"
)

// aDay is 24 hours of a loop in virtual time: forms at any moment, reps who call
// some leads and leave others, a vendor that is out for hours at a time, a
// notification service that fails now and then, a rep on holiday for the
// second half. It returns the whole store and what the day had.
func aDay(t *testing.T, seed uint64) (dump []string, what day) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(seed, 1))
		// The bubble begins at midnight of the first of January 2000.
		from := time.Now()
		var outages [][2]time.Duration
		for range 3 {
			begin := time.Duration(r.Int64N(int64(22 * time.Hour)))
			outages = append(outages, [2]time.Duration{begin, begin + time.Duration(r.Int64N(int64(3*time.Hour)))})
		}
		vendor := enrich.ProviderFunc(func(_ context.Context, q enrich.Query) (enrich.Answer, error) {
			for _, o := range outages {
				if since := time.Since(from); since >= o[0] && since < o[1] {
					what.outages++
					return enrich.Answer{}, leadloop.ErrUnavailable
				}
			}
			return enrich.Answer{Matched: true, Facts: []enrich.Fact{{Field: leadloop.Employees.Name(), Value: leadloop.ValueOf(int64(900))}}}, nil
		})
		st := memstore.New()
		attempts := map[string]int{}
		loop, err := newLoop(t.Context(), st, playbook.Options{
			Providers: map[string]enrich.Provider{"vendor": vendor},
			Engine: engine.Options{Handlers: map[string]engine.Handler{leadloop.TaskNotify: engine.HandlerFunc(func(_ context.Context, x leadloop.Task) error {
				attempts[x.Key]++
				if len(x.Key)%4 == 0 && attempts[x.Key] < 3 {
					what.undelivered++
					return errors.New("the service is out")
				}
				what.delivered++
				return nil
			})}},
		}, map[string]string{
			"enrich.yaml":  enrichYAML,
			"routing.yaml": strings.ReplaceAll(routingYAML, "{from: 2026-11-03, until: 2026-11-04}", `{from: 2000-01-01, until: 2000-01-02}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- loop.Run(ctx) }()
		var keys []string
		for n := 0; ; n++ {
			time.Sleep(time.Duration(r.Int64N(int64(12 * time.Minute))))
			if time.Since(from) > 24*time.Hour {
				break
			}
			who := n
			if n > 3 && r.IntN(6) == 0 {
				who = r.IntN(n) // somebody who wrote before
			}
			s := submissionOf(fmt.Sprintf("form-%d", n), fmt.Sprintf("person-%d", who), time.Now())
			s.Claims = slices.DeleteFunc(s.Claims, func(c leadloop.Claim) bool { return c.Field == leadloop.Employees.Name() })
			res, err := loop.Submit(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, s.Key)
			if r.IntN(3) == 0 {
				time.Sleep(time.Duration(1 + r.Int64N(int64(5*time.Minute))))
				lead := leadNow(t, st, res.Record)
				if _, err := loop.Observe(t.Context(), lead.ID, time.Now(), leadloop.Activity{ID: "call:" + s.Key, Type: "call", At: time.Now(), Actor: lead.State.Owner}); err != nil {
					t.Fatal(err)
				}
				what.calls++
			}
		}
		time.Sleep(4 * time.Hour) // what was started is settled
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		what.leads = len(keys)
		if err := faulttest.Check(t.Context(), st, faulttest.Rules{Keys: keys, Unique: []string{"email"}, Pools: []string{"sales"}, Settled: true}); err != nil {
			what.lost++
			t.Errorf("seed %d: %v", seed, err)
		}
		if dump, err = faulttest.Dump(t.Context(), st); err != nil {
			t.Fatal(err)
		}
		for _, l := range dump {
			if strings.HasPrefix(l, "event") && strings.Contains(l, `"`+string(leadloop.EventEscalated)+`"`) {
				what.escalations++
			}
		}
	})
	return dump, what
}

type day struct {
	leads, calls, delivered, undelivered, outages, escalations, lost int
}

func leadNow(t *testing.T, st store.Store, id leadloop.LeadID) (l *leadloop.Lead) {
	t.Helper()
	if err := st.View(t.Context(), func(tx store.Tx) (err error) {
		l, err = store.Resolve(t.Context(), tx.Leads(), id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestADayOfVirtualTimeLosesNothingAndIsTheSameTwice(t *testing.T) {
	var sum day
	seeds := times(20, 1)
	for seed := range seeds {
		first, what := aDay(t, uint64(seed))
		second, _ := aDay(t, uint64(seed))
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("seed %d: the same day twice (-first +second):\n%s", seed, diff)
		}
		sum.leads, sum.calls, sum.delivered, sum.undelivered = sum.leads+what.leads, sum.calls+what.calls, sum.delivered+what.delivered, sum.undelivered+what.undelivered
		sum.outages, sum.escalations, sum.lost = sum.outages+what.outages, sum.escalations+what.escalations, sum.lost+what.lost
	}
	if sum.outages == 0 || sum.undelivered == 0 || sum.escalations == 0 || sum.calls == 0 {
		t.Errorf("the days had too little in them: %+v", sum)
	}
	tally.add(line{what: "24 h of virtual time, each twice", store: "memory", runs: 2 * seeds, faults: sum.outages + sum.undelivered, checks: sum.leads, lost: sum.lost,
		note: fmt.Sprintf("%d escalations", sum.escalations)})
}

// TestMessagesThatCameTwiceAndInAnyOrderEndAsThoseThatCameOnceInOrder: what was
// stored is decided in the order in which it was received, so the order and
// number of its deliveries make no difference.
func TestMessagesThatCameTwiceAndInAnyOrderEndAsThoseThatCameOnceInOrder(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	deliver := func(t *rapid.T, all []leadloop.Submission) []string {
		st := memstore.New()
		loop, err := newLoop(context.Background(), st, playbook.Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if _, err := loop.Submit(context.Background(), s); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := loop.Advance(context.Background(), at.Add(6*time.Hour)); err != nil {
			t.Fatal(err)
		}
		lines, err := faulttest.Dump(context.Background(), st)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(lines) // arrivals are journaled as they came
		return lines
	}
	runs, deliveries := 0, 0
	check := func(t *rapid.T) {
		var inOrder []leadloop.Submission
		n := rapid.IntRange(1, 8).Draw(t, "messages")
		for i := range n {
			who := rapid.IntRange(0, n-1).Draw(t, "who")
			inOrder = append(inOrder, submissionOf(fmt.Sprintf("form-%d", i), fmt.Sprintf("person-%d", who), at.Add(time.Duration(i)*time.Minute)))
		}
		var delivered []leadloop.Submission
		for _, s := range inOrder {
			for range rapid.IntRange(1, 3).Draw(t, "times") {
				delivered = append(delivered, s)
			}
		}
		delivered = rapid.Permutation(delivered).Draw(t, "order")
		runs++
		deliveries += len(delivered)
		if diff := cmp.Diff(deliver(t, inOrder), deliver(t, delivered)); diff != "" {
			t.Fatalf("(-once, in order +%d times in another order):\n%s", len(delivered), diff)
		}
	}
	if !full() {
		if err := flag.Set("rapid.checks", "30"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, check)
	tally.add(line{what: "messages delivered 1 to 3 times in any order", store: "memory", runs: runs, faults: deliveries, checks: deliveries})
}

func TestWhicheverStoreCallFailsNothingIsLost(t *testing.T) {
	if !full() {
		t.Skip("the long version only: package playbook sweeps a morning in its own tests")
	}
	home := t.TempDir()
	fresh := map[string]func(t testing.TB) store.Store{"memory": func(testing.TB) store.Store { return memstore.New() }}
	fresh["sqlite"] = func(tb testing.TB) store.Store {
		dir, err := os.MkdirTemp(home, "")
		if err != nil {
			tb.Fatal(err)
		}
		s, err := where{Kind: "sqlite", Name: dir + "/leads.db"}.open(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		return s
	}
	fresh["postgres"] = emptied(t)
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for _, name := range slices.Sorted(maps.Keys(fresh)) {
		t.Run(name, func(t *testing.T) {
			runs := faulttest.Sweep(t, fresh[name], func(ctx context.Context, st store.Store) error {
				loop, err := newLoop(ctx, st, playbook.Options{}, nil)
				if err != nil {
					return err
				}
				a := submissionOf("form-1", "person-1", at)
				if _, err := loop.Process(ctx, a, at); err != nil {
					return err
				}
				if _, err := loop.SubmitAll(ctx, []leadloop.Submission{submissionOf("form-2", "person-1", at.Add(time.Minute)), submissionOf("form-3", "person-3", at.Add(2*time.Minute)), a}); err != nil {
					return err
				}
				_, err = loop.Advance(ctx, at.Add(2*time.Hour))
				return err
			})
			lost := 0
			if t.Failed() {
				lost = 1
			}
			tally.add(line{what: "each store call fails: once, for good, answer lost", store: name, runs: runs, faults: runs, checks: 3 * runs, lost: lost})
		})
	}
}

// emptied returns one PostgreSQL store again and again, each time empty: to make
// a schema takes longer than a run.
func emptied(t *testing.T) func(testing.TB) store.Store {
	w := newWhere(t, "postgres")
	pool, err := pgxpool.New(t.Context(), w.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := pool.Exec(context.WithoutCancel(t.Context()), "DROP SCHEMA IF EXISTS "+w.Name+" CASCADE"); err != nil {
			t.Error(err)
		}
		pool.Close()
	})
	return func(tb testing.TB) store.Store {
		tb.Helper()
		s, err := w.open(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		var tables string
		// All but that of the migrations, which has a version_id.
		if err := pool.QueryRow(tb.Context(), `SELECT string_agg(format('%I.%I', n.nspname, c.relname), ', ')
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
				AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'version_id')`, w.Name).Scan(&tables); err != nil {
			tb.Fatal(err)
		}
		if _, err := pool.Exec(tb.Context(), "TRUNCATE "+tables); err != nil {
			tb.Fatal(err)
		}
		return s
	}
}

// Package enrichtest holds what package enrich asks of providers as named
// tests, for whoever writes one, and has fakes that misbehave in one way each.
//
// A provider that passes without exceptions can be put into a waterfall: it
// keeps to its context, its fields, its kinds and its price. The kit can't know
// whether what a provider says is true, and can't prove the absence of races:
// run it with -race. It knows no provider by name and skips nothing silently.
//
// Start with [Run].
package enrichtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/store/memstore"
)

// Config says which provider to test.
type Config struct {
	// New returns the source with a fresh provider: for a vendor's API, one that
	// asks a local server with answers of theirs.
	New func(t testing.TB) enrich.Source
	// Known is whom the provider knows, by the fields of Source.Needs; Unknown
	// is somebody it does not know.
	Known, Unknown []enrich.Known
	// Facts are what it is to say about Known, by field; nil leaves the values
	// unchecked.
	Facts map[string]leadloop.Value
	// Schema has the fields; nil means the standard ones.
	Schema *leadloop.Schema
	// Except names promises that the provider can't keep, each with the reason,
	// which the report prints.
	Except map[Promise]string
}

// Promise names what a provider may be excepted from.
type Promise string

// The promises.
const (
	// Terms: enrich.New takes the source as it is.
	Terms Promise = "terms"
	// Answers: it knows Known, says what it should, and is no error.
	Answers Promise = "answers"
	// NoMatch: whom it does not know is no match and no error.
	NoMatch Promise = "no match"
	// Fields: it answers fields that it declares, each once, whatever it is
	// asked for, and always the same ones.
	Fields Promise = "fields"
	// Kinds: values have their field's kind, confidences are in [0, 1].
	Kinds Promise = "kinds"
	// Context: it returns promptly once its context is done.
	Context Promise = "context"
	// Concurrency: it may be asked by many at once.
	Concurrency Promise = "concurrency"
	// Query: it leaves the query as it is.
	Query Promise = "query"
	// Ownership: it does not keep the answer.
	Ownership Promise = "ownership"
	// Costs: what a call costs is never negative nor more than the price, and
	// nothing where nothing is charged.
	Costs Promise = "costs"
	// Privacy: no error tells who was asked about.
	Privacy Promise = "privacy"
	// Batches: an [enrich.BatchProvider] says in a batch what it says to a
	// query alone, in order, and promises the same.
	Batches Promise = "batches"
)

// prompt is how soon a provider has to return when its context is done. It is
// generous, because test machines are slow.
const prompt = 5 * time.Second

// Run tests every promise in a sub-test of its own with a fresh provider.
func Run(t *testing.T, cfg Config) {
	t.Helper()
	if cfg.New == nil || len(cfg.Known) == 0 || len(cfg.Unknown) == 0 {
		t.Fatal("enrichtest: New, Known and Unknown are required")
	}
	if cfg.Schema == nil {
		cfg.Schema = leadloop.StandardSchema()
	}
	tests := []promised{
		{Terms, (*kit).terms}, {Answers, (*kit).answers}, {NoMatch, (*kit).noMatch}, {Fields, (*kit).fields}, {Kinds, (*kit).kinds}, {Context, (*kit).context},
		{Concurrency, (*kit).concurrency}, {Query, (*kit).query}, {Ownership, (*kit).ownership}, {Costs, (*kit).costs}, {Privacy, (*kit).privacy},
		{Batches, (*kit).batches},
	}
	for p := range cfg.Except {
		if !slices.ContainsFunc(tests, func(c promised) bool { return c.promise == p }) {
			t.Errorf("enrichtest: there is no promise %q to except", p)
		}
	}
	for _, c := range tests {
		t.Run(string(c.promise), func(t *testing.T) {
			if reason, ok := cfg.Except[c.promise]; ok {
				t.Skipf("excepted: %s", reason)
			}
			c.test(&kit{T: t, cfg: cfg, src: cfg.New(t)})
		})
	}
}

type promised struct {
	promise Promise
	test    func(k *kit)
}

// kit is one test.
type kit struct {
	*testing.T
	cfg Config
	src enrich.Source
}

func (k *kit) about(known []enrich.Known, want ...string) enrich.Query {
	if len(want) == 0 {
		want = slices.Sorted(slices.Values(k.src.Fields))
	}
	known = slices.Clone(known)
	slices.SortFunc(known, func(a, b enrich.Known) int { return strings.Compare(a.Field, b.Field) })
	return enrich.Query{Lead: "enrichtest", Known: known, Want: want}
}

func (k *kit) lookup(q enrich.Query) enrich.Answer {
	k.Helper()
	a, err := k.src.Provider.Lookup(k.Context(), q)
	if err != nil {
		k.Fatalf("the lookup failed: %v", err)
	}
	return a
}

func (k *kit) terms() {
	if _, err := enrich.New([]enrich.Source{k.src}, memstore.New(), k.cfg.Schema, enrich.Options{Fields: k.src.Fields}); err != nil {
		k.Error(err)
	}
	for _, who := range [][]enrich.Known{k.cfg.Known, k.cfg.Unknown} {
		var have []string
		for _, n := range who {
			have = append(have, n.Field)
		}
		slices.Sort(have)
		if diff := cmp.Diff(slices.Sorted(slices.Values(k.src.Needs)), have); diff != "" {
			k.Errorf("the test asks by other fields (+) than the source needs (-):\n%s", diff)
		}
	}
}

func (k *kit) answers() {
	a := k.lookup(k.about(k.cfg.Known))
	if !a.Matched && len(a.Facts) == 0 {
		k.Error("it does not know whom it should know")
	}
	got := map[string]leadloop.Value{}
	for _, f := range a.Facts {
		got[f.Field] = f.Value
	}
	for f, want := range k.cfg.Facts {
		if !got[f].Equal(want) {
			k.Errorf("it says that %s is %s, want %s", f, got[f], want)
		}
	}
}

func (k *kit) noMatch() {
	a := k.lookup(k.about(k.cfg.Unknown))
	if a.Matched || len(a.Facts) > 0 {
		k.Errorf("it claims to know somebody it does not know, with %d facts", len(a.Facts))
	}
}

func (k *kit) fields() {
	var first []string
	for i := range 2 {
		a := k.lookup(k.about(k.cfg.Known))
		var names []string
		for _, f := range a.Facts {
			names = append(names, f.Field)
			if !slices.Contains(k.src.Fields, f.Field) && !slices.Contains(k.src.Needs, f.Field) {
				k.Errorf("it answers %q, which it does not declare", f.Field)
			}
		}
		for _, f := range a.NotFound {
			if !slices.Contains(k.src.Fields, f) {
				k.Errorf("it has not found %q, which it does not declare", f)
			}
		}
		slices.Sort(names)
		if len(slices.Compact(slices.Clone(names))) != len(names) {
			k.Errorf("it answers a field twice: %v", names)
		}
		if i == 0 {
			first = names
		} else if diff := cmp.Diff(first, names); diff != "" {
			k.Errorf("it answers other fields the second time (-first +second):\n%s", diff)
		}
	}
	for _, f := range k.src.Fields {
		for _, fact := range k.lookup(k.about(k.cfg.Known, f)).Facts {
			if !slices.Contains(k.src.Fields, fact.Field) && !slices.Contains(k.src.Needs, fact.Field) {
				k.Errorf("asked for %s alone it answers %q, which it does not declare", f, fact.Field)
			}
		}
	}
}

func (k *kit) kinds() {
	for _, f := range k.lookup(k.about(k.cfg.Known)).Facts {
		def, ok := k.cfg.Schema.Lookup(f.Field)
		switch {
		case !ok:
			k.Errorf("the schema has no field %q", f.Field)
		case f.Value.Presence() == leadloop.Absent:
			k.Errorf("%s is said without a value: leave it out, or name it in NotFound", f.Field)
		case f.Value.Kind() != def.Kind:
			k.Errorf("%s is a %s, want a %s", f.Field, f.Value.Kind(), def.Kind)
		}
		if !(f.Confidence >= 0 && f.Confidence <= 1) {
			k.Errorf("%s has the confidence %v", f.Field, f.Confidence)
		}
	}
}

func (k *kit) context() {
	k.prompt(func(ctx context.Context) {
		// Whether it still answers or errs is its own business.
		_, _ = k.src.Provider.Lookup(ctx, k.about(k.cfg.Known))
	})
}

func (k *kit) concurrency() {
	want := k.lookup(k.about(k.cfg.Known))
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			who := k.cfg.Known
			if i%4 == 3 {
				who = k.cfg.Unknown
			}
			a, err := k.src.Provider.Lookup(k.Context(), k.about(who))
			switch {
			case errors.Is(err, leadloop.ErrUnavailable): // it may have enough of us
			case err != nil:
				k.Errorf("asked by many it fails: %v", err)
			case i%4 != 3:
				if diff := cmp.Diff(want, a, cmpopts.EquateEmpty(), values); diff != "" {
					k.Errorf("asked by many it says something else (-alone +with others):\n%s", diff)
				}
			}
		})
	}
	wait.Wait()
}

var values = cmp.Comparer(func(a, b leadloop.Value) bool { return a.Equal(b) })

func (k *kit) query() {
	q := k.about(k.cfg.Known)
	// Room to grow into, where an append would be seen.
	q.Known, q.Want = slices.Grow(q.Known, 4), slices.Grow(q.Want, 4)
	before := fmt.Sprint(q, q.Known[:cap(q.Known)], q.Want[:cap(q.Want)])
	k.lookup(q)
	if after := fmt.Sprint(q, q.Known[:cap(q.Known)], q.Want[:cap(q.Want)]); after != before {
		k.Error("it changed the query, which another provider may be asked with")
	}
}

func (k *kit) ownership() {
	first := k.lookup(k.about(k.cfg.Known))
	for i := range first.Facts {
		first.Facts[i] = enrich.Fact{Field: "spoilt"}
	}
	for i := range first.NotFound {
		first.NotFound[i] = "spoilt"
	}
	if strings.Contains(fmt.Sprint(k.lookup(k.about(k.cfg.Known))), "spoilt") {
		k.Error("it kept the answer it had given away")
	}
}

func (k *kit) costs() {
	for _, c := range []struct {
		who     string
		known   []enrich.Known
		matched bool
	}{{"whom it knows", k.cfg.Known, true}, {"whom it does not know", k.cfg.Unknown, false}} {
		a := k.lookup(k.about(c.known))
		switch cost := a.Cost; {
		case cost == nil:
		case *cost < 0:
			k.Errorf("a call about %s costs less than nothing: %d", c.who, *cost)
		case *cost > k.src.Price:
			k.Errorf("a call about %s costs %d, more than the price of %d, for which budgets set money aside", c.who, *cost, k.src.Price)
		case *cost > 0 && !c.matched && k.src.Charge != enrich.ChargeCall:
			k.Errorf("a call about %s costs %d, although only a %s is charged", c.who, *cost, k.src.Charge)
		}
	}
}

func (k *kit) privacy() {
	gone, cancel := context.WithCancel(k.Context())
	cancel()
	for _, who := range [][]enrich.Known{k.cfg.Known, k.cfg.Unknown} {
		for _, ctx := range []context.Context{gone, k.Context()} {
			_, err := k.src.Provider.Lookup(ctx, k.about(who))
			if err != nil {
				k.keepsQuiet(err)
			}
		}
	}
}

package enrich

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/normalize"
	"github.com/leadloop/leadloop/store"
)

// Source is a provider and the terms on which it is asked.
type Source struct {
	// Name is the claims' source and the provider of the cost ledger; unique
	// within a waterfall.
	Name     string
	Provider Provider
	// Fields are what the provider can answer; nothing else is accepted.
	Fields []string
	// Needs are the fields it is asked by, such as company.domain. A lead that
	// lacks one is not sent; nothing else about a lead is ever sent.
	Needs []string
	// Price is what one charged call costs, in millionths of the playbook's
	// currency; Charge says which calls are charged. Failed calls are not.
	Price  leadloop.Micros
	Charge Charge
	// Countries are those whose leads may be sent, as ISO 3166-1 alpha-2
	// codes; none means all. A lead of unknown country is not sent to a source
	// that has a list.
	Countries []string
	// Version tells answers apart that were given under different terms: a new
	// file, another mapping. Cached answers of another version are not used.
	Version string
	// NoCache keeps answers out of the cache, for a source that is free and at
	// hand, such as a file. A source with a price must be cached.
	NoCache bool

	// Timeout bounds the wait for a free slot, and then the lookup with all its
	// retries; 0 means 5 s. A provider that hangs costs exactly that much.
	Timeout time.Duration
	// Retries is how often a temporary failure is tried again, with growing and
	// jittered pauses; 0 means 2, [NoRetries] none.
	Retries int
	// RatePerSecond bounds the calls per second; 0 means no limit.
	RatePerSecond int
	// Concurrency bounds the calls at one time; 0 means 8.
	Concurrency int
}

// NoRetries as Source.Retries gives every lookup a single try.
const NoRetries = -1

// Charge says which calls a provider charges for.
type Charge uint8

const (
	// ChargeCall charges every answered call, matched or not.
	ChargeCall Charge = iota
	// ChargeMatch charges calls that matched.
	ChargeMatch
	// ChargeValid charges calls that gave at least one valid value.
	ChargeValid
)

var chargeNames = [...]string{"call", "match", "valid"}

// String returns the name that playbooks use: call, match or valid.
func (c Charge) String() string {
	if int(c) < len(chargeNames) {
		return chargeNames[c]
	}
	return "charge"
}

// Options are how a waterfall decides. The zero Options ask for nothing,
// because no field is demanded.
type Options struct {
	// Fields are the demanded fields: those that rules read. Nothing else is
	// ever asked for.
	Fields []string

	// PreScore estimates the fit from what is known for free. A lead whose
	// estimate is below MinFit is not enriched; one without an estimate (ok
	// false) is. MinFit nil means no gate.
	PreScore func(ctx context.Context, p *leadloop.Profile, activities []leadloop.Activity, asOf time.Time) (fit leadloop.Points, ok bool)
	MinFit   *leadloop.Points

	// Deadline bounds the whole waterfall for one lead; 0 means 30 s.
	Deadline time.Duration
	Budget   Budget

	// TTL is how long a bought value counts as fresh, NegativeTTL how long
	// "not found" does; 0 means 90 and 30 days.
	TTL, NegativeTTL time.Duration
	// Policies are per field; a field without one follows the options.
	Policies map[string]FieldPolicy
}

// FieldPolicy is what one field demands of a bought value.
type FieldPolicy struct {
	TTL time.Duration // 0 means Options.TTL
	// MinConfidence is the least confidence accepted, in [0, 1]. Above 0, a
	// value whose provider states no confidence is not accepted.
	MinConfidence float64
	// Min and Max bound int and double fields; nil means no bound.
	Min, Max *float64
	// Valid has the last word on a value that passed all else; nil accepts.
	// It must be safe for concurrent use.
	Valid func(v leadloop.Value) bool
}

// Budget bounds spending; 0 means no bound. Day and Month are UTC calendar
// periods around the moment of the decision and hold within one process
// exactly; several processes on one store can overrun them by their calls in
// flight.
type Budget struct {
	Day, Month, Lead leadloop.Micros
}

const (
	defaultDeadline    = 30 * time.Second
	defaultTimeout     = 5 * time.Second
	defaultRetries     = 2
	defaultConcurrency = 8
	defaultTTL         = 90 * 24 * time.Hour
	defaultNegativeTTL = 30 * 24 * time.Hour
)

// Waterfall asks sources in order until nothing demanded is missing. It is
// safe for concurrent use.
type Waterfall struct {
	sources []*guard
	schema  *leadloop.Schema
	store   store.Store
	o       Options
	wanted  []leadloop.FieldDef // demanded and offered by a source, by name
	offers  map[string]int      // field → number of sources that offer it
	flights flights
	budget  reservations
}

// New returns a waterfall over the sources, in the order given. It keeps what
// was paid for in st's cache and cost ledger. All problems are returned
// together; they match leadloop.ErrInvalid.
func New(sources []Source, st store.Store, schema *leadloop.Schema, o Options) (*Waterfall, error) {
	if st == nil || schema == nil {
		return nil, fmt.Errorf("enrich: %w: a store and a schema are required", leadloop.ErrInvalid)
	}
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("enrich: %w: %s", leadloop.ErrInvalid, fmt.Sprintf(format, args...)))
	}
	w := &Waterfall{schema: schema, store: st, offers: map[string]int{}}
	w.o = checkOptions(schema, o, bad)
	names := map[string]bool{}
	for _, s := range sources {
		if names[s.Name] {
			bad("source %q stands in the waterfall twice", s.Name)
		}
		names[s.Name] = true
		s = checkSource(schema, s, bad)
		for _, f := range s.Fields {
			w.offers[f]++
		}
		w.sources = append(w.sources, newGuard(s))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	for _, name := range w.o.Fields {
		if w.offers[name] > 0 {
			def, _ := schema.Lookup(name)
			w.wanted = append(w.wanted, def)
		}
	}
	return w, nil
}

func checkOptions(schema *leadloop.Schema, o Options, bad func(string, ...any)) Options {
	o.Fields, o.Policies = sortedSet(o.Fields), maps.Clone(o.Policies)
	if o.MinFit != nil {
		least := *o.MinFit
		o.MinFit = &least
	}
	for _, f := range o.Fields {
		checkField(schema, "a demanded field", f, bad)
	}
	for _, f := range sortedKeys(o.Policies) {
		checkField(schema, "a field policy", f, bad)
		p := o.Policies[f]
		if !(p.MinConfidence >= 0 && p.MinConfidence <= 1) {
			bad("field %s: the minimum confidence is not in [0, 1]", f)
		}
		if p.TTL < 0 {
			bad("field %s: the time to live is negative", f)
		}
		if p.Min != nil && p.Max != nil && !(*p.Min <= *p.Max) {
			bad("field %s: the minimum is above the maximum", f)
		}
	}
	if o.MinFit != nil && o.PreScore == nil {
		bad("a minimum fit needs a PreScore")
	}
	if o.Budget.Day < 0 || o.Budget.Month < 0 || o.Budget.Lead < 0 {
		bad("a budget is negative")
	}
	for _, d := range []struct {
		of       *time.Duration
		standard time.Duration
		name     string
	}{{&o.Deadline, defaultDeadline, "deadline"}, {&o.TTL, defaultTTL, "time to live"}, {&o.NegativeTTL, defaultNegativeTTL, "negative time to live"}} {
		if *d.of < 0 {
			bad("the %s is negative", d.name)
		}
		if *d.of == 0 {
			*d.of = d.standard
		}
	}
	return o
}

func checkSource(schema *leadloop.Schema, s Source, bad func(string, ...any)) Source {
	who := fmt.Sprintf("source %q", s.Name)
	if s.Name == "" || s.Name != normalize.Text(s.Name) {
		bad("%s: a source has a name, without outer spaces", who)
	}
	if s.Provider == nil {
		bad("%s: it has no provider", who)
	}
	s.Fields, s.Needs = sortedSet(s.Fields), sortedSet(s.Needs)
	if len(s.Fields) == 0 {
		bad("%s: it has no fields", who)
	}
	if len(s.Needs) == 0 {
		bad("%s: it does not say by which fields it is asked (Needs)", who)
	}
	for _, f := range s.Fields {
		checkField(schema, who, f, bad)
	}
	for _, f := range s.Needs {
		checkField(schema, who, f, bad)
		if slices.Contains(s.Fields, f) {
			bad("%s: field %s can't be both known and asked for", who, f)
		}
	}
	s.Countries = slices.Clone(s.Countries)
	for i, c := range s.Countries {
		iso, ok := normalize.Country(c)
		if !ok {
			bad("%s: %q is not a country", who, c)
		}
		s.Countries[i] = iso
	}
	if s.Price < 0 {
		bad("%s: the price is negative", who)
	}
	if s.NoCache && s.Price > 0 {
		bad("%s: it has a price, so its answers must be cached: NoCache would buy them again for every lead", who)
	}
	if int(s.Charge) >= len(chargeNames) {
		bad("%s: the charge is none of call, match, valid", who)
	}
	if s.Timeout < 0 || s.Retries < NoRetries || s.Retries > 10 || s.RatePerSecond < 0 || s.Concurrency < 0 || s.Concurrency > math.MaxInt16 {
		bad("%s: timeout, retries (at most 10), rate or concurrency is out of range", who)
	}
	if s.Timeout == 0 {
		s.Timeout = defaultTimeout
	}
	switch s.Retries {
	case 0:
		s.Retries = defaultRetries
	case NoRetries:
		s.Retries = 0
	}
	if s.Concurrency <= 0 {
		s.Concurrency = defaultConcurrency
	}
	return s
}

func checkField(schema *leadloop.Schema, who, field string, bad func(string, ...any)) {
	if _, ok := schema.Lookup(field); !ok {
		hint := fieldHint(schema, field)
		if hint != "" {
			hint = " (" + hint + ")"
		}
		bad("%s: the schema has no field %q%s", who, field, hint)
	}
}

func fieldHint(schema *leadloop.Schema, field string) string {
	names := make([]string, 0, schema.Len())
	for _, d := range schema.Fields() {
		names = append(names, d.Name)
	}
	return suggest.DidYouMean(field, names)
}

func sortedSet(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}

func (w *Waterfall) ttl(field string) time.Duration {
	if p, ok := w.o.Policies[field]; ok && p.TTL > 0 {
		return p.TTL
	}
	return w.o.TTL
}

package enrich

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/normalize"
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
	// currency, or one charged query of a [BatchProvider]; Charge says which are
	// charged. Failed ones are not.
	Price  leadloop.Micros
	Charge Charge
	// MatchRate is the share of lookups in which the provider knows the company
	// or person, as a trial on your own leads shows it; 0 means 0.5. Of several
	// calls the next is the one with the most
	//
	//	sum of the weights of the fields asked for × MatchRate ÷ expected price
	//
	// with the weights of [Influence] (1 for a field that is always bought),
	// and the price × MatchRate as expected price where only matches are
	// charged. A free call comes before all others; of equal ones the one
	// listed first.
	MatchRate float64
	// Bundle tells that the price is for the call, however many fields it asks
	// for: a call that is made because of one field then also asks for the
	// others that are demanded and missing, which might cost a second call
	// later. Without it nothing is asked for that changes nothing.
	Bundle bool
	// Budget bounds what is spent with this provider per day and month.
	Budget Budget
	// Countries are those whose leads may be sent, as ISO 3166-1 alpha-2
	// codes; none means all. A lead of unknown country is not sent to a source
	// that has a list.
	Countries []string
	// ConsentIn are countries whose people are sent only if their consent is
	// granted; where there are some, a person of unknown country needs it too.
	// Consent that was denied or withdrawn keeps anybody from being sent.
	ConsentIn []string
	// Purposes are what the provider's answers may be used for; none means
	// anything. See [Options.Purpose].
	Purposes []string
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
	// HedgeAfter asks a second time, beside the first, when there is no answer
	// after so long, and takes the faster one; 0 means never. Only for a source
	// without a price: both would be charged.
	HedgeAfter time.Duration
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

const (
	defaultDeadline    = 30 * time.Second
	defaultTimeout     = 5 * time.Second
	defaultRetries     = 2
	defaultConcurrency = 8
	defaultMatchRate   = 0.5
	defaultTTL         = 90 * 24 * time.Hour
	defaultNegativeTTL = 30 * 24 * time.Hour
)

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
	s.Countries, s.ConsentIn, s.Purposes = slices.Clone(s.Countries), slices.Clone(s.ConsentIn), slices.Clone(s.Purposes)
	for _, list := range [][]string{s.Countries, s.ConsentIn} {
		for i, c := range list {
			iso, ok := normalize.Country(c)
			if !ok {
				bad("%s: %q is not a country", who, c)
			}
			list[i] = iso
		}
	}
	if !(s.MatchRate >= 0 && s.MatchRate <= 1) {
		bad("%s: the match rate is not in [0, 1]", who)
	}
	if s.MatchRate == 0 {
		s.MatchRate = defaultMatchRate
	}
	if s.Budget.Day < 0 || s.Budget.Month < 0 || s.Budget.Lead != 0 {
		bad("%s: it has a budget per day and month, not negative and not per lead", who)
	}
	if s.HedgeAfter < 0 || s.HedgeAfter > 0 && s.Price > 0 {
		bad("%s: only a source without a price is asked a second time beside the first", who)
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

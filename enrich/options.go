package enrich

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Options are how a waterfall decides. The zero Options ask for nothing,
// because no field is demanded.
type Options struct {
	// Fields are the demanded fields: those that rules read. Nothing else is
	// ever asked for.
	Fields []string

	// Mode says how much is bought; the zero Mode is [Needed].
	Mode Mode
	// Outlook tells which fields could still change what happens to a lead;
	// nil takes that for all.
	Outlook Outlook
	// Policy makes of claims what the lead looks like, for the questions to
	// Outlook; nil takes every accepted value for the field's.
	Policy leadloop.SurvivorshipPolicy
	// Order says who is asked first; Groups say it for some fields.
	Order  Order
	Groups []Group

	// PreScore estimates the fit from what is known for free. A lead whose
	// estimate is below MinFit is not enriched; one without an estimate (ok
	// false) is. MinFit nil means no gate.
	PreScore func(ctx context.Context, p *leadloop.Profile, activities []leadloop.Activity, asOf time.Time) (fit leadloop.Points, ok bool)
	MinFit   *leadloop.Points
	// Forgotten is asked, in the transaction that keeps a paid answer, whether
	// the lead it was bought for was erased meanwhile: then the cost is kept and
	// the answer is not. Package privacy has one; nil keeps every answer.
	Forgotten func(ctx context.Context, tx store.Tx, id leadloop.LeadID) (bool, error)
	// Refuse keeps a lead from every provider: it returns the reason code if
	// the person must not be sent, such as one suppressed. It is asked once per
	// run, before the first lookup; nil refuses nobody. An error ends the run.
	Refuse func(ctx context.Context, s leadloop.Subject) (reason string, err error)
	// Purpose is what the answers are used for. A source that has a list of
	// purposes is asked only if this one is on it.
	Purpose string

	// Deadline bounds the whole waterfall for one lead; 0 means 30 s.
	Deadline time.Duration
	Budget   Budget

	// TTL is how long a bought value counts as fresh, NegativeTTL how long
	// "not found" does; 0 means 90 and 30 days.
	TTL, NegativeTTL time.Duration
	// Refresh are the fields that an activity of a type makes stale, whatever
	// their time to live: what was bought before it counts as expired. Nil
	// means [StandardRefresh].
	Refresh map[string][]string
	// Policies are per field; a field without one follows the options.
	Policies map[string]FieldPolicy

	// Now dates money set aside for calls in flight, so that what a crash left
	// behind is released; nil means time.Now.
	Now func() time.Time
}

// Mode says how much a waterfall buys.
type Mode uint8

const (
	// Needed buys what could still change what happens to the lead.
	Needed Mode = iota
	// Everything buys every demanded field that is missing.
	Everything
	// Off asks nobody.
	Off
)

var modeNames = [...]string{"needed", "everything", "off"}

// String returns the name: needed, everything or off.
func (m Mode) String() string { return nameOf(modeNames[:], m) }

// ParseMode reads a name that String returns.
func ParseMode(s string) (Mode, bool) {
	i := slices.Index(modeNames[:], s)
	return Mode(max(i, 0)), i >= 0
}

// Buy says when one field is bought.
type Buy uint8

const (
	// BuyNeeded buys a field when it can change what happens to the lead.
	BuyNeeded Buy = iota
	// BuyAlways buys it whenever it is missing: a rep wants to read it.
	BuyAlways
	// BuyNever leaves it to forms and people.
	BuyNever
)

var buyNames = [...]string{"needed", "always", "never"}

// String returns the name that playbooks use: needed, always or never.
func (b Buy) String() string { return nameOf(buyNames[:], b) }

// Order says who is asked first about a field, and which call comes next.
type Order uint8

const (
	// OrderValue makes the call with the best expected value for its price
	// next, see [Source.MatchRate]; a field's own sources are asked as listed.
	// Without an Outlook it is OrderListed.
	OrderValue Order = iota
	// OrderListed asks the sources as listed.
	OrderListed
	// OrderCheapest asks the least expected price first, then as listed.
	OrderCheapest
	// OrderParallel asks all sources of a field at once. The first in the list
	// with a valid value wins; the answers of the others become claims too.
	OrderParallel
)

var orderNames = [...]string{"value", "listed", "cheapest", "parallel"}

// String returns the name that playbooks use: value, listed, cheapest or
// parallel.
func (o Order) String() string { return nameOf(orderNames[:], o) }

func nameOf[T ~uint8](names []string, v T) string {
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}

// Group is a waterfall of its own for some fields.
type Group struct {
	Fields []string
	// Sources are asked about the fields, and nobody else, in this order; none
	// means all, as listed.
	Sources []string
	Order   Order
}

// FieldPolicy is what one field demands of a bought value.
type FieldPolicy struct {
	Buy Buy
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
// periods around the moment of the decision; Lead is all that is ever spent on
// one lead. Money is set aside in the store before a call and booked with its
// answer, so that workers and processes on one store can't overrun it together.
// A call is taken to cost [Source.Price]; one that says itself it cost more is
// booked at what it says.
type Budget struct {
	Day, Month, Lead leadloop.Micros
}

// StandardRefresh returns what makes bought values stale unless
// [Options.Refresh] says otherwise: somebody changed jobs (activity
// "job_change"), or a company raised money ("funding").
func StandardRefresh() map[string][]string {
	return map[string][]string{
		"job_change": {
			leadloop.Email.Name(), leadloop.Phone.Name(), leadloop.Mobile.Name(), leadloop.Title.Name(), leadloop.Seniority.Name(), leadloop.Department.Name(),
			leadloop.CompanyName.Name(), leadloop.Domain.Name(), leadloop.Employees.Name(), leadloop.Revenue.Name(), leadloop.Industry.Name(),
			leadloop.CompanyCountry.Name(), leadloop.Technologies.Name(), leadloop.Founded.Name(), leadloop.FundingStage.Name(),
			leadloop.FundingDate.Name(), leadloop.HiringVelocity.Name(),
		},
		"funding": {
			leadloop.FundingStage.Name(), leadloop.FundingDate.Name(), leadloop.Employees.Name(), leadloop.Revenue.Name(), leadloop.HiringVelocity.Name(),
		},
	}
}

// Waterfall asks sources until nothing that matters is missing. It is safe for
// concurrent use.
type Waterfall struct {
	sources []*guard
	schema  *leadloop.Schema
	store   store.Store
	o       Options
	wanted  []leadloop.FieldDef // demanded and offered by a source, by name
	lists   map[string][]int    // field → positions of its sources, first to last
	order   map[string]Order    // field → its order
	flights flights
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
	w := &Waterfall{schema: schema, store: st, lists: map[string][]int{}, order: map[string]Order{}}
	w.o = checkOptions(schema, o, bad)
	names := map[string]bool{}
	for _, s := range sources {
		if names[s.Name] {
			bad("source %q stands in the waterfall twice", s.Name)
		}
		names[s.Name] = true
		w.sources = append(w.sources, newGuard(checkSource(schema, s, bad)))
	}
	w.plan(bad)
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	for _, name := range w.o.Fields {
		if len(w.lists[name]) > 0 && w.o.Policies[name].Buy != BuyNever {
			def, _ := schema.Lookup(name)
			w.wanted = append(w.wanted, def)
		}
	}
	return w, nil
}

// plan writes down who is asked about each field.
func (w *Waterfall) plan(bad func(string, ...any)) {
	grouped := map[string]bool{}
	for _, g := range w.o.Groups {
		list := make([]int, 0, len(w.sources))
		for _, name := range g.Sources {
			i := slices.IndexFunc(w.sources, func(s *guard) bool { return s.Name == name })
			switch {
			case i < 0:
				bad("a group names the source %q, which does not exist", name)
			case slices.Contains(list, i):
				bad("a group names the source %q twice", name)
			default:
				list = append(list, i)
			}
		}
		if len(g.Sources) == 0 {
			for i := range w.sources {
				list = append(list, i)
			}
		}
		for _, f := range g.Fields {
			checkField(w.schema, "a group", f, bad)
			if grouped[f] {
				bad("field %s stands in two groups", f)
			}
			grouped[f] = true
			w.assign(f, list, g.Order)
		}
	}
	all := make([]int, len(w.sources))
	for i := range all {
		all[i] = i
	}
	for _, s := range w.sources {
		for _, f := range s.Fields {
			if !grouped[f] {
				w.assign(f, all, w.o.Order)
			}
		}
	}
}

func (w *Waterfall) assign(field string, list []int, order Order) {
	var own []int
	for _, i := range list {
		if slices.Contains(w.sources[i].Fields, field) {
			own = append(own, i)
		}
	}
	if order == OrderCheapest {
		slices.SortStableFunc(own, func(a, b int) int { return cmpPrice(w.sources[a], w.sources[b]) })
	}
	w.lists[field], w.order[field] = own, order
}

func checkOptions(schema *leadloop.Schema, o Options, bad func(string, ...any)) Options {
	o.Fields, o.Policies, o.Groups = sortedSet(o.Fields), maps.Clone(o.Policies), slices.Clone(o.Groups)
	if o.MinFit != nil {
		least := *o.MinFit
		o.MinFit = &least
	}
	if int(o.Mode) >= len(modeNames) || int(o.Order) >= len(orderNames) {
		bad("the mode or the order is none of those that exist")
	}
	for _, g := range o.Groups {
		if int(g.Order) >= len(orderNames) {
			bad("the order of a group is none of those that exist")
		}
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
		if int(p.Buy) >= len(buyNames) {
			bad("field %s: it is bought needed, always or never", f)
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
	if o.Refresh == nil {
		o.Refresh = StandardRefresh()
	} else {
		o.Refresh = maps.Clone(o.Refresh)
		for _, activity := range sortedKeys(o.Refresh) {
			for _, f := range o.Refresh[activity] {
				checkField(schema, "what "+activity+" refreshes", f, bad)
			}
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (w *Waterfall) ttl(field string) time.Duration {
	if p, ok := w.o.Policies[field]; ok && p.TTL > 0 {
		return p.TTL
	}
	return w.o.TTL
}

package enrich

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
)

// TrialRecord is one record of a sample about which the truth is known.
type TrialRecord struct {
	ID leadloop.LeadID
	// Profile has the known values. Providers are asked by those they need, and
	// judged by the others; a value that was derived from another one is not
	// taken for the truth.
	Profile *leadloop.Profile
}

// TrialOptions are how providers are tried. The zero value tries every field
// that is offered, on all records, without looking for an order.
type TrialOptions struct {
	// Fields are tried; none means all that the sources offer.
	Fields []string
	// Policies refuse values as they would in a waterfall; Purpose and Refuse
	// keep records from providers as they would there, see [Options].
	Policies map[string]FieldPolicy
	Purpose  string
	Refuse   func(ctx context.Context, s leadloop.Subject) (reason string, err error)
	// By are fields whose values are looked at one by one, such as
	// company.country. Fields that identify people are refused.
	By []string
	// Budget bounds what the order that is looked for may cost per record, on
	// average; 0 means no bound.
	Budget leadloop.Micros
	// Spend bounds what the trial itself may cost at the sources' prices; 0
	// means no bound. If it is too little for all records, only so many of
	// them, evenly spread, are tried.
	Spend leadloop.Micros
	// Same decides for a field whether a value says what is known; a field
	// without one is compared by [SameValue].
	Same map[string]func(known, got leadloop.Value) bool
	// Concurrency bounds the calls to one source at a time, beside the source's
	// own limit; 0 means 8.
	Concurrency int
	// Progress is told how many of the lookups are done, one call at a time.
	Progress func(done, total int)
}

// Try asks every source about every record, each person or company once, and
// measures what came back against what is known. A record that a source must
// not be sent, by its countries, consents, purposes or Refuse, is not sent to
// it. Nothing is cached, and no budget of a waterfall applies: what a trial
// costs is bounded by TrialOptions.Spend.
//
// The same answers give the same trial, whatever order they come in. If ctx
// ends, the trial of what was answered until then is returned with its error.
// Problems of the arguments are returned together and match
// leadloop.ErrInvalid.
func Try(ctx context.Context, sources []Source, schema *leadloop.Schema, sample []TrialRecord, asOf time.Time, o TrialOptions) (*Trial, error) {
	t, err := newTrial(sources, schema, sample, asOf, o)
	if err != nil {
		return nil, err
	}
	if err := t.permit(ctx); err != nil {
		return nil, err
	}
	t.choose()
	err = t.ask(ctx)
	t.judge()
	return t.report(), err
}

// trial is the state of a run of Try. Positions of sources, fields and records
// are used throughout.
type trial struct {
	w      *Waterfall
	o      TrialOptions
	asOf   time.Time
	fields []leadloop.FieldDef
	offers [][]bool // source, field
	sample []TrialRecord
	left   int // records left out to keep to Spend

	runs   []*run
	truth  [][]leadloop.Value // record, field; absent if not known
	reason [][]string         // source, record: why it is not sent
	asked  []inquiry          // by source
	found  [][]finding        // source, record × field
}

// inquiry is all that one source is asked.
type inquiry struct {
	want    []string
	of      []int // record → position in calls, -1 if it is not sent
	calls   []trialCall
	refused []int // field → values refused
}

// trialCall is one lookup, for all records of one identity.
type trialCall struct {
	first   int // record
	query   Query
	asked   bool
	failure *LookupError
	answer  Answer
	said    map[string]entry
	fenced  []Refusal
}

func (c *trialCall) answered() bool { return c.asked && c.failure == nil }

func (c *trialCall) matched() bool { return c.answer.Matched || len(c.answer.Facts) > 0 }

// finding is what a source gave for one field of one record.
type finding struct {
	given   bool // and accepted
	checked bool // the truth is known
	right   bool
	value   leadloop.Value
	age     float64 // in days
	dated   bool
}

func newTrial(sources []Source, schema *leadloop.Schema, sample []TrialRecord, asOf time.Time, o TrialOptions) (*trial, error) {
	if schema == nil {
		return nil, fmt.Errorf("enrich: %w: a schema is required", leadloop.ErrInvalid)
	}
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("enrich: %w: %s", leadloop.ErrInvalid, fmt.Sprintf(format, args...)))
	}
	w := &Waterfall{schema: schema}
	w.o = checkOptions(schema, Options{Fields: o.Fields, Policies: o.Policies, Purpose: o.Purpose}, bad)
	t := &trial{w: w, o: o, asOf: asOf, sample: sample}
	if len(sources) == 0 {
		bad("there is no provider to try")
	}
	offered := map[string]bool{}
	names := map[string]bool{}
	for _, s := range sources {
		if names[s.Name] {
			bad("source %q stands there twice", s.Name)
		}
		names[s.Name] = true
		s = checkSource(schema, s, bad)
		w.sources = append(w.sources, newGuard(s))
		for _, f := range s.Fields {
			offered[f] = true
		}
	}
	tried := w.o.Fields
	if len(tried) == 0 {
		tried = sortedKeys(offered)
	}
	for _, f := range tried {
		if def, ok := schema.Lookup(f); ok && offered[f] {
			t.fields = append(t.fields, def)
		} else if ok {
			bad("no provider offers the field %s", f)
		}
	}
	for _, f := range o.By {
		checkField(schema, "by", f, bad)
		if slices.Contains(personal(), f) {
			bad("by %s: it identifies people, and what a trial says is not about one person", f)
		}
	}
	for i, r := range sample {
		if r.Profile == nil {
			bad("record %d of the sample has no profile", i)
		}
	}
	if len(sample) == 0 {
		bad("the sample is empty")
	}
	if o.Budget < 0 || o.Spend < 0 || o.Concurrency < 0 {
		bad("a budget or the concurrency is negative")
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	for _, src := range w.sources {
		offers := make([]bool, len(t.fields))
		for f, def := range t.fields {
			offers[f] = slices.Contains(src.Fields, def.Name)
		}
		t.offers = append(t.offers, offers)
	}
	return t, nil
}

// personal are fields that say who somebody is.
func personal() []string {
	return []string{
		leadloop.Email.Name(), leadloop.Phone.Name(), leadloop.Mobile.Name(), leadloop.FirstName.Name(), leadloop.LastName.Name(), leadloop.LinkedInURL.Name(),
	}
}

// permit finds who may be sent where, and what is known.
func (t *trial) permit(ctx context.Context) error {
	t.reason = make([][]string, len(t.w.sources))
	for i := range t.w.sources {
		t.reason[i] = make([]string, len(t.sample))
	}
	for n, rec := range t.sample {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s := leadloop.Subject{Lead: &leadloop.Lead{ID: rec.ID}, Profile: rec.Profile, AsOf: t.asOf}
		refused := ""
		if t.o.Refuse != nil {
			var err error
			if refused, err = t.o.Refuse(ctx, s); err != nil {
				return fmt.Errorf("enrich: may record %s be sent: %w", rec.ID, err)
			}
		}
		r := t.w.begin(s, triggers{}, nil)
		t.runs = append(t.runs, r)
		for i, src := range t.w.sources {
			switch _, all := r.identify(src); {
			case refused != "":
				t.reason[i][n] = refused
			case r.refused[i] != "":
				t.reason[i][n] = r.refused[i]
			case !all:
				t.reason[i][n] = "needs_missing"
			}
		}
		known := make([]leadloop.Value, len(t.fields))
		for f, def := range t.fields {
			v := rec.Profile.Value(def.Name)
			if c, told := rec.Profile.Provenance(def.Name); told && c.Origin == leadloop.OriginDerived || v.Presence() != leadloop.Present {
				continue
			}
			if v, reason := canonical(def, v, r.country(), t.asOf); reason == "" {
				known[f] = v
			}
		}
		t.truth = append(t.truth, known)
	}
	return nil
}

// choose keeps as many records, evenly spread, as the trial may pay for, and
// lists the calls.
func (t *trial) choose() {
	n := len(t.sample)
	t.list(n)
	if t.o.Spend == 0 {
		return
	}
	most := t.price(t.asked)
	for n > 0 && most > t.o.Spend {
		// Prices grow about evenly with the number of records.
		n = min(n-1, max(0, int(float64(n)*float64(t.o.Spend)/float64(most))))
		most = t.price(t.inquire(spread(len(t.sample), n)))
	}
	if n == len(t.sample) {
		return
	}
	keep := spread(len(t.sample), n)
	t.left = len(t.sample) - n
	t.sample, t.runs, t.truth = pick(t.sample, keep), pick(t.runs, keep), pick(t.truth, keep)
	for i := range t.reason {
		t.reason[i] = pick(t.reason[i], keep)
	}
	t.list(n)
}

func (t *trial) list(n int) { t.asked = t.inquire(spread(n, n)) }

// spread returns n of so many positions, evenly spread.
func spread(of, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i * of / n
	}
	return out
}

func pick[T any](from []T, at []int) []T {
	out := make([]T, len(at))
	for i, k := range at {
		out[i] = from[k]
	}
	return out
}

// inquire lists what every source is asked about the records: each identity
// once, in order of the first record that has it.
func (t *trial) inquire(records []int) []inquiry {
	out := make([]inquiry, len(t.w.sources))
	for i, src := range t.w.sources {
		q := inquiry{of: make([]int, len(records)), refused: make([]int, len(t.fields))}
		for f, def := range t.fields {
			if t.offers[i][f] {
				q.want = append(q.want, def.Name)
			}
		}
		seen := map[string]int{}
		for at, n := range records {
			q.of[at] = -1
			if t.reason[i][n] != "" || len(q.want) == 0 {
				continue
			}
			known, _ := t.runs[n].identify(src)
			who := identity(src, known)
			call, ok := seen[who]
			if !ok {
				call = len(q.calls)
				seen[who] = call
				q.calls = append(q.calls, trialCall{first: at, query: Query{Lead: t.sample[n].ID, Known: known, Want: q.want}})
			}
			q.of[at] = call
		}
		out[i] = q
	}
	return out
}

// price is the most that the calls cost by the price list.
func (t *trial) price(asked []inquiry) (sum leadloop.Micros) {
	for i, src := range t.w.sources {
		sum += src.Price * leadloop.Micros(len(asked[i].calls))
	}
	return sum
}

// ask makes the calls: all sources beside each other, each within its limits.
func (t *trial) ask(ctx context.Context) error {
	total, done := 0, 0
	for _, q := range t.asked {
		total += len(q.calls)
	}
	var mu sync.Mutex
	step := func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		if t.o.Progress != nil {
			t.o.Progress(done, total)
		}
	}
	var all sync.WaitGroup
	for i, src := range t.w.sources {
		work := make(chan *trialCall)
		for range t.workers(src) {
			all.Go(func() {
				for c := range work {
					t.lookup(ctx, src, c)
					step()
				}
			})
		}
		all.Go(func() {
			defer close(work)
			for k := range t.asked[i].calls {
				if ctx.Err() != nil {
					return
				}
				work <- &t.asked[i].calls[k]
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

// workers are as many as the source takes at a time, and no more than get their
// turn within its timeout.
func (t *trial) workers(src *guard) int {
	n := t.o.Concurrency
	if n == 0 {
		n = defaultConcurrency
	}
	n = min(n, src.Concurrency)
	if src.RatePerSecond > 0 {
		n = min(n, max(1, int(float64(src.RatePerSecond)*src.Timeout.Seconds()/2)))
	}
	return n
}

func (t *trial) lookup(ctx context.Context, src *guard, c *trialCall) {
	m := &money{w: t.w}
	m.keep()
	defer m.drop()
	// A late answer is not waited for: that the source was late is the finding.
	a, failure, _ := src.lookup(ctx, c.query.clone(), m, func(Answer) {})
	if failure != nil && ctx.Err() != nil {
		return // nobody was asked to the end
	}
	c.asked, c.failure = true, failure
	if failure == nil {
		c.answer = a
		c.said, c.fenced, c.failure = t.w.fence(src, c.query, a, t.asOf)
	}
}

// judge compares what was given with what is known.
func (t *trial) judge() {
	t.found = make([][]finding, len(t.w.sources))
	for i := range t.w.sources {
		q := &t.asked[i]
		t.found[i] = make([]finding, len(t.sample)*len(t.fields))
		for n := range t.sample {
			if q.of[n] < 0 || !q.calls[q.of[n]].answered() {
				continue
			}
			call := &q.calls[q.of[n]]
			for f, def := range t.fields {
				e := call.said[def.Name]
				for _, r := range call.fenced {
					if r.Field == def.Name {
						q.refused[f]++
					}
				}
				if !t.offers[i][f] || e.Said != saidValue {
					continue
				}
				v, reason := t.w.accept(def, e, t.runs[n].country(), t.asOf)
				if reason != "" {
					q.refused[f]++
					continue
				}
				known := t.truth[n][f]
				got := finding{given: true, value: v, checked: known.Presence() == leadloop.Present}
				got.right = got.checked && t.same(def.Name, known, v)
				if !e.VerifiedAt.IsZero() {
					got.dated, got.age = true, t.asOf.Sub(e.VerifiedAt).Hours()/24
				}
				t.found[i][n*len(t.fields)+f] = got
			}
		}
	}
}

func (t *trial) same(field string, a, b leadloop.Value) bool {
	if same := t.o.Same[field]; same != nil {
		return same(a, b)
	}
	return SameValue(field, a, b)
}

// charge is what a call costs that asks for the fields.
func (t *trial) charge(i int, c *trialCall, asks func(f int) bool, n int) leadloop.Micros {
	src := t.w.sources[i]
	if !c.answered() {
		return 0
	}
	if c.answer.Cost != nil && *c.answer.Cost >= 0 {
		return *c.answer.Cost
	}
	switch src.Charge {
	case ChargeMatch:
		if !c.matched() {
			return 0
		}
	case ChargeValid:
		valid := false
		for f := range t.fields {
			valid = valid || asks(f) && t.found[i][n*len(t.fields)+f].given
		}
		if !valid {
			return 0
		}
	}
	return src.Price
}

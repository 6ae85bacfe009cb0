package enrich

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Report is what one run of a waterfall did for one lead. Its JSON form holds
// field names and codes, no values.
type Report struct {
	// Stopped is why nobody was asked although something was missing: the
	// reason code "below_min_fit", or "".
	Stopped string `json:"stopped,omitempty"`
	// Calls are the sources that were asked or skipped, in order. A source
	// that had nothing left to answer is not among them.
	Calls []Call `json:"calls,omitempty"`
	// Cost is what the run spent on the lead.
	Cost leadloop.Micros `json:"cost,omitempty"`
	// Missing are the demanded fields that a source offers and that are still
	// absent or expired, sorted. Known absent is not missing.
	Missing []string `json:"missing,omitempty"`
	// Claims are what was learnt and the lead did not have yet.
	Claims []leadloop.Claim `json:"-"`
}

// Call is what came of one source.
type Call struct {
	Source  string      `json:"provider"`
	Outcome CallOutcome `json:"outcome"`
	// Reason says why it was skipped or failed, as a code.
	Reason string `json:"reason,omitempty"`
	// Detail explains a failure to people, without personal data.
	Detail string `json:"detail,omitempty"`
	// Asked are the fields wanted from it, Cached those of them that an
	// earlier answer covered, Got those it gave an accepted value for.
	Asked  []string `json:"asked,omitempty"`
	Cached []string `json:"cached,omitempty"`
	Got    []string `json:"got,omitempty"`
	// NotFound are the fields it looked up and does not have.
	NotFound []string        `json:"not_found,omitempty"`
	Refused  []Refusal       `json:"refused,omitempty"`
	Cost     leadloop.Micros `json:"cost,omitempty"`
	// RetryAfter is how long a failed source asks to be left alone.
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	// Err is the error the provider returned. Its text is the provider's and
	// may hold personal data.
	Err error `json:"-"`
}

// CallOutcome says what came of asking a source.
type CallOutcome string

// The outcomes of a call.
const (
	Matched CallOutcome = "matched"
	NoMatch CallOutcome = "no_match"
	Failed  CallOutcome = "failed"
	// Skipped: not asked, because of country_not_allowed, needs_missing,
	// deadline, budget_day, budget_month or budget_lead.
	Skipped CallOutcome = "skipped"
)

// Unfinished reports whether a field is missing that a source which failed or
// ran out of time could have given: asking later may help.
func (r Report) Unfinished() bool {
	for _, c := range r.Calls {
		if c.Outcome != Failed && c.Reason != ReasonDeadline {
			continue
		}
		for _, f := range c.Asked {
			if slices.Contains(r.Missing, f) {
				return true
			}
		}
	}
	return false
}

// Missing returns the demanded fields that the lead lacks and a source offers,
// sorted: absent ones, empty ones unless a rep emptied them, and those bought
// so long ago that their time to live is over. What a rep, a form or an import
// said never expires.
func (w *Waterfall) Missing(s leadloop.Subject) []string {
	var out []string
	for _, def := range w.wanted {
		if w.missing(s, def.Name) {
			out = append(out, def.Name)
		}
	}
	return out
}

func (w *Waterfall) missing(s leadloop.Subject, field string) bool {
	v := s.Profile.Value(field)
	c, told := s.Profile.Provenance(field)
	if told && c.Pin == leadloop.Pinned {
		return false
	}
	bought := told && c.Origin == leadloop.OriginProvider
	switch v.Presence() {
	case leadloop.Absent:
		return true
	case leadloop.Empty:
		return !told || c.Origin != leadloop.OriginRep
	case leadloop.KnownAbsent:
		return bought && !c.EffectiveAt().Add(w.o.NegativeTTL).After(s.AsOf)
	}
	return bought && !c.EffectiveAt().Add(w.ttl(field)).After(s.AsOf)
}

// Enrich asks for what s lacks. It needs Lead, Profile and AsOf of s and
// modifies none of them. The error is ctx's, or the store's when it can't be
// read or written; whatever providers do is in the report. It may be called
// concurrently, and again for the same lead: what was bought is not bought
// again.
func (w *Waterfall) Enrich(ctx context.Context, s leadloop.Subject) (Report, error) {
	r := run{w: w, s: s, missing: w.Missing(s), known: map[string]string{}, noes: map[string]no{}}
	if len(r.missing) == 0 {
		return Report{}, nil
	}
	if w.o.MinFit != nil {
		if fit, ok := w.o.PreScore(ctx, s.Profile, s.Lead.Activities, s.AsOf); ok && fit < *w.o.MinFit {
			return Report{Stopped: "below_min_fit", Missing: r.missing}, nil
		}
	}
	timed, cancel := context.WithTimeout(ctx, w.o.Deadline)
	defer cancel()
	for _, src := range w.sources {
		if err := r.ask(ctx, timed, src); err != nil {
			return Report{}, err
		}
	}
	r.concludeAbsent()
	r.report.Missing = r.missing
	r.report.Claims = slices.DeleteFunc(r.report.Claims, r.said)
	return r.report, nil
}

// run is the state of one waterfall over one lead.
type run struct {
	w       *Waterfall
	s       leadloop.Subject
	missing []string
	known   map[string]string // identifying values learnt in this run
	noes    map[string]no
	report  Report
}

// no counts the sources that looked a field up and do not have it.
type no struct {
	sources int
	last    string
	at      time.Time
}

func (r *run) ask(ctx, timed context.Context, src *guard) error {
	asked := intersect(r.missing, src.Fields)
	if len(asked) == 0 {
		return nil
	}
	call := Call{Source: src.Name, Asked: asked}
	defer func() { r.report.Calls = append(r.report.Calls, call); r.report.Cost += call.Cost }()
	known, ok := r.identify(src)
	switch {
	case !r.allowed(src):
		call.Outcome, call.Reason = Skipped, "country_not_allowed"
		return nil
	case !ok:
		call.Outcome, call.Reason = Skipped, "needs_missing"
		return nil
	}
	said, err := r.lookup(ctx, timed, src, known, &call)
	if err != nil {
		return err
	}
	call.Outcome = cmpOutcome(call.Outcome, said)
	for _, f := range asked {
		if e, ok := said[f]; ok {
			r.take(src, f, e, &call)
		}
	}
	return nil
}

func cmpOutcome(known CallOutcome, said map[string]entry) CallOutcome {
	if known != "" {
		return known
	}
	for _, e := range said {
		if e.Matched {
			return Matched
		}
	}
	return NoMatch
}

// lookup returns what the source says about the asked fields, from the cache
// where it can. A call that was skipped or failed says so in call, and what the
// cache had is returned all the same.
func (r *run) lookup(ctx, timed context.Context, src *guard, known []Known, call *Call) (map[string]entry, error) {
	if src.NoCache {
		return r.fly(ctx, timed, src, "", Query{Lead: r.s.Lead.ID, Known: known, Want: call.Asked}, call)
	}
	who := identity(src, known)
	for {
		said, err := r.w.cached(ctx, who, call.Asked, r.s.AsOf)
		if err != nil {
			return nil, err
		}
		call.Cached, call.Cost = nil, 0
		var want []string
		for _, f := range call.Asked {
			e, ok := said[f]
			switch {
			case !ok:
				want = append(want, f)
			case e.lead == r.s.Lead.ID && e.At.After(r.s.Lead.State.DecidedAt):
				// Bought by a run of this very decision that did not get as far
				// as its commit: its cost is not in the lead's state yet.
				call.Cost += e.Cost
			default:
				call.Cached = append(call.Cached, f)
			}
		}
		if len(want) == 0 {
			return said, nil
		}
		if under := r.w.flights.board(who); under != nil {
			select {
			case <-under.done:
			case <-timed.Done():
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				call.Outcome, call.Reason = Failed, ReasonDeadline
				return said, nil
			}
			if under.failure != nil && under.failure.Reason != ReasonDeadline {
				r.fail(call, under.failure, under.cause)
				return said, nil
			}
			continue
		}
		fresh, err := r.fly(ctx, timed, src, who, Query{Lead: r.s.Lead.ID, Known: known, Want: want}, call)
		if err != nil {
			return nil, err
		}
		maps.Copy(said, fresh)
		return said, nil
	}
}

// fly makes one call: money set aside, provider asked, answer fenced, kept and
// paid for. who is "" if the answer is not to be shared.
func (r *run) fly(ctx, timed context.Context, src *guard, who string, q Query, call *Call) (said map[string]entry, err error) {
	var failure *LookupError
	var cause error
	if who != "" {
		// Trouble of the store or the caller is no failure: others who wait
		// then try for themselves.
		defer func() { r.w.flights.land(who, failure, cause) }()
	}
	if timed.Err() != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		call.Outcome, call.Reason = Skipped, ReasonDeadline
		return nil, nil
	}
	release, refused, err := r.w.reserve(ctx, src.Price, r.s.Lead.State.Cost+r.report.Cost+call.Cost, r.s.AsOf)
	if err != nil {
		return nil, err
	}
	if refused != "" {
		call.Outcome, call.Reason = Skipped, refused
		return nil, nil
	}
	defer release()

	answer, failure, cause := src.lookup(timed, q)
	if failure != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.fail(call, failure, cause)
		return nil, nil
	}
	said, call.Refused, failure = r.w.fence(src, q, answer, r.s.AsOf)
	if failure != nil {
		r.fail(call, failure, nil)
		return nil, nil
	}
	cost := store.Cost{Provider: src.Name, Lead: r.s.Lead.ID, At: r.s.AsOf, Amount: r.charge(src, answer, said)}
	for _, f := range q.Want {
		cost.Matched = cost.Matched || said[f].Matched
		if said[f].Said == saidValue {
			cost.Fields = append(cost.Fields, f)
		}
	}
	first := said[q.Want[0]]
	first.Cost = cost.Amount
	said[q.Want[0]] = first
	call.Cost += cost.Amount
	if !src.NoCache || cost.Amount > 0 {
		err = r.w.keep(ctx, src, who, said, cost)
	}
	return said, err
}

func (r *run) fail(call *Call, failure *LookupError, cause error) {
	call.Outcome, call.Reason, call.Detail, call.RetryAfter, call.Err = Failed, failure.Reason, failure.Detail, failure.RetryAfter, cause
	if cause == nil {
		call.Err = failure
	}
}

// charge is what an answer cost. A negative cost is not believed.
func (r *run) charge(src *guard, a Answer, said map[string]entry) leadloop.Micros {
	if a.Cost != nil && *a.Cost >= 0 {
		return *a.Cost
	}
	charged := src.Charge == ChargeCall
	for f, e := range said {
		switch src.Charge {
		case ChargeMatch:
			charged = charged || e.Matched
		case ChargeValid:
			if e.Said == saidValue {
				def, _ := r.w.schema.Lookup(f)
				_, reason := r.w.accept(def, e, r.country(), r.s.AsOf)
				charged = charged || reason == ""
			}
		}
	}
	if !charged {
		return 0
	}
	return src.Price
}

// take turns what a source said about one field into a claim.
func (r *run) take(src *guard, field string, e entry, call *Call) {
	switch e.Said {
	case saidNone:
		n := r.noes[field]
		r.noes[field] = no{sources: n.sources + 1, last: src.Name, at: e.At}
		call.NotFound = append(call.NotFound, field)
	case saidValue:
		def, _ := r.w.schema.Lookup(field)
		v, reason := r.w.accept(def, e, r.country(), r.s.AsOf)
		if reason != "" {
			call.Refused = append(call.Refused, Refusal{Field: field, Reason: reason})
			return
		}
		call.Got = append(call.Got, field)
		r.known[field] = v.String()
		r.missing = slices.DeleteFunc(slices.Clone(r.missing), func(f string) bool { return f == field })
		r.report.Claims = append(r.report.Claims, leadloop.Claim{Field: field, Value: v, Evidence: leadloop.Evidence{
			Origin: leadloop.OriginProvider, Source: src.Name, Record: r.s.Lead.ID,
			ObservedAt: e.At, VerifiedAt: e.VerifiedAt, Confidence: e.Confidence,
		}})
	}
}

// concludeAbsent claims that a field does not exist to be found, once every
// source that offers it has looked. A value that is only expired stays.
func (r *run) concludeAbsent() {
	for _, f := range r.missing {
		n, p := r.noes[f], r.s.Profile.Value(f).Presence()
		if n.sources == 0 || n.sources < r.w.offers[f] || p != leadloop.Absent && p != leadloop.KnownAbsent {
			continue
		}
		def, _ := r.w.schema.Lookup(f)
		r.report.Claims = append(r.report.Claims, leadloop.Claim{Field: f, Value: leadloop.NoValue(def.Kind), Evidence: leadloop.Evidence{
			Origin: leadloop.OriginProvider, Source: n.last, Record: r.s.Lead.ID, ObservedAt: n.at,
		}})
		r.missing = slices.DeleteFunc(slices.Clone(r.missing), func(g string) bool { return g == f })
	}
}

// said reports whether the lead has this claim already and it is still fresh,
// so that asking twice adds nothing.
func (r *run) said(c leadloop.Claim) bool {
	ttl := r.w.ttl(c.Field)
	if c.Value.Presence() != leadloop.Present {
		ttl = r.w.o.NegativeTTL
	}
	for _, d := range r.s.Lead.Claims {
		if d.Field == c.Field && d.Origin == c.Origin && d.Source == c.Source && d.Value.Equal(c.Value) &&
			d.Confidence == c.Confidence && d.VerifiedAt.Equal(c.VerifiedAt) && d.EffectiveAt().Add(ttl).After(r.s.AsOf) {
			return true
		}
	}
	return false
}

// identify collects what the source is asked by, and whether the lead has all
// of it.
func (r *run) identify(src *guard) ([]Known, bool) {
	known := make([]Known, 0, len(src.Needs))
	for _, f := range src.Needs {
		v := r.known[f]
		if p := r.s.Profile.Value(f); p.Presence() == leadloop.Present {
			v = p.String()
		}
		if v == "" {
			return nil, false
		}
		known = append(known, Known{Field: f, Value: v})
	}
	return known, true
}

func (r *run) country() string {
	if c, p := leadloop.Country.Get(r.s.Profile); p == leadloop.Present {
		return c
	}
	c, _ := leadloop.CompanyCountry.Get(r.s.Profile)
	return c
}

func (r *run) allowed(src *guard) bool {
	return len(src.Countries) == 0 || slices.Contains(src.Countries, strings.ToUpper(r.country()))
}

// intersect keeps the order of a.
func intersect(a, b []string) []string {
	var out []string
	for _, x := range a {
		if slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	return out
}

package enrich

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
)

// Report is what one run of a waterfall did for one lead. Its JSON form holds
// field names and codes, no values of the lead.
type Report struct {
	// Stopped is why the run ended although something was missing, as a reason
	// code: [StoppedDecided], [StoppedOff], [StoppedBelowMinFit], or what
	// Options.Refuse says; "" if it went as far as it could.
	Stopped string `json:"stopped,omitempty"`
	// Because says it in a sentence, if an outlook was asked: "stopped after 2
	// of 5 providers: tier B and owner Ana whatever company.revenue is".
	Because string `json:"because,omitempty"`
	// Calls are the sources that were asked or skipped, in order. A source
	// that had nothing left to answer is not among them.
	Calls []Call `json:"calls,omitempty"`
	// Cost is what the run spent on the lead.
	Cost leadloop.Micros `json:"cost,omitempty"`
	// Saved estimates what asking for NotNeeded would have cost, Spared by whom.
	Saved  leadloop.Micros `json:"saved,omitempty"`
	Spared []Spared        `json:"spared,omitempty"`
	// Missing are the demanded fields that a source offers and that are still
	// absent or expired, sorted. Known absent is not missing. NotNeeded are
	// those of them that were left out because they change nothing.
	Missing   []string `json:"missing,omitempty"`
	NotNeeded []string `json:"not_needed,omitempty"`
	// Disagrees are fields in which a provider said something else than what
	// the lead keeps, because a person said that or it is pinned.
	Disagrees []Disagreement `json:"disagrees,omitempty"`
	// Claims are what was learnt and the lead did not have yet.
	Claims []leadloop.Claim `json:"-"`
}

// Spared is a call that was not made, because nothing that it could tell would
// change what happens.
type Spared struct {
	Source string   `json:"provider"`
	Fields []string `json:"fields"`
	// Cost is its expected price.
	Cost leadloop.Micros `json:"cost,omitempty"`
}

// Disagreement is a value that was bought and not taken.
type Disagreement struct {
	Field  string `json:"field"`
	Source string `json:"provider"`
	// Keeps is the origin whose value stands: person, import or rep.
	Keeps string `json:"keeps"`
}

// Why a run stopped.
const (
	StoppedDecided     = "decided" // nothing that is missing could change what happens
	StoppedOff         = "off"
	StoppedBelowMinFit = "below_min_fit"
)

// Call is what came of one source.
type Call struct {
	Source  string      `json:"provider"`
	Outcome CallOutcome `json:"outcome"`
	// Because says what the answer could change, if an outlook was asked.
	Because string `json:"because,omitempty"`
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
	// Skipped: not asked, because of country_not_allowed, purpose_not_allowed,
	// consent_missing, consent_refused, needs_missing, deadline, or a budget:
	// budget_day, budget_month, budget_lead, budget_source_day,
	// budget_source_month.
	Skipped CallOutcome = "skipped"
)

// Unfinished reports whether a field is missing that a source which failed or
// ran out of time could have given: asking later may help.
func (r Report) Unfinished() bool {
	if r.Stopped != "" {
		return false
	}
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
// so long ago that their time to live is over, or before something that makes
// them stale (see [Options.Refresh] and [RefreshTask]). What a rep, a form or
// an import said never expires.
func (w *Waterfall) Missing(s leadloop.Subject) []string {
	return w.lacking(s, triggersOf(w.o.Refresh, s))
}

func (w *Waterfall) lacking(s leadloop.Subject, t triggers) []string {
	var out []string
	for i := range w.wanted {
		if w.missing(s, w.wanted[i].Name, t) {
			out = append(out, w.wanted[i].Name)
		}
	}
	return out
}

func (w *Waterfall) missing(s leadloop.Subject, field string, t triggers) bool {
	if t.asks(field) {
		c, told := s.Profile.Provenance(field)
		return !told || c.Pin != leadloop.Pinned
	}
	presence := s.Profile.Value(field).Presence()
	if presence == leadloop.Absent {
		return true
	}
	c, told := s.Profile.Provenance(field)
	if told && c.Pin == leadloop.Pinned {
		return false
	}
	bought := told && c.Origin == leadloop.OriginProvider
	ttl := w.ttl(field)
	switch presence {
	case leadloop.Empty:
		return !told || c.Origin != leadloop.OriginRep
	case leadloop.KnownAbsent:
		ttl = w.o.NegativeTTL
	}
	return bought && (!c.EffectiveAt().Add(ttl).After(s.AsOf) || c.ObservedAt.Before(t.since(field)))
}

// Enrich asks for what s lacks. It needs Lead, Profile and AsOf of s and
// modifies none of them. The error is ctx's, the Outlook's or Refuse's, or the
// store's when it can't be read or written; whatever providers do is in the
// report. It may be called concurrently, and again for the same lead: what was
// bought is not bought again.
func (w *Waterfall) Enrich(ctx context.Context, s leadloop.Subject) (Report, error) {
	return w.enrich(ctx, s, nil)
}

// enrich is Enrich, for one of the leads of a lot if there is one.
func (w *Waterfall) enrich(ctx context.Context, s leadloop.Subject, l *lot) (Report, error) {
	t := triggersOf(w.o.Refresh, s)
	missing := w.lacking(s, t)
	switch {
	case len(missing) == 0:
		return Report{}, nil
	case w.o.Mode == Off:
		return Report{Stopped: StoppedOff, Missing: missing}, nil
	}
	if w.below(ctx, s) {
		return Report{Stopped: StoppedBelowMinFit, Missing: missing}, nil
	}
	timed, cancel := ctx, context.CancelFunc(func() {})
	if l == nil {
		timed, cancel = context.WithTimeout(ctx, w.o.Deadline)
	}
	defer cancel()
	r := w.begin(s, t, missing)
	r.lot = l
	for {
		r.catchUp()
		next, err := r.next(ctx)
		if err != nil {
			return Report{}, err
		}
		if next == nil {
			break
		}
		if w.o.Refuse != nil && !r.allowed {
			reason, err := w.o.Refuse(ctx, s)
			if err != nil {
				return Report{}, fmt.Errorf("enrich: may lead %s be sent: %w", s.Lead.ID, err)
			}
			if reason != "" {
				return Report{Stopped: reason, Missing: missing}, nil
			}
			r.allowed = true
		}
		if err := r.ask(ctx, timed, next); err != nil {
			return Report{}, err
		}
	}
	r.concludeAbsent()
	r.conclude()
	r.skipped()
	if !r.judged() && r.w.o.Order != OrderCheapest || r.w.o.Order == OrderListed {
		r.listed()
	}
	r.report.Missing = r.missing
	r.report.Claims = slices.DeleteFunc(r.report.Claims, r.said)
	return r.report, nil
}

// below reports whether the lead is not worth the money.
func (w *Waterfall) below(ctx context.Context, s leadloop.Subject) bool {
	if w.o.MinFit == nil {
		return false
	}
	fit, ok := w.o.PreScore(ctx, s.Profile, s.Lead.Activities, s.AsOf)
	return ok && fit < *w.o.MinFit
}

// run is the state of one waterfall over one lead.
type run struct {
	w       *Waterfall
	s       leadloop.Subject
	t       triggers
	missing []string
	lot     *lot // nil for a lead by itself
	forced  map[string]bool
	known   map[string]string // identifying values learnt in this run
	noes    map[string]no
	allowed bool // by Options.Refuse

	// By source: why it must not be asked, whether it was, whether it can be
	// now, and what it said that is not its turn yet.
	refused []string
	out     []bool
	usable  []bool
	held    []map[string]entry
	call    []int // position in report.Calls, -1 for none

	learnt   []leadloop.Claim
	open     map[string]Influence
	decision string
	report   Report
}

// no counts the sources that looked a field up and do not have it.
type no struct {
	sources int
	last    string
	at      time.Time
}

func (w *Waterfall) begin(s leadloop.Subject, t triggers, missing []string) *run {
	n := len(w.sources)
	r := &run{
		w: w, s: s, t: t, missing: missing, forced: map[string]bool{}, known: map[string]string{}, noes: map[string]no{},
		refused: make([]string, n), out: make([]bool, n), usable: make([]bool, n), held: make([]map[string]entry, n), call: make([]int, n),
	}
	for _, f := range missing {
		if t.asks(f) {
			r.forced[f] = true
		}
	}
	for i := range w.sources {
		r.call[i] = -1
	}
	r.permit()
	return r
}

// ask makes the calls of a step, all at once, and takes their answers in the
// order of the list.
func (r *run) ask(ctx, timed context.Context, next *round) error {
	type reply struct {
		call Call
		said map[string]entry
		err  error
	}
	replies := make([]reply, len(next.sources))
	lookup := func(n int) {
		src, rep := r.w.sources[next.sources[n]], &replies[n]
		rep.call = Call{Source: src.Name, Because: next.because[n], Asked: next.asked[n]}
		known, _ := r.identify(src)
		rep.said, rep.err = r.lookup(ctx, timed, src, known, &rep.call)
	}
	if len(replies) == 1 {
		lookup(0)
	} else {
		var wait sync.WaitGroup
		r.lot.busy(len(replies))
		for n := range replies {
			wait.Go(func() {
				lookup(n)
				r.lot.idle(ctx)
			})
		}
		r.lot.idle(ctx) // it only waits
		wait.Wait()
		r.lot.busy(1)
	}
	for n, rep := range replies {
		if rep.err != nil {
			return rep.err
		}
		i := next.sources[n]
		rep.call.Outcome = cmpOutcome(rep.call.Outcome, rep.said)
		r.out[i], r.held[i], r.call[i] = true, rep.said, len(r.report.Calls)
		r.report.Calls = append(r.report.Calls, rep.call)
		r.report.Cost += rep.call.Cost
	}
	return nil
}

// catchUp takes what sources said about fields whose turn has come.
func (r *run) catchUp() {
	r.survey()
	learnt := len(r.learnt)
	for _, f := range slices.Clone(r.missing) {
		parallel := r.w.order[f] == OrderParallel
		for _, i := range r.w.lists[f] {
			e, told := r.held[i][f]
			if !told {
				if r.usable[i] && !parallel {
					break // it is asked first
				}
				continue
			}
			delete(r.held[i], f)
			if r.take(r.w.sources[i], f, e, &r.report.Calls[r.call[i]]) && !parallel {
				break
			}
		}
	}
	if len(r.learnt) > learnt {
		r.relook()
	}
}

// relook makes the profile anew from what was learnt.
func (r *run) relook() {
	defer r.permit()
	if r.w.o.Policy != nil {
		r.s.Profile = leadloop.Golden(r.w.schema, r.w.o.Policy, slices.Concat(r.s.Lead.Claims, r.learnt))
		return
	}
	p := r.s.Profile.Clone()
	for _, c := range r.learnt {
		// An accepted value always has its field's kind.
		_ = p.SetValue(c.Field, c.Value)
	}
	r.s.Profile = p
}

// skipped reports the sources that were not asked although something they
// offer is missing, and why.
func (r *run) skipped() {
	for i, src := range r.w.sources {
		reason := r.refused[i]
		if reason == "" && !r.identified(src) {
			reason = "needs_missing"
		}
		asked := slices.DeleteFunc(slices.Clone(r.missing), func(f string) bool { return !slices.Contains(r.w.lists[f], i) })
		if !r.out[i] && reason != "" && len(asked) > 0 {
			r.report.Calls = append(r.report.Calls, Call{Source: src.Name, Outcome: Skipped, Reason: reason, Asked: asked})
		}
	}
}

// listed brings the calls into the order of the list.
func (r *run) listed() {
	at := func(c Call) int {
		return slices.IndexFunc(r.w.sources, func(s *guard) bool { return s.Name == c.Source })
	}
	slices.SortStableFunc(r.report.Calls, func(a, b Call) int { return at(a) - at(b) })
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

// take turns what a source said about one field into a claim, and reports
// whether its value was accepted.
func (r *run) take(src *guard, field string, e entry, call *Call) bool {
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
			return false
		}
		call.Got = append(call.Got, field)
		if _, ok := r.known[field]; !ok {
			r.known[field] = v.String()
		}
		r.missing = slices.DeleteFunc(slices.Clone(r.missing), func(f string) bool { return f == field })
		r.disagree(src, field, v)
		claim := leadloop.Claim{Field: field, Value: v, Evidence: leadloop.Evidence{
			Origin: leadloop.OriginProvider, Source: src.Name, Record: r.s.Lead.ID,
			ObservedAt: e.At, VerifiedAt: e.VerifiedAt, Confidence: e.Confidence,
		}}
		r.report.Claims = append(r.report.Claims, claim)
		if !slices.ContainsFunc(r.learnt, func(c leadloop.Claim) bool { return c.Field == field }) || r.w.o.Policy != nil {
			r.learnt = append(r.learnt, claim)
		}
		return true
	}
	return false
}

// disagree notes a value that says something else than a stronger claim.
func (r *run) disagree(src *guard, field string, v leadloop.Value) {
	c, told := r.s.Profile.Provenance(field)
	stronger := told && (c.Origin > leadloop.OriginProvider || c.Pin == leadloop.Pinned)
	if now := r.s.Profile.Value(field); stronger && now.Presence() == leadloop.Present && !now.Equal(v) {
		r.report.Disagrees = append(r.report.Disagrees, Disagreement{Field: field, Source: src.Name, Keeps: c.Origin.String()})
	}
}

// concludeAbsent claims that a field does not exist to be found, once every
// source on its list has looked. A value that is only expired stays.
func (r *run) concludeAbsent() {
	for _, f := range r.missing {
		n, p := r.noes[f], r.s.Profile.Value(f).Presence()
		if n.sources == 0 || n.sources < len(r.w.lists[f]) || p != leadloop.Absent && p != leadloop.KnownAbsent {
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
			d.Confidence == c.Confidence && d.VerifiedAt.Equal(c.VerifiedAt) && d.EffectiveAt().Add(ttl).After(r.s.AsOf) &&
			!d.ObservedAt.Before(r.t.since(c.Field)) {
			return true
		}
	}
	return false
}

package tracking

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Enough is the count below which a figure is too few to say.
const Enough = 5

// The names of groups that are not a tier or source.
const (
	All  = "all"
	None = "(none)" // the lead has no tier, or no source
)

// Report is the figures as of a moment. Groups are in a fixed order: tiers by
// name, sources by their number of leads, then name. It marshals to the same
// JSON for the same events; that form is for reading, not for loading back.
type Report struct {
	AsOf  time.Time `json:"as_of"`
	Leads Leads     `json:"leads"`
	// SpeedToLead is the time from arrival to first touch: all leads, then by
	// tier.
	SpeedToLead []Speed `json:"speed_to_lead"`
	// SALRate is how many of the leads that got an owner were accepted, which
	// is either said or, where nobody says it, shown by the first touch.
	SALRate Breakdown `json:"sal_rate"`
	// Leakage is how many of the leads that reps should have worked, and are
	// old enough, nobody did.
	Leakage Breakdown `json:"leakage"`
	// ContactRate is how many of the leads that were worked came to two-way
	// contact.
	ContactRate Breakdown `json:"contact_rate"`
	// PipelinePerLead is what the opportunities of a group's leads are worth
	// per lead.
	PipelinePerLead Pipeline `json:"pipeline_per_lead"`
	// SLA is how many of the response clocks that ended were met: all leads,
	// then by tier.
	SLA     []Rate  `json:"sla"`
	Routing Routing `json:"routing"`
}

// Leads is where the leads are: all but the first and last add up to Captured.
type Leads struct {
	Captured     int `json:"captured"` // merged ones once
	Assigned     int `json:"assigned"`
	Queued       int `json:"queued"`
	Nurtured     int `json:"nurtured"`
	Alerted      int `json:"alerted"`
	Suppressed   int `json:"suppressed"`
	Disqualified int `json:"disqualified"`
	Undecided    int `json:"undecided"` // nothing was decided about them so far
	// NoArrival counts leads that the journal tells of without ever telling
	// that they arrived. They are in no other figure.
	NoArrival int `json:"no_arrival"`
}

// Routing is what went wrong on the way to an owner.
type Routing struct {
	// Queued counts leads that ever waited in a queue, Failed those of them
	// that got there because no entry of the chain could place them.
	Queued int `json:"queued"`
	Failed int `json:"failed"`
}

// Speed is how long a group's leads waited for a first touch, around the
// clock.
type Speed struct {
	Group string
	// Count is how many leads were touched, Waiting how many have an owner and
	// were not: they are in neither percentile, and make both look better than
	// they are.
	Count, Waiting int
	// Median and P90 are the smallest waits that at least 50 and 90 % of the
	// Count leads did not exceed (nearest rank); 0 if Count is less than Enough.
	Median, P90 time.Duration
}

// MarshalJSON writes seconds, and null for what is too few to say.
func (s Speed) MarshalJSON() ([]byte, error) {
	var median, p90 *float64
	if s.Count >= Enough {
		m, p := s.Median.Seconds(), s.P90.Seconds()
		median, p90 = &m, &p
	}
	return json.Marshal(struct {
		Group   string   `json:"group"`
		Count   int      `json:"count"`
		Waiting int      `json:"waiting"`
		Median  *float64 `json:"median_seconds"`
		P90     *float64 `json:"p90_seconds"`
	}{s.Group, s.Count, s.Waiting, median, p90})
}

// Rate is how many of a number of leads.
type Rate struct {
	Group string
	Hits  int
	Of    int
}

// Share returns Hits/Of, and false if Of is less than Enough: too few to say.
func (r Rate) Share() (float64, bool) {
	if r.Of < Enough {
		return 0, false
	}
	return float64(r.Hits) / float64(r.Of), true
}

// MarshalJSON adds the share, null if it is too few to say.
func (r Rate) MarshalJSON() ([]byte, error) {
	var share *float64
	if v, ok := r.Share(); ok {
		share = &v
	}
	return json.Marshal(struct {
		Group string   `json:"group"`
		Hits  int      `json:"hits"`
		Of    int      `json:"of"`
		Share *float64 `json:"share"`
	}{r.Group, r.Hits, r.Of, share})
}

// Breakdown is a rate of all leads, by source and by tier.
type Breakdown struct {
	All    Rate   `json:"all"`
	Source []Rate `json:"source"`
	Tier   []Rate `json:"tier"`
}

// Amount is what the opportunities of a group's leads are worth.
type Amount struct {
	Group         string
	Leads         int
	Opportunities int
	// Total is open, won and lost together; Won is the part that was won.
	Total, Won leadloop.Micros
}

// PerLead returns Total/Leads, rounded toward zero, and false if Leads is less
// than Enough: too few to say.
func (a Amount) PerLead() (leadloop.Micros, bool) {
	if a.Leads < Enough {
		return 0, false
	}
	return a.Total / leadloop.Micros(a.Leads), true
}

// MarshalJSON adds the amount per lead, null if it is too few to say. Amounts
// are in millionths.
func (a Amount) MarshalJSON() ([]byte, error) {
	var per *leadloop.Micros
	if v, ok := a.PerLead(); ok {
		per = &v
	}
	return json.Marshal(struct {
		Group         string           `json:"group"`
		Leads         int              `json:"leads"`
		Opportunities int              `json:"opportunities"`
		Total         leadloop.Micros  `json:"total"`
		Won           leadloop.Micros  `json:"won"`
		PerLead       *leadloop.Micros `json:"per_lead"`
	}{a.Group, a.Leads, a.Opportunities, a.Total, a.Won, per})
}

// Pipeline is the amounts of all leads, by source and by tier.
type Pipeline struct {
	All    Amount   `json:"all"`
	Source []Amount `json:"source"`
	Tier   []Amount `json:"tier"`
	// Unlinked are the opportunities that no lead here carries, with the
	// amount that is in no other figure.
	Unlinked Amount `json:"unlinked"`
}

// Report computes the figures as of a moment from what was added so far; what
// is dated later is left out.
func (t *Tracker) Report(asOf time.Time) Report {
	asOf = asOf.UTC()
	r := reporter{
		leakBefore: asOf.Add(-t.o.LeakAfter),
		waits:      map[group]*wait{},
		sal:        rates{}, leaks: rates{}, contacts: rates{}, sla: rates{}, deals: map[group]*Amount{},
		of: map[leadloop.LeadID]facts{},
	}
	r.report.AsOf = asOf

	wholes := map[leadloop.LeadID][]mark{}
	clockOf := map[leadloop.LeadID]Rate{}
	for id, marks := range t.leads {
		marks = slices.DeleteFunc(slices.Clone(marks), func(m mark) bool { return m.at.After(asOf) })
		whole := t.whole(id, asOf)
		wholes[whole] = append(wholes[whole], marks...)
		slices.SortFunc(marks, mark.compare)
		met, missed := clocks(marks)
		c := clockOf[whole]
		clockOf[whole] = Rate{Hits: c.Hits + met, Of: c.Of + met + missed}
	}
	for id, marks := range wholes {
		if f := factsOf(marks); f.known {
			r.add(f, clockOf[id])
			r.of[id] = f
		} else if f.place != captured || f.worked() {
			r.report.Leads.NoArrival++
		}
	}
	for _, o := range t.deals {
		if !o.CreatedAt.After(asOf) {
			r.deal(o, t.whole(o.Lead, asOf), asOf)
		}
	}
	return r.finish()
}

// group is one way to look at leads: all, a source, or a tier.
type group struct {
	by   byWhat
	name string
}

type byWhat uint8

const (
	byAll byWhat = iota
	bySource
	byTier
)

func (f *facts) groups() [3]group {
	return [3]group{{byAll, All}, {bySource, cmp.Or(f.source, None)}, {byTier, cmp.Or(f.tier, None)}}
}

type rates map[group]*Rate

func (r rates) add(f *facts, hits, of int) {
	for _, g := range f.groups() {
		if r[g] == nil {
			r[g] = &Rate{Group: g.name}
		}
		r[g].Hits += hits
		r[g].Of += of
	}
}

type wait struct {
	touched []time.Duration
	waiting int
}

type reporter struct {
	report     Report
	leakBefore time.Time
	waits      map[group]*wait // of all, and by tier
	sal        rates
	leaks      rates
	contacts   rates
	sla        rates
	deals      map[group]*Amount
	of         map[leadloop.LeadID]facts
}

func (r *reporter) add(f facts, clock Rate) {
	l := &r.report.Leads
	l.Captured++
	counts := map[markKind]*int{
		captured: &l.Undecided, assigned: &l.Assigned, queued: &l.Queued, nurtured: &l.Nurtured,
		alerted: &l.Alerted, suppressed: &l.Suppressed, disqualified: &l.Disqualified,
	}
	*counts[f.place]++
	if f.queued {
		r.report.Routing.Queued++
	}
	if f.unplaced {
		r.report.Routing.Failed++
	}
	for _, g := range f.groups() {
		if r.deals[g] == nil {
			r.deals[g] = &Amount{Group: g.name}
		}
		r.deals[g].Leads++
		if g.by != bySource {
			r.wait(g, &f)
		}
	}
	r.sla.add(&f, clock.Hits, clock.Of)
	worked := f.worked()
	if !f.assigned.IsZero() {
		r.sal.add(&f, one(worked), 1)
	}
	if worked {
		r.contacts.add(&f, one(f.contacted), 1)
	}
	due := worked || f.place == assigned || f.place == queued
	if due && !f.arrival.After(r.leakBefore) {
		r.leaks.add(&f, one(!worked), 1)
	}
}

func (r *reporter) wait(g group, f *facts) {
	w := r.waits[g]
	if w == nil {
		w = &wait{}
		r.waits[g] = w
	}
	switch {
	case !f.touched.IsZero():
		// Clocks of two machines may disagree: no wait is negative.
		w.touched = append(w.touched, max(0, f.touched.Sub(f.arrival)))
	case f.place == assigned:
		w.waiting++
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (r *reporter) deal(o leadloop.Opportunity, lead leadloop.LeadID, asOf time.Time) {
	var won leadloop.Micros
	if o.Status == leadloop.OpportunityWon && !o.ClosedAt.After(asOf) {
		won = o.Amount
	}
	count := func(a *Amount) {
		a.Opportunities++
		a.Total, a.Won = plus(a.Total, o.Amount), plus(a.Won, won)
	}
	f, ok := r.of[lead]
	if !ok {
		count(&r.report.PipelinePerLead.Unlinked)
		return
	}
	for _, g := range f.groups() {
		count(r.deals[g])
	}
}

// plus adds amounts, stopping at the largest instead of turning negative.
func plus(a, b leadloop.Micros) leadloop.Micros {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}

func (r *reporter) finish() Report {
	out := &r.report
	for _, g := range r.ordered(maps.Keys(r.waits)) {
		w := r.waits[g]
		slices.Sort(w.touched)
		s := Speed{Group: g.name, Count: len(w.touched), Waiting: w.waiting}
		if s.Count >= Enough {
			s.Median, s.P90 = nearestRank(w.touched, 50), nearestRank(w.touched, 90)
		}
		if g.by == byAll || s.Count+s.Waiting > 0 {
			out.SpeedToLead = append(out.SpeedToLead, s)
		}
	}
	if len(out.SpeedToLead) == 0 {
		out.SpeedToLead = []Speed{{Group: All}}
	}
	out.SALRate, out.Leakage, out.ContactRate = r.breakdown(r.sal), r.breakdown(r.leaks), r.breakdown(r.contacts)
	sla := r.breakdown(r.sla)
	out.SLA = append([]Rate{sla.All}, slices.DeleteFunc(sla.Tier, func(t Rate) bool { return t.Of == 0 })...)
	p := &out.PipelinePerLead
	p.Unlinked.Group = None
	p.All, p.Source, p.Tier = Amount{Group: All}, []Amount{}, []Amount{}
	if all := r.deals[group{byAll, All}]; all != nil {
		p.All = *all
	}
	for _, g := range r.ordered(maps.Keys(r.deals)) {
		switch g.by {
		case bySource:
			p.Source = append(p.Source, *r.deals[g])
		case byTier:
			p.Tier = append(p.Tier, *r.deals[g])
		}
	}
	return *out
}

// nearestRank returns the smallest value that at least pct % do not exceed.
func nearestRank(sorted []time.Duration, pct int) time.Duration {
	return sorted[(len(sorted)*pct+99)/100-1]
}

func (r *reporter) breakdown(rs rates) Breakdown {
	b := Breakdown{All: Rate{Group: All}, Source: []Rate{}, Tier: []Rate{}}
	if all := rs[group{byAll, All}]; all != nil {
		b.All = *all
	}
	for _, g := range r.ordered(maps.Keys(rs)) {
		switch g.by {
		case bySource:
			b.Source = append(b.Source, *rs[g])
		case byTier:
			b.Tier = append(b.Tier, *rs[g])
		}
	}
	return b
}

// ordered puts tiers in the order of their names and sources in that of their
// size, the same in every figure.
func (r *reporter) ordered(groups func(func(group) bool)) []group {
	return slices.SortedFunc(groups, func(a, b group) int {
		bigger := 0
		if a.by == bySource && b.by == bySource {
			bigger = cmp.Compare(r.deals[b].Leads, r.deals[a].Leads)
		}
		return cmp.Or(cmp.Compare(a.by, b.by), bigger, strings.Compare(a.name, b.name))
	})
}

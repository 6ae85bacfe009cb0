package tracking

import (
	"cmp"
	"encoding/json"
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
	// is either said or, where nobody says it, shown by the first touch or by
	// what came of it.
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
	Archived     int `json:"archived"`  // nobody works them any more
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
	known := s.Count >= Enough
	return json.Marshal(struct {
		Group   string   `json:"group"`
		Count   int      `json:"count"`
		Waiting int      `json:"waiting"`
		Median  *float64 `json:"median_seconds"`
		P90     *float64 `json:"p90_seconds"`
	}{s.Group, s.Count, s.Waiting, seconds(s.Median, known), seconds(s.P90, known)})
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

// Report returns the five figures of all leads, by source and by tier.
func (t *Tracker) Report() Report {
	all := t.cell(nil)
	sources, tiers := t.ordered(1), t.ordered(2)
	p := &all.places
	r := Report{
		AsOf: t.AsOf(),
		Leads: Leads{
			Captured: all.leads, Assigned: p[assigned], Queued: p[queued], Nurtured: p[nurtured], Alerted: p[alerted],
			Suppressed: p[suppressed], Disqualified: p[disqualified], Archived: p[archived], Undecided: p[captured], NoArrival: t.noTrace,
		},
		SpeedToLead: []Speed{all.speed(All)},
		Routing:     Routing{Queued: all.queued, Failed: all.unplaced},
	}
	for _, g := range tiers {
		if s := g.cell.speed(g.name); s.Count+s.Waiting > 0 {
			r.SpeedToLead = append(r.SpeedToLead, s)
		}
	}
	breakdown := func(hits, of func(c *cell) int) Breakdown {
		rates := func(list []named) []Rate {
			out := []Rate{}
			for _, g := range list {
				if n := of(g.cell); n > 0 {
					out = append(out, Rate{Group: g.name, Hits: hits(g.cell), Of: n})
				}
			}
			return out
		}
		return Breakdown{All: Rate{Group: All, Hits: hits(all), Of: of(all)}, Source: rates(sources), Tier: rates(tiers)}
	}
	r.SALRate = breakdown(func(c *cell) int { return c.accepted }, func(c *cell) int { return c.assigned })
	r.Leakage = breakdown(func(c *cell) int { return c.leaked }, func(c *cell) int { return c.due })
	r.ContactRate = breakdown(func(c *cell) int { return c.contacted }, func(c *cell) int { return c.worked })
	sla := breakdown(func(c *cell) int { return c.met }, func(c *cell) int { return c.clocks })
	r.SLA = append([]Rate{sla.All}, sla.Tier...)
	amounts := func(list []named) []Amount {
		out := []Amount{}
		for _, g := range list {
			out = append(out, g.cell.amount(g.name))
		}
		return out
	}
	r.PipelinePerLead = Pipeline{All: all.amount(All), Source: amounts(sources), Tier: amounts(tiers), Unlinked: (&cell{deals: t.nobody}).amount(None)}
	return r
}

func (c *cell) amount(name string) Amount {
	return Amount{Group: name, Leads: c.leads, Opportunities: c.deals.count(), Total: c.deals.total(), Won: c.deals.wonAmount.micros()}
}

// named is a cell of a grouping of one dimension.
type named struct {
	name string
	cell *cell
}

// ordered are the cells of sources by their size, and of tiers by their names.
func (t *Tracker) ordered(group int) []named {
	var out []named
	for key, c := range t.groups[group].cells {
		out = append(out, named{cmp.Or(key, None), c})
	}
	slices.SortFunc(out, func(a, b named) int {
		bigger := 0
		if group == 1 {
			bigger = cmp.Compare(b.cell.leads, a.cell.leads)
		}
		return cmp.Or(bigger, strings.Compare(a.name, b.name))
	})
	return out
}

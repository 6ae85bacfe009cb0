package tracking

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Figures are those of one group of leads, and of the deals that count to it.
type Figures struct {
	// By are the dimensions of the group and Values its value in each; [None]
	// is for leads without one.
	By     []string
	Values []string
	// Leads is how many arrived.
	Leads       int
	SpeedToLead Speed
	// SALRate is of leads that ever had an owner those that were accepted;
	// SQLRate of accepted ones those that became qualified.
	SALRate Rate
	SQLRate Rate
	// Worked is of all leads those that were ever worked, Leakage of those that
	// should have been and are old enough those that were not, ContactRate of
	// those that were those that came to two-way contact.
	Worked      Rate
	Leakage     Rate
	ContactRate Rate
	// SLA is of the response clocks that ended those that were met.
	SLA Rate
	// Unplaced is of all leads those that were ever queued because no entry of
	// the chain could place them, Overridden of those that ever had an owner
	// those that a person gave to another one.
	Unplaced   Rate
	Overridden Rate
	// WinRate is of closed deals those that were won.
	WinRate Rate
	Deals   Deals
	// Cycle is how long deals took that were won, LostCycle those that were
	// lost, Closing how long they take to be closed either way, with those that
	// are open.
	Cycle     Spread
	LostCycle Spread
	Closing   Survival
	// ScoreGap is how well the scores told how leads ended, Skew how far leads
	// were given out from fair shares.
	ScoreGap ScoreGap
	Skew     Skew
	// Stages are those that leads were in, by name.
	Stages []StageFigures
}

// Deals are counts and amounts of deals.
type Deals struct {
	Open int `json:"open"`
	Won  int `json:"won"`
	Lost int `json:"lost"`
	// Untimed are the won and lost ones whose end is unknown or lies before
	// their beginning: they are in no cycle time.
	Untimed    int             `json:"untimed"`
	OpenAmount leadloop.Micros `json:"open_amount"` // in millionths, as the others
	WonAmount  leadloop.Micros `json:"won_amount"`
	LostAmount leadloop.Micros `json:"lost_amount"`
	// Total is all three together.
	Total leadloop.Micros `json:"total_amount"`
	// PerLead is Total for each lead, 0 if they are fewer than [Enough].
	PerLead leadloop.Micros `json:"amount_per_lead"`
}

// Spread is the middle and the far end of how long things took.
type Spread struct {
	Count int
	// Median and P90 are by nearest rank; 0 if Count is less than [Enough].
	Median, P90 time.Duration
}

// MarshalJSON writes seconds, and null for what is too few to say.
func (s Spread) MarshalJSON() ([]byte, error) {
	known := s.Count >= Enough
	return json.Marshal(struct {
		Count  int      `json:"count"`
		Median *float64 `json:"median_seconds"`
		P90    *float64 `json:"p90_seconds"`
	}{s.Count, seconds(s.Median, known), seconds(s.P90, known)})
}

func (s *multiset) spread() Spread {
	out := Spread{Count: s.n}
	if s.n >= Enough {
		out.Median, out.P90 = time.Duration(s.rank(50)), time.Duration(s.rank(90))
	}
	return out
}

// StageFigures are about the first stay of each lead in a stage.
type StageFigures struct {
	Stage string `json:"stage"`
	// Entered is how many leads were ever in it.
	Entered int `json:"entered"`
	// Next are where they went, of all that entered; those that are missing are
	// still there.
	Next []Rate `json:"next"`
	// Stay is how long they stayed, with those that are still there.
	Stay Survival `json:"stay"`
}

// MarshalJSON writes the group as an object of its dimensions.
func (f Figures) MarshalJSON() ([]byte, error) {
	group := map[string]string{}
	for i, by := range f.By {
		group[by] = f.Values[i]
	}
	return json.Marshal(struct {
		Group       map[string]string `json:"group"`
		Leads       int               `json:"leads"`
		SpeedToLead Speed             `json:"speed_to_lead"`
		SALRate     Rate              `json:"sal_rate"`
		SQLRate     Rate              `json:"sql_rate"`
		Worked      Rate              `json:"worked"`
		Leakage     Rate              `json:"leakage"`
		ContactRate Rate              `json:"contact_rate"`
		SLA         Rate              `json:"sla"`
		Unplaced    Rate              `json:"unplaced"`
		Overridden  Rate              `json:"overridden"`
		WinRate     Rate              `json:"win_rate"`
		Deals       Deals             `json:"deals"`
		Cycle       Spread            `json:"cycle"`
		LostCycle   Spread            `json:"lost_cycle"`
		Closing     Survival          `json:"closing"`
		ScoreGap    ScoreGap          `json:"score_gap"`
		Skew        Skew              `json:"skew"`
		Stages      []StageFigures    `json:"stages"`
	}{
		group, f.Leads, f.SpeedToLead, f.SALRate, f.SQLRate, f.Worked, f.Leakage, f.ContactRate, f.SLA, f.Unplaced, f.Overridden,
		f.WinRate, f.Deals, f.Cycle, f.LostCycle, f.Closing, f.ScoreGap, f.Skew, f.Stages,
	})
}

// name is how rates call the group.
func (f *Figures) name() string {
	if len(f.By) == 0 {
		return All
	}
	return strings.Join(f.Values, ", ")
}

// Figures returns those of one group: all leads if by is empty, otherwise those
// with the values, where [None] is none. A group without leads and deals has
// zero figures. leadloop.ErrInvalid for a way to look at leads that
// Options.GroupBy did not declare, or another number of values.
func (t *Tracker) Figures(by []string, values ...string) (Figures, error) {
	g, err := t.declared(by)
	if err != nil {
		return Figures{}, err
	}
	if len(values) != len(by) {
		return Figures{}, fmt.Errorf("tracking: %w: %d values for %d dimensions", leadloop.ErrInvalid, len(values), len(by))
	}
	raw := slices.Clone(values)
	for i, v := range raw {
		if v == None {
			raw[i] = ""
		}
	}
	return t.figures(g.by, values, t.cell(by, raw...)), nil
}

// Table returns the figures of all groups, those with the most leads and deals
// first. It fails as [Tracker.Figures] does.
func (t *Tracker) Table(by ...string) ([]Figures, error) {
	g, err := t.declared(by)
	if err != nil {
		return nil, err
	}
	t.settle()
	keys := slices.SortedFunc(maps.Keys(g.cells), func(a, b string) int {
		x, y := g.cells[a], g.cells[b]
		return cmp.Or(cmp.Compare(y.leads, x.leads), cmp.Compare(y.deals.count(), x.deals.count()), strings.Compare(a, b))
	})
	out := make([]Figures, 0, len(keys))
	for _, k := range keys {
		out = append(out, t.figures(g.by, g.values(k), g.cells[k]))
	}
	return out, nil
}

func (g *grouping) values(key string) []string {
	if len(g.by) == 0 {
		return nil
	}
	values := strings.Split(key, "\x00")
	for i, v := range values {
		values[i] = cmp.Or(v, None)
	}
	return values
}

func (t *Tracker) declared(by []string) (*grouping, error) {
	g := t.find(by)
	if g == nil {
		return nil, fmt.Errorf("tracking: %w: Options.GroupBy does not declare %q", leadloop.ErrInvalid, by)
	}
	return g, nil
}

func (s *dealSums) count() int { return s.open + s.won + s.lost }

func (s *dealSums) total() leadloop.Micros {
	return s.openAmount.plus(s.wonAmount).plus(s.lostSum).micros()
}

func (t *Tracker) figures(by, values []string, c *cell) Figures {
	f := Figures{By: slices.Clone(by), Values: slices.Clone(values), Leads: c.leads}
	name := f.name()
	rate := func(hits, of int) Rate { return Rate{Group: name, Hits: hits, Of: of} }
	f.SpeedToLead = c.speed(name)
	f.SALRate, f.SQLRate = rate(c.accepted, c.assigned), rate(c.sql, c.sqlOf)
	f.Worked, f.Leakage, f.ContactRate = rate(c.worked, c.leads), rate(c.leaked, c.due), rate(c.contacted, c.worked)
	f.SLA, f.Unplaced, f.Overridden = rate(c.met, c.clocks), rate(c.unplaced, c.leads), rate(c.over, c.assigned)
	f.WinRate = rate(c.deals.won, c.deals.won+c.deals.lost)
	d := &c.deals
	f.Deals = Deals{
		Open: d.open, Won: d.won, Lost: d.lost, Untimed: c.untimed,
		OpenAmount: d.openAmount.micros(), WonAmount: d.wonAmount.micros(), LostAmount: d.lostSum.micros(), Total: d.total(),
	}
	if c.leads >= Enough {
		f.Deals.PerLead = f.Deals.Total / leadloop.Micros(c.leads)
	}
	f.Cycle, f.LostCycle, f.Closing = c.won.spread(), c.lost.spread(), c.closing.survival(t.asOf)
	f.ScoreGap, f.Skew = c.scoreGap(), c.fairness()
	f.Stages = make([]StageFigures, 0, len(c.stages))
	for id, s := range c.stages {
		out := StageFigures{Stage: t.texts.all[id], Entered: s.entered, Stay: s.stay.survival(t.asOf), Next: []Rate{}}
		for next, n := range s.next {
			out.Next = append(out.Next, Rate{Group: t.texts.all[next], Hits: n, Of: s.entered})
		}
		slices.SortFunc(out.Next, func(a, b Rate) int {
			return cmp.Or(cmp.Compare(b.Hits, a.Hits), strings.Compare(a.Group, b.Group))
		})
		f.Stages = append(f.Stages, out)
	}
	slices.SortFunc(f.Stages, func(a, b StageFigures) int {
		return cmp.Or(cmp.Compare(b.Entered, a.Entered), strings.Compare(a.Stage, b.Stage))
	})
	return f
}

func (c *cell) speed(name string) Speed {
	s := Speed{Group: name, Count: c.touched.n, Waiting: c.waiting}
	if s.Count >= Enough {
		s.Median, s.P90 = time.Duration(c.touched.rank(50)), time.Duration(c.touched.rank(90))
	}
	return s
}

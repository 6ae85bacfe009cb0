package routing

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
	"github.com/leadloop/leadloop/store"
)

// caseFile is a file of cases as it is spelled.
type caseFile struct {
	At     leadloop.Position   `yaml:"-"`
	AsOf   leadloop.Expression `yaml:"as_of"`
	Routes []routeEntry        `yaml:"routes"`
	// Cases are those of the scoring model, which scoring.ParseCases reads; the
	// others are the playbook's.
	Cases     yaml.Node `yaml:"cases"`
	Enrich    yaml.Node `yaml:"enrich"`
	Lifecycle yaml.Node `yaml:"lifecycle"`
}

type routeEntry struct {
	At          leadloop.Position             `yaml:"-"`
	Name        string                        `yaml:"name,required"`
	AsOf        leadloop.Expression           `yaml:"as_of"`
	Tier        leadloop.Expression           `yaml:"tier"`
	Points      leadloop.Expression           `yaml:"points"`
	Lead        map[string]yaml.Node          `yaml:"lead"`
	None        []leadloop.Expression         `yaml:"none"`
	Activities  []yamldoc.Activity            `yaml:"activities"`
	Account     *matchedEntry                 `yaml:"account"`
	Contact     *matchedEntry                 `yaml:"contact"`
	Opportunity *matchedEntry                 `yaml:"opportunity"`
	Domain      *earlierEntry                 `yaml:"domain"`
	Previous    leadloop.RepID                `yaml:"previous"`
	Recycled    bool                          `yaml:"recycled"`
	Exclude     []leadloop.RepID              `yaml:"exclude"`
	Reps        map[string]repState           `yaml:"reps"`
	Owed        map[string]map[string]float64 `yaml:"owed"`
	Want        wantEntry                     `yaml:"want,required"`
}

// matchedEntry is what the lead was matched to.
type matchedEntry struct {
	Owner    leadloop.RepID `yaml:"owner"`
	Customer bool           `yaml:"customer"`
}

type earlierEntry struct {
	Position leadloop.Position `yaml:"-"`
	Owner    leadloop.RepID    `yaml:"owner,required"`
	Ago      time.Duration     `yaml:"ago"`
}

// repState is what a rep does at the moment of the case.
type repState struct {
	Position  leadloop.Position `yaml:"-"`
	Away      bool              `yaml:"away"`
	Until     time.Time         `yaml:"until"`
	Left      bool              `yaml:"left"`
	Open      int               `yaml:"open"`
	Day       int               `yaml:"day"`
	Week      int               `yaml:"week"`
	Month     int               `yaml:"month"`
	Tasks     int               `yaml:"tasks"`
	Sequences int               `yaml:"sequences"`
}

type wantEntry struct {
	At       leadloop.Position     `yaml:"-"`
	Entry    leadloop.Expression   `yaml:"entry"`
	Owner    leadloop.Expression   `yaml:"owner"`
	Pool     leadloop.Expression   `yaml:"pool"`
	Queue    leadloop.Expression   `yaml:"queue"`
	Track    leadloop.Expression   `yaml:"track"`
	Alert    leadloop.Expression   `yaml:"alert"`
	Reason   leadloop.Expression   `yaml:"reason"`
	SLA      leadloop.Expression   `yaml:"sla"`
	Due      time.Time             `yaml:"due"`
	Wake     time.Time             `yaml:"wake"`
	Verdicts map[string]string     `yaml:"verdicts"`
	Skipped  []leadloop.RepID      `yaml:"skipped"`
	Needs    []leadloop.Expression `yaml:"needs"`
}

// ParseCases reads the cases of a chain from a file: those under routes. Cases
// of the scoring model stand in the same file under cases. The error is a
// [leadloop.Problems] with everything that is wrong, each with its position;
// what could be read is returned either way. docs/ROUTING.md says how the file
// is spelled.
func ParseCases(name string, data []byte, r *Router) ([]Case, error) {
	if r == nil {
		return nil, fmt.Errorf("routing: %w: no router", leadloop.ErrInvalid)
	}
	var f caseFile
	p := caseParser{file: name, r: r, problems: yamldoc.Decode(name, data, &f)}
	cases := make([]Case, 0, len(f.Routes))
	for i := range f.Routes {
		if f.Routes[i].AsOf.IsZero() {
			f.Routes[i].AsOf = f.AsOf
		}
		cases = append(cases, p.parse(&f.Routes[i]))
	}
	// What a file lacks was said when it was read.
	_, err := requests(r, cases, p.problems.Err() != nil)
	p.problems.Join(err)
	switch {
	case len(cases) > 0 || len(p.problems) > 0:
	case f.Routes != nil:
		p.problems.Add(f.At, "routes: expected at least one")
	case f.Cases.IsZero() && f.Enrich.IsZero() && f.Lifecycle.IsZero():
		p.problems.Add(f.At, "expected at least one case, under cases, routes, enrich or lifecycle")
	}
	p.problems.Sort()
	return cases, p.problems.Err()
}

type caseParser struct {
	file     string
	r        *Router
	problems leadloop.Problems
	c        *Case
}

func (p *caseParser) add(at leadloop.Position, format string, args ...any) {
	p.problems.Add(at, "case %q: %s", p.c.Name, fmt.Sprintf(format, args...))
}

func (p *caseParser) parse(e *routeEntry) Case {
	w := &e.Want
	c := Case{
		At: e.At, Name: e.Name, Tier: e.Tier.Text, Previous: e.Previous, Recycled: e.Recycled, Exclude: e.Exclude,
		at: map[string]leadloop.Position{
			"tier": e.Tier.At, "points": e.Points.At, "want": w.At, "want.entry": w.Entry.At, "want.pool": w.Pool.At, "want.queue": w.Queue.At,
			"want.sla": w.SLA.At, "want.verdicts": w.At,
		},
		Want: Want{
			Entry: w.Entry.Text, Owner: leadloop.RepID(w.Owner.Text), Pool: w.Pool.Text, Queue: w.Queue.Text, Track: w.Track.Text, Alert: leadloop.RepID(w.Alert.Text),
			Reason: w.Reason.Text, SLA: w.SLA.Text, DueAt: w.Due, WakeAt: w.Wake, Skipped: w.Skipped,
		},
	}
	p.c = &c
	for _, x := range []struct {
		key  string
		text leadloop.Expression
		hint string
	}{
		{"as_of", e.AsOf, ""}, {"tier", e.Tier, `"-" stands for no tier`}, {"points", e.Points, ""}, {"want.entry", w.Entry, `"-" stands for no entry`}, {"want.owner", w.Owner, ""},
		{"want.pool", w.Pool, ""}, {"want.queue", w.Queue, ""}, {"want.track", w.Track, ""}, {"want.alert", w.Alert, ""}, {"want.reason", w.Reason, ""},
		{"want.sla", w.SLA, `"-" stands for no clock`},
	} {
		if x.text.IsZero() && x.text.At.Line > 0 {
			p.problems.AddHint(x.text.At, x.hint, "case %q: %s: is empty; leave the key out", c.Name, x.key)
		}
	}
	p.asOf(&c, e.AsOf)
	if !e.Points.IsZero() {
		f, ok := yamldoc.Number(e.Points.Text)
		v, fits := leadloop.PointsOf(f)
		if !ok || !fits || math.Abs(v.Float()-f) > 1e-6 {
			p.add(e.Points.At, "points: expected a number of points, in thousandths at most")
		}
		c.Points = &v
	}
	p.lead(&c, e)
	if m := e.Account; m != nil {
		c.Account = &leadloop.Account{ID: "account", Owner: m.Owner, Customer: m.Customer}
	}
	if m := e.Contact; m != nil {
		c.Contact = &leadloop.Contact{ID: "contact", Owner: m.Owner}
	}
	if m := e.Opportunity; m != nil {
		c.Opportunity = &leadloop.Opportunity{ID: "opportunity", Owner: m.Owner}
	}
	if d := e.Domain; d != nil {
		if d.Ago < 0 {
			p.add(d.Position, "domain: ago: expected how long before as_of, found a negative time")
		}
		c.Domain = &Earlier{Owner: d.Owner, At: c.AsOf.Add(-d.Ago)}
	}
	p.reps(&c, e)
	if len(w.Verdicts) > 0 {
		c.Want.Verdicts = make(map[string]Verdict, len(w.Verdicts))
		for id, v := range w.Verdicts {
			c.Want.Verdicts[id] = Verdict(v)
		}
	}
	if w.Needs != nil {
		c.Want.Needs = make([]string, len(w.Needs))
		for i, n := range w.Needs {
			c.at[fmt.Sprintf("want.needs[%d]", i)], c.Want.Needs[i] = n.At, n.Text
		}
	}
	return c
}

func (p *caseParser) asOf(c *Case, e leadloop.Expression) {
	if e.IsZero() {
		return
	}
	var err error
	c.at["as_of"] = e.At
	if c.AsOf, err = leadloop.ParseTime(e.Text); err != nil {
		p.add(e.At, "as_of: expected a date or time such as 2027-01-31")
		c.AsOf = time.Unix(0, 0) // stands for what could not be read
	}
}

func (p *caseParser) lead(c *Case, e *routeEntry) {
	if len(e.Lead) > 0 {
		c.Lead = make(map[string]any, len(e.Lead))
	}
	for name, n := range e.Lead {
		at := leadloop.Position{File: p.file, Line: n.Line, Column: n.Column}
		c.at["lead."+name] = at
		// An unknown field keeps its text; the check of all cases names it.
		kind := leadloop.KindString
		if def, ok := p.r.schema.Lookup(fieldName(name)); ok {
			kind = def.Kind
		}
		v, bad, problem := yamldoc.FieldValue(&n, kind)
		if problem != "" {
			at.Line, at.Column = bad.Line, bad.Column
			p.add(at, "%s: %s", name, problem)
			continue
		}
		c.Lead[name] = v
	}
	for i, n := range e.None {
		c.at[fmt.Sprintf("none[%d]", i)] = n.At
		c.None = append(c.None, n.Text)
	}
	for i := range e.Activities {
		a := &e.Activities[i]
		if len(c.Activities) > yamldoc.MaxActivities {
			p.add(a.Position, "activities: expected at most %d", yamldoc.MaxActivities)
			break
		}
		c.at[fmt.Sprintf("activities[%d]", len(c.Activities))] = a.Position
		list, problems := a.Activities(c.AsOf)
		for _, problem := range problems {
			p.add(a.Position, "activities[%d]: %s", i, problem)
		}
		c.Activities = append(c.Activities, list...)
	}
}

// reps reads who is away and what everybody has to do and is owed.
func (p *caseParser) reps(c *Case, e *routeEntry) {
	if len(e.Reps) == 0 && len(e.Owed) == 0 {
		return
	}
	rd := &caseReader{asOf: c.AsOf, month: map[leadloop.RepID]int{}}
	rd.Workloads = map[leadloop.RepID]store.Workload{}
	for _, name := range slices.Sorted(maps.Keys(e.Reps)) {
		s, id := e.Reps[name], leadloop.RepID(name)
		if p.r.rep(id) == nil {
			p.add(s.Position, "reps: there is no rep %q", name)
		}
		if min(s.Open, s.Day, s.Week, s.Month, s.Tasks, s.Sequences) < 0 {
			p.add(s.Position, "reps.%s: expected numbers of 0 or more", name)
		}
		if s.Month != 0 && s.Month < s.Week || s.Week != 0 && s.Week < s.Day {
			p.add(s.Position, "reps.%s: a day is part of the week, and a week of the month: expected day ≤ week ≤ month", name)
		}
		// More in a day is more in a week.
		s.Week = max(s.Week, s.Day)
		s.Month = max(s.Month, s.Week)
		rd.Workloads[id], rd.month[id] = store.Workload{Open: s.Open, Day: s.Day, Week: s.Week}, s.Month-s.Week
		if s.Tasks+s.Sequences > 0 {
			if c.Busy == nil {
				c.Busy = map[leadloop.RepID]Busy{}
			}
			c.Busy[id] = Busy{Tasks: s.Tasks, Sequences: s.Sequences}
		}
		until := s.Until
		switch {
		case !until.IsZero() && (!s.Away || !until.After(c.AsOf)):
			p.add(s.Position, "reps.%s: until goes with away: true, and is after as_of", name)
		case until.IsZero():
			until = c.AsOf.Add(7 * day)
		}
		if s.Away || s.Left {
			crm := leadloop.Rep{ID: id, Name: name, Inactive: s.Left}
			if s.Away {
				crm.Away = []leadloop.Absence{{From: c.AsOf, Until: until}}
			}
			rd.CRM = append(rd.CRM, crm)
		}
	}
	slices.SortFunc(rd.CRM, func(a, b leadloop.Rep) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for _, pool := range slices.Sorted(maps.Keys(e.Owed)) {
		if p.r.pool(pool) == nil {
			p.add(e.At, "owed: there is no pool %q", pool)
			continue
		}
		m := leadloop.LedgerMove{Pool: pool, At: c.AsOf.Add(-day)}
		for _, name := range slices.Sorted(maps.Keys(e.Owed[pool])) {
			owed := e.Owed[pool][name]
			if p.r.rep(leadloop.RepID(name)) == nil {
				p.add(e.At, "owed.%s: there is no rep %q", pool, name)
			}
			if math.Abs(owed) > 1e6 {
				p.add(e.At, "owed.%s.%s: expected leads, such as 0.5", pool, name)
				continue
			}
			m.Members, m.Deltas = append(m.Members, leadloop.RepID(name)), append(m.Deltas, leadloop.Owed(math.Round(owed*float64(leadloop.OneLead))))
		}
		rd.Apply(m)
	}
	c.Reader = rd
}

// caseReader is a Snapshot that knows leads of the month.
type caseReader struct {
	Snapshot
	asOf  time.Time
	month map[leadloop.RepID]int // those that are not of the last week
}

// Workload returns what a case says about a rep.
func (c *caseReader) Workload(ctx context.Context, id leadloop.RepID, asOf time.Time) (store.Workload, error) {
	switch {
	case asOf.Equal(c.asOf):
		return c.Snapshot.Workload(ctx, id, asOf)
	case asOf.Equal(c.asOf.Add(-7 * day)):
		return store.Workload{Week: c.month[id]}, nil
	}
	return store.Workload{}, nil
}

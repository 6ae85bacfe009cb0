package scoring

import (
	"fmt"
	"math"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// caseFile is a file of cases as it is spelled.
type caseFile struct {
	At    leadloop.Position   `yaml:"-"`
	AsOf  leadloop.Expression `yaml:"as_of"`
	Cases []caseEntry         `yaml:"cases"`
	// Routes are cases of the chain, which routing.ParseCases reads; the others
	// are the playbook's.
	Routes    yaml.Node `yaml:"routes"`
	Enrich    yaml.Node `yaml:"enrich"`
	Lifecycle yaml.Node `yaml:"lifecycle"`
}

type caseEntry struct {
	At           leadloop.Position     `yaml:"-"`
	Name         string                `yaml:"name,required"`
	AsOf         leadloop.Expression   `yaml:"as_of"`
	Lead         map[string]yaml.Node  `yaml:"lead"`
	None         []leadloop.Expression `yaml:"none"`
	Activities   []yamldoc.Activity    `yaml:"activities"`
	PreviousTier leadloop.Expression   `yaml:"previous_tier"`
	Want         wantEntry             `yaml:"want,required"`
}

type wantEntry struct {
	At            leadloop.Position     `yaml:"-"`
	Known         *bool                 `yaml:"known"`
	Tier          leadloop.Expression   `yaml:"tier"`
	Points        leadloop.Expression   `yaml:"points"`
	Low           leadloop.Expression   `yaml:"low"`
	High          leadloop.Expression   `yaml:"high"`
	Reasons       []yaml.Node           `yaml:"reasons"`
	Without       []leadloop.Expression `yaml:"without"`
	Disqualified  leadloop.Expression   `yaml:"disqualified"`
	Needs         []leadloop.Expression `yaml:"needs"`
	PossibleTiers []leadloop.Expression `yaml:"possible_tiers"`
	ValidUntil    leadloop.Expression   `yaml:"valid_until"`
}

// ParseCases reads a file of cases for a model. The error is a
// [leadloop.Problems] with everything that is wrong, each with its position;
// what could be read is returned either way. docs/SCORING.md says how the file
// is spelled.
func ParseCases(name string, data []byte, m *Model) ([]Case, error) {
	if m == nil {
		return nil, fmt.Errorf("scoring: %w: no model", leadloop.ErrInvalid)
	}
	var f caseFile
	p := caseParser{file: name, m: m, problems: yamldoc.Decode(name, data, &f)}
	cases := make([]Case, 0, len(f.Cases))
	for _, e := range f.Cases {
		if e.AsOf.IsZero() {
			e.AsOf = f.AsOf
		}
		cases = append(cases, p.parse(e))
	}
	// What a file lacks was said when it was read.
	_, err := inputs(m, cases, p.problems.Err() != nil)
	p.problems.Join(err)
	switch {
	case len(cases) > 0 || len(p.problems) > 0:
	case f.Cases != nil:
		p.problems.Add(f.At, "cases: expected at least one")
	case f.Routes.IsZero() && f.Enrich.IsZero() && f.Lifecycle.IsZero():
		p.problems.Add(f.At, "expected at least one case, under cases, routes, enrich or lifecycle")
	}
	p.problems.Sort()
	return cases, p.problems.Err()
}

// emptyHints say what an empty text could have meant.
var emptyHints = map[string]string{
	"want.tier": `"-" stands for no tier`, "want.valid_until": `"never" stands for no moment`,
}

type caseParser struct {
	file     string
	m        *Model
	problems leadloop.Problems
	c        *Case
}

func (p *caseParser) node(n *yaml.Node) leadloop.Position {
	return leadloop.Position{File: p.file, Line: n.Line, Column: n.Column}
}

func (p *caseParser) add(at leadloop.Position, format string, args ...any) {
	p.problems.Add(at, "case %q: %s", p.c.Name, fmt.Sprintf(format, args...))
}

func (p *caseParser) parse(e caseEntry) Case {
	c := Case{At: e.At, Name: e.Name, PreviousTier: e.PreviousTier.Text, at: map[string]leadloop.Position{
		"previous_tier": e.PreviousTier.At, "want": e.Want.At, "want.tier": e.Want.Tier.At, "want.low": e.Want.Low.At,
		"want.disqualified": e.Want.Disqualified.At,
	}}
	p.c = &c
	for key, text := range map[string]leadloop.Expression{
		"previous_tier": e.PreviousTier, "want.tier": e.Want.Tier, "want.points": e.Want.Points, "want.low": e.Want.Low,
		"want.high": e.Want.High, "want.disqualified": e.Want.Disqualified, "want.valid_until": e.Want.ValidUntil, "as_of": e.AsOf,
	} {
		if text.IsZero() && text.At.Line > 0 {
			p.problems.AddHint(text.At, emptyHints[key], "case %q: %s: is empty; leave the key out", c.Name, key)
		}
	}
	if !e.AsOf.IsZero() {
		var err error
		c.at["as_of"] = e.AsOf.At
		if c.AsOf, err = leadloop.ParseTime(e.AsOf.Text); err != nil {
			p.add(e.AsOf.At, "as_of: expected a date or time such as 2027-01-31")
			c.AsOf = time.Unix(0, 0) // stands for what could not be read
		}
	}
	if len(e.Lead) > 0 {
		c.Lead = make(map[string]any, len(e.Lead))
	}
	for name, n := range e.Lead {
		c.at["lead."+name] = p.node(&n)
		// An unknown field keeps its text; the check of all cases names it.
		kind := leadloop.KindString
		if def, ok := p.m.schema.Lookup(fieldName(name)); ok {
			kind = def.Kind
		}
		if v, ok := p.value(name, &n, kind); ok {
			c.Lead[name] = v
		}
	}
	c.None = p.names("none", e.None)
	for i, a := range e.Activities {
		if len(c.Activities) > yamldoc.MaxActivities {
			p.add(a.Position, "activities: expected at most %d", yamldoc.MaxActivities)
			break
		}
		c.at[fmt.Sprintf("activities[%d]", len(c.Activities))] = a.Position
		c.Activities = append(c.Activities, p.activities(i, a, c.AsOf)...)
	}
	w := e.Want
	c.Want = Want{
		Known: w.Known, Tier: w.Tier.Text, Points: p.points("want.points", w.Points), Low: p.points("want.low", w.Low),
		High: p.points("want.high", w.High), Without: p.names("want.without", w.Without), Disqualified: w.Disqualified.Text,
		Needs: p.names("want.needs", w.Needs), PossibleTiers: p.names("want.possible_tiers", w.PossibleTiers),
	}
	for i := range w.Reasons {
		if r, ok := p.reason(i, &w.Reasons[i]); ok {
			c.at[fmt.Sprintf("want.reasons[%d]", len(c.Want.Reasons))] = p.node(&w.Reasons[i])
			c.Want.Reasons = append(c.Want.Reasons, r)
		}
	}
	switch until := w.ValidUntil; {
	case until.IsZero():
	case until.Text == "never":
		c.Want.ValidUntil = &time.Time{}
	default:
		at, err := leadloop.ParseTime(until.Text)
		if err != nil {
			p.add(until.At, "want.valid_until: expected a time such as 2027-01-31T09:00:00Z, or never")
			break
		}
		c.Want.ValidUntil = &at
	}
	return c
}

// names keeps the difference between an empty list and none.
func (p *caseParser) names(key string, list []leadloop.Expression) []string {
	if list == nil {
		return nil
	}
	out := make([]string, 0, len(list))
	for i, e := range list {
		p.c.at[fmt.Sprintf("%s[%d]", key, i)] = e.At
		out = append(out, e.Text)
	}
	return out
}

func (p *caseParser) points(key string, e leadloop.Expression) *leadloop.Points {
	if e.IsZero() {
		return nil
	}
	f, ok := yamldoc.Number(e.Text)
	v, fits := leadloop.PointsOf(f)
	if !ok || !fits || math.Abs(v.Float()-f) > 1e-6 {
		p.add(e.At, "%s: expected a number of points, in thousandths at most", key)
		return nil
	}
	return &v
}

// reason reads "demo" or "demo: 40".
func (p *caseParser) reason(i int, n *yaml.Node) (Reason, bool) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Value != "":
		return Reason{Rule: n.Value}, true
	case n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[1].Kind == yaml.ScalarNode:
		points := p.points(fmt.Sprintf("want.reasons[%d]", i), leadloop.Expression{Text: n.Content[1].Value, At: p.node(n.Content[1])})
		return Reason{Rule: n.Content[0].Value, Points: points}, true
	}
	p.add(p.node(n), "want.reasons[%d]: expected the id of a rule, or id: points", i)
	return Reason{}, false
}

func (p *caseParser) activities(i int, e yamldoc.Activity, asOf time.Time) []leadloop.Activity {
	out, problems := e.Activities(asOf)
	for _, problem := range problems {
		p.add(e.Position, "activities[%d]: %s", i, problem)
	}
	return out
}

func (p *caseParser) value(name string, n *yaml.Node, kind leadloop.Kind) (any, bool) {
	v, bad, problem := yamldoc.FieldValue(n, kind)
	if problem != "" {
		p.add(p.node(bad), "%s: %s", name, problem)
	}
	return v, problem == ""
}

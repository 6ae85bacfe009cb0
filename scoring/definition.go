package scoring

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// Environment is the newest rule environment: the set of functions and
// variables that expressions can use. A model keeps the one it was written for.
const Environment = 1

// Definition is a scoring model as data: everything scoring.yaml can say. The
// zero value of an optional part means what its comment says; [New] checks the
// whole. Positions are for problems only and may be zero.
type Definition struct {
	At leadloop.Position
	// Model names the model and Version counts its changes from 1.
	Model   string
	Version int
	Changed Change
	// Environment is the rule environment it was written for; 0 means the
	// newest, [Environment].
	Environment int
	// HostFields are the host's own fields; see [Definition.Fields].
	HostFields []HostField
	// Rules are evaluated and explained in this order.
	Rules []Rule
	// Groups that rules add to. Without any there is one, named "base",
	// without limits, and rules name no group.
	Groups []Group
	// Score is an arithmetic CEL expression over the groups that gives the
	// base score; empty means their sum.
	Score leadloop.Expression
	// Modifiers are applied to the base score in this order.
	Modifiers []Modifier
	// Tiers by threshold, or a Grid of two groups; neither means no tiers.
	Tiers []Tier
	Grid  *Grid
	// Hysteresis is by how many points a lead may fall below the edge of the
	// tier that is stored for it before it loses that tier. Rising needs no
	// more than the edge.
	Hysteresis float64
	// Probability says what chance of winning points stand for; nil says
	// nothing about it.
	Probability *Probability
}

// Probability turns points into a chance of winning, as a scorecard does: at
// Even points it is one half, and every Double points more double the odds.
//
//	p = 1 / (1 + 2^((Even − points) / Double))
type Probability struct {
	At     leadloop.Position `yaml:"-" json:"-"`
	Even   float64           `yaml:"even" json:"even"`
	Double float64           `yaml:"double" json:"double"`
}

// Of returns the chance of winning that the points stand for, in [0, 1].
func (p Probability) Of(points leadloop.Points) float64 {
	return 1 / (1 + math.Exp2((p.Even-points.Float())/p.Double))
}

// Change says who changed the model last, when and why.
type Change struct {
	By  string    `yaml:"by"`
	At  time.Time `yaml:"at"`
	Why string    `yaml:"why"`
}

// HostField declares a field of the host: a name without a dot means
// "lead.<name>". Kind is spelled as [leadloop.ParseKind] reads it.
type HostField struct {
	At         leadloop.Position
	Name, Kind string
}

// Rule gives points or disqualifies.
//
//   - When alone: the points count once if the condition holds.
//   - Each: the points count for every activity of that type, faded by Decay,
//     for the Max most recent of them; When, if given, gates the whole rule.
//   - Neither: the points, an expression, always count.
//   - Disqualify with When: a hard no, whatever the points.
type Rule struct {
	At leadloop.Position `yaml:"-"`
	// ID names the rule in explanations and events; unique among rules and
	// modifiers.
	ID    string `yaml:"id"`
	Group string `yaml:"group"`
	// Description is how a salesperson would say it: "company has at least 500
	// employees". Explanations use it instead of the expression.
	Description string              `yaml:"description"`
	When        leadloop.Expression `yaml:"when"`
	Each        string              `yaml:"each"`
	// Points is a number or an expression of kind double, rounded to
	// thousandths of a point.
	Points leadloop.Expression `yaml:"points"`
	Decay  *Decay              `yaml:"decay"`
	// Max is how many activities count, nil for all.
	Max *int `yaml:"max"`
	// Disqualify is the reason code of a hard no.
	Disqualify string `yaml:"disqualify"`
}

// Decay fades the points of an activity with its age. Exactly one kind is set.
// An activity in the future has age 0.
type Decay struct {
	At leadloop.Position `yaml:"-"`
	// Window is a hard cut: all points while the age is less than Window, none
	// from then on.
	Window time.Duration `yaml:"window"`
	// HalfLife halves the points every HalfLife, continuously.
	HalfLife time.Duration `yaml:"half_life"`
	// Linear takes the points to zero at age Linear in a straight line.
	Linear time.Duration `yaml:"linear"`
	// Steps multiply the points by the factor of the last step whose After is
	// not greater than the age.
	Steps []DecayStep `yaml:"steps"`
}

// DecayStep is a factor in [0, 1] that holds from an age on.
type DecayStep struct {
	After  time.Duration `yaml:"after"`
	Factor float64       `yaml:"factor"`
}

// Group sums the points of its rules, held between Min and Max (nil: no limit).
// Its name is a variable of the score expression.
type Group struct {
	At   leadloop.Position `yaml:"-"`
	Name string            `yaml:"-"`
	Max  *float64          `yaml:"max"`
	Min  *float64          `yaml:"min"`
}

// Modifier changes the score after the base: it adds points or multiplies.
// It has an owner and stops applying at the instant Expires.
type Modifier struct {
	At          leadloop.Position   `yaml:"-"`
	ID          string              `yaml:"id"`
	Description string              `yaml:"description"`
	When        leadloop.Expression `yaml:"when"` // empty: always
	Add         *float64            `yaml:"add"`
	Multiply    *float64            `yaml:"multiply"`
	Owner       string              `yaml:"owner"`
	Expires     time.Time           `yaml:"expires"`
}

// Tier is a label for scores of From points or more, up to the tier above it.
// The lowest begins at 0 or less and takes everything below it as well.
type Tier struct {
	At   leadloop.Position
	Name string
	From float64
}

// Grid gives the tier by two groups: Cells[row][column], rows and columns from
// the highest band to the lowest. Tiers are ordered as they first appear.
type Grid struct {
	At      leadloop.Position `yaml:"-"`
	Rows    Axis              `yaml:"rows"`
	Columns Axis              `yaml:"columns"`
	Cells   [][]string        `yaml:"cells"`
}

// Axis cuts a group into bands: From are the lower edges, descending. As with
// [Tier], the lowest is 0 or less and takes everything below it.
type Axis struct {
	At    leadloop.Position `yaml:"-"`
	Group string            `yaml:"group"`
	From  []float64         `yaml:"from"`
}

// file is scoring.yaml as it is spelled.
type file struct {
	At          leadloop.Position              `yaml:"-"`
	Model       string                         `yaml:"model"`
	Version     int                            `yaml:"version"`
	Changed     Change                         `yaml:"changed"`
	Environment int                            `yaml:"environment"`
	Fields      map[string]leadloop.Expression `yaml:"fields"`
	Rules       []Rule                         `yaml:"rules"`
	Groups      map[string]Group               `yaml:"groups"`
	Score       leadloop.Expression            `yaml:"score"`
	Modifiers   []Modifier                     `yaml:"modifiers"`
	Tiers       map[string]leadloop.Expression `yaml:"tiers"`
	Grid        *gridFile                      `yaml:"grid"`
	Probability *Probability                   `yaml:"probability"`
}

type gridFile struct {
	At         leadloop.Position `yaml:"-"`
	Rows       Axis              `yaml:"rows"`
	Columns    Axis              `yaml:"columns"`
	Cells      [][]string        `yaml:"cells"`
	Hysteresis float64           `yaml:"hysteresis"`
}

// Parse reads a scoring file. The error is a [leadloop.Problems] with
// everything that can be known to be wrong without the host's schema, each
// with its position; what could be read is in the definition either way. Names
// and types inside expressions are checked by [New].
func Parse(name string, data []byte) (Definition, error) {
	var f file
	problems := yamldoc.Decode(name, data, &f)
	if f.At.File == "" {
		f.At.File = name
	}
	d := Definition{
		At: f.At, Model: f.Model, Version: f.Version, Changed: f.Changed, Environment: f.Environment,
		Rules: f.Rules, Score: f.Score, Modifiers: f.Modifiers, Probability: f.Probability,
	}
	for field, kind := range f.Fields {
		d.HostFields = append(d.HostFields, HostField{At: kind.At, Name: field, Kind: kind.Text})
	}
	slices.SortFunc(d.HostFields, func(a, b HostField) int { return strings.Compare(a.Name, b.Name) })
	for group, g := range f.Groups {
		g.Name = group
		d.Groups = append(d.Groups, g)
	}
	slices.SortFunc(d.Groups, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
	for tier, from := range f.Tiers {
		n, ok := yamldoc.Number(from.Text)
		switch {
		case !ok:
			problems.Add(from.At, "tiers.%s: expected a number of points", tier)
		case tier == "hysteresis":
			d.Hysteresis = n
		default:
			d.Tiers = append(d.Tiers, Tier{At: from.At, Name: tier, From: n})
		}
	}
	// As they stand in the file; by name where two can't be told apart.
	slices.SortFunc(d.Tiers, func(a, b Tier) int {
		if a.At.Line != b.At.Line {
			return a.At.Line - b.At.Line
		}
		if a.At.Column != b.At.Column {
			return a.At.Column - b.At.Column
		}
		return strings.Compare(a.Name, b.Name)
	})
	if f.Grid != nil {
		d.Grid = &Grid{At: f.Grid.At, Rows: f.Grid.Rows, Columns: f.Grid.Columns, Cells: f.Grid.Cells}
		if f.Grid.Hysteresis != 0 {
			d.Hysteresis = f.Grid.Hysteresis
		}
	}
	if !syntaxBroken(f) {
		problems = append(problems, d.check()...)
	}
	problems.Sort()
	return d, problems.Err()
}

// syntaxBroken tells a file of which nothing could be read: saying that it
// lacks everything would not help.
func syntaxBroken(f file) bool { return f.At.Line == 0 }

// Fields returns the host fields that the definition declares, by name, for
// the schema it is compiled against.
func (d Definition) Fields() ([]leadloop.FieldDef, leadloop.Problems) {
	var (
		out      []leadloop.FieldDef
		problems leadloop.Problems
	)
	for _, f := range d.HostFields {
		name := fieldName(f.Name)
		kind, ok := leadloop.ParseKind(f.Kind)
		if !ok {
			hint := suggest.DidYouMean(f.Kind, kinds)
			if hint == "" {
				hint = "kinds: " + strings.Join(kinds, ", ")
			}
			problems.AddHint(f.At, hint, "fields.%s: unknown kind %q", f.Name, f.Kind)
			continue
		}
		def := leadloop.FieldDef{Name: name, Kind: kind}
		if _, err := leadloop.NewSchema(def); err != nil {
			problems.Add(f.At, "fields.%s: %v", f.Name, err)
			continue
		}
		if slices.ContainsFunc(out, func(o leadloop.FieldDef) bool { return o.Name == name }) {
			problems.Add(f.At, "fields.%s: %s is declared twice", f.Name, name)
			continue
		}
		out = append(out, def)
	}
	slices.SortFunc(out, func(a, b leadloop.FieldDef) int { return strings.Compare(a.Name, b.Name) })
	problems.Sort()
	return out, problems
}

// Schema returns the standard fields, the host's own and those that the
// definition declares, for a host that has one model and no playbook. All
// problems are returned together.
func (d Definition) Schema(own ...leadloop.AnyField) (*leadloop.Schema, error) {
	fields, problems := d.Fields()
	for _, f := range fields {
		own = append(slices.Clip(own), f)
	}
	s, err := leadloop.NewSchema(own...)
	problems.Join(err)
	return s, problems.Err()
}

var kinds = []string{"string", "int", "double", "bool", "timestamp", "list(string)"}

func fieldName(name string) string {
	if strings.Contains(name, ".") {
		return name
	}
	return "lead." + name
}

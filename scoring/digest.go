package scoring

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// canonical forms hold what a definition means, in one spelling.
type (
	canonicalModel struct {
		Model       string              `json:"model"`
		Version     int                 `json:"version"`
		By          string              `json:"by"`
		At          time.Time           `json:"at"`
		Why         string              `json:"why"`
		Environment int                 `json:"environment"`
		Fields      [][2]string         `json:"fields"`
		Rules       []canonicalRule     `json:"rules"`
		Groups      []canonicalGroup    `json:"groups"`
		Score       string              `json:"score"`
		Modifiers   []canonicalModifier `json:"modifiers"`
		Tiers       [][2]string         `json:"tiers"`
		Rows        *canonicalAxis      `json:"rows"`
		Columns     *canonicalAxis      `json:"columns"`
		Cells       [][]string          `json:"cells"`
		Hysteresis  string              `json:"hysteresis"`
		// Left out where there is none: digests of models without one stay.
		Probability *Probability `json:"probability,omitempty"`
	}
	canonicalRule struct {
		ID, Group, Description, When, Each, Points, Disqualify string
		Max                                                    int
		Window, HalfLife, Linear                               time.Duration
		Steps                                                  []DecayStep
	}
	canonicalGroup    struct{ Name, Max, Min string }
	canonicalModifier struct {
		ID, Description, When, Add string
		Multiply                   *float64
		Owner                      string
		Expires                    time.Time
	}
	canonicalAxis struct {
		Group string
		From  []leadloop.Points
	}
)

// digest takes a checked definition.
func (d Definition) digest() string {
	points := func(f *float64) string {
		if f == nil {
			return ""
		}
		p, _ := leadloop.PointsOf(*f)
		return p.String()
	}
	c := canonicalModel{
		Model: d.Model, Version: d.Version, By: d.Changed.By, At: d.Changed.At.UTC(), Why: strings.TrimSpace(d.Changed.Why),
		Environment: d.Environment, Score: strings.TrimSpace(d.Score.Text), Hysteresis: points(&d.Hysteresis),
		Probability: d.Probability,
	}
	if d.Environment == 0 {
		c.Environment = Environment
	}
	fields, _ := d.Fields()
	for _, f := range fields {
		c.Fields = append(c.Fields, [2]string{f.Name, f.Kind.String()})
	}
	for _, r := range d.Rules {
		cr := canonicalRule{
			ID: r.ID, Group: d.groupOf(r), Description: strings.TrimSpace(r.Description), When: strings.TrimSpace(r.When.Text),
			Each: r.Each, Points: strings.TrimSpace(r.Points.Text), Disqualify: r.Disqualify,
		}
		if f, constant := yamldoc.Number(r.Points.Text); constant {
			cr.Points = points(&f)
		}
		if r.Max != nil {
			cr.Max = *r.Max
		}
		if r.Decay != nil {
			cr.Window, cr.HalfLife, cr.Linear, cr.Steps = r.Decay.Window, r.Decay.HalfLife, r.Decay.Linear, r.Decay.Steps
		}
		c.Rules = append(c.Rules, cr)
	}
	for _, g := range d.groups() {
		c.Groups = append(c.Groups, canonicalGroup{g.Name, points(g.Max), points(g.Min)})
	}
	for _, m := range d.Modifiers {
		c.Modifiers = append(c.Modifiers, canonicalModifier{
			ID: m.ID, Description: strings.TrimSpace(m.Description), When: strings.TrimSpace(m.When.Text),
			Add: points(m.Add), Multiply: m.Multiply, Owner: m.Owner, Expires: m.Expires.UTC(),
		})
	}
	for _, t := range d.Tiers {
		c.Tiers = append(c.Tiers, [2]string{t.Name, points(&t.From)})
	}
	if g := d.Grid; g != nil {
		c.Rows = &canonicalAxis{g.Rows.Group, edges(g.Rows.From...)}
		c.Columns = &canonicalAxis{g.Columns.Group, edges(g.Columns.From...)}
		c.Cells = g.Cells
	}
	b, err := json.Marshal(c)
	if err != nil {
		// Every number was checked to be finite and every time to have a year
		// that JSON can write.
		panic("scoring: " + err.Error())
	}
	sum := sha256.Sum256(append([]byte("leadloop/scoring/1\n"), b...))
	return hex.EncodeToString(sum[:])
}

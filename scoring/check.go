package scoring

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

var (
	idForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)
	groupForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	tierForm  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]{0,31}$`)
	// notFinite are the spellings of YAML and of Go.
	notFinite = regexp.MustCompile(`(?i)^[+-]?\.?(nan|inf|infinity)$`)

	// reserved can't name a group: the words of the language and the variables
	// of every expression.
	reserved = []string{"activities", "as", "break", "company", "const", "continue", "else", "false", "for", "function", "if",
		"all", "bool", "bytes", "count", "days", "double", "duration", "dyn", "exists", "exists_one", "filter", "has", "int", "import", "in",
		"last", "lead", "let", "list", "loop", "map", "max", "min", "namespace", "now", "null", "package", "return", "seen", "since",
		"size", "string", "timestamp", "true", "type", "uint", "var", "void", "while"}
)

// baseGroup is the one group of a model that declares none.
const baseGroup = "base"

const maxWindow = 50 * 365 * 24 * time.Hour

// groups returns the declared groups by name, or the implied one.
func (d Definition) groups() []Group {
	if len(d.Groups) == 0 {
		return []Group{{At: d.At, Name: baseGroup}}
	}
	out := slices.Clone(d.Groups)
	slices.SortStableFunc(out, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (d Definition) groupNames() []string {
	var names []string
	for _, g := range d.groups() {
		names = append(names, g.Name)
	}
	return names
}

// groupOf is the group a points rule adds to.
func (d Definition) groupOf(r Rule) string {
	if r.Group == "" && len(d.Groups) == 0 {
		return baseGroup
	}
	return r.Group
}

// checker collects what is wrong; position falls back to the file's.
type checker struct {
	d        Definition
	problems leadloop.Problems
}

func (c *checker) at(p leadloop.Position) leadloop.Position {
	if p == (leadloop.Position{}) {
		return c.d.At
	}
	return p
}

func (c *checker) add(p leadloop.Position, format string, args ...any) {
	c.problems.Add(c.at(p), format, args...)
}

func (c *checker) warn(p leadloop.Position, format string, args ...any) {
	c.problems.Warn(c.at(p), format, args...)
}

// check finds what is wrong without compiling an expression.
func (d Definition) check() leadloop.Problems {
	c := checker{d: d}
	if !idForm.MatchString(d.Model) {
		c.add(d.At, "model: expected a name of letters, digits, '-', '_' and '.', found %q", d.Model)
	}
	if d.Version < 1 {
		c.add(d.At, "version: expected a whole number from 1, found %d", d.Version)
	}
	if d.Environment < 0 || d.Environment > Environment {
		c.add(d.At, "environment: %d is not known here; the newest is %d", d.Environment, Environment)
	}
	if year := d.Changed.At.UTC().Year(); year < 1 || year > 9999 {
		c.add(d.At, "changed.at: expected a year from 1 to 9999")
	}
	if len(d.Rules) == 0 {
		c.add(d.At, "rules: expected at least one")
	}
	_, problems := d.Fields()
	c.problems = append(c.problems, problems...)
	c.ids()
	c.groups()
	for _, r := range d.Rules {
		c.rule(r)
	}
	for _, m := range d.Modifiers {
		c.modifier(m)
	}
	c.tiers()
	c.probability()
	return c.problems
}

func (c *checker) probability() {
	p := c.d.Probability
	if p == nil {
		return
	}
	if _, ok := leadloop.PointsOf(p.Even); !ok {
		c.add(p.At, "probability: even: expected the points at which half of the leads are won, up to a billion")
	}
	if d, ok := leadloop.PointsOf(p.Double); !ok || d <= 0 {
		c.add(p.At, "probability: double: expected the points that double the odds, more than 0, found %v", p.Double)
	}
}

func (c *checker) ids() {
	seen := map[string]string{}
	id := func(at leadloop.Position, what, id string) {
		switch first, ok := seen[id]; {
		case id == "":
			c.add(at, "%s: missing key \"id\"", what)
		case !idForm.MatchString(id):
			c.add(at, "%s: id %q: expected letters, digits, '-', '_' and '.'", what, id)
		case ok:
			c.add(at, "%s %s: the id is taken by an earlier %s", what, id, first)
		default:
			seen[id] = what
		}
	}
	for _, r := range c.d.Rules {
		id(r.At, "rule", r.ID)
	}
	for _, m := range c.d.Modifiers {
		id(m.At, "modifier", m.ID)
	}
}

func (c *checker) groups() {
	seen := map[string]bool{}
	for _, g := range c.d.Groups {
		switch {
		case !groupForm.MatchString(g.Name):
			c.add(g.At, "groups: %q: expected a lower-case identifier, because the score expression reads it", g.Name)
		case slices.Contains(reserved, g.Name):
			c.add(g.At, "groups: %q means something else in expressions; choose another name", g.Name)
		case seen[g.Name]:
			c.add(g.At, "groups: %s is declared twice", g.Name)
		}
		seen[g.Name] = true
		bad := false
		for _, limit := range []struct {
			key string
			val *float64
		}{{"max", g.Max}, {"min", g.Min}} {
			if limit.val == nil {
				continue
			}
			if _, ok := leadloop.PointsOf(*limit.val); !ok {
				c.add(g.At, "groups.%s: %s: expected a number of points up to a billion", g.Name, limit.key)
				bad = true
			}
		}
		switch {
		case bad:
		case g.Max != nil && *g.Max <= 0:
			c.add(g.At, "groups.%s: max: expected more than 0, found %v", g.Name, *g.Max)
		case g.Max != nil && g.Min != nil && *g.Min > *g.Max:
			c.add(g.At, "groups.%s: min %v is above max %v", g.Name, *g.Min, *g.Max)
		}
	}
}

func (c *checker) rule(r Rule) {
	if r.Disqualify != "" {
		c.disqualifier(r)
		return
	}
	if r.Points.IsZero() {
		c.add(r.At, "rule %s: gives neither points nor disqualifies", r.ID)
	} else {
		c.points(r)
	}
	switch name := c.d.groupOf(r); {
	case name == "":
		c.add(r.At, "rule %s: missing key \"group\"", r.ID)
	case len(c.d.Groups) == 0 && r.Group != "":
		c.add(r.At, "rule %s: group %q is not declared under groups", r.ID, r.Group)
	case !slices.Contains(c.d.groupNames(), name):
		c.problems.AddHint(c.at(r.At), suggest.DidYouMean(name, c.d.groupNames()), "rule %s: unknown group %q", r.ID, name)
	}
	if r.Each == "" {
		if r.Decay != nil {
			c.add(r.At, "rule %s: decay needs each: only activities have an age", r.ID)
		}
		if r.Max != nil {
			c.add(r.At, "rule %s: max needs each: it is how many activities count", r.ID)
		}
		if _, constant := yamldoc.Number(r.Points.Text); constant && r.When.IsZero() {
			c.warn(r.At, "rule %s: gives its points to every lead; was when or each forgotten?", r.ID)
		}
		return
	}
	if !idForm.MatchString(r.Each) {
		c.add(r.At, "rule %s: each: expected an activity type such as demo_request, found %q", r.ID, r.Each)
	}
	if r.Max != nil && *r.Max <= 0 {
		c.add(r.At, "rule %s: max: expected at least 1, found %d", r.ID, *r.Max)
	}
	if r.Decay != nil {
		c.decay(r.ID, *r.Decay)
	}
}

func (c *checker) disqualifier(r Rule) {
	if !idForm.MatchString(r.Disqualify) {
		c.add(r.At, "rule %s: disqualify: expected a reason code of letters, digits, '-', '_' and '.', found %q", r.ID, r.Disqualify)
	}
	if r.When.IsZero() {
		c.add(r.At, "rule %s: disqualify needs when", r.ID)
	}
	for _, other := range []struct {
		key string
		set bool
	}{
		{"points", !r.Points.IsZero()}, {"each", r.Each != ""}, {"decay", r.Decay != nil},
		{"max", r.Max != nil}, {"group", r.Group != ""},
	} {
		if other.set {
			c.add(r.At, "rule %s: disqualify and %s exclude each other", r.ID, other.key)
		}
	}
}

func (c *checker) points(r Rule) {
	if notFinite.MatchString(r.Points.Text) {
		c.add(r.Points.At, "rule %s: points: expected a finite number, found %s", r.ID, r.Points.Text)
		return
	}
	f, constant := yamldoc.Number(r.Points.Text)
	if !constant {
		if yamldoc.IsNumber(r.Points.Text) {
			c.add(r.Points.At, "rule %s: points: out of range; at most a billion", r.ID)
		}
		return
	}
	switch p, ok := leadloop.PointsOf(f); {
	case !ok:
		c.add(r.Points.At, "rule %s: points: out of range; at most a billion", r.ID)
	case p == 0 && f != 0:
		c.add(r.Points.At, "rule %s: points: finer than a thousandth of a point", r.ID)
	case p == 0:
		c.warn(r.Points.At, "rule %s: 0 points never change a score", r.ID)
	}
}

func (c *checker) decay(rule string, d Decay) {
	set := 0
	for _, kind := range []struct {
		key    string
		length time.Duration
	}{{"window", d.Window}, {"half_life", d.HalfLife}, {"linear", d.Linear}} {
		if kind.length == 0 {
			continue
		}
		set++
		if kind.length < 0 || kind.length > maxWindow {
			c.add(d.At, "rule %s: decay.%s: expected a duration above 0 and up to 50 years", rule, kind.key)
		}
	}
	if len(d.Steps) > 0 {
		set++
	}
	if set != 1 {
		c.add(d.At, "rule %s: decay: expected exactly one of window, half_life, linear and steps, longer than 0", rule)
	}
	after, factor := time.Duration(0), 1.0
	for _, s := range d.Steps {
		switch {
		case s.After <= after || s.After > maxWindow:
			c.add(d.At, "rule %s: decay.steps: each step must come after the one before, and after 0", rule)
			return
		case !(s.Factor >= 0 && s.Factor <= factor):
			c.add(d.At, "rule %s: decay.steps: factors go down from 1 to 0, found %v after %v", rule, s.Factor, factor)
			return
		}
		after, factor = s.After, s.Factor
	}
}

func (c *checker) modifier(m Modifier) {
	switch {
	case m.Add == nil && m.Multiply == nil:
		c.add(m.At, "modifier %s: does neither add nor multiply", m.ID)
	case m.Add != nil && m.Multiply != nil:
		c.add(m.At, "modifier %s: add and multiply exclude each other", m.ID)
	case m.Add != nil:
		if p, ok := leadloop.PointsOf(*m.Add); !ok {
			c.add(m.At, "modifier %s: add: expected a number of points up to a billion", m.ID)
		} else if p == 0 {
			c.warn(m.At, "modifier %s: adds 0", m.ID)
		}
	case math.IsNaN(*m.Multiply) || *m.Multiply < 0 || *m.Multiply > 1e6:
		c.add(m.At, "modifier %s: multiply: expected a factor from 0 to a million, found %v", m.ID, *m.Multiply)
	case *m.Multiply == 1:
		c.warn(m.At, "modifier %s: multiplies by 1", m.ID)
	}
	if m.Owner == "" {
		c.add(m.At, "modifier %s: missing key \"owner\": who answers for it", m.ID)
	}
	switch year := m.Expires.UTC().Year(); {
	case m.Expires.IsZero():
		c.add(m.At, "modifier %s: missing key \"expires\": the day it must be looked at again", m.ID)
	case year < 1 || year > 9999:
		c.add(m.At, "modifier %s: expires: expected a year from 1 to 9999", m.ID)
	}
}

func (c *checker) tiers() {
	h, at := c.d.Hysteresis, c.d.At
	if len(c.d.Tiers) > 0 {
		at = c.d.Tiers[0].At
	} else if c.d.Grid != nil {
		at = c.d.Grid.At
	}
	if _, ok := leadloop.PointsOf(h); !ok || h < 0 {
		c.add(at, "tiers: hysteresis: expected a number of points from 0, found %v", h)
	}
	switch {
	case c.d.Grid != nil && len(c.d.Tiers) > 0:
		c.add(c.d.Grid.At, "grid: tiers by threshold and a grid exclude each other")
		return
	case c.d.Grid != nil:
		c.grid(*c.d.Grid)
		return
	case len(c.d.Tiers) == 0:
		if h != 0 {
			c.add(c.d.At, "tiers: hysteresis without a tier")
		}
		return
	}
	seen, descend := map[string]bool{}, true
	for i, t := range c.d.Tiers {
		if !tierForm.MatchString(t.Name) {
			c.add(t.At, "tiers: name %q: expected letters, digits, '-', '_' and '+', starting with a letter", t.Name)
		}
		if seen[t.Name] {
			c.add(t.At, "tiers: %s stands here twice", t.Name)
		}
		seen[t.Name] = true
		if _, ok := leadloop.PointsOf(t.From); !ok {
			c.add(t.At, "tiers.%s: expected a number of points up to a billion", t.Name)
			descend = false
			continue
		}
		if i == 0 {
			continue
		}
		switch prev := c.d.Tiers[i-1]; {
		case t.From == prev.From:
			c.add(t.At, "tiers.%s: overlaps with %s: both begin at %v", t.Name, prev.Name, t.From)
		case t.From > prev.From:
			descend = false
			c.add(t.At, "tiers.%s: begins at %v, above %s at %v; write tiers from the highest to the lowest", t.Name, t.From, prev.Name, prev.From)
		case h > 0 && prev.From-t.From <= h:
			c.warn(t.At, "tiers.%s: the hysteresis of %v is as wide as %s", t.Name, h, t.Name)
		}
	}
	if last := c.d.Tiers[len(c.d.Tiers)-1]; descend && last.From > 0 {
		c.add(last.At, "tiers.%s: scores below %v would have no tier; a last tier from 0 takes them", last.Name, last.From)
	}
}

func (c *checker) grid(g Grid) {
	for _, axis := range []struct {
		key string
		Axis
	}{{"rows", g.Rows}, {"columns", g.Columns}} {
		at := axis.At
		if at == (leadloop.Position{}) {
			at = g.At
		}
		if !slices.Contains(c.d.groupNames(), axis.Group) {
			c.problems.AddHint(c.at(at), suggest.DidYouMean(axis.Group, c.d.groupNames()), "grid.%s: unknown group %q", axis.key, axis.Group)
		}
		if len(axis.From) == 0 {
			c.add(at, "grid.%s: missing key \"from\": the lower edges of the bands", axis.key)
		}
		descend := true
		for i, from := range axis.From {
			if _, ok := leadloop.PointsOf(from); !ok {
				c.add(at, "grid.%s: from: expected numbers of points up to a billion", axis.key)
			} else if i > 0 && !(from < axis.From[i-1]) {
				c.add(at, "grid.%s: from: %v does not go down from %v", axis.key, from, axis.From[i-1])
				descend = false
			}
		}
		if n := len(axis.From); n > 0 && descend && axis.From[n-1] > 0 {
			c.add(at, "grid.%s: %s below %v would have no tier; a last edge of 0 takes it", axis.key, axis.Group, axis.From[n-1])
		}
	}
	if g.Rows.Group == g.Columns.Group {
		c.add(g.At, "grid: rows and columns both read %q", g.Rows.Group)
	}
	if len(g.Cells) != len(g.Rows.From) {
		c.add(g.At, "grid.cells: expected %d rows, one for each edge of rows.from, found %d", len(g.Rows.From), len(g.Cells))
	}
	for i, row := range g.Cells {
		if len(row) != len(g.Columns.From) {
			c.add(g.At, "grid.cells[%d]: expected %d tiers, one for each edge of columns.from, found %d", i, len(g.Columns.From), len(row))
		}
		for _, name := range row {
			if !tierForm.MatchString(name) {
				c.add(g.At, "grid.cells[%d]: name %q: expected letters, digits, '-', '_' and '+', starting with a letter", i, name)
			}
		}
	}
	if len(c.d.Modifiers) > 0 {
		c.warn(g.At, "grid: modifiers change the points but not the tier, which a grid takes from the groups")
	}
}

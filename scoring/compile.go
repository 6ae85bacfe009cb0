package scoring

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
	"github.com/leadloop/leadloop/rules"
)

// compiler makes a model of a definition and collects what is wrong with it.
type compiler struct {
	d        Definition
	schema   *leadloop.Schema
	limits   rules.Limits
	problems leadloop.Problems
	sources  []rules.Rule
	names    []string // of sources, as problems call them
	taken    map[string]bool
	said     map[string]string // by id of a source: how problems call it instead
}

func (c *compiler) model() *Model {
	d := c.d
	m := &Model{name: d.Model, version: d.Version, schema: c.schema, halvings: maxHalvings, work: maxWork}
	fields, _ := d.Fields()
	for _, f := range fields {
		if have, ok := c.schema.Lookup(f.Name); !ok || have.Kind != f.Kind {
			c.problems.Add(d.At, "fields: the schema has no %s of kind %s", f.Name, f.Kind)
		}
	}
	for _, g := range d.groups() {
		m.groups = append(m.groups, newGroup(g))
	}
	groupIndex := func(name string) int {
		return slices.IndexFunc(m.groups, func(g group) bool { return g.name == name })
	}
	m.rules, m.changes = make([]rule, 0, len(d.Rules)), make([]modifier, 0, len(d.Modifiers))
	for _, r := range d.Rules {
		m.rules = append(m.rules, c.rule(r, groupIndex(d.groupOf(r))))
	}
	for _, mod := range d.Modifiers {
		m.changes = append(m.changes, c.modifier(mod))
	}
	c.compile(m)
	c.formula(m)
	if c.problems.Err() != nil {
		return nil
	}
	m.tiers = newTiers(d, groupIndex)
	if d.Probability != nil {
		p := *d.Probability
		m.chance = &p
	}
	for i := range m.rules {
		r := &m.rules[i]
		r.reads = m.inputs(r.when, r.points)
		if r.eachType != "" {
			r.each = m.typeAt(r.eachType)
		}
		m.fields = append(m.fields, r.reads.fields...)
	}
	for i := range m.changes {
		m.changes[i].reads = m.inputs(m.changes[i].when)
		m.fields = append(m.fields, m.changes[i].reads.fields...)
	}
	m.readCount = len(m.fields)
	slices.Sort(m.fields)
	m.fields = slices.Clone(slices.Compact(m.fields))
	for _, name := range m.fields {
		at, _ := c.schema.Index(name)
		m.fieldsAt = append(m.fieldsAt, at)
	}
	activities := make([]bool, m.set.Len())
	for i := range m.set.Len() {
		in := m.set.Inputs(i)
		m.timed = append(m.timed, in.Now)
		activities[i] = in.Now || in.AllActivities || len(in.Activities) > 0
	}
	pure := func(in reads, each int, positions ...int) bool {
		return each < 0 && len(in.at) > 0 &&
			!slices.ContainsFunc(in.at, func(f int) bool { return c.schema.At(f).Kind == leadloop.KindTime }) &&
			!slices.ContainsFunc(positions, func(i int) bool { return i >= 0 && activities[i] })
	}
	for _, r := range m.rules {
		m.pure = append(m.pure, pure(r.reads, r.each, r.when, r.points))
	}
	for _, mod := range m.changes {
		m.pure = append(m.pure, pure(mod.reads, -1, mod.when))
	}
	m.cells = make([]*fieldCells, c.schema.Len())
	for _, at := range m.fieldsAt {
		m.cells[at] = &fieldCells{set: m.set, field: c.schema.At(at).Name}
	}
	m.tables, m.runs = &tables{}, &sync.Pool{New: func() any { return new(run) }}
	m.prepare()
	c.attainable(m)
	return m
}

func newGroup(g Group) group {
	out := group{name: g.Name, limits: representable}
	limit := func(f *float64, side *leadloop.Points) *leadloop.Points {
		if f == nil {
			return nil
		}
		p, _ := leadloop.PointsOf(*f)
		*side = p
		return &p
	}
	out.max = limit(g.Max, &out.limits.hi)
	out.min = limit(g.Min, &out.limits.lo)
	return out
}

func (c *compiler) rule(r Rule, group int) rule {
	out := rule{
		id: r.ID, description: strings.TrimSpace(r.Description), groupName: c.d.groupOf(r), group: group,
		whenText: strings.TrimSpace(r.When.Text), pointsText: strings.TrimSpace(r.Points.Text),
		when: -1, points: -1, each: -1, eachType: r.Each, decay: newDecay(r.Decay), disqualify: r.Disqualify,
	}
	if r.Max != nil {
		out.max = *r.Max
	}
	if r.Disqualify != "" {
		out.group, out.groupName = -1, ""
	}
	if !r.When.IsZero() {
		out.when = c.source("rule "+r.ID+": when", r.ID, r.When, leadloop.KindBool)
	}
	out.asks = asksPresence(r.When.Text) || asksPresence(r.Points.Text)
	out.awaits = awaitsActivity(r.When.Text) && awaitsActivity(r.Points.Text)
	if f, constant := yamldoc.Number(r.Points.Text); constant {
		out.constant, _ = leadloop.PointsOf(f)
		out.weight = exactly(out.constant)
	} else if !r.Points.IsZero() && !notFinite.MatchString(r.Points.Text) && !yamldoc.IsNumber(r.Points.Text) {
		out.points = c.source("rule "+r.ID+": points", r.ID+".points", r.Points, leadloop.KindFloat)
		out.weight = weightOf(r.Points.Text)
	}
	return out
}

func (c *compiler) modifier(m Modifier) modifier {
	out := modifier{
		id: m.ID, description: strings.TrimSpace(m.Description), whenText: strings.TrimSpace(m.When.Text),
		when: -1, owner: m.Owner, expires: m.Expires.UTC(),
	}
	if m.Multiply != nil {
		f := *m.Multiply
		out.multiply = &f
	} else if m.Add != nil {
		out.add, _ = leadloop.PointsOf(*m.Add)
	}
	if !m.When.IsZero() {
		out.when, out.asks = c.source("modifier "+m.ID+": when", m.ID, m.When, leadloop.KindBool), asksPresence(m.When.Text)
	}
	return out
}

// source notes an expression for compilation and returns its position in the
// set. A second rule with one id was reported before; it is left out here, so
// that it is not reported again in other words.
func (c *compiler) source(what, id string, e leadloop.Expression, k leadloop.Kind) int {
	if c.taken == nil {
		c.taken, c.said = map[string]bool{}, map[string]string{}
	}
	if c.taken[id] {
		first := id
		id += "#" + fmt.Sprint(len(c.sources))
		c.said[id] = fmt.Sprintf("rule %q", first)
	}
	c.taken[id] = true
	if t, ok := parseTerm(e.Text, func(string) bool { return false }); ok && t.dividesByZero() {
		c.problems.Add(e.At, "%s: divides by zero", what)
	}
	c.names = append(c.names, what)
	c.sources = append(c.sources, rules.Rule{ID: id, Expression: e, Type: k})
	return len(c.sources) - 1
}

func (c *compiler) compile(m *Model) {
	env, err := rules.NewEnv(c.schema, rules.Options{Limits: c.limits})
	if err != nil {
		c.problems.Join(err)
		return
	}
	sources := c.sources
	if most := env.Limits().Rules; len(sources) > most {
		c.problems.Add(sources[most].Expression.At, "%s: one too many: a model has at most %d conditions and weights, this one has %d", c.names[most], most, len(sources))
		sources = sources[:most]
	}
	m.set, err = env.Compile(sources...)
	c.join(err)
}

// join adds the problems of package rules, by the ids that the file has.
func (c *compiler) join(err error) {
	var found leadloop.Problems
	found.Join(err)
	for _, p := range found {
		for id, said := range c.said {
			p.Message = strings.Replace(p.Message, fmt.Sprintf("rule %q: ", id), said+": ", 1)
		}
		c.problems = append(c.problems, p)
	}
}

// formula compiles the score expression: package rules checks names and types,
// and this package how it is computed, so that it has bounds and can't fail.
func (c *compiler) formula(m *Model) {
	d := c.d
	names := make([]string, len(m.groups))
	vars := make([]rules.Var, len(m.groups))
	for i, g := range m.groups {
		names[i] = g.name
		vars[i] = rules.Var{Name: g.name, Kind: leadloop.KindFloat}
	}
	m.formula = strings.Join(names, " + ")
	if d.Score.IsZero() {
		return
	}
	m.formula = strings.TrimSpace(d.Score.Text)
	env, err := rules.NewEnv(c.schema, rules.Options{Vars: vars, Limits: c.limits})
	if err != nil {
		c.problems.Join(err)
		return
	}
	set, err := env.Compile(rules.Rule{ID: "score", Expression: d.Score, Type: leadloop.KindFloat})
	if err != nil {
		c.said = map[string]string{"score": "score"}
		c.join(err)
		return
	}
	if in := set.Inputs(0); len(in.Fields) > 0 || len(in.Activities) > 0 || in.AllActivities || in.Now {
		c.problems.Add(d.Score.At, "score: reads groups only; what depends on the lead belongs into rules and modifiers")
		return
	}
	t, ok := parseTerm(d.Score.Text, func(name string) bool { return slices.Contains(names, name) })
	if ok {
		t.each(func(t *term) {
			ok = ok && t.op != "unknown" && t.op != "%" && t.op != "size" && t.op != "count" &&
				(t.op != "variable" || slices.Contains(names, t.name)) && (t.op != "/" || t.double)
		})
	}
	if !ok {
		c.problems.Add(d.Score.At, "score: expected an expression of groups, numbers such as 0.6, + - * /, comparisons, && || !, ?:, min() and max()")
		return
	}
	if !t.bounds(func(name string) span { return m.spanOf(name) }).finite() {
		c.problems.Add(d.Score.At, "score: can divide by zero or grow beyond bounds")
		return
	}
	m.score = t
	for i, g := range m.groups {
		used := false
		t.each(func(t *term) { used = used || t.op == "variable" && t.name == g.name })
		if !used && slices.ContainsFunc(m.rules, func(r rule) bool { return r.group == i }) {
			c.problems.Warn(d.Score.At, "score: leaves out group %s, so its rules change nothing%s", g.name, gridNote(d))
		}
	}
}

func gridNote(d Definition) string {
	if d.Grid != nil {
		return " but the grid"
	}
	return ""
}

func (m *Model) spanOf(name string) span {
	for _, g := range m.groups {
		if g.name == name {
			return span{g.limits.lo.Float(), g.limits.hi.Float()}
		}
	}
	return anything
}

// nonNegative are the standard fields that count something.
var nonNegative = []string{
	leadloop.Employees.Name(), leadloop.Revenue.Name(), leadloop.Founded.Name(), leadloop.HiringVelocity.Name(),
}

// weightOf bounds the points that an expression can give.
func weightOf(text string) bounds {
	t, ok := parseTerm(text, func(string) bool { return false })
	if !ok {
		return representable
	}
	s := t.bounds(func(name string) span {
		if slices.Contains(nonNegative, name) {
			return span{0, anything.hi}
		}
		return anything
	})
	return bounds{pointsWithin(s.lo), pointsWithin(s.hi)}
}

// pointsWithin rounds to thousandths and to what is representable.
func pointsWithin(f float64) leadloop.Points {
	if p, ok := leadloop.PointsOf(f); ok {
		return p
	}
	if f < 0 {
		return representable.lo
	}
	return representable.hi
}

func (m *Model) inputs(positions ...int) reads {
	var out reads
	for _, i := range positions {
		if i < 0 {
			continue
		}
		in := m.set.Inputs(i)
		out.fields = append(out.fields, in.Fields...)
		for _, typ := range in.Activities {
			out.types = append(out.types, m.typeAt(typ))
		}
	}
	slices.Sort(out.fields)
	out.fields = slices.Compact(out.fields)
	for _, f := range out.fields {
		at, _ := m.schema.Index(f)
		out.at = append(out.at, at)
	}
	slices.SortFunc(out.types, func(a, b int) int { return strings.Compare(m.types[a], m.types[b]) })
	out.types = slices.Compact(out.types)
	return out
}

func (m *Model) typeAt(typ string) int {
	i := slices.Index(m.types, typ)
	if i < 0 {
		i = len(m.types)
		m.types = append(m.types, typ)
	}
	return i
}

// times multiplies within what is representable.
func times(p leadloop.Points, n int) leadloop.Points {
	limit := representable.hi / leadloop.Points(n)
	if p > limit {
		return representable.hi
	}
	if p < -limit {
		return representable.lo
	}
	return p * leadloop.Points(n)
}

// reach is what the rules of each group can give together, before its limits.
func (m *Model) reach() []bounds {
	out := make([]bounds, len(m.groups))
	for _, r := range m.rules {
		if r.group < 0 {
			continue
		}
		b := r.weight.orZero()
		switch {
		case r.eachType == "":
		case r.max > 0:
			b = bounds{times(b.lo, r.max), times(b.hi, r.max)}
		default:
			if b.hi > 0 {
				b.hi = representable.hi
			}
			if b.lo < 0 {
				b.lo = representable.lo
			}
		}
		out[r.group] = out[r.group].plus(b).within(representable)
	}
	return out
}

// attainable warns of points that can't be reached or are cut off.
func (c *compiler) attainable(m *Model) {
	reach := m.reach()
	capped := make([]leadloop.Points, len(m.groups)) // with one activity for "all"
	for _, r := range m.rules {
		if r.group >= 0 {
			capped[r.group] = clamp(capped[r.group]+times(r.weight.orZero().hi, max(r.max, 1)), representable)
		}
	}
	for i, g := range m.groups {
		if g.max != nil && capped[i] > *g.max && capped[i] < representable.hi {
			c.problems.Warn(c.groupAt(g.name), "groups.%s: its rules can give %s points, so what is above its max of %s makes no difference", g.name, capped[i], *g.max)
		}
		reach[i] = reach[i].within(g.limits)
	}
	score := m.baseWithin(reach)
	for _, mod := range m.changes {
		score = score.or(mod.apply(score))
	}
	possible := make([]bool, len(m.tiers.names)+1)
	m.tiers.mark(score, reach, -1, possible)
	for rank, name := range m.tiers.names {
		if possible[rank] {
			continue
		}
		at := c.d.At
		if len(c.d.Tiers) > rank {
			at = c.d.Tiers[rank].At
		} else if c.d.Grid != nil {
			at = c.d.Grid.At
		}
		c.problems.Warn(at, "tiers.%s: no lead can reach it: scores lie between %s and %s", name, score.lo, score.hi)
	}
}

func (c *compiler) groupAt(name string) leadloop.Position {
	for _, g := range c.d.Groups {
		if g.Name == name && g.At != (leadloop.Position{}) {
			return g.At
		}
	}
	return c.d.At
}

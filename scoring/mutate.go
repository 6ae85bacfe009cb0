package scoring

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// Mutation is one small change of a model, and whether a case noticed it.
type Mutation struct {
	// Of is "rule", "group", "score", "modifier" or "tier", ID which one.
	Of, ID string
	// Change says what was changed, such as "points 40 → 44".
	Change string
	// NoticedBy names the first case that no longer holds; empty if every case
	// still does.
	NoticedBy string
}

// Name names the mutation, such as "rule demo: points 40 → 44".
func (m Mutation) Name() string {
	if m.ID == "" {
		return m.Of + ": " + m.Change
	}
	return m.Of + " " + m.ID + ": " + m.Change
}

// MutationReport is what came of trying a model's cases on changed models.
type MutationReport struct {
	// Mutations in the order of the model.
	Mutations []Mutation
}

// Survivors returns the mutations that no case noticed: each is a change that
// somebody could make by mistake, or on purpose, and the cases would not tell.
func (r MutationReport) Survivors() []Mutation {
	var out []Mutation
	for _, m := range r.Mutations {
		if m.NoticedBy == "" {
			out = append(out, m)
		}
	}
	return out
}

// String counts and lists the survivors.
func (r MutationReport) String() string {
	var b strings.Builder
	survivors := r.Survivors()
	fmt.Fprintf(&b, "Mutation: %d of %d changes noticed.\n", len(r.Mutations)-len(survivors), len(r.Mutations))
	for _, m := range survivors {
		fmt.Fprintf(&b, "  no case noticed: %s\n", m.Name())
	}
	return b.String()
}

// Mutate changes the model in one place at a time and tells which changes no
// case notices: points, modifiers, tier thresholds, group limits and the
// numbers of the score by ±10 % (points and modifiers by ±20 % and in sign as
// well), conditions negated and each of their numbers and durations by one step
// up and down, decays by ±10 %, max by one. Cases that do not hold on m itself
// can't notice anything and are left out. The model is not modified. The error
// is that of [RunCases].
func Mutate(ctx context.Context, m *Model, cases []Case) (MutationReport, error) {
	in, err := inputs(m, cases, false)
	if err != nil {
		return MutationReport{}, err
	}
	holds := make([]bool, len(cases))
	for i, c := range cases {
		e, err := m.Explain(ctx, in[i])
		if err != nil {
			return MutationReport{}, fmt.Errorf("case %q: %w", c.Name, err)
		}
		holds[i] = len(c.Want.misses(e)) == 0
	}
	var out MutationReport
	for _, mutant := range mutants(m) {
		for i, c := range cases {
			if !holds[i] {
				continue
			}
			e, err := mutant.model.Explain(ctx, in[i])
			if err != nil {
				return MutationReport{}, fmt.Errorf("case %q: %w", c.Name, err)
			}
			if len(c.Want.misses(e)) > 0 {
				mutant.NoticedBy = c.Name
				break
			}
		}
		out.Mutations = append(out.Mutations, mutant.Mutation)
	}
	return out, nil
}

// patch answers one expression of a model in another way.
type patch struct {
	at  int        // position in the model's set
	set *rules.Set // the other expression, then all that read the same fields
}

type mutant struct {
	Mutation
	model *Model
}

// mutator makes the mutants of a model. Each is a copy that shares all but the
// changed part.
type mutator struct {
	m       *Model
	of, id  string
	mutants []mutant
	names   map[string]int
}

func mutants(m *Model) []mutant {
	w := mutator{m: m, names: map[string]int{}}
	for i := range m.rules {
		w.of, w.id = "rule", m.rules[i].id
		w.rule(i)
	}
	for i := range m.groups {
		w.of, w.id = "group", m.groups[i].name
		w.group(i)
	}
	if m.score != nil {
		w.of, w.id = "score", ""
		w.formula()
	}
	for i := range m.changes {
		w.of, w.id = "modifier", m.changes[i].id
		w.modifier(i)
	}
	w.of = "tier"
	w.tiers()
	return w.mutants
}

// try adds a mutant; change modifies a copy of the model.
func (w *mutator) try(what string, change func(m *Model)) {
	c := *w.m
	c.tables = &tables{}
	change(&c)
	c.prepare()
	out := mutant{Mutation{Of: w.of, ID: w.id, Change: what}, &c}
	name := out.Name()
	if w.names[name]++; w.names[name] > 1 {
		// The same number stands there again.
		out.Change += fmt.Sprintf(" (%d)", w.names[name])
	}
	w.mutants = append(w.mutants, out)
}

func (w *mutator) tryRule(i int, what string, change func(r *rule)) {
	w.try(what, func(m *Model) {
		m.rules = slices.Clone(m.rules)
		change(&m.rules[i])
	})
}

// percents are what numbers are changed to.
var percents = []leadloop.Points{110, 90, 120, 80}

// scaled changes p to a percentage, by a thousandth at least.
func scaled(p, percent leadloop.Points) leadloop.Points {
	if q := p * percent / 100; q != p {
		return clamp(q, representable)
	}
	if (percent > 100) == (p > 0) {
		return p + 1
	}
	return p - 1
}

// perturbed calls change with every other value of p.
func perturbed(p leadloop.Points, change func(q leadloop.Points)) {
	seen := []leadloop.Points{p, 0}
	for _, q := range []leadloop.Points{scaled(p, 110), scaled(p, 90), scaled(p, 120), scaled(p, 80), -p} {
		if p != 0 && !slices.Contains(seen, q) {
			change(q)
			seen = append(seen, q)
		}
	}
}

func (w *mutator) rule(i int) {
	r := w.m.rules[i]
	switch {
	case r.group < 0:
	case r.points < 0:
		perturbed(r.constant, func(q leadloop.Points) {
			w.tryRule(i, fmt.Sprintf("points %s → %s", r.constant, q), func(r *rule) { r.constant, r.weight = q, exactly(q) })
		})
	default:
		for _, factor := range []string{"1.1", "0.9", "1.2", "0.8", "-1.0"} {
			text := "double(" + r.pointsText + ") * " + factor
			if p := w.weight(i, text); p != nil {
				w.try("points × "+factor, p)
			}
		}
		w.literals(r.pointsText, func(text string) func(*Model) { return w.weight(i, text) })
	}
	w.condition(r.when, r.whenText)
	if r.each < 0 {
		return
	}
	w.decay(i)
	if r.max > 0 {
		w.tryRule(i, fmt.Sprintf("max %d → %d", r.max, r.max+1), func(r *rule) { r.max++ })
	}
	if r.max > 1 {
		w.tryRule(i, fmt.Sprintf("max %d → %d", r.max, r.max-1), func(r *rule) { r.max-- })
	}
}

func (w *mutator) decay(i int) {
	d := w.m.rules[i].decay
	kind := map[decayKind]string{window: "window", halfLife: "half_life", linear: "linear"}[d.kind]
	if kind != "" {
		for _, length := range []time.Duration{d.length + d.length/10, d.length - d.length/10} {
			w.tryRule(i, fmt.Sprintf("decay.%s %s → %s", kind, inDays(d.length), inDays(length)), func(r *rule) { r.decay.length = length })
		}
	}
	for n, s := range d.steps {
		step := func(what string, change func(s *DecayStep)) {
			w.tryRule(i, fmt.Sprintf("decay.steps[%d].%s", n, what), func(r *rule) {
				r.decay.steps = slices.Clone(r.decay.steps)
				change(&r.decay.steps[n])
			})
		}
		for _, after := range []time.Duration{s.After + s.After/10, s.After - s.After/10} {
			step(fmt.Sprintf("after %s → %s", inDays(s.After), inDays(after)), func(s *DecayStep) { s.After = after })
		}
		if s.Factor > 0 {
			f := s.Factor * 0.9
			step(fmt.Sprintf("factor %v → %.4g", s.Factor, f), func(s *DecayStep) { s.Factor = f })
		}
	}
}

// inDays spells a duration as a file does, such as 15d9h36m.
func inDays(d time.Duration) string {
	const day = 24 * time.Hour
	days, rest := d/day, d%day
	if days == 0 {
		return rest.String()
	}
	if rest == 0 {
		return fmt.Sprintf("%dd", days)
	}
	return fmt.Sprintf("%dd%s", days, rest)
}

// expression makes a change of one expression; nil if the other one is not
// valid: another number may not be allowed there, as an index or for its type.
func (w *mutator) expression(at int, text string, kind leadloop.Kind) func(m *Model) {
	set, fields := w.m.set, w.m.set.Inputs(at).Fields
	all := []rules.Rule{{ID: w.id, Expression: leadloop.Expression{Text: text}, Type: kind}}
	for i := range set.Len() {
		if i != at && slices.ContainsFunc(set.Inputs(i).Fields, func(f string) bool { return slices.Contains(fields, f) }) {
			r := set.Rule(i)
			r.ID = fmt.Sprint("other-", i)
			all = append(all, r)
		}
	}
	p := &patch{at: at}
	var err error
	if p.set, err = set.Env().Compile(all...); err != nil {
		return nil
	}
	return func(m *Model) {
		m.patch, m.cells = p, slices.Clone(m.cells)
		for _, name := range fields {
			f, _ := m.schema.Index(name)
			m.cells[f] = &fieldCells{set: p.set, field: name}
		}
	}
}

func (w *mutator) condition(at int, text string) {
	if at < 0 {
		return
	}
	if p := w.expression(at, "!("+text+")", leadloop.KindBool); p != nil {
		w.try("condition negated", p)
	}
	w.literals(text, func(text string) func(*Model) { return w.expression(at, text, leadloop.KindBool) })
}

// weight makes a change of a rule's points expression, and of where its points
// can be at all.
func (w *mutator) weight(rule int, text string) func(m *Model) {
	p := w.expression(w.m.rules[rule].points, text, leadloop.KindFloat)
	if p == nil {
		return nil
	}
	return func(m *Model) {
		p(m)
		m.rules = slices.Clone(m.rules)
		m.rules[rule].weight = weightOf(text)
	}
}

// literals changes each number and each duration of an expression by a step.
func (w *mutator) literals(text string, expression func(text string) func(m *Model)) {
	for _, l := range literals(text) {
		for _, other := range l.steps() {
			p := expression(text[:l.start] + other + text[l.end:])
			if p == nil {
				continue
			}
			what := fmt.Sprintf("%s → %s in %s", text[l.start:l.end], strings.Trim(other, "()"), text)
			w.try(what, p)
		}
	}
}

func (w *mutator) group(i int) {
	g, reach := w.m.groups[i], w.m.reach()[i]
	limit := func(side string, p leadloop.Points, set func(g *group, q leadloop.Points)) {
		for _, percent := range percents[:2] {
			q := scaled(p, percent)
			if p == 0 {
				q = -leadloop.Point // a min of 0
				if percent > 100 {
					q = leadloop.Point
				}
			}
			// Where the rules come to neither, one is as good as the other.
			if side == "max" && reach.hi <= min(p, q) || side == "min" && reach.lo >= max(p, q) {
				continue
			}
			w.try(fmt.Sprintf("%s %s → %s", side, p, q), func(m *Model) {
				m.groups = slices.Clone(m.groups)
				set(&m.groups[i], q)
			})
		}
	}
	if g.max != nil {
		limit("max", *g.max, func(g *group, q leadloop.Points) { g.max, g.limits.hi = &q, q })
	}
	if g.min != nil {
		limit("min", *g.min, func(g *group, q leadloop.Points) { g.min, g.limits.lo = &q, q })
	}
}

// formula changes each number of the score.
func (w *mutator) formula() {
	n := 0
	w.m.score.each(func(t *term) {
		at := n
		n++
		if t.op != "number" || t.val == 0 {
			return
		}
		for _, f := range []float64{t.val * 1.1, t.val * 0.9} {
			w.try(fmt.Sprintf("number %v → %.6g", t.val, f), func(m *Model) {
				k := 0
				m.score = m.score.with(func(t *term) {
					if k == at {
						t.val = f
					}
					k++
				})
			})
		}
	})
}

// with copies a term; change modifies the copies in the order of each.
func (t *term) with(change func(t *term)) *term {
	c := *t
	change(&c)
	c.args = slices.Clone(t.args)
	for i, a := range c.args {
		c.args[i] = a.with(change)
	}
	return &c
}

func (w *mutator) modifier(i int) {
	c := w.m.changes[i]
	try := func(what string, change func(c *modifier)) {
		w.try(what, func(m *Model) {
			m.changes = slices.Clone(m.changes)
			change(&m.changes[i])
		})
	}
	if f := c.multiply; f != nil {
		for _, percent := range percents {
			q := *f * float64(percent) / 100
			if *f == 0 {
				q = float64(percent) / 1000
			}
			try(fmt.Sprintf("multiply %v → %.6g", *f, q), func(c *modifier) { c.multiply = &q })
		}
	} else {
		perturbed(c.add, func(q leadloop.Points) {
			try(fmt.Sprintf("add %s → %s", c.add, q), func(c *modifier) { c.add = q })
		})
	}
	if c.when < 0 {
		try("left out", func(c *modifier) { c.expires = time.Time{} })
	}
	w.condition(c.when, c.whenText)
}

func (w *mutator) tiers() {
	t := &w.m.tiers
	edges := func(name func(i int) string, from []leadloop.Points, set func(t *tiers, from []leadloop.Points)) {
		for i, p := range from {
			if i == len(from)-1 && p <= 0 {
				continue // takes everything below it as well: it has no edge
			}
			for _, percent := range percents[:2] {
				q := scaled(p, percent)
				if p == 0 {
					q = leadloop.Point * (percent - 100) / 10
				}
				w.id = name(i)
				w.try(fmt.Sprintf("from %s → %s", p, q), func(m *Model) {
					changed := slices.Clone(from)
					changed[i] = q
					set(&m.tiers, changed)
				})
			}
		}
	}
	edges(func(i int) string { return t.names[i] }, t.from, func(t *tiers, from []leadloop.Points) { t.from = from })
	if t.cells != nil {
		edges(func(int) string { return "rows" }, t.rows.from, func(t *tiers, from []leadloop.Points) { t.rows.from = from })
		edges(func(int) string { return "columns" }, t.columns.from, func(t *tiers, from []leadloop.Points) { t.columns.from = from })
	}
	if h := t.hysteresis; h > 0 {
		w.id = "hysteresis"
		w.try(fmt.Sprintf("%s → 0", h), func(m *Model) { m.tiers.hysteresis = 0 })
	}
}

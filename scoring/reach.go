package scoring

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// DefaultCombinations is how many combinations of missing values are tried
// unless [Options.Combinations] says otherwise.
const DefaultCombinations = 4096

// What a score can still become is found by trying. The values of a field fall
// into cells within which no condition changes (see rules.Set.Cells), so one
// value of each is enough. Rules that share no missing field don't influence
// each other: they are tried apart, which turns a product of all fields into a
// sum of small ones, and what they can come to is combined afterwards, each
// distinct result once. So bands that exclude each other are never added up.

// ending is one thing that the missing inputs can make of the groups, the
// modifiers and the disqualifiers of a lead.
type ending struct {
	sums     []bounds // by group, before its limits
	changes  []State  // by modifier; empty: as it is without them
	rejected certainty
}

// certainty is how sure a disqualification is.
type certainty uint8

const (
	never certainty = iota
	maybe
	surely
)

// key appends what tells endings apart.
func (o *ending) key(b []byte) []byte {
	for _, s := range o.sums {
		b = binary.AppendVarint(b, int64(s.lo))
		b = binary.AppendVarint(b, int64(s.hi))
	}
	for _, s := range o.changes {
		b = append(b, s...)
		b = append(b, 0)
	}
	return append(b, byte(o.rejected))
}

// clone copies what later changes of o would overwrite.
func (o *ending) clone() ending {
	return ending{slices.Clone(o.sums), slices.Clone(o.changes), o.rejected}
}

// plus joins endings of rules that share no missing field.
func (o *ending) plus(p *ending) ending {
	out := ending{
		sums: make([]bounds, len(o.sums)), changes: slices.Clone(o.changes), rejected: max(o.rejected, p.rejected),
	}
	for i := range out.sums {
		out.sums[i] = o.sums[i].plus(p.sums[i])
	}
	for i, s := range p.changes {
		if s != "" {
			out.changes[i] = s
		}
	}
	return out
}

// component are undecided rules and modifiers that hang together by the
// missing fields they read.
type component struct {
	rules, changes []int
	fields         []int // positions in the schema, ascending
}

// blank is the ending of nothing.
func (m *Model) blank() ending {
	return ending{sums: make([]bounds, len(m.groups)), changes: make([]State, len(m.changes))}
}

// reach finds what the missing inputs can make of the lead; false if something
// could not be tried, and stands in the endings as an outer bound.
func (s *run) reach(ctx context.Context) (endings []ending, exact bool) {
	m := s.m
	components, rest, exact := s.components()
	fixed := m.blank()
	for i := range m.rules {
		if rest == nil || rest[i] {
			s.tell(&fixed, i)
		}
	}
	endings = []ending{fixed}
	for _, c := range components {
		options, all := s.try(ctx, c)
		exact = exact && all
		joint := product(endings, options, m.combinations)
		if joint == nil {
			exact = false
			joint = product(endings, []ending{whole(options)}, len(endings))
		}
		endings = joint
	}
	return endings, exact
}

// whole is one outer bound of several endings.
func whole(endings []ending) ending {
	out := endings[0].clone()
	for _, e := range endings[1:] {
		for i, b := range e.sums {
			out.sums[i] = out.sums[i].or(b)
		}
		for i, state := range e.changes {
			if state != out.changes[i] {
				out.changes[i] = Undecided
			}
		}
		if e.rejected != out.rejected {
			out.rejected = maybe
		}
	}
	return out
}

// tell adds what the explanation says of a rule.
func (s *run) tell(o *ending, i int) {
	c := &s.e.Contributions[i]
	o.add(&s.m.rules[i], c.State, bounds{c.Low, c.High})
}

func (o *ending) add(r *rule, state State, points bounds) {
	switch {
	case r.group >= 0:
		o.sums[r.group] = o.sums[r.group].plus(points)
	case state == Matched:
		o.rejected = surely
	case state == Undecided || state == Failed:
		o.rejected = max(o.rejected, maybe)
	}
}

// product combines independent endings, each distinct result once; nil if there
// are more than limit.
func product(a, b []ending, limit int) []ending {
	var (
		out  []ending
		key  []byte
		seen = make(map[string]bool, len(a))
	)
	for i := range a {
		for j := range b {
			o := a[i].plus(&b[j])
			if key = o.key(key[:0]); seen[string(key)] {
				continue
			}
			if len(out) == limit {
				return nil
			}
			seen[string(key)] = true
			out = append(out, o)
		}
	}
	return out
}

// components groups what is undecided; rest marks the rules that are in none,
// nil for all. It is not exact if a missing field has values that can't be
// enumerated.
func (s *run) components() (out []component, rest []bool, exact bool) {
	m, e := s.m, &s.e
	b := connector{s: s, of: map[int]int{}, exact: true}
	for i := range m.rules {
		r := &m.rules[i]
		if state := e.Contributions[i].State; state != Undecided && state != Failed {
			continue
		}
		if s.result(r.when).State != rules.Undecided && s.result(r.points).State != rules.Undecided {
			continue
		}
		// Whether a lead is disqualified makes no difference to its points.
		if at := b.connect(r.reads, r.group >= 0); at >= 0 {
			b.out[at].rules = append(b.out[at].rules, i)
		}
	}
	for i := range m.changes {
		if e.Modifiers[i].State == Undecided {
			if at := b.connect(m.changes[i].reads, true); at >= 0 {
				b.out[at].changes = append(b.out[at].changes, i)
			}
		}
	}
	if len(b.out) == 0 {
		return nil, nil, b.exact
	}
	rest = make([]bool, len(m.rules))
	for i := range rest {
		rest[i] = true
	}
	out = slices.DeleteFunc(b.out, func(c component) bool { return len(c.fields) == 0 })
	for i := range out {
		slices.Sort(out[i].fields)
		for _, r := range out[i].rules {
			rest[r] = false
		}
	}
	return out, rest, b.exact
}

// connector builds components.
type connector struct {
	s     *run
	out   []component
	of    map[int]int // field to component
	exact bool
}

// connect puts the missing fields of a rule into one component and returns it;
// -1 if none can be enumerated. Points are those that the range is about.
func (b *connector) connect(in reads, points bool) int {
	at := -1
	for _, f := range in.at {
		if b.s.in.Profile.At(f).Presence() != leadloop.Absent {
			continue
		}
		if !b.s.cells(f).exact {
			b.exact = b.exact && !points
			continue
		}
		other, known := b.of[f]
		switch {
		case known && at >= 0:
			at = b.merge(at, other)
		case known:
			at = other
		default:
			if at < 0 {
				at = len(b.out)
				b.out = append(b.out, component{})
			}
			b.of[f] = at
			b.out[at].fields = append(b.out[at].fields, f)
		}
	}
	return at
}

// merge makes one of two components that meet in a rule.
func (b *connector) merge(i, j int) int {
	if i == j {
		return i
	}
	to, from := &b.out[min(i, j)], &b.out[max(i, j)]
	for _, f := range from.fields {
		b.of[f] = min(i, j)
	}
	to.rules = append(to.rules, from.rules...)
	to.changes = append(to.changes, from.changes...)
	to.fields = append(to.fields, from.fields...)
	*from = component{}
	return min(i, j)
}

// cell are the values of a field that are tried; exact if they are all that
// make a difference.
type cell struct {
	values []leadloop.Value
	exact  bool
	// moves are the rules to ask anew for each moment, because times are
	// compared with it; nil for other kinds.
	moves *rules.Set
}

func (m *Model) cellOf(set *rules.Set, field int) cell {
	def := m.schema.At(field)
	if def.Kind == leadloop.KindTime {
		return cell{moves: set}
	}
	values, exact := set.Cells(def.Name, time.Time{})
	return cell{values: values, exact: exact && m.combinations > 0}
}

// cells returns the values to try for a field.
func (s *run) cells(field int) cell {
	c := s.m.cells[field]
	if c.moves == nil {
		return c
	}
	if at, ok := s.moved[field]; ok {
		return at
	}
	values, exact := c.moves.Cells(s.m.schema.At(field).Name, s.asOf)
	c = cell{values: values, exact: exact && s.m.combinations > 0}
	if s.moved == nil {
		s.moved = map[int]cell{}
	}
	s.moved[field] = c
	return c
}

// combine calls f for every combination of values of the fields, set in p, in
// the order of the cells, until f says no.
func (s *run) combine(p *leadloop.Profile, fields []int, f func() bool) bool {
	if len(fields) == 0 {
		return f()
	}
	name := s.m.schema.At(fields[0]).Name
	for _, v := range s.cells(fields[0]).values {
		if p.SetValue(name, v) != nil {
			continue // a cell always has the field's kind
		}
		if !s.combine(p, fields[1:], f) {
			return false
		}
	}
	return true
}

// over is a run of the same lead with another profile, not yet evaluated.
func (s *run) over(p *leadloop.Profile) *run {
	out := &run{m: s.m, in: s.in, asOf: s.asOf, byType: s.byType, facts: s.facts}
	out.in.Profile, out.facts.Profile = p, p
	return out
}

// try evaluates a component for all values of its fields; false if there are
// too many, so that some fields, those with the most values, stayed missing.
func (s *run) try(ctx context.Context, c component) ([]ending, bool) {
	m := s.m
	fields, n := slices.Clone(c.fields), 1
	slices.SortStableFunc(fields, func(a, b int) int { return len(s.cells(a).values) - len(s.cells(b).values) })
	for i, f := range fields {
		if n *= len(s.cells(f).values); n > m.combinations {
			fields = fields[:i]
			break
		}
	}
	var (
		out  []ending
		key  []byte
		seen = map[string]bool{}
		o    = m.blank()
		p    = s.in.Profile.Clone()
		at   = s.over(p)
	)
	s.combine(p, fields, func() bool {
		at.eval(ctx)
		clear(o.sums)
		o.rejected = never
		for _, i := range c.rules {
			state, points := at.gives(&m.rules[i])
			if state == Failed && s.e.Contributions[i].State != Failed {
				// For these values, which may never come: it counts nothing.
				state, points = NotMatched, bounds{}
			}
			o.add(&m.rules[i], state, points)
		}
		for _, i := range c.changes {
			o.changes[i] = stateOf(at.result(m.changes[i].when))
			if o.changes[i] == Failed {
				o.changes[i] = NotMatched
			}
		}
		if key = o.key(key[:0]); !seen[string(key)] {
			seen[string(key)] = true
			out = append(out, o.clone())
		}
		return ctx.Err() == nil
	})
	return out, len(fields) == len(c.fields)
}

// become makes groups and score of an ending.
func (s *run) become(o *ending) (groups []bounds, score bounds) {
	m := s.m
	groups = make([]bounds, len(m.groups))
	for i, g := range m.groups {
		groups[i] = o.sums[i].within(g.limits)
	}
	score = m.base(groups)
	for i := range m.changes {
		state := o.changes[i]
		if state == "" {
			state = s.e.Modifiers[i].State
		}
		switch state {
		case Matched:
			score = m.changes[i].apply(score)
		case Undecided, Failed:
			score = score.or(m.changes[i].apply(score))
		}
	}
	return groups, score
}

// spread sets the range of groups and score, and the tiers within it.
func (s *run) spread(ctx context.Context) {
	e, t := &s.e, &s.m.tiers
	var endings []ending
	endings, e.RangeExact = s.reach(ctx)
	possible := make([]bool, len(t.names)+1)
	previous := t.previous(s.in.PreviousTier)
	for n := range endings {
		groups, score := s.become(&endings[n])
		if endings[n].rejected != surely && len(t.names) > 0 {
			for rank, ok := range t.possible(score, groups, previous) {
				possible[rank] = possible[rank] || ok
			}
		}
		for i, g := range groups {
			out := &e.Groups[i]
			if n > 0 {
				g = g.or(bounds{out.Low, out.High})
			}
			out.Low, out.High = g.lo, g.hi
		}
		if n > 0 {
			score = score.or(bounds{e.Low, e.High})
		}
		e.Low, e.High = score.lo, score.hi
	}
	e.PossibleTiers = []string{}
	for rank, ok := range possible {
		if ok {
			e.PossibleTiers = append(e.PossibleTiers, t.name(rank))
		}
	}
}

package scoring

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/leadloop/leadloop"
)

// FieldValues are a field and the values of it that are tried, by position. An absent
// value stands for the field staying unknown.
type FieldValues struct {
	Field  string
	Values []leadloop.Value
}

// Free instead of a position says that it can be any.
const Free = -1

// Completer scores leads for many values of the fields that they lack, at a
// small part of what [Model.Verdict] would take for each: what a rule comes to
// for some values is found out once, for all leads if it reads nothing else.
// It is safe for concurrent use.
type Completer struct {
	m       *Model
	axes    []FieldValues
	at      []int // by axis: position in the schema, -1 for a field that the model does not read
	byField []int // by position in the schema: axis, -1
	made    []atomic.Pointer[outcomes]
	pool    sync.Pool
}

// Completion is one lead of a [Completer]. It belongs to one goroutine, until
// End.
type Completion struct {
	c      *Completer
	s      *run
	fields []int // by position of the caller: axis
	of     []int // by axis: position of the caller, -1
	items  []completing
	sums   []leadloop.Points
	groups []bounds
	exact  []leadloop.Points
	states []State // by modifier
	ranks  []bool
	cells  []int
	// Room of Mattering.
	main       int // -1 until somebody asks
	free       []sumsOfField
	ranksOf    []int16
	bits, more []uint64

	sure string // the reason of a disqualification that stands whatever comes
}

// completing is an open rule or modifier of a lead, with what it comes to.
type completing struct {
	rule, change int // one of them is -1
	fields       []int
	*outcomes
}

// outcomes is a table, and what it can come to at all.
type outcomes struct {
	table
	points bounds
	match  certainty
}

// NewCompleter returns a completer for the fields, each once. Fields that the
// model does not read make no difference.
func (m *Model) NewCompleter(axes []FieldValues) (*Completer, error) {
	c := &Completer{m: m, axes: slices.Clone(axes), byField: make([]int, m.schema.Len()), made: make([]atomic.Pointer[outcomes], len(m.pure))}
	for i := range c.byField {
		c.byField[i] = -1
	}
	for i, a := range axes {
		f, ok := m.schema.Index(a.Field)
		if !ok || c.byField[f] >= 0 || len(a.Values) == 0 {
			return nil, fmt.Errorf("scoring: %w: an axis is a field of the schema, each once, with values", leadloop.ErrInvalid)
		}
		def := m.schema.At(f)
		for _, v := range a.Values {
			if v.Presence() != leadloop.Absent && v.Kind() != def.Kind {
				return nil, fmt.Errorf("scoring: %w: axis %s has a value of another kind", leadloop.ErrInvalid, a.Field)
			}
		}
		c.byField[f] = i
		c.at = append(c.at, f)
	}
	c.pool.New = func() any { return &Completion{c: c} }
	return c, nil
}

// Begin evaluates a lead whose fields, given by positions of axes, are absent;
// [Free] instead stands for one that the model does not read. Other fields stay
// as they are. It is nil if completions of this lead can't be
// told from its rules one by one: nothing is known about it, a rule fails, asks
// with has() in a way that depends on other missing fields, or there are too
// many combinations. Then [Model.Verdict] can.
func (c *Completer) Begin(ctx context.Context, in Input, fields []int) (*Completion, error) {
	m := c.m
	s, err := m.begin(ctx, in)
	if err != nil {
		return nil, err
	}
	s.decide(ctx, false)
	s.survey()
	k := c.pool.Get().(*Completion)
	k.s, k.fields, k.items, k.sure = s, append(k.fields[:0], fields...), k.items[:0], s.verdict.Disqualified
	k.main = -1
	k.of = room(k.of, len(c.axes))
	for i := range k.of {
		k.of[i] = -1
	}
	for i, a := range fields {
		if a != Free {
			k.of[a] = i
		}
	}
	ok := s.verdict.Known || k.sure != ""
	s.reach.tries = triesOfCombinations * max(m.combinations, 1)
	k.sums = append(k.sums[:0], s.fixed...)
	for _, i := range s.open {
		r, g := &m.rules[i], &s.given[i]
		it := completing{rule: i, change: -1}
		switch tabled, fits := k.tabulate(ctx, &it, r.reads, r.asks); {
		case !ok:
		case !fits, g.state == Failed, r.asks && r.group < 0: // see the comment on Begin
			ok = false
		case tabled:
			k.items = append(k.items, it)
		case r.group >= 0:
			k.sums[r.group] += g.presumed
		}
	}
	k.states = room(k.states, len(m.changes))
	for i := range m.changes {
		k.states[i] = NotMatched
		if s.applied[i] {
			k.states[i] = Matched
		}
		switch s.changes[i] {
		case Undecided:
		case Failed:
			ok = false
			continue
		default:
			continue
		}
		it := completing{rule: -1, change: i}
		switch tabled, fits := k.tabulate(ctx, &it, m.changes[i].reads, m.changes[i].asks); {
		case !fits:
			ok = false
		case tabled:
			k.items = append(k.items, it)
		}
	}
	if err := stopped(ctx); err != nil || !ok {
		k.End()
		return nil, err
	}
	return k, nil
}

// End gives the completion's room back. It must not be used any more.
func (k *Completion) End() {
	k.s.end()
	k.s = nil
	k.c.pool.Put(k)
}

// tabulate finds what an item comes to for all values of the fields that are
// tried. It is not tabled if it reads none of them, and does not fit if what it
// comes to can't be told.
func (k *Completion) tabulate(ctx context.Context, it *completing, in reads, asks bool) (tabled, fits bool) {
	c, s, m := k.c, k.s, k.c.m
	from := len(s.reach.fields)
	if len(k.items) == 0 {
		s.reach.fields, from = s.reach.fields[:0], 0
	}
	n, whole := 1, true
	for _, f := range in.at {
		if !s.missing(f) {
			whole = false
			continue
		}
		a := c.byField[f]
		if a < 0 || k.of[a] < 0 {
			whole = false
			if asks {
				return false, false
			}
			continue
		}
		s.reach.fields = append(s.reach.fields, k.of[a])
		n *= len(c.axes[a].Values)
	}
	it.fields = s.reach.fields[from:len(s.reach.fields):len(s.reach.fields)]
	switch {
	case len(it.fields) == 0:
		return false, true
	case n > maxTable || n > max(m.combinations, 1):
		return false, false
	}
	number := it.rule
	if it.change >= 0 {
		number = len(m.rules) + it.change
	}
	whole = whole && m.pure[number]
	if whole {
		if it.outcomes = c.made[number].Load(); it.outcomes != nil {
			return true, it.exact
		}
	} else if s.reach.tries -= n; s.reach.tries < 0 {
		return false, false
	}
	it.outcomes = k.try(ctx, it)
	if whole && ctx.Err() == nil {
		c.made[number].Store(it.outcomes)
	}
	return true, it.exact
}

// try evaluates an item for all values of its fields.
func (k *Completion) try(ctx context.Context, it *completing) *outcomes {
	s, c := k.s, k.c
	facts := s.facts
	facts.Profile, facts.Activities = s.scratch(), nil
	one := item{rule: it.rule, change: it.change}
	var b tabler
	sizes := make([]int, len(it.fields))
	var fill func(i int)
	fill = func(i int) {
		if i == len(it.fields) {
			o := s.tryItem(ctx, &one, facts)
			if o.state == Undecided {
				// Something else is missing too: it counts nothing until that is
				// known.
				o = outcome{state: NotMatched}
			}
			b.add(o)
			return
		}
		axis := &c.axes[k.fields[it.fields[i]]]
		sizes[i] = len(axis.Values)
		kind := s.m.schema.At(c.at[k.fields[it.fields[i]]]).Kind
		for _, v := range axis.Values {
			if v.Presence() == leadloop.Absent {
				v = leadloop.NoValue(kind) // which is what it counts as: see decide
			}
			set(facts.Profile, axis.Field, v)
			fill(i + 1)
		}
		set(facts.Profile, axis.Field, leadloop.Value{})
	}
	fill(0)
	t := &outcomes{table: *b.done(sizes), match: surely}
	for i, o := range t.kinds {
		if i == 0 {
			t.points = o.points
		}
		t.points = t.points.or(o.points)
		if o.state == Matched {
			t.match = max(t.match, maybe)
		} else {
			t.match = min(t.match, maybe)
		}
	}
	if !slices.ContainsFunc(t.kinds, func(o outcome) bool { return o.state == Matched }) {
		t.match = never
	}
	return t
}

// Reads reports whether a rule or modifier that is open depends on the field at
// a position of those that Begin was given.
func (k *Completion) Reads(field int) bool {
	return k.sure == "" && slices.ContainsFunc(k.items, func(it completing) bool { return slices.Contains(it.fields, field) })
}

// Span is how far apart the points are that the field can bring about in all
// groups together; for an order in which to try fields.
func (k *Completion) Span(field int) (span leadloop.Points) {
	for _, it := range k.items {
		switch {
		case !slices.Contains(it.fields, field):
		case it.rule >= 0 && k.c.m.rules[it.rule].group >= 0:
			span += it.points.hi - it.points.lo
		default:
			return leadloop.MaxPoints
		}
	}
	return span
}

// Now is the verdict on the lead as it is.
func (k *Completion) Now() Verdict { return k.s.verdict }

// At is the verdict for a value of each field, given by its position among the
// axis's. [Verdict.Held] and [Verdict.DisqualifiedBy] are not filled in.
func (k *Completion) At(values []int) Verdict {
	if k.sure != "" {
		return Verdict{Known: true, Disqualified: k.sure}
	}
	m := k.c.m
	k.exact = append(k.exact[:0], k.sums...)
	for i := range k.items {
		it := &k.items[i]
		at := 0
		for n, f := range it.fields {
			at = at*it.sizes[n] + values[f]
		}
		o := &it.kinds[it.pick[at]]
		switch {
		case it.change >= 0:
			k.states[it.change] = o.state
		case m.rules[it.rule].group >= 0:
			k.exact[m.rules[it.rule].group] += o.points.lo
		case o.state == Matched:
			return Verdict{Known: true, Disqualified: m.rules[it.rule].disqualify}
		}
	}
	for i, g := range k.exact {
		k.exact[i] = clamp(g, m.groups[i].limits)
	}
	points, rank := k.rank()
	return Verdict{Known: true, Points: points, Tier: m.tiers.name(rank)}
}

// Settled is the verdict that all values of the fields that are Free lead to,
// with those that are not; false if there may be several tiers, or the lead may
// be disqualified or not. Points are from v.Points to high.
func (k *Completion) Settled(values []int) (v Verdict, high leadloop.Points, ok bool) {
	if k.sure != "" {
		return Verdict{Known: true, Disqualified: k.sure}, 0, true
	}
	m, s := k.c.m, k.s
	k.groups = room(k.groups, len(m.groups))
	for i, p := range k.sums {
		k.groups[i] = exactly(p)
	}
	rejected, reason := never, ""
	for i := range k.items {
		it := &k.items[i]
		o, match := outcome{points: it.points}, it.match
		if open := slices.ContainsFunc(it.fields, func(f int) bool { return values[f] == Free }); !open {
			k.cells = k.cells[:0]
			for _, f := range it.fields {
				k.cells = append(k.cells, values[f])
			}
			o = it.of(k.cells)
			if match = never; o.state == Matched {
				match = surely
			}
		}
		switch {
		case it.change >= 0:
			k.states[it.change] = [...]State{NotMatched, Undecided, Matched}[match]
		case m.rules[it.rule].group >= 0:
			g := m.rules[it.rule].group
			k.groups[g] = k.groups[g].plus(o.points)
		default:
			if rejected = max(rejected, match); match == surely && reason == "" {
				reason = m.rules[it.rule].disqualify
			}
		}
	}
	if rejected == surely {
		return Verdict{Known: true, Disqualified: reason}, 0, true
	}
	for i := range k.groups {
		k.groups[i] = k.groups[i].within(m.groups[i].limits)
	}
	score := k.base()
	for i := range m.changes {
		switch k.states[i] {
		case Matched:
			score = m.changes[i].apply(score)
		case Undecided:
			score = score.or(m.changes[i].apply(score))
		}
	}
	k.ranks = zeros(k.ranks, len(m.tiers.names)+1)
	if len(m.tiers.names) == 0 {
		k.ranks[0] = true
	} else {
		m.tiers.mark(score, k.groups, m.tiers.previous(s.in.PreviousTier), k.ranks)
	}
	rank := slices.Index(k.ranks, true)
	one := rejected == never && !slices.Contains(k.ranks[rank+1:], true)
	return Verdict{Known: true, Points: score.lo, Tier: m.tiers.name(rank)}, score.hi, one
}

// base is where the score expression can be, for the groups as they are.
func (k *Completion) base() bounds {
	m := k.c.m
	if m.score == nil {
		return m.baseWithin(k.groups)
	}
	k.exact = k.exact[:0]
	for _, g := range k.groups {
		if g.lo != g.hi {
			return m.baseWithin(k.groups)
		}
		k.exact = append(k.exact, g.lo)
	}
	return exactly(m.baseAt(k.exact))
}

// Tiers are those that some values lead to as far as the ranges of groups and
// score tell, from the best to the worst, "" for no tier; none if the lead is
// disqualified in any case.
func (k *Completion) Tiers() []string {
	free := make([]int, len(k.fields))
	for i := range free {
		free[i] = Free
	}
	if v, _, ok := k.Settled(free); ok && v.Disqualified != "" {
		return nil
	}
	var out []string
	for rank, possible := range k.ranks {
		if possible {
			out = append(out, k.c.m.tiers.name(rank))
		}
	}
	return out
}

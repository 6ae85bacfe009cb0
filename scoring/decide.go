package scoring

import (
	"context"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// What a rule of the plainest kind gives (a condition, a constant) is looked up
// for four rules at a time, by the bits that say which of them hold.

// lookup has the sums of up to four rules that add to one group.
type lookup struct {
	word, shift int
	group       int
	sums        [16]leadloop.Points
}

// prepare makes what decide looks at. It follows every change of a model.
func (m *Model) prepare() {
	words := (m.set.Len() + 63) / 64
	m.lookups, m.rest, m.rejecting, m.conditions, m.asking = nil, nil, nil, make([]uint64, words), false
	type place struct{ nibble, group int }
	at := map[place]int{}
	for i := range m.rules {
		r := &m.rules[i]
		m.asking = m.asking || r.asks
		switch {
		case r.group < 0:
			m.rejecting = append(m.rejecting, i)
		case r.asks || r.when < 0 || r.points >= 0 || r.each >= 0:
			m.rest = append(m.rest, i)
		default:
			m.conditions[r.when/64] |= 1 << (r.when % 64)
			p := place{r.when / 4, r.group}
			n, ok := at[p]
			if !ok {
				n = len(m.lookups)
				at[p] = n
				m.lookups = append(m.lookups, lookup{word: r.when / 64, shift: r.when % 64 &^ 3, group: r.group})
			}
			for set := range m.lookups[n].sums {
				if set>>(r.when%4)&1 != 0 {
					m.lookups[n].sums[set] += r.constant
				}
			}
		}
	}
	m.watched = nil
	for i := range m.rules {
		r := &m.rules[i]
		if r.when >= 0 && m.timed[r.when] || r.points >= 0 && m.timed[r.points] || r.each >= 0 {
			m.watched = append(m.watched, i)
		}
	}
	m.value = nil
	if m.score != nil {
		m.value = m.score.compile(m)
	}
}

// asksPresence tells expressions that can hold for what does not exist. All
// others have no value for it.
func asksPresence(text string) bool {
	list := tokens(text)
	for i, t := range list {
		if !t.literal && text[t.start:t.end] == "has" && i+1 < len(list) && strings.HasPrefix(text[list[i+1].start:], "(") {
			return true
		}
	}
	return false
}

// decide finds points, tier and disqualification: what is decided counts, and
// of what is undecided what it would give if nothing that is missing existed.
// That is nothing, but for a rule that asks with has(). So the points are
// always among those that the lead could get. A lead of which nothing is known
// has a tier only if inAnyCase says so.
func (s *run) decide(ctx context.Context, inAnyCase bool) {
	m := s.m
	s.sums, s.fixed = zeros(s.sums, len(m.groups)), room(s.fixed, len(m.groups))
	s.groups, s.applied = room(s.groups, len(m.groups)), room(s.applied, len(m.changes))
	s.given = room(s.given, len(m.rules))
	known := false
	for w, conditions := range m.conditions {
		known = known || s.mask[w]&conditions != 0
	}
	for i := range m.lookups {
		l := &m.lookups[i]
		s.sums[l.group] += l.sums[s.mask[l.word]>>l.shift&15]
	}
	presumes := false
	for _, i := range m.rest {
		r, g := &m.rules[i], &s.given[i]
		if r.each >= 0 {
			s.collect()
		}
		*g = s.gives(r, s.result(r.when), s.result(r.points))
		if g.state == Matched {
			s.sums[r.group] += g.points.lo
			g.one = g.weight.lo
			known = true
		} else if g.state == Undecided && r.asks {
			presumes = true
		}
	}
	copy(s.fixed, s.sums)
	if presumes {
		for _, i := range m.rest {
			r, g := &m.rules[i], &s.given[i]
			if g.state != Undecided || !r.asks {
				continue
			}
			n := s.nothing(ctx)
			if p := n.gives(r, n.result(r.when), n.result(r.points)); p.state == Matched {
				g.presumed, g.one = p.points.lo, p.weight.lo
				s.sums[r.group] += g.presumed
			}
		}
	}
	v := &s.verdict
	*v = Verdict{}
	for _, i := range m.rejecting {
		if r := &m.rules[i]; s.holds(r.when) {
			v.Disqualified, v.DisqualifiedBy = r.disqualify, r.id
			known = true
			break
		}
	}
	for i := range m.groups {
		s.groups[i] = clamp(s.sums[i], m.groups[i].limits)
	}
	s.base = m.baseAt(s.groups)
	points := s.base
	for i := range m.changes {
		c := &m.changes[i]
		if s.applied[i] = s.asOf.Before(c.expires) && s.applies(ctx, c); s.applied[i] {
			points = c.apply(exactly(points)).lo
		}
	}
	v.Known = known || s.anythingKnown()
	if v.Known {
		v.Points = points
	}
	if v.Disqualified == "" && len(m.tiers.names) > 0 && (v.Known || inAnyCase) {
		rank, held := m.tiers.rank(points, s.groups, m.tiers.previous(s.in.PreviousTier))
		v.Tier, v.Held = m.tiers.name(rank), held
	}
}

func (s *run) applies(ctx context.Context, c *modifier) bool {
	if s.holds(c.when) || !c.asks {
		return s.holds(c.when)
	}
	return s.stateAt(c.when) == rules.Undecided && s.nothing(ctx).holds(c.when)
}

// nothing is the lead if nothing that is missing existed.
func (s *run) nothing(ctx context.Context) *run {
	if s.none == nil {
		p := s.in.Profile.Clone()
		for _, f := range s.m.fieldsAt {
			if s.missing(f) {
				def := s.m.schema.At(f)
				set(p, def.Name, leadloop.NoValue(def.Kind))
			}
		}
		s.none = s.over(p)
		s.none.eval(ctx)
		s.none.collect()
	}
	return s.none
}

// set stores a value of the field's own kind, which can't fail.
func set(p *leadloop.Profile, field string, v leadloop.Value) {
	if err := p.SetValue(field, v); err != nil {
		panic("scoring: " + err.Error())
	}
}

// baseAt is the score expression at a point.
func (m *Model) baseAt(groups []leadloop.Points) leadloop.Points {
	if m.value == nil {
		var sum leadloop.Points
		for _, g := range groups {
			sum = clamp(sum+g, representable)
		}
		return sum
	}
	return pointsWithin(m.value.at(groups))
}

// baseWithin is where the score expression can be, for groups within bounds.
func (m *Model) baseWithin(groups []bounds) bounds {
	if m.score == nil {
		var sum bounds
		for _, g := range groups {
			sum = sum.plus(g).within(representable)
		}
		return sum
	}
	s := m.score.bounds(func(name string) span {
		for i := range m.groups {
			if m.groups[i].name == name {
				return span{groups[i].lo.Float(), groups[i].hi.Float()}
			}
		}
		return anything
	})
	return bounds{pointsWithin(s.lo), pointsWithin(s.hi)}
}

// survey notes what is open: which rules are undecided or failed, and the
// states of the modifiers.
func (s *run) survey() {
	m := s.m
	s.open = s.open[:0]
	next := 0
	for i := range m.rules {
		r, g := &m.rules[i], &s.given[i]
		if next < len(m.rest) && m.rest[next] == i {
			next++
			if g.state == Undecided || g.state == Failed {
				s.open = append(s.open, i)
			}
			continue
		}
		if s.holds(r.when) {
			continue
		}
		switch state := s.stateAt(r.when); state {
		case rules.Undecided, rules.Failed:
			*g = given{state: Undecided, weight: r.weight}
			if state == rules.Failed {
				g.state = Failed
			}
			if r.group >= 0 {
				g.points = r.weight.orZero()
			}
			s.open = append(s.open, i)
		}
	}
	s.changes = room(s.changes, len(m.changes))
	for i := range m.changes {
		if c := &m.changes[i]; s.asOf.Before(c.expires) {
			s.changes[i] = s.stateOfCondition(c.when)
		} else {
			s.changes[i] = Expired
		}
	}
}

// apply changes a score, rounding to thousandths. It keeps the order of
// scores, so that bounds stay bounds.
func (c *modifier) apply(b bounds) bounds {
	if c.multiply == nil {
		return b.plus(exactly(c.add)).within(representable)
	}
	return bounds{pointsWithin(b.lo.Float() * *c.multiply), pointsWithin(b.hi.Float() * *c.multiply)}
}

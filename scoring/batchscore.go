package scoring

import (
	"context"
	"math/bits"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// combiner makes scores of what expressions came to. It belongs to one
// goroutine.
type combiner struct {
	rows   [rules.BlockLeads]uint64
	sets   []*rules.LeadBits
	given  givenLeads
	raw    [rules.BlockLeads]leadloop.Points // after the modifiers
	groups []leadloop.Points

	nothing *rules.ColumnExec // for the model last asked for
	of      *batchModel
	absent  rules.ColumnResults
	fresh   *batchBlock // the block that absent is about
	profile *leadloop.Profile
	touched rules.LeadBits // leads to whose sums the last rule gave something
}

// ifNothing are the results if nothing that is missing existed.
func (c *combiner) ifNothing(ctx context.Context, b *batchBlock) expressions {
	if c.of != b.model {
		c.of, c.nothing, c.fresh = b.model, b.model.asking.NewExec(), nil
		c.nothing.Nothing = true
	}
	if c.fresh != b {
		c.nothing.Eval(ctx, b.columns, &c.absent)
		c.fresh = b
	}
	return expressions{b: b, results: &c.absent, at: b.model.askedAt}
}

// all scores a block of which all expressions were evaluated.
func (c *combiner) all(ctx context.Context, b *batchBlock) error {
	p := b.model
	n := b.columns.Len()
	b.sums = room(b.sums, len(p.m.groups))
	for g := range b.sums {
		b.sums[g] = zeros(b.sums[g], n)
	}
	b.scores.model, b.scores.rules = p, room(b.scores.rules, len(p.m.rules))
	c.fresh = nil
	for i := range p.m.rules {
		if r := &p.m.rules[i]; p.plain[i] || r.group < 0 {
			b.scores.rules[i] = b.expressions().leads(r.when)
		} else {
			b.scores.rules[i] = c.rule(ctx, b, i, 1)
		}
	}
	c.plain(b)
	s := b.scores
	s.Points, s.ranks = room(s.Points, n), room(s.ranks, n)
	if len(p.rejecting) > 0 {
		s.rejects = zeros(s.rejects, n)
	} else {
		s.rejects = nil
	}
	if p.span {
		s.Low, s.High = room(s.Low, n), room(s.High, n)
	}
	return c.finish(ctx, b)
}

// plain adds up plain rules.
func (c *combiner) plain(b *batchBlock) {
	p := b.model
	for from := 0; from < len(p.order); from += 64 {
		to := min(from+64, len(p.order))
		c.sets = c.sets[:0]
		some := false
		for _, i := range p.order[from:to] {
			var set *rules.LeadBits
			if i >= 0 {
				set = b.scores.rules[i].Matched
			}
			c.sets = append(c.sets, set)
			some = some || set != nil
		}
		if !some {
			continue
		}
		rules.Rows(c.sets, &c.rows)
		for t := from / 8; t < to/8; t++ {
			sums, table, shift := b.sums[p.groupOf[t]], &p.tables[t], t%8*8
			rows := c.rows[:len(sums)]
			if t+1 < to/8 && p.groupOf[t+1] == p.groupOf[t] {
				next := &p.tables[t+1]
				for i, row := range rows {
					sums[i] += table[uint8(row>>(shift&63))] + next[uint8(row>>((shift+8)&63))]
				}
				t++
				continue
			}
			for i, row := range rows {
				sums[i] += table[uint8(row>>(shift&63))]
			}
		}
	}
}

// finish makes points and tiers of all sums.
func (c *combiner) finish(ctx context.Context, b *batchBlock) error {
	p, s := b.model, b.scores
	c.know(b)
	c.reject(b)
	n := b.columns.Len()
	c.bases(b, c.raw[:n])
	for i := range p.m.changes {
		if m := &p.m.changes[i]; !p.expired[i] {
			applied := c.applied(ctx, b, i)
			for w, in := range applied {
				for ; in != 0; in &= in - 1 {
					k := w*64 + bits.TrailingZeros64(in)
					c.raw[k] = m.at(c.raw[k])
				}
			}
		}
	}
	s.held = rules.LeadBits{}
	t := &p.m.tiers
	if b.previous == nil && t.cells == nil {
		c.band(b, c.raw[:n])
	} else {
		for i := range n {
			c.rank(b, i, c.raw[i])
		}
	}
	c.settle(b)
	if p.span {
		if err := c.spans(ctx, b); err != nil {
			return err
		}
	}
	return c.odd(ctx, b)
}

// know finds the leads of which anything is known.
func (c *combiner) know(b *batchBlock) {
	m, s := b.model.m, b.scores
	s.known = rules.LeadBits{}
	b.columns.Known(m.fields, m.types, &s.known)
	if s.known == b.columns.Regular() {
		return
	}
	for i := range s.rules {
		if set := s.rules[i].Matched; set != nil {
			for w := range set {
				s.known[w] |= set[w]
			}
		}
	}
}

// reject finds the first rule that disqualifies each lead.
func (c *combiner) reject(b *batchBlock) {
	s := b.scores
	if s.rejects == nil {
		return
	}
	clear(s.rejects)
	for k := len(b.model.rejecting) - 1; k >= 0; k-- {
		i := b.model.rejecting[k]
		if set := s.rules[i].Matched; set != nil {
			for w, in := range set {
				for ; in != 0; in &= in - 1 {
					s.rejects[w*64+bits.TrailingZeros64(in)] = uint16(i + 1)
				}
			}
		}
	}
}

// bases computes the base scores.
func (c *combiner) bases(b *batchBlock, out []leadloop.Points) {
	m := b.model.m
	if m.value == nil {
		for g := range m.groups {
			limits, sums := m.groups[g].limits, b.sums[g][:len(out)]
			if g == 0 {
				for i, sum := range sums {
					out[i] = clamp(clamp(sum, limits), representable)
				}
				continue
			}
			for i, sum := range sums {
				out[i] = clamp(out[i]+clamp(sum, limits), representable)
			}
		}
		if len(m.groups) == 0 {
			clear(out)
		}
		return
	}
	for i := range out {
		out[i] = c.base(b, i)
	}
}

// base is the base score of one lead, and leaves its groups in c.groups.
func (c *combiner) base(b *batchBlock, i int) leadloop.Points {
	m := b.model.m
	c.limited(b, i)
	return m.baseAt(c.groups)
}

func (c *combiner) limited(b *batchBlock, i int) {
	m := b.model.m
	c.groups = room(c.groups, len(m.groups))
	for g := range m.groups {
		c.groups[g] = clamp(b.sums[g][i], m.groups[g].limits)
	}
}

// applied are the leads that a modifier in force applies to.
func (c *combiner) applied(ctx context.Context, b *batchBlock, i int) rules.LeadBits {
	m := &b.model.m.changes[i]
	when := b.expressions().leads(m.when)
	var out rules.LeadBits
	if when.Matched != nil {
		out = *when.Matched
	}
	if m.asks && when.Undecided != nil {
		if also := c.ifNothing(ctx, b).leads(m.when).Matched; also != nil {
			for w := range out {
				out[w] |= also[w] & when.Undecided[w]
			}
		}
	}
	return out
}

// band finds tiers by threshold for leads without a stored tier.
func (c *combiner) band(b *batchBlock, points []leadloop.Points) {
	t := &b.model.m.tiers
	ranks := b.scores.ranks[:len(points)]
	from := t.from
	if n := len(from); n > 0 && from[n-1] <= 0 {
		from = from[:n-1] // the last takes the rest
	}
	for i, p := range points {
		rank := 0
		for _, edge := range from {
			below := 0
			if p < edge {
				below = 1
			}
			rank += below
		}
		ranks[i] = uint16(rank)
	}
}

// rank finds the tier of one lead.
func (c *combiner) rank(b *batchBlock, i int, points leadloop.Points) {
	t, previous := &b.model.m.tiers, -1
	if b.previous != nil {
		previous = t.previous(b.previous[i])
	}
	if t.cells != nil {
		c.limited(b, i)
	}
	rank, held := t.rank(points, c.groups, previous)
	b.scores.ranks[i] = uint16(rank)
	b.scores.held[i/64] &^= 1 << (i % 64)
	if held {
		b.scores.held.Add(i)
	}
}

// settle gives points to leads that have a score, and no tier to leads that
// have none or are disqualified.
func (c *combiner) settle(b *batchBlock) {
	s, none := b.scores, uint16(len(b.model.m.tiers.names))
	copy(s.Points, c.raw[:len(s.Points)])
	in := b.columns.Regular()
	if s.known != in {
		for i := range s.Points {
			if !s.known.Has(i) {
				s.Points[i], s.ranks[i] = 0, none
				s.held[i/64] &^= 1 << (i % 64)
			}
		}
	}
	for i, by := range s.rejects {
		if by > 0 {
			s.ranks[i] = none
			s.held[i/64] &^= 1 << (i % 64)
		}
	}
}

// spans finds what scores could become.
func (c *combiner) spans(ctx context.Context, b *batchBlock) error {
	p, s := b.model, b.scores
	var open rules.LeadBits
	add := func(r ruleLeads) {
		for _, set := range []*rules.LeadBits{r.Undecided, r.Failed} {
			if set != nil {
				for w := range set {
					open[w] |= set[w]
				}
			}
		}
	}
	for i := range s.rules {
		add(s.rules[i])
	}
	for i := range p.m.changes {
		if !p.expired[i] {
			add(b.expressions().leads(p.m.changes[i].when))
		}
	}
	copy(s.Low, c.raw[:len(s.Low)])
	copy(s.High, c.raw[:len(s.High)])
	if c.profile == nil {
		c.profile = p.m.schema.NewProfile()
	}
	for w, in := range open {
		for ; in != 0; in &= in - 1 {
			i := w*64 + bits.TrailingZeros64(in)
			score, err := p.m.Score(ctx, b.input(i, c.profile))
			if err != nil {
				return errBatch(s.First+i, err)
			}
			s.Low[i], s.High[i] = score.Low, score.High
		}
	}
	return nil
}

// input is a lead as the single path takes it.
func (b *batchBlock) input(i int, p *leadloop.Profile) Input {
	f := b.columns.Facts(i, p)
	in := Input{Profile: f.Profile, Activities: f.Activities, AsOf: b.model.asOf}
	if b.previous != nil {
		in.PreviousTier = b.previous[i]
	}
	return in
}

// odd scores the leads that columns can't hold.
func (c *combiner) odd(ctx context.Context, b *batchBlock) error {
	s, m, regular := b.scores, b.model.m, b.columns.Regular()
	if regular.Len() == b.columns.Len() {
		return nil
	}
	for i := range s.Points {
		if regular.Has(i) {
			continue
		}
		e, err := m.Explain(ctx, b.input(i, nil))
		if err != nil {
			return errBatch(s.First+i, err)
		}
		s.Points[i], s.ranks[i] = e.Points, uint16(len(m.tiers.names))
		if at := m.tiers.previous(e.Tier); e.Tier != "" {
			s.ranks[i] = uint16(at)
		}
		s.known[i/64] &^= 1 << (i % 64)
		s.held[i/64] &^= 1 << (i % 64)
		if s.rejects != nil {
			s.rejects[i] = 0
		}
		if e.Known {
			s.known.Add(i)
		}
		if e.Held {
			s.held.Add(i)
		}
		if s.Low != nil {
			s.Low[i], s.High[i] = e.Low, e.High
		}
		for k := range e.Contributions {
			contribution := &e.Contributions[k]
			if contribution.Rule == e.DisqualifiedBy && s.rejects != nil {
				s.rejects[i] = uint16(k + 1)
			}
			s.rules[k].set(i, contribution.State)
		}
	}
	return nil
}

// set puts a lead into the set of a state. Sets can be those of an expression,
// which says nothing of leads that are not regular; another rule may share it.
func (r *ruleLeads) set(i int, state State) {
	for _, s := range []struct {
		set   **rules.LeadBits
		state State
	}{{&r.Matched, Matched}, {&r.Undecided, Undecided}, {&r.NoValue, NoValue}, {&r.Failed, Failed}} {
		if (*s.set).Has(i) == (state == s.state) {
			continue
		}
		next := new(rules.LeadBits)
		if *s.set != nil {
			*next = **s.set
		}
		next[i/64] ^= 1 << (i % 64)
		*s.set = next
	}
}

// at is apply for points that are known.
func (c *modifier) at(p leadloop.Points) leadloop.Points {
	if c.multiply == nil {
		return clamp(p+c.add, representable)
	}
	return pointsWithin(p.Float() * *c.multiply)
}

package scoring

import (
	"context"
	"math/bits"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// transition is what changes from one model to another.
type transition struct {
	from, to *batchModel
	// states says for each expression which one before was the same, or -1.
	states []int
	fresh  []int // expressions that are evaluated
	set    *rules.ColumnSet
	// inPlace: all other expressions are where they were.
	inPlace bool

	same           []int    // for each rule the one that it was before, or -1
	moved          bool     // some rules are not where they were
	removed, added []int    // rules
	altered        [][2]int // plain rules of the same points, before and after
	// whole: all is put together again. every: the points of every lead are.
	whole, every bool
	// changed: modifiers are others, not only their conditions.
	changed bool
}

func newTransition(from, to *batchModel) (*transition, error) {
	t := &transition{from: from, to: to}
	later := !from.asOf.Equal(to.asOf)
	known := map[string]int{}
	for i := range from.m.set.Len() {
		known[from.source(i)] = i
	}
	t.inPlace = from.m.set.Len() == to.m.set.Len()
	for i := range to.m.set.Len() {
		at, ok := known[to.source(i)]
		if ok && i < from.m.set.Len() && from.source(i) == to.source(i) {
			at = i // rather than another one of the same text
		}
		if !ok || later && to.m.set.Inputs(i).Now {
			at = -1
			t.fresh = append(t.fresh, i)
		}
		t.states = append(t.states, at)
		t.inPlace = t.inPlace && (at < 0 || at == i)
	}
	var err error
	if t.set, err = to.m.set.Columns(to.layout, to.asOf, t.fresh); err != nil {
		return nil, err
	}
	t.pair(later)
	a, b := from.m, to.m
	t.whole = to.span || !slices.EqualFunc(a.groups, b.groups, func(g, h group) bool { return g.name == h.name }) ||
		len(t.added)+len(t.removed)+2*len(t.altered) > max(2, len(b.rules)/2)
	t.every = a.formula != b.formula || !slices.EqualFunc(a.groups, b.groups, func(g, h group) bool { return g.limits == h.limits }) || !a.tiers.equal(&b.tiers)
	t.changed = !slices.EqualFunc(a.changes, b.changes, func(c, d modifier) bool {
		return c.add == d.add && (c.multiply == nil) == (d.multiply == nil) && (c.multiply == nil || *c.multiply == *d.multiply)
	})
	return t, nil
}

func (t *tiers) equal(u *tiers) bool {
	return slices.Equal(t.names, u.names) && t.hysteresis == u.hysteresis && slices.Equal(t.from, u.from) &&
		t.rows.group == u.rows.group && slices.Equal(t.rows.from, u.rows.from) &&
		t.columns.group == u.columns.group && slices.Equal(t.columns.from, u.columns.from) &&
		slices.EqualFunc(t.cells, u.cells, slices.Equal)
}

// pair finds the rules that stay, and of the others those that only ask
// something else.
func (t *transition) pair(later bool) {
	from, to := t.from, t.to
	left := map[string][]int{}
	for i := range from.m.rules {
		left[from.gives(i)] = append(left[from.gives(i)], i)
	}
	stays := make([]bool, len(from.m.rules))
	for i := range to.m.rules {
		r := &to.m.rules[i]
		key, at := to.gives(i), -1
		anew := func(expr int) bool { return expr >= 0 && t.states[expr] < 0 }
		if list := left[key]; len(list) > 0 && !anew(r.when) && !anew(r.points) && !(later && r.each >= 0) {
			at, left[key] = list[0], list[1:]
			stays[at] = true
		}
		t.same = append(t.same, at)
	}
	t.moved = len(from.m.rules) != len(to.m.rules)
	for i, at := range t.same {
		t.moved = t.moved || at >= 0 && at != i
	}
	before := map[string]int{}
	for i := range from.m.rules {
		if !stays[i] {
			before[from.m.rules[i].id] = i
		}
	}
	for i, at := range t.same {
		if at >= 0 {
			continue
		}
		r := &to.m.rules[i]
		if k, ok := before[r.id]; ok && from.plain[k] && to.plain[i] && from.m.rules[k].group == r.group && from.m.rules[k].constant == r.constant {
			t.altered = append(t.altered, [2]int{k, i})
			stays[k] = true
			continue
		}
		t.added = append(t.added, i)
	}
	for i := range from.m.rules {
		if !stays[i] {
			t.removed = append(t.removed, i)
		}
	}
}

// mover takes blocks from one model to another. It belongs to one goroutine.
type mover struct {
	t        *transition
	exec     *rules.ColumnExec
	fresh    rules.ColumnResults
	old, now combiner
	before   batchBlock // the block as it was
	was      rules.ColumnResults
	points   [rules.BlockLeads]leadloop.Points
	ranks    [rules.BlockLeads]uint16
	rejects  [rules.BlockLeads]uint16
	applied  []rules.LeadBits
	// moves are by the rank before, then by the one after.
	moves []moved
	leads int // with another score
}

// moved counts leads that went from one tier to another, or stayed.
type moved struct {
	change TierChange
	other  bool
	n      int
}

func newMover(t *transition) *mover {
	w := &mover{t: t, exec: t.set.NewExec()}
	from, to := &t.from.m.tiers, &t.to.m.tiers
	for i := range len(from.names) + 1 {
		for k := range len(to.names) + 1 {
			c := TierChange{from.name(i), to.name(k)}
			w.moves = append(w.moves, moved{change: c, other: c.From != c.To})
		}
	}
	return w
}

func (w *mover) move(ctx context.Context, b *batchBlock) (BatchChanges, error) {
	t, s := w.t, b.scores
	if len(t.fresh) > 0 {
		w.exec.Eval(ctx, b.columns, &w.fresh)
	}
	if ctx.Err() != nil {
		return BatchChanges{}, nil // each tells
	}
	w.old.fresh = nil
	w.before = batchBlock{columns: b.columns, model: t.from, previous: b.previous, states: b.states, sums: b.sums}
	rulesBefore := s.rules
	w.states(b)
	b.model, s.model = t.to, t.to
	if t.whole {
		n := copy(w.points[:], s.Points)
		copy(w.ranks[:], s.ranks)
		err := w.now.all(ctx, b)
		return w.compare(b, n), err
	}
	if t.moved {
		s.rules = make([]ruleLeads, len(t.to.m.rules))
		for i, at := range t.same {
			if at >= 0 {
				s.rules[i] = rulesBefore[at]
			}
		}
	}
	return w.touch(ctx, b, &w.before)
}

// states puts the results of expressions where the model has them.
func (w *mover) states(b *batchBlock) {
	t := w.t
	if !t.inPlace {
		n := len(t.states)
		next := rules.ColumnResults{
			True: make([]*rules.LeadBits, n), Undecided: make([]*rules.LeadBits, n), NoValue: make([]*rules.LeadBits, n),
			Failed: make([]*rules.LeadBits, n), Values: make([][]float64, n),
		}
		for i, at := range t.states {
			if at >= 0 {
				next.True[i], next.Undecided[i], next.NoValue[i] = b.states.True[at], b.states.Undecided[at], b.states.NoValue[at]
				next.Failed[i], next.Values[i] = b.states.Failed[at], b.states.Values[at]
			}
		}
		b.states = next
	} else if len(t.fresh) > 0 {
		// What was there is asked for until the end.
		was, is := &w.was, &b.states
		was.True, was.Undecided, was.NoValue = append(was.True[:0], is.True...), append(was.Undecided[:0], is.Undecided...), append(was.NoValue[:0], is.NoValue...)
		was.Failed, was.Values = append(was.Failed[:0], is.Failed...), append(was.Values[:0], is.Values...)
		w.before.states = *was
	}
	for k, i := range t.fresh {
		b.states.True[i], b.states.Undecided[i], b.states.NoValue[i] = w.fresh.True[k], w.fresh.Undecided[k], w.fresh.NoValue[k]
		b.states.Failed[i], b.states.Values[i] = w.fresh.Failed[k], w.fresh.Values[k]
	}
}

// touch changes the sums by what rules give that came, went or changed, and
// scores the leads again whose sums, modifiers or disqualifications changed.
func (w *mover) touch(ctx context.Context, b, before *batchBlock) (BatchChanges, error) {
	t, s, in := w.t, b.scores, b.columns.Regular()
	var dirty rules.LeadBits
	add := func(block *batchBlock, c *combiner, i int, sign leadloop.Points) ruleLeads {
		r := &block.model.m.rules[i]
		if r.group < 0 {
			return block.expressions().leads(r.when)
		}
		if block.model.plain[i] {
			leads := block.expressions().leads(r.when)
			if leads.Matched != nil {
				sums := b.sums[r.group]
				for w, set := range leads.Matched {
					dirty[w] |= set
					for ; set != 0; set &= set - 1 {
						sums[w*64+bits.TrailingZeros64(set)] += sign * r.constant
					}
				}
			}
			return leads
		}
		leads := c.rule(ctx, block, i, sign)
		for w := range dirty {
			dirty[w] |= c.touched[w]
		}
		return leads
	}
	for _, i := range t.removed {
		add(before, &w.old, i, -1)
	}
	for _, i := range t.added {
		s.rules[i] = add(b, &w.now, i, 1)
	}
	for _, pair := range t.altered {
		r := &t.to.m.rules[pair[1]]
		was, is := before.expressions().leads(t.from.m.rules[pair[0]].when), b.expressions().leads(r.when)
		s.rules[pair[1]] = is
		sums := b.sums[r.group]
		for w := range dirty {
			changed := (at(was.Matched, w) ^ at(is.Matched, w)) & in[w]
			dirty[w] |= changed
			for ; changed != 0; changed &= changed - 1 {
				k := bits.TrailingZeros64(changed)
				if at(is.Matched, w)>>k&1 != 0 {
					sums[w*64+k] += r.constant
				} else {
					sums[w*64+k] -= r.constant
				}
			}
		}
	}
	known := s.known
	w.now.know(b)
	for w := range dirty {
		dirty[w] |= known[w] ^ s.known[w]
	}
	w.modifiers(ctx, b, before, &dirty)
	w.rejecting(b, &dirty)
	if t.every {
		dirty = in
	}
	for w := range dirty {
		dirty[w] &= in[w]
	}
	if n := dirty.Len(); n > len(s.Points)/3 {
		n := copy(w.points[:], s.Points)
		copy(w.ranks[:], s.ranks)
		err := w.now.finish(ctx, b)
		return w.compare(b, n), err
	}
	w.again(b, &dirty)
	if in.Len() < len(s.Points) {
		copy(w.points[:], s.Points)
		copy(w.ranks[:], s.ranks)
		if err := w.now.odd(ctx, b); err != nil {
			return w.changes(), err
		}
		for i := range s.Points {
			if !in.Has(i) {
				w.change(w.points[i], w.ranks[i], b, i)
			}
		}
	}
	return w.changes(), nil
}

func at(set *rules.LeadBits, w int) uint64 {
	if set == nil {
		return 0
	}
	return set[w]
}

// modifiers finds the leads to which other modifiers apply.
func (w *mover) modifiers(ctx context.Context, b, before *batchBlock, dirty *rules.LeadBits) {
	t := w.t
	w.applied = w.applied[:0]
	for i := range t.to.m.changes {
		var set rules.LeadBits
		if !t.to.expired[i] {
			set = w.now.applied(ctx, b, i)
		}
		w.applied = append(w.applied, set)
	}
	for i := range max(len(t.to.m.changes), len(t.from.m.changes)) {
		var was, is rules.LeadBits
		if i < len(t.from.m.changes) && !t.from.expired[i] {
			was = w.old.applied(ctx, before, i)
		}
		if i < len(w.applied) {
			is = w.applied[i]
		}
		for k := range dirty {
			if t.changed {
				dirty[k] |= was[k] | is[k]
			} else {
				dirty[k] |= was[k] ^ is[k]
			}
		}
	}
}

// rejecting finds the leads that another rule disqualifies.
func (w *mover) rejecting(b *batchBlock, dirty *rules.LeadBits) {
	s := b.scores
	if s.rejects == nil && len(w.t.to.rejecting) == 0 {
		return
	}
	if s.rejects == nil {
		s.rejects = make([]uint16, len(s.Points))
	}
	n := copy(w.rejects[:], s.rejects)
	w.now.reject(b)
	for i, by := range w.rejects[:n] {
		if s.rejects[i] != by {
			dirty.Add(i)
		}
	}
}

// again scores leads.
func (w *mover) again(b *batchBlock, dirty *rules.LeadBits) {
	s, m, none := b.scores, b.model.m, uint16(len(b.model.m.tiers.names))
	oneGroup, byPoints := m.value == nil && len(m.groups) == 1, b.previous == nil && m.tiers.cells == nil
	for word, set := range dirty {
		for ; set != 0; set &= set - 1 {
			i, bit := word*64+bits.TrailingZeros64(set), set&-set
			points, tier := s.Points[i], s.ranks[i]
			var p leadloop.Points
			if oneGroup {
				p = clamp(clamp(b.sums[0][i], m.groups[0].limits), representable)
			} else {
				p = w.now.base(b, i)
			}
			for k := range w.applied {
				if w.applied[k][word]&bit != 0 {
					p = m.changes[k].at(p)
				}
			}
			if byPoints {
				s.ranks[i] = uint16(band(m.tiers.from, p))
			} else {
				w.now.rank(b, i, p)
			}
			s.Points[i] = p
			if s.known[word]&bit == 0 {
				s.Points[i], s.ranks[i] = 0, none
				s.held[word] &^= bit
			} else if s.rejects != nil && s.rejects[i] > 0 {
				s.ranks[i] = none
				s.held[word] &^= bit
			}
			if points != s.Points[i] || tier != s.ranks[i] || w.t.every {
				w.change(points, tier, b, i)
			}
		}
	}
}

// change notes what became of a lead.
func (w *mover) change(points leadloop.Points, rank uint16, b *batchBlock, i int) {
	s := b.scores
	k := int(rank)*(len(w.t.to.m.tiers.names)+1) + int(s.ranks[i])
	if !w.moves[k].other && points == s.Points[i] {
		return
	}
	w.leads++
	w.moves[k].n++
}

// changes are what was noted of a block.
func (w *mover) changes() (out BatchChanges) {
	out.Leads, w.leads = w.leads, 0
	for i := range w.moves {
		if m := &w.moves[i]; m.n > 0 {
			if m.other {
				out.tier(m.change, m.n)
			}
			m.n = 0
		}
	}
	return out
}

// compare notes what became of all leads.
func (w *mover) compare(b *batchBlock, n int) BatchChanges {
	for i := range n {
		w.change(w.points[i], w.ranks[i], b, i)
	}
	return w.changes()
}

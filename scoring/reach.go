package scoring

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/leadloop/leadloop"
)

// DefaultCombinations is how many combinations of missing values are tried
// unless [Options.Combinations] says otherwise.
const DefaultCombinations = 4096

// What a score can still become is found by trying. The values of a field fall
// into cells within which no condition changes (see rules.Set.Cells), so one
// value of each is enough.
//
//   - A rule is tried only for the values of its own missing fields, and only
//     once for all leads if it reads nothing else (tables.go).
//   - Rules that share no missing field don't influence each other. They fall
//     apart into components, each of which comes to some sums, in a few
//     branches if modifiers or disqualifications depend on it too.
//   - The sums of components add up to a set of sums (sumset.go), and the range
//     and the tiers are found by halving that set where it makes a difference
//     (spread.go).
//
// So bands that exclude each other are never added up.

// branch is something that the missing inputs can make of a lead.
type branch struct {
	sums     []bounds // by group, before its limits
	changes  []State  // by modifier; empty: as it is without them
	rejected certainty
	// more has, by group, what comes on top of sums; nil for nothing.
	more []sumset
}

// certainty is how sure a disqualification is.
type certainty uint8

const (
	never certainty = iota
	maybe
	surely
)

func (m *Model) blank() branch {
	return branch{sums: make([]bounds, len(m.groups)), changes: make([]State, len(m.changes))}
}

// key tells branches apart by all but what comes on top.
func (b *branch) key(to []byte) []byte {
	for _, s := range b.sums {
		to = binary.AppendVarint(to, int64(s.lo))
		to = binary.AppendVarint(to, int64(s.hi))
	}
	for _, s := range b.changes {
		to = append(to, s...)
		to = append(to, 0)
	}
	return append(to, byte(b.rejected))
}

func (b *branch) clone() branch {
	return branch{slices.Clone(b.sums), slices.Clone(b.changes), b.rejected, slices.Clone(b.more)}
}

// add adds what a rule or modifier comes to.
func (b *branch) add(m *Model, it *item, o outcome) {
	if it.change >= 0 {
		b.changes[it.change] = o.state
		return
	}
	r := &m.rules[it.rule]
	switch {
	case r.group >= 0:
		b.sums[r.group] = b.sums[r.group].plus(o.points)
	case o.state == Matched:
		b.rejected = surely
	case o.state == Undecided || o.state == Failed:
		b.rejected = max(b.rejected, maybe)
	}
}

// join adds what components come to that share no missing field; false if the
// sums span too much.
func (b *branch) join(c *branch, work *int) bool {
	for i := range b.sums {
		b.sums[i] = b.sums[i].plus(c.sums[i])
	}
	for i, s := range c.changes {
		if s != "" {
			b.changes[i] = s
		}
	}
	b.rejected = max(b.rejected, c.rejected)
	if b.more == nil && c.more != nil {
		b.more = make([]sumset, len(c.more))
	}
	for i := range c.more {
		if c.more[i].lo == 0 && c.more[i].hi == 0 {
			continue
		}
		var ok bool
		if b.more[i], ok = b.more[i].plus(&c.more[i], work); !ok {
			return false
		}
	}
	return true
}

// whole is one outer bound of several branches.
func whole(branches []branch) branch {
	out := branches[0].clone()
	for i := range out.sums {
		for n, b := range branches {
			sum := b.sums[i]
			if b.more != nil {
				sum = sum.plus(bounds{b.more[i].lo, b.more[i].hi})
			}
			if n > 0 {
				sum = sum.or(out.sums[i])
			}
			out.sums[i] = sum
		}
	}
	for _, b := range branches {
		for i, state := range b.changes {
			if state != out.changes[i] {
				out.changes[i] = Undecided
			}
		}
		if b.rejected != out.rejected {
			out.rejected = maybe
		}
	}
	out.more = nil
	return out
}

// item is an open rule or modifier with the missing fields that are tried.
type item struct {
	rule, change int // one of them is -1
	fields       []int
	table        *table
}

// component are items that hang together by their fields.
type component struct {
	items  []item
	fields []int // positions in the schema, ascending
}

// triesOfCombinations is how many times Options.Combinations all rules together
// may be tried for one lead.
const triesOfCombinations = 4

// reach is room for finding components.
type reach struct {
	items  []item
	fields []int // of items
	of     []int // by field: its component, -1
	unit   []leadloop.Points
	sums   []leadloop.Points
	// work is what is left for sums (see maxWork), tries for values that are
	// tried for this lead alone.
	work, tries int
}

// branches finds what the missing inputs can make of the lead; false if
// something could not be tried, and stands as an outer bound.
func (s *run) branches(ctx context.Context) (out []branch, exact bool) {
	m := s.m
	start := m.blank()
	for i, p := range s.fixed {
		start.sums[i] = exactly(p)
	}
	if s.verdict.Disqualified != "" {
		start.rejected = surely
	}
	items, exact := s.items(ctx, &start)
	if len(items) == 0 {
		return []branch{start}, exact
	}
	unit := zeros(s.reach.unit, len(m.groups))
	s.reach.unit = unit
	for i := range items {
		if r := items[i].rule; r >= 0 && m.rules[r].group >= 0 {
			g := m.rules[r].group
			unit[g] = divisor(unit[g], items[i].table.unit)
		}
	}
	out = []branch{start}
	s.reach.work = m.work
	work := &s.reach.work
	for _, c := range components(items, &s.reach) {
		if group, set, ok := s.tryOne(c); ok {
			if s.common(out, group, &set) {
				continue
			}
		}
		options, all := s.try(c)
		exact = exact && all
		joint := product(out, options, m.combinations, work)
		if joint == nil {
			exact = false
			if joint = product(out, []branch{whole(options)}, len(out), work); joint == nil {
				joint = product([]branch{whole(out)}, []branch{whole(options)}, 1, work)
			}
		}
		out = joint
	}
	return out, exact
}

// product combines what is independent; nil if that is more than limit.
func product(a, b []branch, limit int, work *int) []branch {
	if len(a)*len(b) > limit {
		return nil
	}
	out := make([]branch, 0, len(a)*len(b))
	for i := range a {
		for j := range b {
			joint := a[i].clone()
			if !joint.join(&b[j], work) {
				return nil
			}
			out = append(out, joint)
		}
	}
	return out
}

// items are the open rules and modifiers that can be tried. Those that can't
// are added to the branch that all start from.
func (s *run) items(ctx context.Context, start *branch) (items []item, exact bool) {
	m := s.m
	items, exact = s.reach.items[:0], true
	s.reach.fields, s.reach.tries = s.reach.fields[:0], triesOfCombinations*m.combinations
	for _, i := range s.open {
		r, g := &m.rules[i], &s.given[i]
		it := item{rule: i, change: -1}
		if s.undecided(r.when) || s.undecided(r.points) {
			// Whether a lead is disqualified makes no difference to its points.
			all := s.tabulate(ctx, &it, r.reads)
			exact = exact && (all || r.group < 0)
		}
		if it.table == nil {
			start.add(m, &it, outcome{g.state, g.points})
			continue
		}
		items = append(items, it)
	}
	for i, state := range s.changes {
		if state != Undecided {
			continue
		}
		it := item{rule: -1, change: i}
		exact = s.tabulate(ctx, &it, m.changes[i].reads) && exact
		if it.table != nil {
			items = append(items, it)
		}
	}
	s.reach.items = items
	return items, exact
}

// components puts items together that share a field.
func components(items []item, room *reach) []component {
	var out []component
	top := 0
	for i := range items {
		for _, f := range items[i].fields {
			top = max(top, f+1)
		}
	}
	for len(room.of) < top {
		room.of = append(room.of, 0)
	}
	for i := range room.of {
		room.of[i] = -1
	}
	for _, it := range items {
		at := -1
		for _, f := range it.fields {
			switch other := room.of[f]; {
			case other >= 0 && at >= 0 && other != at:
				to, from := min(at, other), max(at, other)
				for _, g := range out[from].fields {
					room.of[g] = to
				}
				out[to].items = append(out[to].items, out[from].items...)
				out[to].fields = append(out[to].fields, out[from].fields...)
				out[from] = component{}
				at = to
			case other >= 0:
				at = other
			default:
				if at < 0 {
					at = len(out)
					out = append(out, component{})
				}
				room.of[f] = at
				out[at].fields = append(out[at].fields, f)
			}
		}
		out[at].items = append(out[at].items, it)
	}
	out = slices.DeleteFunc(out, func(c component) bool { return len(c.items) == 0 })
	for i := range out {
		slices.Sort(out[i].fields)
	}
	return out
}

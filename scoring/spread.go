package scoring

import (
	"context"

	"github.com/leadloop/leadloop"
)

// maxHalvings bounds the search for the range and the tiers within it. It is
// far beyond what models take whose score rises with its groups; where it does
// not suffice the range is an outer bound.
const maxHalvings = 1 << 14

// spread finds the range of groups and score, and the tiers within it.
func (s *run) spread(ctx context.Context) {
	m := s.m
	s.possible = zeros(s.possible, len(m.tiers.names)+1)
	s.ranges = room(s.ranges, len(m.groups))
	if s.isClosed() {
		s.certain()
		return
	}
	branches, exact := s.branches(ctx)
	x := explorer{s: s, left: m.halvings, exact: exact, previous: m.tiers.previous(s.in.PreviousTier)}
	x.ranks, x.groups = make([]bool, len(s.possible)), make([]bounds, len(m.groups))
	for i := range branches {
		x.branch(&branches[i], i == 0)
	}
	s.low, s.high, s.exact = x.score.lo, x.score.hi, x.exact
}

// isClosed tells that nothing can come but what is there.
func (s *run) isClosed() bool {
	if len(s.open) > 0 {
		return false
	}
	for _, state := range s.changes {
		if state == Undecided || state == Failed {
			return false
		}
	}
	return true
}

// certain is the range of a lead of which everything is decided.
func (s *run) certain() {
	m := s.m
	points := s.base
	for i, g := range s.groups {
		s.ranges[i] = exactly(g)
	}
	for i := range m.changes {
		if s.applied[i] {
			points = m.changes[i].apply(exactly(points)).lo
		}
	}
	s.low, s.high, s.exact = points, points, true
	if len(m.tiers.names) > 0 && s.verdict.Disqualified == "" {
		rank, _ := m.tiers.rank(points, s.groups, m.tiers.previous(s.in.PreviousTier))
		s.possible[rank] = true
	}
}

// explorer finds the least and the greatest score, and all tiers, of some
// branches. Where groups lie between two sums so does the score, and where that
// brings nothing new nobody needs to look closer; else the sums are halved.
type explorer struct {
	s        *run
	b        *branch
	groups   []bounds // of the stretch in question
	ranks    []bool
	score    bounds // found so far
	began    bool
	previous int
	left     int
	exact    bool
}

func (x *explorer) branch(b *branch, first bool) {
	s := x.s
	x.b = b
	stretch := make([]bounds, len(b.sums))
	for i := range b.sums {
		if b.more != nil {
			stretch[i] = bounds{b.more[i].lo, b.more[i].hi}
		}
	}
	// The ends first: the score mostly rises from one to the other.
	lowest, highest := make([]bounds, len(stretch)), make([]bounds, len(stretch))
	for i, b := range stretch {
		lowest[i], highest[i] = exactly(b.lo), exactly(b.hi)
	}
	x.take(lowest)
	x.take(highest)
	for i := range stretch {
		sum := b.sums[i].plus(stretch[i]).within(s.m.groups[i].limits)
		if first {
			s.ranges[i] = sum
		} else {
			s.ranges[i] = s.ranges[i].or(sum)
		}
	}
	x.explore(stretch)
}

// reach is the score of a stretch.
func (x *explorer) reach(stretch []bounds) bounds {
	m, s := x.s.m, x.s
	for i := range stretch {
		x.groups[i] = x.b.sums[i].plus(stretch[i]).within(m.groups[i].limits)
	}
	score := m.baseWithin(x.groups)
	for i := range m.changes {
		state := x.b.changes[i]
		if state == "" {
			state = s.changes[i]
		}
		switch state {
		case Matched:
			score = m.changes[i].apply(score)
		case Undecided, Failed:
			score = score.or(m.changes[i].apply(score))
		}
	}
	return score
}

// take counts a stretch in.
func (x *explorer) take(stretch []bounds) {
	score := x.reach(stretch)
	found := score
	if x.began {
		score = score.or(x.score)
	}
	x.began, x.score = true, score
	if x.b.rejected != surely && len(x.s.m.tiers.names) > 0 {
		x.s.m.tiers.mark(found, x.groups, x.previous, x.s.possible)
	}
}

// explore takes whatever is new in a stretch.
func (x *explorer) explore(stretch []bounds) {
	wide, width := -1, leadloop.Points(0)
	for i, b := range stretch {
		if d := b.hi - b.lo; d > width {
			wide, width = i, d
		}
	}
	if wide < 0 {
		x.take(stretch)
		return
	}
	score := x.reach(stretch)
	if score.lo >= x.score.lo && score.hi <= x.score.hi && !x.brings(score) {
		return
	}
	if x.left--; x.left < 0 {
		x.exact = false
		x.take(stretch)
		return
	}
	all := stretch[wide]
	set := &x.b.more[wide]
	middle := all.lo + width/2
	for _, half := range [2]bounds{{all.lo, set.below(middle)}, {set.above(middle + 1), all.hi}} {
		stretch[wide] = half
		x.explore(stretch)
	}
	stretch[wide] = all
}

// brings tells whether a tier within a stretch was not seen yet.
func (x *explorer) brings(score bounds) bool {
	if x.b.rejected == surely || len(x.s.m.tiers.names) == 0 {
		return false
	}
	clear(x.ranks)
	x.s.m.tiers.mark(score, x.groups, x.previous, x.ranks)
	for rank, ok := range x.ranks {
		if ok && !x.s.possible[rank] {
			return true
		}
	}
	return false
}

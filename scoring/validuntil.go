package scoring

import (
	"math"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// jump notes an instant at which the score can change at once.
func (s *run) jump(at time.Time) {
	at = at.Round(0).UTC()
	if at.After(s.asOf) && (s.until.IsZero() || at.Before(s.until)) {
		s.until = at
	}
}

// ruleEdge notes the next instant at which an expression can change.
func (s *run) ruleEdge(i int) {
	if i < 0 || !s.m.timed[i] {
		return
	}
	if at, _ := s.m.set.NextChangeOne(s.facts, i); !at.IsZero() {
		s.jump(at)
	}
}

// edges notes when a rule's expressions can change; while the condition does
// not hold, its points make no difference.
func (s *run) edges(r *rule, when rules.Result) {
	s.ruleEdge(r.when)
	if when.State == rules.NoValue || when.State == rules.Decided && !when.Value.Bool() {
		return
	}
	s.ruleEdge(r.points)
}

// validUntil is the next jump, or before it the first instant at which fading
// points change the tier.
func (s *run) validUntil() {
	e := &s.e
	if len(s.fading) > 0 && e.Known && e.Disqualified == "" && len(s.m.tiers.names) > 0 {
		s.crossing()
	}
	e.ValidUntil = s.until
}

// searchSteps bounds the search for a change of tier. Each level of halving
// takes two steps, so that a search that does not go astray ends long before;
// one that does gives up early, which is sound.
const searchSteps = 1000

// crossing finds the first instant before the next jump at which the tier
// changes because points fade. Over a stretch of time each activity's points
// lie between those at its ends, and so do groups, score and tiers: a stretch
// on which only one tier is possible has no change in it.
func (s *run) crossing() {
	horizon := time.Duration(0)
	for _, f := range s.fading {
		settled := f.decay.settled(f.points)
		age := s.asOf.Sub(f.at) // negative in the future
		if age >= settled {
			continue
		}
		if left := settled - age; left > horizon {
			horizon = left
		} else if left < 0 { // beyond what a duration can hold
			horizon = math.MaxInt64
		}
	}
	if !s.until.IsZero() {
		horizon = min(horizon, s.until.Sub(s.asOf)-1)
	}
	c := crossing{s: s, fixed: make([]leadloop.Points, len(s.m.groups)), groups: make([]bounds, len(s.m.groups))}
	for i := range c.fixed {
		c.fixed[i] = s.e.Groups[i].Sum
	}
	for _, f := range s.fading {
		c.fixed[f.group] -= f.decay.at(f.points, ageAt(f.at, s.asOf))
	}
	c.tier = s.m.tiers.previous(s.e.Tier)
	if c.tier < 0 {
		c.tier = len(s.m.tiers.names)
	}
	if at, ok := c.first(0, horizon); ok {
		s.jump(s.asOf.Add(at))
	}
}

type crossing struct {
	s      *run
	fixed  []leadloop.Points // what does not fade
	groups []bounds
	tier   int // rank now
	steps  int
}

// first returns the first moment in (from, to], counted from now, at which the
// tier is another one, given that it is not at from.
func (c *crossing) first(from, to time.Duration) (time.Duration, bool) {
	if from >= to || c.only(from, to) {
		return 0, false
	}
	if to-from == 1 {
		return to, !c.only(to, to)
	}
	if c.steps++; c.steps > searchSteps {
		return max(from, time.Nanosecond), true
	}
	middle := from + (to-from)/2
	if at, ok := c.first(from, middle); ok {
		return at, true
	}
	return c.first(middle, to)
}

// only reports whether no other tier is possible from one moment to another.
func (c *crossing) only(from, to time.Duration) bool {
	m, s := c.s.m, c.s
	for i, p := range c.fixed {
		c.groups[i] = exactly(p)
	}
	for _, f := range s.fading {
		a := f.decay.at(f.points, ageAt(f.at, s.asOf.Add(from)))
		b := f.decay.at(f.points, ageAt(f.at, s.asOf.Add(to)))
		c.groups[f.group] = c.groups[f.group].plus(exactly(a).or(exactly(b)))
	}
	for i := range c.groups {
		c.groups[i] = c.groups[i].within(m.groups[i].limits)
	}
	score := m.base(c.groups)
	for i := range m.changes {
		if s.e.Modifiers[i].State == Matched {
			score = m.changes[i].apply(score)
		}
	}
	// The tier is stored by then, so that its own hysteresis holds it.
	stored := c.tier
	if stored == len(m.tiers.names) {
		stored = -1
	}
	for rank, possible := range m.tiers.possible(score, c.groups, stored) {
		if possible && rank != c.tier {
			return false
		}
	}
	return true
}

package scoring

import (
	"math"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// jump notes an instant at which the score can change at once; one after the
// year 9999 is never.
func (s *run) jump(at time.Time) {
	at = at.Round(0).UTC()
	if writable(at) && at.After(s.asOf) && (s.until.IsZero() || at.Before(s.until)) {
		s.until = at
	}
}

// nextChange is the next instant at which an expression can change, the zero
// time for never.
func (s *run) nextChange(i int) time.Time {
	if i < 0 || !s.m.timed[i] {
		return time.Time{}
	}
	set := s.m.set
	if p := s.m.patch; p != nil && p.at == i {
		set, i = p.set, 0
	}
	at, _ := set.NextChangeOne(s.facts, i)
	return at
}

// fading are activities whose points change continuously.
type fading struct {
	group  int
	points leadloop.Points
	at     time.Time
	decay  decay
}

// watch finds out when the score can change by itself: at the next jump, or
// before it when fading points change the tier.
func (s *run) watch() {
	m := s.m
	if len(m.watched) > 0 {
		s.collect()
	}
	for _, i := range m.watched {
		r := &m.rules[i]
		if r.each < 0 && r.awaits && !s.happened(r.reads.types) {
			continue
		}
		s.jump(s.nextChange(r.when))
		// While the condition does not hold, the rest makes no difference.
		if state := s.stateAt(r.when); state == rules.NoValue || state == rules.Decided && !s.holds(r.when) {
			continue
		}
		s.jump(s.nextChange(r.points))
		if r.each >= 0 {
			s.fade(r, &s.given[i])
		}
	}
	for i := range m.changes {
		c := &m.changes[i]
		if s.changes[i] == Expired {
			continue
		}
		if at := s.nextChange(c.when); at.Before(c.expires) {
			s.jump(at)
		}
		switch s.changes[i] {
		case Matched, Undecided, Failed:
			s.jump(c.expires)
		}
	}
	if v := &s.verdict; len(s.fading) > 0 && v.Known && v.Disqualified == "" && len(m.tiers.names) > 0 {
		s.crossing()
	}
}

// happened tells whether there is an activity of any of the types.
func (s *run) happened(types []int) bool {
	return slices.ContainsFunc(types, func(t int) bool { return len(s.byType[t]) > 0 })
}

// awaitsActivity tells expressions that only change by themselves if there are
// activities of the types that they name: what never happened gets no older.
func awaitsActivity(text string) bool {
	return !slices.ContainsFunc(tokens(text), func(t token) bool {
		word := text[t.start:t.end]
		return !t.literal && (word == "now" || word == "activities")
	})
}

// fade notes when the activities that count jump, and those that fade
// continuously.
func (s *run) fade(r *rule, g *given) {
	if g.state == NotMatched || g.state == NoValue {
		return
	}
	counted := 0
	for _, i := range s.byType[r.each] {
		at := s.in.Activities[i].At
		age := ageAt(at, s.asOf)
		if r.decay.at(g.weight.lo, age) == 0 && r.decay.at(g.weight.hi, age) == 0 {
			continue
		}
		if edge, ok := r.decay.nextEdge(age); ok {
			s.jump(at.Add(edge))
		}
		if r.decay.continuous() && g.one != 0 {
			s.fading = append(s.fading, fading{r.group, g.one, at, r.decay})
		}
		if counted++; counted == r.max {
			break
		}
	}
}

// searchSteps bounds the search for a change of tier. While all points fade
// one way it takes a step for each of at most 63 halvings; points that rise and
// fall at once can take many. A search that runs out gives up where it is,
// which is sound: nothing changes before.
const searchSteps = 4000

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
	c := crossing{s: s, fixed: slices.Clone(s.sums), groups: make([]bounds, len(s.m.groups)), ranks: make([]bool, len(s.m.tiers.names)+1)}
	for _, f := range s.fading {
		c.fixed[f.group] -= f.decay.at(f.points, ageAt(f.at, s.asOf))
	}
	c.tier = s.m.tiers.previous(s.verdict.Tier)
	if c.tier < 0 {
		c.tier = len(s.m.tiers.names)
	}
	from, to := c.at(0), c.at(horizon)
	if horizon <= 0 || c.only(from, to) {
		return
	}
	if after, ok := c.first(from, to); ok {
		s.jump(s.asOf.Add(after))
	}
}

type crossing struct {
	s      *run
	fixed  []leadloop.Points // by group: what does not fade
	groups []bounds
	ranks  []bool
	room   []bounds
	tier   int // rank now
	steps  int
}

// instant is what is left of fading points at a moment, counted from now. The
// positive ones of a group only fall and the negative ones only rise.
type instant struct {
	after time.Duration
	sums  []bounds // by group: the sum of the negative and of the positive ones
}

func (c *crossing) at(after time.Duration) instant {
	from := len(c.room)
	for range c.fixed {
		c.room = append(c.room, bounds{})
	}
	out := instant{after, c.room[from:len(c.room):len(c.room)]}
	t := c.s.asOf.Add(after)
	for i := range c.s.fading {
		f := &c.s.fading[i]
		p := f.decay.at(f.points, ageAt(f.at, t))
		sum := &out.sums[f.group]
		*sum = bounds{sum.lo + min(p, 0), sum.hi + max(p, 0)}
	}
	return out
}

// first returns the first moment after from, up to to, at which the tier is
// another one, given that it is not at from and that others are possible
// somewhere between.
func (c *crossing) first(from, to instant) (time.Duration, bool) {
	if to.after-from.after == 1 {
		return to.after, !c.only(to, to)
	}
	if c.steps++; c.steps > searchSteps {
		return max(from.after, time.Nanosecond), true
	}
	middle := c.at(from.after + (to.after-from.after)/2)
	if !c.only(from, middle) {
		if after, ok := c.first(from, middle); ok {
			return after, true
		}
		if c.only(middle, to) {
			return 0, false
		}
	}
	return c.first(middle, to)
}

// only reports whether no other tier is possible from one moment to another.
func (c *crossing) only(from, to instant) bool {
	m, s := c.s.m, c.s
	for i, p := range c.fixed {
		b := bounds{p + to.sums[i].hi + from.sums[i].lo, p + from.sums[i].hi + to.sums[i].lo}
		c.groups[i] = b.within(m.groups[i].limits)
	}
	score := m.baseWithin(c.groups)
	for i := range m.changes {
		if s.applied[i] {
			score = m.changes[i].apply(score)
		}
	}
	// The tier is stored by then, so that its own hysteresis holds it.
	stored := c.tier
	if stored == len(m.tiers.names) {
		stored = -1
	}
	clear(c.ranks)
	m.tiers.mark(score, c.groups, stored, c.ranks)
	c.ranks[c.tier] = false
	return !slices.Contains(c.ranks, true)
}

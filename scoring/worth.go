package scoring

import (
	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// stateOf translates the state of an expression; a condition that is false is
// NotMatched, a value is Matched.
func stateOf(r rules.Result) State {
	switch {
	case r.State == rules.Undecided:
		return Undecided
	case r.State == rules.NoValue:
		return NoValue
	case r.State == rules.Failed:
		return Failed
	case r.Value.Kind() == leadloop.KindBool && !r.Value.Bool():
		return NotMatched
	}
	return Matched
}

// worth is what a rule comes to before activities are counted, and what one
// match of it gives: the constant, the value, or, if that is not known,
// anything the expression can give.
func (r *rule) worth(when, weight rules.Result) (State, bounds) {
	gate := stateOf(when)
	if r.group < 0 || gate == NotMatched || gate == NoValue {
		return gate, bounds{}
	}
	if r.points < 0 {
		return gate, r.weight
	}
	value, points := stateOf(weight), r.weight
	if value == Matched {
		if p, ok := leadloop.PointsOf(weight.Value.Float()); ok {
			points = exactly(p)
		} else {
			value = Failed
		}
	}
	if gate == Matched || value == Failed || value == NoValue {
		gate = value
	}
	return gate, points
}

// gives is what a rule comes to and where its points can be, without the
// reasons. Activities must have been collected for a rule that counts them.
func (s *run) gives(r *rule, when, weight rules.Result) given {
	state, one := r.worth(when, weight)
	g := given{state: state, weight: one, points: one}
	if r.group < 0 || state == NotMatched || state == NoValue {
		return given{state: state}
	}
	if r.each >= 0 {
		var some bool
		if g.points, some = s.remaining(r, one); !some && state != Failed {
			// Nothing has happened, so that nothing depends on the condition.
			return given{state: NotMatched}
		}
	}
	if state != Matched {
		g.points = g.points.orZero()
	}
	return g
}

// remaining is what the activities that count leave of a weight; false if none
// leaves anything.
func (s *run) remaining(r *rule, weight bounds) (sum bounds, some bool) {
	counted := 0
	for _, i := range s.byType[r.each] {
		age := ageAt(s.in.Activities[i].At, s.asOf)
		left := bounds{r.decay.at(weight.lo, age), r.decay.at(weight.hi, age)}
		if left == (bounds{}) {
			continue
		}
		sum, some = sum.plus(left).within(representable), true
		if counted++; counted == r.max {
			break
		}
	}
	return sum, some
}

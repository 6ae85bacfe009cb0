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
func (s *run) worth(r *rule, when, weight rules.Result) (State, bounds) {
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
// reasons.
func (s *run) gives(r *rule) (State, bounds) {
	state, points := s.worth(r, s.result(r.when), s.result(r.points))
	if r.group < 0 || state == NotMatched || state == NoValue {
		return state, bounds{}
	}
	if r.each >= 0 {
		sum, some := s.remaining(r, points)
		if !some && state != Failed {
			return NotMatched, bounds{}
		}
		points = sum
	}
	if state != Matched {
		points = points.orZero()
	}
	return state, points
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

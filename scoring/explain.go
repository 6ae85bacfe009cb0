package scoring

import (
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// writer makes the explanation of a run that has found everything else out.
type writer struct {
	s      *run
	e      Explanation
	fields []FieldUsed // backs all contributions
}

func (s *run) explain() Explanation {
	m, v := s.m, &s.verdict
	s.collect()
	w := writer{s: s, fields: make([]FieldUsed, 0, m.readCount)}
	w.e = Explanation{
		Model: m.name, Version: m.version, Digest: m.digest, AsOf: s.asOf, PreviousTier: s.in.PreviousTier, Formula: m.formula,
		Known: v.Known, Points: v.Points, Low: s.low, High: s.high, RangeExact: s.exact,
		Tier: v.Tier, Held: v.Held, Disqualified: v.Disqualified, DisqualifiedBy: v.DisqualifiedBy,
		Contributions: make([]Contribution, len(m.rules)),
		Groups:        make([]GroupSum, len(m.groups)),
		Base:          s.base,
		Modifiers:     make([]Adjustment, len(m.changes)),
		PossibleTiers: []string{}, Needs: s.needs(), ValidUntil: s.until,
	}
	e := &w.e
	for i := range m.rules {
		w.contribution(i, &e.Contributions[i])
	}
	for i, g := range m.groups {
		out := &e.Groups[i]
		*out = GroupSum{
			Group: g.name, Sum: s.sums[i], Points: s.groups[i], Min: g.min, Max: g.max, Low: s.ranges[i].lo, High: s.ranges[i].hi,
		}
		switch {
		case out.Sum > out.Points:
			out.Limited = "max"
		case out.Sum < out.Points:
			out.Limited = "min"
		}
	}
	w.modify()
	for rank, ok := range s.possible {
		if ok {
			e.PossibleTiers = append(e.PossibleTiers, m.tiers.name(rank))
		}
	}
	return w.e
}

func (w *writer) contribution(i int, c *Contribution) {
	s, r := w.s, &w.s.m.rules[i]
	*c = Contribution{
		Rule: r.id, Group: r.groupName, Description: r.description, When: r.whenText, Each: r.eachType,
		Weight: r.pointsText, Disqualifies: r.disqualify,
		Fields: w.fieldsUsed(r.reads), Activities: w.activitiesUsed(r.reads),
	}
	when, weight := s.result(r.when), s.result(r.points)
	g := s.gives(r, when, weight)
	if c.State = g.state; c.State == NoValue || c.State == NotMatched {
		if state, _ := r.worth(when, weight); r.each >= 0 && state != NotMatched && state != NoValue {
			w.occurrences(r, c, given{state: state})
		}
		return
	}
	note(when, c)
	if r.group < 0 {
		return
	}
	if r.points >= 0 && note(weight, c) == Matched {
		if _, ok := leadloop.PointsOf(weight.Value.Float()); !ok {
			c.Error = "points: not a number up to a billion"
		}
	}
	if r.each >= 0 {
		g.one = s.given[i].one
		w.occurrences(r, c, g)
	}
	c.Low, c.High = g.points.lo, g.points.hi
	switch c.State {
	case Matched:
		c.Points = g.points.lo
	case Undecided:
		if r.asks {
			c.Points = s.given[i].presumed
		}
	}
}

// note is stateOf, and notes in c what is missing or went wrong.
func note(r rules.Result, c *Contribution) State {
	state := stateOf(r)
	switch state {
	case Undecided:
		c.Needs = append(c.Needs, r.Needs...)
	case Failed:
		c.Error = r.Err.Error()
	}
	return state
}

// occurrences fills c with the activities of an each-rule. All have the same
// weight and fade alike, so the most recent ones are those with the most
// points.
func (w *writer) occurrences(r *rule, c *Contribution, g given) {
	counted := 0
	for _, i := range w.s.byType[r.each] {
		a := &w.s.in.Activities[i]
		age := ageAt(a.At, w.s.asOf)
		left := bounds{r.decay.at(g.weight.lo, age), r.decay.at(g.weight.hi, age)}
		if left == (bounds{}) {
			c.Faded++
			continue
		}
		o := Occurrence{ID: a.ID, At: shown(a.At), Age: Age(age), Dropped: r.max > 0 && counted == r.max}
		o.Points = r.decay.at(g.one, age)
		if !o.Dropped {
			counted++
		}
		c.Occurrences = append(c.Occurrences, o)
	}
}

// fieldsUsed are the fields with their values and where those come from.
func (w *writer) fieldsUsed(in reads) []FieldUsed {
	if len(in.fields) == 0 {
		return nil
	}
	start := len(w.fields)
	for i, name := range in.fields {
		f := FieldUsed{Field: name, Value: w.s.in.Profile.At(in.at[i])}
		if claim, ok := w.s.in.Profile.Provenance(name); ok {
			f.Origin, f.Source = claim.Origin.String(), claim.Source
			if f.At = shown(claim.EffectiveAt()); !f.At.IsZero() {
				f.Age = Age(ageAt(f.At, w.s.asOf))
			}
		}
		w.fields = append(w.fields, f)
	}
	return w.fields[start:len(w.fields):len(w.fields)]
}

func (w *writer) activitiesUsed(in reads) []ActivityUsed {
	var out []ActivityUsed
	for _, t := range in.types {
		a := ActivityUsed{Type: w.s.m.types[t], Count: len(w.s.byType[t])}
		if a.Count > 0 {
			last := w.s.in.Activities[w.s.byType[t][0]].At
			a.Last, a.Age = shown(last), Age(ageAt(last, w.s.asOf))
		}
		out = append(out, a)
	}
	return out
}

// modify tells what the modifiers did, in order.
func (w *writer) modify() {
	s, e := w.s, &w.e
	score := e.Base
	for i := range s.m.changes {
		c, a := &s.m.changes[i], &e.Modifiers[i]
		*a = Adjustment{
			Modifier: c.id, Description: c.description, When: c.whenText, State: s.changes[i], Before: score, After: score,
			Multiply: c.multiply, Owner: c.owner, Expires: c.expires,
			Fields: w.fieldsUsed(c.reads), Activities: w.activitiesUsed(c.reads),
		}
		if c.multiply == nil {
			add := c.add
			a.Add = &add
		}
		if a.State == Expired {
			continue
		}
		var told Contribution
		note(s.result(c.when), &told)
		a.Needs, a.Error = slices.Clip(told.Needs), told.Error
		if s.applied[i] {
			score = c.apply(exactly(score)).lo
			a.After = score
		}
	}
}

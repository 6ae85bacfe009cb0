package scoring

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// Input is one lead at one moment. It is only read.
type Input struct {
	// Profile must have the model's schema.
	Profile *leadloop.Profile
	// Activities in any order, each once.
	Activities []leadloop.Activity
	// AsOf is the moment of the score; required.
	AsOf time.Time
	// PreviousTier is the tier that is stored for the lead, which hysteresis
	// holds on to; empty, or one that the model does not have, means none.
	PreviousTier string
}

// Score scores one lead: what [Explanation.Score] says, without the reasons. It
// fails as [Model.Explain] does.
func (m *Model) Score(ctx context.Context, in Input) (leadloop.Score, error) {
	e, err := m.Explain(ctx, in)
	return e.Score(), err
}

// Explain scores one lead with every reason for the score. It fails only if the
// input can't be scored at all (an error that wraps [leadloop.ErrInvalid]) or
// ctx is done; a rule that fails is part of the explanation. It is safe for
// concurrent use.
func (m *Model) Explain(ctx context.Context, in Input) (Explanation, error) {
	s, err := m.begin(ctx, in)
	if err != nil {
		return Explanation{}, err
	}
	return s.e, nil
}

// begin scores a lead and returns the run, for questions about it.
func (m *Model) begin(ctx context.Context, in Input) (*run, error) {
	switch {
	case in.Profile == nil:
		return nil, fmt.Errorf("scoring: %w: no profile", leadloop.ErrInvalid)
	case !sameSchema(in.Profile.Schema(), m.schema):
		return nil, fmt.Errorf("scoring: %w: the profile has another schema than the model", leadloop.ErrInvalid)
	case in.AsOf.IsZero():
		return nil, fmt.Errorf("scoring: %w: no moment to score at", leadloop.ErrInvalid)
	case !writable(in.AsOf):
		return nil, fmt.Errorf("scoring: %w: the moment is outside the years 1 to 9999", leadloop.ErrInvalid)
	}
	s := &run{m: m, in: in, asOf: in.AsOf.Round(0).UTC()}
	s.facts = rules.Facts{Profile: in.Profile, Activities: in.Activities, Now: s.asOf}
	s.eval(ctx)
	s.collect()
	s.explain(ctx)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("scoring: %w", context.Cause(ctx))
	}
	return s, nil
}

func (s *run) eval(ctx context.Context) {
	s.m.set.Eval(ctx, s.facts, &s.results)
	if p := s.m.patch; p != nil {
		s.patched = p.set.EvalOne(ctx, s.facts, 0)
	}
}

// writable tells times that JSON can write and rules can compute with.
func writable(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 1 && y <= 9999
}

// shown is a time as the explanation writes it: zero for one that no calendar
// has, so that a wild time in somebody's data does not keep a lead from being
// scored.
func shown(t time.Time) time.Time {
	if !writable(t) {
		return time.Time{}
	}
	return t.Round(0).UTC()
}

func sameSchema(a, b *leadloop.Schema) bool {
	if a == b {
		return true
	}
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if a.At(i) != b.At(i) {
			return false
		}
	}
	return true
}

// run is one scoring in progress.
type run struct {
	m       *Model
	in      Input
	asOf    time.Time
	facts   rules.Facts
	results rules.Results
	patched rules.Result

	// byType holds, for each of Model.types, the positions in Activities, the
	// most recent first.
	byType [][]int
	fields []FieldUsed // backs all contributions

	e      Explanation
	groups []leadloop.Points // after limits
	moved  map[int]cell      // cells of times at this moment, by field
	// fading are the counted activities of matched rules whose points change
	// continuously.
	fading []fading
	until  time.Time // earliest instant of a jump
}

type fading struct {
	group  int
	points leadloop.Points
	at     time.Time
	decay  decay
}

func (s *run) collect() {
	s.byType = make([][]int, len(s.m.types))
	if len(s.m.types) == 0 {
		return
	}
	for i := range s.in.Activities {
		if t := slices.Index(s.m.types, s.in.Activities[i].Type); t >= 0 {
			s.byType[t] = append(s.byType[t], i)
		}
	}
	for _, list := range s.byType {
		slices.SortStableFunc(list, func(a, b int) int {
			x, y := &s.in.Activities[a], &s.in.Activities[b]
			if c := y.At.Compare(x.At); c != 0 {
				return c
			}
			return strings.Compare(x.ID, y.ID)
		})
	}
}

// result of an expression; absent ones are decided.
func (s *run) result(i int) rules.Result {
	if i < 0 {
		return rules.Result{State: rules.Decided, Value: leadloop.ValueOf(true)}
	}
	if s.m.patch != nil && s.m.patch.at == i {
		return s.patched
	}
	return s.results.At(i)
}

func (s *run) explain(ctx context.Context) {
	m := s.m
	s.fields = make([]FieldUsed, 0, m.readCount)
	s.e = Explanation{
		Model: m.name, Version: m.version, Digest: m.digest, AsOf: s.asOf,
		PreviousTier: s.in.PreviousTier, Formula: m.formula,
		Contributions: make([]Contribution, len(m.rules)),
		Groups:        make([]GroupSum, len(m.groups)),
		Modifiers:     make([]Adjustment, len(m.changes)),
		Needs:         []string{},
	}
	e := &s.e
	s.groups = make([]leadloop.Points, len(m.groups))
	for i := range m.rules {
		r, c := &m.rules[i], &e.Contributions[i]
		s.contribution(r, c) //nolint:contextcheck // rules.Set.NextChangeOne takes no context: it is arithmetic on constants
		e.Known = e.Known || c.State == Matched
		e.Needs = append(e.Needs, c.Needs...)
		if r.group >= 0 {
			e.Groups[r.group].Sum += c.Points
		} else if c.State == Matched && e.Disqualified == "" {
			e.Disqualified, e.DisqualifiedBy = r.disqualify, r.id
		}
	}
	for i, g := range m.groups {
		out := &e.Groups[i]
		s.groups[i] = clamp(out.Sum, g.limits)
		out.Group, out.Min, out.Max, out.Points = g.name, g.min, g.max, s.groups[i]
		switch {
		case out.Sum > out.Points:
			out.Limited = "max"
		case out.Sum < out.Points:
			out.Limited = "min"
		}
	}
	e.Base = m.base(pointwise(s.groups)).lo
	s.modify() //nolint:contextcheck // as above
	e.Known = e.Known || s.anythingKnown()
	s.spread(ctx)
	s.tier()
	s.validUntil()
	if e.Disqualified != "" {
		e.Needs = []string{}
	}
	slices.Sort(e.Needs)
	e.Needs = slices.Compact(e.Needs)
}

func pointwise(groups []leadloop.Points) []bounds {
	out := make([]bounds, len(groups))
	for i, p := range groups {
		out[i] = exactly(p)
	}
	return out
}

// anythingKnown tells whether any input of the model is known to be there or
// known to be missing.
func (s *run) anythingKnown() bool {
	for _, name := range s.m.fields {
		if s.in.Profile.Value(name).Presence() != leadloop.Absent {
			return true
		}
	}
	return slices.ContainsFunc(s.byType, func(list []int) bool { return len(list) > 0 })
}

// base is the score expression over groups within bounds.
func (m *Model) base(groups []bounds) bounds {
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

func (s *run) contribution(r *rule, c *Contribution) {
	*c = Contribution{
		Rule: r.id, Group: r.groupName, Description: r.description, When: r.whenText, Each: r.eachType,
		Weight: r.pointsText, Disqualifies: r.disqualify,
		Fields: s.fieldsUsed(r.reads), Activities: s.activitiesUsed(r.reads),
	}
	when, weight := s.result(r.when), s.result(r.points)
	s.edges(r, when)
	state, points := s.worth(r, when, weight)
	if c.State = state; state == NotMatched || state == NoValue {
		return
	}
	outcome(when, c)
	if r.group < 0 {
		return
	}
	if r.points >= 0 && outcome(weight, c) == Matched {
		if _, ok := leadloop.PointsOf(weight.Value.Float()); !ok {
			c.Error = "points: not a number up to a billion"
		}
	}
	if r.each >= 0 {
		points = s.occurrences(r, c, points, state)
		if len(c.Occurrences) == 0 && state != Failed {
			// Nothing has happened, so that nothing depends on the condition.
			c.State, c.Needs = NotMatched, nil
			return
		}
	}
	switch state {
	case Matched:
		c.Points = points.lo
		c.Low, c.High = c.Points, c.Points
	case Undecided, Failed:
		points = points.orZero()
		c.Low, c.High = points.lo, points.hi
	}
}

// outcome is stateOf, and notes in c what is missing or went wrong.
func outcome(r rules.Result, c *Contribution) State {
	state := stateOf(r)
	switch state {
	case Undecided:
		c.Needs = append(c.Needs, r.Needs...)
	case Failed:
		c.Error = r.Err.Error()
	}
	return state
}

// occurrences fills c with the activities of an each-rule and returns the sum
// of those that count. All have the same weight and fade alike, so the most
// recent ones are those with the most points.
func (s *run) occurrences(r *rule, c *Contribution, weight bounds, state State) bounds {
	var sum bounds
	counted := 0
	for _, i := range s.byType[r.each] {
		a := &s.in.Activities[i]
		age := ageAt(a.At, s.asOf)
		left := bounds{r.decay.at(weight.lo, age), r.decay.at(weight.hi, age)}
		if left == (bounds{}) {
			c.Faded++
			continue
		}
		o := Occurrence{ID: a.ID, At: shown(a.At), Age: Age(age), Dropped: r.max > 0 && counted == r.max}
		if state == Matched {
			o.Points = left.lo
		}
		if !o.Dropped {
			counted++
			sum = sum.plus(left).within(representable)
			if edge, ok := r.decay.nextEdge(age); ok {
				s.jump(a.At.Add(edge))
			}
			if state == Matched && r.decay.continuous() {
				s.fading = append(s.fading, fading{r.group, weight.lo, a.At, r.decay})
			}
		}
		c.Occurrences = append(c.Occurrences, o)
	}
	return sum
}

// fieldsUsed are the fields with their values and where those come from.
func (s *run) fieldsUsed(in reads) []FieldUsed {
	if len(in.fields) == 0 {
		return nil
	}
	start := len(s.fields)
	for i, name := range in.fields {
		f := FieldUsed{Field: name, Value: s.in.Profile.At(in.at[i])}
		if claim, ok := s.in.Profile.Provenance(name); ok {
			f.Origin, f.Source = claim.Origin.String(), claim.Source
			if f.At = shown(claim.EffectiveAt()); !f.At.IsZero() {
				f.Age = Age(ageAt(f.At, s.asOf))
			}
		}
		s.fields = append(s.fields, f)
	}
	return s.fields[start:len(s.fields):len(s.fields)]
}

func (s *run) activitiesUsed(in reads) []ActivityUsed {
	var out []ActivityUsed
	for _, t := range in.types {
		a := ActivityUsed{Type: s.m.types[t], Count: len(s.byType[t])}
		if a.Count > 0 {
			last := s.in.Activities[s.byType[t][0]].At
			a.Last, a.Age = shown(last), Age(ageAt(last, s.asOf))
		}
		out = append(out, a)
	}
	return out
}

// modify applies the modifiers in order.
func (s *run) modify() {
	e := &s.e
	score := e.Base
	for i := range s.m.changes {
		c, a := &s.m.changes[i], &e.Modifiers[i]
		*a = Adjustment{
			Modifier: c.id, Description: c.description, When: c.whenText, Before: score, After: score,
			Multiply: c.multiply, Owner: c.owner, Expires: c.expires,
			Fields: s.fieldsUsed(c.reads), Activities: s.activitiesUsed(c.reads),
		}
		if c.multiply == nil {
			add := c.add
			a.Add = &add
		}
		if !s.asOf.Before(c.expires) {
			a.State = Expired
			continue
		}
		var told Contribution
		result := s.result(c.when)
		a.State = outcome(result, &told)
		a.Needs, a.Error = told.Needs, told.Error
		e.Needs = append(e.Needs, a.Needs...)
		if at := s.nextChange(c.when); at.Before(c.expires) {
			s.jump(at)
		}
		switch a.State {
		case Matched:
			score = c.apply(exactly(score)).lo
			a.After = score
			s.jump(c.expires)
		case Undecided, Failed:
			s.jump(c.expires)
		}
	}
	e.Points = score
}

// apply changes a score, rounding to thousandths. It keeps the order of
// scores, so that bounds stay bounds.
func (c *modifier) apply(b bounds) bounds {
	if c.multiply == nil {
		return b.plus(exactly(c.add)).within(representable)
	}
	return bounds{pointsWithin(b.lo.Float() * *c.multiply), pointsWithin(b.hi.Float() * *c.multiply)}
}

func (s *run) tier() {
	e, t := &s.e, &s.m.tiers
	if !e.Known {
		e.Points = 0
	}
	if e.Disqualified != "" || len(t.names) == 0 {
		return
	}
	previous := t.previous(s.in.PreviousTier)
	if e.Known {
		var rank int
		rank, e.Held = t.rank(e.Points, s.groups, previous)
		e.Tier = t.name(rank)
	}
}

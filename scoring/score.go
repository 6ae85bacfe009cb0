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
	// Activities in any order, each once. Nil means those of the profile
	// ([leadloop.Profile.SetActivities]), which is faster when it is scored more
	// than once: they are sorted already.
	Activities []leadloop.Activity
	// AsOf is the moment of the score; required.
	AsOf time.Time
	// PreviousTier is the tier that is stored for the lead, which hysteresis
	// holds on to; empty, or one that the model does not have, means none.
	PreviousTier string
}

// Verdict is what a lead scores at a moment: what [Explanation] says under the
// same names. What it could become and until when it holds is not in it.
type Verdict struct {
	Known                        bool
	Points                       leadloop.Points
	Tier                         string
	Held                         bool
	Disqualified, DisqualifiedBy string
}

// Verdict scores one lead as cheaply as can be: it costs little more than its
// rules, and allocates nothing once the model is warm. It fails as
// [Model.Explain] does.
func (m *Model) Verdict(ctx context.Context, in Input) (Verdict, error) {
	s, err := m.begin(ctx, in)
	if err != nil {
		return Verdict{}, err
	}
	defer s.end()
	s.decide(ctx, false)
	if err := stopped(ctx); err != nil {
		return Verdict{}, err
	}
	return s.verdict, nil
}

// Score scores one lead: what [Explanation.Score] says, without the reasons.
// Next to [Model.Verdict] it takes the time to find out what missing inputs
// could change, and when the score changes by itself. It fails as
// [Model.Explain] does.
func (m *Model) Score(ctx context.Context, in Input) (leadloop.Score, error) {
	s, err := m.begin(ctx, in)
	if err != nil {
		return leadloop.Score{}, err
	}
	defer s.end()
	s.decide(ctx, false)
	s.survey()
	s.spread(ctx)
	s.watch() //nolint:contextcheck // rules.Set.NextChangeOne takes no context: it is arithmetic on constants
	if err := stopped(ctx); err != nil {
		return leadloop.Score{}, err
	}
	v := &s.verdict
	return leadloop.Score{
		Known: v.Known, Points: v.Points, Low: s.low, High: s.high, Tier: v.Tier, Needs: s.needs(),
		ValidUntil: s.until, Disqualified: v.Disqualified, Model: m.id,
	}, nil
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
	defer s.end()
	s.decide(ctx, false)
	s.survey()
	s.spread(ctx)
	s.watch() //nolint:contextcheck // as above
	e := s.explain()
	if err := stopped(ctx); err != nil {
		return Explanation{}, err
	}
	return e, nil
}

func stopped(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("scoring: %w", context.Cause(ctx))
	}
	return nil
}

// run is one scoring in progress. Runs are used again, for the room they have.
type run struct {
	m      *Model
	schema *leadloop.Schema // the one of profiles, found to be the model's
	in     Input
	asOf   time.Time

	facts   rules.Facts
	results rules.Results
	patched rules.Result
	mask    []uint64 // conditions that hold, by position in the set

	// byType holds, for each of Model.types, the positions in Activities, the
	// most recent first, once they were collected.
	byType    [][]int
	collected bool

	// decide
	given   []given           // by rule: those of Model.rest, and all open ones
	fixed   []leadloop.Points // by group: what is decided
	sums    []leadloop.Points // the same and what is presumed
	groups  []leadloop.Points // sums after their limits
	base    leadloop.Points
	applied []bool // by modifier
	verdict Verdict
	none    *run // the same lead if nothing that is missing exists

	// survey
	open    []int   // rules that are undecided or failed
	changes []State // by modifier

	// spread
	low, high leadloop.Points
	exact     bool
	ranges    []bounds // by group
	possible  []bool   // by rank
	moved     map[int]cell
	reach     reach
	trial     *leadloop.Profile // see scratch

	// watch
	fading []fading
	until  time.Time // earliest instant of a jump
}

// given is what a rule comes to.
type given struct {
	state State
	// weight is what one match gives, points what all of them do; with points
	// that are not decided, where they can be.
	weight, points bounds
	// presumed is what an undecided rule counts, and one what one match of any
	// rule that counts does.
	presumed, one leadloop.Points
}

// begin evaluates the rules for a lead. The run must be ended.
func (m *Model) begin(ctx context.Context, in Input) (*run, error) {
	switch {
	case in.Profile == nil:
		return nil, fmt.Errorf("scoring: %w: no profile", leadloop.ErrInvalid)
	case in.AsOf.IsZero():
		return nil, fmt.Errorf("scoring: %w: no moment to score at", leadloop.ErrInvalid)
	case !writable(in.AsOf):
		return nil, fmt.Errorf("scoring: %w: the moment is outside the years 1 to 9999", leadloop.ErrInvalid)
	}
	s := m.runs.Get().(*run)
	if schema := in.Profile.Schema(); schema != s.schema {
		if !sameSchema(schema, m.schema) {
			m.runs.Put(s)
			return nil, fmt.Errorf("scoring: %w: the profile has another schema than the model", leadloop.ErrInvalid)
		}
		s.schema = schema
	}
	s.m, s.in, s.asOf = m, in, in.AsOf.Round(0).UTC()
	s.facts = rules.Facts{Profile: in.Profile, Activities: in.Activities, Now: s.asOf}
	if in.Activities == nil {
		s.in.Activities = in.Profile.History().Activities
	}
	s.eval(ctx)
	return s, nil
}

// end drops what belongs to the caller and gives the run back.
func (s *run) end() {
	if s.none != nil {
		s.none.end()
		s.none = nil
	}
	s.in, s.facts, s.patched, s.collected, s.trial = Input{}, rules.Facts{}, rules.Result{}, false, nil
	s.fading, s.until = s.fading[:0], time.Time{}
	clear(s.moved)
	s.m.runs.Put(s)
}

// over is a run of the same lead with another profile, not yet evaluated.
func (s *run) over(p *leadloop.Profile) *run {
	out := s.m.runs.Get().(*run)
	out.m, out.in, out.asOf, out.facts = s.m, s.in, s.asOf, s.facts
	out.in.Profile, out.facts.Profile = p, p
	return out
}

func (s *run) eval(ctx context.Context) {
	s.m.set.Eval(ctx, s.facts, &s.results)
	s.mask = s.results.TrueMask()
	p := s.m.patch
	if p == nil {
		return
	}
	s.patched = p.set.EvalOne(ctx, s.facts, 0)
	s.mask = slices.Clone(s.mask)
	s.mask[p.at/64] &^= 1 << (p.at % 64)
	if s.patched.True() {
		s.mask[p.at/64] |= 1 << (p.at % 64)
	}
}

// holds tells whether a condition is decided and true; an absent one is.
func (s *run) holds(i int) bool { return i < 0 || s.mask[i/64]>>(i%64)&1 != 0 }

// result of an expression; absent ones are decided.
func (s *run) result(i int) rules.Result {
	if i < 0 {
		return rules.Result{State: rules.Decided, Value: yesValue}
	}
	if s.m.patch != nil && s.m.patch.at == i {
		return s.patched
	}
	return s.results.At(i)
}

var yesValue = leadloop.ValueOf(true)

// stateAt is the state of an expression; absent ones are decided.
func (s *run) stateAt(i int) rules.State {
	switch {
	case i < 0:
		return rules.Decided
	case s.m.patch != nil && s.m.patch.at == i:
		return s.patched.State
	}
	return s.results.State(i)
}

// stateOfCondition is stateOf without the value.
func (s *run) stateOfCondition(i int) State {
	if s.holds(i) {
		return Matched
	}
	switch s.stateAt(i) {
	case rules.Undecided:
		return Undecided
	case rules.NoValue:
		return NoValue
	case rules.Failed:
		return Failed
	}
	return NotMatched
}

const (
	firstSecond = -62135596800 // 0001-01-01T00:00:00Z
	lastSecond  = 253402300799 // 9999-12-31T23:59:59Z
)

// writable tells times that JSON can write and rules can compute with.
func writable(t time.Time) bool {
	sec := t.Unix()
	return sec >= firstSecond && sec <= lastSecond
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

// collect sorts the activities by type and age.
func (s *run) collect() {
	if s.collected {
		return
	}
	s.collected = true
	s.byType = room(s.byType, len(s.m.types))
	for i := range s.byType {
		s.byType[i] = s.byType[i][:0]
	}
	if len(s.m.types) == 0 {
		return
	}
	for i := range s.in.Activities {
		if t := slices.Index(s.m.types, s.in.Activities[i].Type); t >= 0 {
			s.byType[t] = append(s.byType[t], i)
		}
	}
	for _, list := range s.byType {
		if len(list) < 2 {
			continue
		}
		slices.SortStableFunc(list, func(a, b int) int {
			x, y := &s.in.Activities[a], &s.in.Activities[b]
			if c := y.At.Compare(x.At); c != 0 {
				return c
			}
			return strings.Compare(x.ID, y.ID)
		})
	}
}

// room returns s with a length of n, with whatever stands there.
func room[T any](s []T, n int) []T {
	if n > cap(s) {
		s = append(s[:cap(s)], make([]T, n-cap(s))...)
	}
	return s[:n]
}

func zeros[T any](s []T, n int) []T {
	s = room(s, n)
	clear(s)
	return s
}

// missing tells whether nobody looked for a field of the schema.
func (s *run) missing(field int) bool {
	return s.in.Profile.Row().Marks[field].Presence() == leadloop.Absent
}

// anythingKnown tells whether any input of the model is known to be there or
// known to be missing.
func (s *run) anythingKnown() bool {
	for _, f := range s.m.fieldsAt {
		if !s.missing(f) {
			return true
		}
	}
	for i := range s.in.Activities {
		if slices.Contains(s.m.types, s.in.Activities[i].Type) {
			return true
		}
	}
	return false
}

// needs are the missing fields that the score depends on, sorted.
func (s *run) needs() []string {
	if s.verdict.Disqualified != "" {
		return []string{}
	}
	out := []string{}
	add := func(i int) {
		if i >= 0 && s.stateAt(i) == rules.Undecided {
			out = append(out, s.result(i).Needs...)
		}
	}
	for _, i := range s.open {
		add(s.m.rules[i].when)
		add(s.m.rules[i].points)
	}
	for i, state := range s.changes {
		if state == Undecided {
			add(s.m.changes[i].when)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

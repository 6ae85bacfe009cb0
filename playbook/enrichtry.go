package playbook

import (
	"cmp"
	"context"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
)

// maxSteps is how many completions and stretches of completions are looked at
// per lead to find out whether a field matters only together with others; where
// each has to be scored anew, maxScores. A field for which that is not enough
// counts as one that matters.
const (
	maxSteps  = 8192
	maxScores = 2048
)

// ending is what becomes of a lead, as far as it makes a difference.
type ending struct {
	rejected bool
	tier     string
	place    place // if a field that is tried could change it
}

// place is where a lead goes.
type place struct {
	kind                 leadloop.OutcomeKind
	owner                leadloop.RepID
	queue, track, policy string
}

// maxRouted bounds the tried fields that routing reads, as far as places are
// remembered.
const maxRouted = 8

// placeKey is what the place of a lead depends on while fields are tried.
type placeKey struct {
	tier   string
	points leadloop.Points // if routing reads them
	values [maxRouted]int16
}

// trial tries values of the doubtful fields.
type trial struct {
	*look
	doubtful map[string]*doubt
	fields   []int              // positions in look.fields
	values   [][]leadloop.Value // by position in look.fields
	stands   []int              // the same: position in values of what the lead has now, mostly nothing
	chosen   []int              // the same: position in values, or scoring.Free
	routing  bool               // the place has to be looked at
	routed   []int              // of fields: those that routing reads
	places   map[placeKey]place
	// profile is the lead's but for values under trial, and has which those are;
	// a copy for each would cost more than what is tried.
	profile *leadloop.Profile
	has     []int
	steps   int
	kinds   [][]int // see classes
}

// try opens the fields among the doubtful ones that make a difference.
func (l *look) try(ctx context.Context, doubtful map[string]*doubt) error {
	if len(doubtful) == 0 {
		return nil
	}
	t := &trial{look: l, doubtful: doubtful, routing: l.o.byScore, values: make([][]leadloop.Value, len(l.fields)), stands: make([]int, len(l.fields)), steps: maxSteps}
	exact := true
	for i, f := range l.fields {
		if doubtful[f] == nil {
			continue
		}
		t.fields = append(t.fields, i)
		if l.o.routes[f] {
			t.routing, t.routed = true, append(t.routed, i)
		}
		if l.completion != nil {
			t.values[i], t.stands[i] = l.o.axes[l.o.axis[f]].Values, l.has[i]
			if t.stands[i] > 0 {
				t.values[i] = slices.Clone(t.values[i])
				t.values[i][t.stands[i]] = l.s.Profile.Value(f)
			}
			exact = exact && l.o.cells[f].exact
			continue
		}
		t.steps = maxScores
		c := l.o.at(f, l.s.AsOf)
		t.values[i] = append([]leadloop.Value{l.s.Profile.Value(f)}, c.values...)
		exact = exact && c.exact
	}
	t.chosen, t.has = slices.Clone(t.stands), slices.Clone(t.stands)
	now, err := t.end(ctx)
	if err != nil {
		return err
	}
	var left []int
	for _, i := range t.fields {
		differ, what, err := t.alone(ctx, i, now)
		if err != nil {
			return err
		}
		if differ > 0 {
			l.matters(l.fields[i], float64(differ)/float64(len(t.values[i])), what)
		} else {
			left = append(left, i)
		}
	}
	if len(t.fields) == 1 && exact {
		return nil
	}
	if exact && t.completion != nil && !t.o.byScore {
		if left, err = t.additive(ctx, left); err != nil {
			return err
		}
	}
	for _, i := range left {
		what := doubtful[l.fields[i]].what
		if exact {
			if what, err = t.together(ctx, i); err != nil {
				return err
			}
		}
		if what != "" {
			l.matters(l.fields[i], weightTogether, what)
		}
	}
	return nil
}

// additive finds out which of the fields matter that only add points, all at
// once, for each combination of what the others do. It returns the others.
func (t *trial) additive(ctx context.Context, left []int) ([]int, error) {
	adds := func(i int) bool { return !slices.Contains(t.routed, i) && t.completion.Additive(i) }
	rest := slices.DeleteFunc(slices.Clone(left), adds)
	if len(rest) == len(left) {
		return left, nil
	}
	for i := range t.chosen {
		t.chosen[i] = scoring.Free
	}
	defer copy(t.chosen, t.stands)
	var others []int
	for _, i := range t.fields {
		if !adds(i) {
			others = append(others, i)
		}
	}
	t.byReach(others)
	mark := make([]bool, len(t.look.fields))
	done, err := t.mattering(ctx, others, mark)
	if err != nil {
		return nil, err
	}
	for _, i := range left {
		if adds(i) && (mark[i] || !done) {
			t.matters(t.look.fields[i], weightTogether, t.doubtful[t.look.fields[i]].what)
		}
	}
	return rest, nil
}

// mattering goes through the values of others. It is false if there are too
// many.
func (t *trial) mattering(ctx context.Context, others []int, mark []bool) (done bool, err error) {
	if t.steps--; t.steps < 0 {
		return false, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if len(others) == 0 {
		return t.completion.Mattering(t.chosen, mark), nil
	}
	if _, _, ok := t.completion.Settled(t.chosen); ok {
		return true, nil
	}
	defer func() { t.chosen[others[0]] = scoring.Free }()
	for _, n := range t.classes(others[0]) {
		t.chosen[others[0]] = n
		if done, err := t.mattering(ctx, others[1:], mark); !done || err != nil {
			return false, err
		}
	}
	return true, nil
}

// first is the position of the first value to try: what was told about a field,
// if only that there is nothing, does not become unknown again.
func (t *trial) first(field int) int { return min(t.stands[field], 1) }

// classes are the values of a field that the tier can depend on.
func (t *trial) classes(field int) []int {
	if t.kinds == nil {
		t.kinds = make([][]int, len(t.look.fields))
	}
	if t.kinds[field] == nil {
		t.kinds[field] = t.completion.Classes(field)
	}
	return t.kinds[field]
}

// byReach sorts fields: those that routing reads first, then those that can do
// most.
func (t *trial) byReach(fields []int) {
	slices.SortStableFunc(fields, func(a, b int) int {
		if ra, rb := slices.Contains(t.routed, a), slices.Contains(t.routed, b); ra != rb {
			if ra {
				return -1
			}
			return 1
		}
		return cmp.Compare(t.completion.Span(b), t.completion.Span(a))
	})
}

// alone counts the values of a field with which the lead ends elsewhere, with
// everything else as it is.
func (t *trial) alone(ctx context.Context, field int, now ending) (differ int, what string, err error) {
	defer func() { t.chosen[field] = t.stands[field] }()
	for n := t.first(field); n < len(t.values[field]); n++ {
		t.chosen[field] = n
		e, err := t.end(ctx)
		if err != nil {
			return 0, "", err
		}
		if e != now {
			if differ++; what == "" {
				what = difference(e, now)
			}
		}
	}
	return differ, what, nil
}

// together looks for two completions that differ in nothing but the field and
// end apart; it returns what the field changes, or "". Other fields get values
// one after the other, the one that can do most first, until what is left open
// makes no difference any more.
func (t *trial) together(ctx context.Context, field int) (string, error) {
	others := make([]int, 0, len(t.fields))
	for _, i := range t.fields {
		if i != field {
			others = append(others, i)
		}
	}
	routed := func(i int) bool { return slices.Contains(t.routed, i) }
	if t.completion != nil {
		t.byReach(others)
		for i := range t.chosen {
			t.chosen[i] = scoring.Free
		}
	}
	defer copy(t.chosen, t.stands)
	open := 0 // of others: fields that routing reads, which come first
	for _, i := range others {
		if routed(i) {
			open++
		}
	}
	return t.search(ctx, field, others, open)
}

// search goes through the values of the first of others.
func (t *trial) search(ctx context.Context, field int, others []int, routed int) (string, error) {
	if t.steps--; t.steps < 0 {
		return t.doubtful[t.look.fields[field]].what, nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if t.completion != nil && routed <= 0 {
		v, high, ok := t.completion.Settled(t.chosen)
		switch {
		case !ok, t.o.byScore && v.Points != high:
		case v.Disqualified != "", !slices.Contains(t.routed, field):
			return "", nil
		default:
			return t.compare(field, func() (ending, error) { return t.ending(ctx, v) })
		}
	}
	if len(others) == 0 {
		return t.compare(field, func() (ending, error) { return t.end(ctx) })
	}
	first := others[0]
	was := t.chosen[first]
	defer func() { t.chosen[first] = was }()
	byClass := routed <= 0 && t.completion != nil
	for n := range t.values[first] {
		if byClass && !slices.Contains(t.classes(first), n) || !byClass && n < t.first(first) {
			continue
		}
		t.chosen[first] = n
		if what, err := t.search(ctx, field, others[1:], routed-1); what != "" || err != nil {
			return what, err
		}
	}
	return "", nil
}

// compare says what differs between the ends for the values of a field.
func (t *trial) compare(field int, end func() (ending, error)) (string, error) {
	was := t.chosen[field]
	defer func() { t.chosen[field] = was }()
	var first ending
	from := t.first(field)
	for n := from; n < len(t.values[field]); n++ {
		t.chosen[field] = n
		e, err := end()
		if err != nil {
			return "", err
		}
		if n == from {
			first = e
		} else if e != first {
			return difference(e, first), nil
		}
	}
	return "", nil
}

// end decides the chosen values.
func (t *trial) end(ctx context.Context) (ending, error) {
	if t.completion != nil {
		return t.ending(ctx, t.completion.At(t.chosen))
	}
	if err := t.fill(t.fields); err != nil {
		return ending{}, err
	}
	v, err := t.model.Verdict(ctx, t.input(t.profile))
	if err != nil {
		return ending{}, err
	}
	return t.ending(ctx, v)
}

// fill gives the profile the chosen values of some fields.
func (t *trial) fill(fields []int) error {
	if t.profile == nil {
		t.profile = t.s.Profile.Clone()
	}
	for _, i := range fields {
		if n := t.chosen[i]; n >= 0 && n != t.has[i] {
			if err := t.profile.SetValue(t.look.fields[i], t.values[i][n]); err != nil {
				return err
			}
			t.has[i] = n
		}
	}
	return nil
}

// ending is where the lead ends with a verdict and the chosen values.
func (t *trial) ending(ctx context.Context, v scoring.Verdict) (ending, error) {
	switch {
	case v.Disqualified != "":
		return ending{rejected: true}, nil
	case !t.routing, t.still && v.Tier == t.s.Previous.Score.Tier:
		return ending{tier: v.Tier}, nil
	}
	key := placeKey{tier: v.Tier}
	if t.o.byScore {
		key.points = v.Points
	}
	remember := len(t.routed) <= maxRouted
	if remember {
		for n, i := range t.routed {
			key.values[n] = int16(max(t.chosen[i], 0))
		}
		if p, ok := t.places[key]; ok {
			return ending{tier: v.Tier, place: p}, nil
		}
	}
	if err := t.fill(t.routed); err != nil {
		return ending{}, err
	}
	a, err := t.send(ctx, t.profile, v)
	if err != nil {
		return ending{}, err
	}
	p := placeOf(&a)
	if remember {
		if t.places == nil {
			t.places = map[placeKey]place{}
		}
		t.places[key] = p
	}
	return ending{tier: v.Tier, place: p}, nil
}

func placeOf(a *routing.Assignment) place {
	return place{kind: a.Kind, owner: a.Owner, queue: a.Queue, track: a.Track, policy: a.SLA.Policy}
}

func difference(a, b ending) string {
	switch {
	case a.rejected != b.rejected:
		return "disqualification"
	case a.tier != b.tier:
		return "tier"
	}
	return "route"
}

package scoring

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
)

// Deciding returns the missing fields of which a single look-up could change
// the lead's tier, or disqualify it, with everything else as it is; sorted. No
// other field is worth its price on its own, though two together may be. A
// field that can't be enumerated (see [Explanation.RangeExact]) is in doubt
// counted in. A lead of which nothing is known counts as one of 0 points: that
// a look-up would give it a score at all decides nothing. The error is that of
// [Model.Score].
func (m *Model) Deciding(ctx context.Context, in Input) ([]string, error) {
	s, err := m.begin(ctx, in)
	if err != nil {
		return nil, err
	}
	defer s.end()
	s.decide(ctx, true)
	s.survey()
	s.spread(ctx)
	now := s.outcome()
	open := map[int]bool{} // missing fields, by whether they could disqualify
	if now.disqualified == "" {
		for _, i := range s.open {
			s.lacks(m.rules[i].reads, m.rules[i].group < 0, open)
		}
		for i, state := range s.changes {
			if state == Undecided {
				s.lacks(m.changes[i].reads, false, open)
			}
		}
	}
	tierOpen := len(m.tiers.names) > 0 && !s.only(now.tier)
	out := []string{}
	p := s.in.Profile.Clone()
	at := s.over(p)
	defer at.end()
	for _, f := range slices.Sorted(maps.Keys(open)) {
		c := s.cells(f)
		decides := !c.exact && (tierOpen || open[f])
		name := m.schema.At(f).Name
		for _, v := range c.values {
			if decides || ctx.Err() != nil {
				break
			}
			set(p, name, v)
			at.again(ctx, true)
			decides = at.outcome() != now
		}
		set(p, name, leadloop.Value{})
		if decides {
			out = append(out, name)
		}
	}
	if err := stopped(ctx); err != nil {
		return nil, err
	}
	slices.Sort(out)
	return out, nil
}

// lacks adds the absent fields of a rule.
func (s *run) lacks(in reads, rejects bool, to map[int]bool) {
	for _, f := range in.at {
		if s.missing(f) {
			to[f] = to[f] || rejects
		}
	}
}

// only tells whether no other tier is possible.
func (s *run) only(tier string) bool {
	for rank, ok := range s.possible {
		if ok != (s.m.tiers.name(rank) == tier) {
			return false
		}
	}
	return true
}

// again evaluates the run's profile, which has changed, and decides.
func (s *run) again(ctx context.Context, inAnyCase bool) {
	if s.none != nil {
		s.none.end()
		s.none = nil
	}
	s.eval(ctx)
	s.decide(ctx, inAnyCase)
}

// routed is what routing reads of a score.
type routed struct{ tier, disqualified string }

func (s *run) outcome() routed { return routed{s.verdict.Tier, s.verdict.Disqualified} }

// MaxChanges is the most changes that [Model.Paths] looks at together.
const MaxChanges = 3

// mostTimes is how often an activity may happen on a path.
const mostTimes = 3

// PathOptions are the optional parts of [Model.Paths].
type PathOptions struct {
	// Changeable are fields that are known and could still change: a plan, a
	// title, a head count. Missing fields always could.
	Changeable []string
	// Activities are types of activities that could happen, each up to three
	// times, of those that the model reads ([Model.Activities]).
	Activities []string
	// Changes is how many may come together; 0 means [MaxChanges], which is the
	// most.
	Changes int
}

// PathChange is one thing that becomes otherwise: a field takes another value, or
// an activity happens.
type PathChange struct {
	Field string         `json:"field,omitempty"`
	From  leadloop.Value `json:"from,omitzero"`
	// To stands for all values that rules don't tell from it: 500 for "500 or
	// more", the first one if several stretches next to each other would do.
	To leadloop.Value `json:"to,omitzero"`
	// Activity is a type of which so many happen at the moment that was asked
	// about, in place of Field.
	Activity string `json:"activity,omitempty"`
	Times    int    `json:"times,omitempty"`
}

// String says the change, such as "company.employees: 20 → 500" or "demo × 2".
func (c PathChange) String() string {
	switch {
	case c.Activity == "":
		return fmt.Sprintf("%s: %s → %s", c.Field, c.From, c.To)
	case c.Times > 1:
		return fmt.Sprintf("%s × %d", c.Activity, c.Times)
	}
	return c.Activity
}

// Paths answer what would bring a lead into a tier.
type Paths struct {
	// Sets are the smallest sets of changes that do, all of the same size, by
	// activity and field and then by value. There is one empty set if the lead is
	// in the tier already, and no set if so many changes are not enough.
	Sets [][]PathChange `json:"sets"`
	// Complete says that everything was tried. Without it there may be more
	// sets, or smaller ones: a field can't be enumerated, or there are more
	// combinations than the model's [Options.Combinations].
	Complete bool `json:"complete"`
}

// Paths finds what would bring the lead into a tier: the smallest sets of
// values that missing or changeable fields could take and activities that could
// happen, with everything else as it is. It fails with [leadloop.ErrInvalid] for
// a tier, field or activity that is not known, else as [Model.Score] does.
func (m *Model) Paths(ctx context.Context, in Input, tier string, o PathOptions) (Paths, error) {
	if !slices.Contains(m.tiers.names, tier) {
		return Paths{}, fmt.Errorf("scoring: %w: the model has no tier %q; it has %s", leadloop.ErrInvalid, tier, cmp.Or(strings.Join(m.tiers.names, ", "), "none"))
	}
	if o.Changes < 0 || o.Changes > MaxChanges {
		return Paths{}, fmt.Errorf("scoring: %w: Changes is from 0 to %d", leadloop.ErrInvalid, MaxChanges)
	}
	if o.Changes == 0 {
		o.Changes = MaxChanges
	}
	s, err := m.begin(ctx, in)
	if err != nil {
		return Paths{}, err
	}
	defer s.end()
	s.decide(ctx, false)
	if s.verdict.Tier == tier {
		return Paths{Sets: [][]PathChange{{}}, Complete: true}, nil
	}
	w := walker{s: s, want: routed{tier: tier}, left: m.combinations, complete: true, profile: s.in.Profile.Clone()}
	if err := w.candidates(o); err != nil {
		return Paths{}, err
	}
	w.at = s.over(w.profile)
	defer w.at.end()
	out := Paths{Sets: [][]PathChange{}}
	for n := 1; n <= o.Changes && len(out.Sets) == 0; n++ {
		out.Sets = w.sets(ctx, n)
	}
	if err := stopped(ctx); err != nil {
		return Paths{}, err
	}
	out.Complete = w.complete
	return out, nil
}

// candidate is a field that could become one of some values, or an activity
// that could happen so many times.
type candidate struct {
	field    int
	activity string
	values   []leadloop.Value
	ordered  bool
}

// walker tries changes.
type walker struct {
	s        *run
	at       *run
	profile  *leadloop.Profile
	want     routed
	all      []candidate
	left     int // combinations
	complete bool
}

func (w *walker) candidates(o PathOptions) error {
	m, in := w.s.m, w.s.in
	known := func(what, name string, among []string) error {
		if slices.Contains(among, name) {
			return nil
		}
		err := fmt.Errorf("scoring: %w: no %s %q", leadloop.ErrInvalid, what, name)
		if hint := suggest.DidYouMean(name, among); hint != "" {
			err = fmt.Errorf("%w (%s)", err, hint)
		}
		return err
	}
	for _, name := range o.Activities {
		if err := known("activity", name, m.types); err != nil {
			return err
		}
		k := candidate{activity: name, ordered: true}
		for n := range mostTimes {
			k.values = append(k.values, leadloop.ValueOf(int64(n+1)))
		}
		w.all = append(w.all, k)
	}
	for _, name := range o.Changeable {
		if _, ok := m.schema.Lookup(fieldName(name)); !ok {
			return known("field", fieldName(name), m.fields)
		}
	}
	for _, name := range m.fields {
		f, _ := m.schema.Index(name)
		now := in.Profile.At(f)
		missing := now.Presence() == leadloop.Absent
		if !missing && !slices.ContainsFunc(o.Changeable, func(c string) bool { return fieldName(c) == name }) {
			continue
		}
		c := w.s.cells(f)
		w.complete = w.complete && c.exact
		kind := m.schema.At(f).Kind
		k := candidate{field: f, ordered: kind == leadloop.KindInt || kind == leadloop.KindFloat || kind == leadloop.KindTime}
		for _, v := range c.values {
			// What is known does not cease to exist.
			if missing || v.Presence() >= leadloop.Empty && !v.Equal(now) {
				k.values = append(k.values, v)
			}
		}
		w.all = append(w.all, k)
	}
	return nil
}

// sets returns the sets of n changes that do.
func (w *walker) sets(ctx context.Context, n int) [][]PathChange {
	var out [][]PathChange
	chosen := make([]int, 0, n)
	var next func(from int) bool
	next = func(from int) bool {
		if len(chosen) == n {
			var more bool
			out, more = w.values(ctx, chosen, out)
			return more
		}
		for i := from; i < len(w.all); i++ {
			chosen = append(chosen, i)
			if !next(i + 1) {
				return false
			}
			chosen = chosen[:len(chosen)-1]
		}
		return true
	}
	next(0)
	return out
}

// values tries all values of the chosen candidates; false if too many were
// tried.
func (w *walker) values(ctx context.Context, chosen []int, out [][]PathChange) ([][]PathChange, bool) {
	at := make([]int, len(chosen))
	hits := map[string]bool{}
	more := true
	var next func(i int)
	next = func(i int) {
		if i == len(chosen) {
			if w.left == 0 || ctx.Err() != nil {
				w.complete, more = false, false
				return
			}
			w.left--
			w.happen(chosen, at)
			w.at.again(ctx, false)
			if w.at.outcome() != w.want {
				return
			}
			hits[fmt.Sprint(at)] = true
			if w.beside(chosen, at, hits) {
				return
			}
			changes := make([]PathChange, len(chosen))
			for j, c := range chosen {
				k := w.all[c]
				if v := k.values[at[j]]; k.activity != "" {
					changes[j] = PathChange{Activity: k.activity, Times: int(v.Int())}
				} else {
					changes[j] = PathChange{Field: w.name(c), From: w.s.in.Profile.At(k.field), To: v}
				}
			}
			out = append(out, changes)
			return
		}
		for v, value := range w.all[chosen[i]].values {
			if at[i] = v; more && w.set(chosen[i], value) {
				next(i + 1)
			}
		}
	}
	next(0)
	for _, c := range chosen {
		w.set(c, w.s.in.Profile.At(w.all[c].field))
	}
	return out, more
}

// name is the field of a candidate.
func (w *walker) name(c int) string { return w.s.m.schema.At(w.all[c].field).Name }

// set gives the profile a value of a candidate; false if it can't have it.
func (w *walker) set(c int, v leadloop.Value) bool {
	return w.all[c].activity != "" || w.profile.SetValue(w.name(c), v) == nil
}

// happen adds the activities of the chosen candidates to those of the lead.
func (w *walker) happen(chosen, at []int) {
	w.at.in.Activities, w.at.facts.Activities = w.s.in.Activities, w.s.facts.Activities
	w.at.collected = false
	var more []leadloop.Activity
	for i, c := range chosen {
		k := w.all[c]
		if k.activity == "" {
			continue
		}
		for n := range k.values[at[i]].Int() {
			more = append(more, leadloop.Activity{ID: fmt.Sprintf("path %s %d", k.activity, n), Type: k.activity, At: w.s.asOf})
		}
	}
	if len(more) > 0 {
		all := slices.Concat(w.s.in.Activities, more)
		w.at.in.Activities, w.at.facts.Activities = all, all
	}
}

// beside tells whether the stretch just below does as well.
func (w *walker) beside(chosen, at []int, hits map[string]bool) bool {
	for i, c := range chosen {
		k := w.all[c]
		if !k.ordered || at[i] == 0 || k.values[at[i]-1].Presence() != leadloop.Present {
			continue
		}
		at[i]--
		hit := hits[fmt.Sprint(at)]
		at[i]++
		if hit {
			return true
		}
	}
	return false
}

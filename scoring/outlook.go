package scoring

import (
	"context"
	"fmt"
	"maps"
	"slices"

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

// PathOptions are the optional parts of [Model.Paths].
type PathOptions struct {
	// Changeable are fields that are known and could still change: a plan, a
	// title, a head count. Missing fields always could.
	Changeable []string
	// Changes is how many may come together; 0 means [MaxChanges], which is the
	// most.
	Changes int
}

// FieldChange is one field that becomes another value.
type FieldChange struct {
	Field string         `json:"field"`
	From  leadloop.Value `json:"from"`
	// To stands for all values that rules don't tell from it: 500 for "500 or
	// more", the first one if several stretches next to each other would do.
	To leadloop.Value `json:"to"`
}

// Paths answer what would bring a lead into a tier.
type Paths struct {
	// Sets are the smallest sets of changes that do, all of the same size, by
	// field and then by value. There is one empty set if the lead is in the tier
	// already, and no set if so many changes are not enough.
	Sets [][]FieldChange `json:"sets"`
	// Complete says that everything was tried. Without it there may be more
	// sets, or smaller ones: a field can't be enumerated, or there are more
	// combinations than the model's [Options.Combinations].
	Complete bool `json:"complete"`
}

// Paths finds what would bring the lead into a tier: the smallest sets of
// values that missing or changeable fields could take, with everything else as
// it is. It fails with [leadloop.ErrInvalid] for a tier or field that is not
// known, else as [Model.Score] does.
func (m *Model) Paths(ctx context.Context, in Input, tier string, o PathOptions) (Paths, error) {
	if !slices.Contains(m.tiers.names, tier) {
		return Paths{}, fmt.Errorf("scoring: %w: the model has no tier %q", leadloop.ErrInvalid, tier)
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
		return Paths{Sets: [][]FieldChange{{}}, Complete: true}, nil
	}
	w := walker{s: s, want: routed{tier: tier}, left: m.combinations, complete: true, profile: s.in.Profile.Clone()}
	if err := w.candidates(o.Changeable); err != nil {
		return Paths{}, err
	}
	w.at = s.over(w.profile)
	defer w.at.end()
	out := Paths{Sets: [][]FieldChange{}}
	for n := 1; n <= o.Changes && len(out.Sets) == 0; n++ {
		out.Sets = w.sets(ctx, n)
	}
	if err := stopped(ctx); err != nil {
		return Paths{}, err
	}
	out.Complete = w.complete
	return out, nil
}

// candidate is a field that could become one of some values.
type candidate struct {
	field   int
	values  []leadloop.Value
	ordered bool
}

// walker tries changes.
type walker struct {
	s        *run
	at       *run
	profile  *leadloop.Profile
	want     routed
	fields   []candidate
	left     int // combinations
	complete bool
}

func (w *walker) candidates(changeable []string) error {
	m, in := w.s.m, w.s.in
	for _, name := range changeable {
		if _, ok := m.schema.Lookup(fieldName(name)); !ok {
			err := fmt.Errorf("scoring: %w: no field %q", leadloop.ErrInvalid, name)
			if hint := suggest.DidYouMean(fieldName(name), m.fields); hint != "" {
				err = fmt.Errorf("%w (%s)", err, hint)
			}
			return err
		}
	}
	for _, name := range m.fields {
		f, _ := m.schema.Index(name)
		now := in.Profile.At(f)
		missing := now.Presence() == leadloop.Absent
		if !missing && !slices.ContainsFunc(changeable, func(c string) bool { return fieldName(c) == name }) {
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
		w.fields = append(w.fields, k)
	}
	return nil
}

// sets returns the sets of n changes that do.
func (w *walker) sets(ctx context.Context, n int) [][]FieldChange {
	var out [][]FieldChange
	chosen := make([]int, 0, n)
	var next func(from int) bool
	next = func(from int) bool {
		if len(chosen) == n {
			var more bool
			out, more = w.values(ctx, chosen, out)
			return more
		}
		for i := from; i < len(w.fields); i++ {
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

// values tries all values of the chosen fields; false if too many were tried.
func (w *walker) values(ctx context.Context, chosen []int, out [][]FieldChange) ([][]FieldChange, bool) {
	schema := w.s.m.schema
	at := make([]int, len(chosen))
	hits := map[string]bool{}
	name := func(i int) string { return schema.At(w.fields[chosen[i]].field).Name }
	set := func(i int, v leadloop.Value) bool { return w.profile.SetValue(name(i), v) == nil }
	more := true
	var next func(i int)
	next = func(i int) {
		if i == len(chosen) {
			if w.left == 0 || ctx.Err() != nil {
				w.complete, more = false, false
				return
			}
			w.left--
			w.at.again(ctx, false)
			if w.at.outcome() != w.want {
				return
			}
			hits[fmt.Sprint(at)] = true
			if w.beside(chosen, at, hits) {
				return
			}
			changes := make([]FieldChange, len(chosen))
			for j, c := range chosen {
				k := w.fields[c]
				changes[j] = FieldChange{Field: name(j), From: w.s.in.Profile.At(k.field), To: k.values[at[j]]}
			}
			out = append(out, changes)
			return
		}
		for v, value := range w.fields[chosen[i]].values {
			if at[i] = v; more && set(i, value) {
				next(i + 1)
			}
		}
	}
	next(0)
	for i, c := range chosen {
		set(i, w.s.in.Profile.At(w.fields[c].field))
	}
	return out, more
}

// beside tells whether the stretch just below does as well.
func (w *walker) beside(chosen, at []int, hits map[string]bool) bool {
	for i, c := range chosen {
		k := w.fields[c]
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

package playbook

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// ending is what becomes of a lead, as far as it makes a difference.
type ending struct {
	rejected bool
	tier     string
	route    string // if a field that is tried could change it
}

// trial tries values of the doubtful fields.
type trial struct {
	*look
	doubtful map[string]*doubt
	fields   []string
	values   map[string][]leadloop.Value
	routing  bool // the route has to be looked at
	// profile is the lead's but for values under trial; a copy for each costs
	// more than what is tried.
	profile *leadloop.Profile
}

// restore takes values under trial back.
func (t *trial) restore(fields ...string) error {
	for _, f := range fields {
		if err := t.profile.SetValue(f, t.s.Profile.Value(f)); err != nil {
			return err
		}
	}
	return nil
}

// try opens the fields among the doubtful ones that make a difference.
func (l *look) try(ctx context.Context, doubtful map[string]*doubt) error {
	if len(doubtful) == 0 {
		return nil
	}
	t := &trial{look: l, doubtful: doubtful, values: make(map[string][]leadloop.Value, len(doubtful)), routing: l.o.byScore, profile: l.s.Profile.Clone()}
	for f := range doubtful {
		t.routing = t.routing || l.o.routes[f]
	}
	now, err := t.ending(ctx, l.s.Profile, l.now)
	if err != nil {
		return err
	}
	size, left := 1, []string(nil)
	for _, f := range l.fields {
		if _, ok := doubtful[f]; !ok {
			continue
		}
		c := l.o.at(f, l.s.AsOf)
		all := append([]leadloop.Value{{}}, c.values...)
		t.fields, t.values[f] = append(t.fields, f), all
		if size *= len(all); size > maxCompletions || !c.exact {
			size = maxCompletions + 1
		}
		differ, what, err := t.alone(ctx, f, now)
		if err != nil {
			return err
		}
		if differ > 0 {
			l.matters(f, float64(differ)/float64(len(all)), what)
		} else {
			left = append(left, f)
		}
	}
	if len(left) > 0 && !slices.ContainsFunc(t.fields, func(f string) bool { return doubtful[f].tier && l.open[f] != nil }) {
		decided, err := l.tierDecided(ctx)
		if err != nil {
			return err
		}
		if decided {
			left = slices.DeleteFunc(left, func(f string) bool { return !doubtful[f].route })
		}
	}
	switch {
	case len(left) == 0, len(t.fields) == 1 && size <= maxCompletions:
		return nil
	case size > maxCompletions:
		for _, f := range left {
			l.matters(f, weightTogether, doubtful[f].what)
		}
		return nil
	}
	if left, err = t.walks(ctx, left); err != nil || len(left) == 0 {
		return err
	}
	return t.all(ctx, left)
}

// alone counts the values of a field with which the lead ends elsewhere, with
// everything else as it is.
func (t *trial) alone(ctx context.Context, field string, now ending) (differ int, what string, err error) {
	for _, v := range t.values[field] {
		if err := t.profile.SetValue(field, v); err != nil {
			return 0, "", err
		}
		e, err := t.end(ctx, t.profile)
		if err != nil {
			return 0, "", err
		}
		if e != now {
			differ++
			what = cmp.Or(what, difference(e, now))
		}
	}
	return differ, what, t.restore(field)
}

func (t *trial) end(ctx context.Context, p *leadloop.Profile) (ending, error) {
	v, err := t.model.Verdict(ctx, t.input(p))
	if err != nil {
		return ending{}, err
	}
	return t.ending(ctx, p, v)
}

func (t *trial) ending(ctx context.Context, p *leadloop.Profile, v scoring.Verdict) (ending, error) {
	switch {
	case v.Disqualified != "":
		return ending{rejected: true}, nil
	case !t.routing, t.still && v.Tier == t.s.Previous.Score.Tier:
		return ending{tier: v.Tier}, nil
	}
	a, err := t.send(ctx, p, v)
	if err != nil {
		return ending{}, err
	}
	return ending{tier: v.Tier, route: fmt.Sprint(a.Kind, " ", a.Owner, " ", a.Queue, " ", a.Track, " ", a.SLA.Policy)}, nil
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

// walks looks for two completions of the fields that differ in nothing but a
// doubtful one and end apart. Such completions lie where a tier ends, so that
// most are found by a walk towards one. It returns the fields without.
func (t *trial) walks(ctx context.Context, doubtful []string) (left []string, err error) {
	for _, f := range doubtful {
		what, err := t.walk(ctx, f)
		if err != nil {
			return nil, err
		}
		if err := t.restore(t.fields...); err != nil {
			return nil, err
		}
		if what != "" {
			t.matters(f, weightTogether, what)
		} else {
			left = append(left, f)
		}
	}
	return left, nil
}

// walk gives the other fields one value after the other and tries the field
// after each step; it returns what the field changes, or "".
func (t *trial) walk(ctx context.Context, field string) (string, error) {
	p := t.profile
	differ := func() (string, error) {
		var first ending
		for i, v := range t.values[field] {
			if err := p.SetValue(field, v); err != nil {
				return "", err
			}
			e, err := t.end(ctx, p)
			if err != nil {
				return "", err
			}
			if i == 0 {
				first = e
			} else if e != first {
				return difference(e, first), nil
			}
		}
		return "", nil
	}
	for _, g := range t.fields {
		if g == field {
			continue
		}
		for _, v := range t.values[g] {
			if err := p.SetValue(g, v); err != nil {
				return "", err
			}
			if what, err := differ(); what != "" || err != nil {
				return what, err
			}
		}
		// The last value that rules know, such as the largest size, stays.
	}
	return "", ctx.Err()
}

// all decides every completion of the fields.
func (t *trial) all(ctx context.Context, doubtful []string) error {
	var ends []ending
	p := t.profile
	var fill func(i int) error
	fill = func(i int) error {
		if i == len(t.fields) {
			e, err := t.end(ctx, p)
			ends = append(ends, e)
			return err
		}
		for _, v := range t.values[t.fields[i]] {
			if err := cmp.Or(p.SetValue(t.fields[i], v), ctx.Err()); err != nil {
				return err
			}
			if err := fill(i + 1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := fill(0); err != nil {
		return err
	}
	// Completions are numbered like a clock whose last field turns fastest.
	stride := 1
	for i := len(t.fields) - 1; i >= 0; i-- {
		n := len(t.values[t.fields[i]])
		if slices.Contains(doubtful, t.fields[i]) {
			for at, e := range ends {
				first := at - at/stride%n*stride // the same with the field's first value
				if e != ends[first] {
					t.matters(t.fields[i], weightTogether, difference(e, ends[first]))
					break
				}
			}
		}
		stride *= n
	}
	return nil
}

package rules

import (
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/leadloop/leadloop"
)

// reader gives the programs of a set their inputs, each converted and checked
// once per evaluation and only if it is read.
type reader struct {
	set    *Set
	facts  Facts
	limits Limits
	now    time.Time
	err    error // why nothing can be evaluated at all
	values []ref.Val
}

var _ cel.Activation = (*reader)(nil)

func (r *reader) reset(s *Set, f Facts) {
	clear(r.values)
	if len(s.slots) > cap(r.values) {
		r.values = make([]ref.Val, len(s.slots))
	}
	r.values = r.values[:len(s.slots)]
	// Round strips the monotonic reading, which would enter differences.
	if f.Activities == nil && f.Profile != nil {
		f.Activities = f.Profile.History().Activities
	}
	r.set, r.facts, r.limits, r.now = s, f, s.env.limits, f.Now.Round(0).UTC()
	r.err = s.env.matches(&f)
}

// release drops what belongs to the caller, so that a kept Results keeps no
// lead alive.
func (r *reader) release() {
	clear(r.values)
	r.facts = Facts{}
}

func (e *Env) matches(f *Facts) error {
	if len(f.Vars) > len(e.vars) {
		return &inputError{fmt.Sprintf("facts: %d variables given, the environment has %d", len(f.Vars), len(e.vars))}
	}
	if f.Profile == nil || sameSchema(f.Profile.Schema(), e.schema) {
		return nil
	}
	return &inputError{"facts: the profile has another schema than the environment"}
}

// ResolveName implements the activation of cel-go.
func (r *reader) ResolveName(name string) (any, bool) {
	i, ok := r.set.slotAt[name]
	if !ok {
		return nil, false
	}
	return r.slot(i), true
}

// Parent implements the activation of cel-go.
func (r *reader) Parent() cel.Activation { return nil }

func (r *reader) slot(i int) ref.Val {
	if r.values[i] == nil {
		r.values[i] = r.read(i)
	}
	return r.values[i]
}

// noValue has a node id so that cel-go does not write one into it.
var noValue = types.NewErrWithNodeID(1, "%w", errNoValue)

func (r *reader) unknown(i int) ref.Val {
	return types.NewUnknown(int64(i+1), types.NewAttributeTrail(r.set.label(i)))
}

func (r *reader) read(i int) ref.Val {
	s := &r.set.slots[i]
	switch s.kind {
	case slotField:
		if r.facts.Profile == nil {
			return r.unknown(i)
		}
		return r.value(i, r.facts.Profile.At(int(s.at)), r.set.env.schema.At(int(s.at)).Kind)
	case slotHas:
		if r.facts.Profile == nil {
			return r.unknown(i)
		}
		switch r.facts.Profile.At(int(s.at)).Presence() {
		case leadloop.Present, leadloop.Empty:
			return types.True
		case leadloop.KnownAbsent:
			return types.False
		}
		return r.unknown(i)
	case slotVar:
		if int(s.at) >= len(r.facts.Vars) {
			return r.unknown(i)
		}
		return r.value(i, r.facts.Vars[s.at], r.set.env.vars[s.at].Kind)
	case slotNow:
		return r.timestamp("now", r.now)
	case slotActivities:
		return r.activities()
	case slotCount:
		return types.Int(countActivities(&r.facts, r.now, s))
	case slotSeen:
		return types.Bool(countActivities(&r.facts, r.now, s) > 0)
	case slotLast:
		at, ok := lastActivity(&r.facts, s.typ)
		if !ok {
			return noValue
		}
		return r.timestamp("activity time", r.clamp(at))
	case slotSince:
		at, ok := lastActivity(&r.facts, s.typ)
		if !ok {
			return noValue
		}
		at = r.clamp(at)
		d := r.now.Sub(at)
		if !at.Add(d).Equal(r.now) {
			return fail("%s: longer than 292 years", r.set.label(i))
		}
		return types.Duration{Duration: d}
	}
	return fail("%s: can't be read", r.set.label(i))
}

func (r *reader) value(i int, v leadloop.Value, want leadloop.Kind) ref.Val {
	switch v.Presence() {
	case leadloop.Absent:
		return r.unknown(i)
	case leadloop.KnownAbsent:
		return noValue
	}
	if v.Kind() != want {
		return fail("%s: is a %s, not a %s", r.set.label(i), v.Kind(), want)
	}
	if v.Presence() == leadloop.Empty && want != leadloop.KindString && want != leadloop.KindStrings {
		return noValue
	}
	switch want {
	case leadloop.KindString:
		return r.text(r.set.label(i), v.Text())
	case leadloop.KindInt:
		return types.Int(v.Int())
	case leadloop.KindFloat:
		return types.Double(v.Float())
	case leadloop.KindBool:
		return types.Bool(v.Bool())
	case leadloop.KindTime:
		return r.timestamp(r.set.label(i), v.Time())
	}
	if v.Len() > r.limits.ListItems {
		return fail("%s: has more than %d items", r.set.label(i), r.limits.ListItems)
	}
	for k := range v.Len() {
		if t := r.item(r.set.label(i), v.At(k)); types.IsError(t) {
			return t
		}
	}
	return types.NewStringList(types.DefaultTypeAdapter, v.Strings())
}

func (r *reader) text(label, s string) ref.Val { return checked(label, s, r.limits.StringBytes) }

func (r *reader) item(label, s string) ref.Val { return checked(label, s, r.limits.ItemBytes) }

func checked(label, s string, limit int) ref.Val {
	if len(s) > limit {
		return fail("%s: is longer than %d bytes", label, limit)
	}
	if !utf8.ValidString(s) {
		return fail("%s: is not valid UTF-8", label)
	}
	return types.String(s)
}

func (r *reader) timestamp(label string, t time.Time) ref.Val {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return fail("%s: is outside the years 1 to 9999", label)
	}
	return types.Timestamp{Time: t.UTC()}
}

// clamp makes what happens in the future happen now.
func (r *reader) clamp(t time.Time) time.Time {
	if t.After(r.now) {
		return r.now
	}
	return t
}

func (r *reader) activities() ref.Val {
	if len(r.facts.Activities) > r.limits.Activities {
		return fail("activities: more than %d", r.limits.Activities)
	}
	list := make([]activity, len(r.facts.Activities))
	out := make([]ref.Val, len(list))
	for i := range list {
		list[i] = activity{of: &r.facts.Activities[i], facts: r}
		out[i] = &list[i]
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out)
}

// shareErrors makes two errors that cel-go shares between goroutines safe to
// share: it labels them with a node on first use, unsynchronised.
var shareErrors = sync.OnceFunc(func() {
	types.LabelErrNode(1, types.NoSuchOverloadErr())
	types.LabelErrNode(1, types.Timestamp{Time: time.Unix(253402300799, 0).UTC()}.Add(types.Duration{Duration: day}))
})

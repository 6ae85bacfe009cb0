package rules

import (
	"context"
	"math"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// timeAtom is one part of a rule whose value can change as time passes.
type timeAtom struct {
	kind timeKind
	slot int           // window, held and future: the slot
	step time.Duration // calendar: how often it can change

	// A comparison with the moment comes down to "now op sum of terms"; since
	// counts as now minus the last activity.
	op    string
	terms []term
	// edges are the sums and differences inside the comparison: they err
	// beyond the range of their type, and so change there as well.
	edges []edge
}

// edge is "now + sum of terms", or "sum of terms - now" if negative.
type edge struct {
	negative  bool
	timestamp bool // else a duration
	terms     []term
}

type timeKind uint8

const (
	timeWindow    timeKind = iota // an activity leaves a window
	timeFuture                    // an activity of a type becomes past
	timeAnyFuture                 // any activity becomes past
	timeSince                     // since(type) op constant
	timeCompare                   // now op threshold
	timeHeld                      // since(type) is held at zero until its activity is past
	timeCalendar                  // an accessor such as now.getHours()
	timeOther                     // anything else that reads the moment
)

// term is one summand of a threshold: a timestamp or duration that does not
// depend on the moment.
type term struct {
	negative bool
	value    ref.Val // a constant, or nil
	slot     int     // an input, or -1
	program  cel.Program
}

// calendar is how often an accessor of a timestamp can change, given that
// zones are off by multiples of a quarter of an hour.
var calendar = map[string]time.Duration{
	"getFullYear": quarterHour, "getMonth": quarterHour, "getDayOfYear": quarterHour,
	"getDayOfMonth": quarterHour, "getDate": quarterHour, "getDayOfWeek": quarterHour, "getHours": quarterHour,
	"getMinutes": time.Minute, "getSeconds": time.Second, "getMilliseconds": time.Millisecond,
}

const quarterHour = 15 * time.Minute

// NextChange returns the earliest instant after f.Now at which the result of
// any rule can change by time passing alone, with the facts as they are; zero
// means never (before the year 10000, where time ends for rules). It is never too late if exact is true: until then every result
// stays what it is. If exact is false, some rule uses the moment in a way that
// is only looked at every quarter of an hour (or minute, second or
// millisecond, if it asks for those).
func (s *Set) NextChange(f Facts) (t time.Time, exact bool) {
	var rd reader
	rd.reset(s, f)
	exact = true
	for i := range s.rules {
		next, ok := s.nextChange(&rd, i)
		exact = exact && ok
		t = earlier(t, next)
	}
	return t, exact
}

// NextChangeOne is [Set.NextChange] for the i-th rule alone.
func (s *Set) NextChangeOne(f Facts, i int) (t time.Time, exact bool) {
	var rd reader
	rd.reset(s, f)
	return s.nextChange(&rd, i)
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (s *Set) nextChange(rd *reader, i int) (t time.Time, exact bool) {
	exact = true
	if rd.err != nil || types.IsError(rd.timestamp("now", rd.now)) {
		return t, exact
	}
	for k := range s.rules[i].times {
		a := &s.rules[i].times[k]
		next, ok := rd.next(a)
		exact = exact && ok
		t = earlier(t, next)
	}
	return t, exact
}

func (r *reader) next(a *timeAtom) (t time.Time, exact bool) {
	switch a.kind {
	case timeWindow:
		return r.windowEnd(&r.set.slots[a.slot]), true
	case timeFuture:
		return r.future(r.set.slots[a.slot].typ)
	case timeAnyFuture:
		return r.future("")
	case timeCompare:
		if at, ok := r.sum(a.terms); ok {
			t = r.crossing(a.op, at)
		}
		exact = true
		for i := range a.edges {
			at, ok := r.edge(&a.edges[i])
			t, exact = earlier(t, at), exact && ok
		}
		return t, exact
	case timeHeld:
		// It also errs once it is longer than a duration can be.
		if last, ok := lastActivity(&r.facts, r.set.slots[a.slot].typ); ok {
			t = earlier(r.after(last.Add(1)), r.after(last.Add(math.MaxInt64).Add(1)))
		}
		return t, true
	case timeCalendar:
		return r.now.Truncate(a.step).Add(a.step), false
	}
	return r.now.Truncate(quarterHour).Add(quarterHour), false
}

// crossing is when "now op at" changes, if it is yet to come.
func (r *reader) crossing(op string, at time.Time) time.Time {
	switch op {
	case operators.Less, operators.GreaterEquals:
		return r.after(at)
	case operators.LessEquals, operators.Greater:
		return r.after(at.Add(1))
	}
	return earlier(r.after(at), r.after(at.Add(1)))
}

func (r *reader) after(t time.Time) time.Time {
	if t.After(r.now) && !t.After(lastTime) {
		return t.UTC()
	}
	return time.Time{}
}

// windowEnd is when the oldest activity inside the window leaves it.
func (r *reader) windowEnd(s *slot) (t time.Time) {
	for i := range r.facts.Activities {
		if a := &r.facts.Activities[i]; a.Type == s.typ {
			t = earlier(t, r.after(a.At.Add(s.window)))
		}
	}
	return t
}

// future says when to look again because an activity that is yet to come
// counts as happening now, whatever now is.
func (r *reader) future(typ string) (t time.Time, exact bool) {
	for i := range r.facts.Activities {
		if a := &r.facts.Activities[i]; (typ == "" || a.Type == typ) && a.At.After(r.now) {
			return r.now.Truncate(quarterHour).Add(quarterHour), false
		}
	}
	return t, true
}

var (
	firstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	lastTime  = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
)

// edge is when the value of an edge enters or leaves the range of its type.
func (r *reader) edge(e *edge) (t time.Time, exact bool) {
	zero, ok := r.sum(e.terms)
	if !ok {
		return t, true
	}
	// With a sum of zero instead of an instant, time zero is 1970.
	if e.timestamp {
		d := time.Unix(0, 0).Sub(zero)
		t = r.after(firstTime.Add(d))
		return earlier(t, r.after(lastTime.Add(d).Add(1))), true
	}
	if !e.negative {
		// now + terms is zero at minus the terms.
		zero = time.Unix(-zero.Unix(), -int64(zero.Nanosecond()))
	}
	// cel-go computes with whole seconds first, so that where exactly it
	// overflows depends on the fractions of both operands.
	const blur = 2 * time.Second
	exact = true
	for _, end := range []time.Duration{math.MinInt64, math.MaxInt64} {
		from, to := zero.Add(end).Add(-blur), zero.Add(end).Add(blur)
		if !from.After(r.now) && to.After(r.now) {
			exact = false
		}
		t = earlier(t, earlier(r.after(from), r.after(to)))
	}
	return t, exact
}

// sum adds up terms, timestamps as the time since 1970. Seconds and
// nanoseconds are kept apart, so that nothing overflows on the way. It is
// false if a term has no value.
func (r *reader) sum(terms []term) (time.Time, bool) {
	var sec, nsec int64
	for i := range terms {
		s, n, ok := r.term(&terms[i])
		if !ok {
			return time.Time{}, false
		}
		if terms[i].negative {
			s, n = -s, -n
		}
		sec, nsec = sec+s, nsec+n
	}
	return time.Unix(sec, nsec).UTC(), true
}

func (r *reader) term(t *term) (sec, nsec int64, ok bool) {
	v := t.value
	switch {
	case v != nil:
	case t.slot < 0:
		out, _, err := t.program.ContextEval(context.Background(), r)
		if err != nil {
			return 0, 0, false
		}
		v = out
	default:
		switch s := &r.set.slots[t.slot]; s.kind {
		case slotLast, slotSince:
			// As recorded: what is clamped to now moves with it. since is now
			// minus this; a last that is yet to come has an atom of its own.
			at, found := lastActivity(&r.facts, s.typ)
			if !found || s.kind == slotLast && at.After(r.now) {
				return 0, 0, false
			}
			return at.Unix(), int64(at.Nanosecond()), true
		}
		v = r.slot(t.slot)
	}
	switch v := v.(type) {
	case types.Timestamp:
		return v.Unix(), int64(v.Nanosecond()), true
	case types.Duration:
		return int64(v.Duration / time.Second), int64(v.Duration % time.Second), true
	}
	return 0, 0, false
}

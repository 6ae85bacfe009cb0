package rules

import (
	"context"
	"math"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/leadloop/leadloop"
)

// timeAtom is one part of a rule whose value can change as time passes.
type timeAtom struct {
	kind timeKind
	slot int    // window and future: the slot
	fn   string // compare: the operator; span and clock: the accessor
	// sum is what is read by an accessor; of a comparison it is left minus
	// right, and compared with zero.
	sum  *sum
	zone *term // clock: the time zone, if not UTC
}

type timeKind uint8

const (
	timeWindow    timeKind = iota // an activity leaves a window
	timeFuture                    // last(type) in a way of its own
	timeAnyFuture                 // the time of an activity in a way of its own
	timeCompare                   // a sum compared with another
	timeSpan                      // an accessor of a duration, such as since(type).getHours()
	timeClock                     // an accessor of a timestamp, such as now.getHours()
	timeOther                     // anything else that reads the moment
)

// sum is a sum of timestamps and durations.
type sum struct {
	now   int // how often the moment is in it
	terms []term
	each  bool // one of the terms is the time of an activity, whichever
	// edges are the sums and differences inside: they err beyond the range of
	// their type, and so change there as well.
	edges []edge
}

type edge struct {
	timestamp bool // else a duration
	now       int
	terms     []term
}

// term is one summand.
type term struct {
	kind     termKind
	negative bool
	value    ref.Val
	slot     int
	program  cel.Program
}

type termKind uint8

const (
	termValue   termKind = iota // a constant
	termSlot                    // an input that does not move
	termProgram                 // an expression that does not move
	termSince                   // since(type): zero, then now minus the last activity
	termLast                    // last(type): the moment, then the last activity
	termEach                    // the time of an activity: the moment, then when it was
)

const quarterHour = 15 * time.Minute

// NextChange returns the earliest instant after f.Now at which the result of
// any rule can change by time passing alone, with the facts as they are; zero
// means never (before the year 10000, where time ends for rules). If exact is
// true it is never too late: until then every result stays what it is.
//
// It is exact for windows, for comparisons of sums and differences of now,
// since, last, the times of activities and whatever does not move, and for
// accessors of such sums that move as now does, as in
// since("demo").getMinutes() >= 5 and now.getHours("Europe/Berlin") < 18. If
// exact is false, some rule uses the moment in another way, such as
// string(now), which is only looked at every quarter of an hour, or a duration
// is within seconds of being too long (292 years).
func (s *Set) NextChange(f Facts) (t time.Time, exact bool) {
	rd := readers.Get().(*reader)
	defer rd.free()
	rd.reset(s, f)
	exact = true
	for i := range s.rules {
		next, ok := s.nextChange(rd, i)
		exact = exact && ok
		t = earlier(t, next)
	}
	return t, exact
}

// NextChangeOne is [Set.NextChange] for the i-th rule alone.
func (s *Set) NextChangeOne(f Facts, i int) (t time.Time, exact bool) {
	if times := s.rules[i].times; times.from == times.to {
		return t, true
	}
	rd := readers.Get().(*reader)
	defer rd.free()
	rd.reset(s, f)
	return s.nextChange(rd, i)
}

// readers are those that nobody uses: a reader has room for the values of all
// inputs, which is worth keeping.
var readers = sync.Pool{New: func() any { return new(reader) }}

func (r *reader) free() {
	r.release()
	readers.Put(r)
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
	for k := s.rules[i].times.from; k < s.rules[i].times.to; k++ {
		a := &s.times[k]
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
	case timeCompare, timeSpan, timeClock:
		if !a.sum.each {
			return r.moved(a, nil)
		}
		exact = true
		if len(r.facts.Activities) > r.limits.Activities {
			return t, exact // the list can't be read, and that stays so
		}
		for i := range r.facts.Activities {
			next, ok := r.moved(a, &r.facts.Activities[i])
			t, exact = earlier(t, next), exact && ok
		}
		return t, exact
	}
	return r.later(), false
}

// later is when to look again at what nobody understands.
func (r *reader) later() time.Time { return r.after(r.now.Truncate(quarterHour).Add(quarterHour)) }

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
			return r.later(), false
		}
	}
	return t, true
}

var (
	firstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	lastTime  = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
)

// moved is when an atom about a sum can change; each is the activity that it
// is looked at for.
func (r *reader) moved(a *timeAtom, each *leadloop.Activity) (t time.Time, exact bool) {
	l, ok := r.line(a.sum.now, a.sum.terms, each)
	t, exact = l.until, true
	if ok && l.n != 0 {
		var next time.Time
		switch a.kind {
		case timeCompare:
			next = r.crossing(a.fn, l)
		case timeSpan:
			next = r.nextSpan(a.fn, l)
		case timeClock:
			next, exact = r.nextClock(a, l)
		}
		t = earlier(t, next)
	}
	for i := range a.sum.edges {
		next, ok := r.edge(&a.sum.edges[i], each)
		t, exact = earlier(t, next), exact && ok
	}
	return t, exact
}

// edge is when the value of an edge enters or leaves the range of its type.
func (r *reader) edge(e *edge, each *leadloop.Activity) (t time.Time, exact bool) {
	l, ok := r.line(e.now, e.terms, each)
	if !ok || l.n == 0 {
		return t, true
	}
	exact = true
	if e.timestamp {
		for _, end := range []time.Time{firstTime, lastTime} {
			at, _ := l.reach(end)
			t = earlier(t, earlier(r.after(at), r.after(at.Add(1))))
		}
		return t, exact
	}
	// cel-go computes with whole seconds first, so that where exactly it
	// overflows depends on the fractions of both operands.
	const blur = 2 * time.Second
	for _, end := range []int64{math.MinInt64, math.MaxInt64} {
		at, _ := l.reach(time.Unix(0, end))
		from, to := at.Add(-blur), at.Add(blur)
		if !from.After(r.now) && to.After(r.now) {
			exact = false
		}
		t = earlier(t, earlier(r.after(from), r.after(to)))
	}
	return t, exact
}

// term is the value of a term that does not move, or nil.
func (r *reader) term(t *term) ref.Val {
	switch t.kind {
	case termValue:
		return t.value
	case termSlot:
		return r.slot(t.slot)
	}
	out, _, err := t.program.ContextEval(context.Background(), r)
	if err != nil {
		return nil
	}
	return out
}

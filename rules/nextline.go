package rules

import (
	"math"
	"math/big"
	"time"

	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"

	"github.com/leadloop/leadloop"
)

// line is what a sum is from now on: n times the moment plus base, both as the
// time since 1970. Seconds and nanoseconds are kept apart, so that nothing
// overflows on the way.
type line struct {
	n         int
	sec, nsec int64
	until     time.Time // from here on it may be another line, or an error
}

// line adds up a sum. It is false if a term has no value; until is right
// nevertheless, since an error takes the place of what is missing.
func (r *reader) line(now int, terms []term, each *leadloop.Activity) (l line, ok bool) {
	l.n, ok = now, true
	for i := range terms {
		t := &terms[i]
		s := sign(t.negative)
		var at time.Time
		found := true
		switch t.kind {
		case termSince, termLast:
			at, found = lastActivity(&r.facts, r.set.slots[t.slot].typ)
		case termEach:
			at = each.At
		default:
			sec, nsec, known := seconds(r.term(t))
			l.add(s, sec, nsec)
			ok = ok && known
			continue
		}
		switch {
		case !found:
			ok = false
		case t.kind == termSince && !at.Before(r.now): // zero
			l.until = earlier(l.until, r.after(at.Add(1)))
		case t.kind == termSince:
			// It errs once it is longer than a duration can be.
			tooLong := at.Add(math.MaxInt64).Add(1)
			ok = ok && r.now.Before(tooLong)
			l.until = earlier(l.until, r.after(tooLong))
			l.n += s
			l.add(-s, at.Unix(), int64(at.Nanosecond()))
		case !at.Before(r.now): // the moment
			l.until = earlier(l.until, r.after(at.Add(1)))
			l.n += s
		default:
			ok = ok && inRange(at)
			l.add(s, at.Unix(), int64(at.Nanosecond()))
		}
	}
	return l, ok
}

func (l *line) add(sign int, sec, nsec int64) {
	l.sec, l.nsec = l.sec+int64(sign)*sec, l.nsec+int64(sign)*nsec
}

func seconds(v any) (sec, nsec int64, ok bool) {
	switch v := v.(type) {
	case types.Timestamp:
		return v.Unix(), int64(v.Nanosecond()), true
	case types.Duration:
		return int64(v.Duration / time.Second), int64(v.Duration % time.Second), true
	}
	return 0, 0, false
}

// at is the value of the line at a moment.
func (l line) at(now time.Time) time.Time {
	n := int64(l.n)
	return time.Unix(n*now.Unix()+l.sec, n*int64(now.Nanosecond())+l.nsec)
}

// reach is the last moment at or before the line has the value v, counted as
// the time since 1970, and whether it has it then.
func (l line) reach(v time.Time) (at time.Time, exactly bool) {
	sec, nsec := v.Unix()-l.sec, int64(v.Nanosecond())-l.nsec
	switch l.n {
	case 1:
		return time.Unix(sec, nsec), true
	case -1:
		return time.Unix(-sec, -nsec), true
	}
	ns := new(big.Int).Mul(big.NewInt(sec), big.NewInt(int64(time.Second)))
	ns.Add(ns, big.NewInt(nsec))
	n := big.NewInt(int64(l.n))
	if l.n < 0 {
		ns, n = ns.Neg(ns), n.Neg(n)
	}
	var rest, part big.Int
	ns.DivMod(ns, n, &rest) // Euclid's: towards less, as n is positive
	ns.DivMod(ns, big.NewInt(int64(time.Second)), &part)
	return time.Unix(ns.Int64(), part.Int64()), rest.Sign() == 0
}

// crossing is when "line op zero" changes, if that is yet to come.
func (r *reader) crossing(op string, l line) time.Time {
	at, exactly := l.reach(time.Unix(0, 0))
	first, past := at, at.Add(1) // the first moments at or past zero, and past it
	if !exactly {
		first = past
	}
	switch flipped(op, l.n < 0) {
	case operators.Less, operators.GreaterEquals:
		return r.after(first)
	case operators.LessEquals, operators.Greater:
		return r.after(past)
	}
	return earlier(r.after(first), r.after(past))
}

// flipped is the operator with its sides exchanged.
func flipped(op string, exchange bool) string {
	if !exchange {
		return op
	}
	switch op {
	case operators.Less:
		return operators.Greater
	case operators.LessEquals:
		return operators.GreaterEquals
	case operators.Greater:
		return operators.Less
	case operators.GreaterEquals:
		return operators.LessEquals
	}
	return op
}

// units are what the accessors of a duration count in.
var units = map[string]time.Duration{
	overloads.TimeGetHours: time.Hour, overloads.TimeGetMinutes: time.Minute,
	overloads.TimeGetSeconds: time.Second, overloads.TimeGetMilliseconds: time.Millisecond,
}

// nextSpan is when an accessor of a duration changes. It asks the accessor
// itself, since hours and minutes go through floating point: a few thousand
// hours are reached a nanosecond early.
func (r *reader) nextSpan(fn string, l line) time.Time {
	f := spans[fn]
	v := l.at(r.now)
	start, ok := subtractTimes(v, time.Unix(0, 0))
	if !ok {
		return time.Time{} // an error, until an edge says otherwise
	}
	changed := func(k int64) bool {
		at, ok := addInts(int64(start), int64(l.n)*k) // a few times two hours at most
		switch {
		case !ok && l.n < 0:
			at = math.MinInt64
		case !ok:
			at = math.MaxInt64
		}
		return f(time.Duration(at)) != f(start)
	}
	// Counting is towards zero, so that the part around it is two units wide.
	low, high := int64(0), int64(2*units[fn])
	if !changed(high) {
		return time.Time{}
	}
	for high-low > 1 {
		if k := (low + high) / 2; changed(k) {
			high = k
		} else {
			low = k
		}
	}
	return r.after(r.now.Add(time.Duration(high)))
}

// nextClock is when an accessor of a timestamp can change: where its unit
// begins in the offset that the zone has now, or when the zone's offset
// changes.
func (r *reader) nextClock(a *timeAtom, l line) (t time.Time, exact bool) {
	if l.n != 1 {
		return r.later(), false // time that runs backwards, or at double speed
	}
	loc := time.UTC
	if a.zone != nil {
		name, ok := r.term(a.zone).(types.String)
		if !ok {
			return t, true
		}
		var err error
		if loc, err = parseZone(string(name)); err != nil {
			return t, true
		}
	}
	shown := l.at(r.now)
	if !inRange(shown) {
		return t, true // an error, until an edge says otherwise
	}
	shown = shown.In(loc)
	next := unitEnd(a.fn, shown)
	if _, end := shown.ZoneBounds(); !end.IsZero() && end.Before(next) {
		next = end
	}
	return r.after(r.now.Add(next.Sub(shown))), true
}

// unitEnd is when the unit that t lies in ends, with the offset as it is.
func unitEnd(fn string, t time.Time) time.Time {
	name, offset := t.Zone()
	zone := time.FixedZone(name, offset)
	y, m, d := t.Date()
	switch fn {
	case overloads.TimeGetFullYear:
		return time.Date(y+1, 1, 1, 0, 0, 0, 0, zone)
	case overloads.TimeGetMonth:
		return time.Date(y, m+1, 1, 0, 0, 0, 0, zone)
	case overloads.TimeGetDayOfYear, overloads.TimeGetDayOfMonth, overloads.TimeGetDate, overloads.TimeGetDayOfWeek:
		return time.Date(y, m, d+1, 0, 0, 0, 0, zone)
	case overloads.TimeGetHours:
		return time.Date(y, m, d, t.Hour()+1, 0, 0, 0, zone)
	case overloads.TimeGetMinutes:
		return time.Date(y, m, d, t.Hour(), t.Minute()+1, 0, 0, zone)
	case overloads.TimeGetMilliseconds:
		return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1e6*1e6+1e6, zone)
	}
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second()+1, 0, zone)
}

// Package calendar counts time in business hours: weekly hours in a time zone,
// without holidays and pauses.
//
// Every answer follows from one definition, the set of open instants, so that
// Add and Between are exact inverses, additive and monotone, across daylight
// saving changes and leap days. It reads no clock and costs about as much per
// day that it crosses as a few additions.
//
// Zones are [time.Location] values: where they come from, and how fresh the
// rules in them are, is the program's business. Start with [New]; the zero
// [Calendar] is open around the clock.
package calendar

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Definition says when a calendar is open.
type Definition struct {
	// Zone is where Hours and Holidays are meant; nil means UTC.
	Zone *time.Location
	// Hours are the open spans of each weekday. They may overlap and cross
	// midnight; what counts is whether any of them covers a moment.
	Hours map[time.Weekday][]Span
	// Holidays are closed from midnight to midnight, also for a span that
	// began the evening before.
	Holidays []Date
	// Closed are further times without business, in any zone.
	Closed []Period
}

// Span is a part of a day in minutes after local midnight, From inclusive and
// Until exclusive. If Until is not after From the span ends on the next day.
type Span struct{ From, Until int }

// Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Period is a time between two moments, From inclusive and Until exclusive.
type Period struct{ From, Until time.Time }

// Calendar tells business time from other time. It is immutable and may be
// shared and copied; the zero Calendar is open around the clock.
type Calendar struct {
	zone     *time.Location
	week     *[7][]Span // sorted, disjoint, within 0–1440; nil is always open
	holidays []int64    // days since 1970-01-01, sorted
	closed   []Period   // sorted, disjoint
}

const (
	minutesPerDay = 24 * 60
	daySeconds    = 24 * 60 * 60

	// horizon bounds how far a calculation looks ahead, 290 years: what a
	// Duration can hold.
	horizon = 290 * 365 * 24 * time.Hour
)

// New checks d and returns its calendar. All problems are returned together,
// each an [leadloop.ErrInvalid]. A calendar that is never open is refused.
func New(d Definition) (Calendar, error) {
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("calendar: %w: "+format, append([]any{leadloop.ErrInvalid}, args...)...))
	}
	var week [7][]Span
	open := false
	for day := time.Sunday; day <= time.Saturday; day++ {
		for _, s := range d.Hours[day] {
			if s.From < 0 || s.From >= minutesPerDay || s.Until < 0 || s.Until > minutesPerDay || s.From == s.Until {
				bad("%s: a span goes from 00:00 to at most 24:00 and is not empty", dayNames[day])
				continue
			}
			open = true
			if s.Until > s.From {
				week[day] = append(week[day], s)
				continue
			}
			week[day] = append(week[day], Span{s.From, minutesPerDay})
			if next := (day + 1) % 7; s.Until > 0 {
				week[next] = append(week[next], Span{0, s.Until})
			}
		}
	}
	for day := range d.Hours {
		if day < time.Sunday || day > time.Saturday {
			bad("there is no weekday %d", int(day))
		}
	}
	if !open && len(problems) == 0 {
		bad("it is never open")
	}
	for i := range week {
		week[i] = unite(week[i])
	}
	c := Calendar{zone: d.Zone, week: &week}
	if c.zone == nil {
		c.zone = time.UTC
	}
	for _, h := range d.Holidays {
		t := time.Date(h.Year, h.Month, h.Day, 0, 0, 0, 0, time.UTC)
		if t.Year() != h.Year || t.Month() != h.Month || t.Day() != h.Day {
			bad("holiday %04d-%02d-%02d is not a date", h.Year, h.Month, h.Day)
			continue
		}
		c.holidays = append(c.holidays, floorDiv(t.Unix(), daySeconds))
	}
	slices.Sort(c.holidays)
	c.holidays = slices.Compact(c.holidays)
	for _, p := range d.Closed {
		if !p.Until.After(p.From) {
			bad("a closed period ends before it begins")
		}
	}
	if len(problems) > 0 {
		return Calendar{}, errors.Join(problems...)
	}
	return c.Without(d.Closed...), nil
}

func unite(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until)) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].Until {
			out[n-1].Until = max(out[n-1].Until, s.Until)
			continue
		}
		out = append(out, s)
	}
	return out
}

// In returns c with its hours and holidays meant in another zone; nil means
// UTC.
func (c Calendar) In(zone *time.Location) Calendar {
	if zone == nil {
		zone = time.UTC
	}
	c.zone = zone
	return c
}

// Without returns c with the clock standing still in the given periods too,
// such as while a customer is waited for. Periods that don't end after they
// begin change nothing.
func (c Calendar) Without(periods ...Period) Calendar {
	all := slices.Concat(c.closed, periods)
	all = slices.DeleteFunc(all, func(p Period) bool { return !p.Until.After(p.From) })
	slices.SortFunc(all, func(a, b Period) int { return cmp.Or(a.From.Compare(b.From), a.Until.Compare(b.Until)) })
	out := all[:0]
	for _, p := range all {
		if n := len(out); n > 0 && !p.From.After(out[n-1].Until) {
			if p.Until.After(out[n-1].Until) {
				out[n-1].Until = p.Until
			}
			continue
		}
		out = append(out, p)
	}
	c.closed = out
	return c
}

// Add returns the first moment, not before start, at which d of business time
// has passed since start. A d of 0 or less is start itself. The result is at
// most 290 years after start and in start's location.
func (c Calendar) Add(start time.Time, d time.Duration) time.Time {
	start = start.Round(0)
	if d <= 0 {
		return start
	}
	k := c.from(start)
	for {
		open, end, ok := k.next()
		if !ok {
			return start.Add(horizon)
		}
		if d <= end-open {
			return start.Add(open + d)
		}
		d -= end - open
	}
}

// Between returns the business time from a to b; 0 if b is not after a. It is
// at most 290 years.
func (c Calendar) Between(a, b time.Time) time.Duration {
	total := b.Round(0).Sub(a.Round(0))
	var sum time.Duration
	for k := c.from(a); ; {
		open, end, ok := k.next()
		if !ok || open >= total {
			return sum
		}
		sum += min(end, total) - open
	}
}

// Open reports whether t is business time.
func (c Calendar) Open(t time.Time) bool {
	k := c.from(t)
	open, _, ok := k.next()
	return ok && open == 0
}

// NextOpen returns t if it is business time and otherwise the next opening, at
// most 290 years after t.
func (c Calendar) NextOpen(t time.Time) time.Time {
	k := c.from(t)
	open, _, ok := k.next()
	if !ok {
		open = horizon
	}
	return t.Round(0).Add(open)
}

// NextOpening returns the first moment after t at which business time begins:
// if t is business time, the one after it has ended. It is false if there is
// none within 290 years.
func (c Calendar) NextOpening(t time.Time) (time.Time, bool) {
	k := c.from(t)
	open, end, ok := k.next()
	for last := time.Duration(0); ok; open, end, ok = k.next() {
		if open > last {
			return t.Round(0).Add(open), true
		}
		last = end // it goes on from what was before
	}
	return time.Time{}, false
}

// A cursor walks the open intervals that end after base, in order.
type cursor struct {
	c         Calendar
	base      time.Time
	day       int64 // the local day being walked, since 1970-01-01
	i         int   // the next span of that day
	open, end time.Duration
	pending   bool // open and end hold an interval not yet handed out
	closed    int  // the next closed period
	done      bool

	// The zone's offset in seconds, and the unix seconds between which it holds.
	offset, since, until int64
}

func (c Calendar) from(t time.Time) cursor {
	k := cursor{c: c, base: t.Round(0)}
	if c.week != nil {
		local := k.base.In(c.zone)
		k.hold(local)
		k.day = floorDiv(local.Unix()+k.offset, daySeconds)
	}
	return k
}

// next returns the next open interval, relative to base.
func (k *cursor) next() (open, end time.Duration, ok bool) {
	for {
		if !k.pending {
			if k.done || !k.advance() {
				k.done = true
				return 0, 0, false
			}
			k.pending = true
		}
		if k.closed < len(k.c.closed) {
			p := k.c.closed[k.closed]
			from, until := p.From.Round(0).Sub(k.base), p.Until.Round(0).Sub(k.base)
			switch {
			case until <= k.open:
				k.closed++
				continue
			case from <= k.open:
				k.open = until
				k.pending = k.open < k.end
				continue
			case from < k.end:
				open, k.open = k.open, until
				k.pending = k.open < k.end
				return open, from, true
			}
		}
		k.pending = false
		return k.open, k.end, true
	}
}

// advance finds the next interval of the weekly hours that ends after base.
func (k *cursor) advance() bool {
	if k.c.week == nil {
		k.open, k.end, k.done = 0, horizon, true
		return true
	}
	for {
		spans := k.c.week[floorMod(k.day+4, 7)] // 1970-01-01 was a Thursday
		if k.i == 0 && len(spans) > 0 {
			if _, holiday := slices.BinarySearch(k.c.holidays, k.day); holiday {
				spans = nil
			}
		}
		if k.i >= len(spans) {
			k.day, k.i = k.day+1, 0
			if k.rel(k.day*daySeconds-k.offset) >= horizon {
				return false
			}
			continue
		}
		s := spans[k.i]
		k.i++
		k.open = max(0, k.rel(k.reach(s.From)))
		k.end = k.rel(k.reach(s.Until))
		if k.open < k.end {
			return true
		}
	}
}

// rel converts unix seconds to time since base.
func (k *cursor) rel(unix int64) time.Duration {
	s := unix - k.base.Unix()
	if s > int64(horizon/time.Second) {
		return horizon
	}
	return time.Duration(s)*time.Second - time.Duration(k.base.Nanosecond())
}

// reach returns the first moment at which the wall clock shows the minute of
// the day being walked, or later where the clock jumps over it. So a span that
// begins in the hour that a zone repeats begins once, and no span begins in an
// hour that there is not.
func (k *cursor) reach(minute int) int64 {
	wall := k.day*daySeconds + int64(minute)*60
	// Two days away from a change of the zone there is nothing to look up.
	if t := wall - k.offset; t < k.until && t-2*daySeconds > k.since {
		return t
	}
	t := firstInstant(k.c.zone, wall)
	k.hold(time.Unix(t, 0).In(k.c.zone))
	return t
}

func (k *cursor) hold(local time.Time) {
	_, offset := local.Zone()
	since, until := local.ZoneBounds()
	k.offset, k.since, k.until = int64(offset), math.MinInt64/2, math.MaxInt64/2
	if !since.IsZero() {
		k.since = since.Unix()
	}
	if !until.IsZero() {
		k.until = until.Unix()
	}
}

// firstInstant returns the first moment at which the wall clock of the zone,
// in seconds since 1970-01-01 00:00 on that clock, is at or past wall.
func firstInstant(zone *time.Location, wall int64) int64 {
	u := time.Unix(wall, 0).UTC()
	// Date is right in one of the two offsets around a change.
	t := time.Date(u.Year(), u.Month(), u.Day(), u.Hour(), u.Minute(), u.Second(), 0, zone)
	_, offset := t.Zone()
	since, until := t.ZoneBounds()
	switch shown := t.Unix() + int64(offset); {
	case shown > wall:
		return since.Unix()
	case shown < wall:
		return until.Unix()
	}
	if !since.IsZero() {
		_, before := since.Add(-1).Zone()
		if earlier := wall - int64(before); earlier < since.Unix() {
			return earlier
		}
	}
	return t.Unix()
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

var dayNames = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseDays reads weekdays as playbooks write them: "mon", "mon-fri" (which
// may run past Saturday, as in "fri-mon"), "tue, thu" or "daily".
func ParseDays(s string) ([]time.Weekday, error) {
	var out []time.Weekday
	for part := range strings.SplitSeq(strings.ToLower(s), ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if first == "daily" && !ranged {
			first, last, ranged = "sun", "sat", true
		}
		if !ranged {
			last = first
		}
		a, b := slices.Index(dayNames[:], strings.TrimSpace(first)), slices.Index(dayNames[:], strings.TrimSpace(last))
		if a < 0 || b < 0 {
			return nil, fmt.Errorf("%w: expected days such as mon, mon-fri, \"sat, sun\" or daily", leadloop.ErrInvalid)
		}
		for ; ; a = (a + 1) % 7 {
			if !slices.Contains(out, time.Weekday(a)) {
				out = append(out, time.Weekday(a))
			}
			if a == b {
				break
			}
		}
	}
	return out, nil
}

// ParseSpan reads a span as playbooks write it: "09:00-17:00", "00:00-24:00",
// or "22:00-06:00" to the next morning.
func ParseSpan(s string) (Span, error) {
	bad := fmt.Errorf("%w: expected hours such as 09:00-17:00, or 22:00-06:00 to the next morning", leadloop.ErrInvalid)
	from, until, ok := strings.Cut(strings.TrimSpace(s), "-")
	a, okA := minuteOf(strings.TrimSpace(from))
	b, okB := minuteOf(strings.TrimSpace(until))
	if !ok || !okA || !okB || a == b || a == minutesPerDay {
		return Span{}, bad
	}
	return Span{a, b}, nil
}

func minuteOf(s string) (int, bool) {
	h, m, ok := strings.Cut(s, ":")
	if !ok || len(h) < 1 || len(h) > 2 || len(m) != 2 {
		return 0, false
	}
	n := [2]int{}
	for i, part := range []string{h, m} {
		for _, r := range []byte(part) {
			if r < '0' || r > '9' {
				return 0, false
			}
			n[i] = n[i]*10 + int(r-'0')
		}
	}
	if n[1] > 59 || n[0] > 24 || n[0] == 24 && n[1] > 0 {
		return 0, false
	}
	return n[0]*60 + n[1], true
}

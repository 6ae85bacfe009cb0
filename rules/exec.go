package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/leadloop/leadloop"
)

// note says why an expression has no value: 0 if it has one. Otherwise it is
// the handle of a set of missing inputs, or of an error.
type note uint32

const isFault note = 1 << 31

func (n note) fault() bool { return n&isFault != 0 }

// The errors that need no text of their own.
const (
	noteNoValue note = isFault | iota
	noteDivision
	noteModulus
	noteRange
	noteTime
	noteIndex
	noteConversion
	noteErred
	noteNotFinite
	firstOwn
)

var faults = [...]error{
	noteNoValue & ^isFault:    errNoValue,
	noteDivision & ^isFault:   errors.New("division by zero"),
	noteModulus & ^isFault:    errors.New("modulus by zero"),
	noteRange & ^isFault:      errors.New("a number or duration is too large"),
	noteTime & ^isFault:       errors.New("a time is outside the years 1 to 9999"),
	noteIndex & ^isFault:      errors.New("a list index is out of bounds"),
	noteConversion & ^isFault: errors.New("a text can't be converted"),
	noteErred & ^isFault:      errors.New("the expression erred"),
	noteNotFinite & ^isFault:  errors.New("the result is not a finite number"),
}

// exec is one evaluation in progress: the facts, what has been read of them,
// and room for what expressions make. Reusing it spares allocations.
type exec struct {
	set     *Set
	ctx     context.Context
	facts   Facts
	row     *leadloop.Row // of the profile
	now     time.Time
	nano    int64 // now, unless it is far
	far     bool  // now or some activity is further from 1970 than nanoseconds go
	steps   int   // of loops, to look at ctx now and then
	stopped note  // that a loop was stopped, or 0

	// picks are the rows of all questions; gaps and notes say why those that are
	// listed in holes have no answer.
	picks  []uint32
	gaps   []gap
	notes  []note
	holes  []int32
	folded []byte

	past    *leadloop.History // of the activities; nil if they have to be sorted first
	own     leadloop.History
	counted bool // what follows is up to date
	counts  []int64
	lasts   []int64 // by type; never: math.MinInt64
	latest  int64   // of all activities

	slots  []cell
	read   []int32   // slots that were read
	merges [][2]note // sets of missing inputs that are unions
	wanted []bool    // of those, while one is taken apart
	faults []error

	locals []local
	texts  [][]string // room for lists, by place in the rule
	ints   [][]int64
	floats [][]float64
}

// cell is a slot that was read.
type cell struct {
	read  bool
	note  note
	num   int64 // also a bool or nanoseconds
	float float64
	text  string
	time  time.Time
	list  leadloop.Value
}

// local is a loop variable.
type local struct {
	num   int64
	float float64
	text  string
	act   *leadloop.Activity
}

func (x *exec) reset(ctx context.Context, s *Set, f *Facts) {
	if x.set != s {
		x.resize(s)
	}
	x.ctx, x.facts, x.steps, x.stopped, x.holes, x.counted = ctx, *f, 0, 0, x.holes[:0], false
	profile := f.Profile
	if profile == nil {
		profile = s.env.blank
	}
	x.row, x.past = profile.Row(), profile.History()
	if f.Activities == nil {
		x.facts.Activities = x.past.Activities
	} else if !x.past.Of(f.Activities) {
		x.past = nil
	}
	// Round strips the monotonic reading, which would enter differences.
	x.now = f.Now.Round(0).UTC()
	var near bool
	x.nano, near = leadloop.NearTime(x.now)
	x.far = !near
	x.merges, x.faults = x.merges[:0], x.faults[:0]
}

// resize makes room for a set.
func (x *exec) resize(s *Set) {
	x.set = s
	x.slots, x.locals = grow(x.slots, len(s.slots)), grow(x.locals, s.locals)
	x.texts, x.ints, x.floats = grow(x.texts, s.places), grow(x.ints, s.places), grow(x.floats, s.places)
	if p := s.plan; p != nil {
		x.picks, x.gaps, x.notes = grow(x.picks, len(p.asked)), grow(x.gaps, len(p.asked)), grow(x.notes, len(p.asked))
		x.counts, x.lasts = grow(x.counts, len(p.counters.windows)), x.lasts[:0]
		if len(p.sinces) > 0 {
			x.lasts = grow(x.lasts, len(p.counters.types))
		}
	}
}

// release drops what belongs to the caller, so that a kept Results keeps no
// lead alive.
func (x *exec) release() {
	for _, i := range x.read {
		x.slots[i] = cell{}
	}
	x.read = x.read[:0]
	x.facts, x.row, x.past, x.ctx = Facts{}, nil, nil, nil
	x.own.Activities = nil
	if len(x.locals) > 0 {
		clear(x.locals)
	}
	for i := range x.texts {
		clear(x.texts[i][:cap(x.texts[i])])
	}
}

func grow[T any](s []T, n int) []T {
	if n > cap(s) {
		s = append(make([]T, 0, n), s...)
	}
	return s[:n]
}

func inRange(t time.Time) bool {
	sec := t.Unix()
	return sec >= firstSecond && sec <= lastSecond
}

const (
	firstSecond = -62135596800 // 0001-01-01T00:00:00Z
	lastSecond  = 253402300799 // 9999-12-31T23:59:59Z
)

// fail makes a note of an error of its own.
func (x *exec) fail(err error) note {
	x.faults = append(x.faults, err)
	return firstOwn + note(len(x.faults)-1)
}

func (x *exec) failInput(format string, args ...any) note {
	return x.fail(failure(format, args...))
}

// err is the error behind a note.
func (x *exec) err(n note) error {
	if n >= firstOwn {
		return x.faults[n-firstOwn]
	}
	return faults[n&^isFault]
}

// missing is the note of a slot that is absent.
func missing(slot int) note { return note(slot + 1) }

// union is the note of two sets of missing inputs.
func (x *exec) union(a, b note) note {
	if a == b {
		return a
	}
	pair := [2]note{a, b}
	if n := len(x.merges); n > 0 && x.merges[n-1] == pair {
		return note(len(x.slots) + n)
	}
	x.merges = append(x.merges, pair)
	return note(len(x.slots) + len(x.merges))
}

// both is the note of an operation on two operands: the leftmost error, else
// what is missing.
func (x *exec) both(a, b note) note {
	switch {
	case a.fault() || b == 0:
		return a
	case b.fault() || a == 0:
		return b
	}
	return x.union(a, b)
}

// either is the note of logic: what is missing, else the leftmost error.
func (x *exec) either(a, b note) note {
	switch {
	case x.stopped != 0 && (a == x.stopped || b == x.stopped):
		return x.stopped // what is missing is not known to be all
	case a == 0:
		return b
	case b == 0 || b.fault():
		return a
	case a.fault():
		return b
	}
	return x.union(a, b)
}

// needs appends the names of missing inputs to the arena and returns them,
// sorted.
func (x *exec) needs(n note, arena *[]string) []string {
	start := len(*arena)
	x.collect(n, arena)
	return sortNames(arena, start)
}

func sortNames(arena *[]string, start int) []string {
	slices.Sort((*arena)[start:])
	*arena = (*arena)[:start+len(slices.Compact((*arena)[start:]))]
	return (*arena)[start:len(*arena):len(*arena)]
}

func (x *exec) collect(n note, arena *[]string) {
	slots := note(len(x.slots))
	if n <= slots {
		*arena = append(*arena, x.set.label(int(n-1)))
		return
	}
	// Unions only hold what was there before them.
	wanted := grow(x.wanted, int(n)+1)
	x.wanted = wanted
	clear(wanted)
	wanted[n] = true
	for ; n > 0; n-- {
		switch {
		case !wanted[n]:
		case n <= slots:
			*arena = append(*arena, x.set.label(int(n-1)))
		default:
			m := x.merges[n-slots-1]
			wanted[m[0]], wanted[m[1]] = true, true
		}
	}
}

// slot reads an input at most once per evaluation.
func (x *exec) slot(i int) *cell {
	c := &x.slots[i]
	if !c.read {
		c.read = true
		x.read = append(x.read, int32(i))
		c.note = x.fill(c, i)
	}
	return c
}

func (x *exec) fill(c *cell, i int) note {
	s := &x.set.slots[i]
	switch s.kind {
	case slotField:
		if x.facts.Profile == nil {
			return missing(i)
		}
		return x.value(c, i, x.facts.Profile.At(int(s.at)), x.set.env.schema.At(int(s.at)).Kind)
	case slotHas:
		p := leadloop.Absent
		if x.facts.Profile != nil {
			p = x.facts.Profile.At(int(s.at)).Presence()
		}
		switch p {
		case leadloop.Present, leadloop.Empty:
			c.num = 1
		case leadloop.Absent:
			return missing(i)
		}
		return 0
	case slotVar:
		if int(s.at) >= len(x.facts.Vars) {
			return missing(i)
		}
		return x.value(c, i, x.facts.Vars[s.at], x.set.env.vars[s.at].Kind)
	case slotNow:
		c.time = x.now
		return x.checkTime("now", x.now)
	case slotActivities:
		if n := x.set.env.limits.Activities; len(x.facts.Activities) > n {
			return x.failInput("activities: more than %d", n)
		}
		return 0
	case slotCount:
		c.num = int64(countActivities(&x.facts, x.now, s))
		return 0
	case slotSeen:
		if countActivities(&x.facts, x.now, s) > 0 {
			c.num = 1
		}
		return 0
	}
	at, ok := lastActivity(&x.facts, s.typ)
	if !ok {
		return noteNoValue
	}
	if at.After(x.now) {
		at = x.now
	}
	if s.kind == slotLast {
		c.time = at.Round(0).UTC()
		return x.checkTime("activity time", at)
	}
	d := x.now.Sub(at)
	if !at.Add(d).Equal(x.now) {
		return x.failInput("%s: longer than 292 years", x.set.label(i))
	}
	c.num = int64(d)
	return 0
}

func (x *exec) checkTime(label string, t time.Time) note {
	if !inRange(t) {
		return x.failInput("%s: is outside the years 1 to 9999", label)
	}
	return 0
}

func (x *exec) value(c *cell, i int, v leadloop.Value, want leadloop.Kind) note {
	switch v.Presence() {
	case leadloop.Absent:
		return missing(i)
	case leadloop.KnownAbsent:
		return noteNoValue
	}
	limits := &x.set.env.limits
	if v.Kind() != want {
		return x.failInput("%s: is a %s, not a %s", x.set.label(i), v.Kind(), want)
	}
	if v.Presence() == leadloop.Empty && want != leadloop.KindString && want != leadloop.KindStrings {
		return noteNoValue
	}
	switch want {
	case leadloop.KindString:
		c.text = v.Text()
		return x.checkText(x.set.label(i), c.text, limits.StringBytes)
	case leadloop.KindInt:
		c.num = v.Int()
	case leadloop.KindFloat:
		c.float = v.Float()
	case leadloop.KindBool:
		if v.Bool() {
			c.num = 1
		}
	case leadloop.KindTime:
		c.time = v.Time()
		return x.checkTime(x.set.label(i), c.time)
	case leadloop.KindStrings:
		c.list = v
		if v.Len() > limits.ListItems {
			return x.failInput("%s: has more than %d items", x.set.label(i), limits.ListItems)
		}
		for k := range v.Len() {
			if n := x.checkText(x.set.label(i), v.At(k), limits.ItemBytes); n != 0 {
				return n
			}
		}
	}
	return 0
}

func (x *exec) checkText(label, s string, limit int) note {
	if len(s) > limit {
		return x.failInput("%s: is longer than %d bytes", label, limit)
	}
	if !utf8.ValidString(s) {
		return x.failInput("%s: is not valid UTF-8", label)
	}
	return 0
}

// result turns a note into the result of a rule.
func (x *exec) result(n note, arena *[]string) Result {
	switch {
	case !n.fault():
		return Result{State: Undecided, Needs: x.needs(n, arena)}
	case n == noteNoValue:
		return Result{State: NoValue}
	}
	return Result{State: Failed, Err: x.err(n)}
}

// tick stops a loop once ctx is done, and the loops around it, which would
// absorb an error.
func (x *exec) tick() note {
	if x.steps++; x.steps%256 == 0 && x.stopped == 0 && x.ctx.Err() != nil {
		x.stopped = x.fail(fmt.Errorf("stopped: %w", context.Cause(x.ctx)))
	}
	return x.stopped
}

// countActivities returns how many activities of the slot's type lie in
// (now-window, now], or how many there are without a window.
func countActivities(f *Facts, now time.Time, s *slot) int {
	n := 0
	start := now.Add(-s.window)
	for i := range f.Activities {
		if a := &f.Activities[i]; a.Type == s.typ && (s.window == 0 || a.At.After(start)) {
			n++
		}
	}
	return n
}

// lastActivity returns the time of the latest activity of a type as it was
// recorded.
func lastActivity(f *Facts, typ string) (time.Time, bool) {
	var last time.Time
	found := false
	for i := range f.Activities {
		if a := &f.Activities[i]; a.Type == typ && (!found || a.At.After(last)) {
			last, found = a.At, true
		}
	}
	return last, found
}

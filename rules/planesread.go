package rules

import (
	"math"
	"unicode/utf8"

	"github.com/leadloop/leadloop"
)

const (
	present = leadloop.Mark(leadloop.Present)
	// readable is what the mark of a text or list that is there, or empty, and
	// regular has of unreadable.
	readable   = leadloop.Mark(leadloop.Empty)
	unreadable = readable | leadloop.Irregular
)

// reached counts the bounds that v has reached.
func reached[T int64 | float64](bounds []T, v T) uint32 {
	if len(bounds) <= 8 {
		var n uint32
		for _, b := range bounds {
			if v >= b {
				n++
			}
		}
		return n
	}
	from, n := 0, len(bounds)
	for n > 1 {
		half := n / 2
		if v >= bounds[from+half-1] {
			from += half
		}
		n -= half
	}
	if v >= bounds[from] {
		from++
	}
	return uint32(from)
}

func (x *exec) pickInts(list []intSource) {
	marks, words := x.row.Marks, x.row.Words
	for i := range list {
		s := &list[i]
		if m := marks[s.field] & present; m != present {
			x.without(&s.place, gap(m))
			continue
		}
		x.picks[s.question] = firstRow + reached(s.bounds, int64(words[s.word]))
	}
}

func (x *exec) pickFloats(list []floatSource) {
	marks, words := x.row.Marks, x.row.Words
	for i := range list {
		s := &list[i]
		if m := marks[s.field] & present; m != present {
			x.without(&s.place, gap(m))
			continue
		}
		x.picks[s.question] = firstRow + s.row(math.Float64frombits(words[s.word]))
	}
}

func (s *floatSource) row(f float64) uint32 {
	if f != f {
		return uint32(len(s.bounds)) + 1
	}
	return reached(s.bounds, f)
}

func (x *exec) pickBools(list []place) {
	marks, words := x.row.Marks, x.row.Words
	for i := range list {
		s := &list[i]
		if m := marks[s.field] & present; m != present {
			x.without(s, gap(m))
			continue
		}
		x.picks[s.question] = firstRow + uint32(words[s.word])
	}
}

func (x *exec) pickTimes(list []timeSource) {
	marks, words := x.row.Marks, x.row.Words
	for i := range list {
		s := &list[i]
		switch m := marks[s.field]; {
		case m&present != present:
			x.without(&s.place, gap(m&present))
		case m&leadloop.Irregular != 0:
			x.time(s, x.facts.Profile.At(int(s.field)))
		default:
			x.picks[s.question] = firstRow + reached(s.bounds, int64(words[s.word]))
		}
	}
}

// time is for a time that is far from 1970.
func (x *exec) time(s *timeSource, v leadloop.Value) {
	t := v.Time()
	if !inRange(t) {
		x.without(&s.place, gapErring)
		return
	}
	row := uint32(firstRow)
	for _, b := range s.exact {
		if !t.Before(b) {
			row++
		}
	}
	x.picks[s.question] = row
}

func (x *exec) pickAges(list []timeSource) {
	marks, words := x.row.Marks, x.row.Words
	for i := range list {
		s := &list[i]
		switch m := marks[s.field]; {
		case x.far || m&present == present && m&leadloop.Irregular != 0:
			x.age(s, x.blankOr().At(int(s.field)))
		case m&present != present:
			x.without(&s.place, gap(m&present))
		default:
			x.picks[s.question] = firstRow + reached(s.bounds, x.nano-int64(words[s.word]))
		}
	}
}

func (x *exec) blankOr() *leadloop.Profile {
	if x.facts.Profile == nil {
		return x.set.env.blank
	}
	return x.facts.Profile
}

// age is for times that may be far from 1970.
func (x *exec) age(s *timeSource, v leadloop.Value) {
	if n := x.checkTime("now", x.now); n != 0 {
		x.without(&s.place, gapErring)
		x.notes[s.question] = n
		return
	}
	if v.Presence() != leadloop.Present {
		x.without(&s.place, gap(v.Presence()))
		return
	}
	t := v.Time()
	if !inRange(t) {
		x.without(&s.place, gapErring)
		return
	}
	d, ok := subtractTimes(x.now, t)
	if !ok {
		x.without(&s.place, gapErring)
		x.notes[s.question] = noteRange
		return
	}
	x.picks[s.question] = firstRow + reached(s.bounds, int64(d))
}

func (x *exec) pickCounts(list []countSource) {
	for i := range list {
		s := &list[i]
		if x.far {
			x.picks[s.question] = firstRow + reached(s.bounds, int64(countActivities(&x.facts, x.now, &x.set.slots[s.slot])))
			continue
		}
		x.picks[s.question] = firstRow + reached(s.bounds, x.counts[s.counter])
	}
}

func (x *exec) pickSinces(list []countSource) {
	for i := range list {
		s := &list[i]
		switch last := x.lasts[s.counter]; {
		case x.far:
			c := x.slot(int(s.slot))
			switch {
			case c.note == noteNoValue:
				x.without(&s.place, gapNone)
			case c.note != 0:
				x.without(&s.place, gapErring)
			default:
				x.picks[s.question] = firstRow + reached(s.bounds, c.num)
			}
		case last == math.MinInt64:
			x.without(&s.place, gapNone)
		default:
			x.picks[s.question] = firstRow + reached(s.bounds, x.nano-min(last, x.nano))
		}
	}
}

func (x *exec) pickCodes(list []codeSource) {
	for i := range list {
		s := &list[i]
		var n note
		var row uint32
		if s.ints != nil {
			var v int64
			v, n = s.ints(x)
			row = firstRow + reached(s.bounds, v)
		} else {
			var f float64
			f, n = s.floats(x)
			row = firstRow + s.fraction.row(f)
		}
		if n != 0 {
			x.noResult(s.question, n)
			continue
		}
		x.picks[s.question] = row
	}
}

func (x *exec) pickTests(list []test) {
	for i := range list {
		t := &list[i]
		if t.near != nil && !x.far && len(x.facts.Activities) <= x.set.env.limits.Activities {
			x.picks[t.question] = firstRow
			if x.latest != math.MinInt64 && t.near.met(x.nano-min(x.latest, x.nano)) {
				x.picks[t.question]++
			}
			continue
		}
		v, n := t.code(x)
		if n != 0 {
			x.noResult(t.question, n)
			continue
		}
		x.picks[t.question] = firstRow
		if v {
			x.picks[t.question]++
		}
	}
}

// noResult is for what is computed and has no value.
func (x *exec) noResult(question int32, why note) {
	g := gapAbsent
	if why.fault() {
		g = gapErring
	}
	x.hole(question, g, why)
}

func (r *recency) met(age int64) bool { return age < r.age || age == r.age && r.op == opAtMost }

// pickVars is for the few inputs that are no fields.
func (x *exec) pickVars(list []varSource) {
	for i := range list {
		s := &list[i]
		var v leadloop.Value
		if int(s.at) < len(x.facts.Vars) {
			v = x.facts.Vars[s.at]
		}
		switch of := s.source.(type) {
		case *intSource:
			if x.known(&of.place, v) {
				x.picks[of.question] = firstRow + reached(of.bounds, v.Int())
			}
		case *floatSource:
			if x.known(&of.place, v) {
				x.picks[of.question] = firstRow + of.row(v.Float())
			}
		case *place:
			if x.known(of, v) {
				x.picks[of.question] = firstRow
				if v.Bool() {
					x.picks[of.question]++
				}
			}
		case *timeSource:
			switch {
			case s.view == viewAge && !inRange(x.now):
				x.age(of, v) // which says so
			case !x.known(&of.place, v):
			case s.view == viewAge:
				x.age(of, v)
			default:
				x.time(of, v)
			}
		case *textSource:
			if x.known(&of.place, v) {
				x.text(of, v.Text(), !utf8.ValidString(v.Text()))
			}
		case *listSource:
			if x.known(&of.place, v) {
				list := v.Strings()
				keys := make([]leadloop.TextKey, len(list))
				for k, s := range list {
					keys[k] = leadloop.KeyOf(s)
				}
				x.list(of, keys, false, list)
			}
		}
	}
}

// known reports whether a variable has a value of its kind.
func (x *exec) known(p *place, v leadloop.Value) bool {
	switch x.slot(int(p.slot)).note {
	case 0:
		return true
	case noteNoValue:
		g := gapNone
		if v.Presence() == leadloop.Empty {
			g = gapErring
		}
		x.without(p, g)
	default:
		g := gapErring
		if v.Presence() == leadloop.Absent {
			g = gapAbsent
		}
		x.without(p, g)
	}
	return false
}

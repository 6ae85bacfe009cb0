package rules

import (
	"bytes"
	"math"
	"strings"
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
			row = firstRow + reached(s.whole, v)
		} else {
			var f float64
			f, n = s.floats(x)
			row = firstRow + s.broken.row(f)
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
				x.list(of, list, keys, false)
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

func (x *exec) pickTexts(list []textSource) {
	marks, words := x.row.Marks, x.row.Words
	for i := range list {
		s := &list[i]
		m := marks[s.field]
		n := uint64(m >> leadloop.MarkLength)
		if m&unreadable != readable || n > uint64(s.limit) || s.slow {
			x.slowText(s, m)
			continue
		}
		lo, hi := words[s.word], words[s.word+1]
		if s.tabled {
			e := s.table.slot(lo, hi, n)
			row := firstRow + e.at
			if e.differs(lo, hi, n) != 0 {
				row = firstRow
			}
			if n > whole && row > firstRow && s.table.more.texts[e.at-1] != x.row.Texts[s.other] {
				row = firstRow
			}
			x.picks[s.question] = row
		}
		for k := range s.checks {
			c := &s.checks[k]
			row := uint32(firstRow)
			switch c.op {
			case opHead:
				if lo<<(c.shift&63) == c.want && n >= uint64(c.n) && (c.n <= 8 || c.met(x.row.Texts[s.other])) {
					row++
				}
			case opTail:
				if hi>>(c.shift&63) == c.want && n >= uint64(c.n) && (c.n <= 8 || c.met(x.row.Texts[s.other])) {
					row++
				}
			default:
				if c.met(x.row.Texts[s.other]) {
					row++
				}
			}
			x.picks[c.question] = row
		}
	}
}

// slowText is for a text that needs more than its key.
func (x *exec) slowText(s *textSource, m leadloop.Mark) {
	if p := m.Presence(); p < leadloop.Empty {
		x.without(&s.place, gap(p))
		return
	}
	x.text(s, x.row.Texts[s.other], m&leadloop.Irregular != 0)
}

func (x *exec) text(s *textSource, text string, irregular bool) {
	if irregular || len(text) > x.set.env.limits.StringBytes {
		x.without(&s.place, gapErring)
		return
	}
	if s.view != viewSelf {
		if b, ok := x.fold(s.view, text); ok {
			answer(x, s, b)
			return
		}
	}
	answer(x, s, text)
}

func answer[S string | []byte](x *exec, s *textSource, text S) {
	if s.tabled {
		x.picks[s.question] = firstRow + findText(&s.table, text)
	}
	for i := range s.checks {
		c := &s.checks[i]
		var met bool
		switch text := any(text).(type) {
		case string:
			met = c.met(text)
		case []byte:
			met = c.metBytes(text)
		}
		x.picks[c.question] = firstRow
		if met {
			x.picks[c.question]++
		}
	}
}

// met tells whether a text meets the check.
func (c *textCheck) met(s string) bool {
	switch c.op {
	case opContains:
		return strings.Contains(s, c.text)
	case opPrefix, opHead:
		return strings.HasPrefix(s, c.text)
	case opSuffix, opTail:
		return strings.HasSuffix(s, c.text)
	case opMatches:
		return c.pattern.MatchString(s)
	case opCheck:
		return c.check(s)
	}
	return holds(c.op, strings.Compare(s, c.text))
}

// metBytes is met for a text whose case was changed.
func (c *textCheck) metBytes(s []byte) bool {
	switch c.op {
	case opContains:
		return bytes.Contains(s, c.bytes)
	case opPrefix, opHead:
		return bytes.HasPrefix(s, c.bytes)
	case opSuffix, opTail:
		return bytes.HasSuffix(s, c.bytes)
	case opMatches:
		return c.pattern.Match(s)
	}
	return holds(c.op, bytes.Compare(s, c.bytes))
}

// fold changes the case of s into a buffer, if there is anything to change.
func (x *exec) fold(v view, s string) ([]byte, bool) {
	from, to, shift := byte('A'), byte('Z'), byte('a'-'A')
	if v == viewUpper {
		from, to = 'a', 'z'
	}
	i := 0
	for i < len(s) && (s[i] < from || s[i] > to) {
		i++
	}
	if i == len(s) {
		return nil, false
	}
	b := append(x.folded[:0], s...)
	x.folded = b
	for ; i < len(b); i++ {
		if c := b[i]; c >= from && c <= to {
			b[i] = c ^ shift
		}
	}
	return b, true
}

func (x *exec) pickLists(list []listSource) {
	marks := x.row.Marks
	for i := range list {
		s := &list[i]
		m := marks[s.field]
		if p := m.Presence(); p < leadloop.Empty {
			x.without(&s.place, gap(p))
			continue
		}
		x.list(s, x.row.Lists[s.other], x.row.Items[s.other], m&leadloop.Irregular != 0)
	}
}

func (x *exec) list(s *listSource, list []string, keys []leadloop.TextKey, irregular bool) {
	limits := &x.set.env.limits
	if irregular || len(list) > limits.ListItems {
		x.without(&s.place, gapErring)
		return
	}
	picks := x.picks
	for q := s.question; q < s.question+s.questions; q++ {
		picks[q] = firstRow
	}
	for i := range keys {
		key := &keys[i]
		if key.Len > limits.ItemBytes {
			x.without(&s.place, gapErring)
			return
		}
		switch {
		case len(s.found) == 0:
		case key.Len > whole || s.table.bySelf():
			if at := s.table.find(*key, list[i]); at != 0 {
				picks[s.found[at-1]] = firstRow + 1
			}
		default:
			if e := s.table.slot(key.Lo, key.Hi, uint64(key.Len)); e.differs(key.Lo, key.Hi, uint64(key.Len)) == 0 && e.at != 0 {
				picks[s.found[e.at-1]] = firstRow + 1
			}
		}
		for k := range s.heads {
			h := &s.heads[k]
			if key.Lo<<(h.shift&63) == h.want && key.Len >= int(h.n) && (h.n <= 8 || h.met(list[i])) {
				picks[h.question] = firstRow + 1
			}
		}
		for k := range s.items {
			if c := &s.items[k]; c.item.holds(list[i]) {
				picks[c.question] = firstRow + 1
			}
		}
	}
}

// holds tells whether an item, which is there and can be read, meets c.
func (c *cond) holds(s string) bool {
	switch c.op {
	case condAtom:
		d := datum{text: s}
		return c.atom.of(&d) == isTrue
	case condNot:
		return !c.kids[0].holds(s)
	case condTrue, condFalse:
		return c.op == condTrue
	}
	for _, k := range c.kids {
		if k.holds(s) == (c.op == condOr) {
			return c.op == condOr
		}
	}
	return c.op == condAnd
}

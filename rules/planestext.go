package rules

import (
	"bytes"
	"strings"

	"github.com/leadloop/leadloop"
)

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
		x.list(s, x.row.Items[s.other], m&leadloop.Irregular != 0, nil)
	}
}

// list picks the rows for a list by the keys of its items; of a field, the items
// are only looked at if keys do not say enough.
func (x *exec) list(s *listSource, keys []leadloop.TextKey, irregular bool, list []string) {
	limits := &x.set.env.limits
	if irregular || len(keys) > limits.ListItems {
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
			if at := s.table.find(*key, x.item(s, list, i)); at != 0 {
				picks[s.found[at-1]] = firstRow + 1
			}
		default:
			if e := s.table.slot(key.Lo, key.Hi, uint64(key.Len)); e.differs(key.Lo, key.Hi, uint64(key.Len)) == 0 && e.at != 0 {
				picks[s.found[e.at-1]] = firstRow + 1
			}
		}
		for k := range s.heads {
			h := &s.heads[k]
			if key.Lo<<(h.shift&63) == h.want && key.Len >= int(h.n) && (h.n <= 8 || h.met(x.item(s, list, i))) {
				picks[h.question] = firstRow + 1
			}
		}
		for k := range s.items {
			if c := &s.items[k]; c.item.holds(x.item(s, list, i)) {
				picks[c.question] = firstRow + 1
			}
		}
	}
}

func (x *exec) item(s *listSource, list []string, i int) string {
	if list == nil {
		list = x.row.Lists[s.other]
	}
	return list[i]
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

package rules

import (
	"bytes"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadloop/leadloop"
)

func (p *planes) int(x *exec, g *group, v *leadloop.Value) {
	if p.ready(x, g, v, leadloop.KindInt) {
		p.step(g, above(g.ints, v.Int()))
	}
}

func (p *planes) float(x *exec, g *group, v *leadloop.Value) {
	if !p.ready(x, g, v, leadloop.KindFloat) {
		return
	}
	if f := v.Float(); f != f {
		p.or(g.lo, g.nan)
	} else {
		p.step(g, above(g.floats, f))
	}
}

func (p *planes) bool(x *exec, g *group, v *leadloop.Value) {
	if !p.ready(x, g, v, leadloop.KindBool) {
		return
	}
	row := 0
	if v.Bool() {
		row = 1
	}
	p.step(g, row)
}

func (p *planes) time(x *exec, g *group, v *leadloop.Value) {
	if !p.ready(x, g, v, leadloop.KindTime) {
		return
	}
	t := v.Time()
	if !inRange(t) {
		p.without(x, g, erring)
		return
	}
	row, _ := slices.BinarySearchFunc(g.times, t, func(b, t time.Time) int {
		if b.After(t) {
			return 1
		}
		return -1
	})
	p.step(g, row)
}

// variable is for the few inputs that are no fields.
func (p *planes) variable(x *exec, g *group) {
	var v leadloop.Value
	if g.in.at < len(x.facts.Vars) {
		v = x.facts.Vars[g.in.at]
	}
	switch {
	case g.view == viewAge:
		p.age(x, g, &v)
	case g.dom == inInt:
		p.int(x, g, &v)
	case g.dom == inFloat:
		p.float(x, g, &v)
	case g.dom == inBool:
		p.bool(x, g, &v)
	case g.dom == inTime:
		p.time(x, g, &v)
	case g.dom == inList:
		p.list(x, g, &v)
	default:
		p.text(x, g, &v)
	}
}

func (p *planes) age(x *exec, g *group, v *leadloop.Value) {
	if !p.ready(x, g, v, leadloop.KindTime) {
		return
	}
	t := v.Time()
	if !inRange(t) {
		p.without(x, g, erring)
		return
	}
	d, ok := subtractTimes(x.now, t)
	if !ok {
		p.without(x, g, erring)
		p.notes[g.number] = noteRange
		return
	}
	p.step(g, above(g.ints, int64(d)))
}

func (p *planes) text(x *exec, g *group, v *leadloop.Value) {
	if !p.ready(x, g, v, leadloop.KindString) {
		return
	}
	s := v.Text()
	if len(s) > x.set.env.limits.StringBytes {
		p.without(x, g, erring)
		return
	}
	if g.view != viewSelf {
		if b, ok := p.fold(g.view, s); ok {
			p.bytes(x, g, b)
			return
		}
	}
	row := int(g.table.find(s))
	if row == 0 && !utf8.ValidString(s) {
		p.without(x, g, erring)
		return
	}
	p.step(g, row)
	for i := range g.checks {
		c := &g.checks[i]
		var hit bool
		switch c.atom.op {
		case opContains:
			hit = strings.Contains(s, c.atom.text)
		case opPrefix:
			hit = strings.HasPrefix(s, c.atom.text)
		case opSuffix:
			hit = strings.HasSuffix(s, c.atom.text)
		case opMatches:
			hit = c.atom.pattern.MatchString(s)
		case opCheck:
			hit = c.atom.check(s)
		default:
			hit = holds(c.atom.op, strings.Compare(s, c.atom.text))
		}
		if hit != c.negated {
			p.or(g.lo, c.row)
		}
	}
}

// fold changes the case of s into a buffer, if there is anything to change.
func (p *planes) fold(v view, s string) ([]byte, bool) {
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
	b := append(p.folded[:0], s...)
	p.folded = b
	for ; i < len(b); i++ {
		if c := b[i]; c >= from && c <= to {
			b[i] = c ^ shift
		}
	}
	return b, true
}

// bytes is text for a text that was folded.
func (p *planes) bytes(x *exec, g *group, s []byte) {
	if !utf8.Valid(s) {
		p.without(x, g, erring)
		return
	}
	p.step(g, int(g.table.findBytes(s)))
	for i := range g.checks {
		c := &g.checks[i]
		var hit bool
		switch c.atom.op {
		case opContains:
			hit = bytes.Contains(s, c.bytes)
		case opPrefix:
			hit = bytes.HasPrefix(s, c.bytes)
		case opSuffix:
			hit = bytes.HasSuffix(s, c.bytes)
		case opMatches:
			hit = c.atom.pattern.Match(s)
		default:
			hit = holds(c.atom.op, bytes.Compare(s, c.bytes))
		}
		if hit != c.negated {
			p.or(g.lo, c.row)
		}
	}
}

func (p *planes) list(x *exec, g *group, v *leadloop.Value) {
	if !p.ready(x, g, v, leadloop.KindStrings) {
		return
	}
	limits := &x.set.env.limits
	if v.Len() > limits.ListItems {
		p.without(x, g, erring)
		return
	}
	for i := range v.Len() {
		if s := v.At(i); len(s) > limits.ItemBytes || !utf8.ValidString(s) {
			p.without(x, g, erring)
			return
		}
	}
	p.step(g, 0)
	for i := range g.items {
		if c := &g.items[i]; c.found(v) != c.negated {
			p.or(g.lo, c.row)
		}
	}
}

func (c *itemCheck) found(v *leadloop.Value) bool {
	if c.simple {
		for i := range v.Len() {
			if v.At(i) == c.text {
				return true
			}
		}
		return false
	}
	for i := range v.Len() {
		if c.item.holds(v.At(i)) {
			return true
		}
	}
	return false
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

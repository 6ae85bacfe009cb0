package rules

import (
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/leadloop/leadloop"
)

// cellIndex tells which cell a value of a field is in.
type cellIndex struct {
	once  sync.Once
	exact bool
	// empty is the position of an empty value that is neither a string nor a list.
	empty int
	at    map[string]int // by signature
}

// Cell returns the position, among the values of [Set.Cells], of the one that
// stands for v: with all other inputs as they are, every rule comes to the same for
// both. It is false if the cells are not exact or move with time, and for a value
// that no rule can read.
func (s *Set) Cell(name string, v leadloop.Value) (position int, ok bool) {
	at, kind, ok := s.lookup(name)
	if !ok || v.Kind() != kind || kind == leadloop.KindTime {
		return 0, false
	}
	use := s.detail().uses[at]
	if use == nil {
		use = &fieldUse{}
	}
	b, x := s.cellsOf(use, time.Time{}), &use.index
	key := func(d datum) string {
		if kind == leadloop.KindBool {
			return strconv.FormatInt(d.num, 10) // each is a cell of its own, however rules look at it
		}
		return b.signature(b.atoms, d)
	}
	x.once.Do(func() {
		values, exact := s.Cells(name, time.Time{})
		x.exact, x.at = exact, make(map[string]int, len(values))
		for i, v := range values {
			if d, ok := datumOf(v, s.env.limits); ok {
				x.at[key(d)] = i
			} else if v.Presence() == leadloop.Empty {
				x.empty = i
			}
		}
	})
	if !x.exact {
		return 0, false
	}
	if d, ok := datumOf(v, s.env.limits); ok {
		position, ok = x.at[key(d)]
		return position, ok
	}
	switch {
	case v.Presence() == leadloop.KnownAbsent:
		return 0, true
	case v.Presence() == leadloop.Empty:
		return x.empty, true
	}
	return 0, false
}

// datumOf is a value as conditions see it, false if they can't.
func datumOf(v leadloop.Value, l Limits) (d datum, ok bool) {
	text := v.Kind() == leadloop.KindString || v.Kind() == leadloop.KindStrings
	if v.Presence() != leadloop.Present && (!text || v.Presence() != leadloop.Empty) {
		return d, false
	}
	switch v.Kind() {
	case leadloop.KindString:
		d.text = v.Text()
		return d, len(d.text) <= l.StringBytes && utf8.ValidString(d.text)
	case leadloop.KindStrings:
		d.list = v.Strings()
		return d, len(d.list) <= l.ListItems && !slices.ContainsFunc(d.list, func(s string) bool { return len(s) > l.ItemBytes || !utf8.ValidString(s) })
	case leadloop.KindInt:
		d.num = v.Int()
	case leadloop.KindBool:
		if v.Bool() {
			d.num = 1
		}
	case leadloop.KindFloat:
		d.float = v.Float()
		return d, !math.IsNaN(d.float) && !math.IsInf(d.float, 0)
	}
	return d, true
}

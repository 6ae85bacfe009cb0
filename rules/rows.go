package rules

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// fill makes the rows of a group, which are the same between two bounds.
func (g group) fill(dom domain, atoms []*atom, row func(datum) []uint64) group {
	switch dom {
	case inBool:
		g.rows = slices.Concat(row(datum{}), row(datum{num: 1}))
	case inInt, inDuration:
		var bounds []int64
		for _, a := range atoms {
			for _, k := range append(slices.Clone(a.nums), a.num) {
				bounds = append(bounds, k)
				if k < math.MaxInt64 {
					bounds = append(bounds, k+1)
				}
			}
		}
		first := slices.Min(bounds)
		if first > math.MinInt64 {
			first--
		}
		g.ints, g.rows = steps(bounds, cmp.Compare, first, func(n int64) []uint64 { return row(datum{num: n}) })
	case inFloat:
		var bounds []float64
		for _, a := range atoms {
			for _, k := range append(slices.Clone(a.floats), a.float) {
				bounds = append(bounds, k, math.Nextafter(k, math.Inf(1)))
			}
		}
		first := math.Nextafter(slices.Min(bounds), math.Inf(-1))
		g.floats, g.rows = steps(bounds, cmp.Compare, first, func(f float64) []uint64 { return row(datum{float: f}) })
		g.nan = row(datum{float: math.NaN()})
	case inTime:
		var bounds []time.Time
		for _, a := range atoms {
			bounds = append(bounds, a.time, a.time.Add(1))
		}
		first := slices.MinFunc(bounds, time.Time.Compare).Add(-1)
		g.times, g.rows = steps(bounds, time.Time.Compare, first, func(t time.Time) []uint64 { return row(datum{time: t}) })
	case inText:
		var texts []string
		for _, a := range atoms {
			switch a.op {
			case opEqual, opUnequal:
				texts = append(texts, a.text)
			case opIn:
				texts = append(texts, a.texts...)
			}
		}
		slices.Sort(texts)
		texts = slices.Compact(texts)
		g.table = newTextTable(texts)
		g.rows = row(datum{text: "\xff"}) // which is no text that a rule can hold
		for _, s := range texts {
			g.rows = append(g.rows, row(datum{text: s})...)
		}
	case inList:
		g.rows = row(datum{}) // has(), whatever is in it
	}
	return g
}

// steps drops bounds at which no bit changes.
func steps[T any](bounds []T, compare func(a, b T) int, first T, row func(T) []uint64) (kept []T, rows []uint64) {
	slices.SortFunc(bounds, compare)
	last := row(first)
	rows = slices.Clone(last)
	for _, k := range bounds {
		if next := row(k); !slices.Equal(next, last) {
			kept, rows, last = append(kept, k), append(rows, next...), next
		}
	}
	return kept, rows
}

// counters go through the activities once for all windows of all rules.
type counters struct {
	table   textTable
	types   []counted
	windows []time.Duration // grouped by type
	at      []int           // where in windows the i-th asked for is
	asked   []asked
}

type asked struct {
	typ    int
	window time.Duration
}

// counted is a type of activity that rules ask for.
type counted struct {
	name     string
	from, to int // in windows
	last     bool
}

func (c *counters) typ(name string) int {
	i := slices.IndexFunc(c.types, func(t counted) bool { return t.name == name })
	if i < 0 {
		i = len(c.types)
		c.types = append(c.types, counted{name: name})
	}
	return i
}

// window asks for a count and returns its number; 0 is no window.
func (c *counters) window(typ string, window time.Duration) int {
	a := asked{c.typ(typ), window}
	i := slices.Index(c.asked, a)
	if i < 0 {
		i = len(c.asked)
		c.asked = append(c.asked, a)
	}
	return i
}

// last asks for the latest activity of a type and returns the type's number.
func (c *counters) last(typ string) int {
	i := c.typ(typ)
	c.types[i].last = true
	return i
}

// index lays out what was asked for.
func (c *counters) index() {
	var names []string
	c.at = make([]int, len(c.asked))
	for i := range c.types {
		t := &c.types[i]
		names = append(names, t.name)
		t.from = len(c.windows)
		for k, a := range c.asked {
			if a.typ == i {
				c.at[k] = len(c.windows)
				c.windows = append(c.windows, a.window)
			}
		}
		t.to = len(c.windows)
	}
	c.table = newTextTable(names)
}

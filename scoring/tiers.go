package scoring

import (
	"slices"

	"github.com/leadloop/leadloop"
)

// bounds is a closed interval of points.
type bounds struct{ lo, hi leadloop.Points }

func exactly(p leadloop.Points) bounds { return bounds{p, p} }

func (b bounds) plus(c bounds) bounds { return bounds{b.lo + c.lo, b.hi + c.hi} }

func (b bounds) orZero() bounds { return bounds{min(b.lo, 0), max(b.hi, 0)} }

func (b bounds) or(c bounds) bounds { return bounds{min(b.lo, c.lo), max(b.hi, c.hi)} }

func (b bounds) within(limits bounds) bounds {
	return bounds{clamp(b.lo, limits), clamp(b.hi, limits)}
}

func clamp(p leadloop.Points, limits bounds) leadloop.Points {
	return min(max(p, limits.lo), limits.hi)
}

// representable is what points can be at all.
var representable = bounds{-leadloop.MaxPoints, leadloop.MaxPoints}

// tiers maps points to labels. Ranks count from 0, the best; the rank after the
// last name means no tier.
type tiers struct {
	names      []string
	hysteresis leadloop.Points
	// By threshold: lower edges, descending.
	from []leadloop.Points
	// By grid: cells hold ranks.
	rows, columns axis
	cells         [][]int
}

type axis struct {
	group int
	from  []leadloop.Points
}

// newTiers takes a checked definition.
func newTiers(d Definition, groupIndex func(string) int) tiers {
	var t tiers
	t.hysteresis, _ = leadloop.PointsOf(d.Hysteresis)
	for _, tier := range d.Tiers {
		t.names = append(t.names, tier.Name)
		t.from = append(t.from, edges(tier.From)...)
	}
	if g := d.Grid; g != nil {
		t.rows = axis{groupIndex(g.Rows.Group), edges(g.Rows.From...)}
		t.columns = axis{groupIndex(g.Columns.Group), edges(g.Columns.From...)}
		for _, row := range g.Cells {
			ranks := make([]int, len(row))
			for i, name := range row {
				if ranks[i] = slices.Index(t.names, name); ranks[i] < 0 {
					ranks[i] = len(t.names)
					t.names = append(t.names, name)
				}
			}
			t.cells = append(t.cells, ranks)
		}
	}
	return t
}

func edges(from ...float64) []leadloop.Points {
	out := make([]leadloop.Points, len(from))
	for i, f := range from {
		out[i], _ = leadloop.PointsOf(f)
	}
	return out
}

// band is the position of the first edge that p reaches; past the last one if
// there is none.
func band(from []leadloop.Points, p leadloop.Points) int {
	for i, edge := range from {
		if p >= edge {
			return i
		}
	}
	if n := len(from); n > 0 && from[n-1] <= 0 {
		return n - 1
	}
	return len(from)
}

func (t *tiers) name(rank int) string {
	if rank < len(t.names) {
		return t.names[rank]
	}
	return ""
}

// previous is the rank of a stored tier; -1 for one that this model does not
// have.
func (t *tiers) previous(name string) int { return slices.Index(t.names, name) }

// rank is the tier of a score when previous is stored.
func (t *tiers) rank(score leadloop.Points, groups []leadloop.Points, previous int) (rank int, kept bool) {
	if t.cells == nil {
		return held(band(t.from, score), band(t.from, score+t.hysteresis), previous)
	}
	r, c := groups[t.rows.group], groups[t.columns.group]
	return held(
		t.cell(band(t.rows.from, r), band(t.columns.from, c)),
		t.cell(band(t.rows.from, r+t.hysteresis), band(t.columns.from, c+t.hysteresis)),
		previous)
}

// held keeps the stored tier for a lead that would fall below it, if it would
// not with the hysteresis on top.
func held(plain, raised, previous int) (int, bool) {
	if previous >= 0 && plain > previous && raised <= previous {
		return previous, true
	}
	return plain, false
}

func (t *tiers) cell(row, column int) int {
	if row < len(t.rows.from) && column < len(t.columns.from) {
		return t.cells[row][column]
	}
	return len(t.names)
}

// mark marks the ranks that scores and groups within bounds can have. Within
// bounds the rank only changes where a band begins, with or without the
// hysteresis.
func (t *tiers) mark(score bounds, groups []bounds, previous int, ranks []bool) {
	if t.cells == nil {
		t.turns(t.from, score, func(p leadloop.Points) {
			rank, _ := held(band(t.from, p), band(t.from, p+t.hysteresis), previous)
			ranks[rank] = true
		})
		return
	}
	t.turns(t.rows.from, groups[t.rows.group], func(r leadloop.Points) {
		row, raised := band(t.rows.from, r), band(t.rows.from, r+t.hysteresis)
		t.turns(t.columns.from, groups[t.columns.group], func(c leadloop.Points) {
			rank, _ := held(t.cell(row, band(t.columns.from, c)), t.cell(raised, band(t.columns.from, c+t.hysteresis)), previous)
			ranks[rank] = true
		})
	})
}

// turns calls f with one point of b for each stretch on which the band, with
// and without hysteresis, is the same.
func (t *tiers) turns(from []leadloop.Points, b bounds, f func(p leadloop.Points)) {
	f(b.lo)
	for _, edge := range from {
		for _, p := range [2]leadloop.Points{edge, edge - t.hysteresis} {
			if p > b.lo && p <= b.hi {
				f(p)
			}
		}
	}
}

package learn

import (
	"cmp"
	"slices"
)

// mostCells is how many different leads are counted apart before the grid is
// made coarser, so that memory is bounded whatever the number of rows. A
// variable for tests.
var mostCells = 1_500_000

// fewBands is how many bands of a number are left before values of categories
// are joined: as many as a regression begins with.
const fewBands = preBands

// coarsen halves the grid as often as it takes to hold few cells enough. How
// often depends on what was counted alone, not on its order: what is too much in
// the middle of a table is too much at its end.
func (c *Counts) coarsen() {
	for c.cells.len() > mostCells {
		// Numbers first, then categories, then what is left of the numbers.
		var to [][]uint8 // by axis and code; nil for axes that stay
		changed := false
		for _, step := range []func(*axis) []uint8{
			func(a *axis) []uint8 { return a.halveBands(fewBands) },
			(*axis).halveLevels,
			func(a *axis) []uint8 { return a.halveBands(1) },
		} {
			to = nil
			for k, a := range c.axes {
				if a.frequent == nil && a.Kind == KindCategory {
					a.frequent = rows(c.cells.margin(k, a.codes(), func(int) bool { return true }))
				}
				codes := step(a)
				to, changed = append(to, codes), changed || codes != nil
			}
			if changed {
				break
			}
		}
		if !changed {
			return // nothing is left to join
		}
		c.head.Halved++
		out := newCells(c.cells.width)
		key := make([]byte, c.cells.stride())
		for i := range c.cells.len() {
			copy(key, c.cells.keys[i*c.cells.stride():])
			for k, codes := range to {
				if codes != nil {
					key[k] = codes[key[k]]
				}
			}
			out.add(key, c.cells.won[i], c.cells.lost[i])
		}
		c.cells = out
	}
}

func rows(counts []tally) []int64 {
	out := make([]int64, len(counts))
	for code, t := range counts {
		out[code] = t.n()
	}
	return out
}

// halveBands leaves out every other edge, if there are as many, and returns what
// codes become.
func (a *axis) halveBands(least int) []uint8 {
	if a.Kind != KindNumber || len(a.Edges) < least {
		return nil
	}
	to := make([]uint8, a.codes())
	for code := 1; code < len(to); code++ {
		to[code] = uint8(1 + (code-1)/2)
	}
	var edges []float64
	for i := 1; i < len(a.Edges); i += 2 {
		edges = append(edges, a.Edges[i])
	}
	a.Edges = edges
	return to
}

// halveLevels counts the rarer half of the values as other ones.
func (a *axis) halveLevels() []uint8 {
	if a.Kind != KindCategory || len(a.Levels) == 0 {
		return nil
	}
	order := make([]int, len(a.Levels))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(a.frequent[y+2], a.frequent[x+2]) })
	kept := slices.Clone(order[:len(order)/2])
	slices.Sort(kept)
	to, frequent, levels := make([]uint8, a.codes()), a.frequent[:2:2], []string(nil)
	for code := range to {
		to[code] = codeOther
	}
	to[codeMissing] = codeMissing
	for n, i := range kept {
		to[i+2] = uint8(n + 2)
		levels, frequent = append(levels, a.Levels[i]), append(frequent, a.frequent[i+2])
	}
	a.Levels, a.frequent = levels, frequent
	a.reindex()
	return to
}

package match

import (
	"math"
	"math/bits"
)

// scale weighs vectors as [params.weight] does, number for number, and says the most that vectors may weigh which are not known in full. It holds what
// that reads close together, as batches weigh tens of millions.
type scale struct {
	params      *params
	comparisons []weighed
}

// weighed is one comparison. Arrays are by the level of the parent that counts, plus maxLevels times its place, as in params, and then by level.
type weighed struct {
	parents []uint8 // comparisons
	tells   []float64
	weights [][maxLevels]float64
	damping [][maxLevels]float64 // of the frequency adjustment
	columns [maxLevels]int       // whose frequencies count
	// Of an open parent, by the highest level that is possible: the most of what lower ones have, too.
	openTells   []float64
	openWeights [][maxLevels]float64
}

func newScale(p *params, s *spec) *scale {
	out := &scale{params: p, comparisons: make([]weighed, len(p.w))}
	for k := range out.comparisons {
		rows := len(p.w[k])
		c, of := weighed{
			tells: make([]float64, rows), weights: make([][maxLevels]float64, rows), damping: make([][maxLevels]float64, rows),
			openTells: make([]float64, rows), openWeights: make([][maxLevels]float64, rows),
		}, &s.comparisons[k]
		for level := range of.levels {
			c.columns[level] = of.column
			if other, ok := of.other[uint8(level)]; ok {
				c.columns[level] = other
			}
			c.weights[0][level], c.damping[0][level] = p.w[k][0][level], of.damping(uint8(level))
		}
		for place, i := range p.parents[k] {
			c.parents = append(c.parents, uint8(i))
			first := place * maxLevels
			c.tells[first] = math.Inf(-1)
			for at := first + 1; at < first+maxLevels; at++ {
				from := min(at, first+int(p.exact[i])) // a level beyond counts as this one
				c.tells[at] = p.tells[k][from]
				for level := range of.levels {
					c.weights[at][level], c.damping[at][level] = p.w[k][from][level], c.damping[0][level]*p.scale[k][from][level]
				}
				c.openTells[at], c.openWeights[at] = c.tells[at], c.weights[at]
				if at > first+1 {
					c.openTells[at] = max(c.openTells[at], c.openTells[at-1])
					for level := range c.openWeights[at] {
						c.openWeights[at][level] = max(c.openWeights[at][level], c.openWeights[at-1][level])
					}
				}
			}
		}
		out.comparisons[k] = c
	}
	return out
}

// weight returns the weight of a vector, or if levels are open the most that it may be.
func (s *scale) weight(v *vector, g *gains) float64 {
	levels, adjusts := 0.0, 0.0
	for k := range s.comparisons {
		level := v.level[k]
		if level == levelMissing {
			continue
		}
		c := &s.comparisons[k]
		above, tells, open := c.above(v)
		if open != 0 || level == levelOpen {
			levels += s.most(k, v, above, tells, open, g)
			continue
		}
		levels += c.weights[above][level]
		if v.freq[k] != 0 {
			adjusts += c.damping[above][level] * s.params.rarity(k, level, v.freq[k])
		}
	}
	return s.params.prior + levels + adjusts
}

// above is [params.above] among the parents that are known, how many bits that says, and the places, as bits, of those open ones that may say more.
func (c *weighed) above(v *vector) (above uint8, tells float64, open uint8) {
	tells = math.Inf(-1)
	first := uint8(0)
	for place, parent := range c.parents {
		level := v.level[parent&(maxComparisons-1)]
		if level == levelOpen {
			open |= 1 << uint(place)
		} else if t := c.tells[first+level]; t > tells {
			above, tells = first+level, t
		}
		first += maxLevels
	}
	for left := open; left != 0; left &= left - 1 {
		place := bits.TrailingZeros8(left)
		if c.openTells[c.openAt(place, v)] < tells {
			open &^= 1 << uint(place)
		}
	}
	return above, tells, open
}

func (c *weighed) openAt(place int, v *vector) int {
	return place*maxLevels + int(v.most[c.parents[place]&(maxComparisons-1)])
}

// most is the most that a comparison may weigh which is open, or has a parent that is.
func (s *scale) most(k int, v *vector, above uint8, tells float64, open uint8, g *gains) float64 {
	c := &s.comparisons[k]
	from, to := v.level[k], v.level[k]
	if from == levelOpen {
		from, to = 1, v.most[k]
	}
	most := math.Inf(-1)
	for level := from; level <= to; level++ {
		w := math.Inf(-1)
		if open == 0 || !math.IsInf(tells, -1) {
			w = c.weights[above][level]
		}
		for left := open; left != 0; left &= left - 1 {
			w = max(w, c.openWeights[c.openAt(bits.TrailingZeros8(left), v)][level])
		}
		switch {
		case v.level[k] == levelOpen:
			w += g[k][level]
		case v.freq[k] != 0:
			w += max(c.damping[0][level]*s.params.rarity(k, level, v.freq[k]), 0)
		}
		most = max(most, w)
	}
	return most
}

// gains are the most that frequencies may add to comparisons of a row with others, by level.
type gains [maxComparisons][maxLevels]float64

func (s *scale) gains(cols []*column, row []uint32, out *gains) {
	for k := range s.comparisons {
		c := &s.comparisons[k]
		for level, damping := range c.damping[0] {
			if damping > 0 { // what two rows have in common is as common as what one of them has, or more
				col := c.columns[level]
				out[k][level] = max(damping*s.params.rarity(k, uint8(level), cols[col].logFreqs[row[col]]), 0)
			}
		}
	}
}

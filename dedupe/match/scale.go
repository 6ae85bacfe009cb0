package match

import "math"

// scale weighs vectors as [params.weight] does, number for number. It holds what that reads close together, as batches weigh tens of millions.
type scale struct {
	params      *params
	spec        *spec
	comparisons []weighed
}

// weighed is one comparison. Arrays are by the level of the parent that counts, plus maxLevels times its place, as in params.
type weighed struct {
	parents []parent
	tells   []float64
	weights [][maxLevels]float64
}

// parent is a comparison that another one depends on, and its level of full agreement.
type parent struct{ comparison, exact uint8 }

func newScale(p *params, s *spec) *scale {
	out := &scale{params: p, spec: s, comparisons: make([]weighed, len(p.w))}
	for k := range out.comparisons {
		c := &out.comparisons[k]
		for _, i := range p.parents[k] {
			c.parents = append(c.parents, parent{uint8(i), p.exact[i]})
		}
		c.tells = p.tells[k]
		c.weights = make([][maxLevels]float64, len(p.w[k]))
		for above, w := range p.w[k] {
			copy(c.weights[above][:], w)
		}
	}
	return out
}

func (s *scale) weight(v *vector) float64 {
	levels, adjusts := 0.0, 0.0
	for k := range s.comparisons {
		level := v.level[k]
		if level == levelMissing {
			continue
		}
		c := &s.comparisons[k]
		above, most := uint8(0), math.Inf(-1)
		for place, p := range c.parents {
			l := min(v.level[p.comparison&(maxComparisons-1)], p.exact)
			if l == levelMissing {
				continue
			}
			if at := uint8(place*maxLevels) + l; c.tells[at] > most {
				above, most = at, c.tells[at]
			}
		}
		levels += c.weights[above][level]
		if v.freq[k] != 0 {
			adjusts += s.params.adjust(&s.spec.comparisons[k], k, above, level, v.freq[k])
		}
	}
	return s.params.prior + levels + adjusts
}

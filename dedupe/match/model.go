package match

import (
	"math"
)

// Model compares rows. It is made by [Learn] or [ParseModel], never changes, and is safe for concurrent use.
type Model struct {
	spec   *spec
	params params
	freqs  []frequencies // by column
	report Report
	// The blocking keys: how to find candidates, their numbers among all of the spec, and how many rows may share a value.
	keys    []blockKey
	numbers []int
	caps    []int

	scale  *scale
	digest string
}

// params are the numbers of a model.
type params struct {
	prior float64     // binary logarithm of the odds that two rows taken at random are one
	m     [][]float64 // by comparison and level
	ref   [][]float64 // binary logarithm of how common a value is that gets no adjustment, by comparison and level
	// What is usual among pairs that are not one depends on the level of one other comparison: people of one street share its city.
	// Of a few that do depend on it that one counts whose level says the most.
	parents [][]int
	u       [][][]float64 // by comparison, place and level of the parent (0 if there is none; see above) and level
	w       [][][]float64 // log2(m/u), what is added; 0 for missing
	scale   [][][]float64 // of the frequency adjustment
	exact   []uint8       // level of full agreement of each comparison; a level beyond it counts as this one where others depend on it
	tells   [][]float64   // by comparison, place and level of the parent: how many bits that says about the comparison
}

const (
	maxLevels  = 10
	maxParents = 5
)

// Damping of the frequency adjustment: in full where values are equal, in part where they resemble each other.
const (
	fullDamping  = 1.0
	fuzzyDamping = 0.5
	maxAdjust    = 10.0 // bits, either way
)

func newParams(s *spec) params {
	var p params
	for _, c := range s.comparisons {
		n := len(c.levels)
		p.exact = append(p.exact, c.exact)
		p.m, p.ref, p.parents = append(p.m, make([]float64, n)), append(p.ref, make([]float64, n)), append(p.parents, nil)
		u, w, scale := make([][]float64, maxParents*maxLevels), make([][]float64, maxParents*maxLevels), make([][]float64, maxParents*maxLevels)
		for i := range u {
			u[i], w[i], scale[i] = make([]float64, n), make([]float64, n), make([]float64, n)
		}
		p.u, p.w, p.scale, p.tells = append(p.u, u), append(p.w, w), append(p.scale, scale), append(p.tells, make([]float64, maxParents*maxLevels))
	}
	return p
}

// weigh computes the weights from m and u.
func (p *params) weigh() {
	for k := range p.m {
		for above := range p.u[k] {
			for l := 1; l < len(p.m[k]); l++ {
				p.w[k][above][l] = math.Log2(p.m[k][l] / p.u[k][above][l])
				p.scale[k][above][l] = min(max(math.Log2(p.u[k][above][l])/min(math.Log2(p.u[k][0][l]), -0.01), 0), 1)
			}
			p.tells[k][above] = divergence(p.u[k][above], p.u[k][0])
		}
	}
}

// levelWeight sums the weights of a pair's levels.
func (p *params) levelWeight(levels *[maxComparisons]uint8) float64 {
	sum := 0.0
	for k := range p.w {
		sum += p.w[k][p.above(k, levels)][levels[k]]
	}
	return sum
}

// divergence is how many bits the shares of levels u say beyond what is usual.
func divergence(u, usual []float64) float64 {
	sum, bits := 0.0, 0.0
	for l := 1; l < len(u); l++ {
		sum += u[l]
		bits += u[l] * math.Log2(u[l]/usual[l])
	}
	return bits / max(sum, 1e-12)
}

// above is the level of that parent of a comparison which says the most about it, plus maxLevels times its place among the parents; 0 if there is
// none, or all of them are missing.
func (p *params) above(k int, levels *[maxComparisons]uint8) (at uint8) {
	most := math.Inf(-1)
	for place, parent := range p.parents[k] {
		l := min(levels[parent], p.exact[parent])
		if l == levelMissing {
			continue
		}
		if tells := p.tells[k][place*maxLevels+int(l)]; tells > most {
			at, most = uint8(place*maxLevels)+l, tells
		}
	}
	return at
}

// adjust returns the term-frequency adjustment of a comparison.
//
// Where others agree often because the parent agrees, how common the value is matters less: in proportion to the bits that agreement is worth.
func (p *params) adjust(c *comparison, k int, above, level uint8, freq float32) float64 {
	if freq == 0 {
		return 0
	}
	damping := c.damping(level)
	if above != 0 {
		damping *= p.scale[k][above][level]
	}
	return damping * p.rarity(k, level, freq)
}

// rarity is how many bits rarer a value is than what gets no adjustment.
func (p *params) rarity(k int, level uint8, freq float32) float64 {
	return min(max(p.ref[k][level]-float64(freq), -maxAdjust), maxAdjust)
}

// damping is how far it counts at a level how common the value is.
func (c *comparison) damping(level uint8) float64 {
	switch {
	case c.full>>level&1 != 0:
		return fullDamping
	case c.fuzzy>>level&1 != 0:
		return fuzzyDamping
	}
	return 0
}

// adjustment sums the adjustments of a pair.
func (p *params) adjustment(s *spec, v *vector) float64 {
	sum := 0.0
	for k := range s.comparisons {
		if v.freq[k] != 0 {
			sum += p.adjust(&s.comparisons[k], k, p.above(k, &v.level), v.level[k], v.freq[k])
		}
	}
	return sum
}

// weight returns the binary logarithm of the odds that two rows are one: the prior, levelWeight and adjustment.
func (p *params) weight(s *spec, v *vector) float64 {
	levels, adjusts := 0.0, 0.0
	for k := range p.w {
		level := v.level[k]
		if level == levelMissing {
			continue
		}
		above := p.above(k, &v.level)
		levels += p.w[k][above][level]
		if v.freq[k] != 0 {
			adjusts += p.adjust(&s.comparisons[k], k, above, level, v.freq[k])
		}
	}
	return p.prior + levels + adjusts
}

func probability(weight float64) float64 { return 1 / (1 + math.Exp2(-weight)) }

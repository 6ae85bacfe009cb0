package match

import "math"

// priorM is what is usual among true pairs for a comparison with levels: mostly equal, more often close than not.
func priorM(c *comparison) []float64 {
	m := make([]float64, len(c.levels))
	m[levelDifferent] = 0.06
	m[c.exact] = 0.80
	rest := 0.0
	for level := 2; level < len(c.levels); level++ {
		if uint8(level) != c.exact {
			m[level] = float64(level)
			if level > int(c.exact) {
				m[level] = 0.5
			}
			rest += m[level]
		}
	}
	for level := 2; level < len(c.levels); level++ {
		if uint8(level) != c.exact {
			m[level] *= 0.14 / rest
		}
	}
	if rest == 0 {
		m[levelDifferent] = 0.2
	}
	return m
}

const (
	priorStrength = 20 // pairs that the usual values count for
	maxRounds     = 60
)

// maximise is expectation maximisation over the examples: how likely each is a true pair, and from that what is usual among true pairs.
func (l *learner) maximise() {
	p := &l.params
	priors := make([][]float64, len(l.spec.comparisons))
	for k := range l.spec.comparisons {
		priors[k] = priorM(&l.spec.comparisons[k])
		copy(p.m[k], priors[k])
		copy(p.u[k], l.random[k])
	}
	matches := 0.1 * float64(l.n.all)
	for range maxRounds {
		lambda := min(max(matches/l.total, 1e-12), 0.5)
		p.prior = math.Log2(lambda / (1 - lambda))
		for k := range p.u {
			for level := 1; level < len(p.u[k]); level++ {
				p.u[k][level] = max((l.random[k][level]-lambda*p.m[k][level])/(1-lambda), l.random[k][level]*0.05)
			}
		}
		p.weigh()
		counts := newParams(l.spec).m
		found := 0.0
		for i := range l.examples {
			e := &l.examples[i]
			w := p.prior + float64(e.adjust)
			for k := range p.w {
				w += p.w[k][e.levels[k]]
			}
			post := probability(w) * float64(e.weight)
			found += post
			for k := range p.w {
				counts[k][e.levels[k]] += post
			}
		}
		change := math.Abs(found*l.rate - matches)
		matches = found * l.rate
		for k := range counts {
			sum := 0.0
			for level := 1; level < len(counts[k]); level++ {
				sum += counts[k][level]
			}
			for level := 1; level < len(counts[k]); level++ {
				p.m[k][level] = (counts[k][level] + priorStrength*priors[k][level]) / (sum + priorStrength)
			}
		}
		if change < 1e-4*(1+matches) {
			break
		}
	}
	p.weigh()
	l.report.Matches = matches
}

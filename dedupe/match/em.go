package match

import (
	"bytes"
	"cmp"
	"math"
	"slices"
)

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
	priorStrength = 20  // pairs that the usual values count for
	priorShare    = 0.2 // and for how many of the true pairs found
	maxRounds     = 60
	aloneRounds   = 5
)

// pattern is what pairs have in common: levels and, in whole bits, how common their values are.
type pattern struct {
	levels [maxComparisons]uint8
	adjust float64
	weight float64 // pairs of rows in all
	seen   float64 // pairs that were looked at
	near   bool    // candidates
}

type patternKey struct {
	levels [maxComparisons]uint8
	adjust int8
	near   bool
}

type patternSum struct{ weight, seen float64 }

// patterns puts equal pairs together, in the order of their levels: candidates, and those pairs taken at random that are none.
func (l *learner) patterns() []pattern {
	sums := map[patternKey]patternSum{}
	add := func(list []example, rate float64, near bool) {
		for i := range list {
			e := &list[i]
			k := patternKey{e.levels, int8(math.Round(float64(e.adjust))), near}
			s := sums[k]
			sums[k] = patternSum{s.weight + float64(e.weight)*rate, s.seen + float64(e.weight)}
		}
	}
	add(l.examples, l.rate, true)
	add(l.strangers, l.strangerRate, false)
	out := make([]pattern, 0, len(sums))
	for k, s := range sums {
		out = append(out, pattern{k.levels, float64(k.adjust), s.weight, s.seen, k.near})
	}
	slices.SortFunc(out, func(a, b pattern) int {
		return cmp.Or(bytes.Compare(a.levels[:], b.levels[:]), cmp.Compare(a.adjust, b.adjust), cmp.Compare(a.seen, b.seen))
	})
	return out
}

// start sets what is usual for a beginning.
func (l *learner) start() {
	for k := range l.spec.comparisons {
		l.priors = append(l.priors, priorM(&l.spec.comparisons[k]))
		copy(l.params.m[k], l.priors[k])
	}
	l.matches = 0.1 * float64(l.n.all)
}

// maximise is expectation maximisation over all pairs: how likely each is a true pair, and from that what is usual among true pairs and among the
// others.
//
// The comparisons are taken for independent at first, as what seems to depend on each other may do so because of the true pairs.
func (l *learner) maximise() {
	p := &l.params
	patterns := l.patterns()
	post := make([]float64, len(patterns))
	alone := aloneRounds
	if l.joint == nil {
		l.joint = newJoint(l.spec)
		l.joint.count(patterns, post)
	} else {
		alone = 0
	}
	for round := range maxRounds {
		lambda := min(max(l.matches/l.total, 1e-12), 0.5)
		p.prior = math.Log2(lambda / (1 - lambda))
		l.joint.set(p)
		p.weigh()
		m := newParams(l.spec).m
		found, looked := 0.0, 0.0
		for i := range patterns {
			e := &patterns[i]
			post[i] = probability(p.prior + p.levelWeight(&e.levels) + e.adjust)
			found += post[i] * e.weight
			looked += post[i] * e.seen
			for k := range p.m {
				m[k][e.levels[k]] += post[i] * e.seen
			}
		}
		change := math.Abs(found - l.matches)
		l.matches = found
		smooth(p.m, m, l.priors, priorStrength+priorShare*looked)
		l.joint.count(patterns, post)
		if round >= alone {
			l.joint.choose(p)
		}
		if round > alone && change < 1e-4*(1+l.matches) {
			break
		}
	}
	l.joint.set(p)
	p.weigh()
	l.report.Matches = l.matches
}

// smooth turns counts of levels into shares, with the priors counting for strength.
func smooth(out, counts, priors [][]float64, strength float64) {
	for k := range counts {
		sum := 0.0
		for level := 1; level < len(counts[k]); level++ {
			sum += counts[k][level]
		}
		for level := 1; level < len(counts[k]); level++ {
			out[k][level] = (counts[k][level] + strength*priors[k][level]) / (sum + strength)
		}
	}
}

package match

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// priorM is what is usual among true pairs for a comparison with levels: mostly equal, more often close than not.
func priorM(c *comparison) []float64 {
	m := make([]float64, len(c.levels))
	m[levelDifferent] = 0.06
	if c.apart>>levelDifferent&1 != 0 {
		m[levelDifferent] = 0.02
	}
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
	aloneRounds   = 2  // in which comparisons count as independent
	labelWeight   = 10 // of a pair that somebody decided about, in pairs that were looked at
)

// known is what somebody said about a pair.
type known int8

const (
	unknown known = iota
	same
	different
)

// pattern is what pairs have in common: levels and, in whole bits, how common their values are.
type pattern struct {
	levels [maxComparisons]uint8
	adjust float64
	weight float64 // pairs of rows in all
	seen   float64 // pairs that were looked at
	near   bool    // candidates
	known  known
	above  [maxComparisons]uint8 // see params.above; set by expect
}

type patternKey struct {
	levels [maxComparisons]uint8
	adjust int8
	near   bool
	known  known
}

type patternSum struct{ weight, seen float64 }

// patterns puts equal pairs together, in the order of their levels: candidates, and those pairs taken at random that are none.
func (l *learner) patterns() []pattern {
	sums := map[patternKey]patternSum{}
	add := func(list []example, rate float64, near bool) {
		for i := range list {
			e := &list[i]
			k := patternKey{e.levels, int8(math.Round(float64(e.adjust))), near, e.known}
			s := sums[k]
			sums[k] = patternSum{s.weight + float64(e.weight)*rate, s.seen + float64(e.weight)}
		}
	}
	add(l.examples, l.rate, true)
	add(l.strangers, l.strangerRate, false)
	add(l.labels, 1, true)
	out := make([]pattern, 0, len(sums))
	for k, s := range sums {
		out = append(out, pattern{levels: k.levels, adjust: float64(k.adjust), weight: s.weight, seen: s.seen, near: k.near, known: k.known})
	}
	slices.SortFunc(out, func(a, b pattern) int {
		return cmp.Or(bytes.Compare(a.levels[:], b.levels[:]), cmp.Compare(a.adjust, b.adjust), cmp.Compare(a.known, b.known),
			compareBools(a.near, b.near), cmp.Compare(a.seen, b.seen))
	})
	return out
}

// Attempts at learning, from the most to the least that is believed to depend on each other. A candidate matters for the choice of what depends on
// what by how close it comes to a match, down to so many bits.
var attempts = []struct {
	relevant float64
	warning  string
}{
	{relevant: 8},
	{relevant: 1e6, warning: "rows that agree in one column mostly agree in others, too, so that no true pair stood out; how columns hang together was taken from pairs at random instead"},
}

// estimate learns the parameters, and again more simply if the outcome cannot be right.
func (l *learner) estimate() {
	for _, attempt := range attempts {
		if attempt.warning != "" {
			l.report.Warnings = append(l.report.Warnings, attempt.warning)
		}
		l.start()
		l.joint.relevant = attempt.relevant
		l.maximise(aloneRounds)
		l.readjust()
		l.maximise(0)
		if l.matches >= leastMatches {
			break
		}
	}
	l.check()
	l.engage()
	l.report.Matches = l.matches
	l.chooseKeys()
}

// chooseKeys keeps the blocking keys that true pairs need, and estimates what share of all true pairs they find: by Chao's estimator from those that
// one key or two of all that were tried find.
//
// Source: A. Chao, Estimating the Population Size for Capture–Recapture Data with Unequal Catchability, Biometrics 43, 1987.
func (l *learner) chooseKeys() {
	l.report.Recall = 1
	var pairs []nodePair
	var once, twice float64
	for i := range l.examples {
		e := &l.examples[i]
		if e.x == e.y || l.params.prior+l.params.levelWeight(&e.levels)+float64(e.adjust) < 0 {
			continue
		}
		keys := l.blocking.shared(e.x, e.y)
		pairs = append(pairs, nodePair{e.x, e.y})
		switch bits.OnesCount64(keys) {
		case 1:
			once++
		case 2:
			twice++
		}
	}
	if len(pairs) < leastChoice {
		l.report.Warnings = append(l.report.Warnings, "too few true pairs to tell which ways to find candidates are needed; all that are likely to be good are used")
		return
	}
	step := (len(pairs) + mostChoice - 1) / mostChoice
	some := make([]nodePair, 0, mostChoice)
	for i := 0; i < len(pairs); i += step {
		some = append(some, pairs[i])
	}
	found := float64(l.blocking.choose(some)) / float64(len(some)) * float64(len(pairs))
	l.report.Recall = found / (float64(len(pairs)) + once*max(once-1, 0)/(2*(twice+1)))
}

// How many true pairs are needed to choose keys by, and how many are enough.
const leastChoice, mostChoice = 30, 10_000

// tells is how often others may agree in a comparison that tells rows apart.
const tells = 0.05

// leastMatches is how many true pairs must seem to be there for learning not to be tried again.
const leastMatches = 5

// start sets what is usual for a beginning.
func (l *learner) start() {
	ref := l.params.ref
	l.params = newParams(l.spec)
	l.params.ref = ref
	l.priors = nil
	for k := range l.spec.comparisons {
		l.priors = append(l.priors, priorM(&l.spec.comparisons[k]))
		copy(l.params.m[k], l.priors[k])
	}
	l.matches = 0.1 * float64(l.n.all)
	l.joint = newJoint(l.spec)
	l.readjust()
}

// maximise is expectation maximisation over all pairs: how likely each is a true pair, and from that what is usual among true pairs and among the
// others. In the first rounds, alone of them, comparisons count as independent, as what seems to depend on each other may do so because of the true
// pairs; until it is known what does, names that differ are held to be rare among true pairs, lest colleagues and neighbours be taken for them.
func (l *learner) maximise(alone int) {
	p := &l.params
	patterns := l.patterns()
	post, weights := make([]float64, len(patterns)), make([]float64, len(patterns))
	if alone > 0 {
		l.joint.count(p, patterns, post, weights)
	}
	for round := range maxRounds {
		lambda := min(max(l.matches, unseenShare)/l.total, 0.5)
		p.prior = math.Log2(lambda / (1 - lambda))
		l.joint.set(p)
		p.weigh()
		m, found, looked := l.expect(patterns, post, weights)
		change := math.Abs(found - l.matches)
		l.matches = found
		l.counts = m
		renamed := l.renamed(m)
		smooth(p.m, m, l.priors, priorStrength+priorShare*looked)
		l.joint.count(p, patterns, post, weights)
		if alone > 0 {
			l.hold(heldFirst, renamed)
		} else {
			l.hold(heldLater, renamed)
		}
		if round >= alone {
			l.joint.choose(p)
		}
		if round > alone && change < 1e-4*(1+l.matches) {
			break
		}
	}
	l.joint.set(p)
	p.weigh()
}

// expectation is what pairs come to: how often each level is met among true ones, how many these are, and how many of them were looked at.
type expectation struct {
	m             [maxComparisons][maxLevels]float64
	found, looked float64
}

// expect fills post and weights, and sums them.
func (l *learner) expect(patterns []pattern, post, weights []float64) (m [][]float64, found, looked float64) {
	p := &l.params
	var all [patternParts]expectation
	parts := inParts(len(patterns), func(part, from, to int) {
		sum := &all[part]
		for i := from; i < to; i++ {
			e := &patterns[i]
			levels := 0.0
			for k := range p.w {
				e.above[k] = p.above(k, &e.levels)
				levels += p.w[k][e.above[k]][e.levels[k]]
			}
			weights[i] = p.prior + levels + e.adjust
			switch e.known {
			case unknown:
				post[i] = probability(weights[i])
				sum.found += post[i] * e.weight
			case same:
				post[i] = 1
			}
			sum.looked += post[i] * e.seen
			for k := range p.m {
				sum.m[k][e.levels[k]] += post[i] * e.seen
			}
		}
	})
	for k := range p.m {
		m = append(m, make([]float64, len(p.m[k])))
	}
	for i := range parts {
		found += all[i].found
		looked += all[i].looked
		for k := range m {
			for level := range m[k] {
				m[k][level] += all[i].m[k][level]
			}
		}
	}
	return m, found, looked
}

// renamed is for each comparison the most that different values may be among true pairs: 1 but where they are all that a record is called. There, what
// came out as different in more than heldRenamed of the matches cannot all be true, however well the rest agrees: restaurants of one hotel share its address
// and telephone. Their share is lowered in proportion, round by round, until no more of them are matches.
//
// Source: K. Ganchev, J. Graça, J. Gillenwater, B. Taskar, Posterior Regularization for Structured Latent Variable Models, JMLR 11, 2010.
func (l *learner) renamed(counts [][]float64) []float64 {
	most := make([]float64, len(counts))
	for k, levels := range counts {
		most[k] = 1
		if sum := total(levels); l.spec.comparisons[k].called && levels[levelDifferent] > 0 {
			most[k] = max(l.params.m[k][levelDifferent]*heldRenamed*sum/levels[levelDifferent], leastRenamed)
		}
	}
	return most
}

// hold keeps the share low that different names have among true pairs, and different mailboxes of one host.
func (l *learner) hold(most float64, renamed []float64) {
	for k := range l.spec.comparisons {
		c, m := &l.spec.comparisons[k], l.params.m[k]
		for level := range c.levels {
			held := 1.0
			switch {
			case c.apart>>level&1 != 0:
				held = min(most, renamed[k])
			case uint8(level) == c.moved:
				held = heldMoved
			}
			if over := m[level] - held; over > 0 {
				m[level] -= over
				m[c.exact] += over
			}
		}
	}
}

// The most that hold lets be: while comparisons count as independent and what depends on what is first found out, and then.
const (
	heldFirst = 0.02
	heldLater = 0.06
	heldMoved = 0.3 // of those with two addresses

	heldRenamed  = 0.02
	leastRenamed = 1e-6
)

// check replaces what cannot be right by what is usual: a comparison in which true pairs agree in full less often than others and differ more often,
// although it tells rows apart. (Two sources that write it each in its own way never agree in full, but true pairs differ less.) It warns of too little to
// go by.
func (l *learner) check() {
	p := &l.params
	for k := range l.spec.comparisons {
		c := &l.spec.comparisons[k]
		counts, u := l.counts[k], p.u[k][0]
		sum := total(counts)
		if sum >= leastMatches && counts[c.exact] < u[c.exact]*sum && counts[levelDifferent] > u[levelDifferent]*sum && u[c.exact] < tells {
			copy(p.m[k], l.priors[k])
			l.report.Warnings = append(l.report.Warnings,
				fmt.Sprintf("%s: true pairs seem to agree less often than others; usual values are used instead", c.name))
		}
	}
	l.joint.set(p)
	p.weigh()
	if only := l.spec.onlyColumn(); only != nil && !identifies(only.kind) {
		p.prior = impossible
		l.report.Warnings = append(l.report.Warnings, fmt.Sprintf("%s is all that is compared, and a value of it tells nobody: nothing is joined", only.name))
	} else if len(l.spec.comparisons) < 3 {
		l.report.Warnings = append(l.report.Warnings, "fewer than three comparisons: nothing confirms one by another, so probabilities are rough")
	}
	if l.matches < 20 {
		l.report.Warnings = append(l.report.Warnings, "fewer than twenty true pairs seem to be there: what is usual among them is mostly assumed")
	}
	if l.matches/l.total > 0.2 {
		l.report.Warnings = append(l.report.Warnings, "more than one in five of all pairs seem to be true: rows may carry too little to tell them apart")
	}
	for _, name := range l.spec.left {
		l.report.Warnings = append(l.report.Warnings, fmt.Sprintf("field %q is not compared: there are more than %d comparisons", name, maxComparisons))
	}
}

// impossible is a prior that nothing makes up for, in bits.
const impossible = -100

// onlyColumn is the column of the only comparison, nil if there are more.
func (s *spec) onlyColumn() *columnSpec {
	if len(s.comparisons) > 1 {
		return nil
	}
	return &s.columns[s.comparisons[0].column]
}

// identifies reports whether a value of a kind may tell who a row is without anything beside it.
func identifies(k Kind) bool {
	switch k {
	case KindDate, KindUSDate, KindNumber, KindCity, KindPostcode, KindCategory, KindTitle, KindGivenName, KindFamilyName:
		return false
	}
	return true
}

// smooth turns counts of levels into shares, with the priors counting for strength.
func smooth(out, counts, priors [][]float64, strength float64) {
	for k := range counts {
		sum := total(counts[k])
		for level := 1; level < len(counts[k]); level++ {
			out[k][level] = (counts[k][level] + strength*priors[k][level]) / (sum + strength)
		}
	}
}

// total sums all levels but the missing one.
func total(levels []float64) (sum float64) {
	for _, n := range levels[1:] {
		sum += n
	}
	return sum
}

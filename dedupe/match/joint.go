package match

import (
	"cmp"
	"math"
	"slices"
)

// joint counts how often the levels of two comparisons meet among pairs that are not one.
type joint struct {
	tally
	spec     *spec
	n        int
	relevant float64 // bits below zero to which a candidate matters for the choice of parents
	parts    []tally // of some patterns each
}

// tally is what is counted.
type tally struct {
	all              [][maxLevels][maxLevels]float64 // by pair of comparisons: pairs of rows
	near             [][maxLevels][maxLevels]float64 // candidates alone
	seen             [][maxLevels]float64            // pairs that were looked at, by pair of comparisons and level of the first, of which the other has a level
	one              [][maxLevels]float64
	once             [][maxLevels]float64
	exact            []float64 // pairs that agree in full, true ones too
	namesakes, moved []float64 // pairs of equal names that have a level in a comparison, and the one of moved, true ones too
}

func newJoint(s *spec) *joint {
	n := len(s.comparisons)
	return &joint{tally: newTally(n), spec: s, n: n}
}

func newTally(n int) tally {
	return tally{
		all: make([][maxLevels][maxLevels]float64, n*n), near: make([][maxLevels][maxLevels]float64, n*n), seen: make([][maxLevels]float64, n*n),
		one: make([][maxLevels]float64, n), once: make([][maxLevels]float64, n), exact: make([]float64, n), namesakes: make([]float64, n), moved: make([]float64, n),
	}
}

func (c *tally) clear() {
	clear(c.all)
	clear(c.near)
	clear(c.seen)
	clear(c.one)
	clear(c.once)
	clear(c.exact)
	clear(c.namesakes)
	clear(c.moved)
}

// add adds what was counted elsewhere.
func (c *tally) add(d *tally) {
	for i := range c.all {
		for a := range c.all[i] {
			for b := range c.all[i][a] {
				c.all[i][a][b] += d.all[i][a][b]
				c.near[i][a][b] += d.near[i][a][b]
			}
			c.seen[i][a] += d.seen[i][a]
		}
	}
	for k := range c.one {
		for l := range c.one[k] {
			c.one[k][l] += d.one[k][l]
			c.once[k][l] += d.once[k][l]
		}
		c.exact[k] += d.exact[k]
		c.namesakes[k] += d.namesakes[k]
		c.moved[k] += d.moved[k]
	}
}

// Patterns are gone through in parts, as many at least in each, that depend on how many there are alone: so sums, which depend on the order, do not depend
// on how many cores there are.
const (
	patternParts  = 16
	leastPatterns = 1024
)

// inParts calls work for parts of n patterns, on all cores.
func inParts(n int, work func(part, from, to int)) (parts int) {
	parts = min(patternParts, max(n/leastPatterns, 1))
	toEnd(parts, func(part int) { work(part, part*n/parts, (part+1)*n/parts) })
	return parts
}

// count counts anew, each pattern by how likely it is no true pair. Where comparisons depend on each other already, expect was called before.
//
// A candidate counts for the choice of a parent by how close it comes to a match: what strangers do does not matter. For what depends on what, it
// counts by how likely it would be if the comparison in question were independent: otherwise true pairs that agree in it would be explained away as
// dependence, and the more are, the better dependence explains the rest.
func (t *joint) count(p *params, patterns []pattern, post, weights []float64) {
	for len(t.parts) < patternParts {
		t.parts = append(t.parts, newTally(t.n))
	}
	parts := inParts(len(patterns), func(part, from, to int) {
		c := &t.parts[part]
		c.clear()
		for i := from; i < to; i++ {
			t.countOne(c, p, &patterns[i], post[i], weights[i])
		}
	})
	t.clear()
	for i := range parts {
		t.add(&t.parts[i])
	}
}

// countOne counts a pattern.
func (t *joint) countOne(c *tally, p *params, e *pattern, post, weight float64) {
	w, s := e.weight*(1-post), e.seen*(1-post)
	relevance := s / (1 + math.Exp2(-(weight+t.relevant)/2))
	apart, alike := t.apart(&e.levels), t.alike(&e.levels)
	for b := range t.n {
		lb := e.levels[b]
		if lb == 0 {
			continue
		}
		c.one[b][lb] += w
		if lb == t.spec.comparisons[b].exact {
			c.exact[b] += e.weight
		}
		if alike {
			c.namesakes[b] += e.weight
			if lb == t.spec.comparisons[b].moved {
				c.moved[b] += e.weight
			}
		}
		c.once[b][lb] += s
		wb, sb := w, s
		if e.known == unknown {
			gain := p.w[b][0][lb] - p.w[b][e.above[b]][lb]
			if apart {
				gain -= apartBits
			}
			if gain > 0 && weight+gain > leastFree {
				other := 1 - probability(sharpness*(weight+gain))
				wb, sb = e.weight*other, e.seen*other
			}
		}
		for a := range t.n {
			la := min(e.levels[a], t.spec.comparisons[a].exact)
			if la == 0 || a == b {
				continue
			}
			c.all[a*t.n+b][la][lb] += wb
			c.seen[a*t.n+b][la] += sb
			if e.near && a < b {
				c.near[a*t.n+b][la][lb] += relevance
			}
		}
	}
}

// apart holds for a pair that is called differently, or has a host in common and no mailbox.
func (t *joint) apart(levels *[maxComparisons]uint8) bool {
	for k, l := range levels[:t.n] {
		if t.spec.comparisons[k].apart>>l&1 != 0 {
			return true
		}
	}
	return false
}

// alike holds for a pair of equal names.
func (t *joint) alike(levels *[maxComparisons]uint8) bool {
	for k := range t.n {
		if c := &t.spec.comparisons[k]; c.cross > 0 {
			return levels[k] == c.exact && levels[c.cross] == t.spec.comparisons[c.cross].exact
		}
	}
	return false
}

const (
	apartBits = 7.0  // what a different name weighs against a match where dependence is counted, beyond its weight: households and shared switchboards
	leastFree = -8.0 // bits from which a pair may be a true one in that count
	sharpness = 3.0  // of that count: what is likely a true pair hardly counts at all
)

// choose gives each comparison the parent that explains most among candidates: the heaviest tree.
func (t *joint) choose(p *params) {
	type link struct {
		a, b int
		gain float64
	}
	var links []link
	for a := range t.n {
		for b := a + 1; b < t.n; b++ {
			if g := t.gain(a, b); g > leastGain {
				links = append(links, link{a, b, g})
			}
		}
	}
	slices.SortStableFunc(links, func(x, y link) int { return cmp.Compare(y.gain, x.gain) })
	group := make([]int, t.n)
	for i := range group {
		group[i] = i
	}
	near := make([][]int, t.n)
	for _, l := range links {
		if group[l.a] == group[l.b] {
			continue
		}
		from, to := group[l.b], group[l.a]
		for i := range group {
			if group[i] == from {
				group[i] = to
			}
		}
		near[l.a], near[l.b] = append(near[l.a], l.b), append(near[l.b], l.a)
	}
	for i := range p.parents {
		p.parents[i] = nil
	}
	done := make([]bool, t.n)
	var order []int // each after its parents
	for root := range t.n {
		queue := []int{root}
		for len(queue) > 0 && !done[queue[0]] {
			at := queue[0]
			queue = queue[1:]
			done[at] = true
			order = append(order, at)
			for _, next := range near[at] {
				if !done[next] {
					p.parents[next] = []int{at}
					queue = append(queue, next)
				}
			}
		}
	}
	for i, at := range order {
		if len(p.parents[at]) == 0 {
			continue
		}
		var more []link
		for _, other := range order[:i] {
			if g := t.gain(min(at, other), max(at, other)); g > leastGain && other != p.parents[at][0] {
				more = append(more, link{other, at, g})
			}
		}
		slices.SortStableFunc(more, func(x, y link) int { return cmp.Compare(y.gain, x.gain) })
		for _, l := range more[:min(len(more), maxParents-1)] {
			p.parents[at] = append(p.parents[at], l.a)
		}
	}
}

// gain is how many bits the candidates that are not one are explained better if b depends on a.
func (t *joint) gain(a, b int) float64 {
	all := &t.all[a*t.n+b]
	var rows, cols [maxLevels]float64
	total := 0.0
	for x := 1; x < maxLevels; x++ {
		for y := 1; y < maxLevels; y++ {
			rows[x] += all[x][y]
			cols[y] += all[x][y]
			total += all[x][y]
		}
	}
	gain := 0.0
	for x := 1; x < maxLevels; x++ {
		for y := 1; y < maxLevels; y++ {
			if n := t.near[a*t.n+b][x][y]; n > 0 && all[x][y] > 0 {
				gain += n * math.Log2(all[x][y]*total/(rows[x]*cols[y]))
			}
		}
	}
	return gain
}

const (
	leastSeen = 20 // pairs that a level must have been seen in for what depends on it to be told

	leastGain   = 20.0 // bits
	sharedShare = 0.05 // of the pairs that agree in full are not one at least: telephones and mailboxes are shared
	ownShare    = 0.10 // at most, of what each has for himself
	leastGiven  = 0.3  // of what is usual without the parent
	unseenShare = 0.5  // of a pair: what was never seen is rare, not impossible
)

// set sets what is usual among pairs that are not one.
func (t *joint) set(p *params) {
	for k := range t.n {
		single := p.u[k][0]
		sum, seen := 0.0, 0.0
		for level := 1; level < len(single); level++ {
			sum += t.one[k][level]
			seen += t.once[k][level]
		}
		for level := 1; level < len(single); level++ {
			single[level] = max(t.one[k][level], unseenShare) / max(sum, 1)
			if uint8(level) == t.spec.comparisons[k].exact {
				single[level] = max(single[level], sharedShare*t.exact[k]/max(sum, 1))
				if t.spec.comparisons[k].own {
					single[level] = min(single[level], max(ownShare*t.exact[k], unseenShare)/max(sum, 1),
						p.m[k][level]*math.Exp2(-usualBits[t.spec.kind(k)])) // which few rows, or many copies, can't tell
				}
			}
		}
		t.straighten(k, p.m[k], single)
		for _, out := range p.u[k][1:] {
			copy(out, single)
		}
		for place, parent := range p.parents[k] {
			for la := 1; la < len(t.spec.comparisons[parent].levels); la++ {
				t.setGiven(k, parent, la, p.m[k], single, p.u[k][place*maxLevels+la])
			}
		}
	}
	for k := range t.n {
		t.setCrossed(k, p)
		t.setMoved(k, p)
	}
}

// setMoved lets it be no evidence that two mailboxes elsewhere are made of one name: nobody can tell from it people who moved from those who are called
// alike, so it is about as usual among the latter as among all of one name, of whom heldMoved at most did move.
func (t *joint) setMoved(k int, p *params) {
	moved := t.spec.comparisons[k].moved
	if moved == 0 || t.namesakes[k] == 0 {
		return
	}
	for _, row := range p.u[k] {
		row[moved] = max(row[moved], (1-heldMoved)*t.moved[k]/t.namesakes[k])
	}
}

// setCrossed lets names that are exchanged weigh a bit less than they would if they agreed as they stand: who exchanges names does so whoever it is,
// and of names that are given and family names alike there are two ways to be met by chance.
func (t *joint) setCrossed(k int, p *params) {
	c := &t.spec.comparisons[k]
	if c.cross == 0 {
		return
	}
	family := t.spec.comparisons[c.cross].exact
	u := p.u[c.cross][0][family]
	if place := slices.Index(p.parents[c.cross], k); place >= 0 {
		u = p.u[c.cross][place*maxLevels+int(c.exact)][family]
	}
	m := p.m[k]
	for _, row := range p.u[k] {
		row[c.exact+1] = 2 * m[c.exact+1] * row[c.exact] / m[c.exact] * u / p.m[c.cross][family]
	}
}

// setGiven sets what is usual in comparison k among pairs that are not one where a parent has a level.
func (t *joint) setGiven(k, parent, la int, m, single, out []float64) {
	row := &t.all[parent*t.n+k][la]
	sum := 0.0
	for level := 1; level < len(out); level++ {
		sum += row[level]
	}
	if sum <= 0 {
		return
	}
	trust := t.seen[parent*t.n+k][la] / (t.seen[parent*t.n+k][la] + leastSeen)
	for level := 1; level < len(out); level++ {
		out[level] = max(trust*row[level]/sum+(1-trust)*single[level], single[level]*leastGiven)
		if c := &t.spec.comparisons[k]; c.own && uint8(level) == c.exact {
			out[level] = single[level]
		}
	}
	t.straighten(k, m, out)
}

// straighten pools neighbouring levels of which the higher would weigh less, so that more agreement never speaks more against a match.
func (t *joint) straighten(k int, m, u []float64) {
	c := &t.spec.comparisons[k]
	type pool struct {
		m, u   float64
		levels []int
	}
	var pools []pool
	for level := 1; level <= int(c.exact); level++ {
		if c.aside>>uint(level)&1 != 0 {
			continue
		}
		pools = append(pools, pool{m[level], u[level], []int{level}})
		for n := len(pools); n > 1 && pools[n-1].m*pools[n-2].u < pools[n-2].m*pools[n-1].u; n-- {
			a, b := pools[n-2], pools[n-1]
			pools = append(pools[:n-2], pool{a.m + b.m, a.u + b.u, append(a.levels, b.levels...)})
		}
	}
	for _, p := range pools {
		if len(p.levels) > 1 {
			for _, level := range p.levels {
				u[level] = m[level] * p.u / p.m
			}
		}
	}
}

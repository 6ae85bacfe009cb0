package learn

import (
	"cmp"
	"math"
	"slices"
)

// Groups of a column that are always there.
const (
	groupMissing = 0
	groupOther   = 1 // of a category
)

// What it costs to tell bands apart, in units of log-likelihood: the first cut
// of a column, which is chosen among many, and those after it. A χ² of twice
// as much has a chance of 0.0005 and of 0.025.
const (
	firstCut  = 6.0
	moreCuts  = 2.5
	maxGroups = 16
)

// leastBand is how many rows a band or value must have to be told apart, of a
// large table more.
const leastBand = 25

func leastRows(n int64) int64 { return max(leastBand, n/200) }

// logLik is the log-likelihood of a band under its own rate.
func logLik(t tally) float64 {
	n := float64(t.n())
	sum := 0.0
	if t.won > 0 {
		sum += float64(t.won) * math.Log(float64(t.won)/n)
	}
	if t.lost > 0 {
		sum += float64(t.lost) * math.Log(float64(t.lost)/n)
	}
	return sum
}

// binColumn looks at a column alone. It joins the codes of a column to groups that differ in how often they
// were won, by how its codes were counted. It returns the group of each code
// and how many groups there are: [groupMissing], for a category [groupOther],
// then bands in ascending order, or levels joined by their rate, from the
// lowest.
func binColumn(a *axis, counts []tally) (groups []uint8, n int) {
	groups = make([]uint8, len(counts))
	var all tally
	for _, t := range counts {
		all = all.plus(t)
	}
	least := leastRows(all.n())
	if a.Kind == KindNumber {
		for i, g := range bestCut(counts[1:], least) {
			groups[i+1] = uint8(1 + g)
		}
		return groups, 1 + int(slices.Max(groups[1:]))
	}
	var order []int
	groups[codeOther] = groupOther
	for code := 2; code < len(counts); code++ {
		if counts[code].n() < least {
			groups[code] = groupOther
			continue
		}
		order = append(order, code)
	}
	if len(order) == 0 {
		return groups, 2
	}
	// By rate, drawn a little towards that of all.
	smooth := func(code int) float64 {
		return (float64(counts[code].won) + 10*all.rate()) / (float64(counts[code].n()) + 10)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(smooth(a), smooth(b)) })
	ranked := make([]tally, len(order))
	for i, code := range order {
		ranked[i] = counts[code]
	}
	n = 2
	for i, g := range bestCut(ranked, least) {
		groups[order[i]] = uint8(2 + g)
		n = max(n, 3+g)
	}
	return groups, n
}

// bestCut joins neighbours to the bands whose log-likelihood less what the cuts
// cost is the largest, by dynamic programming, and returns the band of each.
func bestCut(counts []tally, least int64) []int {
	n := len(counts)
	sums := make([]tally, n+1)
	for i, t := range counts {
		sums[i+1] = sums[i].plus(t)
	}
	between := func(i, j int) tally { return tally{sums[j].won - sums[i].won, sums[j].lost - sums[i].lost} }
	bands := make([]int, n)
	if sums[n].n() < 2*least {
		return bands
	}
	// best[j] is the best of the first j codes; by how many bands, because
	// there is a most.
	type entry struct {
		worth float64
		from  int
	}
	best := make([][maxGroups + 1]entry, n+1)
	for j := range best {
		for k := range best[j] {
			best[j][k].worth = math.Inf(-1)
		}
	}
	best[0][0].worth = 0
	for j := 1; j <= n; j++ {
		for i := j - 1; i >= 0; i-- {
			t := between(i, j)
			if t.n() < least {
				continue
			}
			gain := logLik(t)
			for k := range maxGroups {
				cost := moreCuts
				switch k {
				case 0:
					cost = 0
				case 1:
					cost = firstCut
				}
				if w := best[i][k].worth + gain - cost; w > best[j][k+1].worth {
					best[j][k+1] = entry{w, i}
				}
			}
		}
	}
	most := 1
	for k := range best[n] {
		if best[n][k].worth > best[n][most].worth {
			most = k
		}
	}
	for j, k := n, most; k > 0; k-- {
		i := best[j][k].from
		for at := i; at < j; at++ {
			bands[at] = k - 1
		}
		j = i
	}
	return bands
}

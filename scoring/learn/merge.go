package learn

import (
	"cmp"
	"math"
	"slices"
)

// A scorecard starts from many narrow bands and joins those that a regression
// over all columns does not tell apart. That is decided by the weights that
// bands have beside all other columns, not by how often their leads were won:
// where columns go together, such as two indicators of the same economy, the
// two are very different.

const (
	// preBands is how many bands numbers begin with, each with about as many
	// leads, if there are leastBand for each.
	preBands = 20
	// notMonotone is how much the weights of a number must lose before they may
	// go up and down.
	notMonotone = 3.0
)

// apart is how much of the log-likelihood it must cost to give two bands one
// weight if they are to stay apart: one unit a parameter (Akaike, 1974), and of
// more than twenty columns as much more as the best of so many is better by
// chance (the logarithm of their number; Foster and George, 1994).
func apart(columns int) float64 { return max(1, math.Log(float64(columns))-2) }

// preBin gives each column its bands and levels to begin with, in the groups
// that [binColumn] describes.
func preBin(a *axis, counts []tally) (groups []uint8, n int) {
	groups = make([]uint8, len(counts))
	var all tally
	for _, t := range counts {
		all = all.plus(t)
	}
	least := leastRows(all.n())
	if a.Kind == KindNumber {
		filled := all.n() - counts[codeMissing].n()
		bands := min(preBands, max(4, filled/leastBand))
		before, group := int64(0), 0
		for code := 1; code < len(counts); code++ {
			// A band begins with the code that holds another of the quantiles.
			if k := counts[code].n(); k > 0 {
				if first, last := before*bands/max(1, filled), (before+k-1)*bands/max(1, filled); before > 0 && (first*filled == before*bands || last > first) || group == 0 {
					group++
				}
				before += k
			}
			groups[code] = uint8(max(1, group))
		}
		return groups, 1 + max(1, group)
	}
	n = 2
	groups[codeOther] = groupOther
	for code := 2; code < len(counts); code++ {
		groups[code] = groupOther
		if counts[code].n() >= least {
			groups[code] = uint8(n)
			n++
		}
	}
	return groups, n
}

// joint is a regression at its optimum as a bell: the weights and their
// covariance, from which it can be told what a constraint would cost.
type joint struct {
	n       int
	weights []float64
	cov     []float64
}

// joint takes the bell of a fitted regression; false if it is too flat.
func (d *design) joint(penalty float64, weights []float64) (*joint, bool) {
	n := d.params
	h, g := make([]float64, n*n), make([]float64, n)
	d.derive(penalty, weights, g, h)
	j := &joint{n: n, weights: slices.Clone(weights), cov: make([]float64, n*n)}
	unit, row := make([]float64, n), make([]float64, n)
	factor := make([]float64, n*n)
	for i := range n {
		clear(unit)
		unit[i] = 1
		if i == 0 {
			copy(factor, h)
			if !solve(factor, unit, row, n) {
				return nil, false
			}
		} else {
			substitute(factor, unit, row, n)
		}
		copy(j.cov[i*n:], row)
	}
	return j, true
}

func (j *joint) clone() *joint {
	return &joint{j.n, slices.Clone(j.weights), slices.Clone(j.cov)}
}

// cost is what it costs in log-likelihood to give two parameters one weight.
func (j *joint) cost(a, b int) float64 {
	n := j.n
	variance := j.cov[a*n+a] + j.cov[b*n+b] - 2*j.cov[a*n+b]
	if variance <= 1e-15 {
		return 0
	}
	d := j.weights[a] - j.weights[b]
	return d * d / (2 * variance)
}

// join gives two parameters one weight, and moves all others to where they are
// best then.
func (j *joint) join(a, b int) {
	n := j.n
	variance := j.cov[a*n+a] + j.cov[b*n+b] - 2*j.cov[a*n+b]
	if variance <= 1e-15 {
		return
	}
	v := make([]float64, n)
	for i := range n {
		v[i] = j.cov[i*n+a] - j.cov[i*n+b]
	}
	d := j.weights[a] - j.weights[b]
	for i := range n {
		j.weights[i] -= v[i] * d / variance
		if v[i] == 0 {
			continue
		}
		for k := range n {
			j.cov[i*n+k] -= v[i] * v[k] / variance
		}
	}
}

// strip is the bands of one column while they are joined: each is a list of
// groups that have one weight.
type strip struct {
	at      int // in shape.cols
	ordered bool
	curve   bool // thinned already
	bands   [][]int
}

// merge joins bands that the regression does not tell apart, and leaves out
// columns of which nothing is left. rows counts the leads of each group.
func (f *fitter) merge(s *shape, d *design, j *joint, rows [][]int64) shape {
	var strips []*strip
	axes, known := f.c.axes, d.known(j.weights)
	for i, k := range s.cols {
		t := &strip{at: i, ordered: axes[k].Kind == KindNumber}
		for g := axes[k].named(); g < s.bins.sizes[k]; g++ {
			t.bands = append(t.bands, []int{g})
		}
		if t.curve = t.ordered && f.prior.smooth(); t.curve {
			t.thin(d, known, j.weights)
		}
		strips = append(strips, t)
	}
	param := func(t *strip, band []int) int { return d.offset(t.at) + band[0] }
	apart := apart(len(axes))
	for {
		var (
			best *strip
			x, y int
			cost = apart
		)
		for _, t := range strips {
			if t.curve {
				continue
			}
			t.neighbours(func(a, b int) {
				if c := j.cost(param(t, t.bands[a]), param(t, t.bands[b])); c < cost {
					best, x, y, cost = t, a, b, c
				}
			})
		}
		if best == nil {
			break
		}
		j.join(param(best, best.bands[x]), param(best, best.bands[y]))
		best.unite(x, y)
	}
	for _, t := range strips {
		if t.ordered && !t.curve {
			j = t.straighten(j, func(band []int) int { return param(t, band) })
		}
	}
	out := shape{bins: binning{groups: slices.Clone(s.bins.groups), sizes: slices.Clone(s.bins.sizes)}}
	for i, k := range s.cols {
		t := strips[i]
		if !t.ordered {
			// From the lowest weight to the highest.
			slices.SortStableFunc(t.bands, func(a, b []int) int { return cmp.Compare(j.weights[param(t, a)], j.weights[param(t, b)]) })
		}
		first := axes[k].named()
		out.join(s, k, first, t.bands)
		if t.curve && d.effect(i, known, j.weights) > noEffect*apart || !t.curve && t.tells(j, d, rows[i], first, apart) {
			out.cols = append(out.cols, k)
		}
	}
	return out
}

// join gives a column the bands of another shape, joined, after its first groups,
// which stay as they are.
func (s *shape) join(from *shape, col, first int, bands [][]int) {
	to := make([]uint8, from.bins.sizes[col])
	for g := range first {
		to[g] = uint8(g)
	}
	for n, band := range bands {
		for _, g := range band {
			to[g] = uint8(first + n)
		}
	}
	groups := make([]uint8, len(from.bins.groups[col]))
	for code, g := range from.bins.groups[col] {
		groups[code] = to[g]
	}
	s.bins.groups[col], s.bins.sizes[col] = groups, first+len(bands)
}

// tells reports whether the column has more than one band left that anybody
// is in, where missing and other values must be worth a weight.
func (t *strip) tells(j *joint, d *design, rows []int64, first int, apart float64) bool {
	if len(t.bands) > 1 {
		return true
	}
	for g := range first {
		if rows[g] > 0 && len(t.bands) > 0 && j.cost(d.offset(t.at)+g, d.offset(t.at)+t.bands[0][0]) > apart {
			return true
		}
	}
	return first == 2 && rows[0] > 0 && rows[1] > 0 && j.cost(d.offset(t.at), d.offset(t.at)+1) > apart
}

// neighbours names the bands that may be joined.
func (t *strip) neighbours(yield func(a, b int)) {
	for a := range t.bands {
		for b := a + 1; b < len(t.bands); b++ {
			yield(a, b)
			if t.ordered {
				break
			}
		}
	}
}

func (t *strip) unite(a, b int) {
	t.bands[a] = append(t.bands[a], t.bands[b]...)
	t.bands = slices.Delete(t.bands, b, b+1)
}

// straighten joins bands until the weights only rise or only fall, if that
// costs little.
func (t *strip) straighten(j *joint, param func(band []int) int) *joint {
	type attempt struct {
		j     *joint
		bands [][]int
		cost  float64
	}
	best := attempt{cost: math.Inf(1)}
	for _, sign := range []float64{1, -1} {
		try := strip{at: t.at, ordered: true}
		for _, b := range t.bands {
			try.bands = append(try.bands, slices.Clone(b))
		}
		now, total := j.clone(), 0.0
		for {
			at, cost := -1, math.Inf(1)
			for b := 0; b+1 < len(try.bands); b++ {
				x, y := param(try.bands[b]), param(try.bands[b+1])
				if sign*(now.weights[y]-now.weights[x]) < 0 {
					if c := now.cost(x, y); c < cost {
						at, cost = b, c
					}
				}
			}
			if at < 0 {
				break
			}
			now.join(param(try.bands[at]), param(try.bands[at+1]))
			try.unite(at, at+1)
			total += cost
		}
		if total < best.cost {
			best = attempt{now, try.bands, total}
		}
	}
	if best.cost > notMonotone || len(best.bands) < 2 && len(t.bands) > 1 {
		return j
	}
	t.bands = best.bands
	return best.j
}

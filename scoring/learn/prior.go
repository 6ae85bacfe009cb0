package learn

import (
	"math"
	"slices"
)

// prior says what is expected of the bands of a number before anything was seen:
// how much of the penalty the square of a weight costs, of the step from one band
// to the next, and of the bend over three, both measured over the whole number
// (twenty narrow steps cost what one wide one does). Bands on their own can be
// anything, which suits effects that jump and many leads; bands that hang together
// make a curve, or nearly a line, and need fewer (Eilers and Marx, 1996).
type prior struct {
	name              string
	level, step, bend float64
}

// priors that cross-validation chooses from.
var priors = []prior{
	{"each band on its own", 1, 0, 0},
	{"a curve", .1, .1, .03},
	{"nearly a line", .1, .1, 1},
}

const (
	// jagged is how much likelier bands on their own must make what happened to
	// other leads, in units of log-likelihood, to be preferred to a curve: they
	// are the freer ones.
	jagged = 2.0
	// A curve is cut into at most so many bands; more cuts are left out as long as
	// that changes the log-likelihood by less than so much.
	mostBands, thinner = 8, 0.25
	// noEffect is by how much a column must change it to be looked at.
	noEffect = 0.5
)

func (p prior) smooth() bool { return p.step > 0 }

// expect prices the weights of a design by a prior.
func (f *fitter) expect(d *design, s *shape, p prior) {
	d.prices = d.prices[:0]
	for k := 1; k < d.params; k++ {
		d.prices = append(d.prices, price{k, nought, 1})
	}
	for i, k := range s.cols {
		if f.c.axes[k].Kind != KindNumber {
			continue
		}
		rows, all := make([]float64, s.bins.sizes[k]), 0.0
		for code, t := range f.margin(k, -1) {
			if g := s.bins.groups[k][code]; g != groupMissing {
				rows[g] += float64(t.n())
				all += float64(t.n())
			}
		}
		at := d.offset(i)
		for g := 1; g < len(rows); g++ {
			d.prices[at+g-1].share = p.level
			if !p.smooth() || g+1 == len(rows) || all == 0 {
				continue
			}
			// How far two bands are apart, as a share of the leads.
			apart := max((rows[g]+rows[g+1])/2/all, 1e-3)
			d.prices = append(d.prices, price{at + g, alike, p.step / apart})
			if g+2 < len(rows) {
				d.prices = append(d.prices, price{at + g, straight, p.bend / (apart * apart * apart)})
			}
		}
	}
}

// thinned is a band of several groups, with the weight of them all and how much is
// known of it.
type thinned struct {
	groups        []int
	known, weight float64
}

func (a thinned) with(b thinned) thinned {
	out := thinned{append(slices.Clone(a.groups), b.groups...), a.known + b.known, (a.weight + b.weight) / 2}
	if out.known > 0 {
		out.weight = (a.known*a.weight + b.known*b.weight) / out.known
	}
	return out
}

// cost is what it changes in log-likelihood to give two bands one weight.
func (a thinned) cost(b thinned) float64 {
	if a.known+b.known == 0 {
		return 0
	}
	return a.known * b.known / (a.known + b.known) * (a.weight - b.weight) * (a.weight - b.weight) / 2
}

// known is by parameter how much the leads tell of its weight.
func (d *design) known(weights []float64) []float64 {
	out := make([]float64, d.params)
	for i := range d.won {
		row := d.row(i)
		p := sigmoid(eta(row, weights))
		for _, k := range row {
			out[k] += (d.won[i] + d.lost[i]) * p * (1 - p)
		}
	}
	return out
}

// effect is what it changes in log-likelihood to give all groups of a column one
// weight.
func (d *design) effect(col int, known, weights []float64) float64 {
	all, effect := thinned{}, 0.0
	for k := d.offset(col); k < d.offset(col)+d.sizes[col]; k++ {
		b := thinned{nil, known[k], weights[k]}
		effect += all.cost(b)
		all = all.with(b)
	}
	return effect
}

// thin joins neighbours whose weights differ so little that one says as much as
// both: what a curve says does not end where its steps are too small to be told
// apart one by one.
func (t *strip) thin(d *design, known, weights []float64) {
	bands := make([]thinned, len(t.bands))
	for i, groups := range t.bands {
		k := d.offset(t.at) + groups[0]
		bands[i] = thinned{groups, known[k], weights[k]}
	}
	if up, down := monotone(bands, 1), monotone(bands, -1); min(up.cost, down.cost) < notMonotone {
		bands = up.bands
		if down.cost < up.cost {
			bands = down.bands
		}
	}
	for lost := 0.0; len(bands) > 1; {
		at, least := 0, math.Inf(1)
		for b := range len(bands) - 1 {
			if c := bands[b].cost(bands[b+1]); c < least {
				at, least = b, c
			}
		}
		if lost += least; lost > thinner && len(bands) <= mostBands {
			break
		}
		bands[at] = bands[at].with(bands[at+1])
		bands = slices.Delete(bands, at+1, at+2)
	}
	t.bands = t.bands[:0]
	for _, b := range bands {
		t.bands = append(t.bands, b.groups)
	}
}

// straightened is bands whose weights only rise or only fall, and what it cost to
// make them so.
type straightened struct {
	bands []thinned
	cost  float64
}

// monotone joins neighbours that go against the sign (the pool of adjacent
// violators).
func monotone(bands []thinned, sign float64) (out straightened) {
	for _, b := range bands {
		for n := len(out.bands); n > 0 && sign*(b.weight-out.bands[n-1].weight) < 0; n-- {
			out.cost += out.bands[n-1].cost(b)
			b = out.bands[n-1].with(b)
			out.bands = out.bands[:n-1]
		}
		out.bands = append(out.bands, b)
	}
	return out
}

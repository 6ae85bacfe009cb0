package learn

import (
	"math"
	"slices"
	"strconv"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/measure"
)

// card is a regression as points: what each group of each column gives.
type card struct {
	f      *fitter
	shape  shape
	slope  float64
	sides  []side
	points [][]leadloop.Points // by side and group
	base   leadloop.Points
	// Of all who were learnt from, by points.
	train []measure.Group

	even, double float64
	tiers        []threshold
}

// threshold is where a tier of the scorecard begins.
type threshold struct {
	name string
	from float64
}

// side is a column, or a pair of columns, of the scorecard.
type side struct {
	cols    []int     // one or two
	weights []float64 // by group, in calibrated log-odds
	counts  []tally   // by group, of the leads that were learnt from
}

// card turns weights into sides; points come with scale.
func (f *fitter) card(s *shape, weights []float64, slope float64) *card {
	k := &card{f: f, shape: *s, slope: slope}
	at := 1
	take := func(n int) []float64 {
		out := slices.Clone(weights[at : at+n])
		for i := range out {
			out[i] *= slope
		}
		at += n
		return out
	}
	for _, col := range s.cols {
		k.sides = append(k.sides, side{cols: []int{col}, weights: take(s.bins.sizes[col])})
	}
	for _, p := range s.pairs {
		k.sides = append(k.sides, side{cols: []int{p.a, p.b}, weights: take(s.bins.sizes[p.a] * s.bins.sizes[p.b])})
	}
	for i := range k.sides {
		k.sides[i].counts = make([]tally, len(k.sides[i].weights))
	}
	for i := range f.c.cells.len() {
		if f.split.test[f.c.cells.part(i)] {
			continue
		}
		t := tally{int64(f.c.cells.won[i]), int64(f.c.cells.lost[i])}
		for n := range k.sides {
			g := k.group(&k.sides[n], f.c.cells.codes(i))
			k.sides[n].counts[g] = k.sides[n].counts[g].plus(t)
		}
	}
	for i := range k.sides {
		k.sides[i].settle()
	}
	return k
}

// settle gives groups without a lead the mean weight of the others: nothing
// is known about them.
func (s *side) settle() {
	sum, n := 0.0, 0.0
	for g, t := range s.counts {
		sum, n = sum+s.weights[g]*float64(t.n()), n+float64(t.n())
	}
	for g, t := range s.counts {
		if t.n() == 0 && n > 0 {
			s.weights[g] = sum / n
		}
	}
}

// group is the group of a cell on a side.
func (k *card) group(s *side, codes []byte) int {
	b := &k.shape.bins
	g := int(b.groups[s.cols[0]][codes[s.cols[0]]])
	if len(s.cols) == 2 {
		g = g*b.sizes[s.cols[1]] + int(b.groups[s.cols[1]][codes[s.cols[1]]])
	}
	return g
}

// shares are how many leads the tiers take, from the best on, unless a model
// is given whose tiers are taken.
var shares = []float64{.1, .3, .6}

// scale turns log-odds into whole points: 0 for the worst lead there can be
// and about 100 for the best, or so that a tenth and three tenths of the leads
// reach the first two tiers of the model given.
func (k *card) scale(like []threshold) {
	width := 0.0
	for i := range k.sides {
		w := k.sides[i].weights
		width += slices.Max(w) - slices.Min(w)
	}
	factor := 100 / max(width, 1e-9)
	k.give(factor)
	if len(like) > 1 {
		k.count()
		first := quantile(k.train, shares[0])
		second, last := quantile(k.train, shares[1]), 0.0
		high, low := like[0].from, like[1].from
		if len(like) == 2 {
			// Only one threshold decides anything; the worst lead gets the other.
			second, last = k.train[0].Score, 0
		}
		if first > second {
			factor *= (high - low) / (first - second)
			k.give(factor)
			k.count()
			// What is left of the distance goes to everybody.
			last = math.Round(high - quantile(k.train, shares[0]))
		}
		k.base = leadloop.Points(last) * leadloop.Point
		k.tiers = like
	}
	k.count()
	if len(like) <= 1 {
		k.tiers = nil
		names := []string{"A", "B", "C"}
		for _, share := range shares {
			from := math.Floor(quantile(k.train, share))
			if from > 0 && (len(k.tiers) == 0 || from < k.tiers[len(k.tiers)-1].from) {
				k.tiers = append(k.tiers, threshold{names[len(k.tiers)], from})
			}
		}
		k.tiers = append(k.tiers, threshold{[]string{"A", "B", "C", "D"}[len(k.tiers)], 0})
	}
	k.calibrate()
}

// give rounds the weights of all sides to points; the least of a side is 0.
func (k *card) give(factor float64) {
	k.points = nil
	for i := range k.sides {
		w := k.sides[i].weights
		least := slices.Min(w)
		points := make([]leadloop.Points, len(w))
		for g := range w {
			points[g] = leadloop.Points(math.Round(factor*(w[g]-least))) * leadloop.Point
		}
		k.points = append(k.points, points)
	}
}

// of is what a cell gets.
func (k *card) of(codes []byte) leadloop.Points {
	sum := k.base
	for i := range k.sides {
		sum += k.points[i][k.group(&k.sides[i], codes)]
	}
	return sum
}

// collect counts the leads of some parts by their points.
func (k *card) collect(keep func(part int) bool) []measure.Group {
	by := map[leadloop.Points]tally{}
	c := k.f.c.cells
	for i := range c.len() {
		if keep(c.part(i)) {
			p := k.of(c.codes(i))
			by[p] = by[p].plus(tally{int64(c.won[i]), int64(c.lost[i])})
		}
	}
	var out []measure.Group
	for _, p := range slices.Sorted(keysOf(by)) {
		out = append(out, measure.Group{Score: p.Float(), Won: by[p].won, Lost: by[p].lost})
	}
	return out
}

func (k *card) count() { k.train = k.collect(func(p int) bool { return !k.f.split.test[p] }) }

func (k *card) held() []measure.Group {
	return k.collect(func(p int) bool { return k.f.split.test[p] })
}

// calibrate finds what probability the points stand for. How much a point is
// worth is known from leads that were not learnt from; that they are won as
// often as they are, from all.
func (k *card) calibrate() {
	// One point in log-odds: weights are calibrated already, so the points of
	// a side say how far they were stretched.
	var points, weights float64
	for i := range k.sides {
		w := k.sides[i].weights
		least := slices.Min(w)
		for g, t := range k.sides[i].counts {
			n := float64(t.n())
			x, y := k.points[i][g].Float(), w[g]-least
			points, weights = points+n*x*x, weights+n*x*y
		}
	}
	slope := weights / max(points, 1e-9)
	k.double = round(math.Ln2/slope, 4)
	slope = math.Ln2 / k.double
	k.even = round(-level(k.train, slope)/slope, 2)
}

// probability is what the file says of points.
func (k *card) probability(points float64) float64 {
	return sigmoid(math.Ln2 * (points - k.even) / k.double)
}

func round(f float64, digits int) float64 {
	out, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', digits, 64), 64)
	if err != nil {
		return f
	}
	return out
}

// quantile is the score that the given share of leads reach, as nearly as it
// can be.
func quantile(groups []measure.Group, share float64) float64 {
	won, lost := measure.Totals(groups)
	want, above, best, off := share*float64(won+lost), 0.0, 0.0, math.Inf(1)
	for i := len(groups) - 1; i >= 0; i-- {
		above += float64(groups[i].Won + groups[i].Lost)
		if d := math.Abs(above - want); d < off {
			best, off = groups[i].Score, d
		}
	}
	return best
}

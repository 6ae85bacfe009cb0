package learn

import (
	"cmp"
	"context"
	"slices"
)

// Pairs of columns that pay: how many are taken at most, how many columns they
// are made of, and how much a pair must lower the loss on leads that were not
// learnt from, as a share of what all columns do.
const (
	mostPairs   = 3
	pairColumns = 8
	pairCells   = 64 // groups of a pair
	pairsPay    = 0.01
	pairsTried  = 4
)

// interact adds pairs of columns whose effect together is more than the sum,
// if they pay on leads that were not learnt from.
func (f *fitter) interact(ctx context.Context, penalty float64, s shape) (shape, crossed, error) {
	fixed := func(int) shape { return s }
	out, err := f.cross(ctx, penalty, fixed, nil)
	if err != nil {
		return s, out, err
	}
	train := f.design(&s, 0, func(p int) bool { return f.split.fold[p] >= 0 })
	weights, err := train.fit(ctx, penalty, exactly, train.start())
	if err != nil {
		return s, out, err
	}
	for _, p := range f.candidates(&s, train, weights, penalty) {
		if len(s.pairs) == mostPairs {
			break
		}
		s.pairs = append(s.pairs, p)
		next, err := f.cross(ctx, penalty, fixed, &out)
		if err != nil {
			return s, out, err
		}
		if out.loss-next.loss > pairsPay*(out.base-out.loss) {
			out = next
		} else {
			s.pairs = s.pairs[:len(s.pairs)-1]
		}
	}
	return s, out, nil
}

// candidates are the pairs that explain most of what the sum leaves open, by
// one Newton step for each of their cells.
func (f *fitter) candidates(s *shape, d *design, weights []float64, penalty float64) []pair {
	// The columns with the widest weights.
	type spread struct {
		at    int // in s.cols
		width float64
	}
	var widths []spread
	for i := range s.cols {
		off := d.offset(i)
		w := weights[off : off+d.sizes[i]]
		widths = append(widths, spread{i, slices.Max(w) - slices.Min(w)})
	}
	slices.SortStableFunc(widths, func(a, b spread) int { return cmp.Compare(b.width, a.width) })
	widths = widths[:min(pairColumns, len(widths))]
	residual, weight := make([]float64, d.rows()), make([]float64, d.rows())
	for i := range d.won {
		p, n := sigmoid(eta(d.row(i), weights)), d.won[i]+d.lost[i]
		residual[i], weight[i] = d.won[i]-n*p, n*p*(1-p)
	}
	type candidate struct {
		p    pair
		gain float64
	}
	var all []candidate
	for x := range widths {
		for y := x + 1; y < len(widths); y++ {
			a, b := min(widths[x].at, widths[y].at), max(widths[x].at, widths[y].at)
			na, nb := d.sizes[a], d.sizes[b]
			if na*nb > pairCells {
				continue
			}
			g, h := make([]float64, na*nb), make([]float64, na*nb)
			for i := range d.won {
				row := d.row(i)
				cell := (int(row[a])-d.offset(a))*nb + int(row[b]) - d.offset(b)
				g[cell], h[cell] = g[cell]+residual[i], h[cell]+weight[i]
			}
			gain := 0.0
			for i := range g {
				gain += g[i] * g[i] / 2 / (h[i] + penalty)
			}
			// Half a unit for each cell is what chance gives.
			gain -= float64((na-1)*(nb-1)) / 2
			if gain > firstCut {
				all = append(all, candidate{pair{s.cols[a], s.cols[b]}, gain})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.gain, a.gain) })
	var out []pair
	for _, c := range all[:min(pairsTried, len(all))] {
		out = append(out, c.p)
	}
	return out
}

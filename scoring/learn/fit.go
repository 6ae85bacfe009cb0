package learn

import (
	"cmp"
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/leadloop/leadloop/internal/measure"
)

// penalties that cross-validation chooses from, the strongest first. They are
// what each squared weight costs, whatever the number of leads: one over the
// variance that weights are expected to have.
var penalties = []float64{1000, 300, 100, 30, 10, 3, 1, 0.3}

const (
	folds = 4
	// pathCells is how many cells the penalty is chosen on; more would not
	// choose another one.
	pathCells = 40_000
	// joinCells is up to how many cells those that look the same are looked for.
	joinCells = 300_000
	// heldOut is the share of rows that are held out by time.
	heldOut = 0.2
)

// split says which parts are held out, and in which fold the others are.
type split struct {
	test []bool
	fold []int // -1 for those held out
}

// split divides the parts.
func (c *Counts) split() split {
	if !c.byTime() {
		return split{test: []bool{true, false, false, false, false}, fold: []int{-1, 0, 1, 2, 3}}
	}
	n := len(c.head.Blocks) + 1
	rows, all := make([]int64, n), int64(0)
	for i := range c.cells.len() {
		k := int64(c.cells.won[i]) + int64(c.cells.lost[i])
		rows[c.cells.part(i)/folds] += k
		all += k
	}
	s := split{make([]bool, n*folds), make([]int, n*folds)}
	// The last blocks whose share is nearest to a fifth.
	first, sum, best := n, int64(0), math.Inf(1)
	for b := n - 1; b > 0; b-- {
		sum += rows[b]
		if off := math.Abs(float64(sum)/float64(all) - heldOut); sum > 0 && sum < all && off < best {
			first, best = b, off
		}
	}
	// A part is a block of time and a fold.
	for p := range s.test {
		s.fold[p] = p % folds
		if p/folds >= first {
			s.test[p], s.fold[p] = true, -1
		}
	}
	return s
}

func (c *Counts) byTime() bool { return c.head.Time != "" || c.head.InOrder }

// fitter learns from counts.
type fitter struct {
	c       *Counts
	o       Options
	split   split
	margins [][folds][]tally // by column and fold
	prior   prior
}

// pair is two columns that are looked at together.
type pair struct{ a, b int }

// binning is how the codes of all columns are joined to groups.
type binning struct {
	groups [][]uint8 // by column and code
	sizes  []int     // groups by column; 1 for a column that tells nothing
}

// shape numbers the parameters of a regression under a binning.
type shape struct {
	bins  binning
	cols  []int // columns that tell something
	pairs []pair
}

func newFitter(c *Counts, o Options) *fitter {
	f := &fitter{c: c, o: o, split: c.split(), prior: priors[0]}
	f.margins = make([][folds][]tally, len(c.axes))
	for k, a := range c.axes {
		for fold := range folds {
			f.margins[k][fold] = make([]tally, a.codes())
		}
	}
	for i := range c.cells.len() {
		fold := f.split.fold[c.cells.part(i)]
		if fold < 0 {
			continue
		}
		t := tally{int64(c.cells.won[i]), int64(c.cells.lost[i])}
		for k, code := range c.cells.codes(i) {
			m := f.margins[k][fold]
			m[code] = m[code].plus(t)
		}
	}
	return f
}

// margin is how a column was counted without one fold, -1 for none.
func (f *fitter) margin(col, without int) []tally {
	out := make([]tally, f.c.axes[col].codes())
	for fold := range folds {
		if fold != without {
			for code, t := range f.margins[col][fold] {
				out[code] = out[code].plus(t)
			}
		}
	}
	return out
}

// mostGroups is how many groups a regression has at most, unless the strongest
// column alone has more.
const mostGroups = 600

// shape is what all columns begin with, without one fold. Where they are too
// many for a regression, those are left out that tell least alone.
func (f *fitter) shape(without int) shape {
	var s shape
	alone := make([]float64, len(f.c.axes))
	total := 0
	for k, a := range f.c.axes {
		counts := f.margin(k, without)
		groups, n := preBin(a, counts)
		s.bins.groups, s.bins.sizes = append(s.bins.groups, groups), append(s.bins.sizes, n)
		by := make([]tally, n)
		for code, t := range counts {
			by[groups[code]] = by[groups[code]].plus(t)
		}
		if alone[k] = told(by); !math.IsInf(alone[k], -1) {
			s.cols = append(s.cols, k)
			total += n
		}
	}
	if total <= mostGroups {
		return s
	}
	for k, a := range f.c.axes {
		counts := f.margin(k, without)
		groups, n := binColumn(a, counts)
		by := make([]tally, n)
		for code, t := range counts {
			by[groups[code]] = by[groups[code]].plus(t)
		}
		alone[k] = told(by)
	}
	slices.SortStableFunc(s.cols, func(a, b int) int { return cmp.Compare(alone[b], alone[a]) })
	total = 0
	for i, k := range s.cols {
		if total += s.bins.sizes[k]; total > mostGroups && i > 0 {
			s.cols = s.cols[:i]
			break
		}
	}
	slices.Sort(s.cols)
	return s
}

// simplify joins bands and values that a regression over all columns does not tell
// apart, and of a curve those that differ by little.
func (f *fitter) simplify(ctx context.Context, penalty float64) (shape, error) {
	s := f.shape(-1)
	if len(s.cols) == 0 {
		return s, nil
	}
	d := f.design(&s, 0, func(p int) bool { return f.split.fold[p] >= 0 })
	weights, err := d.fit(ctx, penalty, exactly, d.start())
	if err != nil {
		return s, err
	}
	j, ok := d.joint(penalty, weights)
	if !ok {
		return s, errDiverged
	}
	var rows [][]int64
	for _, k := range s.cols {
		by := make([]int64, s.bins.sizes[k])
		for code, t := range f.margin(k, -1) {
			by[s.bins.groups[k][code]] += t.n()
		}
		rows = append(rows, by)
	}
	return f.merge(&s, d, j, rows), nil
}

// told is how much of the log-likelihood the groups of a column explain alone,
// less one unit for each but the first (Akaike, 1974); -Inf if there is one
// only.
func told(by []tally) float64 {
	var all tally
	worth, filled := 0.0, 0
	for _, t := range by {
		if all = all.plus(t); t.n() > 0 {
			worth += logLik(t)
			filled++
		}
	}
	if filled < 2 {
		return math.Inf(-1)
	}
	return worth - logLik(all) - float64(filled-1)
}

// sizes are the groups of the columns and pairs of a regression.
func (s *shape) sizes() []int {
	var out []int
	for _, k := range s.cols {
		out = append(out, s.bins.sizes[k])
	}
	for _, p := range s.pairs {
		out = append(out, s.bins.sizes[p.a]*s.bins.sizes[p.b])
	}
	return out
}

// fill writes the parameters of a cell.
func (s *shape) fill(codes []byte, offsets []int, out []uint16) {
	for i, k := range s.cols {
		out[i] = uint16(offsets[i] + int(s.bins.groups[k][codes[k]]))
	}
	for i, p := range s.pairs {
		a, b := int(s.bins.groups[p.a][codes[p.a]]), int(s.bins.groups[p.b][codes[p.b]])
		out[len(s.cols)+i] = uint16(offsets[len(s.cols)+i] + a*s.bins.sizes[p.b] + b)
	}
}

// design makes the table of a regression from the cells that keep says; cells
// that look the same under the shape are one row. Of more than most cells an
// even choice is taken; 0 takes all.
func (f *fitter) design(s *shape, most int, keep func(part int) bool) *design {
	d := newDesign(s.sizes())
	f.expect(d, s, f.prior)
	offsets := make([]int, len(d.sizes))
	for i := range offsets {
		offsets[i] = d.offset(i)
	}
	every := 1
	if most > 0 {
		every = max(1, (f.c.cells.len()+most-1)/most)
	}
	row := make([]uint16, len(d.sizes))
	if f.c.cells.len()/every > joinCells {
		for i := range f.c.cells.len() {
			if i%every == 0 && keep(f.c.cells.part(i)) {
				s.fill(f.c.cells.codes(i), offsets, row)
				d.groups = append(d.groups, row...)
				d.won, d.lost = append(d.won, float64(f.c.cells.won[i])), append(d.lost, float64(f.c.cells.lost[i]))
			}
		}
		return d
	}
	joined := newCells(2 * len(d.sizes))
	key := make([]byte, 2*len(d.sizes)+2)
	for i := range f.c.cells.len() {
		if i%every != 0 || !keep(f.c.cells.part(i)) {
			continue
		}
		s.fill(f.c.cells.codes(i), offsets, row)
		for k, p := range row {
			key[2*k], key[2*k+1] = byte(p>>8), byte(p)
		}
		joined.add(key, f.c.cells.won[i], f.c.cells.lost[i])
	}
	for i := range joined.len() {
		codes := joined.codes(i)
		for k := range row {
			d.groups = append(d.groups, uint16(codes[2*k])<<8|uint16(codes[2*k+1]))
		}
		d.won, d.lost = append(d.won, float64(joined.won[i])), append(d.lost, float64(joined.lost[i]))
	}
	return d
}

// start is where a regression begins: the log-odds of all, and no weights.
func (d *design) start() []float64 {
	won, lost := 0.0, 0.0
	for i := range d.won {
		won, lost = won+d.won[i], lost+d.lost[i]
	}
	w := make([]float64, d.params)
	w[0] = math.Log((won + .5) / (lost + .5))
	return w
}

// inFolds runs a function for every fold, as many at a time as there are
// processors: each holds a table of its own.
func inFolds(run func(fold int) error) error {
	var (
		wait sync.WaitGroup
		errs [folds]error
		slot = make(chan struct{}, min(folds, runtime.GOMAXPROCS(0)))
	)
	for fold := range folds {
		slot <- struct{}{}
		wait.Go(func() {
			errs[fold] = run(fold)
			<-slot
		})
	}
	wait.Wait()
	return errors.Join(errs[:]...)
}

// choose finds the prior and the penalty with the least loss on leads that were
// not learnt from.
func (f *fitter) choose(ctx context.Context) (penalty float64, err error) {
	var by [folds][]float64 // by prior and penalty
	n := len(penalties)
	err = inFolds(func(fold int) error {
		s := f.shape(fold)
		train := f.design(&s, pathCells, func(p int) bool { return f.split.fold[p] >= 0 && f.split.fold[p] != fold })
		test := f.design(&s, pathCells, func(p int) bool { return f.split.fold[p] == fold })
		for _, prior := range priors {
			f.expect(train, &s, prior)
			weights := train.start()
			for _, p := range penalties {
				w, err := train.fit(ctx, p, nearly, weights)
				if err != nil {
					return err
				}
				by[fold] = append(by[fold], test.loss(0, w))
				weights = w
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	best, least := 0, math.Inf(1)
	for i := range n * len(priors) {
		loss := 0.0
		for fold := range folds {
			loss += by[fold][i]
		}
		if !priors[i/n].smooth() {
			loss += jagged
		}
		if loss < least {
			best, least = i, loss
		}
	}
	f.prior = priors[best/n]
	return penalties[best%n], nil
}

// crossed is what models say of leads that they were not learnt from.
type crossed struct {
	groups []measure.Group // by log-odds
	loss   float64
	base   float64 // the loss of saying the rate of the other folds of everybody
	leads  float64

	weights [folds][]float64
}

// cross learns without each fold in turn and tries it on that fold. near are
// weights of a part of the same shape, to start from; nil for none.
func (f *fitter) cross(ctx context.Context, penalty float64, shapes func(fold int) shape, near *crossed) (crossed, error) {
	var by [folds]crossed
	err := inFolds(func(fold int) error {
		s := shapes(fold)
		train := f.design(&s, 0, func(p int) bool { return f.split.fold[p] >= 0 && f.split.fold[p] != fold })
		start := train.start()
		constant := start[0]
		if near != nil {
			copy(start, near.weights[fold])
		}
		w, err := train.fit(ctx, penalty, nearly, start)
		if err != nil {
			return err
		}
		test := f.design(&s, 0, func(p int) bool { return f.split.fold[p] == fold })
		c := &by[fold]
		c.weights[fold] = w
		for i := range test.won {
			e := eta(test.row(i), w)
			c.groups = append(c.groups, measure.Group{Score: e, Won: int64(test.won[i]), Lost: int64(test.lost[i])})
			c.base += test.won[i]*softplus(-constant) + test.lost[i]*softplus(constant)
			c.leads += test.won[i] + test.lost[i]
		}
		c.loss = test.loss(0, w)
		return nil
	})
	out := crossed{}
	for fold, c := range by {
		out.weights[fold] = c.weights[fold]
		out.groups = append(out.groups, c.groups...)
		out.loss, out.base, out.leads = out.loss+c.loss, out.base+c.base, out.leads+c.leads
	}
	return out, err
}

// platt finds the line a + b·score of the log-odds that makes what happened
// the likeliest (Platt, 1999, without his prior: there are enough leads).
// se is how sure b is.
func platt(groups []measure.Group) (a, b, se float64) {
	won, lost := measure.Totals(groups)
	a, b = math.Log((float64(won)+.5)/(float64(lost)+.5)), 0
	for range 100 {
		var ga, gb, haa, hab, hbb float64
		for _, g := range groups {
			n := float64(g.Won + g.Lost)
			p := sigmoid(a + b*g.Score)
			r, h := n*p-float64(g.Won), n*p*(1-p)
			ga, gb = ga+r, gb+r*g.Score
			haa, hab, hbb = haa+h, hab+h*g.Score, hbb+h*g.Score*g.Score
		}
		hbb += 1e-9
		det := haa*hbb - hab*hab
		if !(det > 0) {
			break
		}
		se = math.Sqrt(haa / det)
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		// Longer steps than a few units overshoot where all is certain.
		if m := max(math.Abs(da), math.Abs(db)); m > 5 {
			da, db = da*5/m, db*5/m
		}
		a, b = a-da, b-db
		if math.Abs(da)+math.Abs(db) < 1e-12 {
			break
		}
	}
	return a, b, se
}

// level finds the constant that makes the mean probability the rate that was
// seen, for scores of a given slope.
func level(groups []measure.Group, slope float64) float64 {
	won, lost := measure.Totals(groups)
	want := float64(won)
	low, high := -60.0, 60.0
	for _, g := range groups {
		low, high = min(low, -60-slope*g.Score), max(high, 60-slope*g.Score)
	}
	if won == 0 || lost == 0 {
		return math.Log((float64(won) + .5) / (float64(lost) + .5))
	}
	for range 200 {
		mid := (low + high) / 2
		sum := 0.0
		for _, g := range groups {
			sum += float64(g.Won+g.Lost) * sigmoid(mid+slope*g.Score)
		}
		if sum < want {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

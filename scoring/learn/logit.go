package learn

import (
	"context"
	"errors"
	"math"
)

// design is a table of leads as a regression sees it: each lead has one group
// of each column. Leads that look the same are one row with two weights.
type design struct {
	sizes  []int    // groups by column
	groups []uint16 // rows × columns: the parameter of the group
	won    []float64
	lost   []float64
	params int
	prices []price
}

// price is what weights cost that are not as expected: a share of the penalty
// for the square of a sum of up to three weights that follow each other, each
// with a factor.
type price struct {
	at      int // the first parameter
	factors [3]float64
	share   float64
}

// What is expected of a weight alone, of two neighbours and of three: to be 0,
// alike, and on a line.
var (
	nought   = [3]float64{1}
	alike    = [3]float64{1, -1}
	straight = [3]float64{1, -2, 1}
)

// newDesign numbers the groups of all columns through, after the constant. Each
// weight is expected to be 0.
func newDesign(sizes []int) *design {
	d := &design{sizes: sizes, params: 1}
	for _, n := range sizes {
		d.params += n
	}
	for k := 1; k < d.params; k++ {
		d.prices = append(d.prices, price{k, nought, 1})
	}
	return d
}

// sum is what a price is asked for.
func (p *price) sum(weights []float64) float64 {
	sum := 0.0
	for i, f := range p.factors {
		if f != 0 {
			sum += f * weights[p.at+i]
		}
	}
	return sum
}

// offset is the parameter of the first group of a column.
func (d *design) offset(col int) int {
	at := 1
	for _, n := range d.sizes[:col] {
		at += n
	}
	return at
}

func (d *design) rows() int { return len(d.won) }

func (d *design) row(i int) []uint16 {
	w := len(d.sizes)
	return d.groups[i*w : (i+1)*w]
}

// eta is the log-odds of a row under the weights.
func eta(row []uint16, weights []float64) float64 {
	sum := weights[0]
	for _, p := range row {
		sum += weights[p]
	}
	return sum
}

func sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

// softplus is ln(1+eˣ).
func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}

// How exactly weights are found: those that are kept, and those that a choice
// depends on, whose loss is off by less than a millionth of a lead.
const (
	exactly = 1e-8
	nearly  = 0.05
)

var errDiverged = errors.New("learn: the regression does not converge")

// fit finds the weights that minimise
//
//	Σ −ln p(what happened) + penalty/2 · Σ share · (sum of weights)²
//
// over all prices, by Newton's method with step
// halving, until no derivative is above the tolerance, in leads. weights are
// where to start; they are changed and returned.
func (d *design) fit(ctx context.Context, penalty, tolerance float64, weights []float64) ([]float64, error) {
	n := d.params
	hessian, gradient, step, next := make([]float64, n*n), make([]float64, n), make([]float64, n), make([]float64, n)
	loss := d.loss(penalty, weights)
	for range 100 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d.derive(penalty, weights, gradient, hessian)
		most := 0.0
		for _, g := range gradient {
			most = max(most, math.Abs(g))
		}
		if most <= tolerance {
			return weights, nil
		}
		if !solve(hessian, gradient, step, n) {
			return nil, errDiverged
		}
		scale, better := 1.0, false
		for range 40 {
			for k := range next {
				next[k] = weights[k] - scale*step[k]
			}
			if l := d.loss(penalty, next); l <= loss {
				better = l < loss
				loss = l
				break
			}
			scale /= 2
		}
		if !better {
			// No digit of the loss is left to win; a last full step wins those of
			// the weights.
			for k := range next {
				weights[k] -= step[k]
			}
			return weights, nil
		}
		copy(weights, next)
	}
	return nil, errDiverged
}

func (d *design) loss(penalty float64, weights []float64) float64 {
	sum := 0.0
	for i := range d.won {
		// −ln p(won) is softplus(−e), and −ln p(lost) is e more.
		e := eta(d.row(i), weights)
		sum += (d.won[i]+d.lost[i])*softplus(-e) + d.lost[i]*e
	}
	if penalty == 0 {
		return sum
	}
	for i := range d.prices {
		p := &d.prices[i]
		x := p.sum(weights)
		sum += penalty / 2 * p.share * x * x
	}
	return sum
}

// derive fills the gradient and the lower triangle of the Hessian.
func (d *design) derive(penalty float64, weights, gradient, hessian []float64) {
	n := d.params
	clear(gradient)
	clear(hessian)
	for i := range d.won {
		row := d.row(i)
		p := sigmoid(eta(row, weights))
		count := d.won[i] + d.lost[i]
		g, h := count*p-d.won[i], count*p*(1-p)
		gradient[0] += g
		hessian[0] += h
		// Parameters of a row ascend, so that all of these are below the
		// diagonal.
		for a, k := range row {
			gradient[k] += g
			at := hessian[int(k)*n : int(k)*n+int(k)+1]
			at[0] += h
			for _, j := range row[:a+1] {
				at[j] += h
			}
		}
	}
	for i := range d.prices {
		p := &d.prices[i]
		cost := penalty * p.share
		x := p.sum(weights)
		for i, f := range p.factors {
			if f == 0 {
				continue
			}
			gradient[p.at+i] += cost * f * x
			for j := range i + 1 {
				hessian[(p.at+i)*n+p.at+j] += cost * f * p.factors[j]
			}
		}
	}
}

// solve solves a·x = b for a symmetric positive definite matrix of which the
// lower triangle is given, by Cholesky's method. The matrix is overwritten.
func solve(a, b, x []float64, n int) bool {
	for j := range n {
		row := a[j*n : j*n+j+1]
		for k := range j {
			other := a[k*n : k*n+k+1]
			sum := row[k]
			for m := range k {
				sum -= row[m] * other[m]
			}
			row[k] = sum / other[k]
		}
		sum := row[j]
		for m := range j {
			sum -= row[m] * row[m]
		}
		if !(sum > 0) {
			return false
		}
		row[j] = math.Sqrt(sum)
	}
	substitute(a, b, x, n)
	return true
}

// substitute solves with what solve made of the matrix.
func substitute(a, b, x []float64, n int) {
	for i := range n {
		sum := b[i]
		for k := range i {
			sum -= a[i*n+k] * x[k]
		}
		x[i] = sum / a[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		sum := x[i]
		for k := i + 1; k < n; k++ {
			sum -= a[k*n+i] * x[k]
		}
		x[i] = sum / a[i*n+i]
	}
}

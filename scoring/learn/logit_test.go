package learn

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop/internal/measure"
)

// rowsDesign makes a design of single rows.
func rowsDesign(sizes []int, groups [][]int, won []int) *design {
	d := newDesign(sizes)
	for i, g := range groups {
		for k := range g {
			d.groups = append(d.groups, uint16(d.offset(k)+g[k]))
		}
		d.won, d.lost = append(d.won, float64(won[i])), append(d.lost, float64(1-won[i]))
	}
	return d
}

// The fixture is made by scikit-learn; see benchmarks/learn/logistic.py.
func TestWeightsAreThoseOfAnIndependentSolver(t *testing.T) {
	data, err := os.ReadFile("testdata/logistic.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Penalty  float64
		Sizes    []int
		Groups   [][]int
		Won      []int
		Constant float64
		Weights  []float64
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		d := rowsDesign(c.Sizes, c.Groups, c.Won)
		got, err := d.fit(context.Background(), c.Penalty, exactly, d.start())
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range append([]float64{c.Constant}, c.Weights...) {
			if math.Abs(got[i]-want) > 1e-8 {
				t.Errorf("%d rows, penalty %v: weight %d is %.12f, scikit-learn says %.12f", len(c.Won), c.Penalty, i, got[i], want)
			}
		}
	}
}

// At the optimum the derivatives vanish; here they are summed row by row, not
// as the solver does it, and the loss is no better in any direction.
func TestTheRegressionIsAtItsOptimumAndJoinedRowsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(2, 4), 1, 3).Draw(t, "sizes")
		n := rapid.IntRange(5, 40).Draw(t, "rows")
		groups, won := make([][]int, n), make([]int, n)
		for i := range n {
			for _, s := range sizes {
				groups[i] = append(groups[i], rapid.IntRange(0, s-1).Draw(t, "group"))
			}
			won[i] = rapid.IntRange(0, 1).Draw(t, "won")
		}
		penalty := rapid.Float64Range(.1, 50).Draw(t, "penalty")
		d := rowsDesign(sizes, groups, won)
		w, err := d.fit(context.Background(), penalty, exactly, d.start())
		if err != nil {
			t.Fatal(err)
		}
		all := 0
		for _, y := range won {
			all += y
		}
		slope := make([]float64, len(w))
		for i := range n {
			e := w[0]
			for k, g := range groups[i] {
				e += w[d.offset(k)+g]
			}
			r := 1/(1+math.Exp(-e)) - float64(won[i])
			slope[0] += r
			for k, g := range groups[i] {
				slope[d.offset(k)+g] += r
			}
		}
		for i := range slope {
			if i > 0 {
				slope[i] += penalty * w[i]
			}
			// With one ending alone the constant has no optimum.
			if math.Abs(slope[i]) > 1e-6 && all > 0 && all < n {
				t.Fatalf("derivative %d is %v", i, slope[i])
			}
		}
		// Twice the rows with half the weight are the same regression.
		twice := rowsDesign(sizes, append(groups, groups...), append(won, won...))
		for i := range twice.won {
			twice.won[i], twice.lost[i] = twice.won[i]/2, twice.lost[i]/2
		}
		w2, err := twice.fit(context.Background(), penalty, exactly, twice.start())
		if err != nil {
			t.Fatal(err)
		}
		if all > 0 && all < n {
			for i := range w {
				if math.Abs(w[i]-w2[i]) > 1e-6 {
					t.Fatalf("weight %d: %v and %v", i, w[i], w2[i])
				}
			}
		}
	})
}

// What joining two parameters costs is what a regression with one parameter for
// both loses, nearly.
func TestTheCostOfJoiningIsWhatARegressionLoses(t *testing.T) {
	var groups [][]int
	var won []int
	rng := uint64(7)
	next := func(n uint64) int { rng = rng*6364136223846793005 + 1442695040888963407; return int(rng >> 33 % n) }
	for range 3000 {
		g := []int{next(4), next(3)}
		p := []int{20, 22, 50, 30}[g[0]] + 5*g[1]
		y := 0
		if next(100) < p {
			y = 1
		}
		groups, won = append(groups, g), append(won, y)
	}
	d := rowsDesign([]int{4, 3}, groups, won)
	const penalty = 1
	w, err := d.fit(context.Background(), penalty, exactly, d.start())
	if err != nil {
		t.Fatal(err)
	}
	j, ok := d.joint(penalty, w)
	if !ok {
		t.Fatal("no bell")
	}
	for _, pair := range [][2]int{{0, 1}, {1, 3}, {0, 3}} {
		joined := make([][]int, len(groups))
		for i, g := range groups {
			joined[i] = []int{g[0], g[1]}
			if g[0] == pair[1] {
				joined[i][0] = pair[0]
			}
		}
		e := rowsDesign([]int{4, 3}, joined, won)
		w2, err := e.fit(context.Background(), penalty, exactly, e.start())
		if err != nil {
			t.Fatal(err)
		}
		lost := e.loss(0, w2) - d.loss(0, w)
		if cost := j.cost(1+pair[0], 1+pair[1]); math.Abs(cost-lost) > .1+.05*lost {
			t.Errorf("joining %v costs %v, and loses %v", pair, cost, lost)
		}
	}
}

func TestPlattFindsTheLineThatDataWereMadeOf(t *testing.T) {
	var groups []measure.Group
	for s := -4.0; s <= 4; s += .25 {
		p := 1 / (1 + math.Exp(-(-1 + .6*s)))
		groups = append(groups, measure.Group{Score: s, Won: int64(math.Round(1e6 * p)), Lost: int64(math.Round(1e6 * (1 - p)))})
	}
	a, b, _ := platt(groups)
	if math.Abs(a+1) > 1e-5 || math.Abs(b-.6) > 1e-5 {
		t.Errorf("%v + %v · score", a, b)
	}
	if got := level(groups, .6); math.Abs(got+1) > 1e-5 {
		t.Errorf("the constant is %v", got)
	}
}

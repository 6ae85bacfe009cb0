package measure

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func drawGroups(t *rapid.T) []Group {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Group {
		return Group{float64(rapid.IntRange(0, 9).Draw(t, "score")) / 10, rapid.Int64Range(0, 4).Draw(t, "won"), rapid.Int64Range(0, 4).Draw(t, "lost")}
	}), 1, 12).Draw(t, "groups")
}

// expand lists the leads one by one.
func expand(groups []Group) (won, lost []float64) {
	for _, g := range groups {
		for range g.Won {
			won = append(won, g.Score)
		}
		for range g.Lost {
			lost = append(lost, g.Score)
		}
	}
	return won, lost
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-12*max(1, math.Abs(a)) }

func TestAUCIsTheShareOfPairsInTheRightOrderAndItsErrorThatOfThePlacements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := drawGroups(t)
		won, lost := expand(groups)
		got, se := AUC(groups)
		if len(won) == 0 || len(lost) == 0 {
			if got != (Interval{0.5, 0, 1}) {
				t.Fatalf("one class only: %v", got)
			}
			return
		}
		above := func(w, l float64) float64 {
			switch {
			case w > l:
				return 1
			case w == l:
				return .5
			}
			return 0
		}
		want := 0.0
		for _, w := range won {
			for _, l := range lost {
				want += above(w, l)
			}
		}
		want /= float64(len(won) * len(lost))
		if !near(got.Value, want) {
			t.Fatalf("AUC %v, pairs say %v", got.Value, want)
		}
		if len(won) < 2 || len(lost) < 2 {
			return
		}
		variance := func(a, b []float64, f func(x, y float64) float64) float64 {
			sum := 0.0
			for _, x := range a {
				v := 0.0
				for _, y := range b {
					v += f(x, y)
				}
				v = v/float64(len(b)) - want
				sum += v * v
			}
			return sum / float64(len(a)-1) / float64(len(a))
		}
		wantSE := math.Sqrt(variance(won, lost, above) + variance(lost, won, func(l, w float64) float64 { return above(w, l) }))
		if math.Abs(se-wantSE) > 1e-9 {
			t.Fatalf("standard error %v, placements say %v", se, wantSE)
		}
	})
}

func TestLogLossAndBrierAreTheMeansOverLeads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := drawGroups(t)
		for i := range groups {
			groups[i].Score = .05 + .9*groups[i].Score
		}
		won, lost := expand(groups)
		loss, brier := 0.0, 0.0
		for _, p := range won {
			loss, brier = loss-math.Log(p), brier+(1-p)*(1-p)
		}
		for _, p := range lost {
			loss, brier = loss-math.Log(1-p), brier+p*p
		}
		if n := float64(len(won) + len(lost)); n > 0 {
			loss, brier = loss/n, brier/n
		}
		if got := LogLoss(groups); math.Abs(got-loss) > 1e-12 {
			t.Fatalf("log-loss %v, want %v", got, loss)
		}
		if got := Brier(groups); math.Abs(got-brier) > 1e-12 {
			t.Fatalf("Brier %v, want %v", got, brier)
		}
	})
}

func TestRatesHoldTheirValueAndKnownIntervals(t *testing.T) {
	for _, c := range []struct {
		k, n      int64
		low, high float64
	}{
		{0, 10, 0, 0.27753}, {1, 10, 0.01788, 0.40415}, {50, 100, 0.40383, 0.59617}, {10, 10, 0.72247, 1},
	} {
		got := Rate(c.k, c.n)
		if math.Abs(got.Low-c.low) > 5e-5 || math.Abs(got.High-c.high) > 5e-5 {
			t.Errorf("%d of %d: %v, want %v to %v", c.k, c.n, got, c.low, c.high)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1000).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		if r := Rate(k, n); r.Low > r.Value || r.High < r.Value || r.Low < 0 || r.High > 1 {
			t.Fatalf("%d of %d: %v", k, n, r)
		}
	})
}

func TestChiSquareAgreesWithTables(t *testing.T) {
	for _, c := range []struct{ x, k, p float64 }{
		{3.841458820694124, 1, .05}, {6.634896601021213, 1, .01}, {18.307038053275146, 10, .05}, {2.5582121601872063, 10, .99},
		{124.34211340400407, 100, .05}, {0, 3, 1}, {23.209251158954356, 10, .01}, {10.827566170662733, 1, .001},
	} {
		if got := ChiSquareAbove(c.x, c.k); math.Abs(got-c.p) > 1e-10 {
			t.Errorf("χ² above %v with %v degrees: %v, want %v", c.x, c.k, got, c.p)
		}
	}
	// Two degrees of freedom are an exponential distribution.
	for x := .1; x < 60; x *= 1.7 {
		if got, want := ChiSquareAbove(x, 2), math.Exp(-x/2); math.Abs(got-want) > 1e-13 {
			t.Errorf("above %v: %v, want %v", x, got, want)
		}
	}
}

func TestPSIIsTheSumByHandAndNothingForEqualSamples(t *testing.T) {
	d := PSI([]int64{500, 300, 200}, []int64{200, 300, 500})
	p := []float64{500.5 / 1001.5, 300.5 / 1001.5, 200.5 / 1001.5}
	q := []float64{200.5 / 1001.5, 300.5 / 1001.5, 500.5 / 1001.5}
	want := 0.0
	for i := range p {
		want += (q[i] - p[i]) * math.Log(q[i]/p[i])
	}
	if !near(d.PSI, want) || d.Expected != 2*(1./1000+1./1000) || d.P > 1e-9 {
		t.Errorf("%+v, want a PSI of %v", d, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(rapid.Int64Range(0, 50), 1, 8).Draw(t, "before")
		if d := PSI(a, a); d.PSI != 0 || d.P != 1 {
			t.Fatalf("the same sample drifts: %+v", d)
		}
		b := rapid.SliceOfN(rapid.Int64Range(0, 50), len(a), len(a)).Draw(t, "after")
		if d := PSI(a, b); d.PSI < 0 || d.P < 0 || d.P > 1 {
			t.Fatalf("out of range: %+v", d)
		}
	})
}

// A sample of the same distribution alarms about as often as its p says, and
// its PSI is what is expected of it.
func TestPSIOfUnchangedSamplesIsAsExpected(t *testing.T) {
	rng, draws, alarms, sum := uint64(12345), 2000, 0, 0.0 // of a generator with a fixed seed
	next := func() uint64 { rng = rng*6364136223846793005 + 1442695040888963407; return rng >> 33 }
	var expected float64
	for range draws {
		var a, b [6]int64
		for range 600 {
			a[next()%6]++
		}
		for range 300 {
			b[next()%6]++
		}
		d := PSI(a[:], b[:])
		sum, expected = sum+d.PSI, d.Expected
		if d.P < .05 {
			alarms++
		}
	}
	if share := float64(alarms) / float64(draws); share < .03 || share > .07 {
		t.Errorf("p < 0.05 in %v of unchanged samples", share)
	}
	if mean := sum / float64(draws); mean < .9*expected || mean > 1.1*expected {
		t.Errorf("mean PSI %v, expected %v", mean, expected)
	}
}

func TestTheGapIsTheDifferenceOfTheMeans(t *testing.T) {
	won, lost, gap, ok := Gap([]Group{{10, 1, 3}, {20, 3, 1}})
	if won != 17.5 || lost != 12.5 || gap.Value != 5 || !ok {
		t.Errorf("%v %v %v", won, lost, gap)
	}
	if se := (gap.High - gap.Value) / z95; math.Abs(se-math.Sqrt(25./4*2)) > 1e-12 {
		t.Errorf("standard error %v", se)
	}
}

func TestTheIntervalOfPSIHoldsItNineteenTimesOfTwenty(t *testing.T) {
	p, q := [4]float64{.4, .3, .2, .1}, [4]float64{.2, .2, .3, .3}
	want := 0.0
	for i := range p {
		want += (q[i] - p[i]) * math.Log(q[i]/p[i])
	}
	rng := uint64(99)
	draw := func(shares [4]float64, n int) []int64 {
		out := make([]int64, 4)
		for range n {
			rng = rng*6364136223846793005 + 1442695040888963407
			u, k := float64(rng>>11)/(1<<53), 0
			for k < 3 && u >= shares[k] {
				u -= shares[k]
				k++
			}
			out[k]++
		}
		return out
	}
	const draws = 1000
	held := 0
	for range draws {
		if d := PSI(draw(p, 800), draw(q, 500)); d.Low <= want && want <= d.High {
			held++
		}
	}
	if share := float64(held) / draws; share < .93 || share > .97 {
		t.Errorf("the interval holds the true PSI in %v of draws", share)
	}
}

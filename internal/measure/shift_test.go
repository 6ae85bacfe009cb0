package measure_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/leadloop/leadloop/internal/measure"
)

// made are leads whose log-odds rise by slope with each point of score and by
// extra·slope with each unit of what every third of them has.
func made(r *rand.Rand, n int, slope, extra float64) []measure.Case {
	out := make([]measure.Case, n)
	for i := range out {
		c := &out[i]
		c.Score = float64(r.IntN(101))
		if r.IntN(3) == 0 {
			c.Has = 20
		}
		p := 1 / (1 + math.Exp(-slope*(c.Score-60+extra*c.Has)))
		c.Good = r.Float64() < p
	}
	return out
}

func TestAShiftIsFoundAsItWasMade(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, extra := range []float64{-1.2, -.5, .4, 1} {
		inside := 0
		for range 60 {
			s, ok := measure.ShiftOf(made(r, 2000, .05, extra), 0)
			if !ok {
				t.Fatal("2000 leads can't tell")
			}
			if math.Signbit(s.Z) != math.Signbit(extra) || math.Abs(s.Z) < 1 {
				t.Errorf("extra %v: z is %v", extra, s.Z)
			}
			if s.Slope.Value < .03 || s.Slope.Value > .08 {
				t.Errorf("extra %v: slope %v", extra, s.Slope)
			}
			if s.Extra.Low <= extra && extra <= s.Extra.High {
				inside++
			}
			if (float64(s.Good) > s.Expected) != (extra > 0) {
				t.Errorf("extra %v: %d good of %d, %v expected", extra, s.Good, s.With, s.Expected)
			}
		}
		if inside < 51 {
			t.Errorf("extra %v is in %d of 60 intervals", extra, inside)
		}
	}
}

func TestWhatTellsNothingIsFoundAsOftenAsChanceSays(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	said := 0
	const runs = 600
	for range runs {
		s, ok := measure.ShiftOf(made(r, 300, .05, 0), 0)
		if !ok {
			t.Fatal("300 leads can't tell")
		}
		if math.Abs(s.Z) > 1.96 {
			said++
		}
	}
	if said < runs*2/100 || said > runs*9/100 {
		t.Errorf("%d of %d are beyond 1.96 standard deviations", said, runs)
	}
}

func TestCasesThatCannotTellSaySo(t *testing.T) {
	some := made(rand.New(rand.NewPCG(5, 6)), 50, .05, 0)
	change := func(f func(i int, c *measure.Case)) []measure.Case {
		out := append([]measure.Case(nil), some...)
		for i := range out {
			f(i, &out[i])
		}
		return out
	}
	for name, cases := range map[string][]measure.Case{
		"none":                        nil,
		"one":                         some[:1],
		"all end well":                change(func(_ int, c *measure.Case) { c.Good = true }),
		"all have one score":          change(func(_ int, c *measure.Case) { c.Score = 7 }),
		"all have it":                 change(func(_ int, c *measure.Case) { c.Has = 7 }),
		"the score parts them":        change(func(_ int, c *measure.Case) { c.Good = c.Score > 50 }),
		"having it parts them":        change(func(_ int, c *measure.Case) { c.Good = c.Has > 0 }),
		"having it is having a score": change(func(_ int, c *measure.Case) { c.Has = c.Score }),
		"a score that is no number":   change(func(i int, c *measure.Case) { c.Score += map[bool]float64{true: math.NaN()}[i == 3] }),
	} {
		if s, ok := measure.ShiftOf(cases, 0); ok {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

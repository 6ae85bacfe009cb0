package scoring

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

func TestDecayAtEdges(t *testing.T) {
	week := newDecay(&Decay{Window: 7 * day})
	half := newDecay(&Decay{HalfLife: 14 * day})
	line := newDecay(&Decay{Linear: 90 * day})
	step := newDecay(&Decay{Steps: []DecayStep{{30 * day, 0.75}, {90 * day, 0.5}, {365 * day, 0}}})
	for _, tt := range []struct {
		name  string
		decay decay
		start float64
		age   time.Duration
		want  float64
	}{
		{"without decay nothing fades", decay{}, 40, 100 * 365 * day, 40},
		{"a window gives all until its last nanosecond", week, 5, 7*day - 1, 5},
		{"a window gives nothing from its length on", week, 5, 7 * day, 0},
		{"an activity in the future counts as now", week, 5, -time.Hour, 5},
		{"a half-life starts with everything", half, 40, 0, 40},
		{"a half-life halves", half, 40, 14 * day, 20},
		{"a half-life halves again", half, 40, 28 * day, 10},
		{"a quarter of a half-life is a fourth root", half, 40, 84 * time.Hour, 33.636},
		{"a half-life of negative points goes up to zero", half, -20, 14 * day, -10},
		{"a half-life ends at zero", half, 40, 17 * 14 * day, 0},
		{"a half-life of the far future is zero", half, 40, math.MaxInt64, 0},
		{"linear decay is halfway at half its length", line, 30, 45 * day, 15},
		{"linear decay after a third", line, 30, 30 * day, 20},
		{"linear decay ends at its length", line, 30, 90 * day, 0},
		{"linear decay of the far future is zero", line, 30, math.MaxInt64, 0},
		{"steps give everything before the first", step, 40, 30*day - 1, 40},
		{"steps change at their age", step, 40, 30 * day, 30},
		{"steps stay until the next", step, 40, 90*day - 1, 30},
		{"steps fade by the last factor reached", step, 40, 200 * day, 20},
		{"steps can end", step, 40, 365 * day, 0},
		{"steps round to thousandths", step, 0.001, 90 * day, 0.001},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.decay.at(points(tt.start), tt.age); got != points(tt.want) {
				t.Errorf("got %s, want %v", got, tt.want)
			}
		})
	}
}

func anyDecay(t *rapid.T) decay {
	length := time.Duration(rapid.Int64Range(1, int64(maxWindow)).Draw(t, "length"))
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return newDecay(&Decay{Window: length})
	case 1:
		return newDecay(&Decay{HalfLife: length})
	case 2:
		return newDecay(&Decay{Linear: length})
	case 3:
		second := length + time.Duration(rapid.Int64Range(1, int64(maxWindow)).Draw(t, "second"))
		factor := rapid.Float64Range(0, 1).Draw(t, "factor")
		return newDecay(&Decay{Steps: []DecayStep{{length, factor}, {second, factor * rapid.Float64Range(0, 1).Draw(t, "then")}}})
	}
	return decay{}
}

func anyPoints(t *rapid.T, name string) leadloop.Points {
	return leadloop.Points(rapid.Int64Range(-int64(leadloop.MaxPoints), int64(leadloop.MaxPoints)).Draw(t, name))
}

func size(p leadloop.Points) leadloop.Points { return max(p, -p) }

func TestPointsOnlyFade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, p := anyDecay(t), anyPoints(t, "points")
		age := time.Duration(rapid.Int64().Draw(t, "age"))
		later := age
		if gap := rapid.Int64Range(0, 1<<rapid.IntRange(0, 62).Draw(t, "scale")).Draw(t, "gap"); int64(age) <= math.MaxInt64-gap {
			later += time.Duration(gap)
		}
		a, b := d.at(p, age), d.at(p, later)
		switch {
		case size(a) > size(p):
			t.Fatalf("%s grew to %s at age %s", p, a, age)
		case size(b) > size(a):
			t.Fatalf("%s grew from %s to %s between %s and %s", p, a, b, age, later)
		case p > 0 && b < 0 || p < 0 && b > 0:
			t.Fatalf("%s turned into %s", p, b)
		case age <= 0 && a != p:
			t.Fatalf("%s faded to %s before it happened", p, a)
		}
		if settled := d.settled(p); d.continuous() && settled < math.MaxInt64 && d.at(p, settled) != 0 {
			t.Fatalf("%s is still %s when settled at %s", p, d.at(p, settled), settled)
		}
	})
}

func TestFadingKeepsTheOrderOfPoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, p, q := anyDecay(t), anyPoints(t, "p"), anyPoints(t, "q")
		age := time.Duration(rapid.Int64().Draw(t, "age"))
		if a, b := d.at(min(p, q), age), d.at(max(p, q), age); a > b {
			t.Fatalf("of %s and %s the smaller fades to %s, the larger to %s", p, q, a, b)
		}
	})
}

func TestHalfLifeIsTheExactPowerRounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.Int64Range(1, int64(maxWindow)).Draw(t, "length"))
		age := time.Duration(rapid.Int64Range(0, int64(length)*3).Draw(t, "age"))
		p := leadloop.Points(rapid.Int64Range(0, 1_000_000*int64(leadloop.Point)).Draw(t, "points"))
		exact := float64(p) * math.Exp2(-float64(age)/float64(length))
		got := newDecay(&Decay{HalfLife: length}).at(p, age)
		if math.Abs(float64(got)-exact) > 0.501 {
			t.Fatalf("got %d thousandths, exact is %f", got, exact)
		}
	})
}

func TestNextEdgeIsWherePointsJump(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, p := anyDecay(t), anyPoints(t, "points")
		age := time.Duration(rapid.Int64Range(0, 3*int64(maxWindow)).Draw(t, "age"))
		if d.continuous() {
			return
		}
		now := d.at(p, age)
		edge, ok := d.nextEdge(age)
		if !ok {
			if later := d.at(p, math.MaxInt64); later != now {
				t.Fatalf("no edge after %s, yet %s becomes %s", age, now, later)
			}
			return
		}
		if edge <= age {
			t.Fatalf("the next edge %s is not after %s", edge, age)
		}
		between := age + time.Duration(rapid.Int64Range(0, int64(edge-age)-1).Draw(t, "between"))
		if got := d.at(p, between); got != now {
			t.Fatalf("%s became %s at %s, before the edge at %s", now, got, between, edge)
		}
	})
}

func TestRootsOfHalfAreRoots(t *testing.T) {
	roots := rootsOfHalf()
	one := new(big.Float).SetMantExp(big.NewFloat(1), 64)
	for i, r := range roots {
		x := new(big.Float).SetPrec(256).Quo(new(big.Float).SetUint64(r), one)
		for range i + 1 {
			x.Mul(x, x)
		}
		if f, _ := x.Float64(); math.Abs(f-0.5) > 1e-3 {
			t.Errorf("root %d squared %d times is %v, not a half", i, i+1, f)
		}
	}
}

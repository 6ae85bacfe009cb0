package scoring

import (
	"math"
	"math/big"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
)

// decay is a checked [Decay]. The zero decay never fades.
type decay struct {
	kind   decayKind
	length time.Duration
	steps  []DecayStep
}

type decayKind uint8

const (
	keep decayKind = iota
	window
	halfLife
	linear
	steps
)

func newDecay(d *Decay) decay {
	switch {
	case d == nil:
		return decay{}
	case d.Window > 0:
		return decay{kind: window, length: d.Window}
	case d.HalfLife > 0:
		return decay{kind: halfLife, length: d.HalfLife}
	case d.Linear > 0:
		return decay{kind: linear, length: d.Linear}
	}
	return decay{kind: steps, steps: slices.Clone(d.Steps)}
}

// continuous tells decays that change from one moment to the next.
func (d decay) continuous() bool { return d.kind == halfLife || d.kind == linear }

// at returns what is left of p at an age: between 0 and p, never further from
// 0 as the age grows, rounded to the nearest thousandth.
func (d decay) at(p leadloop.Points, age time.Duration) leadloop.Points {
	if age <= 0 || p == 0 {
		return p
	}
	switch d.kind {
	case window:
		if age >= d.length {
			return 0
		}
	case halfLife:
		return signed(p, func(n uint64) uint64 { return halved(n, age, d.length) })
	case linear:
		if age >= d.length {
			return 0
		}
		return signed(p, func(n uint64) uint64 {
			hi, lo := bits.Mul64(n, uint64(d.length-age))
			q, r := bits.Div64(hi, lo, uint64(d.length))
			if r >= uint64(d.length)-r {
				q++
			}
			return q
		})
	case steps:
		factor := 1.0
		for _, s := range d.steps {
			if age < s.After {
				break
			}
			factor = s.Factor
		}
		return leadloop.Points(math.Round(float64(p) * factor))
	}
	return p
}

func signed(p leadloop.Points, f func(uint64) uint64) leadloop.Points {
	if p < 0 {
		return -leadloop.Points(f(uint64(-p)))
	}
	return leadloop.Points(f(uint64(p)))
}

// fractionBits of age/half-life are used. With more, neighbouring ages would
// differ by less than the products below are off, and points could rise.
const fractionBits = 52

// halved returns n × 2^-(age/length) in integers, because math.Exp2 is not the
// same on every CPU.
func halved(n uint64, age, length time.Duration) uint64 {
	whole := uint64(age / length)
	if whole >= 64 {
		return 0
	}
	factor := uint64(math.MaxUint64) // of 2^64
	fraction, _ := bits.Div64(uint64(age%length), 0, uint64(length))
	fraction >>= 64 - fractionBits
	roots := rootsOfHalf()
	for fraction != 0 {
		top := bits.Len64(fraction) - 1
		factor, _ = bits.Mul64(factor, roots[fractionBits-top-1])
		fraction &^= 1 << top
	}
	hi, lo := bits.Mul64(n, factor)
	// Shift the 128-bit product right by 64+whole, rounding to nearest.
	if whole == 0 {
		return hi + lo>>63
	}
	return hi>>whole + hi>>(whole-1)&1
}

// rootsOfHalf holds 2^64 × 2^-(2^-i) for i = 1, 2, …
var rootsOfHalf = sync.OnceValue(func() *[fractionBits]uint64 {
	var out [fractionBits]uint64
	root := new(big.Float).SetPrec(256).SetFloat64(0.5)
	for i := range out {
		root.Sqrt(root)
		out[i], _ = new(big.Float).SetPrec(256).SetMantExp(root, 64).Uint64()
	}
	return &out
})

// nextEdge returns the first age above the given one at which the points jump;
// false if they never will.
func (d decay) nextEdge(age time.Duration) (time.Duration, bool) {
	switch d.kind {
	case window:
		return d.length, age < d.length
	case steps:
		for _, s := range d.steps {
			if age < s.After {
				return s.After, true
			}
		}
	}
	return 0, false
}

// settled returns an age from which on p no longer changes, at most the longest
// duration there is.
func (d decay) settled(p leadloop.Points) time.Duration {
	switch d.kind {
	case linear:
		return d.length
	case halfLife:
		n := p
		if n < 0 {
			n = -n
		}
		// After this many half-lives less than half a thousandth is left.
		lives := time.Duration(bits.Len64(uint64(n)) + 1)
		if d.length > math.MaxInt64/lives {
			return math.MaxInt64
		}
		return lives * d.length
	}
	return 0
}

// ageAt is the age of an activity; one in the future counts as now.
func ageAt(at, asOf time.Time) time.Duration { return max(0, asOf.Sub(at)) }

package leadloop

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Points is a score in thousandths of a point, so that sums are exact and the
// same on every CPU. Point is one whole point.
type Points int64

// Point is one point.
const Point Points = 1000

// MaxPoints bounds a single weight or score, so that no sum of a model's
// contributions can overflow: a billion points.
const MaxPoints = 1_000_000_000 * Point

// PointsOf rounds f points to the nearest thousandth, halves away from zero.
// It reports false for NaN, infinities and magnitudes above [MaxPoints].
func PointsOf(f float64) (Points, bool) {
	scaled := math.Round(f * float64(Point))
	if math.IsNaN(scaled) || math.Abs(scaled) > float64(MaxPoints) {
		return 0, false
	}
	return Points(scaled), true
}

// Float returns p in points.
func (p Points) Float() float64 { return float64(p) / float64(Point) }

// String writes p in points with as few decimals as are exact: "12", "-7.5".
func (p Points) String() string {
	sign, n := "", uint64(p)
	if p < 0 {
		sign, n = "-", -n
	}
	whole, frac := n/uint64(Point), n%uint64(Point)
	if frac == 0 {
		return sign + strconv.FormatUint(whole, 10)
	}
	// The thousand before the decimals keeps their leading zeros.
	return sign + strconv.FormatUint(whole, 10) + "." + strings.TrimRight(strconv.FormatUint(uint64(Point)+frac, 10)[1:], "0")
}

// MarshalJSON writes p as a decimal number of points.
func (p Points) MarshalJSON() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalJSON reads a decimal number of points.
func (p *Points) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("points: %w: not a number", ErrInvalid)
	}
	v, ok := PointsOf(f)
	if !ok {
		return fmt.Errorf("points: %w: out of range", ErrInvalid)
	}
	*p = v
	return nil
}

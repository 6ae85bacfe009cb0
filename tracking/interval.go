package tracking

import (
	"encoding/json"
	"math"

	"github.com/leadloop/leadloop/internal/measure"
)

// Rate is how many of a number of leads.
type Rate struct {
	Group string
	Hits  int
	Of    int
}

// Share returns Hits/Of, and false if Of is less than Enough: too few to say.
func (r Rate) Share() (float64, bool) {
	if r.Of < Enough {
		return 0, false
	}
	return float64(r.Hits) / float64(r.Of), true
}

// z95 is the quantile of the normal distribution for 95 % on both sides.
const z95 = 1.959963984540054

// Interval returns where the share lies with 95 % confidence (Wilson 1927): 0
// to 1 if nothing was counted.
func (r Rate) Interval() (low, high float64) { return wilson(r.Hits, r.Of, z95) }

func wilson(hits, of int, z float64) (low, high float64) {
	return measure.Wilson(int64(hits), int64(of), z)
}

// MarshalJSON adds the share, null if it is too few to say, and its interval.
func (r Rate) MarshalJSON() ([]byte, error) {
	var share *float64
	if v, ok := r.Share(); ok {
		share = &v
	}
	low, high := r.Interval()
	return json.Marshal(struct {
		Group string   `json:"group"`
		Hits  int      `json:"hits"`
		Of    int      `json:"of"`
		Share *float64 `json:"share"`
		Low   float64  `json:"low"`
		High  float64  `json:"high"`
	}{r.Group, r.Hits, r.Of, share, round(low), round(high)})
}

// round keeps six places: more would only tell CPUs apart.
func round(p float64) float64 { return math.Round(p*1e6) / 1e6 }

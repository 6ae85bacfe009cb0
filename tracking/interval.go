package tracking

import (
	"encoding/json"
	"math"
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
	if of <= 0 {
		return 0, 1
	}
	n, p := float64(of), float64(hits)/float64(of)
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	low, high = max(0, middle-half), min(1, middle+half)
	if hits <= 0 {
		low = 0
	}
	if hits >= of {
		high = 1
	}
	return low, high
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

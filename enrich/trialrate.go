package enrich

import (
	"math"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/measure"
)

// MinTrial is how many observations a share needs before it says anything: with
// fewer, the interval around one half is more than a third wide.
const MinTrial = 30

// Rate is a share with what it rests on.
type Rate struct {
	Hits int `json:"hits"`
	Of   int `json:"of"`
	// Share is Hits by Of; 0 if Of is 0.
	Share float64 `json:"share"`
	// Low and High are the 95 % interval by Wilson's score: 0 and 1 if Of is 0.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// TooFew tells that Of is below [MinTrial].
	TooFew bool `json:"too_few,omitempty"`
}

// RateOf returns the share of hits among so many, with its interval (E. B.
// Wilson, "Probable inference, the law of succession, and statistical
// inference", 1927).
func RateOf(hits, of int) Rate {
	share := measure.Rate(int64(hits), int64(of))
	return Rate{Hits: hits, Of: of, Share: share.Value, Low: share.Low, High: share.High, TooFew: of < MinTrial}
}

// Ages sums up how old dated values were, in days.
type Ages struct {
	// Dated counts values with a date of verification; the rest is about them.
	Dated int `json:"dated"`
	// Median and Oldest10th are by nearest rank: half of the values, and nine in
	// ten, are no older.
	Median     float64 `json:"median_days"`
	Oldest10th float64 `json:"ninetieth_days"`
}

func agesOf(days []float64) Ages {
	if len(days) == 0 {
		return Ages{}
	}
	days = slices.Sorted(slices.Values(days))
	rank := func(p float64) float64 { return days[int(math.Ceil(p*float64(len(days))))-1] }
	return Ages{Dated: len(days), Median: rank(0.5), Oldest10th: rank(0.9)}
}

// per is what one of so many cost; nil if there is none.
func per(cost leadloop.Micros, n int) *leadloop.Micros {
	if n == 0 {
		return nil
	}
	each := leadloop.Micros(math.Round(float64(cost) / float64(n)))
	return &each
}

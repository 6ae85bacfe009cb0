// Package measure holds the figures by which scores and shares are judged: how
// sure a share is, how well scores separate won from lost, how far their probabilities can be taken at their word,
// and how far one sample has drifted from another.
//
// Everything works on groups of equal scores, so that the cost is that of the
// distinct scores and not of the leads. Sums run in the order given, so the same
// input gives the same bytes.
package measure

import (
	"cmp"
	"math"
	"slices"
)

// Group is all leads that have one score: how many of them were won and lost.
type Group struct {
	Score     float64
	Won, Lost int64
}

// Interval is an estimate with its 95 % interval.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// z95 is the 97.5 % point of the normal distribution.
const z95 = 1.959963984540054

// Totals adds up won and lost.
func Totals(groups []Group) (won, lost int64) {
	for _, g := range groups {
		won, lost = won+g.Won, lost+g.Lost
	}
	return won, lost
}

// sorted returns the groups by score with equal scores joined.
func sorted(groups []Group) []Group {
	out := slices.Clone(groups)
	slices.SortStableFunc(out, func(a, b Group) int { return cmp.Compare(a.Score, b.Score) })
	n := 0
	for i, g := range out {
		if i > 0 && g.Score == out[n-1].Score {
			out[n-1].Won, out[n-1].Lost = out[n-1].Won+g.Won, out[n-1].Lost+g.Lost
			continue
		}
		out[n] = g
		n++
	}
	return out[:n]
}

// AUC is the chance that a won lead scores above a lost one, ties counting half,
// with the interval of DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988).
// Without both classes it is 0.5 with the interval 0 to 1.
func AUC(groups []Group) (value Interval, se float64) {
	s := sorted(groups)
	won, lost := Totals(s)
	if won == 0 || lost == 0 {
		return Interval{0.5, 0, 1}, math.Inf(1)
	}
	n1, n0 := float64(won), float64(lost)
	below, sum := 0.0, 0.0
	for _, g := range s {
		sum += float64(g.Won) * (below + float64(g.Lost)/2)
		below += float64(g.Lost)
	}
	auc := sum / n1 / n0
	var v10, v01, lostBelow, wonBelow float64
	for _, g := range s {
		// How a won lead of this score stands among the lost, and the reverse.
		a := (lostBelow+float64(g.Lost)/2)/n0 - auc
		b := (n1-wonBelow-float64(g.Won)/2)/n1 - auc
		v10, v01 = v10+float64(g.Won)*a*a, v01+float64(g.Lost)*b*b
		lostBelow, wonBelow = lostBelow+float64(g.Lost), wonBelow+float64(g.Won)
	}
	se = math.Sqrt(v10/max(n1-1, 1)/n1 + v01/max(n0-1, 1)/n0)
	if won == 1 || lost == 1 {
		se = 0.5 // one lead of a class tells nothing about its spread
	}
	return Interval{auc, max(0, auc-z95*se), min(1, auc+z95*se)}, se
}

// LogLoss is the mean of −ln of the probability given to what happened, where
// the score of a group is its probability. Probabilities are held within 1e-15
// of 0 and 1.
func LogLoss(groups []Group) float64 {
	sum, n := 0.0, 0.0
	for _, g := range groups {
		p := min(max(g.Score, 1e-15), 1-1e-15)
		sum -= float64(g.Won)*math.Log(p) + float64(g.Lost)*math.Log1p(-p)
		n += float64(g.Won + g.Lost)
	}
	return ratio(sum, n)
}

// Brier is the mean squared distance between the probability and what happened.
func Brier(groups []Group) float64 {
	sum, n := 0.0, 0.0
	for _, g := range groups {
		sum += float64(g.Won)*(1-g.Score)*(1-g.Score) + float64(g.Lost)*g.Score*g.Score
		n += float64(g.Won + g.Lost)
	}
	return ratio(sum, n)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Rate is k of n with the interval of Wilson (1927), which holds for few and for
// rates near 0 and 1. For n = 0 it is 0 with the interval 0 to 1.
func Rate(k, n int64) Interval {
	low, high := Wilson(k, n, z95)
	return Interval{ratio(float64(k), float64(n)), low, high}
}

// Wilson is the score interval of k of n (E. B. Wilson, "Probable inference, the
// law of succession, and statistical inference", 1927) for z standard deviations,
// such as 1.96 for 95 %; 0 to 1 for n = 0.
func Wilson(k, n int64, z float64) (low, high float64) {
	if n <= 0 {
		return 0, 1
	}
	p, m := float64(k)/float64(n), float64(n)
	mid := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	low, high = max(0, mid-half), min(1, mid+half)
	// At the ends the formula gives 0 and 1 but for rounding.
	if k <= 0 {
		low = 0
	}
	if k >= n {
		high = 1
	}
	return low, high
}

// Gap is the mean of won and of lost scores and the difference with its 95 %
// interval (Welch, normal approximation). ok is false with fewer than two of a
// class.
func Gap(groups []Group) (won, lost float64, gap Interval, ok bool) {
	n1, n0 := Totals(groups)
	var m1, m0, v1, v0 float64
	for _, g := range groups {
		m1, m0 = m1+float64(g.Won)*g.Score, m0+float64(g.Lost)*g.Score
	}
	m1, m0 = ratio(m1, float64(n1)), ratio(m0, float64(n0))
	if n1 < 2 || n0 < 2 {
		return m1, m0, Interval{}, false
	}
	for _, g := range groups {
		v1 += float64(g.Won) * (g.Score - m1) * (g.Score - m1)
		v0 += float64(g.Lost) * (g.Score - m0) * (g.Score - m0)
	}
	se := math.Sqrt(v1/float64(n1-1)/float64(n1) + v0/float64(n0-1)/float64(n0))
	d := m1 - m0
	return m1, m0, Interval{d, d - z95*se, d + z95*se}, true
}

package tracking

import (
	"encoding/json"
	"math"
)

// zSure is the quantile of the normal distribution for 99 % on both sides: what
// is said to have changed would look so by chance less than once in a hundred
// times.
const zSure = 2.5758293035489004

// Change is a share in one week and in the week before, each as it stood at the
// end of its week.
type Change struct {
	Figure        string // such as "sal_rate"
	By, Group     string // such as "tier" and "A"; By is empty for all leads
	Before, After Rate
	// Diff is how much After is above Before, and Low to High where that lies
	// with 99 % confidence (Newcombe 1998, method 10).
	Diff, Low, High float64
	// Beyond says that the difference is beyond noise: both have enough, and 0
	// is not in the interval.
	Beyond bool
}

// MarshalJSON rounds what is estimated.
func (c Change) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Figure string  `json:"figure"`
		By     string  `json:"by,omitempty"`
		Group  string  `json:"group"`
		Before Rate    `json:"before"`
		After  Rate    `json:"after"`
		Diff   float64 `json:"diff"`
		Low    float64 `json:"low"`
		High   float64 `json:"high"`
		Beyond bool    `json:"beyond_noise"`
	}{c.Figure, c.By, c.Group, c.Before, c.After, round(c.Diff), round(c.Low), round(c.High), c.Beyond})
}

func change(figure, by, group string, before, after Rate) Change {
	c := Change{Figure: figure, By: by, Group: group, Before: before, After: after}
	c.Diff, c.Low, c.High = newcombe(before, after, zSure)
	c.Beyond = before.Of >= Enough && after.Of >= Enough && (c.Low > 0 || c.High < 0)
	return c
}

// newcombe compares two shares: how much after is above before, and where that
// lies with the confidence of z.
func newcombe(before, after Rate, z float64) (diff, low, high float64) {
	p1, p2 := float64(after.Hits)/float64(max(1, after.Of)), float64(before.Hits)/float64(max(1, before.Of))
	l1, u1 := wilson(after.Hits, after.Of, z)
	l2, u2 := wilson(before.Hits, before.Of, z)
	diff = p1 - p2
	return diff, diff - math.Hypot(p1-l1, u2-p2), diff + math.Hypot(u1-p1, p2-l2)
}

// SpeedChange is speed-to-lead in one week and in the week before.
type SpeedChange struct {
	By            string `json:"by,omitempty"`
	Group         string `json:"group"`
	Before, After Speed
	// Beyond says that waits differ beyond noise (Mann and Whitney 1947, at 99
	// %): a wait of one week tends to be longer than one of the other.
	Beyond bool
}

// MarshalJSON writes both weeks.
func (c SpeedChange) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		By     string `json:"by,omitempty"`
		Group  string `json:"group"`
		Before Speed  `json:"before"`
		After  Speed  `json:"after"`
		Beyond bool   `json:"beyond_noise"`
	}{c.By, c.Group, c.Before, c.After, c.Beyond})
}

// mannWhitney returns how far the rank sum of a is from what chance gives, in
// standard deviations, with the correction for ties: above 0 if a's numbers tend
// to be the larger ones.
func mannWhitney(a, b *multiset) float64 {
	a.order()
	b.order()
	n, m := float64(a.n), float64(b.n)
	if a.n == 0 || b.n == 0 {
		return 0
	}
	var u, ties float64
	x, y := walk{s: a}, walk{s: b}
	below := 0.0 // of b
	for {
		v, ok := x.peek()
		w, ok2 := y.peek()
		if !ok && !ok2 {
			break
		}
		if !ok || ok2 && w < v {
			v = w
		}
		inA, inB := x.take(v), y.take(v)
		u += inA * (below + inB/2)
		below += inB
		t := inA + inB
		ties += t*t*t - t
	}
	total := n + m
	sd := math.Sqrt(n * m / 12 * (total + 1 - ties/(total*(total-1))))
	if sd == 0 {
		return 0
	}
	return (u - n*m/2) / sd
}

// walk goes through a multiset, ascending.
type walk struct {
	s        *multiset
	chunk, i int
}

func (w *walk) peek() (int64, bool) {
	if w.chunk >= len(w.s.chunks) {
		return 0, false
	}
	return w.s.chunks[w.chunk][w.i], true
}

// take passes over all that are v and says how many.
func (w *walk) take(v int64) (n float64) {
	for {
		x, ok := w.peek()
		if !ok || x != v {
			return n
		}
		n++
		if w.i++; w.i == len(w.s.chunks[w.chunk]) {
			w.chunk, w.i = w.chunk+1, 0
		}
	}
}

// stratum is one part of a comparison in which both sides are alike but for
// what is asked about.
type stratum struct{ a, b Rate }

// mantelHaenszel compares a with b over strata: the difference of shares,
// weighted (Mantel–Haenszel), how far it is from chance in standard deviations
// (Cochran 1954), and the totals of those strata where both have any.
func mantelHaenszel(strata []stratum) (diff, z float64, a, b Rate) {
	var weight, over, variance float64
	for _, s := range strata {
		n, m := float64(s.a.Of), float64(s.b.Of)
		if n == 0 || m == 0 {
			continue
		}
		a.Hits, a.Of = a.Hits+s.a.Hits, a.Of+s.a.Of
		b.Hits, b.Of = b.Hits+s.b.Hits, b.Of+s.b.Of
		w := n * m / (n + m)
		p := float64(s.a.Hits+s.b.Hits) / (n + m)
		over += w * (float64(s.a.Hits)/n - float64(s.b.Hits)/m)
		weight += w
		variance += w * p * (1 - p)
	}
	if weight == 0 || variance == 0 {
		return 0, 0, a, b
	}
	return over / weight, over / math.Sqrt(variance), a, b
}

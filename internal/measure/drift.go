package measure

import "math"

// Drift is how far the distribution of one thing moved between two samples.
type Drift struct {
	// PSI is the population stability index, Σ (q−p)·ln(q/p), as it is usually
	// reported: 0.1 is a shift worth a look, 0.25 a large one.
	PSI float64 `json:"psi"`
	// Low and High are its 95 % interval by the delta method; where little has
	// changed it is too narrow, and P tells more.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Expected is what PSI comes to on average for two samples of these sizes
	// from one and the same distribution.
	Expected float64 `json:"expected"`
	// P is the chance of so large a PSI if nothing had changed: PSI divided by
	// 1/n + 1/m follows a χ² distribution with one degree of freedom less than
	// there are groups (Yurdakul and Naranjo, Journal of Risk Model Validation
	// 14, 2020).
	P float64 `json:"p"`
}

// PSI compares how two samples spread over the same groups. Each count is
// taken half a lead larger, so that an empty group does not make it infinite;
// groups that are empty in both are left out. An empty sample has no drift.
func PSI(before, after []int64) Drift {
	var n, m, groups float64
	for i := range before {
		if before[i]+after[i] > 0 {
			n, m, groups = n+float64(before[i]), m+float64(after[i]), groups+1
		}
	}
	if n == 0 || m == 0 || groups < 2 {
		return Drift{P: 1}
	}
	psi := 0.0
	// Mean and mean square of how the sum changes with the share of a group,
	// before and after.
	var g, gg, h, hh float64
	for i := range before {
		if before[i]+after[i] == 0 {
			continue
		}
		p, q := (float64(before[i])+.5)/(n+groups/2), (float64(after[i])+.5)/(m+groups/2)
		l := math.Log(q / p)
		psi += (q - p) * l
		x, y := 1-l-q/p, 1+l-p/q
		g, gg, h, hh = g+p*x, gg+p*x*x, h+q*y, hh+q*y*y
	}
	unit := 1/n + 1/m
	se := math.Sqrt(max(0, gg-g*g)/n + max(0, hh-h*h)/m)
	return Drift{PSI: psi, Low: max(0, psi-z95*se), High: psi + z95*se, Expected: (groups - 1) * unit, P: ChiSquareAbove(psi/unit, groups-1)}
}

// ChiSquareAbove is the chance that a χ² variable with k degrees of freedom is
// above x: the regularised upper incomplete gamma function Q(k/2, x/2), by its
// series below the mean and its continued fraction above (Lentz).
func ChiSquareAbove(x, k float64) float64 {
	if x <= 0 {
		return 1
	}
	a, x := k/2, x/2
	lg, _ := math.Lgamma(a)
	front := math.Exp(-x + a*math.Log(x) - lg)
	if x < a+1 {
		sum, term := 1/a, 1/a
		for n := 1; n < 10_000; n++ {
			term *= x / (a + float64(n))
			if sum += term; term < sum*1e-16 {
				break
			}
		}
		return max(0, 1-front*sum)
	}
	const tiny = 1e-300
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for n := 1.0; n < 10_000; n++ {
		an := -n * (n - a)
		b += 2
		if d = an*d + b; math.Abs(d) < tiny {
			d = tiny
		}
		if c = b + an/c; math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		h *= d * c
		if math.Abs(d*c-1) < 1e-15 {
			break
		}
	}
	return front * h
}

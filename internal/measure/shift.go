package measure

import "math"

// Case is one lead: its score, how much of something it has besides, and
// whether it ended well.
type Case struct {
	Score, Has float64
	Good       bool
}

// Shift is what something tells of how leads end that their score does not tell
// already.
type Shift struct {
	// Slope is how the log-odds of ending well rise with a point of score.
	Slope Interval
	// Extra is how many points of score one unit of it is worth more than the
	// score says: what the log-odds rise by it, divided by the slope. Its
	// interval takes the slope as known.
	Extra Interval
	// Z is how far that is from chance, in standard deviations (score test).
	Z float64
	// With is how many cases have it, Good how many of those ended well, and
	// Expected how many were to be expected by their scores.
	With, Good int
	Expected   float64
}

// ShiftOf asks whether leads that have something end better or worse than
// others of the same score: the logistic regression of the ending on the score,
// with and without it. Those have it that have more than so much, above or below 0.
// False if the cases can't tell: all end alike, all have as much of it, a score
// or it parts them completely.
func ShiftOf(cases []Case, than float64) (Shift, bool) {
	var s Shift
	null, ok := fitLogit(cases, false)
	if !ok {
		return s, false
	}
	// The score test: how steeply the likelihood of the fit without it rises
	// with it, against how much of that the fit could take back.
	var u, xx, x1, xs float64
	for i := range cases {
		c := &cases[i]
		p := null.of(c)
		if math.Abs(c.Has) > than {
			s.With++
			s.Expected += p
			if c.Good {
				s.Good++
			}
		}
		w := p * (1 - p)
		y := 0.0
		if c.Good {
			y = 1
		}
		x, z := null.has(c), null.score(c)
		u += x * (y - p)
		xx, x1, xs = xx+w*x*x, x1+w*x, xs+w*x*z
	}
	a, b, d := null.info[0][0], null.info[0][1], null.info[1][1]
	det := a*d - b*b
	v := xx - (x1*x1*d-2*x1*xs*b+xs*xs*a)/det
	full, ok := fitLogit(cases, true)
	if !ok || v <= 1e-9*xx {
		return s, false
	}
	s.Z = u / math.Sqrt(v)
	slope, se, ok := full.estimate(1)
	extra, se2, ok2 := full.estimate(2)
	if !ok || !ok2 {
		return s, false
	}
	slope, se, extra, se2 = slope/full.scoreUnit, se/full.scoreUnit, extra/full.hasUnit, se2/full.hasUnit
	s.Slope = Interval{slope, slope - z95*se, slope + z95*se}
	worth, half := extra/slope, z95*se2/math.Abs(slope)
	s.Extra = Interval{worth, worth - half, worth + half}
	return s, !math.IsNaN(worth) && !math.IsInf(worth, 0)
}

// logit is a logistic regression on a constant, the score and perhaps what is
// had besides, each about its mean in its standard deviations.
type logit struct {
	scoreMean, scoreUnit, hasMean, hasUnit float64
	weights                                [3]float64
	info                                   [3][3]float64
	params                                 int
}

func (l *logit) score(c *Case) float64 { return (c.Score - l.scoreMean) / l.scoreUnit }
func (l *logit) has(c *Case) float64   { return (c.Has - l.hasMean) / l.hasUnit }

func (l *logit) of(c *Case) float64 {
	eta := l.weights[0] + l.weights[1]*l.score(c)
	if l.params == 3 {
		eta += l.weights[2] * l.has(c)
	}
	return 1 / (1 + math.Exp(-eta))
}

// fitLogit finds the weights by Newton's method.
func fitLogit(cases []Case, with bool) (*logit, bool) {
	l := &logit{params: 2}
	if with {
		l.params = 3
	}
	n := float64(len(cases))
	good := 0.0
	for i := range cases {
		l.scoreMean, l.hasMean = l.scoreMean+cases[i].Score/n, l.hasMean+cases[i].Has/n
		if cases[i].Good {
			good++
		}
	}
	for i := range cases {
		s, h := cases[i].Score-l.scoreMean, cases[i].Has-l.hasMean
		l.scoreUnit, l.hasUnit = l.scoreUnit+s*s/n, l.hasUnit+h*h/n
	}
	l.scoreUnit, l.hasUnit = math.Sqrt(l.scoreUnit), math.Sqrt(l.hasUnit)
	if good == 0 || good == n || !(l.scoreUnit > 0) || !(l.hasUnit > 0) {
		return nil, false
	}
	l.weights[0] = math.Log(good / (n - good))
	for range 30 {
		var grad [3]float64
		l.info = [3][3]float64{}
		for i := range cases {
			c := &cases[i]
			p := l.of(c)
			r := -p
			if c.Good {
				r = 1 - p
			}
			w := p * (1 - p)
			x := [3]float64{1, l.score(c), l.has(c)}
			for j := range l.params {
				grad[j] += r * x[j]
				for k := range l.params {
					l.info[j][k] += w * x[j] * x[k]
				}
			}
		}
		inverse, ok := invert(l.info, l.params)
		if !ok {
			return nil, false
		}
		moved := 0.0
		for j := range l.params {
			step := 0.0
			for k := range l.params {
				step += inverse[j][k] * grad[k]
			}
			step = max(-3, min(3, step))
			l.weights[j] += step
			moved = max(moved, math.Abs(step))
		}
		// A weight that goes on growing parts the cases completely.
		if max(math.Abs(l.weights[1]), math.Abs(l.weights[2])) > 20 {
			return nil, false
		}
		if moved < 1e-9 {
			return l, true
		}
	}
	return nil, false
}

// estimate is a weight with its standard error.
func (l *logit) estimate(i int) (weight, se float64, ok bool) {
	inverse, ok := invert(l.info, l.params)
	return l.weights[i], math.Sqrt(inverse[i][i]), ok && inverse[i][i] > 0
}

// invert a symmetric matrix of up to three rows (Gauss–Jordan).
func invert(m [3][3]float64, n int) (out [3][3]float64, ok bool) {
	for i := range n {
		out[i][i] = 1
	}
	for i := range n {
		pivot := i
		for j := i + 1; j < n; j++ {
			if math.Abs(m[j][i]) > math.Abs(m[pivot][i]) {
				pivot = j
			}
		}
		m[i], m[pivot], out[i], out[pivot] = m[pivot], m[i], out[pivot], out[i]
		if math.Abs(m[i][i]) < 1e-12 {
			return out, false
		}
		for j := range n {
			if j == i {
				continue
			}
			f := m[j][i] / m[i][i]
			for k := range n {
				m[j][k], out[j][k] = m[j][k]-f*m[i][k], out[j][k]-f*out[i][k]
			}
		}
	}
	for i := range n {
		for k := range n {
			out[i][k] /= m[i][i]
		}
	}
	return out, true
}

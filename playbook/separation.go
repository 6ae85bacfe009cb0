package playbook

import (
	"math"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// Separation tells how well scores and tiers sort leads that were won from
// those that were lost. Intervals are of 95 %.
type Separation struct {
	Won  int `json:"won"`
	Lost int `json:"lost"`
	// MeanWon and MeanLost are average points; Gap is the difference, with
	// Welch's interval.
	MeanWon  float64 `json:"mean_won"`
	MeanLost float64 `json:"mean_lost"`
	Gap      float64 `json:"gap"`
	GapLow   float64 `json:"gap_low"`
	GapHigh  float64 `json:"gap_high"`
	// AUC is the share of pairs of a won and a lost lead in which the won one has
	// more points, ties counting half, with the interval of Hanley and McNeil
	// (1982).
	AUC     float64       `json:"auc"`
	AUCLow  float64       `json:"auc_low"`
	AUCHigh float64       `json:"auc_high"`
	Tiers   []TierOutcome `json:"tiers"`
	// Monotone says that no tier wins a smaller share than a worse one.
	Monotone bool `json:"monotone"`
}

// TierOutcome is how the leads of a tier ended.
type TierOutcome struct {
	Tier   string `json:"tier"`
	Closed int    `json:"closed"`
	Won    int    `json:"won"`
	// Rate is won of closed, with Wilson's interval; Lift is the rate relative
	// to that of all closed leads. All are 0 without closed leads.
	Rate float64 `json:"rate"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Lift float64 `json:"lift"`
}

// z95 is the 97.5 % quantile of the normal distribution.
const z95 = 1.959963984540054

// separating collects points of won and lost leads.
type separating struct {
	won, lost []float64
	tiers     map[string]*TierOutcome
}

func (s *separating) add(tier string, v scoring.Verdict, outcome leadloop.OpportunityStatus) {
	if outcome != leadloop.OpportunityWon && outcome != leadloop.OpportunityLost {
		return
	}
	if s.tiers == nil {
		s.tiers = map[string]*TierOutcome{}
	}
	t := s.tiers[tier]
	if t == nil {
		t = &TierOutcome{Tier: tier}
		s.tiers[tier] = t
	}
	t.Closed++
	points := float64(v.Points) / float64(leadloop.Point)
	if outcome == leadloop.OpportunityWon {
		t.Won++
		s.won = append(s.won, points)
	} else {
		s.lost = append(s.lost, points)
	}
}

// result is nil unless both kinds were seen.
func (s *separating) result(tiers []string) *Separation {
	if len(s.won) == 0 || len(s.lost) == 0 {
		return nil
	}
	r := &Separation{Won: len(s.won), Lost: len(s.lost), Monotone: true}
	var vw, vl float64
	r.MeanWon, vw = moments(s.won)
	r.MeanLost, vl = moments(s.lost)
	nw, nl := float64(r.Won), float64(r.Lost)
	r.Gap = r.MeanWon - r.MeanLost
	half := z95 * math.Sqrt(vw/nw+vl/nl)
	r.GapLow, r.GapHigh = r.Gap-half, r.Gap+half
	r.AUC = auc(s.won, s.lost)
	q1, q2 := r.AUC/(2-r.AUC), 2*r.AUC*r.AUC/(1+r.AUC)
	a2 := r.AUC * r.AUC
	half = z95 * math.Sqrt((r.AUC*(1-r.AUC)+(nw-1)*(q1-a2)+(nl-1)*(q2-a2))/(nw*nl))
	r.AUCLow, r.AUCHigh = max(0, r.AUC-half), min(1, r.AUC+half)
	base, last := nw/(nw+nl), math.Inf(1)
	for _, name := range tiers {
		t := s.tiers[name]
		if t == nil || slices.ContainsFunc(r.Tiers, func(x TierOutcome) bool { return x.Tier == name }) {
			continue
		}
		n := float64(t.Closed)
		t.Rate = float64(t.Won) / n
		t.Low, t.High = wilson(float64(t.Won), n)
		t.Lift = t.Rate / base
		r.Monotone = r.Monotone && t.Rate <= last
		last = t.Rate
		r.Tiers = append(r.Tiers, *t)
	}
	return r
}

// moments are the mean and the sample variance.
func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / max(1, float64(len(x)-1))
}

// auc is the Mann-Whitney statistic over the number of pairs.
func auc(won, lost []float64) float64 {
	won, lost = slices.Clone(won), slices.Clone(lost)
	slices.Sort(won)
	slices.Sort(lost)
	var wins float64
	below, upTo := 0, 0
	for _, w := range won {
		for below < len(lost) && lost[below] < w {
			below++
		}
		for upTo < len(lost) && lost[upTo] <= w {
			upTo++
		}
		wins += float64(below) + float64(upTo-below)/2
	}
	return wins / float64(len(won)) / float64(len(lost))
}

// wilson is the score interval of a share (Wilson, 1927).
func wilson(hits, n float64) (low, high float64) {
	p, z2 := hits/n, z95*z95
	middle := (p + z2/(2*n)) / (1 + z2/n)
	half := z95 / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

package playbook

import (
	"maps"
	"math"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/measure"
	"github.com/leadloop/leadloop/scoring"
)

// Separation tells how well scores and tiers sort leads that were won from
// those that were lost. Intervals are of 95 %.
type Separation struct {
	Won  int `json:"won"`
	Lost int `json:"lost"`
	// MeanWon and MeanLost are average points; Gap is the difference, with
	// Welch's interval: both ends are 0 with fewer than two leads of a kind.
	MeanWon  float64 `json:"mean_won"`
	MeanLost float64 `json:"mean_lost"`
	Gap      float64 `json:"gap"`
	GapLow   float64 `json:"gap_low"`
	GapHigh  float64 `json:"gap_high"`
	// AUC is the share of pairs of a won and a lost lead in which the won one has
	// more points, ties counting half, with the interval of DeLong, DeLong
	// and Clarke-Pearson (1988).
	AUC     float64       `json:"auc"`
	AUCLow  float64       `json:"auc_low"`
	AUCHigh float64       `json:"auc_high"`
	Tiers   []TierOutcome `json:"tiers"`
	// Monotone says that no tier wins a smaller share than a worse one.
	Monotone bool `json:"monotone"`
	// Bands are the closed leads by their points, lowest first, in up to five
	// parts of about as many: how often points of that height won.
	Bands []ScoreBand `json:"bands"`
}

// ScoreBand is how the leads with points from From to To ended.
type ScoreBand struct {
	From   float64 `json:"from"`
	To     float64 `json:"to"`
	Closed int     `json:"closed"`
	Won    int     `json:"won"`
	// Rate is won of closed, with Wilson's interval.
	Rate float64 `json:"rate"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// bandsOf divides groups in order of score; leads with the same points stay
// together.
func bandsOf(groups []measure.Group, closed int64) []ScoreBand {
	const parts = 5
	var out []ScoreBand
	seen := int64(0)
	for _, g := range groups {
		if n := len(out); n == 0 || seen >= closed*int64(n)/parts {
			out = append(out, ScoreBand{From: g.Score})
		}
		b := &out[len(out)-1]
		b.To, b.Won, b.Closed = g.Score, b.Won+int(g.Won), b.Closed+int(g.Won+g.Lost)
		seen += g.Won + g.Lost
	}
	for i := range out {
		b := &out[i]
		rate := measure.Rate(int64(b.Won), int64(b.Closed))
		b.Rate, b.Low, b.High = rate.Value, rate.Low, rate.High
	}
	return out
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

// separating counts won and lost leads by their points.
type separating struct {
	scores map[leadloop.Points]*measure.Group
	tiers  map[string]*TierOutcome
}

func (s *separating) add(tier string, v scoring.Verdict, outcome leadloop.OpportunityStatus) {
	if outcome != leadloop.OpportunityWon && outcome != leadloop.OpportunityLost {
		return
	}
	if s.tiers == nil {
		s.tiers, s.scores = map[string]*TierOutcome{}, map[leadloop.Points]*measure.Group{}
	}
	t, g := s.tiers[tier], s.scores[v.Points]
	if t == nil {
		t = &TierOutcome{Tier: tier}
		s.tiers[tier] = t
	}
	if g == nil {
		g = &measure.Group{Score: float64(v.Points) / float64(leadloop.Point)}
		s.scores[v.Points] = g
	}
	t.Closed++
	if outcome == leadloop.OpportunityWon {
		t.Won++
		g.Won++
	} else {
		g.Lost++
	}
}

// result is nil unless both kinds were seen.
func (s *separating) result(tiers []string) *Separation {
	var groups []measure.Group
	for _, points := range slices.Sorted(maps.Keys(s.scores)) {
		groups = append(groups, *s.scores[points])
	}
	won, lost := measure.Totals(groups)
	if won == 0 || lost == 0 {
		return nil
	}
	r := &Separation{Won: int(won), Lost: int(lost), Monotone: true}
	var gap measure.Interval
	r.MeanWon, r.MeanLost, gap, _ = measure.Gap(groups)
	r.Gap, r.GapLow, r.GapHigh = r.MeanWon-r.MeanLost, gap.Low, gap.High
	auc, _ := measure.AUC(groups)
	r.AUC, r.AUCLow, r.AUCHigh = auc.Value, auc.Low, auc.High
	r.Bands = bandsOf(groups, won+lost)
	base, last := float64(won)/float64(won+lost), math.Inf(1)
	for _, name := range tiers {
		t := s.tiers[name]
		if t == nil || slices.ContainsFunc(r.Tiers, func(x TierOutcome) bool { return x.Tier == name }) {
			continue
		}
		rate := measure.Rate(int64(t.Won), int64(t.Closed))
		t.Rate, t.Low, t.High, t.Lift = rate.Value, rate.Low, rate.High, rate.Value/base
		r.Monotone = r.Monotone && t.Rate <= last
		last = t.Rate
		r.Tiers = append(r.Tiers, *t)
	}
	return r
}

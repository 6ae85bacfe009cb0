package learn

import (
	"math"

	"github.com/leadloop/leadloop/internal/measure"
)

// Interval is an estimate with its 95 % interval.
type Interval = measure.Interval

// Scored is all leads that have one score: what probability it stands for, and
// how many of them were won and lost.
type Scored = measure.Group

// Quality says how good scores are, by how leads ended.
type Quality struct {
	Leads int64    `json:"leads"`
	Won   int64    `json:"won"`
	Rate  Interval `json:"rate"`
	// AUC is the chance that a won lead scores above a lost one (interval of
	// DeLong).
	AUC Interval `json:"auc"`
	// MeanWon and MeanLost are average scores, Gap their difference.
	MeanWon  float64  `json:"mean_won"`
	MeanLost float64  `json:"mean_lost"`
	Gap      Interval `json:"gap"`
	// LogLoss and Brier judge the probabilities; the Base ones are those of
	// saying the same of every lead: how often leads were won. They are nil for
	// a model that says no probabilities.
	LogLoss     *float64 `json:"log_loss,omitempty"`
	LogLossBase *float64 `json:"log_loss_base,omitempty"`
	Brier       *float64 `json:"brier,omitempty"`
	BrierBase   *float64 `json:"brier_base,omitempty"`
	// Lift by tenths of the leads, from the best on.
	Lift []Lift `json:"lift"`
	// Reliability compares what was said with what happened.
	Reliability []Reliability `json:"reliability,omitempty"`
	// CalibrationError is the mean distance of the two.
	CalibrationError *float64    `json:"calibration_error,omitempty"`
	Tiers            []TierCount `json:"tiers,omitempty"`
	// Scores are the distributions of won and lost leads.
	Scores []Histogram `json:"scores,omitempty"`
}

// Lift is how the best leads do.
type Lift struct {
	// Share is which part of the leads it is: 0.1 are the best tenth.
	Share float64 `json:"share"`
	From  float64 `json:"from"` // the lowest score among them
	Rate  float64 `json:"rate"`
	// Lift is their rate over that of all, Captured the part of all won leads
	// that is among them.
	Lift     float64 `json:"lift"`
	Captured float64 `json:"captured"`
}

// Reliability is a band of leads of similar probability.
type Reliability struct {
	From  float64  `json:"from"`
	Until float64  `json:"until"`
	Said  float64  `json:"said"` // mean probability
	Leads int64    `json:"leads"`
	Won   int64    `json:"won"`
	Rate  Interval `json:"rate"`
}

// TierCount is how the leads of one tier ended.
type TierCount struct {
	Tier  string   `json:"tier"`
	From  float64  `json:"from"`
	Leads int64    `json:"leads"`
	Won   int64    `json:"won"`
	Lost  int64    `json:"lost"`
	Share float64  `json:"share"` // of all leads
	Rate  Interval `json:"rate"`
	Lift  float64  `json:"lift"`
}

// Histogram is how many leads have a score from From on.
type Histogram struct {
	From float64 `json:"from"`
	Won  int64   `json:"won"`
	Lost int64   `json:"lost"`
}

// Judge says how good scores are. Scores ascend. probability may be nil.
func Judge(scores []Scored, probability func(score float64) float64) Quality {
	won, lost := measure.Totals(scores)
	n := won + lost
	q := Quality{Leads: n, Won: won, Rate: measure.Rate(won, n)}
	q.AUC, _ = measure.AUC(scores)
	q.MeanWon, q.MeanLost, q.Gap, _ = measure.Gap(scores)
	q.Lift = lift(scores, won, n)
	q.Scores = histogram(scores)
	if probability == nil || n == 0 {
		return q
	}
	said := make([]Scored, len(scores))
	for i, s := range scores {
		said[i] = Scored{Score: probability(s.Score), Won: s.Won, Lost: s.Lost}
	}
	base := []Scored{{Score: q.Rate.Value, Won: won, Lost: lost}}
	number := func(f float64) *float64 { return &f }
	q.LogLoss, q.LogLossBase = number(measure.LogLoss(said)), number(measure.LogLoss(base))
	q.Brier, q.BrierBase = number(measure.Brier(said)), number(measure.Brier(base))
	q.Reliability = reliability(said, n)
	off := 0.0
	for _, r := range q.Reliability {
		off += float64(r.Leads) * math.Abs(r.Said-r.Rate.Value)
	}
	q.CalibrationError = number(off / float64(n))
	return q
}

// lift follows the leads from the best on; leads of one score share a border.
func lift(scores []Scored, won, n int64) (out []Lift) {
	if won == 0 || n == 0 {
		return nil
	}
	at, taken, hits := len(scores)-1, 0.0, 0.0
	rest := 0.0 // of the group at the border, how much is taken already
	from := 0.0
	for tenth := 1; tenth <= 10; tenth++ {
		want := float64(tenth) * float64(n) / 10
		for at >= 0 && taken < want-1e-9 {
			g := scores[at]
			size := float64(g.Won + g.Lost)
			if size == 0 {
				at--
				continue
			}
			part := min(size-rest, want-taken)
			taken, rest, from = taken+part, rest+part, g.Score
			hits += part * float64(g.Won) / size
			if rest >= size-1e-9 {
				at, rest = at-1, 0
			}
		}
		rate := hits / taken
		out = append(out, Lift{Share: float64(tenth) / 10, From: from, Rate: rate, Lift: rate * float64(n) / float64(won), Captured: hits / float64(won)})
	}
	return out
}

// reliability makes bands of about a tenth of the leads each.
func reliability(said []Scored, n int64) (out []Reliability) {
	var b Reliability
	sum, seen := 0.0, int64(0)
	for i, s := range said {
		k := s.Won + s.Lost
		if k == 0 {
			continue
		}
		if b.Leads == 0 {
			b.From = s.Score
		}
		b.Until, b.Leads, b.Won = s.Score, b.Leads+k, b.Won+s.Won
		sum += float64(k) * s.Score
		seen += k
		if seen >= int64(len(out)+1)*n/10 || i == len(said)-1 {
			b.Said, b.Rate = sum/float64(b.Leads), measure.Rate(b.Won, b.Leads)
			out = append(out, b)
			b, sum = Reliability{}, 0
		}
	}
	if b.Leads > 0 {
		b.Said, b.Rate = sum/float64(b.Leads), measure.Rate(b.Won, b.Leads)
		out = append(out, b)
	}
	return out
}

// histogram has about twenty bars.
func histogram(scores []Scored) (out []Histogram) {
	if len(scores) == 0 {
		return nil
	}
	low, high := scores[0].Score, scores[len(scores)-1].Score
	step := 1.0
	for _, s := range []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1e4, 1e5, 1e6, 1e7, 1e8} {
		if step = s; (high-low)/s <= 24 {
			break
		}
	}
	start := math.Floor(low/step) * step
	for _, s := range scores {
		at := int((s.Score - start) / step)
		for len(out) <= at && len(out) < 100 {
			out = append(out, Histogram{From: start + float64(len(out))*step})
		}
		at = min(at, len(out)-1)
		out[at].Won, out[at].Lost = out[at].Won+s.Won, out[at].Lost+s.Lost
	}
	return out
}

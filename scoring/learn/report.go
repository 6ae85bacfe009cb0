package learn

import (
	"fmt"
	"slices"

	"github.com/leadloop/leadloop/internal/measure"
	"github.com/leadloop/leadloop/scoring"
)

// Report says what a model was learnt from and how good it is.
type Report struct {
	Table Table `json:"table"`
	// Split says how the rows that were held out were chosen.
	Split string `json:"split"`
	Train Set    `json:"train"`
	Test  Set    `json:"test"`
	// Crossed is what models say of the leads of the training part that each
	// was not learnt from.
	Crossed Crossed `json:"cross_validation"`
	// Held is how good the model, as it stands in the file, is on the leads that
	// were held out; Learnt is the same on those that it was learnt from.
	Held   Quality `json:"held_out"`
	Learnt Quality `json:"learnt_from"`
	// Rules are the lines of the scorecard, with those that give 0 points.
	Rules []Rule `json:"rules"`
	// Weights are the regression as it was solved, before calibration and
	// rounding.
	Weights Weights `json:"weights"`
	// Pairs are columns whose effect together was found to be more than the
	// sum.
	Pairs    []string            `json:"pairs,omitempty"`
	Odds     scoring.Probability `json:"probability"`
	Warnings []string            `json:"warnings,omitempty"`
}

// Set is a part of the rows.
type Set struct {
	Leads int64    `json:"leads"`
	Won   int64    `json:"won"`
	Rate  Interval `json:"rate"`
}

// Crossed is a cross-validation.
type Crossed struct {
	Folds   int     `json:"folds"`
	Penalty float64 `json:"penalty"`
	// Bands says what the regression expected of the bands of a number, as
	// cross-validation chose it: "each band on its own", "a curve", "nearly a line".
	Bands   string   `json:"bands"`
	AUC     Interval `json:"auc"`
	LogLoss float64  `json:"log_loss"`
	// LogLossBase is that of saying the same of every lead.
	LogLossBase float64 `json:"log_loss_base"`
}

// Weights are a logistic regression: the penalty on weights that are not as
// expected, and how much the weights were stretched to be calibrated on leads
// that were not learnt from. The weight of each rule is in [Rule].
type Weights struct {
	Penalty float64 `json:"penalty"`
	Stretch float64 `json:"stretch"`
}

func (k *card) report(d scoring.Definition, crossed Crossed) Report {
	c := k.f.c
	crossed.Folds = folds
	r := Report{Table: c.Table(), Crossed: crossed, Odds: *d.Probability, Weights: Weights{crossed.Penalty, k.slope}}
	switch {
	case c.head.InOrder:
		r.Split = "by the order of rows: the last fifth is held out"
	case c.head.Time != "":
		r.Split = fmt.Sprintf("by %s: about the last fifth is held out", c.head.Time)
	case c.head.ID != "":
		r.Split = fmt.Sprintf("by %s: a row is held out if fnv1a32(%s) %% 5 == 0", c.head.ID, c.head.ID)
	default:
		r.Split = "by row number from 0: a row is held out if fnv1a32(number) % 5 == 0"
	}
	held := k.held()
	set := func(groups []measure.Group) Set {
		won, lost := measure.Totals(groups)
		return Set{won + lost, won, measure.Rate(won, won+lost)}
	}
	r.Train, r.Test = set(k.train), set(held)
	r.Held, r.Learnt = Judge(held, k.probability), Judge(k.train, k.probability)
	r.Held.Tiers, r.Learnt.Tiers = k.tierCounts(held), k.tierCounts(k.train)
	r.Rules = k.lines(k.f.o)
	for _, s := range k.sides {
		for _, col := range s.cols {
			for i := range r.Table.Columns {
				if r.Table.Columns[i].Column == c.axes[col].Column {
					r.Table.Columns[i].Scored = true
				}
			}
		}
		if len(s.cols) == 2 {
			r.Pairs = append(r.Pairs, c.axes[s.cols[0]].Column+" × "+c.axes[s.cols[1]].Column)
		}
	}
	r.warn()
	return r
}

// tierCounts are the leads by tier, from the best on.
func (k *card) tierCounts(groups []measure.Group) []TierCount {
	won, lost := measure.Totals(groups)
	out := make([]TierCount, len(k.tiers))
	for i, t := range k.tiers {
		out[i].Tier, out[i].From = t.name, t.from
	}
	for _, g := range groups {
		at := slices.IndexFunc(k.tiers, func(t threshold) bool { return g.Score >= t.from })
		if at < 0 {
			at = len(out) - 1
		}
		out[at].Won, out[at].Lost = out[at].Won+g.Won, out[at].Lost+g.Lost
	}
	for i := range out {
		t := &out[i]
		t.Leads = t.Won + t.Lost
		t.Rate = measure.Rate(t.Won, t.Leads)
		if won > 0 {
			t.Share = float64(t.Leads) / float64(won+lost)
			t.Lift = t.Rate.Value * float64(won+lost) / float64(won)
		}
	}
	return out
}

// warn says what is doubtful about the result.
func (r *Report) warn() {
	add := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	if r.Held.AUC.Low <= .5 {
		add("on the leads held out it is not sure to be better than chance (AUC %.3f, %.3f to %.3f)", r.Held.AUC.Value, r.Held.AUC.Low, r.Held.AUC.High)
	}
	if r.Held.AUC.Low > tooGood {
		best := Column{}
		for _, c := range r.Table.Columns {
			if c.Scored && c.AUC > best.AUC {
				best = c
			}
		}
		add("it is too good to be true (AUC %.3f): look whether the columns of the scorecard are known before it ends, first %s, which alone reaches %.3f", r.Held.AUC.Value, best.Column, best.AUC)
	}
	if d := r.Learnt.AUC.Value - r.Held.AUC.Value; d > .05 {
		add("it is much better on the leads it was learnt from (AUC %.3f) than on those held out (%.3f): part of it is chance, or times have changed", r.Learnt.AUC.Value, r.Held.AUC.Value)
	}
	if a, b := r.Train.Rate, r.Test.Rate; a.High < b.Low || b.High < a.Low {
		add("leads held out were won in %.1f %%, those learnt from in %.1f %%: probabilities are off by that much", 100*b.Value, 100*a.Value)
	}
	if r.Held.LogLoss != nil && *r.Held.LogLoss > *r.Held.LogLossBase {
		add("its probabilities are worse than saying the average of every lead; only the order of leads can be relied on")
	}
}

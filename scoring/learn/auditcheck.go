package learn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/leadloop/leadloop/internal/measure"
)

// Thresholds of alarms.
const (
	psiWatch = 0.1
	psiAlarm = 0.25
	// chanceOf is the chance of a false alarm about change that one audit may
	// have, shared by all signals that it looks at.
	chanceOf = 0.01
	// fewest is how many leads of each ending a comparison needs.
	fewest = 20
	// poor is what the AUC of scores must be able to reach.
	poor = 0.6
	// gapKept is how much of the gap between won and lost must be left.
	gapKept = 0.8
	// modifierShare is how many tiers modifiers may decide.
	modifierShare = 0.2
	// levelOff is by which factor more or fewer leads than said may be won, and
	// tooSure by which factor the log-odds may be too far apart or too near.
	levelOff, tooSure = 1.25, 1.5
	// misjudged is which share of the won leads may score below the mean lost
	// one.
	misjudged = 0.25
	// z95 and z99 are the 97.5 % and 99.5 % points of the normal distribution.
	z95, z99 = 1.959963984540054, 2.5758293035489004
)

// tooFew is what to do where the data are too few.
const tooFew = "look again when more leads have ended"

// predictive asks whether anything predicts how leads end.
func (a *auditor) predictive(ctx context.Context, src Source) error {
	o := a.o.Options
	o.Exclude = slices.Clone(o.Exclude)
	for _, c := range []string{a.o.Score, a.o.Tier, a.o.Feedback} {
		if c != "" && !slices.Contains(o.Exclude, c) {
			o.Exclude = append(o.Exclude, c)
		}
	}
	o.MinMonths = -1
	const check = "do the signals predict"
	counts, err := Count(ctx, src, o)
	var refused *RefusedError
	var input *InputError
	switch {
	case errors.As(err, &refused), errors.As(err, &input):
		a.add(Finding{Check: check, Level: LevelUnknown, Says: err.Error(), Proposal: tooFew})
		return nil
	case err != nil:
		return err
	}
	for _, c := range counts.head.Table.Columns {
		if c.Leaks {
			p := counts.proofs[c.Column]
			a.add(Finding{Check: "does a column know the outcome", Subject: c.Column, Level: LevelWatch, Says: c.Why, Proposal: "do not score by it", Value: &p.share, Threshold: &p.bound})
		}
	}
	r, err := counts.Learn(ctx, o)
	if errors.As(err, &refused) {
		f := Finding{Check: check, Level: LevelUnknown, Says: refused.Text, Proposal: tooFew, Value: refused.AUC, Threshold: new(poor)}
		if refused.AUC != nil && refused.AUC.High < poor {
			f.Level, f.Proposal = LevelAlarm, "collect signals that tell won from lost before tuning scores"
		}
		a.add(f)
		return nil
	}
	if err != nil {
		return err
	}
	auc := r.Report.Crossed.AUC
	f := Finding{Check: check, Level: LevelFine, Value: &auc, Threshold: new(poor),
		Says: fmt.Sprintf("a model learnt from these columns puts a won lead before a lost one in %.1f %% of pairs that it was not learnt from", 100*auc.Value)}
	if auc.High < poor {
		f.Level, f.Proposal = LevelWatch, "they predict little: collect signals that tell won from lost"
	}
	if a.has {
		now, _ := measure.AUC(a.groups(func(int) bool { return true }))
		if now.High < auc.Low {
			f.Level, f.Check = LevelAlarm, "would other weights be better"
			f.Says += fmt.Sprintf("; the present scores do it in %.1f %% (%.1f to %.1f)", 100*now.Value, 100*now.Low, 100*now.High)
			f.Threshold = &now.High
			f.Proposal = "learn a model (leadloop learn) and compare"
		}
	}
	a.add(f)
	return nil
}

// separation asks whether won leads score above lost ones, and still do.
func (a *auditor) separation() {
	const check = "do won leads score above lost ones"
	if !a.has {
		return
	}
	all := a.groups(func(int) bool { return true })
	q := Judge(all, a.probability())
	q.Tiers = a.tierCounts(func(int) bool { return true })
	a.out.Quality = &q
	won, lost := measure.Totals(all)
	if won < fewest || lost < fewest {
		a.add(Finding{Check: check, Level: LevelUnknown, Value: &q.AUC, Threshold: new(poor), Proposal: tooFew, Says: fmt.Sprintf("%d won and %d lost leads have a score; %d of each are needed", won, lost, fewest)})
		return
	}
	f := Finding{Check: check, Level: LevelFine, Value: &q.AUC, Threshold: new(poor),
		Says: fmt.Sprintf("a won lead is above a lost one in %.1f %% of pairs (%.1f to %.1f); won leads score %.1f on average, lost ones %.1f, a gap of %.1f (%.1f to %.1f)",
			100*q.AUC.Value, 100*q.AUC.Low, 100*q.AUC.High, q.MeanWon, q.MeanLost, q.Gap.Value, q.Gap.Low, q.Gap.High)}
	switch {
	case q.AUC.High < poor:
		f.Level, f.Proposal = LevelAlarm, "the score tells next to nothing about how leads end; look which rules hold for won leads, or learn from them (leadloop learn)"
	case q.AUC.Low <= .5:
		f.Level, f.Proposal = LevelUnknown, tooFew
	}
	a.add(f)
	if !a.dated {
		return
	}
	x, y := a.groups(func(p int) bool { return p == before }), a.groups(func(p int) bool { return p == recent })
	qx, qy := Judge(x, a.probability()), Judge(y, a.probability())
	a.out.Before.Score, a.out.Recent.Score = &qx, &qy
	_, _, gx, okx := measure.Gap(x)
	_, _, gy, oky := measure.Gap(y)
	n1, n0 := measure.Totals(y)
	const narrows = "is the gap between won and lost narrowing"
	if !okx || !oky || n1 < fewest || n0 < fewest {
		a.add(Finding{Check: narrows, Level: LevelUnknown, Proposal: tooFew, Says: fmt.Sprintf("recently %d scored leads were won and %d lost; %d of each are needed", n1, n0, fewest)})
		return
	}
	seOf := func(i Interval) float64 { return (i.High - i.Value) / z95 }
	se := math.Hypot(seOf(gx), seOf(gy))
	d := gy.Value - gx.Value
	change := Interval{Value: d, Low: d - z95*se, High: d + z95*se}
	f = Finding{Check: narrows, Level: LevelFine, Value: &change, Threshold: new((gapKept - 1) * gx.Value),
		Says: fmt.Sprintf("it was %.1f points before and is %.1f recently", gx.Value, gy.Value)}
	switch {
	case change.Value+z99*se < 0 && gy.Value < gapKept*gx.Value:
		f.Level, f.Proposal = LevelAlarm, "recalibrate: learn anew with recent outcomes, and compare"
	case change.High < 0:
		f.Level, f.Proposal = LevelWatch, "look again with more outcomes"
	}
	a.add(f)
}

func (a *auditor) tierCounts(keep func(period int) bool) []TierCount {
	var out []TierCount
	switch {
	case len(a.o.Definition.Tiers) > 0:
		for _, d := range a.o.Definition.Tiers {
			out = append(out, TierCount{Tier: d.Name, From: d.From})
		}
	case a.o.Model != nil && a.o.Score == "":
		for _, name := range a.o.Model.Tiers() {
			out = append(out, TierCount{Tier: name})
		}
	default:
		names := map[string]bool{}
		for _, j := range a.judged {
			if j.tier != "" {
				names[j.tier] = true
			}
		}
		for _, n := range slices.Sorted(keysOf(names)) {
			out = append(out, TierCount{Tier: n})
		}
	}
	var all tally
	for _, j := range a.judged {
		e := ending(a.meta[j.row] & 3)
		if e == open || !keep(int(a.meta[j.row]>>2)) {
			continue
		}
		i := slices.IndexFunc(out, func(t TierCount) bool { return t.Tier == j.tier })
		if i < 0 {
			continue
		}
		if e == won {
			out[i].Won++
			all.won++
		} else {
			out[i].Lost++
			all.lost++
		}
	}
	for i := range out {
		t := &out[i]
		t.Leads = t.Won + t.Lost
		t.Rate = measure.Rate(t.Won, t.Leads)
		if all.won > 0 {
			t.Share, t.Lift = float64(t.Leads)/float64(all.n()), t.Rate.Value/all.rate()
		}
	}
	return out
}

// tiers asks whether better tiers are won more often.
func (a *auditor) tiers() {
	const check = "are better tiers won more often"
	if a.out.Quality == nil {
		return
	}
	tiers := slices.DeleteFunc(slices.Clone(a.out.Quality.Tiers), func(t TierCount) bool { return t.Leads == 0 })
	if len(tiers) < 2 {
		return
	}
	f := Finding{Check: check, Level: LevelFine, Threshold: new(0.0)}
	said := []string{tierRate(tiers[0])}
	for i := 1; i < len(tiers); i++ {
		said = append(said, tierRate(tiers[i]))
		x, y := tiers[i-1], tiers[i]
		d := y.Rate.Value - x.Rate.Value
		pooled := float64(x.Won+y.Won) / float64(x.Leads+y.Leads)
		chance := above(d, math.Sqrt(pooled*(1-pooled)*(1/float64(x.Leads)+1/float64(y.Leads))))
		level := LevelFine
		switch {
		case d > 0 && chance < chanceOf/float64(len(tiers)-1):
			level = LevelAlarm
		case d > 0:
			level = LevelWatch
		}
		// The most serious pair is told of, of those the one that is most off.
		if f.Value != nil && (rank(level) > rank(f.Level) || level == f.Level && d <= f.Value.Value) {
			continue
		}
		se := math.Sqrt(x.Rate.Value*(1-x.Rate.Value)/float64(x.Leads) + y.Rate.Value*(1-y.Rate.Value)/float64(y.Leads))
		f.Level, f.Subject, f.Value, f.Proposal = level, "", &Interval{Value: d, Low: d - z95*se, High: d + z95*se}, ""
		switch level {
		case LevelAlarm:
			f.Subject, f.Proposal = x.Tier+" and "+y.Tier, fmt.Sprintf("tier %s does better than %s: look at what puts leads there", y.Tier, x.Tier)
		case LevelWatch:
			f.Subject, f.Proposal = x.Tier+" and "+y.Tier, "not sure yet; look again with more outcomes"
		}
	}
	f.Says = "won: " + strings.Join(said, ", ") + "; the figure is how much more often the lower of two neighbours is won"
	a.add(f)
}

func tierRate(t TierCount) string {
	return fmt.Sprintf("%s %.1f %% of %d (%.1f to %.1f)", t.Tier, 100*t.Rate.Value, t.Leads, 100*t.Rate.Low, 100*t.Rate.High)
}

// above is the chance of a normal variable so far above zero.
func above(d, se float64) float64 {
	if se <= 0 {
		return 1
	}
	return math.Erfc(d/se/math.Sqrt2) / 2
}

// calibration asks whether probabilities can be taken at their word.
func (a *auditor) calibration() {
	const check = "are the probabilities true"
	p := a.probability()
	if !a.has || p == nil {
		return
	}
	period, groups := "all leads", a.groups(func(int) bool { return true })
	if a.dated {
		period, groups = "recent leads", a.groups(func(p int) bool { return p == recent })
	}
	won, lost := measure.Totals(groups)
	if won < fewest || lost < fewest {
		a.add(Finding{Check: check, Level: LevelUnknown, Proposal: tooFew, Says: fmt.Sprintf("of %s %d were won and %d lost; %d of each are needed", period, won, lost, fewest)})
		return
	}
	said, spread := 0.0, 0.0
	for _, g := range groups {
		q := p(g.Score)
		said, spread = said+float64(g.Won+g.Lost)*q, spread+float64(g.Won+g.Lost)*q*(1-q)
	}
	ratio := float64(won) / max(said, 1e-9)
	se := math.Sqrt(spread) / max(said, 1e-9)
	f := Finding{Check: check, Level: LevelFine, Value: &Interval{Value: ratio, Low: max(0, ratio-z95*se), High: ratio + z95*se}, Threshold: new(levelOff),
		Says: fmt.Sprintf("of %s %.0f were to be won, %d were", period, said, won)}
	switch sure := math.Abs(ratio-1) > z99*se; {
	case sure && (ratio > levelOff || ratio < 1/levelOff):
		f.Level, f.Proposal = LevelAlarm, "learn anew with recent outcomes; until then the order of leads can be relied on, their probabilities can not"
	case sure:
		f.Level, f.Proposal = LevelWatch, "off, but by little; look again with more outcomes"
	}
	a.add(f)
	a.spread(period, groups, p)
}

// spread asks whether probabilities are as far apart as what happens: how much
// a unit of their log-odds is worth (Cox, 1958).
func (a *auditor) spread(period string, groups []measure.Group, p func(float64) float64) {
	odds := make([]measure.Group, len(groups))
	for i, g := range groups {
		q := min(max(p(g.Score), 1e-9), 1-1e-9)
		odds[i] = measure.Group{Score: math.Log(q / (1 - q)), Won: g.Won, Lost: g.Lost}
	}
	_, slope, se := platt(odds)
	if !(se > 0) || math.IsInf(se, 0) {
		return // all have one score
	}
	f := Finding{Check: "are the probabilities as far apart as they should be", Level: LevelFine, Value: &Interval{Value: slope, Low: slope - z95*se, High: slope + z95*se},
		Threshold: new(1 / tooSure), Says: fmt.Sprintf("for %s the log-odds should be stretched by %.2f (1 is right, less is too sure)", period, slope)}
	switch {
	case slope+z99*se < 1/tooSure:
		f.Level, f.Proposal = LevelAlarm, "high probabilities are too high and low ones too low: learn anew with recent outcomes"
	case slope-z99*se > tooSure:
		f.Level, f.Threshold, f.Proposal = LevelAlarm, new(tooSure), "leads differ more than the probabilities say: learn anew with recent outcomes"
	case math.Abs(slope-1) > z99*se:
		f.Level, f.Proposal = LevelWatch, "off, but by little; look again with more outcomes"
	}
	a.add(f)
}

// inflation asks whether points rise while leads do not get better.
func (a *auditor) inflation() {
	const check = "are points inflating"
	if !a.has || !a.dated {
		return
	}
	var sum, square, n [periods]float64
	for _, j := range a.judged {
		if p := a.meta[j.row] >> 2; !math.IsNaN(j.score) {
			sum[p], square[p], n[p] = sum[p]+j.score, square[p]+j.score*j.score, n[p]+1
		}
	}
	if n[before] < fewest || n[recent] < fewest {
		a.add(Finding{Check: check, Level: LevelUnknown, Proposal: tooFew, Says: fmt.Sprintf("%.0f leads had a score before and %.0f recently; %d of each are needed", n[before], n[recent], fewest)})
		return
	}
	mean := func(p int) float64 { return sum[p] / n[p] }
	variance := func(p int) float64 { return max(0, square[p]/n[p]-mean(p)*mean(p)) }
	se := math.Sqrt(variance(before)/n[before] + variance(recent)/n[recent])
	up := mean(recent) - mean(before)
	spread := math.Sqrt(variance(before))
	better := a.out.Recent.Rate.Low > a.out.Before.Rate.Value
	f := Finding{Check: check, Level: LevelFine, Value: &Interval{Value: up, Low: up - z95*se, High: up + z95*se}, Threshold: new(spread / 4),
		Says: fmt.Sprintf("the mean score was %.1f and is %.1f; leads were won in %.1f %% and are in %.1f %%", mean(before), mean(recent), 100*a.out.Before.Rate.Value, 100*a.out.Recent.Rate.Value)}
	if up > z99*se && up > spread/4 && !better {
		f.Level, f.Proposal = LevelAlarm, "scores rise and leads are not won more often: look which rules hold more often, and raise thresholds or lower points"
	}
	a.add(f)
}

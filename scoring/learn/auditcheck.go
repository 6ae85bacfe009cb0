package learn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

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
	// gapKept is how much of the gap between won and lost must be left.
	gapKept = 0.8
	// modifierShare is how many tiers modifiers may decide.
	modifierShare = 0.2
	// levelOff is by which factor more or fewer leads than said may be won.
	levelOff = 1.25
	// z95 and z99 are the 97.5 % and 99.5 % points of the normal distribution.
	z95, z99 = 1.959963984540054, 2.5758293035489004
)

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
		a.add(Finding{Check: check, Level: LevelUnknown, Says: err.Error()})
		return nil
	case err != nil:
		return err
	}
	for _, c := range counts.head.Table.Columns {
		if c.Leaks {
			a.add(Finding{Check: "does a column know the outcome", Subject: c.Column, Level: LevelWatch, Says: c.Why, Proposal: "do not score by it"})
		}
	}
	r, err := counts.Learn(ctx, o)
	if errors.As(err, &refused) {
		level := LevelUnknown
		if strings.HasPrefix(refused.Text, "nothing here predicts") {
			level = LevelAlarm
		}
		a.add(Finding{Check: check, Level: level, Says: refused.Text, Proposal: "collect signals that tell won from lost before tuning scores"})
		return nil
	}
	if err != nil {
		return err
	}
	auc := r.Report.Crossed.AUC
	f := Finding{Check: check, Level: LevelFine, Value: &auc, Threshold: new(.5),
		Says: fmt.Sprintf("a model learnt from these columns puts a won lead before a lost one in %.1f %% of pairs that it was not learnt from", 100*auc.Value)}
	if a.has {
		now, _ := measure.AUC(a.groups(func(int) bool { return true }))
		if now.High < auc.Low {
			f.Level, f.Check = LevelAlarm, "would other weights be better"
			f.Says += fmt.Sprintf("; the present scores do it in %.1f %% (%.1f to %.1f)", 100*now.Value, 100*now.Low, 100*now.High)
			f.Proposal = "learn a model (leadloop learn) and compare"
		}
	}
	a.add(f)
	return nil
}

// drift compares the periods, signal by signal and the score.
func (a *auditor) drift() {
	const check = "has it drifted"
	if !a.dated {
		a.add(Finding{Check: check, Level: LevelUnknown, Says: "without a time or an order of the rows nothing can be said about change"})
		return
	}
	tests := float64(len(a.axes))
	if a.has {
		tests++
	}
	for k, x := range a.axes {
		groups, names := driftBands(x, a.counts[k][before], a.counts[k][recent])
		a.drifted(x.Column, groups, names, tests)
	}
	if a.has {
		a.scoreDrift(tests)
	}
	slices.SortStableFunc(a.out.Signals, func(x, y SignalDrift) int { return cmp.Compare(y.PSI, x.PSI) })
}

func (a *auditor) scoreDrift(tests float64) {
	var scores []float64
	for _, j := range a.judged {
		if int(a.meta[j.row]>>2) == before && !math.IsNaN(j.score) {
			scores = append(scores, j.score)
		}
	}
	if len(scores) == 0 {
		return
	}
	slices.Sort(scores)
	var edges []float64
	for k := 1; k < 10; k++ {
		edges = append(edges, scores[k*len(scores)/10])
	}
	edges = slices.Compact(edges)
	var groups [2][]int64
	for i := range groups {
		groups[i] = make([]int64, len(edges)+2)
	}
	for _, j := range a.judged {
		p := int(a.meta[j.row] >> 2)
		if p == between {
			continue
		}
		band := 0
		if !math.IsNaN(j.score) {
			band = 1
			for band <= len(edges) && edges[band-1] <= j.score {
				band++
			}
		}
		groups[p/2][band]++
	}
	names := []string{"no score", "below " + plainNumber(edges[0])}
	for i, e := range edges {
		if i+1 < len(edges) {
			names = append(names, "from "+plainNumber(e)+" to below "+plainNumber(edges[i+1]))
		} else {
			names = append(names, plainNumber(e)+" or more")
		}
	}
	a.drifted("score", groups, names, tests)
}

// driftBands joins the codes of a column to about ten bands, or its commonest
// values, by both periods together: what is new must have a band of its own.
func driftBands(x *axis, was, is []int64) (groups [2][]int64, names []string) {
	group := make([]int, len(was))
	if x.Kind == KindNumber {
		filled, seen, n := int64(0), int64(0), 0
		for code := 1; code < len(was); code++ {
			filled += was[code] + is[code]
		}
		names = []string{"missing"}
		for code := 1; code < len(was); code++ {
			here := was[code] + is[code]
			if n == 0 || here > 0 && seen*10/max(1, filled) != (seen+here-1)*10/max(1, filled) || seen*10 == filled*int64(n) && here > 0 {
				n++
				name := "the lowest"
				if code > 1 {
					name = "from " + plainNumber(x.Edges[code-2])
				}
				names = append(names, name)
			}
			group[code], seen = n, seen+here
		}
	} else {
		names = []string{"missing", "anything else"}
		order := make([]int, 0, len(was))
		for code := 2; code < len(was); code++ {
			group[code] = 1
			order = append(order, code)
		}
		group[codeOther] = 1
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(was[b]+is[b], was[a]+is[a]) })
		for _, code := range order[:min(19, len(order))] {
			group[code] = len(names)
			names = append(names, x.Levels[code-2])
		}
	}
	for i, from := range [][]int64{was, is} {
		groups[i] = make([]int64, len(names))
		for code, n := range from {
			groups[i][group[code]] += n
		}
	}
	return groups, names
}

func (a *auditor) drifted(signal string, groups [2][]int64, names []string, tests float64) {
	d := SignalDrift{Signal: signal, Drift: measure.PSI(groups[0], groups[1]), Level: LevelFine}
	sure := d.P < chanceOf/tests
	switch {
	case sure && d.PSI >= psiAlarm:
		d.Level = LevelAlarm
	case sure && d.PSI >= psiWatch:
		d.Level = LevelWatch
	case !sure && d.PSI >= psiAlarm:
		d.Level = LevelUnknown
	}
	var sum [2]float64
	for i := range groups {
		for _, n := range groups[i] {
			sum[i] += float64(n)
		}
	}
	for b, name := range names {
		d.Moved = append(d.Moved, Moved{name, float64(groups[0][b]) / max(1, sum[0]), float64(groups[1][b]) / max(1, sum[1])})
	}
	slices.SortStableFunc(d.Moved, func(x, y Moved) int { return cmp.Compare(math.Abs(y.Recent-y.Before), math.Abs(x.Recent-x.Before)) })
	d.Moved = d.Moved[:min(3, len(d.Moved))]
	a.out.Signals = append(a.out.Signals, d)
	if d.Level == LevelFine {
		return
	}
	var moved []string
	for _, m := range d.Moved[:min(2, len(d.Moved))] {
		moved = append(moved, fmt.Sprintf("%s went from %.0f %% to %.0f %%", m.Value, 100*m.Before, 100*m.Recent))
	}
	f := Finding{Check: "has it drifted", Subject: signal, Level: d.Level, Value: &Interval{Value: d.PSI, Low: d.Low, High: d.High}, Threshold: new(psiAlarm),
		Says: fmt.Sprintf("PSI %.2f, %.3f of which chance would give: %s", d.PSI, d.Expected, strings.Join(moved, ", "))}
	switch d.Level {
	case LevelUnknown:
		f.Says = "too few leads to tell; " + f.Says
	default:
		f.Proposal = "look whether rules about it still hold, and learn anew from recent leads if they do not"
		if signal == "score" {
			f.Proposal = "look at the signals that moved; thresholds of tiers stand for other leads now"
		}
	}
	a.add(f)
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
		a.add(Finding{Check: check, Level: LevelUnknown, Says: fmt.Sprintf("%d won and %d lost leads have a score; %d of each are needed", won, lost, fewest)})
		return
	}
	f := Finding{Check: check, Level: LevelFine, Value: &q.Gap, Threshold: new(0.0),
		Says: fmt.Sprintf("won leads score %.1f on average, lost ones %.1f; a won one is above a lost one in %.1f %% of pairs (%.1f to %.1f)", q.MeanWon, q.MeanLost, 100*q.AUC.Value, 100*q.AUC.Low, 100*q.AUC.High)}
	if q.AUC.Low <= .5 {
		f.Level, f.Proposal = LevelAlarm, "the score tells nothing about how leads end; look which rules hold for won leads and learn from them"
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
		a.add(Finding{Check: narrows, Level: LevelUnknown, Says: fmt.Sprintf("recently %d scored leads were won and %d lost; %d of each are needed", n1, n0, fewest)})
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
	f := Finding{Check: check, Level: LevelFine}
	var said []string
	for i := range tiers {
		said = append(said, fmt.Sprintf("%s %.1f %% of %d", tiers[i].Tier, 100*tiers[i].Rate.Value, tiers[i].Leads))
		if i == 0 {
			continue
		}
		x, y := tiers[i-1], tiers[i]
		pooled := float64(x.Won+y.Won) / float64(x.Leads+y.Leads)
		se := math.Sqrt(pooled * (1 - pooled) * (1/float64(x.Leads) + 1/float64(y.Leads)))
		switch d := y.Rate.Value - x.Rate.Value; {
		case d > z99*se && d > 0:
			f.Level, f.Subject = LevelAlarm, x.Tier+" and "+y.Tier
			f.Proposal = fmt.Sprintf("tier %s does better than %s: look at what puts leads there", y.Tier, x.Tier)
		case d > 0 && f.Level == LevelFine:
			f.Level, f.Subject = LevelWatch, x.Tier+" and "+y.Tier
			f.Proposal = "not sure yet; look again with more outcomes"
		}
	}
	f.Says = "won: " + strings.Join(said, ", ")
	a.add(f)
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
		a.add(Finding{Check: check, Level: LevelUnknown, Says: fmt.Sprintf("of %s %d were won and %d lost; %d of each are needed", period, won, lost, fewest)})
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
		f.Level, f.Proposal = LevelWatch, "off, but by little"
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

// firing asks which rules never or always hold.
func (a *auditor) firing() {
	a.out.Rules = a.rules
	if len(a.rules) == 0 || a.rows < 100 {
		return
	}
	const check = "do all rules tell leads apart"
	var never, always, blind []string
	for _, r := range a.rules {
		known := a.rows - r.Undecided
		switch {
		case r.Failed > 0:
			a.add(Finding{Check: "can the rule be computed", Subject: r.Rule, Level: LevelAlarm, Says: fmt.Sprintf("not for %d leads", r.Failed), Proposal: "mend it"})
		case r.Undecided > a.rows*9/10:
			blind = append(blind, r.Rule)
		case r.Matched == 0:
			never = append(never, r.Rule)
		case r.Matched == known:
			always = append(always, r.Rule)
		}
	}
	for _, x := range []struct {
		rules        []string
		says, advice string
	}{
		{never, fmt.Sprintf("never held, so hold for fewer than %.2f %% of leads", 100*measure.Rate(0, int64(a.rows)).High), "take them out, or look why; a scorecard's lines for what is missing or new may stay"},
		{always, "always held where they could be answered", "they change nothing but the level; take them out, or look why"},
		{blind, "what they read is missing for nine leads of ten", "get the value, or take the rules out"},
	} {
		if len(x.rules) > 0 {
			a.add(Finding{Check: check, Subject: andList(x.rules), Level: LevelWatch, Says: x.says, Proposal: x.advice})
		}
	}
	if len(never)+len(always)+len(blind) == 0 {
		a.add(Finding{Check: check, Level: LevelFine, Says: fmt.Sprintf("each of %d rules holds for some leads and not for others", len(a.rules))})
	}
}

// modifiers asks whether they decide too much, and are in force.
func (a *auditor) modifiers() {
	d := a.o.Definition
	for _, m := range d.Modifiers {
		switch left := m.Expires.Sub(a.o.AsOf); {
		case left <= 0:
			a.add(Finding{Check: "is the modifier in force", Subject: m.ID, Level: LevelAlarm, Says: "it ended on " + m.Expires.UTC().Format(time.DateOnly), Proposal: "ask " + m.Owner + ": prolong it or take it out"})
		case left < 30*24*time.Hour:
			a.add(Finding{Check: "is the modifier in force", Subject: m.ID, Level: LevelWatch, Says: "it ends on " + m.Expires.UTC().Format(time.DateOnly), Proposal: "ask " + m.Owner + " whether it is to go on"})
		}
	}
	if len(d.Modifiers) == 0 || a.o.Model == nil || a.o.Score != "" || a.rows == 0 {
		return
	}
	share := measure.Rate(int64(a.decide), int64(a.rows))
	f := Finding{Check: "do modifiers decide too much", Level: LevelFine, Value: &share, Threshold: new(modifierShare),
		Says: fmt.Sprintf("without modifiers %d of %d leads would be in another tier", a.decide, a.rows)}
	if share.Low > modifierShare {
		f.Level, f.Proposal = LevelAlarm, "make rules of what they are for, so that it is explained and learnt from"
	}
	a.add(f)
}

const mostMisjudged = 10

// feedback names the leads that were misjudged most, and sets what reps said
// beside the scores.
func (a *auditor) feedback() {
	if !a.has {
		return
	}
	var high, low []judgedLead
	for _, j := range a.judged {
		switch e := ending(a.meta[j.row] & 3); {
		case math.IsNaN(j.score):
		case e == lost:
			high = append(high, j)
		case e == won:
			low = append(low, j)
		}
	}
	slices.SortStableFunc(high, func(x, y judgedLead) int { return cmp.Compare(y.score, x.score) })
	slices.SortStableFunc(low, func(x, y judgedLead) int { return cmp.Compare(x.score, y.score) })
	for _, list := range []struct {
		leads []judgedLead
		ended string
	}{{high, "lost"}, {low, "won"}} {
		for _, j := range list.leads[:min(mostMisjudged, len(list.leads))] {
			m := Misjudged{Row: j.row + 1, ID: j.id, Score: j.score, Tier: j.tier, Ended: list.ended}
			if a.words != nil {
				m.Feedback = a.words[j.row]
			}
			a.out.Misjudged = append(a.out.Misjudged, m)
		}
	}
	if a.words == nil {
		return
	}
	var groups []measure.Group
	for _, j := range a.judged {
		if math.IsNaN(j.score) {
			continue
		}
		switch goodBad(a.words[j.row]) {
		case won:
			groups = append(groups, measure.Group{Score: j.score, Won: 1})
		case lost:
			groups = append(groups, measure.Group{Score: j.score, Lost: 1})
		}
	}
	good, bad := measure.Totals(groups)
	f := Finding{Check: "do reps agree with the scores", Level: LevelFine}
	if good < fewest || bad < fewest {
		f.Level, f.Says = LevelUnknown, fmt.Sprintf("reps called %d scored leads good and %d bad; %d of each are needed", good, bad, fewest)
		a.add(f)
		return
	}
	auc, _ := measure.AUC(groups)
	f.Value, f.Threshold = &auc, new(.5)
	f.Says = fmt.Sprintf("a lead that a rep calls good is above one called bad in %.1f %% of pairs (%.1f to %.1f)", 100*auc.Value, 100*auc.Low, 100*auc.High)
	if auc.Low <= .5 {
		f.Level, f.Proposal = LevelAlarm, "ask reps about the leads below: what did they see that the score does not"
	}
	a.add(f)
}

// goodBad reads what a rep said of a lead.
func goodBad(word string) ending {
	switch fold(word) {
	case "good", "great", "hot", "accepted", "accept", "yes", "up", "+", "1", "right", "quality", "qualified":
		return won
	case "bad", "poor", "cold", "rejected", "reject", "no", "down", "junk", "0", "-1", "wrong", "unqualified", "spam":
		return lost
	}
	return open
}

// andList names rules; of many only some.
func andList(names []string) string {
	const most = 8
	if len(names) > most+1 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d others", len(names)-most)
	}
	return strings.Join(names, ", ")
}

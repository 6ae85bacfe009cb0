package learn

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/leadloop/leadloop/internal/measure"
)

// drift compares the periods, signal by signal and the score.
func (a *auditor) drift() {
	const check = "has it drifted"
	if !a.dated {
		a.add(Finding{Check: check, Level: LevelUnknown, Says: "without a time or an order of the rows nothing can be said about change", Proposal: "name the column of the time (--time), or say that the rows stand in its order (--in-order)"})
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
	if n := len(a.out.Signals); n > 0 && !slices.ContainsFunc(a.out.Signals, func(d SignalDrift) bool { return d.Level != LevelFine }) {
		d := a.out.Signals[0]
		if a.out.Before != nil && a.out.Recent != nil && min(a.out.Before.Rows, a.out.Recent.Rows) < fewest {
			// So few rows fill too few bands for a PSI to say that nothing changed.
			a.add(Finding{Check: check, Level: LevelUnknown, Threshold: new(psiAlarm), Proposal: tooFew,
				Says: fmt.Sprintf("%d rows of before and %d recent ones are compared; %d of each are needed", a.out.Before.Rows, a.out.Recent.Rows, fewest)})
			return
		}
		a.add(Finding{Check: check, Level: LevelFine, Value: &Interval{Value: d.PSI, Low: d.Low, High: d.High}, Threshold: new(psiAlarm),
			Says: fmt.Sprintf("none of %d has; the furthest is %s with a PSI of %.3f", n, d.Signal, d.PSI)})
	}
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
		f.Says, f.Proposal = "too few leads to tell; "+f.Says, tooFew
	default:
		f.Proposal = "look whether rules about it still hold, and learn anew from recent leads if they do not"
		if signal == "score" {
			f.Proposal = "look at the signals that moved; thresholds of tiers stand for other leads now"
		}
	}
	a.add(f)
}

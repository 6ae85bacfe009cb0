package tracking_test

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/tracking"
)

// Here the leads that all events tell of, see oracleLeads, become figures.

// tally is what one group comes to, in numbers that compare.
type tally struct {
	Leads, SAL, SALOf, SQL, SQLOf, Worked, Leaked, Due, Contact, Met, Clocks, Unplaced, Over, OverOf int
	Open, Won, Lost, Untimed                                                                         int
	OpenAmount, WonAmount, LostAmount                                                                leadloop.Micros
	Touched, Waiting, Cycle, LostCycle                                                               int
	Median, P90, CycleMedian, LostMedian                                                             time.Duration
	Closing                                                                                          tracking.Survival
	Gap                                                                                              tracking.ScoreGap
	Skew                                                                                             tracking.Skew
	Stages                                                                                           map[string]tracking.StageFigures
}

func tallyOf(f tracking.Figures) tally {
	t := tally{
		Leads: f.Leads, SAL: f.SALRate.Hits, SALOf: f.SALRate.Of, SQL: f.SQLRate.Hits, SQLOf: f.SQLRate.Of, Worked: f.Worked.Hits,
		Leaked: f.Leakage.Hits, Due: f.Leakage.Of, Contact: f.ContactRate.Hits, Met: f.SLA.Hits, Clocks: f.SLA.Of,
		Unplaced: f.Unplaced.Hits, Over: f.Overridden.Hits, OverOf: f.Overridden.Of,
		Open: f.Deals.Open, Won: f.Deals.Won, Lost: f.Deals.Lost, Untimed: f.Deals.Untimed,
		OpenAmount: f.Deals.OpenAmount, WonAmount: f.Deals.WonAmount, LostAmount: f.Deals.LostAmount,
		Touched: f.SpeedToLead.Count, Waiting: f.SpeedToLead.Waiting, Median: f.SpeedToLead.Median, P90: f.SpeedToLead.P90,
		Cycle: f.Cycle.Count, CycleMedian: f.Cycle.Median, LostCycle: f.LostCycle.Count, LostMedian: f.LostCycle.Median,
		Closing: f.Closing, Gap: f.ScoreGap, Skew: f.Skew, Stages: map[string]tracking.StageFigures{},
	}
	// The interval is for package measure to test.
	t.Gap.Low, t.Gap.High, t.Gap.Above = 0, 0, math.Round(1e9*t.Gap.Above)/1e9
	for _, s := range f.Stages {
		t.Stages[s.Stage] = s
	}
	return t
}

// nearest is the smallest of which pct % are not above.
func nearest(list []time.Duration, pct int) time.Duration {
	if len(list) < tracking.Enough {
		return 0
	}
	slices.Sort(list)
	for _, d := range list {
		n := 0
		for _, other := range list {
			if other <= d {
				n++
			}
		}
		if 100*n >= pct*len(list) {
			return d
		}
	}
	panic("unreachable")
}

// above is the share of pairs in which the won one is above the lost one, ties
// counting half.
func above(won, lost []time.Duration) float64 {
	if len(won)*len(lost) == 0 {
		return .5
	}
	sum := 0.0
	for _, w := range won {
		for _, l := range lost {
			switch {
			case w > l:
				sum++
			case w == l:
				sum += .5
			}
		}
	}
	return math.Round(1e9*sum/float64(len(won)*len(lost))) / 1e9
}

// kaplanMeier is the product-limit estimate, factor by factor.
func kaplanMeier(ended, open []time.Duration) tracking.Survival {
	s := tracking.Survival{Ended: len(ended), Open: len(open)}
	if s.Ended+s.Open < tracking.Enough {
		return s
	}
	times := slices.Clone(ended)
	slices.Sort(times)
	left := 1.0
	for _, t := range slices.Compact(times) {
		risk, ends := 0, 0
		for _, d := range ended {
			if d >= t {
				risk++
			}
			if d == t {
				ends++
			}
		}
		for _, d := range open {
			if d >= t {
				risk++
			}
		}
		left *= 1 - float64(ends)/float64(risk)
		if !s.Known && left <= 0.5+1e-9 {
			s.Median, s.Known = t, true
		}
		if !s.KnownP90 && left <= 0.1+1e-9 {
			s.P90, s.KnownP90 = t, true
		}
	}
	return s
}

func oracle(j journal, crm []leadloop.Opportunity, asOf time.Time, by string) map[string]tally {
	type group struct {
		tally
		touched, cycle, lost, closed, openDeals []time.Duration
		wonAt, lostAt, skew                     []time.Duration // numbers
		ended, open                             map[string][]time.Duration
		next                                    map[string]map[string]int
	}
	groups := map[string]*group{}
	at := func(key string) *group {
		if key == "" {
			key = tracking.None
		}
		if groups[key] == nil {
			groups[key] = &group{ended: map[string][]time.Duration{}, open: map[string][]time.Duration{}, next: map[string]map[string]int{}}
		}
		return groups[key]
	}
	add := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	quarter := func(t time.Time) string { return t.Format("2006-") + "Q" + string(rune('1'+(int(t.Month())-1)/3)) }
	for _, l := range oracleLeads(j, crm, asOf) {
		if !l.captured {
			continue
		}
		key := map[string]string{"": "all", "source": l.source, "tier": l.tier, "owner": l.owner, "product": l.product, "failure": l.failure}[by]
		{
			g := at(key)
			g.Leads++
			add(&g.Unplaced, l.failure != "")
			if !l.assigned.IsZero() {
				g.SALOf++
				g.OverOf++
				add(&g.SAL, l.worked())
				add(&g.Over, l.over)
			}
			if !l.accepted.IsZero() || !l.qualified.IsZero() {
				g.SQLOf++
				add(&g.SQL, !l.qualified.IsZero())
			}
			add(&g.Worked, l.worked())
			add(&g.Contact, l.worked() && l.contacted)
			if (l.worked() || l.place == "assigned" || l.place == "queued" || l.place == "archived" && !l.assigned.IsZero()) && !l.at.Add(72*time.Hour).After(asOf) {
				g.Due++
				add(&g.Leaked, !l.worked())
			}
			g.Met += l.met
			g.Clocks += l.met + l.missed
			if !l.touched.IsZero() {
				g.touched = append(g.touched, max(0, l.touched.Sub(l.at)))
			} else {
				add(&g.Waiting, l.place == "assigned")
			}
			won, lost, open := 0, 0, 0
			for _, d := range l.deals {
				add(&won, d.status == "won")
				add(&lost, d.status == "lost")
				add(&open, d.status == "open")
			}
			if p, err := strconv.ParseFloat(l.points, 64); err == nil {
				switch {
				case won > 0:
					g.wonAt = append(g.wonAt, time.Duration(1000*p))
				case lost > 0 && open == 0:
					g.lostAt = append(g.lostAt, time.Duration(1000*p))
				}
			}
			if o, err := strconv.ParseFloat(l.owed, 64); err == nil {
				g.skew = append(g.skew, time.Duration(math.Round(100*math.Abs(1-o))))
			}
			for _, v := range l.stages {
				if v.until.IsZero() {
					g.open[v.stage] = append(g.open[v.stage], asOf.Sub(v.from))
				} else {
					g.ended[v.stage] = append(g.ended[v.stage], v.until.Sub(v.from))
					if g.next[v.stage] == nil {
						g.next[v.stage] = map[string]int{}
					}
					g.next[v.stage][v.next]++
				}
			}
		}
		for _, d := range l.deals {
			dealKey := key
			switch {
			case by == "owner" && d.owner != "":
				dealKey = d.owner
			case by == "closed_quarter" && !d.closed.IsZero():
				dealKey = quarter(d.closed)
			}
			g := at(dealKey)
			took := d.closed.Sub(d.created)
			switch d.status {
			case "won":
				g.Won++
				g.WonAmount += d.amount
				if untimed := d.closed.IsZero() || d.closed.Before(d.created); untimed {
					g.Untimed++
				} else {
					g.cycle, g.closed = append(g.cycle, took), append(g.closed, took)
				}
			case "lost":
				g.Lost++
				g.LostAmount += d.amount
				if untimed := d.closed.IsZero() || d.closed.Before(d.created); untimed {
					g.Untimed++
				} else {
					g.lost, g.closed = append(g.lost, took), append(g.closed, took)
				}
			default:
				g.Open++
				g.OpenAmount += d.amount
				g.openDeals = append(g.openDeals, asOf.Sub(d.created))
			}
		}
	}
	out := map[string]tally{}
	for key, g := range groups {
		g.Touched, g.Cycle, g.LostCycle = len(g.touched), len(g.cycle), len(g.lost)
		g.Median, g.P90 = nearest(g.touched, 50), nearest(g.touched, 90)
		g.CycleMedian, g.LostMedian = nearest(g.cycle, 50), nearest(g.lost, 50)
		g.Gap = tracking.ScoreGap{Won: len(g.wonAt), Lost: len(g.lostAt), Above: above(g.wonAt, g.lostAt)}
		g.Gap.WonMedian, g.Gap.LostMedian = leadloop.Points(nearest(g.wonAt, 50)), leadloop.Points(nearest(g.lostAt, 50))
		g.Skew = tracking.Skew{Count: len(g.skew), Median: int(nearest(g.skew, 50)), P90: int(nearest(g.skew, 90)), Most: int(nearest(g.skew, 100))}
		g.Closing = kaplanMeier(g.closed, g.openDeals)
		g.Stages = map[string]tracking.StageFigures{}
		for _, stage := range slices.Concat(slices.Collect(maps.Keys(g.ended)), slices.Collect(maps.Keys(g.open))) {
			s := tracking.StageFigures{Stage: stage, Entered: len(g.ended[stage]) + len(g.open[stage]), Stay: kaplanMeier(g.ended[stage], g.open[stage]), Next: []tracking.Rate{}}
			for _, next := range slices.Sorted(maps.Keys(g.next[stage])) {
				s.Next = append(s.Next, tracking.Rate{Group: next, Hits: g.next[stage][next], Of: s.Entered})
			}
			slices.SortStableFunc(s.Next, func(a, b tracking.Rate) int { return b.Hits - a.Hits })
			g.Stages[stage] = s
		}
		out[key] = g.tally
	}
	return out
}

package tracking_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/tracking"
)

// This file counts everything once more, in the plainest way: all events are
// kept, sorted and read again for every figure. It shares no code with the
// tracker.

// oracleLead is a lead as all its events say.
type oracleLead struct {
	at, assigned, touched, accepted, qualified time.Time
	captured, queued, contacted, over          bool
	source, tier, lastTier, owner, product     string
	place, failure                             string
	met, missed                                int
	stages                                     []oracleVisit
	deals                                      map[leadloop.OpportunityID]*oracleDeal
}

type oracleVisit struct {
	stage, next string
	from, until time.Time
}

type oracleDeal struct {
	status, owner   string
	amount          leadloop.Micros
	created, closed time.Time
}

func (l *oracleLead) worked() bool {
	return !l.touched.IsZero() || !l.accepted.IsZero() || !l.qualified.IsZero()
}

func oracleLeads(j journal, crm []leadloop.Opportunity, asOf time.Time) map[leadloop.LeadID]*oracleLead {
	var events []leadloop.Event
	seen := map[int64]bool{}
	for _, e := range j {
		if !seen[e.Seq] && !e.At.After(asOf) {
			seen[e.Seq] = true
			events = append(events, e)
		}
	}
	slices.SortFunc(events, func(a, b leadloop.Event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq)) })

	into := map[leadloop.LeadID]leadloop.LeadID{}
	for _, e := range events {
		switch e.Kind {
		case leadloop.EventMerged:
			into[e.Lead] = leadloop.LeadID(e.To)
		case leadloop.EventUnmerged:
			delete(into, leadloop.LeadID(e.To))
		}
	}
	whole := func(id leadloop.LeadID) leadloop.LeadID {
		var path []leadloop.LeadID
		for {
			if i := slices.Index(path, id); i >= 0 {
				return slices.Min(path[i:])
			}
			path = append(path, id)
			next, ok := into[id]
			if !ok {
				return id
			}
			id = next
		}
	}

	leads := map[leadloop.LeadID]*oracleLead{}
	lead := func(id leadloop.LeadID) *oracleLead {
		id = whole(id)
		if leads[id] == nil {
			leads[id] = &oracleLead{place: "undecided", deals: map[leadloop.OpportunityID]*oracleDeal{}}
		}
		return leads[id]
	}
	once := func(t *time.Time, at time.Time) {
		if t.IsZero() {
			*t = at
		}
	}
	clocks := map[leadloop.LeadID]string{} // by record, how the running clock stands
	stop := func(id leadloop.LeadID) {
		switch clocks[id] {
		case "met":
			lead(id).met++
		case "missed":
			lead(id).missed++
		}
		clocks[id] = ""
	}
	for _, e := range events {
		if e.Lead == "" {
			continue
		}
		l := lead(e.Lead)
		told := func(status string) {
			id := leadloop.OpportunityID(e.To)
			d := l.deals[id]
			if d == nil {
				d = &oracleDeal{created: e.At}
				l.deals[id] = d
			}
			d.status, d.closed = status, time.Time{}
			if status != "open" && e.Attrs["untimed"] == "" {
				d.closed = e.At
			}
			if e.Attrs["amount"] == "7" {
				d.amount = 7
			}
			if e.Attrs["owner"] != "" {
				d.owner = e.Attrs["owner"]
			}
		}
		switch e.Kind {
		case leadloop.EventCaptured:
			if !l.captured {
				l.captured, l.at, l.source = true, e.At, e.Attrs["source"]
			}
		case leadloop.EventAssigned:
			l.place = "assigned"
			if l.assigned.IsZero() {
				l.assigned, l.tier = e.At, e.Attrs["tier"]
			}
			if e.Attrs["tier"] != "" {
				l.lastTier = e.Attrs["tier"]
			}
			l.owner = e.To
			if e.From != "" && e.From != e.To && e.Actor == "mia" {
				l.over = true
			}
		case leadloop.EventQueued:
			l.place, l.queued = "queued", true
			if !strings.HasPrefix(e.Reason, "entry:") && l.failure == "" {
				if l.failure = e.Reason; e.Reason == "" {
					l.failure = "not_said"
				}
			}
		case leadloop.EventAlerted:
			if e.Attrs["owner"] == "" {
				l.place = "alerted"
			}
		case leadloop.EventNurtured, leadloop.EventSuppressed, leadloop.EventDisqualified:
			l.place = string(e.Kind)
		case leadloop.EventTierChanged:
			l.lastTier = e.To
		case leadloop.EventFirstTouch:
			once(&l.touched, e.At)
		case leadloop.EventStageChanged:
			if e.To == "sal" {
				once(&l.accepted, e.At)
			}
			if e.To == "sql" {
				once(&l.qualified, e.At)
			}
			was := false
			for i := range l.stages {
				v := &l.stages[i]
				was = was || v.stage == e.To
				if v.until.IsZero() && v.stage != e.To {
					v.until, v.next = e.At, e.To
				}
			}
			if !was {
				l.stages = append(l.stages, oracleVisit{stage: e.To, from: e.At})
			}
		case leadloop.EventActivity:
			two := e.To == "meeting" || e.To == "reply" && e.Actor == ""
			l.contacted = l.contacted || two && !l.assigned.IsZero()
		case leadloop.EventSLAStarted:
			stop(e.Lead)
		case leadloop.EventSLAMet:
			clocks[e.Lead] = "met"
		case leadloop.EventSLAMissed:
			if clocks[e.Lead] != "met" {
				clocks[e.Lead] = "missed"
			}
		case leadloop.EventConverted:
			once(&l.qualified, e.At)
			told("open")
		case leadloop.EventWon:
			told("won")
		case leadloop.EventLost:
			told("lost")
		}
		if p := e.Attrs["product"]; l.product == "" && p != "" && e.Kind != leadloop.EventAssigned && oracleCounts(e) {
			l.product = p
		}
	}
	for _, id := range slices.Sorted(maps.Keys(clocks)) {
		stop(id)
	}
	for _, o := range crm {
		if o.CreatedAt.After(asOf) {
			continue
		}
		d := &oracleDeal{status: string(o.Status), owner: string(o.Owner), amount: o.Amount, created: o.CreatedAt, closed: o.ClosedAt}
		if o.ClosedAt.After(asOf) {
			d.status, d.closed = "open", time.Time{}
		}
		lead(o.Lead).deals[o.ID] = d
	}
	for _, l := range leads {
		if l.tier == "" {
			l.tier = l.lastTier
		}
	}
	return leads
}

// oracleCounts tells the events that figures read.
func oracleCounts(e leadloop.Event) bool {
	switch e.Kind {
	case leadloop.EventScored, leadloop.EventUnmerged:
		return false
	case leadloop.EventAlerted:
		return e.Attrs["owner"] == ""
	case leadloop.EventActivity:
		return e.To == "meeting" || e.To == "reply" && e.Actor == ""
	}
	return true
}

// tally is what one group comes to, in numbers that compare.
type tally struct {
	Leads, SAL, SALOf, SQL, SQLOf, Worked, Leaked, Due, Contact, Met, Clocks, Unplaced, Over, OverOf int
	Open, Won, Lost, Untimed                                                                         int
	OpenAmount, WonAmount, LostAmount                                                                leadloop.Micros
	Touched, Waiting, Cycle, LostCycle                                                               int
	Median, P90, CycleMedian, LostMedian                                                             time.Duration
	Closing                                                                                          tracking.Survival
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
		Closing: f.Closing, Stages: map[string]tracking.StageFigures{},
	}
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
			if (l.worked() || l.place == "assigned" || l.place == "queued") && !l.at.Add(72*time.Hour).After(asOf) {
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

var recounted = []string{"", "source", "tier", "owner", "product", "failure", "closed_quarter"}

func recountOptions() tracking.Options {
	o := tracking.Options{}
	for _, by := range recounted[1:] {
		o.GroupBy = append(o.GroupBy, []string{by})
	}
	return o
}

func tallies(t testing.TB, live *tracking.Tracker, by string) map[string]tally {
	dims := []string{}
	if by != "" {
		dims = append(dims, by)
	}
	list, err := live.Table(dims...)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]tally{}
	for _, f := range list {
		key := "all"
		if by != "" {
			key = f.Values[0]
		}
		out[key] = tallyOf(f)
	}
	return out
}

func TestLiveFiguresEqualAFullRecountAfterAnyHistoryInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		j := anyJournal().Draw(rt, "journal")
		crm := anyDeals().Draw(rt, "deals")
		shuffled := rapid.Permutation(j).Draw(rt, "order")
		parts := rapid.IntRange(1, 3).Draw(rt, "parts")
		var trackers []*tracking.Tracker
		for range parts {
			start := day.Add(time.Duration(rapid.IntRange(-10, 250).Draw(rt, "start")) * time.Hour)
			live, err := tracking.New(start, recountOptions())
			if err != nil {
				rt.Fatal(err)
			}
			trackers = append(trackers, live)
		}
		for i, e := range shuffled {
			live := trackers[i%parts]
			live.Add(e)
			switch rapid.IntRange(0, 9).Draw(rt, "then") {
			case 0:
				live.Report() // a look in between must not disturb the fold
			case 1:
				live.Add(shuffled[i/2])
			case 2:
				live.Advance(live.AsOf().Add(time.Duration(rapid.IntRange(-5, 40).Draw(rt, "on")) * time.Hour))
			}
		}
		for i, o := range crm {
			if i%2 == 0 { // what the CRM said before
				earlier := o
				earlier.Lead, earlier.Amount = "l1", 1
				trackers[0].AddOpportunity(earlier)
				trackers[0].Report()
			}
			trackers[0].AddOpportunity(o)
		}
		for len(trackers) > 1 {
			last := len(trackers) - 1
			if err := trackers[last-1].Merge(trackers[last]); err != nil {
				rt.Fatal(err)
			}
			trackers = trackers[:last]
		}
		live := trackers[0]
		asOf := live.AsOf().Add(time.Duration(rapid.IntRange(0, 300).Draw(rt, "as of")) * time.Hour)
		live.Advance(asOf)
		for _, by := range recounted {
			if diff := gocmp.Diff(oracle(j, crm, asOf, by), tallies(t, live, by)); diff != "" {
				rt.Fatalf("by %q: -recount +live\n%s", by, diff)
			}
		}
		r := live.Report()
		if n := live.Seq(); len(j) > 0 && n != slices.MaxFunc(j, func(a, b leadloop.Event) int { return cmp.Compare(a.Seq, b.Seq) }).Seq {
			rt.Fatalf("the latest event is %d", n)
		}
		whole, err := tracking.New(asOf, recountOptions())
		if err != nil {
			rt.Fatal(err)
		}
		for _, e := range j {
			whole.Add(e)
		}
		for _, o := range crm {
			whole.AddOpportunity(o)
		}
		if diff := gocmp.Diff(whole.Report(), r); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// anyDeals are opportunities as a CRM could say them, also of leads that
// nobody heard of.
func anyDeals() *rapid.Generator[[]leadloop.Opportunity] {
	return rapid.Custom(func(t *rapid.T) []leadloop.Opportunity {
		var out []leadloop.Opportunity
		for i := range rapid.IntRange(0, 6).Draw(t, "deals") {
			o := leadloop.Opportunity{
				ID:        leadloop.OpportunityID("o" + string(rune('0'+i))),
				Lead:      leadloop.LeadID(rapid.SampledFrom([]string{"", "l1", "l2", "l3", "nobody"}).Draw(t, "lead")),
				Owner:     leadloop.RepID(rapid.SampledFrom([]string{"", "ana", "ben"}).Draw(t, "owner")),
				Status:    leadloop.OpportunityOpen,
				Amount:    leadloop.Micros(rapid.IntRange(0, 9).Draw(t, "amount")),
				CreatedAt: day.Add(time.Duration(rapid.IntRange(0, 240).Draw(t, "created")) * time.Hour),
			}
			if rapid.Bool().Draw(t, "closed") {
				o.Status = rapid.SampledFrom([]leadloop.OpportunityStatus{leadloop.OpportunityWon, leadloop.OpportunityLost}).Draw(t, "status")
				o.ClosedAt = o.CreatedAt.Add(time.Duration(rapid.IntRange(-20, 240).Draw(t, "took")) * time.Hour)
			}
			out = append(out, o)
		}
		return out
	})
}

func TestTimeInStageIsThatOfKaplanAndMeierHoweverManyAndHoweverTied(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		leads := rapid.SampledFrom([]int{3, 20, 700, 2500}).Draw(rt, "leads")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		open, span := rapid.IntRange(0, 10).Draw(rt, "tenths open"), rapid.SampledFrom([]int{3, 50, 100_000}).Draw(rt, "span")
		asOf := day.Add(time.Duration(span) * time.Second)
		live := tracker(rt, asOf, tracking.Options{})
		var ended, lasting []time.Duration
		for i := range leads {
			var j journal
			from := r.IntN(span)
			until := from + r.IntN(span-from)
			id := leadloop.LeadID(fmt.Sprint(i))
			j.captured(id, "web", day)
			j.add(leadloop.EventStageChanged, id, day.Add(time.Duration(from)*time.Second), to("mql"))
			if r.IntN(10) < open {
				lasting = append(lasting, asOf.Sub(j[1].At))
			} else {
				j.add(leadloop.EventStageChanged, id, day.Add(time.Duration(until)*time.Second), to("sal"))
				ended = append(ended, j[2].At.Sub(j[1].At))
			}
			for _, e := range j {
				live.Add(e)
			}
			if i%97 == 0 {
				live.Report()
			}
		}
		if span > 1000 && leads > 1000 {
			ended, lasting = ended[:0], lasting[:0] // the plain way is too slow: only its counts and order are asked for
		}
		all, err := live.Figures(nil)
		if err != nil {
			rt.Fatal(err)
		}
		for _, s := range all.Stages {
			if want := kaplanMeier(ended, lasting); s.Stage == "mql" && len(ended)+len(lasting) > 0 {
				if diff := gocmp.Diff(want, s.Stay); diff != "" {
					rt.Fatal(diff)
				}
			}
			if s.Stay.Median > s.Stay.P90 && s.Stay.KnownP90 || s.Stay.KnownP90 && !s.Stay.Known {
				rt.Fatalf("half are done after %v, nine tenths after %v", s.Stay.Median, s.Stay.P90)
			}
		}
	})
}

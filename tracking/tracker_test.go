package tracking_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/tracking"
)

var update = flag.Bool("update", false, "write the golden files")

// journal makes events as a loop would write them.
type journal []leadloop.Event

func (j *journal) add(kind leadloop.EventKind, lead leadloop.LeadID, at time.Time, set ...func(*leadloop.Event)) {
	e := leadloop.Event{Seq: int64(len(*j) + 1), Kind: kind, Lead: lead, At: at}
	for _, f := range set {
		f(&e)
	}
	*j = append(*j, e)
}

func attr(pairs ...string) func(*leadloop.Event) {
	return func(e *leadloop.Event) {
		e.Attrs = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			e.Attrs[pairs[i]] = pairs[i+1]
		}
	}
}

func to(s string) func(*leadloop.Event)     { return func(e *leadloop.Event) { e.To = s } }
func actor(s string) func(*leadloop.Event)  { return func(e *leadloop.Event) { e.Actor = s } }
func reason(s string) func(*leadloop.Event) { return func(e *leadloop.Event) { e.Reason = s } }

// captured, assigned and touched are the beginning of an ordinary lead.
func (j *journal) captured(lead leadloop.LeadID, source string, at time.Time) {
	j.add(leadloop.EventCaptured, lead, at, attr("via", "form", "source", source))
}

func (j *journal) assigned(lead leadloop.LeadID, tier string, at time.Time) {
	j.add(leadloop.EventAssigned, lead, at, to("ana"), attr("tier", tier))
}

func (j *journal) touched(lead leadloop.LeadID, at time.Time) {
	j.add(leadloop.EventFirstTouch, lead, at, actor("ana"), to("call"))
}

func report(j journal, asOf time.Time, deals ...leadloop.Opportunity) tracking.Report {
	t, err := tracking.New(asOf, tracking.Options{})
	if err != nil {
		panic(err)
	}
	for _, e := range j {
		t.Add(e)
	}
	for _, o := range deals {
		t.AddOpportunity(o)
	}
	return t.Report()
}

func rate(group string, hits, of int) tracking.Rate {
	return tracking.Rate{Group: group, Hits: hits, Of: of}
}

// week is a small team's week: thirteen leads of two sources, all kinds of
// fates. The figures in the tests were counted by hand.
func week() journal {
	var j journal
	// Six tier A leads from the web, touched after 5, 10, 15, 20, 25, 300 min.
	for i, wait := range []int{25, 5, 300, 15, 10, 20} {
		id := leadloop.LeadID(fmt.Sprint("a", i))
		j.captured(id, "web", clock(9, 0))
		j.add(leadloop.EventTierChanged, id, clock(9, 0), to("A"))
		j.assigned(id, "A", clock(9, 1))
		j.add(leadloop.EventSLAStarted, id, clock(9, 1))
		at := clock(9, wait)
		j.touched(id, at)
		if wait <= 20 {
			j.add(leadloop.EventSLAMet, id, at)
		} else {
			j.add(leadloop.EventSLAMissed, id, clock(9, 20))
		}
		if wait <= 10 {
			j.add(leadloop.EventActivity, id, at.Add(time.Hour), to("reply"))
		}
	}
	// Two tier B leads from a partner that nobody worked, one accepted unseen.
	for _, id := range []leadloop.LeadID{"b0", "b1", "b2"} {
		j.captured(id, "partner", clock(10, 0))
		j.assigned(id, "B", clock(10, 5))
	}
	j.add(leadloop.EventStageChanged, "b2", clock(11, 0), to("sal"), actor("ana"))
	// A lead that no rule could place, a suppressed one, a bad one, a nurtured
	// one without a source.
	j.captured("q", "web", clock(11, 0))
	j.add(leadloop.EventQueued, "q", clock(11, 0), to("inbound"), reason("nobody_eligible"))
	j.captured("s", "web", clock(11, 0))
	j.add(leadloop.EventSuppressed, "s", clock(11, 0), reason("opted_out"))
	j.captured("d", "web", clock(11, 0))
	j.add(leadloop.EventDisqualified, "d", clock(11, 0), reason("student"))
	j.captured("n", "", clock(11, 0))
	j.add(leadloop.EventNurtured, "n", clock(11, 0), to("newsletter"))
	return j
}

var deals = []leadloop.Opportunity{
	{ID: "o1", Lead: "a0", Status: leadloop.OpportunityOpen, Amount: 12_000_000_000, CreatedAt: clock(30, 0)},
	{ID: "o2", Lead: "a1", Status: leadloop.OpportunityWon, Amount: 6_000_000_000, CreatedAt: clock(30, 0), ClosedAt: clock(40, 0)},
	{ID: "o3", Lead: "nobody", Status: leadloop.OpportunityOpen, Amount: 1_000_000, CreatedAt: clock(30, 0)},
	{ID: "o4", Lead: "a0", Status: leadloop.OpportunityOpen, Amount: 1, CreatedAt: day.AddDate(1, 0, 0)},
}

func TestTheFiguresOfAWeekAreThoseCountedByHand(t *testing.T) {
	asOf := day.AddDate(0, 0, 7)
	want := tracking.Report{
		AsOf:  asOf,
		Leads: tracking.Leads{Captured: 13, Assigned: 9, Queued: 1, Nurtured: 1, Suppressed: 1, Disqualified: 1},
		SpeedToLead: []tracking.Speed{
			{Group: "all", Count: 6, Waiting: 3, Median: 15 * time.Minute, P90: 300 * time.Minute},
			{Group: "A", Count: 6, Median: 15 * time.Minute, P90: 300 * time.Minute},
			{Group: "B", Waiting: 3},
		},
		SALRate: tracking.Breakdown{
			All:    rate("all", 7, 9),
			Source: []tracking.Rate{rate("web", 6, 6), rate("partner", 1, 3)},
			Tier:   []tracking.Rate{rate("A", 6, 6), rate("B", 1, 3)},
		},
		Leakage: tracking.Breakdown{
			All:    rate("all", 3, 10),
			Source: []tracking.Rate{rate("web", 1, 7), rate("partner", 2, 3)},
			Tier:   []tracking.Rate{rate("(none)", 1, 1), rate("A", 0, 6), rate("B", 2, 3)},
		},
		ContactRate: tracking.Breakdown{
			All:    rate("all", 2, 7),
			Source: []tracking.Rate{rate("web", 2, 6), rate("partner", 0, 1)},
			Tier:   []tracking.Rate{rate("A", 2, 6), rate("B", 0, 1)},
		},
		PipelinePerLead: tracking.Pipeline{
			All: tracking.Amount{Group: "all", Leads: 13, Opportunities: 2, Total: 18_000_000_000, Won: 6_000_000_000},
			Source: []tracking.Amount{
				{Group: "web", Leads: 9, Opportunities: 2, Total: 18_000_000_000, Won: 6_000_000_000},
				{Group: "partner", Leads: 3},
				{Group: "(none)", Leads: 1},
			},
			Tier: []tracking.Amount{
				{Group: "(none)", Leads: 4},
				{Group: "A", Leads: 6, Opportunities: 2, Total: 18_000_000_000, Won: 6_000_000_000},
				{Group: "B", Leads: 3},
			},
			Unlinked: tracking.Amount{Group: "(none)", Opportunities: 1, Total: 1_000_000},
		},
		SLA:     []tracking.Rate{rate("all", 4, 6), rate("A", 4, 6)},
		Routing: tracking.Routing{Queued: 1, Failed: 1},
	}
	if diff := cmp.Diff(want, report(week(), asOf, deals...)); diff != "" {
		t.Error(diff)
	}
}

func TestAReportReadsAsItsGoldenFiles(t *testing.T) {
	r := report(week(), day.AddDate(0, 0, 7), deals...)
	var text bytes.Buffer
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	js, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"week.txt": text.Bytes(), "week.json": append(js, '\n')} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (go test -update writes it anew): %s", name, diff)
		}
	}
}

func TestFiguresOfSpecialLeads(t *testing.T) {
	late := day.AddDate(0, 0, 7)
	for name, tc := range map[string]struct {
		tell  func(j *journal)
		asOf  time.Time
		deals []leadloop.Opportunity
		want  func(r *tracking.Report) any
		is    any
	}{
		"a merged lead is counted once, from its first arrival, under its first source": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.captured("y", "partner", clock(8, 0))
				j.add(leadloop.EventMerged, "y", clock(9, 30), to("x"))
				j.assigned("x", "A", clock(10, 0))
			},
			deals: []leadloop.Opportunity{{ID: "o", Lead: "y", Amount: 5}},
			want:  func(r *tracking.Report) any { return r.PipelinePerLead.Source },
			is:    []tracking.Amount{{Group: "partner", Leads: 1, Opportunities: 1, Total: 5}},
		},
		"an unmerged lead is counted again": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.captured("y", "web", clock(8, 0))
				j.add(leadloop.EventMerged, "y", clock(9, 30), to("x"))
				j.add(leadloop.EventUnmerged, "x", clock(9, 40), to("y"))
			},
			want: func(r *tracking.Report) any { return r.Leads },
			is:   tracking.Leads{Captured: 2, Undecided: 2},
		},
		"a submission that was merged at once never was a lead": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.add(leadloop.EventSubmission, "x", clock(10, 0), attr("source", "partner"))
				j.add(leadloop.EventMerged, "y", clock(10, 0), to("x"))
			},
			want: func(r *tracking.Report) any { return r.Leads },
			is:   tracking.Leads{Captured: 1, Undecided: 1},
		},
		"a lead stays assigned when the owner of a deal is told about it as well": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.assigned("x", "B", clock(9, 0))
				j.add(leadloop.EventAlerted, "x", clock(10, 0), to("cem"), attr("owner", "ana"))
			},
			want: func(r *tracking.Report) any { return r.Leads },
			is:   tracking.Leads{Captured: 1, Assigned: 1},
		},
		"the tier at the first assignment counts": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.assigned("x", "B", clock(9, 0))
				j.add(leadloop.EventTierChanged, "x", clock(11, 0), to("A"))
				j.assigned("x", "A", clock(11, 0))
			},
			want: func(r *tracking.Report) any { return r.SALRate.Tier },
			is:   []tracking.Rate{rate("B", 0, 1)},
		},
		"a lead that was never assigned has its latest tier": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.add(leadloop.EventTierChanged, "x", clock(9, 0), to("C"))
				j.add(leadloop.EventTierChanged, "x", clock(9, 30), to("B"))
			},
			want: func(r *tracking.Report) any { return r.PipelinePerLead.Tier },
			is:   []tracking.Amount{{Group: "B", Leads: 1}},
		},
		"what comes later than the report is left out": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.assigned("x", "A", clock(9, 0))
				j.touched("x", clock(12, 0))
				j.captured("y", "web", clock(12, 0))
			},
			asOf: clock(11, 0),
			want: func(r *tracking.Report) any { return []any{r.Leads, r.SpeedToLead[0]} },
			is:   []any{tracking.Leads{Captured: 1, Assigned: 1}, tracking.Speed{Group: "all", Waiting: 1}},
		},
		"a lead has not leaked before its time": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.assigned("x", "A", clock(9, 0))
			},
			asOf: clock(9+72, 0).Add(-time.Nanosecond),
			want: func(r *tracking.Report) any { return r.Leakage.All },
			is:   rate("all", 0, 0),
		},
		"a lead leaks at 72 hours": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.assigned("x", "A", clock(9, 0))
			},
			asOf: clock(9+72, 0),
			want: func(r *tracking.Report) any { return r.Leakage.All },
			is:   rate("all", 1, 1),
		},
		"a lead that was suppressed before anybody worked it has not leaked": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.assigned("x", "A", clock(9, 0))
				j.add(leadloop.EventSuppressed, "x", clock(10, 0))
			},
			want: func(r *tracking.Report) any { return r.Leakage.All },
			is:   rate("all", 0, 0),
		},
		"a reply before anybody had the lead is not contact": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.add(leadloop.EventActivity, "x", clock(9, 30), to("reply"))
				j.assigned("x", "A", clock(10, 0))
				j.touched("x", clock(10, 30))
			},
			want: func(r *tracking.Report) any { return r.ContactRate.All },
			is:   rate("all", 0, 1),
		},
		"a rep's reply is not contact, a meeting a rep recorded is": {
			tell: func(j *journal) {
				for _, id := range []leadloop.LeadID{"x", "y"} {
					j.captured(id, "web", clock(9, 0))
					j.assigned(id, "A", clock(10, 0))
					j.touched(id, clock(10, 30))
				}
				j.add(leadloop.EventActivity, "x", clock(11, 0), to("reply"), actor("ana"))
				j.add(leadloop.EventActivity, "y", clock(11, 0), to("meeting"), actor("ana"))
			},
			want: func(r *tracking.Report) any { return r.ContactRate.All },
			is:   rate("all", 1, 2),
		},
		"a miss is taken back by a touch that was recorded late": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.add(leadloop.EventSLAStarted, "x", clock(9, 0))
				j.add(leadloop.EventSLAMissed, "x", clock(9, 15))
				j.add(leadloop.EventSLAMet, "x", clock(9, 10))
			},
			want: func(r *tracking.Report) any { return r.SLA },
			is:   []tracking.Rate{rate("all", 1, 1), rate("(none)", 1, 1)},
		},
		"each clock of a reassigned lead counts": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.add(leadloop.EventSLAStarted, "x", clock(9, 0))
				j.add(leadloop.EventSLAMissed, "x", clock(9, 15))
				j.add(leadloop.EventSLAStarted, "x", clock(9, 20))
				j.add(leadloop.EventSLAMet, "x", clock(9, 25))
				j.add(leadloop.EventSLAStarted, "x", clock(9, 30))
			},
			want: func(r *tracking.Report) any { return r.SLA[0] },
			is:   rate("all", 1, 2),
		},
		"of two decisions of one moment the one journaled later counts": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.add(leadloop.EventSuppressed, "x", clock(9, 0))
				j.assigned("x", "A", clock(9, 0))
			},
			want: func(r *tracking.Report) any { return r.Leads },
			is:   tracking.Leads{Captured: 1, Assigned: 1},
		},
		"a queue that a rule chose is no failure": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.add(leadloop.EventQueued, "x", clock(9, 0), to("vip"), reason("entry:vip"))
			},
			want: func(r *tracking.Report) any { return r.Routing },
			is:   tracking.Routing{Queued: 1},
		},
		"a lead that never arrived is said, not counted": {
			tell: func(j *journal) { j.assigned("x", "A", clock(9, 0)) },
			want: func(r *tracking.Report) any { return []any{r.Leads, r.SALRate.All} },
			is:   []any{tracking.Leads{NoArrival: 1}, rate("all", 0, 0)},
		},
		"a touch dated before the arrival is no negative wait": {
			tell: func(j *journal) {
				for i := range 5 {
					id := leadloop.LeadID(fmt.Sprint(i))
					j.captured(id, "web", clock(9, 0))
					j.assigned(id, "A", clock(9, 0))
					j.touched(id, clock(8, 59))
				}
			},
			want: func(r *tracking.Report) any { return r.SpeedToLead[0] },
			is:   tracking.Speed{Group: "all", Count: 5},
		},
		"leads that are part of each other are one": {
			tell: func(j *journal) {
				j.captured("x", "web", clock(9, 0))
				j.captured("y", "web", clock(9, 0))
				j.add(leadloop.EventMerged, "x", clock(9, 0), to("y"))
				j.add(leadloop.EventMerged, "y", clock(9, 0), to("x"))
			},
			want: func(r *tracking.Report) any { return r.Leads },
			is:   tracking.Leads{Captured: 1, Undecided: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var j journal
			tc.tell(&j)
			asOf := tc.asOf
			if asOf.IsZero() {
				asOf = late
			}
			r := report(j, asOf, tc.deals...)
			if diff := cmp.Diff(tc.is, tc.want(&r)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTooFewIsSaidInsteadOfAShare(t *testing.T) {
	if v, ok := rate("x", 4, 4).Share(); ok || v != 0 {
		t.Errorf("four leads say %v", v)
	}
	if v, ok := rate("x", 1, 5).Share(); !ok || v != 0.2 {
		t.Errorf("five leads say %v, %v", v, ok)
	}
	if v, ok := (tracking.Amount{Leads: 4, Total: 100}).PerLead(); ok || v != 0 {
		t.Errorf("four leads are worth %v each", v)
	}
	if v, ok := (tracking.Amount{Leads: 8, Total: 100}).PerLead(); !ok || v != 12 {
		t.Errorf("eight leads are worth %v, %v each", v, ok)
	}
}

// anyJournal is a history that a loop could hardly write, so that nothing
// relies on what it usually looks like.
func anyJournal() *rapid.Generator[journal] {
	kinds := []leadloop.EventKind{
		leadloop.EventCaptured, leadloop.EventCaptured, leadloop.EventAssigned, leadloop.EventQueued, leadloop.EventAlerted,
		leadloop.EventNurtured, leadloop.EventSuppressed, leadloop.EventDisqualified, leadloop.EventArchived, leadloop.EventTierChanged,
		leadloop.EventFirstTouch, leadloop.EventStageChanged, leadloop.EventActivity, leadloop.EventSLAStarted,
		leadloop.EventSLAMet, leadloop.EventSLAMissed, leadloop.EventMerged, leadloop.EventUnmerged, leadloop.EventScored,
		leadloop.EventConverted, leadloop.EventWon, leadloop.EventLost,
	}
	lead := rapid.SampledFrom([]string{"l1", "l2", "l3", "l4", "l5", "l6", "l7", "l8"})
	return rapid.Custom(func(t *rapid.T) journal {
		var j journal
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			kind := rapid.SampledFrom(kinds).Draw(t, "kind")
			at := day.Add(time.Duration(rapid.IntRange(0, 240).Draw(t, "hour")) * time.Hour)
			j.add(kind, leadloop.LeadID(lead.Draw(t, "lead")), at, func(e *leadloop.Event) {
				switch kind {
				case leadloop.EventMerged, leadloop.EventUnmerged:
					e.To = lead.Draw(t, "other")
				case leadloop.EventActivity:
					e.To = rapid.SampledFrom([]string{"reply", "meeting", "page_view"}).Draw(t, "activity")
				case leadloop.EventStageChanged:
					e.To = rapid.SampledFrom([]string{"sal", "mql", "sql"}).Draw(t, "stage")
				case leadloop.EventTierChanged:
					e.To = rapid.SampledFrom([]string{"A", "B"}).Draw(t, "tier")
				case leadloop.EventConverted, leadloop.EventWon, leadloop.EventLost:
					e.To = rapid.SampledFrom([]string{"o0", "o1", "p"}).Draw(t, "deal")
					attr("amount", rapid.SampledFrom([]string{"", "7", "much"}).Draw(t, "amount"), "owner", rapid.SampledFrom([]string{"", "ana"}).Draw(t, "owner"), "untimed", rapid.SampledFrom([]string{"", "", "no_end"}).Draw(t, "untimed"))(e)
				case leadloop.EventAssigned:
					reps := rapid.SampledFrom([]string{"", "ana", "ben"})
					e.From, e.To = reps.Draw(t, "from"), reps.Draw(t, "to")
					e.Actor = rapid.SampledFrom([]string{"stage:route", "mia"}).Draw(t, "actor")
					attr("tier", rapid.SampledFrom([]string{"A", "B", ""}).Draw(t, "tier"), "product", "never this",
						"points", rapid.SampledFrom([]string{"", "20", "45.5", "70", "many"}).Draw(t, "points"), "owed", rapid.SampledFrom([]string{"", "0.33", "1.20", "-0.50"}).Draw(t, "owed"))(e)
				case leadloop.EventQueued:
					e.Reason = rapid.SampledFrom([]string{"", "entry:x", "nobody"}).Draw(t, "reason")
				default:
					attr("product", rapid.SampledFrom([]string{"", "box", "bag"}).Draw(t, "product"), "tier", rapid.SampledFrom([]string{"A", "B", ""}).Draw(t, "tier"), "source", rapid.SampledFrom([]string{"web", "list", ""}).Draw(t, "source"))(e)
				}
			})
		}
		return j
	})
}

func TestEveryFigureAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := report(anyJournal().Draw(t, "journal"), day.AddDate(0, 0, 20))
		l := r.Leads
		if sum := l.Assigned + l.Queued + l.Nurtured + l.Alerted + l.Suppressed + l.Disqualified + l.Archived + l.Undecided; sum != l.Captured {
			t.Fatalf("the places hold %d of %d leads", sum, l.Captured)
		}
		for name, b := range map[string]tracking.Breakdown{"sal": r.SALRate, "leakage": r.Leakage, "contact": r.ContactRate} {
			for _, part := range [][]tracking.Rate{b.Source, b.Tier} {
				sum := tracking.Rate{Group: tracking.All}
				for _, x := range part {
					sum.Hits, sum.Of = sum.Hits+x.Hits, sum.Of+x.Of
				}
				if sum != b.All || sum.Hits > sum.Of {
					t.Fatalf("%s: parts sum to %+v of %+v", name, sum, b.All)
				}
			}
		}
		for _, part := range [][]tracking.Amount{r.PipelinePerLead.Source, r.PipelinePerLead.Tier} {
			leads := 0
			for _, x := range part {
				leads += x.Leads
			}
			if leads != l.Captured {
				t.Fatalf("the groups hold %d of %d leads", leads, l.Captured)
			}
		}
	})
}

func TestCollectReadsJournalAndOpportunities(t *testing.T) {
	st := memstore.New()
	j := week()
	err := st.Update(ctx, func(tx store.Tx) error {
		var problems []error
		for _, o := range deals {
			problems = append(problems, tx.CRM().PutOpportunity(ctx, o))
		}
		return errors.Join(append(problems, tx.Journal().Append(ctx, j...))...)
	})
	if err != nil {
		t.Fatal(err)
	}
	asOf := day.AddDate(0, 0, 7)
	got, err := tracking.Collect(ctx, st, asOf, tracking.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report(j, asOf, deals...), got); diff != "" {
		t.Error(diff)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := tracking.Collect(ctx, st, asOf, tracking.Options{}); !errors.Is(err, leadloop.ErrUnavailable) {
		t.Errorf("a closed store gives %v", err)
	}
}

func TestAnEmptyReportIsWholeAndSaysThatThereIsTooLittle(t *testing.T) {
	r := report(nil, day)
	var b bytes.Buffer
	if err := r.Text(&b); err != nil || bytes.Count(b.Bytes(), []byte("too few to say")) < 5 {
		t.Errorf("%v\n%s", err, &b)
	}
	js, err := json.Marshal(r)
	if err != nil || bytes.Contains(js, []byte(`"source":null`)) || bytes.Contains(js, []byte(`"speed_to_lead":null`)) {
		t.Errorf("%v\n%s", err, js)
	}
	keys := map[string]json.RawMessage{}
	if err := json.Unmarshal(js, &keys); err != nil {
		t.Fatal(err)
	}
	want := []string{"as_of", "contact_rate", "leads", "leakage", "pipeline_per_lead", "routing", "sal_rate", "sla", "speed_to_lead"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(keys))); diff != "" {
		t.Error(diff)
	}
}

func TestANameFromAJournalCannotBreakTheTable(t *testing.T) {
	var j journal
	j.captured("x", "we\tb\nsite", clock(9, 0))
	j.assigned("x", "A", clock(9, 0))
	var b bytes.Buffer
	if err := report(j, day.AddDate(0, 0, 7)).Text(&b); err != nil || !bytes.Contains(b.Bytes(), []byte("source we?b?site")) {
		t.Errorf("%v\n%s", err, &b)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestTextReturnsTheWritersError(t *testing.T) {
	if err := report(week(), day).Text(full{}); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
}

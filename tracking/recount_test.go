package tracking_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/tracking"
)

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

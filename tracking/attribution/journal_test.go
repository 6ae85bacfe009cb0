package attribution_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/tracking/attribution"
)

// told is a small journal: two records that are one lead, and one that was lost.
func toldJournal() []leadloop.Event {
	at := func(d int) time.Time { return day0.AddDate(0, 0, d) }
	from := func(source, medium string) map[string]string {
		return map[string]string{"source": source, "medium": medium}
	}
	list := []leadloop.Event{
		{Kind: leadloop.EventCaptured, Lead: "a", At: at(0), Attrs: from("google", "cpc")},
		{Kind: leadloop.EventActivity, Lead: "a", At: at(1), To: "page_view"},
		{Kind: leadloop.EventActivity, Lead: "a", At: at(2), To: "webinar", Attrs: from("webinar", "")},
		{Kind: leadloop.EventSubmission, Lead: "a", At: at(3), Attrs: from("partner", "referral")},
		{Kind: leadloop.EventCaptured, Lead: "b", At: at(4), Attrs: from("bing", "cpc")},
		{Kind: leadloop.EventMerged, Lead: "b", At: at(4), To: "a"},
		{Kind: leadloop.EventConverted, Lead: "a", At: at(5), To: "o1", Attrs: map[string]string{"amount": "7000000"}},
		{Kind: leadloop.EventSubmission, Lead: "a", At: at(6), Attrs: from("newsletter", "email")},
		{Kind: leadloop.EventWon, Lead: "a", At: at(8), To: "o1", Attrs: map[string]string{"amount": "9000000"}},
		{Kind: leadloop.EventWon, Lead: "a", At: at(9), To: "o2", Attrs: map[string]string{"amount": "1000000"}},
		{Kind: leadloop.EventCaptured, Lead: "c", At: at(1), Attrs: from("google", "organic")},
		{Kind: leadloop.EventScored, Lead: "d", At: at(1)},
		{Kind: leadloop.EventWon, Lead: "c", At: at(60), To: "o3"},
	}
	for i := range list {
		list[i].Seq = int64(i + 1)
	}
	return list
}

func TestJourneysAreReadFromTheJournalInAnyOrder(t *testing.T) {
	at := func(d int) time.Time { return day0.AddDate(0, 0, d) }
	want := []attribution.Journey{
		{Touches: []attribution.Touch{
			{At: at(0), Channel: "google / cpc", Milestone: attribution.LeadCreated},
			{At: at(2), Channel: "webinar / -"},
			{At: at(3), Channel: "partner / referral"},
			{At: at(4), Channel: "bing / cpc", Milestone: attribution.OpportunityCreated},
			{At: at(6), Channel: "newsletter / email"},
		}, ConvertedAt: at(8), Conversions: 1, Value: 10_000_000},
		{Touches: []attribution.Touch{{At: at(1), Channel: "google / organic", Milestone: attribution.LeadCreated}}, Lost: 1},
	}
	rapid.Check(t, func(rt *rapid.T) {
		j := rapid.Permutation(toldJournal()).Draw(rt, "order")
		if diff := cmp.Diff(want, attribution.Journeys(j, []string{"source", "medium"}, leadloop.EventWon, at(30))); diff != "" {
			rt.Fatal(diff)
		}
	})
	l := ledger(t, attribution.Options{}, attribution.Journeys(toldJournal(), []string{"source"}, leadloop.EventConverted, at(30))...)
	for _, m := range attribution.Models() {
		addsUp(t, l, m)
	}
	r, err := l.Result(context.Background(), attribution.Last)
	if err != nil || r.Credits[0].Channel != "bing" || r.Total.Value != 7_000_000 {
		t.Errorf("%+v, %v", r, err)
	}
}

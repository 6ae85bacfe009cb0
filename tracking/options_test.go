package tracking_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/tracking"
)

func TestOptionsThatMakeNoSenseAreRefusedTogether(t *testing.T) {
	_, err := tracking.New(day, tracking.Options{LeakAfter: -1, GroupBy: [][]string{{}, {"Region!"}, {"source", "source"}}})
	if !errors.Is(err, leadloop.ErrInvalid) || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("error %v", err)
	}
}

func TestAFigureThatWasNotDeclaredIsAnError(t *testing.T) {
	live := tracker(t, day, tracking.Options{GroupBy: [][]string{{"source", "tier"}}})
	if _, err := live.Table("tier", "source"); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("another order gives %v", err)
	}
	if _, err := live.Figures([]string{"source", "tier"}, "web"); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("one value for two dimensions gives %v", err)
	}
	if f, err := live.Figures([]string{"source", "tier"}, "web", tracking.None); err != nil || f.Leads != 0 {
		t.Errorf("a group that nobody is in gives %+v, %v", f, err)
	}
	other := tracker(t, day, tracking.Options{})
	if err := live.Merge(other); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("trackers of other options add: %v", err)
	}
}

func TestIntervalsAreThoseOfWilson(t *testing.T) {
	// From the worked examples in Newcombe, Statistics in Medicine 17 (1998),
	// table I, method 3.
	for _, tc := range []struct {
		hits, of  int
		low, high float64
	}{
		{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718},
	} {
		low, high := rate("", tc.hits, tc.of).Interval()
		if math.Abs(low-tc.low) > 5e-5 || math.Abs(high-tc.high) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", tc.hits, tc.of, low, high, tc.low, tc.high)
		}
	}
}

func TestWeeksAreThoseOfISO(t *testing.T) {
	for at, want := range map[string]string{"2027-01-03T23:59:59Z": "2026-W53", "2027-01-04T00:00:00Z": "2027-W01", "2024-12-30T00:00:00+01:00": "2024-W52"} {
		m, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := tracking.Week(m); got != want {
			t.Errorf("%s is in %s, want %s", at, got, want)
		}
	}
}

func TestWhatAPersonGaveToAnotherOwnerIsAnOverride(t *testing.T) {
	var j journal
	for i, by := range []string{"stage:route", "rule:vip", "mia", "mia", "mia", "stage:route"} {
		id := leadloop.LeadID(string(rune('a' + i)))
		j.captured(id, "web", clock(9, 0))
		j.assigned(id, "A", clock(9, 0))
		j.add(leadloop.EventAssigned, id, clock(10, 0), actor(by), func(e *leadloop.Event) { e.From, e.To = "ana", "ben" })
	}
	live := tracker(t, day.AddDate(0, 0, 1), tracking.Options{})
	for _, e := range j {
		live.Add(e)
	}
	f, err := live.Figures(nil)
	if err != nil || f.Overridden != rate(tracking.All, 3, 6) {
		t.Errorf("%+v, %v", f.Overridden, err)
	}
}

func TestSumsOfAmountsNeitherTurnNegativeNorForget(t *testing.T) {
	live := tracker(t, day.AddDate(0, 0, 1), tracking.Options{})
	var j journal
	j.captured("a", "web", day)
	live.Add(j[0])
	huge := leadloop.Opportunity{ID: "1", Lead: "a", Status: leadloop.OpportunityOpen, Amount: math.MaxInt64, CreatedAt: day}
	live.AddOpportunity(huge)
	huge.ID = "2"
	live.AddOpportunity(huge)
	f, err := live.Figures(nil)
	if err != nil || f.Deals.OpenAmount != math.MaxInt64 {
		t.Errorf("%+v, %v", f.Deals, err)
	}
	huge.Amount = 5
	live.AddOpportunity(huge)
	huge.ID, huge.Amount = "1", -7
	live.AddOpportunity(huge)
	if f, err = live.Figures(nil); err != nil || f.Deals.OpenAmount != -2 {
		t.Errorf("%+v, %v", f.Deals, err)
	}
}

package playbook_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
)

// crowded are leads of one kind, one an hour, that are all for the same rep.
func crowded(n int) iter.Seq2[playbook.CompareLead, error] {
	return func(yield func(playbook.CompareLead, error) bool) {
		e := leadloop.Evidence{Origin: leadloop.OriginPerson, ObservedAt: noon}
		for i := range n {
			at := noon.Add(time.Duration(i) * time.Hour)
			l := &leadloop.Lead{ID: leadloop.LeadID(fmt.Sprintf("l%05d", i)), ReceivedAt: at, Claims: []leadloop.Claim{
				leadloop.Employees.Claim(900, e), leadloop.Seniority.Claim("vp", e), leadloop.Domain.Claim(fmt.Sprintf("c%d.test", i/3), e),
			}}
			if !yield(playbook.CompareLead{Lead: l, Touched: []time.Time{at.Add(30 * time.Minute)}}, nil) {
				return
			}
		}
	}
}

const fullRouting = `
reps: [{id: ana}, {id: cem, max_open: 10}]
pools: [{id: top, members: [cem]}]
queues: [{id: inbox}]
chain: [{id: hot, when: 'tier == "A"', target: {pool: top}}]
final: inbox
`

func compareAt(t *testing.T, before, after *playbook.Playbook, leads iter.Seq2[playbook.CompareLead, error], o playbook.CompareOptions) *playbook.Comparison {
	t.Helper()
	c, err := playbook.Compare(t.Context(), before, after, leads, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhoIsFullByThenGetsNoMore(t *testing.T) {
	before := compared(t, map[string]string{"routing.yaml": strings.Replace(fullRouting, ", max_open: 10", "", 1)})
	after := compared(t, map[string]string{"routing.yaml": fullRouting})
	o := playbook.CompareOptions{AsOf: noon.Add(1000 * time.Hour)}
	c := compareAt(t, before, after, crowded(100), o)
	want := []playbook.PlaceShift{{Kind: "assigned", Place: "top", Before: 100, After: 10}, {Kind: "queued", Place: "inbox", Before: 0, After: 90}}
	if diff := cmp.Diff(want, c.Places); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if c.RouteChanged != 90 || c.TierChanged != 0 || len(c.Moved) != 20 || c.Moved[0].Because != "" {
		t.Errorf("%d go elsewhere, %d moved", c.RouteChanged, len(c.Moved))
	}
	// A lead that is done with after six hours leaves room for another one.
	o.Routing.Open = 6 * time.Hour
	if c = compareAt(t, before, after, crowded(100), o); c.RouteChanged != 0 {
		t.Errorf("%d go elsewhere although nobody is ever full", c.RouteChanged)
	}
	// Nor is anybody who is taken to be idle.
	o.Routing.Open, o.Idle = 0, true
	if c = compareAt(t, before, after, crowded(100), o); c.RouteChanged != 0 || c.SimulatedAfter != nil {
		t.Errorf("%d go elsewhere although everybody is idle", c.RouteChanged)
	}
}

func TestResponseTimesAreMetBeforeAndAfter(t *testing.T) {
	sla := func(target string) map[string]string {
		return map[string]string{"sla.yaml": "policies: [{id: hot, tier: A, target: " + target + ", escalate: [{notify: \"rep:ana\"}]}]\n"}
	}
	c := compareAt(t, compared(t, sla("1h")), compared(t, sla("15m")), crowded(50), playbook.CompareOptions{AsOf: noon.Add(1000 * time.Hour)})
	if diff := cmp.Diff([]playbook.Shift{{Name: "hot", Before: 50, After: 50}}, c.Clocks); diff != "" {
		t.Error(diff)
	}
	got := []routing.Attainment{c.SimulatedBefore.SLA, c.SimulatedAfter.SLA}
	if diff := cmp.Diff([]routing.Attainment{{Due: 50, Met: 50}, {Due: 50, Missed: 50}}, got); diff != "" {
		t.Errorf("touched after half an hour (-want +got):\n%s", diff)
	}
}

func TestLeadsOutOfOrderAreRefusedOrHeldUntilAllHaveCome(t *testing.T) {
	before, after := compared(t, map[string]string{"routing.yaml": fullRouting}), compared(t, map[string]string{
		"routing.yaml": strings.Replace(fullRouting, "max_open: 10", "max_open: 20", 1),
	})
	o := playbook.CompareOptions{AsOf: noon.Add(1000 * time.Hour)}
	want := compareAt(t, before, after, crowded(300), o)
	var list []playbook.CompareLead
	for l, err := range crowded(300) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, l)
	}
	slices.Reverse(list)
	reversed := func(yield func(playbook.CompareLead, error) bool) {
		for _, l := range list {
			if !yield(l, nil) {
				return
			}
		}
	}
	if _, err := playbook.Compare(t.Context(), before, after, reversed, o); !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), "sort them") {
		t.Errorf("out of order: %v", err)
	}
	o.Unordered = true
	if diff := cmp.Diff(want, compareAt(t, before, after, reversed, o)); diff != "" {
		t.Errorf("in order (-) and out of order (+):\n%s", diff)
	}
	twice := func(yield func(playbook.CompareLead, error) bool) {
		for _, l := range []playbook.CompareLead{list[0], list[0]} {
			if !yield(l, nil) {
				return
			}
		}
	}
	if _, err := playbook.Compare(t.Context(), before, after, twice, o); !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), "two leads l00299") {
		t.Errorf("twice: %v", err)
	}
}

func TestAnErrorOfTheLeadsEndsTheComparison(t *testing.T) {
	pb, broken := compared(t, nil), errors.New("the disk is gone")
	for _, after := range []int{0, 1, 5000} {
		leads := func(yield func(playbook.CompareLead, error) bool) {
			for l, err := range crowded(after) {
				if !yield(l, err) {
					return
				}
			}
			yield(playbook.CompareLead{}, broken)
		}
		if _, err := playbook.Compare(t.Context(), pb, pb, leads, playbook.CompareOptions{AsOf: noon.Add(10_000 * time.Hour)}); !errors.Is(err, broken) {
			t.Errorf("after %d leads: %v", after, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	o := playbook.CompareOptions{AsOf: noon.Add(100_000 * time.Hour), Progress: func(int) { cancel() }}
	if _, err := playbook.Compare(ctx, pb, pb, crowded(50_000), o); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

const buying = `
providers:
  - {name: cheap, type: host, needs: [company.domain], fields: [company.revenue], price: 0.10, charge: call}
  - {name: dear, type: host, needs: [company.domain], fields: [company.founded], price: 1, match_rate: 0.25, charge: match}
`

func TestARuleThatReadsMoreCostsMore(t *testing.T) {
	rich := strings.Replace(compareScoring, "  - {id: vp,", "  - {id: rich, when: \"company.revenue > 1000000\", points: 30}\n  - {id: vp,", 1)
	young := strings.Replace(rich, "  - {id: vp,", "  - {id: young, when: \"company.founded > 2010\", points: -60}\n  - {id: vp,", 1)
	before := compared(t, map[string]string{"scoring.yaml": rich, "enrich.yaml": buying})
	after := compared(t, map[string]string{"scoring.yaml": young, "enrich.yaml": buying})
	o := playbook.CompareOptions{AsOf: noon.Add(100_000 * time.Hour)}
	c := compareAt(t, before, after, crowded(300), o)
	// 900 employees and a vp are an A whatever the revenue is, and nobody asks; of
	// each of the hundred companies the year could make it a C, and then the
	// revenue a B again.
	want := &playbook.EnrichShift{
		OneIn:  1,
		Before: playbook.EnrichCost{Currency: "USD"},
		After:  playbook.EnrichCost{Currency: "USD", Leads: 300, Calls: 200, Cost: 35_000_000, Low: 10_000_000, High: 110_000_000},
		Providers: []playbook.ProviderShift{
			{Provider: "cheap", CallsAfter: 100, CostAfter: 10_000_000}, {Provider: "dear", CallsAfter: 100, CostAfter: 25_000_000},
		},
	}
	if diff := cmp.Diff(want, c.Enrichment); diff != "" {
		t.Errorf("enrichment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"company.founded"}, c.ReadsMore); diff != "" {
		t.Error(diff)
	}
	// Of many leads the companies of some are drawn, and their figure is close.
	o.EnrichSample = 200
	e := compareAt(t, before, after, crowded(3000), o).Enrichment
	if e.OneIn < 8 || e.After.Margin == 0 {
		t.Fatalf("%+v", e)
	}
	if off := math.Abs(float64(e.After.Cost - 350_000_000)); off > 2*float64(e.After.Margin) {
		t.Errorf("the drawn companies say %d ± %d, all of them 350,000,000", e.After.Cost, e.After.Margin)
	}
	o.EnrichSample = -1
	if c := compareAt(t, before, after, crowded(30), o); c.Enrichment != nil {
		t.Error("nobody asked what it costs")
	}
}

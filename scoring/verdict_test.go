package scoring

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

func TestWhatAsksForPresenceCountsUntilItIsKnown(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: big, when: "company.employees >= 500", points: 10}
  - {id: there, when: "has(lead.country)", points: 20}
  - {id: not, when: "!has(lead.country)", points: 30}
  - {id: calls, each: call, when: "!has(lead.country)", points: 4, decay: {half_life: 7d}}
  - {id: unreachable, when: "!has(lead.phone)", disqualify: unreachable}
modifiers:
  - {id: abroad, when: "!has(lead.country)", multiply: 0.5, owner: ana, expires: 2027-01-01}
tiers: {A: 30, B: 0}
`)
	e := score(t, m, Input{
		Profile: profile(t, m, func(p *leadloop.Profile) { leadloop.Employees.Set(p, 700) }), Activities: []leadloop.Activity{happened("call", 7*day)},
	})
	want := Explanation{Known: true, Points: points(21), Low: points(21), High: points(30), RangeExact: true, Tier: "B"}
	got := Explanation{Known: e.Known, Points: e.Points, Low: e.Low, High: e.High, RangeExact: e.RangeExact, Tier: e.Tier, Disqualified: e.Disqualified}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, e)
	}
	golden(t, "presence.txt", e.String())
}

func TestAVerdictAllocatesNothing(t *testing.T) {
	m := compile(t, fortyRules("half_life: 14d"))
	in := Input{Profile: profile(t, m, func(p *leadloop.Profile) { leadloop.Employees.Set(p, 700) }), AsOf: asOf}
	for i := range 20 {
		in.Activities = append(in.Activities, happened(fmt.Sprintf("type%d", i%8), time.Duration(i)*day))
	}
	n := testing.AllocsPerRun(200, func() {
		if _, err := m.Verdict(context.Background(), in); err != nil {
			t.Fatal(err)
		}
	})
	// A collection empties the pool of runs now and then, and the race detector
	// drops some on purpose.
	if n > 0 && !raced {
		t.Errorf("%v allocations", n)
	}
}

func TestActivitiesMayBeThoseOfTheProfile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		in := anyInput(t, m)
		want := mustScore(t, m, in)
		in.Profile = in.Profile.Clone()
		in.Profile.SetActivities(in.Activities)
		in.Activities = nil
		if diff := cmp.Diff(want, mustScore(t, m, in)); diff != "" {
			t.Fatalf("with the activities of the profile (-beside it +in it):\n%s", diff)
		}
	})
}

func TestVerdictAndScoreSayWhatTheExplanationSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		if rapid.Bool().Draw(t, "enumerable") {
			m = anyEnumerableModel(t)
		}
		in := anyInput(t, m)
		e := mustScore(t, m, in)
		verdict, err := m.Verdict(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Verdict{e.Known, e.Points, e.Tier, e.Held, e.Disqualified, e.DisqualifiedBy}, verdict); diff != "" {
			t.Fatalf("verdict (-explanation +verdict):\n%s\n%s", diff, e)
		}
		score, err := m.Score(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e.Score(), score); diff != "" {
			t.Fatalf("score (-explanation +score):\n%s\n%s", diff, e)
		}
		// What the explanation shows step by step comes to the same.
		sums := map[string]leadloop.Points{}
		for _, c := range e.Contributions {
			sums[c.Group] += c.Points
		}
		for _, g := range e.Groups {
			if sums[g.Group] != g.Sum {
				t.Fatalf("group %s: rules give %s, the group says %s:\n%s", g.Group, sums[g.Group], g.Sum, e)
			}
		}
	})
}

package scoring

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
)

func TestValidUntilIsTheExactInstant(t *testing.T) {
	head := "model: m\nversion: 1\nrules: [{id: r, %s}]\ntiers: {A: 30, B: 0, hysteresis: 3}\n"
	for _, tt := range []struct {
		name, rule, previous string
		activities           []leadloop.Activity
		want                 time.Duration // after asOf; 0: never
	}{
		{"nothing that time can change", "each: x, points: 40", "", []leadloop.Activity{happened("x", day)}, 0},
		{"a window ends", "each: x, points: 40, decay: {window: 7d}", "", []leadloop.Activity{happened("x", day)}, 6 * day},
		{"the earlier of two windows", "each: x, points: 40, decay: {window: 7d}", "", []leadloop.Activity{happened("x", day), happened("x", 5*day)}, 2 * day},
		{"a window that ended is over", "each: x, points: 40, decay: {window: 7d}", "", []leadloop.Activity{happened("x", 7*day)}, 0},
		{"a window of the future", "each: x, points: 40, decay: {window: 7d}", "", []leadloop.Activity{happened("x", -day)}, 8 * day},
		{"the next step", "each: x, points: 40, decay: {steps: [{after: 3d, factor: 0.5}, {after: 9d, factor: 0.25}]}", "", []leadloop.Activity{happened("x", 4*day)}, 5 * day},
		{"a count that falls", `when: 'count("x", "7d") >= 1', points: 40`, "", []leadloop.Activity{happened("x", day)}, 6 * day},
		{"a half-life crosses the edge less the hysteresis", "each: x, points: 54, decay: {half_life: 14d}", "A", []leadloop.Activity{happened("x", 0)}, 14*day + 0},
		{"a line crosses the edge less the hysteresis", "each: x, points: 54, decay: {linear: 100d}", "", []leadloop.Activity{happened("x", 0)}, 50 * day},
		{"points that fade within a tier never change it", "each: x, points: 20, decay: {half_life: 14d}", "", []leadloop.Activity{happened("x", 0)}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := compile(t, fmt.Sprintf(head, tt.rule))
			in := Input{Profile: profile(t, m, nil), Activities: tt.activities, PreviousTier: tt.previous}
			e := score(t, m, in)
			var got time.Duration
			if !e.ValidUntil.IsZero() {
				got = e.ValidUntil.Sub(asOf)
			}
			// A thousandth of a point is minutes of a fading line, and points
			// are rounded to it: the crossing is within that of the ideal one.
			if off := (got - tt.want).Abs(); off > 0 && (!strings.Contains(tt.rule, "half_life") && !strings.Contains(tt.rule, "linear") || off > 5*time.Minute) {
				t.Fatalf("valid for %s, want %s", got, tt.want)
			}
			if e.ValidUntil.IsZero() {
				return
			}
			in.AsOf, in.PreviousTier = e.ValidUntil, e.Tier
			if after := score(t, m, in); after.Points == e.Points && after.Tier == e.Tier {
				t.Errorf("at %s nothing changed", e.ValidUntil)
			} else if len(m.rules) == 1 && m.rules[0].decay.continuous() && after.Tier == e.Tier {
				t.Errorf("at %s the tier is still %s", e.ValidUntil, e.Tier)
			}
		})
	}
}

func TestPointsThatDipAndReturnAreSeen(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: short, each: visit, points: 30, decay: {linear: 5d}}
  - {id: long, each: complaint, points: -20, decay: {linear: 20d}}
tiers: {A: 0, B: -100}
`)
	e := score(t, m, Input{Profile: profile(t, m, nil), Activities: []leadloop.Activity{happened("visit", 0), happened("complaint", 0)}})
	// 30·(1-t/5) falls below 20·(1-t/20) after two days; later both are 0.
	if off := e.ValidUntil.Sub(asOf.Add(2 * day)).Abs(); e.Tier != "A" || off > time.Minute {
		t.Errorf("tier %s until %s, want A for two days", e.Tier, e.ValidUntil)
	}
}

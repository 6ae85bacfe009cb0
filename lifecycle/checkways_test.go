package lifecycle_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/lifecycle"
)

// schemaOf is the standard schema with the answers of a definition.
func schemaOf(t testing.TB, d lifecycle.Definition) *leadloop.Schema {
	t.Helper()
	var own []leadloop.AnyField
	for _, f := range d.Fields() {
		own = append(own, f)
	}
	s, err := leadloop.NewSchema(own...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func TestCriteriaThatExcludeEachOtherAreFoundWithTheirPlace(t *testing.T) {
	const head = "initial: a\nstages:\n"
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"an exit and an enter criterion": {
			head + "  - {id: a, exit: [{id: low, when: \"score < 20.0\"}], to: [{stage: b}]}\n  - {id: b, enter: [{id: high, when: \"score >= 20.0\"}], final: true}\n",
			[]string{`lifecycle.yaml:4:39: stage a: the way to b can never be taken: "low" (exit of a) and "high" (enter of b) exclude each other`},
		},
		"a criterion that never holds": {
			head + "  - {id: a, to: [{stage: b}]}\n  - {id: b, enter: [{id: both, when: 'tier == \"A\" && tier == \"B\"'}], final: true}\n",
			[]string{`lifecycle.yaml:4:39: stage a: the way to b can never be taken: "both" (enter of b) never holds`},
		},
		"a tier that there is not": {
			head + "  - {id: a, to: [{stage: b, when: 'tier == \"AA\"'}]}\n  - {id: b, final: true}\n",
			[]string{`lifecycle.yaml:3:36: stage a: the way to b can never be taken: its when never holds`},
		},
		"a stage that the lead is not in": {
			head + "  - {id: a, to: [{stage: b, when: 'stage == \"b\"'}]}\n  - {id: b, final: true}\n",
			[]string{`lifecycle.yaml:3:36: stage a: the way to b can never be taken: its when never holds`},
		},
		"three that only exclude each other together": {
			head + "  - {id: a, exit: [{id: x, when: 'lead.country == \"US\" || score > 5.0'}, {id: y, when: 'lead.country != \"US\"'}], to: [{stage: b, when: 'score < 1.0'}]}\n  - {id: b, final: true}\n",
			[]string{`lifecycle.yaml:3:119: stage a: the way to b can never be taken: "x" (exit of a), "y" (exit of a), its when exclude each other`},
		},
		"what activities could change is not judged": {
			head + "  - {id: a, to: [{stage: b, when: 'seen(\"demo\") && score < 1.0'}]}\n  - {id: b, enter: [{id: high, when: \"score > 2.0\"}], final: true}\n", nil,
		},
		"fields that do not exclude each other": {
			head + "  - {id: a, exit: [{id: x, when: 'score > 5.0'}], to: [{stage: b, when: 'lead.country == \"US\"'}]}\n  - {id: b, enter: [{id: y, when: 'score < 6.0 && lead.country in [\"US\", \"CA\"]'}], final: true}\n", nil,
		},
		"a clock whose when never holds": {
			head + "  - {id: a, to: [{stage: b}]}\n  - {id: b, final: true}\nclocks:\n  - {id: k, since: stage, after: 1d, when: \"unanswered < 0\", do: {flag: true}}\n",
			[]string{`lifecycle.yaml:6:45: clock k: its when never holds`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := lifecycle.New(parse(t, tc.text), leadloop.StandardSchema(), lifecycle.Options{Tiers: []string{"A", "B"}})
			if diff := cmp.Diff(tc.want, lines(err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCirclesInWhichNoTimePassesAreWarnedOf(t *testing.T) {
	circle := func(there, back string) string {
		return "initial: a\nstages:\n  - {id: a, to: [{stage: b, auto: true, when: '" + there + "'}]}\n  - {id: b, to: [{stage: c, auto: true, when: 'true'}]}\n  - {id: c, to: [{stage: a, auto: true, when: '" + back + "'}]}\n"
	}
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"a lead can be in": {
			circle("score > 1.0", "score > 2.0"),
			[]string{"lifecycle.yaml:3:5: warning: stage a: leads can go from a to b to c to a without any time passing (give one of them a when that the others exclude, or let a clock take it)"},
		},
		"a lead might be in": {
			circle("score > 1.0", `seen("demo")`),
			[]string{"lifecycle.yaml:3:5: warning: stage a: leads might go from a to b to c to a without any time passing (give one of them a when that the others exclude, or let a clock take it)"},
		},
		"no lead can be in": {circle("score > 2.0", "score < 1.0"), nil},
		"people close":      {strings.Replace(circle("score > 1.0", "score > 2.0"), "{stage: a, auto: true", "{stage: a", 1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range compile(t, parse(t, tc.text)).Warnings() {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if w := compile(t, lifecycle.Default()).Warnings(); len(w) > 0 {
		t.Errorf("the default definition: %v", w)
	}
}

func TestEveryProblemOfTheNewPartsIsReportedWithItsPlace(t *testing.T) {
	d := parse(t, `initial: a
accepted: b
stages:
  - id: a
    needs: [bnt]
    to:
      - {stage: b, by: [ownr], reasons: [yes]}
      - {stage: c, auto: true, by: [owner], when: "score > 1.0"}
  - {id: b, to: [{stage: c, by: [rule]}]}
  - {id: c, final: true, reasons: [won]}
  - {id: d, follows: disqualified, reasons: [spam], to: [{stage: a}]}
initial_status: new
statuses: [{id: new}]
qualification:
  - {use: bannt}
  - {id: own, at_least: 3, questions: [{id: q, ask: "How?", kind: txt}, {id: r, ask: "What?", field: lead.email, kind: int}]}
  - {id: empty}
acceptance:
  reject: [{reason: x, to: c}, {reason: x}, {reason: y, to: b, recycle: true}]
  no_answer: [{after: 2h, notify: everybody}, {after: 1h}]
  calendar: offce
conversion: {stage: a, won: d, lost: c}
clocks:
  - {id: one, since: statuss, after: 1d, do: {flag: true}}
  - {id: two, since: stage, do: {archive: x, recycle: true}}
  - {id: three, since: activity, after: 1d, stages: [x], statuses: [y], do: {disqualify: rude}}
  - {id: four, since: touch, after: 1d, activities: [call], do: {reengage: hello}}
  - {id: five, since: touch, after: 1d, calendar: office, do: {notify: ""}}
`)
	_, err := lifecycle.New(d, schemaOf(t, d), lifecycle.Options{Calendars: []string{"office"}})
	want := []string{
		`lifecycle.yaml:4:5: stage a: needs: there is no framework "bnt" (known: own, empty)`,
		`lifecycle.yaml:7:9: stage a: way to b: by: there is no role "ownr" (did you mean "owner"?)`,
		`lifecycle.yaml:7:9: stage a: way to b: leads are accepted by it, so its reasons must have "accepted"`,
		`lifecycle.yaml:8:9: stage a: way to c: it is automatic, and the loop may not take it (add rule to by, or take auto out)`,
		`lifecycle.yaml:9:18: stage b: way to c: only the loop may take it, and it is not automatic (make it auto)`,
		`lifecycle.yaml:15:5: qualification: there is no ready-made framework "bannt" (did you mean "bant"?)`,
		`lifecycle.yaml:16:5: framework own: at_least: expected 0 (all) to 2, found 3`,
		`lifecycle.yaml:16:40: framework own: question q: unknown kind "txt" (kinds: string, int, double, bool, timestamp, list(string))`,
		`lifecycle.yaml:16:73: framework own: question r: the field lead.email is of kind string, not int`,
		`lifecycle.yaml:17:5: framework empty: it asks nothing (write questions, or use: bant)`,
		`lifecycle.yaml:19:3: acceptance: there is no calendar "offce" (did you mean "office"?)`,
		`lifecycle.yaml:19:12: acceptance: reject x: there is no reason of stage c "x" (known: won)`,
		`lifecycle.yaml:19:32: acceptance: reject x: the reason stands here twice`,
		`lifecycle.yaml:19:45: acceptance: reject y: it goes to a stage or is recycled, not both`,
		`lifecycle.yaml:20:15: acceptance: no_answer: notify: there is no addressee "everybody"`,
		`lifecycle.yaml:20:47: acceptance: no_answer: after: it comes no later than the step before`,
		`lifecycle.yaml:20:47: acceptance: no_answer: it does nothing (notify, reroute)`,
		`lifecycle.yaml:22:13: conversion: won: no way leads from a to d`,
		`lifecycle.yaml:24:5: clock one: since: there is no start "statuss" (did you mean "status"?)`,
		`lifecycle.yaml:25:5: clock two: it runs out as soon as it starts (give it an after)`,
		`lifecycle.yaml:25:33: clock two: it does one of archive, recycle, not all`,
		`lifecycle.yaml:25:33: clock two: archive: there is no stage for it (add a stage that follows archived)`,
		`lifecycle.yaml:26:5: clock three: since activity, of which activities there are none`,
		`lifecycle.yaml:26:5: clock three: stages: there is no stage "x"`,
		`lifecycle.yaml:26:5: clock three: statuses: there is no status "y"`,
		`lifecycle.yaml:26:77: clock three: disqualify: there is no reason of stage d "rude" (known: spam)`,
		`lifecycle.yaml:27:5: clock four: activities are for clocks since activity`,
		`lifecycle.yaml:27:65: clock four: reengage: there is no cadence "hello"`,
		`lifecycle.yaml:28:63: clock five: it does nothing (reengage, disqualify, archive, recycle, reroute, flag, notify)`,
	}
	got := lines(err)
	for _, w := range want {
		found := false
		for _, g := range got {
			found = found || strings.HasPrefix(g, w)
		}
		if !found {
			t.Errorf("not reported: %s", w)
		}
	}
	if t.Failed() || len(got) != len(want) {
		t.Errorf("%d problems, expected %d:\n%v", len(got), len(want), err)
	}
}

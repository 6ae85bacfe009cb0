package schema_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
)

func TestCommonMistakesAreRefused(t *testing.T) {
	for _, c := range []struct {
		mistake, file string
		at            place
		value         any
	}{
		{"a key is misspelt", "scoring", place{"rulez"}, []any{}},
		{"a rule gives neither points nor disqualifies", "scoring", place{"rules", 0, "points"}, gone{}},
		{"a rule disqualifies and gives points", "scoring", place{"rules", 6, "points"}, 5.0},
		{"a rule disqualifies everybody", "scoring", place{"rules", 6, "when"}, gone{}},
		{"a rule names no group where there are some", "scoring", place{"rules", 0, "group"}, gone{}},
		{"rules name a group where there are none", "scoring", place{"groups"}, gone{}},
		{"points fade though nothing has an age", "scoring", place{"rules", 0, "decay"}, map[string]any{"window": "7d"}},
		{"points fade in two ways", "scoring", place{"rules", 5, "decay", "linear"}, "7d"},
		{"a duration has no unit", "scoring", place{"rules", 5, "decay", "window"}, "7"},
		{"a modifier never ends", "scoring", place{"modifiers", 0, "expires"}, gone{}},
		{"a modifier adds and multiplies", "scoring", place{"modifiers", 0, "multiply"}, 2.0},
		{"there are tiers and a grid", "scoring", place{"grid"}, map[string]any{"rows": map[string]any{"group": "fit", "from": []any{0.0}}, "columns": map[string]any{"group": "intent", "from": []any{0.0}}, "cells": []any{[]any{"A"}}}},
		{"a field is of no kind", "scoring", place{"fields", "plan_interest"}, "text"},
		{"the chain has no final queue", "routing", place{"final"}, gone{}},
		{"a target is nobody", "routing", place{"chain", 0, "target"}, map[string]any{}},
		{"a target is two", "routing", place{"chain", 0, "target", "rep"}, "ana"},
		{"skills are asked of a queue", "routing", place{"chain", 8, "target", "skills"}, []any{"x"}},
		{"a list that no lead is in", "routing", place{"chain", 6, "country"}, []any{}},
		{"a pool without members", "routing", place{"pools", 0, "team"}, gone{}},
		{"a weight of nothing", "routing", place{"reps", 0, "weight"}, 0.0},
		{"somebody is told whom there is not", "sla", place{"policies", 0, "escalate", 0, "notify"}, "everybody"},
		{"the owner of a lead that has none is told", "sla", place{"unassigned", "escalate", 0, "notify"}, "owner"},
		{"a step does nothing", "sla", place{"policies", 1, "escalate", 0}, map[string]any{"after": "1h"}},
		{"hours without minutes", "sla", place{"calendars", "office", "hours", "mon-fri"}, []any{"9-17"}},
		{"a day in full", "sla", place{"calendars", "office", "hours", "monday"}, []any{"09:00-17:00"}},
		{"a file without a path", "enrich", place{"providers", 0, "path"}, gone{}},
		{"a file with an address", "enrich", place{"providers", 0, "url"}, "https://example.com"},
		{"a price that is negative", "enrich", place{"providers", 0, "price"}, -1.0},
		{"a confidence in per cent", "enrich", place{"fields", "company.employees", "min_confidence"}, 60.0},
		{"a field that is none", "enrich", place{"providers", 0, "key"}, "domain"},
		{"a kind that is none", "survivorship", place{"fields", "lead.phone", "kind"}, "newest"},
		{"a kind that not every field can have", "survivorship", place{"default"}, "union"},
		{"the first source gets a rule", "survivorship", place{"fields", "lead.source"}, map[string]any{"kind": "oldest"}},
		{"sources where they do not count", "survivorship", place{"fields", "company.employees", "sources"}, []any{"crm"}},
		{"a group of one", "survivorship", place{"groups", 0, "fields"}, []any{"lead.country"}},
		{"a stage without a way out", "lifecycle", place{"stages", 0, "to"}, gone{}},
		{"a way out of the last stage", "lifecycle", place{"stages", 3, "to"}, []any{map[string]any{"stage": "inquiry"}}},
		{"statuses without a first one", "lifecycle", place{"initial_status"}, gone{}},
		{"a reason in prose", "lifecycle", place{"stages", 4, "reasons"}, []any{"No budget"}},
		{"a country in full", "privacy", place{"consent_required_in", 0}, "Germany"},
		{"a case that wants nothing", "cases", place{"cases", 0, "want"}, map[string]any{}},
		{"a case without a name", "cases", place{"cases", 0, "name"}, gone{}},
		{"an activity at two moments", "cases", place{"cases", 0, "activities", 0, "at"}, "2026-11-01"},
		{"an activity at none", "cases", place{"cases", 0, "activities", 0, "ago"}, gone{}},
		{"no times", "cases", place{"cases", 0, "activities", 1, "times"}, 0.0},
		{"a reason of two", "cases", place{"cases", 0, "want", "reasons", 1, "big"}, 20.0},
		{"a lead with a field in a field", "cases", place{"cases", 0, "lead", "company.employees"}, map[string]any{"value": 500.0}},
	} {
		t.Run(c.mistake, func(t *testing.T) {
			d := open(t, c.file)
			doc := put(d.examples()[0], c.at, c.value)
			if d.check(doc) {
				t.Error("the schema takes it")
			}
			if ok, _ := taken(t, c.file, doc); ok {
				t.Error("the package takes it")
			}
		})
	}
}

func TestNumbersAndNamesAreThoseOfThePackages(t *testing.T) {
	var fields []string
	for _, f := range leadloop.StandardSchema().Fields() {
		fields = append(fields, f.Name)
	}
	for _, name := range files() {
		defs, _ := open(t, name)["$defs"].(map[string]any)
		field, ok := defs["field"].(map[string]any)
		if !ok || field["anyOf"] == nil {
			continue // or the host's own are as good
		}
		var got []string
		for _, x := range field["anyOf"].([]any)[0].(map[string]any)["enum"].([]any) {
			got = append(got, x.(string))
		}
		if diff := cmp.Diff(fields, got); diff != "" {
			t.Errorf("%s: standard fields (-package +schema):\n%s", name, diff)
		}
	}
	got := map[string]any{
		"environment": open(t, "scoring")["properties"].(map[string]any)["environment"].(map[string]any)["maximum"],
		"weight":      open(t, "routing")["$defs"].(map[string]any)["rep"].(map[string]any)["properties"].(map[string]any)["weight"].(map[string]any)["maximum"],
		"points":      open(t, "scoring")["$defs"].(map[string]any)["points"].(map[string]any)["maximum"],
	}
	want := map[string]any{"environment": float64(scoring.Environment), "weight": float64(routing.MaxWeight), "points": leadloop.MaxPoints.Float()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("limits (-package +schema):\n%s", diff)
	}
}

var (
	listed = regexp.MustCompile(`^(?:known|kinds|known kinds|known here): (.+)$`)
	aside  = regexp.MustCompile(` \([^)]*\)`)
	spare  = []any{"number", "float", "time", "list"} // other spellings of a kind, which no problem advertises
)

func TestEnumsHaveEveryWordThatThePackageKnows(t *testing.T) {
	for _, name := range files() {
		t.Run(name, func(t *testing.T) {
			d := open(t, name)
			for _, x := range d.examples() {
				for _, p := range places(x)[1:] {
					words, ok := d.at(p)["enum"].([]any)
					if _, text := at(x, p).(string); !ok || !text {
						continue
					}
					for _, w := range words {
						if _, ps := taken(t, name, put(x, p, w)); saysUnknown(ps, w.(string)) {
							t.Errorf("%s: the package does not know %q: %v", p, w, ps)
						}
					}
					_, ps := taken(t, name, put(x, p, probe))
					if len(ps) == 0 {
						t.Errorf("%s: the package takes any text", p)
						continue
					}
					known := hinted(ps[0].Hint)
					words = slices.DeleteFunc(slices.Clone(words), func(w any) bool { return contains(spare, w) })
					for _, k := range known {
						if !contains(words, k) && !saidElsewhere(p, k) {
							t.Errorf("%s: the package knows %q, the schema does not", p, k)
						}
					}
				}
			}
		})
	}
}

func saysUnknown(ps leadloop.Problems, word string) bool {
	return slices.ContainsFunc(ps, func(p leadloop.Problem) bool {
		return strings.Contains(p.Message, fmt.Sprintf("%q", word)) && (strings.Contains(p.Message, "there is no") || strings.Contains(p.Message, "unknown kind"))
	})
}

// hinted are the words that a problem says would do: "known: a, b" or
// "a: what it is; b: what that is".
func hinted(hint string) (words []string) {
	if m := listed.FindStringSubmatch(hint); m != nil {
		return strings.Split(aside.ReplaceAllString(m[1], ""), ", ")
	}
	for part := range strings.SplitSeq(hint, "; ") {
		if w, _, ok := strings.Cut(part, ":"); ok {
			words = append(words, w)
		}
	}
	return words
}

// saidElsewhere holds for the kinds that need text or lists, which the default
// can't be though the problem lists them.
func saidElsewhere(p place, word string) bool {
	return p.String() == "default" && (word == "longest" || word == "union")
}

// at is the schema of a place, with what it refers to.
func (d document) at(p place) map[string]any {
	s := map[string]any(d)
	for _, step := range p {
		switch step := step.(type) {
		case int:
			s = d.resolved(s["items"])
		case string:
			named, _ := s["properties"].(map[string]any)
			if next, ok := named[step]; ok {
				s = d.resolved(next)
			} else {
				s = d.resolved(s["additionalProperties"])
			}
		}
	}
	return s
}

func TestDurationsThatTheSchemaTakesCanBeRead(t *testing.T) {
	pattern := open(t, "sla")["$defs"].(map[string]any)["duration"].(map[string]any)["pattern"].(string)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(pattern).Filter(func(s string) bool { return len(s) >= 2 }).Draw(t, "duration")
		if _, err := leadloop.ParseDuration(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	})
}

func TestDatesThatTheSchemaTakesCanBeRead(t *testing.T) {
	pattern := regexp.MustCompile(open(t, "sla")["$defs"].(map[string]any)["date"].(map[string]any)["pattern"].(string))
	for _, s := range []string{
		"2027-01-31", "2027-01-31T17:00:00Z", "2027-01-31T17:00:00.5+01:00", "2027-01-31T17:00:00", "2027-01-31 17:00", "2027-01-31 17:00:30",
	} {
		if _, err := leadloop.ParseTime(s); err != nil || !pattern.MatchString(s) {
			t.Errorf("%q: read with %v, taken by the schema: %t", s, err, pattern.MatchString(s))
		}
	}
	for _, s := range []string{"", "2027", "2027-1-31", "2027-13-01", "31.01.2027", "2027-01-31T17:00", "2027-01-31T17:00Z", "2027-01-31 5pm"} {
		if _, err := leadloop.ParseTime(s); err == nil || pattern.MatchString(s) {
			t.Errorf("%q: read with %v, taken by the schema: %t", s, err, pattern.MatchString(s))
		}
	}
}

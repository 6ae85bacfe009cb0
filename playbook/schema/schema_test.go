package schema_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook/schema"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
)

func Example() {
	names, err := fs.Glob(schema.Files(), "*.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Join(names, "\n"))
	// Output:
	// enrich.schema.json
	// lifecycle.schema.json
	// privacy.schema.json
	// routing.schema.json
	// scoring.schema.json
	// sla.schema.json
	// survivorship.schema.json
}

func TestEveryFileOfAPlaybookHasASchema(t *testing.T) {
	var got []string
	entries, err := fs.ReadDir(schema.Files(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, strings.TrimSuffix(e.Name(), ".schema.json"))
	}
	if diff := cmp.Diff(files(), got); diff != "" {
		t.Errorf("schemas (-want +got):\n%s", diff)
	}
}

func TestSchemasAreSound(t *testing.T) {
	for _, name := range files() {
		t.Run(name, func(t *testing.T) {
			d := open(t, name)
			if want := "https://raw.githubusercontent.com/leadloop/leadloop/main/playbook/schema/" + name + ".schema.json"; d["$id"] != want {
				t.Errorf("$id is %v, want %s", d["$id"], want)
			}
			if d["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
				t.Errorf("$schema is %v", d["$schema"])
			}
			used := map[string]bool{}
			d.walk(map[string]any(d), "", true, func(at string, described bool, s map[string]any) {
				for k := range s {
					if _, known := d.holds(k, nil, s); !known {
						t.Errorf("%s: the keyword %s is checked by nobody", at, k)
					}
				}
				if described {
					if text, _ := s["description"].(string); len(text) < 4 || !strings.ContainsRune(".)", rune(text[len(text)-1])) {
						t.Errorf("%s: the description is not a sentence: %q", at, text)
					}
				}
				if p, ok := s["pattern"].(string); ok {
					if _, err := regexp.Compile(p); err != nil {
						t.Errorf("%s: %v", at, err)
					}
				}
				if r, ok := s["$ref"].(string); ok {
					used[strings.TrimPrefix(r, "#/$defs/")] = true
					d.target(r)
				}
				if kind := d.resolved(s)["type"]; described && kind == "object" && d.resolved(s)["additionalProperties"] == nil {
					t.Errorf("%s: other keys are neither refused nor described", at)
				}
				shown, _ := s["examples"].([]any)
				if def, ok := s["default"]; ok {
					shown = append(shown, def)
				}
				for _, x := range shown {
					if !d.valid(s, x) {
						t.Errorf("%s: %v is shown and not accepted", at, x)
					}
				}
			})
			defs, _ := d["$defs"].(map[string]any)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(defs)), slices.Sorted(maps.Keys(used))); diff != "" {
				t.Errorf("definitions and their uses (-defined +used):\n%s", diff)
			}
		})
	}
}

// walk visits all schemas in s. Those that describe a value, as opposed to
// narrowing one that is described elsewhere, need a text of their own.
func (d document) walk(s any, at string, described bool, visit func(at string, described bool, s map[string]any)) {
	m, ok := s.(map[string]any)
	if !ok {
		return
	}
	visit(at, described, m)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		below := at + "/" + k
		switch k {
		case "properties", "$defs":
			for name, x := range m[k].(map[string]any) {
				d.walk(x, below+"/"+name, described, visit)
			}
		case "dependentSchemas":
			for name, x := range m[k].(map[string]any) {
				d.walk(x, below+"/"+name, false, visit)
			}
		case "items", "additionalProperties":
			x, _ := m[k].(map[string]any)
			d.walk(m[k], below, described && x["$ref"] == nil && x["allOf"] == nil, visit)
		case "propertyNames", "if", "then", "else", "not":
			d.walk(m[k], below, false, visit)
		case "anyOf", "oneOf", "allOf":
			for i, x := range m[k].([]any) {
				d.walk(x, fmt.Sprint(below, "/", i), false, visit)
			}
		}
	}
}

func TestKeysAndTypesAreThoseThatThePackagesTake(t *testing.T) {
	for _, name := range files() {
		t.Run(name, func(t *testing.T) {
			d := open(t, name)
			want := takes(t, takers[name], "", 0, func(v any) any { return v })
			d.compare(t, "", want, map[string]any(d))
		})
	}
}

// scalars are values that a decoder refuses where it takes a scalar of a kind.
var scalars = map[string][]any{
	"text":                              {true, []any{}, map[string]any{}},
	"an expression":                     {[]any{}, map[string]any{}},
	"true or false":                     {"soon", 1.0, []any{}},
	"a whole number":                    {"soon", 1.5, true},
	"a number":                          {"soon", true},
	"a duration such as 15m, 48h or 7d": {"soon", 1.5, true, "7 days", "7"},
	"a date or time such as 2027-01-31": {"soon", 1.5, true, "31.01.2027", "2027-01"},
}

func (d document) compare(t *testing.T, at string, want *form, s any) {
	t.Helper()
	m := d.resolved(s)
	named, _ := m["properties"].(map[string]any)
	switch want.Kind {
	case "mapping":
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want.Keys)), slices.Sorted(maps.Keys(named))); diff != "" {
			t.Errorf("%s: keys (-package +schema):\n%s", orFile(at), diff)
		}
		if m["additionalProperties"] != false {
			t.Errorf("%s: the schema takes other keys", orFile(at))
		}
		for _, key := range want.Required {
			if l, _ := m["required"].([]any); !contains(l, key) {
				t.Errorf("%s: the schema does not require %s", orFile(at), key)
			}
		}
		for key, f := range want.Keys {
			if x, ok := named[key]; ok {
				d.compare(t, strings.TrimPrefix(at+"."+key, "."), f, x)
			}
		}
	case "names":
		if _, ok := m["additionalProperties"].(map[string]any); !ok {
			t.Errorf("%s: the package takes keys of the user's own, the schema does not", orFile(at))
			return
		}
		d.compare(t, at+".*", want.Of, m["additionalProperties"])
		for key, x := range named {
			d.compare(t, at+"."+key, want.Of, x)
		}
	case "list":
		if m["type"] != "array" || m["items"] == nil {
			t.Errorf("%s: the package takes a list, the schema does not", orFile(at))
			return
		}
		d.compare(t, at+"[]", want.Of, m["items"])
	default:
		refused, ok := scalars[want.Kind]
		if !ok {
			t.Fatalf("%s: the test does not know what %s is", at, want.Kind)
		}
		for _, x := range refused {
			if d.valid(s, x) {
				t.Errorf("%s: the package takes %s, the schema also %v", orFile(at), want.Kind, x)
			}
		}
	}
}

func TestExamplesAreTakenAndUseEveryKey(t *testing.T) {
	for _, name := range files() {
		t.Run(name, func(t *testing.T) {
			d := open(t, name)
			unused := map[string]bool{}
			d.walk(map[string]any(d), "", true, func(at string, described bool, s map[string]any) {
				props, _ := s["properties"].(map[string]any)
				for k := range props {
					if described {
						unused[k] = true
					}
				}
			})
			for i, x := range d.examples() {
				if ok, ps := taken(t, name, x); !ok {
					t.Errorf("example %d:\n%v", i, ps)
				}
				for _, p := range places(x) {
					if len(p) > 0 {
						delete(unused, fmt.Sprint(p[len(p)-1]))
					}
				}
			}
			if len(unused) > 0 {
				t.Errorf("no example has %v", slices.Sorted(maps.Keys(unused)))
			}
		})
	}
}

// What is tried at every place of every example.
var tries = []any{gone{}, probe, "7d", "2027-01-31", "lead.email", "ana", 0.0, 1.0, -1.0, 2.5, 1e7, true, false, []any{}, map[string]any{}}

func TestWhatASchemaRefusesIsRefused(t *testing.T) {
	for _, name := range files() {
		t.Run(name, func(t *testing.T) {
			d := open(t, name)
			for _, x := range d.examples() {
				for _, p := range places(x)[1:] {
					for _, v := range tries {
						doc := put(x, p, v)
						// The packages also read text that looks like a number, and the like.
						unusual := v != any(gone{}) && reflect.TypeOf(v) != reflect.TypeOf(at(x, p))
						// Nor does a file need -1, which means none in Go, where 0 is the default.
						none := p[len(p)-1] == any("retries") && v == any(-1.0)
						if unusual || none || d.check(doc) {
							continue
						}
						if ok, _ := taken(t, name, doc); ok {
							t.Errorf("taken by the package, not by the schema: %s = %v", p, v)
						}
					}
				}
			}
		})
	}
}

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
		{"skills are asked of a queue", "routing", place{"chain", 5, "target", "skills"}, []any{"x"}},
		{"a list that no lead is in", "routing", place{"chain", 3, "country"}, []any{}},
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
		if !ok {
			continue
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
	for _, part := range strings.Split(hint, "; ") {
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

func TestPlaybooksOfThisRepositoryAreValid(t *testing.T) {
	found := 0
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (e.Name() == "problems" || strings.HasPrefix(e.Name(), ".") && len(e.Name()) > 2) {
			return filepath.SkipDir
		}
		name, isYAML := strings.CutSuffix(e.Name(), ".yaml")
		if strings.HasSuffix(path, "lifecycle/default.yaml") {
			name = "lifecycle"
		}
		if !isYAML || takers[name] == nil {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found++
		if !open(t, name).check(read(t, data)) {
			t.Errorf("%s does not satisfy its schema", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("no playbook was found")
	}
}

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

	"github.com/leadloop/leadloop/playbook/schema"
)

func Example() {
	names, err := fs.Glob(schema.Files(), "*.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Join(names, "\n"))
	// Output:
	// cadences.schema.json
	// cases.schema.json
	// enrich.schema.json
	// guards.schema.json
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
	case "anything":
		if d.valid(s, []any{map[string]any{}}) {
			t.Errorf("%s: the schema takes what nothing can be", orFile(at))
		}
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
		if filepath.Base(filepath.Dir(path)) == "cases" {
			name = "cases"
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

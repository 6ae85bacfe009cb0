package schema_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leadloop/leadloop/playbook/schema"
)

// A document is one schema file.
type document map[string]any

func open(t *testing.T, name string) document {
	t.Helper()
	data, err := fs.ReadFile(schema.Files(), name+".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

// What says nothing about whether a value is valid.
var annotations = []string{"$schema", "$id", "$defs", "title", "description", "examples", "default"}

// holds checks a value against one keyword of s. The keywords are those that
// the files use; every other is unknown, so that nothing in them is believed
// to be checked and is not.
func (d document) holds(keyword string, v any, s map[string]any) (ok, known bool) {
	rule := s[keyword]
	object, isObject := v.(map[string]any)
	list, isList := v.([]any)
	text, isText := v.(string)
	number, isNumber := v.(float64)
	limit, _ := rule.(float64)
	rules, _ := rule.([]any)
	switch keyword {
	case "$ref":
		return d.valid(d.target(rule), v), true
	case "type":
		return hasType(rule, v), true
	case "enum":
		return contains(rules, v), true
	case "pattern":
		return !isText || regexp.MustCompile(rule.(string)).MatchString(text), true
	case "minLength":
		return !isText || utf8.RuneCountInString(text) >= int(limit), true
	case "maxLength":
		return !isText || utf8.RuneCountInString(text) <= int(limit), true
	case "minimum":
		return !isNumber || number >= limit, true
	case "maximum":
		return !isNumber || number <= limit, true
	case "exclusiveMinimum":
		return !isNumber || number > limit, true
	case "items":
		return !slices.ContainsFunc(list, func(x any) bool { return !d.valid(rule, x) }), true
	case "minItems":
		return !isList || len(list) >= int(limit), true
	case "maxItems":
		return len(list) <= int(limit), true
	case "uniqueItems":
		for i := range list {
			if contains(list[:i], list[i]) {
				return false, true
			}
		}
		return true, true
	case "properties":
		for k, x := range rule.(map[string]any) {
			if y, has := object[k]; has && !d.valid(x, y) {
				return false, true
			}
		}
		return true, true
	case "additionalProperties":
		named, _ := s["properties"].(map[string]any)
		for k, x := range object {
			if _, has := named[k]; !has && !d.valid(rule, x) {
				return false, true
			}
		}
		return true, true
	case "propertyNames":
		for k := range object {
			if !d.valid(rule, k) {
				return false, true
			}
		}
		return true, true
	case "required":
		return !isObject || hasKeys(object, rules), true
	case "minProperties":
		return !isObject || len(object) >= int(limit), true
	case "maxProperties":
		return len(object) <= int(limit), true
	case "dependentRequired":
		for k, needs := range rule.(map[string]any) {
			if _, has := object[k]; has && !hasKeys(object, needs.([]any)) {
				return false, true
			}
		}
		return true, true
	case "dependentSchemas":
		for k, x := range rule.(map[string]any) {
			if _, has := object[k]; has && !d.valid(x, v) {
				return false, true
			}
		}
		return true, true
	case "anyOf":
		return d.count(rules, v) > 0, true
	case "oneOf":
		return d.count(rules, v) == 1, true
	case "allOf":
		return d.count(rules, v) == len(rules), true
	case "not":
		return !d.valid(rule, v), true
	case "if":
		branch := "else"
		if d.valid(rule, v) {
			branch = "then"
		}
		next, has := s[branch]
		return !has || d.valid(next, v), true
	}
	return true, keyword == "then" || keyword == "else" || slices.Contains(annotations, keyword)
}

// valid reports whether the value, as encoding/json decodes it, satisfies s.
func (d document) valid(s, value any) bool {
	m, ok := s.(map[string]any)
	if !ok {
		return s.(bool)
	}
	for _, keyword := range slices.Sorted(maps.Keys(m)) {
		if ok, _ := d.holds(keyword, value, m); !ok {
			return false
		}
	}
	return true
}

func (d document) check(value any) bool { return d.valid(map[string]any(d), value) }

func (d document) target(ref any) any {
	name, ok := strings.CutPrefix(ref.(string), "#/$defs/")
	defs, _ := d["$defs"].(map[string]any)
	def, found := defs[name]
	if !ok || !found {
		panic(fmt.Sprintf("there is no %s", ref))
	}
	return def
}

// resolved is s with what it refers to; what s says itself goes first.
func (d document) resolved(s any) map[string]any {
	m, ok := s.(map[string]any)
	if !ok || m["$ref"] == nil {
		return m
	}
	out := maps.Clone(d.resolved(d.target(m["$ref"])))
	maps.Copy(out, m)
	delete(out, "$ref")
	return out
}

func (d document) count(rules []any, v any) (n int) {
	for _, s := range rules {
		if d.valid(s, v) {
			n++
		}
	}
	return n
}

func typeNames(rule any) []any {
	if l, ok := rule.([]any); ok {
		return l
	}
	return []any{rule}
}

func hasType(rule, v any) bool {
	is := "object"
	switch v := v.(type) {
	case nil:
		is = "null"
	case bool:
		is = "boolean"
	case string:
		is = "string"
	case []any:
		is = "array"
	case float64:
		if is = "number"; v == math.Trunc(v) && slices.Contains(typeNames(rule), any("integer")) {
			is = "integer"
		}
	}
	return slices.Contains(typeNames(rule), any(is))
}

func contains(l []any, v any) bool {
	return slices.ContainsFunc(l, func(x any) bool { return reflect.DeepEqual(x, v) })
}

func hasKeys(object map[string]any, keys []any) bool {
	return !slices.ContainsFunc(keys, func(k any) bool { _, has := object[k.(string)]; return !has })
}

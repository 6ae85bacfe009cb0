package playbook

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Change is one difference in meaning between two playbooks.
type Change struct {
	File string `json:"file"`
	// Path names the place by ids, such as "rules.vp-or-above.points".
	Path string `json:"path"`
	// Before and After are what stands there, "" for nothing.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// String is the change in a line.
func (c Change) String() string {
	switch {
	case c.Before == "":
		return fmt.Sprintf("%s: %s added: %s", c.File, c.Path, c.After)
	case c.After == "":
		return fmt.Sprintf("%s: %s removed, was %s", c.File, c.Path, c.Before)
	}
	return fmt.Sprintf("%s: %s: %s → %s", c.File, c.Path, c.Before, c.After)
}

// Diff says what a playbook changes about another one, by file and path: what
// the files mean, not how they are written. Comments, the order of keys, the
// spelling of numbers and quotes make no difference; what has an id or a name
// is found again by it wherever it stands, and a changed order of such things is
// a change of its own, because the first one may win. Tables that the files name
// are compared as a whole.
func Diff(before, after *Playbook) []Change {
	names := maps.Clone(before.contents)
	maps.Copy(names, after.contents)
	var all []Change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, b := before.contents[name], after.contents[name]
		if string(a) == string(b) {
			continue
		}
		if !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml") {
			all = append(all, Change{File: name, Path: "content", Before: size(a), After: size(b)})
			continue
		}
		all = append(all, diff(name, leaves(a), leaves(b))...)
	}
	return all
}

func size(b []byte) string {
	if b == nil {
		return ""
	}
	return fmt.Sprintf("%d bytes in %d lines", len(b), strings.Count(string(b), "\n"))
}

func diff(file string, before, after map[string]string) []Change {
	var all []Change
	paths := maps.Clone(before)
	maps.Copy(paths, after)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		a, was := before[path]
		b, is := after[path]
		if was == is && a == b || strings.HasSuffix(path, order) && !reordered(a, b) {
			continue
		}
		all = append(all, Change{File: file, Path: path, Before: a, After: b})
	}
	return whole(all, before, after)
}

// order is where the ids of a list stand in their order; commas are in none.
const order = "(order)"

// reordered reports whether what both lists have stands in another order.
func reordered(a, b string) bool {
	before, after := strings.Split(a, ", "), strings.Split(b, ", ")
	common := func(list, other []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(id string) bool { return !slices.Contains(other, id) })
	}
	return !slices.Equal(common(before, after), common(after, before))
}

// whole makes one change of all that came or went together: a rule, an entry.
func whole(all []Change, before, after map[string]string) []Change {
	var out []Change
	for i := 0; i < len(all); {
		c := all[i]
		side, other := after, before
		if c.After == "" {
			side, other = before, after
		}
		root := ""
		if c.Before == "" || c.After == "" {
			// The highest place of which the other side has nothing.
			for at := parent(c.Path); at != "" && !anyWithin(other, at); at = parent(at) {
				root = at
			}
		}
		j := i + 1
		for j < len(all) && root != "" && within(all[j].Path, root) {
			j++
		}
		if j-i > 1 {
			var parts []string
			for _, path := range slices.Sorted(maps.Keys(side)) {
				if within(path, root) {
					parts = append(parts, strings.TrimPrefix(path, root+".")+" "+side[path])
				}
			}
			c.Path = root
			if text := strings.Join(parts, ", "); c.Before == "" {
				c.After = text
			} else {
				c.Before = text
			}
		}
		out = append(out, c)
		i = j
	}
	return out
}

func parent(path string) string {
	i := strings.LastIndexByte(path, '.')
	return path[:max(i, 0)]
}

func within(path, root string) bool { return strings.HasPrefix(path, root+".") }

func anyWithin(side map[string]string, root string) bool {
	for path := range side {
		if within(path, root) {
			return true
		}
	}
	return false
}

// leaves are the scalars of a document by their path.
func leaves(data []byte) map[string]string {
	out := map[string]string{}
	var doc any
	// The files were read as playbooks before.
	if err := yaml.Unmarshal(data, &doc); err == nil && doc != nil {
		walk("", doc, out)
	}
	return out
}

func walk(path string, v any, out map[string]string) {
	below := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			walk(below(k), x, out)
		}
	case map[any]any:
		for k, x := range v {
			walk(below(fmt.Sprint(k)), x, out)
		}
	case []any:
		ids := make([]string, 0, len(v))
		for _, x := range v {
			ids = append(ids, idOf(x))
		}
		if slices.Contains(ids, "") || len(slices.Compact(slices.Sorted(slices.Values(ids)))) < len(ids) {
			parts := make([]string, len(v))
			for i, x := range v {
				parts[i] = flat(x)
			}
			out[path] = "[" + strings.Join(parts, ", ") + "]"
			return
		}
		if len(ids) > 1 {
			out[below(order)] = strings.Join(ids, ", ")
		}
		for i, x := range v {
			m := maps.Clone(x.(map[string]any))
			delete(m, idKey(m))
			if len(m) == 0 {
				out[below(ids[i])] = "nothing more"
			}
			walk(below(ids[i]), m, out)
		}
	default:
		out[path] = flat(v)
	}
}

// idOf is the id or the name by which an element of a list is found again.
func idOf(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	id, _ := m[idKey(m)].(string)
	return id
}

func idKey(m map[string]any) string {
	for _, key := range []string{"id", "name"} {
		if _, ok := m[key].(string); ok {
			return key
		}
	}
	return ""
}

func flat(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = flat(x)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		for i, k := range keys {
			keys[i] = k + ": " + flat(v[k])
		}
		return "{" + strings.Join(keys, ", ") + "}"
	default:
		return cmp.Or(fmt.Sprint(v), `""`)
	}
}

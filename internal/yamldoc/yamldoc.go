// Package yamldoc decodes playbook files strictly: it finds every problem in
// one go, each with its position, and says which key was probably meant.
package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
)

const maxSize = 16 << 20

var (
	positionType   = reflect.TypeFor[leadloop.Position]()
	expressionType = reflect.TypeFor[leadloop.Expression]()
	timeType       = reflect.TypeFor[time.Time]()
	durationType   = reflect.TypeFor[time.Duration]()
	nodeType       = reflect.TypeFor[yaml.Node]()
	lineOf         = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)
)

// Decode reads the single document in data into out, a pointer to a struct.
//
// Keys are the fields' yaml tags. A field of type leadloop.Position tagged
// "-" receives the position of its struct; one of type leadloop.Expression
// takes any scalar with its position; time.Time and time.Duration take the
// forms of leadloop.ParseTime and leadloop.ParseDuration; yaml.Node takes
// anything. A tag option ",required" reports a missing key. Maps keep their
// keys as strings. The returned problems are empty if all is well; what could
// be decoded is in out either way.
func Decode(file string, data []byte, out any) leadloop.Problems {
	d := decoder{file: file}
	at := leadloop.Position{File: file, Line: 1, Column: 1}
	if len(data) > maxSize {
		d.problems.Add(at, "file is larger than %d MiB", maxSize>>20)
		return d.problems
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		d.problems.Add(at, "file is empty")
		return d.problems
	case err != nil:
		d.syntax(err)
		return d.problems
	}
	var more yaml.Node
	if err := dec.Decode(&more); err == nil {
		d.problems.Add(d.at(&more), "a second document starts here; a file holds one")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
	}
	d.decode(doc.Content[0], reflect.ValueOf(out).Elem(), "", 0)
	d.problems.Sort()
	return d.problems
}

type decoder struct {
	file     string
	problems leadloop.Problems
}

func (d *decoder) syntax(err error) {
	at, msg := leadloop.Position{File: d.file, Line: 1, Column: 1}, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			at.Line, msg = n, m[2]
		}
	}
	d.problems.Add(at, "not valid YAML: %s", msg)
}

func (d *decoder) at(n *yaml.Node) leadloop.Position {
	return leadloop.Position{File: d.file, Line: n.Line, Column: n.Column}
}

// scalarAt is where the text of a scalar begins, past an opening quote or the
// line of a block scalar's indicator.
func (d *decoder) scalarAt(n *yaml.Node) leadloop.Position {
	at := d.at(n)
	switch {
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		at.Column++
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		at.Line, at.Column = at.Line+1, 1
	}
	return at
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!timestamp":
		return "a date"
	}
	return "text"
}

func (d *decoder) mismatch(n *yaml.Node, path, want string) {
	d.problems.Add(d.at(n), "%s: expected %s, found %s", label(path), want, kindName(n))
}

func label(path string) string {
	if path == "" {
		return "file"
	}
	return path
}

func (d *decoder) decode(n *yaml.Node, v reflect.Value, path string, depth int) {
	if depth > 64 {
		d.problems.Add(d.at(n), "%s: nested too deeply", label(path))
		return
	}
	if n.Kind == yaml.AliasNode {
		// An alias is only followed, never multiplied: the depth bound above
		// and the size bound on the file keep it finite.
		n = n.Alias
	}
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(*n))
		return
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return
	}
	switch v.Type() {
	case expressionType:
		if n.Kind != yaml.ScalarNode {
			d.mismatch(n, path, "an expression")
			return
		}
		v.Set(reflect.ValueOf(leadloop.Expression{Text: n.Value, At: d.scalarAt(n)}))
		return
	case timeType:
		if n.Kind == yaml.ScalarNode {
			if t, err := leadloop.ParseTime(n.Value); err == nil {
				v.Set(reflect.ValueOf(t))
				return
			}
		}
		d.mismatch(n, path, "a date or time such as 2027-01-31")
		return
	case durationType:
		if n.Kind == yaml.ScalarNode {
			if t, err := leadloop.ParseDuration(n.Value); err == nil {
				v.SetInt(int64(t))
				return
			}
		}
		d.mismatch(n, path, "a duration such as 15m, 48h or 7d")
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), path, depth+1)
	case reflect.Struct:
		d.structure(n, v, path, depth)
	case reflect.Slice:
		d.slice(n, v, path, depth)
	case reflect.Map:
		d.mapping(n, v, path, depth)
	default:
		d.scalar(n, v, path)
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string, depth int) {
	t := v.Type()
	fields, required := map[string]int{}, []string{}
	for i := range t.NumField() {
		name, opts, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if t.Field(i).Type == positionType {
			v.Field(i).Set(reflect.ValueOf(d.at(n)))
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		fields[name] = i
		if opts == "required" {
			required = append(required, name)
		}
	}
	if n.Kind != yaml.MappingNode {
		d.mismatch(n, path, "a mapping")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		j, ok := fields[key.Value]
		switch {
		case !ok:
			names := make([]string, 0, len(fields))
			for name := range fields {
				names = append(names, name)
			}
			hint := suggest.DidYouMean(key.Value, names)
			if hint == "" {
				slices.Sort(names)
				hint = "known here: " + strings.Join(names, ", ")
			}
			d.problems.AddHint(d.at(key), hint, "%s: unknown key %q", label(path), key.Value)
		case seen[key.Value]:
			d.problems.Add(d.at(key), "%s: key %q stands here twice", label(path), key.Value)
		default:
			d.decode(val, v.Field(j), join(path, key.Value), depth+1)
		}
		seen[key.Value] = true
	}
	for _, name := range required {
		if !seen[name] {
			d.problems.Add(d.at(n), "%s: missing key %q", label(path), name)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (d *decoder) slice(n *yaml.Node, v reflect.Value, path string, depth int) {
	if n.Kind != yaml.SequenceNode {
		d.mismatch(n, path, "a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.decode(c, out.Index(i), fmt.Sprintf("%s[%d]", path, i), depth+1)
	}
	v.Set(out)
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string, depth int) {
	if n.Kind != yaml.MappingNode {
		d.mismatch(n, path, "a mapping")
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		k := reflect.ValueOf(key.Value).Convert(v.Type().Key())
		if out.MapIndex(k).IsValid() {
			d.problems.Add(d.at(key), "%s: key %q stands here twice", label(path), key.Value)
			continue
		}
		e := reflect.New(v.Type().Elem()).Elem()
		d.decode(val, e, join(path, key.Value), depth+1)
		out.SetMapIndex(k, e)
	}
	v.Set(out)
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.mismatch(n, path, scalarName(v.Kind()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
		return
	case reflect.Bool:
		if b, err := strconv.ParseBool(n.Value); err == nil && n.ShortTag() == "!!bool" {
			v.SetBool(b)
			return
		}
	case reflect.Int, reflect.Int64, reflect.Int32:
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil && !v.OverflowInt(i) {
			v.SetInt(i)
			return
		}
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.Value, 64)
		switch finite := err == nil && !math.IsNaN(f) && !math.IsInf(f, 0); {
		case finite:
			v.SetFloat(f)
			return
		case n.ShortTag() == "!!float":
			d.problems.Add(d.at(n), "%s: expected a finite number", label(path))
			return
		}
	}
	d.mismatch(n, path, scalarName(v.Kind()))
}

func scalarName(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Int32:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	}
	return "text"
}

package yamldoc

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadloop/leadloop"
)

var numberForm = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

// IsNumber reports whether a text has the form of a plain number.
func IsNumber(s string) bool { return numberForm.MatchString(s) }

// Number reads a plain number.
func Number(s string) (float64, bool) {
	if !IsNumber(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// AKind names a kind with its article.
func AKind(k leadloop.Kind) string {
	if k == leadloop.KindInt {
		return "an int"
	}
	return "a " + k.String()
}

// FieldValue reads the value of a field of the kind: a string, int64, float64,
// bool, time.Time or []string. If it is none, bad is the node that is wrong and
// problem says how.
func FieldValue(n *yaml.Node, kind leadloop.Kind) (value any, bad *yaml.Node, problem string) {
	switch {
	case n.Kind == yaml.SequenceNode && kind == leadloop.KindStrings:
		list := make([]string, 0, len(n.Content))
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return nil, item, "expected a list of texts"
			}
			list = append(list, item.Value)
		}
		return list, nil, ""
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		return nil, n, "nothing stands here; leave the field out if nobody looked, write \"\" for an empty text, or list it under none if it does not exist"
	case n.Kind == yaml.ScalarNode:
		switch kind {
		case leadloop.KindString:
			return n.Value, nil, ""
		case leadloop.KindInt:
			if v, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
				return v, nil, ""
			}
		case leadloop.KindFloat:
			if v, ok := Number(n.Value); ok {
				return v, nil, ""
			}
		case leadloop.KindBool:
			if n.ShortTag() == "!!bool" {
				return n.Value == "true" || n.Value == "True" || n.Value == "TRUE", nil, ""
			}
		case leadloop.KindTime:
			if v, err := leadloop.ParseTime(n.Value); err == nil {
				return v, nil, ""
			}
		}
	}
	return nil, n, "expected " + AKind(kind)
}

// Set puts a Go value, as [FieldValue] returns or a program writes it, into a
// profile. The problem, if it is not empty, says what is wrong with it.
func Set(p *leadloop.Profile, def leadloop.FieldDef, value any) (problem string) {
	var v leadloop.Value
	switch x := value.(type) {
	case leadloop.Value:
		v = x
	case string:
		v = leadloop.ValueOf(x)
	case int:
		v = leadloop.ValueOf(int64(x))
	case int64:
		v = leadloop.ValueOf(x)
	case float64:
		v = leadloop.ValueOf(x)
	case bool:
		v = leadloop.ValueOf(x)
	case time.Time:
		v = leadloop.ValueOf(x)
	case []string:
		v = leadloop.ValueOf(x)
	default:
		return def.Name + ": expected " + AKind(def.Kind) + fmt.Sprintf(", found a Go %T", value)
	}
	if v.Kind() == leadloop.KindInt && def.Kind == leadloop.KindFloat && v.Presence() == leadloop.Present {
		v = leadloop.ValueOf(float64(v.Int()))
	}
	switch {
	case v.Presence() == leadloop.Absent:
	case p.Value(def.Name).Presence() != leadloop.Absent:
		return def.Name + " stands here twice"
	default:
		if err := p.SetValue(def.Name, v); err != nil {
			return def.Name + ": expected " + AKind(def.Kind) + ", found " + AKind(v.Kind())
		}
	}
	return ""
}

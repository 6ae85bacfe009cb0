package learn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// Match finds which field of a model each column of a table holds, "" for
// none: what said says, else a field that the model declares and that has the
// column's name as learning spells it. The error is an [*InputError].
func Match(columns []string, d scoring.Definition, said map[string]string) ([]string, error) {
	var wrong []string
	for _, c := range sortedKeys(said) {
		if !slices.Contains(columns, c) {
			wrong = append(wrong, fmt.Sprintf("there is no column %q%s", c, meant(c, columns)))
		}
	}
	declared := map[string]bool{}
	for _, f := range d.HostFields {
		name := f.Name
		if !strings.Contains(name, ".") {
			name = "lead." + name
		}
		declared[name] = true
	}
	out, by := make([]string, len(columns)), map[string]string{}
	for i, c := range columns {
		if f := said[c]; f != "" && f != "-" {
			if !strings.Contains(f, ".") {
				f = "lead." + f
			}
			out[i], by[f] = f, c
		}
	}
	for i, c := range columns {
		if said[c] != "" {
			continue
		}
		for _, f := range []string{c, "lead." + Slug(c), "lead." + Slug(c) + numberMark} {
			if !declared[f] {
				continue
			}
			if other, twice := by[f]; twice {
				if said[other] == "" {
					wrong = append(wrong, fmt.Sprintf("columns %q and %q could both be %s; say which one is", other, c, f))
				}
				break
			}
			out[i], by[f] = f, c
			break
		}
	}
	if len(wrong) > 0 {
		return nil, &InputError{strings.Join(wrong, "\n")}
	}
	return out, nil
}

// Value reads a cell as learning reads it; commas is what [DecimalCommas] tells
// of its column. ok is false for a cell that says
// something that is not of the kind; the value is then absent, as it is for a
// cell that says nothing.
func Value(cell string, kind leadloop.Kind, commas bool) (v leadloop.Value, ok bool) {
	cell = strings.TrimSpace(cell)
	if missing(cell) {
		return leadloop.Value{}, true
	}
	switch kind {
	case leadloop.KindString:
		return leadloop.ValueOf(cell), true
	case leadloop.KindFloat:
		if f, ok := toNumber(cell, commas); ok {
			return leadloop.ValueOf(f), true
		}
	case leadloop.KindInt:
		if f, ok := toNumber(cell, commas); ok && f == float64(int64(f)) {
			return leadloop.ValueOf(int64(f)), true
		}
	case leadloop.KindBool:
		switch fold(cell) {
		case "true", "yes", "1", "t", "y":
			return leadloop.ValueOf(true), true
		case "false", "no", "0", "f", "n":
			return leadloop.ValueOf(false), true
		}
	case leadloop.KindTime:
		for form := dateForm(-1); int(form) < 3; form++ {
			if t, ok := parseDate(cell, form); ok {
				return leadloop.ValueOf(t), true
			}
		}
	case leadloop.KindStrings:
		var list []string
		for part := range strings.FieldsFuncSeq(cell, func(c rune) bool { return c == ';' || c == '|' || c == ',' }) {
			list = append(list, strings.TrimSpace(part))
		}
		return leadloop.ValueOf(list), true
	}
	return leadloop.Value{}, false
}

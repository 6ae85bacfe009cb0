package benchmarks

import (
	"fmt"
	"strconv"
	"strings"
)

// dialect is a language that rules are written in.
type dialect int

const (
	// celText is CEL with event windows as comprehensions.
	celText dialect = iota
	// celFunctions is CEL with history.count(type, window) as a Go function.
	celFunctions
	// leadloopText is CEL with our count(type, window).
	leadloopText
	// exprText is expr-lang with event windows as predicates.
	exprText
	// exprFunctions is expr-lang with history.Count(type, window).
	exprFunctions
)

func (d dialect) cel() bool { return d < exprText }

// condition is what a rule asks, in every language.
type condition interface{ text(d dialect) string }

type (
	// compare asks for field op value; the value is an int64 or float64.
	compare struct {
		field, op string
		value     any
	}
	// is asks for field == value.
	is struct{ field, value string }
	// oneOf asks for field in values.
	oneOf struct {
		field  string
		values []string
	}
	// matches calls a string function: contains, startsWith, endsWith.
	matches struct{ field, function, value string }
	// holds asks for value in list.
	holds struct{ list, value string }
	// holdsPrefix asks for an item that starts with the prefix.
	holdsPrefix struct{ list, prefix string }
	// flag asks for a bool field.
	flag struct{ field string }
	// age asks for now - field op hours.
	age struct {
		field, op string
		hours     int
	}
	// happened counts the events of a type within the window and compares.
	happened struct {
		event string
		hours int // 0: ever
		op    string
		n     int
	}
	// silent asks that nothing at all happened within the window.
	silent struct{ hours int }
	// share asks that part/whole of two int fields is above min, and whole above 0.
	share struct {
		part, whole string
		min         float64
	}
	not    struct{ of condition }
	allOf  []condition
	someOf []condition
)

func number(v any) string {
	if f, ok := v.(float64); ok {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	return fmt.Sprint(v)
}

func hoursIn(d dialect, hours int) string {
	if d.cel() {
		return fmt.Sprintf(`duration("%dh")`, hours)
	}
	return fmt.Sprintf("hours(%d)", hours)
}

func (c compare) text(dialect) string { return c.field + " " + c.op + " " + number(c.value) }
func (c is) text(dialect) string      { return fmt.Sprintf("%s == %q", c.field, c.value) }
func (c flag) text(dialect) string    { return c.field }
func (c holds) text(dialect) string   { return fmt.Sprintf("%q in %s", c.value, c.list) }

func (c oneOf) text(dialect) string {
	quoted := make([]string, len(c.values))
	for i, v := range c.values {
		quoted[i] = strconv.Quote(v)
	}
	return c.field + " in [" + strings.Join(quoted, ", ") + "]"
}

func (c matches) text(d dialect) string {
	if d.cel() {
		return fmt.Sprintf("%s.%s(%q)", c.field, c.function, c.value)
	}
	return fmt.Sprintf("%s %s %q", c.field, c.function, c.value)
}

func (c holdsPrefix) text(d dialect) string {
	if d.cel() {
		return fmt.Sprintf("%s.exists(x, x.startsWith(%q))", c.list, c.prefix)
	}
	return fmt.Sprintf("any(%s, # startsWith %q)", c.list, c.prefix)
}

func (c age) text(d dialect) string {
	return fmt.Sprintf("now - %s %s %s", c.field, c.op, hoursIn(d, c.hours))
}

func (c happened) text(d dialect) string {
	var count string
	switch {
	case d == leadloopText && c.hours == 0:
		count = fmt.Sprintf("count(%q)", c.event)
	case d == leadloopText:
		count = fmt.Sprintf("count(%q, \"%dh\")", c.event, c.hours)
	case d == celFunctions:
		count = fmt.Sprintf("history.count(%q, %s)", c.event, hoursIn(d, c.window()))
	case d == exprFunctions:
		count = fmt.Sprintf("history.Count(%q, %s)", c.event, hoursIn(d, c.window()))
	case d == exprText && c.hours == 0:
		count = fmt.Sprintf("count(activities, .type == %q)", c.event)
	case d == exprText:
		count = fmt.Sprintf("count(activities, .type == %q && now - .at < %s)", c.event, hoursIn(d, c.hours))
	case c.hours == 0:
		count = fmt.Sprintf("activities.filter(a, a.type == %q).size()", c.event)
	default:
		count = fmt.Sprintf("activities.filter(a, a.type == %q && now - a.at < %s).size()", c.event, hoursIn(d, c.hours))
	}
	if c.op == ">=" && c.n == 1 {
		// How one asks whether something happened at all.
		switch {
		case d == celText:
			return strings.TrimSuffix(strings.Replace(count, ".filter(", ".exists(", 1), ".size()")
		case d == exprText:
			return strings.Replace(count, "count(", "any(", 1)
		}
	}
	return fmt.Sprintf("%s %s %d", count, c.op, c.n)
}

// window is the window in hours with "ever" as the longest one.
func (c happened) window() int {
	if c.hours == 0 {
		return 1_000_000
	}
	return c.hours
}

func (c silent) text(d dialect) string {
	switch d {
	case celFunctions:
		return fmt.Sprintf(`history.count("", %s) == 0`, hoursIn(d, c.hours))
	case exprFunctions:
		return fmt.Sprintf(`history.Count("", %s) == 0`, hoursIn(d, c.hours))
	case exprText:
		return fmt.Sprintf("none(activities, now - .at < %s)", hoursIn(d, c.hours))
	}
	return fmt.Sprintf("!activities.exists(a, now - a.at < %s)", hoursIn(d, c.hours))
}

func (c share) text(d dialect) string {
	double := "double"
	if !d.cel() {
		double = "float"
	}
	return fmt.Sprintf("%s > 0 && %s(%s) / %s(%s) > %s", c.whole, double, c.part, double, c.whole, number(c.min))
}

func (c not) text(d dialect) string { return "!" + nested(c.of, d) }

func (c allOf) text(d dialect) string  { return joined(c, " && ", d) }
func (c someOf) text(d dialect) string { return joined(c, " || ", d) }

func joined(list []condition, operator string, d dialect) string {
	parts := make([]string, len(list))
	for i, c := range list {
		parts[i] = nested(c, d)
	}
	return strings.Join(parts, operator)
}

// nested sets what has operators of its own in parentheses.
func nested(c condition, d dialect) string {
	switch c.(type) {
	case allOf, someOf, share:
		return "(" + c.text(d) + ")"
	}
	return c.text(d)
}

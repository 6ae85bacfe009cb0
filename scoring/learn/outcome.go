package learn

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leadloop/leadloop/internal/suggest"
)

// words of outcomes, in the form that fold leaves of them.
var (
	wonWords  = wordSet("yes y 1 1.0 true t won win closedwon converted customer success signed positive sold accepted bought purchased subscribed ja oui si sí sim gewonnen gagné ganado vinto")
	lostWords = wordSet("no n 0 0.0 false f lost loss closedlost notconverted disqualified failure rejected negative unqualified declined dead -1 nein non não nao verloren perdu perdido perso")
	openWords = wordSet("open new engaging prospecting working inprogress pending contacted nurturing nurture negotiation proposal qualified qualification unknown stalled")
)

func wordSet(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}

func fold(value string) string {
	return strings.Map(func(c rune) rune {
		if c == ' ' || c == '_' || c == '-' && len(value) > 2 {
			return -1
		}
		return c
	}, strings.ToLower(value))
}

// ending is what an outcome says.
type ending uint8

const (
	open ending = iota
	lost
	won
)

// outcomes says what each value of the outcome column means.
type outcomes struct {
	Positive []string `json:"positive"`
	Negative []string `json:"negative"`
	Open     []string `json:"open,omitempty"`
	// Rest is what every other value means.
	Rest ending `json:"rest"`

	of      map[string]ending
	assumed string // what is lost because it is neither won nor an open word
}

func (o *outcomes) reindex() {
	o.of = map[string]ending{}
	for _, v := range o.Positive {
		o.of[v] = won
	}
	for _, v := range o.Negative {
		o.of[v] = lost
	}
	for _, v := range o.Open {
		o.of[v] = open
	}
}

func (o *outcomes) read(cell string) ending {
	if e, ok := o.of[cell]; ok {
		return e
	}
	if missing(cell) {
		return open
	}
	return o.Rest
}

// readOutcomes decides what the values of the outcome column mean.
func readOutcomes(s *survey, o Options) (*outcomes, error) {
	values := slices.SortedFunc(maps.Keys(s.values), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.values[b], s.values[a]), strings.Compare(a, b))
	})
	fail := func(format string, args ...any) error {
		return &InputError{fmt.Sprintf("outcome: "+format, args...)}
	}
	// What few rows say may be about a person: the column may be the wrong one.
	list := func(values []string) string {
		var parts []string
		for _, v := range values[:min(8, len(values))] {
			if s.values[v] >= minLevel {
				parts = append(parts, fmt.Sprintf("%q %d times", v, s.values[v]))
			}
		}
		if n := len(values) - len(parts); n > 0 {
			parts = append(parts, fmt.Sprintf("%d others that fewer rows say", n))
		}
		return strings.Join(parts, ", ")
	}
	near := func(value string, values []string) string {
		if hint := suggest.DidYouMean(value, values); hint != "" {
			return " (" + hint + ")"
		}
		return ""
	}
	switch {
	case len(values) == 0:
		return nil, fail("column %q is empty in all %d rows", s.name, s.rows)
	case len(values) == 1:
		return nil, &RefusedError{Text: fmt.Sprintf("outcome: column %q says %q in all %d rows that say anything; there must be won and lost leads to tell apart", s.name, values[0], s.filled())}
	case len(values) > 1000 && o.Positive == "":
		return nil, fail("column %q has %d different values; it does not look like an outcome (say which value is won with positive)", s.name, len(values))
	}
	out := &outcomes{}
	for _, v := range values {
		if o.Positive != "" && v == o.Positive || o.Positive == "" && wonWords[fold(v)] {
			out.Positive = append(out.Positive, v)
		}
	}
	if len(out.Positive) == 0 {
		if o.Positive != "" {
			return nil, fail("no row of column %q says %q%s; it says %s", s.name, o.Positive, near(o.Positive, values), list(values))
		}
		return nil, fail("which value of column %q is won? Say it with positive; it says %s", s.name, list(values))
	}
	var rest []string
	for _, v := range values {
		if !slices.Contains(out.Positive, v) {
			rest = append(rest, v)
		}
	}
	switch {
	case o.Negative == "*":
		out.Negative, out.Rest = rest, lost
	case o.Negative != "":
		for _, v := range rest {
			if v == o.Negative {
				out.Negative = append(out.Negative, v)
			} else {
				out.Open = append(out.Open, v)
			}
		}
		if len(out.Negative) == 0 {
			return nil, fail("no row of column %q says %q%s; it says %s", s.name, o.Negative, near(o.Negative, rest), list(values))
		}
	case len(rest) == 1 && !openWords[fold(rest[0])]:
		out.Negative = rest
	default:
		var unclear []string
		for _, v := range rest {
			switch f := fold(v); {
			case lostWords[f]:
				out.Negative = append(out.Negative, v)
			case openWords[f]:
				out.Open = append(out.Open, v)
			default:
				unclear = append(unclear, v)
			}
		}
		switch {
		case len(unclear) > 0 && o.Positive != "":
			// Who says what is won means the others by lost.
			out.Negative, out.assumed = append(out.Negative, unclear...), list(unclear)
		case len(unclear) > 0:
			return nil, fail("which values of column %q besides won are lost, and which still open? Say the lost one with negative, or \"*\" for every other; unclear are %s", s.name, list(unclear))
		}
	}
	slices.Sort(out.Positive)
	slices.Sort(out.Negative)
	slices.Sort(out.Open)
	out.reindex()
	return out, nil
}

func meant(name string, names []string) string {
	if hint := suggest.DidYouMean(name, names); hint != "" {
		return " (" + hint + ")"
	}
	if len(names) <= 30 {
		return "; there are " + strings.Join(names, ", ")
	}
	return ""
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

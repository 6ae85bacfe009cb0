package learn

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/measure"
	"github.com/leadloop/leadloop/scoring"
)

func keysOf[K comparable, V any](m map[K]V) iter.Seq[K] { return maps.Keys(m) }

// Rule is one line of the scorecard: who gets its points, how many they were,
// and how often they were won.
type Rule struct {
	ID      string `json:"id"`
	Columns string `json:"columns"`
	// Says is the condition in words, When as the file has it; empty for the
	// group of a column that gets nothing, which needs no rule.
	Says   string          `json:"says"`
	When   string          `json:"when"`
	Group  string          `json:"group,omitempty"`
	Points leadloop.Points `json:"points"`
	// Weight is what it adds to the log-odds, before rounding to points, and
	// counted from the least of its column.
	Weight float64  `json:"weight"`
	Leads  int64    `json:"leads"`
	Won    int64    `json:"won"`
	Rate   Interval `json:"rate"`
}

// behaviours are words in names of columns that say what somebody did.
var behaviours = wordSet(`visit visits view views pageviews click clicks open opens touch touches session sessions activity activities reply replies demo webinar
	download downloads event events email emails call calls meeting meetings contact contacted campaign engagement request requests trial login logins
	inbound outbound response previous pdays submissions search searches`)

func (o Options) group(columns ...string) string {
	for _, c := range columns {
		if g := o.Groups[c]; g != "" {
			return g
		}
	}
	fit, intent := "fit", "intent"
	if o.Like != nil && len(o.Like.Groups) > 0 {
		has := func(name string) bool {
			return slices.ContainsFunc(o.Like.Groups, func(g scoring.Group) bool { return g.Name == name })
		}
		if !has(fit) {
			fit = o.Like.Groups[0].Name
		}
		if !has(intent) {
			intent = fit
		}
	}
	for _, c := range columns {
		if slices.ContainsFunc(nameWords(c), func(w string) bool { return behaviours[w] }) {
			return intent
		}
	}
	return fit
}

// lines are the rules of all sides, in their order, with those that give
// nothing.
func (k *card) lines(o Options) []Rule {
	var out []Rule
	used := map[string]bool{}
	for i := range k.sides {
		s := &k.sides[i]
		var columns []string
		for _, col := range s.cols {
			columns = append(columns, k.f.c.axes[col].Column)
		}
		group := o.group(columns...)
		least := slices.Min(s.weights)
		number := 0
		for g := range s.weights {
			says, when, mark := k.condition(s, g)
			if when == "" {
				continue // a group that no value can be in
			}
			number++
			id := mark
			if mark == "" {
				id = strconv.Itoa(number)
			}
			base := strings.Join(k.slugs(s), "-and-")
			if len(base) > 48 {
				base = strings.TrimRight(base[:48], "-_")
			}
			for n, name := 2, base; used[base+"-"+id]; n++ {
				base = name + "-" + strconv.Itoa(n)
			}
			id = base + "-" + id
			used[id] = true
			t := s.counts[g]
			out = append(out, Rule{ID: id, Columns: strings.Join(columns, " × "), Says: says, When: when, Group: group, Points: k.points[i][g],
				Weight: s.weights[g] - least, Leads: t.n(), Won: t.won, Rate: measure.Rate(t.won, t.n())})
		}
	}
	return out
}

func (k *card) slugs(s *side) (out []string) {
	for _, col := range s.cols {
		_, name, _ := strings.Cut(k.f.c.axes[col].Field, ".")
		out = append(out, name)
	}
	return out
}

// condition says which leads are in a group, in words and as CEL.
func (k *card) condition(s *side, g int) (says, when, mark string) {
	b := &k.shape.bins
	if len(s.cols) == 1 {
		return k.one(s.cols[0], g)
	}
	n := b.sizes[s.cols[1]]
	saysA, a, _ := k.one(s.cols[0], g/n)
	saysB, c, _ := k.one(s.cols[1], g%n)
	if a == "" || c == "" {
		return "", "", ""
	}
	return saysA + " and " + saysB, a + " && " + c, ""
}

func (k *card) one(col, g int) (says, when, mark string) {
	a := k.f.c.axes[col]
	groups := k.shape.bins.groups[col]
	if g == groupMissing {
		return a.Column + " is missing", "!has(" + a.Field + ")", "missing"
	}
	if a.Kind == KindNumber {
		first := slices.Index(groups[1:], uint8(g)) + 1
		last := len(groups) - 1
		for last > first && groups[last] != uint8(g) {
			last--
		}
		// Code c+1 begins at edge c.
		low, high := first-2, last-1
		switch {
		case low < 0 && high >= len(a.Edges):
			return a.Column + " is known", "has(" + a.Field + ")", ""
		case low < 0:
			return fmt.Sprintf("%s is below %s", a.Column, plainNumber(a.Edges[high])), fmt.Sprintf("%s < %s", a.Field, a.literal(high)), ""
		case high >= len(a.Edges):
			return fmt.Sprintf("%s is %s or more", a.Column, plainNumber(a.Edges[low])), fmt.Sprintf("%s >= %s", a.Field, a.literal(low)), ""
		}
		return fmt.Sprintf("%s is from %s to below %s", a.Column, plainNumber(a.Edges[low]), plainNumber(a.Edges[high])),
			fmt.Sprintf("%s >= %s && %s < %s", a.Field, a.literal(low), a.Field, a.literal(high)), ""
	}
	var in, all []string
	for code := 2; code < len(groups); code++ {
		if groups[code] == uint8(g) {
			in = append(in, a.Levels[code-2])
		}
		if groups[code] != groupOther {
			all = append(all, a.Levels[code-2])
		}
	}
	if g == groupOther {
		if len(all) == 0 {
			return a.Column + " is known", "has(" + a.Field + ")", ""
		}
		return a.Column + " is anything else", "!(" + oneOf(a.Field, all) + ")", "other"
	}
	return a.Column + " is " + orList(in), oneOf(a.Field, in), ""
}

// literal is an edge as CEL spells a number of the field.
func (a *axis) literal(i int) string {
	e := a.Edges[i]
	if a.Whole {
		return strconv.FormatInt(int64(e), 10)
	}
	s := plainNumber(e)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

func plainNumber(f float64) string {
	if s := strconv.FormatFloat(f, 'f', -1, 64); len(s) <= 17 {
		return s
	}
	return strconv.FormatFloat(f, 'e', -1, 64)
}

func oneOf(field string, values []string) string {
	if len(values) == 1 {
		return field + " == " + strconv.Quote(values[0])
	}
	return field + " in [" + quoted(values) + "]"
}

// orList names values; of many only some.
func orList(values []string) string {
	const most = 6
	if len(values) > most+1 {
		return strings.Join(values[:most], ", ") + fmt.Sprintf(" or one of %d others", len(values)-most)
	}
	if len(values) == 1 {
		return values[0]
	}
	return strings.Join(values[:len(values)-1], ", ") + " or " + values[len(values)-1]
}

// definition makes the model, and says what stands before its rules.
func (k *card) definition(o Options) (scoring.Definition, map[string]string) {
	k.scale(likeTiers(o.Like))
	d := scoring.Definition{Model: o.Name, Version: 1, Changed: o.Changed}
	if o.Like != nil {
		d.Model, d.Version, d.Hysteresis = o.Like.Model, o.Like.Version+1, o.Like.Hysteresis
	}
	if d.Model == "" {
		d.Model = "learned"
	}
	standard := o.schema()
	declared := map[string]bool{}
	for i := range k.sides {
		for _, col := range k.sides[i].cols {
			a := k.f.c.axes[col]
			if declared[a.Field] {
				continue
			}
			declared[a.Field] = true
			kind := "string"
			if a.Kind == KindNumber {
				kind = "double"
			}
			if f, ok := standard.Lookup(a.Field); ok {
				kind = f.Kind.String()
			}
			d.HostFields = append(d.HostFields, scoring.HostField{Name: strings.TrimPrefix(a.Field, "lead."), Kind: kind})
		}
	}
	slices.SortFunc(d.HostFields, func(a, b scoring.HostField) int { return strings.Compare(a.Name, b.Name) })
	lines := k.lines(o)
	groups := map[string]bool{}
	for _, l := range lines {
		groups[l.Group] = true
	}
	if len(groups) > 1 {
		for _, name := range slices.Sorted(keysOf(groups)) {
			d.Groups = append(d.Groups, scoring.Group{Name: name})
		}
	}
	comments := map[string]string{}
	comment := ""
	if k.base != 0 {
		r := scoring.Rule{ID: "everybody", When: leadloop.Expression{Text: "true"}, Points: leadloop.Expression{Text: k.base.String()}, Description: "what every lead begins with"}
		if len(d.Groups) > 0 {
			r.Group = d.Groups[0].Name
		}
		d.Rules = append(d.Rules, r)
	}
	for i, l := range lines {
		if i == 0 || lines[i-1].Columns != l.Columns {
			comment = l.Columns + "\n"
		}
		if l.Points == 0 {
			comment += fmt.Sprintf("0 points: %s\n", l.described())
			continue
		}
		r := scoring.Rule{ID: l.ID, Description: l.described(), When: leadloop.Expression{Text: l.When}, Points: leadloop.Expression{Text: l.Points.String()}}
		if len(d.Groups) > 0 {
			r.Group = l.Group
		}
		d.Rules = append(d.Rules, r)
		comments[l.ID], comment = comment, ""
	}
	comments[""] = comment
	for _, t := range k.tiers {
		d.Tiers = append(d.Tiers, scoring.Tier{Name: t.name, From: t.from})
	}
	d.Probability = &scoring.Probability{Even: k.even, Double: k.double}
	return d, comments
}

// described is a rule in words, with how many leads it was learnt from.
func (r Rule) described() string {
	if r.Leads == 0 {
		return r.Says + " (no lead; what the others get on average)"
	}
	return fmt.Sprintf("%s (%s leads, %.1f %% won, %.1f to %.1f)", r.Says, grouping(r.Leads), 100*r.Rate.Value, 100*r.Rate.Low, 100*r.Rate.High)
}

// grouping writes 12345 as 12,345.
func grouping(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func likeTiers(d *scoring.Definition) (out []threshold) {
	if d == nil {
		return nil
	}
	for _, t := range d.Tiers {
		out = append(out, threshold{t.Name, t.From})
	}
	return out
}

package scoring

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Text writes the explanation as a salesperson would read it aloud: tier and
// points first, then what gave them and where each value came from, then what
// is missing. It shows the values that matching rules read, which may be
// personal data. The error is w's.
func (e Explanation) Text(w io.Writer) error {
	_, err := io.WriteString(w, e.String())
	return err
}

// String is what [Explanation.Text] writes.
func (e Explanation) String() string {
	var b strings.Builder
	b.WriteString(e.headline())
	b.WriteString("\n")
	if e.Held {
		fmt.Fprintf(&b, "The points alone would give a lower tier; the hysteresis keeps tier %s.\n", e.Tier)
	}
	fmt.Fprintf(&b, "Model %s version %d, as of %s", e.Model, e.Version, moment(e.AsOf))
	if !e.ValidUntil.IsZero() {
		fmt.Fprintf(&b, ", valid until %s", moment(e.ValidUntil))
	}
	b.WriteString(".\n")
	e.disqualifiers(&b)
	for _, g := range e.Groups {
		e.group(&b, g)
	}
	fmt.Fprintf(&b, "\nBase score: %s = %s\n", e.Formula, e.Base)
	for _, a := range e.Modifiers {
		a.line(&b)
	}
	e.rest(&b)
	return b.String()
}

func (e Explanation) headline() string {
	var s string
	switch {
	case e.Disqualified != "":
		return fmt.Sprintf("Disqualified: %s (rule %s), whatever the points (%s).", e.Disqualified, e.DisqualifiedBy, e.Points)
	case !e.Known:
		s = "No score: no rule matched and nothing is known yet"
	case e.Tier != "":
		s = fmt.Sprintf("Tier %s, %s", e.Tier, counted(e.Points))
	case len(e.PossibleTiers) > 0:
		s = "No tier, " + counted(e.Points)
	default:
		s = counted(e.Points)
	}
	if e.Low == e.High && e.Low == e.Points {
		return s + "."
	}
	s += " (could be " + spread(e.Low, e.High)
	if !e.RangeExact && e.Low > -boundless && e.High < boundless {
		s += " at most"
	}
	if len(e.PossibleTiers) > 1 || len(e.PossibleTiers) == 1 && e.PossibleTiers[0] != e.Tier {
		names := slices.Clone(e.PossibleTiers)
		if last := len(names) - 1; names[last] == "" {
			names[last] = "none"
		}
		s += ", tier " + join(names, "or")
	}
	if len(e.Needs) > 0 {
		s += " once " + known(e.Needs)
	}
	return s + ")."
}

func (e Explanation) disqualifiers(b *strings.Builder) {
	for _, c := range e.Contributions {
		if c.Disqualifies == "" {
			continue
		}
		switch c.State {
		case Matched:
			fmt.Fprintf(b, "Disqualified as %s by %s.\n", c.Disqualifies, c.sentence())
		case Undecided:
			fmt.Fprintf(b, "Could still be disqualified as %s by %s: needs %s.\n", c.Disqualifies, c.name(), fieldList(c.Needs))
		case Failed:
			fmt.Fprintf(b, "It could not be checked whether the lead is disqualified as %s by %s: %s.\n", c.Disqualifies, c.name(), c.Error)
		}
	}
}

func (e Explanation) group(b *strings.Builder, g GroupSum) {
	fmt.Fprintf(b, "\n%s: %s", capital(g.Group), counted(g.Points))
	switch g.Limited {
	case "max":
		fmt.Fprintf(b, " (the rules give %s, the most for this group is %s)", g.Sum, g.Points)
	case "min":
		fmt.Fprintf(b, " (the rules give %s, the least for this group is %s)", g.Sum, g.Points)
	}
	b.WriteString("\n")
	for _, c := range e.Contributions {
		if c.Group != g.Group || c.Disqualifies != "" {
			continue
		}
		switch c.State {
		case Matched:
			fmt.Fprintf(b, "  %8s  %s\n", gain(c.Points), c.sentence())
		case Undecided:
			now := ""
			if c.Points != 0 {
				now = ", counts " + gain(c.Points) + " until then"
			}
			fmt.Fprintf(b, "  %8s  %s: could give %s, needs %s%s\n", "?", c.name(), spread(c.Low, c.High), fieldList(c.Needs), now)
		case Failed:
			fmt.Fprintf(b, "  %8s  %s: failed, counts nothing: %s\n", "!", c.name(), c.Error)
		}
	}
}

// rest names the rules that gave nothing, so that none is missing.
func (e Explanation) rest(b *strings.Builder) {
	var not, none []string
	for _, c := range e.Contributions {
		switch c.State {
		case NotMatched:
			not = append(not, c.Rule)
		case NoValue:
			none = append(none, c.Rule)
		}
	}
	if len(not)+len(none) > 0 {
		b.WriteString("\n")
	}
	if len(not) > 0 {
		fmt.Fprintf(b, "Did not apply: %s.\n", strings.Join(not, ", "))
	}
	if len(none) > 0 {
		fmt.Fprintf(b, "Can't apply, because there is no value to read: %s.\n", strings.Join(none, ", "))
	}
}

// name is how a rule is called: by its description, else by its condition.
func (c Contribution) name() string {
	switch {
	case c.Description != "":
		return fmt.Sprintf("%s (rule %s)", c.Description, c.Rule)
	case c.Each != "":
		return fmt.Sprintf("each %s (rule %s)", c.Each, c.Rule)
	case c.When != "":
		return fmt.Sprintf("%s (rule %s)", c.When, c.Rule)
	}
	return fmt.Sprintf("%s (rule %s)", c.Weight, c.Rule)
}

func (c Contribution) sentence() string {
	facts := slices.Concat(c.occurred(), used(c.Fields, c.Activities))
	if len(facts) == 0 {
		return c.name()
	}
	return c.name() + ": " + strings.Join(facts, "; ")
}

// shownOccurrences is how many activities the text spells out.
const shownOccurrences = 5

func (c Contribution) occurred() []string {
	if c.Each == "" {
		return nil
	}
	var shown []string
	more, rest, dropped := 0, leadloop.Points(0), 0
	for _, o := range c.Occurrences {
		switch {
		case o.Dropped:
			dropped++
		case len(shown) < shownOccurrences:
			shown = append(shown, fmt.Sprintf("%s (%s)", ago(o.Age), gain(o.Points)))
		default:
			more++
			rest += o.Points
		}
	}
	out := []string{c.Each + " " + strings.Join(shown, ", ")}
	if more > 0 {
		out = append(out, fmt.Sprintf("%s for %d more", gain(rest), more))
	}
	if dropped > 0 {
		out = append(out, fmt.Sprintf("%d more not counted, the most recent %d count", dropped, len(c.Occurrences)-dropped))
	}
	if c.Faded > 0 {
		out = append(out, fmt.Sprintf("%d too long ago to count", c.Faded))
	}
	return out
}

func used(fields []FieldUsed, activities []ActivityUsed) []string {
	var out []string
	for _, a := range activities {
		switch a.Count {
		case 0:
			out = append(out, a.Type+" never")
		case 1:
			out = append(out, fmt.Sprintf("%s once, %s", a.Type, ago(a.Age)))
		default:
			out = append(out, fmt.Sprintf("%s %d times in all, last %s", a.Type, a.Count, ago(a.Age)))
		}
	}
	for _, f := range fields {
		out = append(out, f.sentence())
	}
	return out
}

func (f FieldUsed) sentence() string {
	name := plain(f.Field)
	switch f.Value.Presence() {
	case leadloop.Absent:
		return name + " is not known"
	case leadloop.KnownAbsent:
		name += " does not exist"
	case leadloop.Empty:
		name += " is empty"
	default:
		name += " = " + f.Value.String()
	}
	if from := f.from(); from != "" {
		name += ", " + from
	}
	if !f.At.IsZero() {
		name += " " + ago(f.Age)
	}
	return name
}

func (f FieldUsed) from() string {
	by := map[string]string{
		leadloop.OriginDerived.String():  "derived by",
		leadloop.OriginProvider.String(): "from",
		leadloop.OriginImport.String():   "imported from",
		leadloop.OriginPerson.String():   "given by the lead in",
		leadloop.OriginRep.String():      "entered by",
	}[f.Origin]
	switch {
	case by == "":
		return ""
	case f.Source == "":
		return f.Origin
	}
	return by + " " + f.Source
}

func (a Adjustment) line(b *strings.Builder) {
	what := a.Description
	if what == "" {
		what = a.Modifier
	}
	var does string
	if a.Multiply != nil {
		does = "× " + strconv.FormatFloat(*a.Multiply, 'g', -1, 64)
	} else {
		does = gain(*a.Add)
	}
	until := fmt.Sprintf("modifier %s, owner %s, until %s", a.Modifier, a.Owner, moment(a.Expires))
	switch a.State {
	case Matched:
		fmt.Fprintf(b, "  %s: %s makes %s into %s (%s)", what, does, a.Before, a.After, until)
		if facts := used(a.Fields, a.Activities); len(facts) > 0 {
			fmt.Fprintf(b, ": %s", strings.Join(facts, "; "))
		}
		b.WriteString("\n")
	case Undecided:
		now := ""
		if a.After != a.Before {
			now = fmt.Sprintf(", makes %s into %s until then", a.Before, a.After)
		}
		fmt.Fprintf(b, "  %s: %s would apply or not, needs %s%s (%s)\n", what, does, fieldList(a.Needs), now, until)
	case Failed:
		fmt.Fprintf(b, "  %s: failed, not applied: %s (%s)\n", what, a.Error, until)
	case Expired:
		fmt.Fprintf(b, "  %s: expired on %s, not applied (modifier %s, owner %s)\n", what, moment(a.Expires), a.Modifier, a.Owner)
	}
}

func counted(p leadloop.Points) string {
	if p == leadloop.Point || p == -leadloop.Point {
		return p.String() + " point"
	}
	return p.String() + " points"
}

// gain writes points with their sign.
func gain(p leadloop.Points) string {
	if p < 0 {
		return p.String()
	}
	return "+" + p.String()
}

// boundless is where points that nothing bounds end, or what is left of that
// when others are taken off.
const boundless = leadloop.MaxPoints / 2

func spread(low, high leadloop.Points) string {
	switch {
	case low <= -boundless && high >= boundless:
		return "anything"
	case low <= -boundless:
		return "anything up to " + high.String()
	case high >= boundless:
		return low.String() + " or more"
	case low == high:
		return low.String()
	}
	return low.String() + " to " + high.String()
}

// plain says a field's name in words: "company employees", "plan interest".
func plain(field string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(field, "lead."), "_", " "), ".", " ")
}

func fieldList(fields []string) string {
	words := make([]string, len(fields))
	for i, f := range fields {
		words[i] = plain(f)
	}
	return join(words, "and")
}

func known(fields []string) string {
	if len(fields) == 1 {
		return plain(fields[0]) + " is known"
	}
	return fieldList(fields) + " are known"
}

func join(words []string, last string) string {
	n := len(words)
	if n < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n-1], ", ") + " " + last + " " + words[n-1]
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func moment(t time.Time) string {
	if h, m, s := t.Clock(); h == 0 && m == 0 && s == 0 && t.Nanosecond() == 0 {
		return t.Format("2 January 2006")
	}
	return t.Format("2 January 2006 15:04 MST")
}

// ago says an age in the largest unit that gives at least two, or one day.
func ago(a Age) string {
	const day = 24 * time.Hour
	for _, u := range []struct {
		length, from time.Duration
		name         string
	}{
		{365 * day, 2 * 365 * day, "year"}, {30 * day, 60 * day, "month"}, {day, day, "day"},
		{time.Hour, time.Hour, "hour"}, {time.Minute, time.Minute, "minute"},
	} {
		if d := time.Duration(a); d >= u.from {
			n := int(d / u.length)
			if n == 1 {
				return "1 " + u.name + " ago"
			}
			return strconv.Itoa(n) + " " + u.name + "s ago"
		}
	}
	return "just now"
}

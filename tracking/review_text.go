package tracking

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// figureNames are how figures are called in a sentence.
var figureNames = map[string]string{
	"worked": "Worked", "leakage": "Leakage", "contact_rate": "Contact rate", "sla": "SLA met", "unplaced": "Not placed by a rule",
	"overridden": "Moved by hand", "sal_rate": "SAL rate",
}

// Name is the change's figure and group for people: "SAL rate, tier A".
func (c Change) Name() string {
	name := cmp.Or(figureNames[c.Figure], c.Figure)
	if c.By != "" {
		name += ", " + c.By + " " + Clean(c.Group)
	}
	return name
}

// share is a rate in a sentence: "61.0 % (47–73) of 41", or its counts.
func share(r Rate) string {
	if _, ok := r.Share(); !ok {
		return fmt.Sprintf("%d of %d, too few to say", r.Hits, r.Of)
	}
	return percent(r) + fmt.Sprintf(" of %d", r.Of)
}

// against is a change in a sentence.
func (c Change) against() string {
	s := share(c.After)
	if before, ok := c.Before.Share(); ok {
		s += fmt.Sprintf("; week before %.1f %% of %d", 100*before, c.Before.Of)
	}
	return s
}

// Text writes the review as a message for a chat, to be read aloud: lists and
// lines that fit a phone, no tables. An error is w's.
func (r *Review) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Leads in week %s (%s to %s)\n", r.Week, r.From.Format("2 Jan"), r.Until.AddDate(0, 0, -1).Format("2 Jan 2006"))
	fmt.Fprintf(&b, "• Arrived: %d; week before %d\n", r.Created, r.CreatedBefore)
	line := func(name, text string) { fmt.Fprintf(&b, "• %s: %s\n", name, text) }
	for _, c := range []Change{r.Worked, r.Leakage} {
		line(c.Name(), c.against())
	}
	for _, c := range r.SALRate {
		switch {
		case c.By == "":
			line(c.Name(), c.against())
		case c.After.Of > 0:
			fmt.Fprintf(&b, "   %s %s: %s\n", c.By, Clean(c.Group), share(c.After))
		}
	}
	b.WriteString("• Speed to lead, from arrival to first touch\n")
	for _, s := range r.SpeedToLead {
		group := s.Group
		if s.By != "" {
			group = s.By + " " + Clean(s.Group)
		}
		text := fmt.Sprintf("%d touched, too few to say", s.After.Count)
		if s.After.Count >= Enough {
			text = fmt.Sprintf("median %s, 9 of 10 within %s, of %d", span(s.After.Median), span(s.After.P90), s.After.Count)
		}
		if s.After.Waiting > 0 {
			text += fmt.Sprintf("; %d still wait", s.After.Waiting)
		}
		fmt.Fprintf(&b, "   %s: %s\n", group, text)
	}
	line(r.SLA.Name(), r.SLA.against())
	line("Contact rate", r.ContactRate.against())
	line("Routing failures", r.failures())
	if d := r.Revenue; d.Won+d.Lost > 0 {
		line("Deals closed", fmt.Sprintf("%d won for %s, %d lost; week before %d won for %s", d.Won, money(d.WonAmount), d.Lost, r.RevenueBefore.Won, money(r.RevenueBefore.WonAmount)))
	}
	for _, p := range r.Skew {
		if p.Count >= Enough {
			line("Fair shares, pool "+Clean(p.Pool), p.Skew.String())
		}
	}
	if g := r.ScoreGap; g.Won+g.Lost > 0 {
		line("Score of won and lost leads", g.String())
	}
	for _, d := range r.Dead {
		line("Tasks that gave up", fmt.Sprintf("%s %d", Clean(d.Name), d.Count))
	}
	b.WriteString("\n" + r.changed() + "\n")
	r.proposed(&b)
	if r.NoArrival > 0 {
		fmt.Fprintf(&b, "\nCounted apart: %d leads that never arrived according to the journal\n", r.NoArrival)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String is the gap in a sentence.
func (g ScoreGap) String() string {
	if !g.Known() {
		return fmt.Sprintf("%d won and %d lost, too few to say", g.Won, g.Lost)
	}
	return fmt.Sprintf("medians %s of %d and %s of %d; a won one is above a lost one in %.0f %% of pairs (%.0f–%.0f)",
		g.WonMedian, g.Won, g.LostMedian, g.Lost, 100*g.Above, 100*g.Low, 100*g.High)
}

// String is the skew in a sentence.
func (s Skew) String() string {
	if s.Count < Enough {
		return fmt.Sprintf("%d leads, too few to say", s.Count)
	}
	return fmt.Sprintf("9 of 10 leads went to somebody within %.2f leads of the fair share, all within %.2f, of %d", float64(s.P90)/100, float64(s.Most)/100, s.Count)
}

func (r *Review) failures() string {
	if r.Unplaced.After.Hits == 0 {
		return fmt.Sprintf("none; week before %d", r.Unplaced.Before.Hits)
	}
	var parts []string
	for _, f := range r.Failures {
		parts = append(parts, fmt.Sprintf("%s %d", Clean(f.Name), f.Count))
	}
	return fmt.Sprintf("%d (%s); week before %d", r.Unplaced.After.Hits, strings.Join(parts, ", "), r.Unplaced.Before.Hits)
}

// changed lists what changed beyond noise.
func (r *Review) changed() string {
	list, compared := r.Changes()
	var b strings.Builder
	say := func(text string) { b.WriteString("\n• " + text) }
	if r.CreatedBeyond {
		say(fmt.Sprintf("Arrived: %d → %d", r.CreatedBefore, r.Created))
	}
	for _, c := range list {
		before, _ := c.Before.Share()
		after, _ := c.After.Share()
		say(fmt.Sprintf("%s: %.1f %% of %d → %.1f %% of %d", c.Name(), 100*before, c.Before.Of, 100*after, c.After.Of))
	}
	for _, s := range r.SpeedToLead {
		if s.Beyond {
			name := "Speed to lead"
			if s.By != "" {
				name += ", " + s.By + " " + Clean(s.Group)
			}
			say(fmt.Sprintf("%s: median %s → %s", name, span(s.Before.Median), span(s.After.Median)))
		}
	}
	if b.Len() == 0 {
		return fmt.Sprintf("Nothing changed beyond noise (figures compared: %d)", compared)
	}
	return fmt.Sprintf("Changed beyond noise (at 99 %%; figures compared: %d)%s", compared, b.String())
}

func (r *Review) proposed(b *strings.Builder) {
	if len(r.Proposals) == 0 {
		fmt.Fprintf(b, "Nothing to propose: of %d comparisons over %d weeks none is strong enough\n", r.Compared, len(r.Trend))
		return
	}
	fmt.Fprintf(b, "To try, best supported of %d comparisons over %d weeks\n", r.Compared, len(r.Trend))
	for i, p := range r.Proposals {
		fmt.Fprintf(b, "%d. %s: %s\n   Seen: %s\n   Expect: %s\n", i+1, p.File, Clean(p.Change), Clean(p.Evidence), Clean(p.Effect))
	}
}

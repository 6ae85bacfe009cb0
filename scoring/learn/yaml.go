package learn

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// YAML writes the model as scoring.yaml, with what each column was and the
// groups that get nothing as comments. [scoring.Parse] reads it back as
// Result.Definition.
func (r *Result) YAML() []byte {
	var b strings.Builder
	d := &r.Definition
	rep := &r.Report
	fmt.Fprintf(&b, "# A scorecard learnt from %s leads, of which %s were won (%.1f %%). A proposal: compare it, run it as a shadow, then\n# put it in force. In brackets: how many leads the line was learnt from, how many of them were won, and the 95 %% interval.\n",
		grouping(rep.Train.Leads), grouping(rep.Train.Won), 100*rep.Train.Rate.Value)
	fmt.Fprintf(&b, "# On %s leads held out (%s): AUC %.3f (%.3f to %.3f)",
		grouping(rep.Test.Leads), rep.Split, rep.Held.AUC.Value, rep.Held.AUC.Low, rep.Held.AUC.High)
	if rep.Held.LogLoss != nil {
		fmt.Fprintf(&b, ", log-loss %.4f (%.4f for the average)", *rep.Held.LogLoss, *rep.Held.LogLossBase)
	}
	b.WriteString(".\n")
	fmt.Fprintf(&b, "model: %s\nversion: %d\n", d.Model, d.Version)
	if c := d.Changed; c.By != "" || c.Why != "" || !c.At.IsZero() {
		var parts []string
		if c.By != "" {
			parts = append(parts, "by: "+text(c.By))
		}
		if !c.At.IsZero() {
			parts = append(parts, "at: "+c.At.UTC().Format(time.RFC3339))
		}
		if c.Why != "" {
			parts = append(parts, "why: "+text(c.Why))
		}
		fmt.Fprintf(&b, "changed: {%s}\n", strings.Join(parts, ", "))
	}
	b.WriteString("fields:\n")
	for _, f := range d.HostFields {
		fmt.Fprintf(&b, "  %s: %s\n", f.Name, f.Kind)
	}
	b.WriteString("rules:\n")
	for _, rule := range d.Rules {
		comment(&b, r.comments[rule.ID])
		fmt.Fprintf(&b, "  - {id: %s, ", rule.ID)
		if rule.Group != "" {
			fmt.Fprintf(&b, "group: %s, ", rule.Group)
		}
		fmt.Fprintf(&b, "when: %s, points: %s,\n     description: %s}\n", text(rule.When.Text), rule.Points.Text, text(rule.Description))
	}
	comment(&b, r.comments[""])
	if len(d.Groups) > 0 {
		b.WriteString("groups:\n")
		for _, g := range d.Groups {
			fmt.Fprintf(&b, "  %s: {}\n", g.Name)
		}
	}
	if len(d.Tiers) > 0 {
		var parts []string
		for _, t := range d.Tiers {
			parts = append(parts, t.Name+": "+strconv.FormatFloat(t.From, 'f', -1, 64))
		}
		if d.Hysteresis != 0 {
			parts = append(parts, "hysteresis: "+strconv.FormatFloat(d.Hysteresis, 'f', -1, 64))
		}
		fmt.Fprintf(&b, "tiers: {%s}\n", strings.Join(parts, ", "))
	}
	if p := d.Probability; p != nil {
		fmt.Fprintf(&b, "# Half of the leads with %v points are won, and %v points more double the odds.\nprobability: {even: %s, double: %s}\n",
			p.Even, p.Double, strconv.FormatFloat(p.Even, 'f', -1, 64), strconv.FormatFloat(p.Double, 'f', -1, 64))
	}
	return []byte(b.String())
}

// comment writes lines before a rule.
func comment(b *strings.Builder, lines string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(lines, "\n"), "\n") {
		if line == "" {
			continue
		}
		// A comment ends with its line, whatever a value holds.
		line = strings.Map(func(c rune) rune {
			if c < ' ' || c == 0x7f || c == 0x85 || c == 0x2028 || c == 0x2029 {
				return ' '
			}
			return c
		}, line)
		fmt.Fprintf(b, "  # %s\n", line)
	}
}

// text is a YAML string. In single quotes nothing means anything but the quote
// itself; what those can't hold is written with escapes.
func text(s string) string {
	for _, c := range s {
		if c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff || c >= 0xe000 && c < 0xf900 {
			return strconv.QuoteToASCII(s)
		}
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

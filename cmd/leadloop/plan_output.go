package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop/playbook"
)

// planLines is how many lines of a kind the summary shows: it is to fit on a
// screen, and --json has all.
const planLines = 8

func percentOf(n, of int) string {
	return fmt.Sprintf("%s (%.1f %%)", thousands(int64(n)), 100*float64(n)/float64(max(of, 1)))
}

// planText is the comparison on one screen.
func planText(c *playbook.Comparison) string {
	var b strings.Builder
	fmt.Fprintf(&b, "From %s to %s, on %s as of %s.\n", c.Old, c.New, plural(c.Leads, "lead"), c.AsOf.Format("2006-01-02 15:04 MST"))
	if c.Failed > 0 {
		fmt.Fprintf(&b, "%s could not be compared: %s\n", plural(c.Failed, "lead"), c.FirstError)
	}
	fmt.Fprintf(&b, "\n%s:\n", plural(len(c.Changes), "change"))
	for i, x := range c.Changes {
		if i == planLines {
			fmt.Fprintf(&b, "  and %d more (--json has all)\n", len(c.Changes)-i)
			break
		}
		fmt.Fprintf(&b, "  %s\n", x)
	}
	if !c.Moves() && c.PointsChanged == 0 {
		b.WriteString("\nNothing moves: every lead keeps its points, its tier and its place.\n")
	} else {
		fmt.Fprintf(&b, "\nPoints change for %s, the tier for %s, the place for %s.\n", percentOf(c.PointsChanged, c.Leads), percentOf(c.TierChanged, c.Leads), percentOf(c.RouteChanged, c.Leads))
		for i, m := range c.Movers {
			if i == planLines {
				fmt.Fprintf(&b, "  and %d more\n", len(c.Movers)-i)
				break
			}
			fmt.Fprintf(&b, "  moved by %s: %s\n", m.What, plural(m.Leads, "lead"))
		}
	}
	planMatrix(&b, c)
	planShifts(&b, c)
	planSeparation(&b, c)
	if len(c.Moved) > 0 {
		b.WriteString("\nLeads that move furthest:\n")
		for i, m := range c.Moved {
			if i == planLines {
				break
			}
			fmt.Fprintf(&b, "  %s: %s → %s points, tier %s → %s", m.Lead, m.Before, m.After, m.TierBefore, m.TierAfter)
			if m.From != m.To {
				fmt.Fprintf(&b, ", %s → %s", m.From, m.To)
			}
			if m.Because != "" {
				fmt.Fprintf(&b, " (%s)", m.Because)
			}
			b.WriteByte('\n')
		}
	}
	for _, g := range c.Broken {
		fmt.Fprintf(&b, "\nGUARD %s: %s.\n", g.Guard, g.Text)
	}
	return b.String()
}

func planMatrix(b *strings.Builder, c *playbook.Comparison) {
	var names []string
	for _, t := range c.Tiers {
		if t.Before+t.After > 0 {
			names = append(names, t.Tier)
		}
	}
	b.WriteByte('\n')
	t := newTable(b, "Tiers: from (rows) to (columns)")
	header := table.Row{""}
	for _, n := range names {
		header = append(header, n)
	}
	t.AppendHeader(append(header, "before"))
	for _, from := range names {
		row := table.Row{from}
		for _, to := range names {
			n := 0
			for _, m := range c.Matrix {
				if m.From == from && m.To == to {
					n = m.Leads
				}
			}
			row = append(row, blankZero(n))
		}
		i := slices.IndexFunc(c.Tiers, func(s playbook.TierShift) bool { return s.Tier == from })
		t.AppendRow(append(row, c.Tiers[i].Before))
	}
	footer := table.Row{"after"}
	for _, n := range names {
		i := slices.IndexFunc(c.Tiers, func(s playbook.TierShift) bool { return s.Tier == n })
		footer = append(footer, c.Tiers[i].After)
	}
	t.AppendFooter(append(footer, c.Leads-c.Failed))
	t.Render()
	b.WriteByte('\n')
}

// planShifts tells what changes for places, entries, owners and clocks.
func planShifts(b *strings.Builder, c *playbook.Comparison) {
	line := func(what, name string, before, after int) {
		if before != after {
			fmt.Fprintf(b, "  %s %s: %s → %s leads (%+d)\n", what, name, thousands(int64(before)), thousands(int64(after)), after-before)
		}
	}
	var part strings.Builder
	whole := b
	b = &part
	for _, p := range c.Places {
		line(string(p.Kind), p.Place, p.Before, p.After)
	}
	for _, x := range []struct {
		what string
		list []playbook.Shift
	}{{"entry", c.Entries}, {"owner", c.Owners}, {"clock", c.Clocks}} {
		for _, s := range x.list {
			line(x.what, s.Name, s.Before, s.After)
		}
	}
	if len(c.ReadsMore) > 0 {
		fmt.Fprintf(b, "  rules read more, so more is bought: %s\n", strings.Join(c.ReadsMore, ", "))
	}
	if len(c.ReadsLess) > 0 {
		fmt.Fprintf(b, "  rules read no more, so it is not bought: %s\n", strings.Join(c.ReadsLess, ", "))
	}
	if part.Len() > 0 {
		whole.WriteString("\nWho gets how much:\n" + part.String())
	}
}

func planSeparation(b *strings.Builder, c *playbook.Comparison) {
	if c.Before == nil || c.After == nil {
		return
	}
	fmt.Fprintf(b, "\nWon against lost, %d and %d leads (95 %% intervals):\n", c.After.Won, c.After.Lost)
	for _, x := range []struct {
		name string
		s    *playbook.Separation
	}{{"before", c.Before}, {"after", c.After}} {
		s := x.s
		fmt.Fprintf(b, "  %-6s gap %.1f points (%.1f to %.1f), AUC %.3f (%.3f to %.3f)", x.name, s.Gap, s.GapLow, s.GapHigh, s.AUC, s.AUCLow, s.AUCHigh)
		if !s.Monotone {
			b.WriteString(", a tier wins less than a worse one")
		}
		b.WriteString("; won by tier:")
		for _, t := range s.Tiers {
			fmt.Fprintf(b, " %s %.0f %% of %d (%.0f–%.0f)", t.Tier, 100*t.Rate, t.Closed, 100*t.Low, 100*t.High)
		}
		b.WriteByte('\n')
	}
	if c.After.Won < 2 || c.After.Lost < 2 {
		b.WriteString("  Too few to say: an interval needs two of a kind.\n")
		return
	}
	if c.After.GapHigh >= c.Before.GapLow && c.Before.GapHigh >= c.After.GapLow {
		b.WriteString("  The intervals overlap: these outcomes do not tell which playbook sorts better.\n")
	}
}

// planMarkdown is the comparison as a comment on a pull request.
func planMarkdown(c *playbook.Comparison) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### Playbook: %s → %s\n\n", c.Old, c.New)
	fmt.Fprintf(&b, "On %s: points change for %s, the tier for **%s**, the place for **%s**.\n\n", plural(c.Leads, "lead"), percentOf(c.PointsChanged, c.Leads), percentOf(c.TierChanged, c.Leads), percentOf(c.RouteChanged, c.Leads))
	for _, g := range c.Broken {
		fmt.Fprintf(&b, "> ⛔ **%s**: %s\n\n", g.Guard, g.Text)
	}
	b.WriteString("| tier | before | after |\n| --- | ---: | ---: |\n")
	for _, t := range c.Tiers {
		if t.Before+t.After > 0 {
			fmt.Fprintf(&b, "| %s | %d | %d |\n", t.Tier, t.Before, t.After)
		}
	}
	if len(c.Movers) > 0 {
		b.WriteString("\n| moved by | leads |\n| --- | ---: |\n")
		for _, m := range c.Movers {
			fmt.Fprintf(&b, "| %s | %d |\n", m.What, m.Leads)
		}
	}
	b.WriteString("\n<details><summary>" + plural(len(c.Changes), "change") + "</summary>\n\n")
	for _, x := range c.Changes {
		fmt.Fprintf(&b, "- `%s`\n", strings.ReplaceAll(x.String(), "`", "'"))
	}
	b.WriteString("\n</details>\n")
	var rest strings.Builder
	planShifts(&rest, c)
	planSeparation(&rest, c)
	if rest.Len() > 0 {
		b.WriteString("\n```\n" + strings.TrimLeft(rest.String(), "\n") + "```\n")
	}
	return b.String()
}

//go:embed plan.html.tmpl
var planTemplate string

// planPage is one HTML file that needs nothing else.
func planPage(c *playbook.Comparison) ([]byte, error) {
	t, err := template.New("plan").Funcs(template.FuncMap{"percent": percentOf, "below": func(y int) int { return y + 27 }}).Parse(planTemplate)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	count := func(v float64) string { return fmt.Sprintf("%.0f", v) }
	var charts []simChart
	add := func(title string, list []playbook.Shift) {
		var names []string
		var before, after []float64
		for _, s := range list {
			if s.Before+s.After > 0 {
				names, before, after = append(names, s.Name), append(before, float64(s.Before)), append(after, float64(s.After))
			}
		}
		if len(names) > 0 {
			charts = append(charts, newSimChart(title, "leads, before and after", names, before, after, count))
		}
	}
	var tiers, places []playbook.Shift
	for _, s := range c.Tiers {
		tiers = append(tiers, playbook.Shift{Name: s.Tier, Before: s.Before, After: s.After})
	}
	for _, p := range c.Places {
		places = append(places, playbook.Shift{Name: string(p.Kind) + " " + p.Place, Before: p.Before, After: p.After})
	}
	add("Tiers", tiers)
	add("Where leads go", places)
	add("Owners", c.Owners)
	add("Entries of the chain", c.Entries)
	add("Clocks that start", c.Clocks)
	var separation strings.Builder
	planSeparation(&separation, c)
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		*playbook.Comparison
		Charts     []simChart
		Separation string
	}{c, charts, strings.TrimSpace(separation.String())})
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

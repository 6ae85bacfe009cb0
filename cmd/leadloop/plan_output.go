package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
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
	if len(c.Changes) == 0 {
		b.WriteString("\nThe files say the same.\n")
	} else {
		fmt.Fprintf(&b, "\n%s:\n", plural(len(c.Changes), "change"))
	}
	for i, x := range c.Changes {
		if i == planLines {
			fmt.Fprintf(&b, "  and %d more (--json has all)\n", len(c.Changes)-i)
			break
		}
		fmt.Fprintf(&b, "  %s\n", shortened(x))
	}
	if !c.Moves() {
		b.WriteString("\nNothing moves: every lead keeps its points, tier, place, owner and response time, and is looked up for the same.\n")
	} else {
		fmt.Fprintf(&b, "\nPoints change for %s, the tier for %s, the place for %s, the owner for %s, the due time for %s.\n",
			percentOf(c.PointsChanged, c.Leads), percentOf(c.TierChanged, c.Leads), percentOf(c.RouteChanged, c.Leads), percentOf(c.OwnerChanged, c.Leads), percentOf(c.DueChanged, c.Leads))
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
	planEnrichment(&b, c)
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

// shortened leaves out of a long change what both sides begin and end with.
func shortened(c playbook.Change) playbook.Change {
	const long, around = 60, 24
	a, b := []rune(c.Before), []rune(c.After)
	if max(len(a), len(b)) <= long {
		return c
	}
	cut := func(r []rune, from, to int) string {
		s := string(r[from:to])
		if from > 0 {
			s = "…" + s
		}
		if to < len(r) {
			s += "…"
		}
		return s
	}
	if len(a) == 0 || len(b) == 0 {
		c.Before, c.After = cut(a, 0, min(len(a), 2*long)), cut(b, 0, min(len(b), 2*long))
		return c
	}
	from, end := 0, 0
	for from < min(len(a), len(b)) && a[from] == b[from] {
		from++
	}
	for end < min(len(a), len(b))-from && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	from, end = max(0, from-around), max(0, end-around)
	c.Before, c.After = cut(a, from, len(a)-end), cut(b, from, len(b)-end)
	return c
}

// tierRow is a row of the matrix: how many leads of a tier come to each of the
// others, in the order of the rows. The last row is how many each has afterwards.
type tierRow struct {
	Tier   string
	To     []int
	Before int
}

func tierMatrix(c *playbook.Comparison) []tierRow {
	var used []playbook.TierShift
	after := tierRow{Tier: "after", Before: c.Leads - c.Failed}
	for _, t := range c.Tiers {
		if t.Before+t.After > 0 {
			used, after.To = append(used, t), append(after.To, t.After)
		}
	}
	var rows []tierRow
	for _, from := range used {
		row := tierRow{Tier: from.Tier, To: make([]int, len(used)), Before: from.Before}
		for i, to := range used {
			for _, m := range c.Matrix {
				if m.From == from.Tier && m.To == to.Tier {
					row.To[i] = m.Leads
				}
			}
		}
		rows = append(rows, row)
	}
	return append(rows, after)
}

func planMatrix(b *strings.Builder, c *playbook.Comparison) {
	t := newTable(b, "Tiers: from (rows) to (columns)")
	rows := tierMatrix(c)
	last := len(rows) - 1
	header := table.Row{""}
	for i, r := range rows {
		row := table.Row{r.Tier}
		for _, n := range r.To {
			row = append(row, blankZero(n))
		}
		if row = append(row, r.Before); i == last {
			t.AppendFooter(row)
		} else {
			header = append(header, r.Tier)
			t.AppendRow(row)
		}
	}
	t.AppendHeader(append(header, "before"))
	t.Render()
}

// planShifts tells what changes for places, queues, owners and clocks.
func planShifts(b *strings.Builder, c *playbook.Comparison) {
	var lines []planLine
	line := func(what, name string, before, after int) {
		if before != after {
			text := fmt.Sprintf("%s: %s → %s leads (%+d)", strings.TrimSpace(what+" "+name), thousands(int64(before)), thousands(int64(after)), after-before)
			lines = append(lines, planLine{max(before-after, after-before), text})
		}
	}
	part := func() {
		slices.SortStableFunc(lines, func(x, y planLine) int { return cmp.Compare(y.size, x.size) })
		for i, l := range lines {
			if i == planLines {
				fmt.Fprintf(b, "  and %d more (--json has all)\n", len(lines)-i)
				break
			}
			fmt.Fprintf(b, "  %s\n", l.text)
		}
		lines = nil
	}
	fmt.Fprintf(b, "\nWho gets how much, %s:\n", planAssumed(c))
	before := b.Len()
	for _, p := range c.Places {
		line(string(p.Kind), p.Place, p.Before, p.After)
	}
	part()
	for _, x := range []struct {
		what string
		list []playbook.Shift
	}{{"entry", c.Entries}, {"owner", c.Owners}, {"clock", c.Clocks}} {
		for _, s := range x.list {
			line(x.what, s.Name, s.Before, s.After)
		}
		part()
	}
	planQueues(b, c)
	if b.Len() == before {
		b.WriteString("  everybody as much as before\n")
	}
}

// planLine is a line and how much it is about.
type planLine struct {
	size int
	text string
}

// planAssumed says how routing was tried.
func planAssumed(c *playbook.Comparison) string {
	if c.SimulatedAfter == nil {
		return "everybody idle"
	}
	return fmt.Sprintf("simulated from %s to %s", c.SimulatedAfter.From.UTC().Format("2006-01-02"), c.SimulatedAfter.Until.UTC().Format("2006-01-02"))
}

// planQueues tells what waits, and how soon people are there.
func planQueues(b *strings.Builder, c *playbook.Comparison) {
	x, y := c.SimulatedBefore, c.SimulatedAfter
	if x == nil || y == nil {
		return
	}
	queues := map[string][2]routing.SimulatedQueue{}
	for i, sim := range []*routing.Simulation{x, y} {
		for _, q := range sim.Queues {
			both := queues[q.Queue]
			both[i] = q
			queues[q.Queue] = both
		}
	}
	for _, name := range slices.Sorted(maps.Keys(queues)) {
		p, q := queues[name][0], queues[name][1]
		if p.Queued != q.Queued || p.Most != q.Most {
			fmt.Fprintf(b, "  queue %s: %s → %s came, at most %s → %s at a time, p95 of the wait %s → %s\n", name,
				thousands(int64(p.Queued)), thousands(int64(q.Queued)), thousands(int64(p.Most)), thousands(int64(q.Most)), short(p.Wait.P95), short(q.Wait.P95))
		}
	}
	if x.Wait.P50 != y.Wait.P50 || x.Wait.P95 != y.Wait.P95 {
		fmt.Fprintf(b, "  wait for an owner who is there: p50 %s → %s, p95 %s → %s\n", short(x.Wait.P50), short(y.Wait.P50), short(x.Wait.P95), short(y.Wait.P95))
	}
	if x.SLA != y.SLA {
		fmt.Fprintf(b, "  response times due: %s → %s", thousands(int64(x.SLA.Due)), thousands(int64(y.SLA.Due)))
		if x.SLA.Met+y.SLA.Met > 0 { // else nothing is known of when leads were touched
			fmt.Fprintf(b, "; in time: %s → %s", attained(x.SLA), attained(y.SLA))
		}
		b.WriteByte('\n')
	}
}

// planEnrichment tells what looking leads up would cost.
func planEnrichment(b *strings.Builder, c *playbook.Comparison) {
	e := c.Enrichment
	if e == nil {
		return
	}
	b.WriteString("\nEnrichment, as the planner expects it")
	if e.OneIn > 1 {
		fmt.Fprintf(b, " from one company in %s", thousands(int64(e.OneIn)))
	}
	b.WriteString(":\n")
	calls := func(f float64) string { return thousands(int64(math.Round(f))) }
	cost := func(x playbook.EnrichCost) string {
		s := money(x.Cost, x.Currency)
		if x.Margin > 0 {
			s += " ± " + money(x.Margin, x.Currency)
		}
		return s
	}
	if x, y := e.Before, e.After; !e.Moves() {
		fmt.Fprintf(b, "  as before: %s looked up, %s calls, %s\n", plural(x.Leads, "lead"), calls(x.Calls), cost(x))
	} else {
		fmt.Fprintf(b, "  %s → %s leads looked up, %s → %s calls, %s → %s (at most %s → %s)\n", thousands(int64(x.Leads)), thousands(int64(y.Leads)),
			calls(x.Calls), calls(y.Calls), cost(x), cost(y), money(x.High, x.Currency), money(y.High, y.Currency))
		for _, p := range e.Providers {
			if p.CallsBefore != p.CallsAfter || p.CostBefore != p.CostAfter {
				fmt.Fprintf(b, "  %s: %s → %s calls, %s → %s\n", p.Provider, calls(p.CallsBefore), calls(p.CallsAfter), money(p.CostBefore, x.Currency), money(p.CostAfter, y.Currency))
			}
		}
	}
	if len(c.ReadsMore) > 0 {
		fmt.Fprintf(b, "  rules read more, so more is bought: %s\n", strings.Join(c.ReadsMore, ", "))
	}
	if len(c.ReadsLess) > 0 {
		fmt.Fprintf(b, "  rules read no more, so it is not bought: %s\n", strings.Join(c.ReadsLess, ", "))
	}
}

func planSeparation(b *strings.Builder, c *playbook.Comparison) {
	if c.Before == nil || c.After == nil {
		return
	}
	fmt.Fprintf(b, "\nWon against lost, %s and %s leads (95 %% intervals):\n", thousands(int64(c.After.Won)), thousands(int64(c.After.Lost)))
	for _, x := range []struct {
		name string
		s    *playbook.Separation
	}{{"before", c.Before}, {"after", c.After}} {
		s := x.s
		fmt.Fprintf(b, "  %-6s gap %.1f points (%.1f to %.1f), AUC %.3f (%.3f to %.3f)", x.name, s.Gap, s.GapLow, s.GapHigh, s.AUC, s.AUCLow, s.AUCHigh)
		if !s.Monotone {
			b.WriteString(", a tier wins less than a worse one")
		}
		b.WriteString("\n         won by tier:")
		for _, t := range s.Tiers {
			fmt.Fprintf(b, " %s %.0f %% of %d (%.0f–%.0f, lift %.2f)", t.Tier, 100*t.Rate, t.Closed, 100*t.Low, 100*t.High, t.Lift)
		}
		b.WriteString("\n         won by points:")
		for _, t := range s.Bands {
			fmt.Fprintf(b, " %g–%g %.0f %% (%.0f–%.0f)", math.Round(t.From), math.Round(t.To), 100*t.Rate, 100*t.Low, 100*t.High)
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
	fmt.Fprintf(&b, "On %s: points change for %s, the tier for **%s**, the place for **%s**, the owner for %s, the due time for %s.\n\n",
		plural(c.Leads, "lead"), percentOf(c.PointsChanged, c.Leads), percentOf(c.TierChanged, c.Leads), percentOf(c.RouteChanged, c.Leads), percentOf(c.OwnerChanged, c.Leads),
		percentOf(c.DueChanged, c.Leads))
	for _, g := range c.Broken {
		fmt.Fprintf(&b, "> ⛔ **%s**: %s\n\n", g.Guard, g.Text)
	}
	b.WriteString("| tier | before | after | comes from |\n| --- | ---: | ---: | --- |\n")
	for _, t := range c.Tiers {
		if t.Before+t.After == 0 {
			continue
		}
		var from []string
		for _, m := range c.Matrix {
			if m.To == t.Tier && m.From != t.Tier {
				from = append(from, fmt.Sprintf("%s of %s", thousands(int64(m.Leads)), m.From))
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", t.Tier, thousands(int64(t.Before)), thousands(int64(t.After)), strings.Join(from, ", "))
	}
	if len(c.Movers) > 0 {
		b.WriteString("\n| moved by | leads |\n| --- | ---: |\n")
		for _, m := range c.Movers {
			fmt.Fprintf(&b, "| %s | %s |\n", m.What, thousands(int64(m.Leads)))
		}
	}
	if len(c.Moved) > 0 {
		b.WriteString("\n<details><summary>leads that move furthest</summary>\n\n| lead | points | tier | place | because of |\n| --- | --- | --- | --- | --- |\n")
		for _, m := range c.Moved {
			fmt.Fprintf(&b, "| %s | %s → %s | %s → %s | %s → %s | %s |\n", strings.ReplaceAll(string(m.Lead), "|", `\|`), m.Before, m.After, m.TierBefore, m.TierAfter, m.From, m.To, m.Because)
		}
		b.WriteString("\n</details>\n")
	}
	b.WriteString("\n<details><summary>" + plural(len(c.Changes), "change") + "</summary>\n\n")
	for _, x := range c.Changes {
		fmt.Fprintf(&b, "- `%s`\n", strings.ReplaceAll(x.String(), "`", "'"))
	}
	b.WriteString("\n</details>\n")
	var rest strings.Builder
	planShifts(&rest, c)
	planEnrichment(&rest, c)
	planSeparation(&rest, c)
	if rest.Len() > 0 {
		b.WriteString("\n```\n" + strings.TrimLeft(rest.String(), "\n") + "```\n")
	}
	return b.String()
}

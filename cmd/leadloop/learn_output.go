package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop/scoring/learn"
)

// learnText is the report for people.
func learnText(in, out string, r *learn.Result) string {
	var w strings.Builder
	rep := &r.Report
	t := rep.Table
	fmt.Fprintf(&w, "%s of %s: %s won, %s lost", plural(t.Rows, "row"), in, thousands(int64(t.Won)), thousands(int64(t.Lost)))
	if t.Open > 0 {
		fmt.Fprintf(&w, ", %s still open", thousands(int64(t.Open)))
	}
	fmt.Fprintf(&w, ".\nSplit %s.\n", rep.Split)
	for _, n := range t.Notes {
		fmt.Fprintf(&w, "Note: %s.\n", n)
	}
	learnColumns(&w, t.Columns)
	tab := newTable(&w, "The scorecard")
	tab.AppendHeader(table.Row{"column", "who", "points", "leads", "won"})
	last := ""
	for _, line := range rep.Rules {
		if line.Leads == 0 {
			continue // said once, below
		}
		name := line.Columns
		if name == last {
			name = ""
		}
		last = line.Columns
		tab.AppendRow(table.Row{shorten(name), shorten(line.Says), line.Points.String(), thousands(line.Leads), interval(line.Rate)})
	}
	tab.Render()
	fmt.Fprintln(&w, "A value that no lead had gets what the others get on average; the file has those lines too.")
	for _, p := range rep.Pairs {
		fmt.Fprintf(&w, "%s are looked at together, because that says more than each by itself.\n", p)
	}
	if p := r.Definition.Probability; p != nil {
		fmt.Fprintf(&w, "Half of the leads with %v points are won; %v points more double the odds.\n", p.Even, p.Double)
	}
	fmt.Fprintf(&w, "\nOn %s that were held out, of which %s were won (learnt from: %s of %s):\n", plural(int(rep.Test.Leads), "lead"), thousands(rep.Test.Won),
		thousands(rep.Train.Won), thousands(rep.Train.Leads))
	qualityText(&w, &rep.Held)
	for _, text := range rep.Warnings {
		fmt.Fprintf(&w, "Careful: %s.\n", text)
	}
	if out != "" {
		fmt.Fprintf(&w, "\n%s is a proposal: read it, score with it (leadloop score --model %s), and run it as a shadow before it is put in force.\n", out, out)
	}
	return w.String()
}

func learnColumns(w *strings.Builder, columns []learn.Column) {
	tab := newTable(w, "Columns")
	tab.AppendHeader(table.Row{"column", "is", "values", "missing", "alone", "what was done"})
	for _, c := range columns {
		alone, did := "", "looked at"
		if c.AUC > 0 {
			alone = fmt.Sprintf("%.3f", c.AUC)
		}
		switch {
		case c.Used && !c.Scored:
			did = "looked at: tells nothing that others do not"
		case !c.Used:
			did = "left out: " + c.Why
		}
		if c.Used && c.Why != "" {
			did += ", although " + c.Why
		}
		if c.Leaks {
			did = "LEAK, " + did
		}
		tab.AppendRow(table.Row{shorten(c.Column), string(c.Kind), thousands(int64(c.Values)), blankZero(c.Missing), alone, did})
		for _, n := range c.Notes {
			tab.AppendRow(table.Row{"", "", "", "", "", n})
		}
	}
	tab.Render()
	fmt.Fprintln(w, "Alone: how often the column by itself puts a won lead before a lost one; 0.5 is chance.")
}

// qualityText says how good scores are.
func qualityText(w *strings.Builder, q *learn.Quality) {
	fmt.Fprintf(w, "  a won lead scores above a lost one in %.1f %% of pairs (AUC %.4f, %.4f to %.4f)\n", 100*q.AUC.Value, q.AUC.Value, q.AUC.Low, q.AUC.High)
	fmt.Fprintf(w, "  average score of won leads %.1f, of lost ones %.1f: a gap of %.1f (%.1f to %.1f)\n", q.MeanWon, q.MeanLost, q.Gap.Value, q.Gap.Low, q.Gap.High)
	if q.LogLoss != nil {
		fmt.Fprintf(w, "  log-loss %.4f, %.4f if the average is said of everybody; Brier %.4f and %.4f\n", *q.LogLoss, *q.LogLossBase, *q.Brier, *q.BrierBase)
		fmt.Fprintf(w, "  probabilities are off by %.1f percentage points on average\n", 100**q.CalibrationError)
	}
	tierTable(w, q.Tiers)
	tab := newTable(w, "The best leads first")
	tab.AppendHeader(table.Row{"best", "from score", "won", "times the average", "of all won"})
	for _, l := range q.Lift {
		tab.AppendRow(table.Row{fmt.Sprintf("%.0f %%", 100*l.Share), fmt.Sprintf("%.6g", l.From), fmt.Sprintf("%.1f %%", 100*l.Rate), fmt.Sprintf("%.2f", l.Lift), fmt.Sprintf("%.0f %%", 100*l.Captured)})
	}
	tab.Render()
	if len(q.Reliability) > 0 {
		tab = newTable(w, "What was said and what happened")
		tab.AppendHeader(table.Row{"probability", "said on average", "won", "leads"})
		for _, b := range q.Reliability {
			tab.AppendRow(table.Row{fmt.Sprintf("%.3f to %.3f", b.From, b.Until), fmt.Sprintf("%.1f %%", 100*b.Said), interval(b.Rate), thousands(b.Leads)})
		}
		tab.Render()
	}
}

func tierTable(w *strings.Builder, tiers []learn.TierCount) {
	if len(tiers) == 0 {
		return
	}
	tab := newTable(w, "How the tiers ended")
	tab.AppendHeader(table.Row{"tier", "from", "leads", "of all", "won", "lost", "won of them", "times the average"})
	for _, t := range tiers {
		tab.AppendRow(table.Row{t.Tier, fmt.Sprintf("%.6g", t.From), thousands(t.Leads), fmt.Sprintf("%.0f %%", 100*t.Share), thousands(t.Won), thousands(t.Lost), interval(t.Rate), fmt.Sprintf("%.2f", t.Lift)})
	}
	tab.Render()
}

// interval writes a share with its interval.
func interval(i learn.Interval) string {
	return fmt.Sprintf("%.1f %% (%.1f to %.1f)", 100*i.Value, 100*i.Low, 100*i.High)
}

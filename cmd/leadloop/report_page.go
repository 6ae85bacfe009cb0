package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/tracking"
)

//go:embed report.html
var reviewHTML string

var reviewTemplate = template.Must(template.New("review").Funcs(template.FuncMap{
	"style": style, "rate": rateText, "span": spanText, "units": unitsText, "thousands": func(n int) string { return thousands(int64(n)) },
	"owed": func(o leadloop.Owed) string {
		return fmt.Sprintf("%+.2f", float64(o)/float64(leadloop.OneLead))
	},
	"join": strings.Join, "last": func(t time.Time) time.Time { return t.AddDate(0, 0, -1) },
}).Parse(reviewHTML))

// rateText is a share with its interval and count.
func rateText(r tracking.Rate) string {
	v, ok := r.Share()
	if !ok {
		return fmt.Sprintf("%d of %d, too few to say", r.Hits, r.Of)
	}
	low, high := r.Interval()
	return fmt.Sprintf("%.1f %% (%.0f–%.0f) of %s", 100*v, 100*low, 100*high, thousands(int64(r.Of)))
}

// spanText is a time with its two largest units, a dash if it is not known.
func spanText(d time.Duration, known bool) string {
	if !known {
		return "–"
	}
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.1f d", d.Hours()/24)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	case d >= 2*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// unitsText is money in whole currency units.
func unitsText(m leadloop.Micros) string { return thousands(int64(math.Round(float64(m) / 1e6))) }

func rateBar(name string, c tracking.Change) bar {
	b := bar{name: name, label: rateText(c.After), faint: c.After.Of < tracking.Enough}
	if c.After.Of > 0 {
		b.value = float64(c.After.Hits) / float64(c.After.Of)
		b.low, b.high = c.After.Interval()
		b.ranged = true
	}
	b.mark, b.marked = c.Before.Share()
	return b
}

// reviewPage is one HTML file that needs nothing else.
func reviewPage(r *tracking.Review) ([]byte, error) {
	var sources, tiers []bar
	for _, c := range r.SALRate {
		if c.After.Of == 0 {
			continue
		}
		switch c.By {
		case tracking.DimSource:
			sources = append(sources, rateBar(c.Group, c))
		case tracking.DimTier:
			tiers = append(tiers, rateBar("tier "+c.Group, c))
		}
	}
	whole := []bar{
		rateBar("worked", r.Worked), rateBar("accepted (SAL)", r.SALRate[0]), rateBar("in contact", r.ContactRate), rateBar("SLA met", r.SLA), rateBar("leaked", r.Leakage),
		rateBar("not placed by a rule", r.Unplaced),
	}
	const most = 12
	more := max(0, len(sources)-most)
	sources = sources[:min(most, len(sources))]
	var leads, sal, speed, leak []column
	for _, p := range r.Trend {
		_, week, _ := strings.Cut(p.Week, "-")
		leads = append(leads, column{name: week, value: float64(p.Leads), title: fmt.Sprintf("%s: %d leads", p.Week, p.Leads)})
		sal = append(sal, rateColumn(week, p.Week, p.SALRate))
		leak = append(leak, rateColumn(week, p.Week, p.Leakage))
		known := p.SpeedToLead.Count >= tracking.Enough
		speed = append(speed, column{
			name: week, value: p.SpeedToLead.Median.Hours(), title: fmt.Sprintf("%s: %s, %d touched", p.Week, spanText(p.SpeedToLead.Median, known), p.SpeedToLead.Count), faint: !known,
		})
	}
	percent := func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }
	changes, compared := r.Changes()
	waits := slices.DeleteFunc(slices.Clone(r.SpeedToLead), func(s tracking.SpeedChange) bool { return !s.Beyond })
	var b bytes.Buffer
	err := reviewTemplate.Execute(&b, map[string]any{
		"R": r, "Changes": changes, "Waits": waits, "Compared": compared, "Enough": tracking.Enough, "More": more,
		"Whole": bars("The week in shares", whole), "Sources": bars("SAL rate by source", sources), "Tiers": bars("SAL rate by tier", tiers),
		"Leads": columns("Leads by week", leads, 0, func(v float64) string { return fmt.Sprintf("%.0f", v) }),
		"SAL":   columns("SAL rate by week", sal, 1, percent), "Leak": columns("Leakage by week", leak, 0, percent),
		"Speed": columns("Median time to the first touch by week", speed, 0, func(v float64) string { return spanText(time.Duration(v*float64(time.Hour)), true) }),
	})
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

func rateColumn(name, week string, r tracking.Rate) column {
	c := column{name: name, title: week + ": " + rateText(r), faint: r.Of < tracking.Enough}
	if r.Of > 0 {
		c.value = float64(r.Hits) / float64(r.Of)
	}
	if r.Of >= tracking.Enough {
		c.low, c.high = r.Interval()
		c.ranged = true
	}
	return c
}

// groupTables are the tables that were asked for, for a terminal.
func groupTables(r *tracking.Review) string {
	var b strings.Builder
	for _, t := range r.Tables {
		tw := table.NewWriter()
		tw.SetStyle(table.StyleLight)
		tw.Style().Options = table.OptionsNoBordersAndSeparators
		header := table.Row{}
		for _, by := range t.By {
			header = append(header, by)
		}
		tw.AppendHeader(append(header, "leads", "SAL rate", "median to touch", "leakage", "open", "won", "lost", "win rate", "won amount", "median cycle"))
		for _, g := range t.Groups {
			row := table.Row{}
			for _, v := range g.Values {
				row = append(row, tracking.Clean(v))
			}
			tw.AppendRow(append(row, thousands(int64(g.Leads)), rateText(g.SALRate), spanText(g.SpeedToLead.Median, g.SpeedToLead.Count >= tracking.Enough), rateText(g.Leakage),
				g.Deals.Open, g.Deals.Won, g.Deals.Lost, rateText(g.WinRate), unitsText(g.Deals.WonAmount), spanText(g.Cycle.Median, g.Cycle.Count >= tracking.Enough)))
		}
		fmt.Fprintf(&b, "\nAll history up to %s by %s\n%s\n", r.Until.AddDate(0, 0, -1).Format("2006-01-02"), strings.Join(t.By, ", "), tw.Render())
	}
	return b.String()
}

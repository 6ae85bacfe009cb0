package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/leadloop/leadloop/playbook"
)

//go:embed plan.html
var planTemplate string

// planPage is one HTML file that needs nothing else.
func planPage(c *playbook.Comparison) ([]byte, error) {
	t, err := template.New("plan").Funcs(template.FuncMap{
		"style": style, "percent": percentOf, "count": func(n int) string { return thousands(int64(n)) },
		"share": func(f float64) string { return fmt.Sprintf("%.0f %%", 100*f) }, "money": money,
		"calls": func(f float64) string { return fmt.Sprintf("%.0f", f) }, "assumed": planAssumed, "short": short, "attained": attained, "matrix": tierMatrix,
	}).Parse(planTemplate)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	var charts []drawing
	add := func(title string, list []playbook.Shift) {
		most := 0
		for _, s := range list {
			most = max(most, s.Before, s.After)
		}
		var drawn []bar
		for _, s := range list {
			if s.Before+s.After > 0 {
				drawn = append(drawn, bar{
					name: s.Name, label: thousands(int64(s.Before)) + " → " + thousands(int64(s.After)), value: float64(s.After) / float64(most),
					mark: float64(s.Before) / float64(most), marked: true,
				})
			}
		}
		if len(drawn) > 0 {
			charts = append(charts, drawing{Title: title, Chart: bars(title, drawn)})
		}
	}
	var tiers, places []playbook.Shift
	for _, s := range c.Tiers {
		tiers = append(tiers, playbook.Shift{Name: s.Tier, Before: s.Before, After: s.After})
	}
	for _, p := range c.Places {
		places = append(places, playbook.Shift{Name: strings.TrimSpace(string(p.Kind) + " " + p.Place), Before: p.Before, After: p.After})
	}
	add("Tiers", tiers)
	add("Where leads go", places)
	add("Owners", c.Owners)
	add("Entries of the chain", c.Entries)
	add("Clocks that run", c.Clocks)
	won := map[string]template.HTML{}
	for name, s := range map[string]*playbook.Separation{"Before": c.Before, "After": c.After} {
		if s == nil {
			continue
		}
		var drawn []bar
		for _, t := range s.Tiers {
			drawn = append(drawn, bar{
				name: t.Tier, label: fmt.Sprintf("%.0f %% of %s", 100*t.Rate, thousands(int64(t.Closed))), value: t.Rate, low: t.Low, high: t.High, ranged: true, faint: t.Closed < 30,
			})
		}
		won[name] = bars("Won by tier, "+name, drawn)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, struct {
		*playbook.Comparison
		Charts []drawing
		Won    map[string]template.HTML
	}{c, charts, won}); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
)

//go:embed simulate.html
var simulatePage string

// drawing is a chart of a page with what it shows.
type drawing struct {
	Title, Note string
	Chart       template.HTML
}

// beforeAfter draws a bar for each name. If there are values of before, these
// are the marks and the bars are after; else after is nil.
func beforeAfter(title, note string, names []string, before, after []float64, label func(v float64) string) drawing {
	most := 0.0
	for _, v := range append(slices.Clone(before), after...) {
		most = max(most, v)
	}
	part := func(v float64) float64 {
		if most == 0 {
			return 0
		}
		return v / most
	}
	list := make([]bar, len(names))
	for i, name := range names {
		list[i] = bar{name: name, label: label(before[i]), value: part(before[i])}
		if after != nil {
			list[i].label += " → " + label(after[i])
			list[i].value, list[i].mark, list[i].marked = part(after[i]), part(before[i]), true
		}
	}
	return drawing{title, note, bars(title, list)}
}

// charts are those of the page.
func (s *simulation) charts() []drawing {
	count := func(v float64) string { return fmt.Sprintf("%.0f", v) }
	percent := func(v float64) string { return fmt.Sprintf("%.0f%%", v) }
	leads := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	hours := func(v float64) string { return fmt.Sprintf("%.1f h", v) }
	type numbers struct{ leads, wait, sla, away, queued map[string]float64 }
	of := func(x *simulated) numbers {
		n := numbers{map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]float64{}}
		if x == nil {
			return n
		}
		for _, r := range x.Result.Reps {
			if r.Got > 0 {
				n.leads[string(r.Rep)], n.wait[string(r.Rep)], n.sla[string(r.Rep)] = float64(r.Leads), r.Wait.P95.Hours(), 100*r.SLA.Rate()
			}
		}
		for _, p := range x.Result.Pools {
			if p.Leads > 0 {
				n.away[p.Pool] = p.Deviation
			}
		}
		for _, q := range x.Result.Queues {
			n.queued[q.Queue] = float64(q.Queued)
		}
		return n
	}
	a, b := of(&s.simulated), of(s.Against)
	var out []drawing
	add := func(title, unit string, before, after map[string]float64, label func(float64) string) {
		names := placesOf(before, after)
		if len(names) == 0 {
			return
		}
		values, other := make([]float64, len(names)), []float64(nil)
		if s.Against != nil {
			other = make([]float64, len(names))
		}
		for i, name := range names {
			if values[i] = before[name]; other != nil {
				other[i] = after[name]
			}
		}
		out = append(out, beforeAfter(title, unit, names, values, other, label))
	}
	add("Leads by rep", "at the end", a.leads, b.leads, count)
	add("Wait for the owner, p95", "from when somebody was first wanted until the owner was first there", a.wait, b.wait, hours)
	add("Answered in time", "of what was due", a.sla, b.sla, percent)
	add("What came into queues", "leads", a.queued, b.queued, count)
	add("Fairness of pools", "the most that a member was ever away from its exact share, in leads", a.away, b.away, leads)
	return out
}

// page is one HTML file that needs nothing else.
func (s *simulation) page() ([]byte, error) {
	t, err := template.New("page").Funcs(template.FuncMap{
		"style": style, "short": short, "attained": attained, "tiers": tiersOf, "signed": signed, "thousands": func(n int) string { return thousands(int64(n)) },
		"minus": func(a, b int) int { return a - b }, "owed": func(v float64) string { return fmt.Sprintf("%.2f", v) },
	}).Parse(simulatePage)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		*simulation
		Charts []drawing
	}{s, s.charts()})
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

func placesOf(a, b map[string]float64) []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(names)
	return slices.Compact(names)
}

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
)

//go:embed simulate.html.tmpl
var simulatePage string

// simBar is one line of a simChart, in a drawing that is 340 wide.
type simBar struct {
	Name, Label string
	// Width and Other are of the bar and, if two playbooks are compared, of the
	// one below it.
	Width, Other float64
	Y            int
}

// simChart is a drawing of bars.
type simChart struct {
	Title, Unit string
	Bars        []simBar
	Height      int
	Two         bool
}

// newSimChart lays out bars of values; other is nil or has as many.
func newSimChart(title, unit string, names []string, values, other []float64, label func(v float64) string) simChart {
	c := simChart{Title: title, Unit: unit, Two: other != nil}
	most := 0.0
	for i := range values {
		most = max(most, values[i])
		if c.Two {
			most = max(most, other[i])
		}
	}
	for i, name := range names {
		b := simBar{Name: name, Label: label(values[i]), Y: 40 * i}
		if most > 0 {
			b.Width = 250 * values[i] / most
		}
		if c.Two {
			b.Label += " → " + label(other[i])
			if most > 0 {
				b.Other = 250 * other[i] / most
			}
		}
		c.Bars = append(c.Bars, b)
	}
	c.Height = 40 * len(names)
	return c
}

// charts are those of the page.
func (s *simulation) charts() []simChart {
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
	var out []simChart
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
		out = append(out, newSimChart(title, unit, names, values, other, label))
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
		"short": short, "attained": attained, "tiers": tiersOf, "signed": signed, "words": words, "below": func(y int) int { return y + 27 }, "two": func(v float64) string { return fmt.Sprintf("%.2f", v) },
	}).Parse(simulatePage)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		*simulation
		Charts []simChart
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

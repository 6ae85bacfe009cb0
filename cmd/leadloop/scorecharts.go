package main

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/leadloop/leadloop/scoring/learn"
)

// plot is a drawing with axes from 0 to 1, as wide as the other charts.
type plot struct{ b strings.Builder }

const (
	plotLeft, plotRight, plotTop, plotBottom = 40.0, 10.0, 8.0, 34.0
	plotHeight                               = 260.0
)

func newPlot(title, x, y string) *plot {
	p := &plot{}
	fmt.Fprintf(&p.b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, plotHeight, template.HTMLEscapeString(title))
	fmt.Fprintf(&p.b, `<path class="axis" d="M%g %gV%gH%g"/>`, plotLeft, plotTop, plotHeight-plotBottom, chartWidth-plotRight)
	fmt.Fprintf(&p.b, `<text class="soft" x="%g" y="%g" text-anchor="end">%s</text>`, chartWidth-plotRight, plotHeight-4, template.HTMLEscapeString(x))
	fmt.Fprintf(&p.b, `<text class="soft" x="%g" y="%g">%s</text>`, plotLeft+6, plotTop+10, template.HTMLEscapeString(y))
	return p
}

func (p *plot) x(v float64) float64 { return plotLeft + v*(chartWidth-plotLeft-plotRight) }
func (p *plot) y(v float64) float64 {
	return plotHeight - plotBottom - v*(plotHeight-plotTop-plotBottom)
}

// ticks writes the ends of both axes.
func (p *plot) ticks(x0, x1, y0, y1 string) {
	fmt.Fprintf(&p.b, `<text class="soft" x="%g" y="%g">%s</text><text class="soft" x="%g" y="%g" text-anchor="end">%s</text>`,
		plotLeft, plotHeight-plotBottom+14, x0, chartWidth-plotRight, plotHeight-plotBottom+14, x1)
	fmt.Fprintf(&p.b, `<text class="soft" x="%g" y="%g" text-anchor="end">%s</text><text class="soft" x="%g" y="%g" text-anchor="end">%s</text>`,
		plotLeft-4, plotHeight-plotBottom, y0, plotLeft-4, plotTop+10, y1)
}

func (p *plot) line(class string, points [][2]float64) {
	fmt.Fprintf(&p.b, `<path class="%s" d="`, class)
	for i, q := range points {
		fmt.Fprintf(&p.b, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], p.x(q[0]), p.y(q[1]))
	}
	p.b.WriteString(`"/>`)
}

func (p *plot) done() template.HTML {
	p.b.WriteString("</svg>")
	return template.HTML(p.b.String()) //nolint:gosec // made of numbers and escaped names
}

// gains shows how many of the won leads are among the best.
func gains(q *learn.Quality) template.HTML {
	p := newPlot("Won leads among the best", "best leads first", "of all won leads")
	p.ticks("0 %", "100 %", "0 %", "100 %")
	points := [][2]float64{{0, 0}}
	for _, l := range q.Lift {
		points = append(points, [2]float64{l.Share, l.Captured})
	}
	p.line("listed", [][2]float64{{0, 0}, {1, 1}})
	p.line("best", points)
	return p.done()
}

// reliability shows what was said against what happened.
func reliabilityPlot(q *learn.Quality) template.HTML {
	if len(q.Reliability) == 0 {
		return ""
	}
	most := 0.01
	for _, b := range q.Reliability {
		most = max(most, b.Said, b.Rate.High)
	}
	most = math.Min(1, most*1.05)
	p := newPlot("Probability said and share won", "probability said", "share won")
	end := fmt.Sprintf("%.0f %%", 100*most)
	p.ticks("0 %", end, "0 %", end)
	p.line("listed", [][2]float64{{0, 0}, {1, 1}})
	for _, b := range q.Reliability {
		x := p.x(b.Said / most)
		fmt.Fprintf(&p.b, `<path class="range" d="M%.1f %.1fV%.1f"/><circle class="best" cx="%.1f" cy="%.1f" r="4"><title>said %.1f %%, won %s of %d</title></circle>`,
			x, p.y(b.Rate.Low/most), p.y(min(1, b.Rate.High/most)), x, p.y(b.Rate.Value/most), 100*b.Said, interval(b.Rate), b.Leads)
	}
	return p.done()
}

// scoresPlot shows how won and lost leads spread over the scores, each as a
// share of its own.
func scoresPlot(q *learn.Quality) template.HTML {
	if len(q.Scores) == 0 {
		return ""
	}
	most, lost := 0.0, float64(q.Leads-q.Won)
	for _, h := range q.Scores {
		most = max(most, float64(h.Won)/max(1, float64(q.Won)), float64(h.Lost)/max(1, lost))
	}
	p := newPlot("Scores of won and lost leads", "score", "share of the leads")
	first, last := q.Scores[0].From, q.Scores[len(q.Scores)-1].From
	p.ticks(fmt.Sprintf("%.6g", first), fmt.Sprintf("%.6g", last), "", fmt.Sprintf("%.0f %%", 100*most))
	n := float64(len(q.Scores))
	for i, h := range q.Scores {
		for k, share := range []float64{float64(h.Lost) / max(1, lost), float64(h.Won) / max(1, float64(q.Won))} {
			x, width := p.x((float64(i)+.45*float64(k))/n), .43*(p.x(1)-p.x(0))/n
			fmt.Fprintf(&p.b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, []string{"other", "bar"}[k], x, p.y(share/max(most, 1e-9)), width, p.y(0)-p.y(share/max(most, 1e-9)))
		}
	}
	return p.done()
}

// tierBars shows the share won of each tier.
func tierBars(tiers []learn.TierCount) template.HTML {
	var list []bar
	for _, t := range tiers {
		list = append(list, bar{name: t.Tier, label: interval(t.Rate) + " of " + thousands(t.Leads), value: t.Rate.Value, low: t.Rate.Low, high: t.Rate.High, ranged: true, faint: t.Leads < 30})
	}
	return bars("Share won by tier", list)
}

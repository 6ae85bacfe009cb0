package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

//go:embed trial.html
var trialPage string

var trialTemplate = template.Must(template.New("trial").Funcs(template.FuncMap{
	"style": style, "share": share, "reasons": reasons, "unknown": orUnknown,
}).Parse(trialPage))

// writeTrialPage writes the trial as one page that needs nothing else.
func writeTrialPage(w io.Writer, r *trialResult) error {
	t := r.Trial
	var match, right []bar
	for _, p := range t.Providers {
		match, right = append(match, shareBar(p.Provider, p.Match)), append(right, shareBar(p.Provider, p.Accuracy))
	}
	type field struct {
		Name  string
		Known int
		Found template.HTML
		Right template.HTML
	}
	var fields []field
	for _, f := range t.Fields {
		var found, right []bar
		for _, p := range t.Providers {
			for _, pf := range p.Fields {
				if pf.Field == f.Field {
					found, right = append(found, shareBar(p.Provider, pf.Found)), append(right, shareBar(p.Provider, pf.Accuracy))
				}
			}
		}
		fields = append(fields, field{f.Field, f.Known, bars("has a value of "+f.Field, found), bars("is right about "+f.Field, right)})
	}
	return trialTemplate.Execute(w, map[string]any{
		"R": r, "T": t, "Match": bars("knows the lead", match), "Right": bars("is right", right), "Fields": fields,
		"Curve": orderCurve(t, r.Currency), "Verdict": r.verdict(), "MinTrial": enrich.MinTrial,
		"Money":    func(m leadloop.Micros) string { return money(m, r.Currency) },
		"PerRight": func(m *leadloop.Micros) string { return perRight(m, r.Currency) },
		"Segments": segmentGroups(t.Segments),
	})
}

type segmentGroup struct {
	By   string
	Rows []enrich.TrialSegment
	More int
}

func segmentGroups(all []enrich.TrialSegment) (out []segmentGroup) {
	for _, s := range all {
		if len(out) == 0 || out[len(out)-1].By != s.By {
			out = append(out, segmentGroup{By: s.By})
		}
		if g := &out[len(out)-1]; len(g.Rows) < mostSegments {
			g.Rows = append(g.Rows, s)
		} else {
			g.More++
		}
	}
	return out
}

func shareBar(name string, r enrich.Rate) bar {
	b := bar{name: name, label: share(r), value: r.Share, faint: r.TooFew}
	if r.Of > 0 {
		b.low, b.high, b.ranged = r.Low, r.High, true
	}
	return b
}

// orderCurve draws what each source adds for its money, in the best order and
// as listed.
func orderCurve(t *enrich.Trial, currency string) template.HTML {
	const left, right, top, bottom, height = 46.0, 12.0, 14.0, 40.0, 240.0
	most := max(t.Order.Cost, t.Listed.Cost, 1)
	known := max(t.Listed.Known, 1)
	x := func(m leadloop.Micros) float64 {
		return left + float64(m)/float64(most)*(chartWidth-left-right)
	}
	y := func(n int) float64 { return height - bottom - float64(n)/float64(known)*(height-top-bottom) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="Right values by money spent">`, chartWidth, height)
	fmt.Fprintf(&b, `<path class="axis" d="M%g %gV%gH%g"/>`, left, top, height-bottom, chartWidth-right)
	fmt.Fprintf(&b, `<text class="soft" x="%g" y="%g" text-anchor="end">%s</text><text class="soft" x="%g" y="%g" text-anchor="end">0</text>`, left-4, top+6, thousands(int64(known)), left-4, height-bottom)
	fmt.Fprintf(&b, `<text class="soft" x="%g" y="%g" text-anchor="end">%s</text>`, chartWidth-right, height-bottom+16, template.HTMLEscapeString(money(most, currency)))
	draw := func(class string, o enrich.TrialOrder) {
		var cost leadloop.Micros
		n := 0
		fmt.Fprintf(&b, `<path class="%s" d="M%.1f %.1f`, class, x(0), y(0))
		var dots strings.Builder
		for _, st := range o.Steps {
			cost, n = cost+st.Cost, n+st.Right
			fmt.Fprintf(&b, "L%.1f %.1f", x(cost), y(n))
			fmt.Fprintf(&dots, `<circle class="%s" cx="%.1f" cy="%.1f" r="4"><title>%s: %d right for %s</title></circle>`, class, x(cost), y(n), template.HTMLEscapeString(st.Provider), n, template.HTMLEscapeString(money(cost, currency)))
		}
		b.WriteString(`"/>` + dots.String())
	}
	draw("listed", t.Listed)
	draw("best", t.Order)
	fmt.Fprintf(&b, `<path class="best" d="M%g %gh20"/><text x="%g" y="%g">best order</text><path class="listed" d="M%g %gh20"/><text x="%g" y="%g">as listed</text></svg>`,
		left, height-8, left+26, height-4, left+140, height-8, left+166, height-4)
	return template.HTML(b.String()) //nolint:gosec // made of numbers and escaped names
}

package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/leadloop/leadloop/scoring/learn"
)

//go:embed scores.html
var pageParts string

//go:embed learn.html
var learnPage string

// judgedPage is a template with the style and the charts of pages about
// scores.
func judgedPage(name, page string) *template.Template {
	return template.Must(template.Must(template.New(name).Funcs(template.FuncMap{
		"style": style, "count": func(n int) string { return thousands(int64(n)) }, "many": thousands, "interval": interval,
		"percent": func(f float64) string { return fmt.Sprintf("%.1f %%", 100*f) },
		"number":  func(f *float64) string { return fmt.Sprintf("%.4f", *f) },
		"gains":   func(q learn.Quality) template.HTML { return gains(&q) }, "reliability": func(q learn.Quality) template.HTML { return reliabilityPlot(&q) },
		"scores": func(q learn.Quality) template.HTML { return scoresPlot(&q) }, "tiers": tierBars,
		"question": question, "value": valueText, "drift": driftBars,
	}).Parse(pageParts)).Parse(page))
}

var learnTemplate = judgedPage("learn", learnPage)

// writeLearnPage writes the report as one page that needs nothing else.
func writeLearnPage(w io.Writer, in string, r *learn.Result) error {
	return learnTemplate.Execute(w, map[string]any{"In": in, "R": r.Report})
}

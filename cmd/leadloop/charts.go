package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"
)

//go:embed page.css
var pageStyle string

// style is what pages look like: light and dark, on a phone and on paper.
func style() template.CSS { return template.CSS(pageStyle) } //nolint:gosec // a file of this package

// The charts are drawn as wide as a telephone, so that their letters keep their
// size there.
const chartWidth = 340.0

// bar is one line of a chart of shares.
type bar struct {
	name, label string
	value       float64 // 0 to 1, as the others
	// low to high is where the value lies; mark is what it was before.
	low, high float64
	ranged    bool
	mark      float64
	marked    bool
	faint     bool
}

// bars draws shares with their intervals.
func bars(what string, list []bar) template.HTML {
	const left, right, line = 8.0, 8.0, 40.0
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, line*float64(len(list))+4, template.HTMLEscapeString(what))
	x := func(p float64) float64 { return left + p*(chartWidth-left-right) }
	for i, e := range list {
		y := float64(i) * line
		faint := ""
		if e.faint {
			faint = " few"
		}
		fmt.Fprintf(&b, `<text x="%g" y="%g">%s</text><text class="soft" x="%g" y="%g" text-anchor="end">%s</text>`,
			left, y+15, template.HTMLEscapeString(clip(e.name, 20)), chartWidth-right, y+15, template.HTMLEscapeString(e.label))
		fmt.Fprintf(&b, `<rect class="track" x="%g" y="%g" width="%.1f" height="12" rx="3"/><rect class="bar%s" x="%g" y="%g" width="%.1f" height="12" rx="3"/>`,
			left, y+21, x(1)-left, faint, left, y+21, x(e.value)-left)
		if e.marked {
			fmt.Fprintf(&b, `<path class="mark" d="M%.1f %gv16"/>`, x(e.mark), y+19)
		}
		if e.ranged {
			fmt.Fprintf(&b, `<path class="range" d="M%.1f %gv8M%.1f %gh%.1fM%.1f %gv8"/>`, x(e.low), y+23, x(e.low), y+27, x(e.high)-x(e.low), x(e.high), y+23)
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // made of numbers and escaped names
}

// column is one of a row of columns over time.
type column struct {
	name, title string
	value       float64
	low, high   float64
	ranged      bool
	faint       bool
}

// columns draws values over time, from 0 to top or to the largest.
func columns(what string, list []column, top float64, label func(v float64) string) template.HTML {
	const left, right, head, foot, height = 40.0, 6.0, 12.0, 20.0, 150.0
	for _, c := range list {
		top = max(top, c.value, c.high)
	}
	if top <= 0 {
		top = 1
	}
	y := func(v float64) float64 { return height - foot - v/top*(height-head-foot) }
	step := (chartWidth - left - right) / float64(max(1, len(list)))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, height, template.HTMLEscapeString(what))
	fmt.Fprintf(&b, `<path class="axis" d="M%g %gV%gH%g"/>`, left, head, height-foot, chartWidth-right)
	fmt.Fprintf(&b, `<text class="soft" x="%g" y="%g" text-anchor="end">%s</text><text class="soft" x="%g" y="%g" text-anchor="end">0</text>`,
		left-4, head+8, template.HTMLEscapeString(label(top)), left-4, height-foot)
	for i, c := range list {
		at := left + step*float64(i)
		faint := ""
		if c.faint {
			faint = " few"
		}
		fmt.Fprintf(&b, `<rect class="bar%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="1.5"><title>%s</title></rect>`,
			faint, at+step*0.15, y(c.value), step*0.7, height-foot-y(c.value), template.HTMLEscapeString(c.title))
		if c.ranged {
			fmt.Fprintf(&b, `<path class="range" d="M%.1f %.1fV%.1f"/>`, at+step/2, y(c.high), y(c.low))
		}
		if i == 0 || i == len(list)-1 {
			anchor, x := "start", at
			if i > 0 {
				anchor, x = "end", at+step
			}
			fmt.Fprintf(&b, `<text class="soft" x="%.1f" y="%g" text-anchor="%s">%s</text>`, x, height-5, anchor, template.HTMLEscapeString(c.name))
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // made of numbers and escaped names
}

func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

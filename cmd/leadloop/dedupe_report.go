package main

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match"
)

//go:embed dedupe_report.html
var reportPage string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"style": style, "thousands": func(n int) string { return thousands(int64(n)) },
	"percent": func(p float64) string { return fmt.Sprintf("%.2f %%", 100*p) },
}).Parse(reportPage))

// reportData is what the page shows.
type reportData struct {
	Summary  summary
	Files    string
	Config   string
	Columns  []string
	Curve    template.HTML
	Clusters []reportCluster
	Pairs    []reportPair
}

type reportCluster struct {
	Size int
	More int // rows that are not shown
	Rows [][]string
}

type reportPair struct {
	Why         string
	A, B        []string // row number, then values
	Probability float64
	Alone       float64 // by the two rows only
	Others      bool    // Probability is another one than Alone
	Joined      bool
	Picture     template.HTML
	Text        string
}

// shown is how many rows of a cluster, and how many pairs of a sort, a page has
// room for.
const (
	shownClusters = 10
	shownRows     = 12
	shownPairs    = 4
)

func writeReport(ctx context.Context, w io.Writer, t *dedupeTable, file dedupe.MatchFile, m *match.Model, r *match.Result, sum summary) error {
	d := reportData{Summary: sum, Files: strings.Join(t.files, ", "), Config: file.YAML(), Curve: template.HTML(curve(r))} //nolint:gosec // made of numbers here
	var place []int
	for _, c := range file.Columns {
		if c.Kind != string(match.KindIgnore) || c.Column == file.ID {
			d.Columns, place = append(d.Columns, c.Column), append(place, t.column(c.Column))
		}
	}
	clusters, pairs := largest(r, shownClusters), examples(r)
	var wanted []int
	for _, rows := range clusters {
		wanted = append(wanted, rows[:min(len(rows), shownRows)]...)
	}
	for _, x := range pairs {
		wanted = append(wanted, x.pair.A, x.pair.B)
	}
	rowsOf, err := t.pick(ctx, wanted)
	if err != nil {
		return err
	}
	values := func(i int) []string {
		out := []string{thousands(int64(i + 1))}
		for _, k := range place {
			out = append(out, shorten(rowsOf[i][k]))
		}
		return out
	}
	for _, rows := range clusters {
		c := reportCluster{Size: len(rows), More: max(0, len(rows)-shownRows)}
		for _, i := range rows[:min(len(rows), shownRows)] {
			c.Rows = append(c.Rows, values(i))
		}
		d.Clusters = append(d.Clusters, c)
	}
	for _, x := range pairs {
		x.pair.A, x.pair.B = min(x.pair.A, x.pair.B), max(x.pair.A, x.pair.B)
		p, err := m.Compare(t.record(x.pair.A, rowsOf, file), t.record(x.pair.B, rowsOf, file))
		if err != nil {
			return err
		}
		var picture strings.Builder
		if err := p.WriteSVG(&picture); err != nil {
			return err
		}
		d.Pairs = append(d.Pairs, reportPair{
			Why: x.why, A: values(x.pair.A), B: values(x.pair.B), Probability: x.pair.Probability, Joined: x.pair.Joined,
			Alone: p.Probability, Others: math.Abs(p.Probability-x.pair.Probability) >= 0.0001,
			Picture: template.HTML(picture.String()), Text: p.String(), //nolint:gosec // Pair.WriteSVG escapes
		})
	}
	return reportTemplate.Execute(w, d)
}

func (t *dedupeTable) record(i int, rows map[int][]string, file dedupe.MatchFile) match.Record {
	r := match.Record{ID: fmt.Sprint(i + 1)}
	for _, c := range file.Columns {
		r.Values = append(r.Values, rows[i][t.column(c.Column)])
	}
	return r
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}

type example struct {
	why  string
	pair match.ScoredPair
}

// examples takes pairs where looking teaches most: the least sure of the sure,
// those around the line between one and two, what is barely worth a look, and
// what was likely but kept apart.
func examples(r *match.Result) []example {
	var out []example
	take := func(why string, near func(p match.ScoredPair) float64) {
		var best []match.ScoredPair
		for _, p := range r.Pairs {
			d := near(p)
			if math.IsInf(d, 1) {
				continue
			}
			at := len(best)
			for at > 0 && near(best[at-1]) > d {
				at--
			}
			if at < shownPairs {
				best = slices.Insert(best[:min(len(best), shownPairs-1)], at, p)
			}
		}
		for _, p := range best {
			out = append(out, example{why, p})
		}
	}
	never := math.Inf(1)
	take("Sure, and the least sure of them", func(p match.ScoredPair) float64 {
		if p.Verdict != match.VerdictAuto || !p.Joined {
			return never
		}
		return p.Weight
	})
	take("Around the line between one and two", func(p match.ScoredPair) float64 {
		if p.Verdict != match.VerdictReview {
			return never
		}
		return math.Abs(p.Probability - 0.5)
	})
	take("Likely, but kept apart", func(p match.ScoredPair) float64 {
		if p.Joined || p.Probability < 0.5 {
			return never
		}
		return -p.Weight
	})
	return out
}

// curve draws how many pairs are as likely as that or more, by weight.
func curve(r *match.Result) string {
	const width, height, left, bottom = 640.0, 220.0, 56.0, 34.0
	if len(r.Pairs) == 0 {
		return "<p>No pair was worth a look.</p>"
	}
	top, low := r.Pairs[0].Weight, r.Pairs[len(r.Pairs)-1].Weight // the weightiest first
	if top == low {
		top++
	}
	x := func(w float64) float64 { return left + (w-low)/(top-low)*(width-left-10) }
	y := func(n int) float64 {
		return 10 + (1-float64(n)/float64(len(r.Pairs)))*(height-bottom-10)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="Pairs by weight"><polyline class="line" points="`, width, height)
	step := max(1, len(r.Pairs)/300)
	for i := 0; i < len(r.Pairs); i += step {
		fmt.Fprintf(&b, "%.1f,%.1f ", x(r.Pairs[i].Weight), y(i+1))
	}
	fmt.Fprintf(&b, `%.1f,%.1f"/>`, x(low), y(len(r.Pairs)))
	for _, mark := range []struct {
		p    float64
		name string
	}{{0.1, "10 %"}, {0.5, "50 %"}, {0.99, "99 %"}} {
		w := math.Log2(mark.p / (1 - mark.p))
		if w < low || w > top {
			continue
		}
		fmt.Fprintf(&b, `<line class="mark" x1="%.1f" x2="%.1f" y1="10" y2="%.1f"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, x(w), x(w), height-bottom, x(w), height-bottom+14, mark.name)
	}
	fmt.Fprintf(&b, `<line class="axis" x1="%g" x2="%g" y1="%g" y2="%g"/><line class="axis" x1="%g" x2="%g" y1="10" y2="%g"/>`, left, width-10, height-bottom, height-bottom, left, left, height-bottom)
	fmt.Fprintf(&b, `<text x="%g" y="18" text-anchor="end">%s</text><text x="%g" y="%g" text-anchor="end">0</text>`, left-6, thousands(int64(len(r.Pairs))), left-6, height-bottom)
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="end">match weight in bits, to %.0f</text></svg>`, width-10, height-4, top)
	return b.String()
}

package match

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/leadloop/leadloop"
)

// Pair is the comparison of two records, taken apart. It holds no values, only field names.
type Pair struct {
	A           string  `json:"a"`
	B           string  `json:"b"`
	Prior       float64 `json:"prior"` // in bits, as all weights: the odds before anything was compared
	Lines       []Line  `json:"lines"` // one for each comparison, missing ones too
	Weight      float64 `json:"weight"`
	Probability float64 `json:"probability"`
	Verdict     Verdict `json:"verdict"` // by the default thresholds
	// Conflict names the unique fields that differ. Whatever the weight, such records are not joined.
	Conflict []string `json:"conflict,omitempty"`
}

// Line is what one comparison adds.
type Line struct {
	Field string  `json:"field"`
	Level string  `json:"level"`
	M     float64 `json:"m,omitempty"` // share of this level among true pairs
	U     float64 `json:"u,omitempty"` // and among others, given the level of Given if that is not empty
	Given string  `json:"given,omitempty"`
	// Weight is log2(M/U); Frequency corrects it for how common what agrees is.
	Weight    float64 `json:"weight"`
	Frequency float64 `json:"frequency,omitempty"`
}

// Compare compares two records by the model alone, so that rows of no table can be compared. It is symmetric but for the names A and B. The error
// wraps leadloop.ErrInvalid if a record has more values than the model has fields.
func (m *Model) Compare(a, b Record) (Pair, error) {
	t := newTable(m.spec)
	t.once = true
	for _, r := range []Record{a, b} {
		if err := t.Add(r); err != nil {
			return Pair{}, fmt.Errorf("match: %w: record %q has more values than the model has fields", leadloop.ErrInvalid, r.ID)
		}
	}
	m.apply(t.cols)
	n := len(t.cols)
	p := m.compare(t.cols, t.cells[:n], t.cells[n:])
	p.A, p.B = a.ID, b.ID
	return p, nil
}

// compare explains two rows of cells of weighed columns.
func (m *Model) compare(cols []*column, a, b []uint32) Pair {
	var v vector
	m.spec.compareAll(cols, a, b, &v)
	p := Pair{Prior: m.params.prior, Weight: m.params.prior}
	for k := range m.spec.comparisons {
		c := &m.spec.comparisons[k]
		level := v.level[k]
		line := Line{Field: c.name, Level: c.levels[level]}
		if level != levelMissing {
			above := m.params.above(k, &v.level)
			if above != 0 {
				line.Given = m.spec.comparisons[m.params.parents[k][above/maxLevels]].name
			}
			line.M, line.U, line.Weight = m.params.m[k][level], m.params.u[k][above][level], m.params.w[k][above][level]
			line.Frequency = m.params.adjust(c, k, above, level, v.freq[k])
		}
		p.Weight += line.Weight + line.Frequency
		p.Lines = append(p.Lines, line)
	}
	for _, col := range m.spec.unique {
		if a[col] != 0 && b[col] != 0 && a[col] != b[col] {
			p.Conflict = append(p.Conflict, m.spec.columns[col].name)
		}
	}
	p.Probability = probability(p.Weight)
	p.Verdict = Thresholds{}.Of(p.Probability)
	if len(p.Conflict) > 0 {
		p.Verdict = VerdictNew
	}
	return p
}

// String returns the pair as a table: the prior, a line for each field, the total.
func (p Pair) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "prior\t\t%+.2f\n", p.Prior)
	for _, l := range p.Lines {
		given := ""
		if l.Given != "" {
			given = " (given " + l.Given + ")"
		}
		fmt.Fprintf(w, "%s\t%s%s\t%+.2f\n", l.Field, l.Level, given, l.Weight)
		if l.Frequency != 0 {
			fmt.Fprintf(w, "\thow common it is\t%+.2f\n", l.Frequency)
		}
	}
	for _, f := range p.Conflict {
		fmt.Fprintf(w, "%s\tunique and different\tno match\n", f)
	}
	fmt.Fprintf(w, "total\tprobability %.4f, %s\t%+.2f\n", p.Probability, p.Verdict, p.Weight)
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

// The measures of the picture: labels end at svgLeft, and what the weights need is between it and the last svgRight units.
const (
	svgLeft, svgBars, svgRight, svgLine = 240, 330, 60, 22
	svgLabel                            = 38 // letters
)

// WriteSVG writes the pair as a waterfall picture: from the prior, a bar for each line, to the total, in dark colours
// for who prefers them. What makes less than a hundredth of a bit of difference has no bar.
func (p Pair) WriteSVG(w io.Writer) error {
	type bar struct {
		label    string
		from, to float64
		total    bool
	}
	bars := []bar{{"prior", 0, p.Prior, false}}
	at := p.Prior
	add := func(field, what string, by float64) {
		bars = append(bars, bar{svgText(field, what), at, at + by, false})
		at += by
	}
	for _, l := range p.Lines {
		if l.Level == "missing" {
			continue
		}
		add(l.Field, l.Level, l.Weight)
		if math.Abs(l.Frequency) >= 0.005 {
			add(l.Field, "how common", l.Frequency)
		}
	}
	bars = append(bars, bar{fmt.Sprintf("total: probability %.4f", p.Probability), 0, p.Weight, true})
	low, high := 0.0, 0.0
	for _, b := range bars {
		low, high = min(low, b.from, b.to), max(high, b.from, b.to)
	}
	x := func(v float64) float64 { return svgLeft + (v-low)/max(high-low, 1)*svgBars }
	var s strings.Builder
	width, height := svgLeft+svgBars+svgRight, len(bars)*svgLine+20
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" class="pair" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img">`+"\n",
		width, height, width, height)
	s.WriteString("<style>.pair{background:#fff}.pair text{fill:#1c2430}@media (prefers-color-scheme: dark){.pair{background:#12161c}.pair text{fill:#e6ebf2}}</style>\n")
	fmt.Fprintf(&s, "<title>match weight %+.2f bits, probability %.4f</title>\n", p.Weight, p.Probability)
	fmt.Fprintf(&s, `<line x1="%.1f" y1="5" x2="%.1f" y2="%d" stroke="#8593a3"/>`+"\n", x(0), x(0), len(bars)*svgLine+10)
	for i, b := range bars {
		colour := "#2a8a69"
		switch {
		case b.total:
			colour = "#4a7fc1"
		case b.to < b.from:
			colour = "#c0504a"
		}
		y := 10 + i*svgLine
		x1, x2 := min(x(b.from), x(b.to)), max(x(b.from), x(b.to))
		fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="end">%s</text>`, svgLeft-8, y+13, escapeXML(b.label))
		fmt.Fprintf(&s, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`, x1, y+2, max(x2-x1, 1), svgLine-6, colour)
		fmt.Fprintf(&s, `<text x="%.1f" y="%d">%+.2f</text>`+"\n", x2+5, y+13, b.to-b.from)
	}
	s.WriteString("</svg>\n")
	_, err := io.WriteString(w, s.String())
	return err
}

// svgText is the label of a bar. What there is no room for is left out of the name of the field.
func svgText(field, what string) string {
	if name, room := []rune(field), max(svgLabel-len([]rune(what))-2, 8); len(name) > room {
		field = string(name[:room-1]) + "…"
	}
	return field + ": " + what
}

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func escapeXML(s string) string { return xmlEscapes.Replace(strings.ToValidUTF8(s, "")) }

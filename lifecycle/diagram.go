package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Mermaid draws the stages as a state diagram for Mermaid, which many wikis and
// code hosts show as a picture. The same definition gives the same text.
func (l *Lifecycle) Mermaid() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    direction LR\n")
	id := map[string]string{}
	for i := range l.stages {
		s := &l.stages[i]
		id[s.ID] = fmt.Sprintf("s%d", i)
		label := s.ID
		if lines := l.conditions(s); len(lines) > 0 {
			label += "<br/>" + strings.Join(lines, "<br/>")
		}
		fmt.Fprintf(&b, "    state %q as %s\n", label, id[s.ID])
	}
	fmt.Fprintf(&b, "    [*] --> %s\n", id[l.initial])
	for i := range l.stages {
		s := &l.stages[i]
		for j := range s.ways {
			fmt.Fprintf(&b, "    %s --> %s%s\n", id[s.ID], id[s.ways[j].to], prefixed(" : ", s.ways[j].label()))
		}
		if s.Final {
			fmt.Fprintf(&b, "    %s --> [*]\n", id[s.ID])
		}
	}
	return b.String()
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// label says who takes a way.
func (w *way) label() string {
	var parts []string
	if w.auto {
		parts = append(parts, "auto")
	}
	for _, by := range w.By {
		if by != ByRule {
			parts = append(parts, by)
		}
	}
	return join(parts)
}

// conditions name what a stage asks of leads, a line each.
func (l *Lifecycle) conditions(s *stage) []string {
	var out []string
	add := func(what string, names []string) {
		if len(names) > 0 {
			out = append(out, what+" "+join(names))
		}
	}
	add("enter:", ids(s.Enter, func(k Criterion) string { return k.ID }))
	add("needs:", s.Needs)
	add("exit:", ids(s.Exit, func(k Criterion) string { return k.ID }))
	return out
}

// brief writes 14 days as 14d.
func brief(d time.Duration) string {
	var b strings.Builder
	if days := d / (24 * time.Hour); days > 0 {
		fmt.Fprintf(&b, "%dd", days)
	}
	if d %= 24 * time.Hour; d > 0 {
		b.WriteString(strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m"))
	}
	return b.String()
}

// words say what a clock does.
func (k *clock) words() string {
	a := &k.Do
	var do []string
	for _, x := range []struct {
		set  bool
		text string
	}{
		{a.Reengage != "", "enrol in " + a.Reengage}, {a.Disqualify != "", "disqualify as " + a.Disqualify}, {a.Archive != "", "archive as " + a.Archive},
		{a.Recycle, "recycle"}, {a.Reroute, "reroute"}, {a.Flag, "flag"}, {a.Notify != "", "tell " + a.Notify},
	} {
		if x.set {
			do = append(do, x.text)
		}
	}
	s := map[string]string{
		SinceStage: "in a stage", SinceStatus: "in a status", SinceMoved: "without a move", SinceOwner: "without a first touch",
		SinceTouch: "since the last touch", SinceActivity: "after " + join(k.Activities),
	}[k.Since]
	if k.accept {
		s = "without the owner's answer"
	}
	if k.After > 0 {
		s = brief(k.After) + " " + s
	}
	if at := slices.Concat(k.Stages, k.Statuses); len(at) > 0 {
		s += " (" + join(at) + ")"
	}
	if !k.When.IsZero() {
		s += ", when " + k.When.Text
	}
	return k.ID + ": " + s + " → " + join(do)
}

// The measures of the picture.
const (
	boxWidth, boxHeight = 168, 74
	gapX                = 74
	lane                = 13 // between two lines that run side by side
	margin              = 28
	round               = 9
)

// picture is a drawing of the stages: those that follow a decision below, the
// others in a row, and lines between them that run in lanes of their own.
type picture struct {
	l      *Lifecycle
	row    []int // positions of the stages of the upper row
	below  []int
	x      map[int]int
	y1, y2 int // the upper edges of the rows
	b      strings.Builder
}

// SVG draws the stages as a picture that stands by itself, in the colours of a
// light or dark page: solid lines are taken by people, dashed ones by the loop.
// What a stage asks for stands in its box, and the clocks below. The same
// definition gives the same bytes.
func (l *Lifecycle) SVG() []byte {
	p := &picture{l: l, x: map[int]int{}}
	for i := range l.stages {
		if l.stages[i].Follows == "" {
			p.row = append(p.row, i)
		} else {
			p.below = append(p.below, i)
		}
	}
	return p.draw()
}

// edge is a way between two stages, by their positions.
type edge struct {
	from, to int
	w        *way
}

func (p *picture) edges(keep func(from, to int) bool) []edge {
	var out []edge
	for i := range p.l.stages {
		for j := range p.l.stages[i].ways {
			w := &p.l.stages[i].ways[j]
			to := slices.IndexFunc(p.l.stages, func(s stage) bool { return s.ID == w.to })
			if keep(i, to) {
				out = append(out, edge{i, to, w})
			}
		}
	}
	return out
}

func (p *picture) draw() []byte {
	upper := func(i int) bool { return slices.Contains(p.row, i) }
	at := func(i int) int { return slices.Index(p.row, i) }
	next := p.edges(func(a, b int) bool { return upper(a) && upper(b) && at(b) == at(a)+1 })
	arcs := p.edges(func(a, b int) bool { return upper(a) && upper(b) && at(b) != at(a)+1 })
	down := p.edges(func(a, b int) bool { return upper(a) && !upper(b) })
	up := p.edges(func(a, b int) bool { return !upper(a) && upper(b) })
	under := p.edges(func(a, b int) bool { return !upper(a) && !upper(b) })

	width := 2*margin + max(len(p.row), 1)*(boxWidth+gapX) - gapX
	wide := 2*margin + max(len(p.below), 1)*(boxWidth+gapX) - gapX
	width = max(width, wide)
	p.y1 = margin + 42 + lane*(len(arcs)+1)
	between := lane * (len(p.below)*2 + 3)
	p.y2 = p.y1 + boxHeight + between
	bottom := p.y2 + boxHeight + lane*(len(p.below)+2)
	for i, s := range p.row {
		p.x[s] = margin + i*(boxWidth+gapX)
	}
	step := boxWidth + gapX
	if n := len(p.below); n > 1 {
		step = max(step, (width-2*margin-boxWidth)/(n-1))
	}
	for i, s := range p.below {
		p.x[s] = margin + i*step
	}
	height := bottom + 18*(len(p.l.clocks)+1) + margin
	p.head(width, height)
	for _, e := range next {
		y := p.y1 + boxHeight/2
		x1, x2 := p.x[e.from]+boxWidth, p.x[e.to]
		p.line("next", e, fmt.Sprintf("M%d %dH%d", x1, y, x2-2))
		p.text((x1+x2)/2, y-7, "small mid", e.w.label())
	}
	for i, e := range arcs {
		y := p.y1 - lane*(i+2)
		x1, x2 := p.x[e.from]+boxWidth/2+7, p.x[e.to]+boxWidth/2-7
		p.line("next", e, bend(x1, p.y1, y, x2, p.y1-2))
	}
	p.verticals(down, up)
	for _, e := range under {
		k, from := slices.Index(p.below, e.to), slices.Index(p.below, e.from)
		y := p.y2 + boxHeight + lane*(k+1)
		x1, x2 := p.x[e.from]+boxWidth/2+(k-from)*4+lane*2, p.x[e.to]+boxWidth/2-lane*2+from*9
		p.line(p.colour(e.to), e, bend(x1, p.y2+boxHeight, y, x2, p.y2+boxHeight+2))
	}
	for i := range p.l.stages {
		p.box(i, upper(i))
	}
	p.legend(bottom)
	p.b.WriteString("</svg>\n")
	return []byte(p.b.String())
}

// verticals draws the lines between the rows: all that lead to one stage, or
// away from one, run in one lane.
func (p *picture) verticals(down, up []edge) {
	lanes := len(p.below)
	for _, e := range down {
		k := slices.Index(p.below, e.to)
		y := p.y1 + boxHeight + lane*(k+2)
		x1 := p.x[e.from] + boxWidth/2 + (k-lanes/2)*lane + lane/2
		x2 := p.x[e.to] + boxWidth/2 - lane
		if abs(x2-x1) < 2*round {
			x1 = x2
		}
		p.line(p.colour(e.to), e, bend(x1, p.y1+boxHeight, y, x2, p.y2-2))
	}
	for _, e := range up {
		k := slices.Index(p.below, e.from)
		y := p.y1 + boxHeight + lane*(lanes+k+2)
		x1, x2 := p.x[e.from]+boxWidth/2+lane, p.x[e.to]+boxWidth-lane*(k+1)-4
		p.line(p.colour(e.from), e, bend(x1, p.y2, y, x2, p.y1+boxHeight+2))
	}
}

// bend is a path that leaves vertically, runs along y and arrives vertically,
// with round corners.
func bend(x1, y1, y, x2, y2 int) string {
	if x1 == x2 {
		return fmt.Sprintf("M%d %dV%d", x1, y1, y2)
	}
	sx, s1, s2, r := 1, 1, 1, round
	if x2 < x1 {
		sx = -1
	}
	if y < y1 {
		s1 = -1
	}
	if y2 < y {
		s2 = -1
	}
	r = min(r, abs(x2-x1)/2, abs(y-y1), abs(y2-y))
	return fmt.Sprintf("M%d %dV%dQ%d %d %d %dH%dQ%d %d %d %dV%d",
		x1, y1, y-s1*r, x1, y, x1+sx*r, y, x2-sx*r, x2, y, x2, y+s2*r, y2)
}

func abs(n int) int { return max(n, -n) }

// colour is the class of the lines that belong to a stage of the lower row.
func (p *picture) colour(i int) string { return "c" + fmt.Sprint(slices.Index(p.below, i)%4) }

func (p *picture) head(width, height int) {
	fmt.Fprintf(&p.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="The stages of a lead">
<style>
svg{background:#fff;font-family:system-ui,"Segoe UI",Helvetica,Arial,sans-serif;color:#1c2733}
text{fill:#1c2733;font-size:12px}.name{font-size:15px;font-weight:600}.small{font-size:11px;fill:#5b6875}.mid{text-anchor:middle}
.box{fill:#f3f6f9;stroke:#8796a5;stroke-width:1.2}.side{fill:#fbfaf6}.final{stroke-width:3}
path{fill:none;stroke-width:1.5}.auto{stroke-dasharray:5 4}
.next{stroke:#2b6cb0}.c0{stroke:#b7791f}.c1{stroke:#c0392b}.c2{stroke:#7f8c8d}.c3{stroke:#13867b}
@media (prefers-color-scheme: dark){svg{background:#12181f}text{fill:#e6ebf0}.small{fill:#9fb0c0}.box{fill:#1d2733;stroke:#5f7183}.side{fill:#232018}
.next{stroke:#63a4e8}.c0{stroke:#e0a94a}.c1{stroke:#ee7466}.c2{stroke:#9aa7b1}.c3{stroke:#3cc3b4}}
</style>
<defs>`, width, height, width, height)
	for _, c := range []struct{ class, light string }{{"next", "#2b6cb0"}, {"c0", "#b7791f"}, {"c1", "#c0392b"}, {"c2", "#7f8c8d"}, {"c3", "#13867b"}} {
		fmt.Fprintf(&p.b, `<marker id="%s" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><polygon points="0,0 8,4 0,8" fill="%s"/></marker>`, c.class, c.light)
	}
	p.b.WriteString("</defs>\n")
}

func (p *picture) line(class string, e edge, d string) {
	auto := ""
	if e.w.auto {
		auto = " auto"
	}
	title := p.l.stages[e.from].ID + " → " + p.l.stages[e.to].ID + prefixed(": ", e.w.label())
	fmt.Fprintf(&p.b, `<path class="%s%s" marker-end="url(#%s)" d="%s"><title>%s</title></path>`+"\n", class, auto, class, d, escape(title))
}

func (p *picture) text(x, y int, class, text string) {
	if text != "" {
		fmt.Fprintf(&p.b, `<text class="%s" x="%d" y="%d">%s</text>`+"\n", class, x, y, escape(text))
	}
}

func (p *picture) box(i int, upper bool) {
	s := &p.l.stages[i]
	x, y, class := p.x[i], p.y2, "box side"
	if upper {
		y, class = p.y1, "box"
	}
	if s.Final {
		class += " final"
	}
	fmt.Fprintf(&p.b, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="9"/>`+"\n", class, x, y, boxWidth, boxHeight)
	p.text(x+12, y+22, "name", fit(s.ID, 19))
	lines := p.l.conditions(s)
	if s.Follows != "" {
		lines = append(lines, "follows "+s.Follows)
	}
	for n, line := range lines {
		if n == 2 && len(lines) > 3 {
			line = fmt.Sprintf("and %d more", len(lines)-2)
		}
		p.text(x+12, y+39+14*n, "small", fit(line, 25))
		if n == 2 {
			break
		}
	}
	if s.ID == p.l.initial {
		fmt.Fprintf(&p.b, `<path class="next" marker-end="url(#next)" d="M%d %dH%d"/>`+"\n", x-margin+4, y+boxHeight/2, x-2)
	}
}

func (p *picture) legend(y int) {
	p.text(margin, margin, "name", "Stages of a lead")
	p.text(margin, margin+17, "small", "solid: people move it; dashed: the loop does, as soon as all criteria hold")
	if len(p.l.clocks) > 0 {
		p.text(margin, y+18, "name", "When nothing happens")
	}
	for i := range p.l.clocks {
		p.text(margin, y+18*(i+2)+2, "small", p.l.clocks[i].words())
	}
}

// fit cuts a text to about n characters.
func fit(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	return string(r[:n-1]) + "…"
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

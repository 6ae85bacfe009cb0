package benchmarks

import (
	"cmp"
	goflag "flag"
	"fmt"
	"go/format"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = goflag.Bool("update", false, "write the tuned code of the drawn models anew")

func TestTheTunedCodeIsThatOfTheModels(t *testing.T) {
	for _, rules := range []int{10, 160, 640} {
		name := fmt.Sprintf("tuned%d.go", rules)
		want, err := format.Source([]byte(newTunedCode(model(t, rules)).file()))
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != string(want) {
			t.Errorf("%s is not what its model asks for (%v): run go test -run TunedCode -update", name, err)
		}
	}
}

// tunedCode writes for any model what tuned is for the one of 40, in the same manner:
// one pass over the events, one switch for each string, sums from tables.
type tunedCode struct {
	rules int
	// switches are by field, then by value, the bits that the value sets.
	switches map[string]map[string][]string
	loop     []string // for each technology
	counters map[string]map[int]string
	plain    [][]string // conditions by word
	aux      int
	silence  bool
}

func newTunedCode(m *Model) *tunedCode {
	g := &tunedCode{
		rules: len(m.Rules), switches: map[string]map[string][]string{},
		counters: map[string]map[int]string{}, plain: make([][]string, (len(m.Rules)+63)/64),
	}
	for i, r := range m.Rules {
		g.rule(i, r.when)
	}
	return g
}

// rule sets the i-th bit where the condition is, if one place settles it.
func (g *tunedCode) rule(i int, c condition) {
	sets := fmt.Sprintf("m%d |= 1 << %d", i>>6, i&63)
	switch c := c.(type) {
	case is, oneOf:
		g.onString(c, sets)
		return
	case holds:
		g.onValue(c.list, c.value, sets)
		return
	case holdsPrefix:
		g.loop = append(g.loop, fmt.Sprintf("if strings.HasPrefix(t, %q) { %s }", c.prefix, sets))
		return
	case someOf:
		if _, ok := c[0].(holds); ok {
			for _, h := range c {
				g.rule(i, h)
			}
			return
		}
	}
	g.plain[i>>6] = append(g.plain[i>>6], fmt.Sprintf("bit(%d, %s)", i&63, g.expression(c)))
}

func (g *tunedCode) onValue(field, value, does string) {
	if g.switches[field] == nil {
		g.switches[field] = map[string][]string{}
	}
	g.switches[field][value] = append(g.switches[field][value], does)
}

func (g *tunedCode) onString(c condition, does string) {
	switch c := c.(type) {
	case is:
		g.onValue(c.field, c.value, does)
	case oneOf:
		for _, v := range c.values {
			g.onValue(c.field, v, does)
		}
	}
}

var goNames = map[string]string{
	"lead.title": "p.Title", "lead.seniority": "p.Seniority", "lead.department": "p.Department", "lead.email": "p.Email",
	"lead.email_domain": "p.EmailDomain", "lead.country": "p.Country", "lead.source": "p.Source", "lead.campaign": "p.Campaign",
	"lead.has_phone": "p.HasPhone", "lead.opted_in": "p.OptedIn", "lead.unsubscribed": "p.Unsubscribed", "lead.is_customer": "p.IsCustomer",
	"lead.form_fields": "p.FormFields", "lead.emails_opened": "p.EmailsOpened", "lead.emails_clicked": "p.EmailsClicked",
	"lead.session_minutes": "p.Minutes", "lead.active_at": "active", "lead.created_at": "created",
	"company.industry": "c.Industry", "company.employees": "c.Employees", "company.revenue": "c.Revenue", "company.founded": "c.Founded",
	"company.growth_rate": "c.Growth", "company.funding_stage": "c.FundingStage", "company.technologies": "t",
}

// expression is the condition in Go; strings in it are looked up by the switches.
func (g *tunedCode) expression(c condition) string {
	switch c := c.(type) {
	case is, oneOf:
		name := fmt.Sprintf("x%d", g.aux)
		g.aux++
		g.onString(c, name+" = true")
		return name
	case compare:
		return fmt.Sprintf("%s %s %v", goNames[c.field], c.op, c.value)
	case flag:
		return goNames[c.field]
	case matches:
		f := map[string]string{"contains": "Contains", "startsWith": "HasPrefix", "endsWith": "HasSuffix"}[c.function]
		return fmt.Sprintf("strings.%s(%s, %q)", f, goNames[c.field], c.value)
	case age:
		return fmt.Sprintf("%s %s %d*hour", goNames[c.field], c.op, c.hours)
	case happened:
		if g.counters[c.event] == nil {
			g.counters[c.event] = map[int]string{}
		}
		name, ok := g.counters[c.event][c.hours]
		if !ok {
			name = fmt.Sprintf("%s%d", strings.ReplaceAll(c.event, "_", ""), c.hours)
			g.counters[c.event][c.hours] = name
		}
		return fmt.Sprintf("%s %s %d", name, c.op, c.n)
	case silent:
		g.silence = true
		return fmt.Sprintf("latest <= now-%d*hour", c.hours)
	case share:
		return fmt.Sprintf("%[2]s > 0 && float64(%[1]s)/float64(%[2]s) > %[3]v", goNames[c.part], goNames[c.whole], c.min)
	case not:
		return "!" + g.expression(c.of)
	case allOf:
		return g.join(c, " && ")
	case someOf:
		return "(" + g.join(c, " || ") + ")"
	}
	panic(fmt.Sprintf("no code for a %T", c))
}

func (g *tunedCode) join(list []condition, operator string) string {
	parts := make([]string, len(list))
	for i, c := range list {
		parts[i] = g.expression(c)
	}
	return strings.Join(parts, operator)
}

func (g *tunedCode) file() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	words := len(g.plain)
	line("// Code generated by go test -run TunedCode -update; DO NOT EDIT.\n\npackage benchmarks\n\nimport (\"strings\"; \"time\")\n")
	line("func tuned%d(l *Lead, out *Outcome, points sums) {\np, c := &l.Person, &l.Company\nconst hour = int64(time.Hour)\nnow := Now.UnixNano()", g.rules)
	var counters []string
	for _, event := range slices.Sorted(maps.Keys(g.counters)) {
		for _, hours := range slices.Sorted(maps.Keys(g.counters[event])) {
			counters = append(counters, g.counters[event][hours])
		}
	}
	line("var %s int", strings.Join(counters, ", "))
	if g.silence {
		line("latest := int64(-1 << 63)")
	}
	line("for i := range l.Events {\ne := &l.Events[i]\nat := e.At.UnixNano()")
	if g.silence {
		line("latest = max(latest, at)")
	}
	line("switch e.Type {")
	for _, event := range slices.Sorted(maps.Keys(g.counters)) {
		line("case %q:", event)
		byWindow := g.counters[event]
		// The longest window first, each shorter one inside; 0 is ever.
		windows := slices.SortedFunc(maps.Keys(byWindow), func(a, b int) int { return cmp.Compare(longest(b), longest(a)) })
		depth := 0
		for _, hours := range windows {
			if hours != 0 {
				line("if at > now-%d*hour {", hours)
				depth++
			}
			line("%s++", byWindow[hours])
		}
		b.WriteString(strings.Repeat("}\n", depth))
	}
	line("}\n}")
	line("var %s uint64", numbered("m", words))
	if g.aux > 0 {
		line("var %s bool", numbered("x", g.aux))
	}
	for _, field := range slices.Sorted(maps.Keys(g.switches)) {
		if field != "company.technologies" {
			g.writeSwitch(line, field)
		}
	}
	line("for _, t := range c.Technologies {")
	g.writeSwitch(line, "company.technologies")
	for _, s := range g.loop {
		line("%s", s)
	}
	line("}\nactive := now - p.ActiveAt.UnixNano()")
	if strings.Contains(fmt.Sprint(g.plain), "created") {
		line("created := now - p.CreatedAt.UnixNano()")
	}
	for w, list := range g.plain {
		for part := range slices.Chunk(list, 8) {
			line("m%d |= %s", w, strings.Join(part, " |\n"))
		}
	}
	for w := range words {
		line("out.Matched[%[1]d] = m%[1]d", w)
	}
	line("points.end(l, out, active, %d)\n}", max(1, g.rules/len(forty)))
	return b.String()
}

func numbered(prefix string, n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return strings.Join(names, ", ")
}

func longest(hours int) int {
	if hours == 0 {
		return 1 << 40
	}
	return hours
}

// writeSwitch puts values that do the same into one case.
func (g *tunedCode) writeSwitch(line func(string, ...any), field string) {
	values := map[string][]string{}
	for _, v := range slices.Sorted(maps.Keys(g.switches[field])) {
		does := strings.Join(merged(g.switches[field][v]), "\n")
		values[does] = append(values[does], fmt.Sprintf("%q", v))
	}
	line("switch %s {", goNames[field])
	for _, does := range slices.SortedFunc(maps.Keys(values), func(a, b string) int { return cmp.Compare(values[a][0], values[b][0]) }) {
		line("case %s:\n%s", strings.Join(values[does], ", "), does)
	}
	line("}")
}

// merged makes one assignment of those to the same word.
func merged(does []string) []string {
	masks := map[string][]string{}
	var out []string
	for _, d := range does {
		word, bit, ok := strings.Cut(d, " |= ")
		if !ok {
			out = append(out, d)
			continue
		}
		if !slices.Contains(masks[word], bit) {
			masks[word] = append(masks[word], bit)
		}
	}
	for _, word := range slices.Sorted(maps.Keys(masks)) {
		out = append(out, word+" |= "+strings.Join(masks[word], "|"))
	}
	return out
}

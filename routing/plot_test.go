package routing

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/leadloop/leadloop"
)

var plotFile = flag.String("plot", "", "a file that TestPlotTheCostOfADecision draws its measurements into, as SVG")

// cost is what a decision took at one size.
type cost struct {
	n      int
	micros float64
}

// TestPlotTheCostOfADecision measures decisions against the number of entries,
// of territories and of members, and draws the chart of docs/PERFORMANCE.md:
//
//	go test ./routing -run Plot -benchtime 20ms -plot ../docs/routing-cost.svg
func TestPlotTheCostOfADecision(t *testing.T) {
	if *plotFile == "" {
		t.Skip("draws a chart with -plot FILE")
	}
	lines := []struct {
		name  string
		sizes []int
		route func(n int) func() error
	}{
		{"entries of the chain", []int{10, 30, 100, 300, 1000, 3000, 10_000}, func(n int) func() error { return entriesOf(t, n) }},
		{"territories, each with ten named accounts", []int{10, 30, 100, 300, 1000, 3000, 10_000}, func(n int) func() error { return territoriesOf(t, n) }},
		{"members of a fair pool", []int{2, 10, 30, 100, 300, 1000}, func(n int) func() error { return membersOf(t, n) }},
	}
	series := map[string][]cost{}
	var names []string
	for _, l := range lines {
		names = append(names, l.name)
		var routes []func() error
		for _, n := range l.sizes {
			routes, series[l.name] = append(routes, l.route(n)), append(series[l.name], cost{n, math.Inf(1)})
		}
		// The best of fifteen rounds: others use the machine, too.
		for range 15 {
			for i, route := range routes {
				r := testing.Benchmark(func(b *testing.B) {
					for b.Loop() {
						if err := route(); err != nil {
							b.Fatal(err)
						}
					}
				})
				c := &series[l.name][i]
				c.micros = min(c.micros, float64(r.NsPerOp())/1000)
			}
		}
		for _, c := range series[l.name] {
			t.Logf("%6d %-45s %7.2f µs", c.n, l.name, c.micros)
		}
	}
	if err := os.WriteFile(*plotFile, []byte(plot(names, series)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// routeOf is a decision that can be made again and again.
func routeOf(r *Router, rd *Snapshot, p *leadloop.Profile) func() error {
	lead := leadOfTier("l", "A")
	return func() error {
		a, err := r.Route(context.Background(), rd, Request{Lead: lead, Profile: p, AsOf: monday})
		if err == nil && a.Owner == "" {
			return fmt.Errorf("it goes to nobody: %s", a.Reason)
		}
		return err
	}
}

// entriesOf is a decision for which the last entry of the chain is.
func entriesOf(t testing.TB, n int) func() error {
	r := mustRouter(t, bigChain(n), slaFile)
	return routeOf(r, &Snapshot{}, profileOf(t, r, map[string]string{"lead.country": fmt.Sprintf("C%d", n-1), "company.employees": "50"}))
}

func territoriesOf(t testing.TB, n int) func() error {
	r := bigDefinition(t, n, 10*n)
	k := n - 1
	return routeOf(r, &Snapshot{}, profileOf(t, r, map[string]string{
		"lead.country": fmt.Sprintf("C%d", k%50), PostcodeField: fmt.Sprintf("%05d", (k/50)*10+3), "company.domain": "unknown.com",
	}))
}

// membersOf is a decision about a pool of members of different weights who all
// have had leads.
func membersOf(t testing.TB, n int) func() error {
	def := Definition{Final: "q", Queues: []Queue{{ID: "q"}}, Teams: []Team{{ID: "t"}}, Pools: []Pool{{ID: "p", Team: "t"}}, Chain: []Entry{{ID: "all", Target: Target{Pool: "p"}}}}
	for i := range n {
		w, id := 1+i*37%150, leadloop.RepID(fmt.Sprintf("rep%04d", i))
		def.Reps, def.Teams[0].Members = append(def.Reps, Rep{ID: id, Weight: &w}), append(def.Teams[0].Members, id)
	}
	r, err := New(def, SLADefinition{}, leadloop.StandardSchema(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	rd, lead, profile := &Snapshot{}, leadOfTier("l", ""), r.schema.NewProfile()
	for range 2 * n {
		a, err := r.Route(context.Background(), rd, Request{Lead: lead, Profile: profile, AsOf: monday})
		if err != nil {
			t.Fatal(err)
		}
		rd.Apply(a.Ledger...)
	}
	return routeOf(r, rd, profile)
}

// plot draws lines over two logarithmic axes.
func plot(names []string, series map[string][]cost) string {
	const (
		width, height    = 760, 420
		left, right      = 60, 20
		top, bottom      = 20, 50
		least, most      = 1.0, 10_000.0
		fastest, slowest = 0.1, 100.0
	)
	x := func(n float64) float64 {
		return left + (width-left-right)*math.Log(n/least)/math.Log(most/least)
	}
	y := func(us float64) float64 {
		return height - bottom - (height-top-bottom)*math.Log(us/fastest)/math.Log(slowest/fastest)
	}
	colours := []string{"#1b6ca8", "#c8553d", "#3a7d44"}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img">`+"\n", width, height)
	b.WriteString("<title>What a routing decision costs</title>\n")
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>` + "\n")
	for n := least; n <= most; n *= 10 {
		fmt.Fprintf(&b, `<path d="M%.1f %d V%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%.0f</text>`+"\n", x(n), top, height-bottom, x(n), height-bottom+18, n)
	}
	for us := fastest; us <= slowest*1.01; us *= 10 {
		fmt.Fprintf(&b, `<path d="M%d %.1f H%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g µs</text>`+"\n", left, y(us), width-right, left-6, y(us)+4, us)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">how many there are</text>`+"\n", (left+width-right)/2, height-10)
	for i, name := range names {
		var points []string
		for _, c := range series[name] {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(float64(c.n)), y(c.micros)))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colours[i])
		for j, c := range series[name] {
			at := strings.SplitN(points[j], ",", 2)
			fmt.Fprintf(&b, `<circle cx="%s" cy="%s" r="3" fill="%s"><title>%d %s: %.2f µs</title></circle>`+"\n", at[0], at[1], colours[i], c.n, name, c.micros)
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", left+10, top+16+18*i, colours[i], name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

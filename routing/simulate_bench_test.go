package routing

import (
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
)

// A company of 200 reps in 20 teams and five zones, with hours, caps, a queue
// and three response times.
func simulated200(tb testing.TB) *Router {
	var b strings.Builder
	zones := []string{"America/New_York", "America/Chicago", "America/Los_Angeles", "Europe/Berlin", "Europe/London"}
	b.WriteString("reps:\n")
	for i := range 200 {
		fmt.Fprintf(&b, "  - {id: rep%03d, timezone: %s, weight: %d, max_day: 400, hours: office}\n", i, zones[i/10%5], 50+i%5*25)
	}
	b.WriteString("pools:\n")
	for t := range 20 {
		fmt.Fprintf(&b, "  - {id: team%02d, present: true, wait: 72h, members: [", t)
		for i := range 10 {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "rep%03d", t*10+i)
		}
		b.WriteString("]}\n")
	}
	b.WriteString("queues: [{id: desk}]\nchain:\n  - {id: low, tier: [D], target: {nurture: news}}\n")
	for t, c := range simulatedCountries {
		fmt.Fprintf(&b, "  - {id: %s, country: [%s], target: {pool: team%02d}}\n", strings.ToLower(c), c, t)
	}
	b.WriteString("final: desk\n")
	return mustRouter(tb, b.String(), `
calendars:
  office: {zone: owner, hours: {mon-fri: ["09:00-17:00"]}}
policies:
  - {id: a, tier: A, target: 15m, calendar: office, escalate: [{notify: owner}, {after: 1h, notify: "queue:desk", reassign: true}, {after: 1h, notify: "queue:desk"}]}
  - {id: b, tier: B, target: 4h, calendar: office, escalate: [{notify: "queue:desk"}]}
  - {id: c, target: 24h, calendar: office, escalate: [{notify: "queue:desk"}]}
`)
}

var simulatedCountries = []string{"US", "CA", "MX", "DE", "GB", "FR", "ES", "IT", "NL", "BE", "AT", "CH", "SE", "NO", "DK", "FI", "PL", "CZ", "PT", "IE"}

// simulatedMoments are n leads in 90 days.
func simulatedMoments(r *Router, n int) iter.Seq2[Moment, error] {
	return func(yield func(Moment, error) bool) {
		step := 90 * day / time.Duration(n)
		for i := range n {
			p := r.schema.NewProfile()
			leadloop.Country.Set(p, simulatedCountries[i*7%20])
			leadloop.Employees.Set(p, int64(i%5000))
			leadloop.Source.Set(p, "web")
			m := Moment{
				At: monday.Add(time.Duration(i) * step), Lead: leadloop.LeadID(fmt.Sprintf("l%07d", i)), Profile: p,
				Score: leadloop.Score{Known: true, Points: leadloop.Point * 50, Tier: []string{"A", "B", "C", "C", "D"}[i*3%5], Model: "m@1"},
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// BenchmarkSimulate replays leads through 200 reps: ns/lead is what one takes.
func BenchmarkSimulate(b *testing.B) {
	r := simulated200(b)
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if n > 100_000 && testing.Short() {
				b.Skip("-short")
			}
			b.ReportAllocs()
			for b.Loop() {
				sim, err := r.Simulate(b.Context(), simulatedMoments(r, n), SimulateOptions{Response: 10 * time.Minute, Open: 14 * day, Seed: 1})
				if err != nil {
					b.Fatal(err)
				}
				if sim.Leads != n {
					b.Fatal(sim.Leads)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/lead")
		})
	}
}

// BenchmarkSimulateOverfull replays far more leads than a team can take, so that
// nearly all wait and a drain comes every ten seconds: ns/lead falls as leads
// grow, since drains come with time and not with what waits.
func BenchmarkSimulateOverfull(b *testing.B) {
	r := mustRouter(b, `
reps:
  - {id: ana, max_day: 20}
  - {id: ben, max_week: 60}
  - {id: cem, max_open: 30}
pools:
  - {id: west, members: [ana, ben]}
  - {id: east, members: [ben, cem]}
queues: [{id: desk}]
chain:
  - {id: west, country: [US, CA, MX], target: {pool: west}}
  - {id: east, target: {pool: east}}
final: desk
`, "")
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				sim, err := r.Simulate(b.Context(), simulatedMoments(r, n), SimulateOptions{Response: 10 * time.Minute, Open: 14 * day, Seed: 1})
				if err != nil || sim.Leads != n {
					b.Fatal(sim.Leads, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/lead")
		})
	}
}

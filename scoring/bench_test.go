package scoring

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
)

// fortyRules is a model of the size that teams have: 28 conditions, 4 weights,
// 8 activity types.
func fortyRules(decay string) string {
	var b strings.Builder
	b.WriteString("model: forty\nversion: 1\nrules:\n")
	for i := range 28 {
		when := []string{
			fmt.Sprintf("company.employees >= %d", i*50), fmt.Sprintf(`lead.country in ["US", "CA", "C%d"]`, i),
			fmt.Sprintf("company.revenue > %d && company.employees < 5000", i*100000), fmt.Sprintf(`count("type%d", "7d") >= 2`, i%8),
		}[i%4]
		fmt.Fprintf(&b, "  - {id: when-%d, group: fit, when: '%s', points: %d}\n", i, when, i%7-2)
	}
	for i := range 4 {
		fmt.Fprintf(&b, "  - {id: weight-%d, group: fit, points: 'min(5.0, double(company.employees) / %d.0)'}\n", i, 100+i)
	}
	for i := range 8 {
		fmt.Fprintf(&b, "  - {id: each-%d, group: intent, each: type%d, points: %d, decay: {%s}, max: 3}\n", i, i, 3+i, decay)
	}
	b.WriteString("groups: {fit: {max: 100}, intent: {max: 100}}\nscore: fit * 0.6 + intent * 0.4\ntiers: {A: 70, B: 50, C: 0, hysteresis: 3}\n")
	return b.String()
}

func BenchmarkScore(b *testing.B) {
	for _, bb := range []struct{ name, decay string }{{"window", "window: 30d"}, {"half-life", "half_life: 14d"}} {
		b.Run(bb.name, func(b *testing.B) {
			m := compile(b, fortyRules(bb.decay))
			p := m.Schema().NewProfile()
			leadloop.Employees.Set(p, 700)
			leadloop.Country.Set(p, "US")
			leadloop.Revenue.Set(p, 2_000_000)
			var activities []leadloop.Activity
			for i := range 20 {
				activities = append(activities, leadloop.Activity{ID: fmt.Sprint(i), Type: fmt.Sprintf("type%d", i%8), At: asOf.Add(-time.Duration(i) * day)})
			}
			in := Input{Profile: p, Activities: activities, AsOf: asOf}
			everyDepth(b, m, in)
		})
	}
}

// everyDepth asks for the verdict, the score and the reasons.
func everyDepth(b *testing.B, m *Model, in Input) {
	b.Run("verdict", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.Verdict(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("score", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.Score(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("explain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.Explain(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
	})
	e, err := m.Explain(b.Context(), in)
	if err != nil {
		b.Fatal(err)
	}
	trace := &Trace{Explanation: e}
	b.Run("trace", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := trace.encode(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("trace by package json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(trace); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Everything is missing: the range is found by trying what it could be.
func BenchmarkScoreRange(b *testing.B) {
	m := compile(b, strings.ReplaceAll(fortyRules("window: 30d"), "min(5.0, double(company.employees) /", "(company.employees > 500 ? 5.0 :"))
	in := Input{Profile: m.Schema().NewProfile(), AsOf: asOf}
	if e := score(b, m, in); !e.RangeExact {
		b.Fatalf("not exact:\n%s", e)
	}
	everyDepth(b, m, in)
}

func BenchmarkNew(b *testing.B) {
	d, err := Parse("scoring.yaml", []byte(fortyRules("window: 30d")))
	if err != nil {
		b.Fatal(err)
	}
	schema := leadloop.StandardSchema()
	for b.Loop() {
		if _, err := New(d, schema, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

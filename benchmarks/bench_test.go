package benchmarks

import (
	"fmt"
	"testing"
)

// BenchmarkLead scores one lead after the other. For figures that can be compared
// on a busy machine use the program in ratios.
func BenchmarkLead(b *testing.B) {
	for _, sparse := range []bool{false, true} {
		// As many as ratios takes: the CPU learns a few hundred by heart.
		population := leads(b, 2000, sparse)
		for _, rules := range sizes {
			m := model(b, rules)
			for _, e := range Engines() {
				if !e.Has(rules) || sparse && !e.Sparse {
					continue
				}
				b.Run(fmt.Sprintf("sparse=%t/rules=%d/engine=%s", sparse, rules, e.Name), func(b *testing.B) {
					s := compile(b, e, m)
					var out Outcome
					b.ReportAllocs()
					for i := 0; b.Loop(); i++ {
						if err := s.Score(population[i%len(population)], &out); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// BenchmarkCompile compiles a model into an environment that is there already.
func BenchmarkCompile(b *testing.B) {
	for _, rules := range sizes {
		m := model(b, rules)
		for _, e := range Engines() {
			if e.Handwritten {
				continue
			}
			b.Run(fmt.Sprintf("rules=%d/engine=%s", rules, e.Name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					compile(b, e, m)
				}
			})
		}
	}
}

package benchmarks

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// BenchmarkBatch scores leads that are in columns already.
func BenchmarkBatch(b *testing.B) {
	for _, rules := range sizes {
		b.Run(fmt.Sprint(rules), func(b *testing.B) {
			p, err := NewPopulation(50_000, false)
			if err != nil {
				b.Fatal(err)
			}
			m, err := model(b, rules).NewScoring()
			if err != nil {
				b.Fatal(err)
			}
			batch, err := p.NewBatch(context.Background(), m)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := batch.Score(context.Background(), m, Now); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(batch.Bytes())/float64(p.N), "B/lead")
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(p.N), "ns/lead")
		})
	}
}

// Columns say of every lead what an evaluation of it says.
func TestBatchesAgreeWithTheRules(t *testing.T) {
	for _, rules := range sizes {
		for _, sparse := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d rules, sparse %t", rules, sparse), func(t *testing.T) {
				m := model(t, rules)
				population := leads(t, 1500, sparse)
				p, err := NewPopulation(len(population), sparse)
				if err != nil {
					t.Fatal(err)
				}
				s, err := m.NewScoring()
				if err != nil {
					t.Fatal(err)
				}
				batch, err := p.NewBatch(context.Background(), s)
				if err != nil {
					t.Fatal(err)
				}
				want := outcomes(t, compile(t, engine(t, "leadloop-rules"), m), population)
				for i, got := range Outcomes(batch) {
					if diff := cmp.Diff(want[i], got); diff != "" {
						t.Fatalf("lead %d (-rules +columns):\n%s", i, diff)
					}
				}
			})
		}
	}
}

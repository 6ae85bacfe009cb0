package match

import (
	"testing"

	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// BenchmarkWeigh compares the candidates of generated leads.
func BenchmarkWeigh(b *testing.B) {
	const rows = 20_000
	world := matchtest.New(rows, 1)
	table, err := NewTable(fieldsOfWorld())
	if err != nil {
		b.Fatal(err)
	}
	for i := range rows {
		if err := table.Add(recordOfWorld(world.Record(i))); err != nil {
			b.Fatal(err)
		}
	}
	m, err := Learn(b.Context(), table, Options{})
	if err != nil {
		b.Fatal(err)
	}
	n, err := table.nodes(true, nil)
	if err != nil {
		b.Fatal(err)
	}
	m.apply(n.cols)
	blocks := &blocking{nodes: n, keys: m.keys, number: m.numbers, caps: m.caps}
	if err := blocks.fill(b.Context()); err != nil {
		b.Fatal(err)
	}
	parts := make([][]nodePair, blocks.parts())
	err = blocks.each(b.Context(), 1, visitor{begin: func(part int) func([]nodePair) {
		return func(pairs []nodePair) { parts[part] = append(parts[part], pairs...) }
	}})
	if err != nil {
		b.Fatal(err)
	}
	var pairs []nodePair
	for _, p := range parts {
		pairs = append(pairs, p...)
	}
	var v vector
	w := m.weigher(n.cols)
	var last *uint32
	for _, c := range []struct {
		name   string
		weight func(a, b []uint32) float64
	}{
		{"each by itself", func(a, b []uint32) float64 {
			m.spec.compareAll(n.cols, a, b, &v)
			return m.params.weight(m.spec, &v)
		}},
		{"as batches do", func(a, b []uint32) float64 {
			if last != &a[0] {
				w.from(a)
				last = &a[0]
			}
			weight, _ := w.weightFrom(b, floorWeight)
			return weight
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			i, start := 0, processTime(b)
			for b.Loop() {
				p := pairs[i%len(pairs)]
				c.weight(n.row(p.x), n.row(p.y))
				i++
			}
			b.ReportMetric(float64((processTime(b)-start).Nanoseconds())/float64(i), "cpu-ns/pair")
			b.ReportMetric(float64(len(pairs))/rows, "pairs/row")
		})
	}
}

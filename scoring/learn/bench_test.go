package learn

import (
	"context"
	"fmt"
	"testing"
)

// wide is a table of twenty columns, half of them numbers.
func wide(rows int) Rows {
	m := maker(77)
	r := Rows{Header: []string{"won"}}
	for k := range 10 {
		r.Header = append(r.Header, fmt.Sprint("number", k), fmt.Sprint("kind", k))
	}
	for range rows {
		cells, e := []string{""}, 0.0
		for k := range 10 {
			x, c := m.uniform(), m.n(3+5*k)
			cells = append(cells, fmt.Sprintf("%.4f", x), fmt.Sprint("c", c))
			e += (x - .5) * float64(k) / 5
			if c == 1 {
				e += .3
			}
		}
		cells[0] = "no"
		if m.uniform()*4 < .5+e {
			cells[0] = "yes"
		}
		r.Cells = append(r.Cells, cells)
	}
	return r
}

func BenchmarkLearn(b *testing.B) {
	for _, rows := range []int{4_000, 40_000} {
		if testing.Short() && rows > 4_000 {
			continue
		}
		table := wide(rows)
		b.Run(fmt.Sprint(rows, " rows of 20 columns"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Learn(context.Background(), table, Options{Outcome: "won"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

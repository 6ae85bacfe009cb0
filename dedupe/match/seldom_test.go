package match

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// 2,000 people with birthdays in fifty years, 100 of them twice: what two rows have in common is nearly always one person's, and yet as rare as any birthday.
func TestABirthdayThatTwoRowsShareIsAsRareAsAnyOther(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	table, err := NewTable([]Field{{Name: "born", Kind: KindDate}, {Name: "last", Kind: KindFamilyName}})
	if err != nil {
		t.Fatal(err)
	}
	days := make([]string, 2000)
	for i := range 2100 {
		if i < len(days) {
			days[i] = fmt.Sprintf("%04d-%02d-%02d", 1950+r.IntN(50), 1+r.IntN(12), 1+r.IntN(28))
		}
		if err := table.Add(Record{ID: fmt.Sprint(i), Values: []string{days[i%len(days)], someFamily[r.IntN(len(someFamily))]}}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Learn(t.Context(), table, Options{})
	if err != nil {
		t.Fatal(err)
	}
	twin := Record{Values: []string{days[7], ""}}
	p, err := m.Compare(twin, twin)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Lines[0].Frequency; math.Abs(got) > 1 {
		t.Errorf("how common it is weighs %+.2f bits, want next to nothing: no birthday is commoner than another", got)
	}
}

func TestCountsAreBelievedTheMoreTheLargerTheyAre(t *testing.T) {
	for _, c := range []struct {
		name   string
		counts []uint32 // of values that more than one row has
		rows   int
		two    float64 // rows that a value of two counts for
	}{
		{"few rows tell nothing", []uint32{2, 2}, 8, 2 * 7. / 9},
		{"hardly a value is there twice", []uint32{2, 2, 2, 2, 2}, 1010, 2 * 10. / 1005},
		{"all are there often", []uint32{40, 60, 80}, 180, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := frequencies{Rows: c.rows, Counts: map[uint64]uint32{}}
			for i, n := range c.counts {
				f.Counts[uint64(i)] = n
			}
			f.setSeldom()
			if math.Abs(f.Seldom[2]-c.two) > 1e-9 {
				t.Errorf("a value of two rows counts for %.4f, want %.4f", f.Seldom[2], c.two)
			}
			for n := 1; n < seldom; n++ {
				if f.Seldom[n] < f.Seldom[n-1] || f.Seldom[n] > float64(max(n, 2)) {
					t.Errorf("values of %d and %d rows count for %.4f and %.4f", n-1, n, f.Seldom[n-1], f.Seldom[n])
				}
			}
		})
	}
}

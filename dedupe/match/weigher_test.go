package match

import (
	"testing"

	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// What a weigher remembers must not be what other values came to, also where look-ups lend a number to one value after the other.
func TestAWeigherSaysWhatComparingSays(t *testing.T) {
	const rows = 700
	world := matchtest.New(rows, 7)
	table, err := NewTable(fieldsOfWorld())
	if err != nil {
		t.Fatal(err)
	}
	var records []Record
	for i := range rows {
		records = append(records, recordOfWorld(world.Record(i)))
	}
	if err := table.AddAll(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	m := modelOfWorld(t)
	m.apply(table.cols)
	index, err := NewIndex(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records[:rows/2] {
		if err := index.Upsert(r); err != nil {
			t.Fatal(err)
		}
	}
	s := index.searches.idlest()
	pairs := m.weigher(table.cols)
	n := len(table.cols)
	row := func(i int) []uint32 { return table.cells[i*n : (i+1)*n] }
	for i := range rows {
		s.deriver.derive(records[i].Values, s.derived)
		s.encode(index.columns)
		for j := range rows / 2 {
			var v vector
			m.spec.compareAll(table.cols, row(i), row(j), &v)
			want := m.params.weight(m.spec, &v)
			if got := pairs.weight(row(i), row(j)); got != want {
				t.Fatalf("rows %d and %d weigh %v, not %v", i, j, got, want)
			}
			if got := s.weight(index, index.nodeOf[index.byID[records[j].ID]]); got != want {
				t.Fatalf("row %d looked up and %d in the index weigh %v, not %v", i, j, got, want)
			}
		}
	}
}

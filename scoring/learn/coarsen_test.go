package learn

import (
	"bytes"
	"context"
	"testing"
)

func TestMemoryIsBoundedByACoarserGridWhateverTheOrderOfTheRows(t *testing.T) {
	defer func(n int) { mostCells = n }(mostCells)
	ctx, o := context.Background(), Options{Outcome: "won", ID: "id"}
	rows := sales(14, 4000)
	backwards := Rows{Header: rows.Header}
	for i := range rows.Cells {
		backwards.Cells = append(backwards.Cells, rows.Cells[len(rows.Cells)-1-i])
	}
	free, err := Count(ctx, rows, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{2000, 800, 300, 12} {
		mostCells = most
		counts, err := Count(ctx, rows, o)
		if err != nil {
			t.Fatal(err)
		}
		if counts.cells.len() > most || free.cells.len() <= most {
			t.Errorf("at most %d cells: %d of %d", most, counts.cells.len(), free.cells.len())
		}
		again, err := Count(ctx, backwards, o)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(written(t, counts), written(t, again)) {
			t.Errorf("at most %d cells: another order of the rows gives other counts", most)
		}
		// In two parts it comes to a grid as coarse, and forgetting is as exact.
		file := written(t, counts)
		if err := counts.Forget(ctx, Rows{rows.Header, rows.Cells[5:9]}); err != nil {
			t.Fatal(err)
		}
		if err := counts.Add(ctx, Rows{rows.Header, rows.Cells[5:9]}); err != nil {
			t.Fatal(err)
		}
		counts.head.Added, counts.head.Forgot = 0, 0
		if !bytes.Equal(file, written(t, counts)) {
			t.Errorf("at most %d cells: forgotten and added again, the counts are others", most)
		}
		if most < 100 {
			continue
		}
		r, err := counts.Learn(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		if auc := r.Report.Held.AUC.Value; auc < .7 {
			t.Errorf("at most %d cells: AUC %v", most, auc)
		}
		reproduces(t, r, rows)
	}
	mostCells = 300
	if err := free.Add(ctx, backwards); err != nil || free.cells.len() > 300 {
		t.Errorf("%d cells after rows were added: %v", free.cells.len(), err)
	}
}

package learn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// with adds a column to sales.
func with(rows Rows, name string, cell func(i int, won bool) string) Rows {
	out := Rows{Header: append(append([]string{}, rows.Header...), name)}
	for i, r := range rows.Cells {
		out.Cells = append(out.Cells, append(append([]string{}, r...), cell(i, r[len(r)-1] == "yes")))
	}
	return out
}

func TestColumnsThatKnowTheOutcomeAreNamedAndLeftOut(t *testing.T) {
	base := sales(4, 2000)
	m := maker(11)
	for _, c := range []struct {
		name, column string
		cell         func(i int, won bool) string
		why          string
		o            Options
	}{
		{"a copy with some noise", "rating", func(_ int, won bool) string {
			if won != (m.n(50) == 0) {
				return "hot"
			}
			return "cold"
		}, "it knows the outcome: alone it puts a won lead before a lost one in", Options{}},
		{"a reason that is filled for lost leads", "why", func(_ int, won bool) string {
			if won {
				return ""
			}
			return []string{"price", "timing", "rival"}[m.n(3)]
		}, "it knows the outcome", Options{}},
		{"a field that only some of the won have", "kickoff", func(i int, won bool) string {
			if won && i%4 > 0 {
				return fmt.Sprintf("room %d", i%5)
			}
			return ""
		}, "whether it is filled tells the outcome: ", Options{}},
		{"one value that only won leads have", "segment", func(i int, won bool) string {
			if won && i%5 == 0 {
				return "customer base"
			}
			return []string{"new", "old"}[m.n(2)]
		}, "some of its values tell the outcome: ", Options{}},
		{"what was written afterwards", "comment", func(i int, won bool) string {
			text := []string{"they liked the talk we had", "somebody called them back on the phone", "it took a while until they answered"}[m.n(3)] + fmt.Sprint(" case ", i)
			if won && m.n(3) > 0 {
				return "signed the contract, " + text
			}
			return text
		}, `its text tells the outcome: of `, Options{}},
		{"a date after the end", "handover", func(int, bool) string { return fmt.Sprintf("2026-%02d-10", 1+m.n(12)) }, "dates lie after the end", Options{Closed: "arrived"}},
		{"what its name says", "deal_amount", func(_ int, won bool) string {
			if won {
				return fmt.Sprint(max(m.n(100), m.n(100)))
			}
			return fmt.Sprint(m.n(100))
		}, "by its name (deal) it is known only afterwards", Options{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := with(base, c.column, c.cell)
			o := c.o
			o.Outcome, o.ID = "won", "id"
			counts, err := Count(context.Background(), Rows{rows.Header, rows.Cells}, o)
			if err != nil {
				t.Fatal(err)
			}
			var leaks []string
			for _, col := range counts.Table().Columns {
				if col.Leaks {
					leaks = append(leaks, col.Column)
					if col.Used || !strings.Contains(col.Why, c.why) {
						t.Errorf("%+v, expected %q", col, c.why)
					}
				}
			}
			if diff := cmp.Diff([]string{c.column}, leaks); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			o.Include = []string{c.column}
			if counts, err = Count(context.Background(), rows, o); err != nil {
				t.Fatal(err)
			}
			for _, col := range counts.Table().Columns {
				if col.Column == c.column && c.column != "comment" && (!col.Used || !strings.Contains(col.Why, "insisted")) {
					t.Errorf("insisted on: %+v", col)
				}
			}
		})
	}
}

func TestAColumnFilledOnlyAfterTheEndIsFoundByTheOpenRows(t *testing.T) {
	rows := with(sales(4, 2000), "score_card", func(i int, _ bool) string { return []string{"a", "b"}[i%2] })
	for i := range 300 {
		rows.Cells[i][7], rows.Cells[i][8] = "open", ""
	}
	counts, err := Count(context.Background(), rows, Options{Outcome: "won", ID: "id"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts.Table().Columns {
		if c.Column == "score_card" && (!c.Leaks || !strings.HasPrefix(c.Why, "it is filled only after the end")) {
			t.Errorf("%+v", c)
		}
	}
}

func TestBadTablesAreNamedWithWhatWasDone(t *testing.T) {
	base := sales(6, 600)
	column := func(i int, cell func(row int) string) Rows {
		out := Rows{Header: base.Header}
		for r, row := range base.Cells {
			row = append([]string{}, row...)
			row[i] = cell(r)
			out.Cells = append(out.Cells, row)
		}
		return out
	}
	input, refused := func(err error) bool { var e *InputError; return errors.As(err, &e) }, func(err error) bool { var e *RefusedError; return errors.As(err, &e) }
	for _, c := range []struct {
		name string
		rows Rows
		o    Options
		kind func(error) bool
		want string
	}{
		{"no such outcome", base, Options{Outcome: "wonn"}, input, `outcome: there is no column "wonn" (did you mean "won"?)`},
		{"no outcome", base, Options{}, input, "say which column tells how it ended"},
		{"all won", column(7, func(int) string { return "yes" }), Options{Outcome: "won"}, refused, `says "yes" in all 600 rows`},
		{"an empty outcome", column(7, func(int) string { return "" }), Options{Outcome: "won"}, input, "is empty in all 600 rows"},
		{"an outcome nobody knows the words of", column(7, func(i int) string { return []string{"blue", "red"}[i%2] }), Options{Outcome: "won"}, input, `which value of column "won" is won?`},
		{"a third outcome", column(7, func(i int) string { return []string{"yes", "no", "maybe"}[i%3] }), Options{Outcome: "won"}, input, `unclear are "maybe" 200 times`},
		{"no such value", base, Options{Outcome: "won", Positive: "Yes"}, input, `no row of column "won" says "Yes" (did you mean "yes"?)`},
		{"few leads", Rows{base.Header, base.Cells[:90]}, Options{Outcome: "won"}, refused, "90 leads have ended"},
		{"a short time", Rows{base.Header, base.Cells[:400]}, Options{Outcome: "won", Time: "arrived"}, refused, "the leads came within 1.1 months (2025-01-01 to 2025-02-03); at least 6 are needed"},
		{"dates that are none", column(1, func(i int) string { return fmt.Sprintf("day %d", i) }), Options{Outcome: "won", Time: "arrived"}, input, `no row of column "arrived" can be read as a date (the first in row 1)`},
		{"both excluded and included", base, Options{Outcome: "won", Exclude: []string{"coin"}, Include: []string{"coin"}}, input, "is excluded too"},
		{"nothing left", Rows{[]string{"won", "id"}, pick(base, 7, 0)}, Options{Outcome: "won"}, input, "no column is left to learn from"},
		{"only coins", Rows{[]string{"won", "coin"}, pick(base, 7, 5)}, Options{Outcome: "won"}, refused, "nothing here predicts how leads end"},
		{"no rows", Rows{Header: base.Header}, Options{Outcome: "won"}, input, "has no rows"},
		{"a text as a number field", base, Options{Outcome: "won", Fields: map[string]string{"source": "company.employees"}}, input, "is a category, and the field company.employees is a int"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Learn(context.Background(), c.rows, c.o)
			if err == nil || !c.kind(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%T: %v\nexpected: %s", err, err, c.want)
			}
		})
	}
	for _, c := range []struct {
		name, column string
		rows         Rows
		o            Options
		kind         Kind
		used         bool
		want         string
	}{
		{"text in a number column", "employees", column(2, func(i int) string {
			if i%50 == 0 {
				return "about ten"
			}
			return fmt.Sprint(i % 90)
		}), Options{}, KindNumber, true, "12 values are no numbers (the first in row 1); they count as missing"},
		{"a category with very many values", "source", column(3, func(i int) string {
			if i%2 == 0 {
				return "web"
			}
			return fmt.Sprint("s", i)
		}), Options{}, KindCategory, true, "301 different values: 1 of them, which have at least 10 rows, are looked at, the others together"},
		{"a column that is an id", "source", column(3, func(i int) string { return fmt.Sprintf("x%04d", i) }), Options{}, KindID, false, "it tells rows apart"},
		{"a number that is an id", "employees", column(2, func(i int) string { return fmt.Sprint(7000 + i) }), Options{}, KindID, false, "it tells rows apart"},
		{"a constant", "coin", column(5, func(int) string { return "heads" }), Options{}, KindConstant, false, "it says the same in every row"},
		{"an empty column", "coin", column(5, func(int) string { return "NULL" }), Options{}, KindEmpty, false, "it is empty"},
		{"free text", "note", base, Options{}, KindText, false, "it is free text"},
		{"a date", "arrived", base, Options{}, KindDate, false, "it is a date"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := c.o
			o.Outcome = "won"
			counts, err := Count(context.Background(), c.rows, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, col := range counts.Table().Columns {
				if said := col.Why + strings.Join(col.Notes, "; "); col.Column == c.column && (col.Kind != c.kind || col.Used != c.used || !strings.Contains(said, c.want)) {
					t.Errorf("%+v\nexpected a %s: %s", col, c.kind, c.want)
				}
			}
		})
	}
	t.Run("ids that repeat, and dates that can't be read", func(t *testing.T) {
		rows := column(0, func(i int) string { return fmt.Sprint(i / 2) })
		for i := range 5 {
			rows.Cells[i][1] = "soon"
		}
		counts, err := Count(context.Background(), rows, Options{Outcome: "won", ID: "id", Time: "arrived", MinMonths: -1})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"300 rows have an id that an earlier row has; they are kept, and all rows of an id are either learnt from or held out",
			"5 rows have no time that can be read; they are left out",
		}
		if diff := cmp.Diff(want, counts.Table().Notes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func pick(r Rows, columns ...int) (out [][]string) {
	for _, row := range r.Cells {
		var cells []string
		for _, c := range columns {
			cells = append(cells, row[c])
		}
		out = append(out, cells)
	}
	return out
}

func TestForgettingIsExactlyNeverHavingCounted(t *testing.T) {
	for _, o := range []Options{{Outcome: "won", ID: "id"}, {Outcome: "won", ID: "id", Time: "arrived"}} {
		ctx := context.Background()
		all := sales(8, 2500)
		gone := Rows{all.Header, [][]string{all.Cells[17], all.Cells[400], all.Cells[401], all.Cells[2499]}}
		counts, err := Count(ctx, all, o)
		if err != nil {
			t.Fatal(err)
		}
		file := written(t, counts)
		before := model(t, counts, o)
		if err := counts.Forget(ctx, gone); err != nil {
			t.Fatal(err)
		}
		// The same grid, filled with the others alone.
		never, err := ReadCounts(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		never.cells, never.head.Table.Rows, never.head.Table.Won, never.head.Table.Lost = newCells(len(never.axes)), 0, 0, 0
		rest := Rows{Header: all.Header}
		for i, row := range all.Cells {
			if i != 17 && i != 400 && i != 401 && i != 2499 {
				rest.Cells = append(rest.Cells, row)
			}
		}
		blocks := never.head.Blocks
		if err := never.Add(ctx, rest); err != nil {
			t.Fatal(err)
		}
		never.head.Blocks, never.head.Added, counts.head.Forgot, never.head.Last = blocks, 0, 0, counts.head.Last
		if a, b := written(t, counts), written(t, never); !bytes.Equal(a, b) {
			t.Fatalf("the counts differ: %s", cmp.Diff(strings.SplitN(string(a), "\n", 2)[0], strings.SplitN(string(b), "\n", 2)[0]))
		}
		after := model(t, counts, o)
		if !bytes.Equal(after, model(t, never, o)) {
			t.Error("the models differ")
		}
		if err := counts.Forget(ctx, gone); err == nil || !strings.Contains(err.Error(), "row 1 to be forgotten was not counted as it is; nothing was changed") {
			// Another lead may look the same; then it is that one that goes.
			t.Logf("forgotten twice: %v", err)
		}
		// Added again, all is as it was.
		if counts, err = ReadCounts(bytes.NewReader(file)); err != nil {
			t.Fatal(err)
		}
		if err := counts.Forget(ctx, gone); err != nil {
			t.Fatal(err)
		}
		if err := counts.Add(ctx, gone); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, model(t, counts, o)) {
			t.Error("forgotten and added again, it is another model")
		}
	}
}

func written(t *testing.T, c *Counts) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func model(t *testing.T, c *Counts, o Options) []byte {
	t.Helper()
	r, err := c.Learn(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r.YAML()
}

func TestForgettingRefusesWhatWasNotCounted(t *testing.T) {
	ctx := context.Background()
	rows := sales(8, 800)
	counts, err := Count(ctx, rows, Options{Outcome: "won", ID: "id"})
	if err != nil {
		t.Fatal(err)
	}
	before := written(t, counts)
	stranger := []string{"L00001", "2025-01-01", "77777777", "fair", "11", "heads", "x", "yes"}
	err = counts.Forget(ctx, Rows{rows.Header, [][]string{rows.Cells[3], stranger, stranger, stranger}})
	if err == nil || !strings.Contains(err.Error(), "to be forgotten was not counted") {
		t.Errorf("%v", err)
	}
	if !bytes.Equal(before, written(t, counts)) {
		t.Error("the counts were changed")
	}
	noID, err := Count(ctx, rows, Options{Outcome: "won"})
	if err != nil {
		t.Fatal(err)
	}
	if err := noID.Forget(ctx, rows); err == nil || !strings.Contains(err.Error(), "counted with an id") {
		t.Errorf("%v", err)
	}
}

func TestLaterRowsAreHeldOutFirstAndLearntFromWhenTheyAreNoLongerTheLast(t *testing.T) {
	ctx := context.Background()
	all := sales(12, 4000)
	counts, err := Count(ctx, Rows{all.Header, all.Cells[:2000]}, Options{Outcome: "won", ID: "id", Time: "arrived", MinMonths: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := counts.Add(ctx, Rows{all.Header, all.Cells[2000:]}); err != nil {
		t.Fatal(err)
	}
	r, err := counts.Learn(ctx, Options{MinMonths: -1})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Report.Test.Leads; got < 700 || got > 900 {
		t.Errorf("%d of 4000 are held out", got)
	}
}

func FuzzReadCounts(f *testing.F) {
	counts, err := Count(context.Background(), sales(8, 300), Options{Outcome: "won", ID: "id"})
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := counts.Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"format":1,"outcome":"y","endings":{},"axes":[{"column":"a","field":"lead.a","kind":"number","edges":[1]}]}` + "\n0102 0 1 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ReadCounts(bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := ReadCounts(bytes.NewReader(writtenOf(t, c)))
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if !bytes.Equal(writtenOf(t, c), writtenOf(t, again)) {
			t.Fatal("written and read, the counts are others")
		}
	})
}

func writtenOf(t *testing.T, c *Counts) []byte { return written(t, c) }

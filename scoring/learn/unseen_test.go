package learn

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func columnOf(t *testing.T, table Table, name string) Column {
	t.Helper()
	i := slices.IndexFunc(table.Columns, func(c Column) bool { return c.Column == name })
	if i < 0 {
		t.Fatalf("there is no column %q", name)
	}
	return table.Columns[i]
}

func TestWhatOnlyPredictsIsNoLeak(t *testing.T) {
	m := maker(17)
	for _, c := range []struct {
		name, column, note string
		cell               func(row []string, won bool) string
	}{
		{"a sum of what is known", "fit_index", "", func(row []string, _ bool) string {
			size, _ := strconv.Atoi("0" + row[2])
			visits, _ := strconv.Atoi(row[4])
			return fmt.Sprintf("%.2f", math.Log(float64(size)+1)+float64(visits)+m.uniform())
		}},
		{"leads that are never won", "free_mail", "", func(_ []string, won bool) string {
			if !won && m.n(5) == 0 {
				return "yes"
			}
			return "no"
		}},
		{"a name that may speak of the end", "employment_status", "by its name (status) it may be known only afterwards", func(_ []string, won bool) string {
			if m.n(3) > 0 {
				return "abc"[m.n(3):][:1]
			}
			if won {
				return "a"
			}
			return "b"
		}},
		{"an amount that says little", "deal_size", "by its name (deal) it may be known only afterwards", func(_ []string, won bool) string {
			if won {
				return fmt.Sprint(20 + m.n(80))
			}
			return fmt.Sprint(m.n(100))
		}},
	} {
		rows := sales(4, 3000)
		rows.Header = append(rows.Header, c.column)
		for i, row := range rows.Cells {
			rows.Cells[i] = append(row, c.cell(row, row[7] == "yes"))
		}
		counts, err := Count(context.Background(), rows, Options{Outcome: "won", ID: "id"})
		if err != nil {
			t.Fatal(err)
		}
		col := columnOf(t, counts.Table(), c.column)
		if col.Leaks || !col.Used || !strings.Contains(strings.Join(col.Notes, "; "), c.note) || c.note == "" && len(col.Notes) > 0 {
			t.Errorf("%s: %+v", c.name, col)
		}
	}
}

func TestWhatIsTooGoodToBeTrueIsSaid(t *testing.T) {
	m := maker(18)
	rows := with(sales(4, 3000), "engagement", func(_ int, won bool) string {
		x := 3 * m.uniform()
		if won {
			x += 2.2 + 2*m.uniform()
		}
		return fmt.Sprintf("%.2f", x)
	})
	r, err := Learn(context.Background(), rows, Options{Outcome: "won", ID: "id", Include: []string{"engagement"}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Report.Warnings, func(w string) bool {
		return strings.HasPrefix(w, "it is too good to be true") && strings.Contains(w, "first engagement")
	}) {
		t.Errorf("%q", r.Report.Warnings)
	}
}

func TestWhoSaysWhatIsWonMeansTheOthersByLost(t *testing.T) {
	rows := sales(5, 1000)
	m := maker(3)
	for _, row := range rows.Cells {
		if row[7] == "no" {
			row[7] = []string{"no fit", "duplicate", "open", ""}[m.n(4)]
		} else {
			row[7] = "signed up"
		}
	}
	counts, err := Count(context.Background(), rows, Options{Outcome: "won", Positive: "signed up", ID: "id"})
	if err != nil {
		t.Fatal(err)
	}
	table := counts.Table()
	note := strings.Join(table.Notes, "; ")
	if table.Open < 100 || table.Lost < 100 || !strings.Contains(note, "won is taken for lost where it says") || !strings.Contains(note, `"no fit" `) || !strings.Contains(note, `"duplicate" `) {
		t.Errorf("%d lost, %d open: %q", table.Lost, table.Open, table.Notes)
	}
}

func TestDecimalCommasAndDatesOfSeveralFormsAreRead(t *testing.T) {
	plain := sales(6, 2500)
	commas := Rows{Header: plain.Header}
	dates := []string{"2.1.2006", "1/2/2006", "Jan 2, 2006", "2006/1/2"}
	for _, form := range dates {
		commas.Cells = nil
		for _, row := range plain.Cells {
			row = slices.Clone(row)
			if size, err := strconv.Atoi(row[2]); err == nil {
				row[2] = strings.NewReplacer(".", ",", ",", ".").Replace(grouping(int64(size)) + ".25")
			}
			at, ok := parseDate(row[1], -1)
			if !ok {
				t.Fatal(row[1])
			}
			row[1] = at.Format(form)
			commas.Cells = append(commas.Cells, row)
		}
		r, err := Learn(context.Background(), commas, Options{Outcome: "won", ID: "id", Time: "arrived"})
		if err != nil {
			t.Fatal(form, err)
		}
		col := columnOf(t, r.Report.Table, "employees")
		if !col.Scored || col.Kind != KindNumber || !slices.Contains(col.Notes, "its numbers are read with a decimal comma") || r.Report.Test.Leads != 508 {
			t.Errorf("%s: %d held out, %+v", form, r.Report.Test.Leads, col)
		}
		reproduces(t, r, commas)
	}
}

func TestNoiseIsRefused(t *testing.T) {
	learnt := 0
	for seed := range uint64(60) {
		m := maker(seed * 31)
		rows := Rows{Header: []string{"a", "b", "c", "d", "out"}}
		for range []int{150, 400, 1500}[seed%3] {
			rows.Cells = append(rows.Cells, []string{fmt.Sprint(m.n(5)), fmt.Sprint("b", m.n(9)), fmt.Sprint(m.uniform()), fmt.Sprint("d", m.n(2)), fmt.Sprint(m.n(2))})
		}
		if _, err := Learn(context.Background(), rows, Options{Outcome: "out"}); err == nil {
			learnt++
		}
	}
	if learnt > 4 {
		t.Errorf("of 60 tables without a signal %d were learnt from", learnt)
	}
}

func TestTheNumberOfProcessorsChangesNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first []byte
	for _, n := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(n)
		r, err := Learn(context.Background(), sales(9, 1500), Options{Outcome: "won", ID: "id", InOrder: true})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = r.YAML()
		}
		if !bytes.Equal(first, r.YAML()) {
			t.Errorf("%d processors: %s", n, cmp.Diff(string(first), string(r.YAML())))
		}
	}
}

func TestCountsAddedAndForgottenInAnyWayAreThoseOfTheRowsThatAreLeft(t *testing.T) {
	ctx := context.Background()
	all := sales(11, 400)
	counts, err := Count(ctx, all, Options{Outcome: "won", ID: "id", Time: "arrived", MinMonths: -1})
	if err != nil {
		t.Fatal(err)
	}
	file := written(t, counts)
	read := func(t *rapid.T) *Counts {
		c, err := ReadCounts(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	cells := func(c *Counts) (out string) {
		var b bytes.Buffer
		if err := c.Write(&b); err != nil {
			t.Fatal(err)
		}
		_, out, _ = strings.Cut(b.String(), "\n")
		return fmt.Sprint(c.head.Table.Rows, c.head.Table.Won, c.head.Table.Lost, out)
	}
	rapid.Check(t, func(t *rapid.T) {
		keep := rapid.SliceOfN(rapid.Bool(), len(all.Cells), len(all.Cells)).Draw(t, "keep")
		var kept, gone [][]string
		for i, row := range all.Cells {
			if keep[i] {
				kept = append(kept, row)
			} else {
				gone = append(gone, row)
			}
		}
		forgot := read(t)
		if err := forgot.Forget(ctx, Rows{all.Header, gone}); err != nil {
			t.Fatal(err)
		}
		// The same grid, empty, and what is left in two parts.
		fresh := read(t)
		if err := fresh.Forget(ctx, all); err != nil {
			t.Fatal(err)
		}
		cut := rapid.IntRange(0, len(kept)).Draw(t, "cut")
		for _, part := range [][][]string{kept[cut:], kept[:cut]} {
			if err := fresh.Add(ctx, Rows{all.Header, part}); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(cells(fresh), cells(forgot)); diff != "" {
			t.Fatalf("(-added +forgotten):\n%s", diff)
		}
	})
}

// The first text of a column of dates is a date: it is not named as the first
// that can't be read.
func TestDatesThatCanNotBeReadAreCounted(t *testing.T) {
	s := newSurvey("at")
	for i := range 100 {
		cell := fmt.Sprintf("2026-11-%02d", 1+i%28)
		if i == 50 {
			cell = "soon"
		}
		s.add(cell)
	}
	s.decide()
	if got, want := s.notes(s.kind(), false), []string{"1 values can't be read as dates"}; !slices.Equal(got, want) {
		t.Errorf("noted %q, want %q", got, want)
	}
}

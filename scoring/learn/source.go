package learn

import (
	"context"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Source is a table of leads. It is read twice, and must say the same both
// times.
type Source interface {
	// Columns returns the names of the columns, each once.
	Columns() []string
	// Rows yields the rows, each as long as Columns. A row is only read until
	// the next one is asked for. An error ends the sequence.
	Rows(ctx context.Context) iter.Seq2[[]string, error]
}

// Rows is a table in memory.
type Rows struct {
	Header []string
	Cells  [][]string
}

// Columns returns the header.
func (r Rows) Columns() []string { return r.Header }

// Rows yields the rows.
func (r Rows) Rows(ctx context.Context) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for _, row := range r.Cells {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// missing reports whether a cell says nothing. "unknown" and "none" are values:
// somebody wrote them, and they may well predict.
func missing(cell string) bool {
	switch len(cell) {
	case 0:
		return true
	case 1:
		return cell == "-" || cell == "?"
	case 2:
		return strings.EqualFold(cell, "na") || cell == `\N`
	case 3:
		return strings.EqualFold(cell, "n/a") || strings.EqualFold(cell, "nan")
	case 4:
		return strings.EqualFold(cell, "null") || strings.EqualFold(cell, "#n/a")
	}
	return false
}

// toNumber reads a cell as a number: plain, with thousands separators, a
// currency sign before or behind it or a percent sign. commas says that decimals
// stand behind a comma (1.234,5). Infinities and NaN are none.
func toNumber(cell string, commas bool) (float64, bool) {
	if cell == "" || cell[0] > '9' && cell[0] < 0x80 {
		return 0, false
	}
	f, err := 0.0, strconv.ErrSyntax
	if !commas || !strings.ContainsAny(cell, ".,") {
		f, err = strconv.ParseFloat(cell, 64)
	}
	if err != nil {
		text := strings.TrimSpace(strings.TrimSuffix(cell, "%"))
		negative := strings.HasPrefix(text, "-")
		text = strings.TrimSpace(strings.TrimPrefix(text, "-"))
		for _, sign := range []string{"$", "€", "£"} {
			text = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(text, sign), sign))
		}
		if commas {
			text = strings.Map(func(c rune) rune {
				switch c {
				case ',':
					return '.'
				case '.':
					return ','
				}
				return c
			}, text)
		}
		if !grouped(text) {
			return 0, false
		}
		if f, err = strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64); err != nil {
			return 0, false
		}
		if negative {
			f = -f
		}
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// firstRows is by how many cells that say something it is decided how the
// numbers of a column are written.
const firstRows = 1000

// decimalCommas tells from the first cells of a column whether decimals stand
// behind a comma: nearly all can be read that way, and some only that way.
func decimalCommas(cells []string) bool {
	readable, only := 0, 0
	for _, c := range cells {
		if _, ok := toNumber(c, true); ok {
			readable++
			if _, ok := toNumber(c, false); !ok {
				only++
			}
		}
	}
	return readable >= len(cells)*95/100 && only > 0 && only >= len(cells)/20
}

// DecimalCommas tells for each column of a table whether its numbers have a
// decimal comma (1.234,5), from its first rows; [Value] wants to know. It fails
// if the source or ctx does.
func DecimalCommas(ctx context.Context, src Source) ([]bool, error) {
	cells := make([][]string, len(src.Columns()))
	number := 0
	for row, err := range src.Rows(ctx) {
		if err != nil {
			return nil, err
		}
		for i, cell := range row {
			if cell = strings.TrimSpace(cell); !missing(cell) && len(cells[i]) < firstRows {
				cells[i] = append(cells[i], strings.Clone(cell))
			}
		}
		if number++; number == 10*firstRows {
			break
		}
	}
	out := make([]bool, len(cells))
	for i := range cells {
		out[i] = decimalCommas(cells[i])
	}
	return out, nil
}

// grouped tells 1,234,567.89 and 12.5 from 1,2, 0,123 and 0x1p4.
func grouped(text string) bool {
	whole, frac, _ := strings.Cut(text, ".")
	for _, c := range frac {
		if c < '0' || c > '9' {
			return false
		}
	}
	for i, part := range strings.Split(whole, ",") {
		if i > 0 && (len(part) != 3 || whole[0] == '0') || i == 0 && (part == "" || strings.Contains(whole, ",") && len(part) > 3) {
			return false
		}
		for _, c := range part {
			if c < '0' || c > '9' {
				return false
			}
		}
	}
	return true
}

// dateForms are what dates are written in besides what leadloop.ParseTime
// reads. Which of day and month comes first is told by the whole column.
// One digit may stand for two. The numbers of forms stand in files of counts:
// new ones come last.
var dateForms = []string{
	"2006/1/2", "2.1.2006", "2/1/2006", "1/2/2006", "2-1-2006", "2/1/2006 15:04", "1/2/2006 15:04", "Jan 2, 2006", "2 Jan 2006", "2006-01", "20060102",
	"2.1.2006 15:04", "2.1.2006 15:04:05", "2/1/2006 15:04:05", "1/2/2006 15:04:05", "1/2/2006 3:04 PM", "2006/1/2 15:04", "2006/1/2 15:04:05", "2-Jan-2006", "2.1.06", "1/2/06", "2/1/06", "January 2, 2006", "2 January 2006",
}

// dateForm is one form a date is written in; -1 stands for ParseTime.
type dateForm int

func parseDate(cell string, form dateForm) (time.Time, bool) {
	if len(cell) < 6 || len(cell) > 40 {
		return time.Time{}, false
	}
	var (
		t   time.Time
		err error
	)
	if form < 0 {
		t, err = leadloop.ParseTime(cell)
	} else {
		t, err = time.Parse(dateForms[form], cell)
	}
	return t, err == nil && t.Year() > 1000
}

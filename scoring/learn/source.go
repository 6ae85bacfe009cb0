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
// currency sign before or a percent sign after it. Infinities and NaN are none.
func toNumber(cell string) (float64, bool) {
	if cell == "" || cell[0] > '9' && cell[0] < 0x80 {
		return 0, false
	}
	f, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		text := strings.TrimSpace(strings.TrimSuffix(cell, "%"))
		negative := strings.HasPrefix(text, "-")
		text = strings.TrimSpace(strings.TrimPrefix(text, "-"))
		for _, sign := range []string{"$", "€", "£"} {
			text = strings.TrimSpace(strings.TrimPrefix(text, sign))
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

// grouped tells 1,234,567.89 and 12.5 from 1,2 and 0x1p4.
func grouped(text string) bool {
	whole, frac, _ := strings.Cut(text, ".")
	for _, c := range frac {
		if c < '0' || c > '9' {
			return false
		}
	}
	for i, part := range strings.Split(whole, ",") {
		if i > 0 && len(part) != 3 || i == 0 && (part == "" || strings.Contains(whole, ",") && len(part) > 3) {
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
var dateForms = []string{"2006/01/02", "02.01.2006", "02/01/2006", "01/02/2006", "02-01-2006", "02/01/2006 15:04", "01/02/2006 15:04", "Jan 2, 2006", "2 Jan 2006", "2006-01", "20060102"}

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

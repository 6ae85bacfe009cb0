package backfill

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// Lookup adds the columns of another table to rows: of a row's account its
// sector, of its owner the team. The table has one row for each key.
type Lookup struct {
	// On is the column of both tables that joins them.
	On      string
	at      int // in the rows
	key     int // in the table
	keep    []int
	columns []string
	rows    map[string][]string
	spelt   map[string]string // of keys by what key leaves of them, "" if several
	// Mended counts rows whose key differs from the table's in nothing but
	// spaces, case and punctuation, by how the rows spell it; Missing those
	// that the table does not have; Empty those without a key.
	Mended, Missing map[string]int
	Empty           int
}

// NewLookup joins a table to rows of this header on the first of the table's
// columns that the rows have. It fails with leadloop.ErrInvalid if there is
// none, or if a key is there twice. Columns that the rows have already are left
// out.
func NewLookup(header, table []string, rows [][]string) (*Lookup, error) {
	l := &Lookup{rows: map[string][]string{}, spelt: map[string]string{}, Mended: map[string]int{}, Missing: map[string]int{}}
	l.key = slices.IndexFunc(table, func(name string) bool { return slices.Contains(header, name) })
	if l.key < 0 {
		return nil, fmt.Errorf("backfill: %w: none of the columns %s is in the rows, which have %s", leadloop.ErrInvalid, strings.Join(table, ", "), strings.Join(header, ", "))
	}
	l.On = table[l.key]
	l.at = slices.Index(header, l.On)
	for i, name := range table {
		if !slices.Contains(header, name) {
			l.keep, l.columns = append(l.keep, i), append(l.columns, name)
		}
	}
	for _, r := range rows {
		k := strings.TrimSpace(r[l.key])
		if _, twice := l.rows[k]; twice {
			return nil, fmt.Errorf("backfill: %w: column %s has %q twice", leadloop.ErrInvalid, l.On, k)
		}
		l.rows[k] = r
		if _, twice := l.spelt[key(k)]; twice {
			l.spelt[key(k)] = ""
		} else {
			l.spelt[key(k)] = k
		}
	}
	return l, nil
}

// Header is that of rows with what the table adds.
func (l *Lookup) Header(header []string) []string {
	return slices.Concat(header, l.columns)
}

// Keys are the table's, in order.
func (l *Lookup) Keys() []string {
	out := make([]string, 0, len(l.rows))
	for k := range l.rows {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Row returns a row with what the table adds. A key that differs in nothing but
// spaces, case and punctuation becomes the table's; what it does not have stays
// empty. Both are counted.
func (l *Lookup) Row(cells []string) []string {
	out := slices.Clone(cells)
	k := strings.TrimSpace(cells[l.at])
	row, ok := l.rows[k]
	if to := l.spelt[key(k)]; !ok && k != "" && to != "" {
		l.Mended[k]++
		out[l.at], row, ok = to, l.rows[to], true
	}
	switch {
	case k == "":
		l.Empty++
	case !ok:
		l.Missing[k]++
	}
	for _, i := range l.keep {
		v := ""
		if ok {
			v = row[i]
		}
		out = append(out, v)
	}
	return out
}

package match

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// Table holds rows, encoded as they are added: normalised once, each distinct value kept once. It is not safe for concurrent use while rows
// are added.
type Table struct {
	spec    *spec
	cols    []*column
	cells   []uint32 // rows by columns
	ids     []string
	sources []uint16
	names   []string // of the sources
	once    bool     // values need not be remembered
	memo    []memo
	memos   []remembered // of AddAll
	scratch []string
	short   int // rows with fewer values than fields
	made    struct {
		nodes    *nodes // of all rows; nil if they were not asked for yet
		together bool
	}
}

// memo remembers what the latest values of a field became, so that what is common is normalised once.
type memo struct {
	raw   []string
	cells [][3]uint32
}

const memoSize = 1 << 13

// NewTable returns an empty table for rows with these fields. The error lists all that is wrong with them and wraps leadloop.ErrInvalid.
func NewTable(fields []Field) (*Table, error) {
	s, err := newSpec(slices.Clone(fields))
	if err != nil {
		return nil, err
	}
	return newTable(s), nil
}

func newTable(s *spec) *Table {
	t := &Table{spec: s, scratch: make([]string, 3)}
	for _, c := range s.columns {
		t.cols = append(t.cols, newColumn(c))
	}
	return t
}

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.ids) }

// Fields returns the fields of the rows.
func (t *Table) Fields() []Field { return slices.Clone(t.spec.fields) }

// Add adds a row. Values that are missing at its end are empty ones; of more values than fields, or of a 65,537th source, it returns an error that
// wraps leadloop.ErrInvalid. That ids are distinct is found out by [Learn] and [Model.Cluster].
func (t *Table) Add(r Record) error {
	if len(r.Values) > len(t.spec.fields) {
		return fmt.Errorf("match: %w: row %d has %d values for %d fields", leadloop.ErrInvalid, len(t.ids)+1, len(r.Values), len(t.spec.fields))
	}
	if len(r.Values) < len(t.spec.fields) {
		t.short++
	}
	source := slices.Index(t.names, r.Source)
	if source < 0 {
		if source = len(t.names); source > 0xffff {
			return fmt.Errorf("match: %w: more than 65,536 sources", leadloop.ErrInvalid)
		}
		t.names = append(t.names, strings.Clone(r.Source))
	}
	t.sources = append(t.sources, uint16(source))
	t.ids = append(t.ids, strings.Clone(r.ID))
	n := len(t.cells)
	t.cells = slices.Grow(t.cells, len(t.cols))[:n+len(t.cols)]
	t.encode(r.Values, t.cells[n:])
	return nil
}

// encode writes the values of a row as cells.
func (t *Table) encode(values []string, cells []uint32) {
	clear(cells)
	for i, d := range t.spec.derived {
		if d.field >= len(values) || values[d.field] == "" {
			continue
		}
		raw := values[d.field]
		var ids [3]uint32
		if t.once || len(raw) > 256 {
			ids = t.derive(&d, raw)
		} else {
			if t.memo == nil {
				t.memo = make([]memo, len(t.spec.derived))
			}
			m := &t.memo[i]
			if m.raw == nil {
				m.raw, m.cells = make([]string, memoSize), make([][3]uint32, memoSize)
			}
			slot := hash64(7, raw) % memoSize
			if m.raw[slot] != raw {
				m.raw[slot], m.cells[slot] = strings.Clone(raw), t.derive(&d, raw)
			}
			ids = m.cells[slot]
		}
		for k, c := range d.columns {
			cells[c] = ids[k]
		}
	}
}

// derive returns the numbers of what columns make of a value.
func (t *Table) derive(d *derived, raw string) (ids [3]uint32) {
	clear(t.scratch)
	d.derive(cut(raw), t.scratch)
	for k, c := range d.columns {
		ids[k] = t.intern(c, t.scratch[k])
	}
	return ids
}

func (t *Table) intern(col int, value string) uint32 {
	c := t.cols[col]
	if id, ok := c.find(value); ok {
		return id
	}
	return c.intern(strings.Clone(value))
}

// nodes are the distinct rows of a table in an order of their content alone.
type nodes struct {
	spec    *spec
	cols    []*column
	stride  int
	cells   []uint32 // nodes by columns
	sources []uint16 // in the order of the sources' names
	first   []uint32 // first member of each node in rows; one more at the end
	rows    []uint32 // row numbers, grouped by node
	all     int      // rows
	digest  uint64   // of the content of all rows, and how they are put together
	nSource int
}

func (n *nodes) len() int                 { return len(n.sources) }
func (n *nodes) row(i uint32) []uint32    { return n.cells[int(i)*n.stride : (int(i)+1)*n.stride] }
func (n *nodes) size(i uint32) int        { return int(n.first[i+1] - n.first[i]) }
func (n *nodes) rowsOf(i uint32) []uint32 { return n.rows[n.first[i]:n.first[i+1]] }

// nodes sorts the rows by content and puts equal ones of one source together, but for those that are to stay apart. It returns an error if two rows
// have one id.
func (t *Table) nodes(together bool, apart map[uint32]bool) (*nodes, error) {
	if made := t.made; len(apart) == 0 && made.nodes != nil && made.together == together && made.nodes.all == len(t.ids) {
		return made.nodes, nil
	}
	if err := t.checkIDs(); err != nil {
		return nil, err
	}
	t.memo, t.memos = nil, nil // all rows are there, most likely
	names := slices.Clone(t.names)
	slices.Sort(names)
	rank := make([]uint16, len(t.names))
	for i, name := range t.names {
		at, _ := slices.BinarySearch(names, name)
		rank[i] = uint16(at)
	}
	stride := len(t.cols)
	n := &nodes{spec: t.spec, cols: t.cols, stride: stride, all: len(t.ids), nSource: len(t.names)}
	order := hashed(len(t.ids), func(r int) uint64 {
		h := uint64(rank[t.sources[r]])
		for c, id := range t.cells[r*stride : (r+1)*stride] {
			h = mix64(h ^ t.cols[c].hashes[id])
		}
		return h
	}, func(a, b uint32) int {
		return cmp.Or(compareBools(apart[a], apart[b]), strings.Compare(t.ids[a], t.ids[b]))
	})
	n.rows, n.first, n.sources = make([]uint32, len(order)), make([]uint32, 0, len(order)+1), make([]uint16, 0, len(order))
	n.cells = make([]uint32, 0, len(t.cells))
	for i, k := range order {
		n.rows[i] = k.row
		row := t.cells[int(k.row)*stride : (int(k.row)+1)*stride]
		source := rank[t.sources[k.row]]
		n.digest = mix64(n.digest ^ k.hash)
		if last := len(n.sources) - 1; together && last >= 0 && !apart[k.row] && !apart[n.rows[i-1]] && n.sources[last] == source && slices.Equal(n.row(uint32(last)), row) {
			continue
		}
		n.digest++
		n.first = append(n.first, uint32(i))
		n.cells = append(n.cells, row...)
		n.sources = append(n.sources, source)
	}
	n.first = append(n.first, uint32(len(order)))
	if len(apart) == 0 {
		t.made.nodes, t.made.together = n, together
	}
	return n, nil
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// checkIDs returns an error that names the rows if two have one id.
func (t *Table) checkIDs() error {
	if len(t.ids) < 2 {
		return nil
	}
	all := hashed(len(t.ids), func(r int) uint64 { return hash64(3, t.ids[r]) }, cmp.Compare[uint32])
	var errs []error
	for i := 1; i < len(all); i++ {
		a, b := all[i-1].row, all[i].row
		if all[i-1].hash != all[i].hash || t.ids[a] != t.ids[b] {
			continue
		}
		if len(errs) == 10 {
			errs = append(errs, errors.New("and more"))
			break
		}
		errs = append(errs, fmt.Errorf("rows %d and %d have one id, %q", a+1, b+1, t.ids[a]))
	}
	if len(errs) > 0 {
		return fmt.Errorf("match: %w: ids must be distinct: %w", leadloop.ErrConflict, errors.Join(errs...))
	}
	return nil
}

package match

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// AddAll adds rows as [Table.Add] does, on all cores; some thousands at a time are best. If one of them cannot be added it adds none, and returns an
// error that wraps leadloop.ErrInvalid, or the context's. It keeps no reference to records.
func (t *Table) AddAll(ctx context.Context, records []Record) error {
	sources, err := t.sourcesOf(records)
	if err != nil {
		return err
	}
	if t.memos == nil {
		t.memos = newMemos(t.spec)
	}
	width, first := len(t.cols), len(t.ids)
	derived := make([]string, len(records)*width)
	const chunk = 256
	err = parallel(ctx, (len(records)+chunk-1)/chunk, func(part int) {
		d := deriver{spec: t.spec, memo: t.memos}
		for i := part * chunk; i < min((part+1)*chunk, len(records)); i++ {
			d.derive(records[i].Values, derived[i*width:(i+1)*width])
		}
	})
	if err != nil {
		return err
	}
	// Each column is one core's, and so are its cells.
	numbers := make([]uint32, len(records)*width)
	toEnd(width, func(c int) { // to its end, or columns would hold more than rows
		col, cells := t.cols[c], numbers[c*len(records):(c+1)*len(records)]
		from := len(col.values)
		for i := range records {
			if value := derived[i*width+c]; value != "" {
				cells[i] = col.intern(value)
			}
		}
		col.own(from)
	})
	t.cells = slices.Grow(t.cells, len(records)*width)[:(first+len(records))*width]
	t.ids, t.sources = slices.Grow(t.ids, len(records)), append(t.sources, sources...)
	size := 0
	for i, r := range records {
		if len(r.Values) < len(t.spec.fields) {
			t.short++
		}
		size += len(r.ID)
		row := t.cells[(first+i)*width : (first+i+1)*width]
		for c := range row {
			row[c] = numbers[c*len(records)+i]
		}
	}
	var ids strings.Builder // in one piece
	ids.Grow(size)
	for _, r := range records {
		ids.WriteString(r.ID)
	}
	for rest, i := ids.String(), 0; i < len(records); i++ {
		n := len(records[i].ID)
		t.ids, rest = append(t.ids, rest[:n]), rest[n:]
	}
	return nil
}

// sourcesOf numbers the sources of records, and checks what records are refused for.
func (t *Table) sourcesOf(records []Record) ([]uint16, error) {
	names := t.names
	out := make([]uint16, len(records))
	for i, r := range records {
		if len(r.Values) > len(t.spec.fields) {
			return nil, fmt.Errorf("match: %w: row %d has %d values for %d fields", leadloop.ErrInvalid, len(t.ids)+i+1, len(r.Values), len(t.spec.fields))
		}
		at := slices.Index(names, r.Source)
		if at < 0 {
			if at = len(names); at > 0xffff {
				return nil, fmt.Errorf("match: %w: more than 65,536 sources", leadloop.ErrInvalid)
			}
			names = append(names, strings.Clone(r.Source))
		}
		out[i] = uint16(at)
	}
	t.names = names
	return out, nil
}

package privacy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// importBatch is how many rows are committed at once: few enough that other
// writers get their turn.
const importBatch = 1000

// Imported is what an import came to.
type Imported struct {
	Rows    int      `json:"rows"`              // rows read, the header not counted
	Added   int      `json:"added"`             // new on the list, or there for a weaker reason before
	Known   int      `json:"known"`             // on the list before
	Rejects []Reject `json:"rejects,omitempty"` // rows that were left out
}

// Reject is a row that was left out. It does not hold the row.
type Reject struct {
	Line   int    `json:"line"` // where the row starts, from 1
	Reason string `json:"reason"`
}

var columns = []string{"kind", "value", "reason"}

// Import adds a CSV list with the columns kind, value and reason, in any order
// and beside others, separated by commas or semicolons, as [Suppress] does row
// by row. An empty reason is [ReasonManual].
//
// Rows that cannot be read are left out and reported; the rest goes on. The
// list is committed in batches: after an error, what Imported counts is on the
// list, and the same file can be imported again. ErrInvalid if there is no
// header with the columns kind and value.
func Import(ctx context.Context, st store.Store, t *Tokens, r io.Reader, at time.Time) (Imported, error) {
	var out Imported
	if at.IsZero() {
		return out, fmt.Errorf("privacy: import: %w: a suppression needs the time since when it holds", leadloop.ErrInvalid)
	}
	l, err := openList(r)
	if err != nil {
		return out, fmt.Errorf("privacy: import: %w", err)
	}
	var batch [][]store.Suppression
	done := out
	for eof := false; !eof; {
		row, line, err := l.next()
		switch bad := (*csv.ParseError)(nil); {
		case errors.Is(err, io.EOF):
			eof = true
		case errors.As(err, &bad):
			done.Rows++
			done.Rejects = append(done.Rejects, Reject{bad.StartLine, bad.Err.Error()})
		case err != nil:
			return out, fmt.Errorf("privacy: import: %w", err)
		default:
			done.Rows++
			s, err := suppression(t, row[0], row[1], row[2], at)
			if err != nil {
				done.Rejects = append(done.Rejects, Reject{line, err.Error()})
				continue
			}
			batch = append(batch, s)
		}
		if !eof && len(batch) < importBatch {
			continue
		}
		added, err := putAll(ctx, st, batch)
		if err != nil {
			return out, fmt.Errorf("privacy: import: %w", err)
		}
		done.Added, done.Known, batch = done.Added+added, done.Known+len(batch)-added, batch[:0]
		out = done
	}
	return out, nil
}

func putAll(ctx context.Context, st store.Store, batch [][]store.Suppression) (added int, err error) {
	if len(batch) == 0 {
		return 0, nil
	}
	err = retry(ctx, func() error {
		return st.Update(ctx, func(tx store.Tx) error {
			added = 0
			for _, s := range batch {
				isNew, err := putEach(ctx, tx, s)
				if err != nil {
					return err
				}
				if isNew {
					added++
				}
			}
			return nil
		})
	})
	return added, err
}

// list reads rows as kind, value, reason.
type list struct {
	csv *csv.Reader
	at  [3]int // where the columns stand, -1 for none
}

func openList(r io.Reader) (*list, error) {
	buf := bufio.NewReaderSize(r, 64<<10)
	if mark, err := buf.Peek(3); err == nil && bytes.Equal(mark, []byte("\ufeff")) {
		if _, err := buf.Discard(3); err != nil {
			return nil, err
		}
	}
	head, err := buf.Peek(buf.Size())
	if err != nil && err != io.EOF && len(head) == 0 {
		return nil, err
	}
	head, _, _ = bytes.Cut(head, []byte("\n"))
	l := &list{csv: csv.NewReader(buf)}
	l.csv.FieldsPerRecord, l.csv.ReuseRecord = -1, true
	if bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		l.csv.Comma = ';'
	}
	header, err := l.csv.Read()
	if err == io.EOF {
		return nil, fmt.Errorf("%w: the list is empty, expected a header with kind and value", leadloop.ErrInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", leadloop.ErrInvalid, err)
	}
	names := make([]string, len(header))
	for i, h := range header {
		names[i] = strings.ToLower(strings.TrimSpace(h))
	}
	for i, c := range columns {
		l.at[i] = slices.Index(names, c)
		if l.at[i] >= 0 || c == "reason" {
			continue
		}
		// The header is not quoted back: in a list without one it is a person.
		return nil, fmt.Errorf("%w: line 1 has no column %q", leadloop.ErrInvalid, c)
	}
	return l, nil
}

func (l *list) next() (row [3]string, line int, err error) {
	record, err := l.csv.Read()
	if err != nil {
		return row, 0, err
	}
	line, _ = l.csv.FieldPos(0)
	for i, at := range l.at {
		if at >= 0 && at < len(record) {
			row[i] = strings.TrimSpace(record[at])
		}
	}
	row[0] = strings.ToLower(row[0])
	if row[2] == "" {
		row[2] = ReasonManual
	}
	return row, line, nil
}

package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leadloop/leadloop"
)

// Format is how a file is written.
type Format uint8

// The formats a Reader reads.
const (
	CSV   Format = iota // comma, semicolon, tab or bar, told from the header
	JSONL               // one JSON object per line
)

// Reader reads payloads from a file, row by row. A row that can't be read is a
// [Reject] with its line; reading goes on with the next. It holds one row in
// memory. It is used from one goroutine.
type Reader struct {
	schema  *leadloop.Schema
	said    map[string]string
	format  Format
	table   *Table     // CSV
	lines   lineReader // JSONL
	columns []Column
	byName  map[string]Column // JSONL: keys seen so far
}

// NewReader reads the header (CSV) and decides what the columns hold; said
// maps column names to what they hold where the guess would be wrong. The
// error is about the file as a whole: empty, no usable column, a
// mapping that names nothing.
func NewReader(r io.Reader, format Format, schema *leadloop.Schema, said map[string]string) (*Reader, error) {
	rd := &Reader{schema: schema, said: said, format: format}
	if format == JSONL {
		// Which keys there are is known only at the end; what they hold is not.
		if err := fields(schema, said).Err(); err != nil {
			return nil, fmt.Errorf("capture: %w", err)
		}
		lines, err := start(r)
		if err != nil {
			return nil, err
		}
		rd.lines, rd.byName = lines, map[string]Column{}
		return rd, nil
	}
	var err error
	if rd.table, err = NewTable(r); err != nil {
		return nil, err
	}
	if rd.columns, err = Columns(rd.table.header, schema, said); err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	if !slices.ContainsFunc(rd.columns, func(c Column) bool { return c.Holds != "" && c.Holds != ColumnIgnore }) {
		return nil, fmt.Errorf("capture: line 1: %w: no column is recognised; is this the header? found: %s", leadloop.ErrInvalid, strings.Join(rd.table.header, ", "))
	}
	return rd, nil
}

// Columns says what each column holds. For JSONL it grows as rows are read.
func (r *Reader) Columns() []Column { return slices.Clone(r.columns) }

// Header is the header line of a CSV file as it was, "" for JSONL.
func (r *Reader) Header() string {
	if r.table == nil {
		return ""
	}
	return r.table.rawHeader
}

// Converted is [Table.Converted], 0 for JSONL.
func (r *Reader) Converted() int {
	if r.table == nil {
		return 0
	}
	return r.table.converted
}

// Next returns the next payload. Its error is io.EOF at the end, a *[Reject]
// for a row that can't be used (call Next again), or what the underlying
// reader failed with.
func (r *Reader) Next() (Payload, error) {
	if r.format == JSONL {
		return r.nextJSON()
	}
	row, err := r.table.Next()
	p := Payload{Line: row.Line, Raw: row.Raw}
	if err != nil {
		return p, err
	}
	p.Values = make(map[string]string, len(row.Cells))
	for i, c := range r.columns {
		if c.Holds != "" && c.Holds != ColumnIgnore {
			p.Values[c.Holds] = row.Cells[i]
		}
	}
	return p, nil
}

func (r *Reader) nextJSON() (Payload, error) {
	for {
		l, err := r.lines.next()
		if err != nil {
			return Payload{}, err
		}
		if len(bytes.TrimSpace(l.text)) == 0 {
			continue
		}
		p := Payload{Line: l.number, Raw: string(l.text)}
		if bad := unreadable(l.text); bad != "" {
			return p, reject(p, Reason{Message: bad})
		}
		if !utf8.Valid(l.text) {
			return p, reject(p, Reason{Message: "is not valid UTF-8, as JSON has to be"})
		}
		flat, reasons := flatten(l.text)
		if len(reasons) > 0 {
			return p, reject(p, reasons...)
		}
		p.Values = make(map[string]string, len(flat))
		for _, kv := range flat {
			c, ok := r.byName[kv.key]
			if !ok {
				c = r.column(kv.key)
			}
			if c.Holds == "" || c.Holds == ColumnIgnore {
				continue
			}
			if _, twice := p.Values[c.Holds]; twice {
				return p, reject(p, Reason{Field: kv.key, Message: "gives " + c.Holds + " a second time"})
			}
			p.Values[c.Holds] = kv.value
		}
		return p, nil
	}
}

func (r *Reader) column(name string) Column {
	c := Column{Name: name, Holds: r.said[name]}
	if c.Holds == "" {
		c.Holds = guess(name, r.schema)
		c.Guessed = c.Holds != ""
	}
	r.byName[name] = c
	r.columns = append(r.columns, c)
	return c
}

type pair struct{ key, value string }

// flatten reads one JSON object; nested objects become dotted keys, lists of
// scalars are joined with ";". Duplicate keys and values of no use are named.
func flatten(text []byte) ([]pair, []Reason) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var out []pair
	var reasons []Reason
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, []Reason{{Message: "is not a JSON object"}}
	}
	seen := map[string]bool{}
	var object func(prefix string, depth int) error
	object = func(prefix string, depth int) error {
		if depth > 8 {
			return &unfitError{strings.TrimSuffix(prefix, "."), "is nested too deeply"}
		}
		for dec.More() {
			t, err := dec.Token()
			if err != nil {
				return err
			}
			name, ok := t.(string)
			if !ok {
				return errors.New("no key")
			}
			name = prefix + name
			if seen[name] {
				reasons = append(reasons, Reason{Field: name, Message: "stands there twice"})
			}
			seen[name] = true
			v, err := dec.Token()
			if err != nil {
				return err
			}
			switch v := v.(type) {
			case json.Delim:
				if v == '{' {
					if err := object(name+".", depth+1); err != nil {
						return err
					}
					continue
				}
				items, err := list(dec, name)
				if err != nil {
					return err
				}
				out = append(out, pair{name, strings.Join(items, ";")})
			case nil:
			default:
				s := scalar(v)
				if len(s) > MaxCell {
					reasons = append(reasons, Reason{Field: name, Message: fmt.Sprintf("has %d bytes, more than %d", len(s), MaxCell)})
				}
				out = append(out, pair{name, s})
			}
		}
		_, err := dec.Token()
		return err
	}
	if err := object("", 0); err != nil {
		var unfit *unfitError
		if errors.As(err, &unfit) {
			return nil, append(reasons, Reason{unfit.field, unfit.message})
		}
		return nil, append(reasons, Reason{Message: "is not valid JSON"})
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, append(reasons, Reason{Message: "has something after the JSON object"})
	}
	return out, reasons
}

// unfitError is about JSON that is valid, but too much for a row.
type unfitError struct{ field, message string }

func (e *unfitError) Error() string { return e.field + ": " + e.message }

func list(dec *json.Decoder, name string) (items []string, err error) {
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		if _, nested := t.(json.Delim); nested {
			return nil, &unfitError{name, "holds a list of lists or objects"}
		}
		items = append(items, scalar(t))
	}
	_, err = dec.Token()
	return items, err
}

func scalar(t json.Token) string {
	switch t := t.(type) {
	case string:
		return t
	case bool:
		return strconv.FormatBool(t)
	case json.Number:
		return t.String()
	}
	return ""
}

package enrich

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
)

// The columns of a file that are about the row as a whole.
const (
	columnConfidence = "confidence"
	columnVerifiedAt = "verified_at"
)

// maxRejects stops the reading of what is evidently no table.
const maxRejects = 10_000

// File is a provider that answers from a CSV table held in memory. It is safe
// for concurrent use.
type File struct {
	key     leadloop.FieldDef
	fields  []leadloop.FieldDef
	rows    map[string]fileRow
	rejects []Reject
	digest  string
}

type fileRow struct {
	values     []leadloop.Value // by position in File.fields
	confidence float64
	verifiedAt time.Time
	line       int
}

// Reject is a row or cell of a file that could not be used.
type Reject struct {
	Line   int    // from 1, the header included
	Field  string // the column; empty if the whole row is unusable
	Reason string // for people; holds no value
}

// NewFile reads a CSV table: a header of field names, one row per person or
// company. name is used in errors. The key is the column that rows are found
// by, such as "company.domain" or "lead.email", compared in canonical form.
// fields are the columns to answer from; none means every column that is a
// field of the schema. Columns "confidence" (0 to 1) and "verified_at" are
// about their row; other columns are ignored.
//
// An empty cell says nothing: the field stays absent. A cell "-" or "n/a" says
// that somebody looked and there is none: known absent. The separator is a
// comma, semicolon or tab, whichever the header has most of; a byte-order mark
// is skipped. Dirty rows and cells are left out and listed by [File.Rejects];
// of two rows with one key the first counts. The error, matching
// leadloop.ErrInvalid, is about the file as a whole.
func NewFile(schema *leadloop.Schema, name string, r io.Reader, key string, fields ...string) (*File, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	sum := sha256.Sum256(data)
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	f := &File{rows: map[string]fileRow{}, digest: hex.EncodeToString(sum[:8])}
	t := table{data: data, comma: separator(data)}
	header, _, err := t.next()
	if err != nil {
		return nil, fmt.Errorf("%s:1:1: %w: the file has no readable header", name, leadloop.ErrInvalid)
	}
	columns, err := f.columns(schema, name, header, key, fields)
	if err != nil {
		return nil, err
	}
	for {
		cells, line, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			f.reject(line, "", "the row is not valid CSV: "+err.Error())
		} else if len(cells) > 1 || strings.TrimSpace(cells[0]) != "" {
			f.add(columns, len(header), cells, line)
		}
		if len(f.rejects) > maxRejects {
			return nil, fmt.Errorf("%s:%d:1: %w: more than %d unusable rows and cells; is this the right file?", name, line, leadloop.ErrInvalid, maxRejects)
		}
	}
	return f, nil
}

// columns is what each column of the file is for: a position in File.fields,
// or one of the negative numbers.
const (
	columnIgnored = -1 - iota
	columnKey
	columnRowConfidence
	columnRowVerifiedAt
)

func (f *File) columns(schema *leadloop.Schema, name string, header []string, key string, fields []string) ([]int, error) {
	var problems leadloop.Problems
	at := leadloop.Position{File: name, Line: 1, Column: 1}
	use := make([]int, len(header))
	known := []string{}
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
		if header[i] != "" && slices.Contains(header[:i], header[i]) {
			problems.Add(at, "column %q stands in the header twice", header[i])
		}
		if _, ok := schema.Lookup(header[i]); ok && header[i] != key {
			known = append(known, header[i])
		}
		switch use[i] = columnIgnored; header[i] {
		case columnConfidence:
			use[i] = columnRowConfidence
		case columnVerifiedAt:
			use[i] = columnRowVerifiedAt
		}
	}
	if len(fields) == 0 {
		fields = known
	}
	if len(fields) == 0 {
		problems.Add(at, "no column is named like a field, such as company.employees")
	}
	if slices.Contains(fields, key) {
		problems.Add(at, "field %s is the key, which can't be asked for", key)
	}
	for _, want := range append([]string{key}, fields...) {
		def, ok := schema.Lookup(want)
		if !ok {
			problems.AddHint(at, fieldHint(schema, want), "the schema has no field %q", want)
			continue
		}
		i := slices.Index(header, want)
		if i < 0 {
			problems.AddHint(at, suggest.DidYouMean(want, header), "the file has no column %q", want)
			continue
		}
		if f.key.Name == "" && want == key {
			f.key, use[i] = def, columnKey
			continue
		}
		if use[i] == columnIgnored {
			use[i] = len(f.fields)
			f.fields = append(f.fields, def)
		}
	}
	if f.key.Name != "" && f.key.Kind != leadloop.KindString {
		problems.Add(at, "the key %s is a %s; rows are found by text", key, f.key.Kind)
	}
	return use, problems.Err()
}

func (f *File) reject(line int, field, reason string) {
	f.rejects = append(f.rejects, Reject{Line: line, Field: field, Reason: reason})
}

func (f *File) add(columns []int, width int, cells []string, line int) {
	if len(cells) != width {
		f.reject(line, "", fmt.Sprintf("the row has %d cells, the header %d", len(cells), width))
		return
	}
	before := len(f.rejects)
	row := fileRow{values: make([]leadloop.Value, len(f.fields)), line: line}
	key := ""
	for i, use := range columns {
		cell := strings.TrimSpace(cells[i])
		if use == columnIgnored || cell == "" {
			continue
		}
		var field string
		kind := leadloop.KindFloat
		switch use {
		case columnKey:
			field, kind = f.key.Name, leadloop.KindString
		case columnRowConfidence:
			field = columnConfidence
		case columnRowVerifiedAt:
			field, kind = columnVerifiedAt, leadloop.KindTime
		default:
			field, kind = f.fields[use].Name, f.fields[use].Kind
		}
		if len(cell) > maxText || !utf8.ValidString(cell) {
			f.reject(line, field, "the cell is not valid UTF-8, or longer than 8 KiB")
			continue
		}
		if use >= 0 && (cell == "-" || strings.EqualFold(cell, "n/a")) {
			row.values[use] = leadloop.NoValue(kind)
			continue
		}
		v, err := leadloop.ParseValue(kind, cell)
		switch {
		case err != nil:
			f.reject(line, field, err.Error())
		case use == columnKey:
			if key = fileKey(f.key, cell); key == "" {
				f.reject(line, field, "the key is not valid")
			}
		case use == columnRowConfidence:
			if row.confidence = v.Float(); !(row.confidence >= 0 && row.confidence <= 1) {
				f.reject(line, field, "the confidence is not between 0 and 1")
				row.confidence = 0
			}
		case use == columnRowVerifiedAt:
			row.verifiedAt = v.Time()
		default:
			row.values[use] = v
		}
	}
	if key == "" {
		if !slices.ContainsFunc(f.rejects[before:], func(r Reject) bool { return r.Field == f.key.Name }) {
			f.reject(line, f.key.Name, "the row has no key")
		}
		return
	}
	if first, ok := f.rows[key]; ok {
		f.reject(line, "", fmt.Sprintf("the row has the key of line %d, which counts", first.line))
		return
	}
	f.rows[key] = row
}

// fileKey is the form in which keys are compared, "" if s is no key.
func fileKey(def leadloop.FieldDef, s string) string {
	v, reason := canonical(def, leadloop.ValueOf(s), "", time.Time{})
	if reason != "" {
		return ""
	}
	return strings.ToLower(v.Text())
}

// Lookup finds the row with the query's key.
func (f *File) Lookup(_ context.Context, q Query) (Answer, error) {
	row, ok := f.rows[fileKey(f.key, q.Value(f.key.Name))]
	if !ok {
		return Answer{}, nil
	}
	a := Answer{Matched: true}
	for i, def := range f.fields {
		if !q.Wants(def.Name) {
			continue
		}
		switch v := row.values[i]; v.Presence() {
		case leadloop.Present:
			a.Facts = append(a.Facts, Fact{Field: def.Name, Value: v, Confidence: row.confidence, VerifiedAt: row.verifiedAt})
		case leadloop.KnownAbsent:
			a.NotFound = append(a.NotFound, def.Name)
		}
	}
	return a, nil
}

// Source returns a free source for the file, to be given a price, a charge and
// countries as wanted. Once it has a price, NoCache must be false.
func (f *File) Source(name string) Source {
	fields := make([]string, len(f.fields))
	for i, d := range f.fields {
		fields[i] = d.Name
	}
	return Source{Name: name, Provider: f, Fields: fields, Needs: []string{f.key.Name}, Version: f.digest, NoCache: true, Retries: NoRetries}
}

// Rejects returns what could not be used, by line.
func (f *File) Rejects() []Reject { return slices.Clone(f.rejects) }

// Len returns the number of usable rows.
func (f *File) Len() int { return len(f.rows) }

// table reads CSV records one by one. A record that is broken (a quote that
// never closes would swallow the rest of the file) costs its first line only.
type table struct {
	data  []byte
	comma rune
	base  int // lines before data
	r     *csv.Reader
}

func (t *table) next() (cells []string, line int, err error) {
	if t.r == nil {
		t.r = csv.NewReader(bytes.NewReader(t.data))
		t.r.Comma, t.r.FieldsPerRecord = t.comma, -1
	}
	start := t.r.InputOffset()
	cells, err = t.r.Read()
	if err == nil {
		at, _ := t.r.FieldPos(0)
		return cells, t.base + at, nil
	}
	var bad *csv.ParseError
	if !errors.As(err, &bad) {
		return nil, 0, err
	}
	// Empty lines before the record were skipped: the record starts where the
	// reader says it did.
	skip := int(start)
	before := bytes.Count(t.data[:skip], []byte("\n"))
	for before < bad.StartLine-1 {
		i := bytes.IndexByte(t.data[skip:], '\n')
		skip, before = skip+i+1, before+1
	}
	line = t.base + bad.StartLine
	end := bytes.IndexByte(t.data[skip:], '\n')
	if end < 0 {
		end = len(t.data) - skip - 1
	}
	t.base += before + 1
	t.data, t.r = t.data[skip+end+1:], nil
	return nil, line, bad.Err
}

func separator(data []byte) rune {
	header, _, _ := bytes.Cut(data, []byte("\n"))
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t'} {
		if n := strings.Count(string(header), string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

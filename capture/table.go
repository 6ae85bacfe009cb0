package capture

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/leadloop/leadloop"
)

// Limits of one file: a longer cell or row is rejected, never cut.
const (
	MaxCell     = 64 << 10
	maxRow      = 4 << 20
	maxRowLines = 200
)

// Table reads a CSV file of whatever content, row by row: with commas,
// semicolons, tabs, bars or percent signs, told from the header, in UTF-8 or UTF-16, with or without a byte order
// mark. A cell that is not UTF-8 is read as Windows-1252 if it can be that: see [Table.Converted]. A row that can't be
// read is a [Reject] with its line, and a quote that
// does not close spoils its row alone. It holds one row in memory, and is used
// from one goroutine. Start with [NewTable]; for leads, with [NewReader].
type Table struct {
	lines     lineReader
	comma     rune
	header    []string
	rawHeader string
	converted int
}

// Row is one row of a table.
type Row struct {
	Line  int      // where it starts, from 1
	Raw   string   // as it was written
	Cells []string // as many as the header has
}

// NewTable reads the header. The error is about the file as a whole: empty,
// no table but JSON or a workbook, a header whose quotes don't close or that has a name twice.
func NewTable(r io.Reader) (*Table, error) {
	lines, err := start(r)
	if err != nil {
		return nil, err
	}
	t := &Table{lines: lines}
	raw, line, complete, err := t.record(',')
	if err != nil {
		return nil, fmt.Errorf("capture: line %d: %w", line, err)
	}
	if what := noTable(raw); what != "" {
		return nil, fmt.Errorf("capture: %w: the file holds %s", leadloop.ErrInvalid, what)
	}
	comma := delimiter(raw)
	if told, ok := separator(raw); ok {
		comma = told
		raw, line, complete, err = t.record(comma)
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("capture: %w: the file is empty", leadloop.ErrInvalid)
		}
		if err != nil {
			return nil, fmt.Errorf("capture: line %d: %w", line, err)
		}
	}
	t.comma, t.rawHeader = comma, string(raw)
	header, err := split(t.rawHeader, comma)
	if err != nil || !complete {
		return nil, fmt.Errorf("capture: line %d: %w: the header's quotes don't close", line, leadloop.ErrInvalid)
	}
	if !utf8.Valid(raw) && !t.convert(header) {
		return nil, fmt.Errorf("capture: line %d: %w: the header is neither UTF-8 nor Windows-1252; save the file as UTF-8", line, leadloop.ErrInvalid)
	}
	for i, h := range header {
		header[i] = strings.TrimSpace(h)
	}
	for i, h := range header {
		if h != "" && slices.Contains(header[:i], h) {
			return nil, fmt.Errorf("capture: line %d: %w: two columns are called %q", line, leadloop.ErrInvalid, h)
		}
	}
	t.header = header
	return t, nil
}

// separator reads the line that Excel writes above a header: "sep=;".
func separator(line []byte) (comma rune, ok bool) {
	told, ok := strings.CutPrefix(strings.ToLower(string(line)), "sep=")
	if !ok || len(told) != 1 || !strings.ContainsAny(told, ",;\t|") {
		return 0, false
	}
	return rune(told[0]), true
}

// noTable says what a file is that begins like none of the tables that can be read, "" if it may be one.
func noTable(head []byte) string {
	for begin, what := range map[string]string{
		"{": "JSON, not CSV; is it JSON Lines?", "[{": "JSON, not CSV; write its objects one a line, or as CSV",
		"PK\x03\x04": "an Excel workbook or an archive, not CSV; save the sheet as CSV", "\xd0\xcf\x11\xe0": "an old Excel workbook, not CSV; save the sheet as CSV",
		"\x1f\x8b": "what gzip compressed; give it a name that ends in .gz", "%PDF-": "a PDF, not CSV", "<!DOCTYPE": "a web page, not CSV", "<html": "a web page, not CSV",
		"<?xml": "XML, not CSV",
	} {
		if bytes.HasPrefix(head, []byte(begin)) {
			return what
		}
	}
	return ""
}

// Converted is how many rows so far, the header among them, had cells that are not UTF-8 and were read as Windows-1252.
// Nothing in a file says that it is: whoever wrote it should hear of it.
func (t *Table) Converted() int { return t.converted }

// convert reads those cells as Windows-1252 that are not UTF-8, and reports whether all of them can be.
func (t *Table) convert(cells []string) bool {
	for i, c := range cells {
		if utf8.ValidString(c) {
			continue
		}
		var ok bool
		if cells[i], ok = fromWindows1252(c); !ok {
			return false
		}
	}
	t.converted++
	return true
}

// Header has the names of the columns.
func (t *Table) Header() []string { return slices.Clone(t.header) }

// RawHeader is the header as it was written, for a file of rejected rows.
func (t *Table) RawHeader() string { return t.rawHeader }

// Next returns the next row. Its error is io.EOF at the end, a *[Reject] for a
// row that can't be used (call Next again), or what the underlying reader
// failed with.
func (t *Table) Next() (Row, error) {
	for {
		raw, line, complete, err := t.record(t.comma)
		if err != nil {
			return Row{}, err
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		row := Row{Line: line, Raw: string(raw)}
		bad := func(field, message string) error {
			return &Reject{Line: line, Raw: row.Raw, Reasons: []Reason{{field, message}}}
		}
		if !complete {
			return row, bad("", "a quote opens here and does not close")
		}
		if unfit := unreadable(raw); unfit != "" {
			return row, bad("", unfit)
		}
		cells, err := split(row.Raw, t.comma)
		if err != nil {
			return row, bad("", "its quotes are broken")
		}
		if len(cells) != len(t.header) {
			have := fmt.Sprintf("%d columns", len(cells))
			if len(cells) == 1 {
				have = "1 column"
			}
			return row, bad("", fmt.Sprintf("has %s, the header has %d", have, len(t.header)))
		}
		for i, c := range cells {
			if len(c) > MaxCell {
				return row, bad(t.header[i], fmt.Sprintf("has %d bytes, more than %d", len(c), MaxCell))
			}
		}
		if !utf8.ValidString(row.Raw) && !t.convert(cells) {
			return row, bad("", "is neither UTF-8 nor Windows-1252; save the file as UTF-8")
		}
		row.Cells = cells
		return row, nil
	}
}

// start reads the beginning of a file of lines and skips the byte order mark.
func start(r io.Reader) (lineReader, error) {
	lines := lineReader{r: bufio.NewReaderSize(r, 64<<10)}
	beginning, err := lines.r.Peek(2)
	if in := utf16Of(beginning); err == nil && in != nil {
		lines.r = bufio.NewReaderSize(in.NewDecoder().Reader(lines.r), 64<<10)
	}
	first, err := lines.next()
	if errors.Is(err, io.EOF) {
		return lines, fmt.Errorf("capture: %w: the file is empty", leadloop.ErrInvalid)
	}
	if err != nil {
		return lines, fmt.Errorf("capture: %w", err)
	}
	first.text = bytes.Clone(bytes.TrimPrefix(first.text, []byte("\xef\xbb\xbf")))
	lines.unread(first)
	return lines, nil
}

func unreadable(raw []byte) string {
	switch {
	case len(raw) >= maxRow:
		return fmt.Sprintf("the row is longer than %d MiB", maxRow>>20)
	case bytes.IndexByte(raw, 0) >= 0:
		return "holds a NUL byte"
	}
	return ""
}

// delimiter is the separator that occurs most often outside quotes.
func delimiter(header []byte) rune {
	counts, quoted := map[rune]int{}, false
	for _, c := range string(header) {
		if c == '"' {
			quoted = !quoted
		} else if !quoted {
			counts[c]++
		}
	}
	best := ','
	for _, c := range []rune{',', ';', '\t', '|'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	// A percent sign is more often part of a name.
	if counts[best] == 0 && counts['%'] > 1 {
		best = '%'
	}
	return best
}

func split(raw string, comma rune) ([]string, error) {
	if cells, ok := splitLine(raw, comma); ok { // as nearly always
		return cells, nil
	}
	r := csv.NewReader(strings.NewReader(raw))
	r.Comma, r.FieldsPerRecord = comma, -1
	cells, err := r.Read()
	if err != nil {
		return nil, err
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one record")
	}
	return cells, nil
}

// splitLine splits a row in one line whose quotes are as they should be.
func splitLine(raw string, comma rune) (cells []string, ok bool) {
	if raw == "" || comma >= utf8.RuneSelf || strings.ContainsAny(raw, "\r\n") {
		return nil, false
	}
	cells = make([]string, 0, strings.Count(raw, string(comma))+1)
	for rest := raw; ; {
		var cell string
		if strings.HasPrefix(rest, `"`) {
			end := 1
			for end < len(rest) && (rest[end] != '"' || strings.HasPrefix(rest[end+1:], `"`)) {
				if rest[end] == '"' {
					end++ // the second of two
				}
				end++
			}
			if end >= len(rest) {
				return nil, false
			}
			cell, rest = strings.ReplaceAll(rest[1:end], `""`, `"`), rest[end+1:]
			if rest != "" && rest[0] != byte(comma) {
				return nil, false
			}
		} else {
			end := strings.IndexByte(rest, byte(comma))
			if end < 0 {
				end = len(rest)
			}
			if cell, rest = rest[:end], rest[end:]; strings.Contains(cell, `"`) {
				return nil, false
			}
		}
		if cells = append(cells, cell); rest == "" {
			return cells, true
		}
		rest = rest[1:]
	}
}

// record reads one CSV record, which may span lines inside quotes. A quote
// that does not close within maxRowLines rejects its first line alone and
// reading goes on with the second: one stray quote must not swallow the file.
func (t *Table) record(comma rune) (raw []byte, line int, complete bool, err error) {
	first, err := t.lines.next()
	if err != nil {
		return nil, 0, false, err
	}
	if bytes.IndexByte(first.text, '"') < 0 {
		return first.text, first.number, true, nil
	}
	q := quotes{start: true}
	if !q.open(first.text, comma) {
		return first.text, first.number, true, nil
	}
	first.text = bytes.Clone(first.text)
	taken, size := []textLine{first}, len(first.text)
	for len(taken) < maxRowLines && size < maxRow {
		l, err := t.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, first.number, false, err
		}
		l.text = bytes.Clone(l.text)
		taken, size = append(taken, l), size+len(l.text)+1
		if q.open(l.text, comma) {
			continue
		}
		// A cell over several lines must leave a whole row; else it is a stray
		// quote that met another one, and the rows between are good.
		joined := join(taken)
		if cells, err := split(string(joined), comma); err == nil && (t.header == nil || len(cells) == len(t.header)) {
			return joined, first.number, true, nil
		}
		break
	}
	t.lines.unread(taken[1:]...)
	return first.text, first.number, false, nil
}

func join(lines []textLine) []byte {
	parts := make([][]byte, len(lines))
	for i, l := range lines {
		parts[i] = l.text
	}
	return bytes.Join(parts, []byte("\n"))
}

// quotes follows a record line by line, so that a stray quote costs one look
// at each of the lines after it.
type quotes struct{ inside, start bool }

// open reports whether a quoted cell is still open at the end of the line.
func (q *quotes) open(line []byte, comma rune) bool {
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case q.inside && c == '"':
			if i+1 < len(line) && line[i+1] == '"' {
				i++
			} else {
				q.inside = false
			}
		case q.inside:
		case c == '"' && q.start:
			q.inside, q.start = true, false
		default:
			q.start = c == byte(comma)
		}
	}
	q.start = q.start || !q.inside
	return q.inside
}

type textLine struct {
	text   []byte
	number int
}

// lineReader reads lines with their numbers; CRLF and LF both end one. A line is good until the next one is read.
type lineReader struct {
	r      *bufio.Reader
	number int
	back   []textLine
}

func (l *lineReader) unread(lines ...textLine) { l.back = append(slices.Clone(lines), l.back...) }

func (l *lineReader) next() (textLine, error) {
	if len(l.back) > 0 {
		t := l.back[0]
		l.back = l.back[1:]
		return t, nil
	}
	var text []byte
	for {
		part, err := l.r.ReadSlice('\n')
		if err == nil && text == nil { // as nearly all are
			text = part
			break
		}
		if room := maxRow - len(text); len(part) > room {
			text = append(text, part[:room]...)
		} else {
			text = append(text, part...)
		}
		switch {
		case err == nil:
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(text) > 0:
		default:
			return textLine{}, err
		}
		break
	}
	l.number++
	text = bytes.TrimSuffix(text, []byte("\n"))
	text = bytes.TrimSuffix(text, []byte("\r"))
	return textLine{text, l.number}, nil
}

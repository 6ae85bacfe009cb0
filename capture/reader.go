package capture

import (
	"bufio"
	"bytes"
	"encoding/csv"
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

// Limits of one file: a longer cell or row is rejected, never cut.
const (
	MaxCell     = 64 << 10
	maxRow      = 4 << 20
	maxRowLines = 200
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
	schema    *leadloop.Schema
	said      map[string]string
	format    Format
	lines     lineReader
	comma     rune
	header    []string
	rawHeader string
	columns   []Column
	byName    map[string]Column // JSONL: keys seen so far
}

// NewReader reads the header (CSV) and decides what the columns hold; said
// maps column names to what they hold where the guess would be wrong. The
// error is about the file as a whole: empty, UTF-16, no usable column, a
// mapping that names nothing.
func NewReader(r io.Reader, format Format, schema *leadloop.Schema, said map[string]string) (*Reader, error) {
	rd := &Reader{schema: schema, said: said, format: format, lines: lineReader{r: bufio.NewReaderSize(r, 64<<10)}}
	first, err := rd.lines.next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("capture: %w: the file is empty", leadloop.ErrInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	if bytes.HasPrefix(first.text, []byte{0xff, 0xfe}) || bytes.HasPrefix(first.text, []byte{0xfe, 0xff}) {
		return nil, fmt.Errorf("capture: %w: the file is UTF-16; save it as UTF-8", leadloop.ErrInvalid)
	}
	first.text = bytes.TrimPrefix(first.text, []byte("\xef\xbb\xbf"))
	if format == JSONL {
		// Which keys there are is known only at the end; what they hold is not.
		if err := fields(schema, said).Err(); err != nil {
			return nil, fmt.Errorf("capture: %w", err)
		}
		rd.byName = map[string]Column{}
		rd.lines.unread(first)
		return rd, nil
	}
	if bytes.HasPrefix(first.text, []byte("{")) {
		return nil, fmt.Errorf("capture: %w: the file holds JSON, not CSV; is it JSON Lines?", leadloop.ErrInvalid)
	}
	rd.lines.unread(first)
	raw, line, complete, err := rd.record(',')
	if err != nil {
		return nil, fmt.Errorf("capture: line %d: %w", line, err)
	}
	rd.comma, rd.rawHeader = delimiter(raw), string(raw)
	if rd.header, err = split(raw, rd.comma); err != nil || !complete {
		return nil, fmt.Errorf("capture: line %d: %w: the header's quotes don't close", line, leadloop.ErrInvalid)
	}
	for i, h := range rd.header {
		if !utf8.ValidString(h) {
			return nil, fmt.Errorf("capture: line %d: %w: the header is not UTF-8", line, leadloop.ErrInvalid)
		}
		rd.header[i] = strings.TrimSpace(h)
	}
	for i, h := range rd.header {
		if h != "" && slices.Contains(rd.header[:i], h) {
			return nil, fmt.Errorf("capture: line %d: %w: two columns are called %q", line, leadloop.ErrInvalid, h)
		}
	}
	if rd.columns, err = Columns(rd.header, schema, said); err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	if !slices.ContainsFunc(rd.columns, func(c Column) bool { return c.Holds != "" && c.Holds != ColumnIgnore }) {
		return nil, fmt.Errorf("capture: line %d: %w: no column is recognised; is this the header? found: %s", line, leadloop.ErrInvalid, strings.Join(rd.header, ", "))
	}
	return rd, nil
}

// Columns says what each column holds. For JSONL it grows as rows are read.
func (r *Reader) Columns() []Column { return slices.Clone(r.columns) }

// Header is the header line of a CSV file as it was, "" for JSONL.
func (r *Reader) Header() string { return r.rawHeader }

// Next returns the next payload. Its error is io.EOF at the end, a *[Reject]
// for a row that can't be used (call Next again), or what the underlying
// reader failed with.
func (r *Reader) Next() (Payload, error) {
	if r.format == JSONL {
		return r.nextJSON()
	}
	for {
		raw, line, complete, err := r.record(r.comma)
		if err != nil {
			return Payload{}, err
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		p := Payload{Line: line, Raw: string(raw)}
		if !complete {
			return p, reject(p, Reason{Message: "a quote opens here and does not close"})
		}
		if bad := unreadable(raw); bad != "" {
			return p, reject(p, Reason{Message: bad})
		}
		cells, err := split(raw, r.comma)
		if err != nil {
			return p, reject(p, Reason{Message: "its quotes are broken"})
		}
		if len(cells) != len(r.header) {
			return p, reject(p, Reason{Message: fmt.Sprintf("has %d columns, the header has %d", len(cells), len(r.header))})
		}
		p.Values = make(map[string]string, len(cells))
		for i, c := range r.columns {
			if len(cells[i]) > MaxCell {
				return p, reject(p, Reason{Field: c.Name, Message: fmt.Sprintf("has %d bytes, more than %d", len(cells[i]), MaxCell)})
			}
			if c.Holds != "" && c.Holds != ColumnIgnore {
				p.Values[c.Holds] = cells[i]
			}
		}
		return p, nil
	}
}

func unreadable(raw []byte) string {
	switch {
	case len(raw) >= maxRow:
		return fmt.Sprintf("the row is longer than %d MiB", maxRow>>20)
	case !utf8.Valid(raw):
		return "is not valid UTF-8 (was it saved as Windows-1252 or Latin-1?)"
	case bytes.IndexByte(raw, 0) >= 0:
		return "holds a NUL byte"
	}
	return ""
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
	return best
}

func split(raw []byte, comma rune) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(raw))
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

// record reads one CSV record, which may span lines inside quotes. A quote
// that does not close within maxRowLines rejects its first line alone and
// reading goes on with the second: one stray quote must not swallow the file.
func (r *Reader) record(comma rune) (raw []byte, line int, complete bool, err error) {
	first, err := r.lines.next()
	if err != nil {
		return nil, 0, false, err
	}
	q := quotes{start: true}
	if !q.open(first.text, comma) {
		return first.text, first.number, true, nil
	}
	taken, size := []textLine{first}, len(first.text)
	for len(taken) < maxRowLines && size < maxRow {
		l, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, first.number, false, err
		}
		taken, size = append(taken, l), size+len(l.text)+1
		if q.open(l.text, comma) {
			continue
		}
		// A cell over several lines must leave a whole row; else it is a stray
		// quote that met another one, and the rows between are good.
		joined := join(taken)
		if cells, err := split(joined, comma); err == nil && (r.header == nil || len(cells) == len(r.header)) {
			return joined, first.number, true, nil
		}
		break
	}
	r.lines.unread(taken[1:]...)
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

// lineReader reads lines with their numbers; CRLF and LF both end one.
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

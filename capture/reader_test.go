package capture_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
)

// read returns one line per row: "line: holds=value …" or "line! reason".
func read(t testing.TB, text string, f capture.Format, said map[string]string) []string {
	t.Helper()
	r, err := capture.NewReader(strings.NewReader(text), f, leadloop.StandardSchema(), said)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for {
		p, err := r.Next()
		var rej *capture.Reject
		switch {
		case errors.Is(err, io.EOF):
			return out
		case errors.As(err, &rej):
			for _, reason := range rej.Reasons {
				out = append(out, fmt.Sprintf("%d! %s", rej.Line, reason))
			}
		case err != nil:
			t.Fatal(err)
		default:
			out = append(out, fmt.Sprintf("%d: %s %s", p.Line, p.Values["lead.email"], p.Values["company.name"]))
		}
	}
}

func TestRowsAreReadAndDirtyOnesNamedByLine(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		json bool
		want []string
	}{
		"a plain file":                            {"email,company\na@x.com,Acme\n\nb@x.com,Bolt\n", false, []string{"2: a@x.com Acme", "4: b@x.com Bolt"}},
		"a byte order mark and CRLF":              {"\xef\xbb\xbfemail,company\r\na@x.com,Acme\r\n", false, []string{"2: a@x.com Acme"}},
		"semicolons":                              {"E-Mail;Company Name\na@x.com;Acme, Inc.\n", false, []string{"2: a@x.com Acme, Inc."}},
		"tabs":                                    {"Email\tCompany\na@x.com\tAcme\n", false, []string{"2: a@x.com Acme"}},
		"a cell over two lines":                   {"email,company\na@x.com,\"Acme\nInc\"\nb@x.com,Bolt\n", false, []string{"2: a@x.com Acme\nInc", "4: b@x.com Bolt"}},
		"a quote inside quotes":                   {"email,company\na@x.com,\"Acme \"\"The\"\" Inc\"\n", false, []string{`2: a@x.com Acme "The" Inc`}},
		"a wrong number of columns":               {"email,company\na@x.com\nb@x.com,Bolt,x\nc@x.com,Cup\n", false, []string{"2! has 1 column, the header has 2", "3! has 3 columns, the header has 2", "4: c@x.com Cup"}},
		"Windows-1252":                            {"email,company\na@x.com,M\xfcller & S\xf6hne \x96 Z\xfcrich\nb@x.com,\"Caf\xe9\nOl\xe9\"\nc@x.com,Café\n", false, []string{"2: a@x.com Müller & Söhne – Zürich", "3: b@x.com Café\nOlé", "5: c@x.com Café"}},
		"a header in Windows-1252":                {"email,Soci\xe9t\xe9,company\na@x.com,x,Acme\n", false, []string{"2: a@x.com Acme"}},
		"torn UTF-8 is no Windows-1252":           {"email,company\na@x.com,Ol\xc3\nb@x.com,Caf\xc3\xa9 Caf\xe9\nc@x.com,\x8d\nd@x.com,Bolt\n", false, []string{"2! is neither UTF-8 nor Windows-1252; save the file as UTF-8", "3! is neither UTF-8 nor Windows-1252; save the file as UTF-8", "4! is neither UTF-8 nor Windows-1252; save the file as UTF-8", "5: d@x.com Bolt"}},
		"nor is what is Cyrillic or Polish":       {"email,company\na@x.com,\xcc\xee\xf1\xea\xe2\xe0\nb@x.com,\xa3ukasz\nc@x.com,Micha\xb3\n", false, []string{"2! is neither UTF-8 nor Windows-1252; save the file as UTF-8", "3! is neither UTF-8 nor Windows-1252; save the file as UTF-8", "4! is neither UTF-8 nor Windows-1252; save the file as UTF-8"}},
		"JSON that is not UTF-8":                  {"{\"email\":\"a@x.com\",\"company\":\"M\xfcller\"}\n", true, []string{"1! is not valid UTF-8, as JSON has to be"}},
		"a stray quote spoils one row":            {"email,company\na@x.com,\"Acme\nb@x.com,Bolt\nc@x.com,Cup\n", false, []string{"2! a quote opens here and does not close", "3: b@x.com Bolt", "4: c@x.com Cup"}},
		"a stray quote does not reach to another": {"email,company\na@x.com,\"Acme\nb@x.com,Bolt\nc@x.com,C\"u\"p\nd@x.com,Dot\n", false, []string{"2! a quote opens here and does not close", "3: b@x.com Bolt", "4! its quotes are broken", "5: d@x.com Dot"}},
		"nor to a cell that is quoted":            {"email,company\na@x.com,\"Acme\nb@x.com,\"Bolt\"\nc@x.com,Cup\n", false, []string{"2! a quote opens here and does not close", "3: b@x.com Bolt", "4: c@x.com Cup"}},
		"a quote in the middle of a cell":         {"email,company\na@x.com,Ac\"me\nb@x.com,Bolt\n", false, []string{"2! its quotes are broken", "3: b@x.com Bolt"}},
		"a NUL byte":                              {"email,company\na@x.com,A\x00\n", false, []string{"2! holds a NUL byte"}},
		"a cell of a megabyte":                    {"email,company\na@x.com," + strings.Repeat("x", 1<<20) + "\nb@x.com,Bolt\n", false, []string{"2! company: has 1048576 bytes, more than 65536", "3: b@x.com Bolt"}},
		"no line break at the end":                {"email,company\na@x.com,Acme", false, []string{"2: a@x.com Acme"}},
		"an empty file":                           {"", false, []string{"capture: invalid: the file is empty"}},
		"a header without any known name":         {"x,y\n1,2\n", false, []string{"capture: line 1: invalid: no column is recognised; is this the header? found: x, y"}},
		"two columns of one name":                 {"email,email\n", false, []string{`capture: line 1: invalid: two columns are called "email"`}},
		"UTF-16":                                  {encoded16(binary.LittleEndian, "\ufeffemail\tcompany\r\na@x.com\tMüller 🚀\r\n"), false, []string{"2: a@x.com Müller 🚀"}},
		"UTF-16 the other way round":              {encoded16(binary.BigEndian, "\ufeffemail,company\na@x.com,Łukasz\n"), false, []string{"2: a@x.com Łukasz"}},
		"UTF-16 without a mark":                   {encoded16(binary.LittleEndian, "email,company\na@x.com,Acme\n"), false, []string{"2: a@x.com Acme"}},
		"UTF-16 that is torn":                     {encoded16(binary.LittleEndian, "\ufeffemail,company\na@x.com,A") + "\x3d\xd8b\x00\x3d", false, []string{"2: a@x.com A\ufffdb\ufffd"}},
		"objects in UTF-16":                       {encoded16(binary.LittleEndian, `{"email":"a@x.com","company":"Müller"}`), true, []string{"1: a@x.com Müller"}},
		"one object per line":                     {`{"email":"a@x.com","company":{"name":"Acme"}}` + "\n\n" + `{"Email":"b@x.com","company":"Bolt","tags":["a","b"]}`, true, []string{"1: a@x.com Acme", "3: b@x.com Bolt"}},
		"broken JSON":                             {"{\"email\":\n{\"email\":\"b@x.com\"}\n[1]\n{\"a\":1} x\n", true, []string{"1! is not valid JSON", "2: b@x.com ", "3! is not a JSON object", "4! has something after the JSON object"}},
		"a list of objects":                       {`{"email":"a@x.com","company":[{"name":"Acme"}]}`, true, []string{"1! company: holds a list of lists or objects"}},
		"objects in objects without end":          {strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20), true, []string{"1! a.a.a.a.a.a.a.a.a: is nested too deeply"}},
		"a list in JSON in a file called CSV":     {`[{"email":"a@x.com"}]`, false, []string{"capture: invalid: the file holds JSON, not CSV; write its objects one a line, or as CSV"}},
		"the separator in a line of its own":      {"\ufeffsep=;\r\nemail;company\r\na@x.com;Acme, Inc.\r\n", false, []string{"3: a@x.com Acme, Inc."}},
		"a separator and nothing else":            {"sep=;\n", false, []string{"capture: invalid: the file is empty"}},
		"an Excel workbook":                       {"PK\x03\x04\x14\x00\x06\x00\n\x00", false, []string{"capture: invalid: the file holds an Excel workbook or an archive, not CSV; save the sheet as CSV"}},
		"a file of gzip under another name":       {"\x1f\x8b\x08\x00\n\x00", false, []string{"capture: invalid: the file holds what gzip compressed; give it a name that ends in .gz"}},
		"JSON in a file called CSV":               {`{"email":"a@x.com"}` + "\n", false, []string{"capture: invalid: the file holds JSON, not CSV; is it JSON Lines?"}},
		"a cell that opens at the line's start":   {"email,company\n\"a@x.com\",\"Acme\n\"\n\"b@x.com\",Bolt\n", false, []string{"2: a@x.com Acme\n", "4: b@x.com Bolt"}},
		"a key given twice":                       {`{"email":"a@x.com","email":"b@x.com"}` + "\n" + `{"email":"a@x.com","mail":"b@x.com"}`, true, []string{"1! email: stands there twice", "2! mail: gives lead.email a second time"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := capture.CSV
			if tc.json {
				f = capture.JSONL
			}
			if diff := cmp.Diff(tc.want, read(t, tc.text, f, nil)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// encoded16 is a text in UTF-16.
func encoded16(order binary.AppendByteOrder, text string) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, u)
	}
	return string(out)
}

// Whoever wrote a file in Windows-1252 should hear that it was taken for that.
func TestRowsReadAsWindows1252AreCounted(t *testing.T) {
	for text, want := range map[string]int{
		"email,company\na@x.com,Müller\n":                             0,
		"email,company\na@x.com,M\xfcller\nb@x.com,B\nc@x.com,\xe9\n": 2,
		"email,Soci\xe9t\xe9,company\na@x.com,M\xfcller,x\n":          2,
		"email,company\na@x.com,Ol\xc3\n":                             0,
	} {
		r, err := capture.NewReader(strings.NewReader(text), capture.CSV, leadloop.StandardSchema(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil || errors.As(err, new(*capture.Reject)) {
			_, err = r.Next()
		}
		if got := r.Converted(); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestColumnsAreGuessedAndCanBeSaid(t *testing.T) {
	schema := leadloop.StandardSchema()
	got, err := capture.Columns([]string{"Lead ID", "Work Email", "Job Title", "Organisation", "Utm_Source", "notes", "kontakt"}, schema, map[string]string{"kontakt": "lead.phone", "notes": "-"})
	if err != nil {
		t.Fatal(err)
	}
	want := []capture.Column{
		{"Lead ID", "id", true}, {"Work Email", "lead.email", true}, {"Job Title", "lead.title", true}, {"Organisation", "company.name", true},
		{"Utm_Source", "lead.source", true}, {"notes", "-", false}, {"kontakt", "lead.phone", false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err = capture.Columns([]string{"mail", "tel"}, schema, map[string]string{"mial": "lead.email", "tel": "lead.fone"})
	for _, hint := range []string{`did you mean "mail"?`, `did you mean "lead.phone"?`} {
		if err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("no hint %q in %v", hint, err)
		}
	}
}

// Whether a key is there is known only at the end of JSON Lines; a field that
// does not exist is known before the first row.
func TestAMappingToAFieldThatDoesNotExistIsRefusedForJSONToo(t *testing.T) {
	_, err := capture.NewReader(strings.NewReader(`{"tel":"1"}`), capture.JSONL, leadloop.StandardSchema(), map[string]string{"tel": "lead.fone"})
	if err == nil || !strings.Contains(err.Error(), `did you mean "lead.phone"?`) {
		t.Errorf("want a hint, got %v", err)
	}
}

func TestAStrayQuoteCostsOneLookAtTheLinesAfterIt(t *testing.T) {
	var b strings.Builder
	b.WriteString("email,company\na@x.com,\"Acme\n")
	for i := range 300 {
		fmt.Fprintf(&b, "a%d@x.com,%s\n", i, strings.Repeat("x", 20_000))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := read(t, b.String(), capture.CSV, nil)
	runtime.ReadMemStats(&after)
	if n := len(got); n != 301 || got[0] != "2! a quote opens here and does not close" {
		t.Errorf("%d rows", n)
	}
	// Joining the lines anew for each of them would take a hundred times the file.
	if n := (after.TotalAlloc - before.TotalAlloc) / uint64(b.Len()); n > 20 {
		t.Errorf("reading took %d times the file's size", n)
	}
}

func TestATableOfAnyContentIsReadRowByRow(t *testing.T) {
	table, err := capture.NewTable(strings.NewReader("\xef\xbb\xbfid;when\r\na;\"1\r\nb;2\r\nc\r\nd;\"x;\"\"y\"\"\"\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{strings.Join(table.Header(), "|")}
	for {
		row, err := table.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var rej *capture.Reject
		if errors.As(err, &rej) {
			got = append(got, fmt.Sprintf("%d! %s", rej.Line, rej.Reasons[0]))
			continue
		}
		got = append(got, fmt.Sprintf("%d: %s", row.Line, strings.Join(row.Cells, "|")))
	}
	want := []string{"id|when", "2! a quote opens here and does not close", "3: b|2", "4! has 1 column, the header has 2", `5: d|x;"y"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{"email,company\na@x.com,\"x\n\"\"", encoded16(binary.BigEndian, "\ufeffemail\nä🚀\n"), "email\n\xfc\n", "email;x\n\"", "email\r\n\"a\"b", "{\"email\":[1,{\"a\":2}]}"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, json bool) {
		format := capture.CSV
		if json {
			format = capture.JSONL
		}
		r, err := capture.NewReader(strings.NewReader(text), format, leadloop.StandardSchema(), nil)
		if err != nil {
			return
		}
		last := 0
		for {
			p, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if p.Line <= last {
				t.Fatalf("line %d after line %d", p.Line, last)
			}
			last = p.Line
		}
	})
}

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/leadloop/leadloop/dedupe/match"
)

// person is a row of first name, last name, e-mail, phone and company that resembles no other one.
func person(i int) []string {
	letters := func(n, size int) string {
		var b []byte
		for range size {
			n = (n*1_103_515_245 + 12_345) & 0x7fff_ffff
			b = append(b, byte('a'+n>>16%26))
		}
		return string(b)
	}
	first, last, firm := letters(3*i+1, 6), letters(3*i+2, 8), letters(3*i+3, 9)
	return []string{first, last, first + "." + last + "@" + firm + ".com", fmt.Sprintf("+49 30 %07d", 1_000_000+i*37%8_000_000), firm + " GmbH"}
}

func asCSV(header string, rows ...[]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(strings.Split(header, ","))
	_ = w.WriteAll(rows)
	return b.Bytes()
}

const peopleHeader = "first_name,last_name,email,phone,company"

// peopleTwice are n people, of whom the first tenth is there twice.
func peopleTwice(n int) [][]string {
	var rows [][]string
	for i := range n {
		rows = append(rows, person(i))
	}
	return append(rows, rows[:n/10]...)
}

// Whatever a file holds, the command says what is wrong with it, or does what can be done: neither does it take forever, nor become all rows one.
func TestDedupeOfStrangeFiles(t *testing.T) {
	const n = 400
	edited := func(edit func(i int, row []string) []string) []byte {
		var rows [][]string
		for i, row := range peopleTwice(n) {
			rows = append(rows, edit(i, row))
		}
		return asCSV(peopleHeader, rows...)
	}
	utf16File := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune("first_name,last_name\nJane,Doe\nJohn,Roe\n")) {
		utf16File = append(utf16File, byte(u), byte(u>>8))
	}
	many := func(rows int) (out [][]string) {
		for i := range rows {
			p := person(i)
			p[3] = "+49 30 1234567"
			out = append(out, p)
		}
		return out
	}
	for _, c := range []struct {
		name     string
		file     []byte
		code     int
		says     string
		rows     int // in clusters; 0 if there is no output
		clusters int
	}{
		{"an empty file", nil, exitUsage, "the file is empty", 0, 0},
		{"a header only", asCSV(peopleHeader), exitUsage, "0 rows that can be read; two are needed", 0, 0},
		{"one row", asCSV(peopleHeader, person(1)), exitUsage, "1 row that can be read; two are needed", 0, 0},
		{"UTF-16", utf16File, 0, "", 2, 2},
		{"two columns of one name", asCSV("email,email", []string{"a@x.com", "b@x.com"}), exitUsage, `two columns are called "email"`, 0, 0},
		{"all rows identical", asCSV(peopleHeader, repeated(person(1), 5000)...), 0, "all rows are equal", 5000, 1},
		{"a column with one value", edited(func(_ int, row []string) []string { row[4] = "Acme"; return row }), 0, "", n + n/10, n},
		{"rows that share one phone", asCSV(peopleHeader, many(5000)...), 0, "", 5000, 5000},
		{"cells of a megabyte", edited(func(i int, row []string) []string {
			if i == n/2 {
				row = append([]string(nil), row...)
				row[4] = strings.Repeat("x", 1<<20)
			}
			return row
		}), exitRejects, "1 row could not be read", n + n/10 - 1, n - 1},
		{"mixed encodings", edited(func(i int, row []string) []string {
			if i == n/2 {
				row = append([]string(nil), row...)
				row[0] = "J\xf6rg" // Windows-1252
			}
			return row
		}), 0, "in.csv: 1 row is not UTF-8 and was read as Windows-1252", n + n/10, n},
		{"an encoding that is not known", edited(func(i int, row []string) []string {
			if i == n/2 {
				row = append([]string(nil), row...)
				row[0] = "\xc8\xe2\xe0\xed" // Windows-1251
			}
			return row
		}), exitRejects, "in.csv: line 202: rejected: is neither UTF-8 nor Windows-1252", n + n/10 - 1, n - 1},
		{"a zero byte", edited(func(i int, row []string) []string {
			if i == n/2 {
				row = append([]string(nil), row...)
				row[0] = "J\x00rg"
			}
			return row
		}), exitRejects, "line 202", n + n/10 - 1, n - 1},
		{"every column empty", asCSV(peopleHeader, repeated(make([]string, 5), 50)...), exitUsage, "no column looks worth comparing", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			in, out := filepath.Join(dir, "in.csv"), filepath.Join(dir, "out.csv")
			if err := os.WriteFile(in, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			code, said := dedupeOf(t, "--in", in, "--out", out)
			if code != c.code || !strings.Contains(said, c.says) {
				t.Fatalf("exit %d, want %d and %q; it said:\n%s", code, c.code, c.says, said)
			}
			rows, clusters := clustersIn(t, out)
			if rows != c.rows || clusters != c.clusters {
				t.Errorf("%d rows in %d clusters, want %d in %d; it said:\n%s", rows, clusters, c.rows, c.clusters, said)
			}
			left, err := filepath.Glob(filepath.Join(dir, "*.work"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestDedupeReadsCompressedFiles(t *testing.T) {
	dir := t.TempDir()
	plain, packed := filepath.Join(dir, "in.csv"), filepath.Join(dir, "in.csv.gz")
	data := asCSV(peopleHeader, peopleTwice(200)...)
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var got [2][]byte
	for i, name := range []string{plain, packed} {
		if err := os.WriteFile(name, [][]byte{data, b.Bytes()}[i], 0o600); err != nil {
			t.Fatal(err)
		}
		if code, said := dedupeOf(t, "--in", name, "--out", name+".out"); code != 0 {
			t.Fatalf("exit %d: %s", code, said)
		}
		got[i], _ = os.ReadFile(name + ".out")
	}
	if len(got[0]) == 0 || !bytes.Equal(got[0], got[1]) {
		t.Error("a compressed file has other clusters than the file itself")
	}
	if err := os.WriteFile(packed, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said := dedupeOf(t, "--in", packed); code != exitUsage || !strings.Contains(said, "not a gzip file") {
		t.Errorf("exit %d: %s", code, said)
	}
}

// dedupeOf runs the command and returns what it said to people.
func dedupeOf(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), append([]string{"dedupe"}, args...), streams{&out, &err})
	return code, err.String()
}

func repeated(row []string, n int) (rows [][]string) {
	for range n {
		rows = append(rows, row)
	}
	return rows
}

// clustersIn counts the rows of a file of clusters, and the clusters. A file that is not there has none.
func clustersIn(t *testing.T, name string) (rows, clusters int) {
	t.Helper()
	data, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return 0, 0
	}
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for i, row := range all[1:] {
		if row[0] != strconv.Itoa(i+1) {
			t.Fatalf("row %s where %d was expected", row[0], i+1)
		}
		named[row[1]] = true
	}
	return len(all) - 1, len(named)
}

// Every step of a long run says how far it is, never backwards, and comes to its end: that is what the bar and the time left are made of.
func TestDedupeSaysHowFarItIs(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in.csv")
	wide := func(row []string) []string {
		return append(row, strings.Repeat("a note that makes the file long ", 1000))
	}
	var rows [][]string
	for _, row := range peopleTwice(200) {
		rows = append(rows, wide(append([]string(nil), row...)))
	}
	if err := os.WriteFile(in, asCSV(peopleHeader+",notes", rows...), 0o600); err != nil {
		t.Fatal(err)
	}
	last := map[string]match.Progress{}
	var order []string
	show := func(p match.Progress) {
		before, seen := last[p.Step]
		if !seen {
			order = append(order, p.Step)
		}
		if p.Done < before.Done || p.Done > p.Total || p.Total == 0 {
			t.Errorf("%+v after %+v", p, before)
		}
		last[p.Step] = p
	}
	c := dedupeCmd{In: []string{in}}
	table, err := openTable(c.In, streams{io.Discard, io.Discard}, show)
	if err != nil {
		t.Fatal(err)
	}
	file, _, err := c.config(t.Context(), table, streams{io.Discard, io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.fill(t.Context(), table, file, nil, &decisions{})
	if err != nil {
		t.Fatal(err)
	}
	o := match.Options{Progress: show}
	model, err := match.Learn(t.Context(), all, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := model.Cluster(t.Context(), all, o); err != nil {
		t.Fatal(err)
	}
	if want := []string{"read", "normalise", "learn", "compare"}; !slices.Equal(order, want) {
		t.Errorf("steps %v, want %v", order, want)
	}
	for _, step := range []string{"learn", "compare"} {
		if p := last[step]; p.Done != p.Total {
			t.Errorf("%+v is not the end", p)
		}
	}
}

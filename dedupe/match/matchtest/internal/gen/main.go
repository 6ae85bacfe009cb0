// Command gen makes data/companies.txt.gz of package matchtest: company names without legal form, one per line, sorted, each key once.
//
//	go run ./dedupe/match/matchtest/internal/gen -src ../shared/data/companies -out dedupe/match/matchtest/data/companies.txt.gz
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/leadloop/leadloop/normalize"
)

func main() {
	src := flag.String("src", "", "folder with sp500_constituents.csv and wikidata_companies.json.gz")
	out := flag.String("out", "", "file to write")
	flag.Parse()
	if err := run(*src, *out); err != nil {
		panic("gen: " + err.Error())
	}
}

func run(src, out string) error {
	listed, err := constituents(filepath.Join(src, "sp500_constituents.csv"))
	if err != nil {
		return err
	}
	known, err := entities(filepath.Join(src, "wikidata_companies.json.gz"))
	if err != nil {
		return err
	}
	byKey := map[string]string{}
	for _, s := range slices.Concat(listed, known) {
		c := normalize.Company(s)
		if _, twice := byKey[c.Key]; !twice && isPlain(c.Name) && !normalize.IsPlaceholder(c.Key) {
			byKey[c.Key] = c.Name
		}
	}
	names := slices.Sorted(maps.Values(byKey))
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write([]byte(strings.Join(names, "\n") + "\n")); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(out, b.Bytes(), 0o644)
}

func constituents(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New(path + " is empty")
	}
	var names []string
	for _, row := range rows[1:] {
		names = append(names, row[1])
	}
	return names, nil
}

func entities(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var doc struct {
		Entities []struct {
			Canonical string `json:"canonical"`
		} `json:"entities"`
	}
	if err := json.NewDecoder(z).Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var names []string
	for _, e := range doc.Entities {
		names = append(names, e.Canonical)
	}
	return names, nil
}

// isPlain keeps names that a form would hold: Latin letters, one to five words.
func isPlain(s string) bool {
	if n := utf8.RuneCountInString(s); n < 3 || n > 40 || len(strings.Fields(s)) > 5 {
		return false
	}
	letters := 0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Latin, r):
			letters++
		case unicode.IsLetter(r):
			return false
		case unicode.IsDigit(r), strings.ContainsRune(" &-.'’", r):
		default:
			return false
		}
	}
	return letters >= 3
}

// Command gen builds the data tables of package normalize from their public sources.
//
//	go run ./normalize/internal/gen -src <folder of sources> -out normalize/data
//
// The sources are named in normalize/data/README.md. The output is sorted and depends on nothing but the sources and the lists in this program.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/leadloop/leadloop/normalize"
)

func main() {
	src := flag.String("src", "", "folder that holds email-domains/, nicknames/, company-names/ and geo/")
	out := flag.String("out", "normalize/data", "folder the tables are written to")
	flag.Parse()
	if err := run(*src, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(src, out string) error {
	if src == "" {
		return errors.New("-src is required")
	}
	steps := []func(src, out string) error{emailDomains, nicknames, legalForms, countries, timezones}
	var errs []error
	for _, step := range steps {
		errs = append(errs, step(src, out))
	}
	return errors.Join(errs...)
}

// writeTable writes rows sorted bytewise by key, the order in which the package searches them.
func writeTable(out, name string, rows map[string]string) error {
	keys := make([]string, 0, len(rows))
	for k := range rows {
		if k == "" || strings.ContainsAny(k, "\t\n") || strings.ContainsAny(rows[k], "\t\n") {
			return fmt.Errorf("%s: row with an empty key, a tab or a line feed", name)
		}
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(k)
		if v := rows[k]; v != "" {
			b.WriteByte('\t')
			b.WriteString(v)
		}
		b.WriteByte('\n')
	}
	return os.WriteFile(filepath.Join(out, name), []byte(b.String()), 0o644)
}

func readLines(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// letterKey mirrors the key that package normalize looks up: folded, letters, digits and marks only.
func letterKey(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) {
			return r
		}
		return -1
	}, normalize.Fold(s))
}

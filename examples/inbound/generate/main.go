// Command generate writes the sample data of examples/inbound.
//
// The same program writes the same bytes on every machine: its randomness is
// seeded, its companies are embedded, and it reads no clock. Run it from the
// repository's root after changing it:
//
//	go run ./examples/inbound/generate
//
// People, addresses, numbers and deals are made up; data/README.md says what
// is not.
package main

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// seed makes the sample what it is; another one gives another sample of the
// same shape.
const seed = 20260824

// The twelve weeks of the sample, in UTC.
var (
	begin = time.Date(2026, 8, 24, 0, 0, 0, 0, time.UTC) // a Monday
	end   = time.Date(2026, 11, 15, 23, 59, 59, 0, time.UTC)
)

func main() {
	out := flag.String("out", filepath.Join("examples", "inbound"), "the folder to write to; it must be there")
	flag.Parse()
	if err := write(*out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("wrote the sample to", *out)
}

func write(out string) error {
	if info, err := os.Stat(out); err != nil || !info.IsDir() {
		return fmt.Errorf("generate: %s is no folder; run from the repository's root or say -out", out)
	}
	files, err := generate()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("generate: %w", err)
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return fmt.Errorf("generate: %w", err)
		}
	}
	return nil
}

// generate returns the sample's files by path relative to examples/inbound.
func generate() (map[string][]byte, error) {
	w, err := newWorld()
	if err != nil {
		return nil, err
	}
	w.tell()
	w.behave()
	files := map[string][]byte{
		"leads.csv":                       table(leadColumns, w.leadRows()),
		"activities.csv":                  table(activityColumns, w.activityRows()),
		"dirty/leads.csv":                 dirtyFile(),
		"crm/accounts.csv":                table(accountColumns, w.accountRows()),
		"crm/contacts.csv":                table(contactColumns, w.contactRows()),
		"crm/opportunities.csv":           table(opportunityColumns, w.opportunityRows()),
		"crm/reps.csv":                    table(repColumns, repRows()),
		"crm/suppressions.csv":            table(suppressionColumns, w.suppressionRows()),
		"playbook/providers/firmo.csv":    table(firmoColumns, w.firmoRows()),
		"playbook/providers/techdata.csv": table(techColumns, w.techRows()),
	}
	return files, nil
}

func table(header []string, rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	// A bytes.Buffer takes every write.
	_ = w.Write(header)
	_ = w.WriteAll(rows)
	return b.Bytes()
}

// dice is a seeded source of chance. Each part of the sample has its own, so
// that a change in one part leaves the others as they were.
type dice struct{ *rand.Rand }

func newDice(part uint64) dice { return dice{rand.New(rand.NewPCG(seed, part))} }

// chance is true with probability p.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// between returns a whole number from lo to hi, both included.
func (d dice) between(lo, hi int) int { return lo + d.IntN(hi-lo+1) }

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

// weighted is a choice and how often it is made relative to the others.
type weighted[T any] struct {
	of     T
	weight int
}

func choose[T any](d dice, list []weighted[T]) T {
	sum := 0
	for _, c := range list {
		sum += c.weight
	}
	n := d.IntN(sum)
	for _, c := range list {
		if n -= c.weight; n < 0 {
			return c.of
		}
	}
	return list[len(list)-1].of
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

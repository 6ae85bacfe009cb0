package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/dedupe/match"
)

// decisions are what somebody said of pairs of rows, which a table names as people do: by the ids of its id column, or by the numbers of rows.
type decisions struct {
	name  string
	lines []saidLine
	rows  map[string][]string // what rows of such a name are called in the table, one of each file at most; nil if nothing was said
}

type saidLine struct {
	a, b string
	same bool
	line int
}

// readDecisions reads a table with the columns a, b and same. A name that is not absolute lies in folder.
func readDecisions(name, folder string) (d *decisions, err error) {
	d = &decisions{name: name}
	if name == "" {
		return d, nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("decisions: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in, err := capture.NewTable(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	at := map[string]int{}
	for _, want := range []string{"a", "b", "same"} {
		if at[want] = slices.Index(in.Header(), want); at[want] < 0 {
			return nil, fmt.Errorf("%s: no column %q; expected a,b,same", name, want)
		}
	}
	d.rows = map[string][]string{}
	before := map[[2]string]saidLine{}
	for {
		row, err := in.Next()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		x := saidLine{a: strings.TrimSpace(row.Cells[at["a"]]), b: strings.TrimSpace(row.Cells[at["b"]]), line: row.Line}
		if x.same, err = readYes(row.Cells[at["same"]]); err != nil {
			return nil, fmt.Errorf("%s:%d: same is %w", name, row.Line, err)
		}
		pair := [2]string{min(x.a, x.b), max(x.a, x.b)}
		if other, ok := before[pair]; ok && other.same != x.same {
			return nil, fmt.Errorf("%s:%d: %q and %q are said to be one and to be two; line %d says otherwise", name, row.Line, x.a, x.b, other.line)
		}
		before[pair] = x
		d.lines = append(d.lines, x)
		d.rows[x.a], d.rows[x.b] = nil, nil
	}
}

func readYes(cell string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(cell)) {
	case "yes", "y":
		return true, nil
	case "no", "n":
		return false, nil
	}
	yes, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(cell)))
	if err != nil {
		return false, fmt.Errorf("%q; expected true or false", cell)
	}
	return yes, nil
}

// found notes what the row of a name is called in the table.
func (d *decisions) found(name, id string) {
	if d.rows == nil {
		return
	}
	if all, ok := d.rows[name]; ok {
		d.rows[strings.Clone(name)] = append(all, id)
	}
}

// resolve returns the decisions by what rows are called in the table, and which names no row has. Where files share a name, it is the row of the first file
// for a, and that of the last for b.
func (d *decisions) resolve() (all []match.Decision, missing []string, err error) {
	for _, x := range d.lines {
		a, b := d.rows[x.a], d.rows[x.b]
		for _, y := range []struct {
			name string
			rows []string
		}{{x.a, a}, {x.b, b}} {
			if len(y.rows) == 0 && !slices.Contains(missing, y.name) {
				missing = append(missing, y.name)
			}
			if len(y.rows) > 2 {
				return nil, nil, fmt.Errorf("%s:%d: %d files have a row %q; leave id out of the configuration, and decisions name rows by their numbers", d.name, x.line, len(y.rows), y.name)
			}
		}
		if len(a) > 0 && len(b) > 0 {
			all = append(all, match.Decision{A: a[0], B: b[len(b)-1], Same: x.same})
		}
	}
	return all, missing, nil
}

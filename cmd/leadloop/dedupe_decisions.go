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
	name     string
	lines    []saidLine
	numbered bool                // rows are named by their numbers also where they have ids
	rows     map[string][]string // what rows of such a name are called in the table, one of each file at most; nil if nothing was said
}

type saidLine struct {
	a, b string
	same bool
	line int
}

// readDecisions reads a table with the columns a, b and same, or one of pairs in which same was filled in. A name that is not absolute lies in folder.
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
	a, b, same := slices.Index(in.Header(), "a"), slices.Index(in.Header(), "b"), slices.Index(in.Header(), "same")
	if a < 0 || b < 0 {
		a, b, d.numbered = slices.Index(in.Header(), "row_a"), slices.Index(in.Header(), "row_b"), true
	}
	if a < 0 || b < 0 || same < 0 {
		return nil, fmt.Errorf("%s: expected the columns a,b,same, or row_a,row_b,same as --pairs writes them; it has %s", name, strings.Join(in.Header(), ", "))
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
		x := saidLine{a: strings.TrimSpace(row.Cells[a]), b: strings.TrimSpace(row.Cells[b]), line: row.Line}
		if strings.TrimSpace(row.Cells[same]) == "" {
			continue // nobody looked at it
		}
		if x.same, err = readYes(row.Cells[same]); err != nil {
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

// found notes what a row is called in the table: cell is what stands in its id column, if it has one.
func (d *decisions) found(row int, cell, id string) {
	if d.rows == nil {
		return
	}
	name := strings.TrimSpace(cell)
	if d.numbered || name == "" {
		name = strconv.Itoa(row + 1)
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

package routing

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
)

const (
	// maxAccounts bounds how many named accounts a file has.
	maxAccounts = 500_000
	// maxBadLines bounds how many lines of a file are told to be wrong.
	maxBadLines = 50
)

// accounts are named accounts by domain, each with its owner or "".
type accounts struct {
	owners  map[string]leadloop.RepID
	domains []string // the keys of owners, sorted
	owned   bool     // the file has owners
}

// accounts reads a list and a file of domains; nil if neither is given.
func (c *compiler) accounts(at leadloop.Position, where string, list []string, file string) *accounts {
	if list == nil && file == "" {
		return nil
	}
	a := &accounts{owners: make(map[string]leadloop.RepID, len(list))}
	for _, s := range list {
		c.account(a, at, where, s, "", nil)
	}
	if file != "" {
		c.accountsFile(a, at, where, file)
	}
	if list != nil && len(list) == 0 {
		c.Add(at, "%s: accounts is an empty list, which no lead is in", where)
	}
	a.domains = slices.Sorted(maps.Keys(a.owners))
	return a
}

// account adds one domain. Lines remembers where each stands in a file.
func (c *compiler) account(a *accounts, at leadloop.Position, where, s string, owner leadloop.RepID, lines map[string]int) {
	domain, err := normalize.Domain(s)
	switch _, twice := a.owners[domain]; {
	case err != nil:
		c.AddHint(at, "expected a registrable domain such as acme.com", "%s: %q is no domain", where, s)
	case lines[domain] > 0:
		c.Add(at, "%s: %s stands there twice, first on line %d", where, domain, lines[domain])
	case twice:
		c.Add(at, "%s: %s stands there twice", where, domain)
	default:
		a.owners[domain] = owner
	}
	if lines != nil && lines[domain] == 0 {
		lines[domain] = at.Line
	}
}

// accountsFile reads a CSV file with a header: the column domain and, if it
// likes, owner.
func (c *compiler) accountsFile(a *accounts, at leadloop.Position, where, name string) {
	if c.o.Files == nil {
		c.Add(at, "%s: accounts_file: there are no files here to read %s from", where, name)
		return
	}
	data, err := fs.ReadFile(c.o.Files, name)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		c.Add(at, "%s: accounts_file: %s can't be read: %v", where, name, err)
		return
	}
	in := csv.NewReader(bytes.NewReader(data))
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		c.Add(leadloop.Position{File: name, Line: 1, Column: 1}, "%s: the file is empty; its first line names the columns domain and owner", where)
		return
	}
	var columns []string
	for _, h := range header {
		columns = append(columns, strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))))
	}
	domain, owner := slices.Index(columns, "domain"), slices.Index(columns, "owner")
	if err == nil && domain < 0 {
		c.AddHint(leadloop.Position{File: name, Line: 1, Column: 1}, "a line of data is no header", "%s: the first line names no column domain", where)
		return
	}
	a.owned = owner >= 0
	lines, reps := map[string]int{}, c.r.repNames()
	told, more := len(c.Problems), 0
	add := func(pos leadloop.Position, row []string) {
		if domain >= len(row) {
			c.Add(pos, "%s: the line has no domain", where)
			return
		}
		var id leadloop.RepID
		if owner >= 0 && owner < len(row) {
			id = leadloop.RepID(strings.TrimSpace(row[owner]))
		}
		if id != "" {
			if _, ok := slices.BinarySearch(reps, string(id)); !ok {
				c.known(pos, where+": owner", "rep", string(id), reps)
				return
			}
		}
		c.account(a, pos, where, strings.Clone(row[domain]), id, lines)
	}
	for err == nil {
		var row []string
		if row, err = in.Read(); err != nil {
			break
		}
		line, _ := in.FieldPos(0)
		pos := leadloop.Position{File: name, Line: line, Column: 1}
		if len(a.owners) >= maxAccounts {
			c.Add(pos, "%s: more than %d accounts: this line and those behind it were not read", where, maxAccounts)
			return
		}
		before := len(c.Problems)
		if add(pos, row); len(c.Problems) > before && before-told >= maxBadLines {
			c.Problems, more = c.Problems[:before], more+1
		}
	}
	if more > 0 {
		c.Add(leadloop.Position{File: name, Line: 1, Column: 1}, "%s: %d more lines are wrong like these", where, more)
	}
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		c.Add(leadloop.Position{File: name, Line: syntax.Line, Column: syntax.Column}, "%s: not valid CSV: %v", where, syntax.Err)
	case !errors.Is(err, io.EOF):
		c.Add(at, "%s: accounts_file: %s can't be read: %v", where, name, err)
	}
}

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match"
)

// place is where a file has the values of one of our columns: the column itself, -1 if it is not there, and those whose values are put behind its own.
type place struct {
	column int
	with   []int
}

// cell returns the value of a row.
func (p place) cell(cells []string) string {
	var v string
	if p.column >= 0 {
		v = cells[p.column]
	}
	for _, k := range p.with {
		v = strings.TrimSpace(v + " " + cells[k])
	}
	return v
}

// places returns where each of our columns is in a file. A file that is linked may lack some, which is said once: they are empty in it.
func (t *dedupeTable) places(number int, header []string) ([]place, error) {
	places := make([]place, len(t.header))
	used := make([]bool, len(header))
	found, lacks := 0, []string(nil)
	for i, h := range t.header {
		p := place{column: slices.Index(header, h)}
		for _, other := range t.also[h] {
			if p.column < 0 {
				p.column = slices.Index(header, other)
			}
		}
		for _, name := range t.with[h] {
			if k := slices.Index(header, name); k >= 0 {
				p.with, used[k] = append(p.with, k), true
			}
		}
		places[i] = p
		if p.column >= 0 {
			used[p.column] = true
		}
		switch compared := t.compared == nil || t.compared[h]; {
		case p.column >= 0 && compared:
			found++
		case p.column < 0 && (compared && !t.behind(h) || t.needed[h]):
			lacks = append(lacks, h)
		}
	}
	if len(lacks) == 0 {
		return places, nil
	}
	said := fmt.Sprintf("%s: no column %q, which %s has; it has %s", t.files[number], lacks[0], t.files[0], strings.Join(header, ", "))
	if !t.link && len(t.files) > 1 {
		said += "; if they are lists of their own that are to be compared, say --link"
	}
	if !t.link || found == 0 || slices.ContainsFunc(lacks, func(h string) bool { return t.needed[h] }) {
		return nil, errors.New(said)
	}
	if !t.counted {
		var left []string
		for k, name := range header {
			if !used[k] {
				left = append(left, name)
			}
		}
		also, rest := "NAME", ""
		if len(left) > 0 {
			also, rest = strconv.Quote(left[0]), " Not used of it: "+strings.Join(left, ", ")+"."
		}
		t.s.say("%s has no column for %s of %s; it counts as empty there.%s If one has another name, the configuration says so: {column: %q, also: [%s], …}",
			t.files[number], strings.Join(lacks, ", "), t.files[0], rest, lacks[0], also)
	}
	return places, nil
}

// behind reports whether the values of a column are put behind those of another one.
func (t *dedupeTable) behind(column string) bool {
	for _, names := range t.with {
		if slices.Contains(names, column) {
			return true
		}
	}
	return false
}

// need says which columns are compared and under which other names files have them, and which every file must have.
func (t *dedupeTable) need(file dedupe.MatchFile, must ...string) {
	t.also, t.with, t.compared = map[string][]string{}, map[string][]string{}, map[string]bool{}
	for _, x := range file.Columns {
		t.also[x.Column], t.compared[x.Column] = x.Also, x.Kind != string(match.KindIgnore)
		if len(x.With) > 0 {
			t.with[x.Column] = x.With
		}
	}
	for _, name := range must {
		t.needed[name] = name != ""
	}
}

// alignRows is how many rows of each file columns are compared by.
const alignRows = 1000

// align finds out which columns of other files are those of the first although they have other names: those that are alone in being of their kind, and
// a given and a family name that the other has as one. What a file has nothing of is empty in it.
func (t *dedupeTable) align() error {
	t.also, t.with = map[string][]string{}, map[string][]string{}
	var first map[string]match.Kind
	var id string
	whole := map[string]string{} // columns that hold whole names, and those of family names behind them
	for number := 1; number < len(t.files); number++ {
		header, kinds, otherID, err := t.kindsOf(number)
		if err != nil {
			return err
		}
		missing, extra := without(t.header, header), without(header, t.header)
		if len(missing) == 0 {
			continue
		}
		if first == nil {
			if _, first, id, err = t.kindsOf(0); err != nil {
				return err
			}
		}
		pair := func(ours, theirs string) {
			if !slices.Contains(t.also[ours], theirs) {
				t.also[ours] = append(t.also[ours], theirs)
			}
		}
		for _, h := range missing {
			theirs := only(extra, kinds, first[h])
			switch k := first[h]; {
			case h == id && slices.Contains(extra, otherID):
				pair(h, otherID)
			case theirs != "" && only(missing, first, k) != "" && k != match.KindText && k != match.KindNumber && k != match.KindIgnore:
				pair(h, theirs)
			}
		}
		name, given, family := only(missing, first, match.KindPersonName), only(extra, kinds, match.KindGivenName), only(extra, kinds, match.KindFamilyName)
		if name != "" && given != "" && family != "" && only(extra, kinds, match.KindPersonName) == "" {
			pair(name, given)
			t.with[name] = append(t.with[name], family)
		}
		name, given, family = only(extra, kinds, match.KindPersonName), only(missing, first, match.KindGivenName), only(missing, first, match.KindFamilyName)
		if name != "" && given != "" && family != "" {
			pair(given, name)
			whole[given] = family
		}
	}
	for given, family := range whole {
		t.with[given] = append([]string{family}, t.also[family]...)
		delete(t.also, family)
	}
	return nil
}

// only returns the one of some columns that is of a kind, "" if there is none or there are several.
func only(names []string, kinds map[string]match.Kind, k match.Kind) (found string) {
	for _, name := range names {
		if kinds[name] == k {
			if found != "" {
				return ""
			}
			found = name
		}
	}
	return found
}

// headless holds if what should be the names of columns looks like a row: an address among them, or numbers mostly.
func headless(header []string) bool {
	numbers := 0
	for _, h := range header {
		if at := strings.IndexByte(h, '@'); at > 0 && strings.IndexByte(h[at:], '.') > 0 {
			return true
		}
		if h != "" && strings.Trim(h, "0123456789+-/.() ") == "" {
			numbers++
		}
	}
	return 2*numbers > len(header)
}

// without are the names that others do not have.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// kindsOf guesses what the columns of one file are, and which is the id, "" if none is.
func (t *dedupeTable) kindsOf(number int) (header []string, kinds map[string]match.Kind, id string, err error) {
	var rows [][]string
	err = t.open(number, nil, func(in *capture.Table) error {
		header = in.Header()
		for len(rows) < alignRows {
			r, err := in.Next()
			var reject *capture.Reject
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case errors.As(err, &reject):
				continue
			case err != nil:
				return fmt.Errorf("%s: %w", t.files[number], err)
			}
			rows = append(rows, slices.Clone(r.Cells))
		}
		return nil
	})
	kinds = kindsByName(header, rows)
	id = rowIDColumn(header, func(column string) bool {
		k, seen := slices.Index(header, column), map[string]bool{}
		for _, row := range rows {
			seen[row[k]] = true
		}
		return kinds[column] == match.KindIgnore && len(seen) == len(rows)
	})
	return header, kinds, id, err
}

// rowIDColumn is the column that names rows, of those that may, as they are not compared and have another value in every row: one that is called so, or else the
// first of the table. It is "" if there is none.
func rowIDColumn(header []string, may func(column string) bool) (id string) {
	for i, h := range header {
		if may(h) && (calledID(h) || i == 0) && !calledID(id) {
			id = h
		}
	}
	return id
}

// calledID holds for "id", "lead_id" and "Record ID", and for "contactId".
func calledID(column string) bool {
	before, ok := strings.CutSuffix(strings.ToLower(column), "id")
	return ok && (before == "" || strings.HasSuffix(before, "_") || strings.HasSuffix(before, " ") || strings.HasSuffix(column, "Id"))
}

func kindsByName(header []string, rows [][]string) map[string]match.Kind {
	kinds := map[string]match.Kind{}
	for i, f := range match.Guess(header, rows) {
		kinds[header[i]] = f.Kind
	}
	return kinds
}

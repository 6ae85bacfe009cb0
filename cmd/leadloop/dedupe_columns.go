package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match"
)

// places returns where each of our columns is in a file, -1 where it is not. A file that is linked may lack some, which is said once: they are empty in
// it.
func (t *dedupeTable) places(number int, header []string) ([]int, error) {
	place := make([]int, len(t.header))
	found, lacks := 0, []string(nil)
	for i, h := range t.header {
		place[i] = slices.Index(header, h)
		for _, other := range t.also[h] {
			if place[i] < 0 {
				place[i] = slices.Index(header, other)
			}
		}
		switch compared := t.compared == nil || t.compared[h]; {
		case place[i] >= 0 && compared:
			found++
		case place[i] < 0 && (compared || t.needed[h]):
			lacks = append(lacks, h)
		}
	}
	if len(lacks) == 0 {
		return place, nil
	}
	said := fmt.Sprintf("%s: no column %q, which %s has; it has %s", t.files[number], lacks[0], t.files[0], strings.Join(header, ", "))
	if !t.link || found == 0 || slices.ContainsFunc(lacks, func(h string) bool { return t.needed[h] }) {
		return nil, errors.New(said)
	}
	if !t.counted {
		t.s.say("%s: empty for want of such a column: %s. If it has another name, the configuration says it: {column: %q, also: [NAME], …}",
			t.files[number], strings.Join(lacks, ", "), lacks[0])
	}
	return place, nil
}

// need says which columns are compared and under which other names files have them, and which every file must have.
func (t *dedupeTable) need(file dedupe.MatchFile, must ...string) {
	t.also, t.compared = map[string][]string{}, map[string]bool{}
	for _, x := range file.Columns {
		t.also[x.Column], t.compared[x.Column] = x.Also, x.Kind != string(match.KindIgnore)
	}
	for _, name := range must {
		t.needed[name] = name != ""
	}
}

// alignRows is how many rows of each file columns are compared by.
const alignRows = 1000

// align finds out which columns of other files are those of the first although they have other names: those that are alone in being of their kind.
// What a file has nothing of is empty in it.
func (t *dedupeTable) align() error {
	t.also = map[string][]string{}
	var first map[string]match.Kind
	for number := 1; number < len(t.files); number++ {
		header, kinds, err := t.kindsOf(number)
		if err != nil {
			return err
		}
		missing, extra := without(t.header, header), without(header, t.header)
		if len(missing) == 0 {
			continue
		}
		if first == nil {
			if _, first, err = t.kindsOf(0); err != nil {
				return err
			}
		}
		for _, h := range missing {
			same := func(kinds map[string]match.Kind) func(string) bool {
				return func(name string) bool { return kinds[name] != first[h] }
			}
			ours, theirs := slices.DeleteFunc(slices.Clone(missing), same(first)), slices.DeleteFunc(slices.Clone(extra), same(kinds))
			if len(ours) == 1 && len(theirs) == 1 && first[h] != match.KindText && first[h] != match.KindNumber {
				if !slices.Contains(t.also[h], theirs[0]) {
					t.also[h] = append(t.also[h], theirs[0])
				}
			}
		}
	}
	return nil
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

// kindsOf guesses what the columns of one file are.
func (t *dedupeTable) kindsOf(number int) (header []string, kinds map[string]match.Kind, err error) {
	err = t.open(number, nil, func(in *capture.Table) error {
		header = in.Header()
		var rows [][]string
		for len(rows) < alignRows {
			r, err := in.Next()
			var reject *capture.Reject
			switch {
			case errors.Is(err, io.EOF):
				kinds = kindsByName(header, rows)
				return nil
			case errors.As(err, &reject):
				continue
			case err != nil:
				return fmt.Errorf("%s: %w", t.files[number], err)
			}
			rows = append(rows, slices.Clone(r.Cells))
		}
		kinds = kindsByName(header, rows)
		return nil
	})
	return header, kinds, err
}

func kindsByName(header []string, rows [][]string) map[string]match.Kind {
	kinds := map[string]match.Kind{}
	for i, f := range match.Guess(header, rows) {
		kinds[header[i]] = f.Kind
	}
	return kinds
}

package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop/dedupe"
)

// truthLabels are what the column of --truth says of each row.
type truthLabels struct {
	at     int // the column
	part   *regexp.Regexp
	seen   map[string]string // each label is kept once
	labels []string
}

// labels returns what reads the column of --truth, nil if there is none.
func (c *dedupeCmd) labels(t *dedupeTable) (*truthLabels, error) {
	if c.Truth == "" {
		return nil, nil
	}
	var part *regexp.Regexp
	if c.TruthOf != "" {
		var err error
		if part, err = regexp.Compile(c.TruthOf); err != nil {
			return nil, fmt.Errorf("--truth-match: %w", err)
		}
		if part.NumSubexp() == 0 {
			return nil, errors.New("--truth-match: it has no group (...) to take")
		}
	}
	return &truthLabels{at: t.column(c.Truth), part: part, seen: map[string]string{}}, nil
}

// add takes the label of a row, by where it is.
func (l *truthLabels) add(cells []string, where func() string) error {
	label := strings.TrimSpace(cells[l.at])
	if l.part != nil {
		found := l.part.FindStringSubmatch(label)
		if found == nil {
			return fmt.Errorf("%s: --truth-match does not match the column of --truth", where())
		}
		label = found[1]
	}
	if label == "" {
		l.labels = append(l.labels, fmt.Sprintf("\x00%d", len(l.labels))) // unknown: a row by itself
		return nil
	}
	kept, ok := l.seen[label]
	if !ok {
		kept = strings.Clone(label)
		l.seen[kept] = kept
	}
	l.labels = append(l.labels, kept)
	return nil
}

// truth returns a label for each row, nil if nothing is known.
func (c *dedupeCmd) truth(t *dedupeTable, file dedupe.MatchFile, labels *truthLabels) ([]string, error) {
	if c.TruthIn != "" {
		return t.truthPairs(c.TruthIn, file, c.Link)
	}
	if labels == nil {
		return nil, nil
	}
	return labels.labels, nil
}

// truthPairs unites rows by pairs of ids. Where two files are linked, the first
// id is of the first file and the second of the second.
func (t *dedupeTable) truthPairs(name string, file dedupe.MatchFile, link bool) (labels []string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--truth-pairs: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(strings.NewReader(string(text)))
	r.FieldsPerRecord = -1
	first, _, _ := strings.Cut(string(text), "\n")
	for _, comma := range []rune{'|', ';', '\t', '%'} {
		if strings.ContainsRune(first, comma) {
			r.Comma = comma
		}
	}
	pairs, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	number := map[string]int{}
	for i := range t.count {
		id := strconv.Itoa(i + 1)
		if file.ID != "" {
			id = t.ids[i]
		}
		number[fmt.Sprintf("%d:%s", t.side(i, link), id)] = i
	}
	parent := make([]int, t.count)
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	second := 0
	if link {
		second = 1
	}
	for n, p := range pairs {
		if len(p) < 2 {
			return nil, fmt.Errorf("%s: row %d has one column; expected two ids", name, n+1)
		}
		a, okA := number["0:"+strings.TrimSpace(p[0])]
		b, okB := number[fmt.Sprintf("%d:%s", second, strings.TrimSpace(p[1]))]
		if !okA || !okB {
			if n == 0 {
				continue // a header
			}
			return nil, fmt.Errorf("%s: row %d: no row has the id %q or %q; which column has the ids is said by id in the configuration", name, n+1, p[0], p[1])
		}
		parent[root(a)] = root(b)
	}
	for i := range t.count {
		labels = append(labels, strconv.Itoa(root(i)))
	}
	return labels, nil
}

// side is the file of a row for the names of rows in pairs.
func (t *dedupeTable) side(i int, link bool) int {
	if !link {
		return 0
	}
	return t.fileOf(i)
}

package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match"
)

// summary is what a run of dedupe came to.
type summary struct {
	Rows       int            `json:"rows"`
	Rejected   int            `json:"rejected"`
	Clusters   int            `json:"clusters"`
	Duplicates int            `json:"duplicates"` // rows beyond the first of their cluster
	Largest    int            `json:"largest_cluster"`
	Auto       int            `json:"pairs_sure"`
	Review     int            `json:"pairs_to_review"`
	Unlinkable int            `json:"unlinkable"`
	Splits     map[string]int `json:"splits,omitempty"`
	Model      string         `json:"model"`
	Learnt     bool           `json:"learnt"`
	Report     match.Report   `json:"learning"`
	Quality    *quality       `json:"quality,omitempty"`
	Seconds    float64        `json:"seconds"`
}

func summarise(t *dedupeTable, m *match.Model, r *match.Result, truth []string) summary {
	s := summary{
		Rows: t.count, Rejected: len(t.rejects), Clusters: r.Clusters, Duplicates: t.count - r.Clusters, Largest: r.Largest,
		Model: m.Digest(), Report: m.Report(), Quality: judge(truth, r), Splits: map[string]int{},
	}
	for _, p := range r.Pairs {
		switch p.Verdict {
		case match.VerdictAuto:
			s.Auto++
		case match.VerdictReview:
			s.Review++
		}
	}
	for _, x := range r.Splits {
		s.Splits[x.Reason]++
	}
	for _, x := range r.Rows {
		if x.Unlinkable {
			s.Unlinkable++
		}
	}
	return s
}

// String is the summary for people.
func (s summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s (the largest has %s): %s %s one with an earlier row.\n",
		plural(s.Rows, "row"), plural(s.Clusters, "cluster"), plural(s.Largest, "row"), thousands(int64(s.Duplicates)), are(s.Duplicates))
	fmt.Fprintf(&b, "Pairs of rows that differ: %s sure, %s worth a look.", thousands(int64(s.Auto)), thousands(int64(s.Review)))
	if s.Unlinkable > 0 {
		fmt.Fprintf(&b, " %s with too little to be recognised by.", plural(s.Unlinkable, "row"))
	}
	b.WriteString("\n")
	if len(s.Splits) > 0 {
		var parts []string
		for _, reason := range []string{match.SplitAverage, match.SplitSize, match.SplitUnique, match.SplitHuman, match.SplitSource} {
			if n := s.Splits[reason]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s because %s", thousands(int64(n)), reason))
			}
		}
		if s.Splits[match.SplitSource]*50 > s.Rows {
			parts[len(parts)-1] += " (if one may have several, configure mode: many_to_one or across)"
		}
		fmt.Fprintf(&b, "Kept apart although a pair spoke for joining: %s.\n", strings.Join(parts, "; "))
	}
	for _, w := range s.Report.Warnings {
		fmt.Fprintf(&b, "Note: %s\n", w)
	}
	if q := s.Quality; q != nil {
		fmt.Fprintf(&b, "Against the truth (%s): precision %.4f, recall %.4f, F1 %.4f, B³ %.4f.\n",
			plural(int(q.TruePairs), "true pair"), q.Precision, q.Recall, q.F1, q.BCubed)
	}
	fmt.Fprintf(&b, "Model %.12s, %.1f s.", s.Model, s.Seconds)
	return b.String()
}

// write writes the files that were asked for, all at once. Each is complete or not there.
func (c *dedupeCmd) write(ctx context.Context, t *dedupeTable, file dedupe.MatchFile, m *match.Model, r *match.Result, sum summary, s streams) error {
	clusters := func(w io.Writer) error { return t.writeClusters(w, file, r) }
	var wg sync.WaitGroup
	errs := make([]error, 2)
	if c.Pairs != "" {
		wg.Go(func() {
			errs[0] = writeFile(c.Pairs, private, func(w io.Writer) error { return t.writePairs(w, file, r) })
		})
	}
	if c.Report != "" {
		wg.Go(func() {
			errs[1] = writeFile(c.Report, private, func(w io.Writer) error { return writeReport(ctx, w, t, file, m, r, sum) })
		})
	}
	var err error
	if c.Out == "" {
		err = clusters(s.out)
	} else {
		err = writeFile(c.Out, private, clusters)
	}
	wg.Wait()
	return errors.Join(append(errs, err)...)
}

func (t *dedupeTable) writeClusters(w io.Writer, file dedupe.MatchFile, r *match.Result) error {
	out := csv.NewWriter(w)
	header := []string{"row", "cluster", "probability"}
	if file.ID != "" {
		header = append(header, "id")
	}
	if len(t.files) > 1 {
		header = append(header, "file")
	}
	if err := out.Write(header); err != nil {
		return err
	}
	var line []string
	for i, m := range r.Rows {
		// A cluster is named by the number of its first row.
		line := append(line[:0], strconv.Itoa(i+1), strconv.Itoa(r.First[i]+1), probability(m.Probability))
		if file.ID != "" {
			line = append(line, t.idIn(m.ID))
		}
		if len(t.files) > 1 {
			line = append(line, t.files[t.fileOf(i)])
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// probability writes enough digits to tell the sure from the nearly sure.
func probability(p float64) string { return strconv.FormatFloat(p, 'g', 6, 64) }

// writePairs writes the pairs, with a column for what somebody says of them: filled in, the file can be given as decisions.
func (t *dedupeTable) writePairs(w io.Writer, file dedupe.MatchFile, r *match.Result) error {
	out := csv.NewWriter(w)
	header := []string{"row_a", "row_b", "probability", "weight", "verdict", "joined", "same"}
	if file.ID != "" {
		header = append(header, "id_a", "id_b")
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for _, p := range r.Pairs {
		a, b := min(p.A, p.B), max(p.A, p.B)
		line := []string{
			strconv.Itoa(a + 1), strconv.Itoa(b + 1), probability(p.Probability), strconv.FormatFloat(p.Weight, 'f', 2, 64), string(p.Verdict), strconv.FormatBool(p.Joined), "",
		}
		if file.ID != "" {
			line = append(line, t.idIn(r.Rows[a].ID), t.idIn(r.Rows[b].ID))
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// idIn is what stands in the id column of a row, see idOf.
func (t *dedupeTable) idIn(name string) string {
	if len(t.files) > 1 {
		_, name, _ = strings.Cut(name, ":")
	}
	return name
}

// largest returns the rows of the largest clusters, those of one row left out.
func largest(r *match.Result, n int) [][]int {
	sizes := make([]int, len(r.Rows)) // by first row
	for _, first := range r.First {
		sizes[first]++
	}
	var order []int
	for first, size := range sizes {
		at := len(order)
		for at > 0 && sizes[order[at-1]] < size {
			at--
		}
		if size > 1 && at < n {
			order = slices.Insert(order[:min(len(order), n-1)], at, first)
		}
	}
	out := make([][]int, len(order))
	for i, first := range r.First {
		if at := slices.Index(order, first); at >= 0 {
			out[at] = append(out[at], i)
		}
	}
	return out
}

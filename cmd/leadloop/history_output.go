package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leadloop/leadloop/tracking/backfill"
)

// text is what came of an import, to be read aloud.
func (c *historyImportCmd) text(res *imported) string {
	var b strings.Builder
	fmt.Fprintf(&b, "History  %s: %s, each %s\n", c.In, plural(res.Rows, "row"), map[string]string{"events": "an event", "deals": "a deal", "leads": "a lead"}[res.Shape])
	for _, j := range res.Joined {
		fmt.Fprintf(&b, "Joined   %s on %s", j.File, j.On)
		if len(j.Mended) > 0 {
			fmt.Fprintf(&b, "; spelt otherwise and taken for the same: %s", tallied(j.Mended))
		}
		if len(j.Missing) > 0 {
			fmt.Fprintf(&b, "; not in it: %s", tallied(j.Missing))
		}
		if j.Empty > 0 {
			fmt.Fprintf(&b, "; %s without %s", plural(j.Empty, "row"), j.On)
		}
		b.WriteString("\n")
	}
	var said, guessed, unread []string
	for _, col := range res.Columns {
		switch {
		case col.Holds == "":
			unread = append(unread, cmp.Or(col.Name, "(no name)"))
		case col.Holds == backfill.RoleIgnore:
		case col.Guessed:
			guessed = append(guessed, col.Name+" = "+col.Holds)
		default:
			said = append(said, col.Name+" = "+col.Holds)
		}
	}
	for _, part := range []struct {
		name, after string
		list        []string
	}{{"Said", "", said}, {"Guessed", " (--map COLUMN=ROLE corrects)", guessed}, {"Not read", " (--map COLUMN=attr:NAME keeps one, to group by)", unread}} {
		if len(part.list) > 0 {
			fmt.Fprintf(&b, "%-8s %s%s\n", part.name, strings.Join(part.list, ", "), part.after)
		}
	}
	fmt.Fprintf(&b, "Until    %s, the latest date of the file\n\n", res.Latest.Format("2006-01-02 15:04 MST"))
	did, would := "Imported", ""
	if res.DryRun {
		did, would = "Would import", "; nothing was written"
	}
	fmt.Fprintf(&b, "%s %s of %s: %s of %s%s.\n", did, thousands(int64(res.Imported)), plural(res.Rows, "row"), plural(res.Events, "event"), plural(res.Leads, "lead"), would)
	if res.Known > 0 {
		fmt.Fprintf(&b, "%s taken before, or there twice: nothing changed for them.\n", plural(res.Known, "row"))
	}
	if res.NoArrival > 0 {
		fmt.Fprintf(&b, "%s without an arrival: counted apart", plural(res.NoArrival, "lead"))
		if res.Shape == "events" {
			b.WriteString(" (--first-event takes the first event for it)")
		}
		b.WriteString(".\n")
	}
	if len(res.Currencies) > 1 {
		fmt.Fprintf(&b, "Amounts are in several currencies and are added up as they are: %s. Convert them first where sums matter.\n", tallied(res.Currencies))
	}
	if len(res.Notes) > 0 {
		b.WriteString("\nKept, although\n")
		for _, n := range backfill.Notes() {
			if k := res.Notes[string(n)]; k > 0 {
				fmt.Fprintf(&b, "  %s: %s\n", plural(k, "row"), n.Text())
			}
		}
		if len(res.Owners) > 0 {
			fmt.Fprintf(&b, "  owners that nobody knows: %s\n", tallied(res.Owners))
		}
	}
	return b.String()
}

// tallied names the most frequent of what was counted.
func tallied(counts map[string]int) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
	const most = 5
	var parts []string
	for _, n := range names[:min(most, len(names))] {
		parts = append(parts, fmt.Sprintf("%q in %s", n, plural(counts[n], "row")))
	}
	if more := len(names) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// writeRejects keeps the rejected rows as they were, so that they can be mended
// and imported.
func (c *historyImportCmd) writeRejects(f *rowFile, res *imported) (err error) {
	if len(res.Rejected) == 0 || c.DryRun {
		return nil
	}
	ext := filepath.Ext(c.In)
	res.RejectsFile = cmp.Or(c.Rejects, strings.TrimSuffix(filepath.Base(c.In), ext)+rejectsMark+ext)
	if a, err := filepath.Abs(res.RejectsFile); err == nil {
		if b, err := filepath.Abs(c.In); err == nil && a == b {
			return fmt.Errorf("--rejects names the file itself")
		}
	}
	out, err := createPrivate(res.RejectsFile)
	if err != nil {
		return fmt.Errorf("keep the rejected rows (--rejects names another place): %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := bufio.NewWriter(out)
	if f.raw != "" {
		_, err = w.WriteString(f.raw + "\n")
	}
	for _, r := range res.Rejected {
		if err == nil {
			_, err = w.WriteString(r.raw + "\n")
		}
	}
	return errors.Join(err, w.Flush())
}

// rest names what was rejected and gives the exit code.
func (c *historyImportCmd) rest(res *imported, s streams) error {
	name := filepath.Base(c.In)
	for i, r := range res.Rejected {
		if i == 20 {
			s.say("%s: %s more were rejected", name, plural(len(res.Rejected)-i, "row"))
			break
		}
		s.say("%s:%d: rejected: %s", name, r.Line, r)
	}
	switch {
	case len(res.Rejected) == 0:
		return nil
	case c.DryRun:
		return &exitError{exitRejects, fmt.Errorf("%s of %s would be rejected", plural(len(res.Rejected), "row"), name)}
	}
	return &exitError{exitRejects, fmt.Errorf("%s of %s rejected and kept in %s: mend them there and run again with --in %s",
		plural(len(res.Rejected), "row"), name, res.RejectsFile, res.RejectsFile)}
}

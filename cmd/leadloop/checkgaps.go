package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
)

// maxGaps bounds how many gaps are told to people; --json has all.
const maxGaps = 10

// gapLine is a gap as JSON. It is no problem: it may be meant.
type gapLine struct {
	At      leadloop.Position `json:"at"`
	Gap     string            `json:"gap"`
	Example map[string]string `json:"example"`
}

// gaps tells the leads that the chain has no place for, with an example of
// each.
func (c *checkCmd) gaps(b *strings.Builder, gaps []routing.Gap) error {
	for i := range gaps {
		if gaps[i].At.File != "" {
			gaps[i].At.File = filepath.Join(c.Dir, gaps[i].At.File)
		}
	}
	if c.JSON {
		for _, g := range gaps {
			if err := json.NewEncoder(b).Encode(gapLine{At: g.At, Gap: g.What, Example: g.Example}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(gaps) > 0 {
		b.WriteString("Leads that nobody is named for, which may be meant:\n")
	}
	for _, g := range gaps[:min(len(gaps), maxGaps)] {
		fmt.Fprintf(b, "  %s\n", g)
	}
	if more := len(gaps) - maxGaps; more > 0 {
		fmt.Fprintf(b, "  and %d more: see --json\n", more)
	}
	return nil
}

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop/playbook"
)

// unprovided names the fields that rules read and no provider offers; nothing
// if there are no providers at all.
func unprovided(demand []playbook.Demand) string {
	var fields []string
	some := false
	for _, d := range demand {
		some = some || len(d.Providers) > 0
		if len(d.Providers) == 0 {
			fields = append(fields, d.Field)
		}
	}
	if !some || len(fields) == 0 {
		return ""
	}
	return fmt.Sprintf("Rules read %s that no provider offers, so that forms and people have to tell: %s. --fields says which rules.\n",
		plural(len(fields), "field"), strings.Join(fields, ", "))
}

// fields lists who reads and who offers each field: first those that somebody
// is missing for.
func (c *checkCmd) fields(b *strings.Builder, demand []playbook.Demand) error {
	if c.JSON {
		for _, d := range demand {
			if err := json.NewEncoder(b).Encode(d); err != nil {
				return err
			}
		}
		return nil
	}
	for _, part := range []struct {
		title string
		is    func(d playbook.Demand) bool
	}{
		{"Offered, and read by nobody: never bought", func(d playbook.Demand) bool { return len(d.Readers) == 0 }},
		{"Read, and offered by nobody: forms and people have to tell", func(d playbook.Demand) bool { return len(d.Providers) == 0 }},
		{"Read and offered", func(d playbook.Demand) bool { return len(d.Readers) > 0 && len(d.Providers) > 0 }},
	} {
		var rows []table.Row
		for _, d := range demand {
			if part.is(d) {
				rows = append(rows, table.Row{d.Field, strings.Join(d.Readers, ", "), strings.Join(d.Providers, ", ")})
			}
		}
		if len(rows) > 0 {
			t := newTable(b, part.title)
			t.AppendHeader(table.Row{"field", "read by", "offered by"})
			t.AppendRows(rows)
			t.Render()
		}
	}
	return nil
}

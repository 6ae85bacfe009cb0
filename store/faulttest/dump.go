package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/leadloop/leadloop/store"
)

// Dump writes what a whole store holds, a line for each lead, journal entry,
// task, decision and ledger: what two runs of the same input must agree on.
// Numbers of journal entries, and how often and until when a task was leased,
// are left out, since a second attempt changes them.
func Dump(ctx context.Context, s store.Store) ([]string, error) {
	w, err := snapshot(ctx, s)
	if err != nil {
		return nil, err
	}
	var lines []string
	var problems []error
	add := func(what string, v any) {
		b, err := json.Marshal(v)
		problems = append(problems, err)
		lines = append(lines, what+" "+string(bytes.TrimSpace(b)))
	}
	for _, x := range w.Leads {
		add("lead", x)
	}
	for _, x := range w.Journal {
		add("event", x)
	}
	for _, x := range w.Tasks {
		add("task", x)
	}
	for _, x := range w.Decisions {
		add("decision", x)
	}
	for _, x := range w.Ledgers {
		add("ledger", x)
	}
	return lines, errors.Join(problems...)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
)

// explain prints why a lead is where it is, and what happened to it. id is
// the row's id in the leads file or a lead's.
func explain(ctx context.Context, w *strings.Builder, st store.Store, pb *playbook.Playbook, in *input, id string) error {
	var lead *leadloop.Lead
	var decisions []leadloop.Decision
	var history []leadloop.Event
	err := st.View(ctx, func(tx store.Tx) (err error) {
		lead, err = store.Resolve(ctx, tx.Leads(), in.leadID(id))
		if errors.Is(err, leadloop.ErrNotFound) {
			lead, err = store.Resolve(ctx, tx.Leads(), leadloop.LeadID(id))
		}
		if err != nil {
			return err
		}
		if decisions, err = tx.Decisions().ByLead(ctx, lead.ID); err != nil {
			return err
		}
		for e, err := range tx.Journal().ByLead(ctx, lead.ID) {
			if err != nil {
				return err
			}
			history = append(history, e)
		}
		return nil
	})
	if i := slices.IndexFunc(in.rejects, func(r refused) bool { return r.ID != "" && r.ID == id }); errors.Is(err, leadloop.ErrNotFound) && i >= 0 {
		fmt.Fprintf(w, "\n%s is no lead: line %d was rejected, because %s.\n", id, in.rejects[i].Line, in.rejects[i])
		return nil
	}
	if i := slices.IndexFunc(in.rows, func(r taken) bool { return r.id != "" && r.id == id }); errors.Is(err, leadloop.ErrNotFound) && i >= 0 {
		fmt.Fprintf(w, "\n%s is no lead yet: line %d is of %s, after the moment of the run.\n", id, in.rows[i].line, in.rows[i].submission.ReceivedAt.Format(time.RFC3339))
		return nil
	}
	if errors.Is(err, leadloop.ErrNotFound) {
		return &exitError{exitUsage, fmt.Errorf("--explain: there is no lead %q, neither in the file nor in the store", id)}
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, row := range in.rows {
		switch record := engine.RecordID(row.submission.Key); {
		case row.id == "" || row.repeats || record != lead.ID && !slices.Contains(lead.Records, record):
		case record == lead.ID:
			fmt.Fprintf(w, "%s arrived in line %d as lead %s.\n", row.id, row.line, lead.ID)
		default:
			fmt.Fprintf(w, "%s, line %d, was found to be the same and became part of lead %s.\n", row.id, row.line, lead.ID)
		}
	}
	if err := pb.Explain(w, lead, decisions...); err != nil {
		return err
	}
	writeHistory(w, history)
	return nil
}

// writeHistory writes what happened to a lead, in the order of time; the journal
// is in that in which things became known.
func writeHistory(w *strings.Builder, history []leadloop.Event) {
	fmt.Fprintln(w, "\nHISTORY")
	for _, e := range slices.SortedStableFunc(slices.Values(history), func(a, b leadloop.Event) int { return a.At.Compare(b.At) }) {
		if e.Kind != leadloop.EventState { // what the others say, for programs
			fmt.Fprintf(w, "  %s  %s\n", e.At.UTC().Format("2006-01-02 15:04"), sentence(e))
		}
	}
}

// sentence says an event in words.
func sentence(e leadloop.Event) string {
	s := words(string(e.Kind))
	switch e.Kind {
	case leadloop.EventActivity:
		s = words(e.To)
		if e.Actor != "" {
			s += " by " + e.Actor
		}
		return s
	case leadloop.EventEnriched, leadloop.EventProviderFailed:
		s += " by " + e.Attrs["provider"]
	case leadloop.EventScored:
		return s + " " + e.Attrs["points"]
	case leadloop.EventEscalated:
		return s + ": " + e.To + " was told"
	case leadloop.EventSLAStarted:
		s += " " + e.Attrs["policy"]
	case leadloop.EventSubmission:
		s = "another submission"
	}
	switch {
	case e.From != "" && e.To != "":
		s += " from " + e.From + " to " + e.To
	case e.To != "":
		s += " " + e.To
	}
	if e.Reason != "" {
		s += " (" + words(e.Reason) + ")"
	}
	return s
}

func words(code string) string {
	return strings.NewReplacer("_", " ", ":", " ", "sla", "SLA").Replace(code)
}

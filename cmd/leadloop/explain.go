package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
)

// explain prints why a lead is where it is, and what happened to it. id is
// the row's id in the leads file or a lead's.
func explain(ctx context.Context, w io.Writer, st store.Store, pb *playbook.Playbook, in *input, id string) error {
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
	if errors.Is(err, leadloop.ErrNotFound) {
		return &exitError{exitUsage, fmt.Errorf("--explain: there is no lead %q, neither in the file nor in the store", id)}
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := pb.Explain(w, lead, decisions...); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nHISTORY")
	for _, e := range history {
		fmt.Fprintf(w, "  %s  %s\n", e.At.UTC().Format("2006-01-02 15:04"), sentence(e))
	}
	return nil
}

// sentence says an event in words.
func sentence(e leadloop.Event) string {
	s := string(e.Kind)
	if e.Kind == leadloop.EventActivity {
		s = e.To
		if e.Actor != "" {
			s += " by " + e.Actor
		}
		return s
	}
	switch {
	case e.From != "" && e.To != "":
		s += " from " + e.From + " to " + e.To
	case e.To != "":
		s += " " + e.To
	}
	if e.Reason != "" {
		s += " (" + e.Reason + ")"
	}
	return s
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
)

type routeCmd struct {
	Playbook string `required:"" placeholder:"DIR" help:"Folder with scoring.yaml, routing.yaml and so on."`
	Lead     string `required:"" placeholder:"FILE" help:"The lead, as CSV or JSON Lines; of several rows say which with --id."`
	ID       string `name:"id" placeholder:"ID" help:"The row's id, or line:N for the one on line N of the file."`
	historyFlags

	Store   storeName `placeholder:"sqlite:PATH|postgres://…" help:"Ledgers, workloads and absences are read from here. Default: everybody is idle and nobody is owed anything."`
	Preview bool      `required:"" help:"Say who would get the lead, and write nothing: the only thing that this command does."`
}

func (c *routeCmd) Run(ctx context.Context, s streams) (err error) {
	if err := usable(c.Playbook, c.Lead); err != nil {
		return &exitError{exitUsage, errors.New(strings.Replace(err.Error(), "--leads", "--lead", 1))}
	}
	pb, err := loadSound(c.Playbook, s)
	if err != nil {
		return err
	}
	rc, in, err := c.read(c.Playbook, c.Lead, pb.Schema(), s)
	if err != nil {
		return err
	}
	if err := c.only(in); err != nil {
		return &exitError{exitUsage, err}
	}
	h, err := recordHistory(ctx, pb, rc, in, nil, s, s.err)
	if err != nil {
		return err
	}
	if len(h.failed) > 0 {
		return &exitError{exitFailed, errors.New(strings.Join(h.failed, "; "))}
	}
	var b strings.Builder
	at := -1
	for i := range h.moments {
		if h.moments[i].Kind == routing.MomentDecided && h.moments[i].Trigger == leadloop.TriggerSubmission {
			at = i
		}
	}
	switch {
	case at < 0 && h.later > 0:
		return &exitError{exitUsage, errors.New("--as-of: the lead arrives after it")}
	case at < 0:
		b.WriteString("Routing is not asked: the lead is held back before it (suppressed or disqualified).\n")
	default:
		if err := c.preview(ctx, &b, pb, h, &h.moments[at]); err != nil {
			return err
		}
	}
	_, err = io.WriteString(s.out, b.String())
	return err
}

// only leaves the row that is asked about.
func (c *routeCmd) only(in *input) error {
	if c.ID != "" {
		in.rows = slices.DeleteFunc(in.rows, func(r taken) bool { return r.id != c.ID && c.ID != fmt.Sprintf("line:%d", r.line) })
		if len(in.rows) == 0 {
			return fmt.Errorf("--id: there is no row %q in %s that can be taken; a row without an id is line:N", c.ID, c.Lead)
		}
	}
	in.rows = slices.DeleteFunc(in.rows, func(r taken) bool { return r.repeats })
	of := map[leadloop.LeadID]bool{}
	for _, r := range in.rows {
		of[engine.RecordID(r.submission.Key)] = true
	}
	in.activities = slices.DeleteFunc(in.activities, func(a activity) bool { return !of[a.lead] })
	switch len(in.rows) {
	case 0:
		return fmt.Errorf("--lead: %s has no row that can be taken", c.Lead)
	case 1:
		return nil
	}
	return fmt.Errorf("--lead: %s has %s; say which with --id, such as --id line:%d", c.Lead, plural(len(in.rows), "row"), in.rows[0].line)
}

// preview routes the lead over what the store has, and explains it line by
// line.
func (c *routeCmd) preview(ctx context.Context, w *strings.Builder, pb *playbook.Playbook, h *history, m *routing.Moment) (err error) {
	q := routing.Request{
		Lead:    &leadloop.Lead{ID: m.Lead, ReceivedAt: m.At, Activities: m.Activities, State: leadloop.State{Score: m.Score}},
		Profile: m.Profile, Account: m.Account, Contact: m.Contact, Opportunity: m.Opportunity, AsOf: m.At,
	}
	r := pb.Router()
	fmt.Fprintf(w, "Lead %s as of %s", m.Lead, m.At.UTC().Format("2006-01-02 15:04 MST"))
	if m.Score.Known {
		fmt.Fprintf(w, ", tier %s, %s points", cmp.Or(m.Score.Tier, "none"), m.Score.Points)
	} else {
		fmt.Fprint(w, ", without a score")
	}
	fmt.Fprintln(w)
	if m.Opportunity != nil {
		fmt.Fprintf(w, "It has an open opportunity, %s: its owner is told, and the chain is not asked.\n", m.Opportunity.ID)
		return nil
	}
	var a routing.Assignment
	if c.Store == "" {
		a, err = r.Route(ctx, &routing.Snapshot{CRM: h.reps}, q)
	} else {
		a, err = c.overStore(ctx, r, q)
	}
	if err != nil {
		return err
	}
	trace(w, r, a)
	return nil
}

// overStore reads ledgers, workloads and the CRM's reps from a database.
func (c *routeCmd) overStore(ctx context.Context, r *routing.Router, q routing.Request) (a routing.Assignment, err error) {
	st, err := c.Store.there(ctx)
	if err != nil {
		return a, err
	}
	err = st.View(ctx, func(tx store.Tx) (err error) {
		a, err = r.Route(ctx, routing.FromStore(tx), q)
		return err
	})
	return a, errors.Join(err, st.Close())
}

// trace prints a line for each step.
func trace(w *strings.Builder, r *routing.Router, a routing.Assignment) {
	fmt.Fprintln(w, "\nThe chain, in order:")
	lines := map[string]string{}
	for _, p := range a.Trace.Passed {
		why := "is not for it"
		if p.Because != "" {
			why += ": " + p.Because
		}
		lines[p.Entry] = fmt.Sprintf("  %-16s no      %s\n", p.Entry, why)
	}
	for i := range a.Trace.Entries {
		e := &a.Trace.Entries[i]
		one := routing.Trace{Entries: a.Trace.Entries[i : i+1], Note: " "}
		text := strings.TrimPrefix(strings.TrimSpace(r.Explain(one)), e.Entry+": ")
		word := map[routing.Verdict]string{
			routing.VerdictWon: "yes", routing.VerdictUndecided: "maybe", routing.VerdictNobody: "nobody", routing.VerdictFailed: "failed",
		}[e.Verdict]
		lines[e.Entry] = fmt.Sprintf("  %-16s %-7s %s\n", e.Entry, word, text)
	}
	for _, id := range r.Chain() {
		w.WriteString(lines[id])
	}
	if a.Trace.More > 0 {
		fmt.Fprintf(w, "  and %d more that are not for it\n", a.Trace.More)
	}
	for i := range a.Trace.Policies {
		p := &a.Trace.Policies[i]
		switch p.Verdict {
		case routing.VerdictWon:
			fmt.Fprintf(w, "  clock %-10s yes     it is for this lead\n", p.Entry)
		case routing.VerdictUndecided:
			fmt.Fprintf(w, "  clock %-10s maybe   needs %s\n", p.Entry, strings.Join(p.Needs, ", "))
		default:
			fmt.Fprintf(w, "  clock %-10s no      %s\n", p.Entry, cmp.Or(p.Because, "is not for it"))
		}
	}
	fmt.Fprintln(w)
	switch a.Kind {
	case leadloop.OutcomeAssigned:
		fmt.Fprintf(w, "It would go to %s", a.Owner)
		if a.Pool != "" {
			fmt.Fprintf(w, " of pool %s", a.Pool)
		}
	case leadloop.OutcomeQueued:
		fmt.Fprintf(w, "It would wait in %s", a.Queue)
		if !a.WakeAt.IsZero() {
			fmt.Fprintf(w, " until %s", a.WakeAt.UTC().Format("2006-01-02 15:04 MST"))
		}
	case leadloop.OutcomeNurture:
		fmt.Fprintf(w, "It would go to the track %s", a.Track)
	default:
		fmt.Fprintf(w, "%s would be told", a.Owner)
	}
	fmt.Fprintf(w, " (%s).\n", words(a.Reason))
	if !a.SLA.IsZero() {
		fmt.Fprintf(w, "A first touch is due by %s (%s).\n", a.SLA.DueAt.UTC().Format("2006-01-02 15:04 MST"), a.SLA.Policy)
	}
	if needs := a.Trace.Needs(); len(needs) > 0 {
		fmt.Fprintf(w, "What could still change that: %s.\n", strings.Join(needs, ", "))
	} else {
		fmt.Fprintln(w, "Nothing that is missing could change that.")
	}
}

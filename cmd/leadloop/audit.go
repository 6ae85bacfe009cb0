package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe/match"
	"github.com/leadloop/leadloop/scoring/learn"
)

type auditCmd struct {
	In       string            `xor:"in" required:"" placeholder:"FILE" help:"Leads with their outcome as CSV, also compressed (.gz). Open ones count where it is about change."`
	Store    storeName         `xor:"in" required:"" placeholder:"sqlite:PATH|postgres://…" help:"Audit the stored leads: the scores that they had soon after they arrived, and how their deals ended."`
	Playbook string            `type:"existingdir" placeholder:"DIR" help:"The playbook of the stored leads, or whose reps --owner names."`
	After    time.Duration     `default:"24h" help:"With --store: how long after its arrival what is known of a lead counts."`
	Outcome  string            `placeholder:"COLUMN" help:"The column that says how it ended."`
	Positive string            `placeholder:"VALUE" help:"Its value for won. Default: the usual words."`
	Negative string            `placeholder:"VALUE" help:"Its value for lost, * for every other. Default: the usual words."`
	ID       string            `name:"id" placeholder:"COLUMN" help:"The column that names the lead."`
	Time     string            `xor:"time" placeholder:"COLUMN" help:"When the lead arrived: the first half is compared with the last fifth."`
	InOrder  bool              `xor:"time" help:"The rows stand in the order of time."`
	Closed   string            `placeholder:"COLUMN" help:"When it ended, to find dates that lie after it."`
	Exclude  []string          `placeholder:"COLUMN" help:"Leave out these columns."`
	Model    string            `placeholder:"FILE" help:"The scoring.yaml to audit. Without it, and without --score, only the signals are."`
	Map      map[string]string `mapsep:"," placeholder:"COLUMN=FIELD" help:"The field of the model that a column holds."`
	Score    string            `placeholder:"COLUMN" help:"The score that the lead had at the time, instead of what the model would say now."`
	Tier     string            `placeholder:"COLUMN" help:"The tier that it had at the time."`
	Feedback string            `placeholder:"COLUMN" help:"What reps said of the lead: good, bad and the like."`
	Owner    string            `placeholder:"COLUMN" help:"Who owns the lead: with --playbook, owners who are no reps are found."`
	AsOf     string            `placeholder:"TIME" help:"The moment of the audit. Default: now."`
	Report   string            `placeholder:"FILE" help:"Where the findings are written as a page with charts."`
	JSON     bool              `help:"Print the findings as JSON."`
}

func (c *auditCmd) Run(ctx context.Context, s streams) error {
	if c.In != "" && c.Outcome == "" {
		return &exitError{exitUsage, errors.New("--outcome: say which column tells how it ended")}
	}
	if err := keepInputs([]flagFile{{"--in", c.In}, {"--model", c.Model}}, flagFile{"--report", c.Report}); err != nil {
		return &exitError{exitUsage, err}
	}
	if c.In != "" && (c.Owner == "") != (c.Playbook == "") {
		return &exitError{exitUsage, errors.New("--owner: the owners in a file are compared with the reps of a --playbook; give both or neither")}
	}
	o := learn.AuditOptions{
		Options: learn.Options{Outcome: c.Outcome, Positive: c.Positive, Negative: c.Negative, ID: c.ID, Time: c.Time, InOrder: c.InOrder, Closed: c.Closed, Exclude: c.Exclude},
		Score:   c.Score, Tier: c.Tier, Feedback: c.Feedback, Owner: c.Owner, AsOf: time.Now().UTC(),
	}
	var err error
	if c.AsOf != "" {
		if o.AsOf, err = leadloop.ParseTime(c.AsOf); err != nil {
			return &exitError{exitUsage, fmt.Errorf("--as-of: %w", err)}
		}
	}
	src, err := c.source(ctx, &o)
	if err != nil {
		return err
	}
	if c.Model != "" {
		if c.Store != "" {
			return &exitError{exitUsage, errors.New("--model: stored leads have the scores of their playbook; rows of a file can be scored by a model")}
		}
		if o.Definition, o.Model, err = readModel(c.Model); err != nil {
			return &exitError{exitUsage, err}
		}
		t, err := newTableLeads(ctx, src, o.Definition, o.Model, c.Map, o.AsOf)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		if t.id, err = idColumn(src.header, c.ID); err != nil {
			return &exitError{exitUsage, err}
		}
		o.Leads = t.leads
	}
	show, done := steps(s.err)
	defer done()
	if show != nil {
		o.Progress = func(p learn.Progress) {
			if p.Total == 0 {
				show(src.progress(p.Step))
				return
			}
			show(match.Progress{Step: p.Step, Done: p.Done, Total: p.Total})
		}
	}
	a, err := learn.RunAudit(ctx, src, o)
	done()
	var input *learn.InputError
	var refused *learn.RefusedError
	if errors.As(err, &input) || errors.As(err, &refused) {
		return &exitError{exitUsage, errors.Join(err, src.rejected(s))}
	}
	if err != nil {
		return err
	}
	if c.Report != "" {
		if err := writeFile(c.Report, shared, func(w io.Writer) error { return writeAuditPage(w, src.name, a) }); err != nil {
			return fmt.Errorf("--report: %w", err)
		}
	}
	if c.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(a); err != nil {
			return err
		}
	} else if _, err := io.WriteString(s.out, auditText(src.name, a)); err != nil {
		return err
	}
	return src.rejected(s)
}

// source opens the table, or makes one of the stored leads.
func (c *auditCmd) source(ctx context.Context, o *learn.AuditOptions) (*csvSource, error) {
	if c.Store == "" {
		src, err := openCSV(c.In)
		if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		if c.Owner != "" {
			if o.Reps, err = repsOf(c.Playbook); err != nil {
				return nil, err
			}
		}
		return src, nil
	}
	stored, err := openStored(ctx, c.Store, c.Playbook, c.After, &o.Options)
	if err != nil {
		return nil, err
	}
	// What modifiers are in force and what points stand for is the playbook's.
	o.Definition, o.Reps = stored.scoring, stored.reps
	o.Score, o.Tier, o.Feedback, o.Owner = storedScore, storedTier, storedFeedback, storedOwner
	return &csvSource{name: c.Store.String(), header: stored.rows.Header, memory: &stored.rows}, nil
}

// auditText is an audit for people.
func auditText(in string, a *learn.Audit) string {
	var w strings.Builder
	t := a.Table
	fmt.Fprintf(&w, "%s of %s: %s won, %s lost, %s open.\n", plural(t.Rows, "row"), in, thousands(int64(t.Won)), thousands(int64(t.Lost)), thousands(int64(t.Open)))
	if a.Before != nil {
		fmt.Fprintf(&w, "Compared are the first half (%s rows, %.1f %% won) and the last fifth (%s rows, %.1f %% won).\n",
			thousands(int64(a.Before.Rows)), 100*a.Before.Rate.Value, thousands(int64(a.Recent.Rows)), 100*a.Recent.Rate.Value)
	}
	for _, n := range t.Notes {
		fmt.Fprintf(&w, "Note: %s.\n", n)
	}
	counts := map[learn.Level]int{}
	for _, f := range a.Findings {
		counts[f.Level]++
	}
	fmt.Fprintf(&w, "%s, %d to watch, %d that the data are too few to tell, %d fine.\n\n", plural(counts[learn.LevelAlarm], "alarm"), counts[learn.LevelWatch], counts[learn.LevelUnknown], counts[learn.LevelFine])
	for _, f := range a.Findings {
		fmt.Fprintf(&w, "%-7s %s\n        %s.\n", strings.ToUpper(string(f.Level)), question(f), f.Says)
		if v := valueText(f); v != "" {
			fmt.Fprintf(&w, "        %s\n", v)
		}
		if f.Proposal != "" {
			fmt.Fprintf(&w, "        → %s.\n", f.Proposal)
		}
	}
	if a.Before != nil {
		tab := newTable(&w, "How far signals moved from the first half to the last fifth")
		tab.AppendHeader(table.Row{"signal", "PSI", "by chance", "", "what moved most"})
		for _, d := range a.Signals {
			moved := ""
			if len(d.Moved) > 0 {
				moved = fmt.Sprintf("%s: %.0f %% → %.0f %%", shorten(d.Moved[0].Value), 100*d.Moved[0].Before, 100*d.Moved[0].Recent)
			}
			tab.AppendRow(table.Row{d.Signal, fmt.Sprintf("%.3f", d.PSI), fmt.Sprintf("%.3f", d.Expected), string(d.Level), moved})
		}
		tab.Render()
		fmt.Fprintln(&w, "PSI: 0.1 is worth a look, 0.25 a large shift; both only if chance would hardly give as much.")
	}
	if a.Quality != nil {
		fmt.Fprintln(&w, "\nThe scores of all leads that ended:")
		qualityText(&w, a.Quality)
	}
	if len(a.Misjudged) > 0 {
		tab := newTable(&w, "Misjudged most: look at these with whoever worked them")
		tab.AppendHeader(table.Row{"row", "id", "score", "tier", "ended", "feedback"})
		for _, m := range a.Misjudged {
			tab.AppendRow(table.Row{m.Row, m.ID, fmt.Sprintf("%.6g", m.Score), m.Tier, m.Ended, m.Feedback})
		}
		tab.Render()
	}
	return w.String()
}

// question is the check of a finding as a sentence.
func question(f learn.Finding) string {
	q := strings.ToUpper(f.Check[:1]) + f.Check[1:] + "?"
	if f.Subject != "" {
		return f.Subject + ": " + q
	}
	return q
}

// valueText writes the figure of a finding beside its threshold.
func valueText(f learn.Finding) string {
	if f.Value == nil || f.Threshold == nil {
		return ""
	}
	if f.Value.Low == f.Value.High {
		return fmt.Sprintf("%.4g (counted), threshold %.4g", f.Value.Value, *f.Threshold)
	}
	return fmt.Sprintf("%.4g (95 %% interval %.4g to %.4g), threshold %.4g", f.Value.Value, f.Value.Low, f.Value.High, *f.Threshold)
}

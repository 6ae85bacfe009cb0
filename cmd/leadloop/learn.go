package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/leadloop/leadloop/dedupe/match"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/scoring/learn"
)

type learnCmd struct {
	In       string            `xor:"in" placeholder:"FILE" help:"A table of leads as CSV, also compressed (.gz). Rows without an outcome are left out."`
	Store    storeName         `xor:"in" placeholder:"sqlite:PATH|postgres://…" help:"Learn from stored leads whose deals were won or lost, each as it was known soon after it arrived."`
	Playbook string            `type:"existingdir" placeholder:"DIR" help:"The playbook of the stored leads; its scoring.yaml is taken for --like."`
	After    time.Duration     `default:"24h" help:"With --store: how long after its arrival what is known of a lead counts."`
	Outcome  string            `placeholder:"COLUMN" help:"The column that says how it ended."`
	Positive string            `placeholder:"VALUE" help:"Its value for won. Default: the usual words, such as yes, 1, true and won."`
	Negative string            `placeholder:"VALUE" help:"Its value for lost, * for every other. Default: the usual words; others are asked about, or lost if --positive says what is won."`
	ID       string            `name:"id" placeholder:"COLUMN" help:"The column that names the lead: it decides which rows are held out. Default: the row number, from 0."`
	Time     string            `xor:"time" placeholder:"COLUMN" help:"When the lead arrived: about the last fifth is held out."`
	InOrder  bool              `xor:"time" help:"The rows stand in the order of time: the last fifth is held out."`
	Closed   string            `placeholder:"COLUMN" help:"When it ended, to find dates that lie after it."`
	Exclude  []string          `placeholder:"COLUMN" help:"Leave out these columns."`
	Include  []string          `placeholder:"COLUMN" help:"Keep these columns although the audit would leave them out."`
	Map      map[string]string `mapsep:"," placeholder:"COLUMN=FIELD" help:"The field that rules read a column by, such as company.employees. Default: lead. and the column's name."`
	Group    map[string]string `mapsep:"," placeholder:"COLUMN=GROUP" help:"The group of the model that a column adds to. Default: intent for what sounds like a behaviour, else fit."`
	Like     string            `placeholder:"FILE" help:"A scoring.yaml whose name, next version, groups and tiers the model takes."`
	Name     string            `placeholder:"NAME" help:"The name of the model. Default: that of --like, else learned."`

	MinClosed int `default:"100" help:"Refuse to learn from fewer leads that have ended."`
	MinMonths int `default:"6" help:"Refuse to learn from a shorter time, if --time tells it."`

	Counts string `placeholder:"FILE" help:"Keep what was counted here, so that rows can be added and forgotten without the others."`
	Add    string `xor:"in" placeholder:"FILE" help:"Read --counts instead of a table, and add these rows."`
	Forget string `xor:"in" placeholder:"FILE" help:"Read --counts instead of a table, and take these rows out again, as if they had never been there. Needs counts that were made with --id."`

	Out    string `placeholder:"FILE" help:"Where the model is written. Without it only the report is."`
	Report string `placeholder:"FILE" help:"Where the report is written as a page with charts."`
	JSON   bool   `help:"Print the report as JSON."`
}

func (c *learnCmd) Run(ctx context.Context, s streams) error {
	if err := keepInputs([]flagFile{{"--in", c.In}}, flagFile{"--out", c.Out}, flagFile{"--report", c.Report}, flagFile{"--counts", c.Counts}); err != nil {
		return &exitError{exitUsage, err}
	}
	err := c.run(ctx, s)
	var input *learn.InputError
	var refused *learn.RefusedError
	switch {
	case errors.As(err, &input):
		return &exitError{exitUsage, err}
	case errors.As(err, &refused):
		return &exitError{exitFailed, fmt.Errorf("nothing was learnt: %w", err)}
	}
	return err
}

func (c *learnCmd) run(ctx context.Context, s streams) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	show, done := steps(s.err)
	defer done()
	src, err := c.source(ctx, &o)
	if err != nil {
		return err
	}
	o.Progress = func(p learn.Progress) {
		switch {
		case show == nil:
		case p.Total == 0: // the rows are not known yet, the bytes are
			show(src.progress(p.Step))
		default:
			show(match.Progress{Step: p.Step, Done: p.Done, Total: p.Total})
		}
	}
	counts, err := c.count(ctx, src, o)
	if err != nil {
		_ = src.rejected(s) // what is wrong with the table is the reason to stop
		return err
	}
	if c.Counts != "" {
		if err := writeFile(c.Counts, shared, counts.Write); err != nil {
			return fmt.Errorf("--counts: %w", err)
		}
	}
	o.Changed.At = counts.Until()
	result, err := counts.Learn(ctx, o)
	done()
	if err != nil {
		c.aside(counts.Table(), s)
		return errors.Join(err, src.rejected(s))
	}
	if c.Out != "" {
		if err := writeFile(c.Out, shared, func(w io.Writer) error { _, err := w.Write(result.YAML()); return err }); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
	}
	if c.Report != "" {
		if err := writeFile(c.Report, shared, func(w io.Writer) error { return writeLearnPage(w, src.name, result) }); err != nil {
			return fmt.Errorf("--report: %w", err)
		}
	}
	if c.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(result.Report); err != nil {
			return err
		}
	} else if _, err := io.WriteString(s.out, learnText(src.name, c.Out, result)); err != nil {
		return err
	}
	return src.rejected(s)
}

// aside says what was found of the table when nothing could be learnt from it.
func (c *learnCmd) aside(t learn.Table, s streams) {
	for _, n := range t.Notes {
		s.say("note: %s", n)
	}
	for _, col := range t.Columns {
		if col.Leaks {
			s.say("note: column %q: %s", col.Column, col.Why)
		}
	}
}

// source opens the table, or makes one of the stored leads.
func (c *learnCmd) source(ctx context.Context, o *learn.Options) (*csvSource, error) {
	if c.Store == "" {
		src, err := openCSV(c.In + c.Add + c.Forget)
		if err != nil {
			return nil, &learn.InputError{Text: err.Error()}
		}
		return src, nil
	}
	stored, err := openStored(ctx, c.Store, c.Playbook, c.After, o)
	if err != nil {
		return nil, err
	}
	o.Exclude = append(o.Exclude, storedScore, storedTier, storedFeedback, storedOwner)
	if o.Like == nil {
		o.Like = &stored.scoring
	}
	return &csvSource{name: c.Store.String(), header: stored.rows.Header, memory: &stored.rows}, nil
}

func (c *learnCmd) options() (learn.Options, error) {
	o := learn.Options{
		Outcome: c.Outcome, Positive: c.Positive, Negative: c.Negative, ID: c.ID, Time: c.Time, InOrder: c.InOrder, Closed: c.Closed,
		Exclude: c.Exclude, Include: c.Include, Fields: c.Map, Groups: c.Group, Name: c.Name, MinClosed: c.MinClosed, MinMonths: c.MinMonths,
	}
	// Zero is a bound of none here, and the default there.
	if o.MinClosed == 0 {
		o.MinClosed = -1
	}
	if o.MinMonths == 0 {
		o.MinMonths = -1
	}
	from := ""
	for _, f := range []string{c.In, c.Add, c.Forget} {
		if f != "" {
			from = filepath.Base(f)
		}
	}
	what := "learnt from "
	switch {
	case c.Store != "":
		from = "the leads of the store"
	case c.Add != "":
		what = "learnt again with "
	case c.Forget != "":
		what, from = "learnt again without rows that were to be forgotten", ""
	}
	o.Changed = scoring.Change{By: "leadloop learn", Why: what + from}
	if c.In == "" && c.Add == "" && c.Forget == "" && c.Store == "" {
		return o, &learn.InputError{Text: "give a table with --in, stored leads with --store, or --counts with --add or --forget"}
	}
	if c.In == "" && c.Store == "" && c.Counts == "" {
		return o, &learn.InputError{Text: "--add and --forget change counts; name them with --counts"}
	}
	if c.In != "" && c.Outcome == "" {
		return o, &learn.InputError{Text: "--outcome: say which column tells how it ended"}
	}
	if c.Like != "" {
		data, err := os.ReadFile(c.Like)
		if err != nil {
			return o, fmt.Errorf("--like: %w", err)
		}
		d, err := scoring.Parse(c.Like, data)
		if err != nil {
			return o, &learn.InputError{Text: fmt.Sprintf("--like: %v", err)}
		}
		o.Like = &d
	}
	return o, nil
}

// count counts the table, or reads counts and changes them.
func (c *learnCmd) count(ctx context.Context, src *csvSource, o learn.Options) (*learn.Counts, error) {
	if c.In != "" || c.Store != "" {
		return learn.Count(ctx, src, o)
	}
	data, err := os.ReadFile(c.Counts)
	if err != nil {
		return nil, &learn.InputError{Text: fmt.Sprintf("--counts: %v", err)}
	}
	counts, err := learn.ReadCounts(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Counts, err)
	}
	if c.Add != "" {
		return counts, counts.Add(ctx, src)
	}
	return counts, counts.Forget(ctx, src)
}

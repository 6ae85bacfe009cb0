package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
)

type runCmd struct {
	Playbook   string            `required:"" placeholder:"DIR" help:"Folder with scoring.yaml, routing.yaml and so on."`
	Leads      string            `required:"" placeholder:"FILE" help:"Leads as CSV or, if the name ends in .jsonl or .ndjson, JSON Lines."`
	Map        map[string]string `placeholder:"FROM=TO" help:"What a column holds, where the guess is wrong: --map kontakt=lead.phone (or id, received_at, full_name, - to leave it out)."`
	Activities string            `placeholder:"FILE" help:"Activities as CSV: lead,type,at and optionally id,actor and attributes. Default: activities.csv beside the leads."`
	CRM        string            `name:"crm" placeholder:"DIR" help:"Folder with accounts.csv, contacts.csv, opportunities.csv, reps.csv, suppressions.csv. Default: crm beside the leads."`
	Store      storeName         `default:"sqlite:leadloop.db" placeholder:"memory|sqlite:PATH|postgres://…" help:"Where leads are kept."`
	AsOf       string            `placeholder:"TIME" help:"The moment of the run, such as 2026-11-16T09:00:00Z. Default: the latest time in the files, or now if they have none."`
	Source     string            `placeholder:"NAME" help:"What the leads came through. With a row's id it makes the row arrive once. Default: the leads file's name."`
	Origin     string            `enum:"person,import" default:"person" help:"Who speaks in the file: person (the leads themselves, as in a form's export) or import (a list)."`
	Require    string            `placeholder:"LIST" help:"Fields a row must have, such as \"lead.email|lead.phone,company.name\"; - for none. Default: a way to reach the lead, its company, its source."`
	Country    string            `placeholder:"CC" help:"Country of phone numbers in rows that have none."`
	Rejects    string            `placeholder:"FILE" help:"Where rejected rows are kept as they were. Default: the leads file's name with .rejects before the ending, in the current folder."`
	TokenKey   string            `placeholder:"FILE" help:"Key of the suppression tokens. Default: beside the database, made on first use."`
	Enrich     string            `enum:"needed,everything,off" default:"needed" help:"How much is bought: needed (what can still change what happens to a lead), everything (that rules read) or off."`
	JSON       bool              `xor:"out" help:"Print one object per row of the leads file, then a summary object."`
	Explain    string            `placeholder:"ID" xor:"out" help:"After the run, say why a lead got its score, tier and owner instead of printing the report. ID is the row's id or the lead's."`
	Verbose    bool              `short:"v" help:"Log what the loop does, to standard error."`
}

func (c *runCmd) Run(ctx context.Context, s streams) (err error) {
	if err := usable(c.Playbook, c.Leads); err != nil {
		return &exitError{exitUsage, err}
	}
	pb, problems := loadPlaybook(c.Playbook)
	errs, warnings := problems.Split()
	for _, p := range problems {
		s.say("%v", p)
	}
	if len(errs) > 0 {
		return &exitError{exitUsage, fmt.Errorf("the playbook has %s and %s; nothing was run", plural(len(errs), "problem"), plural(len(warnings), "warning"))}
	}
	in, err := c.read(pb.Schema(), s)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	st, err := c.Store.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if e := st.Close(); e != nil && err == nil {
			err = e
		}
	}()
	tokens, err := tokensOf(ctx, st, c.Store, c.TokenKey)
	if err != nil {
		return err
	}
	o := playbook.Options{Tokens: tokens, Secret: os.LookupEnv}
	o.Enrich, _ = enrich.ParseMode(c.Enrich) // one of those that the flag allows
	if c.Verbose {
		o.Engine.Logger = slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if o.Live, err = inForce(ctx, st, pb, s); err != nil {
		return err
	}
	loop, err := pb.Loop(ctx, st, o)
	if err != nil {
		return err
	}
	started := time.Now()
	desk, err := pb.Desk(st, o)
	if err != nil {
		return err
	}
	r := &replay{loop: loop, store: st, desk: desk, asOf: in.asOf}
	if err := c.prepare(ctx, r, in, tokens, s); err != nil {
		return err
	}
	r.counts.RejectedRows, r.counts.SideFileIssues, r.counts.Repeated = len(in.rejects), len(in.sideProblems)+in.strangers, in.repeats
	if !c.JSON {
		var b strings.Builder
		c.banner(&b, pb, in)
		if _, err := io.WriteString(s.out, b.String()); err != nil {
			return err
		}
	}
	step, done := progress(s.err, len(r.moments), "replaying", "steps")
	err = r.run(ctx, step)
	done()
	if errors.Is(err, leadloop.ErrUnavailable) {
		return fmt.Errorf("%w; what was committed stays, and running the same command again goes on from there", err)
	}
	if err != nil {
		return err
	}
	res, err := collect(ctx, st, pb, in, r)
	if err != nil {
		return err
	}
	res.took = time.Since(started)
	var b strings.Builder
	switch {
	case c.JSON:
		err = res.writeJSON(s.out, pb, in)
	case c.Explain != "":
		res.did(&b)
		err = explain(ctx, &b, st, pb, in, c.Explain)
	default:
		err = res.writeText(&b, pb)
	}
	if err == nil {
		_, err = io.WriteString(s.out, b.String())
	}
	if err != nil {
		return err
	}
	return c.report(s, in, r)
}

// usable checks that a folder and a file of these names are there.
func usable(dir, file string) error {
	if i, err := os.Stat(dir); err != nil {
		return fmt.Errorf("--playbook: %w", err)
	} else if !i.IsDir() {
		return fmt.Errorf("--playbook: %s is a file; expected the folder that it is in", dir)
	}
	if i, err := os.Stat(file); err != nil {
		return fmt.Errorf("--leads: %w", err)
	} else if i.IsDir() {
		return fmt.Errorf("--leads: %s is a folder; expected a file of leads", file)
	}
	return nil
}

// report names what was not taken and gives the exit code.
func (c *runCmd) report(s streams, in *input, r *replay) error {
	for _, f := range r.failed {
		s.say("%v", f)
	}
	if len(r.failed) > 0 {
		return &exitError{exitFailed, fmt.Errorf("%s could not be decided; run the same command again to try only those", plural(len(r.failed), "row"))}
	}
	c.changed(s, in, r)
	var left []string
	if len(in.rejects) > 0 {
		left = append(left, fmt.Sprintf("%s of %s rejected and kept in %s: mend them there and run again with --leads %s",
			plural(len(in.rejects), "row"), filepath.Base(c.Leads), in.rejectsFile, in.rejectsFile))
	}
	if n := len(r.changed); n > 0 {
		left = append(left, fmt.Sprintf("%s of %s not taken as they are now: their ids were taken before", plural(n, "row"), filepath.Base(c.Leads)))
	}
	if n := len(in.sideProblems) + in.strangers; n > 0 {
		left = append(left, plural(n, "row")+" of the activities and CRM files left out")
	}
	if len(left) > 0 {
		return &exitError{exitRejects, errors.New(strings.Join(left, "; "))}
	}
	return nil
}

// changed names rows whose id was taken before with another content.
func (c *runCmd) changed(s streams, in *input, r *replay) {
	for i, ch := range r.changed {
		if i == 20 {
			s.say("%s: %s more, for the same reason", filepath.Base(c.Leads), plural(len(r.changed)-i, "row"))
			return
		}
		names := make([]string, len(ch.fields))
		for i, f := range ch.fields {
			names[i] = in.column(f)
		}
		s.say("%s:%d: not taken: a row of this id was taken before with another %s; give it an id of its own and it becomes part of the same lead",
			filepath.Base(c.Leads), ch.line, strings.Join(names, ", "))
	}
}

// prepare stores what the CRM says and lines up the moments.
func (c *runCmd) prepare(ctx context.Context, r *replay, in *input, tokens *privacy.Tokens, s streams) error {
	have := map[leadloop.OpportunityID]leadloop.Opportunity{}
	if in.crm != nil {
		err := r.store.Update(ctx, func(tx store.Tx) error { return in.crm.put(ctx, tx, tokens, have) })
		if err != nil {
			return fmt.Errorf("store the CRM: %w", err)
		}
		if err := in.crm.suppress(ctx, r.store, tokens, in, s); err != nil {
			return err
		}
		for _, o := range in.crm.opportunities {
			r.addOpportunity(o, have)
		}
	}
	before := map[leadloop.LeadID][]leadloop.Activity{}
	received := map[leadloop.LeadID]time.Time{}
	for _, row := range in.rows {
		received[engine.RecordID(row.submission.Key)] = row.submission.ReceivedAt
	}
	if err := in.dropStrangers(ctx, r.store, received, s); err != nil {
		return err
	}
	for _, a := range in.activities {
		if at, inFile := received[a.lead]; !inFile || a.At.After(at) || a.Actor == ownerActor {
			r.addActivity(a)
		} else {
			before[a.lead] = append(before[a.lead], a.Activity)
		}
	}
	for _, row := range in.rows {
		if row.repeats {
			continue
		}
		sub := row.submission
		sub.Activities = append(sub.Activities, before[engine.RecordID(sub.Key)]...)
		r.addSubmission(sub, row.line)
	}
	return nil
}

// dropStrangers leaves out activities of leads that are neither in the file
// nor in the store.
func (in *input) dropStrangers(ctx context.Context, st store.Store, inFile map[leadloop.LeadID]time.Time, s streams) error {
	kept := in.activities[:0]
	var strangers []row
	err := st.View(ctx, func(tx store.Tx) error {
		for _, a := range in.activities {
			_, ok := inFile[a.lead]
			if !ok {
				_, err := tx.Leads().Get(ctx, a.lead)
				if err != nil && !errors.Is(err, leadloop.ErrNotFound) {
					return err
				}
				ok = err == nil
			}
			if ok {
				kept = append(kept, a)
			} else {
				strangers = append(strangers, a.row)
			}
		}
		return nil
	})
	in.activities, in.strangers = kept, len(strangers)
	// An export of activities often covers more leads than the leads file: one
	// line for each would bury what matters.
	for i, r := range strangers {
		if i == 3 {
			s.say("%s: %s more, left out for the same reason", r.file, plural(len(strangers)-i, "row"))
			break
		}
		s.say("%v", r.bad("column lead: no lead of that id was taken"))
	}
	return err
}

// progress shows a bar with rate and time left on a terminal and nothing in a
// pipe.
func progress(w io.Writer, total int, doing, things string) (step, done func()) {
	f, ok := w.(*os.File)
	if !ok || total == 0 || !term.IsTerminal(int(f.Fd())) {
		return func() {}, func() {}
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(doing), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString(things), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return func() { _ = bar.Add(1) }, func() { _ = bar.Finish() }
}

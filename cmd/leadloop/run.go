package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/store/sqlite"
)

type runCmd struct {
	Playbook   string            `required:"" placeholder:"DIR" help:"Folder with scoring.yaml, routing.yaml and so on."`
	Leads      string            `required:"" placeholder:"FILE" help:"Leads as CSV or, if the name ends in .jsonl or .ndjson, JSON Lines."`
	Map        map[string]string `placeholder:"FROM=TO" help:"What a column holds, where the guess is wrong: --map kontakt=lead.phone (or id, received_at, full_name, - to leave it out)."`
	Activities string            `placeholder:"FILE" help:"Activities as CSV: lead,type,at and optionally id,actor and attributes. Default: activities.csv beside the leads."`
	CRM        string            `name:"crm" placeholder:"DIR" help:"Folder with accounts.csv, contacts.csv, opportunities.csv, reps.csv, suppressions.csv. Default: crm beside the leads."`
	Store      string            `default:"sqlite:leadloop.db" placeholder:"memory|sqlite:PATH" help:"Where leads are kept."`
	AsOf       string            `placeholder:"TIME" help:"The moment of the run, such as 2026-11-16T09:00:00Z. Default: the latest time in the files, or now if they have none."`
	Source     string            `placeholder:"NAME" help:"What the leads came through. With a row's id it makes the row arrive once. Default: the leads file's name."`
	Origin     string            `enum:"person,import" default:"person" help:"Who speaks in the file: person (the leads themselves, as in a form's export) or import (a list)."`
	Require    string            `placeholder:"LIST" help:"Fields a row must have, such as \"lead.email|lead.phone,company.name\"; - for none. Default: a way to reach the lead, its company, its source."`
	Country    string            `placeholder:"CC" help:"Country of phone numbers in rows that have none."`
	Rejects    string            `placeholder:"FILE" help:"Where rejected rows are kept as they were. Default: the leads file's name with .rejects before the ending, in the current folder."`
	TokenKey   string            `placeholder:"FILE" help:"Key of the suppression tokens. Default: beside the database, made on first use."`
	JSON       bool              `help:"Print one object per row of the leads file, then a summary object."`
	Explain    string            `placeholder:"ID" help:"After the run, say why a lead got its score, tier and owner. ID is the row's id or the lead's."`
	Verbose    bool              `short:"v" help:"Log what the loop does, to standard error."`
}

// taken is a row of the leads file that became a submission.
type taken struct {
	id         string // as the file has it; "" if it has none
	line       int
	submission leadloop.Submission
}

func (c *runCmd) Run(ctx context.Context, s streams) (err error) {
	if err := usable(c.Playbook, c.Leads); err != nil {
		return &exitError{exitUsage, err}
	}
	pb, problems := loadPlaybook(c.Playbook)
	errs, warnings := problems.Split()
	for _, p := range problems {
		fmt.Fprintln(s.err, p)
	}
	if len(errs) > 0 {
		return &exitError{exitUsage, fmt.Errorf("the playbook has %s and %s; nothing was run", plural(len(errs), "problem"), plural(len(warnings), "warning"))}
	}
	in, err := c.read(pb.Schema(), s)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	st, err := openStore(ctx, c.Store)
	if err != nil {
		return err
	}
	defer func() {
		if e := st.Close(); e != nil && err == nil {
			err = e
		}
	}()
	tokens, err := c.tokens()
	if err != nil {
		return err
	}
	o := playbook.Options{Tokens: tokens, Secret: os.LookupEnv}
	if c.Verbose {
		o.Engine.Logger = slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	loop, err := pb.Loop(ctx, st, o)
	if err != nil {
		return err
	}
	started := time.Now()
	r := &replay{loop: loop, store: st, asOf: in.asOf}
	if err := c.prepare(ctx, r, in, tokens, s); err != nil {
		return err
	}
	r.counts.RejectedRows, r.counts.SideFileIssues = len(in.rejects), len(in.sideProblems)
	if !c.JSON {
		c.banner(s.out, pb, in)
	}
	step, done := progress(s.err, len(r.moments))
	err = r.run(ctx, step)
	done()
	if err != nil {
		return err
	}
	res, err := collect(ctx, st, in, r)
	if err != nil {
		return err
	}
	res.took = time.Since(started)
	if c.JSON {
		err = res.writeJSON(s.out, pb)
	} else {
		err = res.writeText(s.out, pb)
	}
	if err == nil && c.Explain != "" {
		err = explain(ctx, s.out, st, pb, in, c.Explain)
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
		fmt.Fprintln(s.err, f)
	}
	if len(r.failed) > 0 {
		return &exitError{exitFailed, fmt.Errorf("%s could not be decided; run the same command again to try only those", plural(len(r.failed), "row"))}
	}
	if len(in.rejects) > 0 {
		return &exitError{exitRejects, fmt.Errorf("%s of %s rejected and kept in %s: mend them there and run that file", plural(len(in.rejects), "row"), filepath.Base(c.Leads), in.rejectsFile)}
	}
	if len(in.sideProblems) > 0 {
		return &exitError{exitRejects, fmt.Errorf("%s of the activities and CRM files were left out", plural(len(in.sideProblems), "row"))}
	}
	return nil
}

// input is everything that was read.
type input struct {
	rows         []taken
	columns      []capture.Column
	rejects      []*capture.Reject
	rejectsFile  string
	warnings     int
	activities   []activity
	crm          *crm
	sideProblems []problem
	pickedUp     []string
	asOf         time.Time
	asOfWhy      string
	source       string
}

// leadID turns an id of the leads file into a lead's id.
func (in *input) leadID(id string) leadloop.LeadID { return engine.RecordID(in.source + ":" + id) }

func (c *runCmd) read(schema *leadloop.Schema, s streams) (*input, error) {
	in := &input{source: c.Source}
	if in.source == "" {
		in.source = strings.TrimSuffix(filepath.Base(c.Leads), filepath.Ext(c.Leads))
	}
	payloads, header, err := c.readPayloads(schema, in)
	if err != nil {
		return nil, err
	}
	if err := c.moment(in, payloads); err != nil {
		return nil, err
	}
	if err := c.submissions(schema, in, payloads); err != nil {
		return nil, err
	}
	if err := c.sideFiles(in); err != nil {
		return nil, err
	}
	if err := c.writeRejects(in, header); err != nil {
		return nil, err
	}
	for _, r := range in.rejects {
		fmt.Fprintf(s.err, "%s:%d: rejected: %s\n", filepath.Base(c.Leads), r.Line, reasons(r.Reasons))
	}
	for _, p := range in.sideProblems {
		fmt.Fprintln(s.err, p)
	}
	return in, nil
}

func reasons(rs []capture.Reason) string {
	parts := make([]string, len(rs))
	for i, r := range rs {
		parts[i] = r.String()
	}
	return strings.Join(parts, "; ")
}

func (c *runCmd) readPayloads(schema *leadloop.Schema, in *input) (payloads []capture.Payload, header string, err error) {
	f, err := os.Open(c.Leads)
	if err != nil {
		return nil, "", err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	format := capture.CSV
	if ext := strings.ToLower(filepath.Ext(c.Leads)); ext == ".jsonl" || ext == ".ndjson" {
		format = capture.JSONL
	}
	rd, err := capture.NewReader(f, format, schema, c.Map)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", c.Leads, err)
	}
	for {
		p, err := rd.Next()
		var rej *capture.Reject
		switch {
		case errors.Is(err, io.EOF):
			in.columns = rd.Columns()
			return payloads, rd.Header(), nil
		case errors.As(err, &rej):
			in.rejects = append(in.rejects, rej)
		case err != nil:
			return nil, "", fmt.Errorf("%s: %w", c.Leads, err)
		default:
			payloads = append(payloads, p)
		}
	}
}

// moment settles the moment of the run: what was said, else the latest time in
// the files, else now. Times in the future are typing errors and don't count,
// unless most are: then it is this machine's clock that is wrong.
func (c *runCmd) moment(in *input, payloads []capture.Payload) (err error) {
	if c.AsOf != "" {
		if in.asOf, err = leadloop.ParseTime(c.AsOf); err != nil {
			return fmt.Errorf("--as-of: %w", err)
		}
		in.asOfWhy = "as said"
		return nil
	}
	var times []time.Time
	see := func(text string) {
		if t, err := leadloop.ParseTime(strings.TrimSpace(text)); err == nil {
			times = append(times, t)
		}
	}
	for _, p := range payloads {
		see(p.Values[capture.ColumnReceivedAt])
	}
	now := time.Now().UTC()
	if len(times) == 0 {
		in.asOf, in.asOfWhy = now, "now; the leads have no time of arrival"
		return nil
	}
	if path := c.beside(c.Activities, "activities.csv"); path != "" {
		rows, _, err := readTable(path, "at")
		if err != nil {
			return err
		}
		for _, r := range rows {
			see(r.cell["at"])
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	limit := now.Add(24 * time.Hour)
	in.asOf, in.asOfWhy = times[len(times)-1], "the latest time in the files; --as-of changes it"
	if times[len(times)/2].After(limit) {
		in.asOfWhy = "the latest time in the files, although this machine's clock says " + now.Format("2006-01-02") + "; --as-of changes it"
		return nil
	}
	for i := len(times) - 1; in.asOf.After(limit); i-- {
		in.asOf = times[i]
	}
	return nil
}

// beside is the path said, else the path of name beside the leads file if it
// is there.
func (c *runCmd) beside(said, name string) string {
	if said != "" {
		return said
	}
	if path := filepath.Join(filepath.Dir(c.Leads), name); exists(path) {
		return path
	}
	return ""
}

func (c *runCmd) submissions(schema *leadloop.Schema, in *input, payloads []capture.Payload) error {
	source := capture.Source{Name: in.source, Country: c.Country}
	if c.Origin == "import" {
		source.Origin = leadloop.OriginImport
	}
	if c.Require == "-" {
		source.Required = [][]string{}
	} else if c.Require != "" {
		for _, group := range strings.Split(c.Require, ",") {
			source.Required = append(source.Required, strings.Split(strings.TrimSpace(group), "|"))
		}
	}
	capt, err := capture.New(schema, source)
	if err != nil {
		return err
	}
	for _, p := range payloads {
		sub, warnings, err := capt.Submission(p, in.asOf)
		var rej *capture.Reject
		if errors.As(err, &rej) {
			in.rejects = append(in.rejects, rej)
			continue
		}
		if err != nil {
			return err
		}
		in.warnings += len(warnings)
		in.rows = append(in.rows, taken{id: strings.TrimSpace(p.Values[capture.ColumnID]), line: p.Line, submission: sub})
	}
	return nil
}

func (c *runCmd) sideFiles(in *input) error {
	if path := c.beside(c.Activities, "activities.csv"); path != "" {
		list, bad, err := loadActivities(path, in.leadID)
		if err != nil {
			return err
		}
		in.activities, in.sideProblems = list, append(in.sideProblems, bad...)
		in.pickedUp = append(in.pickedUp, path)
	}
	if dir := c.beside(c.CRM, "crm"); dir != "" {
		var err error
		if in.crm, err = loadCRM(dir, in.leadID); err != nil {
			return err
		}
		in.sideProblems = append(in.sideProblems, in.crm.problems...)
		for _, f := range in.crm.found {
			in.pickedUp = append(in.pickedUp, filepath.Join(dir, f))
		}
	}
	return nil
}

// writeRejects keeps the rejected rows as they were, under the file's own
// header, so that they can be mended and run.
func (c *runCmd) writeRejects(in *input, header string) (err error) {
	if len(in.rejects) == 0 {
		return nil
	}
	in.rejectsFile = c.Rejects
	if in.rejectsFile == "" {
		ext := filepath.Ext(c.Leads)
		in.rejectsFile = strings.TrimSuffix(filepath.Base(c.Leads), ext) + ".rejects" + ext
	}
	if same, err := filepath.Abs(in.rejectsFile); err == nil {
		if leads, err := filepath.Abs(c.Leads); err == nil && leads == same {
			return fmt.Errorf("--rejects names the leads file itself")
		}
	}
	f, err := os.Create(in.rejectsFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	if header != "" {
		fmt.Fprintln(w, header)
	}
	for _, r := range in.rejects {
		fmt.Fprintln(w, r.Raw)
	}
	return w.Flush()
}

// prepare stores what the CRM says and lines up the moments.
func (c *runCmd) prepare(ctx context.Context, r *replay, in *input, tokens *privacy.Tokens, s streams) error {
	have := map[leadloop.OpportunityID]leadloop.Opportunity{}
	if in.crm != nil {
		err := r.store.Update(ctx, func(tx store.Tx) error { return in.crm.put(ctx, tx.CRM(), have) })
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
		sub := row.submission
		sub.Activities = append(sub.Activities, before[engine.RecordID(sub.Key)]...)
		r.addSubmission(sub)
	}
	return nil
}

// dropStrangers leaves out activities of leads that are neither in the file
// nor in the store.
func (in *input) dropStrangers(ctx context.Context, st store.Store, inFile map[leadloop.LeadID]time.Time, s streams) error {
	kept := in.activities[:0]
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
				continue
			}
			p := a.row.bad("column lead: no lead of that id was taken")
			in.sideProblems = append(in.sideProblems, p)
			fmt.Fprintln(s.err, p)
		}
		return nil
	})
	in.activities = kept
	return err
}

func openStore(ctx context.Context, name string) (store.Store, error) {
	kind, path, _ := strings.Cut(name, ":")
	switch {
	case name == "memory":
		return memstore.New(), nil
	case kind == "sqlite" && path != "":
		return sqlite.Open(ctx, path, sqlite.Options{})
	}
	return nil, &exitError{exitUsage, fmt.Errorf("--store: expected memory or sqlite:PATH, found %q", name)}
}

// progress shows a bar with rate and time left on a terminal and nothing in a
// pipe.
func progress(w io.Writer, total int) (step, done func()) {
	f, ok := w.(*os.File)
	if !ok || total == 0 || !term.IsTerminal(int(f.Fd())) {
		return func() {}, func() {}
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription("replaying"), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return func() { _ = bar.Add(1) }, func() { _ = bar.Finish() }
}

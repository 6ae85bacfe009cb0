package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

type trialCmd struct {
	Providers    string            `required:"" placeholder:"FILE" help:"An enrich.yaml. Fields of your own are those of the scoring.yaml beside it, if there is one."`
	Known        string            `required:"" placeholder:"FILE" help:"Leads whose values are known to be right, as CSV or JSON Lines: what providers are asked by, and what they are judged by."`
	Map          map[string]string `placeholder:"FROM=TO" help:"What a column holds, where the guess is wrong: --map staff=company.employees."`
	Budget       float64           `placeholder:"N" help:"What the best order may cost per lead, on average, such as 0.12. Default: no bound."`
	Spend        float64           `placeholder:"N" help:"The most that this trial may cost by the price list. If that is too little for all leads, only so many of them, evenly spread, are tried. Default: no bound."`
	By           []string          `placeholder:"FIELDS" help:"Look at the values of these fields one by one, such as country,industry."`
	Suppressions string            `placeholder:"FILE" help:"People who must not be sent to anybody, as CSV: kind,value,reason. Default: crm/suppressions.csv beside the known leads."`
	AsOf         string            `placeholder:"TIME" help:"The moment of the trial, from which ages are counted. Default: now."`
	Country      string            `placeholder:"CC" help:"Country of phone numbers in rows that have none."`
	Rejects      string            `placeholder:"FILE" help:"Where rejected rows are kept as they were. Default: the file's name with .rejects before the ending, in the current folder."`
	JSON         bool              `help:"Print the result as one JSON object; amounts are in millionths."`
	HTML         string            `name:"html" placeholder:"FILE" help:"Where a page with charts is written."`
}

// trialResult is a trial with what it was of.
type trialResult struct {
	Providers string    `json:"providers_file"`
	Known     string    `json:"known_file"`
	AsOf      time.Time `json:"as_of"`
	Currency  string    `json:"currency"`
	Rejected  int       `json:"rejected"`
	// Interrupted tells that not all was asked.
	Interrupted bool          `json:"interrupted,omitempty"`
	Trial       *enrich.Trial `json:"trial"`
}

func (c *trialCmd) Run(ctx context.Context, s streams) error {
	o, err := c.options()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	asOf := time.Now().UTC()
	if c.AsOf != "" {
		if asOf, err = leadloop.ParseTime(c.AsOf); err != nil {
			return &exitError{exitUsage, fmt.Errorf("--as-of: %w", err)}
		}
	}
	def, sources, schema, err := c.providers(s)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	in, sample, err := c.sample(schema, asOf, s)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	for i, f := range o.By {
		o.By[i] = segmentField(schema, f, sample)
	}
	if err := checkable(sources, sample); err != nil {
		return &exitError{exitUsage, err}
	}
	file := def.Options()
	o.Policies, o.Purpose = file.Policies, file.Purpose
	if o.Refuse, err = c.refuse(ctx, asOf, s); err != nil {
		return &exitError{exitUsage, err}
	}
	done := func() {}
	var step func()
	o.Progress = func(n, total int) {
		if step == nil {
			step, done = progress(s.err, total, "asking", "lookups")
		}
		step()
	}
	trial, err := enrich.Try(ctx, sources, schema, sample, asOf, o)
	done()
	if trial == nil {
		if errors.Is(err, leadloop.ErrInvalid) {
			return &exitError{exitUsage, errors.New(strings.ReplaceAll(err.Error(), "enrich: invalid: ", ""))}
		}
		return err
	}
	// What was answered before an interruption is paid for, and shown.
	r := &trialResult{Providers: c.Providers, Known: c.Known, AsOf: asOf, Currency: def.Currency(), Rejected: len(in.rejects), Interrupted: err != nil, Trial: trial}
	if err := c.write(r, s); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	if len(in.rejects) > 0 {
		return &exitError{exitRejects, fmt.Errorf("%s of %s rejected and kept in %s", plural(len(in.rejects), "row"), filepath.Base(c.Known), in.rejectsFile)}
	}
	return nil
}

func (c *trialCmd) write(r *trialResult, s streams) error {
	if c.HTML != "" {
		if err := writeFile(c.HTML, shared, func(w io.Writer) error { return writeTrialPage(w, r) }); err != nil {
			return fmt.Errorf("--html: %w", err)
		}
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(r)
	}
	_, err := io.WriteString(s.out, r.text())
	return err
}

func (c *trialCmd) options() (o enrich.TrialOptions, err error) {
	if o.Budget, err = amount("--budget", c.Budget); err != nil {
		return o, err
	}
	if o.Spend, err = amount("--spend", c.Spend); err != nil {
		return o, err
	}
	o.By = slices.Clone(c.By)
	return o, nil
}

// providers reads the enrich.yaml and makes its providers.
func (c *trialCmd) providers(s streams) (*enrich.Definition, []enrich.Source, *leadloop.Schema, error) {
	data, err := os.ReadFile(c.Providers)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("--providers: %w", err)
	}
	dir := filepath.Dir(c.Providers)
	schema := leadloop.StandardSchema()
	if rules, err := os.ReadFile(filepath.Join(dir, "scoring.yaml")); err == nil {
		def, _ := scoring.Parse("scoring.yaml", rules) // its rules are not used here
		own, _ := def.Fields()
		fields := make([]leadloop.AnyField, len(own))
		for i, f := range own {
			fields[i] = f
		}
		if schema, err = leadloop.NewSchema(fields...); err != nil {
			return nil, nil, nil, fmt.Errorf("%s: %w", filepath.Join(dir, "scoring.yaml"), err)
		}
	}
	def, problems := enrich.Parse(filepath.Base(c.Providers), data)
	var sources []enrich.Source
	if problems.Err() == nil {
		var more leadloop.Problems
		sources, more = def.Sources(schema, enrich.Host{Files: os.DirFS(dir), HTTP: enrich.HTTPOptions{Secret: os.LookupEnv}})
		problems = append(problems, more...)
	}
	for _, p := range inFolder(dir, problems) {
		s.say("%v", p)
	}
	if errs, _ := problems.Split(); len(errs) > 0 {
		return nil, nil, nil, fmt.Errorf("%s has %s; nobody was asked", c.Providers, plural(len(errs), "problem"))
	}
	if len(sources) == 0 {
		return nil, nil, nil, fmt.Errorf("%s has no providers; there is nobody to try", c.Providers)
	}
	return def, sources, schema, nil
}

// sample reads the known leads.
func (c *trialCmd) sample(schema *leadloop.Schema, asOf time.Time, s streams) (*input, []enrich.TrialRecord, error) {
	if i, err := os.Stat(c.Known); err != nil {
		return nil, nil, fmt.Errorf("--known: %w", err)
	} else if i.IsDir() {
		return nil, nil, fmt.Errorf("--known: %s is a folder; expected a file of leads", c.Known)
	}
	base := &runCmd{
		Leads: c.Known, Map: c.Map, AsOf: asOf.Format(time.RFC3339Nano), Origin: "import", Require: "-", Country: c.Country, Rejects: c.Rejects,
	}
	in := &input{source: "known", unreadable: map[string]int{}, asOf: asOf}
	payloads, header, err := base.readPayloads(schema, in)
	if err != nil {
		return nil, nil, err
	}
	if err := base.submissions(schema, in, payloads, s); err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(in.rejects, func(a, b refused) int { return a.Line - b.Line })
	if err := base.writeRejects(in, header); err != nil {
		return nil, nil, err
	}
	for _, r := range in.rejects {
		s.say("%s:%d: rejected: %s", filepath.Base(c.Known), r.Line, r)
	}
	c.unread(schema, in, s)
	var sample []enrich.TrialRecord
	for _, row := range in.rows {
		if row.repeats {
			continue
		}
		p := leadloop.Golden(schema, leadloop.SurvivorshipFunc(said), row.submission.Claims)
		sample = append(sample, enrich.TrialRecord{ID: engine.RecordID(row.submission.Key), Profile: p})
	}
	if len(sample) == 0 {
		return nil, nil, fmt.Errorf("--known: %s has no row that can be used", c.Known)
	}
	return in, sample, nil
}

// said takes what the row says before what is derived from it.
func said(c leadloop.Contest) (int, leadloop.Value) {
	best := c.Candidates[0]
	for _, i := range c.Candidates {
		if c.Claims[i].Origin > c.Claims[best].Origin {
			best = i
		}
	}
	return int(best), c.Claims[best].Value
}

// unread names columns that nobody is judged by, with what was probably meant.
func (c *trialCmd) unread(schema *leadloop.Schema, in *input, s streams) {
	for _, col := range in.columns {
		if col.Holds != "" {
			continue
		}
		s.say("%s: column %q is not read: it is no field%s; --map %s=FIELD reads it", filepath.Base(c.Known), col.Name, meant(schema, col.Name), col.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(in.unreadable)) {
		s.say("%s: %s of column %q left out as unreadable", filepath.Base(c.Known), plural(in.unreadable[name], "value"), name)
	}
}

// checkable finds out early that nobody can be asked, or judged.
func checkable(sources []enrich.Source, sample []enrich.TrialRecord) error {
	have := func(f string) bool {
		return slices.ContainsFunc(sample, func(r enrich.TrialRecord) bool { return r.Profile.Value(f).Presence() == leadloop.Present })
	}
	var needs, offers []string
	can, judged := false, false
	for _, src := range sources {
		can = can || !slices.ContainsFunc(src.Needs, func(f string) bool { return !have(f) })
		needs, offers = append(needs, src.Needs...), append(offers, src.Fields...)
		judged = judged || slices.ContainsFunc(src.Fields, have)
	}
	tidy := func(list []string) string {
		slices.Sort(list)
		return strings.Join(slices.Compact(list), ", ")
	}
	switch {
	case !can:
		return fmt.Errorf("--known: no provider can be asked: they need %s, and no row has it (--map names a column that does)", tidy(needs))
	case !judged:
		return fmt.Errorf("--known: nobody can be judged: the providers offer %s, and no row has a known value of any (--map names a column that does)", tidy(offers))
	}
	return nil
}

// refuse keeps people on the suppression list from being sent to anybody.
func (c *trialCmd) refuse(ctx context.Context, asOf time.Time, s streams) (func(context.Context, leadloop.Subject) (string, error), error) {
	path := c.Suppressions
	if path == "" {
		if path = filepath.Join(filepath.Dir(c.Known), "crm", "suppressions.csv"); !exists(path) {
			return nil, nil
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--suppressions: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	tokens, err := privacy.NewTokens("trial", key)
	if err != nil {
		return nil, err
	}
	st := memstore.New()
	done, err := privacy.Import(ctx, st, tokens, f, asOf)
	if err != nil {
		return nil, fmt.Errorf("--suppressions: %s: %w", path, err)
	}
	for _, r := range done.Rejects {
		s.say("%v", problem{filepath.Base(path), r.Line, r.Reason})
	}
	return func(ctx context.Context, sub leadloop.Subject) (reason string, err error) {
		err = st.View(ctx, func(tx store.Tx) error {
			hits, err := tx.Suppressions().Match(ctx, tokens.Of(sub.Profile))
			if err == nil && len(hits) > 0 {
				reason = "suppressed"
			}
			return err
		})
		return reason, err
	}, nil
}

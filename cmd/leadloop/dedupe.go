package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match"
	"github.com/leadloop/leadloop/dedupe/match/measure"
)

type dedupeCmd struct {
	In      []string `required:"" sep:"none" placeholder:"FILE" help:"A table as CSV, also compressed (.gz). Several of them are one table, or are linked with --link."`
	Link    bool     `help:"Link the files: rows of different files may be one, each with one partner in every other file unless the mode in the configuration says otherwise."`
	Config  string   `placeholder:"FILE" help:"match.yaml: which columns mean what. Default: guessed from the table."`
	Guess   bool     `xor:"out" help:"Print a guessed match.yaml and stop."`
	Out     string   `placeholder:"FILE" help:"Where the clusters are written: row,cluster,probability. A row is its number from 1, the header not counted, through all files. Default: standard output."`
	Pairs   string   `placeholder:"FILE" help:"Where the pairs are written that are worth a look, the likeliest first."`
	Report  string   `placeholder:"FILE" help:"Where a page about the result is written: counts, thresholds, the largest clusters, pairs taken apart."`
	Work    string   `placeholder:"FOLDER" help:"Where what is done is kept while a run is under way, so that one that is broken off goes on from there. Default: beside --out, with .work at the end of its name."`
	Model   string   `placeholder:"FILE" help:"The learnt model: read if the file is there, otherwise learnt and written."`
	Truth   string   `placeholder:"COLUMN" help:"A column that is equal for rows that are one: prints precision, recall, F1 and B³. It is not compared."`
	TruthOf string   `name:"truth-match" placeholder:"REGEX" help:"Take the first group of this match from the column of --truth."`
	TruthIn string   `name:"truth-pairs" placeholder:"FILE" help:"A table whose first two columns are ids of rows that are one, with or without a header, instead of --truth."`
	JSON    bool     `xor:"out" help:"Print the summary as JSON."`

	thrifty func() // called when the table turns out to be large; may be nil
}

func (c *dedupeCmd) Run(ctx context.Context, s streams) (err error) {
	if err := c.usable(); err != nil {
		return &exitError{exitUsage, err}
	}
	// Large tables stay in memory, so what is collected late costs more memory than it saves time.
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(tableGC))
		c.thrifty = func() { debug.SetGCPercent(largeGC) }
	}
	began := time.Now()
	show, done := steps(s.err)
	defer done()
	t, err := openTable(c.In, s, show)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	defer func() { err = errors.Join(err, t.close()) }()
	t.link = c.Link
	file, guessed, err := c.config(ctx, t, s)
	if err != nil {
		return err
	}
	if c.Guess {
		done()
		_, err := io.WriteString(s.out, file.YAML())
		return err
	}
	if guessed && !slices.ContainsFunc(file.Columns, func(x dedupe.MatchColumn) bool { return x.Kind != string(match.KindIgnore) }) {
		return &exitError{exitUsage, fmt.Errorf("%s: no column looks worth comparing: they are empty, or ids of rows; say with --config which mean what", strings.Join(c.In, ", "))}
	}
	if guessed && !c.JSON {
		done()
		s.say("The columns were guessed (print them with --guess, correct them, and give them with --config):\n%s", indent(file.YAML()))
	}
	o := file.Options(c.Link)
	said, err := readDecisions(file.Decisions, filepath.Dir(c.Config))
	if err != nil {
		return &exitError{exitUsage, err}
	}
	o.Progress = show
	labels, err := c.labels(t)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	rows, err := c.fill(ctx, t, file, labels, said)
	if err != nil {
		return err
	}
	var missing []string
	if o.Decisions, missing, err = said.resolve(); err != nil {
		return &exitError{exitUsage, err}
	}
	if len(missing) > 0 {
		done()
		s.say("%s: passed over, as no row is called so: %s", file.Decisions, strings.Join(missing, ", "))
	}
	truth, err := c.truth(t, file, labels)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	work, err := c.work(t, file, o)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if work != nil {
		o.Work = work
		defer func() {
			if err != nil {
				err = errors.Join(err, work.removeEmpty())
			}
		}()
		if found := work.found(); found != "" && !c.JSON {
			done()
			s.say("A run over the same rows was broken off. This one takes what it had done: %s.", found)
		}
	}
	model, learnt, err := c.model(ctx, rows, o, work)
	if err != nil {
		return err
	}
	result, err := model.Cluster(ctx, rows, o)
	if err != nil {
		return err
	}
	rows = nil //nolint:ineffassign,wastedassign // large, and not needed for what is written
	done()
	sum := summarise(t, model, result, truth)
	sum.Learnt, sum.Seconds = learnt, time.Since(began).Seconds()
	if err := c.write(ctx, t, file, model, result, sum, s); err != nil {
		return err
	}
	if work != nil {
		if err := work.remove(); err != nil {
			return err
		}
	}
	if c.JSON {
		to := s.out
		if c.Out == "" {
			to = s.err // the clusters went to standard output
		}
		if err := json.NewEncoder(to).Encode(sum); err != nil {
			return err
		}
		return c.rejected(t)
	}
	s.say("%s", sum)
	return c.rejected(t)
}

// How much garbage there may be, in percent of what is in use, before it is collected, and from how many rows on a table is large.
const (
	tableGC   = 100
	largeGC   = 30
	largeRows = 200_000
)

// rejected gives the exit code of a run that could not read some rows.
func (c *dedupeCmd) rejected(t *dedupeTable) error {
	if len(t.rejects) == 0 {
		return nil
	}
	return &exitError{exitRejects, fmt.Errorf("%s could not be read and %s in no cluster; the reasons stand above", plural(len(t.rejects), "row"), are(len(t.rejects)))}
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func (c *dedupeCmd) usable() error {
	for _, name := range c.In {
		i, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("--in: %w", err)
		}
		if i.IsDir() {
			return fmt.Errorf("--in: %s is a folder; expected a table", name)
		}
	}
	read := []flagFile{{"--config", c.Config}, {"--truth-pairs", c.TruthIn}}
	for _, name := range c.In {
		read = append(read, flagFile{"--in", name})
	}
	if err := keepInputs(read, flagFile{"--out", c.Out}, flagFile{"--pairs", c.Pairs}, flagFile{"--report", c.Report}, flagFile{"--model", c.Model}); err != nil {
		return err
	}
	if c.Link && len(c.In) < 2 {
		return errors.New("--link: give at least two tables with --in")
	}
	if c.TruthOf != "" && c.Truth == "" {
		return errors.New("--truth-match takes a part of the column of --truth; give that too")
	}
	if c.Truth != "" && c.TruthIn != "" {
		return errors.New("give --truth or --truth-pairs, not both")
	}
	return nil
}

// config reads match.yaml, or guesses it.
func (c *dedupeCmd) config(ctx context.Context, t *dedupeTable, s streams) (file dedupe.MatchFile, guessed bool, err error) {
	usage := func(err error) (dedupe.MatchFile, bool, error) { return file, false, &exitError{exitUsage, err} }
	if c.Truth != "" && t.column(c.Truth) < 0 {
		return usage(fmt.Errorf("--truth: no column %q; there are %s", c.Truth, strings.Join(t.header, ", ")))
	}
	if c.Config != "" {
		data, err := os.ReadFile(c.Config)
		if err != nil {
			return usage(fmt.Errorf("--config: %w", err))
		}
		if file, err = dedupe.ParseMatchFile(c.Config, data); err != nil {
			return usage(err)
		}
	} else {
		guessed = true
		if headless(t.header) {
			s.say("%s: the first line looks like a row, but it is taken for the names of the columns; write a line with names above it.", t.files[0])
		}
		if c.Link {
			if err := t.align(); err != nil {
				return usage(err)
			}
		}
		t.needed[c.Truth] = c.Truth != ""
		sample, unique, err := t.sample(ctx)
		if err != nil {
			return file, false, err
		}
		file = dedupe.GuessMatchFile(t.header, sample)
		for i, h := range t.header {
			x := &file.Columns[i]
			if x.Also, x.With = t.also[h], t.with[h]; len(x.With) > 0 {
				x.Kind = string(match.KindPersonName)
			}
		}
		file.Columns = slices.DeleteFunc(file.Columns, func(x dedupe.MatchColumn) bool { return t.behind(x.Column) })
		file.ID = rowIDColumn(t.header, func(column string) bool { return column != c.Truth && unique[column] && isIgnored(file, column) })
	}
	file.Columns = slices.DeleteFunc(file.Columns, func(x dedupe.MatchColumn) bool { return x.Column == c.Truth })
	var problems leadloop.Problems
	if file.ID != "" && t.column(file.ID) < 0 {
		problems.AddHint(file.At, "columns: "+strings.Join(t.header, ", "), "id: the table has no column %q", file.ID)
	}
	for _, x := range file.Columns {
		if t.column(x.Column) < 0 {
			problems.AddHint(x.At, "columns: "+strings.Join(t.header, ", "), "the table has no column %q", x.Column)
		}
		for _, name := range x.With {
			if t.column(name) < 0 && !slices.Contains(t.others, name) {
				problems.AddHint(x.At, "columns: "+strings.Join(append(slices.Clone(t.header), t.others...), ", "), "with: no file has a column %q", name)
			}
		}
	}
	if err := problems.Err(); err != nil {
		return usage(err)
	}
	if !guessed {
		t.need(file, c.Truth, file.ID)
	}
	return file, guessed, nil
}

func isIgnored(file dedupe.MatchFile, column string) bool {
	return slices.ContainsFunc(file.Columns, func(x dedupe.MatchColumn) bool { return x.Column == column && x.Kind == string(match.KindIgnore) })
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}

// model reads or learns the model. What was learnt is kept in work at once.
func (c *dedupeCmd) model(ctx context.Context, rows *match.Table, o match.Options, work *workFolder) (m *match.Model, learnt bool, err error) {
	if c.Model != "" {
		data, err := os.ReadFile(c.Model)
		if err == nil {
			if m, err = match.ParseModel(data); err != nil {
				return nil, false, &exitError{exitUsage, fmt.Errorf("%s: %w", c.Model, err)}
			}
			return m, false, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return nil, false, err
		}
	}
	if m = work.model(); m == nil {
		if m, err = match.Learn(ctx, rows, o); err != nil {
			return nil, false, err
		}
		if err := work.keepModel(m); err != nil {
			return nil, false, err
		}
	}
	if c.Model == "" {
		return m, true, nil
	}
	return m, true, writeModel(c.Model, m)
}

func writeModel(name string, m *match.Model) error {
	data, err := m.MarshalJSON()
	if err != nil {
		return err
	}
	return writeFile(name, private, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// steps shows on a terminal how far each step is, with the time left.
func steps(w io.Writer) (show func(match.Progress), done func()) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	step := ""
	done = func() {
		if bar != nil {
			_ = bar.Finish()
		}
		bar, step = nil, ""
	}
	return func(p match.Progress) {
		if p.Step != step {
			done()
			total := int64(p.Total)
			if total == 0 {
				total = -1
			}
			bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(p.Step), progressbar.OptionShowCount(),
				progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
			step = p.Step
		}
		_ = bar.Set(p.Done)
	}, done
}

// quality is what the truth says of a result.
type quality struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	BCubed    float64 `json:"b_cubed_f1"`
	TruePairs int64   `json:"true_pairs"`
}

func judge(truth []string, r *match.Result) *quality {
	if truth == nil {
		return nil
	}
	clusters := make([]string, len(r.Rows))
	for i, m := range r.Rows {
		clusters[i] = m.Cluster
	}
	p := measure.CountPairs(truth, clusters)
	_, _, b := measure.BCubed(truth, clusters)
	return &quality{Precision: p.Precision(), Recall: p.Recall(), F1: p.F1(), BCubed: b, TruePairs: p.True}
}

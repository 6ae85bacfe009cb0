package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
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
	Model   string   `placeholder:"FILE" help:"The learnt model: read if the file is there, otherwise learnt and written. A run that was broken off need not learn again."`
	Truth   string   `placeholder:"COLUMN" help:"A column that is equal for rows that are one: prints precision, recall, F1 and B³. It is not compared."`
	TruthOf string   `name:"truth-match" placeholder:"REGEX" help:"Take the first group of this match from the column of --truth."`
	TruthIn string   `name:"truth-pairs" placeholder:"FILE" help:"A table whose first two columns are ids of rows that are one, with or without a header, instead of --truth."`
	JSON    bool     `xor:"out" help:"Print the summary as JSON."`
}

// dedupeTable is what was read from the files.
type dedupeTable struct {
	files   []string
	header  []string
	rows    [][]string
	file    []int // by row
	line    []int // by row, in its file
	rejects []string
}

func (c *dedupeCmd) Run(ctx context.Context, s streams) error {
	if err := c.usable(); err != nil {
		return &exitError{exitUsage, err}
	}
	began := time.Now()
	t, err := c.read(ctx, s)
	if err != nil {
		return err
	}
	file, guessed, err := c.config(t)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if c.Guess {
		_, err := io.WriteString(s.out, file.YAML())
		return err
	}
	truth, err := c.truth(t, file)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if guessed && !c.JSON {
		s.say("The columns were guessed (print them with --guess, correct them, and give them with --config):\n%s", indent(file.YAML()))
	}
	o := file.Options(c.Link)
	if o.Decisions, err = decisions(file.Decisions, filepath.Dir(c.Config)); err != nil {
		return &exitError{exitUsage, err}
	}
	rows, err := fill(t, file, c.Link)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	show, done := steps(s.err)
	defer done()
	o.Progress = show
	model, learnt, err := c.model(ctx, rows, o)
	if err != nil {
		return err
	}
	result, err := model.Cluster(ctx, rows, o)
	if err != nil {
		return err
	}
	done()
	sum := summarise(t, model, result, truth)
	sum.Learnt, sum.Seconds = learnt, time.Since(began).Seconds()
	if err := c.write(t, file, model, result, sum, s); err != nil {
		return err
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

// read reads all files. They must have the same columns, in any order.
func (c *dedupeCmd) read(ctx context.Context, s streams) (*dedupeTable, error) {
	t := &dedupeTable{files: c.In}
	for i, name := range c.In {
		if err := t.add(ctx, i, name, s); err != nil {
			return nil, &exitError{exitUsage, err}
		}
	}
	if len(t.rows) < 2 {
		return nil, &exitError{exitUsage, fmt.Errorf("%s: %s; two are needed to be one", strings.Join(c.In, ", "), plural(len(t.rows), "row that can be read"))}
	}
	return t, nil
}

func (t *dedupeTable) add(ctx context.Context, number int, name string, s streams) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var r io.Reader = bufio.NewReaderSize(f, 1<<20)
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			return fmt.Errorf("%s: not a gzip file: %w", name, err)
		}
	}
	in, err := capture.NewTable(r)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	header := in.Header()
	if t.header == nil {
		t.header = header
	}
	place := make([]int, len(t.header)) // where each of our columns is in this file
	for i, h := range t.header {
		if place[i] = slices.Index(header, h); place[i] < 0 {
			return fmt.Errorf("%s: no column %q, which %s has; it has %s", name, h, t.files[0], strings.Join(header, ", "))
		}
	}
	for {
		if len(t.rows)%10_000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		row, err := in.Next()
		var reject *capture.Reject
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &reject):
			text := fmt.Sprintf("%s: %v", name, reject)
			t.rejects = append(t.rejects, text)
			if len(t.rejects) <= 20 {
				s.say("%s", text)
			}
			continue
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		}
		cells := row.Cells
		if number > 0 {
			cells = make([]string, len(place))
			for i, k := range place {
				cells[i] = row.Cells[k]
			}
		}
		t.rows, t.file, t.line = append(t.rows, cells), append(t.file, number), append(t.line, row.Line)
	}
}

func (t *dedupeTable) column(name string) int { return slices.Index(t.header, name) }

// config reads match.yaml, or guesses it.
func (c *dedupeCmd) config(t *dedupeTable) (file dedupe.MatchFile, guessed bool, err error) {
	if c.Truth != "" && t.column(c.Truth) < 0 {
		return file, false, fmt.Errorf("--truth: no column %q; there are %s", c.Truth, strings.Join(t.header, ", "))
	}
	if c.Config != "" {
		data, err := os.ReadFile(c.Config)
		if err != nil {
			return file, false, fmt.Errorf("--config: %w", err)
		}
		if file, err = dedupe.ParseMatchFile(c.Config, data); err != nil {
			return file, false, err
		}
	} else {
		guessed = true
		sample := t.rows
		if len(sample) > 5_000 {
			// Not the first ones: a file is often sorted.
			sample = nil
			for i := range 5_000 {
				sample = append(sample, t.rows[i*len(t.rows)/5_000])
			}
		}
		file = dedupe.GuessMatchFile(t.header, sample)
		file.Columns = slices.DeleteFunc(file.Columns, func(x dedupe.MatchColumn) bool { return x.Column == c.Truth })
		file.ID = t.guessID(file)
	}
	var problems leadloop.Problems
	if file.ID != "" && t.column(file.ID) < 0 {
		problems.AddHint(file.At, "columns: "+strings.Join(t.header, ", "), "id: the table has no column %q", file.ID)
	}
	for _, x := range file.Columns {
		if t.column(x.Column) < 0 {
			problems.AddHint(x.At, "columns: "+strings.Join(t.header, ", "), "the table has no column %q", x.Column)
		}
		if x.Column == c.Truth && x.Kind != string(match.KindIgnore) {
			problems.Add(x.At, "the column %q is the truth and can't be compared", x.Column)
		}
	}
	return file, guessed, problems.Err()
}

// guessID returns the first column that is called an id, is not compared, and
// has another value in every row of a file; "" if there is none.
func (t *dedupeTable) guessID(file dedupe.MatchFile) string {
	for _, c := range file.Columns {
		name := strings.ToLower(c.Column)
		if c.Kind != string(match.KindIgnore) || name != "id" && !strings.HasSuffix(name, "_id") && !strings.HasSuffix(name, " id") {
			continue
		}
		if _, err := t.ids(dedupe.MatchFile{ID: c.Column}); err == nil {
			return c.Column
		}
	}
	return ""
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}

// fill makes the table that is matched. The id of a row is its number, so that
// ids that occur twice do no harm; decisions name rows by the id column.
func fill(t *dedupeTable, file dedupe.MatchFile, link bool) (*match.Table, error) {
	rows, err := match.NewTable(file.Fields())
	if err != nil {
		return nil, err
	}
	var place []int
	for _, x := range file.Columns {
		place = append(place, t.column(x.Column))
	}
	ids, err := t.ids(file)
	if err != nil {
		return nil, err
	}
	for i, cells := range t.rows {
		values := make([]string, len(place))
		for k, at := range place {
			values[k] = cells[at]
		}
		source := ""
		if link {
			source = fmt.Sprintf("%04d", t.file[i]) // sources are ordered by name
		}
		if err := rows.Add(match.Record{ID: ids[i], Source: source, Values: values}); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// ids names the rows: by the id column, or by their number.
func (t *dedupeTable) ids(file dedupe.MatchFile) ([]string, error) {
	ids := make([]string, len(t.rows))
	at := -1
	if file.ID != "" {
		at = t.column(file.ID)
	}
	seen := map[string]int{}
	for i, cells := range t.rows {
		if at < 0 {
			// Of one width, so that they sort by number.
			ids[i] = fmt.Sprintf("%09d", i+1)
			continue
		}
		id := strings.TrimSpace(cells[at])
		if len(t.files) > 1 {
			id = fmt.Sprintf("%d:%s", t.file[i]+1, id) // files may number their rows alike
		}
		if first, twice := seen[id]; twice {
			return nil, fmt.Errorf("%s:%d: the id %q is that of line %d too; take another column, or leave id out and rows are numbered",
				t.files[t.file[i]], t.line[i], strings.TrimSpace(cells[at]), t.line[first])
		}
		seen[id] = i
		ids[i] = id
	}
	return ids, nil
}

// decisions reads what somebody said of pairs of rows.
func decisions(name, folder string) (all []match.Decision, err error) {
	if name == "" {
		return nil, nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("decisions: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in, err := capture.NewTable(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	at := map[string]int{}
	for _, want := range []string{"a", "b", "same"} {
		if at[want] = slices.Index(in.Header(), want); at[want] < 0 {
			return nil, fmt.Errorf("%s: no column %q; expected a,b,same", name, want)
		}
	}
	for {
		row, err := in.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		same, err := strconv.ParseBool(row.Cells[at["same"]])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: same is %q; expected true or false", name, row.Line, row.Cells[at["same"]])
		}
		all = append(all, match.Decision{A: row.Cells[at["a"]], B: row.Cells[at["b"]], Same: same})
	}
}

// model reads or learns the model.
func (c *dedupeCmd) model(ctx context.Context, rows *match.Table, o match.Options) (m *match.Model, learnt bool, err error) {
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
	if m, err = match.Learn(ctx, rows, o); err != nil {
		return nil, false, err
	}
	if c.Model == "" {
		return m, true, nil
	}
	data, err := m.MarshalJSON()
	if err != nil {
		return nil, false, err
	}
	return m, true, os.WriteFile(c.Model, append(data, '\n'), 0o644)
}

// truth returns a label for each row, nil if nothing is known.
func (c *dedupeCmd) truth(t *dedupeTable, file dedupe.MatchFile) ([]string, error) {
	if c.TruthIn != "" {
		return t.truthPairs(c.TruthIn, file, c.Link)
	}
	if c.Truth == "" {
		return nil, nil
	}
	var part *regexp.Regexp
	if c.TruthOf != "" {
		var err error
		if part, err = regexp.Compile(c.TruthOf); err != nil {
			return nil, fmt.Errorf("--truth-match: %w", err)
		}
		if part.NumSubexp() == 0 {
			return nil, errors.New("--truth-match: it has no group (...) to take")
		}
	}
	labels, at := make([]string, len(t.rows)), t.column(c.Truth)
	for i, cells := range t.rows {
		label := strings.TrimSpace(cells[at])
		if part != nil {
			found := part.FindStringSubmatch(label)
			if found == nil {
				return nil, fmt.Errorf("%s:%d: --truth-match does not match the column %s", t.files[t.file[i]], t.line[i], c.Truth)
			}
			label = found[1]
		}
		if label == "" {
			label = fmt.Sprintf("\x00%d", i) // unknown: a row by itself
		}
		labels[i] = label
	}
	return labels, nil
}

// truthPairs unites rows by pairs of ids. Where two files are linked, the first
// id is of the first file and the second of the second.
func (t *dedupeTable) truthPairs(name string, file dedupe.MatchFile, link bool) (labels []string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--truth-pairs: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(strings.NewReader(string(text)))
	r.FieldsPerRecord = -1
	first, _, _ := strings.Cut(string(text), "\n")
	for _, comma := range []rune{'|', ';', '\t', '%'} {
		if strings.ContainsRune(first, comma) {
			r.Comma = comma
		}
	}
	pairs, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	number := map[string]int{}
	for i, cells := range t.rows {
		id := strconv.Itoa(i + 1)
		if file.ID != "" {
			id = strings.TrimSpace(cells[t.column(file.ID)])
		}
		number[fmt.Sprintf("%d:%s", t.side(i, link), id)] = i
	}
	parent := make([]int, len(t.rows))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	second := 0
	if link {
		second = 1
	}
	for n, p := range pairs {
		if len(p) < 2 {
			return nil, fmt.Errorf("%s: row %d has one column; expected two ids", name, n+1)
		}
		a, okA := number["0:"+strings.TrimSpace(p[0])]
		b, okB := number[fmt.Sprintf("%d:%s", second, strings.TrimSpace(p[1]))]
		if !okA || !okB {
			if n == 0 {
				continue // a header
			}
			return nil, fmt.Errorf("%s: row %d: no row has the id %q or %q; which column has the ids is said by id in the configuration", name, n+1, p[0], p[1])
		}
		parent[root(a)] = root(b)
	}
	for i := range t.rows {
		labels = append(labels, strconv.Itoa(root(i)))
	}
	return labels, nil
}

// side is the file of a row for the names of rows in pairs.
func (t *dedupeTable) side(i int, link bool) int {
	if !link {
		return 0
	}
	return t.file[i]
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

func judge(truth []string, clusters []string) *quality {
	if truth == nil {
		return nil
	}
	p := measure.CountPairs(truth, clusters)
	_, _, b := measure.BCubed(truth, clusters)
	return &quality{Precision: p.Precision(), Recall: p.Recall(), F1: p.F1(), BCubed: b, TruePairs: p.True}
}

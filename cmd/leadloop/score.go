package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/scoring/learn"
)

type scoreCmd struct {
	Model   string            `required:"" placeholder:"FILE" help:"The model: a scoring.yaml, learnt or written."`
	In      string            `required:"" placeholder:"FILE" help:"Leads as CSV, also compressed (.gz)."`
	Out     string            `placeholder:"FILE" help:"Where the scores are written: row,id,score,tier,probability,low,high,reasons. A row is its number from 1, the header not counted. Default: standard output."`
	ID      string            `name:"id" placeholder:"COLUMN" help:"The column that names the lead. Default: one that is called id."`
	Map     map[string]string `mapsep:"," placeholder:"COLUMN=FIELD" help:"The field that a column holds. Default: what the model calls it, else guessed from the name."`
	AsOf    string            `placeholder:"TIME" help:"The moment of the scores. Default: now. A learnt model does not read it."`
	Reasons int               `default:"5" help:"How many reasons are written, the strongest first."`
	JSON    bool              `help:"Print the summary as JSON."`
}

// scoreSummary is what scoring a table came to.
type scoreSummary struct {
	Model      string            `json:"model"`
	Rows       int               `json:"rows"`
	NoScore    int               `json:"no_score"`
	Excluded   int               `json:"disqualified"`
	Tiers      []scoredTier      `json:"tiers"`
	Mean       float64           `json:"mean_score"`
	Expected   *float64          `json:"expected_won,omitempty"` // sum of the probabilities
	Columns    map[string]string `json:"columns"`
	Unread     []string          `json:"columns_not_read"`
	Missing    []string          `json:"fields_without_column"`
	Unreadable map[string]int    `json:"unreadable_values,omitempty"`
	Rejected   int               `json:"rejected"`
	Seconds    float64           `json:"seconds"`
	singles    []string
}

type scoredTier struct {
	Tier  string `json:"tier"`
	Leads int    `json:"leads"`
}

func (c *scoreCmd) Run(ctx context.Context, s streams) error {
	began := time.Now()
	if err := keepInputs([]flagFile{{"--in", c.In}, {"--model", c.Model}}, flagFile{"--out", c.Out}); err != nil {
		return &exitError{exitUsage, err}
	}
	d, model, err := readModel(c.Model)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	src, err := openCSV(c.In)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	asOf := began.UTC()
	if c.AsOf != "" {
		if asOf, err = leadloop.ParseTime(c.AsOf); err != nil {
			return &exitError{exitUsage, fmt.Errorf("--as-of: %w", err)}
		}
	}
	t, err := newTableLeads(ctx, src, d, model, c.Map, asOf)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if t.id, err = idColumn(src.header, c.ID); err != nil {
		return &exitError{exitUsage, err}
	}
	show, done := steps(s.err)
	defer done()
	o := scoring.BatchOptions{Range: true}
	if show != nil {
		o.Progress = func(scoring.BatchProgress) { show(src.progress("scoring")) }
	}
	sum := &scoreSummary{Model: model.ID(), Columns: t.columns(), Unread: t.unread, Missing: t.missing, singles: model.BatchSingles()}
	write := func(w io.Writer) error { return c.write(ctx, w, d, model, t, asOf, o, sum) }
	if c.Out == "" {
		err = write(s.out)
	} else {
		err = writeFile(c.Out, private, write)
	}
	done()
	if err != nil {
		return err
	}
	sum.Unreadable, sum.Rejected, sum.Seconds = t.unreadable, len(src.rejects), time.Since(began).Seconds()
	if c.JSON {
		to := s.out
		if c.Out == "" {
			to = s.err // the scores went to standard output
		}
		if err := json.NewEncoder(to).Encode(sum); err != nil {
			return err
		}
	} else {
		s.say("%s", sum.text())
	}
	return src.rejected(s)
}

// readModel reads and compiles a scoring file by itself.
func readModel(name string) (scoring.Definition, *scoring.Model, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return scoring.Definition{}, nil, fmt.Errorf("--model: %w", err)
	}
	d, err := scoring.Parse(name, data)
	if err != nil {
		return d, nil, err
	}
	schema, err := d.Schema()
	if err != nil {
		return d, nil, err
	}
	m, err := scoring.New(d, schema, scoring.Options{})
	return d, m, err
}

// idColumn finds the column that names the lead; -1 if there is none.
func idColumn(header []string, said string) (int, error) {
	if said != "" {
		i := slices.Index(header, said)
		if i < 0 {
			return -1, fmt.Errorf("--id: there is no column %q; there are %s", said, strings.Join(header, ", "))
		}
		return i, nil
	}
	return slices.IndexFunc(header, func(h string) bool {
		slug := learn.Slug(h)
		return slug == "id" || strings.HasSuffix(slug, "_id")
	}), nil
}

// tableLeads reads leads from a table for a model.
type tableLeads struct {
	src        *csvSource
	schema     *leadloop.Schema
	id         int
	fields     []int  // by column: position in the schema, -1 for none
	commas     []bool // by column: its numbers have a decimal comma
	names      []string
	unread     []string
	missing    []string
	unreadable map[string]int

	// Fields that the model does not declare are read as leads are captured.
	capture  *capture.Capture
	captured []capture.Column // by column; nothing is held where it is read directly
	needs    map[string]bool
	asOf     time.Time
}

func newTableLeads(ctx context.Context, src *csvSource, d scoring.Definition, m *scoring.Model, said map[string]string, asOf time.Time) (*tableLeads, error) {
	t := &tableLeads{src: src, schema: m.Schema(), id: -1, unreadable: map[string]int{}, needs: map[string]bool{}, asOf: asOf}
	names, err := learn.Match(src.header, d, said)
	if err != nil {
		return nil, fmt.Errorf("--map: %w", err)
	}
	t.names = names
	if t.commas, err = learn.DecimalCommas(ctx, src); err != nil {
		return nil, err
	}
	direct := map[string]bool{}
	for i, name := range names {
		at := -1
		if name != "" {
			k, ok := t.schema.Index(name)
			if !ok {
				return nil, fmt.Errorf("--map: column %q: the model has no field %s", src.header[i], name)
			}
			at, direct[name] = k, true
		}
		t.fields = append(t.fields, at)
	}
	for _, f := range m.Inputs() {
		if !direct[f] {
			t.needs[f] = true
		}
	}
	held := map[string]bool{}
	if len(t.needs) > 0 {
		if t.captured, err = capture.Columns(src.header, t.schema, map[string]string{}); err != nil {
			return nil, err
		}
		for i := range t.captured {
			if t.fields[i] >= 0 || said[src.header[i]] == "-" {
				t.captured[i].Holds = capture.ColumnIgnore
			}
			held[t.captured[i].Holds] = true
		}
		if t.capture, err = capture.New(t.schema, capture.Source{Name: "table", Required: [][]string{}, MaxAhead: math.MaxInt64}); err != nil {
			return nil, err
		}
	}
	for _, f := range m.Inputs() {
		// Seniority and the like are derived from what was captured.
		if t.needs[f] && !held[f] && !derivedFrom(f, held) {
			t.missing = append(t.missing, f)
		}
	}
	if len(t.missing) == len(t.needs) {
		t.capture, t.captured = nil, nil
	}
	if len(m.Inputs()) > 0 && len(t.missing) == len(m.Inputs()) {
		return nil, fmt.Errorf("%s: no column is read by the model, which reads %s; --map COLUMN=FIELD names one", src.name, strings.Join(t.missing, ", "))
	}
	for i, h := range src.header {
		switch {
		case t.fields[i] >= 0:
		case t.captured != nil && t.captured[i].Holds != "" && t.captured[i].Holds != capture.ColumnIgnore:
			t.names[i] = t.captured[i].Holds
		default:
			t.unread = append(t.unread, h)
		}
	}
	return t, nil
}

// derivedFrom tells that capturing derives a field from others that are there.
func derivedFrom(field string, held map[string]bool) bool {
	switch field {
	case leadloop.Seniority.Name(), leadloop.Department.Name():
		return held[leadloop.Title.Name()]
	case leadloop.FirstName.Name(), leadloop.LastName.Name():
		return held[capture.ColumnFullName]
	case leadloop.Domain.Name():
		return held[leadloop.Email.Name()]
	}
	return false
}

// columns says which column holds which field.
func (t *tableLeads) columns() map[string]string {
	out := map[string]string{}
	for i, name := range t.names {
		if name != "" {
			out[t.src.header[i]] = name
		}
	}
	return out
}

// profile reads one row.
func (t *tableLeads) profile(row []string) (*leadloop.Profile, error) {
	p := t.schema.NewProfile()
	for i, at := range t.fields {
		if at < 0 {
			continue
		}
		v, ok := learn.Value(row[i], t.schema.At(at).Kind, t.commas[i])
		if !ok {
			t.unreadable[t.src.header[i]]++
		}
		if v.Presence() == leadloop.Absent {
			continue
		}
		if err := p.SetValue(t.schema.At(at).Name, v); err != nil {
			return nil, err
		}
	}
	if t.capture == nil {
		return p, nil
	}
	values := map[string]string{}
	for i, c := range t.captured {
		if c.Holds != "" && c.Holds != capture.ColumnIgnore && c.Holds != capture.ColumnReceivedAt {
			values[c.Holds] = row[i]
		}
	}
	sub, warnings, err := t.capture.Submission(capture.Payload{Values: values}, t.asOf)
	var reject *capture.Reject
	if errors.As(err, &reject) {
		for _, r := range reject.Reasons {
			t.unreadable[r.Field]++
		}
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		t.unreadable[w.Field]++
	}
	for _, cl := range sub.Claims {
		if t.needs[cl.Field] && p.Value(cl.Field).Presence() == leadloop.Absent {
			if err := p.SetValue(cl.Field, cl.Value); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// leads yields the rows as a batch wants them.
func (t *tableLeads) leads(ctx context.Context) iter.Seq2[scoring.BatchLead, error] {
	return func(yield func(scoring.BatchLead, error) bool) {
		for row, err := range t.src.Rows(ctx) {
			var lead scoring.BatchLead
			if err == nil {
				lead.Profile, err = t.profile(row)
			}
			if t.id >= 0 && err == nil {
				lead.ID = leadloop.LeadID(strings.TrimSpace(row[t.id]))
			}
			if !yield(lead, err) || err != nil {
				return
			}
		}
	}
}

// reason is a rule as it stands among the reasons.
type reason struct {
	rule   int
	text   string
	points float64
}

// reasonOrder lists the rules that give points, the strongest first; those whose
// points depend on the lead come last, without a number.
func reasonOrder(d scoring.Definition) []reason {
	var out []reason
	for i, r := range d.Rules {
		if r.Disqualify != "" {
			continue
		}
		points, err := strconv.ParseFloat(r.Points.Text, 64)
		if err != nil || r.Each != "" {
			out = append(out, reason{rule: i, text: r.ID})
			continue
		}
		if p, ok := leadloop.PointsOf(points); ok && p != 0 {
			sign := ""
			if p > 0 {
				sign = "+"
			}
			out = append(out, reason{i, r.ID + " " + sign + p.String(), math.Abs(points)})
		}
	}
	slices.SortStableFunc(out, func(a, b reason) int {
		switch {
		case a.points > b.points:
			return -1
		case a.points < b.points:
			return 1
		}
		return 0
	})
	return out
}

func (c *scoreCmd) write(ctx context.Context, w io.Writer, d scoring.Definition, m *scoring.Model, t *tableLeads, asOf time.Time, o scoring.BatchOptions, sum *scoreSummary) error {
	out := bufio.NewWriterSize(w, 1<<20)
	_, _ = out.WriteString("row,id,score,tier,probability,low,high,reasons\n") // Flush tells
	order := reasonOrder(d)
	tiers, total, expected := map[string]int{}, leadloop.Points(0), 0.0
	_, says := m.Probability(0)
	var line []byte
	for scores, err := range m.ScoreAll(ctx, t.leads(ctx), asOf, o) {
		if err != nil {
			return err
		}
		for i := range scores.Len() {
			v := scores.Verdict(i)
			sum.Rows++
			line = strconv.AppendInt(line[:0], int64(sum.Rows), 10)
			line = append(line, ',')
			if scores.IDs != nil {
				line = appendCell(line, string(scores.IDs[i]))
			}
			line = append(line, ',')
			if v.Known {
				total += v.Points
				line = append(line, v.Points.String()...)
			} else {
				sum.NoScore++
			}
			line = append(append(append(line, ','), v.Tier...), ',')
			if p, ok := m.Probability(v.Points); ok && v.Known {
				expected += p
				line = strconv.AppendFloat(line, p, 'g', 6, 64)
			}
			line = append(line, ',')
			if v.Known {
				line = append(line, scores.Low[i].String()...)
				line = append(append(line, ','), scores.High[i].String()...)
			} else {
				line = append(line, ',')
			}
			line = append(line, ',')
			if v.Disqualified != "" {
				sum.Excluded++
				line = append(append(line, "disqualified: "...), v.Disqualified...)
			}
			tiers[v.Tier]++
			n, first := 0, v.Disqualified == ""
			for _, r := range order {
				if n == c.Reasons {
					break
				}
				if leads := scores.Rule(r.rule).Matched; leads != nil && leads.Has(i) {
					if !first {
						line = append(line, "; "...)
					}
					line, first = append(line, r.text...), false
					n++
				}
			}
			line = append(line, '\n')
			if _, err := out.Write(line); err != nil {
				return err
			}
		}
	}
	for _, tier := range append(m.Tiers(), "") {
		if tiers[tier] > 0 || tier != "" {
			sum.Tiers = append(sum.Tiers, scoredTier{tier, tiers[tier]})
		}
	}
	if n := sum.Rows - sum.NoScore; n > 0 {
		sum.Mean = total.Float() / float64(n)
	}
	if says {
		sum.Expected = &expected
	}
	return out.Flush()
}

// appendCell writes a cell of a CSV file.
func appendCell(line []byte, cell string) []byte {
	if !strings.ContainsAny(cell, ",\"\r\n") && !strings.HasPrefix(cell, " ") {
		return append(line, cell...)
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{cell}) // a string takes everything
	w.Flush()
	return append(line, strings.TrimSuffix(b.String(), "\n")...)
}

// shortModel is name@version with the beginning of the digest.
func shortModel(id string) string {
	if i := strings.LastIndexByte(id, ':'); i > 0 && len(id) > i+13 {
		return id[:i+13]
	}
	return id
}

func (s *scoreSummary) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s scored by %s in %.1f s: ", plural(s.Rows, "row"), shortModel(s.Model), s.Seconds)
	var parts []string
	for _, t := range s.Tiers {
		if t.Tier == "" {
			parts = append(parts, thousands(int64(t.Leads))+" without a tier")
			continue
		}
		parts = append(parts, thousands(int64(t.Leads))+" "+t.Tier)
	}
	fmt.Fprintf(&b, "%s. The mean score is %.1f", strings.Join(parts, ", "), s.Mean)
	if s.Expected != nil {
		fmt.Fprintf(&b, "; %.0f of them are expected to be won", *s.Expected)
	}
	b.WriteString(".")
	if s.NoScore > 0 {
		fmt.Fprintf(&b, " Without a score, because nothing that the model reads is known: %s.", plural(s.NoScore, "row"))
	}
	if len(s.Missing) > 0 {
		fmt.Fprintf(&b, "\nNo column holds %s; the model reads it. --map COLUMN=FIELD names one.", strings.Join(s.Missing, ", "))
	}
	if len(s.Unreadable) > 0 {
		var bad []string
		for _, k := range slices.Sorted(maps.Keys(s.Unreadable)) {
			bad = append(bad, fmt.Sprintf("%s of %s", thousands(int64(s.Unreadable[k])), k))
		}
		fmt.Fprintf(&b, "\nValues that can't be read count as missing: %s.", strings.Join(bad, ", "))
	}
	if len(s.singles) > 0 {
		fmt.Fprintf(&b, "\nScored one by one, which is slower: %s.", strings.Join(s.singles, ", "))
	}
	return b.String()
}

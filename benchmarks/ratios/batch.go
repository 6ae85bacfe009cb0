package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/benchmarks"
	"github.com/leadloop/leadloop/scoring"
)

// batchReport is what -batch prints.
type batchReport struct {
	Go       string       `json:"go"`
	Platform string       `json:"platform"`
	Leads    int          `json:"leads"`
	Rounds   int          `json:"rounds"`
	Models   []batchTable `json:"models"`
}

type batchTable struct {
	Rules int `json:"rules"`
	// ColumnBytes and RowBytes are memory for each lead.
	ColumnBytes float64    `json:"column_bytes_per_lead"`
	RowBytes    float64    `json:"row_bytes_per_lead"`
	Rows        []batchRow `json:"rows"`
}

type batchRow struct {
	What     string  `json:"what"`
	MinNS    float64 `json:"min_ns_per_lead"`
	MedianNS float64 `json:"median_ns_per_lead"`
	Tuned    *ratio  `json:"times_hand_tuned"`
	Scan     *ratio  `json:"times_scan"`
}

// pass is one way to go through leads.
type pass struct {
	what  string
	leads int
	run   func() error
	after func() error // not measured
	times []float64
}

func edit(b *scoring.Batch, m *scoring.Model) error {
	_, err := b.Rescore(context.Background(), m, benchmarks.Now)
	return err
}

// sampled is how many leads are made beforehand as profiles, and inAllForms how
// many as maps too.
const (
	sampled    = 64 * 1024
	inAllForms = 1000
)

// batch measures passes over many leads, in turns.
func (s settings) batch(p *progress) (*batchReport, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer p.done()
	out := &batchReport{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Leads: s.batchLeads, Rounds: s.rounds}
	population, err := benchmarks.NewPopulation(s.batchLeads, false)
	if err != nil {
		return nil, err
	}
	before := heap()
	rows := population.Rows()
	rowBytes := (float64(heap()) - float64(before)) / float64(len(rows))
	for i, n := range s.models {
		p.task = fmt.Sprintf("%d rules over %d leads", n, len(rows))
		t, err := s.batchTable(n, population, rows, func(share float64) { p.at((float64(i) + share) / float64(len(s.models))) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.task, err)
		}
		t.RowBytes = rowBytes
		out.Models = append(out.Models, t)
	}
	return out, nil
}

func (s settings) batchTable(n int, population *benchmarks.Population, rows []benchmarks.Lead, progress func(float64)) (batchTable, error) {
	out := batchTable{Rules: n}
	m, err := benchmarks.NewModel(n)
	if err != nil {
		return out, err
	}
	tuned, err := tunedCode(m)
	if err != nil {
		return out, err
	}
	model, err := m.NewScoring()
	if err != nil {
		return out, err
	}
	edits := map[int64]*scoring.Model{}
	for _, employees := range []int64{600, 800} {
		if edits[employees], err = m.Edited(employees); err != nil {
			return out, err
		}
	}
	ctx := context.Background()
	batch, err := population.NewBatch(ctx, model)
	if err != nil {
		return out, err
	}
	out.ColumnBytes = float64(batch.Bytes()) / float64(batch.Len())
	progress(0.4)
	if err := agreeOnRows(tuned, rows, batch); err != nil {
		return out, err
	}
	progress(0.6)
	var sample []scoring.BatchLead
	for l, err := range population.Profiles() {
		if err != nil {
			return out, err
		}
		if sample = append(sample, l); len(sample) == sampled {
			break
		}
	}
	gaps, err := benchmarks.NewPopulation(min(sampled, len(rows)), true)
	if err != nil {
		return out, err
	}
	sparse, err := gaps.NewBatch(ctx, model)
	if err != nil {
		return out, err
	}
	back := func() error { return batch.Score(ctx, model, benchmarks.Now) }
	passes := []*pass{
		{what: "hand-tuned, rows", leads: len(rows), run: func() error { return scoreRows(tuned, rows) }},
		{what: "columns, scan", leads: len(rows), run: func() error { return batch.Score(ctx, model, benchmarks.Now) }},
		{what: "columns, a numeric rule edited, no score changes", leads: len(rows), run: func() error { return edit(batch, edits[600]) }, after: back},
		{what: "columns, a numeric rule edited, a ninth of the scores change", leads: len(rows), run: func() error { return edit(batch, edits[800]) }, after: back},
		{what: "columns, scan, a quarter of the fields absent", leads: gaps.N, run: func() error { return sparse.Score(ctx, model, benchmarks.Now) }},
		{what: "columns, ingest and scan", leads: len(sample), run: func() error {
			_, err := scoring.NewBatch(ctx, model, from(sample), benchmarks.Now, scoring.BatchOptions{})
			return err
		}},
		{what: "columns, stream", leads: len(sample), run: func() error {
			for _, err := range model.ScoreAll(ctx, from(sample), benchmarks.Now, scoring.BatchOptions{}) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{what: "one by one, Model.Verdict", leads: len(sample), run: func() error {
			for _, l := range sample {
				if _, err := model.Verdict(ctx, scoring.Input{Profile: l.Profile, Activities: l.Activities, AsOf: benchmarks.Now}); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	cel, err := s.peer(m, tuned)
	if err != nil {
		return out, err
	}
	if cel != nil {
		passes = append(passes, cel)
	}
	for round := range s.rounds {
		progress(0.6 + 0.4*float64(round)/float64(s.rounds))
		for k := range passes {
			p := passes[(k+round)%len(passes)]
			// What the pass before left behind is not this one's.
			runtime.GC()
			begin, err := cpuTime()
			if err != nil {
				return out, err
			}
			if err := p.run(); err != nil {
				return out, fmt.Errorf("%s: %w", p.what, err)
			}
			end, err := cpuTime()
			if err != nil {
				return out, err
			}
			p.times = append(p.times, float64(end-begin)/float64(p.leads))
			if p.after != nil {
				if err := p.after(); err != nil {
					return out, fmt.Errorf("%s: %w", p.what, err)
				}
			}
		}
	}
	for _, p := range passes {
		r := batchRow{What: p.what, MinNS: slices.Min(p.times), MedianNS: median(p.times)}
		r.Tuned, r.Scan = over(p.times, passes[0].times), over(p.times, passes[1].times)
		out.Rows = append(out.Rows, r)
	}
	return out, nil
}

// over is how many times the cost of b a pass has.
func over(a, b []float64) *ratio {
	paired := make([]float64, len(a))
	for i := range paired {
		paired[i] = a[i] / b[i]
	}
	return &ratio{Min: slices.Min(a) / slices.Min(b), Paired: median(paired), Q1: quantile(paired, 0.25), Q3: quantile(paired, 0.75)}
}

func tunedCode(m *benchmarks.Model) (benchmarks.Scorer, error) {
	for _, e := range benchmarks.Engines() {
		if e.Name == baseline && e.Has(len(m.Rules)) {
			return e.Compile(m)
		}
	}
	return nil, fmt.Errorf("there is no %s code for %d rules", baseline, len(m.Rules))
}

// peer is plain cel-go over a few leads.
func (s settings) peer(m *benchmarks.Model, tuned benchmarks.Scorer) (*pass, error) {
	for _, e := range s.engines {
		if e.Name != plainCEL {
			continue
		}
		scorer, err := e.Compile(m)
		if err != nil {
			return nil, err
		}
		sample, err := benchmarks.NewLeads(max(1, min(inAllForms, s.batchLeads, 40_000/len(m.Rules))), false)
		if err != nil {
			return nil, err
		}
		for i, l := range sample {
			var want, got benchmarks.Outcome
			if err := tuned.Score(l, &want); err != nil {
				return nil, err
			}
			if err := scorer.Score(l, &got); err != nil {
				return nil, err
			}
			if want != got {
				return nil, fmt.Errorf("%s disagrees about lead %d", e.Name, i)
			}
		}
		return &pass{what: e.Name + ", maps made beforehand", leads: len(sample), run: func() error {
			var out benchmarks.Outcome
			for _, l := range sample {
				if err := scorer.Score(l, &out); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}
	return nil, nil
}

// scoreRows goes through the host's structs and keeps the points.
func scoreRows(tuned benchmarks.Scorer, rows []benchmarks.Lead) error {
	points := make([]leadloop.Points, len(rows))
	var out benchmarks.Outcome
	for i := range rows {
		if err := tuned.Score(&rows[i], &out); err != nil {
			return err
		}
		points[i] = out.Points
	}
	runtime.KeepAlive(points)
	return nil
}

// agreeOnRows makes sure that columns and structs say the same of every lead.
func agreeOnRows(tuned benchmarks.Scorer, rows []benchmarks.Lead, batch *scoring.Batch) error {
	n := 0
	for i, got := range benchmarks.Outcomes(batch) {
		var want benchmarks.Outcome
		if err := tuned.Score(&rows[i], &want); err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("columns and %s disagree about lead %d:\n%+v\n%+v", baseline, i, got, want)
		}
		n++
	}
	if n != len(rows) {
		return fmt.Errorf("columns have %d of %d leads", n, len(rows))
	}
	return nil
}

func from(leads []scoring.BatchLead) iter.Seq2[scoring.BatchLead, error] {
	return func(yield func(scoring.BatchLead, error) bool) {
		for _, l := range leads {
			if !yield(l, nil) {
				return
			}
		}
	}
}

// print writes tables in Markdown, aligned.
func (r *batchReport) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s; %s leads, %d rounds\n", r.Go, r.Platform, whole(float64(r.Leads)), r.Rounds)
	for _, t := range r.Models {
		fmt.Fprintf(&b, "\n%d rules; a lead takes %s bytes in columns, %s in structs\n\n", t.Rules, whole(t.ColumnBytes), whole(t.RowBytes))
		b.WriteString("| pass\t| ns/lead, fastest\t| ns/lead, median\t| × hand-tuned, fastest\t| paired median\t| × scan, fastest\t| million leads/s\t|\n")
		b.WriteString("| ---\t| ---:\t| ---:\t| ---:\t| ---:\t| ---:\t| ---:\t|\n")
		for _, row := range t.Rows {
			fmt.Fprintf(&b, "| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t|\n", row.What, short(row.MinNS), short(row.MedianNS),
				thousandths(row.Tuned.Min), thousandths(row.Tuned.Paired), thousandths(row.Scan.Min), short(1000/row.MinNS))
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	if _, err := io.WriteString(t, b.String()); err != nil {
		return err
	}
	return t.Flush()
}

// thousandths writes small ratios too.
func thousandths(f float64) string {
	if f < 1 {
		return fmt.Sprintf("%.3f", f)
	}
	return short(f)
}

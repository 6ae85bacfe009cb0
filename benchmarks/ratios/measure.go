package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/leadloop/leadloop/benchmarks"
)

// contestant is an engine with its model and what was measured of it.
type contestant struct {
	engine benchmarks.Engine
	scorer benchmarks.Scorer
	leads  []*benchmarks.Lead
	next   int       // the lead that comes next
	slice  int       // leads in a slice
	times  []float64 // ns per lead, by round
}

// score scores the next n leads.
func (c *contestant) score(n int) error {
	var out benchmarks.Outcome
	for range n {
		if err := c.scorer.Score(c.leads[c.next], &out); err != nil {
			return fmt.Errorf("%s: %w", c.engine.Name, err)
		}
		if c.next++; c.next == len(c.leads) {
			c.next = 0
		}
	}
	return nil
}

func (s settings) measure(p *progress) (*report, error) {
	// On one thread at a time the CPU time is exact: the kernel brings only the thread
	// that asks up to date, and any other that is busy, say with garbage, lags behind by
	// up to a tick.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r := newReport(s)
	defer p.done()
	for i, rules := range s.models {
		for _, sparse := range []bool{false, true} {
			p.task = fmt.Sprintf("%d rules", rules)
			if sparse {
				p.task += ", a quarter of the fields absent"
			}
			t, err := s.table(rules, sparse, func(share float64) {
				half := 0.0
				if sparse {
					half = 0.5
				}
				p.at((float64(i) + half + share/2) / float64(len(s.models)))
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.task, err)
			}
			r.Speed = append(r.Speed, t)
		}
		p.task = fmt.Sprintf("compiling %d rules", rules)
		p.at(float64(i+1) / float64(len(s.models)))
		t, err := s.compilation(rules)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.task, err)
		}
		r.Compile = append(r.Compile, t)
	}
	return r, nil
}

// table measures all engines that can run a model.
func (s settings) table(rules int, sparse bool, progress func(share float64)) (speed, error) {
	out := speed{Rules: rules, Sparse: sparse}
	m, err := benchmarks.NewModel(rules)
	if err != nil {
		return out, err
	}
	leads, err := benchmarks.NewLeads(s.leads, sparse)
	if err != nil {
		return out, err
	}
	var list []*contestant
	for _, e := range s.engines {
		if !e.Has(rules) || sparse && !e.Sparse {
			continue
		}
		scorer, err := e.Compile(m)
		if err != nil {
			return out, fmt.Errorf("%s: %w", e.Name, err)
		}
		list = append(list, &contestant{engine: e, scorer: scorer, leads: leads})
	}
	if len(list) == 0 {
		return out, nil
	}
	if err := s.agree(list); err != nil {
		return out, err
	}
	for round := range s.rounds {
		progress(float64(round) / float64(s.rounds))
		for k := range list {
			// Nobody always runs after the same neighbour.
			c := list[(k+round)%len(list)]
			// The neighbours have emptied the caches. An engine that sees the leads once or
			// twice in a slice would pay for that, one that sees them twenty times would
			// not, and one that sees a part of them hardly notices.
			if c.slice >= s.leads/2 {
				if err := c.score(s.leads); err != nil {
					return out, err
				}
			}
			from, err := cpuTime()
			if err != nil {
				return out, err
			}
			if err := c.score(c.slice); err != nil {
				return out, err
			}
			to, err := cpuTime()
			if err != nil {
				return out, err
			}
			c.times = append(c.times, float64(to-from)/float64(c.slice))
		}
	}
	for _, c := range list {
		row, err := c.row(list, rules)
		if err != nil {
			return out, err
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// agree makes sure that all contestants say the same of every lead, and finds out how
// many leads make a slice.
func (s settings) agree(list []*contestant) error {
	want := make([]benchmarks.Outcome, s.leads)
	for k, c := range list {
		for i, l := range c.leads {
			var got benchmarks.Outcome
			if err := c.scorer.Score(l, &got); err != nil {
				return fmt.Errorf("%s: lead %d: %w", c.engine.Name, i, err)
			}
			if err := got.Complete(c.scorer); err != nil {
				return fmt.Errorf("%s: lead %d: %w", c.engine.Name, i, err)
			}
			if k == 0 {
				want[i] = got
			} else if got != want[i] {
				return fmt.Errorf("%s and %s disagree about lead %d:\n%+v\n%+v", list[0].engine.Name, c.engine.Name, i, want[i], got)
			}
		}
		// To complete an outcome is no part of a slice.
		from, err := cpuTime()
		if err != nil {
			return err
		}
		if err := c.score(len(c.leads)); err != nil {
			return err
		}
		to, err := cpuTime()
		if err != nil {
			return err
		}
		if to-from < 20*time.Microsecond*time.Duration(len(c.leads)) {
			// The first pass was one over leads that nobody had looked at yet, and half of
			// it was comparing: a fast engine would get slices much too short.
			if from, err = cpuTime(); err != nil {
				return err
			}
			if err := c.score(len(c.leads)); err != nil {
				return err
			}
			if to, err = cpuTime(); err != nil {
				return err
			}
		}
		each := max(to-from, time.Duration(len(c.leads))) / time.Duration(len(c.leads))
		c.slice = max(1, int(s.slice/each))
		if c.slice > s.leads {
			// Whole passes, so that every slice has the same leads.
			c.slice -= c.slice % s.leads
		}
	}
	return nil
}

func (c *contestant) row(list []*contestant, rules int) (row, error) {
	out := row{
		Engine: c.engine.Name, MinNS: slices.Min(c.times), MedianNS: median(c.times), MeanNS: mean(c.times),
		HandTuned: c.against(find(list, baseline)), Ours: c.against(find(list, ours)),
	}
	out.RulesPerSecond = float64(rules) / out.MinNS * 1e9
	n := min(max(100, c.slice), 5000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := c.score(n); err != nil {
		return out, err
	}
	runtime.ReadMemStats(&after)
	out.Allocs = float64(after.Mallocs-before.Mallocs) / float64(n)
	out.Bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
	return out, nil
}

const (
	baseline = "hand-tuned"
	ours     = "leadloop-rules"
	plainCEL = "cel-maps"
)

func find(list []*contestant, name string) *contestant {
	for _, c := range list {
		if c.engine.Name == name {
			return c
		}
	}
	return nil
}

// against is how many times the cost of b this has: by the fastest slices, and the
// median over all rounds.
func (c *contestant) against(b *contestant) *ratio {
	if b == nil {
		return nil
	}
	paired := make([]float64, len(c.times))
	for i := range paired {
		paired[i] = c.times[i] / b.times[i]
	}
	return &ratio{Min: slices.Min(c.times) / slices.Min(b.times), Paired: median(paired), Q1: quantile(paired, 0.25), Q3: quantile(paired, 0.75)}
}

func median(list []float64) float64 { return quantile(list, 0.5) }

func mean(list []float64) float64 {
	var sum float64
	for _, f := range list {
		sum += f
	}
	return sum / float64(len(list))
}

// quantile interpolates between the two nearest values.
func quantile(list []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

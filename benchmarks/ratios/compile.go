package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/leadloop/leadloop/benchmarks"
)

// compilation measures how long a model takes to compile into an environment that is
// there already, and how much memory it keeps.
func (s settings) compilation(rules int) (compilation, error) {
	out := compilation{Rules: rules}
	m, err := benchmarks.NewModel(rules)
	if err != nil {
		return out, err
	}
	var engines []benchmarks.Engine
	for _, e := range s.engines {
		if e.Has(rules) && !e.Handwritten {
			engines = append(engines, e)
		}
	}
	// A compilation is a slice, and a long one for large models.
	rounds := min(s.rounds, max(5, 2000/rules))
	times := make([][]float64, len(engines))
	for round := range rounds + 1 {
		for i, e := range engines {
			from, err := cpuTime()
			if err != nil {
				return out, err
			}
			if _, err := e.Compile(m); err != nil {
				return out, fmt.Errorf("%s: %w", e.Name, err)
			}
			to, err := cpuTime()
			if err != nil {
				return out, err
			}
			// The first round pays for what is made once.
			if round > 0 {
				times[i] = append(times[i], float64(to-from)/float64(time.Microsecond))
			}
		}
	}
	peer := slices.IndexFunc(engines, func(e benchmarks.Engine) bool { return e.Name == plainCEL })
	memory := make([]float64, len(engines))
	for i, e := range engines {
		if memory[i], err = resident(e, m); err != nil {
			return out, err
		}
	}
	for i, e := range engines {
		row := compiled{Engine: e.Name, MinUS: slices.Min(times[i]), MedianUS: median(times[i]), ResidentKiB: memory[i] / 1024}
		if peer >= 0 {
			paired := make([]float64, rounds)
			for k := range paired {
				paired[k] = times[i][k] / times[peer][k]
			}
			row.PlainCEL, row.ResidentPlainCEL = median(paired), memory[i]/memory[peer]
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// resident is what a compiled model keeps on the heap, in bytes.
func resident(e benchmarks.Engine, m *benchmarks.Model) (float64, error) {
	const models = 4
	keep := make([]benchmarks.Scorer, models)
	before := heap()
	for i := range keep {
		s, err := e.Compile(m)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", e.Name, err)
		}
		keep[i] = s
	}
	after := heap()
	runtime.KeepAlive(keep)
	return (float64(after) - float64(before)) / models, nil
}

// heap is what is live. The second collection drops what pools kept during the first.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

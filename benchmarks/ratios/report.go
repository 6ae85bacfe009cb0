package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
)

// report is what -json prints.
type report struct {
	Go       string            `json:"go"`
	Platform string            `json:"platform"`
	Cores    int               `json:"cores"`
	Modules  map[string]string `json:"modules"`
	Engines  map[string]string `json:"engines"`
	Leads    int               `json:"leads"`
	Rounds   int               `json:"rounds"`
	SliceMS  float64           `json:"slice_ms"`
	Speed    []speed           `json:"speed"`
	Compile  []compilation     `json:"compile"`
}

// speed is one model over one population.
type speed struct {
	Rules int `json:"rules"`
	// Sparse: a quarter of the fields is absent.
	Sparse bool  `json:"sparse"`
	Rows   []row `json:"rows"`
}

type row struct {
	Engine   string  `json:"engine"`
	MinNS    float64 `json:"min_ns_per_lead"`
	MedianNS float64 `json:"median_ns_per_lead"`
	// MeanNS has its share of collecting garbage, which few slices do.
	MeanNS         float64 `json:"mean_ns_per_lead"`
	HandTuned      *ratio  `json:"times_hand_tuned,omitempty"`
	Ours           *ratio  `json:"times_leadloop_rules,omitempty"`
	Allocs         float64 `json:"allocs_per_lead"`
	Bytes          float64 `json:"bytes_per_lead"`
	RulesPerSecond float64 `json:"rules_per_second"`
}

// ratio is a cost as a multiple of another: of the fastest slices, and the median and
// quartiles over the rounds.
type ratio struct {
	Min    float64 `json:"min"`
	Paired float64 `json:"paired_median"`
	Q1     float64 `json:"paired_q1"`
	Q3     float64 `json:"paired_q3"`
}

type compilation struct {
	Rules int        `json:"rules"`
	Rows  []compiled `json:"rows"`
}

type compiled struct {
	Engine           string  `json:"engine"`
	MinUS            float64 `json:"min_us"`
	MedianUS         float64 `json:"median_us"`
	PlainCEL         float64 `json:"times_cel_maps,omitempty"`
	ResidentKiB      float64 `json:"resident_kib"`
	ResidentPlainCEL float64 `json:"resident_times_cel_maps,omitempty"`
}

func newReport(s settings) *report {
	r := &report{
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(),
		Modules: map[string]string{}, Engines: map[string]string{},
		Leads: s.leads, Rounds: s.rounds, SliceMS: s.slice.Seconds() * 1000,
	}
	for _, e := range s.engines {
		r.Engines[e.Name] = e.About
		if e.Module != "" {
			r.Modules[e.Module] = "unknown"
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if _, ok := r.Modules[m.Path]; ok {
				r.Modules[m.Path] = m.Version
			}
		}
	}
	return r
}

// print writes tables in Markdown, aligned.
func (r *report) print(w io.Writer) error {
	var b strings.Builder
	line := func(cells ...any) {
		for _, c := range cells {
			fmt.Fprintf(&b, "| %v\t", c)
		}
		b.WriteString("|\n")
	}
	fmt.Fprintf(&b, "%s, %s, %d cores; %d leads, %d rounds of %g ms\n", r.Go, r.Platform, r.Cores, r.Leads, r.Rounds, r.SliceMS)
	for _, path := range slices.Sorted(maps.Keys(r.Modules)) {
		fmt.Fprintf(&b, "%s %s\n", path, r.Modules[path])
	}
	for _, s := range r.Speed {
		if len(s.Rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%d rules", s.Rules)
		if s.Sparse {
			b.WriteString(", a quarter of the fields absent")
		}
		b.WriteString("\n\n")
		line("engine", "ns/lead, fastest slice", "ns/lead, median", "× hand-tuned, fastest", "× hand-tuned, paired median", "× leadloop-rules, paired median", "allocs/lead", "bytes/lead", "million rules/s")
		line("---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:")
		for _, row := range s.Rows {
			fastest, paired, own := "", "", ""
			if row.HandTuned != nil {
				fastest, paired = short(row.HandTuned.Min), short(row.HandTuned.Paired)
			}
			if row.Ours != nil {
				own = short(row.Ours.Paired)
			}
			line(row.Engine, whole(row.MinNS), whole(row.MedianNS), fastest, paired, own, whole(row.Allocs), whole(row.Bytes), short(row.RulesPerSecond/1e6))
		}
	}
	b.WriteString("\nCompiling into an environment that is there already\n\n")
	line("rules", "engine", "ms, fastest", "ms, median", "× cel-maps, paired median", "KiB kept", "× cel-maps")
	line("---:", "---", "---:", "---:", "---:", "---:", "---:")
	for _, c := range r.Compile {
		for _, row := range c.Rows {
			time, memory := "", ""
			if row.PlainCEL > 0 {
				time, memory = short(row.PlainCEL), short(row.ResidentPlainCEL)
			}
			line(c.Rules, row.Engine, short(row.MinUS/1000), short(row.MedianUS/1000), time, whole(row.ResidentKiB), memory)
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	if _, err := io.WriteString(t, b.String()); err != nil {
		return err
	}
	return t.Flush()
}

// short writes three digits.
func short(f float64) string {
	switch {
	case f >= 100:
		return whole(f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

// whole writes a whole number with groups of three.
func whole(f float64) string {
	s := fmt.Sprintf("%.0f", math.Round(f))
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// Command ratios measures the engines of package benchmarks against each other in
// one run and prints how many times the cost of hand-written Go each of them has.
//
//	go run ./benchmarks/ratios            tables
//	go run ./benchmarks/ratios -json      one JSON document
//	go run ./benchmarks/ratios -batch     passes over a million leads
//
// What is measured is the CPU time of the process, garbage collection included, in
// short slices that take turns, because wall time on a machine that others use too is
// noise. Before an engine is timed it has to agree with the others on every lead.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop/benchmarks"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "ratios:", err)
			os.Exit(1)
		}
	}
}

// settings are what the flags say.
type settings struct {
	json   bool
	rounds int
	models []int
	leads  int
	slice  time.Duration
	// batchRun measures passes over batchLeads leads instead.
	batchRun   bool
	batchLeads int
	// engines are those that run.
	engines []benchmarks.Engine
}

func run(args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	var report interface{ print(w io.Writer) error }
	if s.batchRun {
		report, err = s.batch(newProgress(stderr))
	} else {
		report, err = s.measure(newProgress(stderr))
	}
	if err != nil {
		return err
	}
	if s.json {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(report)
	}
	return report.print(stdout)
}

func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{}
	f := flag.NewFlagSet("ratios", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&s.json, "json", false, "print one JSON document")
	f.IntVar(&s.rounds, "rounds", 40, "how many slices each engine gets")
	f.IntVar(&s.leads, "leads", 2000, "how many different leads; with a few hundred the CPU learns their branches by heart")
	f.DurationVar(&s.slice, "slice", 6*time.Millisecond, "CPU time of a slice")
	f.BoolVar(&s.batchRun, "batch", false, "measure passes over many leads instead: structs and columns")
	f.IntVar(&s.batchLeads, "batch-leads", 1_000_000, "how many leads -batch goes through")
	models := f.String("models", "10,40,160,640", "numbers of rules")
	engines := f.String("engines", "", "only these, by name")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if s.rounds < 1 || s.leads < 1 || s.slice <= 0 || s.batchLeads < 1 {
		return s, errors.New("-rounds, -leads, -slice and -batch-leads are positive")
	}
	for text := range strings.SplitSeq(*models, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return s, fmt.Errorf("-models: expected numbers of rules, found %q", text)
		}
		if _, err := benchmarks.NewModel(n); err != nil {
			return s, fmt.Errorf("-models: %w", err)
		}
		s.models = append(s.models, n)
	}
	s.engines = benchmarks.Engines()
	if *engines == "" {
		return s, nil
	}
	wanted := strings.Split(*engines, ",")
	for _, name := range wanted {
		if !slices.ContainsFunc(s.engines, func(e benchmarks.Engine) bool { return e.Name == name }) {
			return s, fmt.Errorf("-engines: there is no engine %q", name)
		}
	}
	s.engines = slices.DeleteFunc(s.engines, func(e benchmarks.Engine) bool { return !slices.Contains(wanted, e.Name) })
	return s, nil
}

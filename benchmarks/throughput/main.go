// Command throughput measures the whole loop, from a submission to its owner, over
// the stores that last, next to the same rows written by hand.
//
//	go run ./benchmarks/throughput                      all of it, several minutes
//	go run ./benchmarks/throughput -only single         one goroutine, against rows by hand
//	go run ./benchmarks/throughput -only workers        1, 2, 4 workers, 1 and 2 processes
//	go run ./benchmarks/throughput -only hot            a hot lead behind a backlog
//	go run ./benchmarks/throughput -only import         many leads, against COPY
//	go run ./benchmarks/throughput -only growth         a store of 10,000 to a million leads
//
// PostgreSQL is the database that LEADLOOP_TEST_POSTGRES names, or else a server of
// its own from the binaries on the machine. -json prints one JSON document instead.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
)

func main() {
	if os.Getenv(workerVariable) != "" {
		if err := worker(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "throughput: worker:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "throughput:", err)
		os.Exit(1)
	}
}

// settings are what the flags say.
type settings struct {
	only, stores []string
	leads        int // of a measurement
	rounds       int
	backlog      int
	sizes        int // the largest store of growth
	json         bool
	fsync        bool
}

var (
	sections   = []string{"single", "workers", "hot", "import", "growth"}
	storeNames = []string{"sqlite", "postgres"}
)

func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{}
	f := flag.NewFlagSet("throughput", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&s.leads, "leads", 2000, "how many leads a measurement has")
	f.IntVar(&s.rounds, "rounds", 10, "in how many slices, which take turns, they are measured")
	f.IntVar(&s.backlog, "backlog", 50_000, "how many leads wait before the hot one")
	f.IntVar(&s.sizes, "largest", 1_000_000, "how many leads the largest store of growth has")
	f.BoolVar(&s.json, "json", false, "print one JSON document")
	f.BoolVar(&s.fsync, "fsync", true, "let a PostgreSQL server of our own wait for the disk at each commit, as servers do")
	only := f.String("only", strings.Join(sections, ","), "only these sections")
	stores := f.String("store", strings.Join(storeNames, ","), "only these stores")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	var err1, err2 error
	s.only, err1 = chosen("-only", *only, sections)
	s.stores, err2 = chosen("-store", *stores, storeNames)
	if err := errors.Join(err1, err2); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if s.rounds < 1 || s.leads < s.rounds || s.backlog < 1 || s.sizes < 1 {
		return s, errors.New("-leads, -rounds, -backlog and -largest are positive, and -leads at least -rounds")
	}
	return s, nil
}

func chosen(name, text string, from []string) ([]string, error) {
	out := strings.Split(text, ",")
	for _, x := range out {
		if !slices.Contains(from, x) {
			return nil, fmt.Errorf("%s: there is no %q, only %s", name, x, strings.Join(from, ", "))
		}
	}
	return out, nil
}

// figure is a line of a report.
type figure struct {
	Section string             `json:"section"`
	Store   string             `json:"store"`
	Name    string             `json:"name"`
	Values  map[string]float64 `json:"values"`
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	var report []figure
	for _, name := range s.stores {
		err := withPlace(ctx, name, s.fsync, func(p place) error {
			for _, section := range s.only {
				_, _ = fmt.Fprintf(stderr, "%s, %s ...\n", name, section)
				measure := map[string]func(context.Context, settings, place) ([]figure, error){
					"single": single, "workers": workers, "hot": hot, "import": importing, "growth": growth,
				}[section]
				figures, err := measure(ctx, s, p)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", name, section, err)
				}
				for i := range figures {
					figures[i].Section, figures[i].Store = section, name
				}
				if !s.json {
					if err := table(stdout, figures); err != nil {
						return err
					}
				}
				report = append(report, figures...)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if !s.json {
		return nil
	}
	e := json.NewEncoder(stdout)
	e.SetIndent("", "  ")
	return e.Encode(report)
}

// table writes figures as a table of Markdown.
func table(w io.Writer, figures []figure) error {
	var columns []string
	for _, f := range figures {
		for c := range f.Values {
			if !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
		}
	}
	slices.Sort(columns)
	var b strings.Builder
	fmt.Fprintf(&b, "\n| %s, %s | %s |\n| --- |%s\n", figures[0].Store, figures[0].Section, strings.Join(columns, " | "), strings.Repeat(" ---: |", len(columns)))
	for _, f := range figures {
		fmt.Fprintf(&b, "| %s |", f.Name)
		for _, c := range columns {
			if v, ok := f.Values[c]; ok {
				fmt.Fprintf(&b, " %.4g |", v)
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

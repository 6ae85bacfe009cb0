// Package scoringtest tests a scoring model as code is tested: cases with what
// must come out, explanations kept as files, and a report of what no case would
// have noticed.
//
// A case that does not hold fails its own sub-test with what was expected, what
// came, and the explanation. The reports are deterministic. What the kit can't
// know is whether the expectations are right, and cases that hold say nothing
// about how the model sorts real leads.
//
// Start with [Load] for a playbook's cases/*.yaml, or cases in Go, and [Run].
// The work is done by scoring.RunCases and scoring.Mutate, which need no
// testing.T, so that a program that checks playbooks links no test code.
package scoringtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// Options are the optional parts of [Run].
type Options struct {
	// Golden is a folder that keeps the explanation of every case as text, one
	// file for each, named after it; empty for none. The files hold the values
	// of the cases.
	Golden string
	// Update writes the files of Golden anew instead of comparing. A test binary
	// usually takes it from a flag of its own, flag.Bool("update", …).
	Update bool
	// MinCoverage is the least share of edges, from 0 to 1, that the cases must
	// reach; 0 only reports.
	MinCoverage float64
	// MaxSurvivors is how many changes of the model may go unnoticed; nil does
	// not change the model.
	MaxSurvivors *int
	// Except names edges and mutations, as their Name method does, that need
	// not be reached or noticed, each with the reason, which the report prints.
	// A name that does not occur, or needs no exception any more, fails.
	Except map[string]string
}

// Load reads files of cases for a model. Patterns are as in [filepath.Glob]; each
// must match a file. What is wrong with any file fails the test at once, with
// its position.
func Load(t testing.TB, m *scoring.Model, patterns ...string) []scoring.Case {
	t.Helper()
	cases, err := load(m, patterns)
	if err != nil {
		t.Fatalf("cases:\n%v", err)
	}
	return cases
}

func load(m *scoring.Model, patterns []string) ([]scoring.Case, error) {
	var (
		cases    []scoring.Case
		problems leadloop.Problems
	)
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err == nil && len(files) == 0 {
			err = errors.New("no such file")
		}
		if err != nil {
			problems.Add(leadloop.Position{File: pattern}, "%v", err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				problems.Join(err)
				continue
			}
			more, err := scoring.ParseCases(file, data, m)
			problems.Join(err)
			cases = append(cases, more...)
		}
	}
	return cases, problems.Err()
}

// Run runs every case as a sub-test of its name, then reports coverage and, if
// asked for, mutations, each as a sub-test of its own.
func Run(t *testing.T, m *scoring.Model, cases []scoring.Case, o Options) {
	t.Helper()
	run(t.Context(), tester{t}, m, cases, o)
}

// reporter is the part of *testing.T that the kit needs; tests of the kit pass
// another one.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	sub(name string, f func(reporter))
}

type tester struct{ *testing.T }

func (t tester) sub(name string, f func(reporter)) {
	t.Run(name, func(t *testing.T) {
		t.Helper()
		f(tester{t})
	})
}

func run(ctx context.Context, t reporter, m *scoring.Model, cases []scoring.Case, o Options) {
	t.Helper()
	if o.MinCoverage < 0 || o.MinCoverage > 1 || o.MaxSurvivors != nil && *o.MaxSurvivors < 0 || o.Update && o.Golden == "" {
		t.Errorf("scoringtest: %v: MinCoverage is from 0 to 1, MaxSurvivors from 0, and Update needs Golden", leadloop.ErrInvalid)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(o.Except)) {
		if strings.TrimSpace(o.Except[name]) == "" {
			t.Errorf("scoringtest: %v: the exception %q gives no reason", leadloop.ErrInvalid, name)
			return
		}
	}
	report, err := scoring.RunCases(ctx, m, cases)
	if err != nil {
		t.Errorf("cases:\n%v", err)
		return
	}
	// Everything that concerns all cases is settled before the sub-tests, of
	// which -run may leave out any.
	files := newGolden(t, o, cases)
	for _, r := range report.Results {
		t.sub(r.Case.Name, func(t reporter) {
			t.Helper()
			if len(r.Misses) > 0 {
				t.Errorf("%s", r)
			}
			files.check(t, r)
		})
	}
	x := newExceptions(o.Except)
	reached := x.edges(report.Coverage)
	t.sub("coverage", func(t reporter) {
		t.Helper()
		coverage(t, report.Coverage, reached, x, o)
	})
	if o.MaxSurvivors == nil {
		return
	}
	t.sub("mutation", func(t reporter) {
		t.Helper()
		if n := report.Failed(); n > 0 {
			t.Logf("%d of %d cases do not hold and can't notice a changed model", n, len(cases))
		}
		mutations, err := scoring.Mutate(ctx, m, cases)
		if err != nil {
			t.Errorf("mutation: %v", err)
			return
		}
		survived(t, x.mutations(mutations), x, *o.MaxSurvivors)
	})
}

// exceptions are what need not be reached or noticed.
type exceptions struct {
	reasons map[string]string
	open    map[string]string // without those that were needed so far
	used    []string          // lines for the report
}

func newExceptions(reasons map[string]string) *exceptions {
	return &exceptions{reasons: reasons, open: maps.Clone(reasons)}
}

func (x *exceptions) covers(name string) bool {
	reason, ok := x.reasons[name]
	if ok {
		delete(x.open, name)
		x.used = append(x.used, fmt.Sprintf("  excepted: %s: %s\n", name, reason))
	}
	return ok
}

// report returns the lines of the exceptions used since the last call.
func (x *exceptions) report() string {
	out := strings.Join(x.used, "")
	x.used = nil
	return out
}

// edges leaves out the excepted ones.
func (x *exceptions) edges(c scoring.Coverage) scoring.Coverage {
	c.Edges = slices.DeleteFunc(slices.Clone(c.Edges), func(e scoring.Edge) bool { return e.Cases == 0 && x.covers(e.Name()) })
	return c
}

func (x *exceptions) mutations(r scoring.MutationReport) scoring.MutationReport {
	r.Mutations = slices.DeleteFunc(slices.Clone(r.Mutations), func(m scoring.Mutation) bool {
		return m.NoticedBy == "" && x.covers(m.Name())
	})
	return r
}

func (x *exceptions) leftOver(t reporter) {
	t.Helper()
	if len(x.open) > 0 {
		t.Errorf("exceptions that are not needed: %s", strings.Join(slices.Sorted(maps.Keys(x.open)), "; "))
	}
}

func coverage(t reporter, all, reached scoring.Coverage, x *exceptions, o Options) {
	t.Helper()
	t.Logf("%s%s", all, x.report())
	if o.MaxSurvivors == nil {
		x.leftOver(t)
	}
	if reached.Share() >= o.MinCoverage {
		return
	}
	var missed strings.Builder
	for _, e := range reached.Missed() {
		fmt.Fprintf(&missed, "  %s\n", e.Name())
	}
	t.Errorf("the cases reach %.1f %% of the edges, expected %.1f %%; never reached:\n%s", 100*reached.Share(), 100*o.MinCoverage, missed.String())
}

func survived(t reporter, r scoring.MutationReport, x *exceptions, most int) {
	t.Helper()
	text := r.String() + x.report()
	if n := len(r.Survivors()); n > most {
		t.Errorf("%d changes of the model go unnoticed, at most %d may:\n%s", n, most, text)
	} else {
		t.Logf("%s", text)
	}
	x.leftOver(t)
}

// golden keeps explanations in a folder.
type golden struct {
	dir    string
	update bool
}

// newGolden reports cases that would share a file, and files of no case.
func newGolden(t reporter, o Options, cases []scoring.Case) golden {
	t.Helper()
	g := golden{o.Golden, o.Update}
	if g.dir == "" {
		return g
	}
	taken := map[string]string{}
	for _, c := range cases {
		name := fileName(c.Name)
		if other, ok := taken[name]; ok {
			t.Errorf("the explanations of %q and %q would be kept in one file, %s: choose another name", other, c.Name, name)
		}
		taken[name] = c.Name
	}
	files, err := os.ReadDir(g.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("golden: %v", err)
	}
	for _, f := range files {
		if _, ok := taken[f.Name()]; !ok && filepath.Ext(f.Name()) == ".txt" {
			t.Errorf("%s: no case has this explanation; delete the file", filepath.Join(g.dir, f.Name()))
		}
	}
	return g
}

func (g golden) check(t reporter, r scoring.CaseResult) {
	t.Helper()
	if g.dir == "" {
		return
	}
	name := fileName(r.Case.Name)
	path, got := filepath.Join(g.dir, name), r.Explanation.String()
	if g.update {
		if err := errors.Join(os.MkdirAll(g.dir, 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Errorf("golden: %v", err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("golden: %v; run with -update to write it", err)
		return
	}
	// Lists of lines make a diff of lines.
	lines := func(s string) []string { return strings.Split(s, "\n") }
	if diff := cmp.Diff(lines(strings.ReplaceAll(string(want), "\r\n", "\n")), lines(got)); diff != "" {
		t.Errorf("%s: the explanation is another one (-want +got):\n%s", path, diff)
	}
}

// fileName is the name of a case in letters, digits and hyphens.
func fileName(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(name) {
		if r < 'a' || r > 'z' {
			if r < '0' || r > '9' {
				gap = true
				continue
			}
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteRune(r)
	}
	const longest = 100
	if b.Len() == 0 {
		return "case.txt"
	}
	return b.String()[:min(b.Len(), longest)] + ".txt"
}

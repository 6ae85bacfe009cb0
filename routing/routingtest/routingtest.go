// Package routingtest holds tests of routing for those who write a playbook or
// a store: leads with where they have to go, and many leads at once.
//
// It guarantees that a chain which passes [Run] gives its cases what they want
// while everybody is there or as the cases say, and that with a store which
// passes [Concurrent] no lead is assigned twice and the ledger is exact. It
// can't prove the absence of races: run it with -race.
//
// Start with [Load] for a playbook's cases/*.yaml, or cases in Go, and [Run].
// The work is done by routing.RunCases, which needs no testing.T.
package routingtest

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
)

// Options are the optional parts of [Run].
type Options struct {
	// Score scores cases that say no tier: see routing.CaseOptions.
	Score func(ctx context.Context, p *leadloop.Profile, activities []leadloop.Activity, asOf time.Time) (leadloop.Score, error)
	// Unhit are entries that no case has to win by, each with the reason, which
	// the report prints. Nil only reports such entries; with a map, empty or not,
	// any other entry that no case wins by fails, as does one that is named here
	// and is won by, or is none.
	Unhit map[string]string
}

// Load reads files of cases for a router, such as "playbook/cases/*.yaml".
// Patterns are as in [filepath.Glob]; each must match a file. What is wrong with
// any file fails the test at once, with its position.
func Load(t testing.TB, r *routing.Router, patterns ...string) []routing.Case {
	t.Helper()
	var (
		cases    []routing.Case
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
			more, err := routing.ParseCases(file, data, r)
			problems.Join(err)
			cases = append(cases, more...)
		}
	}
	if err := problems.Err(); err != nil {
		t.Fatalf("cases:\n%v", err)
	}
	return cases
}

// Run routes every case as a sub-test of its name, and reports in the sub-test
// "coverage" which entries no case won by.
func Run(t *testing.T, r *routing.Router, cases []routing.Case, o Options) {
	t.Helper()
	run(t.Context(), tester{t}, r, cases, o)
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

func run(ctx context.Context, t reporter, r *routing.Router, cases []routing.Case, o Options) {
	t.Helper()
	report, err := routing.RunCases(ctx, r, cases, routing.CaseOptions{Score: o.Score})
	if err != nil {
		t.Errorf("cases:\n%v", err)
		return
	}
	for i := range report.Results {
		res := &report.Results[i]
		t.sub(res.Case.Name, func(t reporter) {
			t.Helper()
			if len(res.Misses) > 0 {
				t.Errorf("%s", res)
			}
		})
	}
	t.sub("coverage", func(t reporter) {
		t.Helper()
		coverage(t, &report, o.Unhit)
	})
}

func coverage(t reporter, report *routing.CaseReport, except map[string]string) {
	t.Helper()
	unhit := report.Unhit()
	for _, id := range unhit {
		switch reason, ok := except[id]; {
		case ok && strings.TrimSpace(reason) == "":
			t.Errorf("routingtest: the exception %q gives no reason", id)
		case ok:
			t.Logf("no case wins by %s: %s", id, reason)
		case except == nil:
			t.Logf("no case wins by %s", id)
		default:
			t.Errorf("no case wins by %s", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(except)) {
		if !slices.Contains(unhit, id) {
			t.Errorf("routingtest: the exception %q is not needed: a case wins by it, or there is no such entry", id)
		}
	}
}

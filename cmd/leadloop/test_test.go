package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync"
	"testing"
)

// onWord calls f each time a text is written that has the word.
type onWord struct {
	mu   sync.Mutex
	b    bytes.Buffer
	word string
	f    func(times int)
	n    int
}

func (w *onWord) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.Contains(string(p), w.word) {
		w.n++
		w.f(w.n)
	}
	return w.b.Write(p)
}

func TestWatchedCasesRunAgainWhenAFileChangesAndUntilInterrupted(t *testing.T) {
	unpack(t, "testdata/script/plan.txtar")
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	errs := &onWord{word: "waiting for a file", f: func(times int) {
		switch times {
		case 1:
			failing, err := os.ReadFile("failing.yaml")
			if err == nil {
				err = os.WriteFile("old/cases/failing.yaml", failing, 0o644)
			}
			if err != nil {
				t.Error(err)
				cancel()
			}
		default:
			cancel()
		}
	}}
	code := run(ctx, []string{"test", "old", "--watch", "--no-mutants"}, streams{&out, errs})
	if code != 0 {
		t.Errorf("exit %d: %s", code, errs.b.String())
	}
	for _, want := range []string{"2 cases (2 of scores), 0 failed", "3 cases (3 of scores), 1 failed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output does not say %q:\n%s", want, out.String())
		}
	}
	if !strings.Contains(errs.b.String(), "1 of 3 cases failed") {
		t.Errorf("the failure is not said: %s", errs.b.String())
	}
}

// A build server reads the exit code of plan: 2 is a change, not a mistake.
func TestPlanTellsMistakesFromMoves(t *testing.T) {
	unpack(t, "testdata/script/plan.txtar")
	for name, tc := range map[string]struct {
		args string
		want int
	}{
		"nothing moves":         {"--old old --new old --leads leads.csv", 0},
		"something moves":       {"--old old --new new --leads leads.csv", 2},
		"an unknown flag":       {"--old old --new new --leeds leads.csv", 1},
		"two kinds of leads":    {"--old old --new new --leads leads.csv --store memory", 1},
		"no leads":              {"--old old --new new", 1},
		"a file that is not":    {"--old old --new new --leads none.csv", 1},
		"a playbook that isn't": {"--old old --new broken --leads leads.csv", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if got := run(t.Context(), append([]string{"plan"}, strings.Fields(tc.args)...), streams{&out, &errs}); got != tc.want {
				t.Errorf("exit %d, want %d: %s", got, tc.want, errs.String())
			}
		})
	}
}

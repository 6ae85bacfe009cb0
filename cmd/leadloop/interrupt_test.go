package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/tools/txtar"
)

// tripwire is a context that somebody cancels after a number of looks at it,
// as Ctrl-C would in the middle of a run.
type tripwire struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func (t *tripwire) Err() error {
	if t.left.Add(-1) < 0 {
		t.cancel()
	}
	return t.Context.Err()
}

func TestAnInterruptedRunKeepsWhatWasCommittedAndTheNextOneGoesOn(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/script/run.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	args := []string{"run", "--playbook", "playbook", "--leads", "leads.csv", "--json"}
	want := wantLines(t, append(args, "--store", "memory"))
	interrupted := 0
	for looks := int64(0); ; looks += 3 {
		ctx, cancel := context.WithCancel(context.Background())
		wire := &tripwire{Context: ctx, cancel: cancel}
		wire.left.Store(looks)
		var out, errs bytes.Buffer
		code := run(wire, args, streams{&out, &errs})
		cancel()
		if code == exitInterrupted {
			interrupted++
			if !strings.Contains(errs.String(), "what was committed stays") {
				t.Fatalf("interrupted without a word: %s", errs.String())
			}
			continue
		}
		if code != exitRejects {
			t.Fatalf("after %d looks: exit %d: %s", looks, code, errs.String())
		}
		break
	}
	if interrupted < 5 {
		t.Errorf("only %d runs were interrupted; the test does not test much", interrupted)
	}
	if got := wantLines(t, args); got != want {
		t.Errorf("many interrupted runs end differently from one:\n%s\nwant\n%s", got, want)
	}
}

// wantLines runs the command and returns its output without the summary, which
// counts what this one run did.
func wantLines(t *testing.T, args []string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(context.Background(), args, streams{&out, &errs}); code != exitRejects {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	lines, _, ok := strings.Cut(out.String(), `{"summary"`)
	if !ok {
		t.Fatal("no summary")
	}
	return lines
}

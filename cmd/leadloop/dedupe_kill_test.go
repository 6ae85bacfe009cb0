//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// killAfter holds after how many looks at its context a process kills itself.
const killAfter = "LEADLOOP_TEST_KILL_AFTER"

// landmine is a context that kills the process, as a power cut would.
type landmine struct {
	context.Context
	left atomic.Int64
}

func (l *landmine) Err() error {
	if l.left.Add(-1) < 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return l.Context.Err()
}

// TestDedupeChild is what the test below runs in processes of their own.
func TestDedupeChild(t *testing.T) {
	looks, err := strconv.ParseInt(os.Getenv(killAfter), 10, 64)
	if err != nil {
		t.Skip("run by the test of killed processes")
	}
	mine := &landmine{Context: t.Context()}
	mine.left.Store(looks)
	if code := run(mine, dedupeArgs("killed"), streams{os.Stdout, os.Stderr}); code != 0 {
		t.Fatalf("exit %d", code)
	}
}

func dedupeArgs(name string) []string {
	return []string{"dedupe", "--in", "leads.csv", "--out", name + ".csv", "--pairs", name + "-pairs.csv", "--report", name + ".html"}
}

func TestAKilledDedupeGoesOnAndEndsWithTheSameBytes(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	world := matchtest.New(400, 3)
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	_ = out.Write(strings.Split("first_name,last_name,email,phone,company,website,city,country", ","))
	for i := range 400 {
		r := world.Record(i)
		_ = out.Write([]string{r.FirstName, r.LastName, r.Email, r.Phone, r.Company, r.Website, r.City, r.Country})
	}
	out.Flush()
	if err := os.WriteFile("leads.csv", b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	const plenty = 1 << 40
	count := &landmine{Context: t.Context()}
	count.left.Store(plenty)
	if code := run(count, dedupeArgs("whole"), streams{&errs, &errs}); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	all := int(plenty - count.left.Load())
	killed, withModel, withPairs := 0, 0, 0
	var last bytes.Buffer
	for looks := all / 2; ; {
		last.Reset()
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestDedupeChild$")
		child.Env = append(child.Environ(), killAfter+"="+strconv.Itoa(looks))
		child.Stdout, child.Stderr = &last, &last
		err := child.Run()
		if err == nil {
			break
		}
		if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Fatalf("after %d looks: %v: %s", looks, err, last.String())
		}
		killed++
		if _, err := os.Stat(filepath.Join("killed.csv.work", workModel)); err == nil {
			if withModel++; withModel == 1 {
				looks = 16 // from here on there is less to do
			}
			looks += max(all/100, 8)
		} else {
			looks += max(all/100, 1)
		}
		if found, _ := filepath.Glob("killed.csv.work/" + workPairs + "*"); len(found) > 0 {
			withPairs++
		}
	}
	t.Logf("killed %d times, with a model %d times, with pairs %d times", killed, withModel, withPairs)
	if withModel == 0 || withPairs == 0 || !strings.Contains(last.String(), "This one takes what it had done: its model") {
		t.Errorf("not killed where it matters; the last run says:\n%s", last.String())
	}
	for _, name := range []string{".csv", "-pairs.csv", ".html"} {
		want, err := os.ReadFile("whole" + name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile("killed" + name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs:\n%s", name, diff)
		}
	}
	if left, _ := filepath.Glob("*.work"); len(left) > 0 {
		t.Errorf("%v was left", left)
	}
}

func TestAWorkFolderOfOtherThingsIsLeftAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"a.csv": "name,email\nAna,ana@acme.com\nBen,ben@acme.com\n", "mine/letter.txt": "dear"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"dedupe", "--in", "a.csv", "--work", "mine"}, streams{&errs, &errs}); code != exitUsage || !strings.Contains(errs.String(), "mine holds something else") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	if _, err := os.Stat("mine/letter.txt"); err != nil {
		t.Error(err)
	}
}

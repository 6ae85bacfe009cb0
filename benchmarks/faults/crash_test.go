package faults

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store/faulttest"
)

// childVariable makes the test binary a process that works and is killed.
const childVariable = "LEADLOOP_FAULTS_CHILD"

// work is what a child is told: where, which forms, and at which call of the
// store it ends itself.
type work struct {
	Where    where
	From, To int
	Point    string // "" for none
	Nth      int    // how often the point is passed before
}

// child submits forms from two goroutines while two workers decide about them,
// and says each key that was acknowledged.
func child() int {
	var w work
	if err := json.Unmarshal([]byte(os.Getenv(childVariable)), &w); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := w.run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (w work) run(ctx context.Context, out io.Writer) error {
	st, err := w.Where.open(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	passed := 0
	watched := faulttest.Watch(st, func(point string) error {
		if point != w.Point {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if passed++; passed > w.Nth {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it arrives
		}
		return nil
	})
	loop, err := newLoop(ctx, watched, playbook.Options{Engine: engine.Options{
		Workers: 2, Hold: 2 * time.Second, Poll: 10 * time.Millisecond, BackOff: time.Millisecond,
		Handlers: map[string]engine.Handler{leadloop.TaskNotify: engine.HandlerFunc(func(context.Context, leadloop.Task) error { return nil })},
	}}, nil)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { _ = loop.Run(working) })
	var said sync.Mutex
	var submitting sync.WaitGroup
	var failed error
	for half := range 2 {
		submitting.Go(func() {
			for n := w.From + half; n < w.To; n += 2 {
				s := submission(n)
				var err error
				if n%3 == 0 {
					_, err = loop.Process(ctx, s, s.ReceivedAt)
				} else {
					_, err = loop.Submit(ctx, s)
				}
				said.Lock()
				if err == nil {
					_, err = fmt.Fprintln(out, s.Key)
				}
				failed = errors.Join(failed, err)
				said.Unlock()
			}
		})
	}
	submitting.Wait()
	stop()
	all.Wait()
	return errors.Join(failed, st.Close())
}

// kill starts a child and ends it: at its point, or after a random while.
// It returns the keys that the child acknowledged and whether it was killed.
func (w work) kill(ctx context.Context, after time.Duration) (acknowledged []string, killed bool, err error) {
	told, err := json.Marshal(w)
	if err != nil {
		return nil, false, err
	}
	cmd := exec.CommandContext(ctx, os.Args[0])
	var complaints strings.Builder
	cmd.Env, cmd.Stderr = append(os.Environ(), childVariable+"="+string(told)), &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, false, err
	}
	if err := cmd.Start(); err != nil {
		return nil, false, err
	}
	lines := bufio.NewScanner(out)
	var timer *time.Timer
	for lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
		if w.Point == "" && timer == nil {
			timer = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	err = cmd.Wait()
	if timer != nil {
		timer.Stop()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return acknowledged, true, nil
	}
	if err != nil {
		return acknowledged, false, fmt.Errorf("the child failed by itself: %w: %s", err, complaints.String())
	}
	return acknowledged, false, nil
}

// points are where a child ends itself.
var points = []string{
	faulttest.View, faulttest.Update, faulttest.Commit, faulttest.Committed,
	"Keys.Claim", "Leads.Put", "Rotations.Move", "Tasks.Add", "Tasks.Lease", "Tasks.Finish", "Journal.Append", "Decisions.Put",
}

func TestAProcessThatIsKilledLosesNothingItAcknowledged(t *testing.T) {
	for turn, kind := range stores {
		t.Run(kind, func(t *testing.T) {
			w := work{Where: newWhere(t, kind)}
			st := w.Where.mustOpen(t)
			r := rand.New(rand.NewPCG(1, 2))
			var keys []string
			kills, runs := 0, 0
			one := func(point string, nth int, after time.Duration) {
				w.From, w.To, w.Point, w.Nth = runs*60, runs*60+60, point, nth
				runs++
				acknowledged, killed, err := w.kill(t.Context(), after)
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, acknowledged...)
				if killed {
					kills++
				}
				if err := faulttest.Check(t.Context(), st, faulttest.Rules{Keys: acknowledged, Pools: []string{"sales"}}); err != nil {
					t.Fatalf("after kill %d (point %q): %v", kills, point, err)
				}
			}
			for n := range times(8, 1) {
				for i, p := range points {
					if !full() && i%len(stores) != turn {
						continue // each point on one of the stores
					}
					one(p, n*n*2+r.IntN(4), 0)
				}
			}
			for range times(150, 3) {
				one("", 0, time.Duration(r.IntN(120))*time.Millisecond)
			}
			settle(t, st, keys, line{what: "process killed (SIGKILL), 2 producers, 2 workers", store: kind, runs: runs, faults: kills})
			if kills < runs/2 {
				t.Errorf("only %d of %d children were killed", kills, runs)
			}
		})
	}
}

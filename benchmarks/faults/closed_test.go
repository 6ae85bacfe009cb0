package faults

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
)

func TestAStoreThatIsClosedInTheMiddleEndsRunAndLosesNothing(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind, func(t *testing.T) {
			w := newWhere(t, kind)
			var keys []string
			rounds := times(20, 3)
			for round := range rounds {
				keys = append(keys, closedMidway(t, w, round)...)
			}
			settle(t, w.mustOpen(t), keys, line{what: "store closed while Run works", store: kind, runs: rounds, faults: rounds})
		})
	}
}

// closedMidway submits to a loop with two workers until somebody closes the store
// under it, and returns the keys that were acknowledged.
func closedMidway(t *testing.T, w where, round int) (acknowledged []string) {
	t.Helper()
	st, err := w.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	loop, err := newLoop(t.Context(), st, playbook.Options{Engine: engine.Options{
		Workers: 2, Hold: 2 * time.Second, Poll: 10 * time.Millisecond, BackOff: time.Millisecond, MaxAttempts: 1000,
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- loop.Run(t.Context()) }()
	closed := make(chan error, 1)
	for n := 100 * round; ; n++ {
		s := submission(n)
		_, err := loop.Submit(t.Context(), s)
		if errors.Is(err, store.ErrClosed) {
			break
		}
		if err != nil {
			t.Fatalf("Submit beside a store that is being closed: %v", err)
		}
		acknowledged = append(acknowledged, s.Key)
		if len(acknowledged) == 10+round {
			go func() { closed <- st.Close() }()
		}
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-ran; !errors.Is(err, store.ErrClosed) {
		t.Errorf("Run over a store that was closed: %v", err)
	}
	if _, err := loop.Work(t.Context(), time.Now(), 1); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Work over a store that was closed: %v", err)
	}
	if left := working(t.Context()); left != "" {
		t.Errorf("a goroutine is left:\n%s", left)
	}
	return acknowledged
}

// working returns the stack of a goroutine that still runs engine code, "" once
// there is none.
func working(ctx context.Context) string {
	all := make([]byte, 1<<20)
	left := ""
	for range 100 {
		left = ""
		for stack := range strings.SplitSeq(string(all[:runtime.Stack(all, true)]), "\n\n") {
			if strings.Contains(stack, "leadloop/engine.") {
				left = stack
			}
		}
		if left == "" {
			return ""
		}
		// Run has returned; a goroutine that it waited for may still be ending.
		pause(ctx, time.Millisecond)
	}
	return left
}

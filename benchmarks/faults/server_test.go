package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres"
	"github.com/leadloop/leadloop/store/postgres/postgrestest"
)

// load is a loop under load: two goroutines submit forms and try again with the
// same key until each is acknowledged, two workers decide.
type load struct {
	acknowledged atomic.Int64
	refusals     atomic.Int64
	mu           sync.Mutex
	keys         []string
	unexpected   error
}

// run goes on until ctx ends, and leaves no goroutine.
func (l *load) run(ctx context.Context, st store.Store) error {
	o := engine.Options{
		Workers: 2, Hold: 2 * time.Second, Poll: 10 * time.Millisecond, BackOff: time.Millisecond, MaxAttempts: 1000,
		Handlers: map[string]engine.Handler{leadloop.TaskNotify: engine.HandlerFunc(func(context.Context, leadloop.Task) error { return nil })},
	}
	loop, err := newLoop(ctx, st, playbook.Options{Engine: o}, nil)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	all.Go(func() { _ = loop.Run(ctx) })
	for half := range 2 {
		all.Go(func() {
			for n := half; ctx.Err() == nil; n += 2 {
				s := submission(n)
				for ctx.Err() == nil {
					_, err := loop.Submit(ctx, s)
					if err == nil {
						l.acknowledged.Add(1)
						l.mu.Lock()
						l.keys = append(l.keys, s.Key)
						l.mu.Unlock()
						break
					}
					l.refusals.Add(1)
					if !errors.Is(err, leadloop.ErrUnavailable) && !errors.Is(err, leadloop.ErrConflict) && ctx.Err() == nil {
						l.mu.Lock()
						l.unexpected = errors.Join(l.unexpected, err)
						l.mu.Unlock()
						return
					}
					pause(ctx, 5*time.Millisecond)
				}
			}
		})
	}
	all.Wait()
	return l.unexpected
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// reach waits until n more submissions are acknowledged.
func (l *load) reach(t *testing.T, n int64) {
	t.Helper()
	want := l.acknowledged.Load() + n
	for end := time.Now().Add(time.Minute); l.acknowledged.Load() < want; pause(t.Context(), time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("only %d of %d submissions in a minute", l.acknowledged.Load(), want)
		}
	}
}

// start runs the load, and returns how to end it.
func (l *load) start(t *testing.T, st store.Store) (end func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.run(ctx, st) }()
	return func() {
		t.Helper()
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func ownServer(t *testing.T, settings ...string) *postgrestest.Server {
	t.Helper()
	postgrestest.DSN(t) // skips where there is none
	server, err := postgrestest.Start(settings...)
	if err != nil {
		t.Skipf("a server of its own is needed: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func TestADatabaseServerThatIsKilledUnderLoadLosesNothingAcknowledged(t *testing.T) {
	server := ownServer(t)
	st, err := postgres.Open(t.Context(), server.DSN, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	var l load
	end := l.start(t, st)
	r := rand.New(rand.NewPCG(3, 4))
	kills := times(25, 2)
	for range kills {
		l.reach(t, int64(10+r.IntN(40)))
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	l.reach(t, 10)
	end()
	settle(t, st, l.keys, line{what: "PostgreSQL killed and restarted under load", store: "postgres", runs: 1, faults: kills,
		note: fmt.Sprintf("%d calls refused meanwhile", l.refusals.Load())})
}

// small is a disk of a few megabytes.
func small(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	// The server runs as another user, who has to get there.
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("leadloop", dir, "tmpfs", 0, "mode=0755,size="+size); err != nil {
		t.Skipf("NOT RUN: a full disk needs a file system of its own, and this process may not mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// takeUp fills the disk but for so many bytes; the file it returns is what to
// remove to have room again.
func takeUp(t *testing.T, dir string, but int64) string {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "taken")
	n := int64(s.Bavail)*s.Bsize - but
	if n <= 0 {
		t.Fatalf("the disk has only %d bytes left", int64(s.Bavail)*s.Bsize)
	}
	if err := os.WriteFile(name, make([]byte, n), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// fills submits until the store refuses for want of room.
func (l *load) fills(t *testing.T, st store.Store, from int) int {
	t.Helper()
	loop, err := newLoop(t.Context(), st, playbook.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := from; n < from+100_000; n++ {
		s := submission(n)
		_, err := loop.Process(t.Context(), s, s.ReceivedAt)
		if err == nil {
			l.keys = append(l.keys, s.Key)
			continue
		}
		if !errors.Is(err, leadloop.ErrUnavailable) || st.Capabilities().Durable && !strings.Contains(err.Error(), "full") && !strings.Contains(err.Error(), "connect") && !strings.Contains(err.Error(), "shutting down") {
			t.Fatalf("a full disk: want an error that says so, got %v", err)
		}
		return n
	}
	t.Fatal("the disk never fills")
	return 0
}

func TestAFullDiskRefusesAndLosesNothing(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := small(t, "96m")
		st := where{Kind: "sqlite", Name: filepath.Join(dir, "leads.db")}.mustOpen(t)
		var l load
		n, rounds := 0, times(10, 1)
		for range rounds {
			taken := takeUp(t, dir, 4_000_000)
			n = l.fills(t, st, n)
			l.fills(t, st, n) // and again: it stays refused
			if err := os.Remove(taken); err != nil {
				t.Fatal(err)
			}
		}
		settle(t, st, l.keys, line{what: "disk full", store: "sqlite", runs: rounds, faults: 2 * rounds})
	})
	t.Run("postgres", func(t *testing.T) {
		if !full() {
			t.Skip("the long version only: it writes a fifth of a gigabyte")
		}
		postgrestest.DSN(t)
		dir := small(t, "220m")
		t.Setenv("TMPDIR", dir)
		server := ownServer(t, "max_wal_size=32MB", "min_wal_size=32MB", "wal_recycle=off")
		st, err := postgres.Open(t.Context(), server.DSN, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = st.Close() }()
		var l load
		n, rounds := 0, times(3, 1)
		for range rounds {
			taken := takeUp(t, dir, 3_000_000)
			n = l.fills(t, st, n)
			if err := os.Remove(taken); err != nil {
				t.Fatal(err)
			}
			// PostgreSQL ends itself where it can't write its log.
			if st.View(t.Context(), func(tx store.Tx) error { _, err := tx.CRM().Reps(t.Context()); return err }) != nil {
				if err := errors.Join(server.End(), server.Resume()); err != nil {
					t.Fatal(err)
				}
				for range 50 { // connections of before
					_ = st.View(t.Context(), func(tx store.Tx) error { _, err := tx.CRM().Reps(t.Context()); return err })
				}
			}
		}
		settle(t, st, l.keys, line{what: "disk full", store: "postgres", runs: rounds, faults: rounds})
	})
}

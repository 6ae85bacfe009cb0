// Package faulttest makes stores fail, stop and end at chosen calls, for whoever
// wants to know what a pipeline of theirs loses.
//
// [Watch] calls back at every call of a store, and what it returns is what the
// call fails with: an error, a delay, the end of the process. [NewFaulty] fails
// the n-th call, [Sweep] every one in turn, and [Check] says which of the
// invariants of a loop a store breaks. It does not simulate what a disk does
// below a store. All of it works with any store.
//
// Start with [Sweep] in a test of your own stages.
package faulttest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// The points of a transaction. The calls in between are named by role and
// method: "Leads.Put".
const (
	// View and Update are before a transaction begins.
	View   = "View"
	Update = "Update"
	// Commit is before an Update commits: an error rolls it back. Committed is
	// after: an error is an answer that was lost.
	Commit    = "commit"
	Committed = "committed"
)

// Watched is a store that announces its calls. It is safe for concurrent use if
// the function is. Make one with [Watch].
type Watched struct {
	inner store.Store
	at    func(point string) error
}

// Watch wraps s: at is called before each call with its point, in the goroutine
// of the call, and its error is the call's.
func Watch(s store.Store, at func(point string) error) *Watched { return &Watched{s, at} }

// Capabilities are those of the store inside.
func (s *Watched) Capabilities() store.Capabilities { return s.inner.Capabilities() }

// Close closes the store inside.
func (s *Watched) Close() error { return s.inner.Close() }

// Now is the time of the store inside, if it has one; it is not announced.
func (s *Watched) Now(ctx context.Context) (time.Time, error) {
	c, ok := s.inner.(store.Clock)
	if !ok {
		return time.Time{}, fmt.Errorf("%w: the store has no clock", leadloop.ErrInvalid)
	}
	return c.Now(ctx)
}

// View announces itself and the calls in it.
func (s *Watched) View(ctx context.Context, f func(tx store.Tx) error) error {
	if err := s.at(View); err != nil {
		return err
	}
	return s.inner.View(ctx, func(tx store.Tx) error { return f(watchedTx{tx, s}) })
}

// Update announces itself, the calls in it, and its commit before and after.
func (s *Watched) Update(ctx context.Context, f func(tx store.Tx) error) error {
	if err := s.at(Update); err != nil {
		return err
	}
	if err := s.inner.Update(ctx, func(tx store.Tx) error {
		if err := f(watchedTx{tx, s}); err != nil {
			return err
		}
		return s.at(Commit)
	}); err != nil {
		return err
	}
	return s.at(Committed)
}

// ErrInjected is what a call fails with that [Faulty] was told to fail. It
// wraps leadloop.ErrUnavailable, as the failure of a real store does.
var ErrInjected = fmt.Errorf("injected fault: %w", leadloop.ErrUnavailable)

// Fault says which calls of a store fail.
type Fault struct {
	// Call is the number of the call that fails, from 0. Every call of a role
	// counts, and so do the begin of a transaction and its commit.
	Call int
	// Persistent makes all later calls fail too, until [Faulty.Heal].
	Persistent bool
	// AnswerLost lets a commit that fails happen: the caller only isn't told.
	// Other calls fail as they do without it.
	AnswerLost bool
}

// Faulty is a store whose calls fail as a [Fault] says. It is safe for
// concurrent use; calls are numbered in the order in which they come. Make one
// with [NewFaulty].
type Faulty struct {
	*Watched
	fault Fault

	mu     sync.Mutex
	calls  int
	fired  bool
	healed bool
	lost   bool // the next commit's answer
}

// NewFaulty wraps s.
func NewFaulty(s store.Store, f Fault) *Faulty {
	out := &Faulty{fault: f}
	out.Watched = Watch(s, out.next)
	return out
}

// Calls returns how many calls came, and whether one of them was failed.
func (s *Faulty) Calls() (n int, fired bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, s.fired
}

// Heal ends the fault.
func (s *Faulty) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.healed = true
}

func (s *Faulty) next(point string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if point == Committed {
		if !s.lost {
			return nil
		}
		s.lost = false
		return ErrInjected
	}
	n := s.calls
	s.calls++
	if s.healed || n != s.fault.Call && (!s.fault.Persistent || n < s.fault.Call) {
		return nil
	}
	s.fired = true
	if point == Commit && s.fault.AnswerLost {
		s.lost = true
		return nil
	}
	return ErrInjected
}

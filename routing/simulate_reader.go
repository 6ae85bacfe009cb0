package routing

import (
	"context"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// simReader is what a simulation knows about reps and pools.
type simReader struct {
	crm       []leadloop.Rep
	load      map[leadloop.RepID]*simLoad
	rotations map[string]*simRotation
	// changes counts how often somebody may have got or lost a lead.
	changes int
	// entries is the trace of the last decision, whose memory the next one uses.
	entries []EntryTrace
}

// simLoad is what a rep has to do.
type simLoad struct {
	open  int
	times []time.Time // of the leads that the rep has, when it got them, in order
}

// simRotation is a pool's ledger, moved in place, with the most that each
// member was ever away from 0.
type simRotation struct {
	store.Rotation
	peaks []leadloop.Owed
}

// of is what a rep has to do, to be changed.
func (s *simReader) of(id leadloop.RepID) *simLoad {
	s.changes++
	l := s.load[id]
	if l == nil {
		l = &simLoad{}
		s.load[id] = l
	}
	return l
}

// Reps returns the CRM's.
func (s *simReader) Reps(context.Context) ([]leadloop.Rep, error) { return s.crm, nil }

// Workload counts as a store does.
func (s *simReader) Workload(_ context.Context, owner leadloop.RepID, asOf time.Time) (store.Workload, error) {
	l := s.load[owner]
	if l == nil {
		return store.Workload{}, nil
	}
	end := l.after(asOf)
	return store.Workload{Open: l.open, Day: end - l.after(asOf.Add(-day)), Week: end - l.after(asOf.Add(-7*day))}, nil
}

// after is the position of the first time after t.
func (l *simLoad) after(t time.Time) int {
	// What is asked for is mostly near the end.
	if n := len(l.times); n > 0 && !l.times[n-1].After(t) {
		return n
	}
	i, _ := slices.BinarySearchFunc(l.times, t, func(x, t time.Time) int {
		if x.After(t) {
			return 1
		}
		return -1
	})
	return i
}

// drop takes out a lead that the rep has no more.
func (l *simLoad) drop(since time.Time) {
	if i := l.after(since) - 1; i >= 0 && l.times[i].Equal(since) {
		l.times = slices.Delete(l.times, i, i+1)
	}
}

// Rotation returns the ledger; decisions read it and let go of it.
func (s *simReader) Rotation(_ context.Context, pool string) (store.Rotation, error) {
	if r := s.rotations[pool]; r != nil {
		return r.Rotation, nil
	}
	return store.Rotation{Pool: pool}, nil
}

// apply moves a ledger as a store does on commit.
func (s *simReader) apply(m leadloop.LedgerMove) {
	r := s.rotations[m.Pool]
	if r == nil {
		r = &simRotation{Rotation: store.Rotation{Pool: m.Pool}}
		s.rotations[m.Pool] = r
	}
	at := 0
	seek := func(id leadloop.RepID) {
		// Members and balances are both in order.
		for at < len(r.Balances) && r.Balances[at].Member < id {
			at++
		}
		if at == len(r.Balances) || r.Balances[at].Member != id {
			r.Balances, r.peaks = slices.Insert(r.Balances, at, store.Balance{Member: id}), slices.Insert(r.peaks, at, 0)
		}
	}
	for i, id := range m.Members {
		seek(id)
		b := &r.Balances[at]
		b.Owed += m.Deltas[i]
		r.peaks[at] = max(r.peaks[at], b.Owed, -b.Owed)
	}
	if m.To != "" {
		at = 0
		seek(m.To)
		b := &r.Balances[at]
		b.Count, b.LastAt = b.Count+1, m.At
	}
	r.Revision++
}

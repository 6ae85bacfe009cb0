package routing

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Reader is what a decision reads about reps and pools, all at one moment.
type Reader interface {
	// Reps returns what the CRM knows about reps, in id order. It overlays the
	// definition: who is inactive there or away gets nothing. Reps that only
	// the CRM knows can own accounts and get leads by that.
	Reps(ctx context.Context) ([]leadloop.Rep, error)
	// Workload returns what a rep has to do.
	Workload(ctx context.Context, owner leadloop.RepID, asOf time.Time) (store.Workload, error)
	// Rotation returns a pool's ledger.
	Rotation(ctx context.Context, pool string) (store.Rotation, error)
}

// FromStore reads from a transaction, the reps once. It belongs to the
// goroutine of the transaction.
func FromStore(tx store.Tx) Reader { return &txReader{tx: tx} }

type txReader struct {
	tx   store.Tx
	reps []leadloop.Rep
	read bool
}

func (t *txReader) Reps(ctx context.Context) ([]leadloop.Rep, error) {
	if t.read {
		return t.reps, nil
	}
	var err error
	t.reps, err = t.tx.CRM().Reps(ctx)
	t.read = err == nil
	return t.reps, err
}

func (t *txReader) Workload(ctx context.Context, owner leadloop.RepID, asOf time.Time) (store.Workload, error) {
	return t.tx.Leads().Workload(ctx, owner, asOf)
}

func (t *txReader) Rotation(ctx context.Context, pool string) (store.Rotation, error) {
	return t.tx.Rotations().Get(ctx, pool)
}

// Snapshot is a Reader of plain values, for tests and previews. The zero
// Snapshot has idle reps and fresh pools.
type Snapshot struct {
	CRM       []leadloop.Rep // in id order
	Workloads map[leadloop.RepID]store.Workload
	Rotations map[string]store.Rotation
}

// Reps returns s.CRM.
func (s *Snapshot) Reps(context.Context) ([]leadloop.Rep, error) { return s.CRM, nil }

// Workload returns what s.Workloads has.
func (s *Snapshot) Workload(_ context.Context, owner leadloop.RepID, _ time.Time) (store.Workload, error) {
	return s.Workloads[owner], nil
}

// Rotation returns what s.Rotations has.
func (s *Snapshot) Rotation(_ context.Context, pool string) (store.Rotation, error) {
	r := s.Rotations[pool]
	r.Pool = pool
	return r, nil
}

// Apply moves the ledgers as a store does on commit.
func (s *Snapshot) Apply(moves ...leadloop.LedgerMove) {
	if s.Rotations == nil {
		s.Rotations = map[string]store.Rotation{}
	}
	for _, m := range moves {
		r := s.Rotations[m.Pool]
		r.Balances = slices.Clone(r.Balances)
		r.Apply(m)
		s.Rotations[m.Pool] = r
	}
}

func compareMember(b store.Balance, id leadloop.RepID) int {
	return strings.Compare(string(b.Member), string(id))
}

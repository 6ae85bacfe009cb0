// Package sqlite keeps a loop's records in one SQLite file, in pure Go.
//
// It guarantees every sentence of package store: Updates are serial, across
// processes on one machine too, and what was committed survives the process.
// It does not promise to work on a network file system, and with the default
// options a power cut (not a crash) may take the last commits with it, never
// half of one.
//
// Start with [Open]; see [Store.Backup] before you need it.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Options are the optional settings of a store. The zero value is the default.
type Options struct {
	// FullSync waits for the disk at every commit, so that a commit survives a
	// power cut too. It makes a commit several times slower.
	FullSync bool
	// BusyTimeout is how long an Update waits for a writer of another process;
	// 0 means 5 s. Updates of one Store wait for each other as long as their
	// ctx allows.
	BusyTimeout time.Duration
	// Readers is how many Views can run at once; 0 means 8. More wait.
	Readers int
	// SkipMigration leaves the file as it is: Open refuses one that is not there
	// or has no store in it with leadloop.ErrNotFound, and one of an older
	// release with leadloop.ErrInvalid.
	SkipMigration bool
}

// Store is a store.Store in one file. It is safe for concurrent use; several
// Stores, in one or many processes, may have the same file open. Make one with
// [Open].
type Store struct {
	path    string
	o       Options
	stock   stock
	writer  pool
	readers pool
	reps    readReps
	done    chan struct{} // closed by Close
	closing sync.Once
}

var _ store.Store = (*Store)(nil)

// Open opens the database in the file at path, creates it if there is none, for
// its owner alone to read, and brings an older one up to date. The directory must exist. The error
// wraps leadloop.ErrInvalid if the file is something else or of a newer
// release, and leadloop.ErrUnavailable if it can't be read and written now.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	var problems []error
	if path == "" || path == ":memory:" {
		problems = append(problems, fmt.Errorf("%w: a path is required; package memstore keeps things in memory", leadloop.ErrInvalid))
	}
	if o.BusyTimeout < 0 || o.Readers < 0 {
		problems = append(problems, fmt.Errorf("%w: Options.BusyTimeout and Options.Readers can't be negative", leadloop.ErrInvalid))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.Readers == 0 {
		o.Readers = 8
	}
	// Connections are opened as they are needed: the path must not depend on
	// the working directory of then.
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w: %w", leadloop.ErrInvalid, err)
	}
	s := &Store{path: path, o: o, done: make(chan struct{})}
	s.stock.open = func(ctx context.Context) (*conn, error) { return openConn(ctx, path, o) }
	s.writer = pool{stock: &s.stock, turns: make(chan struct{}, 1), writes: true}
	s.readers = pool{stock: &s.stock, turns: make(chan struct{}, o.Readers)}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open %s: %w", path, err), s.Close())
	}
	return s, nil
}

// Capabilities says that everything holds.
func (s *Store) Capabilities() store.Capabilities {
	return store.Capabilities{Transactions: true, Revisions: true, Durable: true}
}

// Close waits for the transactions that run, then closes the file. Later
// calls, and those that wait for their turn, return an error that wraps
// store.ErrClosed. Closing again does nothing.
func (s *Store) Close() (err error) {
	s.closing.Do(func() {
		close(s.done)
		s.readers.wait()
		s.writer.wait()
		err = s.stock.close()
		s.writer.leave()
		s.readers.leave()
	})
	return err
}

// View calls f with the state of the latest commit at its first read. Views
// don't wait for Updates, nor Updates for Views.
func (s *Store) View(ctx context.Context, f func(tx store.Tx) error) error {
	return s.run(ctx, &s.readers, "BEGIN DEFERRED", func(t *tx) error {
		t.readonly = true
		if err := f(t); err != nil {
			return err
		}
		if t.broken != nil {
			return t.broken
		}
		return ctx.Err()
	})
}

// Update calls f and commits what it wrote if it returns nil. Updates run one
// after the other, so that none ever conflicts by itself; an Update inside f
// waits until ctx is done. An error that wraps leadloop.ErrUnavailable says
// that another process held the file for longer than Options.BusyTimeout, or
// that the disk refused.
func (s *Store) Update(ctx context.Context, f func(tx store.Tx) error) error {
	return s.run(ctx, &s.writer, "BEGIN IMMEDIATE", func(t *tx) error {
		if err := f(t); err != nil {
			return err
		}
		// A statement that failed may have ended the transaction in the
		// database: what f did after it must not count.
		if t.broken != nil {
			return t.broken
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err := t.conn.exec(ctx, "COMMIT")
		t.ended = err == nil
		return err
	})
}

// run calls f in a transaction on a connection of p. The transaction is rolled
// back unless f ended it, also when f panics.
func (s *Store) run(ctx context.Context, p *pool, begin string, f func(t *tx) error) error {
	c, err := p.take(ctx, s.done)
	if err != nil {
		return err
	}
	defer func() { p.put(ctx, c) }()
	if err := s.begin(ctx, c, begin); err != nil {
		return err
	}
	t := &tx{store: s, conn: c}
	defer func() {
		t.over.Store(true)
		if !t.ended {
			c.rollback(ctx)
		}
	}()
	return f(t)
}

// begin starts a transaction, waiting for writers of other processes.
func (s *Store) begin(ctx context.Context, c *conn, begin string) error {
	return s.patiently(ctx, func() error { return c.exec(ctx, begin) })
}

// patiently calls f until it doesn't find another process in the way, for as
// long as BusyTimeout and ctx allow.
func (s *Store) patiently(ctx context.Context, f func() error) error {
	err := f()
	if !isBusy(err) {
		return err
	}
	limit := time.NewTimer(s.o.BusyTimeout)
	defer limit.Stop()
	for wait := time.Millisecond; isBusy(err); wait = min(2*wait, 25*time.Millisecond) {
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-limit.C:
			pause.Stop()
			return fmt.Errorf("sqlite: %w: another process has been writing for %s", leadloop.ErrUnavailable, s.o.BusyTimeout)
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
		err = f()
	}
	return err
}

// tx is one transaction on one connection.
type tx struct {
	store    *Store
	conn     *conn
	readonly bool
	begun    bool // in the database, of a View
	ended    bool // committed
	over     atomic.Bool
	// broken is the first error of the database, as opposed to a refusal of
	// ours; the transaction can't go on after it.
	broken error
}

// reading is called first by every method that reads.
func (t *tx) reading(ctx context.Context) error {
	if t.over.Load() {
		return fmt.Errorf("sqlite: %w: the transaction is over", leadloop.ErrInvalid)
	}
	if t.broken != nil {
		return t.broken
	}
	return ctx.Err()
}

// writing is called first by every method that writes.
func (t *tx) writing(ctx context.Context) error {
	if err := t.reading(ctx); err != nil {
		return err
	}
	if t.readonly {
		return fmt.Errorf("sqlite: %w: a View can't write", leadloop.ErrInvalid)
	}
	return nil
}

func (t *tx) fail(err error) error {
	if err != nil && t.broken == nil {
		t.broken = err
	}
	return err
}

// exec runs a statement that returns no rows.
func (t *tx) exec(ctx context.Context, query string, args ...any) error {
	return t.fail(t.conn.exec(ctx, query, args...))
}

// changed runs a statement and returns how many rows it changed.
func (t *tx) changed(ctx context.Context, query string, args ...any) (int64, error) {
	n, err := t.conn.changed(ctx, query, args...)
	return n, t.fail(err)
}

// query calls each with the columns of every row. each must not run another
// statement, and keeps nothing of r but its values.
func (t *tx) query(ctx context.Context, query string, each func(r *row), args ...any) error {
	err := t.conn.query(ctx, query, each, args...)
	if t.readonly && !t.begun && isBusy(err) {
		// Its first read found another process that mends or removes the log.
		err = t.store.patiently(ctx, func() error { return t.conn.query(ctx, query, each, args...) })
	}
	t.begun = true
	return t.fail(err)
}

func (t *tx) Leads() store.Leads               { return leads{t} }
func (t *tx) CRM() store.CRM                   { return crm{t} }
func (t *tx) Journal() store.Journal           { return journal{t} }
func (t *tx) Decisions() store.Decisions       { return decisions{t} }
func (t *tx) Keys() store.Keys                 { return keys{t} }
func (t *tx) Tasks() store.Tasks               { return tasks{t} }
func (t *tx) Rotations() store.Rotations       { return rotations{t} }
func (t *tx) Cache() store.Cache               { return cache{t} }
func (t *tx) Costs() store.Costs               { return costs{t} }
func (t *tx) Suppressions() store.Suppressions { return suppressions{t} }
func (t *tx) Consents() store.Consents         { return consents{t} }
func (t *tx) Playbooks() store.Playbooks       { return playbooks{t} }

func notFound(what, id string) error {
	return fmt.Errorf("%s %s: %w", what, id, leadloop.ErrNotFound)
}

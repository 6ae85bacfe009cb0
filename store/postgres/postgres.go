// Package postgres keeps a loop's records in a PostgreSQL database, for hosts
// with several machines or with their own tables in it.
//
// It guarantees every sentence of package store: Updates are serializable,
// across processes too, so that one may end with leadloop.ErrConflict and is
// then decided anew. It needs PostgreSQL 13 or later and a schema of its own,
// no extension and no superuser. It does not move data between schemas.
//
// Start with [Open], or with [New] and the host's own pool; [Store.In] joins a
// transaction of the host.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Options are the optional settings of a store. The zero value is the default.
type Options struct {
	// Schema is where the tables stand; "" means leadloop. It is created if it
	// is not there.
	Schema string
	// SkipMigration leaves the schema as it is, for a role that may not create
	// tables: an owner calls [Migrate] beforehand. The store then refuses to open
	// where there is none with leadloop.ErrNotFound, and on an older one with
	// leadloop.ErrInvalid.
	SkipMigration bool
}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func (o Options) schema() (string, error) {
	if o.Schema == "" {
		return "leadloop", nil
	}
	if !schemaName.MatchString(o.Schema) || strings.HasPrefix(o.Schema, "pg_") {
		return "", fmt.Errorf("postgres: %w: Options.Schema %q: want up to 63 lower-case letters, digits and underscores, not starting with a digit or pg_",
			leadloop.ErrInvalid, o.Schema)
	}
	return o.Schema, nil
}

// Store is a store.Store in one schema. It is safe for concurrent use; any
// number of Stores, in any number of processes, may use the same schema. Make
// one with [Open] or [New].
type Store struct {
	pool    *pgxpool.Pool
	ours    bool // the pool
	tables  tables
	running sync.WaitGroup
	mu      sync.Mutex
	closed  bool
}

var (
	_ store.Store = (*Store)(nil)
	_ store.Clock = (*Store)(nil)
	_ store.Clock = joined{}
)

// Open connects to a database by its URL or keyword/value string, as libpq
// reads it, environment variables included, and brings the schema up to date.
// The error wraps leadloop.ErrInvalid if the string can't be read or the schema
// is of a newer release, and leadloop.ErrUnavailable if the database can't be
// reached or refuses.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		// The text of pgx may quote the string with its password.
		return nil, fmt.Errorf("postgres: %w: the connection string can't be read: expected postgres://user@host/database or keyword=value pairs", leadloop.ErrInvalid)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w: the pool can't be made", leadloop.ErrInvalid)
	}
	s, err := New(ctx, pool, o)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s.ours = true
	return s, nil
}

// New makes a store that uses the host's pool, which stays open when the store
// is closed, and brings the schema up to date. Errors are those of [Open].
func New(ctx context.Context, pool *pgxpool.Pool, o Options) (*Store, error) {
	schema, err := o.schema()
	if err != nil {
		return nil, err
	}
	if o.SkipMigration {
		err = checkSchema(ctx, pool, schema)
	} else {
		err = Migrate(ctx, pool, schema)
	}
	if err != nil {
		return nil, err
	}
	return &Store{pool: pool, tables: newTables(schema)}, nil
}

// Capabilities says that everything holds.
func (s *Store) Capabilities() store.Capabilities {
	return store.Capabilities{Transactions: true, Revisions: true, Durable: true}
}

// Close waits for the transactions that run. Later calls return an error that
// wraps store.ErrClosed. Closing again does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.running.Wait()
	if s.ours {
		s.pool.Close()
	}
	return nil
}

// enter counts a call that Close waits for.
func (s *Store) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("postgres: %w", store.ErrClosed)
	}
	s.running.Add(1)
	return nil
}

// Now is the server's time.
func (s *Store) Now(ctx context.Context) (at time.Time, err error) {
	if err := s.enter(); err != nil {
		return at, err
	}
	defer s.running.Done()
	err = s.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&at)
	return at.UTC(), explain(ctx, err)
}

// How transactions begin. Serializable transactions remember what they read;
// a scan of a whole table, which the planner prefers while a table is small,
// would be in the way of every writer of the table.
var (
	updating = []string{"BEGIN ISOLATION LEVEL SERIALIZABLE", "SET LOCAL enable_seqscan = off", "SET LOCAL plan_cache_mode = force_generic_plan"}
	viewing  = []string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET LOCAL enable_seqscan = off", "SET LOCAL plan_cache_mode = force_generic_plan"}
)

// View calls f with the state of the latest commit at its first read. It never
// waits for Updates, nor they for it.
func (s *Store) View(ctx context.Context, f func(tx store.Tx) error) error {
	return s.run(ctx, viewing, func(t *tx) error {
		t.readonly = true
		if err := f(t); err != nil {
			return err
		}
		return t.commit(ctx)
	})
}

// Update calls f and commits what it wrote if it returns nil. An error that
// wraps leadloop.ErrConflict says that a concurrent transaction got in the way.
// One that wraps leadloop.ErrUnavailable may come after the commit, when the
// answer of the database was lost: who tries again must find out, as a loop
// does by its keys.
func (s *Store) Update(ctx context.Context, f func(tx store.Tx) error) error {
	return s.run(ctx, updating, func(t *tx) error {
		if err := f(t); err != nil {
			return conflicting(err)
		}
		return t.commit(ctx)
	})
}

// conflicting makes what a statement of the host's own, in our transaction, met a
// conflict of ours, so that it is decided anew as well.
func conflicting(err error) error {
	if Conflict(err) && !errors.Is(err, leadloop.ErrConflict) {
		return fmt.Errorf("%w: a concurrent transaction got in the way: %w", leadloop.ErrConflict, err)
	}
	return err
}

// run calls f in a transaction, which is rolled back unless f ended it, also
// when f panics.
func (s *Store) run(ctx context.Context, begin []string, f func(t *tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	held, err := s.pool.Acquire(ctx)
	if err != nil {
		return explain(ctx, err)
	}
	defer held.Release()
	t := &tx{tables: s.tables, pg: held.Conn(), conn: held.Conn()}
	for _, text := range begin {
		t.pending = append(t.pending, statement{text: text})
	}
	defer func() {
		t.over.Store(true)
		if held.Conn().PgConn().TxStatus() != idle && !held.Conn().IsClosed() {
			// The pool closes a connection that comes back in a transaction; the
			// error of a rollback says nothing that is not known already.
			_, _ = held.Exec(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	return f(t)
}

// idle is the state of a connection without a transaction.
const idle = 'I'

// In returns a store whose Updates write in a transaction of the host, to be
// committed or rolled back by the host with its own rows. Each Update is a
// savepoint in it. The result must not be used from two goroutines, nor after
// the transaction ended.
//
// The transaction should be serializable: at a lower level two of them can each
// miss the lead that the other creates. From the first Update that writes to
// the journal other writers of the journal wait until the host commits, so the
// host commits soon.
func (s *Store) In(hosts pgx.Tx) store.Store { return joined{store: s, pg: hosts} }

// Tx returns the transaction that an Update or View of [Store] or [Store.In]
// runs in, for a host whose own tables take part in it. ErrInvalid for the
// transaction of another store. The host must not end it.
func Tx(ctx context.Context, of store.Tx) (pgx.Tx, error) {
	t, ok := of.(*tx)
	if !ok {
		return nil, fmt.Errorf("postgres: %w: it is the transaction of another store", leadloop.ErrInvalid)
	}
	return t.shared(ctx)
}

// joined is a store in a transaction of the host.
type joined struct {
	store *Store
	pg    pgx.Tx
}

func (j joined) Capabilities() store.Capabilities { return j.store.Capabilities() }

// Now is the server's time, asked in the host's transaction: the pool may have
// no other connection free.
func (j joined) Now(ctx context.Context) (at time.Time, err error) {
	err = j.pg.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&at)
	return at.UTC(), explain(ctx, err)
}

// Close leaves the host's transaction as it is.
func (j joined) Close() error { return nil }

func (j joined) View(ctx context.Context, f func(tx store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &tx{tables: j.store.tables, pg: j.pg, hosts: j.pg, readonly: true}
	defer t.over.Store(true)
	if err := f(t); err != nil {
		return err
	}
	return errors.Join(t.broken, ctx.Err())
}

func (j joined) Update(ctx context.Context, f func(tx store.Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	savepoint, err := j.pg.Begin(ctx)
	if err != nil {
		return explain(ctx, err)
	}
	t := &tx{tables: j.store.tables, pg: savepoint, hosts: savepoint}
	ended := false
	defer func() {
		t.over.Store(true)
		if !ended {
			_ = savepoint.Rollback(context.WithoutCancel(ctx))
		}
	}()
	if err := f(t); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	ended = true
	return t.explain(ctx, savepoint.Commit(ctx))
}

// tables writes statements for one schema.
type tables struct {
	schema  string
	names   *strings.Replacer
	journal int64 // the advisory lock under which entries get their number
	queries *sync.Map
}

func newTables(schema string) tables {
	return tables{
		schema:  schema,
		names:   strings.NewReplacer("{", schema+".", "}", ""),
		journal: lockID(schema, "journal"),
		queries: new(sync.Map),
	}
}

// query returns a statement whose tables, written {leads}, stand in the schema.
// Statements are constants, so the number kept is bounded.
func (x tables) query(text string) string {
	if q, ok := x.queries.Load(text); ok {
		return q.(string)
	}
	q := x.names.Replace(text)
	x.queries.Store(text, q)
	return q
}

// lockID is the number of an advisory lock for one purpose in one schema.
func lockID(schema, purpose string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("leadloop " + purpose + " " + schema)) // never fails
	return int64(h.Sum64())
}

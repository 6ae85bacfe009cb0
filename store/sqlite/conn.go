package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"

	"github.com/leadloop/leadloop"
)

// conn is one connection to the file, used by one goroutine at a time, with
// the statements it prepared. It is the driver's own connection: database/sql
// would look every statement up again and start a goroutine for each.
type conn struct {
	driver     driver.Conn
	statements map[string]*statement
	// useless says that a transaction could not be ended: the connection must
	// not be used again.
	useless bool
	wide    bool // see widen
}

type statement struct {
	driver.Stmt
	columns []driver.Value // of the row read last
	args    []driver.NamedValue
}

func connect(ctx context.Context, path string, pragmas ...string) (*conn, error) {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a Windows drive
	}
	d, err := new(sqlite.Driver).Open("file://" + (&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return nil, explain(err)
	}
	c := &conn{driver: d, statements: map[string]*statement{}}
	for _, p := range pragmas {
		// Some pragmas answer with a row.
		if err := c.once(ctx, p, nil); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// openConn opens a connection. Afterwards it never waits inside SQLite, where ctx
// could not end it.
func openConn(ctx context.Context, path string, o Options) (*conn, error) {
	sync := "NORMAL"
	if o.FullSync {
		sync = "FULL"
	}
	return connect(ctx, path,
		fmt.Sprintf("PRAGMA busy_timeout=%d", o.BusyTimeout.Milliseconds()), // while it opens
		"PRAGMA synchronous="+sync,
		"PRAGMA trusted_schema=OFF",
		// A log of 16 MB before it is copied back: one decision touches some 80
		// pages, many of them the same ones as the decision before.
		"PRAGMA wal_autocheckpoint=4000",
		"PRAGMA busy_timeout=0")
}

// widen gives the connection that writes 64 MB of pages, the inner ones of every
// index of a large file; narrow gives the others SQLite's 2 MB.
func (c *conn) widen(ctx context.Context, wide bool) error {
	if c.wide == wide {
		return nil
	}
	size := "-2000"
	if wide {
		size = "-64000"
	}
	c.wide = wide
	return c.once(ctx, "PRAGMA cache_size="+size, nil)
}

// close closes the connection; nil has none.
func (c *conn) close() error {
	if c == nil {
		return nil
	}
	var problems []error
	for _, s := range c.statements {
		problems = append(problems, s.Close())
	}
	if err := errors.Join(append(problems, c.driver.Close())...); err != nil {
		return explain(err)
	}
	return nil
}

// prepare returns the prepared form of query with its arguments. Queries are
// constants, so the number of statements kept is bounded. Limits stand in them as
// LIMIT ?1+0: with a bare parameter SQLite compiles the statement anew whenever
// one is bound.
func (c *conn) prepare(query string, args []any) (*statement, error) {
	s, ok := c.statements[query]
	if !ok {
		d, err := c.driver.Prepare(query)
		if err != nil {
			return nil, err
		}
		s = &statement{Stmt: d}
		c.statements[query] = s
	}
	s.args = s.args[:0]
	for i, a := range args {
		if n, ok := a.(int); ok {
			a = int64(n)
		}
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return s, nil
}

func (c *conn) exec(ctx context.Context, query string, args ...any) error {
	_, err := c.changed(ctx, query, args...)
	return err
}

func (c *conn) changed(ctx context.Context, query string, args ...any) (int64, error) {
	s, err := c.prepare(query, args)
	if err != nil {
		return 0, explain(err)
	}
	// Statements are short, and an interrupt would end the transaction: ctx is
	// looked at between them.
	r, err := s.Stmt.(driver.StmtExecContext).ExecContext(context.WithoutCancel(ctx), s.args)
	if err != nil {
		return 0, explain(err)
	}
	n, err := r.RowsAffected()
	return n, explain(err)
}

func (c *conn) query(ctx context.Context, query string, each func(r *row), args ...any) error {
	s, err := c.prepare(query, args)
	if err != nil {
		return explain(err)
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(context.WithoutCancel(ctx), s.args)
	if err != nil {
		return explain(err)
	}
	if s.columns == nil {
		s.columns = make([]driver.Value, len(rows.Columns()))
	}
	r := row{columns: s.columns}
	for {
		if err = rows.Next(s.columns); err != nil {
			break
		}
		r.next, r.err = 0, nil
		if each(&r); r.err != nil {
			err = r.err
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return explain(errors.Join(err, rows.Close()))
}

// once runs a query, or a script, that is not worth keeping. Its rows are
// passed to each, which may be nil. Unlike the others it stops when ctx is done.
func (c *conn) once(ctx context.Context, query string, each func(r *row), args ...driver.NamedValue) error {
	rows, err := c.driver.(driver.QueryerContext).QueryContext(ctx, query, args)
	if err != nil {
		return explain(err)
	}
	columns := make([]driver.Value, len(rows.Columns()))
	for {
		if err = rows.Next(columns); err != nil {
			break
		}
		if each != nil {
			each(&row{columns: columns})
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return explain(errors.Join(err, rows.Close()))
}

// rollback ends the transaction, unless an error ended it already.
func (c *conn) rollback(ctx context.Context) {
	if err := c.exec(ctx, "ROLLBACK"); err != nil && !isNoTransaction(err) {
		c.useless = true
	}
}

// row reads the columns of a row one after the other.
type row struct {
	columns []driver.Value
	next    int
	err     error
}

func read[T any](r *row) (v T) {
	v, ok := r.columns[r.next].(T)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("sqlite: %w: column %d is a %T, not a %T: the file was changed by something else", leadloop.ErrUnavailable, r.next, r.columns[r.next], v)
	}
	r.next++
	return v
}

func (r *row) int() int64   { return read[int64](r) }
func (r *row) text() string { return read[string](r) }
func (r *row) bool() bool   { return r.int() != 0 }

// blob may return nil for an empty one.
func (r *row) blob() []byte {
	if r.columns[r.next] == nil {
		r.next++
		return nil
	}
	return read[[]byte](r)
}

// check records the first error of decoding a column.
func (r *row) check(err error) {
	if r.err == nil {
		r.err = err
	}
}

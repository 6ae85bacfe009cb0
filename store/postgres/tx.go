package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// sender sends statements: a connection, or a transaction of the host.
type sender interface {
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
}

// statement is one that was not sent yet.
type statement struct {
	text string
	args []any
}

// tx is one transaction. What has no answer that anybody waits for (its begin,
// most writes, its commit) waits for the next statement that has one, and goes
// with it in one message: a decision takes six round trips instead of thirty.
type tx struct {
	tables
	pg       sender
	conn     *pgx.Conn // nil in a transaction of the host
	hosts    pgx.Tx    // what the host was given, nil if it was not
	readonly bool
	over     atomic.Bool
	// broken is the first error of the database, as opposed to a refusal of
	// ours; the transaction can't go on after it.
	broken  error
	pending []statement
	// begun says that the transaction runs in the database.
	begun bool
	// events are journal entries that wait for the end of the transaction,
	// because their numbers are given under a lock.
	events []leadloop.Event
}

// reading is called first by every method that reads.
func (t *tx) reading(ctx context.Context) error {
	if t.over.Load() {
		return fmt.Errorf("postgres: %w: the transaction is over", leadloop.ErrInvalid)
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
		return fmt.Errorf("postgres: %w: a View can't write", leadloop.ErrInvalid)
	}
	return nil
}

// explain makes an error of the database one of ours and remembers it.
func (t *tx) explain(ctx context.Context, err error) error {
	if err = explain(ctx, err); err != nil && t.broken == nil {
		t.broken = err
	}
	return err
}

// later sends a statement with the next one that has an answer, or with the
// commit. It keeps args until then.
func (t *tx) later(ctx context.Context, query string, args ...any) error {
	if t.hosts != nil { // the host may look at once
		_, err := t.exec(ctx, query, args...)
		return err
	}
	t.pending = append(t.pending, statement{t.query(query), args})
	return nil
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = t.send(ctx, statement{t.query(query), args}, func(rows pgx.Rows) error {
		rows.Close()
		n = rows.CommandTag().RowsAffected()
		return nil
	})
	return n, err
}

// rows calls each for every row of a query, to scan it. each must not run
// another statement.
func (t *tx) rows(ctx context.Context, query string, each func(rows pgx.Rows) error, args ...any) error {
	return t.send(ctx, statement{t.query(query), args}, func(rows pgx.Rows) error {
		for rows.Next() {
			if err := each(rows); err != nil {
				return err
			}
		}
		return nil
	})
}

// send sends all statements that wait and then one whose answer is read.
func (t *tx) send(ctx context.Context, last statement, read func(rows pgx.Rows) error) error {
	t.begun = true
	if len(t.pending) == 0 {
		rows, err := t.pg.Query(ctx, last.text, last.args...)
		if err != nil {
			return t.explain(ctx, err)
		}
		err = read(rows)
		rows.Close()
		return t.explain(ctx, errors.Join(err, rows.Err()))
	}
	var batch pgx.Batch
	for _, s := range t.pending {
		batch.Queue(s.text, s.args...)
	}
	batch.Queue(last.text, last.args...)
	n := len(t.pending)
	t.pending = nil
	answers := t.pg.SendBatch(ctx, &batch)
	for range n {
		if _, err := answers.Exec(); err != nil {
			_ = answers.Close() // its error is the same one
			return t.explain(ctx, err)
		}
	}
	rows, err := answers.Query()
	if err == nil {
		err = read(rows)
		rows.Close()
		err = errors.Join(err, rows.Err())
	}
	return t.explain(ctx, errors.Join(err, answers.Close()))
}

// flush sends everything, and what was journaled.
func (t *tx) flush(ctx context.Context) error {
	if err := t.settle(ctx); err != nil {
		return err
	}
	return t.sendPending(ctx)
}

// sendPending sends the statements that wait.
func (t *tx) sendPending(ctx context.Context) error {
	if len(t.pending) == 0 {
		return nil
	}
	last := t.pending[len(t.pending)-1]
	t.pending = t.pending[:len(t.pending)-1]
	return t.send(ctx, last, func(pgx.Rows) error { return nil })
}

// settle makes sure that what f did counts, and gives its journal entries to the
// next message.
func (t *tx) settle(ctx context.Context) error {
	if t.broken != nil {
		return t.broken
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.number(ctx)
}

// commit ends a transaction of ours, in one message with what waits.
func (t *tx) commit(ctx context.Context) error {
	if err := t.settle(ctx); err != nil {
		return err
	}
	if !t.begun && (t.readonly || len(t.pending) <= len(updating)) {
		return nil // nothing was asked
	}
	var ended string
	err := t.send(ctx, statement{text: "COMMIT"}, func(rows pgx.Rows) error {
		rows.Close()
		ended = rows.CommandTag().String()
		return nil
	})
	if err == nil && ended != "COMMIT" {
		err = t.explain(ctx, pgx.ErrTxCommitRollback)
	}
	return err
}

// shared is the transaction for a host: everything before is sent, and from now
// on nothing waits.
func (t *tx) shared(ctx context.Context) (pgx.Tx, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	if t.hosts != nil {
		return t.hosts, nil
	}
	if err := t.sendPending(ctx); err != nil {
		return nil, err
	}
	// A transaction of pgx for one that runs already: its begin does nothing.
	hosts, err := t.conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: "SELECT"})
	if err != nil {
		return nil, t.explain(ctx, err)
	}
	t.hosts = hosts
	return hosts, nil
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

// invalid says what can't be stored.
func invalid(what, id string, err error) error {
	return fmt.Errorf("%s %s: %w: %w", what, id, leadloop.ErrInvalid, err)
}

// damaged says that a column can't be read. Its text, which encoding/json may
// quote, is left out.
func damaged(what string, err error) error {
	if errors.Is(err, leadloop.ErrInvalid) {
		return fmt.Errorf("postgres: %w: %s can't be read: %w", leadloop.ErrUnavailable, what, err)
	}
	return fmt.Errorf("postgres: %w: %s is not what was written", leadloop.ErrUnavailable, what)
}

// never is the zero time as it is kept.
const never = "0001-01-01T00:00:00.000000000Z"

// moment scans a time.
type moment struct{ to *time.Time }

// Scan is called by pgx.
func (m moment) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return damaged("a time", nil)
	}
	at, err := store.ParseTime(text)
	if err != nil {
		return damaged("a time", nil)
	}
	*m.to = at
	return nil
}

// document scans a column that is JSON or "".
type document struct{ to any }

func (d document) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return damaged("a document", nil)
	}
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), d.to); err != nil {
		return damaged("a document", err)
	}
	return nil
}

// list writes strings as a JSON array, none as "".
func list(l []string) (string, error) {
	if len(l) == 0 {
		return "", nil
	}
	b, err := json.Marshal(l)
	return string(b), err
}

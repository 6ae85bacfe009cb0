package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// tx is one transaction.
type tx struct {
	tables
	pg       pgx.Tx
	readonly bool
	ended    bool // committed, or the commit failed
	over     atomic.Bool
	// broken is the first error of the database, as opposed to a refusal of
	// ours; the transaction can't go on after it.
	broken error
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

// finish writes what waits for the end of the transaction.
func (t *tx) finish(ctx context.Context) error {
	if t.broken != nil {
		return t.broken
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.flush(ctx)
}

// explain makes an error of the database one of ours and remembers it.
func (t *tx) explain(ctx context.Context, err error) error {
	if err = explain(ctx, err); err != nil && t.broken == nil {
		t.broken = err
	}
	return err
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := t.pg.Exec(ctx, t.query(query), args...)
	return tag.RowsAffected(), t.explain(ctx, err)
}

// rows calls each for every row of a query, to scan it. each must not run
// another statement.
func (t *tx) rows(ctx context.Context, query string, each func(rows pgx.Rows) error, args ...any) error {
	rows, err := t.pg.Query(ctx, t.query(query), args...)
	if err != nil {
		return t.explain(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err = each(rows); err != nil {
			break
		}
	}
	rows.Close()
	return t.explain(ctx, errors.Join(err, rows.Err()))
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

package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver of the hand-written SQLite

	"github.com/leadloop/leadloop/store/postgres"
	"github.com/leadloop/leadloop/store/sqlite"
)

const never = "0001-01-01T00:00:00.000000000Z"

// hand writes commits into tables of a store that it has to itself, one
// transaction each: what a program would do that has the rows already.
type hand struct {
	name  string
	write func(ctx context.Context, commits []commit) error
	// bulk writes all in one transaction, the fastest way there is.
	bulk     func(ctx context.Context, commits []commit) error
	bulkName string
	close    func() error
}

// hands are the ways of writing by hand: prepared statements, and with
// PostgreSQL also all statements of a commit in one message.
func (p place) hands(ctx context.Context) ([]hand, error) {
	if p.kind == "sqlite" {
		h, err := handSQLite(ctx, p.fresh())
		return []hand{h}, err
	}
	statements, err1 := handPostgres(ctx, p, "hand, statement by statement", false)
	batched, err2 := handPostgres(ctx, p, "hand, one message", true)
	return []hand{statements, batched}, errors.Join(err1, err2)
}

func handSQLite(ctx context.Context, path string) (hand, error) {
	s, err := sqlite.Open(ctx, path, sqlite.Options{}) // makes the tables
	if err != nil {
		return hand{}, err
	}
	if err := s.Close(); err != nil {
		return hand{}, err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(normal)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-64000)&_txlock=immediate")
	if err != nil {
		return hand{}, err
	}
	db.SetMaxOpenConns(1)
	prepared := map[string]*sql.Stmt{}
	for _, q := range handSQL {
		if prepared[q], err = db.PrepareContext(ctx, q); err != nil { //nolint:sqlclosecheck // closed with db
			return hand{}, errors.Join(err, db.Close())
		}
	}
	bulk := func(ctx context.Context, commits []commit) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for _, c := range commits {
			if err := write(c, func(query string, args ...any) error {
				_, err := tx.StmtContext(ctx, prepared[query]).ExecContext(ctx, args...) //nolint:sqlclosecheck // closed with tx
				return err
			}); err != nil {
				return errors.Join(err, tx.Rollback())
			}
		}
		return tx.Commit()
	}
	one := func(ctx context.Context, c commit) error { return bulk(ctx, []commit{c}) }
	return hand{"hand", each(one), bulk, "hand, one transaction", db.Close}, nil
}

// each writes commits one by one.
func each(one func(ctx context.Context, c commit) error) func(context.Context, []commit) error {
	return func(ctx context.Context, commits []commit) error {
		for _, c := range commits {
			if err := one(ctx, c); err != nil {
				return err
			}
		}
		return nil
	}
}

// The statements of a lead's commit, for both databases.
const (
	insertKey        = `INSERT INTO idempotency_keys (key, lead) VALUES ($1, $2)`
	insertLead       = `INSERT INTO leads (id, revision, owner, owner_since, disposition, merged_into, document) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	insertIdentifier = `INSERT INTO lead_identifiers (kind, value, lead) VALUES ($1, $2, $3)`
	insertTask       = `INSERT INTO tasks (key, kind, lead, due_at, outside, priority, payload, tokens, state, attempts, lease, leased_until, free_at, last_error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', 0, 0, '` + never + `', $4, '')`
	insertEvent    = `INSERT INTO events (kind, lead, at, actor, reason, source, target, attrs) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	insertDecision = `INSERT INTO decisions (lead, revision, as_of, trigger, playbook, outcome, reason, steps) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	upsertPool     = `INSERT INTO rotations (pool, revision, balances) VALUES ($1, $2, $3)
		ON CONFLICT (pool) DO UPDATE SET revision = excluded.revision, balances = excluded.balances`
)

var handSQL = []string{insertKey, insertLead, insertIdentifier, insertTask, insertEvent, insertDecision, upsertPool}

// write runs the statements of one commit.
func write(c commit, exec func(query string, args ...any) error) error {
	run := func(query string, args ...any) func() error { return func() error { return exec(query, args...) } }
	l := c.lead
	all := []func() error{
		run(insertKey, c.key, c.keyLead),
		run(insertLead, l.id, l.revision, l.owner, l.since, l.disposition, l.mergedInto, l.document),
	}
	for _, i := range c.identifiers {
		all = append(all, run(insertIdentifier, i.Kind, i.Value, l.id))
	}
	for _, m := range c.moves {
		all = append(all, run(upsertPool, m.pool, m.revision, m.balances))
	}
	for _, t := range c.tasks {
		all = append(all, run(insertTask, t.key, t.kind, t.lead, t.due, t.outside, t.priority, t.payload, t.tokens))
	}
	for _, e := range c.events {
		all = append(all, run(insertEvent, e.kind, e.lead, e.at, e.actor, e.reason, e.from, e.to, e.attrs))
	}
	if d := c.decision; d != nil {
		all = append(all, run(insertDecision, d.lead, d.revision, d.asOf, d.trigger, d.playbook, d.outcome, d.reason, d.steps))
	}
	for _, f := range all {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// handPostgres writes over one connection: statement by statement, or, where
// batched, all of a commit in one message.
func handPostgres(ctx context.Context, p place, name string, batched bool) (hand, error) {
	schema := p.fresh()
	if err := postgres.Migrate(ctx, p.pool, schema); err != nil {
		return hand{}, err
	}
	config, err := pgx.ParseConfig(p.dsn)
	if err != nil {
		return hand{}, err
	}
	config.RuntimeParams["search_path"] = schema
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return hand{}, err
	}
	one := func(ctx context.Context, one commit) error { return handCommit(ctx, c, batched, one) }
	bulk := func(ctx context.Context, commits []commit) error { return copyAll(ctx, c, commits) }
	return hand{name, each(one), bulk, "COPY", func() error { return c.Close(context.WithoutCancel(ctx)) }}, nil
}

func handCommit(ctx context.Context, c *pgx.Conn, batched bool, one commit) error {
	if batched {
		var b pgx.Batch
		b.Queue("BEGIN")
		if err := write(one, func(query string, args ...any) error { b.Queue(query, args...); return nil }); err != nil {
			return err
		}
		b.Queue("COMMIT")
		return c.SendBatch(ctx, &b).Close()
	}
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		return write(one, func(query string, args ...any) error {
			_, err := tx.Exec(ctx, query, args...)
			return err
		})
	})
}

package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/leadloop/leadloop"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

const versionTable = "schema_versions"

// migrations returns the steps of the schema in order. Released ones never
// change.
func migrations(schema string) ([]*goose.Migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []*goose.Migration
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil || version != int64(len(all)+1) {
			return nil, fmt.Errorf("migration %s: expected number %d", name, len(all)+1)
		}
		script, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, "SET LOCAL search_path TO "+schema); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, string(script))
			return err
		}}, nil))
	}
	return all, nil
}

// Migrate creates the schema if it is not there and brings its tables up to
// date; the role must be allowed to. Several processes may do it at once. It
// refuses with leadloop.ErrInvalid a schema of a newer release.
func Migrate(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	schema, err := Options{Schema: schema}.schema()
	if err != nil {
		return err
	}
	if err := createSchema(ctx, pool, schema); err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }() // the pool stays open
	p, err := provider(db, schema)
	if err != nil {
		return fmt.Errorf("postgres: schema %s: %w", schema, err)
	}
	current, latest, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("postgres: schema %s: %w", schema, explain(ctx, err))
	}
	if current > latest {
		return newer(schema, current, latest)
	}
	if current < latest {
		if _, err := p.Up(ctx); lacksRight(err) {
			return fmt.Errorf("postgres: %w: schema %s has version %d, this release needs %d, and the role may not change its tables: have their owner call Migrate, or open it once",
				leadloop.ErrUnavailable, schema, current, latest)
		} else if err != nil {
			return fmt.Errorf("postgres: schema %s: %w", schema, explain(ctx, err))
		}
	}
	return addParts(ctx, pool, schema)
}

func lacksRight(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "42501"
}

func newer(schema string, current, latest int64) error {
	return fmt.Errorf("postgres: %w: schema %s has version %d, this release knows versions up to %d: update the library, or restore a backup from before the update",
		leadloop.ErrInvalid, schema, current, latest)
}

func provider(db *sql.DB, schema string) (*goose.Provider, error) {
	steps, err := migrations(schema)
	if err != nil {
		return nil, err
	}
	// The lock is tried for every second, for five minutes: a migration of
	// another process takes that long at most.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(lockID(schema, "migration")), lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, nil,
		goose.WithGoMigrations(steps...),
		goose.WithDisableGlobalRegistry(true),
		goose.WithTableName(schema+"."+versionTable),
		goose.WithSessionLocker(locker),
		goose.WithSlog(slog.New(slog.NewTextHandler(io.Discard, nil))))
}

// createSchema looks first: to create a schema, even one that is there, takes a
// right that the role may not need to have.
func createSchema(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	var there bool
	if err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema).Scan(&there); err != nil {
		return explain(ctx, err)
	}
	if there {
		return nil
	}
	_, err := pool.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+schema)
	if err == nil {
		return nil
	}
	// Two processes may create it at once; IF NOT EXISTS does not cover that.
	if again := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema).Scan(&there); again == nil && there {
		return nil
	}
	if lacksRight(err) {
		return fmt.Errorf("postgres: %w: schema %s can't be created: grant the role CREATE on the database, or have an owner call Migrate", leadloop.ErrUnavailable, schema)
	}
	return fmt.Errorf("postgres: schema %s can't be created: %w", schema, explain(ctx, err))
}

// checkSchema refuses a schema that is not of this release.
func checkSchema(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	steps, err := migrations(schema)
	if err != nil {
		return err
	}
	latest := int64(len(steps))
	var there bool
	if err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace WHERE s.nspname = $1 AND c.relname = $2)",
		schema, versionTable).Scan(&there); err != nil {
		return explain(ctx, err)
	}
	if !there {
		return fmt.Errorf("postgres: %w: there is no store in schema %s of the database: let Open make it, or call Migrate as its owner", leadloop.ErrNotFound, schema)
	}
	var current int64
	err = pool.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM "+schema+"."+versionTable).Scan(&current)
	if err != nil {
		return explain(ctx, err)
	}
	switch {
	case current < latest:
		return fmt.Errorf("postgres: %w: schema %s has version %d, this release needs %d: have the owner of its tables call Migrate, or open it once", leadloop.ErrInvalid, schema, current, latest)
	case current > latest:
		return newer(schema, current, latest)
	}
	return nil
}

const (
	// partSize is how many journal entries a part holds.
	partSize = 5_000_000
	// partsAhead is how many parts are kept ready.
	partsAhead = 4
)

// addParts makes the parts that the journal needs next, unless entries that
// outran the parts stand in their place already. A role that may not make tables
// leaves it to the owner: entries without a part go to the default one.
func addParts(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return addPartsIn(ctx, tx, newTables(schema)) })
	if err == nil || lacksRight(err) {
		return nil
	}
	return fmt.Errorf("postgres: journal of schema %s: %w", schema, explain(ctx, err))
}

func addPartsIn(ctx context.Context, tx pgx.Tx, x tables) error {
	var last, outran int64
	// The lock of the journal: no entry gets a number meanwhile.
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", x.journal); err != nil {
		return err
	}
	if err := errors.Join(
		tx.QueryRow(ctx, x.query("SELECT last_value FROM {events_seq}")).Scan(&last),
		tx.QueryRow(ctx, x.query("SELECT coalesce(max(seq), 0) FROM {events_rest}")).Scan(&outran),
	); err != nil {
		return err
	}
	for n := last / partSize; n < last/partSize+partsAhead; n++ {
		name := fmt.Sprintf("events_%06d", n)
		var there bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace WHERE s.nspname = $1 AND c.relname = $2)",
			x.schema, name).Scan(&there); err != nil {
			return err
		}
		if there || outran >= n*partSize && outran > 0 {
			continue
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf(x.query("CREATE TABLE {%s} PARTITION OF {events} FOR VALUES FROM (%d) TO (%d)"), name, n*partSize, (n+1)*partSize)); err != nil {
			return err
		}
	}
	return nil
}

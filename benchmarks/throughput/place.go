package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres"
	"github.com/leadloop/leadloop/store/postgres/postgrestest"
	"github.com/leadloop/leadloop/store/sqlite"
)

// place is where stores are made: a folder, or a database.
type place struct {
	kind string
	dir  string
	dsn  string
	pool *pgxpool.Pool
	made *int
}

// withPlace calls f with a place that is gone afterwards.
func withPlace(ctx context.Context, kind string, fsync bool, f func(place) error) (err error) {
	p := place{kind: kind, made: new(int)}
	if kind == "sqlite" {
		if p.dir, err = os.MkdirTemp("", "leadloop-throughput-"); err != nil {
			return err
		}
		return errors.Join(f(p), os.RemoveAll(p.dir))
	}
	if p.dsn = os.Getenv(postgrestest.Variable); p.dsn == "" {
		server, err := postgrestest.Start(fmt.Sprintf("fsync=%v", fsync), "shared_buffers=512MB", "max_wal_size=4GB")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		p.dsn = server.DSN
	}
	if p.pool, err = pgxpool.New(ctx, p.dsn); err != nil {
		return err
	}
	defer p.pool.Close()
	return f(p)
}

// fresh names a store that is not there yet: a path or a schema.
func (p place) fresh() string {
	*p.made++
	if p.kind == "sqlite" {
		return filepath.Join(p.dir, fmt.Sprintf("%d.db", *p.made))
	}
	return fmt.Sprintf("throughput_%d_%d", os.Getpid(), *p.made)
}

func (p place) open(ctx context.Context, name string) (store.Store, error) {
	return openStore(ctx, p.kind, p.dsn, name)
}

func openStore(ctx context.Context, kind, dsn, name string) (store.Store, error) {
	if kind == "sqlite" {
		return sqlite.Open(ctx, name, sqlite.Options{})
	}
	return postgres.Open(ctx, dsn, postgres.Options{Schema: name})
}

// drop removes a store.
func (p place) drop(ctx context.Context, name string) error {
	if p.kind == "postgres" {
		_, err := p.pool.Exec(ctx, "DROP SCHEMA IF EXISTS "+name+" CASCADE")
		return err
	}
	var errs []error
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(name + end); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// cpu is the processor time so far of this process and, on Linux, of the
// database's processes on this machine.
func (p place) cpu(ctx context.Context) (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	sum := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	if p.kind != "postgres" {
		return sum, nil
	}
	rows, err := p.pool.Query(ctx, "SELECT pid FROM pg_stat_activity")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			return 0, err
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // another machine, another system, or ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		for _, i := range []int{11, 12} { // user and system time, in hundredths of a second
			if i < len(fields) {
				n, _ := strconv.ParseInt(fields[i], 10, 64)
				sum += time.Duration(n) * 10 * time.Millisecond
			}
		}
	}
	return sum, rows.Err()
}

// cost is what something took.
type cost struct{ wall, cpu time.Duration }

func (p place) timed(ctx context.Context, f func() error) (cost, error) {
	before, err := p.cpu(ctx)
	if err != nil {
		return cost{}, err
	}
	from := time.Now()
	if err := f(); err != nil {
		return cost{}, err
	}
	wall := time.Since(from)
	after, err := p.cpu(ctx)
	return cost{wall, after - before}, err
}

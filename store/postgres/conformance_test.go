package postgres

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres/postgrestest"
	"github.com/leadloop/leadloop/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

var schemas atomic.Int64

// newSchema names a schema that is not there yet, and removes it after the
// test.
func newSchema(t testing.TB) string {
	t.Helper()
	dsn := postgrestest.DSN(t)
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), schemas.Add(1))
	t.Cleanup(func() {
		pool := newPool(t, dsn)
		defer pool.Close()
		if _, err := pool.Exec(context.Background(), "DROP SCHEMA IF EXISTS "+name+" CASCADE"); err != nil {
			t.Errorf("removing the schema: %v", err)
		}
	})
	return name
}

func newPool(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 40
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

// openAt opens the store of a test.
func openAt(t testing.TB, schema string) *Store {
	t.Helper()
	dsn := postgrestest.DSN(t)
	if strings.Contains(dsn, "://") {
		dsn += "&pool_max_conns=40"
	} else {
		dsn += " pool_max_conns=40"
	}
	s, err := Open(t.Context(), dsn, Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func config() storetest.Config {
	return storetest.Config{
		New: func(t testing.TB) store.Store { return openAt(t, newSchema(t)) },
		Reopen: func(t testing.TB, s store.Store) store.Store {
			if err := s.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			return openAt(t, s.(*Store).tables.schema)
		},
	}
}

func TestConformance(t *testing.T) { storetest.Run(t, config()) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, config()) }

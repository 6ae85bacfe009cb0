package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres/postgrestest"
	"github.com/leadloop/leadloop/store/storetest"
)

func put(t *testing.T, s store.Store, id leadloop.LeadID) error {
	t.Helper()
	return s.Update(t.Context(), func(tx store.Tx) error {
		if _, err := tx.Leads().Put(t.Context(), &leadloop.Lead{ID: id}); err != nil {
			return err
		}
		return tx.Journal().Append(t.Context(), leadloop.Event{Kind: "test", Lead: id})
	})
}

func stored(t *testing.T, s store.Store) (ids []leadloop.LeadID, entries int) {
	t.Helper()
	if err := s.View(t.Context(), func(tx store.Tx) error {
		leads, err := tx.Leads().List(t.Context(), "", 100)
		if err != nil {
			return err
		}
		for _, l := range leads {
			ids = append(ids, l.ID)
		}
		for _, err := range tx.Journal().Since(t.Context(), 0) {
			if err != nil {
				return err
			}
			entries++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return ids, entries
}

// TestConformanceInTheHostsTransaction runs every promise that a transaction of
// the host can keep against stores that stand in one.
func TestConformanceInTheHostsTransaction(t *testing.T) {
	storetest.Run(t, storetest.Config{
		New: func(t testing.TB) store.Store {
			s := openAt(t, newSchema(t))
			hosts, err := s.pool.BeginTx(context.Background(), pgx.TxOptions{BeginQuery: strings.Join(updating, "; ")})
			if err != nil {
				t.Fatal(err)
			}
			return &inHosts{Store: s.In(hosts), end: func() { _ = hosts.Rollback(context.Background()) }}
		},
		Except: map[storetest.Capability]string{
			storetest.Isolation:         "there is one transaction, the host's, and all see it",
			storetest.ConcurrentWriters: "a transaction belongs to one goroutine",
			storetest.Revisions:         "the tests of revisions use several goroutines; the statements are those of the store itself",
			storetest.Durable:           "the host commits",
		},
	})
}

// inHosts ends the host's transaction with the store, and says of itself what
// the exceptions say.
type inHosts struct {
	store.Store
	end    func()
	closed bool
}

func (s *inHosts) Capabilities() store.Capabilities { return store.Capabilities{Transactions: true} }

func (s *inHosts) Close() error {
	s.end()
	s.closed = true
	return nil
}

func (s *inHosts) Update(ctx context.Context, f func(tx store.Tx) error) error {
	if s.closed {
		return store.ErrClosed
	}
	return s.Store.Update(ctx, f)
}

func (s *inHosts) View(ctx context.Context, f func(tx store.Tx) error) error {
	if s.closed {
		return store.ErrClosed
	}
	return s.Store.View(ctx, f)
}

func TestRowsOfTheHostAndOfTheStoreCommitTogetherOrNotAtAll(t *testing.T) {
	schema := newSchema(t)
	s := openAt(t, schema)
	ctx := t.Context()
	if _, err := s.pool.Exec(ctx, "CREATE TABLE "+schema+".customers (id text PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	both := func(id string, end func(pgx.Tx) error) {
		t.Helper()
		hosts, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hosts.Exec(ctx, "INSERT INTO "+schema+".customers VALUES ($1)", id); err != nil {
			t.Fatal(err)
		}
		if err := put(t, s.In(hosts), leadloop.LeadID(id)); err != nil {
			t.Fatal(err)
		}
		if err := end(hosts); err != nil {
			t.Fatal(err)
		}
	}
	both("kept", func(tx pgx.Tx) error { return tx.Commit(ctx) })
	both("dropped", func(tx pgx.Tx) error { return tx.Rollback(ctx) })
	// The other way round: the host writes in a transaction of the store.
	if err := s.Update(ctx, func(tx store.Tx) error {
		pg, err := Tx(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := pg.Exec(ctx, "INSERT INTO "+schema+".customers VALUES ('inside')"); err != nil {
			return err
		}
		_, err = tx.Leads().Put(ctx, &leadloop.Lead{ID: "inside"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var customers []string
	if err := s.pool.QueryRow(ctx, "SELECT array_agg(id ORDER BY id) FROM "+schema+".customers").Scan(&customers); err != nil {
		t.Fatal(err)
	}
	leads, entries := stored(t, s)
	if got := fmt.Sprint(customers, leads, entries); got != "[inside kept] [inside kept] 1" {
		t.Errorf("customers, leads and journal entries: %s", got)
	}
}

func TestARefusedUpdateLeavesTheHostsTransactionUsable(t *testing.T) {
	s := openAt(t, newSchema(t))
	hosts, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in := s.In(hosts)
	if err := put(t, in, "a"); err != nil {
		t.Fatal(err)
	}
	if err := put(t, in, "a"); !errors.Is(err, leadloop.ErrConflict) {
		t.Errorf("the same new lead again: %v", err)
	}
	if err := put(t, in, "b"); err != nil {
		t.Errorf("after a refusal: %v", err)
	}
	if err := hosts.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ids, entries := stored(t, s); fmt.Sprint(ids, entries) != "[a b] 2" {
		t.Errorf("leads and entries: %v %d", ids, entries)
	}
}

func TestManyProcessesMayOpenANewSchemaAtOnce(t *testing.T) {
	schema := newSchema(t)
	dsn := postgrestest.DSN(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := Open(t.Context(), dsn, Options{Schema: schema})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestOpenSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	dsn := postgrestest.DSN(t)
	empty, older, newer, foreign := newSchema(t), newSchema(t), newSchema(t), newSchema(t)
	pool := newPool(t, dsn)
	defer pool.Close()
	exec := func(query string) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE SCHEMA " + empty)
	if err := Migrate(t.Context(), pool, older); err != nil {
		t.Fatal(err)
	}
	exec("DELETE FROM " + older + ".schema_versions WHERE version_id > 1")
	if err := Migrate(t.Context(), pool, newer); err != nil {
		t.Fatal(err)
	}
	exec("INSERT INTO " + newer + ".schema_versions (version_id, is_applied) VALUES (999, true)")
	if err := Migrate(t.Context(), pool, foreign); err != nil {
		t.Fatal(err)
	}
	role := "role_" + foreign
	exec("CREATE ROLE " + role + " LOGIN")
	grant := func(schema string) {
		exec("GRANT USAGE ON SCHEMA " + schema + " TO " + role)
		exec("GRANT ALL ON ALL TABLES IN SCHEMA " + schema + " TO " + role)
		exec("GRANT ALL ON ALL SEQUENCES IN SCHEMA " + schema + " TO " + role)
	}
	grant(older)
	t.Cleanup(func() {
		pool := newPool(t, dsn)
		defer pool.Close()
		if _, err := pool.Exec(context.Background(), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	asRole, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	asRole.ConnConfig.User, asRole.ConnConfig.Password = role, ""
	rolePool, err := pgxpool.NewWithConfig(t.Context(), asRole)
	if err != nil {
		t.Fatal(err)
	}
	defer rolePool.Close()

	open := func(o Options) func() error {
		return func() error { _, err := Open(t.Context(), dsn, o); return err }
	}
	for _, c := range []struct {
		name string
		do   func() error
		is   error
		want string
	}{
		{"a connection string that is none", func() error {
			_, err := Open(t.Context(), "postgres://u:secret@host:port/x", Options{})
			return err
		}, leadloop.ErrInvalid, "the connection string can't be read"},
		{"a server that is not there", func() error {
			_, err := Open(t.Context(), "host=/nonexistent user=x dbname=y", Options{})
			return err
		}, leadloop.ErrUnavailable, "check the address, that the server runs, and the credentials"},
		{"a name that is no schema's", open(Options{Schema: "Leads; DROP"}), leadloop.ErrInvalid, "want up to 63 lower-case letters"},
		{"a name that PostgreSQL keeps for itself", open(Options{Schema: "pg_leads"}), leadloop.ErrInvalid, "not starting with a digit or pg_"},
		{"a schema without tables, without migration", open(Options{Schema: empty, SkipMigration: true}), leadloop.ErrNotFound, "call Migrate as its owner"},
		{"no schema, without migration", open(Options{Schema: empty + "_not_there", SkipMigration: true}), leadloop.ErrNotFound, "call Migrate as its owner"},
		{"an older schema, without migration", open(Options{Schema: older, SkipMigration: true}), leadloop.ErrInvalid, "has version 1, this release needs "},
		{"an older schema whose tables are somebody else's", func() error {
			_, err := New(t.Context(), rolePool, Options{Schema: older})
			return err
		}, leadloop.ErrUnavailable, "have their owner call Migrate, or open it once"},
		{"a schema of a newer release", open(Options{Schema: newer}), leadloop.ErrInvalid, "update the library, or restore a backup"},
		{"the same without migration", open(Options{Schema: newer, SkipMigration: true}), leadloop.ErrInvalid, "has version 999, this release knows versions up to "},
		{"a role without rights", func() error {
			_, err := New(t.Context(), rolePool, Options{Schema: foreign, SkipMigration: true})
			return err
		}, leadloop.ErrUnavailable, "grant it USAGE on the schema and all rights on its tables and sequences"},
		{"a role that can't create the schema", func() error {
			_, err := New(t.Context(), rolePool, Options{Schema: foreign + "_not_there"})
			return err
		}, leadloop.ErrUnavailable, "can't be created: grant the role CREATE on the database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.do()
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want an error that is %q and says %q, got %v", c.is, c.want, err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error holds the password: %v", err)
			}
		})
	}

	// With the rights that the error names it works, without owning a thing.
	grant(foreign)
	s, err := New(t.Context(), rolePool, Options{Schema: foreign, SkipMigration: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, "a"); err != nil {
		t.Error(err)
	}
	// Also when the journal needs a part, which the role may not make.
	exec(fmt.Sprintf("SELECT setval('%s.events_seq', %d)", foreign, partsAhead*partSize+7))
	again, err := New(t.Context(), rolePool, Options{Schema: foreign})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(t, again, "b"); err != nil {
		t.Error(err)
	}
	// To write tables anew takes their owner.
	if err := s.Scrub(t.Context()); !errors.Is(err, leadloop.ErrUnavailable) || !strings.Contains(err.Error(), "scrub as their owner") {
		t.Errorf("a scrub without owning the tables: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := rolePool.Ping(t.Context()); err != nil {
		t.Errorf("closing the store closed the host's pool: %v", err)
	}
}

func TestTheJournalGetsPartsAheadOfNeed(t *testing.T) {
	schema := newSchema(t)
	s := openAt(t, schema)
	if err := put(t, s, "a"); err != nil {
		t.Fatal(err)
	}
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := s.pool.Exec(t.Context(), s.tables.query(query), args...); err != nil {
			t.Fatal(err)
		}
	}
	// The journal outran its parts: the entry goes to the rest, and the part it
	// would stand in is not made any more.
	exec("SELECT setval('{events_seq}', $1)", int64(partsAhead*partSize+7))
	if err := put(t, s, "b"); err != nil {
		t.Fatal(err)
	}
	if err := Migrate(t.Context(), s.pool, schema); err != nil {
		t.Fatal(err)
	}
	exec("SELECT setval('{events_seq}', $1)", int64((partsAhead+1)*partSize+7))
	if err := put(t, s, "c"); err != nil {
		t.Fatal(err)
	}
	rows, err := s.pool.Query(t.Context(), s.tables.query("SELECT tableoid::regclass::text || ' ' || lead FROM {events} ORDER BY seq"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("[%[1]s.events_000000 a %[1]s.events_rest b %[1]s.events_000005 c]", schema)
	if fmt.Sprint(got) != want {
		t.Errorf("want %s, got %s", want, got)
	}
	if _, entries := stored(t, s); entries != 3 {
		t.Errorf("%d entries are read over all parts", entries)
	}
}

func TestALongValueIsNotTheShortOneThatStandsForIt(t *testing.T) {
	long := strings.Repeat("ä", longest)
	stands := searchable(long)
	if len(stands) <= longest || searchable(long+"x") == stands {
		t.Fatal("a long value stands as a text that another one could be")
	}
	s := openAt(t, newSchema(t))
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		_, err := tx.Leads().Put(t.Context(), &leadloop.Lead{ID: "a", Identifiers: []leadloop.Identifier{{Kind: "x", Value: long}}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.View(t.Context(), func(tx store.Tx) error {
		for value, want := range map[string]int{long: 1, stands: 0} {
			found, err := tx.Leads().Match(t.Context(), []leadloop.Identifier{{Kind: "x", Value: value}})
			if err != nil {
				return err
			}
			if len(found) != want {
				t.Errorf("a value of %d bytes finds %d leads", len(value), len(found))
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAServerThatDiesLosesNothingCommittedAndComesBack(t *testing.T) {
	postgrestest.DSN(t) // skips where there is no server
	server, err := postgrestest.Start()
	if err != nil {
		t.Skipf("a server of its own is needed: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	s, err := Open(t.Context(), server.DSN, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for round := range 3 {
		if err := put(t, s, leadloop.LeadID(fmt.Sprintf("%d", round))); err != nil {
			t.Fatal(err)
		}
		// It dies within a transaction.
		err := s.Update(t.Context(), func(tx store.Tx) error {
			if _, err := tx.Leads().Put(t.Context(), &leadloop.Lead{ID: "lost"}); err != nil {
				return err
			}
			return server.Kill()
		})
		if !errors.Is(err, leadloop.ErrUnavailable) {
			t.Errorf("committing to a server that died: %v", err)
		}
		if err := s.View(t.Context(), func(tx store.Tx) error {
			_, err := tx.CRM().Reps(t.Context())
			return err
		}); !errors.Is(err, leadloop.ErrUnavailable) {
			t.Errorf("reading from a server that died: %v", err)
		}
		if err := server.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	if ids, entries := stored(t, s); fmt.Sprint(ids, entries) != "[0 1 2] 3" {
		t.Errorf("leads and journal entries: %v %d", ids, entries)
	}
}

func TestAPoolThatItsHostClosedIsAClosedStore(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), postgrestest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), pool, Options{Schema: newSchema(t)})
	if err != nil {
		t.Fatal(err)
	}
	pool.Close()
	if err := s.Update(t.Context(), func(store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("want ErrClosed, got %v", err)
	}
}

func TestAConflictOfTheHostsOwnStatementIsOneOfTheStore(t *testing.T) {
	s := openAt(t, newSchema(t))
	query := func(text string) error {
		return s.Update(t.Context(), func(tx store.Tx) error {
			pg, err := Tx(t.Context(), tx)
			if err == nil {
				_, err = pg.Exec(t.Context(), text)
			}
			return err
		})
	}
	// As PostgreSQL says it, when it does.
	err := query("DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40001'; END $$")
	var refused *pgconn.PgError
	if !errors.Is(err, leadloop.ErrConflict) || !errors.As(err, &refused) {
		t.Errorf("a serialization failure: %v", err)
	}
	if err := query("SELECT 1/0"); err == nil || errors.Is(err, leadloop.ErrConflict) {
		t.Errorf("another failure: %v", err)
	}
}

package postgres

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop/routing/routingtest"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres/postgrestest"
)

func TestManyRouteThroughOnePool(t *testing.T) { routingtest.Concurrent(t, openAt(t, newSchema(t))) }

func TestQueuesAreDrainedByManyAtOnce(t *testing.T) { routingtest.Drains(t, openAt(t, newSchema(t))) }

func TestALedgerOfARowForEachMemberIsTakenOver(t *testing.T) {
	schema := newSchema(t)
	pool := newPool(t, postgrestest.DSN(t))
	defer pool.Close()
	if err := Migrate(t.Context(), pool, schema); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), strings.ReplaceAll(`ALTER TABLE s.rotations DROP COLUMN balances; DELETE FROM s.schema_versions WHERE version_id = 5;
		CREATE TABLE s.balances (pool text COLLATE "C" NOT NULL, member text COLLATE "C" NOT NULL, owed bigint NOT NULL, count bigint NOT NULL, last_at text COLLATE "C" NOT NULL,
			PRIMARY KEY (pool, member));
		INSERT INTO s.rotations VALUES ('p', 7), ('#drain', 3);
		INSERT INTO s.balances VALUES ('p', 'ben "b"', -250000, 0, '0001-01-01T00:00:00.000000000Z'), ('p', 'ana', 250000, 2, '2026-11-02T10:00:00.000000005Z')`,
		"s.", schema+".")); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, schema)
	got := map[string]store.Rotation{}
	if err := s.View(t.Context(), func(tx store.Tx) (err error) {
		for _, pool := range []string{"p", "#drain"} {
			if got[pool], err = tx.Rotations().Get(t.Context(), pool); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := map[string]store.Rotation{
		"p": {Pool: "p", Revision: 7, Balances: []store.Balance{
			{Member: "ana", Owed: 250_000, Count: 2, LastAt: time.Date(2026, 11, 2, 10, 0, 0, 5, time.UTC)}, {Member: `ben "b"`, Owed: -250_000},
		}},
		"#drain": {Pool: "#drain", Revision: 3},
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("want %v, got %v", want, got)
	}
}

package sqlite

import (
	"reflect"
	"testing"
	"time"

	"github.com/leadloop/leadloop/routing/routingtest"
	"github.com/leadloop/leadloop/store"
)

func TestManyRouteThroughOnePool(t *testing.T) {
	routingtest.Concurrent(t, openAt(t, newPath(t), Options{}))
}

func TestQueuesAreDrainedByManyAtOnce(t *testing.T) {
	routingtest.Drains(t, openAt(t, newPath(t), Options{}))
}

func TestALedgerOfARowForEachMemberIsTakenOver(t *testing.T) {
	path := newPath(t)
	if err := openAt(t, path, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	run(t, path, `ALTER TABLE rotations DROP COLUMN balances; DELETE FROM schema_versions WHERE version = 5;
		CREATE TABLE balances (pool TEXT NOT NULL, member TEXT NOT NULL, owed INTEGER NOT NULL, count INTEGER NOT NULL, last_at TEXT NOT NULL,
			PRIMARY KEY (pool, member)) STRICT, WITHOUT ROWID;
		INSERT INTO rotations VALUES ('p', 7), ('#drain', 3);
		INSERT INTO balances VALUES ('p', 'ben "b"', -250000, 0, '0001-01-01T00:00:00.000000000Z'), ('p', 'ana', 250000, 2, '2026-11-02T10:00:00.000000005Z')`)
	s := openAt(t, path, Options{})
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

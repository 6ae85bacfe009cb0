package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func TestRepsThatWereReadBelongToTheCaller(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	read := func() (all []leadloop.Rep) {
		t.Helper()
		if err := s.View(t.Context(), func(tx store.Tx) (err error) {
			all, err = tx.CRM().Reps(t.Context())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	put := func(p leadloop.Rep) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.CRM().PutRep(t.Context(), p) }); err != nil {
			t.Fatal(err)
		}
	}
	want := leadloop.Rep{ID: "ana", Skills: []string{"german"}, Languages: []string{"de"}, Away: []leadloop.Absence{{Until: time.Unix(1, 0).UTC()}}}
	put(want)
	all := read()
	all[0].Skills[0], all[0].Languages[0], all[0].Away[0] = "x", "x", leadloop.Absence{}
	if diff := cmp.Diff([]leadloop.Rep{want}, read()); diff != "" {
		t.Errorf("what a caller changed is read by the next:\n%s", diff)
	}
	want.Weight = 50
	put(want)
	put(leadloop.Rep{ID: "ben"})
	if diff := cmp.Diff([]leadloop.Rep{want, {ID: "ben"}}, read()); diff != "" {
		t.Error(diff)
	}
}

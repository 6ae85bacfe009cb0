package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/sqlite"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "leads")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()

	s, err := sqlite.Open(ctx, filepath.Join(dir, "leads.db"), sqlite.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	err = s.Update(ctx, func(tx store.Tx) error {
		if _, claimed, err := tx.Keys().Claim(ctx, "form-1/submission-7", "lead-1"); err != nil || !claimed {
			return err
		}
		_, err := tx.Leads().Put(ctx, &leadloop.Lead{ID: "lead-1"})
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = s.View(ctx, func(tx store.Tx) error {
		l, err := tx.Leads().Get(ctx, "lead-1")
		if err == nil {
			fmt.Println(l.ID, "at revision", l.Revision)
		}
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Output: lead-1 at revision 1
}

func ExampleStore_Backup() {
	dir, err := os.MkdirTemp("", "leads")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	s, err := sqlite.Open(ctx, filepath.Join(dir, "leads.db"), sqlite.Options{FullSync: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	if err := s.Backup(ctx, filepath.Join(dir, "monday.db")); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("a second one:", s.Backup(ctx, filepath.Join(dir, "monday.db")) != nil)
	// Output: a second one: true
}

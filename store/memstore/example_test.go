package memstore_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func Example() {
	s := memstore.New()
	defer s.Close()
	ctx := context.Background()

	lead := &leadloop.Lead{ID: "lead-1", Identifiers: []leadloop.Identifier{{Kind: "domain", Value: "example.com"}}}
	err := s.Update(ctx, func(tx store.Tx) error {
		revision, err := tx.Leads().Put(ctx, lead)
		fmt.Println("stored as revision", revision)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}

	// The same lead, as somebody else read it before.
	err = s.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Leads().Put(ctx, lead)
		return err
	})
	fmt.Println("conflict:", errors.Is(err, leadloop.ErrConflict))

	err = s.View(ctx, func(tx store.Tx) error {
		ids, err := tx.Leads().Match(ctx, lead.Identifiers)
		fmt.Println("matched", ids)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// stored as revision 1
	// conflict: true
	// matched [lead-1]
}

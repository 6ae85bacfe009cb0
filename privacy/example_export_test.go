package privacy_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// What is stored about a person, for the person.
func ExampleExportPerson() {
	ctx, at := context.Background(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	st := memstore.New()
	tokens, err := privacy.NewTokens("2026", []byte("an example key of 32 bytes or more"))
	if err != nil {
		fmt.Println(err)
		return
	}
	lead := &leadloop.Lead{ID: "ld_1", ReceivedAt: at, Claims: []leadloop.Claim{leadloop.Email.Claim("lea@prospect.com", leadloop.Evidence{Source: "form", ObservedAt: at})}}
	if err := st.Update(ctx, func(tx store.Tx) error { _, err := tx.Leads().Put(ctx, lead); return err }); err != nil {
		fmt.Println(err)
		return
	}
	export, err := privacy.ExportPerson(ctx, st, tokens, privacy.Person{Lead: "ld_1"}, at)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range export.Leads {
		for _, c := range l.Claims {
			fmt.Println(c.Field, "=", c.Value, "from", c.Source, "on", c.ObservedAt.Format(time.DateOnly))
		}
	}
	// Output:
	// lead.email = lea@prospect.com from form on 2026-11-02
}

// A lead that a court needs is not erased until it is released.
func ExampleHold() {
	ctx, at := context.Background(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	st := memstore.New()
	tokens, err := privacy.NewTokens("2026", []byte("an example key of 32 bytes or more"))
	if err != nil {
		fmt.Println(err)
		return
	}
	lead := &leadloop.Lead{ID: "ld_1", ReceivedAt: at, Claims: []leadloop.Claim{leadloop.Email.Claim("lea@prospect.com", leadloop.Evidence{ObservedAt: at})}}
	if err := st.Update(ctx, func(tx store.Tx) error { _, err := tx.Leads().Put(ctx, lead); return err }); err != nil {
		fmt.Println(err)
		return
	}
	eraser, err := privacy.NewEraser(st, tokens, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	request := privacy.Request{ID: "dsr-17", Person: privacy.Person{Lead: "ld_1"}, At: at}
	if err := privacy.Hold(ctx, st, tokens, "ld_1", at); err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := eraser.Erase(ctx, request)
	fmt.Println(receipt.State, err)
	if err := privacy.Release(ctx, st, tokens, "ld_1"); err != nil {
		fmt.Println(err)
		return
	}
	receipt, err = eraser.Erase(ctx, request)
	fmt.Println(receipt.State, err)
	err = st.View(ctx, func(tx store.Tx) error { _, err := tx.Leads().Get(ctx, "ld_1"); return err })
	fmt.Println("gone:", errors.Is(err, leadloop.ErrNotFound))
	// Output:
	// held <nil>
	// done <nil>
	// gone: true
}

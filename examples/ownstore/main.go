// Command ownstore runs a loop over a store of which the host owns the CRM
// tables: accounts, contacts, opportunities and reps stay where they are, and
// the rest is a store of ours, in one transaction. Its test holds it to every
// promise of package store.
//
//	go run ./examples/ownstore
package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
)

//go:embed playbook
var files embed.FS

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)

	// What the CRM has: one account, and Ben looks after it.
	s := NewStore()
	err := s.Update(ctx, func(tx store.Tx) error {
		account := leadloop.Account{ID: "A7", Name: "Riverton Ltd", Domains: []string{"riverton.example"}, Owner: "ben"}
		account.Identifiers = dedupe.AccountIdentifiers(account) // what its leads are matched by
		return tx.CRM().PutAccount(ctx, account)
	})
	if err != nil {
		return err
	}

	folder, err := fs.Sub(files, "playbook")
	if err != nil {
		return err
	}
	// The key of the suppression list is a secret of the host, made once.
	tokens, err := privacy.NewTokens("2026", []byte("an example key of 32 bytes or more"))
	if err != nil {
		return err
	}
	pb, problems := playbook.Load(folder)
	if err := problems.Err(); err != nil {
		return err
	}
	loop, err := pb.Loop(ctx, s, playbook.Options{Tokens: tokens})
	if err != nil {
		return err
	}

	form, err := capture.New(pb.Schema(), capture.Source{Name: "demo-form", LeadSource: "website"})
	if err != nil {
		return err
	}
	for i, values := range []map[string]string{
		{"lead.email": "ana.costa@riverton.example", "lead.last_name": "Costa", "lead.title": "VP of Operations", "company.name": "Riverton"},
		{"lead.email": "kim.lee@harbour.example", "lead.last_name": "Lee", "lead.title": "Analyst", "company.name": "Harbour"},
		{"lead.email": "Kim.Lee@Harbour.example", "lead.last_name": "LEE", "lead.title": "Analyst", "company.name": "Harbour Inc"},
	} {
		at := now.Add(time.Duration(i) * time.Hour)
		submission, _, err := form.Submission(capture.Payload{Values: values, ReceivedAt: at}, at)
		if err != nil {
			return err
		}
		result, err := loop.Process(ctx, submission, at)
		if err != nil {
			return err
		}
		state := result.Lead.State
		fmt.Printf("%d: tier %s, %s to %s, %s, account %q", i+1, state.Score.Tier, result.Outcome.Kind, state.Owner, result.Outcome.Reason, state.Account)
		if result.Lead.ID != result.Record {
			fmt.Print(", the same person as before")
		}
		fmt.Println()
	}
	return nil
}

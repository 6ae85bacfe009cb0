package match_test

import (
	"context"
	"fmt"
	"log"

	"github.com/leadloop/leadloop/dedupe/match"
	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// An index finds who a record may be, as it arrives.
func ExampleIndex() {
	ctx := context.Background()
	table, err := match.NewTable(match.Leads())
	if err != nil {
		log.Fatal(err)
	}
	var records []match.Record
	for _, r := range matchtest.New(2000, 1).Records() { // of a made-up market
		records = append(records, match.Record{ID: string(r.ID), Values: []string{
			r.FirstName, r.LastName, r.Email, r.Phone, r.Company, r.Website, r.Title, r.City, r.Country,
		}})
		if err := table.Add(records[len(records)-1]); err != nil {
			log.Fatal(err)
		}
	}
	model, err := match.Learn(ctx, table, match.Options{})
	if err != nil {
		log.Fatal(err)
	}
	index, err := match.NewIndex(model, match.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range records {
		if err := index.Upsert(r); err != nil {
			log.Fatal(err)
		}
	}
	found, err := index.Lookup(ctx, match.Record{ID: "new", Values: records[7].Values}, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found[0].ID, found[0].Verdict)
	// What a human says stands above the model.
	if err := index.Decide(match.Decision{A: "new", B: found[0].ID, Same: false}); err != nil {
		log.Fatal(err)
	}
	if found, err = index.Lookup(ctx, match.Record{ID: "new", Values: records[7].Values}, 1); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(found) > 0 && found[0].ID == "lead-00000007")
	// Output:
	// lead-00000007 auto
	// false
}

package match_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"sync"

	"github.com/leadloop/leadloop/dedupe/match"
	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// market is a thousand leads of a made-up market with the model learnt from them, as in the example of the package.
var market = sync.OnceValues(func() (*match.Model, []match.Record) {
	table, err := match.NewTable(match.Leads())
	if err != nil {
		log.Fatal(err)
	}
	var records []match.Record
	for _, r := range matchtest.New(1000, 1).Records() {
		records = append(records, match.Record{ID: string(r.ID), Values: []string{
			r.FirstName, r.LastName, r.Email, r.Phone, r.Company, r.Website, r.Title, r.City, r.Country,
		}})
		if err := table.Add(records[len(records)-1]); err != nil {
			log.Fatal(err)
		}
	}
	model, err := match.Learn(context.Background(), table, match.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return model, records
})

// A pair taken apart: what each field says, in bits. Pair is JSON too, and a picture by WriteSVG.
func ExampleModel_Compare() {
	model, _ := market()
	pair, err := model.Compare(
		match.Record{ID: "form", Values: []string{"Kate", "Winter", "kate.winter@gmail.com", "+1 415 555 2671", "Acme Robotics Inc"}},
		match.Record{ID: "crm", Values: []string{"Katherine", "Winter", "k.winter@acme-robotics.com", "", "Acme Robotics"}},
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range pair.Lines {
		if line.Level != "missing" {
			fmt.Printf("%s: %s (%s)\n", line.Field, line.Level, sign(line.Weight+line.Frequency))
		}
	}
	fmt.Println(pair.Verdict)
	// Output:
	// first_name: nickname or part (speaks for)
	// last_name: same (speaks for)
	// email: different (speaks against)
	// company: same (speaks for)
	// auto
}

func sign(bits float64) string {
	if bits < 0 {
		return "speaks against"
	}
	return "speaks for"
}

// The rows of several sources are linked: of each, one row at most is one with a row of another.
func ExampleOptions_linked() {
	model, records := market()
	table, err := match.NewTable(model.Fields())
	if err != nil {
		log.Fatal(err)
	}
	for i, r := range records[:200] {
		r.Source = "crm"
		if i%2 == 1 {
			r.Source = "fair"
		}
		if err := table.Add(r); err != nil {
			log.Fatal(err)
		}
	}
	result, err := model.Cluster(context.Background(), table, match.Options{
		Mode: match.OneToOne,
		// What somebody said stands above the model.
		Decisions: []match.Decision{{A: records[0].ID, B: records[1].ID, Same: true}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Rows[1].Cluster == records[0].ID, result.Largest)
	// Output: true 2
}

// ClusterOf says who a record is together with, as Model.Cluster would over all records at once.
func ExampleIndex_ClusterOf() {
	ctx := context.Background()
	model, records := market()
	index, err := match.NewIndex(model, match.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range records {
		if err := index.Upsert(r); err != nil {
			log.Fatal(err)
		}
	}
	again := match.Record{ID: "again", Values: records[7].Values}
	if err := index.Upsert(again); err != nil {
		log.Fatal(err)
	}
	result, err := index.ClusterOf(ctx, "again")
	if err != nil {
		log.Fatal(err)
	}
	for _, row := range result.Rows {
		fmt.Println(row.ID, row.Cluster)
	}
	// Output:
	// again again
	// lead-00000007 again
	// lead-00000433 again
}

// A snapshot of an index, which another process loads instead of reading all records again.
func ExampleReadIndex() {
	model, records := market()
	index, err := match.NewIndex(model, match.Options{})
	if err != nil {
		log.Fatal(err)
	}
	if err := index.Upsert(records[7]); err != nil {
		log.Fatal(err)
	}
	var snapshot bytes.Buffer
	if _, err := index.WriteTo(&snapshot); err != nil {
		log.Fatal(err)
	}
	loaded, err := match.ReadIndex(&snapshot, model, match.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(loaded.IDs())
	// Output: [lead-00000007]
}

// A model is kept as a file, which holds no values.
func ExampleParseModel() {
	model, _ := market()
	file, err := json.Marshal(model)
	if err != nil {
		log.Fatal(err)
	}
	kept, err := match.ParseModel(file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(kept.Digest() == model.Digest())
	// Output: true
}

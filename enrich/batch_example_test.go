package enrich_test

import (
	"context"
	"fmt"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/enrich/enrichtest"
	"github.com/leadloop/leadloop/store/memstore"
)

func ExampleWaterfall_EnrichAll() {
	directory := enrichtest.Batch(enrichtest.Knows(enrich.Fact{Field: "company.employees", Value: leadloop.ValueOf(int64(70))}), 100)
	w, err := enrich.New([]enrich.Source{{
		Name: "directory", Provider: directory, Needs: []string{"company.domain"}, Fields: []string{"company.employees"}, Price: 20_000,
	}}, memstore.New(), leadloop.StandardSchema(), enrich.Options{Fields: []string{"company.employees"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	reports, err := w.EnrichAll(context.Background(), backlog(3)) // one call
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range reports {
		fmt.Println(r.Claims[0].Value, r.Cost)
	}
	// Output:
	// 70 20000
	// 70 20000
	// 70 20000
}

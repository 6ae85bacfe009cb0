package enrich_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/store/memstore"
)

// A form asks first what could still change what happens to the lead, and never
// what is known.
func ExampleWaterfall_NextQuestions() {
	schema := leadloop.StandardSchema()
	outlook := enrich.OutlookFunc(func(_ context.Context, _ leadloop.Subject, changeable []string) (enrich.Prospect, error) {
		return enrich.Prospect{Open: []enrich.Influence{{Field: "company.employees", Weight: 0.5, Changes: "tier"}}}, nil
	})
	w, err := enrich.New(nil, memstore.New(), schema, enrich.Options{Outlook: outlook})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := schema.NewProfile()
	leadloop.Country.Set(p, "DE")
	ask, err := w.NextQuestions(context.Background(), leadloop.Subject{
		Lead: &leadloop.Lead{ID: "ld_1"}, Profile: p, AsOf: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC),
	}, []string{"lead.country", "lead.title", "company.employees"}, 2)
	fmt.Println(ask, err)
	// Output:
	// [company.employees lead.title] <nil>
}

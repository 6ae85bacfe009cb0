// Command ownprovider plugs in an enrichment provider of one's own: here, a
// table of companies that we keep ourselves.
//
//	go run ./examples/ownprovider
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/store/memstore"
)

// register is what we know about companies.
type register map[string]struct {
	employees int64
	industry  string
	checked   time.Time
}

// Lookup is the whole provider. It is asked by the fields in Source.Needs and
// for those in Source.Fields; time limits, retries, rate, cache, costs and
// budget are the waterfall's business.
func (r register) Lookup(_ context.Context, q enrich.Query) (enrich.Answer, error) {
	row, ok := r[q.Value(leadloop.Domain.Name())]
	if !ok {
		return enrich.Answer{}, nil // we don't know them: that is no error
	}
	answer := enrich.Answer{Matched: true, Facts: []enrich.Fact{
		{Field: leadloop.Employees.Name(), Value: leadloop.ValueOf(row.employees), Confidence: 0.9, VerifiedAt: row.checked},
	}}
	if row.industry == "" {
		answer.NotFound = append(answer.NotFound, leadloop.Industry.Name()) // we looked, there is none
	} else {
		answer.Facts = append(answer.Facts, enrich.Fact{Field: leadloop.Industry.Name(), Value: leadloop.ValueOf(row.industry)})
	}
	return answer, nil
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	schema := leadloop.StandardSchema()
	source := enrich.Source{
		Name: "register",
		Provider: register{
			"riverton.example": {employees: 1200, industry: "Logistics", checked: now.AddDate(0, -1, 0)},
			"tinyshop.example": {employees: 4},
		},
		Needs: []string{leadloop.Domain.Name()}, Fields: []string{leadloop.Employees.Name(), leadloop.Industry.Name()},
		Price: 20_000, Charge: enrich.ChargeMatch, // 0.02 for every company found
	}
	// Fields are what rules read: scoring.Model.Inputs gives them. Nothing else
	// is ever asked for.
	waterfall, err := enrich.New([]enrich.Source{source}, memstore.New(), schema, enrich.Options{
		Fields: []string{leadloop.Employees.Name(), leadloop.Industry.Name()},
	})
	if err != nil {
		return err
	}

	for i, domain := range []string{"riverton.example", "tinyshop.example", "nobody.example", "riverton.example"} {
		profile := schema.NewProfile()
		leadloop.Domain.Set(profile, domain)
		lead := &leadloop.Lead{ID: leadloop.LeadID(fmt.Sprintf("lead-%d", i+1))}
		report, err := waterfall.Enrich(ctx, leadloop.Subject{Lead: lead, Profile: profile, AsOf: now, Trigger: leadloop.TriggerSubmission})
		if err != nil {
			return err
		}
		fmt.Printf("%s, spent %.2f\n", lead.ID, float64(report.Cost)/1e6)
		for _, c := range report.Claims {
			if c.Value.Presence() == leadloop.KnownAbsent {
				fmt.Printf("  %s: there is none, says %s\n", c.Field, c.Source)
			} else {
				fmt.Printf("  %s: %s, says %s\n", c.Field, c.Value, c.Source)
			}
		}
	}
	return nil
}

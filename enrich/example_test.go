package enrich_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/store/memstore"
)

// A provider is one method: here, our own customer table knows company sizes.
func ExampleProviderFunc() {
	sizes := map[string]int64{"acme.example": 1200}
	own := enrich.ProviderFunc(func(_ context.Context, q enrich.Query) (enrich.Answer, error) {
		n, ok := sizes[q.Value("company.domain")]
		if !ok {
			return enrich.Answer{}, nil // nobody we know
		}
		return enrich.Answer{Matched: true, Facts: []enrich.Fact{
			{Field: "company.employees", Value: leadloop.ValueOf(n), Confidence: 0.9},
		}}, nil
	})

	a, err := own.Lookup(context.Background(), enrich.Query{
		Known: []enrich.Known{{Field: "company.domain", Value: "acme.example"}},
		Want:  []string{"company.employees"},
	})
	fmt.Println(a.Matched, a.Facts[0].Value, err)
	// Output: true 1200 <nil>
}

// Two sources, the cheaper one first; the second is asked for the rest.
func ExampleNew() {
	schema := leadloop.StandardSchema()
	file, err := enrich.NewFile(schema, "firms.csv", strings.NewReader("company.domain,company.employees\nacme.example,1200\n"), "company.domain")
	if err != nil {
		fmt.Println(err)
		return
	}
	vendor := enrich.Source{
		Name: "vendor", Price: 100_000, Charge: enrich.ChargeMatch, // 0.10
		Needs: []string{"company.domain"}, Fields: []string{"company.employees", "company.industry"},
		Provider: enrich.ProviderFunc(func(context.Context, enrich.Query) (enrich.Answer, error) {
			return enrich.Answer{Facts: []enrich.Fact{{Field: "company.industry", Value: leadloop.ValueOf("Steel")}}}, nil
		}),
	}
	w, err := enrich.New([]enrich.Source{file.Source("firms"), vendor}, memstore.New(), schema, enrich.Options{
		Fields: []string{"company.employees", "company.industry"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	p := schema.NewProfile()
	leadloop.Domain.Set(p, "acme.example")
	r, err := w.Enrich(context.Background(), leadloop.Subject{
		Lead: &leadloop.Lead{ID: "lead-1"}, Profile: p, AsOf: time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range r.Claims {
		fmt.Printf("%s = %s, says %s\n", c.Field, c.Value, c.Source)
	}
	fmt.Println("spent", r.Cost, "millionths")
	// Output:
	// company.employees = 1200, says firms
	// company.industry = Steel, says vendor
	// spent 100000 millionths
}

// An outlook tells what a missing field could still change; here revenue changes
// nothing for small companies, and is not bought for one.
func ExampleOutlookFunc() {
	schema := leadloop.StandardSchema()
	vendor := func(field string, v leadloop.Value) enrich.Source {
		return enrich.Source{
			Name: "vendor of " + field, Price: 100_000, Needs: []string{"company.domain"}, Fields: []string{field},
			Provider: enrich.ProviderFunc(func(context.Context, enrich.Query) (enrich.Answer, error) {
				return enrich.Answer{Facts: []enrich.Fact{{Field: field, Value: v}}}, nil
			}),
		}
	}
	w, err := enrich.New([]enrich.Source{
		vendor("company.revenue", leadloop.ValueOf(int64(5_000_000))), vendor("company.employees", leadloop.ValueOf(int64(12))),
	}, memstore.New(), schema, enrich.Options{
		Fields: []string{"company.employees", "company.revenue"},
		Outlook: enrich.OutlookFunc(func(_ context.Context, s leadloop.Subject, changeable []string) (enrich.Prospect, error) {
			p := enrich.Prospect{Decision: "tier C"}
			n, known := leadloop.Employees.Get(s.Profile)
			for _, f := range changeable {
				switch {
				case f == "company.employees":
					p.Open = append(p.Open, enrich.Influence{Field: f, Weight: 0.5, Changes: "tier"})
				case known != leadloop.Present || n >= 100:
					p.Open = append(p.Open, enrich.Influence{Field: f, Weight: 0.1, Changes: "tier"})
				}
			}
			return p, nil
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := schema.NewProfile()
	leadloop.Domain.Set(p, "acme.example")
	r, err := w.Enrich(context.Background(), leadloop.Subject{
		Lead: &leadloop.Lead{ID: "lead-1"}, Profile: p, AsOf: time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Because)
	fmt.Println("spent", r.Cost, "saved", r.Saved)
	// Output:
	// stopped after 1 of 2 providers: tier C whatever company.revenue is
	// spent 100000 saved 100000
}

// A JSON API needs no code, only a description.
func ExampleNewHTTP() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := fmt.Fprintf(w, `{"company": {"name": "Acme", "size": {"max": 1200}}, "path": %q}`, r.URL.Path); err != nil {
			fmt.Println(err)
		}
	}))
	defer api.Close()

	h, err := enrich.NewHTTP(leadloop.StandardSchema(), enrich.HTTPSpec{
		URL:     api.URL + "/v1/{company.domain}",
		Headers: map[string]string{"Authorization": "Bearer ${VENDOR_KEY}"},
		Match:   "company",
		Fields:  map[string]string{"company.employees": "company.size.max"},
	}, enrich.HTTPOptions{Secret: func(string) (string, bool) { return "s3cret", true }})
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := h.Lookup(context.Background(), enrich.Query{Known: []enrich.Known{{Field: "company.domain", Value: "acme.example"}}})
	fmt.Println(a.Facts[0].Field, a.Facts[0].Value, err)
	// Output: company.employees 1200 <nil>
}

// All mistakes of an enrich.yaml are found in one go.
func ExampleParse() {
	d, problems := enrich.Parse("enrich.yaml", []byte(`deadline: 20s
providers:
  - name: firms
    type: file
    path: firms.csv
    key: company.domian
    charge: macth
`))
	_, more := d.Sources(leadloop.StandardSchema(), enrich.Host{Files: fstest.MapFS{"firms.csv": {}}})
	for _, p := range append(problems, more...) {
		fmt.Println(p)
	}
	// Output:
	// enrich.yaml:7:13: charge: expected call, match or valid, found "macth" (call: every answer costs; match: only found ones; valid: only accepted ones)
	// enrich.yaml:6:10: key: the schema has no field "company.domian" (did you mean "company.domain"?)
}

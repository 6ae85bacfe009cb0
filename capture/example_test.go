package capture_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
)

func Example() {
	schema := leadloop.StandardSchema()
	c, err := capture.New(schema, capture.Source{Name: "demo-form"})
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s, _, err := c.Submission(capture.Payload{Values: map[string]string{
		"id": "17", "lead.email": "Ana@Acme.com", "lead.title": "Head of Sales", "lead.source": "Google Ads",
	}}, at)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Key)
	for _, claim := range s.Claims {
		fmt.Println(claim.Field, claim.Value, claim.Origin)
	}
	_, _, err = c.Submission(capture.Payload{Values: map[string]string{"lead.email": "ana@gmail.com"}}, at)
	fmt.Println(err)
	// Output:
	// demo-form:17
	// lead.email ana@acme.com person
	// lead.title Head of Sales person
	// lead.seniority director derived
	// lead.department sales derived
	// company.domain acme.com derived
	// lead.source google-ads person
	// capture: rejected: company.name: is required (or company.domain); lead.source: is required
}

func ExampleReader() {
	file := "E-Mail;Company;Notes\nana@acme.com;Acme;hi\nben@acme.com;Acme\n"
	r, err := capture.NewReader(strings.NewReader(file), capture.CSV, leadloop.StandardSchema(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range r.Columns() {
		fmt.Printf("%s holds %q\n", c.Name, c.Holds)
	}
	p, err := r.Next()
	fmt.Println(p.Values["company.name"], err)
	_, err = r.Next()
	fmt.Println(err)
	// Output:
	// E-Mail holds "lead.email"
	// Company holds "company.name"
	// Notes holds ""
	// Acme <nil>
	// capture: line 3: rejected: has 2 columns, the header has 3
}

package enrich_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

func TestAPlaybookFileSaysOnWhatTermsAndInWhatOrder(t *testing.T) {
	d, problems := enrich.Parse("enrich.yaml", []byte(`order: cheapest
purpose: sales
refresh: {acquired: [company.employees]}
groups:
  - {fields: [company.employees], providers: [people, site], order: parallel}
fields:
  company.employees: {buy: always}
  company.industry: {buy: never}
providers:
  - {name: people, type: host, needs: [lead.email], fields: [company.employees], price: 0.1, match_rate: 0.3, bundle: true, budget: {day: 1, month: 9}, consent_in: [Germany], purposes: [sales]}
  - {name: site, type: website, facts: {company.technologies: technologies}, hedge_after: 2s}
`))
	sources, more := d.Sources(leadloop.StandardSchema(), host())
	if problems = append(problems, more...); len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []enrich.Source{
		{
			Name: "people", Needs: []string{"lead.email"}, Fields: []string{"company.employees"}, Price: 100_000, MatchRate: 0.3, Bundle: true,
			Budget: enrich.Budget{Day: 1_000_000, Month: 9_000_000}, ConsentIn: []string{"DE"}, Purposes: []string{"sales"},
		},
		{Name: "site", Needs: []string{"company.domain"}, Fields: []string{"company.technologies"}, HedgeAfter: 2 * time.Second},
	}
	if diff := cmp.Diff(want, sources, cmpopts.IgnoreFields(enrich.Source{}, "Provider", "Version")); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	options := enrich.Options{
		Order: enrich.OrderCheapest, Purpose: "sales", Refresh: map[string][]string{"acquired": {"company.employees"}},
		Groups:   []enrich.Group{{Fields: []string{"company.employees"}, Sources: []string{"people", "site"}, Order: enrich.OrderParallel}},
		Policies: map[string]enrich.FieldPolicy{"company.employees": {Buy: enrich.BuyAlways}, "company.industry": {Buy: enrich.BuyNever}},
	}
	if diff := cmp.Diff(options, d.Options(), cmpopts.IgnoreFields(enrich.Options{}, "PreScore", "Refuse", "Now"), cmpopts.IgnoreFields(enrich.FieldPolicy{}, "Valid")); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func TestProblemsOfTermsAndOrder(t *testing.T) {
	d, problems := enrich.Parse("enrich.yaml", []byte(`order: cheapst
refresh: {acquired: [company.employes]}
groups:
  - {fields: [company.employees], providers: [peple, people, people]}
  - {fields: [company.employees, company.siz]}
fields:
  company.employees: {buy: allways}
providers:
  - {name: people, type: host, needs: [lead.email], fields: [company.employees], price: 0.1, match_rate: 3, hedge_after: 1s, budget: {day: -1}, consent_in: [Gremany]}
  - {name: site, type: website, facts: {company.employees: title, company.name: titel}}
  - {name: bare, type: website}
`))
	_, more := d.Sources(leadloop.StandardSchema(), host())
	var got []string
	for _, p := range append(problems, more...) {
		got = append(got, p.String())
	}
	want := []string{
		`enrich.yaml:1:8: order: there is no "cheapst" (did you mean "cheapest"?)`,
		`enrich.yaml:4:47: groups.providers: there is no provider "peple" (did you mean "people"?)`,
		`enrich.yaml:4:62: groups.providers: provider "people" stands there twice`,
		`enrich.yaml:5:15: groups.fields: field company.employees stands in a group already`,
		`enrich.yaml:7:28: fields.company.employees.buy: there is no "allways" (did you mean "always"?)`,
		`enrich.yaml:9:5: match_rate: expected a number from 0 to 1`,
		`enrich.yaml:9:5: hedge_after: only a provider without a price is asked a second time beside the first`,
		`enrich.yaml:9:140: budget.day: is negative`,
		`enrich.yaml:9:158: consent_in: "Gremany" is not a country`,
		`enrich.yaml:11:5: a provider of type website needs the key "facts"`,
		`enrich.yaml:2:22: refresh.acquired: the schema has no field "company.employes" (did you mean "company.employees"?)`,
		`enrich.yaml:5:34: groups.fields: the schema has no field "company.siz" (did you mean "company.name"?)`,
		`enrich.yaml:10:60: facts.company.employees: the fact title is a string, the field a int`,
		`enrich.yaml:10:81: facts.company.name: a website has no fact "titel" (did you mean "title"?)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

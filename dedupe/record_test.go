package dedupe_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match"
)

func TestMatchRecordIsTheGoldenValuesOfALead(t *testing.T) {
	l := who{email: "jane@acme.com", first: "Jane", last: "Doe", company: "Acme", linkedIn: "linkedin.com/in/jane", country: "US"}.lead("l1", 0)
	l.Claims = leadloop.UniteClaims(l.Claims, []leadloop.Claim{
		leadloop.Email.Claim("old@acme.com", by(imported, "list", 9)), leadloop.Employees.Claim(120, by(provider, "a", 1)),
		leadloop.Technologies.Claim([]string{"go", "aws"}, by(provider, "a", 1)), leadloop.City.None(by(provider, "a", 1)),
	})
	var fields []match.Field
	for _, name := range []string{"first_name", "lead.last_name", "email", "company", "website", "linkedin", "country", "employees", "technologies", "city", "nonsense"} {
		fields = append(fields, match.Field{Name: name, Kind: match.KindText})
	}
	got := dedupe.MatchRecord(l, leadloop.StandardSchema(), nil, fields)
	want := match.Record{ID: "l1", Values: []string{
		"Jane", "Doe", "jane@acme.com", "Acme", "", "linkedin.com/in/jane", "US", "120", "aws, go", "", "",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("MatchRecord (-want +got):\n%s", diff)
	}
}

func TestMatchFieldsAreThoseOfTheStandardSchema(t *testing.T) {
	l := &leadloop.Lead{ID: "l1"}
	schema := leadloop.StandardSchema()
	for i := range schema.Len() {
		if d := schema.At(i); d.Kind == leadloop.KindString {
			l.Claims = append(l.Claims, leadloop.Claim{Field: d.Name, Value: leadloop.ValueOf("x"), Evidence: by(person, "form", 1)})
		}
	}
	fields := dedupe.MatchFields()
	for i, v := range dedupe.MatchRecord(l, schema, nil, fields).Values {
		if v == "" {
			t.Errorf("field %s is in no record", fields[i].Name)
		}
	}
	if _, err := match.NewTable(fields); err != nil {
		t.Error(err)
	}
}

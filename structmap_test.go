package leadloop_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

type plan string

type signup struct {
	ID      int
	Mail    string    `leadloop:"lead.email"`
	Plan    plan      `leadloop:"lead.product_interest"`
	Seats   *uint8    `leadloop:"company.employees"`
	Revenue int64     `leadloop:"company.revenue,zero"`
	Tools   []string  `leadloop:"company.technologies"`
	Funded  time.Time `leadloop:"company.funding_date"`
	Address struct {
		City string `leadloop:"lead.city"`
	}
}

func TestAHostStructMapsToClaimsAndBack(t *testing.T) {
	schema := leadloop.StandardSchema()
	m, err := leadloop.MapStruct[signup](schema)
	if err != nil {
		t.Fatal(err)
	}
	seats := uint8(12)
	in := signup{ID: 7, Mail: "ana@acme.com", Plan: "team", Seats: &seats, Tools: []string{"go"}, Funded: day}
	in.Address.City = "Oslo"
	ev := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "signup", ObservedAt: day}
	claims := m.Claims(in, ev)
	var names []string
	for _, c := range claims {
		names = append(names, c.Field+"="+c.Value.String())
	}
	want := []string{"lead.email=ana@acme.com", "lead.product_interest=team", "company.employees=12", "company.revenue=0", "company.technologies=go", "company.funding_date=2026-11-02T09:00:00Z", "lead.city=Oslo"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	out := signup{ID: 7}
	if err := m.Fill(&out, leadloop.Golden(schema, latest, claims)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, out); diff != "" {
		t.Error(diff)
	}
}

func TestAStructFieldThatSaysNothingMakesNoClaim(t *testing.T) {
	m, err := leadloop.MapStruct[signup](leadloop.StandardSchema())
	if err != nil {
		t.Fatal(err)
	}
	claims := m.Claims(signup{}, leadloop.Evidence{})
	if len(claims) != 1 || claims[0].Field != "company.revenue" {
		t.Errorf("only the field tagged zero speaks, got %v", claims)
	}
}

func TestFillNamesANumberThatDoesNotFitAndKeepsTheRest(t *testing.T) {
	schema := leadloop.StandardSchema()
	m, err := leadloop.MapStruct[signup](schema)
	if err != nil {
		t.Fatal(err)
	}
	p := schema.NewProfile()
	leadloop.Employees.Set(p, 100_000)
	leadloop.City.Set(p, "Oslo")
	out := signup{Mail: "kept@acme.com"}
	err = m.Fill(&out, p)
	if !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), "company.employees") {
		t.Errorf("got %v", err)
	}
	if out.Seats != nil || out.Address.City != "Oslo" || out.Mail != "kept@acme.com" {
		t.Errorf("got %+v", out)
	}
}

func TestMapStructNamesEveryBadTag(t *testing.T) {
	type bad struct {
		mail  string //nolint:unused // the tag on an unexported field is what is tested
		Mail  int    `leadloop:"lead.email"`
		Other string `leadloop:"lead.shoe"`
		City  string `leadloop:"lead.city,keep"`
		A     string `leadloop:"lead.title"`
		B     string `leadloop:"lead.title"`
	}
	_, err := leadloop.MapStruct[bad](leadloop.StandardSchema())
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Fatal(err)
	}
	for _, want := range []string{"bad.Mail", "bad.Other", "bad.City", "bad.B"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in:\n%v", want, err)
		}
	}
	if _, err := leadloop.MapStruct[int](leadloop.StandardSchema()); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("an int was mapped: %v", err)
	}
}

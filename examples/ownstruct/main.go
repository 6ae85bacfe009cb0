// Command ownstruct maps a host's own struct to fields and back, both ways by
// the same tags.
//
//	go run ./examples/ownstruct
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/dedupe"
)

// Signup is the struct that the host has anyway.
type Signup struct {
	ID      int64  // not tagged: the host's business alone
	Mail    string `leadloop:"lead.email"`
	Name    string `leadloop:"lead.last_name"`
	Role    string `leadloop:"lead.title"`
	Rank    string `leadloop:"lead.seniority"`
	Tel     string `leadloop:"lead.phone"`
	Country string `leadloop:"lead.country"`
	Firm    struct {
		Name   string `leadloop:"company.name"`
		Domain string `leadloop:"company.domain"`
		Staff  *int   `leadloop:"company.employees"` // nil: nobody knows
	}
	Seats int  `leadloop:"lead.seats_wanted"`
	Trial bool `leadloop:"lead.on_trial,zero"` // zero: false is an answer too
}

// The host's own fields are declared like the standard ones, and rules read
// them as lead.seats_wanted and lead.on_trial.
var (
	seatsWanted = leadloop.NewField[int64]("lead.seats_wanted")
	onTrial     = leadloop.NewField[bool]("lead.on_trial")
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	schema, err := leadloop.NewSchema(seatsWanted, onTrial)
	if err != nil {
		return err
	}
	// A wrong tag is an error here, not a surprise later.
	signups, err := leadloop.MapStruct[Signup](schema)
	if err != nil {
		return err
	}

	in := Signup{ID: 4711, Mail: " Jonas.Weber@Kranbau.example", Name: "WEBER", Role: "Leiter IT", Tel: "030 23125 042", Country: "Deutschland", Seats: 40}
	in.Firm.Name = "Kranbau GmbH"

	// There: claims, normalised on the way in like those of a form.
	api, err := capture.New(schema, capture.Source{Name: "signup-api", LeadSource: "product"})
	if err != nil {
		return err
	}
	said := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "signup-api", ObservedAt: now}
	submission, _, err := api.Submission(capture.Payload{Key: fmt.Sprintf("signup:%d", in.ID), Claims: signups.Claims(in, said)}, now)
	if err != nil {
		return err
	}
	fmt.Println(submission.Key)
	for _, c := range submission.Claims {
		fmt.Printf("  %-18s %-28s %s\n", c.Field, c.Value, c.Origin)
	}

	// In between the lead goes through the loop; a vendor adds what it knows.
	bought := leadloop.Employees.Claim(260, leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "register", ObservedAt: now})
	claims := append([]leadloop.Claim{bought}, submission.Claims...)

	// And back: golden values into the host's struct. What nobody knows is left
	// as it was.
	out := in
	if err := signups.Fill(&out, leadloop.Golden(schema, dedupe.DefaultPolicy(), claims)); err != nil {
		return err
	}
	fmt.Printf("signup %d: %s, %s (%s) at %s, %d people, %s, %s\n", out.ID, out.Name, out.Role, out.Rank, out.Firm.Domain, *out.Firm.Staff, out.Tel, out.Country)
	return nil
}

package leadloop_test

import (
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
)

func ExampleNewField() {
	planInterest := leadloop.NewField[string]("lead.plan_interest")
	schema, err := leadloop.NewSchema(planInterest)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := schema.NewProfile()
	planInterest.Set(p, "enterprise")
	fmt.Println(planInterest.Get(p))
	fmt.Println(leadloop.Employees.Get(p))
	// Output:
	// enterprise present
	// 0 absent
}

func ExampleMapStruct() {
	type Signup struct {
		Mail  string `leadloop:"lead.email"`
		Seats int    `leadloop:"company.employees"`
	}
	m, err := leadloop.MapStruct[Signup](leadloop.StandardSchema())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range m.Claims(Signup{"ana@acme.com", 40}, leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "signup"}) {
		fmt.Println(c.Field, c.Value, c.Origin)
	}
	// Output:
	// lead.email ana@acme.com person
	// company.employees 40 person
}

func ExamplePoints() {
	p, _ := leadloop.PointsOf(0.1 + 0.2)
	fmt.Println(p, 3*leadloop.Point-p)
	// Output: 0.3 2.7
}

func ExampleParseDuration() {
	d, err := leadloop.ParseDuration("1w2d")
	fmt.Println(d == 9*24*time.Hour, err)
	// Output: true <nil>
}

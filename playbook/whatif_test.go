package playbook_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

const whatIfScoring = `model: m
version: 1
rules:
  - {id: big, when: "company.employees >= 500", points: 40}
  - {id: market, when: 'lead.country in ["DE", "GB"]', points: 20}
  - {id: chief, when: 'lead.seniority == "c_level"', points: 10}
  - {id: stack, when: 'company.technologies.exists(t, t == "dbt")', points: 5}
  - {id: demo, each: demo_request, points: 30, decay: {half_life: 14d}}
tiers: {A: 70, B: 40, C: 0}
`

func TestWhatIfReadsValuesAsAFormsAre(t *testing.T) {
	ctx, pb := context.Background(), compared(t, map[string]string{"scoring.yaml": whatIfScoring})
	said := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: noon}
	derived := leadloop.Evidence{Origin: leadloop.OriginDerived, Source: "form", ObservedAt: noon}
	lead := &leadloop.Lead{ID: "l", ReceivedAt: noon, Claims: []leadloop.Claim{
		leadloop.Employees.Claim(500, said), leadloop.Country.Claim("US", said),
		leadloop.Title.Claim("Clerk", said), leadloop.Seniority.Claim("junior", derived), leadloop.Technologies.Claim([]string{"sap"}, said),
	}}
	for name, tc := range map[string]struct {
		with             map[string]string
		points, low, top leadloop.Points
	}{
		"a country is its code":              {map[string]string{"lead.country": "Germany"}, 60, 60, 60},
		"a title tells the seniority":        {map[string]string{"lead.title": "CEO"}, 50, 50, 50},
		"entries of a list":                  {map[string]string{"company.technologies": "snowflake, dbt"}, 45, 45, 45},
		"several values":                     {map[string]string{"lead.country": "GB", "company.employees": "20"}, 20, 20, 20},
		"an empty value is one nobody knows": {map[string]string{"company.employees": ""}, 0, 0, 40},
	} {
		got, err := pb.WhatIf(ctx, lead, tc.with, noon)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := []leadloop.Points{tc.points * leadloop.Point, tc.low * leadloop.Point, tc.top * leadloop.Point}
		if diff := cmp.Diff(want, []leadloop.Points{got.After.Points, got.After.Low, got.After.High}); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	_, err := pb.WhatIf(ctx, lead, map[string]string{"lead.country": "Nowhere", "lead.email": "x", "company.revenue": "1.5"}, noon)
	for _, want := range []string{"lead.country: is no country that is known", "lead.email: is not well formed", "company.revenue: expected a whole number, such as 800"} {
		if !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestWaysAreOpenOnesFirst(t *testing.T) {
	ctx, pb := context.Background(), compared(t, map[string]string{"scoring.yaml": whatIfScoring})
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: noon}
	known := []leadloop.Claim{
		leadloop.Country.Claim("US", e), leadloop.Seniority.Claim("junior", e), leadloop.Technologies.Claim([]string{"sap"}, e),
	}
	for name, tc := range map[string]struct {
		employees       int64
		tier            string
		open, otherwise []string
	}{
		"an activity is enough":                {800, "A", []string{"demo_request"}, nil},
		"several times":                        {20, "A", []string{"demo_request × 3"}, nil},
		"only what is known stands in the way": {800, "C", nil, []string{"company.employees: 800 → 0"}},
		"it is there already":                  {800, "B", []string{""}, nil},
	} {
		lead := &leadloop.Lead{ID: "l", ReceivedAt: noon, Claims: append([]leadloop.Claim{leadloop.Employees.Claim(tc.employees, e)}, known...)}
		got, err := pb.Ways(ctx, lead, tc.tier, noon)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var open, otherwise []string
		for _, set := range got.Open.Sets {
			var parts []string
			for _, c := range set {
				parts = append(parts, c.String())
			}
			open = append(open, strings.Join(parts, " and "))
		}
		if got.Otherwise != nil {
			for _, set := range got.Otherwise.Sets {
				otherwise = append(otherwise, set[0].String())
			}
		}
		if diff := cmp.Diff([][]string{tc.open, tc.otherwise}, [][]string{open, otherwise}); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

package rules_test

import (
	"strings"
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

func TestAValueIsInTheCellThatAnswersAsItDoes(t *testing.T) {
	e := newEnv(t, rules.Options{})
	for _, tc := range []struct {
		name, field string
		rules       []string
		value       leadloop.Value
		want        string // the cell, "" if there is none
	}{
		{"a number between two bounds", "company.employees", []string{`company.employees >= 50`, `company.employees >= 500`}, leadloop.ValueOf(int64(230)), "50"},
		{"a number by itself", "company.employees", []string{`company.employees in [7, 9]`}, leadloop.ValueOf(int64(9)), "7"},
		{"nothing was found", "company.employees", []string{`company.employees >= 50`}, leadloop.NoValue(leadloop.KindInt), "(known absent)"},
		{"empty, and nobody asks whether it is there", "company.employees", []string{`company.employees >= 50`}, leadloop.EmptyValue(leadloop.KindInt), "(known absent)"},
		{"empty, and somebody asks", "company.employees", []string{`has(company.employees)`}, leadloop.EmptyValue(leadloop.KindInt), "(empty)"},
		{"a text among others", "company.industry", []string{`company.industry in ["Steel", "Banking"]`}, leadloop.ValueOf("Banking"), "Steel"},
		{"a text that nobody names", "company.industry", []string{`company.industry == "Steel"`}, leadloop.ValueOf("Toys"), "other"},
		{"an empty text", "company.industry", []string{`company.industry == ""`}, leadloop.ValueOf(""), "(empty)"},
		{"yes", "lead.opted_in", []string{`lead.opted_in`}, leadloop.ValueOf(true), "true"},
		{"yes, seen in a way that is no condition", "lead.opted_in", []string{`string(lead.opted_in) == "true"`}, leadloop.ValueOf(true), "true"},
		{"a list", "company.technologies", []string{`"go" in company.technologies`}, leadloop.ValueOf([]string{"zig", "go"}), "go"},
		{"the field is looked at in a way that has no cells", "company.employees", []string{`company.employees / 2 > 5`}, leadloop.ValueOf(int64(230)), ""},
		{"a text that is too long for rules", "company.industry", []string{`company.industry == "Steel"`}, leadloop.ValueOf(strings.Repeat("x", 1<<20)), ""},
		{"a text that is none", "company.industry", []string{`company.industry == "Steel"`}, leadloop.ValueOf("\xff"), ""},
		{"a value of another kind", "company.industry", []string{`company.industry == "Steel"`}, leadloop.ValueOf(int64(1)), ""},
		{"nothing is known", "company.industry", []string{`company.industry == "Steel"`}, leadloop.Value{}, ""},
		{"no such field", "lead.nope", []string{`true`}, leadloop.ValueOf("x"), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			set := ruleSet(t, e, tc.rules...)
			values, _ := set.Cells(tc.field, noon)
			got := ""
			if at, ok := set.Cell(tc.field, tc.value); ok {
				got = values[at].String()
			}
			if got != tc.want {
				t.Errorf("%q, expected %q of %v", got, tc.want, values)
			}
		})
	}
}

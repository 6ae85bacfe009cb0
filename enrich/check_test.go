package enrich_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

func TestLyingProvidersAreFenced(t *testing.T) {
	text := func(field, v string) enrich.Fact { return enrich.Fact{Field: field, Value: leadloop.ValueOf(v)} }
	with := func(f enrich.Fact, confidence float64) enrich.Fact { f.Confidence = confidence; return f }
	late := employees(7)
	late.VerifiedAt = asOf.Add(time.Hour)
	flood := make([]enrich.Fact, 1001)
	for _, tc := range []struct {
		name    string
		facts   []enrich.Fact
		got     []string
		refused []enrich.Refusal
		failure string
	}{
		{"a field that no schema has is refused without repeating its name", []enrich.Fact{text("jane@acme.example", "x")}, nil, []enrich.Refusal{{"", "unknown_field"}}, ""},
		{"a field the source does not declare is refused", []enrich.Fact{text("lead.title", "CEO"), employees(7)}, []string{"company.employees"}, []enrich.Refusal{{"lead.title", "undeclared_field"}}, ""},
		{"a declared field that was not asked for is dropped", []enrich.Fact{text("company.industry", "Steel"), employees(7)}, []string{"company.employees"}, nil, ""},
		{"the first of two values of a field counts", []enrich.Fact{employees(7), employees(8)}, []string{"company.employees"}, []enrich.Refusal{{"company.employees", "duplicate_field"}}, ""},
		{"a confidence above 1 is refused", []enrich.Fact{with(employees(7), 1.5)}, nil, []enrich.Refusal{{"company.employees", "bad_confidence"}}, ""},
		{"a confidence that is no number is refused", []enrich.Fact{with(employees(7), math.NaN())}, nil, []enrich.Refusal{{"company.employees", "bad_confidence"}}, ""},
		{"five megabytes in one value are refused", []enrich.Fact{text("company.industry", strings.Repeat("x", 5<<20))}, nil, []enrich.Refusal{{"company.industry", "too_large"}}, ""},
		{"a verification in the future is not believed", []enrich.Fact{late}, []string{"company.employees"}, nil, ""},
		{"a thousand facts and one are no answer", flood, nil, nil, enrich.ReasonBadAnswer},
		{"an answer about another company is no answer", []enrich.Fact{employees(7), text("company.domain", "other.example")}, nil, nil, enrich.ReasonBadAnswer},
		{"an answer that repeats whom it is about is fine", []enrich.Fact{employees(7), text("company.domain", "www.ACME.example")}, []string{"company.employees"}, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := newStore(t)
			r := enrichOnce(t, waterfall(t, st, demand("company.employees"), source("liar", answering(tc.facts...))), subject())
			want := enrich.Call{Source: "liar", Outcome: enrich.Matched, Asked: []string{"company.employees"}, Got: tc.got, Refused: tc.refused, Cost: euro}
			if tc.failure != "" {
				want = enrich.Call{Source: "liar", Outcome: enrich.Failed, Reason: tc.failure, Asked: []string{"company.employees"}, Err: cmpopts.AnyError}
			}
			if diff := cmp.Diff([]enrich.Call{want}, r.Calls, compare, cmpopts.IgnoreFields(enrich.Call{}, "Detail")); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			for _, c := range r.Claims {
				if c.Value.Presence() == leadloop.Present && (c.Field != "company.employees" || c.Value.Int() != 7 || !c.VerifiedAt.IsZero()) {
					t.Errorf("a lie became a claim: %+v", c)
				}
			}
		})
	}
}

func TestValidationOfStandardFields(t *testing.T) {
	schema := leadloop.StandardSchema()
	day := func(y int) time.Time { return time.Date(y, 5, 1, 0, 0, 0, 0, time.UTC) }
	for _, tc := range []struct {
		field string
		given leadloop.Value
		want  leadloop.Value // absent means refused
	}{
		{"lead.email", leadloop.ValueOf(" Jane@Acme.Example "), leadloop.ValueOf("jane@acme.example")},
		{"lead.email", leadloop.ValueOf("jane(at)acme"), leadloop.Value{}},
		{"lead.phone", leadloop.ValueOf("030 901820"), leadloop.ValueOf("+4930901820")},
		{"lead.mobile", leadloop.ValueOf("12"), leadloop.Value{}},
		{"lead.country", leadloop.ValueOf("germany"), leadloop.ValueOf("DE")},
		{"company.country", leadloop.ValueOf("Atlantis"), leadloop.Value{}},
		{"lead.linkedin_url", leadloop.ValueOf("linkedin.com/in/jane"), leadloop.ValueOf("https://www.linkedin.com/in/jane")},
		{"lead.last_name", leadloop.ValueOf("Null"), leadloop.ValueOf("Null")},
		{"lead.title", leadloop.ValueOf("unknown"), leadloop.Value{}},
		{"lead.title", leadloop.ValueOf("  Head   of IT "), leadloop.ValueOf("Head of IT")},
		{"company.employees", leadloop.ValueOf[int64](0), leadloop.Value{}},
		{"company.revenue", leadloop.ValueOf[int64](-1), leadloop.Value{}},
		{"company.founded", leadloop.ValueOf[int64](1999), leadloop.ValueOf[int64](1999)},
		{"company.founded", leadloop.ValueOf[int64](2027), leadloop.Value{}},
		{"company.founded", leadloop.ValueOf[int64](99), leadloop.Value{}},
		{"company.hiring_velocity", leadloop.ValueOf(-0.5), leadloop.Value{}},
		{"company.hiring_velocity", leadloop.ValueOf(math.Inf(1)), leadloop.Value{}},
		{"company.funding_date", leadloop.ValueOf(day(2025)), leadloop.ValueOf(day(2025))},
		{"company.funding_date", leadloop.ValueOf(day(2027)), leadloop.Value{}},
		{"company.technologies", leadloop.ValueOf([]string{"Go", " ", "n/a", "Go", "SQL"}), leadloop.ValueOf([]string{"Go", "SQL"})},
		{"company.technologies", leadloop.ValueOf([]string{"-"}), leadloop.Value{}},
	} {
		name := fmt.Sprintf("%s %s is refused", tc.field, tc.given)
		if tc.want.Presence() == leadloop.Present {
			name = fmt.Sprintf("%s %s becomes %s", tc.field, tc.given, tc.want)
		}
		t.Run(name, func(t *testing.T) {
			src := enrich.Source{Name: "p", Needs: []string{"company.domain"}, Fields: []string{tc.field}, Provider: answering(enrich.Fact{Field: tc.field, Value: tc.given})}
			s := subject(leadloop.CompanyCountry.Claim("DE", person()))
			if tc.field == "company.country" {
				s = subject()
			}
			r := enrichOnce(t, waterfall(t, newStore(t), demand(tc.field), src), s)
			var got leadloop.Value
			if len(r.Claims) == 1 {
				got = r.Claims[0].Value
			}
			if !got.Equal(tc.want) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if _, ok := schema.Lookup(tc.field); !ok {
				t.Errorf("there is no field %s", tc.field)
			}
		})
	}
}

func TestFieldPoliciesBoundValues(t *testing.T) {
	lo, hi := 10.0, 100.0
	for _, tc := range []struct {
		name string
		n    int64
		want bool
	}{{"below the minimum", 9, false}, {"at the minimum", 10, true}, {"at the maximum", 100, true}, {"above the maximum", 101, false}, {"refused by the host's own check", 13, false}} {
		t.Run(tc.name, func(t *testing.T) {
			o := demand("company.employees")
			o.Policies = map[string]enrich.FieldPolicy{"company.employees": {Min: &lo, Max: &hi, Valid: func(v leadloop.Value) bool { return v.Int() != 13 }}}
			r := enrichOnce(t, waterfall(t, newStore(t), o, source("p", answering(employees(tc.n)))), subject())
			if got := slices.ContainsFunc(r.Claims, func(c leadloop.Claim) bool { return c.Value.Presence() == leadloop.Present }); got != tc.want {
				t.Errorf("accepted: %v, want %v", got, tc.want)
			}
		})
	}
}

package enrich_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

func newFile(t testing.TB, text, key string, fields ...string) *enrich.File {
	t.Helper()
	f, err := enrich.NewFile(leadloop.StandardSchema(), "data/firms.csv", strings.NewReader(text), key, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func ask(t testing.TB, f *enrich.File, key, value string, want ...string) enrich.Answer {
	t.Helper()
	a, err := f.Lookup(t.Context(), enrich.Query{Known: []enrich.Known{{Field: key, Value: value}}, Want: want})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestFileAnswers(t *testing.T) {
	const text = "\ufeffcompany.domain;company.employees;company.industry;confidence;verified_at;notes\r\n" +
		"https://www.acme.example/;1,200;Steel;0.8;2026-10-01;ours\r\n" +
		"\r\n" +
		"empty.example;;-;;;\r\n" +
		"none.example;n/a;N/A;;;\r\n" +
		"\"quoted.example\";7;\"Steel; and \"\"iron\"\"\nworks\";;;\r\n"
	f := newFile(t, text, "company.domain")
	if f.Len() != 4 || len(f.Rejects()) != 0 {
		t.Fatalf("%d rows, rejects %+v", f.Len(), f.Rejects())
	}
	both := []string{"company.employees", "company.industry"}
	day := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, domain string
		want         []string
		answer       enrich.Answer
	}{
		{"a row is found by its key in canonical form", "ACME.example", both, enrich.Answer{Matched: true, Facts: []enrich.Fact{
			{Field: "company.employees", Value: leadloop.ValueOf[int64](1200), Confidence: 0.8, VerifiedAt: day},
			{Field: "company.industry", Value: leadloop.ValueOf("Steel"), Confidence: 0.8, VerifiedAt: day},
		}}},
		{"only what is wanted is given", "acme.example", []string{"company.industry"}, enrich.Answer{Matched: true, Facts: []enrich.Fact{
			{Field: "company.industry", Value: leadloop.ValueOf("Steel"), Confidence: 0.8, VerifiedAt: day},
		}}},
		{"an empty cell says nothing, a dash says there is none", "empty.example", both, enrich.Answer{Matched: true, NotFound: []string{"company.industry"}}},
		{"n/a says there is none", "none.example", both, enrich.Answer{Matched: true, NotFound: both}},
		{"cells may be quoted", "quoted.example", both, enrich.Answer{Matched: true, Facts: []enrich.Fact{
			{Field: "company.employees", Value: leadloop.ValueOf[int64](7)},
			{Field: "company.industry", Value: leadloop.ValueOf("Steel; and \"iron\"\nworks")},
		}}},
		{"an unknown key is no match", "nobody.example", both, enrich.Answer{}},
		{"no key is no match", "", both, enrich.Answer{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.answer, ask(t, f, "company.domain", tc.domain, tc.want...), compare); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDirtyRowsAreReportedByLineAndTheRestIsUsed(t *testing.T) {
	text := strings.Join([]string{
		"company.domain,company.employees,company.industry,confidence,verified_at", // 1
		"good.example,10,Steel,1,2026-01-02",                                       // 2
		"few.example,10",                                                           // 3
		"many.example,1,2,3,4,5",                                                   // 4
		"word.example,lots,Steel,,",                                                // 5
		",10,Steel,,",                                                              // 6
		"no domain,10,Steel,,",                                                     // 7
		"good.example,99,Iron,,",                                                   // 8
		"utf.example,10,St\xffeel,,",                                               // 9
		"long.example,10," + strings.Repeat("x", 1<<20) + ",,",                     // 10
		"open.example,10,\"Steel,,",                                                // 11
		"after.example,11,Iron,2,tomorrow",                                         // 12
		"",                                                                         // 13
		"quote.example,1\"2,Iron,,",                                                // 14
		"last.example,12,Coal,,",                                                   // 15
	}, "\n")
	f := newFile(t, text, "company.domain")
	want := []enrich.Reject{
		{3, "", "the row has 2 cells, the header 5"},
		{4, "", "the row has 6 cells, the header 5"},
		{5, "company.employees", "invalid: expected a whole number, such as 800"},
		{6, "company.domain", "the row has no key"},
		{7, "company.domain", "the key is not valid"},
		{8, "", "the row has the key of line 2, which counts"},
		{9, "company.industry", "the cell is not valid UTF-8, or longer than 8 KiB"},
		{10, "company.industry", "the cell is not valid UTF-8, or longer than 8 KiB"},
		{11, "", `the row is not valid CSV: extraneous or missing " in quoted-field`},
		{12, "confidence", "the confidence is not between 0 and 1"},
		{12, "verified_at", "invalid: expected a time, such as 2026-11-02T09:30:00Z or 2026-11-02"},
		{14, "", `the row is not valid CSV: bare " in non-quoted-field`},
	}
	if diff := cmp.Diff(want, f.Rejects()); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	for domain, n := range map[string]int64{"good.example": 10, "utf.example": 10, "after.example": 11, "last.example": 12} {
		a := ask(t, f, "company.domain", domain, "company.employees")
		if len(a.Facts) != 1 || a.Facts[0].Value.Int() != n {
			t.Errorf("%s: got %+v, want %d", domain, a.Facts, n)
		}
	}
}

func TestFilesThatCannotBeUsedAtAll(t *testing.T) {
	for _, tc := range []struct {
		name, text, key string
		fields          []string
		want            []string
	}{
		{"an empty file", "", "company.domain", nil, []string{"data/firms.csv:1:1", "no readable header"}},
		{"a key that is no column", "company.domian,company.employees\n", "company.domain", nil, []string{`no column "company.domain" (did you mean "company.domian"?)`}},
		{"a key that is no field", "company.domain,company.employees\n", "company.domian", nil, []string{`no field "company.domian" (did you mean "company.domain"?)`}},
		{"a key that is no text", "company.employees,lead.email\n", "company.employees", nil, []string{"rows are found by text"}},
		{"fields that are no columns", "company.domain,company.employes\n", "company.domain", []string{"company.employees"}, []string{`no column "company.employees" (did you mean "company.employes"?)`}},
		{"no field at all", "company.domain,size\n", "company.domain", nil, []string{"no column is named like a field"}},
		{"a column that stands there twice", "company.domain,company.employees,company.employees\n", "company.domain", nil, []string{`"company.employees" stands in the header twice`}},
		{"not a table", "company.domain,company.employees\n" + strings.Repeat("x\n", 10_002), "company.domain", nil, []string{"is this the right file?"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := enrich.NewFile(leadloop.StandardSchema(), "data/firms.csv", strings.NewReader(tc.text), tc.key, tc.fields...)
			if !errors.Is(err, leadloop.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no word of %q in: %v", want, err)
				}
			}
		})
	}
}

func TestAFileOfAnotherContentHasAnotherVersion(t *testing.T) {
	a := newFile(t, "company.domain,company.employees\nacme.example,1\n", "company.domain").Source("f")
	b := newFile(t, "company.domain,company.employees\nacme.example,2\n", "company.domain").Source("f")
	if a.Version == b.Version || a.Version == "" {
		t.Errorf("versions %q and %q", a.Version, b.Version)
	}
}

func FuzzFile(f *testing.F) {
	f.Add("company.domain,company.employees\nacme.example,10\n", "acme.example")
	f.Add("company.domain;company.employees\r\n\"a\"\"b\",1\n\"open", "x.test")
	f.Add("\ufeffcompany.domain\tcompany.employees\n\n\n\"\n\"\tx\n", "")
	f.Fuzz(func(t *testing.T, text, domain string) {
		file, err := enrich.NewFile(leadloop.StandardSchema(), "f", strings.NewReader(text), "company.domain")
		if err != nil {
			return
		}
		lines := strings.Count(text, "\n") + 1
		for _, r := range file.Rejects() {
			if r.Line < 1 || r.Line > lines {
				t.Errorf("a reject in line %d of %d", r.Line, lines)
			}
		}
		a := ask(t, file, "company.domain", domain, "company.employees")
		for _, fact := range a.Facts {
			if fact.Field != "company.employees" || fact.Value.Kind() != leadloop.KindInt {
				t.Errorf("unwanted fact %+v", fact)
			}
		}
	})
}

func ExampleNewFile() {
	csv := "company.domain,company.employees,company.industry\n" +
		"acme.example,1200,Steel\n" +
		"tiny.example,-,\n" +
		"odd.example,many,Toys\n"
	f, err := enrich.NewFile(leadloop.StandardSchema(), "firms.csv", strings.NewReader(csv), "company.domain")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range f.Rejects() {
		fmt.Printf("line %d: %s: %s\n", r.Line, r.Field, r.Reason)
	}
	src := f.Source("firms")
	fmt.Println(f.Len(), "rows; asked by", src.Needs, "for", src.Fields)
	// Output:
	// line 4: company.employees: invalid: expected a whole number, such as 800
	// 3 rows; asked by [company.domain] for [company.employees company.industry]
}

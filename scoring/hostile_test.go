package scoring

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

// hostileModels are as large as limits allow and ask for as many values of
// missing fields as can be.
var hostileModels = []struct {
	name  string
	rules func(i int) string
}{
	{"every pair of fields in bands", func(i int) string {
		fields := []string{"company.employees", "company.revenue", "company.founded"}
		return fmt.Sprintf("%s > %d && %s < %d", fields[i%3], i, fields[(i+1+i/3%2)%3], 3*i)
	}},
	{"every rule its own pair of bands", func(i int) string {
		return fmt.Sprintf("company.employees > %d && company.revenue > %d", i, i)
	}},
	{"texts in texts", func(i int) string {
		return fmt.Sprintf(`lead.title.contains("%c%c") || company.industry.startsWith("%c")`, 'a'+i%26, 'a'+i/26%26, 'a'+i%26)
	}},
	{"many texts", func(i int) string {
		return fmt.Sprintf(`lead.country == "c%d" || lead.seniority == "s%d" && company.employees > %d`, i, i%60, i%60)
	}},
	{"tables just small enough", func(i int) string {
		return fmt.Sprintf(`lead.seniority == "s%d" && company.employees > %d`, i%30, i%60)
	}},
	{"three fields just small enough", func(i int) string {
		return fmt.Sprintf(`lead.seniority == "s%d" && (company.employees > %d || company.revenue < %d)`, i%12, i%8, i%8)
	}},
	{"tables for each lead", func(i int) string {
		return fmt.Sprintf(`lead.seniority == "s%d" && company.employees > %d && count("x", "7d") < 1`, i%12, i%8)
	}},
	{"lists", func(i int) string {
		return fmt.Sprintf(`"t%d" in company.technologies && company.employees > %d`, i%12, i%300)
	}},
}

func hostileModel(t testing.TB, form func(int) string) *Model {
	var b strings.Builder
	b.WriteString("model: hostile\nversion: 1\nrules:\n")
	for i := range 500 {
		fmt.Fprintf(&b, "  - {id: r%d, when: '%s', points: %d.%03d}\n", i, form(i), i%40-10, i*37%1000)
	}
	b.WriteString("modifiers:\n  - {id: m, when: 'company.employees > 77 && lead.country != \"x\"', multiply: 0.5, owner: ana, expires: 2030-01-01}\n")
	b.WriteString("tiers: {A: 70, B: 50, C: 0, hysteresis: 3}\n")
	return compile(t, b.String())
}

// What one lead may take of a hostile model, in processor time: at first, when
// it is found out what is the same for all leads, and from then on.
const (
	firstLead = 250 * time.Millisecond
	eachLead  = 50 * time.Millisecond
)

// TestHostileModelsAreBounded: a range that would take longer is an outer one.
func TestHostileModelsAreBounded(t *testing.T) {
	if raced {
		t.Skip("the race detector takes most of the time")
	}
	for _, h := range hostileModels {
		t.Run(h.name, func(t *testing.T) {
			unknown := leadloop.StandardSchema().NewProfile()
			known := unknown.Clone()
			leadloop.Country.Set(known, "US")
			leadloop.Seniority.Set(known, "s3")
			shortest := func(most time.Duration, f func() time.Duration) {
				t.Helper()
				took := f()
				for i := 0; i < 10 && took >= most; i++ {
					took = min(took, f())
				}
				if took >= most {
					t.Errorf("took %v, at most %v", took, most)
				}
				t.Log(took)
			}
			var m *Model
			var exact bool
			lead := func(p *leadloop.Profile) time.Duration {
				start := spent()
				exact = score(t, m, Input{Profile: p}).RangeExact
				return spent() - start
			}
			shortest(firstLead, func() time.Duration {
				m = hostileModel(t, h.rules)
				return lead(unknown)
			})
			if exact {
				t.Error("the range is exact: it is not hostile enough")
			}
			shortest(eachLead, func() time.Duration { return lead(unknown) })
			shortest(eachLead, func() time.Duration { return lead(known) })
		})
	}
}

// What can be tried of a large model does not depend on who was scored before.
func TestRangesDoNotDependOnWhatWasScoredBefore(t *testing.T) {
	for _, h := range hostileModels {
		t.Run(h.name, func(t *testing.T) {
			unknown := Input{Profile: leadloop.StandardSchema().NewProfile()}
			known := Input{Profile: leadloop.StandardSchema().NewProfile()}
			leadloop.Seniority.Set(known.Profile, "s3")
			fresh, warmed := hostileModel(t, h.rules), hostileModel(t, h.rules)
			want := []Explanation{score(t, fresh, known), score(t, fresh, unknown)}
			warmed.warm()
			got := []Explanation{score(t, warmed, known), score(t, warmed, unknown)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the same lead after another one (-want +got):\n%s", diff)
			}
		})
	}
}

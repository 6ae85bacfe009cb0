package scoring

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

// recent is the survivorship policy of these tests: the latest claim wins.
func recent(c leadloop.Contest) (int, leadloop.Value) {
	best := c.Candidates[0]
	for _, i := range c.Candidates {
		if c.Claims[i].EffectiveAt().After(c.Claims[best].EffectiveAt()) {
			best = i
		}
	}
	return int(best), c.Claims[best].Value
}

func TestExplanations(t *testing.T) {
	m := compile(t, testdata(t, "inbound.yaml"))
	from := func(o leadloop.Origin, source string, ago time.Duration) leadloop.Evidence {
		return leadloop.Evidence{Origin: o, Source: source, ObservedAt: asOf.Add(-ago)}
	}
	clearbit := from(leadloop.OriginProvider, "clearbit", 12*day)
	form := from(leadloop.OriginPerson, "website", time.Hour)
	known := []leadloop.Claim{
		leadloop.Employees.Claim(1200, clearbit),
		leadloop.Seniority.Claim("vp", from(leadloop.OriginDerived, "normalize.title", time.Hour)),
		leadloop.Title.Claim("VP Sales", form),
		leadloop.Email.Claim("jo@example.com", form),
		leadloop.Source.Claim("partner", form),
		leadloop.Country.Claim("US", from(leadloop.OriginRep, "ana", 800*day)),
		leadloop.City.Claim("Rome", form), // no rule reads it
	}
	busy := []leadloop.Activity{
		happened("demo_request", 2*time.Hour), happened("demo_request", 14*day), happened("demo_request", 20*day),
		happened("pricing_view", time.Hour), happened("pricing_view", 3*day), happened("pricing_view", 90*day),
		happened("webinar_signup", 30*day),
	}
	for _, tt := range []struct {
		name       string
		claims     []leadloop.Claim
		activities []leadloop.Activity
		previous   string
		asOf       time.Time
	}{
		{"tier_a", known, busy, "", asOf},
		{"held_by_hysteresis", known, busy, "A", asOf.Add(3 * day)},
		{"undecided", known[2:5], busy[:1], "", asOf},
		{"nothing_known", nil, nil, "", asOf},
		{"disqualified", append([]leadloop.Claim{leadloop.Title.Claim("Student", from(leadloop.OriginPerson, "fair", 0))}, known[:2]...), busy, "A", asOf},
		{"known_absent_and_expired", []leadloop.Claim{
			leadloop.Employees.None(clearbit), leadloop.Title.Claim("", form), leadloop.Source.Claim("partner", form),
			leadloop.Email.Claim("jo@gmail.com", form), leadloop.Country.Claim("FR", form),
		}, busy[3:5], "", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := score(t, m, Input{
				Profile:    leadloop.Golden(m.Schema(), leadloop.SurvivorshipFunc(recent), tt.claims),
				Activities: tt.activities, AsOf: tt.asOf, PreviousTier: tt.previous,
			})
			golden(t, tt.name+".txt", e.String())
			b, err := json.MarshalIndent(e, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name+".json", string(b)+"\n")
			var back Explanation
			if err := json.Unmarshal(b, &back); err != nil {
				t.Fatal(err)
			}
			again, err := json.MarshalIndent(back, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(b), string(again)); diff != "" {
				t.Errorf("read back and written again (-want +got):\n%s", diff)
			}
			if strings.Contains(e.String(), "Rome") || strings.Contains(string(b), "Rome") {
				t.Error("shows a value that no rule reads")
			}
		})
	}
}

func TestTextOfRangesWithoutEnd(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: headcount, points: "double(company.employees)", description: a point for each employee}
  - {id: loss, when: 'lead.country == "US"', points: "-double(company.revenue)"}
  - {id: broken, when: "1 / company.founded > 1", points: 4}
`)
	p := profile(t, m, func(p *leadloop.Profile) { leadloop.Founded.Set(p, 0) })
	got := score(t, m, Input{Profile: p}).String()
	for _, want := range []string{
		"0 points (could be anything once company employees, company revenue and country are known).",
		"a point for each employee (rule headcount): could give 0 or more, needs company employees",
		"lead.country == \"US\" (rule loss): could give anything up to 0, needs country and company revenue",
		"1 / company.founded > 1 (rule broken): failed, counts nothing: division by zero",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestTextPassesOnTheErrorOfItsWriter(t *testing.T) {
	if err := (Explanation{}).Text(fullDisk{}); err == nil || err.Error() != "disk full" {
		t.Errorf("got %v", err)
	}
}

func TestAgesInWords(t *testing.T) {
	for age, want := range map[time.Duration]string{
		0: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 119 * time.Minute: "1 hour ago", 23 * time.Hour: "23 hours ago",
		day: "1 day ago", 59 * day: "59 days ago", 60 * day: "2 months ago", 729 * day: "24 months ago", 730 * day: "2 years ago",
	} {
		if got := ago(Age(age)); got != want {
			t.Errorf("%s: got %q, want %q", age, got, want)
		}
	}
}

// The guide shows the model and an explanation of these tests.
func TestTheGuideIsTrue(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "docs", "SCORING.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```yaml\n")
	file, rest, _ := strings.Cut(rest, "```")
	m := compile(t, file)
	if w := m.Warnings(); len(w) > 0 {
		t.Errorf("the guide's model has warnings:\n%v", w)
	}
	if want := compile(t, testdata(t, "inbound.yaml")).Digest(); m.Digest() != want {
		t.Error("the guide's model is not that of the explanation below it")
	}
	if !strings.Contains(rest, "```text\n"+testdata(t, "undecided.txt")+"```") {
		t.Error("the guide's explanation is not what undecided.txt says")
	}
	_, rest, _ = strings.Cut(rest, "```yaml\ngrid:")
	grid, _, _ := strings.Cut(rest, "```")
	base, _, _ := strings.Cut(file, "modifiers:")
	if w := compile(t, base+"grid:"+grid).Warnings(); len(w) > 0 {
		t.Errorf("the guide's grid has warnings:\n%v", w)
	}
}

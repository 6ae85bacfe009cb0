package scoring

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

const tried = `model: tried
version: 1
fields: {plan: string, seats: int, trial_ends: timestamp, tools: list(string), growth: double, vip: bool}
rules:
  - {id: big, group: fit, when: "company.employees >= 500", points: 20}
  - {id: decides, group: fit, when: 'lead.seniority in ["vp", "c_level"]', points: 15}
  - {id: pricing, group: intent, when: 'count("pricing_view", "7d") >= 2', points: 15}
  - {id: demo, group: intent, each: demo_request, points: 40, decay: {window: 14d}, max: 2}
  - {id: student, when: 'lead.title == "Student"', disqualify: student}
groups: {fit: {max: 100}, intent: {max: 70}}
modifiers:
  - {id: partner, when: 'lead.source == "partner"', add: 10, owner: ana, expires: 2027-01-01}
tiers: {A: 70, B: 40, C: 0, hysteresis: 3}
`

func caseOf(name string, want Want, lead map[string]any, activities ...leadloop.Activity) Case {
	return Case{Name: name, AsOf: asOf, Lead: lead, Activities: activities, Want: want}
}

func TestCasesSayWhatWasMissed(t *testing.T) {
	m := compile(t, tried)
	lead := map[string]any{"company.employees": 700, "lead.source": "partner"}
	for _, tt := range []struct {
		name string
		c    Case
		want []Miss
	}{
		{"a case that holds", caseOf("c", Want{
			Known: new(true), Tier: "B", Points: new(70 * leadloop.Point), Low: new(70 * leadloop.Point), High: new(85 * leadloop.Point),
			Reasons: []Reason{{"big", nil}, {"demo", new(40 * leadloop.Point)}, {"partner", new(10 * leadloop.Point)}},
			Without: []string{"pricing", "student"}, Needs: []string{"lead.seniority", "title"}, PossibleTiers: []string{"A"},
			ValidUntil: new(asOf.Add(13 * day)),
		}, lead, happened("demo_request", day)), []Miss{{"tier", "B", "A", ""}}},
		{"everything at once", caseOf("c", Want{
			Known: new(false), Tier: NoTier, Points: new(leadloop.Point), Low: new(leadloop.Point), High: new(leadloop.Point),
			Reasons: []Reason{{"decides", nil}, {"big", new(25 * leadloop.Point)}, {"pricing", nil}, {"partner", new(5 * leadloop.Point)}},
			Without: []string{"big"}, Disqualified: "student", Needs: []string{}, PossibleTiers: []string{NoTier, "B"}, ValidUntil: &time.Time{},
		}, lead, happened("pricing_view", day)), []Miss{
			{"known", "no", "yes", ""},
			{"tier", "-", "C", ""},
			{"points", "1", "30", ""},
			{"low", "1", "30", ""},
			{"high", "1", "45", ""},
			{"reason decides", "matched", "undecided", `lead.seniority in ["vp", "c_level"] (rule decides): undecided, needs seniority`},
			{"reason big", "25 points", "20 points", "company.employees >= 500 (rule big): matched: company employees = 700"},
			{"reason pricing", "matched", "not_matched", `count("pricing_view", "7d") >= 2 (rule pricing): not matched: pricing_view once, 1 day ago`},
			{"reason partner", "5 points", "10 points", `lead.source == "partner": matched: source = partner`},
			{"without big", "anything but matched", "matched", "company.employees >= 500 (rule big): matched: company employees = 700"},
			{"disqualified", "student", "no", ""},
			{"needs", "nothing", "lead.seniority, lead.title", ""},
			{"possible tiers", "-, B", "B, C", ""},
			{"valid until", "never", "2026-11-08T09:00:00Z", ""},
		}},
		{"no score is not 0 points", caseOf("c", Want{Points: new(leadloop.Points(0))}, nil), []Miss{{"points", "0", "no score", ""}}},
		{"a hard no", caseOf("c", Want{Disqualified: "student", Tier: NoTier, PossibleTiers: []string{}}, map[string]any{"title": "Student"}), nil},
		{"known not to exist", Case{Name: "c", AsOf: asOf, None: []string{"lead.title", "seniority"}, Want: Want{Needs: []string{"company.employees", "lead.source"}, Tier: "C"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := RunCases(t.Context(), m, []Case{tt.c})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, r.Results[0].Misses); diff != "" {
				t.Errorf("misses (-want +got):\n%s", diff)
			}
			if (r.Failed() > 0) != (len(tt.want) > 0) {
				t.Errorf("%d failed", r.Failed())
			}
		})
	}
}

func TestValuesOfAllKindsCanStandInACase(t *testing.T) {
	m := compile(t, tried)
	day1 := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	want := map[string]leadloop.Value{
		"lead.plan": leadloop.ValueOf("pro"), "lead.seats": leadloop.ValueOf(int64(5)), "lead.trial_ends": leadloop.ValueOf(day1),
		"lead.tools": leadloop.ValueOf([]string{"a", "b"}), "lead.growth": leadloop.ValueOf(2.5), "lead.vip": leadloop.ValueOf(true),
		"company.employees": leadloop.NoValue(leadloop.KindInt), "company.hiring_velocity": leadloop.ValueOf(3.0),
	}
	inGo := Case{Name: "in Go", AsOf: asOf, None: []string{"company.employees"}, Want: Want{Tier: "C"}, Lead: map[string]any{
		"plan": "pro", "lead.seats": int64(5), "trial_ends": day1, "tools": []string{"a", "b"}, "growth": 2.5, "vip": leadloop.ValueOf(true),
		"company.hiring_velocity": 3,
	}}
	cases, err := ParseCases("c.yaml", []byte(`
as_of: 2026-11-02T09:00:00Z
cases:
  - name: in a file
    lead: {plan: pro, lead.seats: 5, trial_ends: 2026-12-01, tools: [a, b], growth: 2.5, vip: true, company.hiring_velocity: 3}
    none: [company.employees]
    want: {tier: C}
`), m)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(cases, inGo) {
		in, err := inputs(m, []Case{c}, false)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]leadloop.Value{}
		for i, f := range m.Schema().Fields() {
			if v := in[0].Profile.At(i); v.Presence() != leadloop.Absent {
				got[f.Name] = v
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.Name, diff)
		}
	}
}

func TestACaseFileIsReadWhole(t *testing.T) {
	m := compile(t, tried)
	got, err := ParseCases("cases.yaml", []byte(`
as_of: 2026-11-02T09:00:00Z
cases:
  - name: one
    lead: {company.employees: 700}
    none: [lead.seniority]
    previous_tier: A
    activities:
      - {type: demo_request, ago: 1d, times: 2}
      - {type: pricing_view, at: 2026-11-01, id: x, actor: ana, attributes: {page: prices}}
    want:
      known: true
      tier: A
      points: 71.5
      low: 40
      high: 90
      reasons: [big, demo: 40]
      without: [student]
      needs: []
      possible_tiers: [A, "-"]
      valid_until: 2026-11-15T09:00:00Z
  - {name: two, as_of: 2026-12-01, lead: {title: Student}, want: {disqualified: student, tier: "-", valid_until: never}}
`), m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].At, got[i].at = leadloop.Position{}, nil
	}
	demo := leadloop.Activity{Type: "demo_request", At: asOf.Add(-day)}
	want := []Case{
		{
			Name: "one", AsOf: asOf, PreviousTier: "A", Lead: map[string]any{"company.employees": int64(700)}, None: []string{"lead.seniority"},
			Activities: []leadloop.Activity{demo, demo, {
				ID: "x", Type: "pricing_view", At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Actor: "ana", Attributes: map[string]string{"page": "prices"},
			}},
			Want: Want{
				Known: new(true), Tier: "A", Points: new(points(71.5)), Low: new(points(40)), High: new(points(90)),
				Reasons: []Reason{{"big", nil}, {"demo", new(points(40))}}, Without: []string{"student"}, Needs: []string{},
				PossibleTiers: []string{"A", "-"}, ValidUntil: new(asOf.Add(13 * day)),
			},
		},
		{
			Name: "two", AsOf: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Lead: map[string]any{"title": "Student"},
			Want: Want{Disqualified: "student", Tier: "-", ValidUntil: &time.Time{}},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Case{})); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
}

func TestAllThatIsWrongWithCasesIsSaidAtOnce(t *testing.T) {
	m := compile(t, tried)
	_, err := ParseCases("c.yaml", []byte(`as_of: 2026-11-02
cases:
  - name: one
    lead: {company.employes: 7, company.revenue: lots, lead.title: ~, vip: 1, tools: {a: b}}
    none: [lead.senority, company.revenue, company.founded, company.founded]
    previous_tier: D
    activities: [{type: x}, {type: x, ago: 1d, at: 2026-01-01}, {type: x, ago: 1d, times: 0}]
    want: {tier: D, points: 1.00001, reasons: [bigg, demo: many, [a]], without: [dmo], needs: [titel], possible_tiers: [E], low: 5, high: 4, disqualified: studnt, valid_until: soon}
  - {name: one, as_of: yesterday, wants: {tier: A}}
  - {name: three, want: {}}
  - {name: four, previous_tier: "", want: {tier: "", points: ''}}
`), m)
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Fatal(err)
	}
	golden(t, "cases_problems.txt", err.Error()+"\n")
}

func TestAllThatIsWrongWithCasesInGoIsSaidAtOnce(t *testing.T) {
	m := compile(t, tried)
	_, err := RunCases(t.Context(), m, []Case{
		{},
		{Name: "a", AsOf: asOf, Want: Want{Tier: "A"}, Lead: map[string]any{"plan": 3, "lead.plan": "x", "vip": struct{}{}}},
		{Name: "a", AsOf: asOf, Want: Want{Tier: "A"}, Profile: leadloop.StandardSchema().NewProfile(), None: []string{"lead.title"}},
		{Name: "b", AsOf: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Want: Want{Needs: []string{}}, Activities: []leadloop.Activity{{}}},
	})
	want := `case "": name: expected a sentence that says what is tested
case "": as_of: missing: the moment of the score
case "": want: says nothing that could fail
case "a": lead.plan stands here twice
case "a": lead.vip: expected a bool, found a Go struct {}
case "a": the name is taken by an earlier case
case "a": a profile and single values exclude each other
case "a": the profile has another schema than the model
case "b": as_of: expected a year from 1 to 9999
case "b": activities[0]: missing type`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if _, err := RunCases(t.Context(), nil, nil); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("no model: %v", err)
	}
}

func FuzzParseCases(f *testing.F) {
	d, err := Parse("scoring.yaml", []byte(tried))
	if err != nil {
		f.Fatal(err)
	}
	m := build(f, d)
	for _, seed := range []string{
		"as_of: 2026-11-02\ncases:\n  - {name: a, lead: {company.employees: 7, tools: [x]}, none: [title], want: {tier: A, reasons: [big, demo: 40]}}\n",
		"cases: [{name: a, as_of: 2026-11-02, activities: [{type: demo_request, ago: 1d, times: 3}, {type: x, at: 2026-01-01}], want: {points: 1e3, valid_until: never}}]",
		"cases: [{name: &a x, as_of: *a, want: {low: -1, high: .5, needs: [], possible_tiers: [\"-\"], known: true}}]",
		"cases: {}", "- a", "\x00", "cases: [~]", "as_of: 9999-12-31\ncases: [{name: b, activities: [{type: t, ago: -2000000h}], want: {needs: []}}]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cases, err := ParseCases("cases.yaml", data, m)
		if err != nil {
			if !errors.Is(err, leadloop.ErrInvalid) {
				t.Fatalf("not a problem of the file: %v", err)
			}
			return
		}
		r, err := RunCases(t.Context(), m, cases)
		if err != nil {
			t.Fatalf("accepted, and can't be run: %v", err)
		}
		for _, c := range r.Results {
			if (c.String() != "") != (len(c.Misses) > 0) {
				t.Fatal("a case that holds has something to say, or one that does not has nothing")
			}
		}
	})
}

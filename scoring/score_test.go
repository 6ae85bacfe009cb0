package scoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

// The numbers that teams start with: a threshold of 70, 20 for more than 500
// employees, 15 for a VP, 10 for a pricing visit, -10 for a free mailbox.
const starter = `model: starter
version: 1
rules:
  - {id: employees, when: "company.employees >= 500", points: 20}
  - {id: vp, when: 'lead.seniority in ["vp", "c_level"]', points: 15}
  - {id: gmail, when: "isFreeEmail(lead.email)", points: -10}
  - {id: pricing, when: 'seen("pricing_view")', points: 10}
  - {id: demo, when: 'seen("demo_request")', points: 40}
  - {id: unsubscribed, when: 'seen("unsubscribe")', points: -20}
  - {id: student, when: 'lead.title == "Student"', disqualify: student}
tiers: {A: 70, B: 40, C: 0}
`

func TestPointsOfTheStarterModel(t *testing.T) {
	m := compile(t, starter)
	type lead struct {
		employees  int64
		seniority  string
		email      string
		title      string
		activities []string
	}
	for _, tt := range []struct {
		name   string
		lead   lead
		points float64
		tier   string
		reason string
	}{
		{"a large company", lead{employees: 500}, 20, "C", ""},
		{"one employee short", lead{employees: 499}, 0, "C", ""},
		{"a VP", lead{seniority: "vp"}, 15, "C", ""},
		{"a pricing visit", lead{activities: []string{"pricing_view"}}, 10, "C", ""},
		{"two pricing visits count once", lead{activities: []string{"pricing_view", "pricing_view"}}, 10, "C", ""},
		{"a free mailbox alone goes below zero and stays in the lowest tier", lead{email: "a@gmail.com"}, -10, "C", ""},
		{"unsubscribing costs", lead{employees: 900, activities: []string{"unsubscribe"}}, 0, "C", ""},
		{"everything", lead{employees: 900, seniority: "c_level", email: "a@example.com", activities: []string{"pricing_view", "demo_request"}}, 85, "A", ""},
		{"just below the threshold", lead{seniority: "vp", email: "a@gmail.com", employees: 700, activities: []string{"demo_request"}}, 65, "B", ""},
		{"exactly at a threshold", lead{activities: []string{"demo_request"}}, 40, "B", ""},
		{
			"a student is disqualified whatever the engagement",
			lead{title: "Student", employees: 900, seniority: "vp", activities: []string{"pricing_view", "demo_request"}}, 85, "", "student",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := profile(t, m, func(p *leadloop.Profile) {
				leadloop.Employees.Set(p, tt.lead.employees)
				leadloop.Seniority.Set(p, tt.lead.seniority)
				leadloop.Email.Set(p, tt.lead.email)
				leadloop.Title.Set(p, tt.lead.title)
			})
			var activities []leadloop.Activity
			for i, typ := range tt.lead.activities {
				activities = append(activities, leadloop.Activity{ID: fmt.Sprint(i), Type: typ, At: asOf.Add(-time.Hour)})
			}
			got := score(t, m, Input{Profile: p, Activities: activities}).Score()
			want := leadloop.Score{
				Known: true, Points: points(tt.points), Low: points(tt.points), High: points(tt.points),
				Tier: tt.tier, Disqualified: tt.reason, Needs: []string{}, Model: m.ID(),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("score (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoScoreIsNotZero(t *testing.T) {
	m := compile(t, starter)
	empty := score(t, m, Input{Profile: profile(t, m, nil)})
	want := leadloop.Score{
		Low: points(-10), High: points(35), Model: m.ID(),
		Needs: []string{"company.employees", "lead.email", "lead.seniority", "lead.title"},
	}
	if diff := cmp.Diff(want, empty.Score()); diff != "" {
		t.Errorf("nothing known (-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		name string
		in   Input
	}{
		{"a field that rules read", Input{Profile: profile(t, m, func(p *leadloop.Profile) { leadloop.Employees.Set(p, 3) })}},
		{"a field that is known not to exist", Input{Profile: profile(t, m, func(p *leadloop.Profile) {
			if err := p.SetValue("lead.email", leadloop.NoValue(leadloop.KindString)); err != nil {
				t.Fatal(err)
			}
		})}},
		{"an activity that rules read", Input{Profile: profile(t, m, nil), Activities: []leadloop.Activity{happened("pricing_view", day)}}},
	} {
		if e := score(t, m, tt.in); !e.Known {
			t.Errorf("%s: there is no score", tt.name)
		}
	}
	other := score(t, m, Input{
		Profile:    profile(t, m, func(p *leadloop.Profile) { leadloop.City.Set(p, "Rome") }),
		Activities: []leadloop.Activity{happened("podcast", day)},
	})
	if other.Known || other.Tier != "" || other.Points != 0 {
		t.Errorf("what no rule reads makes a score: %s", other)
	}
}

func TestStatesOfRules(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: yes, when: "company.employees > 1", points: 1}
  - {id: no, when: "company.employees < 1", points: 2}
  - {id: unknown, when: "company.revenue > 1", points: 4}
  - {id: none, when: 'lead.country == "US"', points: 8}
  - {id: broken, when: "1 / company.founded > 1", points: 16}
  - {id: weight, points: "double(company.employees) / 10.0"}
  - {id: unknown-weight, when: "company.employees > 1", points: "min(5.0, double(company.revenue))"}
  - {id: no-weight, points: 'lead.country == "US" ? 3.0 : 4.0'}
  - {id: too-much, points: "1e300 * double(company.employees)"}
  - {id: idle, each: call, when: "company.revenue > 1", points: 32}
  - {id: waiting, each: visit, when: "company.revenue > 1", points: 64}
  - {id: refused, each: visit, when: "company.employees < 1", points: 128}
`)
	p := profile(t, m, func(p *leadloop.Profile) {
		leadloop.Employees.Set(p, 25)
		leadloop.Founded.Set(p, 0)
		if err := p.SetValue("lead.country", leadloop.NoValue(leadloop.KindString)); err != nil {
			t.Fatal(err)
		}
	})
	e := score(t, m, Input{Profile: p, Activities: []leadloop.Activity{happened("visit", day)}})
	type line struct {
		Rule              string
		State             State
		Points, Low, High leadloop.Points
		Needs, Error      string
	}
	var got []line
	for _, c := range e.Contributions {
		got = append(got, line{c.Rule, c.State, c.Points, c.Low, c.High, strings.Join(c.Needs, " "), c.Error})
	}
	pts := points
	want := []line{
		{"yes", Matched, pts(1), pts(1), pts(1), "", ""},
		{"no", NotMatched, 0, 0, 0, "", ""},
		{"unknown", Undecided, 0, 0, pts(4), "company.revenue", ""},
		{"none", NoValue, 0, 0, 0, "", ""},
		{"broken", Failed, 0, 0, pts(16), "", "division by zero"},
		{"weight", Matched, pts(2.5), pts(2.5), pts(2.5), "", ""},
		{"unknown-weight", Undecided, 0, 0, pts(5), "company.revenue", ""},
		{"no-weight", NoValue, 0, 0, 0, "", ""},
		{"too-much", Failed, 0, 0, leadloop.MaxPoints, "", "points: not a number up to a billion"},
		{"idle", NotMatched, 0, 0, 0, "", ""},
		{"waiting", Undecided, 0, 0, pts(64), "company.revenue", ""},
		{"refused", NotMatched, 0, 0, 0, "", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contributions (-want +got):\n%s", diff)
	}
	if e.Points != points(3.5) {
		t.Errorf("a failed rule spoilt the others: %s points", e.Points)
	}
	if diff := cmp.Diff([]string{"company.revenue"}, e.Needs); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
}

func TestOnceAndEach(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: once, group: once, when: 'count("visit", "7d") >= 2', points: 10}
  - {id: each, group: each, each: visit, points: 10}
  - {id: two, group: two, each: visit, points: 10, decay: {half_life: 1d}, max: 2}
  - {id: week, group: week, each: visit, points: 10, decay: {window: 7d}}
  - {id: gated, group: gated, each: visit, when: 'count("visit", "7d") >= 3', points: 10}
  - {id: cost, group: cost, each: visit, points: -10, decay: {linear: 10d}, max: 1}
groups: {once: {}, each: {}, two: {}, week: {}, gated: {}, cost: {}}
`)
	p := profile(t, m, nil)
	for _, tt := range []struct {
		name string
		ago  []time.Duration
		want map[string]float64
	}{
		{"no activity", nil, map[string]float64{}},
		{"one", []time.Duration{day}, map[string]float64{"each": 10, "two": 5, "week": 10, "cost": -9}},
		{"two", []time.Duration{day, 2 * day}, map[string]float64{"once": 10, "each": 20, "two": 7.5, "week": 20, "cost": -9}},
		{"three: the two most recent have the most points", []time.Duration{3 * day, day, 2 * day}, map[string]float64{"once": 10, "each": 30, "two": 7.5, "week": 30, "gated": 30, "cost": -9}},
		{"a second earlier than the window", []time.Duration{7*day - time.Second}, map[string]float64{"each": 10, "two": 0.078, "week": 10, "cost": -3}},
		{"exactly the window", []time.Duration{7 * day}, map[string]float64{"each": 10, "two": 0.078, "cost": -3}},
		{"the future counts as now", []time.Duration{-day, -2 * day}, map[string]float64{"once": 10, "each": 20, "two": 20, "week": 20, "cost": -10}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var activities []leadloop.Activity
			for _, ago := range tt.ago {
				activities = append(activities, happened("visit", ago), happened("call", ago))
			}
			got := map[string]float64{}
			for _, g := range score(t, m, Input{Profile: p, Activities: activities}).Groups {
				if g.Sum != 0 {
					got[g.Group] = g.Sum.Float()
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMaxCountsTheMostRecentAndNamesTheRest(t *testing.T) {
	m := compile(t, "model: m\nversion: 1\nrules: [{id: demo, each: demo, points: 40, decay: {window: 30d}, max: 2}]\n")
	e := score(t, m, Input{Profile: profile(t, m, nil), Activities: []leadloop.Activity{
		happened("demo", 20*day), happened("demo", 40*day), happened("demo", -day), happened("demo", 10*day),
	}})
	want := []Occurrence{
		{ID: "demo--24h0m0s", At: asOf.Add(day), Points: points(40)},
		{ID: "demo-240h0m0s", At: asOf.Add(-10 * day), Age: Age(10 * day), Points: points(40)},
		{ID: "demo-480h0m0s", At: asOf.Add(-20 * day), Age: Age(20 * day), Points: points(40), Dropped: true},
	}
	c := e.Contributions[0]
	if diff := cmp.Diff(want, c.Occurrences); diff != "" || c.Faded != 1 || c.Points != points(80) {
		t.Errorf("%s points, %d faded, occurrences (-want +got):\n%s", c.Points, c.Faded, diff)
	}
	if want := asOf.Add(20 * day); !e.ValidUntil.Equal(want) {
		t.Errorf("valid until %s, want %s, when the first of the two leaves the window", e.ValidUntil, want)
	}
}

func TestGroupsAreHeldWithinTheirLimits(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: up, group: fit, when: "company.employees > 1", points: 70}
  - {id: more, group: fit, when: "company.employees > 2", points: 50}
  - {id: down, group: intent, when: "company.employees > 1", points: -30}
groups: {fit: {max: 100}, intent: {min: -5, max: 10}}
score: "fit + intent"
`)
	e := score(t, m, Input{Profile: profile(t, m, func(p *leadloop.Profile) { leadloop.Employees.Set(p, 3) })})
	want := []GroupSum{
		{Group: "fit", Sum: points(120), Points: points(100), Low: points(100), High: points(100), Max: new(points(100)), Limited: "max"},
		{Group: "intent", Sum: points(-30), Points: points(-5), Low: points(-5), High: points(-5), Min: new(points(-5)), Max: new(points(10)), Limited: "min"},
	}
	if diff := cmp.Diff(want, e.Groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if e.Points != points(95) {
		t.Errorf("got %s points, want 95", e.Points)
	}
}

func TestModifiersFollowInOrder(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules: [{id: base, when: "company.employees > 1", points: 60.001}]
modifiers:
  - {id: partner, when: 'lead.source == "partner"', add: 10, owner: ana, expires: 2027-01-01}
  - {id: half, when: 'lead.country != "US"', multiply: 0.5, owner: ben, expires: 2026-11-02}
  - {id: third, when: 'lead.country != "US"', multiply: 0.333, owner: ben, expires: 2026-11-03}
  - {id: season, add: -1.5, owner: ana, expires: 2027-02-01}
  - {id: unknown, when: "company.revenue > 5", multiply: 2, owner: ana, expires: 2028-01-01}
  - {id: broken, when: "1 / company.founded > 1", add: 7, owner: ana, expires: 2028-01-01}
`)
	p := profile(t, m, func(p *leadloop.Profile) {
		leadloop.Employees.Set(p, 3)
		leadloop.Source.Set(p, "partner")
		leadloop.Country.Set(p, "FR")
		leadloop.Founded.Set(p, 0)
	})
	type line struct {
		Modifier      string
		State         State
		Before, After leadloop.Points
	}
	for _, tt := range []struct {
		name      string
		asOf      time.Time
		want      []line
		low, high float64
		until     time.Time
	}{
		{
			"a modifier applies until the instant it expires", asOf.Add(-9*time.Hour - 1),
			[]line{
				{"partner", Matched, points(60.001), points(70.001)},
				{"half", Matched, points(70.001), points(35.001)},
				{"third", Matched, points(35.001), points(11.655)},
				{"season", Matched, points(11.655), points(10.155)},
				{"unknown", Undecided, points(10.155), points(10.155)},
				{"broken", Failed, points(10.155), points(10.155)},
			},
			10.155, 27.31, asOf.Add(-9 * time.Hour),
		},
		{
			"from that instant on it is listed and not applied", asOf.Add(-9 * time.Hour),
			[]line{
				{"partner", Matched, points(60.001), points(70.001)},
				{"half", Expired, points(70.001), points(70.001)},
				{"third", Matched, points(70.001), points(23.31)},
				{"season", Matched, points(23.31), points(21.81)},
				{"unknown", Undecided, points(21.81), points(21.81)},
				{"broken", Failed, points(21.81), points(21.81)},
			},
			21.81, 50.62, asOf.Add(15 * time.Hour),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := score(t, m, Input{Profile: p, AsOf: tt.asOf})
			var got []line
			for _, a := range e.Modifiers {
				got = append(got, line{a.Modifier, a.State, a.Before, a.After})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("modifiers (-want +got):\n%s", diff)
			}
			if e.Low != points(tt.low) || e.High != points(tt.high) || !e.ValidUntil.Equal(tt.until) {
				t.Errorf("got %s to %s until %s, want %v to %v until %s", e.Low, e.High, e.ValidUntil, tt.low, tt.high, tt.until)
			}
		})
	}
}

func TestTiersWithHysteresis(t *testing.T) {
	const head = "model: m\nversion: 1\nrules: [{id: r, points: \"company.hiring_velocity\"}]\n"
	for _, tt := range []struct {
		name, tiers, previous string
		points                float64
		want                  string
		held                  bool
	}{
		{"at the edge", "{A: 70, B: 50, C: 0, hysteresis: 3}", "", 70, "A", false},
		{"a thousandth below it", "{A: 70, B: 50, C: 0, hysteresis: 3}", "", 69.999, "B", false},
		{"the stored tier holds", "{A: 70, B: 50, C: 0, hysteresis: 3}", "A", 67, "A", true},
		{"until the hysteresis is used up", "{A: 70, B: 50, C: 0, hysteresis: 3}", "A", 66.999, "B", false},
		{"rising needs the edge only", "{A: 70, B: 50, C: 0, hysteresis: 3}", "B", 70, "A", false},
		{"another tier's edge is not moved", "{A: 70, B: 50, C: 0, hysteresis: 3}", "A", 49, "C", false},
		{"a lower stored tier does not hold down", "{A: 70, B: 50, C: 0, hysteresis: 3}", "C", 51, "B", false},
		{"a tier of another model is nothing", "{A: 70, B: 50, C: 0, hysteresis: 3}", "Z", 69, "B", false},
		{"below zero the lowest tier from 0 goes on", "{A: 70, B: 50, C: 0, hysteresis: 3}", "", -12, "C", false},
		{"without hysteresis nothing holds", "{A: 70, B: 50, C: 0}", "A", 69.999, "B", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := compile(t, head+"tiers: "+tt.tiers+"\n")
			e := score(t, m, Input{
				Profile:      profile(t, m, func(p *leadloop.Profile) { leadloop.HiringVelocity.Set(p, tt.points) }),
				PreviousTier: tt.previous,
			})
			if e.Tier != tt.want || e.Held != tt.held {
				t.Errorf("got %q, held %t; want %q, held %t", e.Tier, e.Held, tt.want, tt.held)
			}
		})
	}
}

func TestPossibleTiersIncludeTheOneThatHysteresisWouldHold(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: sure, when: "company.employees > 1", points: 60}
  - {id: open, when: "company.revenue > 1", points: 9}
  - {id: rare, when: 'seen("demo")', points: 50}
tiers: {A: 70, B: 50, C: 0, hysteresis: 3}
`)
	p := profile(t, m, func(p *leadloop.Profile) { leadloop.Employees.Set(p, 3) })
	for previous, want := range map[string][]string{"": {"B"}, "A": {"A", "B"}, "C": {"B"}} {
		e := score(t, m, Input{Profile: p, PreviousTier: previous})
		if diff := cmp.Diff(want, e.PossibleTiers); diff != "" || e.Low != points(60) || e.High != points(69) {
			t.Errorf("after %q, %s to %s (-want +got):\n%s", previous, e.Low, e.High, diff)
		}
	}
}

func TestTiersByGrid(t *testing.T) {
	m := compile(t, `model: m
version: 1
rules:
  - {id: fit, group: fit, points: "company.hiring_velocity"}
  - {id: visit, group: intent, each: visit, points: 10}
groups: {fit: {}, intent: {max: 100}}
grid:
  rows: {group: fit, from: [60, 30, 0]}
  columns: {group: intent, from: [30, 0]}
  cells:
    - [A, B]
    - [B, C]
    - [C, D]
  hysteresis: 5
`)
	if diff := cmp.Diff([]string{"A", "B", "C", "D"}, m.Tiers()); diff != "" {
		t.Errorf("tiers (-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		fit      float64
		visits   int
		previous string
		want     string
	}{
		{60, 3, "", "A"}, {59, 3, "", "B"}, {59, 3, "A", "A"}, {54, 3, "A", "B"}, {60, 1, "", "B"}, {60, 0, "", "B"},
		{30, 1, "", "C"}, {0, 3, "", "C"}, {-40, 1, "", "D"}, {29, 2, "B", "D"}, {29, 3, "B", "B"}, {60, 2, "A", "B"},
	} {
		var visits []leadloop.Activity
		for i := range tt.visits {
			visits = append(visits, happened("visit", time.Duration(i)*day))
		}
		e := score(t, m, Input{
			Profile:    profile(t, m, func(p *leadloop.Profile) { leadloop.HiringVelocity.Set(p, tt.fit) }),
			Activities: visits, PreviousTier: tt.previous,
		})
		if e.Tier != tt.want {
			t.Errorf("fit %v, %d visits, before %q: got %q, want %q", tt.fit, tt.visits, tt.previous, e.Tier, tt.want)
		}
	}
	e := score(t, m, Input{Profile: profile(t, m, nil), Activities: []leadloop.Activity{happened("visit", day)}})
	if diff := cmp.Diff([]string{"B", "C", "D"}, e.PossibleTiers); diff != "" {
		t.Errorf("possible tiers of an unknown fit (-want +got):\n%s", diff)
	}
}

func TestTheMomentMayBeAnywhere(t *testing.T) {
	m := compile(t, testdata(t, "inbound.yaml"))
	p := profile(t, m, func(p *leadloop.Profile) { leadloop.Employees.Set(p, 700) })
	leap := time.Date(2028, 2, 29, 23, 59, 59, 999, time.UTC)
	for _, at := range []time.Time{
		leap, leap.Add(time.Second), leap.AddDate(-40, 0, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), leap.In(time.FixedZone("", 14*3600)),
	} {
		e := score(t, m, Input{Profile: p, AsOf: at, Activities: []leadloop.Activity{
			{ID: "1", Type: "demo_request", At: leap}, {ID: "2", Type: "pricing_view", At: leap}, {ID: "3", Type: "pricing_view", At: leap.Add(time.Hour)},
			{ID: "4", Type: "webinar_signup", At: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}, {ID: "5", Type: "webinar_signup", At: time.Date(-4, 1, 1, 0, 0, 0, 0, time.UTC)},
		}})
		if _, err := json.Marshal(e); err != nil {
			t.Errorf("at %s: %v", at, err)
		}
		intent := e.Groups[1].Points
		if intent < 0 || intent > points(60) {
			t.Errorf("at %s intent is %s", at, intent)
		}
		if !e.ValidUntil.IsZero() && !e.ValidUntil.After(at) {
			t.Errorf("at %s: valid until %s", at, e.ValidUntil)
		}
	}
}

func TestInputThatCannotBeScored(t *testing.T) {
	m := compile(t, sound)
	for name, in := range map[string]Input{
		"no profile":     {AsOf: asOf},
		"no moment":      {Profile: m.Schema().NewProfile()},
		"a wild moment":  {Profile: m.Schema().NewProfile(), AsOf: asOf.AddDate(9000, 0, 0)},
		"another schema": {Profile: leadloop.StandardSchema().NewProfile(), AsOf: asOf},
	} {
		if _, err := m.Explain(t.Context(), in); !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Explain(ctx, Input{Profile: m.Schema().NewProfile(), AsOf: asOf}); !errors.Is(err, context.Canceled) {
		t.Errorf("done context: got %v", err)
	}
}

func TestScoringIsConcurrentSafe(t *testing.T) {
	m := compile(t, testdata(t, "inbound.yaml"))
	in := Input{
		Profile:    profile(t, m, func(p *leadloop.Profile) { leadloop.Employees.Set(p, 700) }),
		Activities: []leadloop.Activity{happened("demo_request", day), happened("pricing_view", day)}, AsOf: asOf,
	}
	want := score(t, m, in).String()
	done := make(chan string)
	for range 8 {
		go func() {
			e, err := m.Explain(context.Background(), in)
			if err != nil {
				done <- err.Error()
				return
			}
			done <- e.String()
		}()
	}
	for range 8 {
		if got := <-done; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

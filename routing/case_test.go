package routing

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

const caseChain = `
teams: [{id: t, manager: boss, members: [ana, ben, cem]}]
reps:
  - {id: boss}
  - {id: ana, timezone: UTC, hours: office, languages: [en]}
  - {id: ben, timezone: UTC, hours: office, max_open: 60, max_month: 20, max_tasks: 5}
  - {id: cem, timezone: UTC, hours: office}
pools: [{id: all, team: t}, {id: there, team: t, present: true, wait: 1d, queue: desk}]
queues: [{id: desk}]
chain:
  - {id: contact, when: has_contact, target: {owner_of: contact}}
  - {id: colleague, target: {owner_of: domain, within: 90d}}
  - {id: low, tier: [C], target: {nurture: digest}}
  - {id: hot, when: "score >= 70.0 && count('demo_request', '7d') > 0", target: {rep: boss}}
  - {id: german, country: [DE], target: {pool: there}}
  - {id: large, employees: {min: 1000}, target: {pool: all}}
final: desk
`

const caseClocks = `
calendars: {office: {zone: owner, hours: {mon-fri: ["09:00-17:00"]}}}
policies: [{id: fast, tier: A, target: 15m, calendar: office, escalate: [{notify: "rep:boss"}]}]
`

func caseRouter(t testing.TB) *Router {
	t.Helper()
	def, err := Parse("routing.yaml", []byte(caseChain))
	if err != nil {
		t.Fatal(err)
	}
	sla, err := ParseSLA("sla.yaml", []byte(caseClocks))
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(def, sla, leadloop.StandardSchema(), Options{Tiers: []string{"A", "B", "C"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The file of the documentation and of this test: every key is used.
const goodCases = `
as_of: 2026-11-02T15:00:00Z
routes:
  - name: whom the company knows has the lead
    tier: B
    contact: {owner: cem}
    want: {entry: contact, owner: cem, sla: "-", verdicts: {contact: won, large: not_asked}}
  - name: a contact of somebody who left goes on
    tier: B
    contact: {owner: cem}
    reps: {cem: {left: true}}
    lead: {company.employees: 2000}
    want: {entry: large, pool: all, verdicts: {contact: nobody, low: not_matched}, skipped: [cem]}
  - name: a colleague of three months ago has it, and of longer ago not
    tier: B
    domain: {owner: ben, ago: 90d}
    want: {entry: colleague, owner: ben}
  - name: a colleague of longer ago has it not
    tier: B
    domain: {owner: ben, ago: 90d1h}
    want: {entry: "-", queue: desk}
  - name: nobody calls the lowest tier
    tier: C
    want: {track: digest, reason: "entry:low"}
  - name: who wants a demo and has the points is the manager's
    tier: A
    points: 70
    activities: [{type: demo_request, ago: 1h, times: 2}]
    want: {entry: hot, owner: boss, sla: fast, due: "2026-11-02T15:15:00Z"}
  - name: a tenth of a point less is not
    tier: A
    points: 69.9
    activities: [{type: demo_request, at: 2026-11-02}]
    lead: {company.employees: 1000}
    want: {entry: large, due: "2026-11-02T15:15:00Z"}
  - name: who is owed most has the turn, unless he is full
    tier: B
    lead: {company.employees: 1000}
    reps: {ben: {open: 60}}
    owed: {all: {ana: 0.2, ben: 0.7, cem: -0.9}}
    want: {owner: ana, skipped: [ben]}
  - name: twenty leads a month are enough for ben
    tier: B
    lead: {company.employees: 1000}
    reps: {ben: {day: 1, week: 2, month: 20}}
    owed: {all: {ben: 0.7, cem: -0.7}}
    want: {owner: ana, skipped: [ben]}
  - name: so are five tasks
    tier: B
    lead: {company.employees: 1000}
    reps: {ben: {tasks: 5, sequences: 1}}
    owed: {all: {ben: 0.7, cem: -0.7}}
    want: {owner: ana, skipped: [ben]}
  - name: at night a lead waits for the first who comes
    tier: B
    as_of: 2026-11-02T20:00:00Z
    lead: {lead.country: DE}
    reps: {ana: {away: true}, ben: {away: true, until: 2026-11-04}}
    want: {entry: german, queue: desk, reason: "wait:there", wake: 2026-11-03T09:00:00Z, skipped: [ana, ben, cem]}
  - name: while the country is not known it may still be another's
    tier: B
    want: {queue: desk, needs: [lead.country, company.employees], verdicts: {german: undecided, large: undecided}}
  - name: without a country there is nothing to wait for
    tier: "-"
    none: [country, company.employees]
    want: {queue: desk, reason: no_entry, needs: []}
  - name: an open opportunity is its owner's
    tier: A
    opportunity: {owner: ben}
    want: {alert: ben, reason: open_opportunity, verdicts: {contact: not_asked}}
  - name: or its account's, or the desk's
    tier: A
    opportunity: {}
    account: {customer: true}
    want: {queue: desk}
  - name: who comes back goes to somebody else
    tier: B
    previous: ana
    recycled: true
    exclude: [ana]
    lead: {company.employees: 1000}
    owed: {all: {ana: 0.9, ben: -0.9}}
    want: {owner: cem, skipped: [ana]}
`

func TestCasesSayWhereALeadGoesAndWhy(t *testing.T) {
	r := caseRouter(t)
	cases, err := ParseCases("cases/routes.yaml", []byte(goodCases), r)
	if err != nil {
		t.Fatal(err)
	}
	report, err := RunCases(t.Context(), r, cases, CaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Results {
		if res := &report.Results[i]; len(res.Misses) > 0 || res.String() != "" {
			t.Errorf("%s", res)
		}
	}
	if len(report.Results) != 16 || report.Failed() > 0 || report.Final != 5 || len(report.Unhit()) > 0 {
		t.Errorf("%d cases, %d failed, %d by no entry, unhit %v", len(report.Results), report.Failed(), report.Final, report.Unhit())
	}
}

// Every part of Want is looked at: each is wrong once, and told.
func TestACaseThatDoesNotHoldSaysWhatCameAndWhy(t *testing.T) {
	r := caseRouter(t)
	cases, err := ParseCases("cases/wrong.yaml", []byte(`
as_of: 2026-11-02T15:00:00Z
routes:
  - name: everything is wrong
    tier: A
    lead: {company.employees: 1000}
    want: {entry: low, owner: ben, pool: there, reason: "entry:low", sla: "-", due: 2026-11-02, wake: 2026-11-03, verdicts: {large: nobody}, skipped: [cem], needs: [tier]}
  - {name: no queue, tier: A, lead: {company.employees: 1000}, want: {queue: desk}}
  - {name: no track, tier: A, lead: {company.employees: 1000}, want: {track: digest}}
  - {name: nobody is told, tier: A, lead: {company.employees: 1000}, want: {alert: ana}}
`), r)
	if err != nil {
		t.Fatal(err)
	}
	report, err := RunCases(t.Context(), r, cases, CaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for i := range report.Results {
		got.WriteString(report.Results[i].String())
	}
	want := `cases/wrong.yaml:4:5: everything is wrong
  entry: want low, got large
  owner: want ben, got ana
  pool: want there, got all
  reason: want entry:low, got entry:large
  sla: want -, got fast
  due: want 2026-11-02T00:00:00Z, got 2026-11-02T15:15:00Z
  wake: want 2026-11-03T00:00:00Z, got none
  verdict of large: want nobody, got won
  skipped: want cem, got somebody who could have had it, or was not asked about
  needs: want tier, got lead.country
  The chain:
    colleague: no owner of the domain
    german: could have won: needs lead.country
    large: ana was owed 0.33 leads, ben 0.33, cem 0.33
cases/wrong.yaml:8:5: no queue
  queue: want desk, got none
  The chain:
    colleague: no owner of the domain
    german: could have won: needs lead.country
    large: ana was owed 0.33 leads, ben 0.33, cem 0.33
cases/wrong.yaml:9:5: no track
  track: want digest, got none
  The chain:
    colleague: no owner of the domain
    german: could have won: needs lead.country
    large: ana was owed 0.33 leads, ben 0.33, cem 0.33
cases/wrong.yaml:10:5: nobody is told
  alert: want ana, got none
  The chain:
    colleague: no owner of the domain
    german: could have won: needs lead.country
    large: ana was owed 0.33 leads, ben 0.33, cem 0.33
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEverythingThatIsWrongWithCasesIsSaidAtOnce(t *testing.T) {
	_, err := ParseCases("cases/bad.yaml", []byte(`
routes:
  - {name: no moment, tier: A, want: {entry: large}}
  - name: names that do not exist
    as_of: 2026-11-02
    tier: E
    lead: {company.employes: 3, lead.country: [DE]}
    none: [lead.county]
    reps: {anna: {open: 3}, ben: {open: -1}}
    owed: {al: {ana: 1}}
    want: {entry: lage, pool: al, queue: dsk, sla: fst, verdicts: {larg: woon}, needs: [lead.contry]}
  - {name: names that do not exist, as_of: 2026-11-02, tier: "-", want: {entry: "-"}}
  - {name: it says nothing, as_of: 2026-11-02, want: {}}
  - {name: two places, as_of: 2026-11-02, want: {owner: ana, queue: desk}}
  - {name: points of no tier, as_of: 2026-11-02, points: 5, want: {owner: ana}}
  - {name: too late, as_of: 2026-11-02, reps: {ana: {away: true, until: 2026-11-01}, ben: {until: 2027-01-01}}, want: {owner: ana}}
  - {name: no day, as_of: 31.12.2026, points: many, tier: "", want: {owner: ""}}
`), caseRouter(t))
	want := []string{
		`cases/bad.yaml:3:5: case "no moment": as_of: missing: when the lead arrives`,
		`cases/bad.yaml:4:5: case "names that do not exist": owed: there is no pool "al"`,
		`cases/bad.yaml:6:11: case "names that do not exist": tier: there is no tier "E" (A, B, C)`,
		`cases/bad.yaml:7:30: case "names that do not exist": unknown field "company.employes" (did you mean "company.employees"?)`,
		`cases/bad.yaml:7:47: case "names that do not exist": lead.country: expected a string`,
		`cases/bad.yaml:8:12: case "names that do not exist": unknown field "lead.county" (did you mean "lead.country"?)`,
		`cases/bad.yaml:9:18: case "names that do not exist": reps: there is no rep "anna"`,
		`cases/bad.yaml:9:34: case "names that do not exist": reps.ben: expected numbers of 0 or more`,
		`cases/bad.yaml:11:11: case "names that do not exist": want.verdicts: there is no entry "larg" (did you mean "large"?)`,
		`cases/bad.yaml:11:11: case "names that do not exist": want.verdicts: there is no verdict "woon" (did you mean "won"?)`,
		`cases/bad.yaml:11:19: case "names that do not exist": want.entry: there is no entry "lage" (did you mean "large"?)`,
		`cases/bad.yaml:11:31: case "names that do not exist": want.pool: there is no pool "al" (did you mean "all"?)`,
		`cases/bad.yaml:11:42: case "names that do not exist": want.queue: there is no queue "dsk" (did you mean "desk"?)`,
		`cases/bad.yaml:11:52: case "names that do not exist": want.sla: there is no policy "fst" (did you mean "fast"?)`,
		`cases/bad.yaml:11:89: case "names that do not exist": unknown field "lead.contry" (did you mean "lead.country"?)`,
		`cases/bad.yaml:12:5: case "names that do not exist": the name is taken by an earlier case`,
		`cases/bad.yaml:14:49: case "two places": want: a lead goes to one of owner, queue, track and alert; found 2 of them`,
		`cases/bad.yaml:15:58: case "points of no tier": points: go with a tier`,
		`cases/bad.yaml:16:53: case "too late": reps.ana: until goes with away: true, and is after as_of`,
		`cases/bad.yaml:16:91: case "too late": reps.ben: until goes with away: true, and is after as_of`,
		`cases/bad.yaml:17:27: case "no day": as_of: expected a date or time such as 2027-01-31`,
		`cases/bad.yaml:17:47: case "no day": points: expected a number of points, in thousandths at most`,
		`cases/bad.yaml:17:47: case "no day": points: go with a tier`,
		`cases/bad.yaml:17:60: case "no day": tier: is empty; leave the key out ("-" stands for no tier)`,
		`cases/bad.yaml:17:78: case "no day": want.owner: is empty; leave the key out`,
	}
	var got []string
	var problems leadloop.Problems
	problems.Join(err)
	for _, p := range problems {
		got = append(got, p.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestACaseWithoutATierIsScored(t *testing.T) {
	r := caseRouter(t)
	cases := []Case{
		{Name: "the model says C", AsOf: monday, Lead: map[string]any{"country": "US"}, Want: Want{Track: "digest"}},
		{Name: "the case says B", AsOf: monday, Tier: "B", Lead: map[string]any{"company.employees": 1000}, Want: Want{Entry: "large"}},
	}
	asked := 0
	report, err := RunCases(t.Context(), r, cases, CaseOptions{Score: func(_ context.Context, p *leadloop.Profile, _ []leadloop.Activity, asOf time.Time) (leadloop.Score, error) {
		asked++
		country, _ := leadloop.Country.Get(p)
		if country != "US" || !asOf.Equal(monday) {
			t.Errorf("asked about %q as of %v", country, asOf)
		}
		return leadloop.Score{Known: true, Tier: "C", Model: "m"}, nil
	}})
	if err != nil || asked != 1 || report.Failed() > 0 {
		t.Errorf("%v, asked %d times, %d failed: %v", err, asked, report.Failed(), report.Results)
	}
}

func FuzzParseCases(f *testing.F) {
	f.Add([]byte(goodCases))
	f.Add([]byte("routes: [{name: a, as_of: 2026-11-02, reps: {ana: {away: true}}, owed: {all: {ana: 1e5}}, want: {needs: []}}]"))
	f.Add([]byte("cases: []"))
	r := caseRouter(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		cases, err := ParseCases("cases.yaml", data, r)
		if err != nil {
			return
		}
		// What is taken can be run.
		if _, err := RunCases(t.Context(), r, cases, CaseOptions{}); err != nil {
			t.Fatal(err)
		}
	})
}

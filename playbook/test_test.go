package playbook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/playbook"
)

func testOf(t *testing.T, cases string) *playbook.TestReport {
	t.Helper()
	pb, problems := playbook.Load(files(map[string]string{"cases/a.yaml": cases}))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	r, err := pb.Test(ctx, playbook.TestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCasesSayWhoIsAskedAndWhereTheWaterfallStops(t *testing.T) {
	r := testOf(t, `as_of: 2026-11-02T15:00:00Z
enrich:
  - name: the size decides about a vice president
    lead: {lead.email: a@acme.test, company.domain: acme.test, lead.seniority: vp}
    answers: {vendor: {company.employees: 900}}
    want: {asked: [vendor], stopped: "-", missing: [], tier: A}
  - name: the same domain is asked again in a case of its own
    lead: {lead.email: a@acme.test, company.domain: acme.test, lead.seniority: vp}
    want: {asked: [vendor], tier: B}
  - name: a provider that fails leaves the size missing
    lead: {lead.email: a@acme.test, company.domain: acme.test, lead.seniority: vp}
    answers: {vendor: failed}
    want: {asked: [vendor], missing: [company.employees], cost: 0}
  - name: who looked it up and has no size says so
    lead: {lead.email: a@acme.test, company.domain: acme.test, lead.seniority: vp}
    answers: {vendor: {company.employees: }}
    want: {asked: [vendor], tier: B}
  - name: a student is not worth a question
    lead: {lead.email: a@acme.test, company.domain: acme.test, lead.title: Student}
    want: {asked: []}
  - name: nobody is asked about the people of a customer
    lead: {lead.email: a@acme.test, company.domain: acme.test, lead.seniority: vp}
    account: {owner: ana, customer: true}
    want: {asked: [], stopped: existing_customer}
  - name: who has no domain can't be asked about
    lead: {lead.email: a@acme.test, lead.seniority: vp}
    want: {asked: [], skipped: {vendor: needs_missing}}
  - name: this one is wrong
    lead: {lead.email: a@acme.test, company.domain: acme.test, lead.seniority: vp}
    answers: {vendor: no_match}
    want: {asked: [], skipped: {vendor: needs_missing}, stopped: decided, cost: 0.05, tier: A}
`)
	if r.Failed != 1 || r.Count(playbook.CaseEnrich) != 8 || r.Providers != 1 || len(r.NeverAsked) > 0 {
		t.Errorf("%+v", r)
	}
	want := `cases/a.yaml:28:5: this one is wrong
  asked: want nothing, got vendor
  skipped vendor: want needs_missing, got it was asked
  stopped: want decided, got -
  cost: want 0.05 USD, got 0.1 USD
  tier: want A, got B
  The waterfall:
    vendor: no match; asked for company.employees; does not have company.employees (company.employees could change tier)
    with that it has 30 points and tier B
`
	if diff := cmp.Diff(want, r.Cases[7].Text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

func TestCasesSayWhichMovesAreTakenAllowedAndRefused(t *testing.T) {
	r := testOf(t, `as_of: 2026-11-02T15:00:00Z
lifecycle:
  - {name: a lead that arrives with a score of 50 is an mql, points: 50, want: {stage: mql, status: "-", disposition: "-"}}
  - {name: one point less leaves it an inquiry, points: 49, want: {stage: inquiry}}
  - {name: without a score nobody knows, want: {stage: inquiry, needs: [score]}}
  - {name: the owner accepts, stage: mql, points: 50, owner: ana, accept: true, by: ana, want: {refused: [], stage: sal}}
  - {name: and nobody else, stage: mql, points: 50, owner: ana, accept: true, by: ben, want: {refused: [not_allowed], stage: mql}}
  - {name: a no comes with a reason, stage: mql, owner: ana, move: disqualified, by: ana, reason: not_a_fit, want: {stage: disqualified, disposition: disqualified}}
  - {name: this one is wrong, stage: mql, owner: ana, move: customer, by: ana, reason: x, want: {refused: [], stage: customer}}
`)
	if r.Failed != 1 || r.Count(playbook.CaseLifecycle) != 7 {
		t.Errorf("%s", r)
	}
	text := r.Cases[6].Text
	for _, want := range []string{"cases/a.yaml:9:5: this one is wrong\n  refused: want nothing, got no_way\n  stage: want customer, got mql\n", "from mql it can go to"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text does not say %q:\n%s", want, text)
		}
	}
}

func TestCasesOfEnrichmentAndLifecycleAreChecked(t *testing.T) {
	_, problems := playbook.Load(files(map[string]string{"cases/a.yaml": `as_of: 2026-11-02T15:00:00Z
enrich:
  - {name: a, lead: {employes: 1}, none: [lead.titel], want: {asked: [vender], tier: E}}
  - {name: a, as_of: soon, want: {asked: []}}
  - {name: b, answers: {vendor: {lead.title: x, company.employees: many}}, want: {cost: -1}}
  - {name: c, answers: {vendor: perhaps}, want: {}}
lifecycle:
  - {name: d, stage: mqll, move: sql, want: {stage: sal}}
  - {name: e, move: sql, accept: true, by: ana, want: {status: newish}}
  - {name: f, by: ana, want: {refused: []}}
`}))
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		`cases/a.yaml:3:32: case "a": unknown field "employes" (did you mean "company.employees"?)`,
		`cases/a.yaml:3:43: case "a": unknown field "lead.titel" (did you mean "lead.title"?)`,
		`cases/a.yaml:3:71: case "a": want.asked: there is no provider "vender" (did you mean "vendor"?)`,
		`cases/a.yaml:3:86: case "a": want.tier: there is no tier "E" (known: A, B, C, -)`,
		`cases/a.yaml:4:5: case "a": the name is taken by an earlier case`,
		`cases/a.yaml:4:22: case "a": as_of: expected a date or time such as 2027-01-31`,
		`cases/a.yaml:5:34: case "b": answers.vendor: the provider does not tell lead.title (it tells company.employees)`,
		`cases/a.yaml:5:68: case "b": answers.vendor.company.employees: expected an int`,
		`cases/a.yaml:5:89: case "b": want.cost: expected an amount of up to 1000000, such as 0.05`,
		`cases/a.yaml:6:33: case "c": answers.vendor: expected values by field, no_match or failed`,
		`cases/a.yaml:6:49: case "c": want: says nothing that could fail`,
		`cases/a.yaml:8:5: case "d": by: missing: who does it`,
		`cases/a.yaml:8:22: case "d": stage: there is no stage "mqll" (did you mean "mql"?)`,
		`cases/a.yaml:9:5: case "e": one thing is done at a time, found move and accept`,
		`cases/a.yaml:9:64: case "e": want.status: there is no status "newish" (known: new, working, contacted, meeting_booked, unresponsive, -)`,
		`cases/a.yaml:10:5: case "f": by and reason go with move, set_status or accept`,
		`cases/a.yaml:10:30: case "f": want.refused: goes with move, set_status or accept`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

package playbook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
)

const casesYAML = `as_of: 2026-11-02T15:00:00Z
cases:
  - name: a vice president of a large company is an A
    lead: {company.employees: 500, lead.seniority: vp, plan: free}
    want: {tier: A, points: 90, reasons: [big: 60, vp: 30]}
  - name: a small company is a C
    lead: {company.employees: 499, lead.seniority: junior}
    want: {tier: C, without: [big]}
`

func TestCasesAreLoadedAndHold(t *testing.T) {
	without, problems := playbook.Load(files(nil))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	pb, problems := playbook.Load(files(map[string]string{
		"cases/first.yaml": casesYAML, "cases/second.yml": "cases:\n  - {name: a student, as_of: 2026-11-02, lead: {title: Student}, want: {disqualified: student}}\n",
	}))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if pb.Digest() != without.Digest() || len(without.Cases()) > 0 {
		t.Error("cases changed what the playbook decides by")
	}
	report, err := scoring.RunCases(ctx, pb.Model(), pb.Cases())
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 3 || report.Failed() > 0 {
		t.Errorf("%d of %d cases do not hold", report.Failed(), len(report.Results))
	}
}

func TestCasesOfTheChainAreLoadedAndScored(t *testing.T) {
	pb, problems := playbook.Load(files(map[string]string{"cases/both.yaml": casesYAML + `routes:
  - name: a vice president of a large company is an A, and goes where those go
    lead: {company.employees: 500, lead.seniority: vp, plan: free}
    want: {entry: all, pool: sales, verdicts: {low: not_matched}}
  - {name: a C is nurtured, tier: C, want: {entry: low, track: newsletter}}
`}))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if len(pb.Cases()) != 2 || len(pb.Routes()) != 2 {
		t.Fatalf("%d cases and %d routes", len(pb.Cases()), len(pb.Routes()))
	}
	report, err := routing.RunCases(ctx, pb.Router(), pb.Routes(), routing.CaseOptions{Score: pb.Score})
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Results {
		if s := report.Results[i].String(); s != "" {
			t.Error(s)
		}
	}
	// What is wrong with a file as such is said once, and what is wrong with
	// either kind of case with the other's.
	_, problems = playbook.Load(files(map[string]string{
		"cases/a.yaml": "as_of: 2026-11-02\ncase: []\nroutes:\n  - {name: x, tier: Z, want: {queue: nowhere}}\ncases:\n  - {name: y, want: {tier: Z}}\n",
		"cases/b.yaml": "routes: [{name: x, as_of: 2026-11-02, tier: A, want: {needs: []}}]\n",
		"cases/c.yaml": "as_of: 2026-11-02\n",
	}))
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		`cases/a.yaml:2:1: file: unknown key "case" (did you mean "cases"?)`,
		`cases/a.yaml:4:21: case "x": tier: there is no tier "Z" (A, B, C)`,
		`cases/a.yaml:4:38: case "x": want.queue: there is no queue "nowhere" (triage)`,
		`cases/a.yaml:6:28: case "y": want.tier: unknown tier "Z" (A, B, C)`,
		`cases/b.yaml:1:10: case "x": the name is taken by a case at cases/a.yaml:4:5`,
		`cases/c.yaml:1:1: expected at least one case, under cases, routes, enrich or lifecycle`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestCasesAreCheckedAgainstTheModel(t *testing.T) {
	pb, problems := playbook.Load(files(map[string]string{
		"cases/a.yaml": strings.NewReplacer("plan: free", "plam: free", "tier: C", "tier: E", "[big]", "[bigg]", "499", "many").Replace(casesYAML),
		"cases/b.yaml": `as_of: 2026-11-02T15:00:00Z
cases:
  - {name: a small company is a C, want: {tier: C}}
  - {name: it says nothing, want: {}}
  - {name: it wants a reason that nobody has, want: {disqualified: studend}}
`,
		"cases/notes.txt": "not read",
	}))
	if pb != nil {
		t.Error("a playbook with problems was given out")
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		`cases/a.yaml:4:62: case "a vice president of a large company is an A": unknown field "plam" (did you mean "lead.plan"?)`,
		`cases/a.yaml:7:31: case "a small company is a C": company.employees: expected an int`,
		`cases/a.yaml:8:18: case "a small company is a C": want.tier: unknown tier "E" (A, B, C)`,
		`cases/a.yaml:8:31: case "a small company is a C": want.without: unknown rule or modifier "bigg" (did you mean "big"?)`,
		`cases/b.yaml:3:5: case "a small company is a C": the name is taken by a case at cases/a.yaml:6:5`,
		`cases/b.yaml:4:35: case "it says nothing": want: says nothing that could fail`,
		`cases/b.yaml:5:68: case "it wants a reason that nobody has": want.disqualified: unknown reason "studend" (did you mean "student"?)`,
		`cases/notes.txt: warning: is no file of cases and is not read; expected *.yaml`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

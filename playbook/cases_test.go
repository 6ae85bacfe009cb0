package playbook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/playbook"
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

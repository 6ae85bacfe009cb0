package learn

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

func TestDatesInTheFutureAndOwnersWhoAreNoRepsAreFound(t *testing.T) {
	reps := []leadloop.Rep{{ID: "ana", Name: "Ana Alvarez", Email: "ana@vendor.example"}, {ID: "ben", Name: "Ben Okoye"}}
	asOf := time.Date(2026, 11, 2, 15, 0, 0, 0, time.UTC)
	share := func(v float64) *Interval { return &Interval{Value: v, Low: v, High: v} }
	past := func(column string, n int) Finding {
		return Finding{Check: "are all dates past", Subject: column, Level: LevelFine, Value: share(0), Threshold: new(0.0), Says: fmt.Sprintf("none of %d lies after 2026-11-02", n)}
	}
	owners := func(level Level, v *Interval, says, proposal string) Finding {
		f := Finding{Check: "is every owner a rep", Subject: "owner", Level: level, Value: v, Says: says, Proposal: proposal}
		if v != nil {
			f.Threshold = new(0.0)
		}
		return f
	}
	for _, tc := range []struct {
		name string
		rows [][]string // arrived, closed, owner, won
		asOf time.Time
		want []Finding
	}{
		{"all is well, by id, name and e-mail, and a day ahead may be today elsewhere", [][]string{
			{"2026-01-03", "2026-02-01", "ana", "yes"}, {"2026-01-04", "2026-11-03", " ANA ALVAREZ", "no"}, {"2026-01-05", "", "ana@vendor.example", "open"}, {"2026-01-05", "", "", "open"},
		}, asOf, []Finding{past("arrived", 4), past("closed", 2), owners(LevelFine, share(0), "all 3 owners of 3 leads are", "")}},
		{"what has ended is worth a look, what is open an alarm", [][]string{
			{"2026-01-03", "2026-02-01", "Cem", "yes"}, {"2026-01-04", "2026-02-03", "annna", "no"}, {"2026-01-05", "", "annna", "open"}, {"2026-01-05", "", "ben", "open"},
		}, asOf, []Finding{past("arrived", 4), past("closed", 2), owners(LevelAlarm, share(.75),
			`of 4 owned leads 3 belong to somebody who is none: annna (2, did you mean "ana"?), Cem (1); open among these leads: 1`, "give the open ones to somebody, or enter who is missing with the other reps")}},
		{"somebody left whose leads have all ended", [][]string{{"2026-01-03", "2026-02-01", "Zoe", "yes"}, {"2026-01-04", "2026-02-03", "ben", "no"}}, asOf, []Finding{
			past("arrived", 2), past("closed", 2), owners(LevelWatch, share(.5), "of 2 owned leads 1 belong to somebody who is none: Zoe (1)", "enter who is missing with the other reps"),
		}},
		{"a year was mistyped", [][]string{{"2062-01-03", "2026-02-01", "", "yes"}, {"2026-01-04", "2027-02-03", "", "no"}, {"2026-01-04", "2026-12-24", "", "no"}, {"2026-01-04", "soon", "", "no"}}, asOf, []Finding{
			{Check: "are all dates past", Subject: "arrived", Level: LevelWatch, Value: share(.25), Threshold: new(0.0), Says: "after 2026-11-02: 1 of 4, the latest 2062-01-03 (row 1)", Proposal: "mend them, or say when the audit is"},
			{Check: "are all dates past", Subject: "closed", Level: LevelWatch, Value: share(2.0 / 3), Threshold: new(0.0), Says: "after 2026-11-02: 2 of 3, the latest 2027-02-03 (rows 2, 3)", Proposal: "mend them, or say when the audit is"},
			owners(LevelUnknown, nil, "no lead has an owner", ""),
		}},
		{"without a moment dates may lie anywhere", [][]string{{"2062-01-03", "2062-02-01", "ana", "yes"}, {"2026-01-04", "2027-02-03", "ben", "no"}}, time.Time{}, []Finding{
			owners(LevelFine, share(0), "all 2 owners of 2 leads are", ""),
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			table := Rows{Header: []string{"arrived", "closed", "owner", "won"}, Cells: tc.rows}
			a, err := RunAudit(t.Context(), table, AuditOptions{Options: Options{Outcome: "won", Time: "arrived", Closed: "closed"}, AsOf: tc.asOf, Owner: "owner", Reps: reps})
			if err != nil {
				t.Fatal(err)
			}
			var got []Finding
			for _, check := range []string{"are all dates past", "is every owner a rep"} {
				for _, f := range a.Findings {
					if f.Check == check {
						got = append(got, f)
					}
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestManyRowsAndOwnersAreNotAllNamed(t *testing.T) {
	var rows [][]string
	for i := range 30 {
		rows = append(rows, []string{"2030-01-01", fmt.Sprint("stranger", i), []string{"yes", "no"}[i%2]})
	}
	a, err := RunAudit(t.Context(), Rows{Header: []string{"arrived", "owner", "won"}, Cells: rows},
		AuditOptions{Options: Options{Outcome: "won", Time: "arrived"}, AsOf: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Owner: "owner"})
	if err != nil {
		t.Fatal(err)
	}
	if f := finding(t, a, "are all dates past", "arrived"); f.Says != "after 2026-11-02: 30 of 30, the latest 2030-01-01 (rows 1, 2, 3, 4, 5, 6, 7, 8 and 22 others)" {
		t.Error(f.Says)
	}
	if f := finding(t, a, "is every owner a rep", "owner"); f.Says != "of 30 owned leads 30 belong to somebody who is none: stranger0 (1), stranger1 (1), stranger10 (1), stranger11 (1), stranger12 (1), stranger13 (1), stranger14 (1), stranger15 (1) and 22 others" {
		t.Error(f.Says)
	}
}

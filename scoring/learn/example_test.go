package learn_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/leadloop/leadloop/scoring/learn"
)

// history is what happened to two thousand leads: partners' leads and large
// companies were won more often.
func history() learn.Rows {
	rows := learn.Rows{Header: []string{"id", "employees", "source", "won"}}
	for i := range 2000 {
		employees := 5 + i*i%977
		source := []string{"web", "fair", "partner"}[i%3]
		chance := 10 + employees/20
		if source == "partner" {
			chance += 25
		}
		won := "no"
		if i*7919%100 < chance {
			won = "yes"
		}
		rows.Cells = append(rows.Cells, []string{fmt.Sprint("L", i), fmt.Sprint(employees), source, won})
	}
	return rows
}

// The file to propose is what r.YAML() returns.
func Example() {
	r, err := learn.Learn(context.Background(), history(), learn.Options{Outcome: "won", ID: "id"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("on %d leads held out: AUC %.2f\n", r.Report.Test.Leads, r.Report.Held.AUC.Value)
	for _, line := range r.Report.Rules {
		if line.Leads > 0 {
			fmt.Printf("%3v points: %s (%.0f %% of %d won)\n", line.Points, line.Says, 100*line.Rate.Value, line.Leads)
		}
	}
	// Output:
	// on 400 leads held out: AUC 0.72
	//   0 points: employees is below 193 (23 % of 318 won)
	//   9 points: employees is from 193 to below 283 (25 % of 162 won)
	//  19 points: employees is from 283 to below 405 (40 % of 158 won)
	//  28 points: employees is from 405 to below 497 (45 % of 156 won)
	//  37 points: employees is from 497 to below 639 (42 % of 232 won)
	//  45 points: employees is from 639 to below 744 (60 % of 166 won)
	//  54 points: employees is from 744 to below 850 (56 % of 162 won)
	//  63 points: employees is 850 or more (65 % of 246 won)
	//   0 points: source is fair or web (35 % of 1074 won)
	//  37 points: source is partner (60 % of 526 won)
}

// What was counted is enough to learn from: the rows need not be kept.
func ExampleCounts_Forget() {
	ctx, rows := context.Background(), history()
	counts, err := learn.Count(ctx, rows, learn.Options{Outcome: "won", ID: "id"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	if err := counts.Write(&file); err != nil {
		fmt.Println(err)
		return
	}

	// Later: somebody wants to be forgotten.
	counts, err = learn.ReadCounts(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := counts.Forget(ctx, learn.Rows{Header: rows.Header, Cells: rows.Cells[7:8]}); err != nil {
		fmt.Println(err)
		return
	}
	r, err := counts.Learn(ctx, learn.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("learnt from", r.Report.Train.Leads+r.Report.Test.Leads, "leads")
	// Output:
	// learnt from 1999 leads
}

// Without a model the signals themselves are audited.
func ExampleRunAudit() {
	a, err := learn.RunAudit(context.Background(), history(), learn.AuditOptions{Options: learn.Options{Outcome: "won", ID: "id", InOrder: true}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range a.Findings {
		fmt.Println(f.Level, "-", f.Check)
	}
	for _, s := range a.Signals {
		fmt.Println(s.Signal, "drifted:", s.Level != learn.LevelFine)
	}
	// Output:
	// fine - do the signals predict
	// fine - has it drifted
	// employees drifted: false
	// source drifted: false
}

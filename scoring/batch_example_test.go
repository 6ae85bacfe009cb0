package scoring_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

const export = `id,title,seniority,employees
l1,VP Sales,vp,1200
l2,Intern,junior,3
l3,Head of Data,,700
l4,CTO,c_level,
`

// fromCSV reads leads one by one; so might the rows of a query be.
func fromCSV(s *leadloop.Schema, file io.Reader) iter.Seq2[scoring.BatchLead, error] {
	return func(yield func(scoring.BatchLead, error) bool) {
		rows := csv.NewReader(file)
		if _, err := rows.Read(); err != nil {
			yield(scoring.BatchLead{}, err)
			return
		}
		for {
			row, err := rows.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			p := s.NewProfile()
			for i, field := range []string{"", "lead.title", "lead.seniority", "company.employees"} {
				if err != nil || i == 0 || row[i] == "" {
					continue // nobody looked
				}
				def, _ := s.Lookup(field)
				var v leadloop.Value
				if v, err = leadloop.ParseValue(def.Kind, row[i]); err == nil {
					err = p.SetValue(field, v)
				}
			}
			if err != nil {
				yield(scoring.BatchLead{}, err)
				return
			}
			if !yield(scoring.BatchLead{ID: leadloop.LeadID(row[0]), Profile: p}, nil) {
				return
			}
		}
	}
}

// A file of any length is scored block by block.
func ExampleModel_ScoreAll() {
	m := open()
	for scores, err := range m.ScoreAll(context.Background(), fromCSV(m.Schema(), strings.NewReader(export)), now, scoring.BatchOptions{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for i, id := range scores.IDs {
			fmt.Printf("%s %s %q %q\n", id, scores.Points[i], scores.Tier(i), scores.Verdict(i).Disqualified)
		}
	}
	// Output:
	// l1 35 "C" ""
	// l2 0 "" "student"
	// l3 20 "C" ""
	// l4 15 "C" ""
}

// What would an edit do to all leads? Only what it changes is computed.
func ExampleBatch_Rescore() {
	ctx, m := context.Background(), open()
	batch, err := scoring.NewBatch(ctx, m, fromCSV(m.Schema(), strings.NewReader(export)), now, scoring.BatchOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := scoring.Parse("scoring.yaml", []byte(strings.Replace(model, "company.employees >= 500", "company.employees >= 1000", 1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	next, err := scoring.New(d, m.Schema(), scoring.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	changes, err := batch.Rescore(ctx, next, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(changes.Leads, "of", batch.Len(), "leads have another score")
	for scores := range batch.Scores() {
		for i, id := range scores.IDs {
			fmt.Println(id, scores.Points[i])
		}
	}
	// Output:
	// 1 of 4 leads have another score
	// l1 35
	// l2 0
	// l3 0
	// l4 15
}

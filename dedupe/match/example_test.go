package match_test

import (
	"context"
	"fmt"

	"github.com/leadloop/leadloop/dedupe/match"
)

// Rows of any table: kinds guessed, learnt without labels, clustered.
func Example() {
	header := []string{"first_name", "last_name", "date_of_birth", "city"}
	var values [][]string
	for i := range 200 {
		values = append(values, []string{
			[]string{"Ada", "Grace", "Edsger", "Barbara", "Niklaus", "Donald", "Frances"}[i%7],
			[]string{"Byron", "Hopper", "Dijkstra", "Liskov", "Wirth", "Knuth", "Allen", "Gray", "Lamport", "Rivest", "Turing"}[i%11],
			fmt.Sprintf("19%02d-%02d-%02d", 10+i%80, 1+i%12, 1+i%28), []string{"London", "Zurich", "Austin"}[i%3],
		})
	}
	for i := range 40 { // every fifth row again, with a letter missing
		v := values[5*i]
		values = append(values, []string{v[0], v[1][:2] + v[1][3:], v[2], v[3]})
	}

	t, err := match.NewTable(match.Guess(header, values))
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, v := range values {
		if err := t.Add(match.Record{ID: fmt.Sprintf("row %03d", i), Values: v}); err != nil {
			fmt.Println(err)
			return
		}
	}
	ctx := context.Background()
	m, err := match.Learn(ctx, t, match.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := m.Cluster(ctx, t, match.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Clusters, "people;", res.Rows[203].ID, "is", res.Rows[203].Cluster)
	// Output: 200 people; row 203 is row 015
}

// Guess tells the kinds of columns from their names and values.
func ExampleGuess() {
	fields := match.Guess([]string{"id", "Company Name", "contact", "e-mail", "Tel."}, [][]string{
		{"1", "Acme GmbH", "Jane Doe", "jane@acme.example", "+49 30 901820"},
		{"2", "Globex Inc.", "Bill Smith", "bill@globex.example", "(415) 555-2671"},
	})
	for _, f := range fields {
		fmt.Println(f.Name, f.Kind)
	}
	// Output:
	// id ignore
	// Company Name company
	// contact person_name
	// e-mail email
	// Tel. phone
}

// Thresholds turn a probability into what is to be done.
func ExampleThresholds_Of() {
	var t match.Thresholds
	fmt.Println(t.Of(0.999), t.Of(0.7), t.Of(0.01))
	// Output: auto review new
}

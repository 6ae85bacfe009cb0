package learn

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// Options say what to learn from a table. Only Outcome is required.
type Options struct {
	// Outcome is the column that says how it ended. Positive is its value for
	// won; without it the usual words are looked for (yes, 1, true, won …).
	// Negative is its value for lost, "*" for every other one; without it a
	// column with two values needs none, and with more the usual words for lost
	// and for open are told apart. What is neither is lost if Positive is said,
	// and asked about if not.
	Outcome, Positive, Negative string
	// ID is the column that names the lead: it decides which rows are held out,
	// and rows can be forgotten by it. Without it rows are numbered from 0.
	ID string
	// Time is the column that says when the lead arrived: the last fifth of the
	// rows is held out. InOrder says that the rows stand in the order of time.
	Time    string
	InOrder bool
	// Closed is the column that says when it ended, to find dates after it.
	Closed string
	// Exclude are columns to leave out, Include those to keep although the
	// audit would leave them out.
	Exclude, Include []string
	// Fields gives columns a field of the rules' own: "company.employees".
	// Others are lead.<column>. Schema has the kinds of these fields; nil means
	// the standard ones.
	Fields map[string]string
	Schema *leadloop.Schema
	// Groups gives columns a group of the model. Others are "intent" if their
	// name is that of a behaviour, else "fit"; if only one of the two is left,
	// the model has no groups.
	Groups map[string]string
	// Like is a model whose name, version, groups and tiers the new one takes.
	Like *scoring.Definition
	// Name is the model's; "learned" if there is none. Changed is written into
	// the file as it is.
	Name    string
	Changed scoring.Change
	// MinClosed and MinMonths are how many leads must have ended and how long a
	// time they must span, if it is known; 0 means 100 and 6, negative none.
	MinClosed, MinMonths int
	// Progress is called from time to time, by one goroutine at a time.
	Progress func(Progress)
}

// Progress is how far learning is. Total is 0 where nobody knows.
type Progress struct {
	Step        string
	Done, Total int
}

func (o Options) schema() *leadloop.Schema {
	if o.Schema == nil {
		return leadloop.StandardSchema()
	}
	return o.Schema
}

func (o Options) minClosed() int {
	if o.MinClosed == 0 {
		return 100
	}
	return o.MinClosed
}

func (o Options) minMonths() int {
	if o.MinMonths == 0 {
		return 6
	}
	return o.MinMonths
}

func (o Options) progress(step string, done, total int) {
	if o.Progress != nil {
		o.Progress(Progress{step, done, total})
	}
}

// check finds columns that the table does not have.
func (o Options) check(columns []string) error {
	var wrong []string
	column := func(option, name string) {
		if name != "" && !slices.Contains(columns, name) {
			wrong = append(wrong, fmt.Sprintf("%s: there is no column %q%s", option, name, meant(name, columns)))
		}
	}
	if o.Outcome == "" {
		wrong = append(wrong, "outcome: say which column tells how it ended; columns: "+strings.Join(columns, ", "))
	}
	column("outcome", o.Outcome)
	column("id", o.ID)
	column("time", o.Time)
	column("closed", o.Closed)
	for _, c := range o.Exclude {
		column("exclude", c)
	}
	for _, c := range o.Include {
		column("include", c)
	}
	for _, m := range []struct {
		option string
		of     map[string]string
	}{{"field", o.Fields}, {"group", o.Groups}} {
		for _, c := range sortedKeys(m.of) {
			column(m.option, c)
		}
	}
	if o.Time != "" && o.InOrder {
		wrong = append(wrong, "time: rows are ordered either by a column or as they stand")
	}
	for _, c := range o.Include {
		if slices.Contains(o.Exclude, c) {
			wrong = append(wrong, fmt.Sprintf("include: %q is excluded too", c))
		}
		if c == o.Outcome {
			wrong = append(wrong, fmt.Sprintf("include: %q is the outcome", c))
		}
	}
	if len(wrong) > 0 {
		return &InputError{strings.Join(wrong, "\n")}
	}
	return nil
}

// InputError says what is wrong with the table or the options. Nothing was
// learnt, and nothing will be until it is put right.
type InputError struct{ Text string }

func (e *InputError) Error() string { return e.Text }

// RefusedError says why nothing should be learnt from a table that can be read:
// too few leads have ended, too short a time, one way of ending only, or
// nothing predicts how it ends.
type RefusedError struct {
	Text string
	// AUC is how well leads that were not learnt from were told apart, nil unless
	// that is why.
	AUC *Interval
}

func (e *RefusedError) Error() string { return e.Text }

// months is the time between two moments in months of 30.44 days.
func months(from, until time.Time) float64 { return until.Sub(from).Hours() / 24 / 30.44 }

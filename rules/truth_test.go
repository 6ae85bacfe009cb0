package rules_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// The four things a condition can be.
const (
	yes = iota
	no
	missing
	erring
)

var operands = [...]string{
	yes:     `company.employees > 1`,
	no:      `company.employees < 1`,
	missing: `lead.city == "x"`,
	erring:  `lead.country == "x"`,
}

func state(t *testing.T, r rules.Result) int {
	t.Helper()
	switch {
	case r.State == rules.Undecided:
		return missing
	case r.State == rules.NoValue:
		return erring
	case r.True():
		return yes
	case r.State == rules.Decided:
		return no
	}
	t.Fatalf("unexpected result %+v", r)
	return -1
}

// TestTruthTable: strong Kleene logic with errors below the missing: a missing
// operand may still settle the answer, an error can't.
func TestTruthTable(t *testing.T) {
	e := newEnv(t, rules.Options{})
	f := facts(t, e)
	and := [4][4]int{
		yes:     {yes, no, missing, erring},
		no:      {no, no, no, no},
		missing: {missing, no, missing, missing},
		erring:  {erring, no, missing, erring},
	}
	or := [4][4]int{
		yes:     {yes, yes, yes, yes},
		no:      {yes, no, missing, erring},
		missing: {yes, missing, missing, missing},
		erring:  {yes, erring, missing, erring},
	}
	not := [4]int{no, yes, missing, erring}
	var all []rules.Rule
	var want []int
	add := func(w int, format string, args ...any) {
		all = append(all, rules.Rule{
			ID: fmt.Sprint(len(all)), Type: boolean, Expression: leadloop.Expression{Text: fmt.Sprintf(format, args...)},
		})
		want = append(want, w)
	}
	for a, left := range operands {
		add(not[a], `!(%s)`, left)
		for b, right := range operands {
			add(and[a][b], `%s && %s`, left, right)
			add(or[a][b], `%s || %s`, left, right)
			for c, condition := range operands {
				ternary := c
				switch c {
				case yes:
					ternary = a
				case no:
					ternary = b
				}
				add(ternary, `%s ? %s : %s`, condition, left, right)
				add(and[and[a][b]][c], `%s && %s && %s`, left, right, condition)
				add(or[or[a][b]][c], `%s || (%s || %s)`, left, right, condition)
				add(or[and[a][b]][c], `%s && %s || %s`, left, right, condition)
				add(not[or[a][and[b][c]]], `!(%s || %s && %s)`, left, right, condition)
			}
		}
	}
	set, err := e.Compile(all...)
	if err != nil {
		t.Fatal(err)
	}
	var r rules.Results
	set.Eval(context.Background(), f, &r)
	for i := range r.Len() {
		if got := state(t, r.At(i)); got != want[i] {
			t.Errorf("%s: got %d, want %d", set.Rule(i).Expression.Text, got, want[i])
		}
	}
}

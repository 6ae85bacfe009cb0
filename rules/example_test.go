package rules_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

func Example() {
	schema := leadloop.StandardSchema()
	env, err := rules.NewEnv(schema, rules.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := env.Compile(
		rules.Rule{ID: "size", Type: leadloop.KindFloat, Expression: leadloop.Expression{Text: `min(20.0, double(company.employees) / 50.0)`}},
		rules.Rule{ID: "keen", Type: leadloop.KindBool, Expression: leadloop.Expression{Text: `count("pricing_view", "7d") >= 2`}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	profile := schema.NewProfile()
	leadloop.Employees.Set(profile, 600)
	var results rules.Results
	set.Eval(context.Background(), rules.Facts{
		Profile: profile,
		Now:     now,
		Activities: []leadloop.Activity{
			{Type: "pricing_view", At: now.Add(-time.Hour)},
			{Type: "pricing_view", At: now.AddDate(0, 0, -3)},
		},
	}, &results)
	for i := range results.Len() {
		fmt.Println(set.Rule(i).ID, results.At(i).Value)
	}
	// Output:
	// size 12
	// keen true
}

// A rule is undecided only if the missing fields could change its answer.
func ExampleSet_EvalOne() {
	schema := leadloop.StandardSchema()
	env, err := rules.NewEnv(schema, rules.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := env.Compile(rules.Rule{
		ID: "big-and-senior", Type: leadloop.KindBool,
		Expression: leadloop.Expression{Text: `company.employees > 100 && lead.title.contains("VP")`},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, title := range []string{"VP Sales", "Intern"} {
		profile := schema.NewProfile()
		leadloop.Title.Set(profile, title)
		switch r := set.EvalOne(context.Background(), rules.Facts{Profile: profile}, 0); r.State {
		case rules.Decided:
			fmt.Println(title, "is", r.Value)
		case rules.Undecided:
			fmt.Println(title, "needs", r.Needs)
		}
	}
	// Output:
	// VP Sales needs [company.employees]
	// Intern is false
}

func ExampleEnv_Compile_problems() {
	env, err := rules.NewEnv(leadloop.StandardSchema(), rules.Options{Vars: []rules.Var{{Name: "tier", Kind: leadloop.KindString}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	at := func(line, column int) leadloop.Position {
		return leadloop.Position{File: "scoring.yaml", Line: line, Column: column}
	}
	_, err = env.Compile(
		rules.Rule{ID: "size", Type: leadloop.KindBool, Expression: leadloop.Expression{Text: `company.employes >= 500`, At: at(7, 31)}},
		rules.Rule{ID: "tier", Type: leadloop.KindBool, Expression: leadloop.Expression{Text: `tier = "A"`, At: at(8, 31)}},
	)
	fmt.Println(err)
	// Output:
	// scoring.yaml:7:31: rule "size": unknown field company.employes (did you mean "company.employees"?)
	// scoring.yaml:8:36: rule "tier": syntax error: unexpected "=" (use == to compare)
}

func ExampleSet_NextChange() {
	env, err := rules.NewEnv(leadloop.StandardSchema(), rules.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := env.Compile(rules.Rule{
		ID: "fresh", Type: leadloop.KindBool, Expression: leadloop.Expression{Text: `since("demo_request") < days(14)`},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	next, exact := set.NextChange(rules.Facts{Now: now, Activities: []leadloop.Activity{{Type: "demo_request", At: now.AddDate(0, 0, -3)}}})
	fmt.Println(next, exact)
	// Output: 2026-11-13 09:30:00 +0000 UTC true
}

// What could the rules come to if the size of the company were known?
func ExampleSet_Cells() {
	env, err := rules.NewEnv(leadloop.StandardSchema(), rules.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := env.Compile(
		rules.Rule{ID: "large", Type: leadloop.KindBool, Expression: leadloop.Expression{Text: `company.employees >= 500`}},
		rules.Rule{ID: "middle", Type: leadloop.KindBool, Expression: leadloop.Expression{Text: `company.employees >= 50 && company.employees < 500`}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	values, exact := set.Cells("company.employees", time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC))
	fmt.Println(values, exact)
	// Output: [(known absent) 0 50 500] true
}

func ExampleSet_Plan() {
	env, err := rules.NewEnv(leadloop.StandardSchema(), rules.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := env.Compile(
		rules.Rule{ID: "large", Type: leadloop.KindBool, Expression: leadloop.Expression{Text: `company.employees >= 500 && seen("demo", "7d")`}},
		rules.Rule{ID: "size", Type: leadloop.KindFloat, Expression: leadloop.Expression{Text: `min(20.0, double(company.employees) / 50.0)`}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range set.Plan() {
		fmt.Printf("%s: %s (%s)\n", p.ID, p.Tier, p.Why)
	}
	// Output:
	// large: planes ()
	// size: code (the result is a double, not a condition)
}

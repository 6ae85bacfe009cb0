package rules_test

import (
	"context"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

var (
	// noon is a Monday.
	noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

	planInterest = leadloop.NewField[string]("lead.plan_interest")
	optedIn      = leadloop.NewField[bool]("lead.opted_in")
	ratio        = leadloop.NewField[float64]("company.ratio")
)

const (
	str     = leadloop.KindString
	integer = leadloop.KindInt
	double  = leadloop.KindFloat
	boolean = leadloop.KindBool
	moment  = leadloop.KindTime
	list    = leadloop.KindStrings
)

func newSchema(t testing.TB) *leadloop.Schema {
	t.Helper()
	s, err := leadloop.NewSchema(planInterest, optedIn, ratio)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newEnv(t testing.TB, o rules.Options) *rules.Env {
	t.Helper()
	if o.Vars == nil {
		o.Vars = []rules.Var{{Name: "tier", Kind: str}, {Name: "score", Kind: double}}
	}
	e, err := rules.NewEnv(newSchema(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func rule(kind leadloop.Kind, text string) rules.Rule {
	return rules.Rule{ID: "r", Expression: leadloop.Expression{Text: text}, Type: kind}
}

func compile(t testing.TB, e *rules.Env, kind leadloop.Kind, text string) *rules.Set {
	t.Helper()
	s, err := e.Compile(rule(kind, text))
	if err != nil {
		t.Fatalf("%s:\n%v", text, err)
	}
	return s
}

func eval(t testing.TB, e *rules.Env, kind leadloop.Kind, text string, f rules.Facts) rules.Result {
	t.Helper()
	return compile(t, e, kind, text).EvalOne(context.Background(), f, 0)
}

func setValue(t testing.TB, p *leadloop.Profile, name string, v leadloop.Value) {
	t.Helper()
	if err := p.SetValue(name, v); err != nil {
		t.Fatal(err)
	}
}

// facts has a present, a known absent, an empty and an absent field of each
// sort that matters.
func facts(t testing.TB, e *rules.Env) rules.Facts {
	t.Helper()
	p := e.Schema().NewProfile()
	leadloop.Email.Set(p, "ada@example.com")
	leadloop.Title.Set(p, "VP Sales")
	leadloop.Employees.Set(p, 600)
	leadloop.Technologies.Set(p, []string{"go", "postgres"})
	leadloop.FundingDate.Set(p, noon.AddDate(0, 0, -30))
	leadloop.HiringVelocity.Set(p, 2.5)
	optedIn.Set(p, true)
	setValue(t, p, "lead.country", leadloop.NoValue(str))
	setValue(t, p, "company.revenue", leadloop.NoValue(integer))
	setValue(t, p, "lead.region", leadloop.EmptyValue(str))
	setValue(t, p, "company.founded", leadloop.EmptyValue(integer))
	return rules.Facts{
		Profile: p,
		Now:     noon,
		Vars:    []leadloop.Value{leadloop.ValueOf("A")},
		Activities: []leadloop.Activity{
			{ID: "1", Type: "pricing_view", At: noon.Add(-time.Hour), Attributes: map[string]string{"page": "/pricing"}},
			{ID: "2", Type: "pricing_view", At: noon.AddDate(0, 0, -7)},
			{ID: "3", Type: "reply", At: noon.Add(time.Hour), Actor: "ana"},
		},
	}
}

func decided[T leadloop.FieldType](v T) rules.Result {
	return rules.Result{State: rules.Decided, Value: leadloop.ValueOf(v)}
}

func needs(names ...string) rules.Result {
	return rules.Result{State: rules.Undecided, Needs: names}
}

var none = rules.Result{State: rules.NoValue}

package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

func TestInputs(t *testing.T) {
	e := newEnv(t, rules.Options{})
	for _, tt := range []struct {
		name string
		kind leadloop.Kind
		text string
		want rules.Inputs
	}{
		{"a constant reads nothing", boolean, `true`, rules.Inputs{}},
		{"fields are sorted and named once", boolean, `lead.title == lead.email || lead.title == ""`, rules.Inputs{Fields: []string{"lead.email", "lead.title"}}},
		{"has reads its field", boolean, `has(lead.email)`, rules.Inputs{Fields: []string{"lead.email"}}},
		{"fields inside loops", boolean, `[1].all(x, company.employees > x)`, rules.Inputs{Fields: []string{"company.employees"}}},
		{"variables", boolean, `tier == "A" && score > 1.0`, rules.Inputs{Vars: []string{"score", "tier"}}},
		{"counting all does not depend on the moment", boolean, `count("a") > 1 && seen("b")`, rules.Inputs{Activities: []string{"a", "b"}}},
		{"a window does", boolean, `seen("a", "7d")`, rules.Inputs{Activities: []string{"a"}, Now: true}},
		{"since does", boolean, `since("a") > days(1)`, rules.Inputs{Activities: []string{"a"}, Now: true}},
		{"last does, for what is yet to come", moment, `last("a")`, rules.Inputs{Activities: []string{"a"}, Now: true}},
		{"now", boolean, `now > company.funding_date`, rules.Inputs{Fields: []string{"company.funding_date"}, Now: true}},
		{"the raw list", boolean, `activities.size() > 1`, rules.Inputs{AllActivities: true, Now: true}},
		{"loop variables are no inputs", boolean, `[1].exists(x, x > 0)`, rules.Inputs{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := compile(t, e, tt.kind, tt.text)
			if diff := cmp.Diff(tt.want, set.Inputs(0)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestASetKeepsItsRulesAndCanNotBeChanged(t *testing.T) {
	e := newEnv(t, rules.Options{})
	want := rule(boolean, `lead.title == lead.email`)
	set, err := e.Compile(want)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 1 || set.Rule(0) != want || set.Env() != e {
		t.Errorf("got %d rules, %+v", set.Len(), set.Rule(0))
	}
	set.Inputs(0).Fields[0] = "changed"
	if got := set.Inputs(0).Fields[0]; got != "lead.email" {
		t.Errorf("Inputs shares memory: %s", got)
	}
	e.Vars()[0].Name = "changed"
	if got := e.Vars()[0].Name; got != "tier" {
		t.Errorf("Vars shares memory: %s", got)
	}
	if e.Version() != 1 {
		t.Errorf("version %d", e.Version())
	}
	empty, err := e.Compile()
	if err != nil || empty.Len() != 0 {
		t.Errorf("no rules: %v", err)
	}
}

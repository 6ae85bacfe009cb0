package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/rules"
)

func TestPlanSaysHowEachRuleIsEvaluated(t *testing.T) {
	e := newEnv(t, rules.Options{})
	set := ruleSet(t, e,
		`company.employees > 5 && (lead.country in ["US"] || seen("demo", "7d")) && !company.technologies.all(x, x == "go")`,
		`company.employees > company.founded || lead.city == "x"`,
		`#company.hiring_velocity * 2.0`,
		`[[1], [2]].exists(x, x == [company.employees])`,
	)
	const part = "part of the condition is more than one input and constants"
	want := []rules.RulePlan{
		{ID: "0", Tier: rules.TierPlanes},
		{ID: "1", Tier: rules.TierCode, Why: part},
		{ID: "2", Tier: rules.TierCode, Why: "the result is a double, not a condition"},
		{ID: "3", Tier: rules.TierCEL, Why: "not compiled: a list of another type"},
	}
	if diff := cmp.Diff(want, set.Plan()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTiersHaveNames(t *testing.T) {
	for tier, want := range map[rules.Tier]string{rules.TierPlanes: "planes", rules.TierCode: "code", rules.TierCEL: "cel", 9: "tier(9)"} {
		if got := tier.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

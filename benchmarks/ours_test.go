package benchmarks

import (
	"testing"

	"github.com/leadloop/leadloop/rules"
)

func engine(t *testing.T, name string) Engine {
	t.Helper()
	for _, e := range Engines() {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("there is no engine %q", name)
	return Engine{}
}

// If one was, the figures would be those of cel-go.
func TestNoRuleIsLeftToCELAtRunTime(t *testing.T) {
	for _, n := range sizes {
		s, ok := compile(t, engine(t, "leadloop-rules"), model(t, n)).(*ruleSet)
		if !ok {
			t.Fatal("it is not a set of rules")
		}
		for i, p := range s.set.Plan() {
			if p.Tier == rules.TierCEL {
				t.Errorf("%s: %s", s.set.Rule(i).Expression.Text, p.Why)
			}
		}
	}
}

package benchmarks

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var sizes = []int{10, 40, 160, 640}

func leads(t testing.TB, n int, sparse bool) []*Lead {
	t.Helper()
	out, err := NewLeads(n, sparse)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func model(t testing.TB, rules int) *Model {
	t.Helper()
	m, err := NewModel(rules)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func compile(t testing.TB, e Engine, m *Model) Scorer {
	t.Helper()
	s, err := e.Compile(m)
	if err != nil {
		t.Fatalf("%s: %v", e.Name, err)
	}
	return s
}

// outcomes scores all leads, twice, since a scorer keeps its buffers.
func outcomes(t testing.TB, s Scorer, leads []*Lead) []Outcome {
	t.Helper()
	out := make([]Outcome, len(leads))
	for range 2 {
		for i, l := range leads {
			if err := s.Score(l, &out[i]); err != nil {
				t.Fatalf("lead %d: %v", i, err)
			}
			if err := out[i].Complete(s); err != nil {
				t.Fatalf("lead %d: %v", i, err)
			}
		}
	}
	return out
}

func TestAllEnginesAgreeOnEveryLead(t *testing.T) {
	for _, rules := range sizes {
		for _, sparse := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d rules, sparse %t", rules, sparse), func(t *testing.T) {
				m := model(t, rules)
				population := leads(t, 200, sparse)
				if rules > 40 {
					population = population[:50]
				}
				var want []Outcome
				var first string
				for _, e := range Engines() {
					if !e.Has(rules) || sparse && !e.Sparse {
						continue
					}
					got := outcomes(t, compile(t, e, m), population)
					if want == nil {
						want, first = got, e.Name
						continue
					}
					for i := range want {
						if diff := cmp.Diff(want[i], got[i]); diff != "" {
							t.Fatalf("lead %d (-%s +%s):\n%s", i, first, e.Name, diff)
						}
					}
				}
			})
		}
	}
}

// A comparison would mean little if few rules matched, or always the same ones.
func TestModelsAreWorthMeasuring(t *testing.T) {
	for _, rules := range sizes {
		m := model(t, rules)
		if len(m.Rules) != rules {
			t.Errorf("%d rules instead of %d", len(m.Rules), rules)
		}
		s := compile(t, engine(t, "expr-functions"), m)
		tiers := map[string]int{}
		matched, both := 0, 0
		all := outcomes(t, s, leads(t, 200, false))
		for _, o := range all {
			tiers[o.Tier]++
		}
		for i := range rules {
			n := 0
			for _, o := range all {
				n += int(o.Matched[i>>6] >> (i & 63) & 1)
			}
			matched += n
			if n > 0 && n < len(all) {
				both++
			}
		}
		if len(tiers) < 4 {
			t.Errorf("%d rules: the tiers are %v", rules, tiers)
		}
		if both < rules*85/100 {
			t.Errorf("%d rules: only %d hold for some leads and not for others", rules, both)
		}
		if share := float64(matched) / float64(rules*len(all)); share < 0.15 || share > 0.6 {
			t.Errorf("%d rules: %.0f%% match", rules, 100*share)
		}
	}
}

func TestModelsAndLeadsAreTheSameEveryTime(t *testing.T) {
	if diff := cmp.Diff(model(t, 160).conditions(celText), model(t, 160).conditions(celText)); diff != "" {
		t.Error(diff)
	}
	a, b := leads(t, 20, true), leads(t, 20, true)
	for i := range a {
		if diff := cmp.Diff(a[i].Maps, b[i].Maps); diff != "" {
			t.Errorf("lead %d: %s", i, diff)
		}
	}
}

func TestThereIsNoModelOfAnOddSize(t *testing.T) {
	for _, rules := range []int{0, 11, 100, 680} {
		if _, err := NewModel(rules); err == nil {
			t.Errorf("there is a model of %d rules", rules)
		}
	}
}

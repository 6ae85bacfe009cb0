package match

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A model's digest changed from run to run, as the order of a map decided which of two such patterns came first in a sum.
func TestPatternsThatDifferOnlyInWhetherTheyAreCandidatesHaveAnOrder(t *testing.T) {
	s, err := newSpec(Leads())
	if err != nil {
		t.Fatal(err)
	}
	l := learner{spec: s, rate: 2, strangerRate: 3}
	for i := range 40 {
		e := example{levels: [maxComparisons]uint8{uint8(i % 6), uint8(i / 6)}, weight: 1}
		l.examples, l.strangers = append(l.examples, e), append(l.strangers, e)
	}
	want := l.patterns()
	for range 20 {
		if diff := cmp.Diff(want, l.patterns(), cmp.AllowUnexported(pattern{})); diff != "" {
			t.Fatalf("the same examples give another order:\n%s", diff)
		}
	}
}

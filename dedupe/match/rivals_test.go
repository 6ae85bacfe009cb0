package match

import (
	"fmt"
	"math"
	"testing"
)

func TestOfSeveralLikelyPartnersOneIsRightAtMost(t *testing.T) {
	n := &nodes{sources: []uint16{0, 0, 1, 1, 1}, nSource: 2}
	for _, c := range []struct {
		name  string
		mode  Mode
		edges []edge
		want  []float64
	}{
		{"alone a pair keeps its probability", OneToOne, []edge{{0, 2, 1}}, []float64{2. / 3}},
		{"two alike share what is likely", OneToOne, []edge{{0, 2, 10}, {0, 3, 10}}, []float64{1024. / 2049, 1024. / 2049}},
		{"a better one leaves nothing", OneToOne, []edge{{0, 2, 20}, {0, 3, 5}, {1, 4, 5}}, []float64{0.99997, 0.00003, 32. / 33}},
		{"rivals of both rows count", OneToOne, []edge{{0, 2, 0}, {0, 3, 0}, {1, 2, 0}}, []float64{0.25, 1. / 3, 1. / 3}},
		{"many rows may belong to one of the first source", ManyToOne, []edge{{0, 2, 10}, {0, 3, 10}}, []float64{0.999, 0.999}},
		{"but to one only", ManyToOne, []edge{{0, 2, 10}, {1, 2, 10}}, []float64{1024. / 2049, 1024. / 2049}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRivals(n, c.mode)
			for _, e := range c.edges {
				r.add(e.x, e.y, oddsOf(float64(e.weight)))
			}
			for i, e := range c.edges {
				if got := r.probability(e.x, e.y, oddsOf(float64(e.weight))); math.Abs(got-c.want[i]) > 1e-4 {
					t.Errorf("pair %d has probability %.5f, want %.5f", i, got, c.want[i])
				}
			}
		})
	}
	if newRivals(n, Dedupe) != nil || newRivals(n, Across) != nil {
		t.Error("rows that may have many partners have rivals")
	}
}

func TestThePriorOfALinkKnowsHowManyRowsHaveAPartner(t *testing.T) {
	for _, c := range []struct {
		mode    Mode
		matches float64
		want    float64 // bits more than the share of pairs
	}{
		{OneToOne, 0, 0}, {OneToOne, 50, 2}, {OneToOne, 100, 4}, {ManyToOne, 50, 1}, {Dedupe, 50, 0}, {Across, 50, 0},
	} {
		t.Run(fmt.Sprint(c.mode, c.matches), func(t *testing.T) {
			n := &nodes{nSource: 2, sources: make([]uint16, 200), first: make([]uint32, 201)}
			for i := range 200 {
				n.sources[i], n.first[i+1] = uint16(i/100), uint32(i+1)
			}
			l := &learner{n: n, o: Options{Mode: c.mode}, matches: c.matches, params: params{prior: -10}}
			l.engage()
			if got := l.params.prior + 10; math.Abs(got-c.want) > 1e-9 {
				t.Errorf("%.3f bits more, want %.3f", got, c.want)
			}
		})
	}
}

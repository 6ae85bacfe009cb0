package match

import (
	"math"
	"testing"
)

func TestTwoRowsThatAreOneWithAThirdAreOneWithEachOther(t *testing.T) {
	group := []uint32{0, 0, 0, 3, 3, 5}
	edges := []edge{{0, 1, 8}, {0, 2, -1}, {1, 2, 9}, {3, 4, -1}, {2, 3, 9}}
	ties := newTies(group, edges)
	want := probability(8) * probability(9)
	for _, c := range []struct {
		name string
		x, y uint32
		want float64
	}{
		{"through the row between them", 0, 2, want},
		{"in either order", 2, 0, want},
		{"a cluster of two has no third row", 3, 4, 0},
		{"another cluster's row is none", 1, 3, 0},
		{"a row by itself has none", 0, 5, 0},
	} {
		if got := ties.through(c.x, c.y); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %.6f, want %.6f", c.name, got, c.want)
		}
	}
}

func TestTheWeightiestTiesAreKeptInAnyOrderOfEdges(t *testing.T) {
	group := make([]uint32, 12)
	var edges, backwards []edge
	for i := uint32(1); i < 12; i++ {
		edges = append(edges, edge{0, i, float32(i % 5)})
	}
	for i := range edges {
		backwards = append(backwards, edges[len(edges)-1-i])
	}
	a, b := newTies(group, edges)[0], newTies(group, backwards)[0]
	if *a != *b {
		t.Errorf("%v in one order, %v in the other", *a, *b)
	}
	if want := (tie{4, 4}); a[0] != want {
		t.Errorf("the weightiest is %v, want %v", a[0], want)
	}
}

package match

import (
	"testing"

	"pgregory.net/rapid"
)

func TestASetOfNodesHoldsThoseOfTheLatestTimeOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s nodeSet
		for range rapid.IntRange(1, 4).Draw(t, "times") {
			s.begin()
			seen := map[uint32]bool{}
			most := rapid.SampledFrom([]uint32{5, 700, 1 << 30}).Draw(t, "most")
			for range rapid.SampledFrom([]int{3, 600, 3000}).Draw(t, "nodes") {
				node := rapid.Uint32Max(most).Draw(t, "node")
				if got := s.add(node); got == seen[node] {
					t.Fatalf("node %d: new is %v", node, got)
				}
				seen[node] = true
			}
		}
	})
}

package match

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Clusters are made component by component, on all cores. They are those of one linker over everything.
func TestComponentsAreLinkedAsIfTheyWereOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 60).Draw(t, "nodes")
		n := &nodes{sources: make([]uint16, count), stride: 1, cells: make([]uint32, count), all: count}
		for x := range count + 1 {
			n.first, n.rows = append(n.first, uint32(x)), append(n.rows, uint32(x))
		}
		for x := range count {
			n.cells[x] = rapid.Uint32Range(0, 3).Draw(t, "unique")
		}
		var edges []edge
		for range rapid.IntRange(0, 120).Draw(t, "edges") {
			x, y := rapid.Uint32Range(0, uint32(count-1)).Draw(t, "x"), rapid.Uint32Range(0, uint32(count-1)).Draw(t, "y")
			e := edge{min(x, y), max(x, y), float32(rapid.IntRange(-8, 14).Draw(t, "weight"))}
			if x != y && !slices.ContainsFunc(edges, func(f edge) bool { return compareEdges(e, f) == 0 }) {
				edges = append(edges, e)
			}
		}
		c := constraints{nodes: n, most: 8, unique: []int{0}, least: 0, apart: map[uint32][]uint32{0: {1}, 1: {0}}}

		sorted := slices.SortedFunc(slices.Values(edges), compareEdges)
		all := make([]uint32, count)
		for x := range all {
			all[x] = uint32(x)
		}
		one := linker{c: c}
		one.start(all)
		one.run(sorted)
		want := make([]uint32, count)
		for x, g := range one.of {
			want[x] = uint32(g)
		}

		got := slices.Clone(all)
		parts := newComponents(newUnions(count), [][]edge{slices.Clone(edges)}, c.least)
		many := linker{c: c}
		for i := range parts.len() {
			list, within := parts.of(i)
			slices.SortFunc(within, compareEdges)
			many.start(list)
			many.run(within)
			for k, x := range list {
				got[x] = list[many.of[k]]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the least node of each node's cluster:\n%s", diff)
		}
		if total := len(parts.edges) + len(parts.other); total != len(edges) {
			t.Errorf("%d of %d edges were kept", total, len(edges))
		}
	})
}

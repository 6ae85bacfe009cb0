package memstore

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestATreeIsAnOrderedMapWhoseOldVersionsStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := tree[int, int]{compare: cmp.Compare[int]}
		model := map[int]int{}
		type version struct {
			tree  tree[int, int]
			model map[int]int
		}
		var versions []version
		for i := range rapid.IntRange(0, 200).Draw(t, "steps") {
			k := rapid.IntRange(0, 60).Draw(t, "key")
			if rapid.Bool().Draw(t, "set") {
				tr = tr.set(k, i)
				model[k] = i
			} else {
				tr = tr.remove(k)
				delete(model, k)
			}
			if i%20 == 0 {
				versions = append(versions, version{tr, maps.Clone(model)})
			}
		}
		for _, v := range append(versions, version{tr, model}) {
			if diff := gocmp.Diff(v.model, maps.Collect(v.tree.all())); diff != "" {
				t.Fatalf("contents (-want +got):\n%s", diff)
			}
			want := slices.Sorted(maps.Keys(v.model))
			var got []int
			for k := range v.tree.all() {
				got = append(got, k)
			}
			if !slices.Equal(want, got) {
				t.Fatalf("order: want %v, got %v", want, got)
			}
			at := rapid.IntRange(-1, 61).Draw(t, "from")
			i, _ := slices.BinarySearch(want, at)
			got = nil
			for k := range v.tree.from(at) {
				got = append(got, k)
			}
			if !slices.Equal(want[i:], got) {
				t.Fatalf("from %d: want %v, got %v", at, want[i:], got)
			}
			checkBalance(t, v.tree.root)
		}
	})
}

func checkBalance(t *rapid.T, n *node[int, int]) {
	if n == nil {
		return
	}
	l, r := n.left.depth(), n.right.depth()
	if l-r > 1 || r-l > 1 || n.height != 1+max(l, r) {
		t.Fatalf("node %d: depths %d and %d, height %d", n.key, l, r, n.height)
	}
	checkBalance(t, n.left)
	checkBalance(t, n.right)
}

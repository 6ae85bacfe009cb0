package match

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEntriesAreSortedByValueThenNode(t *testing.T) {
	const nodes, width = 40_000, 5
	random := rand.New(rand.NewPCG(1, 2))
	slots := make([]uint32, nodes*width)
	var want [blockParts][]uint64
	for i := range slots {
		if random.IntN(4) > 0 {
			slots[i] = random.Uint32()>>uint(random.IntN(20)) | 1
		}
		if k := i % width; slots[i] != 0 && (k == 1 || k == 2) {
			part := slots[i] >> 28
			want[part] = append(want[part], uint64(slots[i])<<32|uint64(i/width))
		}
	}
	for i := range want {
		slices.Sort(want[i])
		want[i] = slices.Compact(want[i])
	}
	var s sorter
	for range 2 { // the second time with what the first left
		got, err := s.sort(t.Context(), slots, width, 1, 3)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

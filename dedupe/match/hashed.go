package match

import (
	"cmp"
	"slices"
)

// keyed is a row and a hash of something it has.
type keyed struct {
	hash uint64
	row  uint32
}

// hashed returns rows 0 to n-1 in the order of their hashes, and of compare where these are equal. It works on all cores.
func hashed(n int, hash func(row int) uint64, compare func(a, b uint32) int) []keyed {
	const chunk = 1 << 14
	all := make([]keyed, n)
	parts := (n + chunk - 1) / chunk
	toEnd(parts, func(part int) {
		for r := part * chunk; r < min((part+1)*chunk, n); r++ {
			all[r] = keyed{hash(r), uint32(r)}
		}
	})
	// By the first byte, and then what has the same.
	const shift = 56
	var first [257]int
	for _, k := range all {
		first[k.hash>>shift+1]++
	}
	for i := range 256 {
		first[i+1] += first[i]
	}
	out := make([]keyed, n)
	at := slices.Clone(first[:])
	for _, k := range all {
		to := &at[k.hash>>shift]
		out[*to] = k
		*to++
	}
	toEnd(256, func(b int) {
		slices.SortFunc(out[first[b]:first[b+1]], func(a, b keyed) int {
			return cmp.Or(cmp.Compare(a.hash, b.hash), compare(a.row, b.row))
		})
	})
	return out
}

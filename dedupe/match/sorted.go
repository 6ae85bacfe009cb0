package match

import (
	"context"
	"slices"
	"sync"
)

// sorter sorts, for one blocking key after the other, entries of a value in the upper and a node in the lower half. It keeps its memory from key to
// key.
type sorter struct {
	entries []uint64
	spares  sync.Pool // of memory for one part
}

// sortChunks is into how many parts nodes are divided while entries are gathered. What is gathered does not depend on it.
const sortChunks = 16

// sort gathers the values in some slots of all nodes, and returns them sorted, each entry once, in parts by the upper bits of the values. Nodes have width
// slots each, of which those numbered first and up to end are meant.
func (s *sorter) sort(ctx context.Context, slots []uint32, width, first, end int) (parts [blockParts][]uint64, err error) {
	n := len(slots) / width
	chunk := (n + sortChunks - 1) / sortChunks
	var counts [sortChunks][blockParts]int
	err = parallel(ctx, sortChunks, func(c int) {
		count := &counts[c]
		for i := min(c*chunk, n); i < min((c+1)*chunk, n); i++ {
			for _, h := range slots[i*width+first : i*width+end] {
				if h != 0 {
					count[h>>28]++
				}
			}
		}
	})
	if err != nil {
		return parts, err
	}
	total := 0
	var starts [blockParts + 1]int
	for p := range blockParts {
		starts[p] = total
		for c := range sortChunks {
			counts[c][p], total = total, total+counts[c][p]
		}
	}
	starts[blockParts] = total
	if cap(s.entries) < total {
		s.entries = make([]uint64, total)
	}
	s.entries = s.entries[:total]
	err = parallel(ctx, sortChunks, func(c int) {
		at := &counts[c]
		for i := min(c*chunk, n); i < min((c+1)*chunk, n); i++ {
			for _, h := range slots[i*width+first : i*width+end] {
				if h != 0 {
					s.entries[at[h>>28]] = uint64(h)<<32 | uint64(i)
					at[h>>28]++
				}
			}
		}
	})
	if err != nil {
		return parts, err
	}
	err = parallel(ctx, blockParts, func(p int) {
		spare, _ := s.spares.Get().(*[]uint64)
		if spare == nil {
			spare = new([]uint64)
		}
		list := s.entries[starts[p]:starts[p+1]]
		*spare = slices.Grow((*spare)[:0], len(list))[:len(list)]
		sortByValue(list, *spare)
		s.spares.Put(spare)
		parts[p] = slices.Compact(list)
	})
	return parts, err
}

// sortByValue sorts entries that are in the order of their nodes by the lower 28 bits of their values, with spare to work in.
func sortByValue(list, spare []uint64) {
	if len(list) < 1<<10 {
		slices.Sort(list)
		return
	}
	const bits = 7 // an even number of rounds, so that the last one ends in list
	for shift := uint(32); shift < 60; shift += bits {
		var at [1 << bits]int
		for _, e := range list {
			at[e>>shift&(1<<bits-1)]++
		}
		total := 0
		for i, n := range at {
			at[i], total = total, total+n
		}
		for _, e := range list {
			to := &at[e>>shift&(1<<bits-1)]
			spare[*to] = e
			*to++
		}
		list, spare = spare, list
	}
}

package match

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// blocking is the chosen way to find candidates among the nodes of one table.
type blocking struct {
	nodes  *nodes
	keys   []blockKey
	number []int // of the keys, in spec.keys
	caps   []int // the most rows that a value of a key may have
	starts []int // first slot of each key; one more at the end
	slots  []uint32
	mode   Mode
	dead   []int // rows that lost a value of a key because too many have it
}

// keyCost is what a key costs and finds, estimated on a sample of its values.
type keyCost struct {
	number  int
	cap     int
	pairs   float64 // compared for it
	covered float64 // rows that share a value with another
	common  float64 // rows whose value too many have
}

// slotsOf is the number of values that a row may have of a key.
func slotsOf(k *blockKey) int { return maxKeyValues }

var blockCaps = []int{2000, 600, 200, 60, 20}

// costOf estimates a key. It looks at one value in sample.
func costOf(n *nodes, keys []blockKey, number, sample int, budget float64) keyCost {
	var values []uint32
	var buf []uint64
	for i := range n.len() {
		buf = keys[number].values(number, n.cols, n.row(uint32(i)), buf[:0])
		for _, h := range buf {
			if h>>32%uint64(sample) == 0 {
				values = append(values, uint32(h>>32)|1)
			}
		}
	}
	slices.Sort(values)
	sizes := map[int]int{}
	for i := 0; i < len(values); {
		j := i
		for j < len(values) && values[j] == values[i] {
			j++
		}
		sizes[j-i]++
		i = j
	}
	c := keyCost{number: number}
	for _, c.cap = range blockCaps {
		c.pairs, c.covered, c.common = 0, 0, 0
		for size, count := range sizes {
			switch {
			case size > c.cap:
				c.common += float64(size * count * sample)
			case size > 1:
				c.pairs += float64(size*(size-1)/2*count) * float64(sample)
				c.covered += float64(size * count * sample)
			}
		}
		if c.pairs <= budget {
			break
		}
	}
	return c
}

// Pairs per row that are compared at most, by all keys together and by one.
const (
	pairsPerRow       = 40
	pairsPerRowAndKey = 12
	freePairs         = 1 << 22 // but so many are always allowed
)

// chooseKeys picks the keys to block by: cheap ones first, as long as the budget lasts.
func chooseKeys(ctx context.Context, n *nodes, mode Mode) (*blocking, error) {
	keys := n.spec.keys()
	sample := max(1, n.len()/40000)
	budget := max(freePairs, float64(n.len())*pairsPerRow)
	each := max(freePairs, float64(n.len())*pairsPerRowAndKey)
	costs := make([]keyCost, len(keys))
	if err := parallel(ctx, len(keys), func(i int) { costs[i] = costOf(n, keys, i, sample, each) }); err != nil {
		return nil, err
	}
	costs = slices.DeleteFunc(costs, func(c keyCost) bool { return c.covered < 2 || c.pairs > each })
	slices.SortStableFunc(costs, func(a, b keyCost) int {
		// Keys that lose few rows to over-common values first, then the cheap ones.
		return cmp.Or(cmp.Compare(a.pairs*(1+3*a.common/float64(n.len())), b.pairs*(1+3*b.common/float64(n.len()))), cmp.Compare(a.number, b.number))
	})
	b := &blocking{nodes: n, mode: mode}
	most := maxKeys
	if n.len() > 200_000 {
		most = 16
	}
	spent := 0.0
	for _, c := range costs {
		if len(b.keys) == most || spent+c.pairs > budget && len(b.keys) > 0 {
			break
		}
		spent += c.pairs
		b.number = append(b.number, c.number)
		b.keys = append(b.keys, keys[c.number])
		b.caps = append(b.caps, c.cap)
	}
	return b, b.fill(ctx)
}

// fill computes the slots of all nodes.
func (b *blocking) fill(ctx context.Context) error {
	b.starts = []int{0}
	for i := range b.keys {
		b.starts = append(b.starts, b.starts[i]+slotsOf(&b.keys[i]))
	}
	width := b.width()
	b.slots = make([]uint32, b.nodes.len()*width)
	const chunk = 4096
	return parallel(ctx, (b.nodes.len()+chunk-1)/chunk, func(part int) {
		var buf []uint64
		for i := part * chunk; i < min((part+1)*chunk, b.nodes.len()); i++ {
			row := b.nodes.row(uint32(i))
			slots := b.slots[i*width : (i+1)*width]
			for k := range b.keys {
				buf = b.keys[k].values(b.number[k], b.nodes.cols, row, buf[:0])
				for s, h := range buf {
					slots[b.starts[k]+s] = uint32(h>>32) | 1
				}
			}
		}
	})
}

func (b *blocking) width() int { return b.starts[len(b.starts)-1] }

// blockParts is into how many parts the values of a key are divided. It is fixed, so that the order of what is found is.
const blockParts = 16

// each calls visit for every pair of nodes that shares a key, once. Calls with the same part come one after another in an order that is always the
// same; those with different parts come concurrently. Parts are numbered from 0 to parts().
//
// Only values of one in sample are visited, so that of all pairs about one in sample is, each with the same chance.
func (b *blocking) each(ctx context.Context, sample uint32, visit func(part int, x, y uint32)) error {
	b.dead = make([]int, len(b.keys))
	width := b.width()
	for k := range b.keys {
		var entries [blockParts][]uint64
		var dead [blockParts]int
		err := parallel(ctx, blockParts, func(part int) {
			var list []uint64
			for i := 0; i < b.nodes.len(); i++ {
				for _, h := range b.slots[i*width+b.starts[k] : i*width+b.starts[k+1]] {
					if h != 0 && int(h>>28) == part {
						list = append(list, uint64(h)<<32|uint64(i))
					}
				}
			}
			slices.Sort(list)
			list = slices.Compact(list)
			for i := 0; i < len(list); {
				j := blockEnd(list, i)
				if j-i > b.caps[k] {
					dead[part] += j - i
					for _, e := range list[i:j] {
						b.kill(k, uint32(e), uint32(e>>32))
					}
				}
				i = j
			}
			entries[part] = list
		})
		if err != nil {
			return err
		}
		for _, d := range dead {
			b.dead[k] += d
		}
		err = parallel(ctx, blockParts, func(part int) {
			list := entries[part]
			for i := 0; i < len(list); {
				j := blockEnd(list, i)
				if j-i <= b.caps[k] && uint32(list[i]>>33)%sample == 0 && ctx.Err() == nil {
					b.block(k, list[i:j], func(x, y uint32) { visit(k*blockParts+part, x, y) })
				}
				i = j
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *blocking) parts() int { return len(b.keys) * blockParts }

func blockEnd(list []uint64, i int) int {
	j := i + 1
	for j < len(list) && list[j]>>32 == list[i]>>32 {
		j++
	}
	return j
}

// kill takes a value of a key off a node.
func (b *blocking) kill(k int, node, value uint32) {
	slots := b.slots[int(node)*b.width()+b.starts[k] : int(node)*b.width()+b.starts[k+1]]
	for s, h := range slots {
		if h == value {
			slots[s] = 0
		}
	}
}

// block visits the pairs of one block that no earlier key, and no smaller value of this one, has.
func (b *blocking) block(k int, list []uint64, visit func(x, y uint32)) {
	width := b.width()
	value := uint32(list[0] >> 32)
	for i, e := range list {
		x := uint32(e)
		sx := b.slots[int(x)*width : int(x)*width+b.starts[k+1]]
		for _, f := range list[i+1:] {
			y := uint32(f)
			if !allowed(b.mode, b.nodes.sources[x], b.nodes.sources[y]) {
				continue
			}
			if !b.seen(k, value, sx, b.slots[int(y)*width:int(y)*width+b.starts[k+1]]) {
				visit(x, y)
			}
		}
	}
}

// seen reports whether two nodes share an earlier key than k, or a smaller value of k.
func (b *blocking) seen(k int, value uint32, sx, sy []uint32) bool {
	for j := 0; j <= k; j++ {
		for s := b.starts[j]; s < b.starts[j+1]; s++ {
			h := sx[s]
			if h == 0 {
				continue
			}
			if j == k && h >= value {
				continue
			}
			for r := b.starts[j]; r < b.starts[j+1]; r++ {
				if sy[r] == h {
					return true
				}
			}
		}
	}
	return false
}

// shared returns the keys that two nodes have a value of in common, as bits.
func (b *blocking) shared(x, y uint32) (bits uint64) {
	width := b.width()
	sx, sy := b.slots[int(x)*width:int(x+1)*width], b.slots[int(y)*width:int(y+1)*width]
	for k := range b.keys {
		for s := b.starts[k]; s < b.starts[k+1]; s++ {
			if sx[s] != 0 && slices.Contains(sy[b.starts[k]:b.starts[k+1]], sx[s]) {
				bits |= 1 << uint(k)
				break
			}
		}
	}
	return bits
}

// allowed reports whether rows of two sources may be one.
func allowed(mode Mode, a, b uint16) bool {
	switch mode {
	case OneToOne, Across:
		return a != b
	case ManyToOne:
		return a != b && (a == 0 || b == 0)
	}
	return true
}

// parallel calls work for 0 to n-1 on all cores and returns when all calls have, or the context's error.
func parallel(ctx context.Context, n int, work func(i int)) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				work(i)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

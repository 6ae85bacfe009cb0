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
	report func(done, total int) // how many keys are done; may be nil
	all    []keyCost             // of all keys that are not too dear
	dead   []int                 // rows that lost a value of a key because too many have it
}

// keyCost is what a key costs and finds, estimated on a sample of its values.
type keyCost struct {
	number  int
	cap     int
	pairs   float64  // compared for it
	covered float64  // rows that share a value with another
	common  float64  // rows whose value too many have
	dead    []uint32 // such values, sorted
}

// slotsOf is the number of values that a row may have of a key.
func slotsOf(k *blockKey) int {
	if len(k.parts) == 1 {
		return min(k.parts[0].most, maxKeyValues)
	}
	return min(k.parts[0].most, 2) * min(k.parts[1].most, 2)
}

var blockCaps = []int{2000, 600, 200, 60, 20}

// costOf estimates a key from one row in sample. What that finds of a value stands for sample times as many rows.
func costOf(n *nodes, keys []blockKey, number, sample int, budget float64) keyCost {
	var values []uint32
	var buf []uint64
	for i := 0; i < n.len(); i += sample { // rows are in the order of their hashes, so any of them are a random sample
		buf = keys[number].values(number, n.cols, n.row(uint32(i)), buf[:0])
		for _, h := range buf {
			values = append(values, uint32(h>>32)|1)
		}
	}
	slices.Sort(values)
	sizes := map[int]int{}
	dead := func(size, most int) bool { return size*sample > max(most, 2*sample) }
	eachRun(values, func(_ uint32, size int) { sizes[size]++ })
	c := keyCost{number: number}
	scale := float64(sample)
	for _, c.cap = range blockCaps {
		c.pairs, c.covered, c.common = 0, 0, 0
		for size, count := range sizes {
			rows := float64(size * count)
			switch {
			case dead(size, c.cap):
				c.common += rows * scale
			case size > 1:
				c.pairs += float64(size*(size-1)/2*count) * scale * scale
				c.covered += rows * scale
			}
		}
		if c.pairs <= budget {
			break
		}
	}
	eachRun(values, func(v uint32, size int) {
		if dead(size, c.cap) {
			c.dead = append(c.dead, v)
		}
	})
	return c
}

// eachRun calls f with each value of a sorted list, and how often it is there.
func eachRun(values []uint32, f func(v uint32, size int)) {
	for i := 0; i < len(values); {
		j := i
		for j < len(values) && values[j] == values[i] {
			j++
		}
		f(values[i], j-i)
		i = j
	}
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
	sample := max(1, n.len()/40_000)
	budget := max(freePairs, float64(n.len())*pairsPerRow)
	each := max(freePairs, float64(n.len())*pairsPerRowAndKey)
	costs := make([]keyCost, len(keys))
	if err := parallel(ctx, len(keys), func(i int) { costs[i] = costOf(n, keys, i, sample, each) }); err != nil {
		return nil, err
	}
	costs = slices.DeleteFunc(costs, func(c keyCost) bool { return c.covered < 2 || c.pairs > each })
	slices.SortStableFunc(costs, func(a, b keyCost) int {
		// Keys of one part first, as one mistake less makes them miss a pair; of those with two the cheap ones.
		return cmp.Or(cmp.Compare(len(keys[a.number].parts), len(keys[b.number].parts)),
			cmp.Compare(a.pairs*(1+3*a.common/float64(n.len())), b.pairs*(1+3*b.common/float64(n.len()))), cmp.Compare(a.number, b.number))
	})
	b := &blocking{nodes: n, mode: mode, all: costs}
	most := triedKeys
	if n.len() > 200_000 {
		most = maxKeys
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

// choose picks of all keys those that find nearly all of some true pairs for the least comparisons. Of these it leaves out again, the dearest first, what
// finds too little that the others do not, see leastWorth. It returns how many of the pairs are found.
func (b *blocking) choose(pairs []nodePair) (found int) {
	finds := make([][]int, len(b.all))
	keys := b.nodes.spec.keys()
	toEnd(len(b.all), func(i int) { finds[i] = b.all[i].finds(keys, b.nodes, pairs) })
	times := make([]int, len(pairs))      // that a pair is found
	count := func(i, found int) (n int) { // of those that are found so many times
		for _, p := range finds[i] {
			if times[p] == found {
				n++
			}
		}
		return n
	}
	add := func(i, n int) {
		for _, p := range finds[i] {
			times[p] += n
		}
	}
	var chosen []int
	spent := 0.0
	for len(chosen) < maxKeys && found*10_000 < len(pairs)*9_999 {
		best, most, gain := -1, 0.0, 0
		for i := range b.all {
			n := count(i, 0)
			if worth := float64(n) / (b.all[i].pairs + float64(b.nodes.len())); worth > most {
				best, most, gain = i, worth, n
			}
		}
		if best < 0 {
			break
		}
		add(best, 1)
		chosen, found, spent = append(chosen, best), found+gain, spent+b.all[best].pairs
	}
	if len(chosen) == 0 {
		return len(pairs)
	}
	slices.SortFunc(chosen, func(i, j int) int { return cmp.Or(cmp.Compare(b.all[j].pairs, b.all[i].pairs), cmp.Compare(i, j)) })
	chosen = slices.DeleteFunc(chosen, func(i int) bool {
		n := count(i, 1)
		if spent <= freePairs || (float64(n)+unseenShare)/float64(len(pairs)) >= leastWorth*b.all[i].pairs/spent {
			return false
		}
		add(i, -1)
		found, spent = found-n, spent-b.all[i].pairs
		return true
	})
	slices.Sort(chosen)
	b.keys, b.number, b.caps, b.slots = nil, nil, nil, nil
	for _, i := range chosen {
		c := &b.all[i]
		b.keys, b.number = append(b.keys, keys[c.number]), append(b.number, c.number)
		b.caps = append(b.caps, c.cap)
	}
	return found
}

// leastWorth is what a key must find that no other does, as a share of the true pairs, for its share of all comparisons, where these are more than
// freePairs: for a tenth of the comparisons one true pair in a thousand.
const leastWorth = 0.01

// finds returns which of some pairs share a value of the key that not too many rows have.
func (c *keyCost) finds(keys []blockKey, n *nodes, pairs []nodePair) (found []int) {
	var x, y []uint64
	for i, p := range pairs {
		x, y = keys[c.number].values(c.number, n.cols, n.row(p.x), x[:0]), keys[c.number].values(c.number, n.cols, n.row(p.y), y[:0])
		if slices.ContainsFunc(x, func(h uint64) bool {
			_, dead := slices.BinarySearch(c.dead, keyValue(h))
			return !dead && slices.ContainsFunc(y, func(g uint64) bool { return keyValue(g) == keyValue(h) })
		}) {
			found = append(found, i)
		}
	}
	return found
}

// fill computes the slots of all nodes.
func (b *blocking) fill(ctx context.Context) error {
	b.starts = []int{0}
	for i := range b.keys {
		b.starts = append(b.starts, b.starts[i]+slotsOf(&b.keys[i]))
	}
	b.slots = make([]uint32, b.nodes.len()*b.width())
	for k := range b.keys {
		if err := b.fillKey(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// fillKey computes the slots of one key. What its parts take is found out once for each value of a column, in the order in which these lie in memory.
func (b *blocking) fillKey(ctx context.Context, k int) error {
	key := &b.keys[k]
	var parts [2]takenPart
	for i := range key.parts {
		var err error
		if parts[i], err = b.take(ctx, &key.parts[i]); err != nil {
			return err
		}
	}
	width := b.width()
	return parallel(ctx, chunksOf(b.nodes.len()), func(part int) {
		var first, second, values [2 * maxTaken]uint64
		for i := part * nodesAtATime; i < min((part+1)*nodesAtATime, b.nodes.len()); i++ {
			row := b.nodes.row(uint32(i))
			one, two := parts[0].of(b.nodes.cols, row, first[:0]), []uint64(nil)
			if len(key.parts) > 1 && len(one) > 0 {
				two = parts[1].of(b.nodes.cols, row, second[:0])
			}
			slots := b.slots[i*width+b.starts[k] : i*width+b.starts[k+1]]
			for s, h := range key.put(b.number[k], one, two, values[:0]) {
				slots[s] = uint32(h>>32) | 1
			}
		}
	})
}

const nodesAtATime = 4096

func chunksOf(n int) int { return (n + nodesAtATime - 1) / nodesAtATime }

// takenPart holds what a part of a key takes of each value of its column, 0 where that is less than most.
type takenPart struct {
	part   *keyPart
	hashes []uint64 // nil if the part is made of several columns
}

func (b *blocking) take(ctx context.Context, p *keyPart) (takenPart, error) {
	t := takenPart{part: p}
	if p.col < 0 {
		return t, nil
	}
	n := len(b.nodes.cols[p.col].values)
	t.hashes = make([]uint64, n*p.most)
	return t, parallel(ctx, chunksOf(n), func(part int) {
		row := make([]uint32, len(b.nodes.cols))
		for id := part * nodesAtATime; id < min((part+1)*nodesAtATime, n); id++ {
			row[p.col] = uint32(id)
			p.take(b.nodes.cols, row, t.hashes[id*p.most:id*p.most:(id+1)*p.most])
		}
	})
}

// of is what the part takes of a row.
func (t *takenPart) of(cols []*column, row []uint32, out []uint64) []uint64 {
	if t.hashes == nil {
		return t.part.take(cols, row, out)
	}
	at := int(row[t.part.col]) * t.part.most
	all := t.hashes[at : at+t.part.most]
	for n, h := range all {
		if h == 0 {
			return all[:n]
		}
	}
	return all
}

func (b *blocking) width() int { return b.starts[len(b.starts)-1] }

// blockParts is into how many parts the values of a key are divided. It is fixed, so that the order of what is found is.
const blockParts = 16

// visitor is what is done with the pairs of nodes that share a key.
type visitor struct {
	// begin returns what is called for the pairs of a part, some at a time. Parts are numbered from 0 to blocking.parts(). The pairs of one come one
	// after another in an order that is always the same, those of different ones concurrently.
	begin func(part int) (visit func(pairs []nodePair))
	skip  func(key int) bool  // whether the pairs of a key need not be visited; may be nil
	done  func(key int) error // called when those of a key were visited; may be nil
}

// nodePair is two nodes, in no order.
type nodePair struct{ x, y uint32 }

// pairsAtATime are visited together, so that what is read of them is waited for together.
const pairsAtATime = 128

// each visits every pair of nodes that shares a key once.
//
// Only values of one in sample are visited, so that of all pairs about one in sample is, each with the same chance.
func (b *blocking) each(ctx context.Context, sample uint32, v visitor) error {
	b.dead = make([]int, len(b.keys))
	var sorts sorter
	for k := range b.keys {
		entries, err := sorts.sort(ctx, b.slots, b.width(), b.starts[k], b.starts[k+1])
		if err != nil {
			return err
		}
		for _, list := range entries {
			for i := 0; i < len(list); {
				j := blockEnd(list, i)
				if j-i > b.caps[k] {
					b.dead[k] += j - i
					for _, e := range list[i:j] {
						b.kill(k, uint32(e), uint32(e>>32))
					}
				}
				i = j
			}
		}
		if v.skip == nil || !v.skip(k) {
			err = parallel(ctx, blockParts, func(part int) {
				list := entries[part]
				visit := v.begin(k*blockParts + part)
				pairs := make([]nodePair, 0, pairsAtATime)
				for i := 0; i < len(list); {
					j := blockEnd(list, i)
					if j-i > 1 && j-i <= b.caps[k] && uint32(list[i]>>33)%sample == 0 && ctx.Err() == nil {
						pairs = b.block(k, list[i:j], pairs, visit)
					}
					i = j
				}
				visit(pairs)
			})
			if err != nil {
				return err
			}
			if v.done != nil {
				if err := v.done(k); err != nil {
					return err
				}
			}
		}
		if b.report != nil {
			b.report(k+1, len(b.keys))
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

// block visits the pairs of one block that no earlier key, and no smaller value of this one, has, and returns those that are to be visited with others.
func (b *blocking) block(k int, list []uint64, pairs []nodePair, visit func([]nodePair)) []nodePair {
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
				if pairs = append(pairs, nodePair{x, y}); len(pairs) == pairsAtATime {
					visit(pairs)
					pairs = pairs[:0]
				}
			}
		}
	}
	return pairs
}

// seen reports whether two nodes share an earlier key than k, or a smaller value of k.
func (b *blocking) seen(k int, value uint32, sx, sy []uint32) bool {
	for j := 0; j <= k; j++ {
		from := b.starts[j]
		if h := sx[from]; h == sy[from] && h != 0 && (j < k || h < value) { // as nearly all that share one do, and most keys have one
			return true
		}
		if b.starts[j+1] == from+1 {
			continue
		}
		for s := from; s < b.starts[j+1]; s++ {
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
	spread(n, func(i int) bool {
		if ctx.Err() != nil {
			return false
		}
		work(i)
		return true
	})
	return ctx.Err()
}

// spread calls work for 0 to n-1 on all cores, until one call returns false, and returns when all calls have.
func spread(n int, work func(i int) (more bool)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || !work(i) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// toEnd calls work for 0 to n-1 on all cores, where nothing can break it off.
func toEnd(n int, work func(i int)) {
	spread(n, func(i int) bool {
		work(i)
		return true
	})
}

package match

import (
	"math"
	"slices"
)

// weigher weighs pairs of rows for one goroutine. Comparing by words costs the most and meets the same two values again and again, so it remembers
// what pairs of values came to.
type weigher struct {
	m       *Model
	cols    []*column
	v       vector
	known   []knownPair // by comparer with a memo, and hash
	names   knownNames
	certain uint32 // values below this number change; they are not remembered

	row   []uint32 // see from
	gains gains
	ahead toucher
	left  []weighedNode // see weighAll
	open  []uint32
}

// knownPair is what a comparer says of two values, the smaller number first.
type knownPair struct {
	x, y  uint32
	freq  float32
	level uint8
}

// knownPairs is how many pairs of values are remembered of one comparer: a power of two.
const knownPairs = 1 << 12

func (m *Model) weigher(cols []*column) *weigher {
	w := &weigher{m: m, cols: cols, certain: 1, ahead: toucher{cols: cols}}
	w.v.names = &w.names
	return w
}

// forget is for when values get other numbers.
func (w *weigher) forget() {
	clear(w.known)
	clear(w.names.known[:])
}

// weight returns the weight of two rows of cells.
func (w *weigher) weight(a, b []uint32) float64 {
	w.from(a)
	weight, _ := w.weightFrom(b, math.Inf(-1))
	return weight
}

// from sets the row that others are weighed with.
func (w *weigher) from(row []uint32) {
	w.row = row
	w.m.scale.gains(w.cols, row, &w.gains)
}

// weightFrom returns the weight of another row and that of from, if it is as much as least or more. Most pairs weigh far less, which is often plain
// before values were read: what is not known yet is taken for the most that it can be.
func (w *weigher) weightFrom(row []uint32, least float64) (weight float64, ok bool) {
	s, v := w.m.spec, &w.v
	s.glance(w.cols, w.row, row, v)
	weight = w.m.scale.weight(v, &w.gains)
	for _, i := range s.reading {
		if weight < least-slack {
			return 0, false
		}
		if c := &s.comparers[i]; c.open(v) {
			w.read(c, row, v)
			weight = w.m.scale.weight(v, &w.gains)
		}
	}
	return weight, weight >= least
}

// slack is more than sums of the same weights differ by in another order.
const slack = 1e-9

// weighedNode is a node that weighs as much as that at most.
type weighedNode struct {
	node   uint32
	weight float64
	v      vector
}

// weighAll returns those nodes that weigh as much as least or more with the row of from, in their order, as weightFrom does one by one. What is read of
// them next is touched for all of them first. It is for use until the next call.
func (w *weigher) weighAll(cells, nodes []uint32, least float64) []weighedNode {
	s, width := w.m.spec, len(w.cols)
	w.ahead.row(w.row, cells, nodes)
	w.left = w.left[:0]
	for _, node := range nodes {
		s.glance(w.cols, w.row, cells[int(node)*width:int(node+1)*width], &w.v)
		if weight := w.m.scale.weight(&w.v, &w.gains); weight >= least-slack {
			w.left = append(w.left, weighedNode{node, weight, w.v})
		}
	}
	for _, i := range s.reading {
		c := &s.comparers[i]
		w.open = w.open[:0]
		for k := range w.left {
			if c.open(&w.left[k].v) {
				w.open = append(w.open, w.left[k].node)
			}
		}
		if len(w.open) == 0 {
			continue
		}
		for _, col := range c.columns {
			w.ahead.values(col, cells, w.open)
		}
		left := w.left[:0]
		for k := range w.left {
			at := &w.left[k]
			if c.open(&at.v) {
				w.read(c, cells[int(at.node)*width:int(at.node+1)*width], &at.v)
				at.weight = w.m.scale.weight(&at.v, &w.gains)
			}
			if at.weight >= least-slack {
				left = append(left, *at)
			}
		}
		w.left = left
	}
	w.left = slices.DeleteFunc(w.left, func(at weighedNode) bool { return at.weight < least })
	return w.left
}

// read compares what a glance left open, or remembers what it came to.
func (w *weigher) read(c *comparer, row []uint32, v *vector) {
	if c.memo == 0 {
		c.read(w.cols, w.row, row, v)
		return
	}
	x, y := w.row[c.columns[0]], row[c.columns[0]]
	if x > y {
		x, y = y, x
	}
	if x < w.certain {
		c.read(w.cols, w.row, row, v)
		return
	}
	if w.known == nil { // not before it is needed: an index has many that are seldom used
		w.known = make([]knownPair, w.m.spec.memos*knownPairs)
	}
	at := &w.known[(c.memo-1)*knownPairs+int(mix64(uint64(x)<<32|uint64(y))%knownPairs)]
	if at.x == x && at.y == y {
		v.level[c.first], v.freq[c.first] = at.level, at.freq
		return
	}
	c.read(w.cols, w.row, row, v)
	*at = knownPair{x, y, v.freq[c.first], v.level[c.first]}
}

// toucher reads what comparing some rows begins with, all of one kind after the other: so the processor waits for many of them at once, and not for
// each when its turn comes. Of a million records nearly all are in no cache. Values that are missing or equal are compared without it.
type toucher struct {
	cols []*column
	seen uint64 // of no use, but that what is touched must be read
}

// pairs touches what some pairs of nodes are compared by.
func (t *toucher) pairs(cells []uint32, pairs []nodePair) {
	width := len(t.cols)
	seen := uint64(0)
	for _, p := range pairs {
		seen ^= uint64(cells[int(p.x)*width] ^ cells[(int(p.x)+1)*width-1] ^ cells[int(p.y)*width] ^ cells[(int(p.y)+1)*width-1])
	}
	for at, c := range t.cols {
		for _, p := range pairs {
			if x, y := cells[int(p.x)*width+at], cells[int(p.y)*width+at]; x != y && x != 0 && y != 0 {
				seen ^= c.touch(x) ^ c.touch(y)
			}
		}
	}
	t.seen = seen
}

// row touches what a row is compared with some nodes by.
func (t *toucher) row(row, cells, nodes []uint32) {
	width := len(t.cols)
	seen := uint64(0)
	for _, node := range nodes {
		seen ^= uint64(cells[int(node)*width] ^ cells[(int(node)+1)*width-1])
	}
	for at, c := range t.cols {
		own := row[at]
		if own == 0 {
			continue
		}
		for _, node := range nodes {
			if id := cells[int(node)*width+at]; id != own && id != 0 {
				seen ^= c.touch(id)
			}
		}
	}
	t.seen = seen
}

// values touches what is read of the values of some nodes in a column, and then what that leads to.
func (t *toucher) values(col int, cells, nodes []uint32) {
	width, c := len(t.cols), t.cols[col]
	seen := uint64(0)
	if c.words {
		for _, node := range nodes {
			seen ^= uint64(c.wordAt[cells[int(node)*width+col]])
		}
		for _, node := range nodes {
			for _, w := range c.wordsOf(cells[int(node)*width+col]) {
				seen ^= uint64(c.wordOutlines[w].once)
			}
		}
	} else {
		for _, node := range nodes {
			seen ^= uint64(len(c.values[cells[int(node)*width+col]]))
		}
		for _, node := range nodes {
			if v := c.values[cells[int(node)*width+col]]; v != "" {
				seen ^= uint64(v[0])
			}
		}
	}
	t.seen = seen
}

// touch returns something of what comparing a value reads first.
func (c *column) touch(id uint32) uint64 { return uint64(c.outlines[id].once) }

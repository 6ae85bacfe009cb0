package match

// weigher weighs pairs of rows for one goroutine. Comparing by words costs the most and meets the same two values again and again, so it remembers
// what pairs of values came to.
type weigher struct {
	m       *Model
	cols    []*column
	v       vector
	known   []knownPair // by comparer that is remembered, and hash
	names   knownNames
	certain uint32 // values below this number change; they are not remembered
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
	w := &weigher{m: m, cols: cols, certain: 1}
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
	s := w.m.spec
	w.v.clear()
	next := 0
	for i, compare := range s.comparers {
		if next < len(s.remembered) && s.remembered[next].comparer == i {
			w.remember(next, compare, a, b)
			next++
			continue
		}
		compare(w.cols, a, b, &w.v)
	}
	return w.m.scale.weight(&w.v)
}

// remember compares by a comparer that looks at one column.
func (w *weigher) remember(number int, compare comparer, a, b []uint32) {
	r := w.m.spec.remembered[number]
	x, y := a[r.column], b[r.column]
	if x > y {
		x, y = y, x
	}
	if x < w.certain || x == y {
		compare(w.cols, a, b, &w.v)
		return
	}
	if w.known == nil { // not before it is needed: an index has many that are seldom used
		w.known = make([]knownPair, len(w.m.spec.remembered)*knownPairs)
	}
	at := &w.known[number*knownPairs+int(mix64(uint64(x)<<32|uint64(y))%knownPairs)]
	if at.x == x && at.y == y {
		w.v.level[r.comparison], w.v.freq[r.comparison] = at.level, at.freq
		return
	}
	compare(w.cols, a, b, &w.v)
	*at = knownPair{x, y, w.v.freq[r.comparison], w.v.level[r.comparison]}
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

// touch returns something of what comparing a value reads first.
func (c *column) touch(id uint32) uint64 {
	seen := uint64(c.outlines[id].once)
	if c.words {
		seen ^= c.marks[id]
	}
	return seen
}

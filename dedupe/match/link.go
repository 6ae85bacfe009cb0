package match

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
)

// Linkage: what a pair counts when the mean over all pairs of two clusters decides whether they are joined. Clipping keeps one certain pair from
// outweighing many doubtful ones.
var (
	clipLow  = -4.0
	clipHigh = 12.0
	joinMean = -2.0
)

// constraints are what clusters must not have together.
type constraints struct {
	least  float32 // weight that the best pair of two groups must have
	most   int
	unique []int // columns
	single bool  // one row of each source
	free   bool  // but as many as there are of all sources but the first
	apart  map[uint32][]uint32
	nodes  *nodes
}

// group is a cluster while it grows.
type group struct {
	members []uint32
	size    int
	links   map[int32]link // to other groups, by number
	unique  []uint32
	holds   []uint16 // sources
	version int32
}

type link struct {
	sum   float64 // of clipped weights of the pairs that have one
	raw   float64 // of weights
	count int32   // such pairs
	best  float32
}

// mean of the weights of all pairs of two groups; those that have none, as they are too far apart or were never compared, count as clipped.
func (l link) mean(a, b *group) float64 {
	pairs := float64(len(a.members)) * float64(len(b.members))
	return (l.sum + (pairs-float64(l.count))*clipLow) / pairs
}

// Split is a pair of clusters that one or more pairs of rows would have joined.
type Split struct {
	A      string  `json:"a"` // a row of each
	B      string  `json:"b"`
	Reason string  `json:"reason"`
	Links  int     `json:"links"` // pairs of distinct rows that speak for joining
	Weight float64 `json:"weight"`
}

// The reasons for a split.
const (
	SplitAverage = "the rows do not fit together on average"
	SplitSize    = "the cluster would be too large"
	SplitUnique  = "a unique field differs"
	SplitHuman   = "somebody said that they differ"
	SplitSource  = "each source has a row once"
)

// linker joins groups, the best pair first, as long as the mean speaks for it.
type linker struct {
	c      constraints
	groups []*group
	queue  queue
	of     []int32
}

type candidate struct {
	mean   float64
	raw    float64 // of the weights as they are
	a, b   int32
	va, vb int32
}

type queue []candidate

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[j].mean, q[i].mean), cmp.Compare(q[j].raw, q[i].raw), cmp.Compare(q[i].a, q[j].a), cmp.Compare(q[i].b, q[j].b)) < 0
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(candidate)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

func newLinker(c constraints) *linker {
	l := &linker{c: c, of: make([]int32, c.nodes.len())}
	for i := range c.nodes.len() {
		x := uint32(i)
		g := &group{members: []uint32{x}, size: c.nodes.size(x)}
		row := c.nodes.row(x)
		for _, col := range c.unique {
			g.unique = append(g.unique, row[col])
		}
		if c.single {
			g.holds = []uint16{c.nodes.sources[x]}
		}
		l.groups = append(l.groups, g)
		l.of[i] = int32(i)
	}
	return l
}

// refuses returns why two groups cannot be one, "" if they can.
func (l *linker) refuses(a, b *group) string {
	for _, pair := range [][2]*group{{a, b}, {b, a}} {
		for _, x := range pair[0].members {
			for _, y := range l.c.apart[x] {
				if slices.Contains(pair[1].members, y) {
					return SplitHuman
				}
			}
		}
	}
	for i, v := range a.unique {
		if w := b.unique[i]; v != 0 && w != 0 && v != w {
			return SplitUnique
		}
	}
	for _, s := range a.holds {
		if slices.Contains(b.holds, s) && !(l.c.free && s != 0) {
			return SplitSource
		}
	}
	if a.size+b.size > l.c.most {
		return SplitSize
	}
	return ""
}

// unite joins the groups of two nodes whatever speaks against it.
func (l *linker) unite(x, y uint32) {
	if a, b := l.of[x], l.of[y]; a != b {
		l.join(min(a, b), max(a, b))
	}
}

// run joins what edges and constraints allow.
func (l *linker) run(edges []edge) {
	for _, e := range edges {
		a, b := l.of[e.x], l.of[e.y]
		if a == b {
			continue
		}
		w := min(max(float64(e.weight), clipLow), clipHigh)
		l.addLink(a, b, link{w, float64(e.weight), 1, e.weight})
	}
	for i, g := range l.groups {
		if g == nil { // part of another one, as was said
			continue
		}
		for j := range g.links {
			if int32(i) < j {
				l.push(int32(i), j)
			}
		}
	}
	heap.Init(&l.queue)
	for len(l.queue) > 0 {
		c := heap.Pop(&l.queue).(candidate)
		a, b := l.groups[c.a], l.groups[c.b]
		if a == nil || b == nil || a.version != c.va || b.version != c.vb {
			continue
		}
		if l.refuses(a, b) == "" {
			l.join(c.a, c.b)
		}
	}
}

func (l *linker) addLink(a, b int32, n link) {
	for _, p := range [][2]int32{{a, b}, {b, a}} {
		g := l.groups[p[0]]
		if g.links == nil {
			g.links = map[int32]link{}
		}
		old, ok := g.links[p[1]]
		if ok {
			n2 := link{old.sum + n.sum, old.raw + n.raw, old.count + n.count, max(old.best, n.best)}
			g.links[p[1]] = n2
		} else {
			g.links[p[1]] = n
		}
	}
}

func (l *linker) push(a, b int32) {
	ga, gb := l.groups[a], l.groups[b]
	if mean := ga.links[b].mean(ga, gb); mean >= joinMean && ga.links[b].best >= l.c.least {
		l.queue = append(l.queue, candidate{mean, ga.links[b].raw, a, b, ga.version, gb.version})
	}
}

// join puts b into a; the smaller number stays.
func (l *linker) join(a, b int32) {
	ga, gb := l.groups[a], l.groups[b]
	for _, x := range gb.members {
		l.of[x] = a
	}
	ga.members = append(ga.members, gb.members...)
	ga.size += gb.size
	ga.holds = append(ga.holds, gb.holds...)
	for i, v := range gb.unique {
		if ga.unique[i] == 0 {
			ga.unique[i] = v
		}
	}
	ga.version++
	l.groups[b] = nil
	delete(ga.links, b)
	for other, n := range gb.links {
		if other == a {
			continue
		}
		delete(l.groups[other].links, b)
		l.addLink(a, other, n)
	}
	gb.links = nil
	for other := range ga.links {
		x, y := min(a, other), max(a, other)
		gx, gy := l.groups[x], l.groups[y]
		if mean := gx.links[y].mean(gx, gy); mean >= joinMean && gx.links[y].best >= l.c.least {
			heap.Push(&l.queue, candidate{mean, gx.links[y].raw, x, y, gx.version, gy.version})
		}
	}
}

// splits lists the pairs of groups that some pair of rows from the threshold up would have joined, the weightiest first.
func (l *linker) splits(edges []edge, threshold float64, id func(node uint32) string) []Split {
	type pair struct{ a, b int32 }
	found := map[pair]*Split{}
	for _, e := range edges {
		a, b := l.of[e.x], l.of[e.y]
		if a == b || float64(e.weight) < threshold {
			continue
		}
		p := pair{min(a, b), max(a, b)}
		s := found[p]
		if s == nil {
			reason := l.refuses(l.groups[a], l.groups[b])
			if reason == "" {
				reason = SplitAverage
			}
			s = &Split{A: id(e.x), B: id(e.y), Reason: reason, Weight: math.Inf(-1)}
			found[p] = s
		}
		s.Links++
		if float64(e.weight) > s.Weight {
			s.A, s.B, s.Weight = id(e.x), id(e.y), float64(e.weight)
		}
	}
	out := make([]Split, 0, len(found))
	for _, s := range found {
		if s.A > s.B {
			s.A, s.B = s.B, s.A
		}
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Split) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
	})
	return out
}

package match

import (
	"cmp"
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

// group is a cluster while it grows; one that became part of another has no members.
type group struct {
	members []uint32
	size    int
	links   []link // to other groups, in the order of their numbers
	unique  []uint32
	holds   []uint16 // sources
	version int32
}

type link struct {
	to    int32
	count int32   // pairs that have a weight
	sum   float64 // of their clipped weights
	raw   float64 // of weights
	best  float32
}

// place returns where the link to a group is, or would be.
func (g *group) place(to int32) (int, bool) {
	if n := len(g.links); n == 0 || g.links[n-1].to < to {
		return n, false
	}
	return slices.BinarySearchFunc(g.links, to, func(l link, to int32) int { return cmp.Compare(l.to, to) })
}

// add adds to what links a group with another.
func (g *group) add(n link) {
	at, ok := g.place(n.to)
	if !ok {
		g.links = slices.Insert(g.links, at, n)
		return
	}
	old := &g.links[at]
	*old = link{n.to, old.count + n.count, old.sum + n.sum, old.raw + n.raw, max(old.best, n.best)}
}

func (g *group) drop(to int32) {
	if at, ok := g.place(to); ok {
		g.links = slices.Delete(g.links, at, at+1)
	}
}

// mean of the weights of all pairs of two groups; those that have none, as they are too far apart or were never compared, count as clipped.
func (l *link) mean(a, b *group) float64 {
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

// linker joins groups of some nodes, the best pair first, as long as the mean speaks for it. It can be started again and keeps its memory.
type linker struct {
	c      constraints
	nodes  []uint32 // ascending
	groups []group  // by the number of their first node
	queue  queue
	of     []int32 // the group of each node, by its number in nodes
}

type candidate struct {
	mean   float64
	raw    float64 // of the weights as they are
	a, b   int32
	va, vb int32
}

// queue is a heap of candidates, the best first.
type queue []candidate

func (q queue) before(i, j int) bool {
	return cmp.Or(cmp.Compare(q[j].mean, q[i].mean), cmp.Compare(q[j].raw, q[i].raw), cmp.Compare(q[i].a, q[j].a), cmp.Compare(q[i].b, q[j].b)) < 0
}

func (q queue) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(q) {
			return
		}
		if child+1 < len(q) && q.before(child+1, child) {
			child++
		}
		if !q.before(child, i) {
			return
		}
		q[i], q[child] = q[child], q[i]
		i = child
	}
}

func (q queue) order() {
	for i := len(q)/2 - 1; i >= 0; i-- {
		q.down(i)
	}
}

func (q *queue) push(c candidate) {
	*q = append(*q, c)
	for i := len(*q) - 1; i > 0 && q.before(i, (i-1)/2); i = (i - 1) / 2 {
		(*q)[i], (*q)[(i-1)/2] = (*q)[(i-1)/2], (*q)[i]
	}
}

func (q *queue) pop() candidate {
	first, last := (*q)[0], len(*q)-1
	(*q)[0] = (*q)[last]
	*q = (*q)[:last]
	q.down(0)
	return first
}

// start puts each of some nodes into a group of its own.
func (l *linker) start(nodes []uint32) {
	l.nodes, l.queue = nodes, l.queue[:0]
	l.of = slices.Grow(l.of[:0], len(nodes))[:len(nodes)]
	l.groups = slices.Grow(l.groups[:0], len(nodes))[:len(nodes)]
	for i, x := range nodes {
		g := &l.groups[i]
		*g = group{members: append(g.members[:0], x), size: l.c.nodes.size(x), links: g.links[:0], unique: g.unique[:0], holds: g.holds[:0]}
		row := l.c.nodes.row(x)
		for _, col := range l.c.unique {
			g.unique = append(g.unique, row[col])
		}
		if l.c.single {
			g.holds = append(g.holds, l.c.nodes.sources[x])
		}
		l.of[i] = int32(i)
	}
}

// number is that of a node among nodes.
func (l *linker) number(x uint32) int32 {
	at, _ := slices.BinarySearch(l.nodes, x)
	return int32(at)
}

// refuses returns why two groups cannot be one, "" if they can.
func (l *linker) refuses(a, b *group) string {
	for _, pair := range [][2]*group{{a, b}, {b, a}} {
		if len(l.c.apart) == 0 {
			break
		}
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
	if a, b := l.of[l.number(x)], l.of[l.number(y)]; a != b {
		l.join(min(a, b), max(a, b))
	}
}

// run joins what edges, which are in the order of their nodes, and constraints allow.
func (l *linker) run(edges []edge) {
	for _, e := range edges {
		a, b := l.of[l.number(e.x)], l.of[l.number(e.y)]
		if a == b {
			continue
		}
		w := min(max(float64(e.weight), clipLow), clipHigh)
		l.groups[a].add(link{b, 1, w, float64(e.weight), e.weight})
		l.groups[b].add(link{a, 1, w, float64(e.weight), e.weight})
	}
	for i := range l.groups {
		for k := range l.groups[i].links {
			if n := &l.groups[i].links[k]; int32(i) < n.to {
				if c, ok := l.candidate(int32(i), n); ok {
					l.queue = append(l.queue, c)
				}
			}
		}
	}
	l.queue.order()
	for len(l.queue) > 0 {
		c := l.queue.pop()
		a, b := &l.groups[c.a], &l.groups[c.b]
		if len(a.members) == 0 || len(b.members) == 0 || a.version != c.va || b.version != c.vb {
			continue
		}
		if l.refuses(a, b) == "" {
			l.join(c.a, c.b)
		}
	}
}

// candidate is a group and one that it has a link to, if they fit together.
func (l *linker) candidate(a int32, n *link) (candidate, bool) {
	b := n.to
	if a > b {
		a, b = b, a
	}
	ga, gb := &l.groups[a], &l.groups[b]
	mean := n.mean(ga, gb)
	return candidate{mean, n.raw, a, b, ga.version, gb.version}, mean >= joinMean && n.best >= l.c.least
}

// join puts b into a; the smaller number stays.
func (l *linker) join(a, b int32) {
	ga, gb := &l.groups[a], &l.groups[b]
	for _, x := range gb.members {
		l.of[l.number(x)] = a
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
	gb.members = gb.members[:0]
	ga.drop(b)
	for _, n := range gb.links {
		if n.to == a {
			continue
		}
		other := &l.groups[n.to]
		other.drop(b)
		ga.add(n)
		n.to = a
		other.add(n)
	}
	gb.links = gb.links[:0]
	for i := range ga.links {
		if c, ok := l.candidate(a, &ga.links[i]); ok {
			l.queue.push(c)
		}
	}
}

// splits lists the pairs of groups that some pair of rows from the threshold up would have joined.
func (l *linker) splits(edges []edge, threshold float64, id func(node uint32) string) []Split {
	type pair struct{ a, b int32 }
	var found map[pair]*Split
	for _, e := range edges {
		if float64(e.weight) < threshold {
			continue
		}
		a, b := l.of[l.number(e.x)], l.of[l.number(e.y)]
		if a == b {
			continue
		}
		if found == nil {
			found = map[pair]*Split{}
		}
		p := pair{min(a, b), max(a, b)}
		s := found[p]
		if s == nil {
			reason := l.refuses(&l.groups[a], &l.groups[b])
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
	return out
}

// compareSplits puts the weightiest first.
func compareSplits(a, b Split) int {
	return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
}

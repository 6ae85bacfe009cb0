package match

// unions are sets of nodes, each named by its least node.
type unions []uint32

func newUnions(n int) unions {
	u := make(unions, n)
	for i := range u {
		u[i] = uint32(i)
	}
	return u
}

func (u unions) root(x uint32) uint32 {
	for u[x] != x {
		u[x] = u[u[x]]
		x = u[x]
	}
	return x
}

func (u unions) unite(x, y uint32) {
	if x, y = u.root(x), u.root(y); x != y {
		u[max(x, y)] = min(x, y)
	}
}

// components are the sets of two nodes and more that edges from a weight up, or decisions, connect. What is in two of them is never joined.
type components struct {
	nodes []uint32 // by component, ascending in each
	first []uint32 // of each component, in nodes; one more at the end
	edges []edge   // by component; in each, once it is sorted, in the order of nodes
	from  []int    // first edge of each component; one more at the end
	other []edge   // between two of them
}

// newComponents divides edges among components, and takes them. Sets hold what decisions unite. The order of edges does not matter.
func newComponents(sets unions, lists [][]edge, least float32) *components {
	for _, list := range lists {
		for _, e := range list {
			if e.weight >= least {
				sets.unite(e.x, e.y)
			}
		}
	}
	c := &components{}
	// The number of each component, by its least node, in the order of these.
	sizes := make([]uint32, len(sets))
	for x := range sets {
		sizes[sets.root(uint32(x))]++
	}
	number := make([]uint32, len(sets))
	total := uint32(0)
	for x, size := range sizes {
		if size > 1 {
			number[x] = uint32(len(c.first))
			c.first = append(c.first, total)
			total += size
		}
	}
	c.first = append(c.first, total)
	c.nodes = make([]uint32, total)
	next := append([]uint32(nil), c.first...)
	for x := range sets {
		if root := sets.root(uint32(x)); sizes[root] > 1 {
			at := &next[number[root]]
			c.nodes[*at] = uint32(x)
			*at++
		}
	}
	counts := make([]int, len(c.first))
	others, inside := 0, 0
	for _, list := range lists {
		for _, e := range list {
			if root := sets.root(e.x); root == sets.root(e.y) {
				counts[number[root]]++
				inside++
			} else {
				others++
			}
		}
	}
	c.from = counts
	at := 0
	for i, n := range counts {
		c.from[i], at = at, at+n
	}
	c.edges, c.other = make([]edge, inside), make([]edge, 0, others)
	place := append([]int(nil), c.from...)
	for i, list := range lists {
		for _, e := range list {
			if root := sets.root(e.x); root == sets.root(e.y) {
				to := &place[number[root]]
				c.edges[*to] = e
				*to++
			} else {
				c.other = append(c.other, e)
			}
		}
		lists[i] = nil
	}
	return c
}

func (c *components) len() int { return len(c.first) - 1 }

func (c *components) of(i int) (nodes []uint32, edges []edge) {
	return c.nodes[c.first[i]:c.first[i+1]], c.edges[c.from[i]:c.from[i+1]]
}

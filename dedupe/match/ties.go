package match

import "slices"

// ties hold for each row of a cluster of three and more the rows that it is tied to the most. Two rows that are one with a third are one with each
// other, however little they have in common: people move and marry, and one row has the old address, one the new one, and one both.
type ties map[uint32]*[mostTies]tie

type tie struct {
	to     uint32
	weight float32
}

const (
	mostTies = 6
	sure     = 0.999 // from which no third row makes a pair likelier
)

// newTies takes the edges of a linked table; group is the cluster of each node.
func newTies(group []uint32, edges []edge) ties {
	sizes := make(map[uint32]int)
	for x, g := range group {
		if uint32(x) != g {
			sizes[g]++ // without the least node itself
		}
	}
	t := ties{}
	for _, e := range edges {
		if g := group[e.x]; g == group[e.y] && sizes[g] > 1 && e.weight > 0 {
			t.add(e.x, e.y, e.weight)
			t.add(e.y, e.x, e.weight)
		}
	}
	return t
}

// add keeps the weightiest, and of equal ones the least.
func (t ties) add(x, y uint32, weight float32) {
	list := t[x]
	if list == nil {
		list = new([mostTies]tie)
		t[x] = list
	}
	at := slices.IndexFunc(list[:], func(o tie) bool { return o.weight < weight || o.weight == weight && o.to > y })
	if at < 0 {
		return
	}
	copy(list[at+1:], list[at:])
	list[at] = tie{y, weight}
}

// through is how likely two rows are one because both are one with a third: by the likeliest one.
func (t ties) through(x, y uint32) float64 {
	a, b := t[x], t[y]
	if a == nil || b == nil {
		return 0
	}
	best := 0.0
	for _, via := range a {
		if via.weight <= 0 || via.to == y {
			continue
		}
		for _, other := range b {
			if other.weight > 0 && other.to == via.to {
				best = max(best, probability(float64(via.weight))*probability(float64(other.weight)))
			}
		}
	}
	return best
}

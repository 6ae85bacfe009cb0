package match

import (
	"cmp"
	"context"
)

// edge is a scored pair of nodes, x below y.
type edge struct {
	x, y   uint32
	weight float32
}

// floorWeight is the weight from which edges are kept: far below any threshold, as clusters ask for the doubtful ones too.
const floorWeight = -8

// score compares all candidates and returns the edges from the floor up, in lists of no order.
func (m *Model) score(ctx context.Context, n *nodes, b *blocking) ([][]edge, error) {
	parts := make([][]edge, b.parts())
	err := b.each(ctx, 1, func(part int) func(x, y uint32) {
		var v vector // one for all pairs of the part, as it moves to the heap
		return func(x, y uint32) {
			if w := m.weigh(n, x, y, &v); w >= floorWeight {
				parts[part] = append(parts[part], edge{min(x, y), max(x, y), w})
			}
		}
	})
	return parts, err
}

func compareEdges(a, b edge) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y)) }

// weigh compares two nodes, with v to work in.
func (m *Model) weigh(n *nodes, x, y uint32, v *vector) float32 {
	m.spec.compareAll(n.cols, n.row(x), n.row(y), v)
	return float32(m.params.weight(m.spec, v))
}

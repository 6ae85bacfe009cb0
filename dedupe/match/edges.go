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

// score compares all candidates and returns the edges from the floor up, in lists of no order. Of keys whose edges are in w it takes those.
func (m *Model) score(ctx context.Context, n *nodes, b *blocking, w Work) ([][]edge, error) {
	parts := make([][]edge, b.parts())
	weighers := make([]*weigher, blockParts) // which remember from key to key
	for i := range weighers {
		weighers[i] = m.weigher(n.cols)
	}
	visit := visitor{begin: func(part int) func([]nodePair) {
		weigher, ahead := weighers[part%blockParts], toucher{cols: n.cols}
		return func(pairs []nodePair) {
			ahead.pairs(n.cells, pairs)
			for i, p := range pairs {
				if i == 0 || p.x != pairs[i-1].x {
					weigher.from(n.row(p.x))
				}
				if w, ok := weigher.weightFrom(n.row(p.y), floorWeight); ok {
					parts[part] = append(parts[part], edge{min(p.x, p.y), max(p.x, p.y), float32(w)})
				}
			}
		}
	}}
	if w != nil {
		saved := savedEdges{work: w, job: m.job(n, b.mode)}
		visit.skip = func(key int) bool {
			var ok bool
			parts[key*blockParts], ok = saved.load(key, n.len())
			return ok
		}
		visit.done = func(key int) error { return saved.save(key, parts[key*blockParts:(key+1)*blockParts]) }
	}
	return parts, b.each(ctx, 1, visit)
}

func compareEdges(a, b edge) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y)) }

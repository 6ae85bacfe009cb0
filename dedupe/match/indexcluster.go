package match

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// ClusterOf returns the cluster of a record, and of those that are connected with it by pairs from the match threshold up or by decisions: their
// rows in the order of ids. Each row's membership is the one that [Model.Cluster] gives it over all records and decisions of the index, whatever
// the order in which they came. It takes time in proportion to the records that are connected, which are few unless the data chains.
//
// The error wraps leadloop.ErrNotFound if there is no such record, leadloop.ErrConflict for decisions that contradict each other, or is the
// context's.
func (x *Index) ClusterOf(ctx context.Context, id string) (*Result, error) {
	if err := x.searches.await(ctx); err != nil {
		return nil, err
	}
	s := x.searches.idlest()
	defer x.searches.give(s)
	x.mu.RLock()
	defer x.mu.RUnlock()
	row, ok := x.byID[id]
	if !ok {
		return nil, fmt.Errorf("match: %w: record %q", leadloop.ErrNotFound, id)
	}
	nodes, edges, err := x.connected(ctx, s, x.nodeOf[row])
	if err != nil {
		return nil, err
	}
	return x.link(ctx, nodes, edges)
}

// connected returns the nodes that are connected with one, and the scored pairs from them.
func (x *Index) connected(ctx context.Context, s *search, node uint32) ([]uint32, []edge, error) {
	least := float32(logit(x.o.Thresholds.Match))
	seen := map[uint32]bool{node: true}
	nodes := []uint32{node}
	var edges []edge
	reach := func(other uint32) {
		if !seen[other] {
			seen[other] = true
			nodes = append(nodes, other)
		}
	}
	for i := 0; i < len(nodes); i++ {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		node := nodes[i]
		copy(s.cells, x.row(node))
		s.collect(x, 0)
		s.pairs.from(s.cells)
		for _, other := range s.nodes {
			if other == node {
				continue
			}
			w, ok := s.pairs.weightFrom(x.row(other), floorWeight)
			if !ok {
				continue
			}
			if node < other {
				edges = append(edges, edge{node, other, float32(w)})
			}
			if float32(w) >= least {
				reach(other)
			}
		}
		for _, row := range x.rowsOf(node) {
			for other, same := range x.decided[x.ids[row]] {
				if r, ok := x.byID[other]; ok && same {
					reach(x.nodeOf[r])
				}
			}
		}
	}
	edges = slices.DeleteFunc(edges, func(e edge) bool { return !seen[e.x] || !seen[e.y] })
	return nodes, edges, nil
}

// link clusters some nodes of the index as a table of their own.
func (x *Index) link(ctx context.Context, list []uint32, edges []edge) (*Result, error) {
	var rows []uint32
	for _, node := range list {
		rows = append(rows, x.rowsOf(node)...)
	}
	slices.SortFunc(rows, func(a, b uint32) int { return strings.Compare(x.ids[a], x.ids[b]) })
	t := &Table{spec: x.model.spec, cols: x.columns, names: x.names}
	apart := map[uint32]bool{}
	at := make(map[uint32]uint32, len(rows)) // number in t by row
	for i, row := range rows {
		node := x.nodeOf[row]
		t.ids, t.sources, t.cells = append(t.ids, x.ids[row]), append(t.sources, x.sources[node]), append(t.cells, x.row(node)...)
		at[row] = uint32(i)
		if x.apart(x.ids[row]) {
			apart[uint32(i)] = true
		}
	}
	n, err := t.nodes(true, apart)
	if err != nil {
		return nil, err
	}
	nodeOf := make([]uint32, len(rows))
	for y := range n.len() {
		for _, r := range n.rowsOf(uint32(y)) {
			nodeOf[r] = uint32(y)
		}
	}
	for i, e := range edges {
		a, b := nodeOf[at[x.rowsOf(e.x)[0]]], nodeOf[at[x.rowsOf(e.y)[0]]]
		edges[i].x, edges[i].y = min(a, b), max(a, b)
	}
	c := &clusterer{m: x.model, t: t, n: n, o: x.o, edges: [][]edge{edges}, blocking: &blocking{}, said: x.said(rows, at)}
	if err := c.link(ctx); err != nil {
		return nil, err
	}
	return c.result(), nil
}

// said returns the decisions between rows, by their numbers.
func (x *Index) said(rows []uint32, at map[uint32]uint32) decided {
	var d decided
	for i, row := range rows {
		for other, same := range x.decided[x.ids[row]] {
			r, ok := x.byID[other]
			if !ok {
				continue
			}
			j, ok := at[r]
			switch {
			case !ok || uint32(i) > j:
			case same:
				d.same = append(d.same, [2]uint32{uint32(i), j})
			default:
				d.different = append(d.different, [2]uint32{uint32(i), j})
			}
		}
	}
	order := func(a, b [2]uint32) int { return slices.Compare(a[:], b[:]) }
	slices.SortFunc(d.same, order)
	slices.SortFunc(d.different, order)
	return d
}

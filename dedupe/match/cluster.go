package match

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// Result is who is who among the rows of a table.
type Result struct {
	Rows     []Membership `json:"rows"` // in the order in which the rows were added
	Clusters int          `json:"clusters"`
	// Pairs holds what was scored from the review threshold up, the weightiest first. Of rows that are equal in every field only one is in it.
	Pairs   []ScoredPair `json:"pairs"`
	Splits  []Split      `json:"splits"`  // what was kept apart although some pair spoke for joining
	Largest int          `json:"largest"` // rows of the largest cluster
	// Common counts for each blocking key the rows that were not compared by it, as too many share their value. Other keys may have found them.
	Common map[string]int `json:"common,omitempty"`
}

// Membership is where a row belongs.
type Membership struct {
	ID      string `json:"id"`
	Cluster string `json:"cluster"` // the least id in it
	// Probability that the row is one with the others of its cluster: of its mean weight towards them; 1 for a row by itself.
	Probability float64 `json:"probability"`
	// Unlinkable says that a row with the very same values would not be taken for this one, as they are too common.
	Unlinkable bool `json:"unlinkable,omitempty"`
}

// ScoredPair is a pair of rows, by their numbers in the order in which they were added.
type ScoredPair struct {
	A           int     `json:"a"`
	B           int     `json:"b"`
	Weight      float64 `json:"weight"` // binary logarithm of the odds
	Probability float64 `json:"probability"`
	Verdict     Verdict `json:"verdict"`
	Joined      bool    `json:"joined"` // in one cluster
}

// Cluster finds out which rows of t are one. T must have the fields of the model; a large MaxCluster does not make it slow.
//
// It sorts candidates by likelihood and joins clusters whose rows fit together on average, so that one mistaken pair does not chain two of them.
// The error wraps leadloop.ErrInvalid if the fields differ, leadloop.ErrConflict for two rows with one id or for decisions that contradict each
// other, or is the context's. T must not be used by others meanwhile.
func (m *Model) Cluster(ctx context.Context, t *Table, o Options) (*Result, error) {
	c, err := m.compareAll(ctx, t, o)
	if err != nil {
		return nil, err
	}
	if err := c.link(ctx); err != nil {
		return nil, err
	}
	return c.result(), nil
}

// compareAll scores all candidates of a table.
func (m *Model) compareAll(ctx context.Context, t *Table, o Options) (*clusterer, error) {
	if !slices.Equal(m.spec.fields, t.spec.fields) {
		return nil, fmt.Errorf("match: %w: the table has other fields than the model", leadloop.ErrInvalid)
	}
	said, err := t.decided(o.Decisions)
	if err != nil {
		return nil, err
	}
	n, err := t.nodes(o.Mode == Dedupe, said.apart)
	if err != nil {
		return nil, err
	}
	m.apply(n.cols)
	b := &blocking{nodes: n, mode: o.Mode, keys: m.keys, number: m.numbers, caps: m.caps, report: o.reporter("compare")}
	if err := b.fill(ctx); err != nil {
		return nil, err
	}
	edges, err := m.score(ctx, n, b)
	if err != nil {
		return nil, err
	}
	o.Thresholds = o.Thresholds.withDefaults()
	return &clusterer{m: m, t: t, n: n, o: o, edges: edges, blocking: b, said: said}, nil
}

// apply sets the frequencies of columns to those of the model.
func (m *Model) apply(cols []*column) {
	for i, c := range cols {
		c.weigh(&m.freqs[i])
	}
}

type clusterer struct {
	m        *Model
	t        *Table
	n        *nodes
	o        Options
	edges    []edge
	linker   *linker
	blocking *blocking
	nodeOf   []uint32
	said     decided
}

// link runs the linker with what is decided.
func (c *clusterer) link(ctx context.Context) error {
	said := c.said
	c.nodeOf = make([]uint32, c.n.all)
	for x := range c.n.len() {
		for _, r := range c.n.rowsOf(uint32(x)) {
			c.nodeOf[r] = uint32(x)
		}
	}
	most := c.o.MaxCluster
	if most == 0 {
		most = 1000
	}
	con := constraints{
		most: most, unique: c.m.spec.unique, nodes: c.n, apart: map[uint32][]uint32{}, least: float32(logit(c.o.Thresholds.Match)),
		single: c.o.Mode == OneToOne || c.o.Mode == ManyToOne, free: c.o.Mode == ManyToOne,
	}
	for _, p := range said.different {
		x, y := c.nodeOf[p[0]], c.nodeOf[p[1]]
		con.apart[x] = append(con.apart[x], y)
		con.apart[y] = append(con.apart[y], x)
	}
	c.linker = newLinker(con)
	for _, p := range said.same {
		c.linker.unite(c.nodeOf[p[0]], c.nodeOf[p[1]])
	}
	for _, p := range said.different {
		if c.linker.of[c.nodeOf[p[0]]] == c.linker.of[c.nodeOf[p[1]]] {
			return fmt.Errorf("match: %w: rows %q and %q are said to be different, but other decisions make them one", leadloop.ErrConflict,
				c.t.ids[p[0]], c.t.ids[p[1]])
		}
	}
	c.linker.run(c.edges)
	return ctx.Err()
}

func logit(p float64) float64 { return math.Log2(p / (1 - p)) }

func (c *clusterer) result() *Result {
	r := &Result{Rows: make([]Membership, c.n.all), Common: map[string]int{}}
	for k, dead := range c.blocking.dead {
		if dead > 0 {
			r.Common[c.blocking.keys[k].name] += dead
		}
	}
	sums, counts := c.means()
	var v vector
	least := logit(c.o.Thresholds.Match)
	for _, g := range c.linker.groups {
		if g == nil {
			continue
		}
		name := ""
		var rows []uint32
		for _, x := range g.members {
			members := c.n.rowsOf(x)
			self := float64(c.m.weigh(c.n, x, x, &v))
			for i, row := range members {
				at := &r.Rows[row]
				at.ID, at.Probability = c.t.ids[row], 1
				at.Unlinkable = self < least
				if i > 0 && at.Unlinkable { // equal values that are too common are not one
					at.Cluster = at.ID
					r.Clusters++
					continue
				}
				rows = append(rows, row)
				if name == "" || at.ID < name {
					name = at.ID
				}
				if n := float64(len(g.members)-1) + float64(len(members)-1); n > 0 {
					missing := float64(len(g.members)-1) - counts[x]
					sum := sums[x] + missing*clipLow + float64(len(members)-1)*min(self, clipHigh)
					at.Probability = probability(sum / n)
				}
			}
		}
		for _, row := range rows {
			r.Rows[row].Cluster = name
		}
		r.Clusters++
		r.Largest = max(r.Largest, len(rows))
	}
	r.Pairs = c.pairs()
	r.Splits = c.linker.splits(c.edges, least, c.id)
	return r
}

// id is the least id of the rows of a node.
func (c *clusterer) id(x uint32) string { return c.t.ids[c.n.rowsOf(x)[0]] }

// means sums for each node the clipped weights towards the others of its group that it was compared with.
func (c *clusterer) means() (sums, counts []float64) {
	sums, counts = make([]float64, c.n.len()), make([]float64, c.n.len())
	for _, e := range c.edges {
		if c.linker.of[e.x] != c.linker.of[e.y] {
			continue
		}
		w := min(max(float64(e.weight), clipLow), clipHigh)
		sums[e.x] += w
		sums[e.y] += w
		counts[e.x]++
		counts[e.y]++
	}
	return sums, counts
}

func (c *clusterer) pairs() []ScoredPair {
	review := float32(logit(c.o.Thresholds.Review))
	var out []ScoredPair
	for _, e := range c.edges {
		if e.weight < review {
			continue
		}
		a, b := int(c.n.rowsOf(e.x)[0]), int(c.n.rowsOf(e.y)[0])
		if c.t.ids[a] > c.t.ids[b] {
			a, b = b, a
		}
		p := ScoredPair{A: a, B: b, Weight: float64(e.weight), Joined: c.linker.of[e.x] == c.linker.of[e.y]}
		p.Probability = probability(p.Weight)
		p.Verdict = c.o.Thresholds.Of(p.Probability)
		if p.Verdict == VerdictAuto && !p.Joined {
			p.Verdict = VerdictReview // the rest of the two clusters, or a rule, speaks against it
		}
		if slices.Contains(c.linker.c.apart[e.x], e.y) {
			p.Verdict = VerdictNew
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(p, q ScoredPair) int {
		return cmp.Or(cmp.Compare(q.Weight, p.Weight), strings.Compare(c.t.ids[p.A], c.t.ids[q.A]), strings.Compare(c.t.ids[p.B], c.t.ids[q.B]))
	})
	return out
}

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
	First    []int        `json:"-"`    // of each row: the number in Rows of the first row of its cluster
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
	A      int     `json:"a"`
	B      int     `json:"b"`
	Weight float64 `json:"weight"` // binary logarithm of the odds, by the two rows alone
	// Probability is that of Weight, but for what the other rows say: it is larger if both are one with a third row, and, where a row has one partner
	// at most, smaller the likelier the other candidates of the two are.
	Probability float64 `json:"probability"`
	Verdict     Verdict `json:"verdict"` // what somebody decided needs no look: it is auto or new, whatever the probability
	Joined      bool    `json:"joined"`  // in one cluster
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
	edges, err := m.score(ctx, n, b, o.Work)
	if err != nil {
		return nil, err
	}
	if o.Thresholds.Auto == 0 {
		o.Thresholds.Auto = autoCluster
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

// clusterer makes clusters of scored pairs.
type clusterer struct {
	m        *Model
	t        *Table
	n        *nodes
	o        Options
	edges    [][]edge // in any order
	blocking *blocking
	said     decided

	// After link:
	apart  map[uint32][]uint32
	same   map[[2]uint32]bool // pairs of nodes that somebody said are one, the lesser first
	parts  *components
	group  []uint32 // of each node: the least node of its cluster
	splits []Split
	ties   ties
	rivals *rivals // nil if a row may have any number of partners
}

// link joins what belongs together. It may be called again, with other thresholds.
func (c *clusterer) link(ctx context.Context) error {
	nodeOf := make([]uint32, c.n.all)
	for x := range c.n.len() {
		for _, r := range c.n.rowsOf(uint32(x)) {
			nodeOf[r] = uint32(x)
		}
	}
	sets := newUnions(c.n.len())
	same := map[uint32][][2]uint32{}
	c.same = map[[2]uint32]bool{}
	for _, p := range c.said.same {
		x, y := nodeOf[p[0]], nodeOf[p[1]]
		sets.unite(x, y)
		if x != y {
			c.same[[2]uint32{min(x, y), max(x, y)}] = true
		}
	}
	c.apart = map[uint32][]uint32{}
	for _, p := range c.said.different {
		x, y := nodeOf[p[0]], nodeOf[p[1]]
		c.apart[x] = append(c.apart[x], y)
		c.apart[y] = append(c.apart[y], x)
		if sets.root(x) == sets.root(y) {
			return fmt.Errorf("match: %w: rows %q and %q are said to be different, but other decisions make them one", leadloop.ErrConflict,
				c.t.ids[p[0]], c.t.ids[p[1]])
		}
	}
	most := c.o.MaxCluster
	if most == 0 {
		most = 1000
	}
	least := logit(c.o.Thresholds.Match)
	con := constraints{
		most: most, unique: c.m.spec.unique, nodes: c.n, apart: c.apart, least: float32(least),
		single: c.o.Mode == OneToOne || c.o.Mode == ManyToOne, free: c.o.Mode == ManyToOne,
	}
	c.parts = newComponents(sets, c.edges, con.least)
	c.edges = [][]edge{c.parts.edges, c.parts.other}
	for _, p := range c.said.same {
		x, y := nodeOf[p[0]], nodeOf[p[1]]
		same[sets.root(x)] = append(same[sets.root(x)], [2]uint32{x, y})
	}
	c.group = sets // of those that are in no component each is its own
	const chunk = 512
	splits := make([][]Split, (c.parts.len()+chunk-1)/chunk)
	err := parallel(ctx, len(splits), func(part int) {
		l := linker{c: con}
		for i := part * chunk; i < min((part+1)*chunk, c.parts.len()) && ctx.Err() == nil; i++ {
			nodes, edges := c.parts.of(i)
			slices.SortFunc(edges, compareEdges)
			l.start(nodes)
			for _, p := range same[nodes[0]] {
				l.unite(p[0], p[1])
			}
			l.run(edges)
			splits[part] = append(splits[part], l.splits(edges, least, c.id)...)
			for k, x := range nodes {
				c.group[x] = nodes[l.of[k]]
			}
		}
	})
	c.splits = slices.Concat(splits...)
	c.ties = newTies(c.group, c.parts.edges)
	if c.rivals = newRivals(c.n, c.o.Mode); c.rivals != nil {
		for _, list := range c.edges {
			for _, e := range list {
				c.rivals.add(e.x, e.y, oddsOf(float64(e.weight)))
			}
		}
	}
	slices.SortFunc(c.splits, compareSplits)
	return err
}

func logit(p float64) float64 { return math.Log2(p / (1 - p)) }

func (c *clusterer) result() *Result {
	r := &Result{Rows: make([]Membership, c.n.all), First: make([]int, c.n.all), Common: map[string]int{}}
	for k, dead := range c.blocking.dead {
		if dead > 0 {
			r.Common[c.blocking.keys[k].name] += dead
		}
	}
	sums, counts := c.means()
	first, members := c.members()
	const chunk = 4096
	parts := (len(first) + chunk - 1) / chunk
	clusters, largest := make([]int, parts), make([]int, parts)
	toEnd(parts, func(part int) {
		w := membership{c: c, pairs: c.m.weigher(c.n.cols), rows: r.Rows, first: r.First, sums: sums, counts: counts, least: logit(c.o.Thresholds.Match)}
		for i := part * chunk; i < min((part+1)*chunk, len(first)-1); i++ {
			w.write(members[first[i]:first[i+1]])
		}
		clusters[part], largest[part] = w.clusters, w.largest
	})
	for part := range parts {
		r.Clusters += clusters[part]
		r.Largest = max(r.Largest, largest[part])
	}
	r.Pairs = c.pairs()
	r.Splits = append([]Split{}, c.splits...)
	return r
}

// members returns the nodes by cluster: where each begins, and one more at the end.
func (c *clusterer) members() (first, members []uint32) {
	at := make([]uint32, len(c.group)+1)
	for _, g := range c.group {
		at[g+1]++
	}
	for x, g := range c.group {
		if g == uint32(x) {
			first = append(first, at[x])
		}
		at[x+1] += at[x]
	}
	first = append(first, uint32(len(c.group)))
	members = make([]uint32, len(c.group))
	for x, g := range c.group {
		members[at[g]] = uint32(x)
		at[g]++
	}
	return first, members
}

// membership writes where rows belong.
type membership struct {
	c                 *clusterer
	rows              []Membership
	first             []int
	sums, counts      []float64
	least             float64
	pairs             *weigher
	clusters, largest int
	together          []uint32
}

// write writes the rows of a cluster of nodes.
func (w *membership) write(nodes []uint32) {
	name, first := "", uint32(math.MaxUint32)
	w.together = w.together[:0]
	for _, x := range nodes {
		members := w.c.n.rowsOf(x)
		self := float64(float32(w.pairs.weight(w.c.n.row(x), w.c.n.row(x))))
		if self < copyBits && w.c.m.spec.owns(w.c.n.row(x)) {
			self = copyBits // a list of addresses alone tells nothing about chance
		}
		for i, row := range members {
			at := &w.rows[row]
			at.ID, at.Probability = w.c.t.ids[row], 1
			at.Unlinkable = self < w.least
			if i > 0 && at.Unlinkable { // equal values that are too common are not one
				at.Cluster, w.first[row] = at.ID, int(row)
				w.clusters++
				continue
			}
			w.together, first = append(w.together, row), min(first, row)
			if name == "" || at.ID < name {
				name = at.ID
			}
			if n := float64(len(nodes)-1) + float64(len(members)-1); n > 0 {
				missing := float64(len(nodes)-1) - w.counts[x]
				sum := w.sums[x] + missing*clipLow + float64(len(members)-1)*min(self, clipHigh)
				at.Probability = probability(sum / n)
			}
		}
	}
	for _, row := range w.together {
		w.rows[row].Cluster, w.first[row] = name, int(first)
	}
	w.clusters++
	w.largest = max(w.largest, len(w.together))
}

// id is the least id of the rows of a node.
func (c *clusterer) id(x uint32) string { return c.t.ids[c.n.rowsOf(x)[0]] }

// means sums for each node the clipped weights towards the others of its cluster that it was compared with. What somebody said weighs the most.
func (c *clusterer) means() (sums, counts []float64) {
	sums, counts = make([]float64, c.n.len()), make([]float64, c.n.len())
	add := func(x, y uint32, w float64) {
		sums[x] += w
		sums[y] += w
		counts[x]++
		counts[y]++
	}
	for _, e := range c.parts.edges {
		if c.group[e.x] == c.group[e.y] && !c.saidSame(e) {
			add(e.x, e.y, min(max(float64(e.weight), clipLow), clipHigh))
		}
	}
	for p := range c.same {
		add(p[0], p[1], clipHigh)
	}
	return sums, counts
}

// saidSame reports whether somebody said that the two are one.
func (c *clusterer) saidSame(e edge) bool {
	return len(c.same) > 0 && c.same[[2]uint32{min(e.x, e.y), max(e.x, e.y)}]
}

// pairs returns the pairs that are worth a look, the weightiest first.
func (c *clusterer) pairs() []ScoredPair {
	review := float32(logit(c.o.Thresholds.Review))
	var worth []edge
	for _, list := range [][]edge{c.parts.edges, c.parts.other} {
		for _, e := range list {
			if e.weight >= review && (c.rivals == nil || c.probability(e) >= c.o.Thresholds.Review || c.group[e.x] == c.group[e.y]) {
				worth = append(worth, e)
			}
		}
	}
	// By weight alone first, in one number with the place; few weigh the same.
	order := make([]uint64, len(worth))
	for i, e := range worth {
		order[i] = uint64(^ordered(e.weight))<<32 | uint64(i)
	}
	slices.Sort(order)
	out := make([]ScoredPair, len(worth))
	for i, at := range order {
		out[i] = c.pair(worth[uint32(at)])
	}
	for i := 0; i < len(out); {
		j := i + 1
		for j < len(out) && out[j].Weight == out[i].Weight {
			j++
		}
		slices.SortFunc(out[i:j], func(p, q ScoredPair) int {
			return cmp.Or(strings.Compare(c.t.ids[p.A], c.t.ids[q.A]), strings.Compare(c.t.ids[p.B], c.t.ids[q.B]))
		})
		i = j
	}
	return out
}

// ordered is a number in the order of weights.
func ordered(w float32) uint32 {
	bits := math.Float32bits(w)
	if bits>>31 != 0 {
		return ^bits
	}
	return bits | 1<<31
}

// probability of a pair, given what other rows say of the two.
func (c *clusterer) probability(e edge) float64 {
	if c.rivals != nil {
		return c.rivals.probability(e.x, e.y, oddsOf(float64(e.weight)))
	}
	p := probability(float64(e.weight))
	if p < sure && c.group[e.x] == c.group[e.y] {
		p = max(p, c.ties.through(e.x, e.y))
	}
	return p
}

func (c *clusterer) pair(e edge) ScoredPair {
	a, b := int(c.n.rowsOf(e.x)[0]), int(c.n.rowsOf(e.y)[0])
	if c.t.ids[a] > c.t.ids[b] {
		a, b = b, a
	}
	p := ScoredPair{A: a, B: b, Weight: float64(e.weight), Joined: c.group[e.x] == c.group[e.y]}
	p.Probability = c.probability(e)
	p.Verdict = c.o.Thresholds.Of(p.Probability)
	if p.Verdict == VerdictAuto && !p.Joined {
		p.Verdict = VerdictReview // the rest of the two clusters, or a rule, speaks against it
	}
	switch {
	case c.saidSame(e):
		p.Verdict = VerdictAuto
	case len(c.apart) > 0 && slices.Contains(c.apart[e.x], e.y):
		p.Verdict = VerdictNew
	}
	return p
}

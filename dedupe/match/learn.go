package match

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/leadloop/leadloop"
)

// Report says what a model was learnt from and how far to trust it.
type Report struct {
	Rows     int      `json:"rows"`
	Distinct int      `json:"distinct"` // rows that differ in some field
	Keys     []string `json:"keys"`     // the rows that share a value of one of these are compared
	Compared int      `json:"compared"` // pairs that were learnt from
	Matches  float64  `json:"matches"`  // expected number of true pairs
	// Recall is the share of true pairs that blocking is estimated to find, from how many are found by one key alone and by two: of those pairs that would
	// be taken for one if they were compared.
	Recall   float64  `json:"recall"`
	Warnings []string `json:"warnings,omitempty"`
}

// example is a pair to learn from.
type example struct {
	levels [maxComparisons]uint8
	adjust float32
	weight float32 // how many pairs of rows it stands for
	x, y   uint32
	known  known
	tuned  bool // some value counts by how common it is
}

const maxExamples = 600_000

// Learn learns a model from the rows of t, without labels: how often each level of each comparison is met by chance from pairs taken at random,
// and how often in true pairs by expectation maximisation. What it cannot learn reliably it replaces by usual values and says so in the report.
//
// It returns an error that wraps leadloop.ErrInvalid for fewer than two rows, leadloop.ErrConflict for two rows with one id, or the context's.
func Learn(ctx context.Context, t *Table, o Options) (*Model, error) {
	said, err := t.decided(o.Decisions)
	if err != nil {
		return nil, err
	}
	n, err := t.nodes(o.Mode == Dedupe, said.apart)
	if err != nil {
		return nil, err
	}
	if n.all < 2 {
		return nil, fmt.Errorf("match: %w: %d rows; two at least are needed to compare", leadloop.ErrInvalid, n.all)
	}
	l := &learner{n: n, o: o, spec: t.spec, said: said}
	if err := l.learn(ctx); err != nil {
		return nil, err
	}
	return l.model(), nil
}

type learner struct {
	said         decided
	n            *nodes
	o            Options
	spec         *spec
	freqs        []frequencies
	params       params
	examples     []example
	labels       []example
	strangers    []example // pairs taken at random that are no candidates
	strangerRate float64
	priors       [][]float64
	matches      float64     // expected
	counts       [][]float64 // of the levels among true pairs, as they were seen
	joint        *joint
	rate         float64 // how many candidate pairs an example stands for
	total        float64 // pairs that may be one
	blocking     *blocking
	report       Report
}

func (l *learner) learn(ctx context.Context) error {
	l.count()
	l.params = newParams(l.spec)
	l.total = l.pairs()
	var err error
	if l.blocking, err = chooseKeys(ctx, l.n, l.o.Mode); err != nil {
		return err
	}
	l.blocking.report = l.o.reporter("learn")
	l.setReferences()
	if err := l.gather(ctx); err != nil {
		return err
	}
	if err := l.sampleRandom(ctx); err != nil {
		return err
	}
	l.label()
	if l.n.len() == 1 {
		l.usual()
	} else {
		l.estimate()
	}
	l.report.Rows, l.report.Distinct, l.report.Compared = l.n.all, l.n.len(), len(l.examples)
	for _, k := range l.blocking.keys {
		l.report.Keys = append(l.report.Keys, k.name)
	}
	return nil
}

func (l *learner) model() *Model {
	m := &Model{
		spec: l.spec, params: l.params, freqs: l.freqs, report: l.report, keys: l.blocking.keys, numbers: l.blocking.number, caps: l.blocking.caps,
	}
	m.scale, m.digest = newScale(&m.params, m.spec), m.file().sum()
	return m
}

// count takes the frequencies of all values.
func (l *learner) count() {
	counts := make([][]uint32, len(l.n.cols))
	l.freqs = make([]frequencies, len(l.n.cols))
	for c, col := range l.n.cols {
		counts[c] = make([]uint32, len(col.values))
		for i := range l.n.len() {
			counts[c][l.n.row(uint32(i))[c]] += uint32(l.n.size(uint32(i)))
		}
		f := &l.freqs[c]
		f.Counts = map[uint64]uint32{}
		for id := 1; id < len(col.values); id++ {
			f.Rows += int(counts[c][id])
			if counts[c][id] > 1 {
				f.Counts[col.hashes[id]] = counts[c][id]
			}
		}
		if col.words {
			f.Words = map[uint64]uint32{}
			words := make([]uint32, len(col.wordForms))
			for id := 1; id < len(col.values); id++ {
				for _, w := range col.wordsOf(uint32(id)) {
					words[w] += counts[c][id]
				}
			}
			for id, n := range words {
				if n > 1 {
					f.Words[col.wordHashes[id]] = n
				}
			}
		}
	}
	l.countWithin()
	for c := range l.freqs {
		if !l.spec.columns[c].named() {
			l.freqs[c].setSeldom()
		}
		l.freqs[c].trim()
		l.n.cols[c].weigh(&l.freqs[c])
	}
}

// pairs is the number of pairs of rows that may be one.
func (l *learner) pairs() float64 {
	n := float64(l.n.all)
	if l.o.Mode == Dedupe {
		return n * (n - 1) / 2
	}
	sizes := make([]float64, l.n.nSource)
	for i, s := range l.n.sources {
		sizes[s] += float64(l.n.size(uint32(i)))
	}
	total := 0.0
	for a := range sizes {
		for b := a + 1; b < len(sizes); b++ {
			if allowed(l.o.Mode, uint16(a), uint16(b)) {
				total += sizes[a] * sizes[b]
			}
		}
	}
	return max(total, 1)
}

const randomPairs = 1_000_000

// sampleRandom takes pairs of rows at random and keeps those that are no candidates.
func (l *learner) sampleRandom(ctx context.Context) error {
	nodeOf := make([]uint32, l.n.all)
	for i := range l.n.len() {
		for r := l.n.first[i]; r < l.n.first[i+1]; r++ {
			nodeOf[r] = uint32(i)
		}
	}
	const chunks = 64
	all := l.n.all * (l.n.all - 1) / 2
	exhaustive := all <= randomPairs
	parts := make([][]example, chunks)
	tried := make([]int, chunks)
	err := parallel(ctx, chunks, func(part int) {
		ahead := toucher{cols: l.n.cols}
		pairs := make([]nodePair, 0, pairsAtATime)
		flush := func() {
			ahead.pairs(l.n.cells, pairs)
			for _, p := range pairs {
				if p.x != p.y && l.blocking.shared(p.x, p.y) == 0 {
					parts[part] = append(parts[part], l.example(p.x, p.y, 1))
				}
			}
			pairs = pairs[:0]
		}
		defer flush()
		add := func(x, y uint32) {
			if !allowed(l.o.Mode, l.n.sources[x], l.n.sources[y]) {
				return
			}
			tried[part]++
			if pairs = append(pairs, nodePair{x, y}); len(pairs) == cap(pairs) {
				flush()
			}
		}
		if exhaustive {
			for x := part; x < l.n.all; x += chunks {
				for y := x + 1; y < l.n.all; y++ {
					add(nodeOf[x], nodeOf[y])
				}
			}
			return
		}
		for i := part; i < randomPairs; i += chunks {
			h := mix64(uint64(i) + 0x5eed)
			x, y := int(h>>32)%l.n.all, int(h&0xffffffff)%l.n.all
			if x != y {
				add(nodeOf[x], nodeOf[y])
			}
		}
	})
	count := 0
	for part := range parts {
		l.strangers = append(l.strangers, parts[part]...)
		count += tried[part]
	}
	l.strangerRate = l.total / float64(max(count, 1))
	return err
}

// setReferences sets for each level how common a value is that gets no adjustment.
func (l *learner) setReferences() {
	for k, c := range l.spec.comparisons {
		ref := math.Log2(l.coincidence(c.column))
		for level := range c.levels {
			l.params.ref[k][level] = ref
		}
		for level, column := range c.other {
			l.params.ref[k][level] = math.Log2(l.coincidence(column))
		}
		if c.cross > 0 {
			l.params.ref[k][c.exact+1] += math.Log2(l.coincidence(l.spec.comparisons[c.cross].column))
		}
	}
}

// coincidence is the chance that two rows which have a value in a column have the same: that none have is not unheard of.
func (l *learner) coincidence(col int) float64 {
	n, sum := float64(l.freqs[col].Rows), 0.0
	var counts []uint32
	for _, c := range l.freqs[col].Counts {
		counts = append(counts, c)
	}
	slices.Sort(counts)
	for _, c := range counts {
		sum += float64(c) * float64(c-1)
	}

	return max(sum, 2*unseenShare) / max(n*(n-1), 2)
}

// gather compares candidates, of which it keeps maxExamples about.
func (l *learner) gather(ctx context.Context) error {
	sample := uint32(max(1, float64(l.n.len())*pairsPerRow/maxExamples))
	parts := make([][]example, l.blocking.parts())
	err := l.blocking.each(ctx, sample, visitor{begin: func(part int) func([]nodePair) {
		return func(pairs []nodePair) {
			for _, p := range pairs {
				weight := float32(min(l.n.size(p.x)*l.n.size(p.y), 100))
				parts[part] = append(parts[part], l.example(p.x, p.y, weight))
			}
		}
	}})
	if err != nil {
		return err
	}
	l.rate = float64(sample)
	for _, p := range parts {
		l.examples = append(l.examples, p...)
	}
	if l.o.Mode == Dedupe {
		for i := range l.n.len() {
			if size := l.n.size(uint32(i)); size > 1 && mix64(uint64(i))%uint64(sample) == 0 {
				l.examples = append(l.examples, l.example(uint32(i), uint32(i), float32(min(size*(size-1)/2, 100))))
			}
		}
	}
	return nil
}

// label takes the pairs that somebody decided about as examples of which the answer is known.
func (l *learner) label() {
	nodeOf := make(map[uint32]uint32)
	for _, list := range [][][2]uint32{l.said.same, l.said.different} {
		for _, p := range list {
			nodeOf[p[0]], nodeOf[p[1]] = 0, 0
		}
	}
	if len(nodeOf) == 0 {
		return
	}
	for x := range l.n.len() {
		for _, r := range l.n.rowsOf(uint32(x)) {
			if _, ok := nodeOf[r]; ok {
				nodeOf[r] = uint32(x)
			}
		}
	}
	for i, list := range [][][2]uint32{l.said.same, l.said.different} {
		for _, p := range list {
			e := l.example(nodeOf[p[0]], nodeOf[p[1]], labelWeight)
			e.known = same + known(i)
			l.labels = append(l.labels, e)
		}
	}
}

// readjust computes the adjustments anew, now that it is known what depends on what.
func (l *learner) readjust() {
	const chunk = 1024
	for _, list := range [][]example{l.examples, l.strangers, l.labels} {
		toEnd((len(list)+chunk-1)/chunk, func(part int) {
			for i := part * chunk; i < min((part+1)*chunk, len(list)); i++ {
				if e := &list[i]; e.tuned {
					e.adjust = l.example(e.x, e.y, e.weight).adjust
				}
			}
		})
	}
}

func (l *learner) example(x, y uint32, weight float32) example {
	var v vector
	l.spec.compareAll(l.n.cols, l.n.row(x), l.n.row(y), &v)
	e := example{levels: v.level, weight: weight, x: x, y: y}
	e.adjust = float32(l.params.adjustment(l.spec, &v))
	for _, f := range v.freq {
		e.tuned = e.tuned || f != 0
	}
	return e
}

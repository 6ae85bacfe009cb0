package match

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"
)

// search is what one look-up at a time works with. It has places of its own in every column for values that the index does not hold, so that
// look-ups change nothing that others read.
type search struct {
	model   *Model
	number  int
	deriver deriver
	derived []string // by column
	cells   []uint32
	values  []uint64
	blocks  []block
	nodes   []uint32
	met     nodeSet
	found   []Candidate
	pairs   *weigher
}

// searches are those that are not under way, the one that was last used first, as the processor still knows it.
type searches struct {
	turns chan struct{}
	mu    sync.Mutex
	idle  []*search
	all   []*search
}

func (q *searches) await(ctx context.Context) error {
	select {
	case q.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// idlest is for who has awaited a turn.
func (q *searches) idlest() *search {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.idle[len(q.idle)-1]
	q.idle = q.idle[:len(q.idle)-1]
	return s
}

func (q *searches) give(s *search) {
	q.mu.Lock()
	q.idle = append(q.idle, s)
	q.mu.Unlock()
	<-q.turns
}

type block struct {
	count, key int
	value      uint32
	at         [1]uint32 // see posting.find
}

func newSearch(m *Model, columns []*column, memo []remembered, number int) *search {
	pairs := m.weigher(columns)
	pairs.certain = 1 + 2*maxSearches // see lend
	pairs.names.certain = pairs.certain
	return &search{
		model: m, pairs: pairs, number: number, deriver: deriver{spec: m.spec, memo: memo}, derived: make([]string, len(m.spec.columns)), cells: make([]uint32, len(m.spec.columns)),
	}
}

// encode fills cells from derived; values that the index does not hold get the search's own places.
func (s *search) encode(columns []*column) {
	for i, c := range columns {
		id, ok := c.find(s.derived[i])
		if !ok {
			id = c.lend(s.number, s.derived[i], &s.model.freqs[i])
		}
		s.cells[i] = id
	}
}

// collect fills nodes with those that share a key value, each once: all of them, or if most is not 0 those of the rarest values that make no more
// than most together.
func (s *search) collect(x *Index, most int) {
	s.blocks = s.blocks[:0]
	for k := range s.model.keys {
		s.values = s.model.keys[k].values(s.model.numbers[k], x.columns, s.cells, s.values[:0])
		for i, h := range s.values {
			v := keyValue(h)
			if at, n := x.postings[k].find(v); n > 0 && n <= s.model.caps[k] && !seenBefore(s.values[:i], v) {
				s.blocks = append(s.blocks, block{n, k, v, [1]uint32{at}})
			}
		}
	}
	slices.SortFunc(s.blocks, func(a, b block) int {
		return cmp.Or(cmp.Compare(a.count, b.count), cmp.Compare(a.key, b.key), cmp.Compare(a.value, b.value))
	})
	s.nodes = s.nodes[:0]
	s.met.begin()
	for i := range s.blocks {
		b := &s.blocks[i]
		if most > 0 && len(s.nodes)+b.count > most {
			break
		}
		for _, node := range x.postings[b.key].nodesAt(&b.at) {
			if s.met.add(node) {
				s.nodes = append(s.nodes, node)
			}
		}
	}
}

// nodeSet is a set of nodes that is emptied at once.
type nodeSet struct {
	slots []metNode // by hash, a power of two; no more than half of them are taken
	time  uint32    // of the last begin
	taken int
}

// metNodes is room for all candidates of a look-up.
const metNodes = 1 << 10

type metNode struct{ node, time uint32 }

func (s *nodeSet) begin() {
	if s.taken = 0; s.slots == nil || s.time == math.MaxUint32 {
		s.slots, s.time = make([]metNode, metNodes), 0
	}
	s.time++
}

// add reports whether a node was not there.
func (s *nodeSet) add(node uint32) bool {
	if 2*s.taken >= len(s.slots) {
		s.grow()
	}
	for i := s.slot(node); ; i = (i + 1) % len(s.slots) {
		switch at := &s.slots[i]; {
		case at.time != s.time:
			*at = metNode{node, s.time}
			s.taken++
			return true
		case at.node == node:
			return false
		}
	}
}

func (s *nodeSet) slot(node uint32) int { return int(mix64(uint64(node)) % uint64(len(s.slots))) }

func (s *nodeSet) grow() {
	old := s.slots
	s.slots, s.taken = make([]metNode, 2*len(old)), 0
	for _, at := range old {
		if at.time == s.time {
			s.add(at.node)
		}
	}
}

// weight compares what is searched for with a node.
func (s *search) weight(x *Index, node uint32) float64 {
	return s.pairs.weight(s.cells, x.row(node))
}

// keep keeps c if it is among the best limit.
func (s *search) keep(c Candidate, limit int) {
	at, _ := slices.BinarySearchFunc(s.found, c, better)
	if at >= limit {
		return
	}
	if len(s.found) == limit {
		s.found = s.found[:limit-1]
	}
	s.found = slices.Insert(s.found, at, c)
}

// keep returns the number of a value that becomes part of the column.
func (c *column) keep(value string, f *frequencies) uint32 {
	if id, ok := c.find(value); ok {
		return id
	}
	id := c.intern(strings.Clone(value))
	c.weighNew(f)
	return id
}

// reserve makes places for one search: a value, one that only ends its words, and words.
func (c *column) reserve() {
	for range 2 {
		c.values, c.outlines, c.hashes = append(c.values, ""), append(c.outlines, valueOutline{other: c.other("")}), append(c.hashes, 0)
		if c.given {
			c.kin = append(c.kin, nil)
		}
	}
	if !c.words {
		return
	}
	start := uint32(len(c.wordIDs))
	c.wordAt = append(c.wordAt, start, start+maxWords)
	for range maxWords {
		c.wordIDs = append(c.wordIDs, 0)
		c.wordForms, c.wordOutlines, c.wordHashes = append(c.wordForms, ""), append(c.wordOutlines, wordOutline{}), append(c.wordHashes, 0)
	}
}

// lend writes a value into the place of a search and returns its number.
func (c *column) lend(number int, value string, f *frequencies) uint32 {
	id := uint32(1 + 2*number)
	other := c.outlines[id].other
	c.values[id], c.others[other], c.hashes[id] = value, bytesForm(value), hash64(0, value)
	c.outlines[id], c.logFreqs[id] = valueOutline{outline: outlineOf(c.others[other]), other: other}, f.logFreq(c.hashes[id])
	if c.given {
		c.kin[id] = kinOf(c.kin[id][:0], value)
		c.outlines[id].marks = kinMarks(c.kin[id])
	}
	if !c.words {
		return id
	}
	c.outlines[id].marks = wordMarks(value)
	at := c.wordAt[id]
	for start := 0; start < len(value) && at < c.wordAt[id]+maxWords; at++ {
		end := start
		for end < len(value) && value[end] != ' ' {
			end++
		}
		word := value[start:end]
		start = end + 1
		w, ok := c.byWord[word]
		if !ok {
			w = at // the places of words are numbered like those in wordIDs
			c.wordForms[w] = bytesForm(word)
			c.wordOutlines[w] = wordOutline{outlineOf(c.wordForms[w]), f.wordWeight(hash64(1, word))}
		}
		c.wordIDs[at] = w
	}
	c.wordAt[id+1] = at
	return id
}

package match

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/leadloop/leadloop"
)

// Index finds in memory the records that may be one with a given one. It is made from a [Model] by [NewIndex] or [ReadIndex] and is safe for
// concurrent use: look-ups do not wait for each other, a change waits for those under way, and they for it.
//
// What it holds does not depend on the order in which records came, were changed and went. [Index.Lookup] looks at a bounded number of candidates,
// those with the rarest values in common first. [Index.ClusterOf] looks at all, so that its clusters are those of [Model.Cluster] over the same
// records and decisions.
//
// Values of records that are gone are not found any more and are in no snapshot, but stay in memory until [Index.Compact].
type Index struct {
	model    *Model
	o        Options // Mode is Dedupe; Decisions are in decided
	review   float64 // weight, with a margin below
	searches searches

	mu       sync.RWMutex
	columns  []*column
	memo     []remembered
	postings []posting // by blocking key
	byID     map[string]uint32
	ids      []string // of rows, "" for free ones
	nodeOf   []uint32 // by row
	freeRows []uint32

	// Nodes are distinct rows: their cells, and the rows that have them, in the order of ids.
	cells     []uint32
	sources   []uint16
	first     []uint32            // a node's only row, or free
	more      map[uint32][]uint32 // all rows, of nodes with more than one
	byContent map[uint64]uint32
	freeNodes []uint32
	names     []string // of the sources
	decided   map[string]map[string]bool
	keyValues []uint64 // for changes
}

// Candidate is a record that may be the one that was looked for. Its probability and verdict are by the two records alone; what third ones say of them
// is in [Index.ClusterOf].
type Candidate struct {
	ID          string  `json:"id"`
	Weight      float64 `json:"weight"` // binary logarithm of the odds
	Probability float64 `json:"probability"`
	Verdict     Verdict `json:"verdict"`
	// Decided says that a human said that the two are the same; the verdict is then auto whatever the probability.
	Decided bool `json:"decided,omitempty"`
}

const (
	noRow = ^uint32(0)
	// maxSearches is how many look-ups can be under way; more wait.
	maxSearches = 32
	// maxCandidates is how many records a look-up compares at most.
	maxCandidates = 400
	// defaultLimit is how many candidates a look-up returns.
	defaultLimit = 10
)

// NewIndex returns an empty index. Options are those of [Model.Cluster]; the error wraps leadloop.ErrInvalid for a mode other than Dedupe and for
// a decision about one record and itself.
func NewIndex(m *Model, o Options) (*Index, error) {
	if o.Mode != Dedupe {
		return nil, fmt.Errorf("match: %w: an index is for the mode Dedupe only", leadloop.ErrInvalid)
	}
	x := &Index{
		model: m, o: o, searches: searches{turns: make(chan struct{}, maxSearches)}, postings: make([]posting, len(m.keys)), byID: map[string]uint32{},
		more: map[uint32][]uint32{}, byContent: map[uint64]uint32{}, decided: map[string]map[string]bool{},
	}
	x.o.Thresholds = o.Thresholds.withDefaults()
	x.o.Decisions = nil
	x.review = logit(x.o.Thresholds.Review) - 1e-6
	for i := range x.postings {
		x.postings[i].nodes = map[uint32]uint32{}
	}
	for i := range m.spec.columns {
		x.columns = append(x.columns, x.newColumn(i))
	}
	x.memo = newMemos(m.spec)
	for i := range maxSearches {
		x.searches.all = append(x.searches.all, newSearch(m, x.columns, x.memo, i))
	}
	x.searches.idle = slices.Clone(x.searches.all)
	for _, d := range o.Decisions {
		if err := x.Decide(d); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// newColumn returns a column without values, but with places for those of searches.
func (x *Index) newColumn(i int) *column {
	c := newColumn(x.model.spec.columns[i])
	for range maxSearches {
		c.reserve()
	}
	c.weigh(&x.model.freqs[i])
	return c
}

// Model returns the model that the index compares by.
func (x *Index) Model() *Model { return x.model }

// Len returns the number of records.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.byID)
}

// IDs returns the ids of all records, sorted.
func (x *Index) IDs() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Sorted(maps.Keys(x.byID))
}

// Upsert adds a record, or replaces the one with its id. Values that are missing at its end are empty ones; the error wraps leadloop.ErrInvalid if
// there are more than the model has fields, if the id is empty, or for a 65,537th source. It keeps no reference to r.
func (x *Index) Upsert(r Record) error {
	if err := x.check(r); err != nil {
		return err
	}
	_ = x.searches.await(context.Background()) // which never ends
	s := x.searches.idlest()
	defer x.searches.give(s)
	s.deriver.derive(r.Values, s.derived)
	x.mu.Lock()
	defer x.mu.Unlock()
	source, err := x.source(r.Source)
	if err != nil {
		return err
	}
	for i, c := range x.columns {
		s.cells[i] = c.keep(s.derived[i], &x.model.freqs[i])
	}
	x.put(r.ID, source, s.cells)
	return nil
}

func (x *Index) check(r Record) error {
	switch {
	case r.ID == "":
		return fmt.Errorf("match: %w: a record without an id", leadloop.ErrInvalid)
	case len(r.Values) > len(x.model.spec.fields):
		return fmt.Errorf("match: %w: record %q has %d values for %d fields", leadloop.ErrInvalid, r.ID, len(r.Values), len(x.model.spec.fields))
	}
	return nil
}

func (x *Index) source(name string) (uint16, error) {
	if i := slices.Index(x.names, name); i >= 0 {
		return uint16(i), nil
	}
	if len(x.names) > 0xffff {
		return 0, fmt.Errorf("match: %w: more than 65,536 sources", leadloop.ErrInvalid)
	}
	x.names = append(x.names, strings.Clone(name))
	return uint16(len(x.names) - 1), nil
}

// put files a row of cells under an id.
func (x *Index) put(id string, source uint16, cells []uint32) {
	row, ok := x.byID[id]
	if ok {
		if node := x.nodeOf[row]; x.sources[node] == source && slices.Equal(x.row(node), cells) {
			return
		}
		x.leave(row)
	} else {
		id = strings.Clone(id)
		if n := len(x.freeRows); n > 0 {
			row, x.freeRows = x.freeRows[n-1], x.freeRows[:n-1]
			x.ids[row] = id
		} else {
			row = uint32(len(x.ids))
			x.ids, x.nodeOf = append(x.ids, id), append(x.nodeOf, 0)
		}
		x.byID[id] = row
	}
	x.enter(row, source, cells)
	if !ok {
		x.refile(id)
	}
}

// Delete removes a record. An id that no record has changes nothing. What was decided about it is kept for when it comes back.
func (x *Index) Delete(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	row, ok := x.byID[id]
	if !ok {
		return
	}
	x.leave(row)
	delete(x.byID, id)
	x.ids[row], x.nodeOf[row] = "", noRow
	x.freeRows = append(x.freeRows, row)
	x.refile(id)
}

// Decide notes what a human said about two records, which need not be there yet. What was said last about a pair counts. The error wraps
// leadloop.ErrInvalid if it is one record.
func (x *Index) Decide(d Decision) error {
	if d.A == d.B {
		return fmt.Errorf("match: %w: record %q and itself", leadloop.ErrInvalid, d.A)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range [][2]string{{d.A, d.B}, {d.B, d.A}} {
		if x.decided[p[0]] == nil {
			x.decided[strings.Clone(p[0])] = map[string]bool{}
		}
		x.decided[p[0]][strings.Clone(p[1])] = d.Same
	}
	x.refile(d.A, d.B)
	return nil
}

// Undecide forgets what was said about two records.
func (x *Index) Undecide(a, b string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range [][2]string{{a, b}, {b, a}} {
		delete(x.decided[p[0]], p[1])
		if len(x.decided[p[0]]) == 0 {
			delete(x.decided, p[0])
		}
	}
	x.refile(a, b)
}

// apart reports whether a record was told apart from one that is there. Such a record is in no node with equal ones.
func (x *Index) apart(id string) bool {
	for other, same := range x.decided[id] {
		if _, ok := x.byID[other]; ok && !same {
			return true
		}
	}
	return false
}

// refile puts records, and those that something was decided about with them, into the nodes where they now belong.
func (x *Index) refile(ids ...string) {
	for _, id := range ids {
		x.refileOne(id)
		for other := range x.decided[id] {
			x.refileOne(other)
		}
	}
}

func (x *Index) refileOne(id string) {
	row, ok := x.byID[id]
	if !ok {
		return
	}
	node := x.nodeOf[row]
	if x.shared(node) != x.apart(id) { // filed as it is to be
		return
	}
	source, cells := x.sources[node], slices.Clone(x.row(node))
	x.leave(row)
	x.enter(row, source, cells)
}

func (x *Index) row(node uint32) []uint32 {
	n := len(x.columns)
	return x.cells[int(node)*n : (int(node)+1)*n]
}

// content is a hash of what a node has.
func (x *Index) content(node uint32) uint64 { return x.hash(x.sources[node], x.row(node)) }

// shared reports whether rows with the content of a node are put into it.
func (x *Index) shared(node uint32) bool {
	at, ok := x.byContent[x.content(node)]
	return ok && at == node
}

func (x *Index) hash(source uint16, cells []uint32) uint64 {
	h := uint64(source)
	for _, id := range cells {
		h = mix64(h ^ uint64(id))
	}
	return h
}

// enter puts a row into the node of its content, or into a new one.
func (x *Index) enter(row uint32, source uint16, cells []uint32) {
	h := x.hash(source, cells)
	apart := x.apart(x.ids[row])
	if node, ok := x.byContent[h]; ok && !apart && x.sources[node] == source && slices.Equal(x.row(node), cells) {
		rows := x.rowsOf(node)
		at, _ := slices.BinarySearchFunc(rows, x.ids[row], func(r uint32, id string) int { return strings.Compare(x.ids[r], id) })
		if len(rows) == 1 {
			rows = slices.Clone(rows)
		}
		x.more[node] = slices.Insert(rows, at, row)
		x.nodeOf[row] = node
		return
	}
	var node uint32
	if n := len(x.freeNodes); n > 0 {
		node, x.freeNodes = x.freeNodes[n-1], x.freeNodes[:n-1]
		copy(x.row(node), cells)
		x.sources[node], x.first[node] = source, row
	} else {
		node = uint32(len(x.first))
		x.cells = append(x.cells, cells...)
		x.sources, x.first = append(x.sources, source), append(x.first, row)
	}
	x.nodeOf[row] = node
	if _, taken := x.byContent[h]; !taken && !apart {
		x.byContent[h] = node
	}
	x.post(node, true)
}

// leave takes a row out of its node, and the node out of the index if it was the last.
func (x *Index) leave(row uint32) {
	node := x.nodeOf[row]
	if rows, ok := x.more[node]; ok {
		rows = slices.DeleteFunc(rows, func(r uint32) bool { return r == row })
		x.more[node] = rows
		if len(rows) == 1 {
			x.first[node] = rows[0]
			delete(x.more, node)
		}
		return
	}
	x.post(node, false)
	if x.shared(node) {
		delete(x.byContent, x.content(node))
	}
	x.first[node] = noRow
	x.freeNodes = append(x.freeNodes, node)
}

// rowsOf returns the rows of a node, in the order of ids.
func (x *Index) rowsOf(node uint32) []uint32 {
	if rows, ok := x.more[node]; ok {
		return rows
	}
	return x.first[node : node+1 : node+1]
}

// post files a node under its key values, or takes it out.
func (x *Index) post(node uint32, in bool) {
	row := x.row(node)
	for k := range x.model.keys {
		values := x.model.keys[k].values(x.model.numbers[k], x.columns, row, x.keyValues[:0])
		x.keyValues = values
		for i, h := range values {
			if v := keyValue(h); !seenBefore(values[:i], v) {
				if in {
					x.postings[k].add(v, node)
				} else {
					x.postings[k].remove(v, node)
				}
			}
		}
	}
}

// keyValue is what of a key's value counts, as in batches.
func keyValue(h uint64) uint32 { return uint32(h>>32) | 1 }

func seenBefore(values []uint64, v uint32) bool {
	return slices.ContainsFunc(values, func(h uint64) bool { return keyValue(h) == v })
}

// Lookup returns the records that may be one with r, the likeliest first and then by id: those from the review threshold up, and those that a human
// said to be the same, up to limit; 0 means 10. R itself, by its id, is none of them, nor is what was told apart from it or has another value of a
// unique field. R need not be in the index and is not added to it.
//
// The error is the context's while it waits for its turn, or wraps leadloop.ErrInvalid if r has more values than the model has fields.
func (x *Index) Lookup(ctx context.Context, r Record, limit int) ([]Candidate, error) {
	if len(r.Values) > len(x.model.spec.fields) {
		return nil, fmt.Errorf("match: %w: record %q has %d values for %d fields", leadloop.ErrInvalid, r.ID, len(r.Values), len(x.model.spec.fields))
	}
	if limit <= 0 {
		limit = defaultLimit
	}
	if err := x.searches.await(ctx); err != nil {
		return nil, err
	}
	s := x.searches.idlest()
	defer x.searches.give(s)
	s.deriver.derive(r.Values, s.derived)
	x.mu.RLock()
	defer x.mu.RUnlock()
	s.encode(x.columns)
	s.collect(x, maxCandidates)
	x.found(s, r.ID, limit)
	return slices.Clone(s.found), nil
}

// found scores the nodes of a search.
func (x *Index) found(s *search, id string, limit int) {
	s.found = s.found[:0]
	told := x.decided[id]
	for other, same := range told {
		if row, ok := x.byID[other]; ok && same {
			c := Candidate{ID: x.ids[row], Weight: s.weight(x, x.nodeOf[row]), Verdict: VerdictAuto, Decided: true}
			c.Probability = probability(c.Weight)
			s.keep(c, limit)
		}
	}
	s.pairs.from(s.cells)
	for _, c := range s.pairs.weighAll(x.cells, s.nodes, x.review) {
		node, w := c.node, c.weight
		if x.conflict(s.cells, x.row(node)) {
			continue
		}
		p := probability(w)
		verdict := x.o.Thresholds.Of(p)
		if verdict == VerdictNew {
			continue
		}
		n := 0
		for _, row := range x.rowsOf(node) {
			if _, ok := told[x.ids[row]]; ok || x.ids[row] == id {
				continue
			}
			s.keep(Candidate{ID: x.ids[row], Weight: w, Probability: p, Verdict: verdict}, limit)
			if n++; n == limit {
				break
			}
		}
	}
}

func (x *Index) conflict(a, b []uint32) bool {
	for _, c := range x.model.spec.unique {
		if a[c] != 0 && b[c] != 0 && a[c] != b[c] {
			return true
		}
	}
	return false
}

// better orders candidates: what is decided first, then by weight, then by id.
func better(a, b Candidate) int {
	switch {
	case a.Decided && !b.Decided:
		return -1
	case b.Decided && !a.Decided:
		return 1
	}
	return cmp.Or(cmp.Compare(b.Weight, a.Weight), strings.Compare(a.ID, b.ID))
}

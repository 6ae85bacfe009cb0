package match

import (
	"math"
	"slices"
)

// within is how common the values of a column are among the rows of one category: a name is as rare as it is in its country, not as in the world.
// Two people of one company have the country of it in common, whatever its frequency elsewhere.
type within struct {
	Column int     // of the category, plus one; 0 if names depend on none
	Bits   float64 // how much more often two rows have the same value if they have the same category
	Counts map[uint64]uint32
}

const (
	leastWithin = 0.5 // bits that a category must tell about names
	withinRows  = 50_000
	trustedRows = 6_000 // of a category, that tell as much of how rare a value is in it as all rows do
)

func withinKey(value, category uint64) uint64 { return mix64(value ^ mix64(category)) }

// knownNames remembers how common names are in a category: namesakes are candidates of each other, so the same are asked for again and again.
type knownNames struct {
	known   [1 << 8]knownName
	certain uint32 // values below this number change; they are not remembered
}

type knownName struct {
	column, id, category uint32
	logFreq              float32
}

// logFreqWithin is how common a value of a column that two rows share is in their category: if both have the same, or one of them has one.
func (v *vector) logFreqWithin(cols []*column, col int, id uint32, a, b []uint32) float32 {
	c := cols[col]
	f := c.freqs
	if f == nil || f.Within.Column == 0 {
		return c.logFreqs[id]
	}
	k := f.Within.Column - 1
	category, other := a[k], b[k]
	if category == 0 {
		category = other
	}
	if category == 0 || other != 0 && other != category || cols[k].freqs == nil {
		return c.logFreqs[id]
	}
	if v.names == nil || min(id, category) < max(v.names.certain, 1) {
		return c.within(cols[k], id, category)
	}
	at := &v.names.known[mix64(uint64(id)<<32|uint64(category)<<4|uint64(col))%uint64(len(v.names.known))]
	if at.column != uint32(col) || at.id != id || at.category != category {
		*at = knownName{uint32(col), id, category, c.within(cols[k], id, category)}
	}
	return at.logFreq
}

// within is how common a value is in a category, which is a value of another column.
func (c *column) within(of *column, id, category uint32) float32 {
	f := c.freqs
	hash := of.hashes[category]
	rows := of.freqs.Counts[hash]
	if rows == 0 {
		return c.logFreqs[id]
	}
	n := max(f.Within.Counts[withinKey(c.hashes[id], hash)], 1)
	here := math.Log2(min(float64(n)/float64(rows), 1)) + f.Within.Bits
	trust := float64(rows) / float64(rows+trustedRows)
	return float32(trust*here + (1-trust)*float64(c.logFreqs[id]))
}

// countWithin finds for each column of names the category that tells the most about them.
func (l *learner) countWithin() {
	for c, s := range l.spec.columns {
		if s.kind != KindGivenName && s.kind != KindFamilyName {
			continue
		}
		best := within{Bits: leastWithin}
		for k, of := range l.spec.columns {
			if of.kind != KindCategory {
				continue
			}
			if w := l.within(c, k, max(1, l.n.len()/withinRows)); w.Bits > best.Bits {
				best = w
			}
		}
		if best.Column == 0 {
			continue
		}
		w := l.within(c, best.Column-1, 1)
		for key, n := range w.Counts {
			if n < 2 {
				delete(w.Counts, key)
			}
		}
		l.freqs[c].Within = within{best.Column, w.Bits, w.Counts}
	}
}

// within counts values by category in one node of step.
func (l *learner) within(c, k, step int) within {
	w := within{Column: k + 1, Counts: map[uint64]uint32{}}
	values, categories := map[uint64]uint32{}, map[uint64]uint32{}
	for i := 0; i < l.n.len(); i += step {
		row := l.n.row(uint32(i))
		if row[c] == 0 || row[k] == 0 {
			continue
		}
		size := uint32(l.n.size(uint32(i)))
		value, category := l.n.cols[c].hashes[row[c]], l.n.cols[k].hashes[row[k]]
		w.Counts[withinKey(value, category)] += size
		values[value] += size
		categories[category] += size
	}
	if together, apart := coincidences(w.Counts)/max(coincidences(categories), 1), coincidences(values); apart > 0 && together > 0 {
		w.Bits = math.Log2(together * coincidences(map[uint64]uint32{0: rowsOf(values)}) / apart)
	}
	return w
}

// coincidences is how many pairs have the same.
func coincidences(counts map[uint64]uint32) float64 {
	all := make([]uint32, 0, len(counts))
	for _, n := range counts {
		all = append(all, n)
	}
	slices.Sort(all) // sums of floats depend on the order, which maps have none
	sum := 0.0
	for _, n := range all {
		sum += float64(n) * float64(n-1) / 2
	}
	return sum
}

func rowsOf(counts map[uint64]uint32) (sum uint32) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

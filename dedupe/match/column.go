package match

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/leadloop/leadloop/normalize"
)

// column holds the distinct values of one derived column. Value 0 is the missing one.
type column struct {
	name     string
	words    bool // values are lists of words, parted by blanks
	given    bool // values are given names
	numbers  dictionary
	values   []string
	others   []string       // forms of values that are not the value itself; see form
	outlines []valueOutline // of the forms
	hashes   []uint64       // of the values
	kin      [][]uint32     // of given names: hashes of the letters of the name and of those that may stand for it, sorted
	freqs    *frequencies
	logFreqs []float32 // log2 of the share of rows, or of entities where they are known, that have the value

	byWord       map[string]uint32
	wordAt       []uint32 // first word of each value in wordIDs; one more at the end
	wordIDs      []uint32
	wordForms    []string
	wordOutlines []wordOutline // of the forms
	wordHashes   []uint64
	weighed      int // words that have weights
}

func newColumn(s columnSpec) *column {
	c := &column{name: s.name, words: s.words, given: s.kind == KindGivenName}
	if s.words {
		c.byWord = map[string]uint32{}
		c.wordAt = []uint32{0}
	}
	c.intern("")
	return c
}

// find returns the number of a value, if the column has it.
func (c *column) find(value string) (uint32, bool) {
	return c.numbers.find(c.values, value, hash64(0, value))
}

// intern returns the number of a value, which the column keeps if it is new.
func (c *column) intern(value string) uint32 {
	hash := hash64(0, value)
	if id, ok := c.numbers.find(c.values, value, hash); ok {
		return id
	}
	id := uint32(len(c.values))
	form := bytesForm(value)
	c.values = append(c.values, value)
	c.outlines = append(c.outlines, valueOutline{outline: outlineOf(form)})
	if form != value {
		c.outlines[id].other = c.other(form)
	}
	c.hashes = append(c.hashes, hash)
	c.numbers.add(c.hashes, id, hash)
	if c.given {
		c.kin = append(c.kin, kinOf(nil, value))
		c.outlines[id].marks = kinMarks(c.kin[id])
	}
	if c.words {
		for start := 0; start < len(value); {
			end := start
			for end < len(value) && value[end] != ' ' {
				end++
			}
			c.wordIDs = append(c.wordIDs, c.internWord(value[start:end]))
			start = end + 1
		}
		c.wordAt = append(c.wordAt, uint32(len(c.wordIDs)))
		c.outlines[id].marks = wordMarks(value)
	}
	return id
}

// form is the value for comparing letter by letter: see bytesForm. Nearly all values are in ASCII, and their form is the value.
func (c *column) form(id uint32) string {
	if at := c.outlines[id].other; at != 0 {
		return c.others[at]
	}
	return c.values[id]
}

// other keeps a form, and returns where.
func (c *column) other(form string) uint32 {
	if c.others == nil {
		c.others = []string{""} // 0 is none
	}
	c.others = append(c.others, form)
	return uint32(len(c.others) - 1)
}

// own gives the values from a number on memory of their own, in one piece.
func (c *column) own(from int) {
	size := 0
	for _, v := range c.values[from:] {
		size += len(v)
	}
	if size == 0 {
		return
	}
	var b strings.Builder
	b.Grow(size)
	for _, v := range c.values[from:] {
		b.WriteString(v)
	}
	all := b.String()
	for i := from; i < len(c.values); i++ {
		n := len(c.values[i])
		c.values[i], all = all[:n], all[n:]
	}
}

// internWord keeps a copy of a word that is new.
func (c *column) internWord(word string) uint32 {
	id, ok := c.byWord[word]
	if !ok {
		id = uint32(len(c.wordForms))
		word = strings.Clone(word)
		c.byWord[word] = id
		c.wordForms = append(c.wordForms, bytesForm(word))
		c.wordOutlines = append(c.wordOutlines, wordOutline{outline: outlineOf(c.wordForms[id])})
		c.wordHashes = append(c.wordHashes, hash64(1, word))
	}
	return id
}

// wordsOf returns the words of a value.
func (c *column) wordsOf(id uint32) []uint32 { return c.wordIDs[c.wordAt[id]:c.wordAt[id+1]] }

// frequencies is what a model remembers of a column: how many rows had a value, by the value's hash. Values that only one row had are not kept.
type frequencies struct {
	Rows   int // that had any value
	Counts map[uint64]uint32
	Words  map[uint64]uint32
	Seldom []float64 // see setSeldom
	Within within
}

// weigh sets the frequencies of all values from those of a model.
func (c *column) weigh(f *frequencies) {
	c.logFreqs, c.weighed = nil, 0
	c.weighNew(f)
}

// weighNew sets the frequencies of values and words that have none yet.
func (c *column) weighNew(f *frequencies) {
	c.freqs = f
	c.logFreqs = slices.Grow(c.logFreqs, len(c.values)-len(c.logFreqs))
	for _, h := range c.hashes[len(c.logFreqs):] {
		c.logFreqs = append(c.logFreqs, f.logFreq(h))
	}
	for ; c.weighed < len(c.wordOutlines); c.weighed++ {
		c.wordOutlines[c.weighed].weight = f.wordWeight(c.wordHashes[c.weighed])
	}
}

// logFreq is that of a value, by its hash.
func (f *frequencies) logFreq(hash uint64) float32 {
	n := f.Counts[hash]
	rows := float64(max(n, 1))
	if int(n) < len(f.Seldom) {
		rows = f.Seldom[n]
	}
	return float32(math.Log2(rows / float64(max(f.Rows, 1))))
}

// wordWeight is that of a word, by its hash: half a bit at least, so that a word that nearly all have still counts when it is all there is.
func (f *frequencies) wordWeight(hash uint64) float32 {
	return float32(max(math.Log2(float64(max(f.Rows, 1))/float64(max(f.Words[hash], 1))), 0.5))
}

// kinOf appends the kin of a given name.
func kinOf(kin []uint32, name string) []uint32 {
	if name == "" {
		return kin
	}
	kin = append(kin, lettersHash(name))
	for _, n := range normalize.FormalNames(name) {
		kin = append(kin, lettersHash(n))
	}
	slices.Sort(kin)
	return slices.Compact(kin)
}

// kinMarks are a bit for each of the kin: disjoint only where no kin is common.
func kinMarks(kin []uint32) (marks uint64) {
	for _, k := range kin {
		marks |= 1 << (k & 63)
	}
	return marks
}

// lettersHash is the same for names that differ in blanks and signs only.
func lettersHash(s string) uint32 {
	h := uint64(0xcbf29ce484222325)
	for _, r := range s {
		if unicode.IsLetter(r) {
			h = (h ^ uint64(r)) * 0x100000001b3
		}
	}
	return uint32(mix64(h))
}

// sameGiven is normalize.SameGivenName for two values, but that it takes no time for names that have no kin in common.
func (c *column) sameGiven(a, b uint32) bool {
	if c.outlines[a].marks&c.outlines[b].marks == 0 {
		return false
	}
	x, y := c.kin[a], c.kin[b]
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0] == y[0]:
			return normalize.SameGivenName(c.values[a], c.values[b])
		case x[0] < y[0]:
			x = x[1:]
		default:
			y = y[1:]
		}
	}
	return false
}

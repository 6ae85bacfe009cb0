package match

import (
	"math"
	"slices"
)

// column holds the distinct values of one derived column. Value 0 is the missing one.
type column struct {
	name     string
	words    bool // values are lists of words, parted by blanks
	byValue  map[string]uint32
	values   []string
	forms    []string  // for comparing letter by letter; shares memory with values where it can
	hashes   []uint64  // of the values
	logFreqs []float32 // log2 of the share of rows, or of entities where they are known, that have the value

	byWord     map[string]uint32
	wordAt     []uint32 // first word of each value in wordIDs; one more at the end
	wordIDs    []uint32
	wordForms  []string
	wordHashes []uint64
	weights    []float32 // of a word: log2 of one over the share of values that have it
}

func newColumn(name string, words bool) *column {
	c := &column{name: name, words: words, byValue: map[string]uint32{}}
	if words {
		c.byWord = map[string]uint32{}
		c.wordAt = []uint32{0}
	}
	c.intern("")
	return c
}

// intern returns the number of a value.
func (c *column) intern(value string) uint32 {
	if id, ok := c.byValue[value]; ok {
		return id
	}
	id := uint32(len(c.values))
	c.byValue[value] = id
	c.values = append(c.values, value)
	c.forms = append(c.forms, bytesForm(value))
	c.hashes = append(c.hashes, hash64(0, value))
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
	}
	return id
}

func (c *column) internWord(word string) uint32 {
	id, ok := c.byWord[word]
	if !ok {
		id = uint32(len(c.wordForms))
		c.byWord[word] = id
		c.wordForms = append(c.wordForms, bytesForm(word))
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
}

// weigh sets the frequencies of all values from those of a model.
func (c *column) weigh(f *frequencies) {
	c.logFreqs, c.weights = nil, nil
	c.weighNew(f)
}

// weighNew sets the frequencies of values and words that have none yet.
func (c *column) weighNew(f *frequencies) {
	c.logFreqs = slices.Grow(c.logFreqs, len(c.values)-len(c.logFreqs))
	for _, h := range c.hashes[len(c.logFreqs):] {
		c.logFreqs = append(c.logFreqs, f.logFreq(h))
	}
	c.weights = slices.Grow(c.weights, len(c.wordForms)-len(c.weights))
	for _, h := range c.wordHashes[len(c.weights):] {
		c.weights = append(c.weights, f.wordWeight(h))
	}
}

// logFreq is that of a value, by its hash.
func (f *frequencies) logFreq(hash uint64) float32 {
	return float32(math.Log2(float64(max(f.Counts[hash], 1)) / float64(max(f.Rows, 1))))
}

// wordWeight is that of a word, by its hash: half a bit at least, so that a word that nearly all have still counts when it is all there is.
func (f *frequencies) wordWeight(hash uint64) float32 {
	return float32(max(math.Log2(float64(max(f.Rows, 1))/float64(max(f.Words[hash], 1))), 0.5))
}

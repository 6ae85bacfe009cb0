package match

import "math"

// column holds the distinct values of one derived column. Value 0 is the missing one.
type column struct {
	name     string
	words    bool // values are lists of words, parted by blanks
	byValue  map[string]uint32
	values   []string
	forms    []string  // for comparing letter by letter; shares memory with values where it can
	hashes   []uint64  // of the values
	logFreqs []float32 // log2 of the share of rows, or of entities where they are known, that have the value

	byWord    map[string]uint32
	wordAt    []uint32 // first word of each value in wordIDs; one more at the end
	wordIDs   []uint32
	wordForms []string
	weights   []float32 // of a word: log2 of one over the share of values that have it
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
	n := float64(max(f.Rows, 1))
	c.logFreqs = make([]float32, len(c.values))
	for id, h := range c.hashes {
		c.logFreqs[id] = float32(math.Log2(float64(max(f.Counts[h], 1)) / n))
	}
	if !c.words {
		return
	}
	c.weights = make([]float32, len(c.wordForms))
	for word, id := range c.byWord {
		// Half a bit at least, so that a word that nearly all have still counts when it is all there is.
		c.weights[id] = float32(max(math.Log2(n/float64(max(f.Words[hash64(1, word)], 1))), 0.5))
	}
}

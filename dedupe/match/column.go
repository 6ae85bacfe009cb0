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
	counts   []uint32  // rows that have the value
	logFreqs []float32 // log2 of the share of rows, or of entities where they are known, that have the value

	byWord    map[string]uint32
	wordAt    []uint32 // first word of each value in wordIDs; one more at the end
	wordIDs   []uint32
	wordForms []string
	wordCount []uint32
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
	c.counts = append(c.counts, 0)
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
		c.wordCount = append(c.wordCount, 0)
	}
	return id
}

// wordsOf returns the words of a value.
func (c *column) wordsOf(id uint32) []uint32 { return c.wordIDs[c.wordAt[id]:c.wordAt[id+1]] }

// count counts in how many rows each value and each word is.
func (c *column) count(cells []uint32, at, stride int) {
	clear(c.counts)
	for i := at; i < len(cells); i += stride {
		c.counts[cells[i]]++
	}
	if !c.words {
		return
	}
	clear(c.wordCount)
	for id := 1; id < len(c.values); id++ {
		if c.counts[id] == 0 {
			continue
		}
		for _, w := range c.wordsOf(uint32(id)) {
			c.wordCount[w] += c.counts[id]
		}
	}
}

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

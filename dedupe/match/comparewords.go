package match

import (
	"math/bits"
	"strings"
)

var (
	wordLevels    = []string{"missing", "different", "a fifth", "two fifths", "three fifths", "three quarters", "nine tenths", "same"}
	companyLevels = []string{"missing", "different", "a quarter", "half", "acronym", "most", "nearly all", "same"}
	addressLevels = []string{"missing", "different", "some words", "same street", "alike", "close", "same"}
)

// maxWords bounds the words of a value that are compared.
const maxWords = 32

// wordSimilarity returns how much of the weight of the words of two values is in both, in [0, 1]: equal words count in full, those that
// resemble each other, abbreviate each other or are initials in part.
func wordSimilarity(c *column, x, y uint32) float64 {
	s, _ := wordOverlap(c, x, y)
	return s
}

// wordOverlap returns the similarity, and how much of the weight of the lighter value is in the other.
func wordOverlap(c *column, x, y uint32) (similarity, contained float64) {
	if c.unlikeWords(x, y) {
		return 0, 0
	}
	return wordOverlapOf(c, x, y)
}

func wordOverlapOf(c *column, x, y uint32) (similarity, contained float64) {
	wa, wb := c.wordsOf(x), c.wordsOf(y)
	if len(wa) > len(wb) {
		wa, wb, x, y = wb, wa, y, x
	}
	wa, wb = wa[:min(len(wa), maxWords)], wb[:min(len(wb), maxWords)]
	var usedA, usedB uint32
	var shared, sumA, sumB float64
	for _, w := range wa {
		sumA += float64(c.wordOutlines[w].weight)
	}
	for _, w := range wb {
		sumB += float64(c.wordOutlines[w].weight)
	}
	for i, w := range wa {
		for j, o := range wb {
			if w == o && usedB>>uint(j)&1 == 0 {
				usedA |= 1 << uint(i)
				usedB |= 1 << uint(j)
				shared += 2 * float64(c.wordOutlines[w].weight)
				break
			}
		}
	}
	if len(wa) == len(wb) && len(wa)-bits.OnesCount32(usedA) > 1 && c.values[x] > c.values[y] { // then it matters who has the first choice
		wa, wb, usedA, usedB = wb, wa, usedB, usedA
	}
	for i, w := range wa {
		if usedA>>uint(i)&1 != 0 {
			continue
		}
		best, at := 0.0, -1
		for j, o := range wb {
			if usedB>>uint(j)&1 != 0 {
				continue
			}
			if s := c.likeness(w, o); s > best {
				best, at = s, j
			}
		}
		if at >= 0 {
			usedB |= 1 << uint(at)
			shared += best * float64(c.wordOutlines[w].weight+c.wordOutlines[wb[at]].weight)
		}
	}
	if sumA == 0 || sumB == 0 {
		return 0, 0
	}
	return shared / (sumA + sumB), min(shared/2/min(sumA, sumB), 1)
}

// likeness is how much two unequal words count as the same.
func (c *column) likeness(x, y uint32) float64 {
	o, p := &c.wordOutlines[x].outline, &c.wordOutlines[y].outline
	if o.size > p.size {
		o, p, x, y = p, o, y, x
	}
	first, same := byte(o.begin), o.prefix(p)
	switch {
	case o.size == 0 || same == 0 && (o.size < 4 || byte(o.end) != byte(p.end)):
		return 0
	case isDigit(first) || isDigit(byte(p.begin)):
		return 0
	case o.size == 1:
		return 0.6
	case o.size >= 3 && same >= min(int(o.size), 4) && strings.HasPrefix(c.wordForms[y], c.wordForms[x]):
		return 0.8
	case o.size < 4 || !o.alike(p, similar88):
		return 0
	}
	if jw := jaroWinkler(c.wordForms[x], c.wordForms[y]); jw >= 0.88 {
		return jw
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func wordsLevel(c *column, x, y uint32) (uint8, float32) {
	switch s := wordSimilarity(c, x, y); {
	case s >= 0.999: // in another order
		return 7, commoner(c, x, y)
	case s >= 0.9:
		return 6, commoner(c, x, y)
	case s >= 0.75:
		return 5, commoner(c, x, y)
	case s >= 0.6:
		return 4, 0
	case s >= 0.4:
		return 3, 0
	case s >= 0.2:
		return 2, 0
	}
	return levelDifferent, 0
}

func companyLevel(c *column, x, y uint32) (uint8, float32) {
	s := wordSimilarity(c, x, y)
	if s < 0.88 && c.jaroWinkler(similar95, x, y) >= 0.95 && !renumbered(c.form(x), c.form(y)) {
		s = 0.88 // written in one word, or a typing error at the end
	}
	switch {
	case s >= 0.88:
		return 6, commoner(c, x, y)
	case s >= 0.7:
		return 5, commoner(c, x, y)
	case c.acronym(x, y) || c.acronym(y, x):
		return 4, 0
	case s >= 0.5:
		return 3, 0
	case s >= 0.25:
		return 2, 0
	}
	return levelDifferent, 0
}

// acronym holds if one value is made of the first letters of another one's words.
func (c *column) acronym(short, long uint32) bool {
	o, p := &c.outlines[short], &c.outlines[long]
	return o.size >= 3 && o.size <= 8 && o.size < p.size && byte(o.begin) == byte(p.begin) && isAcronym(c.form(short), c.form(long))
}

// isAcronym holds if short is made of the first letters of the words of long, of which there are three at least.
func isAcronym(short, long string) bool {
	if len(short) < 3 || len(short) > 8 || strings.IndexByte(short, ' ') >= 0 {
		return false
	}
	n := 0
	for i := 0; i < len(long); i++ {
		if i > 0 && long[i-1] != ' ' {
			continue
		}
		if n >= len(short) || long[i] != short[n] {
			return false
		}
		n++
	}
	return n == len(short)
}

// compareAddress compares street and house number, which are two columns of three in a row.
func compareAddress(first int) func(int) comparer {
	return func(at int) comparer {
		return comparer{first: at, end: at + 1, columns: []int{first, first + 1}, by: address{at, first}}
	}
}

type address struct{ at, first int }

func (d address) glance(cols []*column, a, b []uint32, v *vector) {
	street, x, y, na, nb := cols[d.first], a[d.first], b[d.first], a[d.first+1], b[d.first+1]
	switch {
	case x == 0 || y == 0:
	case x == y && na == nb:
		v.level[d.at], v.freq[d.at] = 6, cols[d.first+2].logFreqs[a[d.first+2]]
	case x == y && na != 0 && nb != 0:
		v.level[d.at], v.freq[d.at] = 3, street.logFreqs[x]
	case x == y:
		v.level[d.at], v.freq[d.at] = 5, street.logFreqs[x]
	case street.unlikeWords(x, y) && !street.outlines[x].alike(&street.outlines[y].outline, similar93):
		v.level[d.at] = levelDifferent
	default:
		v.open(d.at, 5)
	}
}

func (d address) read(cols []*column, a, b []uint32, v *vector) {
	street, x, y, na, nb := cols[d.first], a[d.first], b[d.first], a[d.first+1], b[d.first+1]
	otherNumber := na != nb && na != 0 && nb != 0
	s, contained := wordOverlap(street, x, y)
	if na == nb && na != 0 { // what one has more is a floor, a mall or a crossing
		s = max(s, contained)
	}
	if s < 0.85 && street.jaroWinkler(similar93, x, y) >= 0.93 {
		s = 0.85
	}
	switch {
	case s >= 0.85 && !otherNumber:
		v.level[d.at], v.freq[d.at] = 5, commoner(street, x, y)
	case s >= 0.5 && !otherNumber:
		v.level[d.at] = 4
	case s >= 0.75:
		v.level[d.at], v.freq[d.at] = 3, commoner(street, x, y)
	case s >= 0.25:
		v.level[d.at] = 2
	default:
		v.level[d.at] = levelDifferent
	}
}

// middleLevel compares what stands between given and family name.
func middleLevel(c *column, x, y uint32) (uint8, float32) {
	a, b := c.form(x), c.form(y)
	switch {
	case (len(a) == 1 || len(b) == 1) && a[0] == b[0]:
		return 2, 0
	case close1(a, b) || sharesWord(a, b) || sharesWord(b, a):
		return 3, 0
	}
	return levelDifferent, 0
}

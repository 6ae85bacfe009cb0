package match

import "strings"

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
	if c.marks[x]&c.marks[y] == 0 {
		return 0, 0
	}
	return wordOverlapOf(c, x, y)
}

func wordOverlapOf(c *column, x, y uint32) (similarity, contained float64) {
	wa, wb := c.wordsOf(x), c.wordsOf(y)
	if len(wa) > len(wb) || len(wa) == len(wb) && c.values[x] > c.values[y] {
		wa, wb = wb, wa
	}
	wa, wb = wa[:min(len(wa), maxWords)], wb[:min(len(wb), maxWords)]
	var usedA, usedB uint32
	var shared, sumA, sumB float64
	for _, w := range wa {
		sumA += float64(c.weights[w])
	}
	for _, w := range wb {
		sumB += float64(c.weights[w])
	}
	for i, w := range wa {
		for j, o := range wb {
			if w == o && usedB>>uint(j)&1 == 0 {
				usedA |= 1 << uint(i)
				usedB |= 1 << uint(j)
				shared += 2 * float64(c.weights[w])
				break
			}
		}
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
			shared += best * float64(c.weights[w]+c.weights[wb[at]])
		}
	}
	if sumA == 0 || sumB == 0 {
		return 0, 0
	}
	return shared / (sumA + sumB), min(shared/2/min(sumA, sumB), 1)
}

// likeness is how much two unequal words count as the same.
func (c *column) likeness(x, y uint32) float64 {
	a, b := c.wordForms[x], c.wordForms[y]
	if len(a) > len(b) {
		a, b = b, a
	}
	switch {
	case a == "" || a[0] != b[0] && (len(a) < 4 || a[len(a)-1] != b[len(b)-1]):
		return 0
	case isDigit(a[0]) || isDigit(b[0]):
		return 0
	case len(a) == 1:
		return 0.6
	case strings.HasPrefix(b, a) && len(a) >= 3:
		return 0.8
	case len(a) < 4:
		return 0
	}
	if !c.wordOutlines[x].alike(&c.wordOutlines[y], similar88) {
		return 0
	}
	if jw := jaroWinkler(a, b); jw >= 0.88 {
		return jw
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func compareWords(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			c, x, y := cols[col], a[col], b[col]
			if x == 0 || y == 0 {
				return
			}
			if x == y {
				v.level[at], v.freq[at] = 7, c.logFreqs[x]
				return
			}
			switch s := wordSimilarity(c, x, y); {
			case s >= 0.999: // in another order
				v.level[at], v.freq[at] = 7, commoner(c, x, y)
			case s >= 0.9:
				v.level[at], v.freq[at] = 6, commoner(c, x, y)
			case s >= 0.75:
				v.level[at], v.freq[at] = 5, commoner(c, x, y)
			case s >= 0.6:
				v.level[at] = 4
			case s >= 0.4:
				v.level[at] = 3
			case s >= 0.2:
				v.level[at] = 2
			default:
				v.level[at] = levelDifferent
			}
		}
	}
}

func compareCompany(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			c, x, y := cols[col], a[col], b[col]
			if x == 0 || y == 0 {
				return
			}
			if x == y {
				v.level[at], v.freq[at] = 7, c.logFreqs[x]
				return
			}
			s := wordSimilarity(c, x, y)
			if s < 0.88 && c.jaroWinkler(similar95, x, y) >= 0.95 && !renumbered(c.form(x), c.form(y)) {
				s = 0.88 // written in one word, or a typing error at the end
			}
			switch {
			case s >= 0.88:
				v.level[at], v.freq[at] = 6, commoner(c, x, y)
			case s >= 0.7:
				v.level[at], v.freq[at] = 5, commoner(c, x, y)
			case isAcronym(c.form(x), c.form(y)) || isAcronym(c.form(y), c.form(x)):
				v.level[at] = 4
			case s >= 0.5:
				v.level[at] = 3
			case s >= 0.25:
				v.level[at] = 2
			default:
				v.level[at] = levelDifferent
			}
		}
	}
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
		return func(cols []*column, a, b []uint32, v *vector) {
			street, x, y, na, nb := cols[first], a[first], b[first], a[first+1], b[first+1]
			if x == 0 || y == 0 {
				return
			}
			otherNumber := na != nb && na != 0 && nb != 0
			if x == y {
				switch {
				case otherNumber:
					v.level[at], v.freq[at] = 3, street.logFreqs[x]
				case na == nb:
					v.level[at], v.freq[at] = 6, cols[first+2].logFreqs[a[first+2]]
				default:
					v.level[at], v.freq[at] = 5, street.logFreqs[x]
				}
				return
			}
			s, contained := wordOverlap(street, x, y)
			if na == nb && na != 0 { // what one has more is a floor, a mall or a crossing
				s = max(s, contained)
			}
			if s < 0.85 && street.jaroWinkler(similar93, x, y) >= 0.93 {
				s = 0.85
			}
			switch {
			case s >= 0.85 && !otherNumber:
				v.level[at], v.freq[at] = 5, commoner(street, x, y)
			case s >= 0.5 && !otherNumber:
				v.level[at] = 4
			case s >= 0.75:
				v.level[at], v.freq[at] = 3, commoner(street, x, y)
			case s >= 0.25:
				v.level[at] = 2
			default:
				v.level[at] = levelDifferent
			}
		}
	}
}

// compareMiddle compares what stands between given and family name.
func compareMiddle(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			c, x, y := cols[col], a[col], b[col]
			if x == 0 || y == 0 {
				return
			}
			fa, fb := c.form(x), c.form(y)
			switch {
			case x == y:
				v.level[at], v.freq[at] = 4, c.logFreqs[x]
			case (len(fa) == 1 || len(fb) == 1) && fa[0] == fb[0]:
				v.level[at] = 2
			case close1(fa, fb) || sharesWord(fa, fb) || sharesWord(fb, fa):
				v.level[at] = 3
			default:
				v.level[at] = levelDifferent
			}
		}
	}
}

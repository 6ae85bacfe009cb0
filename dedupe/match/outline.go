package match

import (
	"math/bits"
	"strings"
)

// outline is what there is to see of a form without reading it: enough to tell that most forms do not resemble each other.
type outline struct {
	once, twice uint32 // bytes that it has, and has twice, as bits of their last five bits
	begin, end  uint32 // its first and its last four bytes
	size        uint8  // bytes, up to similarityBytes+1
	further     uint8  // bytes beyond those above
	plain       bool   // of one word, that is looked at to its end
}

// valueOutline is all that is looked at of most values. It has half the size of a cache line.
type valueOutline struct {
	outline
	other uint32 // where the column keeps the form if it is not the value, else 0
	marks uint64 // of given names: see kinMarks; of words: see wordMarks
}

// wordOutline is all that is looked at of most words.
type wordOutline struct {
	outline
	weight float32 // log2 of one over the share of values that have it
}

func outlineOf(form string) outline {
	o := outline{size: uint8(min(len(form), similarityBytes+1))}
	for i := 0; i < len(form) && i < similarityBytes; i++ {
		bit := uint32(1) << (form[i] & 31)
		switch {
		case o.once&bit == 0:
			o.once |= bit
		case o.twice&bit == 0:
			o.twice |= bit
		default:
			o.further++
		}
	}
	o.plain = form != "" && len(form) <= similarityBytes && strings.IndexByte(form, ' ') < 0
	for i := 0; i < min(len(form), 4); i++ {
		o.begin |= uint32(form[i]) << (8 * uint(i))
		o.end |= uint32(form[len(form)-1-i]) << (8 * uint(i))
	}
	return o
}

// looksLike holds for the outlines of equal forms, and of few others.
func (o *outline) looksLike(p *outline) bool {
	return o.once == p.once && o.begin == p.begin && o.end == p.end && o.size == p.size && o.twice == p.twice
}

// common is the most bytes that two forms can have in common. It is for those of similarityBytes at most.
func (o *outline) common(p *outline) int {
	return bits.OnesCount32(o.once&p.once) + bits.OnesCount32(o.twice&p.twice) + int(min(o.further, p.further))
}

// prefix is how many bytes two forms begin with alike, up to four.
func (o *outline) prefix(p *outline) int { return min(bits.TrailingZeros32(o.begin^p.begin)/8, 4) }

// edited reports whether two forms may be so many edits apart: each changes one of the bytes that a form is made of.
func (o *outline) edited(p *outline, most int) bool {
	if o.size > similarityBytes || p.size > similarityBytes {
		return true
	}
	small, large := int(o.size), int(p.size)
	if small > large {
		small, large = large, small
	}
	return large-small <= most && o.common(p) >= large-most
}

// typo reports whether two forms may be one edit apart, or one end with the other. An edit leaves the beginning or the end of a long form as it was.
func (o *outline) typo(p *outline) bool {
	const long = 9 // the middle four, and one, are part of one of them at most
	return o.begin == p.begin || o.end == p.end || o.size < long || p.size < long
}

// similarity is a Jaro–Winkler similarity that is asked for, above 0.7, and what forms need to have in common for it, by the length of their equal
// beginning up to four: the sum of the shares of both forms, times their sizes.
type similarity struct {
	least float64
	needs [5]float64
}

func similarityFrom(least float64) *similarity {
	s := &similarity{least: least}
	for prefix := range s.needs {
		bonus := 0.1 * float64(prefix)
		s.needs[prefix] = 3*(least-bonus)/(1-bonus) - 1 - 1e-9
	}
	return s
}

// The similarities that are asked for.
var (
	similar80 = similarityFrom(0.80)
	similar88 = similarityFrom(0.88)
	similar93 = similarityFrom(0.93)
	similar95 = similarityFrom(0.95)
)

// alike reports whether the similarity of two forms may be that much or more.
func (o *outline) alike(p *outline, s *similarity) bool {
	if o.size > similarityBytes || p.size > similarityBytes || o.size == 0 || p.size == 0 {
		return true
	}
	return float64(o.common(p)*(int(o.size)+int(p.size))) >= s.needs[o.prefix(p)]*float64(int(o.size)*int(p.size))
}

// jaroWinkler returns the Jaro–Winkler similarity of the forms of two values if it is as much as s or more, and otherwise something below.
func (c *column) jaroWinkler(s *similarity, a, b uint32) float64 {
	if !c.outlines[a].alike(&c.outlines[b].outline, s) {
		return 0
	}
	return jaroWinkler(c.form(a), c.form(b))
}

// mostFamily is the highest level that two family names may have. See familyLevel.
func (c *column) mostFamily(a, b uint32) uint8 {
	o, p := &c.outlines[a].outline, &c.outlines[b].outline
	switch {
	case !o.plain || !p.plain || o.edited(p, 1) || o.alike(p, similar93):
		return 4
	case o.alike(p, similar80):
		return 2
	}
	return levelDifferent
}

// mostGiven is the highest level that two given names may have. See givenLevel.
func (c *column) mostGiven(a, b uint32) uint8 {
	switch o, p := &c.outlines[a], &c.outlines[b]; {
	case o.size == 1 || p.size == 1:
		if byte(o.begin) == byte(p.begin) {
			return 3
		}
		return levelDifferent
	case o.marks&p.marks != 0:
		return 5
	}
	if most := c.mostFamily(a, b); most < 4 {
		return most
	}
	return 5
}

func (c *column) mostMiddle(a, b uint32) uint8 {
	o, p := &c.outlines[a].outline, &c.outlines[b].outline
	if o.plain && p.plain && !o.edited(p, 1) && (o.size > 1 && p.size > 1 || byte(o.begin) != byte(p.begin)) {
		return levelDifferent
	}
	return 3
}

func (c *column) mostDomain(a, b uint32) uint8 {
	o, p := &c.outlines[a].outline, &c.outlines[b].outline
	if o.edited(p, 1) {
		return 3
	}
	same := o.prefix(p)
	for i := 1; i < same; i++ {
		if byte(o.begin>>(8*uint(i))) == '.' {
			return 2
		}
	}
	if same == 4 || same == int(min(o.size, p.size)) {
		return 2
	}
	return levelDifferent
}

func (c *column) mostPhone(a, b uint32) uint8 {
	o, p := &c.outlines[a].outline, &c.outlines[b].outline
	switch {
	case !o.typo(p):
		return levelDifferent
	case o.end == p.end:
		return 4
	case o.edited(p, 1):
		return 3
	case o.size == p.size && o.prefix(p) >= 3 && o.common(p) >= int(o.size)-4:
		return 2
	}
	return levelDifferent
}

func (c *column) mostPostcode(a, b uint32) uint8 {
	o, p := &c.outlines[a].outline, &c.outlines[b].outline
	switch {
	case o.edited(p, 1):
		return 4
	case o.prefix(p) >= 2:
		return 3
	}
	return levelDifferent
}

// unlikeWords reports that no word of one value is like one of the other.
func (c *column) unlikeWords(a, b uint32) bool { return c.outlines[a].marks&c.outlines[b].marks == 0 }

func (c *column) mostWords(a, b uint32) uint8 {
	if c.unlikeWords(a, b) {
		return levelDifferent
	}
	return 7
}

// mostCompany is the highest level that two companies may have. What begins with another letter is no acronym.
func (c *column) mostCompany(a, b uint32) uint8 {
	if c.unlikeWords(a, b) && !c.outlines[a].alike(&c.outlines[b].outline, similar95) {
		return levelDifferent
	}
	return 6
}

// wordMarks are the first letters of a value's words, and the last ones of those that resemble others by them: where two values have no mark in
// common, no word of one is like one of the other.
func wordMarks(value string) (marks uint64) {
	for start := 0; start < len(value); {
		end := start
		for end < len(value) && value[end] != ' ' {
			end++
		}
		if word := bytesForm(value[start:end]); word != "" {
			marks |= 1 << (word[0] & 31)
			if len(word) >= 4 {
				marks |= 1 << (32 + word[len(word)-1]&31)
			}
		}
		start = end + 1
	}
	return marks
}

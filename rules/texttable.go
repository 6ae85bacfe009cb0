package rules

import (
	"math/bits"

	"github.com/leadloop/leadloop"
)

// textTable finds which of a number of texts one is. Where it can it is a
// perfect hash of their keys.
type textTable struct {
	k1, k2 uint64
	shift  uint8
	slots  []textSlot
	// more is for texts that are more than their keys, nil if there are none.
	more *moreTexts
}

type moreTexts struct {
	texts []string
	many  map[string]int32 // instead of slots, for very many or very similar texts
}

type textSlot struct {
	lo, hi uint64
	n      uint32
	at     uint32 // position among the texts, plus one
}

// whole is the length up to which a text is all in its key.
const whole = 16

// newTextTable makes a table of distinct texts.
func newTextTable(texts []string) textTable {
	if len(texts) == 0 {
		return textTable{slots: make([]textSlot, 2), shift: 63}
	}
	const tries = 64
	seed := uint64(0x9E3779B97F4A7C15)
	for size := 1 << bits.Len(uint(len(texts))); len(texts) <= 512 && size <= 64*len(texts)+64; size *= 2 {
		for range tries {
			t := textTable{k1: next(&seed) | 1, k2: next(&seed) | 1, shift: uint8(64 - bits.Len(uint(size-1))), slots: make([]textSlot, size)}
			if t.fill(texts) {
				return t
			}
		}
	}
	many := make(map[string]int32, len(texts))
	for i, s := range texts {
		many[s] = int32(i) + 1
	}
	return textTable{more: &moreTexts{many: many}}
}

func (t *textTable) fill(texts []string) bool {
	for i, s := range texts {
		key := leadloop.KeyOf(s)
		e := t.slot(key.Lo, key.Hi, uint64(key.Len))
		if e.at != 0 {
			return false
		}
		*e = textSlot{key.Lo, key.Hi, uint32(key.Len), uint32(i) + 1}
		if key.Len > whole {
			t.more = &moreTexts{texts: texts}
		}
	}
	return true
}

// next is a step of splitmix64, so that equal sets make equal tables.
func next(seed *uint64) uint64 {
	*seed += 0x9E3779B97F4A7C15
	z := *seed
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// slot is where a text with that key would be.
func (t *textTable) slot(lo, hi, n uint64) *textSlot {
	return &t.slots[(lo*t.k1+(hi+n)*t.k2)>>(t.shift&63)]
}

// differs is 0 if the key is that of the slot.
func (e *textSlot) differs(lo, hi, n uint64) uint64 { return e.lo ^ lo | e.hi ^ hi | uint64(e.n) ^ n }

// bySelf reports whether the table does not go by keys.
func (t *textTable) bySelf() bool { return t.more != nil && t.more.many != nil }

// find returns the position of s, which has that key, among the texts plus
// one, or 0.
func (t *textTable) find(key leadloop.TextKey, s string) uint32 {
	if t.bySelf() {
		return uint32(t.more.many[s])
	}
	e := t.slot(key.Lo, key.Hi, uint64(key.Len))
	if e.differs(key.Lo, key.Hi, uint64(key.Len)) != 0 || key.Len > whole && t.more.texts[e.at-1] != s {
		return 0
	}
	return e.at
}

// findText is find for any kind of text.
func findText[S string | []byte](t *textTable, s S) uint32 {
	if t.bySelf() {
		return uint32(t.more.many[string(s)])
	}
	key := leadloop.KeyOf(s)
	e := t.slot(key.Lo, key.Hi, uint64(key.Len))
	if e.differs(key.Lo, key.Hi, uint64(key.Len)) != 0 || key.Len > whole && t.more.texts[e.at-1] != string(s) {
		return 0
	}
	return e.at
}

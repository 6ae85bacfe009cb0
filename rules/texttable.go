package rules

import "math/bits"

// textTable finds which of a number of texts one is. Where it can it is a
// perfect hash of the length and the first and last eight bytes.
type textTable struct {
	k1, k2 uint64
	shift  uint8
	slots  []textSlot
	many   map[string]int32 // instead, for very many or very similar texts
}

type textSlot struct {
	lo, hi uint64
	n      int
	key    string
	at     int32 // position among the texts, plus one
}

// newTextTable makes a table of distinct texts.
func newTextTable(keys []string) textTable {
	if len(keys) == 0 {
		return textTable{slots: make([]textSlot, 2), shift: 63}
	}
	const tries = 64
	seed := uint64(0x9E3779B97F4A7C15)
	for size := 1 << bits.Len(uint(len(keys))); len(keys) <= 512 && size <= 64*len(keys)+64; size *= 2 {
		for range tries {
			t := textTable{k1: next(&seed) | 1, k2: next(&seed) | 1, shift: uint8(64 - bits.Len(uint(size-1))), slots: make([]textSlot, size)}
			if t.fill(keys) {
				return t
			}
		}
	}
	t := textTable{many: make(map[string]int32, len(keys))}
	for i, k := range keys {
		t.many[k] = int32(i) + 1
	}
	return t
}

func (t *textTable) fill(keys []string) bool {
	for i, k := range keys {
		lo, hi := ends(k)
		s := &t.slots[(lo*t.k1+(hi+uint64(len(k)))*t.k2)>>(t.shift&63)]
		if s.at != 0 {
			return false
		}
		*s = textSlot{lo, hi, len(k), k, int32(i) + 1}
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

// find returns the position of s among the texts plus one, or 0.
func (t *textTable) find(s string) int32 {
	if t.many != nil {
		return t.many[s]
	}
	lo, hi := ends(s)
	e := &t.slots[(lo*t.k1+(hi+uint64(len(s)))*t.k2)>>(t.shift&63)]
	if e.n != len(s) || e.lo != lo || e.hi != hi || len(s) > 16 && e.key != s {
		return 0
	}
	return e.at
}

// findBytes is find for a text that is not a string.
func (t *textTable) findBytes(s []byte) int32 {
	if t.many != nil {
		return t.many[string(s)]
	}
	lo, hi := ends(s)
	e := &t.slots[(lo*t.k1+(hi+uint64(len(s)))*t.k2)>>(t.shift&63)]
	if e.n != len(s) || e.lo != lo || e.hi != hi || len(s) > 16 && e.key != string(s) {
		return 0
	}
	return e.at
}

// ends are the first and last eight bytes; with the length they are all there
// is to a text of up to sixteen.
func ends[S string | []byte](s S) (lo, hi uint64) {
	switch n := len(s); {
	case n >= 8:
		return eight(s[:8]), eight(s[n-8:])
	case n >= 4:
		return four(s[:4]), four(s[n-4:])
	case n > 0:
		return uint64(s[0]), uint64(s[n/2])<<8 | uint64(s[n-1])
	}
	return 0, 0
}

func eight[S string | []byte](s S) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func four[S string | []byte](s S) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

package leadloop

import (
	"time"
	"unicode/utf8"
)

// Row is a profile as it lies in memory, for evaluators that read many fields
// of many profiles; everything else reads [Profile.At]. It belongs to the
// profile and must not be modified. [Schema.Place] says where a field is.
type Row struct {
	// Marks has one mark for each field of the schema.
	Marks []Mark
	// Words has an int, the bits of a double, a bool (0 or 1), or a time in
	// nanoseconds since 1970 in one word, and for a text the first and last
	// bytes in two, as in [TextKey].
	Words []uint64
	Texts []string
	// Items has the keys of the texts in Lists.
	Lists [][]string
	Items [][]TextKey
}

// Mark says what a row has of a field: its [Presence] in the two lowest bits,
// then [Irregular], and the length of a text from bit [MarkLength] on.
type Mark uint16

const (
	// Irregular marks what an evaluator has to look at more closely: a text or
	// list that is not valid UTF-8, and a time that is more than 2^62
	// nanoseconds from 1970, whose words are its seconds and nanoseconds.
	Irregular Mark = 1 << 2
	// MarkLength is the bit at which the length of a text begins.
	MarkLength = 8
	// LongText stands for a length of 255 bytes and for all longer ones.
	LongText = 255
)

// Presence returns the presence of the field.
func (m Mark) Presence() Presence { return Presence(m & 3) }

// TextKey is what texts are told apart by: the length in bytes, and the first
// and the last eight bytes. Lo has the first byte in its lowest bits, Hi the
// last in its highest; what a shorter text does not fill is zero. Two texts of
// up to sixteen bytes are equal if their keys are.
type TextKey struct {
	Lo, Hi uint64
	Len    int
}

// KeyOf returns the key of a text.
func KeyOf[S string | []byte](s S) TextKey {
	n := len(s)
	if n >= 8 {
		return TextKey{eight(s), eight(s[n-8:]), n}
	}
	var lo uint64
	switch {
	case n >= 4:
		lo = four(s) | four(s[n-4:])<<(8*n-32)
	case n > 0:
		lo = uint64(s[0]) | uint64(s[n/2])<<(n/2*8) | uint64(s[n-1])<<(n*8-8)
	}
	return TextKey{lo, lo << (64 - 8*n), n}
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

// place is where a row has a field: its first word, and its text or list.
type place struct{ word, other int }

func (s *Schema) place(k Kind) place {
	p := place{s.words, 0}
	switch k {
	case KindString:
		p.other = s.texts
		s.texts++
		s.words += 2
	case KindStrings:
		p.other = s.lists
		s.lists++
	case KindTime:
		s.words += 2
	default:
		s.words++
	}
	return p
}

// Place says where rows have the i-th field: word is its first word in
// Row.Words, other the position of a text in Row.Texts or of a list in
// Row.Lists and Row.Items.
func (s *Schema) Place(i int) (word, other int) { p := s.places[i]; return p.word, p.other }

// NearTime reports whether t is at most 2^62 nanoseconds (146 years) from
// 1970, and how many it is. Differences of such times fit an int64.
func NearTime(t time.Time) (nanoseconds int64, near bool) {
	const bound = 1<<62/1_000_000_000 - 1
	sec := t.Unix()
	if sec < -bound || sec > bound {
		return 0, false
	}
	return sec*1_000_000_000 + int64(t.Nanosecond()), true
}

// set stores a value of kind k, or that there is none, which leaves nothing of
// what was there.
func (r *Row) set(v Value, k Kind, i int, at place) {
	m := Mark(v.presence)
	words := r.Words[at.word:] // of which a list has none
	switch k {
	case KindString:
		key := KeyOf(v.str)
		words[0], words[1] = key.Lo, key.Hi
		r.Texts[at.other] = v.str
		m |= Mark(min(key.Len, LongText)) << MarkLength
		if !utf8.ValidString(v.str) {
			m |= Irregular
		}
	case KindStrings:
		r.Lists[at.other], r.Items[at.other] = v.list, nil
		if len(v.list) > 0 {
			r.Items[at.other] = make([]TextKey, len(v.list))
		}
		for i, s := range v.list {
			r.Items[at.other][i] = KeyOf(s)
			if !utf8.ValidString(s) {
				m |= Irregular
			}
		}
	case KindTime:
		ns, near := NearTime(time.Unix(v.num, int64(v.nsec)))
		words[0], words[1] = uint64(ns), 0
		if !near && v.presence == Present {
			words[0], words[1] = uint64(v.num), uint64(v.nsec)
			m |= Irregular
		}
	default:
		words[0] = uint64(v.num)
	}
	r.Marks[i] = m
}

func (r *Row) at(k Kind, i int, at place) Value {
	m := r.Marks[i]
	if m.Presence() == Absent {
		return Value{}
	}
	v := Value{kind: k, presence: m.Presence()}
	if v.presence != Present {
		return v
	}
	switch k {
	case KindString:
		v.str = r.Texts[at.other]
	case KindStrings:
		v.list = r.Lists[at.other]
	case KindTime:
		if m&Irregular != 0 {
			v.num, v.nsec = int64(r.Words[at.word]), int32(r.Words[at.word+1])
			break
		}
		ns := int64(r.Words[at.word])
		v.num = floorDiv(ns, 1_000_000_000)
		v.nsec = int32(ns - v.num*1_000_000_000)
	default:
		v.num = int64(r.Words[at.word])
	}
	return v
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a < 0 && q*b != a {
		q--
	}
	return q
}

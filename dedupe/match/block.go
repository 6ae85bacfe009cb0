package match

import (
	"slices"
	"strings"
)

// blockKey is a way to find rows that may be one: rows that share a value of the key are compared.
type blockKey struct {
	name  string
	parts []keyPart
}

// keyPart takes from a row of cells what a key is made of. Nothing means that the row has no such key.
type keyPart struct {
	name string
	col  int // the column that it is made of, -1 if of several
	most int // hashes
	// take appends hashes, most keys one, words several.
	take func(cols []*column, row []uint32, out []uint64) []uint64
}

// maxKeyValues bounds the values that a row has of one key.
const maxKeyValues = 4

// values appends the values of a key for a row; n is the key's number. It does not allocate if out has room for maxTaken more.
func (k *blockKey) values(n int, cols []*column, row []uint32, out []uint64) []uint64 {
	out = slices.Grow(out, maxTaken)
	start := len(out)
	first := k.parts[0].take(cols, row, out[start:start])
	if len(k.parts) == 1 {
		return k.put(n, first, nil, out)
	}
	first = first[:min(len(first), 2)]
	mid := start + len(first)
	return k.put(n, first, k.parts[1].take(cols, row, out[mid:mid]), out)
}

// put appends the values of a key that are made of the hashes of its parts. These may be where out has room.
func (k *blockKey) put(n int, first, second, out []uint64) []uint64 {
	seed := mix64(uint64(n) + 0x1000)
	if len(k.parts) == 1 {
		first = first[:min(len(first), maxKeyValues)]
		for _, h := range first {
			out = append(out, mix64(h^seed)|1)
		}
		return out
	}
	var both [4]uint64
	count := 0
	for _, h := range first[:min(len(first), 2)] {
		for _, g := range second[:min(len(second), 2)] {
			both[count] = mix64(mix64(h^seed)^g) | 1
			count++
		}
	}
	return append(out, both[:count]...)
}

// maxTaken is how many hashes the parts of a key take at most.
const maxTaken = 2 * maxKeyValues

// whole takes a value as it is.
func whole(col int, least int) keyPart {
	return keyPart{"", col, 1, func(cols []*column, row []uint32, out []uint64) []uint64 {
		if id := row[col]; id != 0 && len(cols[col].form(id)) >= least {
			out = append(out, cols[col].hashes[id])
		}
		return out
	}}
}

// piece takes what f makes of a value's form; "" is nothing.
func piece(col int, f func(string) string) keyPart {
	return keyPart{"", col, 1, func(cols []*column, row []uint32, out []uint64) []uint64 {
		if id := row[col]; id != 0 {
			if s := f(cols[col].form(id)); s != "" {
				out = append(out, hash64(2, s))
			}
		}
		return out
	}}
}

// sound takes the soundex of a value, or its first letters where it has none.
func sound(col int) keyPart {
	return keyPart{"", col, 1, func(cols []*column, row []uint32, out []uint64) []uint64 {
		if id := row[col]; id != 0 {
			if s := soundex(cols[col].form(id)); s != 0 {
				return append(out, uint64(s))
			}
			out = append(out, hash64(4, cols[col].form(id)))
		}
		return out
	}}
}

// rareWords takes the n words of a value that weigh most.
func rareWords(col, n int) keyPart {
	return keyPart{"", col, n, func(cols []*column, row []uint32, out []uint64) []uint64 {
		c := cols[col]
		if row[col] == 0 {
			return out
		}
		words := c.wordsOf(row[col])
		words = words[:min(len(words), maxWords)]
		var taken uint32
		for range min(n, len(words)) {
			best := -1
			for i, w := range words {
				if taken>>uint(i)&1 != 0 || len(c.wordForms[w]) < 2 {
					continue
				}
				if best < 0 || c.wordOutlines[w].weight > c.wordOutlines[words[best]].weight ||
					c.wordOutlines[w].weight == c.wordOutlines[words[best]].weight && c.wordForms[w] < c.wordForms[words[best]] {
					best = i
				}
			}
			if best < 0 {
				break
			}
			taken |= 1 << uint(best)
			if h := hash64(5, c.wordForms[words[best]]); !slices.Contains(out, h) {
				out = append(out, h)
			}
		}
		return out
	}}
}

// bothNames takes given and family name in an order of their own, so that exchanged ones meet.
func bothNames(g, f int, hash func(seed uint64, s string) uint64) keyPart {
	return keyPart{"", -1, 1, func(cols []*column, row []uint32, out []uint64) []uint64 {
		if row[g] == 0 || row[f] == 0 {
			return out
		}
		x, y := hash(6, cols[g].form(row[g])), hash(6, cols[f].form(row[f]))
		return append(out, mix64(min(x, y))^max(x, y))
	}}
}

func prefix(n int) func(string) string {
	return func(s string) string { return s[:min(len(s), n)] }
}

func suffix(n int) func(string) string {
	return func(s string) string {
		if len(s) < n {
			return ""
		}
		return s[len(s)-n:]
	}
}

// hashPrefix returns the hash of the first n bytes.
func hashPrefix(n int) func(seed uint64, s string) uint64 {
	return func(seed uint64, s string) uint64 { return hash64(seed, s[:min(len(s), n)]) }
}

// hashSolid returns the hash of the first n bytes that are no blanks: that of what is left without them, but nothing is allocated for it.
func hashSolid(n int) func(seed uint64, s string) uint64 {
	return func(seed uint64, s string) uint64 {
		h := seed ^ hashStart
		for i, taken := 0, 0; i < len(s) && taken < n; i++ {
			if s[i] != ' ' {
				h = (h ^ uint64(s[i])) * hashPrime
				taken++
			}
		}
		return mix64(h)
	}
}

// begin takes the first n letters of a value, blanks left out.
func begin(col, n int) keyPart {
	hash := hashSolid(n)
	return keyPart{"", col, 1, func(cols []*column, row []uint32, out []uint64) []uint64 {
		if id := row[col]; id != 0 {
			out = append(out, hash(2, cols[col].form(id)))
		}
		return out
	}}
}

// alone returns the parts of a column that make a key by themselves, and together those that only make one with a part of another column.
func (s *spec) keyParts(col int) (alone, together []keyPart) {
	name := s.columns[col].name
	named := func(what string, p keyPart) keyPart {
		p.name = strings.TrimSpace(name + " " + what)
		return p
	}
	switch s.columns[col].kind {
	case KindGivenName:
		together = []keyPart{named("begin", piece(col, prefix(3)))}
	case KindFamilyName:
		together = []keyPart{named("sound", sound(col))}
	case KindEmail:
		alone = []keyPart{named("", whole(col, 5))}
	case KindDomain:
		alone = []keyPart{named("", whole(col, 4))}
		together = []keyPart{named("", whole(col, 4))}
	case KindPhone:
		alone = []keyPart{named("end", piece(col, suffix(7)))}
	case KindDate, KindUSDate:
		alone = []keyPart{named("", whole(col, 4))}
		together = []keyPart{named("year", piece(col, prefix(4))), named("day", piece(col, suffix(4)))}
	case KindNumber:
		together = []keyPart{named("", whole(col, 1))}
	case KindPostcode:
		alone = []keyPart{named("", whole(col, 4))}
		together = []keyPart{named("area", piece(col, prefix(3)))}
	case KindID:
		alone = []keyPart{named("", whole(col, 4))}
		together = []keyPart{named("begin", piece(col, prefix(4))), named("end", piece(col, suffix(3)))}
	case KindCity:
		together = []keyPart{named("sound", sound(col))}
	case KindCategory:
		together = []keyPart{named("", whole(col, 1))}
	case KindCompany:
		alone = []keyPart{named("begin", begin(col, 8)), named("words", rareWords(col, 3))}
		together = []keyPart{named("begin", begin(col, 8)), named("word", rareWords(col, 2))}
	case KindAddress:
		if !s.columns[col].words {
			return []keyPart{named("", whole(col, 4))}, nil
		}
		alone = []keyPart{named("words", rareWords(col, 2))}
		together = []keyPart{named("word", rareWords(col, 2))}
	case KindPeople, KindText, KindTitle:
		if s.columns[col].name == "" || s.columns[col].words {
			alone = []keyPart{named("words", rareWords(col, maxKeyValues))}
			together = []keyPart{named("word", rareWords(col, 2))}
		} else { // the mailbox of an e-mail
			alone = []keyPart{named("", whole(col, 4))}
			together = []keyPart{named("begin", piece(col, prefix(3)))}
		}
	}
	return alone, together
}

// keys returns every way to block by these fields, single ones first.
func (s *spec) keys() []blockKey {
	var keys []blockKey
	parts := make([][]keyPart, len(s.columns))
	for col := range s.columns {
		alone, together := s.keyParts(col)
		for _, p := range alone {
			keys = append(keys, blockKey{p.name, []keyPart{p}})
		}
		parts[col] = together
	}
	for col := range s.columns {
		if col+1 < len(s.columns) && s.columns[col].kind == KindGivenName && s.columns[col+1].kind == KindFamilyName {
			for _, k := range []keyPart{bothNames(col, col+1, hashSolid(40)), bothNames(col, col+1, hashPrefix(4))} {
				keys = append(keys, blockKey{s.columns[col].name + " and " + s.columns[col+1].name, []keyPart{k}})
			}
			keys[len(keys)-1].name += " begin"
		}
	}
	for a := range s.columns {
		for b := a + 1; b < len(s.columns); b++ {
			for _, p := range parts[a] {
				for _, q := range parts[b] {
					keys = append(keys, blockKey{p.name + " and " + q.name, []keyPart{p, q}})
				}
			}
		}
	}
	return keys
}

// maxKeys is how many ways to block are used at most.
const maxKeys = 20

// triedKeys is how many ways are tried before the best are chosen: not more than the bits of a word.
const triedKeys = 56

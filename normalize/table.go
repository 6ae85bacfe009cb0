package normalize

import "strings"

// table is embedded text searched in place: lines sorted bytewise by key, each "key" or "key<TAB>value", each ended by a line feed.
//
// Searching the text itself needs no start-up work and no memory beside the binary.
type table string

// lookup returns the value of key and whether the table has it. It does not allocate.
func (t table) lookup(key string) (string, bool) {
	lo, hi := 0, len(t)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		start := strings.LastIndexByte(string(t[lo:mid]), '\n') + 1 + lo
		end := strings.IndexByte(string(t[mid:]), '\n')
		if end < 0 {
			end = len(t)
		} else {
			end += mid
		}
		line := string(t[start:end])
		k, value, _ := strings.Cut(line, "\t")
		switch {
		case k == key:
			return value, true
		case k < key:
			lo = end + 1
		default:
			hi = start
		}
	}
	return "", false
}

func (t table) has(key string) bool {
	_, ok := t.lookup(key)
	return ok
}

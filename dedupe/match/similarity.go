package match

// similarityBytes bounds the bytes that are looked at when two strings are compared letter by letter: a machine word of marks.
const similarityBytes = 64

// jaroWinkler returns the Jaro–Winkler similarity of two forms in [0, 1], with Winkler's prefix bonus for up to four letters above 0.7. It looks
// at the first 64 bytes only and does not allocate.
//
// Source: W. E. Winkler, String Comparator Metrics and Enhanced Decision Rules in the Fellegi–Sunter Model of Record Linkage, 1990.
func jaroWinkler(a, b string) float64 {
	if len(a) > similarityBytes {
		a = a[:similarityBytes]
	}
	if len(b) > similarityBytes {
		b = b[:similarityBytes]
	}
	if a == b {
		return 1
	}
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	if a > b { // symmetric whatever the tie-breaking below does
		a, b = b, a
	}
	window := max(max(len(a), len(b))/2-1, 0)
	var usedA, usedB uint64
	matches := 0
	for i := 0; i < len(a); i++ {
		c := a[i]
		for j, end := max(i-window, 0), min(i+window+1, len(b)); j < end; j++ {
			if b[j] == c && usedB>>uint(j)&1 == 0 {
				usedA |= 1 << uint(i)
				usedB |= 1 << uint(j)
				matches++
				break
			}
		}
	}
	if matches == 0 {
		return 0
	}
	transposed := 0
	j := 0
	for i := 0; i < len(a); i++ {
		if usedA>>uint(i)&1 == 0 {
			continue
		}
		for usedB>>uint(j)&1 == 0 {
			j++
		}
		if a[i] != b[j] {
			transposed++
		}
		j++
	}
	m := float64(matches)
	jaro := (m/float64(len(a)) + m/float64(len(b)) + (m-float64(transposed/2))/m) / 3
	if jaro <= 0.7 {
		return jaro
	}
	prefix := 0
	for prefix < 4 && prefix < len(a) && prefix < len(b) && a[prefix] == b[prefix] {
		prefix++
	}
	return jaro + float64(prefix)*0.1*(1-jaro)
}

// edits returns the number of insertions, deletions, replacements and swaps of neighbours between two forms, or limit+1 if there are more than
// limit, which is 3 at most. It does not allocate.
func edits(a, b string, limit int) int {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > limit {
		return limit + 1
	}
	for len(a) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return min(editsFrom(a, b, limit), limit+1)
}

// editsFrom tries what can be wrong at the first difference, so its work grows with 4^limit and not with the lengths' product.
func editsFrom(a, b string, limit int) int {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	switch {
	case len(a) == 0:
		return len(b)
	case len(b) == 0:
		return len(a)
	case limit == 0:
		return 1
	case len(b)-len(a) > limit || len(a)-len(b) > limit:
		return limit + 1
	}
	best := editsFrom(a[1:], b[1:], limit-1)
	if len(b) > 0 {
		best = min(best, editsFrom(a, b[1:], limit-1))
	}
	if len(a) > 0 {
		best = min(best, editsFrom(a[1:], b, limit-1))
	}
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		best = min(best, editsFrom(a[2:], b[2:], limit-1))
	}
	return best + 1
}

// soundex is the classic code of a form as four bytes in a word, 0 for a form without a Latin letter.
func soundex(s string) uint32 {
	const codes = "\x00123\x0012\xff\x0022455\x0012623\x001\xff2\x002" // a..z; 0xff is h and w, which do not part equal codes
	var out uint32
	n := 0
	var last byte
	for i := 0; i < len(s) && n < 4; i++ {
		c := s[i]
		if c < 'a' || c > 'z' {
			continue
		}
		code := codes[c-'a']
		if n == 0 {
			out, n, last = uint32(c), 1, code
			continue
		}
		if code == 0xff {
			continue
		}
		if code != 0 && code != last {
			out, n = out<<8|uint32(code), n+1
		}
		last = code
	}
	if n == 0 {
		return 0
	}
	return out<<(8*uint(4-n)) | uint32(0)
}

// commonPrefix returns the number of equal bytes at the beginning.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// bytesForm returns s with one byte for each character, for comparing letter by letter: ASCII as it is, any other character as a byte beyond.
func bytesForm(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
		return s
	}
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r < 0x80 {
			out = append(out, byte(r))
		} else {
			out = append(out, 0x80|byte(r&0x7f))
		}
	}
	return string(out)
}

// hash64 is FNV-1a with a final mix, so that all bits can be used.
func hash64(seed uint64, s string) uint64 {
	h := seed ^ hashStart
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * hashPrime
	}
	return mix64(h)
}

const hashStart, hashPrime = 0xcbf29ce484222325, 0x100000001b3

// mix64 is the finaliser of splitmix64.
func mix64(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

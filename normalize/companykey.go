package normalize

// AppendCompanyKey appends the Key of [Company] to dst, as something that links records: nothing if name or key is a placeholder (see
// [IsPlaceholder]). For names in ASCII of usual length nothing is allocated but what dst grows by.
func AppendCompanyKey(dst []byte, name string) []byte {
	if IsPlaceholder(name) {
		return dst
	}
	name, _ = companyName(Text(name))
	out, ok := appendPlainKey(dst, name)
	if !ok {
		out = append(dst, settle(name, companyKeyOnce)...)
	}
	if key := out[len(dst):]; len(key) == 0 || ok && isPlaceholderWords(key) || !ok && IsPlaceholder(string(key)) {
		return dst
	}
	return out
}

// isPlaceholderWords is IsPlaceholder for words of ASCII letters and digits, parted by single blanks.
func isPlaceholderWords(words []byte) bool {
	if len(words) > plainBytes {
		return IsPlaceholder(string(words))
	}
	var room [plainBytes]byte
	key := room[:0]
	digits := true
	for _, c := range words {
		if c != ' ' {
			key = append(key, c)
			digits = digits && c <= '9'
		}
	}
	return len(key) == 0 || nullWords[string(key)] || fillerWords[string(key)] || isRepeatedASCII(key) || digits && isPlaceholderNumber(string(key))
}

// appendPlainKey is settle(name, companyKeyOnce) for names in ASCII of usual length, appended to dst.
func appendPlainKey(dst []byte, name string) (out []byte, ok bool) {
	if len(name) > maxTextBytes {
		return dst, false
	}
	start := len(dst)
	out, ok = appendPlainWords(dst, name)
	if !ok {
		return dst, false
	}
	var room [roomPieces]piece
	var keyRoom [keyBytes]byte
	anything := func(int, int) bool { return true }
	key := out[start:]
	for range settleRounds {
		before := len(key)
		if len(key) > 4 && string(key[:4]) == "the " {
			key = key[4:]
		}
		pieces, keys := plainPieces(key, room[:0], keyRoom[:0])
		if from, to, form := findForm(len(key), pieces, keys, anything); form != "" {
			key = key[from:to]
			for len(key) > 0 && key[0] == ' ' {
				key = key[1:]
			}
			for len(key) > 0 && key[len(key)-1] == ' ' {
				key = key[:len(key)-1]
			}
		}
		if len(key) == before {
			break
		}
	}
	return append(out[:start], key...), true
}

// plainPieces is piecesOf for words parted by single blanks.
func plainPieces(words []byte, pieces []piece, keys []byte) ([]piece, []byte) {
	for start := 0; start < len(words); {
		end := start
		for end < len(words) && words[end] != ' ' {
			end++
		}
		from := len(keys)
		keys = append(keys, words[start:end]...)
		pieces = append(pieces, piece{start, end, from, len(keys)})
		start = end + 1
	}
	return pieces, keys
}

// appendPlainWords appends the words of a name in ASCII as companyWords returns them, parted by single blanks. It is not ok for names that are no plain
// ASCII, and for strange ones.
func appendPlainWords(dst []byte, name string) (out []byte, ok bool) {
	start := len(dst)
	begin := func() {
		if len(dst) > start {
			dst = append(dst, ' ')
		}
	}
	for i := 0; i < len(name); {
		end := i
		for end < len(name) && name[end] != ' ' && name[end] != '&' {
			if name[end] < ' ' || name[end] > '~' {
				return dst, false
			}
			end++
		}
		switch field := name[i:end]; {
		case field == "":
		case field == "+":
			begin()
			dst = append(dst, "and"...)
		case isInitials(field):
			begin()
			from := len(dst)
			for k := range len(field) {
				dst = appendLetter(dst, field[k])
			}
			if len(dst) == from { // dots only
				return dst, false
			}
		default:
			inside := false
			for k := range len(field) {
				switch c := field[k]; {
				case c == '\'':
				case isLowerAlnum(c | 0x20):
					if !inside {
						begin()
						inside = true
					}
					dst = appendLetter(dst, c)
				default:
					inside = false
				}
			}
		}
		if end < len(name) && name[end] == '&' {
			begin()
			dst = append(dst, "and"...)
		}
		i = end + 1
	}
	return dst, true
}

package jsonbytes

// maxDepth is how deep values may be in each other, far beyond what is written.
const maxDepth = 1000

// IsCompact reports whether b is one JSON value without any space between its
// parts, which is how json.Marshal writes it. It is right about every true; a
// value that is nested a thousand deep is not looked into.
func IsCompact(b []byte) bool {
	n, ok := value(b, 0, 0)
	return ok && n == len(b)
}

// value returns where the value that begins at i ends.
func value(b []byte, i, depth int) (end int, ok bool) {
	if i >= len(b) || depth > maxDepth {
		return i, false
	}
	switch c := b[i]; {
	case c == '"':
		return text(b, i)
	case c == '{':
		return members(b, i+1, depth, '}', true)
	case c == '[':
		return members(b, i+1, depth, ']', false)
	case c == '-' || c >= '0' && c <= '9':
		return number(b, i)
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
			return i + len(word), true
		}
	}
	return i, false
}

// members is what is between the brackets of an object, named, or an array.
func members(b []byte, i, depth int, end byte, named bool) (int, bool) {
	if i < len(b) && b[i] == end {
		return i + 1, true
	}
	var ok bool
	for {
		if named {
			if i >= len(b) || b[i] != '"' {
				return i, false
			}
			if i, ok = text(b, i); !ok || i >= len(b) || b[i] != ':' {
				return i, false
			}
			i++
		}
		if i, ok = value(b, i, depth+1); !ok || i >= len(b) {
			return i, false
		}
		switch b[i] {
		case end:
			return i + 1, true
		case ',':
			i++
		default:
			return i, false
		}
	}
}

func text(b []byte, i int) (int, bool) {
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, true
		case c < ' ':
			return i, false
		case c == '\\':
			i++
			if i >= len(b) {
				return i, false
			}
			switch b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					if i++; i >= len(b) || !hex(b[i]) {
						return i, false
					}
				}
			default:
				return i, false
			}
		}
	}
	return i, false
}

func hex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func number(b []byte, i int) (int, bool) {
	if b[i] == '-' {
		i++
	}
	ok := true
	if i < len(b) && b[i] == '0' {
		i++
	} else if i, ok = digits(b, i); !ok {
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		if i, ok = digits(b, i+1); !ok {
			return i, false
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		i, ok = digits(b, i)
	}
	return i, ok
}

// digits are at least one.
func digits(b []byte, i int) (int, bool) {
	from := i
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i, i > from
}

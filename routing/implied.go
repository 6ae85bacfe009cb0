package routing

import (
	"strings"

	"github.com/leadloop/leadloop"
)

// implied returns what a condition in CEL asks of text fields whatever else it
// asks: the parts of its topmost conjunction that say lead.x == "a" or
// lead.x in ["a", "b"]. If such a part is false, so is the whole. Anything
// that it is not sure to have read right it leaves out, which costs time and
// changes no answer.
func (c *compiler) implied(text string) []matcher {
	var out []matcher
	for _, part := range conjunction(text) {
		name, values, ok := equality(part)
		if !ok {
			continue
		}
		field := -1
		if name != "tier" {
			def, known := c.schema.Lookup(name)
			if !known || def.Kind != leadloop.KindString {
				continue
			}
			field = c.field(name)
		}
		m := c.oneOf(name, values...)
		m.field, m.kind = field, matchImplied
		out = append(out, m)
	}
	return out
}

// conjunction splits an expression at the && that stand in no parentheses, nil
// if it is something else at the top.
func conjunction(text string) []string {
	if strings.Contains(text, "//") || strings.Contains(text, `\`) || strings.Contains(text, `"""`) || strings.Contains(text, `'''`) {
		return nil
	}
	var parts []string
	depth, start := 0, 0
	for i := 0; i < len(text); i++ {
		switch b := text[i]; b {
		case '"', '\'':
			end := strings.IndexByte(text[i+1:], b)
			if end < 0 {
				return nil
			}
			i += end + 1
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '?':
			if depth == 0 {
				return nil
			}
		case '|':
			if depth == 0 {
				return nil
			}
		case '&':
			if depth == 0 && strings.HasPrefix(text[i:], "&&") {
				parts = append(parts, text[start:i])
				i++
				start = i + 1
			}
		}
	}
	return append(parts, text[start:])
}

// equality reads x == "a", "a" == x and x in ["a", "b"].
func equality(part string) (name string, values []string, ok bool) {
	part = strings.TrimSpace(part)
	if a, b, found := strings.Cut(part, "=="); found {
		a, b = strings.TrimSpace(a), strings.TrimSpace(b)
		if v, text := literal(b); text && isPath(a) {
			return a, []string{v}, true
		}
		if v, text := literal(a); text && isPath(b) {
			return b, []string{v}, true
		}
		return "", nil, false
	}
	name, list, found := strings.Cut(part, " in ")
	name, list = strings.TrimSpace(name), strings.TrimSpace(list)
	if !found || !isPath(name) || len(list) < 2 || list[0] != '[' || list[len(list)-1] != ']' {
		return "", nil, false
	}
	for rest := list[1 : len(list)-1]; ; {
		rest = strings.TrimSpace(rest)
		if rest == "" {
			return name, values, len(values) > 0
		}
		end := -1
		if rest[0] == '"' || rest[0] == '\'' {
			end = strings.IndexByte(rest[1:], rest[0])
		}
		if end < 0 {
			return "", nil, false
		}
		values, rest = append(values, rest[1:end+1]), strings.TrimSpace(rest[end+2:])
		if rest != "" {
			if rest[0] != ',' {
				return "", nil, false
			}
			rest = rest[1:]
		}
	}
}

// literal reads a whole text in quotes.
func literal(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' && s[0] != '\'' || strings.IndexByte(s[1:], s[0]) != len(s)-2 {
		return "", false
	}
	return s[1 : len(s)-1], true
}

// isPath reports whether s is a name such as tier or lead.country.
func isPath(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '.' && r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

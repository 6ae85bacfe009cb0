package scoring

import (
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
)

// literal is a number or a quoted duration within an expression.
type literal struct {
	start, end int
	text       string // of a duration: without quotes
	quote      string
}

// literals finds the numbers and durations of a CEL expression.
func literals(s string) []literal {
	var out []literal
	for _, t := range tokens(s) {
		text := s[t.start:t.end]
		switch {
		case !t.literal && plainNumber(text):
			out = append(out, literal{start: t.start, end: t.end, text: text})
		case t.literal && (text[0] == '"' || text[0] == '\'') && len(text) > 2:
			inner := text[1 : len(text)-1]
			if _, err := leadloop.ParseDuration(inner); err == nil {
				out = append(out, literal{t.start, t.end, inner, text[:1]})
			}
		}
	}
	return out
}

func plainNumber(s string) bool {
	digits := strings.Replace(s, ".", "", 1)
	if digits == "" || s[len(s)-1] == '.' {
		return false
	}
	return strings.Trim(digits, "0123456789") == "" && len(digits) < 16
}

// steps are the literals next to this one: a whole number by one, a decimal by
// its last digit, a duration by one of its unit.
func (l literal) steps() []string {
	number, unit := l.text, ""
	if l.quote != "" {
		number = strings.TrimRight(l.text, "abcdefghijklmnopqrstuvwxyzµ")
		unit = l.text[len(number):]
		if !plainNumber(number) || unit == "" {
			return nil // of several units, or of none
		}
	}
	whole, decimals, _ := strings.Cut(number, ".")
	n, err := strconv.ParseInt(whole+decimals, 10, 64)
	if err != nil {
		return nil
	}
	var out []string
	for _, v := range []int64{n + 1, n - 1} {
		s, sign := strconv.FormatInt(max(v, -v), 10), ""
		if v < 0 {
			sign = "-"
		}
		if d := len(decimals); d > 0 {
			s = strings.Repeat("0", max(0, d+1-len(s))) + s
			s = s[:len(s)-d] + "." + s[len(s)-d:]
		}
		switch {
		case l.quote != "":
			if v > 0 {
				out = append(out, l.quote+s+unit+l.quote)
			}
		case v < 0:
			out = append(out, "("+sign+s+")")
		default:
			out = append(out, s)
		}
	}
	return out
}

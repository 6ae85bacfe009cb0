package routing

import (
	"strings"
)

// PostcodeField is the field that postcodes are read from. The standard schema
// does not have it: a host declares it, as in "fields: {postcode: string}".
const PostcodeField = "lead.postcode"

// span is a set of postcodes, canonical ones from one to another, exclusive.
// digits is the length of the numbers of a range, 0 for one code or a prefix.
type span struct {
	from, until string
	digits      int
}

// postcode returns the form that postcodes are compared in: upper case,
// without blanks and hyphens.
func postcode(s string) string {
	clean := func(r rune) bool { return r == ' ' || r == '-' || 'a' <= r && r <= 'z' }
	if !strings.ContainsFunc(s, clean) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// after follows every text that begins with s.
func after(s string) string { return s + "\U0010ffff" }

// parsePostcodes reads "80331", "SW1*" or "80000-81929".
func parsePostcodes(s string) (span, bool) {
	s = strings.TrimSpace(s)
	if p, ok := strings.CutSuffix(s, "*"); ok {
		p = postcode(p)
		return span{from: p, until: after(p)}, p != "" && !strings.Contains(p, "*")
	}
	from, until, ranged := strings.Cut(s, "-")
	from, until = strings.TrimSpace(from), strings.TrimSpace(until)
	if ranged && isDigits(from) && isDigits(until) && len(from) == len(until) {
		return span{from: from, until: after(until), digits: len(from)}, from <= until
	}
	p := postcode(s)
	return span{from: p, until: p + "\x00"}, p != "" && !strings.Contains(p, "*")
}

func isDigits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// has reports whether a postcode is in the span. Of a longer code, such as a
// ZIP+4, the digits of the range count.
func (s span) has(canonical string) bool {
	if canonical < s.from || canonical >= s.until {
		return false
	}
	return s.digits == 0 || len(canonical) >= s.digits && isDigits(canonical[:s.digits])
}

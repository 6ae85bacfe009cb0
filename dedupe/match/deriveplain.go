package match

import (
	"strings"

	"github.com/leadloop/leadloop/normalize"
)

// plainly are short ways for values in ASCII, as most are, of kinds that make one column.
var plainly = map[Kind]func(dst []byte, raw string) ([]byte, bool){
	KindGivenName:  appendName,
	KindFamilyName: appendName,
	KindPeople:     appendWords,
	KindCity:       appendWords,
	KindTitle:      appendWords,
	KindText:       appendWords,
	KindPostcode:   appendSolid,
	KindCategory:   appendCategory,
	KindPhone:      appendPhone,
	KindID:         appendIdentifier,
	KindCompany:    appendCompany,
}

// appendPlain appends the letters and digits of ASCII in lower case, words parted by gap, as [plainWords] and [solid] do.
func appendPlain(dst []byte, s, gap string) ([]byte, bool) {
	start, inside := len(dst), false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		switch {
		case isLowerAlnum(c):
			if !inside && len(dst) > start {
				dst = append(dst, gap...)
			}
			dst, inside = append(dst, c), true
		case c < ' ' || c > '~' || c == '`': // which is an apostrophe at times
			return dst[:start], false
		case c != '\'':
			inside = false
		}
	}
	return dst, true
}

// appendLower appends a value in ASCII in lower case.
func appendLower(dst []byte, s string) ([]byte, bool) {
	start := len(dst)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x80 {
			return dst[:start], false
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst, true
}

func appendName(dst []byte, raw string) ([]byte, bool) {
	if noName(raw) {
		return dst, true
	}
	return appendPlain(dst, raw, " ")
}

func appendWords(dst []byte, raw string) ([]byte, bool) { return appendValue(dst, raw, " ") }

func appendSolid(dst []byte, raw string) ([]byte, bool) { return appendValue(dst, raw, "") }

// appendValue appends nothing for what spells out that there is no value.
func appendValue(dst []byte, raw, gap string) ([]byte, bool) {
	out, ok := appendPlain(dst, raw, gap)
	if ok && normalize.IsNull(raw) {
		return dst, true
	}
	return out, ok
}

func appendCategory(dst []byte, raw string) ([]byte, bool) {
	out, ok := appendValue(dst, raw, " ")
	if !ok {
		return dst, false
	}
	if iso2, found := normalize.Country(raw); found {
		return appendPlain(dst, iso2, "")
	}
	return out, true
}

// appendIdentifier leaves pages of LinkedIn to derive, but for the usual ones.
func appendIdentifier(dst []byte, raw string) ([]byte, bool) {
	at := strings.Index(raw, "linkedin.")
	switch {
	case at >= 0:
	case normalize.IsPlaceholder(raw):
		return dst, true
	default:
		return appendPlain(dst, raw, "")
	}
	slug, ok := strings.CutPrefix(raw[at:], "linkedin.com/in/")
	if head := raw[:at]; !ok || head != "" && head != "www." && head != "https://www." && head != "https://" && head != "http://www." && head != "http://" {
		return dst, false
	}
	slug = strings.TrimSuffix(slug, "/")
	for i := 0; i < len(slug); i++ {
		if c := slug[i]; !isLowerAlnum(c) && c != '-' {
			return dst, false
		}
	}
	if slug == "" || len(slug) > 300 {
		return dst, false
	}
	return appendPlain(dst, slug, "")
}

func appendCompany(dst []byte, raw string) ([]byte, bool) {
	for i := 0; i < len(raw); i++ {
		if c := raw[i]; c < ' ' || c > '~' || c == '(' {
			return dst, false
		}
	}
	start := len(dst)
	dst = normalize.AppendCompanyKey(dst, raw)
	if n := len(dst) - len(" the"); n > start && string(dst[n:]) == " the" { // "Palm, The"
		dst = dst[:n]
	}
	return dst, true
}

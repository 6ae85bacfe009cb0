package match

import (
	"html"
	"strings"
	"unicode/utf8"

	"github.com/leadloop/leadloop/normalize"
)

// maxCellBytes is how much of a cell is looked at.
const maxCellBytes = 1200

// derived is how a field's values become those of its columns.
type derived struct {
	field   int // in the fields
	columns []int
	derive  func(raw string, out []string)
	// plain, if not nil, appends to dst what derive makes of a value, without memory of its own. It is not ok for values that it leaves to derive.
	plain func(dst []byte, raw string) (out []byte, ok bool)
	// lower says that derive makes of a value in ASCII what it makes of it in lower case.
	lower bool
}

func cut(raw string) string {
	if at := strings.IndexByte(raw, '&'); at >= 0 && strings.IndexByte(raw[at:], ';') > 0 {
		raw = html.UnescapeString(raw[:min(len(raw), 4*maxCellBytes)])
	}
	if len(raw) <= maxCellBytes {
		return raw
	}
	n := maxCellBytes
	for n > 0 && !utf8.RuneStart(raw[n]) {
		n--
	}
	return raw[:n]
}

func isLowerAlnum(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// plainWords returns the folded words of s, parted by single blanks. Apostrophes inside words vanish.
func plainWords(s string) string {
	s = normalize.Fold(s)
	clean := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isLowerAlnum(c) && c < 0x80 && (c != ' ' || i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	for _, r := range s {
		switch {
		case r == '\'':
			continue
		case r < 0x80 && !isLowerAlnum(byte(r)), r == '·', r == '、', r == '　':
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// solid returns the folded letters and digits of s, nothing between them.
func solid(s string) string {
	s = plainWords(s)
	if strings.IndexByte(s, ' ') >= 0 {
		s = strings.ReplaceAll(s, " ", "")
	}
	return s
}

func deriveWords(raw string, out []string) {
	if s := plainWords(raw); !normalize.IsNull(raw) {
		out[0] = s
	}
}

// deriveCategory writes countries by their code, however they are spelled.
func deriveCategory(raw string, out []string) {
	if iso2, ok := normalize.Country(raw); ok {
		out[0] = strings.ToLower(iso2)
		return
	}
	deriveWords(raw, out)
}

func deriveSolid(raw string, out []string) {
	if s := solid(raw); !normalize.IsNull(raw) {
		out[0] = s
	}
}

func deriveName(raw string, out []string) {
	if !noName(raw) {
		out[0] = plainWords(raw)
	}
}

// noName reports whether a value says that there is no name. "Null" and "None" are names, "NULL" and "n/a" are what programs write.
func noName(raw string) bool {
	const longest = 12 // of what is looked at: names are longer as a rule, and this is asked of each
	if len(raw) > longest {
		return false
	}
	raw = strings.TrimSpace(raw)
	return raw == "NULL" || strings.ContainsAny(raw, "/#()<>\\") && normalize.IsNull(raw)
}

// linkedInPage is what the pages of all people begin with, and so says nothing.
const linkedInPage = "https://www.linkedin.com/in/"

func deriveIdentifier(raw string, out []string) {
	if strings.Contains(raw, "linkedin.") {
		if page, err := normalize.LinkedInURL(raw); err == nil {
			raw = strings.TrimPrefix(page, linkedInPage)
		}
	}
	if s := solid(raw); s != "" && !normalize.IsPlaceholder(raw) {
		out[0] = s
	}
}

// deriveFullName gives given name, family name and what stands between.
func deriveFullName(raw string, out []string) {
	if noName(raw) {
		return
	}
	n := normalize.FullName(raw)
	if n.Last == "" && n.Middle == "" && strings.IndexByte(n.First, ' ') < 0 {
		out[0] = plainWords(n.First)
		return
	}
	out[0], out[1], out[2] = plainWords(n.First), plainWords(n.Last), plainWords(n.Middle)
}

func deriveCompany(raw string, out []string) {
	if open := strings.IndexByte(raw, '('); open > 0 { // a place or a remark
		if end := strings.IndexByte(raw[open:], ')'); end > 0 {
			raw = raw[:open] + raw[open+end+1:]
		}
	}
	key := normalize.Company(raw).Key
	if key == "" || normalize.IsPlaceholder(raw) || normalize.IsPlaceholder(key) {
		return
	}
	words := plainWords(key)
	if rest, ok := strings.CutSuffix(words, " the"); ok { // "Palm, The"
		words = rest
	}
	out[0] = words
}

// deriveEmail gives mailbox, host and both. A shared mailbox gives its host only, and the host of a free provider, which says nothing, is not given.
func deriveEmail(raw string, out []string) {
	mail, err := normalize.Email(raw)
	if err != nil {
		// A mistyped address still resembles the right one.
		local, host, ok := strings.Cut(normalize.Fold(raw), "@")
		if !ok || local == "" || host == "" || normalize.IsPlaceholder(raw) {
			return
		}
		out[0], out[1], out[2] = local, host, local+"@"+host
		return
	}
	if mail.IsCorporate() {
		out[1] = mail.Domain
	}
	if mail.IsRole() || normalize.IsPlaceholder(mail.Address) {
		return
	}
	out[0], out[2] = mail.Base[:len(mail.Base)-len(mail.Domain)-1], mail.Base
}

func deriveDomain(raw string, out []string) {
	d, err := normalize.Domain(raw)
	if err != nil || normalize.IsFreeDomain(d) || normalize.IsDisposableDomain(d) {
		return
	}
	out[0] = d
}

func derivePhone(raw string, out []string) {
	digits, _ := appendPhone(nil, raw)
	out[0] = string(digits)
}

// appendPhone keeps the digits without trunk and international prefixes and without extension.
func appendPhone(dst []byte, raw string) ([]byte, bool) {
	var buf [20]byte
	digits := buf[:0]
	for i := 0; i < len(raw) && len(digits) < 20; i++ {
		c := raw[i]
		if '0' <= c && c <= '9' {
			if c == '0' && (len(digits) == 0 || raw[i-1] == '(' && i+1 < len(raw) && raw[i+1] == ')') {
				continue
			}
			digits = append(digits, c)
		} else if len(digits) >= 7 && (c|0x20 >= 'a' && c|0x20 <= 'z' || c == ';' || c == ',') {
			break
		}
	}
	n := len(digits)
	if n < 5 {
		return dst, true
	}
	// Only such numbers may be made up, and asking takes a copy.
	repeated, running := digits[n-1] == digits[n-2] && digits[n-2] == digits[n-3], digits[1]-digits[0] == digits[2]-digits[1]
	if (repeated || running) && normalize.IsPlaceholder(string(digits)) {
		return dst, true
	}
	return append(dst, digits...), true
}

func deriveNumber(raw string, out []string) {
	s := strings.TrimSpace(raw)
	if normalize.IsNull(s) {
		return
	}
	t := strings.TrimLeft(plainNumber(s), "0")
	if t == "" || t[0] == '.' {
		t = "0" + t
	}
	if strings.IndexByte(t, '.') >= 0 {
		t = strings.TrimRight(strings.TrimRight(t, "0"), ".")
	}
	out[0] = strings.ToLower(t)
}

// plainNumber writes an amount with a point before its fraction and nothing else between its digits: "1.234,50 €" as "1234.50". What is no amount is as it was. Of
// one comma before three digits it takes it that they are thousands, of one point that it is the fraction's.
func plainNumber(s string) string {
	t := strings.Trim(s, "€$£ \u00a0")
	if strings.Trim(t, "0123456789.,'’ \u00a0") != "" || !strings.ContainsAny(t, "0123456789") {
		return s
	}
	if !strings.ContainsAny(t, ",'’ \u00a0") && strings.Count(t, ".") < 2 {
		return t
	}
	fraction := -1 // where it begins
	comma, point := strings.LastIndexByte(t, ','), strings.LastIndexByte(t, '.')
	switch {
	case comma >= 0 && point >= 0:
		fraction = max(comma, point)
	case point >= 0 && strings.Count(t, ".") == 1:
		fraction = point
	case comma >= 0 && strings.Count(t, ",") == 1 && len(t)-comma != 4:
		fraction = comma
	}
	var b strings.Builder
	for i, c := range []byte(t) {
		switch {
		case i == fraction:
			b.WriteByte('.')
		case '0' <= c && c <= '9':
			b.WriteByte(c)
		}
	}
	return b.String()
}

// streetWords are the usual short forms of words in addresses.
var streetWords = map[string]string{
	"street": "st", "str": "st", "strasse": "st", "avenue": "ave", "av": "ave", "avenida": "ave", "boulevard": "blvd", "bl": "blvd", "bd": "blvd", "boul": "blvd", "calle": "c", "road": "rd", "drive": "dr", "lane": "ln", "court": "ct",
	"place": "pl", "crescent": "cres", "cr": "cres", "circuit": "cct", "close": "cl", "square": "sq", "terrace": "tce", "ter": "tce", "highway": "hwy",
	"parkway": "pkwy", "north": "n", "south": "s", "east": "e", "west": "w", "saint": "st", "suite": "ste", "floor": "fl", "apartment": "apt",
	"building": "bldg", "platz": "pl", "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "sixth": "6th", "seventh": "7th", "eighth": "8th",
	"ninth": "9th", "tenth": "10th", "mount": "mt", "retirement": "retrmnt", "village": "vlge",
}

// deriveAddress gives the words of the street, the house number, and both.
func deriveAddress(raw string, out []string) {
	if normalize.IsNull(raw) {
		return
	}
	var street []string
	for w := range strings.FieldsSeq(plainWords(raw)) {
		if w[0] >= '0' && w[0] <= '9' && out[1] == "" && len(street) == 0 {
			out[1] = w
			continue
		}
		if short, ok := streetWords[w]; ok {
			w = short
		} else if before, ok := strings.CutSuffix(w, "strasse"); ok { // "Hauptstraße", "Hauptstr."
			w = before + "str"
		}
		street = append(street, w)
	}
	if n := len(street); out[1] == "" && n > 1 && isNumber(street[n-1]) { // "Hauptstr. 12"
		out[1], street = street[n-1], street[:n-1]
	}
	out[0] = strings.Join(street, " ")
	if out[0] != "" {
		out[2] = strings.TrimSpace(out[1] + " " + out[0])
	}
}

func isNumber(s string) bool { return s[0] >= '0' && s[0] <= '9' && len(s) < 6 }

package normalize

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

//go:embed data/legal_forms.txt
var legalForms table

// CompanyName is a company name taken apart.
type CompanyName struct {
	Display   string // as given, as clean [Text]
	Name      string // without legal form; never empty unless Display is
	LegalForm string // usual spelling of the legal form found ("GmbH", "Ltd", "SA de CV"), "" if none
	Key       string // what to compare by; equal keys mean equal names up to spelling; "" without a letter or digit
}

// Company reads a company name.
//
// Legal forms are taken off the end ("Acme GmbH & Co. KG", "Acme Co., Ltd.", "日立株式会社") and, where that is the custom, off the front ("ООО Ромашка",
// "PT Astra", "株式会社日立"), the longest first, until none is left, as whole words only and never the whole name: "Limited" stays "Limited". A
// form is known by its letters alone, so "Day Spa" loses its last word to the Italian SpA. Key is Name folded, without a leading "the", with
// "and" for "&" and without punctuation; "Acme" and "Acme, Inc." have the same Key. Display, Name and Key each normalise to themselves. Of names
// beyond 1,200 bytes, Name and Key hold the beginning.
func Company(s string) CompanyName {
	c := CompanyName{Display: Text(s)}
	c.Name, c.LegalForm = companyName(c.Display)
	var room [keyBytes]byte
	if key, ok := appendPlainKey(room[:0], c.Name); ok {
		c.Key = string(key)
	} else {
		c.Key = settle(c.Name, companyKeyOnce)
	}
	return c
}

// companyName parts a clean name and its legal form.
func companyName(display string) (name, form string) {
	name = settle(cutText(display), unquote)
	for {
		rest, found := stripForm(name)
		if found == "" {
			return name, form
		}
		if form == "" {
			form = found
		}
		name = rest
	}
}

// maxTextBytes bounds the work for names and titles: for companies it grows with the square of the number of legal forms in a row, and a longer text
// is no title.
const maxTextBytes = 400

func companyKeyOnce(name string) string {
	words := companyWords(cutText(name))
	if len(words) > 1 && words[0] == "the" {
		words = words[1:]
	}
	key := strings.Join(words, " ")
	if rest, form := stripForm(key); form != "" {
		key = rest
	}
	return cutText(key)
}

// companyWords returns the folded words of a name, "and" for the ampersand, dotted initials joined.
func companyWords(name string) []string {
	var words []string
	folded := strings.ReplaceAll(Fold(spellBracketed(name)), "&", " and ")
	for field := range strings.FieldsSeq(folded) {
		switch {
		case field == "+":
			words = append(words, "and")
		case isInitials(field):
			words = append(words, letterKey(field))
		default:
			words = append(words, wordsOf(field)...)
		}
	}
	return words
}

// isInitials holds for "a.b.c." and "a.b".
func isInitials(field string) bool {
	field = strings.Trim(field, "()[],;")
	if !strings.Contains(field, ".") {
		return false
	}
	for part := range strings.SplitSeq(field, ".") {
		if len([]rune(part)) > 1 {
			return false
		}
	}
	return true
}

// bracketedForms spells out the one-letter forms that Japanese and Korean names carry in brackets.
var bracketedForms = strings.NewReplacer(
	"㈱", " 株式会社 ", "(株)", " 株式会社 ", "（株）", " 株式会社 ", "㈲", " 有限会社 ", "(有)", " 有限会社 ", "（有）", " 有限会社 ",
	"㈜", " 주식회사 ", "(주)", " 주식회사 ", "（주）", " 주식회사 ", "(유)", " 유한회사 ", "（유）", " 유한회사 ",
)

// spellBracketed applies bracketedForms, which takes memory whether there is such a form or not.
func spellBracketed(name string) string {
	if !strings.ContainsAny(name, "(（㈱㈲㈜") {
		return name
	}
	return bracketedForms.Replace(name)
}

// gluedForms are written without a space before or after the name, longest first.
var gluedForms = []string{
	"股份有限公司", "有限责任公司", "有限責任公司", "有限公司", "株式会社", "合同会社", "有限会社", "合名会社", "合資会社", "주식회사", "유한회사",
}

// frontForms are the Latin-script forms that custom puts before the name.
var frontForms = map[string]bool{
	"pt": true, "sarl": true, "sas": true, "eurl": true, "abab": true, "ab": true, "oy": true, "ooo": true, "oao": true, "zao": true, "pao": true,
	"uab": true, "sia": true, "tov": true, "sociedadanonima": true, "societeanonyme": true, "spolkaakcyjna": true, "phu": true,
	"perseroanterbatas": true, "kabushikikaisha": true, "ctycp": true, "ctytnhh": true, "congtycophan": true, "congtytnhh": true,
}

// piece is a run of letters and inner punctuation of a name, with its place in it, and that of its key among the keys of all.
type piece struct{ start, end, from, to int }

const (
	maxFormPieces = 8
	roomPieces    = 16 // of nearly all names
	keyBytes      = 128
)

// formNames are the legal forms by key.
var formNames = sync.OnceValue(func() map[string]string {
	names := make(map[string]string, strings.Count(string(legalForms), "\n"))
	for line := range strings.SplitSeq(string(legalForms), "\n") {
		if key, name, ok := strings.Cut(line, "\t"); ok {
			names[key] = name
		}
	}
	return names
})

// stripForm takes one legal form off name and returns what is left and the form's usual spelling. With no form found, or nothing left without
// it, the form is "".
func stripForm(name string) (rest, form string) {
	work := name
	if !isCleanASCII(name) {
		work = Text(spellBracketed(name))
		if rest, form := stripGlued(work); form != "" {
			return rest, form
		}
	}
	var room [roomPieces]piece
	var keyRoom [keyBytes]byte
	pieces, keys := piecesOf(work, room[:0], keyRoom[:0])
	from, to, form := findForm(len(work), pieces, keys, func(from, to int) bool { return trimName(work[from:to]) != "" })
	if form == "" {
		return name, ""
	}
	return trimName(work[from:to]), form
}

// findForm returns what is left of a name of some size without a legal form, if that is something, and the form's spelling; "" if there is none.
func findForm(size int, pieces []piece, keys []byte, leaves func(from, to int) bool) (from, to int, form string) {
	for n := min(len(pieces)-1, maxFormPieces); n > 0; n-- {
		head, tail := pieces[:len(pieces)-n], pieces[len(pieces)-n:]
		key := keys[tail[0].from:]
		if tail[0].from == tail[0].to || string(key) == "pt" {
			continue
		}
		if form, ok := formNames()[string(key)]; ok && carriesName(head, keys) && leaves(0, tail[0].start) {
			return 0, tail[0].start, form
		}
	}
	for n := min(len(pieces)-1, maxFormPieces); n > 0; n-- {
		head, tail := pieces[:n], pieces[n:]
		key := keys[:head[n-1].to]
		if len(key) == 0 || key[0] < 0x80 && !frontForms[string(key)] {
			continue
		}
		if form, ok := formNames()[string(key)]; ok && carriesName(tail, keys) && leaves(head[n-1].end, size) {
			return head[n-1].end, size, form
		}
	}
	return 0, 0, ""
}

func stripGlued(work string) (rest, form string) {
	for _, glued := range gluedForms {
		for _, cut := range []func(string, string) (string, bool){strings.CutSuffix, strings.CutPrefix} {
			left, ok := cut(work, glued)
			if !ok {
				continue
			}
			if left = trimName(left); letterKey(left) != "" {
				form = formNames()[letterKey(glued)]
				return left, form
			}
		}
	}
	return work, ""
}

// carriesName reports whether the pieces hold more than an article or a conjunction.
func carriesName(pieces []piece, keys []byte) bool {
	for _, p := range pieces {
		if key := keys[p.from:p.to]; len(key) > 0 && string(key) != "the" && string(key) != "and" {
			return true
		}
	}
	return false
}

// piecesOf appends the pieces of a name and, one behind the other, their keys.
func piecesOf(name string, pieces []piece, keys []byte) ([]piece, []byte) {
	start := -1
	for i, r := range name {
		switch {
		case !isPieceBreak(r):
			if start < 0 {
				start = i
			}
		case start >= 0:
			from := len(keys)
			keys = appendPieceKey(keys, name[start:i])
			pieces = append(pieces, piece{start, i, from, len(keys)})
			start = -1
		}
	}
	if start >= 0 {
		from := len(keys)
		keys = appendPieceKey(keys, name[start:])
		pieces = append(pieces, piece{start, len(name), from, len(keys)})
	}
	return pieces, keys
}

func isPieceBreak(r rune) bool {
	switch r {
	case ' ', ',', ';', '-', '(', ')', '[', ']', '"', '«', '»', '“', '”', '„', '–', '—', '，', '、', '（', '）', '・':
		return true
	}
	return unicode.IsSpace(r)
}

func appendPieceKey(keys []byte, piece string) []byte {
	if piece == "+" {
		return append(keys, "and"...)
	}
	for i := 0; i < len(piece); i++ {
		if piece[i] >= utf8.RuneSelf {
			return append(keys, letterKey(strings.ReplaceAll(piece, "&", "and"))...)
		}
	}
	for i := 0; i < len(piece); i++ {
		if piece[i] == '&' {
			keys = append(keys, "and"...)
		} else {
			keys = appendLetter(keys, piece[i])
		}
	}
	return keys
}

// appendLetter appends a letter of ASCII in lower case, or a digit; nothing else.
func appendLetter(key []byte, c byte) []byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	if isLowerAlnum(c) {
		key = append(key, c)
	}
	return key
}

// trimName trims what a cut legal form leaves hanging.
func trimName(name string) string {
	return unquote(strings.TrimFunc(name, func(r rune) bool {
		switch r {
		case ',', ';', '-', '–', '—', '，', '、', '（', '(', '[', '/':
			return true
		}
		return unicode.IsSpace(r)
	}))
}

// unquote takes off quotation marks around the whole of s.
func unquote(s string) string {
	for _, q := range [][2]string{{`"`, `"`}, {"«", "»"}, {"“", "”"}, {"„", "“"}, {"'", "'"}, {"「", "」"}} {
		inner, ok := strings.CutPrefix(s, q[0])
		if !ok {
			continue
		}
		if inner, ok = strings.CutSuffix(inner, q[1]); ok && strings.TrimSpace(inner) != "" && !strings.Contains(inner, q[0]) {
			return strings.TrimSpace(inner)
		}
	}
	return s
}

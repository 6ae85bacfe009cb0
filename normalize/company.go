package normalize

import (
	_ "embed"
	"strings"
	"unicode"
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
	name := settle(cutText(c.Display), unquote)
	for {
		rest, form := stripForm(name)
		if form == "" {
			break
		}
		if c.LegalForm == "" {
			c.LegalForm = form
		}
		name = rest
	}
	c.Name = name
	c.Key = settle(name, companyKeyOnce)
	return c
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
	folded := strings.ReplaceAll(Fold(bracketedForms.Replace(name)), "&", " and ")
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

// piece is a run of letters and inner punctuation of a name, with its place in it.
type piece struct {
	start, end int
	key        string
}

const maxFormPieces = 8

// stripForm takes one legal form off name and returns what is left and the form's usual spelling. With no form found, or nothing left without
// it, the form is "".
func stripForm(name string) (rest, form string) {
	work := name
	if !isCleanASCII(name) {
		work = Text(bracketedForms.Replace(name))
		if rest, form := stripGlued(work); form != "" {
			return rest, form
		}
	}
	pieces := piecesOf(work)
	for n := min(len(pieces)-1, maxFormPieces); n > 0; n-- {
		tail := pieces[len(pieces)-n:]
		if tail[0].key == "" {
			continue
		}
		key := joinKeys(tail)
		if key == "pt" {
			continue
		}
		if form, ok := legalForms.lookup(key); ok && carriesName(pieces[:len(pieces)-n]) {
			if rest := trimName(work[:tail[0].start]); rest != "" {
				return rest, form
			}
		}
	}
	for n := min(len(pieces)-1, maxFormPieces); n > 0; n-- {
		head := pieces[:n]
		key := joinKeys(head)
		if key == "" || key[0] < 0x80 && !frontForms[key] {
			continue
		}
		if form, ok := legalForms.lookup(key); ok && carriesName(pieces[n:]) {
			if rest := trimName(work[head[n-1].end:]); rest != "" {
				return rest, form
			}
		}
	}
	return name, ""
}

func stripGlued(work string) (rest, form string) {
	for _, glued := range gluedForms {
		for _, cut := range []func(string, string) (string, bool){strings.CutSuffix, strings.CutPrefix} {
			left, ok := cut(work, glued)
			if !ok {
				continue
			}
			if left = trimName(left); letterKey(left) != "" {
				form, _ = legalForms.lookup(letterKey(glued))
				return left, form
			}
		}
	}
	return work, ""
}

func joinKeys(pieces []piece) string {
	if len(pieces) == 1 {
		return pieces[0].key
	}
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.key)
	}
	return b.String()
}

// carriesName reports whether the pieces hold more than an article or a conjunction.
func carriesName(pieces []piece) bool {
	for _, p := range pieces {
		if p.key != "" && p.key != "the" && p.key != "and" {
			return true
		}
	}
	return false
}

func piecesOf(name string) []piece {
	var pieces []piece
	start := -1
	flush := func(end int) {
		if start >= 0 {
			pieces = append(pieces, piece{start, end, pieceKey(name[start:end])})
			start = -1
		}
	}
	for i, r := range name {
		if isPieceBreak(r) {
			flush(i)
		} else if start < 0 {
			start = i
		}
	}
	flush(len(name))
	return pieces
}

func isPieceBreak(r rune) bool {
	switch r {
	case ' ', ',', ';', '-', '(', ')', '[', ']', '"', '«', '»', '“', '”', '„', '–', '—', '，', '、', '（', '）', '・':
		return true
	}
	return unicode.IsSpace(r)
}

func pieceKey(piece string) string {
	if piece == "&" || piece == "+" {
		return "and"
	}
	if strings.Contains(piece, "&") {
		piece = strings.ReplaceAll(piece, "&", "and")
	}
	return letterKey(piece)
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

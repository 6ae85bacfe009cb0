package normalize

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Text returns s as clean text: valid UTF-8 in NFC, trimmed, each run of white space (line breaks too) one space, control characters and
// invisible direction and zero-width marks removed. Letters and their case stay as they are. Joiners that scripts and emoji need stay.
func Text(s string) string {
	if isCleanASCII(s) {
		return s
	}
	return settle(s, cleanOnce)
}

func cleanOnce(s string) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, ""))
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			gap = b.Len() > 0
			continue
		case unicode.IsControl(r), isInvisible(r):
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

func isInvisible(r rune) bool {
	switch {
	case r == 0x00AD, r == 0x061C, r == 0x180E, r == 0x200B, r == 0x200E, r == 0x200F, r == 0xFEFF:
		return true
	case r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F:
		return true
	}
	return false
}

// Fold returns the form of s to compare by: [Text], then compatibility forms unified (full-width letters, ligatures), accents removed, case
// folded, and letters that have no accent to remove replaced (ł→l, ø→o, æ→ae, đ→d, ß→ss). Marks that make a different letter in scripts such
// as Devanagari, Thai or Japanese stay. A folded value is for comparing, never for showing.
func Fold(s string) string {
	if isCleanASCII(s) {
		return strings.ToLower(s)
	}
	return settle(s, foldOnce)
}

func foldOnce(s string) string {
	s = stripAccents(norm.NFKD.String(Text(s)))
	s = cases.Fold().String(s)
	s = stripAccents(norm.NFKD.String(s))
	return Text(norm.NFC.String(foldLetters.Replace(s)))
}

// foldLetters holds the letters that Unicode does not decompose although readers take them for variants of Latin ones.
var foldLetters = strings.NewReplacer(
	"ł", "l", "ø", "o", "æ", "ae", "œ", "oe", "đ", "d", "ð", "d", "þ", "th", "ħ", "h", "ı", "i", "ŋ", "n", "ŧ", "t", "ß", "ss", "ĸ", "k",
	"ƒ", "f", "ɨ", "i", "ƀ", "b", "ƶ", "z", "ǥ", "g",
	"‘", "'", "’", "'", "ʼ", "'", "´", "'", "`", "'", "“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`,
	"‐", "-", "‑", "-", "‒", "-", "–", "-", "—", "-", "―", "-", "−", "-",
)

func stripAccents(s string) string {
	return strings.Map(func(r rune) rune {
		if isAccent(r) {
			return -1
		}
		return r
	}, s)
}

// isAccent holds for marks whose removal leaves the letter that a careless writer would have typed.
func isAccent(r rune) bool {
	switch {
	case r < 0x0300:
		return false
	case r <= 0x036F:
		return true
	case r < 0x0591:
		return r >= 0x0483 && r <= 0x0487
	case r <= 0x05C7:
		return unicode.Is(unicode.Mn, r) // Hebrew points
	case r >= 0x064B && r <= 0x065F, r == 0x0670, r == 0x0640: // Arabic vowel signs, tatweel
		return true
	case r >= 0x1AB0 && r <= 0x1AFF, r >= 0x1DC0 && r <= 0x1DFF, r >= 0x20D0 && r <= 0x20FF, r >= 0xFE20 && r <= 0xFE2F:
		return true
	case r == 0x200C, r == 0x200D: // joiners
		return true
	case r >= 0xFE00 && r <= 0xFE0F: // variation selectors
		return true
	}
	return false
}

// isCleanASCII reports whether Text would return s unchanged because it is plain ASCII already.
func isCleanASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c > '~' || c < ' ' {
			return false
		}
		if c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

const settleRounds = 8

// settle applies f until nothing changes any more. A handful of Unicode strings need a second round (a removed mark lets its neighbours
// compose); none is known to need a fifth.
func settle(s string, f func(string) string) string {
	for range settleRounds {
		next := f(s)
		if next == s {
			break
		}
		s = next
	}
	return s
}

// cutText returns the beginning of clean text, maxTextBytes at most and whole characters, if it is far too long. What is up to three times as long stays,
// so that a cut text which grows a little when normalised is not cut again.
func cutText(s string) string {
	n := maxTextBytes
	if len(s) <= 3*n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.TrimRight(s[:n], " ")
}

// letterKey returns s folded, without anything but letters, digits and the marks they carry.
func letterKey(s string) string {
	s = Fold(s)
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isLowerAlnum(c) {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	return strings.Map(func(r rune) rune {
		if isWordRune(r) {
			return r
		}
		return -1
	}, s)
}

// wordsOf splits a folded string into its words: runs of letters, digits and marks. Apostrophes inside a word vanish ("o'brien" is one word).
func wordsOf(folded string) []string {
	var words []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			words = append(words, b.String())
			b.Reset()
		}
	}
	for _, r := range folded {
		switch {
		case isWordRune(r):
			b.WriteRune(r)
		case r == '\'':
		default:
			flush()
		}
	}
	flush()
	return words
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return isLowerAlnum(byte(r)) || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

func isLowerAlnum(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

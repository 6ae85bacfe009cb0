package capture

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
)

// Office programs save tables as UTF-16 or, in western Europe, as Windows-1252. Both are read here: UTF-16 by its beginning for the whole file,
// Windows-1252 cell by cell where one is not UTF-8, as files that were put together have both.

// utf16Of tells a file in UTF-16 from its first bytes: by the byte order mark, or by a first letter of ASCII. It is nil for others.
func utf16Of(first []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(first, []byte{0xff, 0xfe}), len(first) > 1 && first[0] != 0 && first[1] == 0:
		return utf16.UTF16(utf16.LittleEndian, utf16.IgnoreBOM)
	case bytes.HasPrefix(first, []byte{0xfe, 0xff}), len(first) > 1 && first[0] == 0 && first[1] != 0:
		return utf16.UTF16(utf16.BigEndian, utf16.IgnoreBOM)
	}
	return nil
}

// fromWindows1252 returns what a text says in Windows-1252, unless it seems to be something else: it has characters of UTF-8 beside others, or what no
// language written in Windows-1252 has inside a word: signs, capitals behind small letters, three letters with accents in a row. Torn UTF-8, eastern
// European and Cyrillic tables look like that.
func fromWindows1252(s string) (string, bool) {
	var b strings.Builder
	b.Grow(len(s) + len(s)/4)
	before, foreign := rune(' '), 0
	for i := 0; i < len(s); i++ {
		c := rune(s[i])
		if c < utf8.RuneSelf {
			if isLetter(c) && strange(before) {
				return "", false
			}
			before, foreign = c, 0
			b.WriteByte(s[i])
			continue
		}
		if r, n := utf8.DecodeRuneInString(s[i:]); n > 1 && r != utf8.RuneError {
			return "", false
		}
		c = charmap.Windows1252.DecodeByte(s[i])
		if unicode.IsControl(c) || c == utf8.RuneError || strange(c) && unicode.IsLetter(before) || unicode.IsUpper(c) && unicode.IsLower(before) {
			return "", false
		}
		if before = c; unicode.IsLetter(c) {
			foreign++
		}
		if foreign > 2 {
			return "", false
		}
		b.WriteRune(c)
	}
	return b.String(), true
}

func isLetter(c rune) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// strange holds for signs of Windows-1252 that stand in no word: where they seem to, other encodings have letters.
func strange(c rune) bool {
	switch c {
	case '¡', '£', '¥', '¦', '¬', '¯', '±', '³', '¶', '¹', '¿', '¢', '¤', '‚', 'ˆ', '‹', '˜', '›', '†', '‡', '‰':
		return true
	}
	return false
}

package capture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Office programs save tables as UTF-16 or, in western Europe, as Windows-1252. Both are read here: UTF-16 by its beginning for the whole file,
// Windows-1252 cell by cell where one is not UTF-8, as files that were put together have both.

// utf16Order tells a file in UTF-16 from its first bytes: by the byte order mark, or by a first letter of ASCII. It is nil for others.
func utf16Order(first []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(first, []byte{0xff, 0xfe}), len(first) > 1 && first[0] != 0 && first[1] == 0:
		return binary.LittleEndian
	case bytes.HasPrefix(first, []byte{0xfe, 0xff}), len(first) > 1 && first[0] == 0 && first[1] != 0:
		return binary.BigEndian
	}
	return nil
}

// utf16Reader reads UTF-16 as UTF-8. What is no character becomes U+FFFD.
type utf16Reader struct {
	r     *bufio.Reader
	order binary.ByteOrder
	out   []byte // not taken yet
	buf   []byte
	next  rune // the unit that stood behind half a character; -1 if none did
}

func newUTF16Reader(r *bufio.Reader, order binary.ByteOrder) *utf16Reader {
	return &utf16Reader{r: r, order: order, next: -1}
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	if len(u.out) == 0 {
		u.out = u.buf[:0]
		for len(u.out) < 32<<10 {
			c, err := u.character()
			if err != nil {
				if len(u.out) > 0 && errors.Is(err, io.EOF) {
					break
				}
				return 0, err
			}
			u.out = utf8.AppendRune(u.out, c)
		}
		u.buf = u.out
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *utf16Reader) character() (rune, error) {
	c := u.next
	if u.next = -1; c < 0 {
		var err error
		if c, err = u.unit(); err != nil {
			return 0, err
		}
	}
	if !utf16.IsSurrogate(c) {
		return c, nil
	}
	low, err := u.unit()
	if errors.Is(err, io.EOF) {
		return utf8.RuneError, nil
	}
	if err != nil {
		return 0, err
	}
	both := utf16.DecodeRune(c, low)
	if both == utf8.RuneError {
		u.next = low
	}
	return both, nil
}

func (u *utf16Reader) unit() (rune, error) {
	var b [2]byte
	_, err := io.ReadFull(u.r, b[:])
	if errors.Is(err, io.ErrUnexpectedEOF) { // half a unit
		return utf8.RuneError, nil
	}
	return rune(u.order.Uint16(b[:])), err
}

// windows1252 are the characters from 0x80 to 0x9f; 0 is none. Those below and above are as in Unicode.
var windows1252 = [32]rune{
	'€', 0, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0, 'Ž', 0,
	0, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0, 'ž', 'Ÿ',
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
		if c < 0xa0 {
			c = windows1252[c-0x80]
		}
		if c == 0 || strange(c) && unicode.IsLetter(before) || unicode.IsUpper(c) && unicode.IsLower(before) {
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

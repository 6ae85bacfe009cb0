package match

import (
	"strings"

	"github.com/leadloop/leadloop/normalize"
)

var monthNames = map[string]int{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12, "mai": 5, "okt": 10, "dez": 12,
}

// writtenDate is what there is in a date: month and day are 0 where it has none.
type writtenDate struct {
	year, month, day int
	loose            bool // day and month are numbers before a year, in either order
}

// read orders the day and the month of a loose date: by what they can be, or else as monthFirst says.
func (w writtenDate) read(monthFirst bool) (year, month, day int) {
	if w.loose && (w.month > 12 || monthFirst && w.day <= 12) {
		return w.year, w.day, w.month
	}
	return w.year, w.month, w.day
}

// parseDate takes years first, days or months first, with any separator or none, and month names; what is loose it takes day first. Impossible days are
// let through: they are typing errors of somebody's date.
func parseDate(s string) (w writtenDate, ok bool) {
	if i := strings.IndexAny(s, "T "); i >= 8 && strings.IndexByte(s[i:], ':') >= 0 {
		s = s[:i] // a time of day
	}
	var parts [3]int
	var lens [3]int
	n := 0
	for i := 0; i < len(s) && n < 3; {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			j, v := i, 0
			for j < len(s) && '0' <= s[j] && s[j] <= '9' && j-i < 9 {
				v = v*10 + int(s[j]-'0')
				j++
			}
			if n == 0 && j-i == 8 {
				if modern(v%10_000) && !modern(v/10_000) { // the year is at the end
					return writtenDate{v % 10_000, v / 10_000 % 100, v / 1_000_000, true}, true
				}
				return writtenDate{v / 10_000, v / 100 % 100, v % 100, false}, true
			}
			parts[n], lens[n] = v, j-i
			n++
			i = j
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			j := i
			for j < len(s) && s[j]|0x20 >= 'a' && s[j]|0x20 <= 'z' {
				j++
			}
			if j-i >= 3 {
				if m := monthNames[strings.ToLower(s[i:i+3])]; m > 0 {
					parts[n], lens[n] = m, -1
					n++
				}
			}
			i = j
		default:
			i++
		}
	}
	switch {
	case n == 1 && lens[0] == 4:
		return writtenDate{year: parts[0]}, true
	case n < 3:
		return writtenDate{}, false
	case lens[0] == 4:
		return writtenDate{parts[0], parts[1], parts[2], false}, true
	case lens[2] == 4 || lens[2] == 2:
		y := parts[2]
		if lens[2] == 2 {
			y += 1900
			if y < 1930 {
				y += 100
			}
		}
		if lens[0] == -1 {
			return writtenDate{y, parts[0], parts[1], false}, true
		}
		return writtenDate{y, parts[1], parts[0], lens[1] != -1}, true
	}
	return writtenDate{}, false
}

func modern(year int) bool { return 1800 <= year && year < 2200 }

// deriveDate writes a date as eight digits, day and month 00 if it has none; deriveUSDate takes the month first where it could be either.
func deriveDate(raw string, out []string)   { out[0] = dateDigits(raw, false) }
func deriveUSDate(raw string, out []string) { out[0] = dateDigits(raw, true) }

func dateDigits(raw string, monthFirst bool) string {
	w, ok := parseDate(raw)
	y, m, d := w.read(monthFirst)
	if !ok || y > 9999 || m > 99 || d > 99 || y == 0 {
		if s := solid(raw); len(s) >= 4 && !normalize.IsNull(raw) {
			return s
		}
		return ""
	}
	return string([]byte{
		byte('0' + y/1000), byte('0' + y/100%10), byte('0' + y/10%10), byte('0' + y%10), byte('0' + m/10), byte('0' + m%10), byte('0' + d/10), byte('0' + d%10),
	})
}

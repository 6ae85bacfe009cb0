package match

import "strings"

var monthNames = map[string]int{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12, "mai": 5, "okt": 10, "dez": 12,
}

// parseDate reads a date as year, month and day; month and day are 0 where it has none. It takes years first, days or months first, with any
// separator or none, and month names. Where day and month could be exchanged the day is taken to come first. Impossible days are let through: they are typing errors of somebody's date.
func parseDate(s string) (year, month, day int, ok bool) {
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
				return v / 10000, v / 100 % 100, v % 100, true
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
		return parts[0], 0, 0, true
	case n < 3:
		return 0, 0, 0, false
	case lens[0] == 4:
		return parts[0], parts[1], parts[2], true
	case lens[2] == 4 || lens[2] == 2:
		y := parts[2]
		if lens[2] == 2 {
			y += 1900
			if y < 1930 {
				y += 100
			}
		}
		d, m := parts[0], parts[1]
		if lens[0] == -1 || lens[1] != -1 && parts[1] > 12 {
			d, m = m, d
		}
		return y, m, d, true
	}
	return 0, 0, 0, false
}

// deriveDate writes a date as eight digits, day and month 00 if it has none.
func deriveDate(raw string, out []string) {
	y, m, d, ok := parseDate(raw)
	if !ok || y > 9999 || m > 99 || d > 99 || y == 0 {
		if s := solid(raw); len(s) >= 4 {
			out[0] = s
		}
		return
	}
	out[0] = string([]byte{
		byte('0' + y/1000), byte('0' + y/100%10), byte('0' + y/10%10), byte('0' + y%10), byte('0' + m/10), byte('0' + m%10), byte('0' + d/10), byte('0' + d%10),
	})
}

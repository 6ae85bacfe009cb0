// Package jsonbytes does by hand, for what every decision writes, what package
// json does by reflection: the same bytes in a fraction of the time.
package jsonbytes

import (
	"encoding/json"
	"time"
)

// AppendString appends s as json.Marshal writes it.
func AppendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if !plain[s[i]] {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic(err) // a string can be written
			}
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// AppendStrings appends list as json.Marshal writes it.
func AppendStrings(dst []byte, list []string) []byte {
	if list == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, s)
	}
	return append(dst, ']')
}

// AppendTime appends t as json.Marshal writes it, with its error outside the
// years 0 to 9999.
func AppendTime(dst []byte, t time.Time) ([]byte, error) {
	dst, err := t.AppendText(append(dst, '"'))
	return append(dst, '"'), err
}

// plain are the bytes that stand for themselves in a string, whatever is beside
// them.
var plain = func() (set [256]bool) {
	for b := byte(' '); b < 0x7f; b++ {
		switch b {
		case '"', '\\', '<', '>', '&':
		default:
			set[b] = true
		}
	}
	return set
}()

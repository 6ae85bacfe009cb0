package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/jsonbytes"
)

// Apply moves the ledger: see [Rotations].Move, which checks the move before.
// A store that keeps a ledger whole reads it, applies the move and writes it.
func (r *Rotation) Apply(m leadloop.LedgerMove) {
	at := 0
	// Members and balances are both in order, as a rule.
	seek := func(id leadloop.RepID) *Balance {
		if at == len(r.Balances) || r.Balances[at].Member != id {
			var there bool
			if at, there = slices.BinarySearchFunc(r.Balances, id, compareMember); !there {
				r.Balances = slices.Insert(r.Balances, at, Balance{Member: id})
			}
		}
		at++
		return &r.Balances[at-1]
	}
	for i, id := range m.Members {
		seek(id).Owed += m.Deltas[i]
	}
	if m.To != "" {
		b := seek(m.To)
		b.Count++
		if t := m.At.UTC(); t.After(b.LastAt) {
			b.LastAt = t
		}
	}
	r.Pool = m.Pool
	r.Revision++
}

func compareMember(b Balance, id leadloop.RepID) int {
	return strings.Compare(string(b.Member), string(id))
}

// EncodeBalances writes balances as JSON, an array for each member:
//
//	[["ana",620000,12,"2026-11-02T10:00:00.000000000Z"],["ben",-620000,0,""]]
//
// which is the member, what it is owed in millionths of a lead, how many leads
// it got, and the latest as [FormatTime] writes it, "" if there was none. So
// that all of a ledger is one value: a lead moves what every member is owed.
// ErrInvalid for a time that can't be kept.
func EncodeBalances(list []Balance) ([]byte, error) {
	out := make([]byte, 0, 2+len(list)*64)
	out = append(out, '[')
	for i := range list {
		b := &list[i]
		if i > 0 {
			out = append(out, ',')
		}
		out = jsonbytes.AppendString(append(out, '['), string(b.Member))
		out = strconv.AppendInt(append(out, ','), int64(b.Owed), 10)
		out = strconv.AppendInt(append(out, ','), b.Count, 10)
		out = append(out, `,"`...)
		if !b.LastAt.IsZero() {
			t, err := FormatTime(b.LastAt)
			if err != nil {
				return nil, err
			}
			out = append(out, t...)
		}
		out = append(out, `"]`...)
	}
	return append(out, ']'), nil
}

// DecodeBalances reads what [EncodeBalances] wrote; "" is no balances.
// ErrInvalid if it is something else.
func DecodeBalances(text string) ([]Balance, error) {
	if text == "" {
		return nil, nil
	}
	list, ok := scanBalances(text)
	if !ok {
		return nil, fmt.Errorf("%w: the balances of a ledger are damaged", leadloop.ErrInvalid)
	}
	return list, nil
}

// scanBalances goes through the text once, which package json does not: a
// ledger is read for every lead. Members are parts of it.
func scanBalances(text string) (list []Balance, ok bool) {
	s := scan{text: text}
	s.take('[')
	if s.next() == ']' {
		s.take(']')
		return nil, s.end()
	}
	list = make([]Balance, 0, strings.Count(text, "["))
	for {
		var b Balance
		s.take('[')
		b.Member = leadloop.RepID(s.string())
		s.take(',')
		b.Owed = leadloop.Owed(s.int())
		s.take(',')
		b.Count = s.int()
		s.take(',')
		if at := s.string(); at != "" {
			t, err := ParseTime(at)
			s.bad = s.bad || err != nil
			b.LastAt = t
		}
		s.take(']')
		if s.bad {
			return nil, false
		}
		list = append(list, b)
		if s.next() != ',' {
			s.take(']')
			return list, s.end()
		}
		s.take(',')
	}
}

// scan reads JSON of a known form.
type scan struct {
	text string
	i    int
	bad  bool
}

// next is the next byte that is no space, 0 at the end.
func (s *scan) next() byte {
	for ; s.i < len(s.text); s.i++ {
		switch c := s.text[s.i]; c {
		case ' ', '\n', '\r', '\t':
		default:
			return c
		}
	}
	return 0
}

func (s *scan) take(c byte) {
	if s.next() != c {
		s.bad = true
		return
	}
	s.i++
}

func (s *scan) end() bool { return s.next() == 0 && !s.bad && s.i == len(s.text) }

func (s *scan) int() int64 {
	s.next()
	from := s.i
	for s.i < len(s.text) && (s.text[s.i] == '-' || '0' <= s.text[s.i] && s.text[s.i] <= '9') {
		s.i++
	}
	n, err := strconv.ParseInt(s.text[from:s.i], 10, 64)
	s.bad = s.bad || err != nil
	return n
}

func (s *scan) string() string {
	s.take('"')
	if s.bad {
		return ""
	}
	from, plain := s.i, true
	for ; s.i < len(s.text) && s.text[s.i] != '"'; s.i++ {
		if s.text[s.i] == '\\' {
			plain = false
			s.i++
		}
	}
	if s.i >= len(s.text) {
		s.i, s.bad = len(s.text), true
		return ""
	}
	s.i++
	if plain {
		return s.text[from : s.i-1]
	}
	var out string
	if json.Unmarshal([]byte(s.text[from-1:s.i]), &out) != nil {
		s.bad = true
	}
	return out
}

// parseFixed reads most of what FormatTime wrote faster than package time does.
func parseFixed(s string) (t time.Time, ok bool) {
	if len(s) != len(timeLayout) || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[19] != '.' || s[29] != 'Z' {
		return t, false
	}
	number := func(from, until int) (n int) {
		for _, c := range []byte(s[from:until]) {
			if c -= '0'; c > 9 {
				return -1 << 40 // and so is what is made of it
			}
			n = 10*n + int(c)
		}
		return n
	}
	y, mo, d, h, mi, sec, ns := number(0, 4), number(5, 7), number(8, 10), number(11, 13), number(14, 16), number(17, 19), number(20, 29)
	// How long a month is, package time knows.
	if y < 0 || mo < 1 || mo > 12 || d < 1 || d > 28 || h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 59 || ns < 0 {
		return t, false
	}
	return time.Date(y, time.Month(mo), d, h, mi, sec, ns, time.UTC), true
}

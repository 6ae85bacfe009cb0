package match

import (
	"slices"
	"strings"
	"sync/atomic"
)

// deriver makes the values of columns from those of fields, for one goroutine.
type deriver struct {
	spec    *spec
	memo    []remembered // by derivation
	scratch [3]string
	plain   []byte // of values that were made the short way, one behind the other
	ends    []plainEnd
}

// plainEnd is where the plain value of a column ends, or of a derivation the value in lower case, if column is -1.
type plainEnd struct{ column, end, derivation int }

// remembered is what the latest values of a field became that have no short way, nil where values seldom come again. All searches share it. A value has
// two places, the first for what came last.
type remembered []atomic.Pointer[memoized]

func (r remembered) at(raw string) (first, second *atomic.Pointer[memoized]) {
	i := hash64(7, raw) % uint64(len(r))
	return &r[i], &r[i^1]
}

// get returns what a value became, nil if that is forgotten.
func (r remembered) get(raw string) *memoized {
	first, second := r.at(raw)
	if m := first.Load(); m != nil && m.raw == raw {
		return m
	}
	if m := second.Load(); m != nil && m.raw == raw {
		return m
	}
	return nil
}

func (r remembered) put(m *memoized) {
	first, second := r.at(m.raw)
	if old := first.Load(); old != nil {
		second.Store(old)
	}
	first.Store(m)
}

type memoized struct {
	raw     string
	derived [3]string
}

// repeated are the kinds of which the same values come again and again.
var repeated = []Kind{KindGivenName, KindFamilyName, KindCompany, KindDomain, KindCity, KindPostcode, KindCategory, KindTitle, KindNumber}

// How many values are remembered of a field, and of companies and domains, which take the most time and come in more ways.
const (
	memoizedValues = 1 << 14
	memoizedMany   = 1 << 16
)

func newMemos(s *spec) []remembered {
	memos := make([]remembered, len(s.derived))
	for i, d := range s.derived {
		if slices.Contains(repeated, s.fields[d.field].Kind) {
			size := memoizedValues
			if k := s.fields[d.field].Kind; k == KindDomain || k == KindCompany {
				size = memoizedMany
			}
			memos[i] = make(remembered, size)
		}
	}
	return memos
}

// derive fills out with what columns make of a record's values.
func (s *deriver) derive(values, out []string) {
	clear(out)
	s.plain, s.ends = s.plain[:0], s.ends[:0]
	for i := range s.spec.derived {
		d := &s.spec.derived[i]
		if d.field >= len(values) || values[d.field] == "" {
			continue
		}
		raw := values[d.field]
		if d.plain != nil {
			if plain, ok := d.plain(s.plain, cut(raw)); ok {
				s.plain, s.ends = plain, append(s.ends, plainEnd{d.columns[0], len(plain), i})
				continue
			}
		}
		if d.lower {
			if plain, ok := appendLower(s.plain, cut(raw)); ok {
				s.plain, s.ends = plain, append(s.ends, plainEnd{-1, len(plain), i})
				continue
			}
		}
		memo := s.memo[i]
		if memo == nil || len(raw) > 64 {
			s.fill(i, cut(raw), out)
			continue
		}
		m := memo.get(raw)
		if m == nil {
			m = &memoized{raw: strings.Clone(raw)}
			d.derive(cut(m.raw), m.derived[:])
			memo.put(m)
		}
		for k, c := range d.columns {
			out[c] = m.derived[k]
		}
	}
	all, start := string(s.plain), 0
	for _, e := range s.ends {
		if value := all[start:e.end]; e.column >= 0 {
			out[e.column] = value
		} else {
			s.fill(e.derivation, value, out)
		}
		start = e.end
	}
}

// fill fills out with what a derivation makes of a value.
func (s *deriver) fill(derivation int, value string, out []string) {
	d := &s.spec.derived[derivation]
	clear(s.scratch[:])
	d.derive(value, s.scratch[:])
	for k, c := range d.columns {
		out[c] = s.scratch[k]
	}
}

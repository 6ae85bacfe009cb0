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

// plainEnd is where the plain value of a column ends.
type plainEnd struct{ column, end int }

// remembered is what the latest values of a field became that have no short way, nil where values seldom come again. All searches share it.
type remembered []atomic.Pointer[memoized]

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
				s.plain, s.ends = plain, append(s.ends, plainEnd{d.columns[0], len(plain)})
				continue
			}
		}
		from := &s.scratch
		if memo := s.memo[i]; memo != nil && len(raw) <= 64 {
			at := &memo[hash64(7, raw)%uint64(len(memo))]
			m := at.Load()
			if m == nil || m.raw != raw {
				m = &memoized{raw: strings.Clone(raw)}
				d.derive(cut(m.raw), m.derived[:])
				at.Store(m)
			}
			from = &m.derived
		} else {
			clear(s.scratch[:])
			d.derive(cut(raw), s.scratch[:])
		}
		for k, c := range d.columns {
			out[c] = from[k]
		}
	}
	all, start := string(s.plain), 0
	for _, e := range s.ends {
		out[e.column] = all[start:e.end]
		start = e.end
	}
}

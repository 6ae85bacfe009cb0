package tracking

import (
	"encoding/json"
	"math"
	"time"
)

// Survival is how long something lasts, when some of it still does. A plain
// median of what has ended would leave out the slow ones.
type Survival struct {
	// Ended is how many ended, Open how many still last.
	Ended, Open int
	// Median and P90 are when half and nine tenths have ended by the estimate of
	// Kaplan and Meier (1958), which counts what still lasts for as long as it
	// has lasted. They are 0 if Known or KnownP90 is false: too few to say, or
	// the estimate does not come that far yet.
	Median, P90     time.Duration
	Known, KnownP90 bool
}

// MarshalJSON writes seconds, and null for what is not known.
func (s Survival) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Ended  int      `json:"ended"`
		Open   int      `json:"open"`
		Median *float64 `json:"median_seconds"`
		P90    *float64 `json:"p90_seconds"`
	}{s.Ended, s.Open, seconds(s.Median, s.Known), seconds(s.P90, s.KnownP90)})
}

func seconds(d time.Duration, known bool) *float64 {
	if !known {
		return nil
	}
	s := d.Seconds()
	return &s
}

// lasting is what ended, by how long it took, and what still lasts, by since
// when.
type lasting struct {
	ended, since multiset
}

func (l *lasting) move(since, until int64, sign int) {
	if until == never {
		l.since.move(since, sign)
	} else {
		l.ended.move(max(0, until-since), sign)
	}
}

// survival estimates as of a moment. Of what happens after the same time, the
// ends come before the last looks at what still lasts.
func (l *lasting) survival(asOf int64) Survival {
	s := Survival{Ended: l.ended.n, Open: l.since.n}
	if s.Ended+s.Open < Enough {
		return s
	}
	l.ended.order()
	l.since.order()
	ages := newBackward(&l.since)
	left, risk := 1.0, s.Ended+s.Open
	run := 0 // ended since the last look at what still lasts
	at := 0  // ended before that
	// settle applies a run, and finds where in it the estimate falls to a level.
	settle := func() {
		if run == 0 {
			return
		}
		for _, level := range []struct {
			left  float64
			at    *time.Duration
			known *bool
		}{{0.5, &s.Median, &s.Known}, {0.1, &s.P90, &s.KnownP90}} {
			if *level.known {
				continue
			}
			// The smallest k with left·(risk−k)/risk <= level.
			k := int(math.Ceil(float64(risk)*(1-level.left/left) - 1e-9))
			if k <= run {
				*level.at, *level.known = time.Duration(l.ended.at(at+max(k, 1)-1)), true
			}
		}
		left *= float64(risk-run) / float64(risk)
		risk -= run
		at += run
		run = 0
	}
	for _, c := range l.ended.chunks {
		for i := 0; i < len(c); {
			age, ok := ages.peek(asOf)
			if !ok || c[len(c)-1] <= age {
				run += len(c) - i
				break
			}
			for ; i < len(c) && c[i] <= age; i++ {
				run++
			}
			if i == len(c) {
				break
			}
			settle()
			if s.KnownP90 {
				return s
			}
			risk -= ages.skip(asOf, c[i])
		}
	}
	settle()
	return s
}

// backward goes through the beginnings of what still lasts, the youngest first.
type backward struct {
	s        *multiset
	chunk, i int
}

func newBackward(s *multiset) *backward {
	b := &backward{s: s, chunk: len(s.chunks) - 1}
	if b.chunk >= 0 {
		b.i = len(s.chunks[b.chunk]) - 1
	}
	return b
}

// peek returns the age of the next.
func (b *backward) peek(asOf int64) (int64, bool) {
	if b.chunk < 0 {
		return 0, false
	}
	return max(0, asOf-b.s.chunks[b.chunk][b.i]), true
}

// skip passes over all that are younger than v and says how many.
func (b *backward) skip(asOf, v int64) (n int) {
	for b.chunk >= 0 {
		c := b.s.chunks[b.chunk]
		if max(0, asOf-c[0]) < v {
			n += b.i + 1
			b.next()
			continue
		}
		for max(0, asOf-c[b.i]) < v {
			b.i--
			n++
		}
		return n
	}
	return n
}

func (b *backward) next() {
	b.chunk--
	if b.chunk >= 0 {
		b.i = len(b.s.chunks[b.chunk]) - 1
	}
}

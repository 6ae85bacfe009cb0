package tracking

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// mark is what figures need of an event.
type mark struct {
	at   int64 // see instant
	seq  int64
	text uint32 // of the tracker's texts
	kind markKind
}

type markKind uint8

const (
	captured markKind = iota // text: the source
	assigned                 // the tier
	queued
	alerted
	nurtured
	suppressed
	disqualified
	archived
	tierChanged // the tier
	owned       // the owner
	pooled      // the pool
	entered     // the entry of the chain
	unplaced    // why it was queued
	overridden
	pointed // its points when it was assigned
	owing   // what the new owner was owed of the pool, in leads
	touched
	accepted
	qualified
	contacted
	slaStarted
	slaMet
	slaMissed
	staged     // the stage
	dealOpened // the deal, see dealText
	dealWon
	dealLost
	merged // the survivor
	unmerged
	attr0 // the value of the first declared attribute; those that follow are further ones
)

// never stands for a time that is not there.
const never = math.MinInt64

// instant is a time as figures count with it: nanoseconds since 1970. Times
// further away than 146 years from there all count as that far.
func instant(t time.Time) int64 {
	if ns, near := leadloop.NearTime(t); near {
		return ns
	}
	if t.Year() < 1970 {
		return -1 << 62
	}
	return 1 << 62
}

// texts are the distinct texts of marks.
type texts struct {
	ids map[string]uint32
	all []string
}

func newTexts() texts { return texts{ids: map[string]uint32{"": 0}, all: []string{""}} }

func (t *texts) id(s string) uint32 {
	id, ok := t.ids[s]
	if !ok {
		id = uint32(len(t.all))
		s = strings.Clone(s)
		t.ids[s], t.all = id, append(t.all, s)
	}
	return id
}

// compare orders marks by time; those of one moment as they were journaled.
func (t *texts) compare(m, n *mark) int {
	switch {
	case m.at != n.at:
		return cmp.Compare(m.at, n.at)
	case m.seq != n.seq:
		return cmp.Compare(m.seq, n.seq)
	case m.kind != n.kind:
		return cmp.Compare(m.kind, n.kind)
	case m.text == n.text:
		return 0
	}
	return strings.Compare(t.all[m.text], t.all[n.text])
}

func (t *texts) sort(marks []mark) {
	slices.SortFunc(marks, func(a, b mark) int { return t.compare(&a, &b) })
}

// places are the kinds that say where a lead is.
func (k markKind) place() bool { return k >= assigned && k <= archived }

// compact sorts marks and leaves only those that can still matter: of what
// counts once its first, of what is replaced its last. What later marks make of
// them is the same as of all.
func (t *texts) compact(marks []mark, asOf int64) []mark {
	t.sort(marks)
	marks = slices.Compact(marks)
	var first, last [256]int32 // by kind, position + 1
	var place, tier, merge int32
	for i := range marks {
		m := &marks[i]
		if m.at > asOf {
			break
		}
		at := int32(i + 1)
		if first[m.kind] == 0 {
			first[m.kind] = at
		}
		last[m.kind] = at
		if m.kind.place() {
			place = at
		}
		if m.kind == tierChanged || m.kind == assigned && m.text != 0 {
			tier = at
		}
		if m.kind == merged || m.kind == unmerged {
			merge = at
		}
	}
	kept := marks[:0]
	for i := range marks {
		m, at := marks[i], int32(i+1)
		keep := true
		if m.at <= asOf {
			switch m.kind {
			case assigned, queued:
				keep = first[m.kind] == at || place == at || tier == at
			case alerted, nurtured, suppressed, disqualified, archived:
				keep = place == at
			case tierChanged:
				keep = tier == at
			case owned, pooled, entered, owing, contacted:
				keep = last[m.kind] == at
			case slaStarted, slaMet, slaMissed, staged, dealOpened, dealWon, dealLost:
			case merged, unmerged:
				keep = merge == at
			default: // captured, unplaced, overridden, pointed, touched, accepted, qualified and attributes
				keep = first[m.kind] == at
			}
		}
		if keep {
			kept = append(kept, m)
		}
	}
	return kept
}

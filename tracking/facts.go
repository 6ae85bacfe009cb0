package tracking

import (
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
)

// facts are what is known about one lead, with all that was merged into it, as
// of a moment. Times are never where it did not happen so far.
type facts struct {
	arrival, assigned, touched, accepted, qualified int64

	known                             bool // there is a capture
	source, tier, owner, pool, entry  uint32
	failure                           uint32
	place                             markKind // where the latest decision left it; undecided is captured
	queued, unplaced, contacted, over bool
	met, missed                       int
	points, owed                      uint32 // as texts: when it was first assigned, and what its latest owner was owed
	attrs                             []uint32
	has                               []bool // which attributes were said
	visits                            []visit
	deals                             []deal
}

// visit is the first stay of a lead in a stage; until is never while it lasts,
// and next the stage that followed.
type visit struct {
	stage, next  uint32
	since, until int64
}

// deal is an opportunity as of a moment. closed is never while it is open, and
// where nobody knows when.
type deal struct {
	id              leadloop.OpportunityID
	status          leadloop.OpportunityStatus
	amount          leadloop.Micros
	owner           uint32
	created, closed int64
	from            *lead // that carries it, if the CRM says so
}

// worked reports whether anybody worked the lead: what was qualified or
// converted was worked, whoever forgot to say so.
func (f *facts) worked() bool {
	return f.touched != never || f.accepted != never || f.qualified != never
}

// reset makes f empty and keeps what it has room for.
func (f *facts) reset(attrs int) {
	*f = facts{
		arrival: never, assigned: never, touched: never, accepted: never, qualified: never,
		attrs: append(f.attrs[:0], make([]uint32, attrs)...), has: append(f.has[:0], make([]bool, attrs)...),
		visits: f.visits[:0], deals: f.deals[:0],
	}
}

// read takes the marks of one lead up to asOf, in order.
func (f *facts) read(t *texts, marks []mark, asOf int64) {
	var firstTier, lastTier uint32
	var stage uint32
	for i := range marks {
		m := &marks[i]
		if m.at > asOf {
			break
		}
		switch m.kind {
		case captured:
			if !f.known {
				f.known, f.arrival, f.source = true, m.at, m.text
			}
		case assigned:
			f.place = m.kind
			if m.text != 0 {
				lastTier = m.text
			}
			if f.assigned == never {
				f.assigned, firstTier = m.at, m.text
			}
		case queued:
			f.place, f.queued = m.kind, true
		case alerted, nurtured, suppressed, disqualified, archived:
			f.place = m.kind
		case tierChanged:
			lastTier = m.text
		case owned:
			f.owner = m.text
		case pooled:
			f.pool = m.text
		case entered:
			f.entry = m.text
		case unplaced:
			if !f.unplaced {
				f.unplaced, f.failure = true, m.text
			}
		case overridden:
			f.over = true
		case pointed:
			if f.points == 0 {
				f.points = m.text
			}
		case owing:
			f.owed = m.text
		case touched:
			first(&f.touched, m.at)
		case accepted:
			first(&f.accepted, m.at)
		case qualified:
			first(&f.qualified, m.at)
		case contacted:
			f.contacted = f.contacted || f.assigned != never
		case staged:
			if m.text != stage {
				f.enter(m.text, m.at)
				stage = m.text
			}
		case dealOpened, dealWon, dealLost:
			f.told(m.kind, t.all[m.text], t, m.at)
		case slaStarted, slaMet, slaMissed, merged, unmerged:
		default:
			if i := int(m.kind - attr0); !f.has[i] {
				f.has[i], f.attrs[i] = true, m.text
			}
		}
	}
	if f.tier = firstTier; f.tier == 0 {
		f.tier = lastTier
	}
}

func first(t *int64, at int64) {
	if *t == never {
		*t = at
	}
}

// enter ends the stay in the stage before and begins one, unless the lead was
// in that stage before.
func (f *facts) enter(stage uint32, at int64) {
	again := false
	for i := range f.visits {
		v := &f.visits[i]
		again = again || v.stage == stage
		if v.until == never && v.stage != stage {
			v.until, v.next = at, stage
		}
	}
	if !again {
		f.visits = append(f.visits, visit{stage: stage, since: at, until: never})
	}
}

// at is the stage that the lead is in.
func (f *facts) stage(marks []mark, asOf int64) uint32 {
	var stage uint32
	for i := range marks {
		if marks[i].at > asOf {
			break
		}
		if marks[i].kind == staged {
			stage = marks[i].text
		}
	}
	return stage
}

// dealText is what an event says of a deal, as the text of a mark.
func dealText(e *leadloop.Event) string {
	text := e.To + "\x00" + e.Attrs["amount"] + "\x00" + e.Attrs["owner"]
	if e.Attrs["untimed"] != "" {
		text += "\x00"
	}
	return text
}

// told takes what an event says about a deal: the latest word counts.
func (f *facts) told(kind markKind, text string, t *texts, at int64) {
	id, rest, _ := strings.Cut(text, "\x00")
	amount, rest, _ := strings.Cut(rest, "\x00")
	owner, _, untimed := strings.Cut(rest, "\x00")
	var d *deal
	for i := range f.deals {
		if string(f.deals[i].id) == id {
			d = &f.deals[i]
		}
	}
	if d == nil {
		f.deals = append(f.deals, deal{id: leadloop.OpportunityID(id), status: leadloop.OpportunityOpen, created: at, closed: never})
		d = &f.deals[len(f.deals)-1]
	}
	switch kind {
	case dealOpened:
		d.status, d.closed = leadloop.OpportunityOpen, never
	case dealWon:
		d.status, d.closed = leadloop.OpportunityWon, at
	case dealLost:
		d.status, d.closed = leadloop.OpportunityLost, at
	}
	if untimed {
		d.closed = never
	}
	if n, err := strconv.ParseInt(amount, 10, 64); err == nil {
		d.amount = leadloop.Micros(n)
	}
	if owner != "" {
		d.owner = t.id(owner)
	}
}

// ending is how the deals of the lead ended: won if any was, else lost if any was
// and none is open.
func (f *facts) ending() ending {
	out := unknown
	for i := range f.deals {
		switch f.deals[i].status {
		case leadloop.OpportunityWon:
			return good
		case leadloop.OpportunityLost:
			out = bad
		}
	}
	if slices.ContainsFunc(f.deals, func(d deal) bool { return d.status == leadloop.OpportunityOpen }) {
		return unknown
	}
	return out
}

// know takes what the CRM says about a deal, which goes before what events say.
func (f *facts) know(d *deal, asOf int64) {
	if d.created > asOf {
		return
	}
	k := *d
	if k.status != leadloop.OpportunityOpen && k.closed > asOf {
		k.status, k.closed = leadloop.OpportunityOpen, never
	}
	for i := range f.deals {
		if f.deals[i].id == k.id {
			f.deals[i] = k
			return
		}
	}
	f.deals = append(f.deals, k)
}

// clocks counts how many SLA clocks of one record were met and missed. A clock
// lasts until the next one starts; one that was met was not missed, whatever
// was thought before a late record of the touch came in.
func (f *facts) clocks(sorted []mark, asOf int64) {
	var wasMet, wasMissed bool
	stop := func() {
		switch {
		case wasMet:
			f.met++
		case wasMissed:
			f.missed++
		}
		wasMet, wasMissed = false, false
	}
	for i := range sorted {
		if sorted[i].at > asOf {
			break
		}
		switch sorted[i].kind {
		case slaStarted:
			stop()
		case slaMet:
			wasMet = true
		case slaMissed:
			wasMissed = true
		}
	}
	stop()
}

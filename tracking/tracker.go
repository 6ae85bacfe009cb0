package tracking

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Tracker folds events into figures. Adding an event again, or in another
// order, changes nothing, as long as events carry the Seq that the journal
// gave them. It belongs to one goroutine. Make one with [New].
type Tracker struct {
	o     Options
	leads map[leadloop.LeadID][]mark
	deals map[leadloop.OpportunityID]leadloop.Opportunity
}

// New returns a tracker that has seen nothing.
func New(o Options) *Tracker {
	return &Tracker{
		o:     o.withDefaults(),
		leads: map[leadloop.LeadID][]mark{},
		deals: map[leadloop.OpportunityID]leadloop.Opportunity{},
	}
}

// mark is what figures need of an event.
type mark struct {
	at   time.Time
	seq  int64
	kind markKind
	// text is the source of a capture, the tier of an assignment or tier
	// change, the reason of a queue, and the survivor of a merge.
	text string
}

type markKind uint8

const (
	captured markKind = iota
	assigned
	queued
	alerted
	nurtured
	suppressed
	disqualified
	tierChanged
	touched
	accepted
	contacted
	slaStarted
	slaMet
	slaMissed
	merged
	unmerged
)

// compare orders marks by time; those of one moment as they were journaled.
func (m mark) compare(n mark) int {
	return cmp.Or(m.at.Compare(n.at), cmp.Compare(m.seq, n.seq), cmp.Compare(m.kind, n.kind), strings.Compare(m.text, n.text))
}

// Add folds one event. Kinds that no figure needs are ignored.
func (t *Tracker) Add(e leadloop.Event) {
	m := mark{at: e.At, seq: e.Seq}
	lead := e.Lead
	switch e.Kind {
	case leadloop.EventCaptured:
		m.kind, m.text = captured, e.Attrs["source"]
	case leadloop.EventAssigned:
		m.kind, m.text = assigned, e.Attrs["tier"]
	case leadloop.EventQueued:
		m.kind, m.text = queued, e.Reason
	case leadloop.EventAlerted:
		if e.Attrs["owner"] != "" {
			return // the lead stays with its owner; somebody else was told as well
		}
		m.kind = alerted
	case leadloop.EventNurtured:
		m.kind = nurtured
	case leadloop.EventSuppressed:
		m.kind = suppressed
	case leadloop.EventDisqualified:
		m.kind = disqualified
	case leadloop.EventTierChanged:
		m.kind, m.text = tierChanged, e.To
	case leadloop.EventFirstTouch:
		m.kind = touched
	case leadloop.EventStageChanged:
		if e.To != t.o.Accepted {
			return
		}
		m.kind = accepted
	case leadloop.EventActivity:
		if !t.o.contact(e) {
			return
		}
		m.kind = contacted
	case leadloop.EventSLAStarted:
		m.kind = slaStarted
	case leadloop.EventSLAMet:
		m.kind = slaMet
	case leadloop.EventSLAMissed:
		m.kind = slaMissed
	case leadloop.EventMerged:
		m.kind, m.text = merged, e.To
	case leadloop.EventUnmerged:
		m.kind, lead = unmerged, leadloop.LeadID(e.To)
	default:
		return
	}
	if lead != "" {
		t.leads[lead] = append(t.leads[lead], m)
	}
}

// AddOpportunity takes an opportunity for the pipeline; one with an id that is
// there replaces it.
func (t *Tracker) AddOpportunity(o leadloop.Opportunity) { t.deals[o.ID] = o }

// Collect reads the whole journal and all opportunities in one View, and
// reports as of a moment. An error is the store's.
func Collect(ctx context.Context, st store.Store, asOf time.Time, o Options) (Report, error) {
	t := New(o)
	err := st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return fmt.Errorf("journal: %w", err)
			}
			t.Add(e)
		}
		deals, err := tx.CRM().Opportunities(ctx, "")
		if err != nil {
			return fmt.Errorf("opportunities: %w", err)
		}
		for _, o := range deals {
			t.AddOpportunity(o)
		}
		return nil
	})
	if err != nil {
		return Report{}, fmt.Errorf("tracking: %w", err)
	}
	return t.Report(asOf), nil
}

// whole returns the lead that id was part of as of asOf. Two leads that are
// each part of the other, which no journal of a loop says, are the one with
// the smaller id.
func (t *Tracker) whole(id leadloop.LeadID, asOf time.Time) leadloop.LeadID {
	seen := []leadloop.LeadID{id}
	for {
		next := t.mergedInto(id, asOf)
		if next == "" {
			return id
		}
		if i := slices.Index(seen, next); i >= 0 {
			return slices.Min(seen[i:])
		}
		seen, id = append(seen, next), next
	}
}

func (t *Tracker) mergedInto(id leadloop.LeadID, asOf time.Time) leadloop.LeadID {
	var last *mark
	marks := t.leads[id]
	for i := range marks {
		m := &marks[i]
		if (m.kind == merged || m.kind == unmerged) && !m.at.After(asOf) && (last == nil || m.compare(*last) > 0) {
			last = m
		}
	}
	if last == nil || last.kind == unmerged {
		return ""
	}
	return leadloop.LeadID(last.text)
}

// facts are what is known about one lead, with all that was merged into it.
type facts struct {
	arrival, assigned, touched, accepted time.Time // zero: not so far
	known                                bool      // there is a capture
	source, tier                         string
	// place is where the latest decision left it; undecided is captured.
	place     markKind
	queued    bool // ever
	unplaced  bool // ever in a queue because no entry placed it
	contacted bool // after it was assigned
}

func (f *facts) worked() bool { return !f.touched.IsZero() || !f.accepted.IsZero() }

// factsOf reads the marks of one lead, which it sorts.
func factsOf(marks []mark) facts {
	slices.SortFunc(marks, mark.compare)
	f := facts{}
	first := func(t *time.Time, at time.Time) bool {
		if t.IsZero() {
			*t = at
			return true
		}
		return false
	}
	var firstTier, lastTier string
	for _, m := range marks {
		switch m.kind {
		case captured:
			if !f.known {
				f.known, f.arrival, f.source = true, m.at, m.text
			}
		case assigned:
			f.place = m.kind
			if m.text != "" {
				lastTier = m.text
			}
			if first(&f.assigned, m.at) {
				firstTier = m.text
			}
		case queued:
			f.place, f.queued = m.kind, true
			f.unplaced = f.unplaced || !strings.HasPrefix(m.text, "entry:")
		case alerted, nurtured, suppressed, disqualified:
			f.place = m.kind
		case tierChanged:
			lastTier = m.text
		case touched:
			first(&f.touched, m.at)
		case accepted:
			first(&f.accepted, m.at)
		case contacted:
			f.contacted = f.contacted || !f.assigned.IsZero()
		}
	}
	f.tier = cmp.Or(firstTier, lastTier)
	return f
}

// clocks counts how many SLA clocks of one record were met and missed. A clock
// lasts until the next one starts; one that was met was not missed, whatever
// was thought before a late record of the touch came in.
func clocks(sorted []mark) (met, missed int) {
	var wasMet, wasMissed bool
	stop := func() {
		switch {
		case wasMet:
			met++
		case wasMissed:
			missed++
		}
		wasMet, wasMissed = false, false
	}
	for _, m := range sorted {
		switch m.kind {
		case slaStarted:
			stop()
		case slaMet:
			wasMet = true
		case slaMissed:
			wasMissed = true
		}
	}
	stop()
	return met, missed
}

package tracking_test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// This file counts everything once more, in the plainest way: all events are
// kept, sorted and read again for every figure. It shares no code with the
// tracker.

// oracleLead is a lead as all its events say.
type oracleLead struct {
	at, assigned, touched, accepted, qualified time.Time
	captured, queued, contacted, over          bool
	source, tier, lastTier, owner, product     string
	place, failure                             string
	points, owed                               string // the first and the last that were said
	met, missed                                int
	stages                                     []oracleVisit
	deals                                      map[leadloop.OpportunityID]*oracleDeal
}

type oracleVisit struct {
	stage, next string
	from, until time.Time
}

type oracleDeal struct {
	status, owner   string
	amount          leadloop.Micros
	created, closed time.Time
}

func (l *oracleLead) worked() bool {
	return !l.touched.IsZero() || !l.accepted.IsZero() || !l.qualified.IsZero()
}

func oracleLeads(j journal, crm []leadloop.Opportunity, asOf time.Time) map[leadloop.LeadID]*oracleLead {
	var events []leadloop.Event
	seen := map[int64]bool{}
	for _, e := range j {
		if !seen[e.Seq] && !e.At.After(asOf) {
			seen[e.Seq] = true
			events = append(events, e)
		}
	}
	slices.SortFunc(events, func(a, b leadloop.Event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq)) })

	into := map[leadloop.LeadID]leadloop.LeadID{}
	for _, e := range events {
		switch e.Kind {
		case leadloop.EventMerged:
			into[e.Lead] = leadloop.LeadID(e.To)
		case leadloop.EventUnmerged:
			delete(into, leadloop.LeadID(e.To))
		}
	}
	whole := func(id leadloop.LeadID) leadloop.LeadID {
		var path []leadloop.LeadID
		for {
			if i := slices.Index(path, id); i >= 0 {
				return slices.Min(path[i:])
			}
			path = append(path, id)
			next, ok := into[id]
			if !ok {
				return id
			}
			id = next
		}
	}

	leads := map[leadloop.LeadID]*oracleLead{}
	lead := func(id leadloop.LeadID) *oracleLead {
		id = whole(id)
		if leads[id] == nil {
			leads[id] = &oracleLead{place: "undecided", deals: map[leadloop.OpportunityID]*oracleDeal{}}
		}
		return leads[id]
	}
	once := func(t *time.Time, at time.Time) {
		if t.IsZero() {
			*t = at
		}
	}
	clocks := map[leadloop.LeadID]string{} // by record, how the running clock stands
	stop := func(id leadloop.LeadID) {
		switch clocks[id] {
		case "met":
			lead(id).met++
		case "missed":
			lead(id).missed++
		}
		clocks[id] = ""
	}
	for _, e := range events {
		if e.Lead == "" {
			continue
		}
		l := lead(e.Lead)
		told := func(status string) {
			id := leadloop.OpportunityID(e.To)
			d := l.deals[id]
			if d == nil {
				d = &oracleDeal{created: e.At}
				l.deals[id] = d
			}
			d.status, d.closed = status, time.Time{}
			if status != "open" && e.Attrs["untimed"] == "" {
				d.closed = e.At
			}
			if e.Attrs["amount"] == "7" {
				d.amount = 7
			}
			if e.Attrs["owner"] != "" {
				d.owner = e.Attrs["owner"]
			}
		}
		switch e.Kind {
		case leadloop.EventCaptured:
			if !l.captured {
				l.captured, l.at, l.source = true, e.At, e.Attrs["source"]
			}
		case leadloop.EventAssigned:
			l.place = "assigned"
			if l.assigned.IsZero() {
				l.assigned, l.tier = e.At, e.Attrs["tier"]
			}
			if e.Attrs["tier"] != "" {
				l.lastTier = e.Attrs["tier"]
			}
			l.owner = e.To
			if l.points == "" {
				l.points = e.Attrs["points"]
			}
			if e.Attrs["owed"] != "" {
				l.owed = e.Attrs["owed"]
			}
			if e.From != "" && e.From != e.To && e.Actor == "mia" {
				l.over = true
			}
		case leadloop.EventQueued:
			l.place, l.queued = "queued", true
			if !strings.HasPrefix(e.Reason, "entry:") && l.failure == "" {
				if l.failure = e.Reason; e.Reason == "" {
					l.failure = "not_said"
				}
			}
		case leadloop.EventAlerted:
			if e.Attrs["owner"] == "" {
				l.place = "alerted"
			}
		case leadloop.EventNurtured, leadloop.EventSuppressed, leadloop.EventDisqualified, leadloop.EventArchived:
			l.place = string(e.Kind)
		case leadloop.EventTierChanged:
			l.lastTier = e.To
		case leadloop.EventFirstTouch:
			once(&l.touched, e.At)
		case leadloop.EventStageChanged:
			if e.To == "sal" {
				once(&l.accepted, e.At)
			}
			if e.To == "sql" {
				once(&l.qualified, e.At)
			}
			was := false
			for i := range l.stages {
				v := &l.stages[i]
				was = was || v.stage == e.To
				if v.until.IsZero() && v.stage != e.To {
					v.until, v.next = e.At, e.To
				}
			}
			if !was {
				l.stages = append(l.stages, oracleVisit{stage: e.To, from: e.At})
			}
		case leadloop.EventActivity:
			two := e.To == "meeting" || e.To == "reply" && e.Actor == ""
			l.contacted = l.contacted || two && !l.assigned.IsZero()
		case leadloop.EventSLAStarted:
			stop(e.Lead)
		case leadloop.EventSLAMet:
			clocks[e.Lead] = "met"
		case leadloop.EventSLAMissed:
			if clocks[e.Lead] != "met" {
				clocks[e.Lead] = "missed"
			}
		case leadloop.EventConverted:
			once(&l.qualified, e.At)
			told("open")
		case leadloop.EventWon:
			told("won")
		case leadloop.EventLost:
			told("lost")
		}
		if p := e.Attrs["product"]; l.product == "" && p != "" && e.Kind != leadloop.EventAssigned && oracleCounts(e) {
			l.product = p
		}
	}
	for _, id := range slices.Sorted(maps.Keys(clocks)) {
		stop(id)
	}
	for _, o := range crm {
		if o.CreatedAt.After(asOf) {
			continue
		}
		d := &oracleDeal{status: string(o.Status), owner: string(o.Owner), amount: o.Amount, created: o.CreatedAt, closed: o.ClosedAt}
		if o.ClosedAt.After(asOf) {
			d.status, d.closed = "open", time.Time{}
		}
		lead(o.Lead).deals[o.ID] = d
	}
	for _, l := range leads {
		if l.tier == "" {
			l.tier = l.lastTier
		}
	}
	return leads
}

// oracleCounts tells the events that figures read.
func oracleCounts(e leadloop.Event) bool {
	switch e.Kind {
	case leadloop.EventScored, leadloop.EventUnmerged:
		return false
	case leadloop.EventAlerted:
		return e.Attrs["owner"] == ""
	case leadloop.EventActivity:
		return e.To == "meeting" || e.To == "reply" && e.Actor == ""
	}
	return true
}

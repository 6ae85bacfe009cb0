package attribution

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Journeys reads the touches of every lead from journal entries, in any order:
// its arrival, each further submission, and activities, where they carry one of
// the attributes in by, such as "source", or "source" and "medium". The channel
// is their values joined by " / ". A lead converted when it was first told to be
// on, which is leadloop.EventWon or leadloop.EventConverted, and is worth the
// amounts of its deals of that kind, each as said last. Leads without a touch
// and a conversion are left out; those that were merged are one. Entries after
// asOf do not count.
//
// The touch of the arrival is [LeadCreated], the latest one before the lead
// was converted [OpportunityCreated].
func Journeys(events []leadloop.Event, by []string, on leadloop.EventKind, asOf time.Time) []Journey {
	sorted := slices.DeleteFunc(slices.Clone(events), func(e leadloop.Event) bool { return e.At.After(asOf) })
	slices.SortStableFunc(sorted, func(a, b leadloop.Event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq)) })
	into := map[leadloop.LeadID]leadloop.LeadID{}
	for _, e := range sorted {
		switch e.Kind {
		case leadloop.EventMerged:
			into[e.Lead] = leadloop.LeadID(e.To)
		case leadloop.EventUnmerged:
			delete(into, leadloop.LeadID(e.To))
		}
	}
	whole := func(id leadloop.LeadID) leadloop.LeadID {
		for range len(into) {
			next, merged := into[id]
			if !merged {
				break
			}
			id = next
		}
		return id
	}
	type life struct {
		Journey
		opened  time.Time
		arrived bool
		deals   map[string]leadloop.Micros
	}
	lives := map[leadloop.LeadID]*life{}
	var order []leadloop.LeadID
	for i := range sorted {
		e := &sorted[i]
		id := whole(e.Lead)
		l := lives[id]
		if l == nil {
			l = &life{deals: map[string]leadloop.Micros{}}
			lives[id] = l
			order = append(order, id)
		}
		switch e.Kind {
		case leadloop.EventCaptured, leadloop.EventSubmission, leadloop.EventActivity:
			t := Touch{At: e.At, Channel: channel(e.Attrs, by)}
			if e.Kind == leadloop.EventCaptured && !l.arrived {
				l.arrived, t.Milestone = true, LeadCreated
			}
			if t.Channel != "" {
				l.Touches = append(l.Touches, t)
			}
		case leadloop.EventConverted:
			if l.opened.IsZero() {
				l.opened = e.At
			}
		}
		if e.Kind == on {
			if l.ConvertedAt.IsZero() {
				l.ConvertedAt = e.At
			}
			n, err := strconv.ParseInt(e.Attrs["amount"], 10, 64)
			if _, said := l.deals[e.To]; err == nil || !said {
				l.deals[e.To] = leadloop.Micros(n)
			}
		}
	}
	var out []Journey
	for _, id := range order {
		l := lives[id]
		if len(l.Touches) == 0 && l.ConvertedAt.IsZero() {
			continue
		}
		if l.ConvertedAt.IsZero() {
			l.Lost = 1
		} else {
			l.Conversions = 1
			for _, amount := range l.deals {
				l.Value += amount
			}
		}
		for i := len(l.Touches) - 1; i >= 0 && !l.opened.IsZero(); i-- {
			if t := &l.Touches[i]; !t.At.After(l.opened) {
				if t.Milestone == NoMilestone {
					t.Milestone = OpportunityCreated
				}
				break
			}
		}
		out = append(out, l.Journey)
	}
	return out
}

// channel joins the attributes; "" if none is there.
func channel(attrs map[string]string, by []string) string {
	values, some := make([]string, len(by)), false
	for i, name := range by {
		v := strings.ReplaceAll(attrs[name], separator, "")
		some = some || v != ""
		values[i] = cmp.Or(v, "-")
	}
	if !some {
		return ""
	}
	return strings.Join(values, " / ")
}

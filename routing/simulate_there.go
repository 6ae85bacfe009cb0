package routing

import (
	"context"
	"iter"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing/calendar"
	"github.com/leadloop/leadloop/store"
)

// worksAt is the calendar of the lead's owner: its working hours, else those
// of the clock that the lead has, else always.
func (r *Router) worksAt(l *simLead) calendar.Calendar {
	zone := r.zone
	if x := r.rep(l.owner); x != nil {
		if zone = x.zone; x.hasHours {
			return x.hours.at(zone)
		}
	}
	if p := r.policyOf(l.sla.Policy); p != nil {
		return p.ladder.clock.at(zone)
	}
	return clock{}.at(zone)
}

// there is when the owner is first there.
func (r *Router) there(l *simLead, crm []leadloop.Rep, t time.Time) time.Time {
	hours := r.worksAt(l)
	x := r.rep(l.owner)
	if x == nil {
		x = &rep{}
	}
	known := inCRM(crm, l.owner)
	for range len(x.Away) + absences(known) + 2 {
		until, gone := away(x, known, t, 0)
		if gone {
			t = until
		}
		if open := hours.NextOpen(t); open.After(t) {
			t, gone = open, true
		}
		if !gone {
			break
		}
	}
	return t
}

// simTx has the one thing of a transaction that the stage's code asks for
// besides what the simulation reads from memory.
type simTx struct {
	store.Tx
	journal simJournal
}

func (t simTx) Journal() store.Journal { return t.journal }

// simJournal is the last assignment of a lead.
type simJournal struct{ lead *simLead }

func (j simJournal) Append(context.Context, ...leadloop.Event) error { return leadloop.ErrUnavailable }

func (j simJournal) ByLead(context.Context, leadloop.LeadID) iter.Seq2[leadloop.Event, error] {
	return func(yield func(leadloop.Event, error) bool) {
		if j.lead.owner != "" {
			yield(leadloop.Event{
				Kind: leadloop.EventAssigned, Lead: j.lead.id, At: j.lead.since, To: string(j.lead.owner), Attrs: map[string]string{"uncredited": j.lead.uncredited},
			}, nil)
		}
	}
}

func (j simJournal) Since(context.Context, int64) iter.Seq2[leadloop.Event, error] {
	return func(func(leadloop.Event, error) bool) {}
}

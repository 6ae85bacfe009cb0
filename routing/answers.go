package routing

import (
	"context"
	"maps"
	"slices"

	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing/calendar"
	"github.com/leadloop/leadloop/store"
)

// Hours are the calendars of a router by name, for whoever counts business time
// besides it. They are immutable and safe for concurrent use.
type Hours struct{ r *Router }

// Hours returns the calendars of sla.yaml. A name that it does not have, and "",
// are around the clock.
func (r *Router) Hours() Hours { return Hours{r} }

// Names returns the names of the calendars, sorted.
func (h Hours) Names() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(h.r.clocks)), func(s string) bool { return s == "" })
}

func (h Hours) of(name string, owner leadloop.RepID) calendar.Calendar {
	zone := h.r.zone
	if x := h.r.rep(owner); x != nil {
		zone = x.zone
	}
	return h.r.clocks[name].at(zone)
}

// Add returns the moment at which d of business time has passed since start;
// where the calendar follows its owner's zone, that of the owner, and for an
// owner of "" the zone of the SLA.
func (h Hours) Add(name string, owner leadloop.RepID, start time.Time, d time.Duration) time.Time {
	return h.of(name, owner).Add(start, d)
}

// Open returns t if it is business time, and else when it is next.
func (h Hours) Open(name string, owner leadloop.RepID, t time.Time) time.Time {
	return h.of(name, owner).NextOpen(t)
}

// Between returns the business time from a to b, 0 if b is not after a.
func (h Hours) Between(name string, owner leadloop.RepID, a, b time.Time) time.Duration {
	return h.of(name, owner).Between(a, b)
}

// Manager returns who manages a rep, or without a rep the team of a queue: who
// stands there by name, else the manager of the team. Of reps whom only the CRM
// knows, it is the CRM that says so, if tx is not nil. "" if nobody does.
func (r *Router) Manager(ctx context.Context, tx store.Tx, id leadloop.RepID, queue string) (leadloop.RepID, error) {
	var team leadloop.TeamID
	var manager leadloop.RepID
	switch x := r.rep(id); {
	case id == "":
		if i := slices.IndexFunc(r.queues, func(q Queue) bool { return q.ID == queue }); i >= 0 {
			team = r.queues[i].Team
		}
	case x != nil:
		team, manager = x.team, x.manager
	case tx != nil:
		known, err := tx.CRM().Reps(ctx)
		if err != nil {
			return "", err
		}
		for i := range known {
			if known[i].ID == id {
				team, manager = known[i].Team, known[i].Manager
			}
		}
	}
	if i := slices.IndexFunc(r.teams, func(t Team) bool { return t.ID == team }); i >= 0 && manager == "" && r.teams[i].Manager != id {
		manager = r.teams[i].Manager
	}
	return manager, nil
}

// Track returns the nurture track that an entry of the chain gives leads to, ""
// if it gives them to somebody.
func (r *Router) Track(id string) string {
	if i := slices.IndexFunc(r.entries, func(e entry) bool { return e.ID == id }); i >= 0 {
		return r.entries[i].Target.Nurture
	}
	return ""
}

// NewReturned is the one-off stage "returned" of a loop: the lead's owner does
// not want it, or does not say, and it is routed anew, to nobody who declined it
// since it was last recycled (State.Declined). Where there is nobody else it
// waits in the final queue. An owner who said so gets the debit back; one whose
// time ran out does not, as with any target that was missed.
func NewReturned(r *Router, st store.Store) leadloop.Stage {
	return &stage{router: r, store: st, name: "returned", do: func(ctx context.Context, n *run) error {
		if n.s.Trigger != leadloop.TriggerTask {
			if err := n.returns(ctx); err != nil {
				return err
			}
		}
		if owner := n.state.Owner; owner != "" {
			n.declined = owner
			n.q.Exclude = append(n.q.Exclude, owner)
			n.state.Declined = append(slices.Clone(n.state.Declined), owner)
		}
		return n.route(ctx)
	}}
}

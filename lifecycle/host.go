package lifecycle

import (
	"context"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Host is what a lifecycle asks of what stands around it: see
// [Lifecycle.With]. A part that is missing is missed only by what needs it; a
// playbook brings all of them.
type Host struct {
	// Store has the CRM that leads are converted into.
	Store store.Store
	// Manager returns who manages the owner of a lead, or else the team whose
	// queue it waits in; "" if nobody does. Without it nobody is a manager.
	Manager func(ctx context.Context, owner leadloop.RepID, queue string) (leadloop.RepID, error)
	// Hours counts business time; without it every clock runs around the clock.
	Hours Hours
	// Returned is the step that gives a lead to somebody else than its present
	// owner and those who rejected it. Without it nothing is rerouted.
	Returned leadloop.Stage
	// Identify sets the identifiers by which leads find an account and a contact
	// again. Without it new ones have those of the lead.
	Identify func(a *leadloop.Account, c *leadloop.Contact)
	// OpenTasks counts what is still to do for a lead. Without it criteria that
	// read open_tasks are undecided.
	OpenTasks func(ctx context.Context, lead *leadloop.Lead) (int, error)
	// Permission says whether a step of a cadence may reach a lead. Without it
	// none may.
	Permission Permission
	// Tokens are the suppression tokens of a lead, which the mail that asks for a
	// confirmation is delivered under.
	Tokens func(p *leadloop.Profile) []string
	// Confirmed makes an entry of the consent ledger of a yes that a lead gave
	// from its mailbox: it adds whose it is, and reports false if there is no
	// mailbox. Without it the ledger is not told.
	Confirmed func(p *leadloop.Profile, e leadloop.ConsentEntry) (leadloop.ConsentEntry, bool)
	// Track returns the track that a lead in nurture was given to, "" for none.
	// A cadence of that id takes it up.
	Track func(s *leadloop.State) string
}

// Hours counts business time on the calendars of the team.
type Hours interface {
	// Add returns the moment at which d of the calendar's business time has
	// passed since start, for a calendar that follows its owner's zone that of
	// the owner; an owner of "" is nobody.
	Add(calendar string, owner leadloop.RepID, start time.Time, d time.Duration) time.Time
	// Open returns t if it is business time, and else when it is next.
	Open(calendar string, owner leadloop.RepID, t time.Time) time.Time
	// Between returns the business time from a to b.
	Between(calendar string, owner leadloop.RepID, a, b time.Time) time.Duration
}

// aroundTheClock is the hours of a host that has none.
type aroundTheClock struct{}

func (aroundTheClock) Add(_ string, _ leadloop.RepID, start time.Time, d time.Duration) time.Time {
	return start.Add(d)
}

func (aroundTheClock) Open(_ string, _ leadloop.RepID, t time.Time) time.Time { return t }

func (aroundTheClock) Between(_ string, _ leadloop.RepID, a, b time.Time) time.Duration {
	return max(0, b.Sub(a))
}

// With returns the lifecycle with what stands around it. It does not change l.
func (l *Lifecycle) With(h Host) *Lifecycle {
	c := *l
	c.host = h
	if c.host.Hours == nil {
		c.host.Hours = aroundTheClock{}
	}
	return &c
}

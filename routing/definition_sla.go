package routing

import (
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// SLADefinition says how fast leads are answered and who hears when they are
// not: sla.yaml as a value. The zero value has no response targets, tells a
// queue's people after 30 minutes, and the manager after 72 hours without a
// first touch.
type SLADefinition struct {
	// Zone is for calendars of queues and of owners without a zone; empty
	// means UTC.
	Zone      string              `yaml:"zone"`
	Calendars map[string]Calendar `yaml:"calendars"`
	// Policies are asked in order; the first that matches sets the clock.
	Policies []Policy `yaml:"policies"`
	// Unassigned is for leads that wait in a queue, counted from when they
	// were queued. Nil means: after 30 minutes try to route again, and tell
	// the queue.
	Unassigned *Ladder `yaml:"unassigned"`
	// Unworked is for assigned leads without a first touch, whether they have
	// a policy or not, counted from the assignment. Nil means: after 72 hours
	// the manager, 24 hours later the final queue.
	Unworked *Ladder `yaml:"unworked"`
	// Disputes is for leads that two people could own, counted from when the
	// manager was asked. Nil means: after 24 hours the queue.
	Disputes *Ladder           `yaml:"disputes"`
	At       leadloop.Position `yaml:"-"`
}

// OwnerZone, as the zone of a calendar, is the zone of the lead's owner.
const OwnerZone = "owner"

// Calendar is when a clock runs.
type Calendar struct {
	// Zone is an IANA name or [OwnerZone], which is what empty means.
	Zone string `yaml:"zone"`
	// Hours by days: "mon-fri" or "sat, sun" to spans such as "09:00-17:00",
	// several a day, across midnight if the end is before the start.
	Hours map[string][]string `yaml:"hours,required"`
	// Holidays are closed the whole day.
	Holidays []time.Time `yaml:"holidays"`
	// HolidaysOf closes the public holidays of these countries, as in "DE",
	// from 2000 to 2060: see [Options.Holidays].
	HolidaysOf []string          `yaml:"holidays_of"`
	At         leadloop.Position `yaml:"-"`
}

// Policy is a response target for some leads.
type Policy struct {
	ID   string              `yaml:"id,required"`
	Tier string              `yaml:"tier"`
	When leadloop.Expression `yaml:"when"`
	// Target is the business time from assignment to first touch.
	Target time.Duration `yaml:"target,required"`
	// Calendar names one of the calendars; empty is around the clock.
	Calendar string `yaml:"calendar"`
	// Warn tells the owner this much business time before the target is
	// missed; 0 does not.
	Warn time.Duration `yaml:"warn"`
	// FollowUp is the business time from one touch to the next while the lead
	// is the owner's; 0 has no such clock. When it is missed the owner hears,
	// then the manager after as long again.
	FollowUp time.Duration `yaml:"follow_up"`
	// Pause are the statuses in which the clock stands still, such as while
	// the customer is waited for.
	Pause []string `yaml:"pause"`
	// Escalate is taken rung by rung when the target is missed.
	Escalate []Rung            `yaml:"escalate,required"`
	At       leadloop.Position `yaml:"-"`
}

// Ladder is escalation on a calendar.
type Ladder struct {
	Calendar string            `yaml:"calendar"`
	Escalate []Rung            `yaml:"escalate,required"`
	At       leadloop.Position `yaml:"-"`
}

// What After counts from.
const (
	// FromStep counts from the step before: for the first rung that is the
	// missed target of a policy, or the start of another ladder.
	FromStep = "step"
	// FromStart counts from the assignment, or from when the lead was queued.
	FromStart = "start"
)

// Rung is one step of an escalation. The last rung of a ladder tells a named
// rep or queue.
type Rung struct {
	After time.Duration `yaml:"after"`
	From  string        `yaml:"from"` // empty: step
	// Notify is who hears: "owner", "manager" (of the owner, or of the team),
	// "team", "queue" (the one the lead waits in), "queue:<id>" or "rep:<id>".
	// A rung whose manager or team there is not is skipped.
	Notify string `yaml:"notify"`
	// Reassign routes the lead anew without those who missed it, at most
	// twice; in a queue's ladder it tries to find somebody.
	Reassign bool              `yaml:"reassign"`
	At       leadloop.Position `yaml:"-"`
}

// ParseSLA reads sla.yaml, as [Parse] reads routing.yaml.
func ParseSLA(file string, data []byte) (SLADefinition, error) {
	var d SLADefinition
	problems := yamldoc.Decode(file, data, &d)
	return d, problems.Err()
}

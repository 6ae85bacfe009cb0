package routing

import (
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// Definition says who gets which lead: routing.yaml as a value. The At fields
// are for error messages and may stay zero.
type Definition struct {
	Teams  []Team  `yaml:"teams"`
	Reps   []Rep   `yaml:"reps"`
	Pools  []Pool  `yaml:"pools"`
	Queues []Queue `yaml:"queues"`
	// Chain is asked in order; the first entry that matches and has somebody
	// to give the lead to wins. Partner rules are simply its first entries.
	Chain []Entry `yaml:"chain"`
	// Final is the queue for leads that no entry placed. It is required.
	Final string            `yaml:"final,required"`
	At    leadloop.Position `yaml:"-"`
}

// Team is a group of reps with a manager who hears escalations.
type Team struct {
	ID      leadloop.TeamID   `yaml:"id,required"`
	Name    string            `yaml:"name"`
	Manager leadloop.RepID    `yaml:"manager"`
	Members []leadloop.RepID  `yaml:"members"`
	At      leadloop.Position `yaml:"-"`
}

// Rep is a person who can get leads. What the store's CRM says about absences
// and about reps who left counts on top.
type Rep struct {
	ID      leadloop.RepID `yaml:"id,required"`
	Name    string         `yaml:"name"`
	Manager leadloop.RepID `yaml:"manager"` // empty: the team's
	// Timezone is an IANA name; empty means the SLA file's zone.
	Timezone string `yaml:"timezone"`
	// Weight is the share relative to the other members of a pool, 1 to
	// [MaxWeight]; nil means 100.
	Weight *int `yaml:"weight"`
	// Priority breaks ties, highest first, and orders priority pools.
	Priority  int      `yaml:"priority"`
	Skills    []string `yaml:"skills"`
	Languages []string `yaml:"languages"` // BCP 47
	// MaxOpen caps open leads, MaxDay and MaxWeek those assigned in the last
	// 24 hours and 7 days; 0 means no cap.
	MaxOpen int               `yaml:"max_open"`
	MaxDay  int               `yaml:"max_day"`
	MaxWeek int               `yaml:"max_week"`
	Away    []Absence         `yaml:"away"`
	At      leadloop.Position `yaml:"-"`
}

// Absence is a time in which a rep gets no leads, From inclusive and Until
// exclusive.
type Absence struct {
	From  time.Time         `yaml:"from,required"`
	Until time.Time         `yaml:"until,required"`
	At    leadloop.Position `yaml:"-"`
}

// The strategies of a pool.
const (
	// StrategyFair gives every member its exact share over time; see [Next].
	StrategyFair = "fair"
	// StrategyPriority gives each lead to the eligible member of the highest
	// priority; ties to the least recently assigned, then by id.
	StrategyPriority = "priority"
	// StrategyLeastLoaded gives it to the one with the fewest open leads
	// relative to weight; ties as in StrategyPriority after priority.
	StrategyLeastLoaded = "least_loaded"
)

// Pool is a group of reps that share leads. Either a team or members.
type Pool struct {
	ID       string           `yaml:"id,required"`
	Team     leadloop.TeamID  `yaml:"team"`
	Members  []leadloop.RepID `yaml:"members"`
	Strategy string           `yaml:"strategy"` // empty: fair
	// CountOwnership debits a member also for leads that it gets because it
	// owns the account, contact or opportunity. Of several such pools the
	// first that has the member counts.
	CountOwnership bool `yaml:"count_ownership"`
	// CatchUp credits members while they are away, so that they catch up on
	// return; otherwise absence is neutral.
	CatchUp bool              `yaml:"catch_up"`
	At      leadloop.Position `yaml:"-"`
}

// Queue is where leads wait for a person.
type Queue struct {
	ID   string            `yaml:"id,required"`
	Name string            `yaml:"name"`
	Team leadloop.TeamID   `yaml:"team"` // who is meant by "team" and "manager" in a ladder
	At   leadloop.Position `yaml:"-"`
}

// Entry is one rule of the chain: for which leads, and to whom. All conditions
// that are given must hold; an entry without any matches every lead.
type Entry struct {
	ID string `yaml:"id,required"`
	// When is a CEL condition over the schema's fields and [Vars].
	When leadloop.Expression `yaml:"when"`
	// The lists hold if the lead's golden value is one of them, exactly as it
	// is normalised.
	Source    []string `yaml:"source"`
	Partner   []string `yaml:"partner"`
	Country   []string `yaml:"country"` // lead.country
	Region    []string `yaml:"region"`
	Industry  []string `yaml:"industry"`
	Product   []string `yaml:"product"` // lead.product_interest
	Language  []string `yaml:"language"`
	Tier      []string `yaml:"tier"`
	Employees *Range   `yaml:"employees"`

	Target Target            `yaml:"target,required"`
	At     leadloop.Position `yaml:"-"`
}

// Range is a range of whole numbers with both ends included; nil is open.
type Range struct {
	Min *int64 `yaml:"min"`
	Max *int64 `yaml:"max"`
}

// What a target can refer to in OwnerOf and Alert.
const (
	OfAccount     = "account"
	OfContact     = "contact"
	OfOpportunity = "opportunity"
	OfPrevious    = "previous" // who owned the lead before this decision
)

// Target is to whom an entry gives a lead: exactly one of OwnerOf, Rep, Pool,
// Queue, Nurture and Alert.
type Target struct {
	OwnerOf string         `yaml:"owner_of"`
	Rep     leadloop.RepID `yaml:"rep"`
	Pool    string         `yaml:"pool"`
	Queue   string         `yaml:"queue"`
	// Nurture names the track that works the lead; no rep does.
	Nurture string `yaml:"nurture"`
	// Alert tells an owner about the lead and assigns it to nobody.
	Alert string `yaml:"alert"`

	// Skills are needed of a pool's member, all of them.
	Skills []string `yaml:"skills"`
	// Speaks takes only members of a pool who speak the lead's language; while
	// the language is not known, all.
	Speaks bool              `yaml:"speaks"`
	At     leadloop.Position `yaml:"-"`
}

// Parse reads routing.yaml. The error lists every problem of its form with its
// position ([leadloop.Problems]); whether the names in it exist is for [New].
func Parse(file string, data []byte) (Definition, error) {
	var d Definition
	problems := yamldoc.Decode(file, data, &d)
	return d, problems.Err()
}

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
	Unworked *Ladder           `yaml:"unworked"`
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
	Holidays []time.Time       `yaml:"holidays"`
	At       leadloop.Position `yaml:"-"`
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

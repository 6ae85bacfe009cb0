package lifecycle

import (
	_ "embed"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// Definition is the stages and statuses of leads: lifecycle.yaml as a value.
// Ids and reason codes are lower-case letters, digits, "_" and "-". The At
// fields are for error messages and may stay zero.
type Definition struct {
	// Initial is the stage that every lead begins in.
	Initial string `yaml:"initial,required"`
	// Accepted is the stage that an owner's acceptance moves a lead to; empty
	// means that nobody accepts leads.
	Accepted string  `yaml:"accepted"`
	Stages   []Stage `yaml:"stages,required"`
	// InitialStatus is the status of a lead that gets an owner; required if
	// there are statuses.
	InitialStatus string            `yaml:"initial_status"`
	Statuses      []Status          `yaml:"statuses"`
	At            leadloop.Position `yaml:"-"`
}

// What a stage can follow.
const (
	FollowsDisqualified = "disqualified" // the loop said a hard no
	FollowsNurture      = "nurture"      // the loop gave the lead to a track
	FollowsRecycle      = "recycle"      // the lead re-enters for a second pass
)

// Stage is one step of a lead's way.
type Stage struct {
	ID string `yaml:"id,required"`
	// Exit must hold to leave the stage and Enter to come into it, all of them,
	// whoever moves the lead.
	Enter []Criterion `yaml:"enter"`
	Exit  []Criterion `yaml:"exit"`
	// To is where a lead can go from here; automatic ones are tried in order.
	To []Transition `yaml:"to"`
	// Reasons are the codes of which a person gives one to move a lead here;
	// none means any code.
	Reasons []string `yaml:"reasons"`
	// Follows brings a lead here as soon as the loop decided so, from whatever
	// stage and without asking criteria: these are facts, not wishes. A person
	// who moves a lead here decides the same for the loop.
	Follows string `yaml:"follows"`
	// Final marks a stage that leads do not leave.
	Final bool              `yaml:"final"`
	At    leadloop.Position `yaml:"-"`
}

// Criterion is a condition with a name that a refusal can tell. It is a CEL
// condition over the schema's fields and [Vars].
type Criterion struct {
	ID   string              `yaml:"id,required"`
	When leadloop.Expression `yaml:"when,required"`
	At   leadloop.Position   `yaml:"-"`
}

// Transition is a way from one stage to another.
type Transition struct {
	Stage string `yaml:"stage,required"`
	// When must hold for this way, besides the criteria of both stages.
	When leadloop.Expression `yaml:"when"`
	// Auto makes the loop move the lead as soon as all criteria hold.
	Auto bool              `yaml:"auto"`
	At   leadloop.Position `yaml:"-"`
}

// Status is what the owner does with a lead. It is apart from the stage.
type Status struct {
	ID string   `yaml:"id,required"`
	To []string `yaml:"to"` // the statuses that can come next
	// Activities are the activity types that show this status: a call shows
	// "contacted".
	Activities []string `yaml:"activities"`
	// Reasons are the codes of which a person gives one to set this status;
	// none means any code.
	Reasons []string          `yaml:"reasons"`
	At      leadloop.Position `yaml:"-"`
}

// Parse reads lifecycle.yaml. The error lists every problem of its form with
// its position ([leadloop.Problems]); whether it makes sense is for [New].
func Parse(file string, data []byte) (Definition, error) {
	var d Definition
	problems := yamldoc.Decode(file, data, &d)
	return d, problems.Err()
}

//go:embed default.yaml
var standard []byte

// Default returns the ready-made definition: inquiry, mql, sal, sql,
// opportunity and customer, with disqualified, nurture and recycled, and the
// statuses new, working, contacted, meeting_booked and unresponsive. Its MQL is
// a score of 50, whatever the tiers are called. The value is the caller's.
func Default() Definition {
	d, err := Parse("lifecycle.yaml (default)", standard)
	if err != nil {
		panic("lifecycle: the built-in definition is broken: " + err.Error())
	}
	return d
}

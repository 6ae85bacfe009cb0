package lifecycle

import (
	_ "embed"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// Definition is the stages and statuses of leads, and what moves them:
// lifecycle.yaml as a value. Ids and reason codes are lower-case letters,
// digits, "_" and "-". The At fields are for error messages and may stay zero.
type Definition struct {
	// Initial is the stage that every lead begins in.
	Initial string `yaml:"initial,required"`
	// Accepted is the stage that an owner's acceptance moves a lead to; empty
	// means that nobody accepts leads.
	Accepted string  `yaml:"accepted"`
	Stages   []Stage `yaml:"stages,required"`
	// InitialStatus is the status of a lead that gets an owner; required if
	// there are statuses.
	InitialStatus string   `yaml:"initial_status"`
	Statuses      []Status `yaml:"statuses"`
	// Qualification are sets of questions that stages can require.
	Qualification []Framework `yaml:"qualification"`
	// Acceptance says what becomes of leads that their owner rejects, or does not
	// answer about.
	Acceptance *Acceptance `yaml:"acceptance"`
	// Conversion says when a lead becomes an opportunity; nil means never.
	Conversion *Conversion `yaml:"conversion"`
	// Signals say which activities are touches, and which answers to them.
	Signals Signals `yaml:"signals"`
	// Clocks are what happens when nothing happens.
	Clocks []Clock           `yaml:"clocks"`
	At     leadloop.Position `yaml:"-"`
}

// What a stage can follow.
const (
	FollowsDisqualified = "disqualified" // a hard no, of the loop or of a person
	FollowsNurture      = "nurture"      // the loop gave the lead to a track
	FollowsRecycle      = "recycle"      // the lead re-enters for a second pass
	FollowsArchived     = "archived"     // nobody works it until it comes back
)

// Stage is one step of a lead's way.
type Stage struct {
	ID string `yaml:"id,required"`
	// Exit must hold to leave the stage and Enter to come into it, all of them,
	// whoever moves the lead.
	Enter []Criterion `yaml:"enter"`
	Exit  []Criterion `yaml:"exit"`
	// Needs are the frameworks whose questions must be answered to come into
	// the stage.
	Needs []string `yaml:"needs"`
	// To is where a lead can go from here; automatic ones are tried in order.
	To []Transition `yaml:"to"`
	// Reasons are the codes of which a person gives one to move a lead here;
	// none means any code.
	Reasons []string `yaml:"reasons"`
	// Follows brings a lead here as soon as it was decided so, from whatever
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

// Who may take a way.
const (
	ByRule    = "rule"    // the loop itself, and clocks
	ByOwner   = "owner"   // the rep who owns the lead
	ByManager = "manager" // whoever manages the owner, at any level
)

// Transition is a way from one stage to another.
type Transition struct {
	Stage string `yaml:"stage,required"`
	// When must hold for this way, besides the criteria of both stages.
	When leadloop.Expression `yaml:"when"`
	// Auto makes the loop move the lead as soon as all criteria hold.
	Auto bool `yaml:"auto"`
	// By is who may take the way: rule, owner, manager. None means any person,
	// and the loop if it is automatic.
	By []string `yaml:"by"`
	// Reasons are the codes of which a person gives one for this way; none means
	// those of the stage that it leads to.
	Reasons []string          `yaml:"reasons"`
	At      leadloop.Position `yaml:"-"`
}

// Status is what the owner does with a lead. It is apart from the stage.
type Status struct {
	ID string `yaml:"id,required"`
	// Action tells the owner what to do with a lead in this status.
	Action string   `yaml:"action"`
	To     []string `yaml:"to"` // the statuses that can come next
	// Activities are the activity types that show this status: a call shows
	// "contacted".
	Activities []string `yaml:"activities"`
	// Reasons are the codes of which a person gives one to set this status;
	// none means any code.
	Reasons []string          `yaml:"reasons"`
	At      leadloop.Position `yaml:"-"`
}

// Acceptance is about leads whose owner has not accepted them: those in a stage
// from which a way leads to [Definition].Accepted.
type Acceptance struct {
	// Reject are the reasons for which an owner can say no.
	Reject []Rejection `yaml:"reject"`
	// NoAnswer are the steps that follow when the owner says neither yes nor no,
	// and does not begin to work the lead either.
	NoAnswer []Unanswered `yaml:"no_answer"`
	// Calendar counts their waits in business time; empty is around the clock.
	Calendar string            `yaml:"calendar"`
	At       leadloop.Position `yaml:"-"`
}

// Rejection is a reason of the owner's no and what becomes of the lead: it is
// routed to somebody else, unless there is something else here.
type Rejection struct {
	Reason string `yaml:"reason,required"`
	// To is the stage that the lead goes to, with the same reason; it stays with
	// its owner as a disqualified or nurtured lead does.
	To string `yaml:"to"`
	// Recycle sends the lead on a second pass.
	Recycle bool              `yaml:"recycle"`
	At      leadloop.Position `yaml:"-"`
}

// Unanswered is one step towards an answer.
type Unanswered struct {
	// After counts from when the owner got the lead.
	After time.Duration `yaml:"after,required"`
	// Notify is who hears: owner, manager, "rep:<id>" or "queue:<id>".
	Notify string `yaml:"notify"`
	// Reroute gives the lead to somebody else.
	Reroute bool              `yaml:"reroute"`
	At      leadloop.Position `yaml:"-"`
}

// Conversion says when a lead becomes a contact at an account, with an
// opportunity.
type Conversion struct {
	// Stage is the stage that a lead is converted in as it comes into it.
	Stage string `yaml:"stage,required"`
	// Won and Lost are the stages of leads whose opportunity is won or lost.
	Won  string            `yaml:"won,required"`
	Lost string            `yaml:"lost,required"`
	At   leadloop.Position `yaml:"-"`
}

// Signals say what activities mean.
type Signals struct {
	// Touches are the types that are a touch when a rep does them: call,
	// email_sent, linkedin_message and meeting if there are none here.
	Touches []string `yaml:"touches"`
	// Answers are the types that answer touches, by whoever recorded them: reply,
	// email_reply, call_connected, meeting_booked and meeting if there are none
	// here.
	Answers []string `yaml:"answers"`
}

// What a clock counts from.
const (
	SinceStage    = "stage"    // the lead came into its stage
	SinceStatus   = "status"   // it got its status
	SinceMoved    = "moved"    // the later of both
	SinceOwner    = "owner"    // it got its owner, as long as that one has not touched it
	SinceTouch    = "touch"    // the latest touch by a rep, as State.LastTouchAt has it
	SinceActivity = "activity" // the latest activity of the clock's types
)

// Clock is a rule about time passing. It runs for leads in its stages and
// statuses, is a task in the store, and is asked once when it runs out; it
// starts anew when what it counts from changes.
type Clock struct {
	ID    string `yaml:"id,required"`
	Since string `yaml:"since,required"`
	// After is how long it runs; 0 runs out at once.
	After time.Duration `yaml:"after"`
	// Calendar counts After in business time; empty is around the clock.
	Calendar string `yaml:"calendar"`
	// Stages and Statuses narrow it down. Without stages it runs in all that
	// are not final and follow nothing.
	Stages   []string `yaml:"stages"`
	Statuses []string `yaml:"statuses"`
	// Activities are the types of a clock since an activity.
	Activities []string `yaml:"activities"`
	// When must hold as it runs out.
	When leadloop.Expression `yaml:"when"`
	Do   Action              `yaml:"do,required"`
	At   leadloop.Position   `yaml:"-"`
}

// Action is what a clock does: at most one of the first five, and with or
// without it a flag and a notification.
type Action struct {
	// Reengage is the cadence that the lead is enrolled in.
	Reengage string `yaml:"reengage"`
	// Disqualify and Archive are reason codes.
	Disqualify string `yaml:"disqualify"`
	Archive    string `yaml:"archive"`
	// Recycle sends the lead on a full second pass.
	Recycle bool `yaml:"recycle"`
	// Reroute gives it to somebody else.
	Reroute bool `yaml:"reroute"`

	// Flag marks the lead as stale, by the clock's id, until it moves.
	Flag bool `yaml:"flag"`
	// Notify is who hears: owner, manager, "rep:<id>" or "queue:<id>".
	Notify string            `yaml:"notify"`
	At     leadloop.Position `yaml:"-"`
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
// opportunity and customer, with disqualified, nurture, archived and recycled;
// the statuses new, working, contacted, meeting_booked and unresponsive; BANT
// before an opportunity; and clocks for what goes stale. Its MQL is a score of
// 50, whatever the tiers are called. The value is the caller's.
func Default() Definition {
	d, err := Parse("lifecycle.yaml (default)", standard)
	if err != nil {
		panic("lifecycle: the built-in definition is broken: " + err.Error())
	}
	return d
}

package leadloop

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// LeadID identifies a lead, or the record that became part of one: ids of
// merged leads stay resolvable.
type LeadID string

// Lead is an unqualified person or company, with everything claimed about it
// and where the loop left it. A *Lead in flight belongs to one goroutine.
type Lead struct {
	ID LeadID
	// Revision is 0 for a lead that was never stored, then counts commits.
	Revision int64
	// ReceivedAt is the arrival of its first submission; speed-to-lead is
	// measured from here.
	ReceivedAt time.Time
	Claims     []Claim
	Activities []Activity
	State      State
	// Identifiers are what later submissions are matched by.
	Identifiers []Identifier
	// MergedInto names the lead this one became part of. Its own claims and
	// state stay as they were, so that un-merge is exact.
	MergedInto LeadID
	// Records are the ids of the leads merged into this one, oldest first.
	Records []LeadID
	// PossibleDuplicates wait for a human to say same or different.
	PossibleDuplicates []LeadID
	// Different are leads that a human said are somebody else, by taking them
	// apart; they are not merged again without a human.
	Different []LeadID
}

// Identifier is a normalised value that can tell records apart or together:
// an e-mail, a phone, a domain, a company key. It is personal data.
type Identifier struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// Compare orders identifiers by kind, then value.
func (i Identifier) Compare(j Identifier) int {
	return cmp.Or(strings.Compare(i.Kind, j.Kind), strings.Compare(i.Value, j.Value))
}

// State is where the loop left a lead: raw signals live in claims and
// activities, the score and the tier are separate, and routing reads the tier.
type State struct {
	Stage       string    `json:"stage,omitempty"` // lifecycle: inquiry, mql, sal, …
	StageSince  time.Time `json:"stage_since,omitzero"`
	Status      string    `json:"status,omitempty"` // what the rep does with it
	StatusSince time.Time `json:"status_since,omitzero"`

	// Disposition is the outcome of the last decision and Reason its reason
	// code; together they say why the lead is where it is.
	Disposition OutcomeKind `json:"disposition,omitempty"`
	Reason      string      `json:"reason,omitempty"`

	Owner      RepID     `json:"owner,omitempty"`
	OwnerSince time.Time `json:"owner_since,omitzero"`
	Queue      string    `json:"queue,omitempty"`
	// QueueSince is when the lead came into Queue: what a timer of an earlier
	// stay in the same queue is told apart by.
	QueueSince time.Time `json:"queue_since,omitzero"`
	// Pool is the rotation pool that was debited for the owner, so that a
	// returned lead can give the debit back; Entry is the chain entry that won.
	Pool  string `json:"pool,omitempty"`
	Entry string `json:"entry,omitempty"`

	Score Score `json:"score,omitzero"`
	SLA   SLA   `json:"sla,omitzero"`

	// FirstTouchAt is the first meaningful activity by the owner since
	// OwnerSince, LastTouchAt the latest by any rep.
	FirstTouchAt time.Time `json:"first_touch_at,omitzero"`
	LastTouchAt  time.Time `json:"last_touch_at,omitzero"`

	Account     AccountID     `json:"account,omitempty"`
	Contact     ContactID     `json:"contact,omitempty"`
	Opportunity OpportunityID `json:"opportunity,omitempty"`

	// Declined are the reps who rejected the lead, or let it lie until it was
	// given to somebody else, since it last entered.
	Declined []RepID `json:"declined,omitempty"`

	// Flag is the rule that found the lead stale, until its stage, status or
	// owner changes.
	Flag string `json:"flag,omitempty"`
	// Cadence is the sequence of messages and calls that the lead is in.
	Cadence Enrolment `json:"cadence,omitzero"`

	// DecidedAt and Playbook say when and by which rules the state was decided.
	DecidedAt time.Time `json:"decided_at,omitzero"`
	Playbook  string    `json:"playbook,omitempty"`
	// Cost is what was spent on providers for this lead, in millionths of the
	// playbook's currency.
	Cost Micros `json:"cost,omitempty"`
}

// Micros is money in millionths of a currency unit.
type Micros int64

// Score is the result of a scoring model as routing and people read it.
type Score struct {
	// Known is false when no rule matched and nothing is known: no score is
	// not a score of 0.
	Known  bool   `json:"known,omitempty"`
	Points Points `json:"points,omitempty"`
	// Low and High bound what the score could still become once the missing
	// inputs are known.
	Low  Points `json:"low,omitempty"`
	High Points `json:"high,omitempty"`
	Tier string `json:"tier,omitempty"`
	// Needs are the missing fields that the score depends on, sorted.
	Needs []string `json:"needs,omitempty"`
	// ValidUntil is the next instant at which the score or tier can change by
	// itself; zero means never.
	ValidUntil time.Time `json:"valid_until,omitzero"`
	// Disqualified is the reason code of a hard no, which wins over any points.
	Disqualified string `json:"disqualified,omitempty"`
	Model        string `json:"model,omitempty"` // name@version:digest
}

// IsZero reports whether nothing was scored yet.
func (s Score) IsZero() bool {
	return !s.Known && s.Points == 0 && s.Low == 0 && s.High == 0 && s.Tier == "" && len(s.Needs) == 0 && s.ValidUntil.IsZero() && s.Disqualified == "" && s.Model == ""
}

// SLA is a running response target.
type SLA struct {
	Policy    string        `json:"policy"`
	Target    time.Duration `json:"target"` // in business time of the owner's calendar
	StartedAt time.Time     `json:"started_at"`
	DueAt     time.Time     `json:"due_at"`
	MetAt     time.Time     `json:"met_at,omitzero"`
	MissedAt  time.Time     `json:"missed_at,omitzero"`
	// Step is the number of escalation steps taken.
	Step int `json:"step,omitempty"`
}

// IsZero reports whether no clock was ever started.
func (s SLA) IsZero() bool { return s == SLA{} }

// Enrolment is a lead's place in a cadence.
type Enrolment struct {
	Cadence string    `json:"cadence"`
	Since   time.Time `json:"since"`
	// Step counts the steps that were done, and DueAt is when the next one is;
	// zero while the cadence is paused.
	Step  int       `json:"step,omitempty"`
	DueAt time.Time `json:"due_at,omitzero"`
	// PausedAt is since when it is paused, and Left how long the wait for the
	// next step still is then.
	PausedAt time.Time     `json:"paused_at,omitzero"`
	Left     time.Duration `json:"left,omitempty"`
}

// IsZero reports whether the lead is in no cadence.
func (e Enrolment) IsZero() bool { return e == Enrolment{} }

// Paused reports whether the cadence waits to be resumed.
func (e Enrolment) Paused() bool { return !e.PausedAt.IsZero() }

// Worked reports whether the owner has begun to work the lead.
func (s State) Worked() bool { return !s.FirstTouchAt.IsZero() }

// Clone returns a deep copy.
func (l *Lead) Clone() *Lead {
	c := *l
	c.Claims = slices.Clone(l.Claims)
	c.Activities = slices.Clone(l.Activities)
	for i := range c.Activities {
		c.Activities[i].Attributes = maps.Clone(c.Activities[i].Attributes)
	}
	c.Identifiers = slices.Clone(l.Identifiers)
	c.Records = slices.Clone(l.Records)
	c.PossibleDuplicates = slices.Clone(l.PossibleDuplicates)
	c.Different = slices.Clone(l.Different)
	c.State.Score.Needs = slices.Clone(l.State.Score.Needs)
	c.State.Declined = slices.Clone(l.State.Declined)
	return &c
}

// Activity is one behaviour with a time: a page view, a demo request, a reply,
// or what a rep did. External signals (job change, funding) are activities too.
type Activity struct {
	// ID makes an activity arrive once, however often it is delivered.
	ID   string    `json:"id"`
	Type string    `json:"type"`
	At   time.Time `json:"at"`
	// Actor is the rep who did it; empty means the lead did.
	Actor RepID `json:"actor,omitempty"`
	// Record is the submission or lead it arrived with.
	Record     LeadID            `json:"record,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Compare orders activities by time, then type, then id.
func (a Activity) Compare(b Activity) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Type, b.Type), strings.Compare(a.ID, b.ID))
}

// UniteActivities returns the union of both sets by id, ordered by time; of
// two activities with one id the one that orders first is kept. It modifies
// neither.
func UniteActivities(a, b []Activity) []Activity {
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(x, y Activity) int {
		return cmp.Or(x.Compare(y), strings.Compare(string(x.Record), string(y.Record)))
	})
	seen := make(map[string]bool, len(all))
	out := all[:0]
	for _, x := range all {
		if x.ID != "" && seen[x.ID] {
			continue
		}
		seen[x.ID] = true
		out = append(out, x)
	}
	return out
}

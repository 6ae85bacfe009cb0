package leadloop

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Trigger says why a lead is decided about.
type Trigger string

// The triggers of a decision.
const (
	TriggerSubmission Trigger = "submission" // it arrived, or arrived again
	TriggerActivity   Trigger = "activity"   // it, or a rep, did something
	TriggerTask       Trigger = "task"       // a timer came due
	TriggerRecycle    Trigger = "recycle"    // it re-enters: a full second pass
)

// Subject is the lead a stage decides about, as the earlier stages of the same
// run left it. A stage reads it and must not modify it.
type Subject struct {
	Lead *Lead
	// Profile is the golden values of Lead.Claims under the loop's policy.
	Profile *Profile
	// AsOf is the moment of the decision: the only clock a stage has.
	AsOf    time.Time
	Trigger Trigger
	// Task is the timer that came due, for TriggerTask.
	Task *Task
	// Previous is the state before this run.
	Previous State
}

// Stage decides one step for one lead.
//
// Decide reads the subject and whatever its constructor was given (a store, a
// provider) and says what it wants written; it writes nothing itself. It is
// called concurrently for different leads, and again for the same lead when a
// commit found a conflict. An error means that the step could not be decided
// and the lead must be tried again later; everything else, such as a provider
// that is down, is part of the outcome and effects.
type Stage interface {
	// Name is how traces and errors call the step, such as "score".
	Name() string
	Decide(ctx context.Context, s Subject) (Outcome, Effects, error)
}

// StageFunc makes a Stage of a function.
func StageFunc(name string, decide func(ctx context.Context, s Subject) (Outcome, Effects, error)) Stage {
	return stageFunc{name, decide}
}

type stageFunc struct {
	name   string
	decide func(context.Context, Subject) (Outcome, Effects, error)
}

func (f stageFunc) Name() string { return f.name }

func (f stageFunc) Decide(ctx context.Context, s Subject) (Outcome, Effects, error) {
	return f.decide(ctx, s)
}

// OutcomeKind says where a decision left a lead.
type OutcomeKind string

// Outcomes. The zero kind means that the stage has nothing to say and the run
// goes on.
const (
	OutcomeAssigned     OutcomeKind = "assigned"     // it has an owner
	OutcomeQueued       OutcomeKind = "queued"       // it waits in a queue with a timer
	OutcomeAlerted      OutcomeKind = "alerted"      // the owner of an open opportunity was told
	OutcomeNurture      OutcomeKind = "nurture"      // a track works it, no rep
	OutcomeSuppressed   OutcomeKind = "suppressed"   // must not be contacted now
	OutcomeDisqualified OutcomeKind = "disqualified" // a hard no
	OutcomeArchived     OutcomeKind = "archived"     // nobody works it until it comes back
)

// Outcome is what a stage decided about the lead as a whole.
type Outcome struct {
	Kind OutcomeKind
	// Reason is a reason code, such as "entry:us-west" or "open_opportunity".
	Reason string
	// Stop ends the run: later stages are not asked, except those that only
	// keep records (see engine).
	Stop bool
}

// Effects is what a stage wants written, as plain data. The loop applies the
// effects of all stages of a run in one transaction.
type Effects struct {
	// Claims are added to the lead.
	Claims []Claim
	// State replaces the lead's state; nil leaves it.
	State *State
	// Identifiers replace the lead's; nil leaves them.
	Identifiers []Identifier
	// MergeInto names the existing lead that this one is the same as. The loop
	// unites both and goes on with the existing one.
	MergeInto LeadID
	// PossibleDuplicates are added to the lead.
	PossibleDuplicates []LeadID
	Events             []Event
	Tasks              []Task
	// CancelTasks are keys of tasks that are no longer wanted.
	CancelTasks []string
	Ledger      []LedgerMove
	Guard       Guard
	// Accounts, Contacts and Opportunities are put into the CRM: what a lead
	// became.
	Accounts      []Account
	Contacts      []Contact
	Opportunities []Opportunity
	// Consents are appended to the consent ledger.
	Consents []ConsentEntry
	// Trace explains the step in the decision record.
	Trace json.RawMessage
}

// Guard is what the decision relied on and what must still hold in the
// commit; otherwise the loop decides anew.
type Guard struct {
	// Identifiers were looked up and matched exactly these Leads.
	Identifiers []Identifier
	Leads       []LeadID
	// Tokens are suppression tokens that were not suppressed. They are copied
	// to the tasks of the run, so that delivery checks them again.
	Tokens []string
}

// Owed is an entitlement in millionths of a lead.
type Owed int64

// OneLead is the entitlement of a whole lead.
const OneLead Owed = 1_000_000

// LedgerMove changes a rotation pool's entitlements when a lead is assigned
// from it or returned to it. Its deltas always sum to 0.
type LedgerMove struct {
	Pool string
	// Revision is the pool's revision that the decision read; another one at
	// the commit is a conflict.
	Revision int64
	Lead     LeadID
	// To is the member who got the lead; empty for a return.
	To RepID
	At time.Time
	// Members are those whose entitlement changes, by id, and Deltas by how
	// much, one for each. Moves of a pool can share Members, which nobody
	// changes.
	Members []RepID
	Deltas  []Owed
}

// Check reports, as [ErrInvalid], a move that no store makes: its deltas don't
// sum to 0, or are not one for each member.
func (m *LedgerMove) Check() error {
	var sum Owed
	for _, d := range m.Deltas {
		sum += d
	}
	switch {
	case len(m.Members) != len(m.Deltas):
		return fmt.Errorf("pool %s: %w: %d members have %d deltas", m.Pool, ErrInvalid, len(m.Members), len(m.Deltas))
	case sum != 0:
		return fmt.Errorf("pool %s: %w: the deltas sum to %d, not 0", m.Pool, ErrInvalid, sum)
	}
	return nil
}

// Step is one stage's part of a decision record.
type Step struct {
	Stage   string          `json:"stage"`
	Outcome OutcomeKind     `json:"outcome,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Trace   json.RawMessage `json:"trace,omitempty"`
}

// Decision is the record of one run over a lead: what was decided, by which
// playbook, from which inputs, as of when, and why. It may hold personal data
// (the inputs that rules read) and is erased with the lead.
type Decision struct {
	Lead     LeadID      `json:"lead"`
	Revision int64       `json:"revision"` // of the lead, after the run
	AsOf     time.Time   `json:"as_of"`
	Trigger  Trigger     `json:"trigger"`
	Playbook string      `json:"playbook"` // digest
	Outcome  OutcomeKind `json:"outcome"`
	Reason   string      `json:"reason,omitempty"`
	Steps    []Step      `json:"steps"`
}

// Submission is one captured payload: what arrived, normalised, with the key
// that makes it arrive once.
type Submission struct {
	// Key is the idempotency key: the same key is the same lead, however often
	// and however concurrently it arrives.
	Key string
	// Source names the form, list or system it came through.
	Source     string
	ReceivedAt time.Time
	Claims     []Claim
	Activities []Activity
}

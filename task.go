package leadloop

import (
	"encoding/json"
	"time"
)

// Task is something to do now or later. Outbox and timers are the same thing.
// A task is written in the transaction that decided it and runs at least once
// with a constant key.
type Task struct {
	// Key is the task's identity: adding a task whose key exists changes
	// nothing.
	Key  string `json:"key"`
	Kind string `json:"kind"`
	Lead LeadID `json:"lead,omitempty"`
	// DueAt is when it may run first.
	DueAt time.Time `json:"due_at"`
	// Outside marks an effect on the outside world (a notification, a CRM
	// write), done by a handler. All other tasks make the loop decide anew
	// about the lead.
	Outside bool `json:"outside,omitempty"`
	// Priority orders tasks that are due, highest first.
	Priority int `json:"priority,omitempty"`
	// Payload is what the handler needs: ids and codes, no personal data.
	Payload json.RawMessage `json:"payload,omitempty"`
	// Tokens are suppression tokens; delivery is dropped if one is suppressed
	// by then.
	Tokens []string `json:"tokens,omitempty"`

	State    TaskState `json:"state"`
	Attempts int       `json:"attempts,omitempty"`
	// Lease counts how often the task was handed out; an acknowledgement with
	// an older lease is refused. LeasedUntil is when it may be handed out again.
	Lease       int64     `json:"lease,omitempty"`
	LeasedUntil time.Time `json:"leased_until,omitzero"`
	// LastError is the reason of the last failure, without personal data.
	LastError string `json:"last_error,omitempty"`
}

// TaskState is where a task stands.
type TaskState string

// The states of a task.
const (
	TaskPending   TaskState = "pending"
	TaskDone      TaskState = "done"
	TaskCancelled TaskState = "cancelled"
	TaskDead      TaskState = "dead" // gave up; the review shows it
)

// The task kinds that the standard stages write. The first group makes the
// loop decide anew, the second waits for a handler of the host.
const (
	TaskProcess  = "process"  // a submitted lead waits for its first decision
	TaskRescore  = "rescore"  // the score's valid-until has come
	TaskRefresh  = "refresh"  // inputs that were undecided may be there now
	TaskEscalate = "escalate" // an SLA, queue or dispute timer
	TaskClock    = "clock"    // a clock of the lifecycle has run out
	TaskCadence  = "cadence"  // the next step of a cadence is due
	TaskRecycle  = "recycle"  // it re-enters: a full second pass

	TaskNotify = "notify"   // tell an owner, manager or queue
	TaskCRM    = "crm_task" // create a follow-up in the CRM
	TaskReview = "review"   // ask a human: possible duplicate, dispute
	TaskStep   = "step"     // do a step of a cadence: write, call, …
)

// DuplicateTask is the key of the task that asks whether two leads are one, in either order: it is asked once.
func DuplicateTask(a, b LeadID) string {
	return "review:duplicate:" + string(min(a, b)) + ":" + string(max(a, b))
}

package leadloop

import "time"

// Event is one entry of the journal. It holds no personal values: ids, field
// names, codes, digests and points only.
type Event struct {
	// Seq is given by the journal, increasing in commit order.
	Seq  int64     `json:"seq,omitempty"`
	Kind EventKind `json:"kind"`
	Lead LeadID    `json:"lead"`
	// At is the moment the event is true for, which may be before it was
	// written.
	At time.Time `json:"at"`
	// Actor is who caused it: a rep id, or "rule:<id>" or "stage:<name>".
	Actor string `json:"actor,omitempty"`
	// Reason is a reason code.
	Reason string `json:"reason,omitempty"`
	// From and To are the state before and after: stages, tiers, owners.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Attrs are further facts, such as source, medium, tier and entry.
	Attrs map[string]string `json:"attrs,omitempty"`
}

// EventKind names what happened.
type EventKind string

// The journal's event kinds.
const (
	EventCaptured       EventKind = "captured"        // a submission became a lead; attrs: via, source, medium, campaign
	EventSubmission     EventKind = "submission"      // a further submission of a lead that exists; attrs as of captured
	EventActivity       EventKind = "activity"        // To: its type
	EventMerged         EventKind = "merged"          // To: the surviving lead; Reason: which match
	EventUnmerged       EventKind = "unmerged"        // To: the restored lead
	EventPossibleMatch  EventKind = "possible_match"  // To: the other lead
	EventDifferent      EventKind = "different"       // To: the lead that a person says it is not
	EventMatchedAccount EventKind = "matched_account" // To: the account
	EventSuppressed     EventKind = "suppressed"
	EventEnriched       EventKind = "enriched" // attrs: provider, fields, cost
	EventProviderFailed EventKind = "provider_failed"
	EventScored         EventKind = "scored"       // attrs: points, low, high, model
	EventTierChanged    EventKind = "tier_changed" // From, To
	EventDisqualified   EventKind = "disqualified"
	EventAssigned       EventKind = "assigned"    // From: previous owner; To: owner; attrs: entry, pool, tier, points, owed; declined: who gave it up
	EventQueued         EventKind = "queued"      // To: queue
	EventAlerted        EventKind = "alerted"     // To: the owner who was told
	EventNurtured       EventKind = "nurtured"    // To: the track
	EventSLAStarted     EventKind = "sla_started" // attrs: policy, target
	EventSLAMet         EventKind = "sla_met"
	EventSLAMissed      EventKind = "sla_missed"
	EventEscalated      EventKind = "escalated"     // To: who hears it; attrs: step
	EventFirstTouch     EventKind = "first_touch"   // Actor: the rep
	EventStageChanged   EventKind = "stage_changed" // From, To, Reason
	EventStatusChanged  EventKind = "status_changed"
	EventStageRefused   EventKind = "stage_refused" // Reason: the criterion that failed
	EventRejected       EventKind = "rejected"      // From: the owner who said no to it; Reason
	EventFlagged        EventKind = "flagged"       // To: the rule that found it; Reason
	EventUnflagged      EventKind = "unflagged"     // From: the rule; what it found has changed
	EventArchived       EventKind = "archived"      // nobody works it any more; Reason
	EventConverted      EventKind = "converted"     // To: the opportunity; attrs: account, contact, amount, source, medium, campaign
	EventWon            EventKind = "won"           // To: the opportunity; attrs: account, contact, owner, amount (in millionths, here and above)
	EventLost           EventKind = "lost"          // To: the opportunity; Reason; attrs as of won

	// The steps of a cadence. To: the cadence; attrs: since (which stay in it).
	EventEnrolled       EventKind = "enrolled"        // attrs: due
	EventCadenceStep    EventKind = "cadence_step"    // attrs: step, number, channel, content, variant, and due of the next
	EventCadencePaused  EventKind = "cadence_paused"  // attrs: left
	EventCadenceResumed EventKind = "cadence_resumed" // attrs: due
	EventCadenceEnded   EventKind = "cadence_ended"   // Reason: finished, or what stopped it

	// EventState closes a commit: what the lead's state became. Attrs: the
	// fields that changed, as JSON, and v, the version. See [Rebuild].
	EventState EventKind = "state"

	EventOptInAsked     EventKind = "opt_in_asked"     // a consent has to be confirmed; To: the lead's source
	EventOptInConfirmed EventKind = "opt_in_confirmed" // Reason: the activity that did

	// EventPlaybook: a version of a playbook came into another state. Lead is
	// "playbook:" and its name, From the version's digest, To the state, Reason a
	// sentence; attrs: name, guards.
	EventPlaybook EventKind = "playbook"
	// EventErased: the lead was erased, To is the erasure's own entry, which
	// says in From and To what became of each target.
	EventErased EventKind = "erased"
	// EventDropped: something arrived about somebody who was erased, and nothing
	// of it is stored.
	EventDropped EventKind = "dropped"
)

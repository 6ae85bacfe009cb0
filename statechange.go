package leadloop

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// JournalVersion is the version of what journal entries say. It grows when an
// entry of an older version would be read wrongly; kinds and attributes that a
// reader does not know are no reason, and are passed over. docs/JOURNAL.md
// lists the kinds.
const JournalVersion = 1

// attrVersion is the attribute of a [EventState] entry that holds the version.
const attrVersion = "v"

// stateField is one field of State by the name that its JSON has.
type stateField struct {
	name  string
	equal func(a, b *State) bool
	text  func(s *State) ([]byte, error)
	set   func(s *State, text []byte) error
}

func fieldOf[T any](name string, at func(s *State) *T, equal func(a, b *T) bool) stateField {
	return stateField{
		name:  name,
		equal: func(a, b *State) bool { return equal(at(a), at(b)) },
		text:  func(s *State) ([]byte, error) { return json.Marshal(at(s)) },
		set: func(s *State, text []byte) error {
			var v T
			if err := json.Unmarshal(text, &v); err != nil {
				return err
			}
			*at(s) = v
			return nil
		},
	}
}

func same[T comparable](a, b *T) bool { return *a == *b }

func sameTime(a, b *time.Time) bool { return a.Equal(*b) }

// stateFields are all of State, in its order.
var stateFields = []stateField{
	fieldOf("stage", func(s *State) *string { return &s.Stage }, same),
	fieldOf("stage_since", func(s *State) *time.Time { return &s.StageSince }, sameTime),
	fieldOf("status", func(s *State) *string { return &s.Status }, same),
	fieldOf("status_since", func(s *State) *time.Time { return &s.StatusSince }, sameTime),
	fieldOf("disposition", func(s *State) *OutcomeKind { return &s.Disposition }, same),
	fieldOf("reason", func(s *State) *string { return &s.Reason }, same),
	fieldOf("owner", func(s *State) *RepID { return &s.Owner }, same),
	fieldOf("owner_since", func(s *State) *time.Time { return &s.OwnerSince }, sameTime),
	fieldOf("queue", func(s *State) *string { return &s.Queue }, same),
	fieldOf("queue_since", func(s *State) *time.Time { return &s.QueueSince }, sameTime),
	fieldOf("pool", func(s *State) *string { return &s.Pool }, same),
	fieldOf("entry", func(s *State) *string { return &s.Entry }, same),
	fieldOf("score", func(s *State) *Score { return &s.Score }, func(a, b *Score) bool {
		return a.Known == b.Known && a.Points == b.Points && a.Low == b.Low && a.High == b.High && a.Tier == b.Tier && slices.Equal(a.Needs, b.Needs) &&
			a.ValidUntil.Equal(b.ValidUntil) && a.Disqualified == b.Disqualified && a.Model == b.Model
	}),
	fieldOf("sla", func(s *State) *SLA { return &s.SLA }, func(a, b *SLA) bool {
		return a.Policy == b.Policy && a.Target == b.Target && a.Step == b.Step && a.StartedAt.Equal(b.StartedAt) && a.DueAt.Equal(b.DueAt) &&
			a.MetAt.Equal(b.MetAt) && a.MissedAt.Equal(b.MissedAt)
	}),
	fieldOf("first_touch_at", func(s *State) *time.Time { return &s.FirstTouchAt }, sameTime),
	fieldOf("last_touch_at", func(s *State) *time.Time { return &s.LastTouchAt }, sameTime),
	fieldOf("account", func(s *State) *AccountID { return &s.Account }, same),
	fieldOf("contact", func(s *State) *ContactID { return &s.Contact }, same),
	fieldOf("opportunity", func(s *State) *OpportunityID { return &s.Opportunity }, same),
	fieldOf("declined", func(s *State) *[]RepID { return &s.Declined }, func(a, b *[]RepID) bool { return slices.Equal(*a, *b) }),
	fieldOf("flag", func(s *State) *string { return &s.Flag }, same),
	fieldOf("cadence", func(s *State) *Enrolment { return &s.Cadence }, func(a, b *Enrolment) bool {
		return a.Cadence == b.Cadence && a.Since.Equal(b.Since) && a.Step == b.Step && a.DueAt.Equal(b.DueAt) && a.PausedAt.Equal(b.PausedAt) && a.Left == b.Left
	}),
	fieldOf("decided_at", func(s *State) *time.Time { return &s.DecidedAt }, sameTime),
	fieldOf("playbook", func(s *State) *string { return &s.Playbook }, same),
	fieldOf("cost", func(s *State) *Micros { return &s.Cost }, same),
}

// StateEvent is the journal entry that says how a lead's state changed: its
// attributes are the fields that did, as JSON. False if none did.
func StateEvent(lead LeadID, at time.Time, before, after State) (Event, bool, error) {
	e := Event{Kind: EventState, Lead: lead, At: at}
	for i := range stateFields {
		f := &stateFields[i]
		if f.equal(&before, &after) {
			continue
		}
		text, err := f.text(&after)
		if err != nil {
			return Event{}, false, fmt.Errorf("lead %s: state: %s: %w", lead, f.name, err)
		}
		if e.Attrs == nil {
			e.Attrs = map[string]string{attrVersion: "1"}
		}
		e.Attrs[f.name] = string(text)
	}
	return e, e.Attrs != nil, nil
}

// Rebuilt is what the journal says of one lead.
type Rebuilt struct {
	State State
	// MergedInto names the lead that it became part of; "" if it is its own.
	MergedInto LeadID
	// Owners, Stages and Statuses are where it was and since when, oldest first.
	Owners   []Stay
	Stages   []Stay
	Statuses []Stay
}

// Stay is how long something held; Until is zero while it does.
type Stay struct {
	Value  string
	Since  time.Time
	Until  time.Time
	Reason string // of the change that began it
	Actor  string
}

// Rebuild reads the state of a lead from its entries in the journal, which must
// be in the order of their Seq. Entries of other leads are passed over, but for
// one that takes this one apart from another. The error wraps ErrInvalid if an
// entry says a state that this version can't read.
func Rebuild(id LeadID, events []Event) (Rebuilt, error) {
	var r Rebuilt
	for i := range events {
		e := &events[i]
		if e.Kind == EventUnmerged && LeadID(e.To) == id {
			r.MergedInto = ""
		}
		if e.Lead != id {
			continue
		}
		switch e.Kind {
		case EventMerged:
			r.MergedInto = LeadID(e.To)
		case EventState:
			if err := r.State.apply(e); err != nil {
				return Rebuilt{}, err
			}
		case EventAssigned:
			stay(&r.Owners, e.To, e)
		case EventQueued, EventNurtured, EventDisqualified, EventSuppressed, EventArchived:
			stay(&r.Owners, "", e)
		case EventStageChanged:
			stay(&r.Stages, e.To, e)
		case EventStatusChanged:
			stay(&r.Statuses, e.To, e)
		}
	}
	return r, nil
}

// stay ends what held and begins what holds from now on.
func stay(list *[]Stay, value string, e *Event) {
	if n := len(*list); n > 0 {
		last := &(*list)[n-1]
		if last.Value == value && last.Until.IsZero() {
			return
		}
		if last.Until.IsZero() {
			last.Until = e.At
		}
	}
	if value != "" {
		*list = append(*list, Stay{Value: value, Since: e.At, Reason: e.Reason, Actor: e.Actor})
	}
}

func (s *State) apply(e *Event) error {
	if e.Attrs[attrVersion] != "1" {
		return fmt.Errorf("%w: journal entry %d: the state is of version %q, this program reads 1", ErrInvalid, e.Seq, e.Attrs[attrVersion])
	}
	for i := range stateFields {
		f := &stateFields[i]
		text, ok := e.Attrs[f.name]
		if !ok {
			continue
		}
		if err := f.set(s, []byte(text)); err != nil {
			return fmt.Errorf("%w: journal entry %d: state: %s can't be read", ErrInvalid, e.Seq, f.name)
		}
	}
	return nil
}

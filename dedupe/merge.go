package dedupe

import (
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
)

// Merger is [Merge] and [Unmerge] as the methods that a loop asks for.
type Merger struct {
	// Policy is the loop's survivorship, which says by what the leads of an
	// un-merge are found again; nil means DefaultPolicy.
	Policy leadloop.SurvivorshipPolicy
}

// Merge calls [Merge].
func (Merger) Merge(into, from *leadloop.Lead) (merged, tombstone *leadloop.Lead, err error) {
	return Merge(into, from)
}

// Unmerge calls [Unmerge].
func (m Merger) Unmerge(merged, tombstone *leadloop.Lead) (into, from *leadloop.Lead, err error) {
	return unmerge(merged, tombstone, m.Policy)
}

// Follows reports whether a record that became part of a lead goes along with restored, which is taken out of it, rather than stay with into: the ladder is
// sure that it is of the same person as restored, and surer than that it is of that of into. So somebody who came again under one address meanwhile has it all.
func (m Merger) Follows(record, restored, into *leadloop.Lead) bool {
	p := PersonOfLead(record, m.Policy)
	theirs := Compare(p, PersonOfLead(restored, m.Policy)).Confidence
	return theirs >= DefaultMatch && theirs > Compare(p, PersonOfLead(into, m.Policy)).Confidence
}

// Survivor returns which of two leads to merge into: the one received first, ties by id. The order of its arguments does not matter.
func Survivor(a, b *leadloop.Lead) (survivor, other *leadloop.Lead) {
	if c := a.ReceivedAt.Compare(b.ReceivedAt); c > 0 || c == 0 && a.ID > b.ID {
		return b, a
	}
	return a, b
}

// Merge makes from a part of into. It modifies neither.
//
// Merged keeps into's id, revision and whole state: its owner, its score, its running SLA clock and its open questions (PossibleDuplicates).
// Claims, activities and identifiers are united, and ReceivedAt is the earlier of both. An activity that both have stands once, as into has
// it. Tombstone is from with MergedInto set and everything else as it was: who wants its owner kept makes it the survivor.
//
// In content the operation is commutative if the survivor is chosen by [Survivor], associative and idempotent: merging a tombstone again into
// the lead it is part of changes nothing. To be able to undo the earlier ReceivedAt, merged carries one claim per record, of a field of its
// own that no profile shows, saying when that record was received. In the same way it keeps what a human said from is different from, see
// [AreDifferent]; whether two leads are is for the caller to ask.
//
// ErrInvalid reports leads that can't be merged: the same one, one that is merged away elsewhere, or a claim or activity of from that comes
// from a record which is neither from nor merged into it, so that un-merge could not send it back.
func Merge(into, from *leadloop.Lead) (merged, tombstone *leadloop.Lead, err error) {
	if err := mergeable(into, from); err != nil {
		return nil, nil, err
	}
	merged, tombstone = ownRecords(into), ownRecords(from)
	if from.MergedInto == into.ID {
		return merged, tombstone, nil
	}
	tombstone.MergedInto = into.ID
	merged.Claims = leadloop.UniteClaims(leadloop.UniteClaims(merged.Claims, tombstone.Claims), append(partings(from), receipt(into), receipt(from)))
	have := map[string]bool{}
	for _, a := range merged.Activities {
		have[a.ID] = a.ID != ""
	}
	more := slices.DeleteFunc(tombstone.Clone().Activities, func(a leadloop.Activity) bool { return have[a.ID] })
	merged.Activities = leadloop.UniteActivities(merged.Activities, more)
	merged.Identifiers = uniteIdentifiers(into.Identifiers, from.Identifiers)
	merged.Records = append(append(merged.Records, from.ID), from.Records...)
	if from.ReceivedAt.Before(merged.ReceivedAt) {
		merged.ReceivedAt = from.ReceivedAt
	}
	return merged, tombstone, nil
}

func mergeable(into, from *leadloop.Lead) error {
	switch {
	case into == nil || from == nil:
		return fmt.Errorf("merge: %w: two leads are needed", leadloop.ErrInvalid)
	case into.ID == from.ID:
		return fmt.Errorf("merge lead %s: %w: into itself", into.ID, leadloop.ErrInvalid)
	case into.MergedInto != "":
		return fmt.Errorf("merge into lead %s: %w: it is part of lead %s", into.ID, leadloop.ErrInvalid, into.MergedInto)
	case from.MergedInto == into.ID && slices.Contains(into.Records, from.ID):
		return nil
	case from.MergedInto != "":
		return fmt.Errorf("merge lead %s: %w: it is part of lead %s", from.ID, leadloop.ErrInvalid, from.MergedInto)
	}
	ours := recordsOf(into)
	theirs := recordsOf(from)
	for id := range theirs {
		if ours[id] {
			return fmt.Errorf("merge lead %s into %s: %w: both hold record %s", from.ID, into.ID, leadloop.ErrInvalid, id)
		}
	}
	for _, c := range from.Claims {
		if c.Record != "" && !theirs[c.Record] {
			return fmt.Errorf("merge lead %s: %w: a claim for %s is from record %s, which is not part of it", from.ID, leadloop.ErrInvalid, c.Field, c.Record)
		}
	}
	for _, a := range from.Activities {
		if a.Record != "" && !theirs[a.Record] {
			return fmt.Errorf("merge lead %s: %w: an activity is from record %s, which is not part of it", from.ID, leadloop.ErrInvalid, a.Record)
		}
	}
	return nil
}

func recordsOf(l *leadloop.Lead) map[leadloop.LeadID]bool {
	set := map[leadloop.LeadID]bool{l.ID: true}
	for _, id := range l.Records {
		set[id] = true
	}
	return set
}

// ownRecords returns a copy in which claims and activities without a record name the lead itself.
func ownRecords(l *leadloop.Lead) *leadloop.Lead {
	c := l.Clone()
	for i := range c.Claims {
		if c.Claims[i].Record == "" {
			c.Claims[i].Record = l.ID
		}
	}
	for i := range c.Activities {
		if c.Activities[i].Record == "" {
			c.Activities[i].Record = l.ID
		}
	}
	return c
}

// received and parted are the fields of the bookkeeping claims of Merge. They are in no schema, so that no profile and no rule sees them.
const (
	received    = "merge.received_at"
	parted      = "merge.different"
	mergeSource = "merge"
)

func isBookkeeping(c leadloop.Claim) bool { return c.Field == received || c.Field == parted }

// receipt says when a record was received, before merges made the lead's ReceivedAt an earlier one. A lead that is merged already has said it.
func receipt(l *leadloop.Lead) leadloop.Claim {
	for _, c := range l.Claims {
		if c.Field == received && c.Record == l.ID {
			return c
		}
	}
	return leadloop.Claim{Field: received, Value: leadloop.ValueOf(l.ReceivedAt), Evidence: leadloop.Evidence{
		Origin: leadloop.OriginDerived, Source: mergeSource, Record: l.ID, ObservedAt: l.ReceivedAt,
	}}
}

// Unmerge undoes the merge of tombstone into merged and modifies neither.
//
// What was claimed or done with a record of the tombstone goes back to it, also what came after the merge; the rest stays, and into keeps the
// state that merged has now. Records and ReceivedAt are what they would be without the tombstone. An identifier that both held stays with both
// if into's remaining claims still say it.
//
// ErrInvalid reports a tombstone that is not merged directly into merged: one that came along with another is taken out of that one first.
func Unmerge(merged, tombstone *leadloop.Lead) (into, from *leadloop.Lead, err error) {
	return unmerge(merged, tombstone, nil)
}

func unmerge(merged, tombstone *leadloop.Lead, policy leadloop.SurvivorshipPolicy) (into, from *leadloop.Lead, err error) {
	switch {
	case merged == nil || tombstone == nil:
		return nil, nil, fmt.Errorf("unmerge: %w: two leads are needed", leadloop.ErrInvalid)
	case tombstone.MergedInto != merged.ID || !slices.Contains(merged.Records, tombstone.ID):
		return nil, nil, fmt.Errorf("unmerge lead %s: %w: it is not merged directly into lead %s", tombstone.ID, leadloop.ErrInvalid, merged.ID)
	}
	theirs := recordsOf(tombstone)
	into, from = ownRecords(merged), ownRecords(tombstone)
	from.MergedInto = ""
	var back []leadloop.Claim
	into.Claims, back = split(into.Claims, func(c leadloop.Claim) bool { return theirs[c.Record] })
	// What it is different from it says itself again.
	back, _ = split(back, func(c leadloop.Claim) bool { return c.Field == parted && c.Record == from.ID })
	from.Claims = leadloop.UniteClaims(from.Claims, back)
	var done []leadloop.Activity
	into.Activities, done = split(into.Activities, func(a leadloop.Activity) bool { return theirs[a.Record] })
	from.Activities = uniteOwn(from.Activities, done)
	into.Records, _ = split(into.Records, func(id leadloop.LeadID) bool { return theirs[id] })
	receive(into)
	receive(from)
	restoreIdentifiers(into, from, len(from.Claims) != len(tombstone.Claims), policy)
	return into, from, nil
}

// split parts a list into what stays and what goes, nil if nothing stays.
func split[T any](all []T, goes func(T) bool) (stay, gone []T) {
	for _, x := range all {
		if goes(x) {
			gone = append(gone, x)
		} else {
			stay = append(stay, x)
		}
	}
	return stay, gone
}

// uniteOwn adds those of more that own does not have.
func uniteOwn(own, more []leadloop.Activity) []leadloop.Activity {
	more, _ = split(more, func(a leadloop.Activity) bool {
		return slices.ContainsFunc(own, func(b leadloop.Activity) bool { return a.ID == b.ID && a.Compare(b) == 0 })
	})
	if len(more) == 0 {
		return own
	}
	return leadloop.UniteActivities(own, more)
}

// receive computes ReceivedAt from the receipts of the records that are left, and takes the bookkeeping off a lead that has no other record.
func receive(l *leadloop.Lead) {
	var first time.Time
	for _, c := range l.Claims {
		if c.Field == received && (first.IsZero() || c.Value.Time().Before(first)) {
			first = c.Value.Time()
		}
	}
	if !first.IsZero() {
		l.ReceivedAt = first
	}
	if len(l.Records) == 0 {
		l.Claims, _ = split(l.Claims, isBookkeeping)
	}
}

// restoreIdentifiers parts the united identifiers: from has its own, or those of its claims if it said more since; into all others and those
// that its claims support.
func restoreIdentifiers(into, from *leadloop.Lead, saidMore bool, policy leadloop.SurvivorshipPolicy) {
	theirs := from.Identifiers
	if saidMore {
		from.Identifiers = LeadIdentifiers(from, policy)
		theirs = uniteIdentifiers(theirs, from.Identifiers)
	}
	supported := LeadIdentifiers(into, policy)
	into.Identifiers, _ = split(into.Identifiers, func(id leadloop.Identifier) bool {
		return slices.Contains(theirs, id) && !slices.Contains(supported, id)
	})
}

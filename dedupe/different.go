package dedupe

import (
	"fmt"
	"slices"

	"github.com/leadloop/leadloop"
)

// AreDifferent reports whether a human said that a and b, or records that became part of them, are not the same. The stages never merge such
// leads, whatever the ladder and the model say, and ask about them no more.
func AreDifferent(a, b *leadloop.Lead) bool {
	return partedFrom(a, b) || partedFrom(b, a)
}

func partedFrom(a, b *leadloop.Lead) bool {
	records := recordsOf(b)
	if slices.ContainsFunc(a.Different, func(id leadloop.LeadID) bool { return records[id] }) {
		return true
	}
	return slices.ContainsFunc(a.Claims, func(c leadloop.Claim) bool { return c.Field == parted && records[leadloop.LeadID(c.Value.Text())] })
}

// partings keep what a lead is different from when it becomes part of another one: one claim each, of the lead's own record.
func partings(l *leadloop.Lead) []leadloop.Claim {
	var out []leadloop.Claim
	for _, id := range l.Different {
		out = append(out, leadloop.Claim{Field: parted, Value: leadloop.ValueOf(string(id)), Evidence: leadloop.Evidence{
			Origin: leadloop.OriginDerived, Source: mergeSource, Record: l.ID, ObservedAt: l.ReceivedAt,
		}})
	}
	return out
}

// Part records that a human looked at two leads and said that they are not the same: they are different from now on and possible duplicates of
// each other no more. It is what a review task that was answered with no leads to, as a loop's Part does; the answer yes is [Merge]. It modifies neither lead. ErrInvalid
// reports a lead and itself, and one that is merged away: take it out with [Unmerge], which the stages take for the same answer once the loop
// has marked both.
func Part(a, b *leadloop.Lead) (*leadloop.Lead, *leadloop.Lead, error) {
	switch {
	case a == nil || b == nil:
		return nil, nil, fmt.Errorf("part: %w: two leads are needed", leadloop.ErrInvalid)
	case a.ID == b.ID:
		return nil, nil, fmt.Errorf("part lead %s: %w: from itself", a.ID, leadloop.ErrInvalid)
	}
	for _, l := range []*leadloop.Lead{a, b} {
		if l.MergedInto != "" {
			return nil, nil, fmt.Errorf("part lead %s: %w: it is part of lead %s", l.ID, leadloop.ErrInvalid, l.MergedInto)
		}
	}
	return partFrom(a, b), partFrom(b, a), nil
}

func partFrom(a, b *leadloop.Lead) *leadloop.Lead {
	c := a.Clone()
	c.Different = append(c.Different, b.ID)
	slices.Sort(c.Different)
	c.Different = slices.Compact(c.Different)
	records := recordsOf(b)
	c.PossibleDuplicates = slices.DeleteFunc(c.PossibleDuplicates, func(id leadloop.LeadID) bool { return records[id] })
	return c
}

package routing

import (
	"context"
	"time"

	"github.com/leadloop/leadloop"
)

// Assignment is where a lead goes.
type Assignment struct {
	// Kind is assigned, queued, nurture or alerted.
	Kind leadloop.OutcomeKind
	// Reason is "entry:<id>"; "wait:<pool>" for a lead that waits for the first
	// member to be there, "claim:<pool>" for one that waits to be claimed,
	// "dispute:<entry>" for one that several could own; or for the final queue
	// why no entry placed the lead. "nobody_eligible": those whom an entry
	// named could not get it. "undecided": an entry could have won, or its
	// territory, if more were known. "no_entry": none was for this lead, or
	// those that were named nobody, such as the owner of an account that has
	// none.
	Reason string
	// Entry is the chain entry that won, empty for the final queue.
	Entry string
	Owner leadloop.RepID // for alerted: who is told
	Queue string
	Track string
	// Pool is the pool that the owner was taken from, or that counts its
	// ownership.
	Pool string
	// WakeAt is when the first member will be there, for a lead that waits.
	WakeAt time.Time
	// Disputed are those who could own the lead, "rep:<id>", "pool:<id>" or
	// "queue:<id>".
	Disputed []string
	// Kept is true if the lead stays with its owner and nothing was booked.
	Kept bool
	// Ledger books the assignment and what was returned, each pool once.
	Ledger []leadloop.LedgerMove
	// Uncredited are the members of Pool who were not credited for this lead,
	// if the pool keeps a ledger: see [Request.Uncredited].
	Uncredited []leadloop.RepID
	// SLA is the clock of an assigned lead, zero if no policy matches.
	SLA   leadloop.SLA
	Trace Trace
}

// Route decides where the lead goes. It reads rd and writes nothing. An error
// is rd's or ctx's, or tells that the profile has another schema.
//
// Entries that a field of the lead rules out cost next to nothing, however
// many there are.
func (r *Router) Route(ctx context.Context, rd Reader, q Request) (Assignment, error) {
	d, err := r.newDecision(ctx, rd, &q)
	if err != nil {
		return Assignment{}, err
	}
	defer d.done()
	var undecided, nobody bool
	left := r.entryIndex.left(d, &d.byEntry)
	for i := d.pass(left, 0); i >= 0; i = d.pass(left, i+1) {
		e := &r.entries[i]
		checked := d.check(ctx, &e.cond)
		if checked.Verdict == VerdictNotMatched {
			d.passed(e.ID, checked.Because)
			continue
		}
		checked.Entry, d.vacant = e.ID, false
		d.trace.Entries = append(d.trace.Entries, checked)
		t := &d.trace.Entries[len(d.trace.Entries)-1]
		if t.Verdict == VerdictMatched {
			a, ok, err := d.place(ctx, e, &e.Target, t)
			if err != nil {
				return Assignment{}, err
			}
			if ok {
				t.Verdict = VerdictWon
				if a.Entry = e.ID; a.Reason == "" {
					a.Reason = e.reason
				}
				return d.finish(ctx, a)
			}
			t.Verdict = VerdictNobody
		}
		if err := ctx.Err(); err != nil {
			return Assignment{}, err
		}
		undecided = undecided || t.Verdict == VerdictUndecided || d.vacant && len(t.Needs) > 0
		nobody = nobody || t.Verdict == VerdictNobody && !d.vacant
	}
	reason := "no_entry"
	switch {
	case nobody:
		reason = "nobody_eligible"
	case undecided:
		reason = "undecided"
	}
	return d.finish(ctx, Assignment{Kind: leadloop.OutcomeQueued, Queue: r.final, Reason: reason})
}

// pass returns the next entry from i on that the lead does not rule out, -1 if
// there is none, and traces those it passes.
func (d *decision) pass(left []uint64, i int) int {
	next := nextBit(left, i)
	end := next
	if end < 0 {
		end = len(d.r.entries)
	}
	for ; i < end && d.brief == nil; i++ {
		if len(d.trace.Passed) == MaxTraced {
			d.trace.More += end - i
			break
		}
		if d.trace.Passed == nil {
			d.trace.Passed = make([]Passed, 0, min(len(d.r.entries), MaxTraced))
		}
		d.passed(d.r.entries[i].ID, d.ruledOut(int32(i)))
	}
	return next
}

// ruledOut names what of an entry that the index left out is not met.
func (d *decision) ruledOut(entry int32) string {
	c := &d.r.entries[entry].cond
	for i := range c.matchers {
		switch m := &c.matchers[i]; {
		case m.kind == matchTerritory:
		// Of postcodes the index knows the order only.
		case m.dim > 0 && m.kind != matchPostcode:
			if f := &d.byEntry.of[m.dim-1]; f.says && !f.has(entry) {
				return m.name
			}
		default:
			if met, known := m.met(d.value(m.field)); known && !met {
				return m.name
			}
		}
	}
	if c.rule >= 0 {
		return "when"
	}
	return ""
}

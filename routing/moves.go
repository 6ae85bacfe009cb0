package routing

import (
	"context"
	"iter"
	"slices"

	"github.com/leadloop/leadloop"
)

// Move is a lead that would go somewhere else.
type Move struct {
	Lead leadloop.LeadID
	// From and To are "rep:<id>", "queue:<id>" or "track:<id>"; From is empty
	// for a lead that nothing has, and the track of a lead that is nurtured is
	// not known.
	From, To string
	// FromEntry and ToEntry are the entries of the chain, empty for the final
	// queue.
	FromEntry, ToEntry string
	// Worked tells that the owner works the lead: it stays.
	Worked bool
}

// Moves are the leads that this router would put somewhere else than where
// they are: what a changed file would do, before it is used. Owners whom the
// same entry gives the lead again are kept. The leads come with what they were
// matched to; the ledgers stay as they are, so that of leads that move into
// one pool each is shown with the member who is next now.
func (r *Router) Moves(ctx context.Context, rd Reader, leads iter.Seq2[Request, error]) iter.Seq2[Move, error] {
	return func(yield func(Move, error) bool) {
		for q, err := range leads {
			var m Move
			moved := false
			if err == nil {
				q.Keep = true
				m, moved, err = r.move(ctx, rd, q)
			}
			if err != nil {
				yield(Move{}, err)
				return
			}
			if moved && !yield(m, nil) {
				return
			}
		}
	}
}

func (r *Router) move(ctx context.Context, rd Reader, q Request) (Move, bool, error) {
	s := &q.Lead.State
	switch s.Disposition {
	case leadloop.OutcomeSuppressed, leadloop.OutcomeDisqualified, leadloop.OutcomeArchived, leadloop.OutcomeAlerted:
		return Move{}, false, nil
	}
	a, err := r.Route(ctx, rd, q)
	if err != nil {
		return Move{}, false, err
	}
	m := Move{Lead: q.Lead.ID, FromEntry: s.Entry, ToEntry: a.Entry, Worked: s.Worked()}
	switch {
	case s.Owner != "":
		m.From = "rep:" + string(s.Owner)
	case s.Queue != "":
		m.From = "queue:" + s.Queue
	case s.Disposition == leadloop.OutcomeNurture:
		m.From = "track:"
	}
	switch a.Kind {
	case leadloop.OutcomeQueued:
		m.To = "queue:" + a.Queue
	case leadloop.OutcomeNurture:
		m.To = "track:" + a.Track
	default:
		m.To = "rep:" + string(a.Owner)
	}
	same := m.From == m.To || m.From == "track:" && a.Kind == leadloop.OutcomeNurture && m.FromEntry == m.ToEntry
	return m, !same, nil
}

// Undecided are the entries that could still get the lead once more of it is
// known, and the SLA policies that could still set its clock, each with the
// fields and variables that it needs; entries after the first that surely
// takes the lead are not asked. Nobody is looked up: pools and owners count as
// having somebody. Nothing that no list names can change the owner or the
// clock. The error is ctx's, or tells that the profile has another schema.
func (r *Router) Undecided(ctx context.Context, q Request) (Trace, error) {
	d, err := r.newDecision(ctx, &Snapshot{}, &q)
	if err != nil {
		return Trace{}, err
	}
	defer d.done()
	left := r.entryIndex.left(d, &d.byEntry)
	for i := nextBit(left, 0); i >= 0; i = nextBit(left, i+1) {
		e := &r.entries[i]
		t := d.check(ctx, &e.cond)
		t.Entry = e.ID
		takes := t.Verdict == VerdictMatched
		if takes {
			takes = d.surely(ctx, e, &t)
			t.Verdict = VerdictWon
		}
		if t.Verdict == VerdictUndecided || len(t.Needs) > 0 {
			d.trace.Entries = append(d.trace.Entries, t)
		}
		if takes {
			break
		}
		if err := ctx.Err(); err != nil {
			return Trace{}, err
		}
	}
	d.policy(ctx)
	d.trace.Policies = slices.DeleteFunc(d.trace.Policies, func(t EntryTrace) bool { return len(t.Needs) == 0 })
	return d.trace, nil
}

// surely reports whether an entry that matches has whom to give the lead to,
// and adds to the trace what could make that somebody else.
func (d *decision) surely(ctx context.Context, e *entry, t *EntryTrace) bool {
	g := &e.Target
	need := func(f leadloop.Field[string], asked bool) {
		if v := d.q.Profile.Value(f.Name()); asked && v.Presence() == leadloop.Absent {
			t.Needs = append(t.Needs, f.Name())
		}
	}
	need(leadloop.Language, g.Speaks)
	need(leadloop.ProductInterest, g.Sells)
	need(leadloop.Timezone, g.ZoneWithin > 0)
	if p := d.r.pool(g.Pool); p != nil && p.score >= 0 {
		for _, name := range d.r.scores.Inputs(p.score).Fields {
			if d.q.Profile.Value(name).Presence() == leadloop.Absent {
				t.Needs = append(t.Needs, name)
			}
		}
	}
	if g.Alert != "" {
		return d.ownerOf(e, g.Alert) != ""
	}
	if len(e.owners) == 0 {
		return true
	}
	if g.OwnerOf == OfTerritory {
		targets, needs := d.ofTerritory(ctx)
		t.Needs = append(t.Needs, needs...)
		return len(targets) > 0
	}
	for _, of := range e.owners {
		if d.ownerOf(e, of) != "" {
			return true
		}
		if of == OfNamedAccount && d.q.Profile.Value(leadloop.Domain.Name()).Presence() == leadloop.Absent {
			t.Needs = append(t.Needs, leadloop.Domain.Name())
		}
	}
	return false
}

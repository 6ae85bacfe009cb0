package routing

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Booking is a lead that a member of a pool got, or whose debit went back.
type Booking struct {
	// Seq is that of the journal entry, At when it happened.
	Seq    int64
	At     time.Time
	Lead   leadloop.LeadID
	Member leadloop.RepID
	// Kind is [BookingGot], [BookingReturned] for a lead that was routed anew,
	// or [BookingCredited] for one that was worth nothing.
	Kind string
	// Reason is the reason code: why the member got it, or why not any more.
	Reason string
	// Owed is what the member was owed when it got the lead, with its credit
	// and before the debit: at most about one lead. It is known while the
	// decision record is there, of leads that the pool's turn gave out.
	Owed  leadloop.Owed
	Known bool
}

// The kinds of bookings.
const (
	BookingGot      = "got"
	BookingReturned = "returned"
	BookingCredited = "credited"
)

// historyScan is how many entries of the journal are read at a time.
const historyScan = 10_000

// History are the bookings of a pool, or of one member of it, oldest first: how
// [Router.Standings] came about. It reads up to 10,000 entries of the journal
// that follow after, and ends with limit bookings at the latest. Next is where
// to go on, and after itself at the end of the journal.
func History(ctx context.Context, tx store.Tx, pool string, member leadloop.RepID, after int64, limit int) (list []Booking, next int64, err error) {
	next = after
	read := 0
	for e, err := range tx.Journal().Since(ctx, after) {
		if err != nil {
			return nil, after, fmt.Errorf("routing: history of pool %s: %w", pool, err)
		}
		if read == historyScan || len(list) >= limit {
			break
		}
		read++
		next = e.Seq
		for _, b := range bookings(&e, pool) {
			if member == "" || b.Member == member {
				list = append(list, b)
			}
		}
	}
	for i := range list {
		if list[i].Kind != BookingGot {
			continue
		}
		if err := list[i].explain(ctx, tx); err != nil {
			return nil, after, fmt.Errorf("routing: history of pool %s: %w", pool, err)
		}
	}
	return list, next, nil
}

// bookings are what an entry of the journal says about a pool: a lead that
// goes from one member to another is two.
func bookings(e *leadloop.Event, pool string) (out []Booking) {
	b := Booking{Seq: e.Seq, At: e.At, Lead: e.Lead, Reason: e.Reason}
	if e.Attrs["returned"] == pool {
		b.Member, b.Kind = leadloop.RepID(e.From), BookingReturned
		out = append(out, b)
	}
	if e.Attrs["pool"] != pool {
		return out
	}
	b.Member = leadloop.RepID(e.To)
	switch {
	case e.Kind == EventCredited:
		b.Kind = BookingCredited
	// That a lead is its owner's again books nothing.
	case e.Kind == leadloop.EventAssigned && (e.From != e.To || e.Attrs["returned"] != ""):
		b.Kind = BookingGot
	default:
		return out
	}
	return append(out, b)
}

// explain reads from the decision what the member was owed.
func (b *Booking) explain(ctx context.Context, tx store.Tx) error {
	records, err := tx.Decisions().ByLead(ctx, b.Lead)
	if err != nil {
		return err
	}
	for _, r := range records {
		if !r.AsOf.Equal(b.At) {
			continue
		}
		for _, step := range r.Steps {
			var t Trace
			if step.Stage != "route" && step.Stage != "reroute" || json.Unmarshal(step.Trace, &t) != nil {
				continue
			}
			for _, e := range t.Entries {
				for _, m := range e.Members {
					if e.Winner == b.Member && m.Member == b.Member {
						b.Owed, b.Known = m.Owed, true
					}
				}
			}
		}
	}
	return nil
}

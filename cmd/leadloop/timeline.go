package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/store"
)

// moment is one thing that happened: a lead arrived, somebody did something, a
// deal was opened or closed. Replaying them in order, with the loop's own
// timers in between, gives every decision the knowledge it would have had.
type moment struct {
	at    time.Time
	order int // deals before arrivals before activities, at one instant
	id    string
	do    func(ctx context.Context) error
}

// activity is a row of the activities file, not yet attached to a lead.
type activity struct {
	leadloop.Activity
	lead leadloop.LeadID
	row  row
}

// ownerActor in an activities file means whoever owns the lead at that moment.
const ownerActor = "owner"

func loadActivities(path string, leadID func(string) leadloop.LeadID) ([]activity, []problem, error) {
	rows, bad, err := readTable(path, "lead", "type", "at")
	if err != nil {
		return nil, nil, err
	}
	var out []activity
	seen := map[string]activity{}
	for _, r := range rows {
		a := activity{lead: leadID(r.get("lead")), row: row{file: r.file, line: r.line}}
		a.ID, a.Type, a.Actor = r.get("id"), r.get("type"), leadloop.RepID(r.get("actor"))
		if a.At, err = leadloop.ParseTime(r.get("at")); err != nil {
			bad = append(bad, r.bad("column at: expected a time such as 2026-11-02T09:30:00Z"))
			continue
		}
		switch {
		case a.Type == "":
			bad = append(bad, r.bad("column type is empty"))
			continue
		case r.get("lead") == "":
			bad = append(bad, r.bad("column lead is empty"))
			continue
		case a.ID == "":
			a.ID = fmt.Sprintf("%s/%s@%d", a.lead, a.Type, a.At.UnixNano())
		}
		if first, twice := seen[a.ID]; !twice {
			seen[a.ID] = a
		} else if first.lead != a.lead || first.Type != a.Type || !first.At.Equal(a.At) {
			bad = append(bad, r.bad("column id: is that of line %d, which says something else", first.row.line))
			continue
		}
		for i, name := range r.header {
			v := r.cells[i]
			if v != "" && !slices.Contains([]string{"lead", "id", "type", "at", "actor"}, name) {
				if a.Attributes == nil {
					a.Attributes = map[string]string{}
				}
				a.Attributes[name] = v
			}
		}
		out = append(out, a)
	}
	return out, bad, nil
}

// replay is the work of a run.
type replay struct {
	loop  *engine.Loop
	store store.Store
	desk  *lifecycle.Lifecycle // nil if leads are only recorded, not decided
	asOf  time.Time

	moments []moment
	counts  counts
	failed  []string // what could not be decided, and why
	changed []changedRow
	// forgotten are the records of people who were erased.
	forgotten map[leadloop.LeadID]bool
}

// changedRow is a row whose id was taken before with another content.
type changedRow struct {
	line   int
	fields []string
}

// counts is what a run did.
type counts struct {
	Submissions    int `json:"submissions"`
	New            int `json:"new"`
	Merged         int `json:"merged_into_existing"`
	Known          int `json:"taken_before"`
	Changed        int `json:"changed_since_taken"`
	Forgotten      int `json:"not_stored_as_erased,omitempty"`
	Repeated       int `json:"repeated_rows"`
	ActivitiesWith int `json:"activities_with_arrival"`
	Activities     int `json:"activities"`
	ActivitiesOld  int `json:"activities_taken_before"`
	NoOwner        int `json:"activities_without_owner"`
	LaterThanAsOf  int `json:"later_than_as_of"`
	Timers         int `json:"timers"`
	Opportunities  int `json:"opportunity_changes"`
	RejectedRows   int `json:"rejected_rows"`
	SideFileIssues int `json:"side_file_problems"`
}

// changed reports whether the run wrote anything.
func (c counts) changed() bool { return c.New+c.Merged+c.Activities+c.Timers+c.Opportunities > 0 }

func (r *replay) addSubmission(s leadloop.Submission, line int) {
	r.moments = append(r.moments, moment{s.ReceivedAt, 1, s.Key, func(ctx context.Context) error {
		res, err := r.loop.Process(ctx, s, s.ReceivedAt)
		if err != nil {
			return err
		}
		r.counts.Submissions++
		switch {
		case res.Known:
			r.counts.Known++
			return r.again(ctx, s, res, line)
		case res.Lead.Revision == 0:
			r.counts.Forgotten++
			if r.forgotten == nil {
				r.forgotten = map[leadloop.LeadID]bool{}
			}
			r.forgotten[res.Record] = true
			return nil
		case res.Lead.ID != res.Record:
			r.counts.Merged++
		default:
			r.counts.New++
		}
		r.counts.ActivitiesWith += len(s.Activities)
		return nil
	}})
}

// again compares a row that was taken before with what was taken, and adds
// earlier activities that were not known then.
func (r *replay) again(ctx context.Context, s leadloop.Submission, res engine.Result, line int) error {
	taken := slices.DeleteFunc(slices.Clone(res.Lead.Claims), func(c leadloop.Claim) bool { return c.Record != res.Record || c.Source != s.Source })
	if fields := unlike(taken, s.Claims); len(taken) > 0 && len(fields) > 0 {
		r.counts.Changed++
		r.changed = append(r.changed, changedRow{line, fields})
	}
	if len(s.Activities) == 0 {
		return nil
	}
	before := len(res.Lead.Activities)
	res, err := r.loop.Observe(ctx, res.Record, s.ReceivedAt, s.Activities...)
	if err == nil {
		added := len(res.Lead.Activities) - before
		r.counts.Activities += added
		r.counts.ActivitiesOld += len(s.Activities) - added
	}
	return err
}

func (r *replay) addActivity(a activity) {
	r.moments = append(r.moments, moment{a.At, 2, a.ID, func(ctx context.Context) error {
		if r.forgotten[a.lead] {
			return nil
		}
		if a.Actor == ownerActor {
			owner, known, err := r.owner(ctx, a)
			if err != nil {
				return err
			}
			if known {
				r.counts.ActivitiesOld++
				return nil
			}
			if owner == "" {
				r.counts.NoOwner++
				return nil
			}
			a.Actor = owner
		}
		res, err := r.loop.Observe(ctx, a.lead, a.At, a.Activity)
		if err != nil {
			return err
		}
		if res.Known {
			r.counts.ActivitiesOld++
		} else {
			r.counts.Activities++
		}
		return nil
	}})
}

// owner is who owned the lead when the activity happened; known reports that
// the lead has the activity, whoever owns it by now.
func (r *replay) owner(ctx context.Context, a activity) (owner leadloop.RepID, known bool, err error) {
	err = r.store.View(ctx, func(tx store.Tx) error {
		lead, err := store.Resolve(ctx, tx.Leads(), a.lead)
		if err != nil {
			return err
		}
		known = slices.ContainsFunc(lead.Activities, func(have leadloop.Activity) bool { return have.ID == a.ID })
		// Who owns it today may not have owned it then: a second run must see
		// the same.
		if !lead.State.OwnerSince.After(a.At) {
			owner = lead.State.Owner
		}
		return nil
	})
	return owner, known, err
}

// addOpportunity replays a deal's opening and closing, unless the store has
// it as it is at the end already.
func (r *replay) addOpportunity(o leadloop.Opportunity, have map[leadloop.OpportunityID]leadloop.Opportunity) {
	final, ever := stateAt(o, r.asOf)
	if !ever || same(have[o.ID], final) {
		return
	}
	for _, at := range []time.Time{o.CreatedAt, o.ClosedAt} {
		if at.IsZero() || at.After(r.asOf) {
			continue
		}
		now, _ := stateAt(o, at)
		r.moments = append(r.moments, moment{at, 0, string(o.ID), func(ctx context.Context) error {
			r.counts.Opportunities++
			err := r.store.Update(ctx, func(tx store.Tx) error { return tx.CRM().PutOpportunity(ctx, now) })
			if err != nil || now.Lead == "" || r.desk == nil {
				return err
			}
			// The lead that it came from is converted, whoever made it in the CRM.
			_, err = r.loop.Do(ctx, now.Lead, at, r.desk.Follow("rule:crm"))
			if errors.Is(err, leadloop.ErrNotFound) {
				return nil // of a lead that was never ours, or had not come yet
			}
			return err
		}})
	}
}

// run works the moments in order; step is called after each.
func (r *replay) run(ctx context.Context, step func()) error {
	slices.SortStableFunc(r.moments, func(a, b moment) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.order, b.order), strings.Compare(a.id, b.id))
	})
	for _, m := range r.moments {
		if m.at.After(r.asOf) {
			r.counts.LaterThanAsOf++
			step()
			continue
		}
		if err := r.advance(ctx, m.at); err != nil {
			return err
		}
		// One lead that can't be decided must not hold up the others; a store
		// that is gone holds up all.
		if err := m.do(ctx); ctx.Err() != nil {
			return ctx.Err()
		} else if errors.Is(err, leadloop.ErrUnavailable) {
			return err
		} else if err != nil {
			r.failed = append(r.failed, fmt.Sprintf("%s: %v", m.at.Format(time.RFC3339), err))
		}
		step()
	}
	return r.advance(ctx, r.asOf)
}

func (r *replay) advance(ctx context.Context, until time.Time) error {
	n, err := r.loop.Advance(ctx, until)
	r.counts.Timers += n
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("timers up to %s: %w", until.Format(time.RFC3339), err)
	}
	return err
}

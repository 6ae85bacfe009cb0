package routing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// why says why a rep can't get a lead; the zero why is that nothing keeps it
// from it. It is written out only where it is read.
type why struct {
	text  string
	until time.Time
	n, of int
}

func (w why) ok() bool { return w.text == "" }

// ends reports whether it is a cap that ends with time, or that only the
// program knows of: nobody tells when.
func (w why) ends() bool { return w.of > 0 && w.text != "open" }

func (w why) in(zone *time.Location) string {
	switch {
	case w.of > 0:
		return fmt.Sprintf("is at capacity: %d/%d %s", w.n, w.of, w.text)
	case !w.until.IsZero():
		return w.text + " until " + w.until.In(zone).Format("2006-01-02 15:04")
	}
	return w.text
}

// away returns until when a rep is absent at t, or will be within the buffer
// of a pool.
func away(r *rep, crm *leadloop.Rep, t time.Time, buffer time.Duration) (until time.Time, away bool) {
	soon := t.Add(buffer)
	for i := range r.Away {
		if a := &r.Away[i]; !soon.Before(a.From) && t.Before(a.Until) {
			return a.Until, true
		}
	}
	if crm != nil {
		for i := range crm.Away {
			if a := &crm.Away[i]; !soon.Before(a.From) && t.Before(a.Until) {
				return a.Until, true
			}
		}
	}
	return time.Time{}, false
}

// absent says why a rep can't get any lead now from a pool, nil being none.
// Those who come back are told apart: a lead can wait for them.
func (d *decision) absent(r *rep, crm *leadloop.Rep, p *pool) (w why, comesBack bool) {
	if len(d.q.Exclude) > 0 && slices.Contains(d.q.Exclude, r.ID) {
		return why{text: "is excluded"}, false
	}
	if crm != nil && crm.Inactive {
		return why{text: "is inactive"}, false
	}
	var buffer time.Duration
	if p != nil {
		buffer = p.Buffer
	}
	if until, gone := away(r, crm, d.q.AsOf, buffer); gone {
		return why{text: "is away", until: until}, true
	}
	if p != nil && p.Present && r.hasHours {
		if hours := r.hours.at(r.zone); !hours.Open(d.q.AsOf) {
			return why{text: "is off", until: hours.NextOpen(d.q.AsOf)}, true
		}
	}
	return why{}, false
}

// back returns when a rep who is away or off will be there.
func (d *decision) back(r *rep, crm *leadloop.Rep, p *pool) time.Time {
	t := d.q.AsOf
	// Every round ends an absence or finds an opening after one.
	for range len(r.Away) + absences(crm) + 2 {
		until, gone := away(r, crm, t, p.Buffer)
		if gone {
			t = until
		}
		if p.Present && r.hasHours {
			if open := r.hours.at(r.zone).NextOpen(t); open.After(t) {
				t, gone = open, true
			}
		}
		if !gone {
			break
		}
	}
	return t
}

// full says why a rep is at capacity.
func (d *decision) full(ctx context.Context, r *rep) (why, error) {
	if r.MaxOpen|r.MaxDay|r.MaxWeek|r.MaxMonth != 0 {
		w, err := d.workload(ctx, r.ID)
		if err != nil {
			return why{}, err
		}
		if f := capped(w, r.MaxOpen, r.MaxDay, r.MaxWeek); !f.ok() {
			return f, nil
		}
	}
	if r.MaxMonth > 0 {
		n, err := d.month(ctx, r.ID)
		if err != nil || n >= r.MaxMonth {
			return why{text: "in 30 days", n: n, of: r.MaxMonth}, err
		}
	}
	if d.r.busy == nil || r.MaxTasks|r.MaxSequences == 0 {
		return why{}, nil
	}
	b, err := d.r.busy(ctx, r.ID, d.q.AsOf)
	switch {
	case err != nil:
		return why{}, fmt.Errorf("routing: what %s has to do: %w", r.ID, err)
	case r.MaxTasks > 0 && b.Tasks >= r.MaxTasks:
		return why{text: "tasks", n: b.Tasks, of: r.MaxTasks}, nil
	case r.MaxSequences > 0 && b.Sequences >= r.MaxSequences:
		return why{text: "sequences", n: b.Sequences, of: r.MaxSequences}, nil
	}
	return why{}, nil
}

func capped(w store.Workload, open, day, week int) why {
	switch {
	case open > 0 && w.Open >= open:
		return why{text: "open", n: w.Open, of: open}
	case day > 0 && w.Day >= day:
		return why{text: "in 24 hours", n: w.Day, of: day}
	case week > 0 && w.Week >= week:
		return why{text: "in 7 days", n: w.Week, of: week}
	}
	return why{}
}

// poolFull says why the members of a pool have enough together.
func (d *decision) poolFull(ctx context.Context, p *pool) (why, error) {
	if p.MaxOpen|p.MaxDay|p.MaxWeek|p.MaxMonth == 0 {
		return why{}, nil
	}
	var sum store.Workload
	month := 0
	for _, at := range p.members {
		id := d.r.reps[at].ID
		w, err := d.workload(ctx, id)
		if err != nil {
			return why{}, err
		}
		sum.Open, sum.Day, sum.Week = sum.Open+w.Open, sum.Day+w.Day, sum.Week+w.Week
		if p.MaxMonth > 0 {
			n, err := d.month(ctx, id)
			if err != nil {
				return why{}, err
			}
			month += n
		}
	}
	if f := capped(sum, p.MaxOpen, p.MaxDay, p.MaxWeek); !f.ok() {
		return f, nil
	}
	if p.MaxMonth > 0 && month >= p.MaxMonth {
		return why{text: "in 30 days", n: month, of: p.MaxMonth}, nil
	}
	return why{}, nil
}

const day = 24 * time.Hour

// workload leaves out the lead that is being routed: whoever has it already
// does not get one more.
func (d *decision) workload(ctx context.Context, id leadloop.RepID) (store.Workload, error) {
	w, err := d.rd.Workload(ctx, id, d.q.AsOf)
	if err != nil {
		return w, fmt.Errorf("routing: workload of %s: %w", id, err)
	}
	if s := &d.q.Lead.State; d.q.Lead.Revision > 0 && s.Owner == id {
		if s.Disposition == leadloop.OutcomeAssigned {
			w.Open = max(0, w.Open-1)
		}
		age := d.q.AsOf.Sub(s.OwnerSince)
		if age >= 0 && age < day {
			w.Day = max(0, w.Day-1)
		}
		if age >= 0 && age < 7*day {
			w.Week = max(0, w.Week-1)
		}
	}
	return w, nil
}

// month counts the leads of the last 30 days: four weeks and two days, which
// is how far back the reader can be asked.
func (d *decision) month(ctx context.Context, id leadloop.RepID) (int, error) {
	n := 0
	for _, part := range []struct{ days, ago int }{{7, 0}, {7, 7}, {7, 14}, {7, 21}, {1, 28}, {1, 29}} {
		w, err := d.rd.Workload(ctx, id, d.q.AsOf.Add(-time.Duration(part.ago)*day))
		if err != nil {
			return 0, fmt.Errorf("routing: workload of %s: %w", id, err)
		}
		if part.days == 7 {
			n += w.Week
		} else {
			n += w.Day
		}
	}
	if s := &d.q.Lead.State; d.q.Lead.Revision > 0 && s.Owner == id {
		if age := d.q.AsOf.Sub(s.OwnerSince); age >= 0 && age < 30*day {
			n = max(0, n-1)
		}
	}
	return n, nil
}

// weightAt is a rep's share at a moment.
func (r *rep) weightAt(t time.Time) int {
	if r.Ramp == nil || !t.Before(r.Ramp.Until) {
		return r.weight
	}
	start := int64(r.Ramp.Start)
	if start == 0 {
		start = 50
	}
	// In hours, so that the product fits.
	whole, done := int64(r.Ramp.Until.Sub(r.Ramp.From)/time.Hour), int64(t.Sub(r.Ramp.From)/time.Hour)
	whole, done = max(whole, 1), max(done, 0)
	percent := start*whole + (100-start)*done
	return int(max(1, int64(r.weight)*percent/(100*whole)))
}

// lacks says what a lead needs that the member has not.
func (d *decision) lacks(r *rep, g *Target) why {
	for _, s := range g.Skills {
		if !slices.Contains(r.Skills, s) {
			return why{text: "lacks the skill " + s}
		}
	}
	if len(g.Seniority) > 0 && !slices.Contains(g.Seniority, r.Seniority) {
		return why{text: "has another seniority"}
	}
	if g.Speaks {
		lang, p := leadloop.Language.Get(d.q.Profile)
		speaks := func(l string) bool { return strings.EqualFold(primary(l), primary(lang)) }
		if p == leadloop.Present && !slices.ContainsFunc(r.Languages, speaks) {
			return why{text: "does not speak the lead's language"}
		}
	}
	if g.Sells {
		product, p := leadloop.ProductInterest.Get(d.q.Profile)
		if p == leadloop.Present && !slices.Contains(r.Products, product) {
			return why{text: "does not sell the lead's product"}
		}
	}
	if g.ZoneWithin > 0 {
		if d.apart(r.zone) > g.ZoneWithin {
			return why{text: "is too many time zones away"}
		}
	}
	return why{}
}

// apart is how far a zone's clock is from the lead's at the moment, the short
// way round the globe. While the lead's zone is not known, or this machine does
// not know it, that is nothing.
func (d *decision) apart(zone *time.Location) time.Duration {
	if d.leadZone == nil {
		d.leadZone = &zoneOffset{}
		if name, p := leadloop.Timezone.Get(d.q.Profile); p == leadloop.Present && name != "" && name != "Local" {
			if z, err := time.LoadLocation(name); err == nil {
				_, d.leadZone.seconds = d.q.AsOf.In(z).Zone()
				d.leadZone.known = true
			}
		}
	}
	if !d.leadZone.known {
		return 0
	}
	_, here := d.q.AsOf.In(zone).Zone()
	diff := time.Duration(max(here-d.leadZone.seconds, d.leadZone.seconds-here)) * time.Second
	return min(diff, max(diff-day, day-diff))
}

// zoneOffset is a clock's distance from UTC.
type zoneOffset struct {
	known   bool
	seconds int
}

// primary returns the language of a BCP 47 tag without script and region.
func primary(tag string) string {
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		return tag[:i]
	}
	return tag
}

func absences(crm *leadloop.Rep) int {
	if crm == nil {
		return 0
	}
	return len(crm.Away)
}

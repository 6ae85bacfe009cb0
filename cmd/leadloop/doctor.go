package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

type doctorCmd struct {
	stored
	AsOf    string        `placeholder:"TIME" help:"The moment to judge by. Default: now. A store filled from a file lives in the file's time."`
	Overdue time.Duration `default:"5m" help:"From when on a task that is due and not done is a finding."`
	JSON    bool          `help:"Print the findings as JSON."`
}

// finding is something that is not as it should be, and what to do about it.
type finding struct {
	What string `json:"what"`
	N    int    `json:"n"`
	Do   string `json:"do"`
	// Examples are ids, at most three.
	Examples []string `json:"examples,omitempty"`
}

// diagnosis is the health of a store.
type diagnosis struct {
	Store      string            `json:"store"`
	AsOf       time.Time         `json:"as_of"`
	Lacks      []string          `json:"lacks,omitempty"` // capabilities
	Leads      int               `json:"leads"`
	MergedAway int               `json:"merged_away"`
	Journal    int64             `json:"journal_entries"`
	LastEvent  time.Time         `json:"last_event,omitzero"`
	Tasks      []store.TaskCount `json:"tasks"`
	Findings   []finding         `json:"findings"`
}

// Run exits with 3 if there is something to do.
func (c *doctorCmd) Run(ctx context.Context, s streams) error {
	asOf := time.Now()
	if c.AsOf != "" {
		var err error
		if asOf, err = leadloop.ParseTime(c.AsOf); err != nil {
			return &exitError{exitUsage, fmt.Errorf("--as-of: %w", err)}
		}
	}
	st, err := c.Store.asItIs(ctx)
	if err != nil {
		return err
	}
	d, err := c.examine(ctx, st, asOf, s)
	if err = errors.Join(err, st.Close()); err != nil {
		return err
	}
	if c.JSON {
		err = writeJSON(s.out, d)
	} else {
		_, err = io.WriteString(s.out, d.text())
	}
	if err == nil && len(d.Findings) > 0 {
		return &exitError{exitRejects, nil}
	}
	return err
}

func (c *doctorCmd) examine(ctx context.Context, st store.Store, asOf time.Time, s streams) (*diagnosis, error) {
	d := &diagnosis{Store: c.Store.String(), AsOf: asOf.UTC(), Lacks: lacks(st.Capabilities()), Findings: []finding{}}
	damaged := false
	if checker, ok := st.(interface {
		Check(ctx context.Context) error
	}); ok {
		if err := checker.Check(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			damaged = true
			d.Findings = append(d.Findings, finding{What: "the database is damaged: " + err.Error(), N: 1, Do: "stop writing to it and restore the latest backup"})
		}
	}
	err := c.read(ctx, st, d, s)
	if damaged && err != nil && ctx.Err() == nil {
		d.Findings = append(d.Findings, finding{What: "not everything could be read, so there may be more than is counted here: " + err.Error(), N: 1, Do: "examine the backup too before you rely on it"})
		err = nil
	}
	return d, err
}

// read looks at everything in the store.
func (c *doctorCmd) read(ctx context.Context, st store.Store, d *diagnosis, s streams) error {
	if err := d.clock(ctx, st); err != nil {
		return err
	}
	began := time.Now()
	if err := st.View(ctx, func(tx store.Tx) error {
		var err error
		if d.Tasks, err = tx.Tasks().Count(ctx); err != nil {
			return err
		}
		if err := d.tasks(ctx, tx, c.Overdue, &pulse{s: s, said: began}); err != nil {
			return err
		}
		pools, err := d.leads(ctx, tx, &pulse{s: s, said: began})
		if err != nil {
			return err
		}
		return d.ledgers(ctx, tx, pools)
	}); err != nil {
		return err
	}
	return d.journal(ctx, st, &pulse{s: s, said: began})
}

// clockOff is how far a machine's clock may be from the database's.
const clockOff = 2 * time.Second

// clock compares this machine's clock with the store's.
func (d *diagnosis) clock(ctx context.Context, st store.Store) error {
	shared, ok := st.(store.Clock)
	if !ok {
		return nil
	}
	before := time.Now()
	at, err := shared.Now(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	way := "ahead of"
	off := before.Sub(at)
	if off < 0 {
		way, off = "behind", max(0, at.Sub(now)) // the answer was on its way meanwhile
	}
	if off > clockOff {
		d.Findings = append(d.Findings, finding{
			What: fmt.Sprintf("this machine's clock is %s %s the database's", off.Round(time.Second), way), N: 1,
			Do: "set it by a time server: Loop.Run goes by the database's clock, arrivals and decisions that are made at once by the machine's",
		})
	}
	return nil
}

func lacks(c store.Capabilities) (missing []string) {
	for _, x := range []struct {
		name string
		has  bool
	}{{"transactions", c.Transactions}, {"revisions", c.Revisions}, {"durability", c.Durable}} {
		if !x.has {
			missing = append(missing, x.name)
		}
	}
	return missing
}

// gather collects findings of one kind.
type gather map[string]*finding

func (g gather) add(what, do, id string) {
	f := g[what]
	if f == nil {
		f = &finding{What: what, Do: do}
		g[what] = f
	}
	f.N++
	if len(f.Examples) < 3 {
		f.Examples = append(f.Examples, id)
	}
}

func (d *diagnosis) take(g gather) {
	for _, what := range slices.Sorted(maps.Keys(g)) {
		d.Findings = append(d.Findings, *g[what])
	}
}

// heldLong is for how long no worker means to hold a task.
const heldLong = time.Hour

// tasks looks for dead letters, and for tasks that fail or that nobody works.
func (d *diagnosis) tasks(ctx context.Context, tx store.Tx, overdue time.Duration, p *pulse) error {
	g := gather{}
	for _, state := range []leadloop.TaskState{leadloop.TaskDead, leadloop.TaskPending} {
		if !slices.ContainsFunc(d.Tasks, func(c store.TaskCount) bool { return c.State == state }) {
			continue
		}
		for t, err := range tx.Tasks().ByState(ctx, state) {
			if err != nil {
				return err
			}
			d.task(g, t, overdue)
			p.beat("task")
		}
	}
	d.take(g)
	return nil
}

func (d *diagnosis) task(g gather, t leadloop.Task, overdue time.Duration) {
	late := d.AsOf.Sub(t.DueAt) > overdue
	switch {
	case t.State == leadloop.TaskDead:
		g.add(fmt.Sprintf("dead letters of kind %s, the latest error: %s", t.Kind, complaint(t)),
			"mend the cause; then have the effect done by hand, or add the task anew under another key", t.Key)
	case t.LeasedUntil.Sub(d.AsOf) > heldLong:
		g.add(fmt.Sprintf("tasks of kind %s are held by a worker for more than an hour to come", t.Kind),
			"nobody else gets them until then: correct the clock of the machine that took them, or its engine.Options.Hold", t.Key)
	case late && t.LeasedUntil.After(d.AsOf):
		// Somebody is at it.
	case t.LastError != "" && t.Attempts > 1:
		g.add(fmt.Sprintf("tasks of kind %s fail and are tried again, the latest error: %s", t.Kind, complaint(t)),
			"mend the cause before they are dead letters (engine.Options.MaxAttempts)", t.Key)
	case late && t.Outside:
		g.add("outside tasks of kind "+t.Kind+" are due and not delivered",
			"give the loop a handler for the kind (engine.Options.Handlers), and see that some process calls Loop.Run", t.Key)
	case late:
		g.add("timers of kind "+t.Kind+" are due and not decided",
			"see that some process calls Loop.Run, and that its clock is right; a backlog drains by urgency", t.Key)
	}
}

// complaint is a task's error without the ids that make each one its own.
func complaint(t leadloop.Task) string {
	text := cmp.Or(t.LastError, "none given")
	for _, id := range []string{t.Key, string(t.Lead)} {
		if id != "" {
			text = strings.ReplaceAll(text, id, "…")
		}
	}
	return text
}

// pulse says every two seconds how far it is.
type pulse struct {
	s    streams
	n    int
	said time.Time
}

func (p *pulse) beat(thing string) {
	if p.n++; p.n%1000 == 0 && time.Since(p.said) > 2*time.Second {
		p.s.say("%s looked at", plural(p.n, thing))
		p.said = time.Now()
	}
}

// leads looks at where each lead is. It returns the pools they name.
func (d *diagnosis) leads(ctx context.Context, tx store.Tx, p *pulse) (map[string]bool, error) {
	reps, err := tx.CRM().Reps(ctx)
	if err != nil {
		return nil, err
	}
	inactive := map[leadloop.RepID]bool{}
	for _, r := range reps {
		inactive[r.ID] = r.Inactive
	}
	pools, g := map[string]bool{}, gather{}
	for after := leadloop.LeadID(""); ; {
		page, err := tx.Leads().List(ctx, after, 500)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			p.beat("lead")
			after = l.ID
			if l.MergedInto != "" {
				d.MergedAway++
				continue
			}
			d.Leads++
			pools[l.State.Pool] = true
			if err := d.lead(ctx, tx, g, l, inactive); err != nil {
				return nil, err
			}
		}
	}
	delete(pools, "")
	d.take(g)
	return pools, nil
}

// queuedLong is how long a lead may wait in a queue: no promise of an answer is
// longer than a day.
const queuedLong = 24 * time.Hour

func (d *diagnosis) lead(ctx context.Context, tx store.Tx, g gather, l *leadloop.Lead, inactive map[leadloop.RepID]bool) error {
	st := l.State
	id := string(l.ID)
	if l.ReceivedAt.Sub(d.AsOf) > clockOff {
		g.add("leads arrived later than the moment that is judged by",
			"correct the clock of the machine that took them, which is ahead; or give a later --as-of", id)
	}
	switch {
	case st.Disposition == "":
		// A submission that waits has a task, which is looked at above.
		if _, err := tx.Tasks().Get(ctx, "process:"+id); errors.Is(err, leadloop.ErrNotFound) {
			g.add("leads are stored, not decided, and no task will", "give them a second pass (Loop.Recycle)", id)
		} else if err != nil {
			return err
		}
	case st.Disposition == leadloop.OutcomeAssigned && st.Owner == "":
		g.add("leads are assigned to nobody", "give them a second pass (Loop.Recycle)", id)
	case st.Disposition == leadloop.OutcomeQueued && st.Queue == "":
		g.add("leads are queued nowhere", "give them a second pass (Loop.Recycle)", id)
	case st.Disposition != leadloop.OutcomeAssigned && st.Owner == "" && st.Queue == "" && st.Reason == "":
		g.add("leads have neither an owner, a queue nor a reason", "give them a second pass (Loop.Recycle)", id)
	case st.Disposition == leadloop.OutcomeQueued && d.AsOf.Sub(st.QueueSince) > queuedLong:
		g.add("leads have waited in queue "+st.Queue+" for more than a day",
			"\"leadloop explain LEAD\" says who was full or away; raise their caps, or have somebody empty the queue", id)
	case st.Disposition == leadloop.OutcomeAssigned && inactive[st.Owner]:
		g.add("leads are owned by somebody who is not active any more", "route the leads of who left anew (see docs/ROUTING.md)", id)
	}
	return nil
}

// ledgers checks that no pool owes more than it is owed.
func (d *diagnosis) ledgers(ctx context.Context, tx store.Tx, pools map[string]bool) error {
	g := gather{}
	for _, pool := range slices.Sorted(maps.Keys(pools)) {
		r, err := tx.Rotations().Get(ctx, pool)
		if err != nil {
			return err
		}
		var sum leadloop.Owed
		for _, b := range r.Balances {
			sum += b.Owed
		}
		if sum != 0 {
			g.add("ledgers of pools do not sum to 0", "something else wrote to the store: restore a backup, or reset the pool's balances", pool)
		}
	}
	d.take(g)
	return nil
}

// journal reads the journal to its end.
func (d *diagnosis) journal(ctx context.Context, st store.Store, p *pulse) error {
	return st.View(ctx, func(tx store.Tx) error {
		d.Journal = 0
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			d.Journal++
			p.beat("event")
			if e.At.After(d.LastEvent) {
				d.LastEvent = e.At
			}
		}
		return nil
	})
}

// asleep is for how long nothing happens in the store of a loop that runs.
const asleep = 4 * 24 * time.Hour

func (d *diagnosis) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s as of %s: %s, %s merged away, %s in the journal", d.Store, d.AsOf.Format("2006-01-02 15:04 MST"), plural(d.Leads, "lead"), thousands(int64(d.MergedAway)), thousands(d.Journal))
	if !d.LastEvent.IsZero() {
		fmt.Fprintf(&b, ", the latest of %s", d.LastEvent.Format("2006-01-02 15:04"))
	}
	b.WriteString(".\n")
	if len(d.Lacks) > 0 {
		fmt.Fprintf(&b, "The store lacks %s: docs/GUARANTEES.md says what is lost.\n", strings.Join(d.Lacks, ", "))
	}
	if len(d.Tasks) > 0 {
		t := newTable(&b, "Tasks")
		t.AppendHeader(table.Row{"kind", "state", "tasks", "earliest"})
		for _, c := range d.Tasks {
			t.AppendRow(table.Row{c.Kind, c.State, thousands(int64(c.N)), c.Due.Format("2006-01-02 15:04")})
		}
		t.Render()
		b.WriteByte('\n')
	}
	if len(d.Findings) == 0 {
		b.WriteString("\nNothing to do: every lead has an owner, a queue, a track or a reason, no task is dead or overdue, every ledger sums to 0.\n")
		return b.String()
	}
	fmt.Fprintf(&b, "\n%s to look at:\n", plural(len(d.Findings), "thing"))
	if !d.LastEvent.IsZero() && d.AsOf.Sub(d.LastEvent) > asleep {
		fmt.Fprintf(&b, "Nothing has happened here for %d days: if the leads came from a file, judge by its time, --as-of %s.\n",
			int(d.AsOf.Sub(d.LastEvent).Hours()/24), d.LastEvent.Truncate(time.Second).Format(time.RFC3339))
	}
	for i, f := range d.Findings {
		fmt.Fprintf(&b, "%2d. %s: %s", i+1, f.What, thousands(int64(f.N)))
		if len(f.Examples) > 0 {
			fmt.Fprintf(&b, " (%s", strings.Join(f.Examples, ", "))
			if f.N > len(f.Examples) {
				b.WriteString(", …")
			}
			b.WriteByte(')')
		}
		fmt.Fprintf(&b, "\n    → %s\n", f.Do)
	}
	return b.String()
}

package routing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

const (
	// TaskDrain is the kind of the outside task that has queues drained; its
	// handler calls [Router.DrainStore] as of the task's DueAt.
	TaskDrain = "drain"
	// TaskWaiting is the kind of the tasks that nobody runs: one for each lead
	// that waits for somebody to have room, by tier, then age.
	TaskWaiting = "waiting"
)

const (
	// drainEvery is how often queues are drained at most.
	drainEvery = 10 * time.Second
	// drainLimit is how many leads that wait a drain looks at. If there are
	// more, those that nobody can take now are passed over for drainHold, so
	// that those behind them have their turn.
	drainLimit = 200
	drainHold  = 10 * time.Minute
	// drainAgain is how soon caps that end with time are looked at again.
	drainAgain = time.Hour
)

// waits puts the lead on the list of those that wait, if somebody could have
// had it who was away or full.
func (n *run) waits(a Assignment) {
	if !a.couldHave() {
		return
	}
	due := n.s.Lead.ReceivedAt
	if due.IsZero() || due.After(n.s.AsOf) {
		due = n.s.AsOf
	}
	tier := n.state.Score.Tier
	priority := 1
	if i := slices.Index(n.r.tiers, tier); i >= 0 {
		priority = 1 + len(n.r.tiers) - i
	}
	n.effects.Tasks = append(n.effects.Tasks, leadloop.Task{
		Key: waitingKey(n.s.Lead.ID, &n.state) + tier, Kind: TaskWaiting, Lead: n.s.Lead.ID,
		DueAt: due, Priority: priority, State: leadloop.TaskPending,
	})
	n.drain()
}

// couldHave reports whether a lead that waits has somebody who could have it and
// was away or full: it is tried again when that changes.
func (a *Assignment) couldHave() bool {
	if a.Kind != leadloop.OutcomeQueued || len(a.Disputed) > 0 || strings.HasPrefix(a.Reason, "claim:") {
		return false
	}
	return strings.HasPrefix(a.Reason, reasonWait) || slices.ContainsFunc(a.Trace.Entries, func(t EntryTrace) bool { return t.Verdict == VerdictNobody && t.named() })
}

// waitingKey names the stay in a queue; the tier follows.
func waitingKey(id leadloop.LeadID, s *leadloop.State) string {
	return strings.Join([]string{TaskWaiting, string(id), s.Queue, stamp(s.QueueSince), ""}, ":")
}

// waitsNoMore takes the lead off the list, under whatever tier it was there.
func (n *run) waitsNoMore(from *leadloop.State) {
	if n.brief {
		return
	}
	key := waitingKey(n.s.Lead.ID, from)
	for _, tier := range append(n.r.tiers[:len(n.r.tiers):len(n.r.tiers)], "") {
		n.effects.CancelTasks = append(n.effects.CancelTasks, key+tier)
	}
}

// drain has the queues drained soon: what frees up until then is one task.
func (n *run) drain() {
	n.effects.Tasks = append(n.effects.Tasks, drainAt(n.s.AsOf))
}

func drainAt(t time.Time) leadloop.Task {
	due := t.Truncate(drainEvery).Add(drainEvery)
	return leadloop.Task{
		Key: TaskDrain + ":" + stamp(due), Kind: TaskDrain, DueAt: due, Outside: true, State: leadloop.TaskPending,
		Tokens: []string{}, // it is not about a person
	}
}

// drainLock is the ledger without members whose revision keeps two that drain
// from reading the list at the same time: each would see a part of it, and
// take that for all that waits.
const drainLock = "#drain"

// lockTries is how often one that drains begins anew because another was
// faster; every time one of them is done.
const lockTries = 50

// DrainStore places leads that wait, because somebody has room or came back:
// it adds the tasks that make the loop decide about them and returns how many
// there are. It reads the waiting leads of the best tiers, then the oldest, 200
// at most, and works out who could take which with what each has then, so that
// no lead is decided about for which there is nobody. Where something waits on,
// it sees to it that queues are drained again when the next member comes back.
// Any number may drain at once, in any number of processes.
//
// Workers may decide about the leads in any order. Where places are scarce, so
// that a lead could lose its only one to a lead that has others to go to, it
// takes those that compete for the same places, and the rest ten seconds later.
//
// The standard loop of a playbook calls it by itself, see [TaskDrain]. The
// policy is the loop's. What the CRM says anew, such as a rep who is active
// again, nobody tells the loop: call it then.
func (r *Router) DrainStore(ctx context.Context, st store.Store, policy leadloop.SurvivorshipPolicy, asOf time.Time) (int, error) {
	n, err := r.drainStore(ctx, st, policy, asOf)
	for range lockTries {
		if !errors.Is(err, leadloop.ErrConflict) {
			break
		}
		n, err = r.drainStore(ctx, st, policy, asOf)
	}
	if err != nil {
		return 0, fmt.Errorf("routing: drain: %w", err)
	}
	return n, nil
}

func (r *Router) drainStore(ctx context.Context, st store.Store, policy leadloop.SurvivorshipPolicy, asOf time.Time) (int, error) {
	var (
		there  presence
		listed []leadloop.Task
	)
	err := st.Update(ctx, func(tx store.Tx) error {
		lock, err := tx.Rotations().Get(ctx, drainLock)
		if err == nil {
			err = tx.Rotations().Move(ctx, leadloop.LedgerMove{Pool: drainLock, Revision: lock.Revision, At: asOf})
		}
		if err != nil {
			return err
		}
		if there, err = r.presence(ctx, FromStore(tx), asOf); err != nil {
			return err
		}
		limit := drainLimit
		if !there.room {
			limit = 1 // is there somebody to come back for?
		}
		listed, err = tx.Tasks().Lease(ctx, asOf, 0, limit, TaskWaiting)
		if err == nil && len(listed) == drainLimit {
			listed, err = tx.Tasks().Lease(ctx, asOf, drainHold, limit, TaskWaiting)
		}
		return err
	})
	if err != nil || len(listed) == 0 {
		return 0, err
	}
	p := placing{r: r, policy: policy, asOf: asOf}
	scarce := false
	if there.room {
		err = st.View(ctx, func(tx store.Tx) error {
			p.placed, p.gone = nil, nil
			if err := p.place(ctx, tx, listed); err != nil {
				return err
			}
			scarce, err = p.scarce(ctx)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	var tasks []leadloop.Task
	later := 0
	for _, x := range p.placed {
		if scarce && x.rivals != p.placed[0].rivals {
			later++
			continue
		}
		tasks = append(tasks, x.task)
	}
	placed := len(tasks)
	switch {
	case len(listed) == drainLimit || later > 0:
		tasks = append(tasks, drainAt(asOf))
	case placed+len(p.gone) < len(listed) && !there.next.IsZero():
		tasks = append(tasks, drainAt(there.next))
	}
	return placed, st.Update(ctx, func(tx store.Tx) error {
		if err := tx.Tasks().Cancel(ctx, p.gone...); err != nil {
			return err
		}
		return tx.Tasks().Add(ctx, tasks...)
	})
}

// presence is whether anybody could get a lead, and when the next will who
// can't.
type presence struct {
	room bool
	next time.Time
}

func (r *Router) presence(ctx context.Context, rd Reader, asOf time.Time) (presence, error) {
	var p presence
	q := Request{Lead: &leadloop.Lead{}, Profile: r.schema.NewProfile(), AsOf: asOf}
	d, err := r.newDecision(ctx, rd, &q)
	if err != nil {
		return p, err
	}
	back := func(t time.Time) {
		if t.After(asOf) && (p.next.IsZero() || t.Before(p.next)) {
			p.next = t
		}
	}
	for i := range r.reps {
		x := &r.reps[i]
		crm := d.crmRep(x.ID)
		// Whether a pool asks for its members to be there is asked when a lead
		// is placed; that they come back is of interest either way.
		if x.hasHours && !x.hours.at(x.zone).Open(asOf) {
			back(d.back(x, crm, &pool{Pool: Pool{Present: true}}))
		}
		w, comesBack := d.absent(x, crm, nil)
		if comesBack {
			back(d.back(x, crm, &pool{}))
		}
		if !w.ok() {
			continue
		}
		if w, err = d.full(ctx, x); err != nil {
			return p, err
		}
		switch {
		case w.ok():
			p.room = true
		case w.ends():
			back(asOf.Add(drainAgain))
		}
	}
	return p, nil
}

// placing is a drain that works out who takes what.
type placing struct {
	r      *Router
	policy leadloop.SurvivorshipPolicy
	asOf   time.Time
	rd     *overlay
	placed []placement
	gone   []string // tasks of leads that wait no more
}

// placement is a lead for which there is a place.
type placement struct {
	task leadloop.Task
	// rivals is the same for leads that the same members may have, so that it
	// makes no difference which of them is decided about first.
	rivals string
	pool   string
}

func (p *placing) place(ctx context.Context, tx store.Tx, listed []leadloop.Task) error {
	rd := &overlay{Reader: FromStore(tx), asOf: p.asOf, got: map[leadloop.RepID]int{}}
	p.rd = rd
	for i := range listed {
		task := &listed[i]
		lead, err := tx.Leads().Get(ctx, task.Lead)
		if err != nil && !errors.Is(err, leadloop.ErrNotFound) {
			return err
		}
		if err != nil || !isWaiting(lead, task) {
			p.gone = append(p.gone, task.Key)
			continue
		}
		if task.Key != waitingKey(lead.ID, &lead.State)+lead.State.Score.Tier {
			continue // it waits with another tier, and may have this one again
		}
		profile := leadloop.Golden(p.r.schema, p.policy, lead.Claims)
		profile.SetActivities(lead.Activities)
		run := run{r: p.r, rd: rd, tx: tx, state: lead.State, s: leadloop.Subject{Lead: lead, Profile: profile, AsOf: p.asOf, Trigger: leadloop.TriggerTask}}
		if err := run.match(ctx, tx.CRM()); err != nil {
			return err
		}
		a, err := p.r.Route(ctx, rd, run.q)
		if err != nil {
			return err
		}
		if a.Kind != leadloop.OutcomeAssigned {
			continue
		}
		rd.give(a)
		p.placed = append(p.placed, placement{
			task:   drainTimer(lead.ID, lead.State.Queue, lead.State.QueueSince, p.asOf, task.Priority),
			rivals: p.r.rivals(&a, profile), pool: a.Pool,
		})
	}
	return nil
}

// rivals names those who may have a lead as far as its entry goes.
func (r *Router) rivals(a *Assignment, p *leadloop.Profile) string {
	parts := []string{a.Entry, a.Pool}
	if a.Pool == "" {
		parts = append(parts, string(a.Owner))
	}
	if i := slices.IndexFunc(r.entries, func(e entry) bool { return e.ID == a.Entry }); i >= 0 {
		for _, asked := range []struct {
			of    bool
			field leadloop.Field[string]
		}{{r.entries[i].Target.Speaks, leadloop.Language}, {r.entries[i].Target.Sells, leadloop.ProductInterest}, {r.entries[i].Target.ZoneWithin > 0, leadloop.Timezone}} {
			if asked.of {
				v, _ := asked.field.Get(p)
				parts = append(parts, v)
			}
		}
	}
	return strings.Join(parts, "\x00")
}

// scarce reports whether what was placed fills somebody up, or could fill a
// pool: then it matters who comes first.
func (p *placing) scarce(ctx context.Context) (bool, error) {
	q := Request{Lead: &leadloop.Lead{}, Profile: p.r.schema.NewProfile(), AsOf: p.asOf}
	d, err := p.r.newDecision(ctx, p.rd, &q)
	if err != nil {
		return false, err
	}
	for id := range p.rd.got {
		x, ok := d.rep(id)
		if !ok {
			continue
		}
		if w, err := d.full(ctx, x); err != nil || !w.ok() {
			return true, err
		}
	}
	return slices.ContainsFunc(p.placed, func(x placement) bool {
		pool := p.r.pool(x.pool)
		return pool != nil && pool.MaxOpen|pool.MaxDay|pool.MaxWeek|pool.MaxMonth != 0
	}), nil
}

// isWaiting reports whether the lead still waits where the task says.
func isWaiting(l *leadloop.Lead, task *leadloop.Task) bool {
	s := &l.State
	return s.Disposition == leadloop.OutcomeQueued && l.MergedInto == "" && strings.HasPrefix(task.Key, waitingKey(l.ID, s))
}

// overlay reads what there will be once the leads that were given out before
// are assigned.
type overlay struct {
	Reader
	asOf  time.Time
	loads map[loadAt]store.Workload
	got   map[leadloop.RepID]int
	given Snapshot
}

type loadAt struct {
	id   leadloop.RepID
	nano int64
}

func (o *overlay) Workload(ctx context.Context, id leadloop.RepID, asOf time.Time) (store.Workload, error) {
	at := loadAt{id, asOf.UnixNano()}
	w, ok := o.loads[at]
	if !ok {
		var err error
		if w, err = o.Reader.Workload(ctx, id, asOf); err != nil {
			return w, err
		}
		if o.loads == nil {
			o.loads = map[loadAt]store.Workload{}
		}
		o.loads[at] = w
	}
	if n := o.got[id]; asOf.Equal(o.asOf) {
		w.Open, w.Day, w.Week = w.Open+n, w.Day+n, w.Week+n
	}
	return w, nil
}

func (o *overlay) Rotation(ctx context.Context, pool string) (store.Rotation, error) {
	if r, ok := o.given.Rotations[pool]; ok {
		return r, nil
	}
	r, err := o.Reader.Rotation(ctx, pool)
	if err == nil {
		if o.given.Rotations == nil {
			o.given.Rotations = map[string]store.Rotation{}
		}
		o.given.Rotations[pool] = r
	}
	return r, err
}

func (o *overlay) give(a Assignment) {
	o.got[a.Owner]++
	o.given.Apply(a.Ledger...)
}
